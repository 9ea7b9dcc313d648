"""What must hold of a settled history of `lanes`; the table of invariants stands in `test_lanes`."""

from __future__ import annotations

import random
from contextlib import suppress

from iop_tui.exchange import packs, sealing, taking
from iop_tui.exchange.ledger import Ledger
from iop_tui.kernel.errors import IopError
from iop_tui.store.order import act_order
from tests.exchange.world.lanes import Lanes
from tests.exchange.world.nodes import REALM, Node
from tests.exchange.world.shelf import Shelf

_REMADE = 6
"""So many packs of one device are made again."""


def check(world: Lanes) -> None:
    """Everything below."""
    nodes = world.standing()
    ledgers = [node.ledger() for node in nodes]
    rows = nodes[0].rows()
    for node in nodes:
        assert node.rows() == rows, "devices hold different rows"
    check_rows(world, rows, ledgers[0])
    check_order(world, ledgers)
    check_alarms(nodes, ledgers)
    check_cut(world, nodes, ledgers)
    check_newer(world, nodes, ledgers)
    if not world.ended:  # a newcomer is given the later transport key with its grant, and here it has none
        check_newcomer(world, rows, ledgers[0])


def check_rows(world: Lanes, rows: dict[bytes, bytes], ledger: Ledger) -> None:
    """Nothing is lost and nothing is there that nobody wrote, in exactly that form."""
    written = {one: data for one, (_, data) in world.written.items()}
    assert rows.items() <= written.items(), "a row that nobody wrote in this form"
    missing = set(written) - set(rows)
    if not missing:
        return
    carried = _carried(world, ledger)
    assert not missing & carried, "rows that can be read are not taken in"
    late = {one for one, (by, _) in world.written.items() if world.nodes[by].device in world.ended}
    assert missing <= world.at_risk | late, f"{len(missing - world.at_risk - late)} rows are lost"


def check_order(world: Lanes, ledgers: list[Ledger]) -> None:
    """The same order everywhere, made of the set of packs alone; nothing withheld, forged or changed in it."""
    first = ledgers[0]
    order = list(first.session.db.order.places())
    for ledger in ledgers:
        assert not world.withheld(ledger), "packs are named and nobody brought them"
        assert not world.forged & set(ledger.entries), "a pack that nobody signed was taken in"
        assert list(ledger.session.db.order.places()) == order, "acts stand in different orders"
    shuffled = sorted(first.entries.values(), key=lambda entry: entry.hash)
    in_packs = [act for act in order if any(act in entry.acts for entry in shuffled)]
    assert act_order(shuffled, in_packs[::-1]) == in_packs, "the order depends on what came first"
    for item in first.sealed[-_REMADE:]:
        assert sealing.intact(first, item), "a pack cannot be made again"


def check_alarms(nodes: list[Node], ledgers: list[Ledger]) -> None:
    """Each device tells each fork once, and nobody tells one that is none."""
    for node, ledger in zip(nodes, ledgers, strict=True):
        forks = sorted((lane, str(n)) for lane, n in ledger.forks())
        assert sorted(node.alarms) == forks, "a fork is told otherwise than once"


def check_cut(world: Lanes, nodes: list[Node], ledgers: list[Ledger]) -> None:
    """Of a lost device's packs none waits that a person accepted, and none that waits was taken in."""
    for node, ledger in zip(nodes, ledgers, strict=True):
        late = {item.entry.hash for item in taking.late_packs(ledger, node.mirror)}  # type: ignore[arg-type]
        assert not late & set(ledger.accepted()), "a pack waits that a person accepted"
        assert not late & set(ledger.entries), "a pack beyond the cut was taken in"


def check_newer(world: Lanes, nodes: list[Node], ledgers: list[Ledger]) -> None:
    """What only a later version can read is kept by everybody who was given it, offered on and told."""
    kept = [world.newer & set(node.mirror.files) for node in nodes]
    for node, ledger, names in zip(nodes, ledgers, kept, strict=True):
        assert names == kept[0], "a pack of a newer program was not offered on"
        waiting = taking.not_taken(ledger, node.mirror)  # type: ignore[arg-type]
        told = {item.name for item in waiting if item.why == taking.NEWER}
        assert told == names, "a pack of a newer program is not told"


def check_newcomer(world: Lanes, rows: dict[bytes, bytes], ledger: Ledger) -> None:
    """A device that gets the same packs late, in another order, in portions and twice, has the same state."""
    node, mirror = world.spare, Shelf()
    node.found(world.cards)
    own = node.ledger()
    source = next(one for one in world.standing()).mirror.files
    names = [name for name in source if packs.parse_name(name) is not None]
    random.Random(len(names)).shuffle(names)
    for portion in (names[: len(names) // 2], names):
        mirror.files |= {name: source[name] for name in portion}
        taking.take(own, mirror)  # type: ignore[arg-type]
    assert node.rows() == rows, "the same packs in another order give other rows"
    order = list(ledger.session.db.order.places())
    assert list(node.open().db.order.places()) == order


def _carried(world: Lanes, ledger: Ledger) -> set[bytes]:
    """Rows in packs that lie on a carrier or with a standing device, and that this device may open."""
    found: set[bytes] = set()
    for shelf in [*world.carriers, *(node.mirror for node in world.standing())]:
        for name, data in shelf.files.items():
            if packs.parse_name(name) is not None and packs.fits_name(name, data):
                with suppress(IopError):
                    pack = packs.open_pack(data, REALM, ledger.transport.get(packs.key_number(data)))
                    inner = packs.content(pack.body)
                    found |= {row.id for row in inner.revisions} | {row.id for row in inner.acts}
    return found
