"""Each check of the simulated histories can fail: something is made wrong behind the program's back, and it is seen.

The table of invariants and their checks stands in `test_lanes`; rules of the program that are taken out, in
`test_mutants`, `test_membership` and `test_polling`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from iop_tui.clinical.people import service as people
from iop_tui.exchange import sealing, taking
from iop_tui.store.exchangelog import LogOrder
from iop_tui.store.order import PackEntry
from tests.exchange import test_lanes
from tests.exchange.test_lanes import place
from tests.exchange.test_simulator import founded
from tests.exchange.world import lanechecks, worldcheck
from tests.exchange.world.lanes import Lanes
from tests.exchange.world.shelf import light
from tests.exchange.world.simulator import World
from tests.exchange.world.stations import Founded

__all__ = ["founded", "place"]
pytestmark = pytest.mark.nightly
Patch = pytest.MonkeyPatch


@pytest.fixture
def lanes(place: Path) -> Iterator[Lanes]:
    """Three devices and a copy of one, a fork, a pack of a newer program and a forged one; everybody has met."""
    with light():
        world = Lanes(place, 2)
        for name in ("write", "sync", "clone", "newer", "forge"):
            world.move(name, world.nodes[0])
        for number, node in enumerate((world.nodes[0], world.nodes[3], world.nodes[1])):
            for _ in range(6):
                world.move("write", node)
            world.sync(node, number)
        world.settle()
        yield world
        world.close()


def _forgets(world: Lanes, patch: Patch) -> None:
    world.nodes[0].ever.add(b"x" * 16)
    world.move("clock", world.nodes[0])


def _apart(world: Lanes, patch: Patch) -> None:
    world.do_write(world.nodes[1])


def _restless(world: Lanes, patch: Patch) -> None:
    world.do_write(world.nodes[1])
    patch.setattr(world, "sync", lambda node, number: None)
    world.settle()


def _lost(world: Lanes, patch: Patch) -> None:
    world.written[b"z" * 16] = (0, b"a row")


def _left_lying(world: Lanes, patch: Patch) -> None:
    node = world.nodes[1]
    world.do_write(node)
    world.sync(node, 2)
    world.nodes.remove(node)
    world.written = {one: (0, data) for one, (_, data) in world.written.items()}


def _otherwise(world: Lanes, patch: Patch) -> None:
    one, (by, data) = next(iter(world.written.items()))
    world.written[one] = (by, data + b"!")


def _invented(world: Lanes, patch: Patch) -> None:
    world.written.popitem()


def _believed(world: Lanes, patch: Patch) -> None:
    world.forged.add(next(iter(world.nodes[0].ledger().entries)))


def _withheld(world: Lanes, patch: Patch) -> None:
    patch.setattr("iop_tui.exchange.ledger.Ledger.missing", lambda ledger: {b"m" * 32})


def _backwards(world: Lanes, patch: Patch) -> None:
    mine, real = world.nodes[1].open().db, LogOrder.places

    def places(order: LogOrder) -> dict[bytes, int]:
        found = real(order)
        return dict(reversed(found.items())) if order._db is mine else found

    patch.setattr(LogOrder, "places", places)


def _as_they_came(world: Lanes, patch: Patch) -> None:
    patch.setattr(lanechecks, "act_order", lambda packs, arrived: list(arrived))


def _not_again(world: Lanes, patch: Patch) -> None:
    patch.setattr(sealing, "sha256", lambda data: bytes(32))


def _told_twice(world: Lanes, patch: Patch) -> None:
    world.nodes[1].alarms *= 2


def _untold(world: Lanes, patch: Patch) -> None:
    world.nodes[1].alarms.clear()


def _late(world: Lanes, patch: Patch) -> None:
    entry: PackEntry = next(iter(world.nodes[0].ledger().entries.values()))
    patch.setattr(taking, "late_packs", lambda ledger, mirror: [SimpleNamespace(entry=entry)])


def _newer_dropped(world: Lanes, patch: Patch) -> None:
    for name in world.newer:
        world.nodes[1].mirror.drop(name)


def _newer_untold(world: Lanes, patch: Patch) -> None:
    patch.setattr(taking, "not_taken", lambda ledger, mirror: [])


def _newcomer(world: Lanes, patch: Patch) -> None:
    real = taking.take

    def take(ledger: Any, mirror: Any) -> Any:
        for name in sorted(mirror.files)[::2]:
            mirror.drop(name)
        return real(ledger, mirror)

    patch.setattr(taking, "take", take)


FAULTS: dict[str, tuple[Callable[[Lanes, Patch], None], str]] = {
    "I1 durability": (_forgets, "a device forgot"),
    "I2 convergence": (_apart, "devices hold different rows"),
    "I2 they come to rest": (_restless, "do not come to rest"),
    "I3 nothing is lost": (_lost, "1 rows are lost"),
    "I3 nothing is left lying": (_left_lying, "rows that can be read are not taken in"),
    "I3 nothing is withheld": (_withheld, "packs are named and nobody brought them"),
    "I4 in its writer's bytes": (_otherwise, "a row that nobody wrote in this form"),
    "I4 written by somebody": (_invented, "a row that nobody wrote in this form"),
    "I4 nothing forged": (_believed, "a pack that nobody signed was taken in"),
    "I5 order of arrival": (_as_they_came, "the order depends on what came first"),
    "I5 a newcomer": (_newcomer, "the same packs in another order give other rows"),
    "I5 packs are made again": (_not_again, "a pack cannot be made again"),
    "I6 told once": (_told_twice, "a fork is told otherwise than once"),
    "I6 told at all": (_untold, "a fork is told otherwise than once"),
    "I9 the cut": (_late, "a pack beyond the cut was taken in"),
    "I14 offered on": (_newer_dropped, "a pack of a newer program was not offered on"),
    "I14 told": (_newer_untold, "a pack of a newer program is not told"),
    "I15 one order": (_backwards, "acts stand in different orders"),
}


def test_nothing_is_wrong_with_the_devices_themselves(lanes: Lanes) -> None:
    lanechecks.check(lanes)
    assert lanes.nodes[0].alarms
    assert lanes.nodes[0].open().db.position.acts > 3


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_with_devices_is_seen(name: str, lanes: Lanes, monkeypatch: Patch) -> None:
    fault, told = FAULTS[name]

    def happen() -> None:
        fault(lanes, monkeypatch)
        lanechecks.check(lanes)

    with pytest.raises(AssertionError, match=told):
        happen()


def test_what_a_clock_decides_is_seen(place: Path, monkeypatch: Patch) -> None:
    """I12: an order that asks clocks."""
    monkeypatch.setattr(PackEntry, "key", property(lambda pack: (pack.clock_ms, pack.hash)))
    with pytest.raises(AssertionError):
        test_lanes.test_clocks_decide_nothing(place)


@pytest.fixture
def program(place: Path, founded: Founded) -> Iterator[World]:
    """Devices of a program with some people in both clinicians' care; everybody has met."""
    with light():
        world = World(place, 1, founded)
        office = world.stations[0]
        for _ in range(3):
            world.do_register(office)
            world.do_assign(office)
        for name in ("write", "write", "edit", "sign", "sync"):
            getattr(world, f"do_{name}")(office)
        world.settle()
        worldcheck.check(world)
        yield world
        world.close()


