"""Randomness is an argument: the system's generator, or a seeded one for demo vaults and tests."""

from __future__ import annotations

import hashlib
import os
from typing import Protocol


class Rng(Protocol):
    """A source of random bytes."""

    def token(self, size: int) -> bytes: ...


class SystemRng:
    """The operating system's cryptographic generator."""

    def token(self, size: int) -> bytes:
        return os.urandom(size)


class SeededRng:
    """A reproducible stream (SHAKE-256 of seed and counter). Never used for a vault that is not a demo."""

    def __init__(self, seed: int) -> None:
        self._seed = seed.to_bytes(16, "big", signed=True)
        self._count = 0

    def token(self, size: int) -> bytes:
        self._count += 1
        return hashlib.shake_256(self._seed + self._count.to_bytes(8, "big")).digest(size)
