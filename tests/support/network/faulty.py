"""A carrier in memory behind a link that drops, and servers that lie: for tests that need no socket.

    wire = Wire(mean=100_000, seed=3); remote = MemoryRemote(Store(), wire)
    wire.bytes, wire.drops                          # what passed, both ways
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from iop_tui.exchange import packs
from iop_tui.exchange.remotes.directory import looked, tag_of
from iop_tui.exchange.remotes.port import Capabilities, CarrierGone, Cut, Look
from iop_tui.kernel.clock import FixedClock

UP, DOWN = 600, 300
"""Bytes around an object: a request with its head and signature, an answer."""
AROUND = UP + DOWN
REMOTE = Capabilities(ranges=True, unchanged=True, lists=True, proves=True, remote=True)


class Wire:
    """What passes, until the link drops: exponential with `mean` bytes, of no memory. Its time is that of `clock`."""

    def __init__(self, *, mean: float | None = None, seed: int = 0, rate: float = 2_900.0) -> None:
        self._random = random.Random(seed)
        self._mean, self._rate = mean, rate
        self.clock = FixedClock(1_800_000_000_000)
        self.bytes = self.drops = 0
        self._left = self._next()

    def _next(self) -> float:
        return self._random.expovariate(1 / self._mean) if self._mean else float("inf")

    def breaks_after(self, size: int) -> None:
        """So many bytes pass, and nothing behind them."""
        self._mean, self._left = 1e-9, float(size)

    def passes(self, size: int) -> int:
        """How many of so many bytes pass before the link drops; fewer than asked for means that it did."""
        found = int(min(size, self._left))
        self._left -= found
        self.bytes += found
        self.clock.advance(found / self._rate)
        if found < size:
            self.drops += 1
            self._left = self._next()
        return found


@dataclass
class Store:
    """What lies on a server. `halves`: names of which it answers only half, with a good conscience."""

    files: dict[str, bytes] = field(default_factory=dict)
    wanted: set[str] = field(default_factory=set)
    halves: set[str] = field(default_factory=set)

    def copy(self) -> Store:
        """As it stands now: for a server that goes back, or that shows two faces."""
        return Store(dict(self.files), set(self.wanted), set(self.halves))


class MemoryRemote:
    """A `Remote` over a store. `truncates`: what came of an upload that was cut lies there like a whole one."""

    def __init__(self, store: Store, wire: Wire | None = None, *, truncates: bool = False) -> None:
        self.store = store
        self.wire = wire or Wire()
        self._truncates = truncates

    def capabilities(self) -> Capabilities:
        return REMOTE

    def _request(self, answer: bytes = b"") -> bytes:
        if self.wire.passes(UP) < UP:
            raise CarrierGone("The connection was closed.")
        if self.wire.passes(DOWN) < DOWN:
            raise CarrierGone("The connection was closed.")
        came = self.wire.passes(len(answer))
        if came < len(answer):
            raise Cut("The connection ended inside an answer.", data=answer[:came])
        return answer

    def listing(self) -> dict[str, int]:
        self._request(b"x" * (256 * len(self.store.files)))
        return {name: len(data) for name, data in self.store.files.items() if packs.parse_name(name) is not None}

    def names(self, folder: str, suffix: str = "") -> list[str]:
        found = sorted(n for n in self.store.files if n.rpartition("/")[0] == folder and n.endswith(suffix))
        self._request(b"x" * (256 * len(found)))
        return found

    def get(self, name: str, start: int = 0) -> bytes | None:
        data = self.store.files.get(name)
        if data is None:
            self._request()
            return None
        return self._request((data[: len(data) // 2] if name in self.store.halves else data)[start:])

    def look(self, name: str, tag: str = "") -> Look | None:
        data = self.store.files.get(name)
        if data is None:
            self._request()
            return None
        found = looked(data, tag)
        self._request(found.data or b"")
        return found

    def size(self, name: str) -> int | None:
        self._request()
        return len(self.store.files[name]) if name in self.store.files else None

    def put(self, name: str, data: bytes) -> None:
        came = self.wire.passes(UP + len(data)) - UP
        if came < len(data):
            if self._truncates and came > 0:
                self.store.files[name] = data[:came]
            raise CarrierGone("The connection was closed.")
        self.store.files[name] = data
        if self.wire.passes(DOWN) < DOWN:
            raise CarrierGone("The connection was closed.")

    def want(self, name: str) -> None:
        self._request()
        self.store.wanted.add(name)

    def wants(self) -> set[str]:
        self._request()
        return set(self.store.wanted)

    def granted(self, name: str) -> None:
        self._request()
        self.store.wanted.discard(name)

    def heads(self) -> list[str]:
        return self.names("h")

    def tags(self, folder: str) -> dict[str, str]:
        return {name: tag_of(self.store.files[name]) for name in self.names(folder)}

    def close(self) -> None:
        """Nothing is left to finish."""
