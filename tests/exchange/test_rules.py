"""Rules of the exchange that random histories meet rarely, a small history each; `test_mutants` takes each rule out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from iop_tui.exchange import cards, engine, packs
from iop_tui.exchange.cards import ACTIVE, DeviceCard
from iop_tui.exchange.carrying import Budget
from iop_tui.exchange.keys import DeviceKeys
from iop_tui.kernel.secret import Secret
from iop_tui.store.exchangelog import TAKEN
from iop_tui.store.rows import ActRow
from iop_tui.store.vaultdb import Batch
from iop_tui.vault import signing
from iop_tui.vault.digest import sha256
from tests.exchange.world.lanes import Lanes
from tests.exchange.world.nodes import REALM, START_MS, Node
from tests.exchange.world.shelf import Crash, light

HERE = 0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Lanes]:
    """Three devices that have met on each carrier."""
    with light():
        found = Lanes(tmp_path, 11)
        for node in (*found.nodes, *found.nodes):
            found.move("write", node)
            for number in range(len(found.carriers)):
                found.sync(node, number)
        yield found
        found.close()


def act(world: Lanes, node: Node) -> bytes:
    """An act of a device; its id."""
    session = node.open()
    work = session.work()
    row = ActRow(session.rng.token(16), session.rng.token(80))
    work.acts.append(row)
    session.note(work, "act")
    session.db.commit(session.sealed(work))
    world.written[row.id] = (world.nodes.index(node), row.signed)
    return row.id


def test_own_acts_are_sealed_before_packs_are_taken_in(world: Lanes) -> None:
    """Who had not heard of an act claims no more: the founding device's own one comes first, by its rank."""
    one, two, _ = world.nodes
    own, others = act(world, one), act(world, two)
    world.sync(two, HERE)
    world.sync(one, HERE)
    places = one.open().db.order.places()
    assert places[own] < places[others]


def test_packs_are_brought_causes_first(world: Lanes) -> None:
    """Wherever an exchange is cut off, nobody is told of packs that they cannot have yet."""
    one, two, three = world.nodes
    for node in (one, two, one, two):
        world.move("write", node)
        world.sync(node, 1)
    world.sync(one, 1)
    carrier = world.carriers[2]
    carrier.files.clear()
    largest = max(len(data) for data in one.mirror.files.values())
    left = -1
    for _ in range(len(one.mirror.files)):
        budget = Budget(limit=largest)
        report = engine.exchange(one.ledger(), one.mirror, carrier, "2", budget=budget)  # type: ignore[arg-type]
        left, known = report.moved.left, one.ledger().entries
        there = carrier.listing()
        brought = {digest for digest, item in known.items() if packs.name_of(item.lane, item.n, digest) in there}
        assert all(cause in brought for digest in brought for cause in known[digest].parents)
    assert left == 0
    world.sync(three, 2)
    assert three.held() == one.held()


def test_heads_decide_nothing(world: Lanes) -> None:
    """A carrier without heads, and one with heads that say what is not so, bring the same packs."""
    one, two, three = world.nodes
    world.move("write", one)
    world.sync(one, HERE)
    carrier = world.carriers[HERE]
    heads = [name for name in carrier.files if packs.is_head(name)]
    assert heads
    for name in heads:
        del carrier.files[name]
    world.sync(two, HERE)
    assert two.held() == one.held()
    for name in carrier.heads() or heads:
        carrier.files[name] = b"nothing that anybody signed"
    world.sync(three, HERE)
    assert three.held() == one.held()


def test_what_is_absent_is_not_deleted(world: Lanes) -> None:
    """An emptied carrier gets everything back from a device that wrote none of it."""
    one, two, three = world.nodes
    world.move("write", one)
    world.sync(one, HERE)
    world.sync(two, HERE)
    for carrier in world.carriers:
        carrier.files.clear()
    held, kept = two.held(), set(two.mirror.listing())
    world.sync(two, HERE)
    assert two.held() == held
    assert kept <= set(world.carriers[HERE].listing())
    world.sync(three, HERE)
    assert three.held() == held


def test_a_key_is_kept_with_the_pack_that_was_sealed_under_it(world: Lanes) -> None:
    """A process ends after it sealed under a key that came with packs it had not taken in yet: the next one goes on."""
    one, two, three = world.nodes
    world.end(two, two.ledger().devices.cards[three.device])
    for _ in range(2):
        world.move("write", two)
        world.sync(two, HERE)
    own, db = act(world, one), one.open().db
    commit = db.commit

    def ending(batch: Batch) -> tuple[int, int]:
        if any(row.kind == TAKEN for row in batch.exchange):
            raise Crash
        return commit(batch)

    with mock.patch.object(db, "commit", ending), pytest.raises(Crash):
        world.sync(one, HERE)
    one.close()
    one.mirror.files = {name: data for name, data in one.mirror.files.items() if name in world.carriers[HERE].files}
    world.sync(one, HERE)
    world.sync(two, HERE)
    assert own in two.held()


def test_both_packs_of_a_fork_are_kept(world: Lanes) -> None:
    """A device put back to an older image writes under a number it has used: everybody has both texts."""
    one, two, _ = world.nodes
    for name in ("image", "write"):
        world.move(name, one)
    world.sync(one, HERE)
    world.sync(two, HERE)
    for name in ("restore", "write"):
        world.move(name, one)
    world.sync(one, 1)  # another carrier: the device does not meet its own past before it writes
    world.sync(one, HERE)
    world.sync(two, 1)
    world.sync(two, HERE)
    assert set(world.written) == two.held() == one.held()
    assert len(two.ledger().forks()) == 1


def test_a_device_counts_by_its_certificate(world: Lanes) -> None:
    """Somebody outside who came by the transport key makes a device of their own, with a card that nobody certified."""
    secret, device = Secret(b"E" * 32), b"e" * 16
    own, outsider = DeviceKeys.of(device, secret), signing.from_seed(b"O" * 32)
    card = DeviceCard(device, "Mallory", own.signer.public, own.box.public, (0, 9), ACTIVE, 1, START_MS)
    stored = cards.sign(card, outsider)
    streams, sections = packs.sections(devices=(stored,))
    body = packs.Body(packs.FORMAT, REALM, device, b"m" * 16, 0, bytes(32), (), 0, streams, sections)
    data = packs.seal(body, own.signer, key=Secret(b"T" * 32), number=1, salt=b"s" * 32)
    world.carriers[HERE].files[packs.name_of(body.lane, 0, sha256(data))] = data
    report = world.sync(world.nodes[1], HERE)
    assert report is not None
    assert [item.why for item in report.waiting] == ["no_device"]
    assert sha256(data) not in world.nodes[1].ledger().entries
