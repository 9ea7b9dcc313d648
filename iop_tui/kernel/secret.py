"""Secrets that never print: the value leaves only through `reveal`, which is easy to find in review."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """Key material held in a mutable buffer, printed as `<redacted>`, never pickled or compared.

    `wipe` overwrites this buffer. Copies that libraries made are out of reach: ending the
    process is what clears memory, and the lock does that.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes | bytearray) -> None:
        self._value = bytearray(value)

    def reveal(self) -> bytes:
        """The bytes themselves."""
        return bytes(self._value)

    def buffer(self) -> bytearray:
        """The buffer itself, for callers that must not copy."""
        return self._value

    def wipe(self) -> None:
        """Overwrite the buffer with zeros."""
        self._value[:] = bytes(len(self._value))

    def __len__(self) -> int:
        return len(self._value)

    def __repr__(self) -> str:
        return "<redacted>"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        raise TypeError("secrets are not compared with ==; use hmac.compare_digest on revealed bytes")

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("secrets are not pickled")
