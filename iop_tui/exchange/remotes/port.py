"""What a carrier must be able to do. It may lose, cut, repeat, reorder and forge; it need not lock or compare."""

from __future__ import annotations

from typing import Protocol

from iop_tui.kernel.errors import MediumUnusable, Refused


class CarrierGone(MediumUnusable):
    """The carrier is not there (any more): pulled, unmounted, unreachable."""

    code = "carrier_gone"
    default_hint = "Bring it back and exchange again; what was sent is kept, the rest follows."


class OtherProgram(Refused):
    """The carrier holds the exchange of another program."""

    code = "other_program"
    default_hint = "Choose an empty folder, or the one your program uses."


class Remote(Protocol):
    """A carrier. Names are those of PROTOCOL.md; `put` replaces and returns only when the bytes are safe."""

    def listing(self) -> dict[str, int]:
        """Names of packs and their sizes in bytes. Raises `CarrierGone`, `MediumUnusable`."""
        ...

    def get(self, name: str) -> bytes | None:
        """The bytes behind a name, or None where there are none now."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Store bytes under a name and read them back. Raises `MediumUnusable`, `DiskFull`, `CarrierGone`."""
        ...

    def want(self, name: str) -> None:
        """Leave a note that a pack here is damaged: whoever has it brings it again."""
        ...

    def wants(self) -> set[str]:
        """Packs that somebody found damaged here."""
        ...

    def granted(self, name: str) -> None:
        """Take such a note away, after the pack was brought again."""
        ...

    def heads(self) -> list[str]:
        """Names of heads."""
        ...

    def close(self) -> None:
        """Finish: a file is written, a connection ends."""
        ...
