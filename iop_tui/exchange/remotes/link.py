"""What is known of a link by the last things moved over it: its rate, and how many bytes pass between two drops.

With drops that come after `m` bytes on the mean, at any moment alike, an object of `s` bytes and `o` bytes around it
costs `m (e^((s + o) / m) - 1)` bytes until it arrives whole, since each try begins anew (with memoryless failures, by
conditioning on the first drop). A quarter of `m` costs 14 % more than a link that never drops; the whole of `m`, 72 %;
ten times `m`, two thousand times as much. Hence objects of about `m / 4`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import IopError

KEPT = 20
"""So many of the last transfers say how a link is."""
SLOW, USUAL, FAST = 16 * 1024, 64 * 1024, 256 * 1024
"""Sizes of objects in bytes: for a link that drops often, one nobody knows, and one that hardly ever drops."""
_SLOWEST = 2_900.0
"""Bytes a second of a link nobody measured: 23 kbit/s."""
_FIRST_SECONDS = 15.0
_LITTLE = 2_048
"""Transfers below so many bytes count with the next greater one: a hundred empty answers say little."""
_EXPONENT = 30.0
Transfer = tuple[int, int, int]
"""Bytes moved in all tries, milliseconds, drops."""


@dataclass(slots=True)
class LinkMemory:
    """The last transfers over one carrier. `waiting` is what was too little to be one."""

    transfers: list[Transfer] = field(default_factory=list)
    waiting: Transfer = (0, 0, 0)

    @classmethod
    def read(cls, data: bytes) -> LinkMemory:
        """What was stored; an empty memory where that is nothing, or of another version."""
        try:
            return cls([tuple(map(int, one)) for one in decode(data, tuple[Transfer, ...])])  # type: ignore[misc]
        except IopError:
            return cls()

    def store(self) -> bytes:
        """For `read`."""
        return encode(tuple(self.transfers))

    def add(self, size: int, seconds: float, drops: int) -> None:
        """Note a transfer: bytes moved in all its tries, how long that took, how often the link dropped."""
        before = self.waiting
        now = (before[0] + size, before[1] + round(seconds * 1000), before[2] + drops)
        if now[0] < _LITTLE and not drops:
            self.waiting = now
            return
        self.waiting = (0, 0, 0)
        self.transfers = [*self.transfers, now][-KEPT:]

    @property
    def moved(self) -> int:
        """Bytes of the transfers that are remembered."""
        return sum(size for size, _, _ in self.transfers)

    @property
    def drops(self) -> int:
        """Drops among them."""
        return sum(drops for _, _, drops in self.transfers)

    @property
    def rate(self) -> float:
        """Bytes a second, those of tries that failed among them; of a slow link as long as nothing was timed."""
        seconds = sum(spent for _, spent, _ in self.transfers) / 1000
        return max(1.0, self.moved / seconds) if seconds > 0 and self.moved else _SLOWEST

    @property
    def mean(self) -> float | None:
        """Bytes between two drops, or None where none was seen."""
        return max(1.0, self.moved / self.drops) if self.drops else None

    def seconds_for(self, size: int) -> float:
        """How long one request of so many bytes may take: 15 s and four times what the rate says."""
        return _FIRST_SECONDS + size / (self.rate / 4)

    def object_size(self) -> int:
        """How large objects on this carrier should be: about a quarter of what passes between two drops."""
        mean = self.mean
        if mean is None:
            return FAST if self.moved >= 4 * FAST else USUAL
        return max((size for size in (USUAL, FAST) if size <= mean / 4), default=SLOW)

    def expected_tries(self, size: int) -> float:
        """How often an upload of so many bytes, with what is around it, has to begin."""
        mean = self.mean
        return math.exp(min(_EXPONENT, size / mean)) if mean else 1.0


def upload_bytes(size: int, around: int, mean: float | None) -> float:
    """Bytes until an object arrived whole, each try from its beginning."""
    if mean is None:
        return size + around
    return mean * math.expm1(min(_EXPONENT, (size + around) / mean))


def download_bytes(size: int, around: int, mean: float | None) -> float:
    """Bytes until an object was fetched whole, where each try goes on behind what came and only what is around is sent
    again.
    """
    if mean is None:
        return size + around
    begun = mean * math.expm1(min(_EXPONENT, around / mean))
    return size + begun * (1 + size / mean)


def smallest(sizes: Sequence[int]) -> int:
    """The size of packs for several carriers: what the worst of them needs."""
    return min(sizes, default=USUAL)
