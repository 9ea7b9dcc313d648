"""A carrier over a network, in memory: it is polled instead of listed, and says what was asked of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from iop_tui.exchange import engine
from iop_tui.exchange.remotes.port import Capabilities, Look
from iop_tui.vault.digest import md5
from tests.exchange.world.lanes import Lanes
from tests.exchange.world.nodes import Node
from tests.exchange.world.shelf import Fault, Shelf

WEEK = 8 * 86400


class Bucket(Shelf):
    """`brief`: one request tells the tags of all heads, as in a bucket; else each head is asked, as on a web server.
    `swaps`: conditions of a put are heeded. `between` happens between a look at the board and the next swap.
    """

    def __init__(self, *, brief: bool, swaps: bool = False) -> None:
        super().__init__()
        self.brief, self.swaps = brief, swaps
        self.asked: list[str] = []
        self.between: Callable[[], None] = lambda: None

    def copy(self) -> Shelf:
        found = Bucket(brief=self.brief, swaps=self.swaps)
        found.files, found.wanted = dict(self.files), set(self.wanted)
        return found

    def capabilities(self) -> Capabilities:
        return Capabilities(ranges=True, unchanged=True, lists=True, proves=True, remote=True, brief=self.brief,
                            swaps=self.swaps)  # fmt: skip

    def listing(self) -> dict[str, int]:
        self.asked.append("list")
        return super().listing()

    def names(self, folder: str, suffix: str = "") -> list[str]:
        self.asked.append(f"names {folder}")
        return super().names(folder, suffix)

    def tags(self, folder: str) -> dict[str, str]:
        self.asked.append(f"tags {folder}")
        return {name: md5(self.files[name]).hex() for name in super().names(folder)}

    def get(self, name: str, start: int = 0) -> bytes | None:
        self.asked.append(f"get {name}")
        return super().get(name, start)

    def look(self, name: str, tag: str = "") -> Look | None:
        self.asked.append(f"look {name}")
        data = self.files.get(name)
        present = md5(data or b"").hex()
        return None if data is None else Look(None if present == tag else data, present)

    def swap(self, name: str, data: bytes, tag: str) -> str | None:
        self.asked.append(f"swap {name}")
        self.between()
        present = md5(self.files[name]).hex() if name in self.files else ""
        if present != tag:
            return None
        super().put(name, data)
        return md5(data).hex()

    def size(self, name: str) -> int | None:
        self.asked.append(f"size {name}")
        return super().size(name)

    def put(self, name: str, data: bytes) -> None:
        self.asked.append(f"put {name}")
        super().put(name, data)

    def wants(self) -> set[str]:
        self.asked.append("wants")
        return super().wants()

    def want(self, name: str) -> None:
        self.asked.append(f"want {name}")
        super().want(name)

    def take(self) -> list[str]:
        """What was asked since the last time."""
        found, self.asked = self.asked, []
        return found


class Polled(Lanes):
    """The histories of `lanes` over such carriers. A pack that everybody has already may be lost for a week unnoticed;
    a carrier that went back is told at once by whoever had been there since.
    """

    def __init__(self, folder: Path, seed: int, *, carriers: int = 2, devices: int = 3) -> None:
        super().__init__(folder, seed, devices=devices, carriers=carriers)
        chosen = random.Random(seed)
        kinds = ((True, True), (True, False), (False, False))
        picked = [chosen.choice(kinds) for _ in range(carriers)]
        self.carriers = [Bucket(brief=brief, swaps=swaps) for brief, swaps in picked]
        for carrier in self.carriers:
            carrier.fail = self._failure
        self.weeks = False

    def sync(self, node: Node, number: int) -> engine.Report | None:
        if self.weeks:
            node.clock.advance(WEEK)
        with suppress(Fault):
            return engine.exchange(node.ledger(), node.mirror, self.carriers[number], str(number))  # type: ignore[arg-type]
        return None

    def settle(self) -> None:
        """Weeks pass from here on, so that carriers are listed: what no head leads to is found then."""
        self.weeks = True
        super().settle()


def bucket(world: Polled) -> Bucket:
    """The first carrier."""
    found = world.carriers[0]
    assert isinstance(found, Bucket)
    return found
