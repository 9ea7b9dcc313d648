"""Servers that lie, in memory: two real vaults, every object through a link of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from iop_tui.exchange import engine
from iop_tui.exchange.engine import Report
from iop_tui.exchange.remotes.link import LinkMemory
from iop_tui.exchange.remotes.patient import Patient, Waits
from iop_tui.store.views.view import Changes
from iop_tui.workspace import Workspace, exchanging
from tests.exchange.world import lying
from tests.exchange.world.lying import Two
from tests.exchange.world.pairs import Pair
from tests.support.clinic.devices import line
from tests.support.network.faulty import MemoryRemote, Store, Wire

PLACE = "https://files.example/clinic"


class InMemory:
    """A server that is a dictionary."""

    def __init__(self) -> None:
        self.store = Store()
        self.given: list[str] = []

    def sync(self, ws: Workspace) -> Report:
        wire, mirror = Wire(), exchanging.mirror(ws)
        remote = Patient(
            MemoryRemote(self.store, wire), link=LinkMemory(), drawer=mirror,
            waits=Waits(wire.clock, ws.rng, wire.clock.advance),
        )  # fmt: skip
        before = set(self.store.files)
        came: list[Changes] = []
        report = engine.exchange(
            exchanging.ledger(ws), mirror, remote, PLACE, show=lambda: came.append(ws.session.catch_up()),
            follow=lambda: came.append(exchanging.follow(ws)),
        )  # fmt: skip
        self.given += [name for name in self.store.files if name.startswith("p/") and name not in before]
        return report

    def keep(self) -> Store:
        return self.store.copy()

    def put_back(self, kept: Store) -> None:
        self.store = kept.copy()

    def newest(self) -> str:
        return self.given[-1]

    def change(self, name: str, how: Callable[[bytes], bytes | None]) -> None:
        data = how(self.store.files.pop(name))
        if data is not None:
            self.store.files[name] = data


@pytest.fixture
def two(pair: Pair) -> Iterator[Two]:
    with ExitStack() as opened:
        workspaces = [opened.enter_context(device.workspace()) for device in pair[:2]]
        yield Two(list(pair[:2]), workspaces, InMemory())


@pytest.mark.parametrize("scenario", [lying.half_a_file, lying.lost_objects, lying.put_back_to_an_older_state])
def test_a_server_that_lies_is_named_and_nothing_is_lost(two: Two, scenario: Callable[[Two], None]) -> None:
    scenario(two)


def test_a_server_with_two_faces_is_named_once_they_meet_elsewhere(two: Two, pair: Pair) -> None:
    def meet() -> None:
        for ws in (*two.workspaces, two.workspaces[0]):
            exchanging.sync(ws, line(pair[2]))

    lying.two_faces(two, meet)
