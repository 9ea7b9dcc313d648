"""Reproducible choices for fictional content. Never used for a key, an id or a nonce."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from iop_tui.kernel.rng import SeededRng

T = TypeVar("T")
_BLOCK = 4096


class Dice:
    """Choices that follow from a seed."""

    def __init__(self, seed: int) -> None:
        self._rng = SeededRng(seed)
        self._block = b""
        self._at = 0

    def below(self, limit: int) -> int:
        """A whole number from 0 up to `limit`, which is not reached."""
        if self._at + 4 > len(self._block):
            self._block, self._at = self._rng.token(_BLOCK), 0
        number = int.from_bytes(self._block[self._at : self._at + 4], "big")
        self._at += 4
        return number % limit

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both possible."""
        return low + self.below(high - low + 1)

    def pick(self, choices: Sequence[T]) -> T:
        """One of several."""
        return choices[self.below(len(choices))]

    def chance(self, percent: int) -> bool:
        """True in so many of a hundred cases."""
        return self.below(100) < percent
