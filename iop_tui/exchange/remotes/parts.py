"""An object too large for a link, in parts: each small enough to arrive between two drops.

    x/<h>-<i>      part i (4 hex digits): bytes of the object and 16 bytes of their SHA-256; h ends the object's name
    its own name   64 bytes in its place: "CWXP" | u32 size of the object | u32 size of a part | zeros

The parts come first, so who finds the 64 bytes finds them all, unless the carrier lost one. The whole is checked by the
hash in the object's name, as ever; a part's own hash only tells at once which one is cut. No object of the exchange has
64 bytes, so a listing shows which ones lie in parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from iop_tui.exchange import packs
from iop_tui.vault.digest import sha256

SIZE = 64
"""Bytes that stand for an object in parts."""
_MAGIC = b"CWXP"
_CHECK = 16
_FACTOR = 2
"""So many times the size that suits a link is left whole: parts cost a request each."""


class Drawer(Protocol):
    """Where what came of a download, and how far an upload is, waits for the rest."""

    def part(self, name: str) -> bytes:
        """What came until now."""
        ...

    def keep_part(self, name: str, data: bytes) -> None:
        """Keep what came; empty for nothing any more."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How an object is cut: its size and that of a part, in bytes."""

    total: int
    part: int

    @classmethod
    def read(cls, data: bytes) -> Plan | None:
        """What stands in the object's place, or None where that is the object itself."""
        if len(data) != SIZE or data[:4] != _MAGIC or any(data[12:]):
            return None
        total, part = int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big")
        fits = 0 < part < total <= min(part * 0x10000, packs.LARGEST)
        return cls(total, part) if fits else None

    def stored(self) -> bytes:
        """For `read`."""
        return (_MAGIC + self.total.to_bytes(4, "big") + self.part.to_bytes(4, "big")).ljust(SIZE, b"\0")

    @property
    def count(self) -> int:
        """How many parts there are."""
        return -(-self.total // self.part)


def suits(size: int, object_size: int) -> bool:
    """Whether an object of a size is better brought in parts over a link that wants objects of a size."""
    return size > _FACTOR * object_size


def in_parts(size: int, object_size: int) -> list[int]:
    """The sizes of the objects that an object of a size is brought as."""
    if not suits(size, object_size):
        return [size]
    plan = Plan(size, object_size)
    last = plan.total - (plan.count - 1) * plan.part
    return [*[plan.part + _CHECK] * (plan.count - 1), last + _CHECK, SIZE]


def _name(name: str, number: int) -> str:
    return f"x/{name.rpartition('/')[2].rpartition('-')[2]}-{number:04x}"


@dataclass(frozen=True, slots=True)
class Begun:
    """How far an upload to one carrier is, under a name in the drawer."""

    drawer: Drawer
    name: str

    def done(self, plan: Plan) -> int:
        """How many parts are there; none where they were cut in another way."""
        before = self.drawer.part(self.name)
        return int.from_bytes(before[SIZE:], "big") if before[:SIZE] == plan.stored() else 0

    def note(self, plan: Plan, done: int) -> None:
        """So many are there now."""
        self.drawer.keep_part(self.name, plan.stored() + done.to_bytes(4, "big"))

    def end(self) -> None:
        """All are there."""
        self.drawer.keep_part(self.name, b"")


def put(
    name: str, data: bytes, object_size: int, begun: Begun, store: Callable[[str, bytes], None],
    told: Callable[[int], None],
) -> None:  # fmt: skip
    """Bring an object in parts, behind those that an earlier exchange brought. `told` hears how much is there."""
    plan = Plan(len(data), object_size)
    for number in range(begun.done(plan), plan.count):
        piece = data[number * plan.part : (number + 1) * plan.part]
        store(_name(name, number), piece + sha256(piece)[:_CHECK])
        begun.note(plan, number + 1)
        told(min(plan.total, (number + 1) * plan.part))
    store(name, plan.stored())
    begun.end()


def get(
    name: str, plan: Plan, drawer: Drawer, fetch: Callable[[str], bytes | None], told: Callable[[int], None]
) -> bytes | None:
    """An object put together from its parts, behind those that an earlier exchange fetched; None where one is gone or
    cut.
    """
    begun = f"parts {name}"  # under its own name: what came under the object's is the beginning of the plan
    have = drawer.part(begun)
    have = have[: len(have) // plan.part * plan.part]
    for number in range(len(have) // plan.part, plan.count):
        piece = fetch(_name(name, number))
        if piece is None or len(piece) > plan.part + _CHECK or sha256(piece[:-_CHECK])[:_CHECK] != piece[-_CHECK:]:
            return None
        have += piece[:-_CHECK]
        drawer.keep_part(begun, have if number + 1 < plan.count else b"")
        told(len(have))
    return have