def _forgotten_by_a_program(world: World) -> None:
    world.stations[0].ever.add(b"x" * 16)


def _lost_by_everybody(world: World) -> None:
    world.written.add(b"y" * 16)


def _shown_otherwise(world: World) -> None:
    view = world.stations[1].ws("nadia").view
    view.transaction(lambda db: db.execute("UPDATE record SET title = 'Somebody else'"))


def _quarantined(world: World) -> None:
    view = world.stations[1].ws("nadia").view
    view.transaction(lambda db: db.execute("INSERT INTO quarantine VALUES (x'00', 'wrap', 'it is odd', 0)"))


def _ended_and_no_new_key(world: World) -> None:
    ws = world.stations[0].ws("nadia")
    tom = world.program.users["tom"].user
    wraps = ws.view.rows(
        "SELECT w.id FROM wrap w JOIN compartment c ON c.id = w.compartment WHERE w.recipient = ? AND w.revoked_ms = 0"
        " AND c.kind IN ('MED', 'CRISIS')",
        (tom,),
    )
    assert wraps, "Tom treats somebody"
    work = ws.work()
    ws.session.act(work, "revoke", revokes=tuple(row[0] for row in wraps))
    ws.session.note(work, "revoke")
    ws.commit(work)
    worldcheck.check_keys(world)


PROGRAM_FAULTS: dict[str, tuple[Callable[[World], None], str]] = {
    "I1 durability": (_forgotten_by_a_program, "a device forgot"),
    "I3 nothing is lost": (_lost_by_everybody, "1 revisions are lost"),
    "I8 a new key after an end": (_ended_and_no_new_key, "a new key is owed"),
    "I15 equal views": (_shown_otherwise, "views differ in"),
    "I15 nothing set aside": (_quarantined, "it is odd"),
}


@pytest.mark.parametrize("name", PROGRAM_FAULTS)
def test_what_is_wrong_with_programs_is_seen(name: str, program: World) -> None:
    fault, told = PROGRAM_FAULTS[name]

    def happen() -> None:
        fault(program)
        worldcheck.check(program)

    with pytest.raises(AssertionError, match=told):
        happen()


def _cleared(table: str, db: Any) -> None:
    db.execute(f"DELETE FROM {table}")


def test_what_nobody_can_read_is_seen(program: World) -> None:
    """I3: a view that holds a key and not what it opens; and one whose key nobody has, with no end of access."""
    for gone, told in (("version", "a key and nothing to read"), ("keyring", "nobody can read what somebody wrote")):
        for user in ("nadia", "tom"):
            program.stations[0].ws(user).view.transaction(partial(_cleared, gone))
        with pytest.raises(AssertionError, match=told):
            worldcheck.check_readable(program, program.written)


def test_people_are_there(program: World) -> None:
    """The program that is looked at has people and notes."""
    assert people.caseload(program.stations[0].ws("nadia"))
    assert program.written
