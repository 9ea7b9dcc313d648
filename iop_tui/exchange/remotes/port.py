"""What a carrier must be able to do. It may lose, cut, repeat, reorder and forge; it need not lock or compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from iop_tui.kernel.errors import MediumUnusable, Refused


class CarrierGone(MediumUnusable):
    """The carrier is not there (any more): pulled, unmounted, unreachable."""

    code = "carrier_gone"
    default_hint = "Bring it back and exchange again; what was sent is kept, the rest follows."


class Cut(CarrierGone):
    """The connection ended inside an answer. `data` is what came of it: `get(name, start)` may go on behind it."""

    code = "carrier_cut"

    def __init__(self, message: str, hint: str = "", *, data: bytes = b"") -> None:
        super().__init__(message, hint)
        self.data = data


class OtherProgram(Refused):
    """The carrier holds the exchange of another program."""

    code = "other_program"
    default_hint = "Choose an empty folder, or the one your program uses."


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a carrier was seen to do; nothing is assumed of one that was not tried.

    `ranges`: `get(name, start)` moves only the bytes from `start` on. `unchanged`: `look(name, tag)` moves no bytes
    where they are still those of the tag. `lists`: what was put is listed. `proves`: what `put` is answered proves that
    the bytes arrived whole, so they need not be read back. `remote`: bytes cross a network. `brief`: `tags` of a folder
    costs less than `look` at each name in it. `swaps`: it can do what `Swapping` says.
    """

    ranges: bool = False
    unchanged: bool = False
    lists: bool = False
    proves: bool = False
    remote: bool = False
    brief: bool = False
    swaps: bool = False


LOCAL = Capabilities(ranges=True, lists=True)


@dataclass(frozen=True, slots=True)
class Look:
    """What is behind a name: `data` is None where it is still what `tag` stands for. A tag is empty where the carrier
    gives none; it says what probably changed and proves nothing.
    """

    data: bytes | None
    tag: str = ""


BOARD = "board"


def changes(name: str) -> bool:
    """Whether the bytes behind a name may change: heads and the board. Everything else is written once."""
    return name.startswith("h/") or name == BOARD


@runtime_checkable
class Swapping(Protocol):
    """A carrier that replaces bytes only where nobody was first. A saving where it works; nothing depends on it."""

    def swap(self, name: str, data: bytes, tag: str) -> str | None:
        """Store bytes where those there still have `tag` (empty: where there are none); their new tag, or None where
        somebody else was first.
        """
        ...


class Remote(Protocol):
    """A carrier. Names are those of PROTOCOL.md; `put` replaces and returns only when the bytes are safe.

    Every method raises `CarrierGone`, `MediumUnusable` or `DiskFull`; what was complete before stays so.
    """

    def capabilities(self) -> Capabilities:
        """What it was seen to do. Moves nothing."""
        ...

    def listing(self) -> dict[str, int]:
        """Names of packs and their sizes in bytes."""
        ...

    def names(self, folder: str, suffix: str = "") -> list[str]:
        """Names directly in a folder (`e`, `b/4k`) that end in a suffix, sorted."""
        ...

    def get(self, name: str, start: int = 0) -> bytes | None:
        """The bytes behind a name from `start` on, or None where there are none now. Raises `Cut` with what came."""
        ...

    def look(self, name: str, tag: str = "") -> Look | None:
        """The bytes behind a short name and their tag, or None; no bytes where they are still those of `tag`."""
        ...

    def size(self, name: str) -> int | None:
        """How many bytes are behind a name, or None where there are none now."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Store bytes under a name and see that they arrived whole."""
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

    def tags(self, folder: str) -> dict[str, str]:
        """Names directly in a folder and the tag of each: one request tells which of them changed."""
        ...

    def close(self) -> None:
        """Finish: a file is written, a connection ends."""
        ...
