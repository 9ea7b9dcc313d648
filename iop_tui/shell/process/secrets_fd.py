"""Secrets from a file descriptor (`--secrets-fd N`): JSON lines, read as they are needed.

Arguments and the environment are visible to others and kept by shells; a descriptor is not.
"""

from __future__ import annotations

import json
import os
from collections import deque

from iop_tui.kernel.errors import Usage

KEYS = ("passphrase", "totp", "new_passphrase", "kit", "shares", "recipient_passphrase", "words",
        "carrier_key", "carrier_secret")  # fmt: skip
_LINE_LIMIT = 65536


class SecretsChannel:
    """The descriptor and what was read ahead from it. Values are buffers that the caller wipes."""

    def __init__(self, fd: int) -> None:
        """Raises `Usage` when the descriptor is not open, or is a terminal (which would echo)."""
        try:
            os.fstat(fd)
        except OSError:
            raise Usage(f"File descriptor {fd} of --secrets-fd is not open.", _HINT) from None
        if os.isatty(fd):
            raise Usage("--secrets-fd must not be a terminal: it would show what is typed.", _HINT)
        os.set_inheritable(fd, False)
        self._fd = fd
        self._ahead: dict[str, deque[list[bytearray]]] = {key: deque() for key in KEYS}
        self._rest = bytearray()

    def take(self, key: str) -> bytearray:
        """The next value for `key`. Raises `Usage` when the lines end without one."""
        values = self.take_all(key)
        if len(values) != 1:
            raise Usage(f"The secret `{key}` must be one text.", _HINT)
        return values[0]

    def take_text(self, key: str) -> str:
        """As `take`, for values that are no lasting secret: one-time codes."""
        return self.take(key).decode()

    def take_all(self, key: str) -> list[bytearray]:
        """The next value for `key` as a list: `shares` may be given as one JSON list."""
        while not self._ahead[key]:
            self._read_line(key)
        return self._ahead[key].popleft()

    def first(self, *keys: str) -> str:
        """Which of these keys comes first; reads up to it. Raises `Usage` when none comes."""
        while not any(self._ahead[key] for key in keys):
            self._read_line(" or ".join(keys))
        return next(key for key in keys if self._ahead[key])

    def has(self, key: str) -> bool:
        """Whether a value for `key` comes at all; reads up to it."""
        try:
            while not self._ahead[key]:
                self._read_line(key)
        except Usage:
            return False
        return True

    def _read_line(self, wanted: str) -> None:
        line = self._line()
        if line is None:
            raise Usage(f"The secrets of --secrets-fd end without `{wanted}`.", _HINT)
        if not line.strip():
            return
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        finally:
            line[:] = bytes(len(line))
        if not isinstance(found, dict):
            raise Usage("A line of --secrets-fd is not a JSON object.", _HINT)
        for key, value in found.items():
            self._keep(key, value)

    def _keep(self, key: str, value: object) -> None:
        if key not in KEYS:
            raise Usage("A line of --secrets-fd has a key that is not known.", _HINT)
        values = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
        if not values or len(values) != (len(value) if isinstance(value, list) else 1):
            raise Usage(f"The secret `{key}` must be a text.", _HINT)
        try:
            self._ahead[key].append([bytearray(each.encode()) for each in values])
        except UnicodeEncodeError:  # half of a surrogate pair, as \ud800: JSON can say it, no text can
            raise Usage(f"The secret `{key}` must be a text.", _HINT) from None

    def _line(self) -> bytearray | None:
        """The next line without its end, or None after the last."""
        while (end := self._rest.find(b"\n")) < 0:
            if len(self._rest) > _LINE_LIMIT:
                raise Usage("A line of --secrets-fd is too long.", _HINT)
            more = os.read(self._fd, 4096)
            if not more:
                line, self._rest = self._rest, bytearray()
                return line or None
            self._rest += more
        line = self._rest[:end]
        self._rest = self._rest[end + 1 :]
        return line


_HINT = f"Give JSON lines with the keys {', '.join(KEYS)}."
