"""Membership is a function of the set of acts: every history of three administrators up to a number of steps."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec
import pytest

from iop_tui.access import primitives
from iop_tui.access.primitives import rotation_owed
from iop_tui.exchange import taking
from iop_tui.kernel.errors import NoKey
from iop_tui.store import exchangelog, order
from iop_tui.store.members import authority, membership
from iop_tui.store.members.acts import UserCard, read
from iop_tui.store.order import PackEntry
from tests.exchange.world import judged, members
from tests.exchange.world.members import (
    ADMINISTRATORS,
    ALL,
    PLACE,
    REMOVED,
    STRONG,
    SUBJECT,
    Model,
    Pack,
    Reader,
    name_of,
    quick,
)
from tests.exchange.world.shelf import light

EVERYBODY = (*ADMINISTRATORS, SUBJECT)
TABLES = {
    "card": "user", "wrap": "id", "pending_revoke": "id, author", "role": "user, role", "waiting": "act",
    "generation": "compartment, number, root", "keyring": "compartment, generation", "compartment": "id",
    "quarantine": "id",
}  # fmt: skip
PUBLIC = ("card", "wrap", "pending_revoke", "role", "generation")
FULLY, EVERY_ORDER = 5, 4
"""So many packs arrive in several orders, and so many in every order there is, at night."""
Dump = dict[str, list[tuple[Any, ...]]]


def _by_arrival(packs: Iterable[PackEntry], arrived: Sequence[bytes]) -> list[bytes]:
    return list(arrived)


def _without_removals(packs: Iterable[PackEntry], arrived: Sequence[bytes]) -> list[bytes]:
    return order.act_order([msgspec.structs.replace(pack, removes=False) for pack in packs], arrived)


def _by_serial(db: Any, card: UserCard, at_ms: int, pos: int, real: Any = membership._put_card) -> None:
    known = membership.card_of(db, card.user)
    if known is not None and known.status == REMOVED and known.serial < card.serial:
        db.execute("UPDATE card SET status = ? WHERE user = ?", (card.status, card.user))
    real(db, card, at_ms, pos)


MUTANTS: dict[str, list[tuple[object, str, object]]] = {
    "acts stand as they came": [(exchangelog, "act_order", _by_arrival), (taking, "act_order", _by_arrival)],
    "a removal does not come first": [
        (exchangelog, "act_order", _without_removals), (taking, "act_order", _without_removals),
    ],
    "membership is not taken in anew": [(members, "_reordered", lambda *_: False)],
    "a removal gives way to later changes": [(membership, "_put_card", _by_serial)],
    "what continued a wrap does not end with it": [(authority, "end_rotated", lambda *_: None)],
    "a key is kept that the roles do not allow": [(membership._Applying, "_outgrown", lambda *_: None)],
    "a key is kept when the last wrap went": [(membership, "drop_lost", lambda *_: None),
                                              (membership._Applying, "_lose", lambda *_: None)],
    "a removed user's acts count": [(membership, "_certified_at", lambda *_: 2**53)],
    "the numbers of what does not count are free": [(membership._Applying, "_numbers", lambda *_: None)],
    "no new key is owed": [(primitives, "_known_to_former", lambda *_: False)],
}  # fmt: skip
"""Rules of the order and of the resolver, taken out."""


@pytest.fixture(autouse=True)
def _light() -> Iterator[None]:
    with light(), quick():
        yield


def dump(reader: Reader) -> Dump:
    """Everything that a view knows of membership."""
    return {table: reader.session.view.rows(f"SELECT * FROM {table} ORDER BY {by}") for table, by in TABLES.items()}


def read_in(user: int, *portions: list[Pack]) -> Dump:
    """What somebody's view says after taking portions in, one after the other."""
    reader = Reader(user)
    for portion in portions:
        reader.take(portion)
    found = dump(reader)
    reader.close()
    return found


def one_by_one(packs: list[Pack]) -> list[list[Pack]]:
    return [[pack] for pack in packs]


def check(packs: list[Pack], user: int, fully: int = FULLY, every_order: int = 0) -> None:
    """What must hold of a set of packs, as one of the four reads it."""
    wanted = judged.outcome(packs)
    reader = Reader(user).take(packs)
    found = dump(reader)
    check_outcome(found, wanted, user)
    check_removed(packs, found)
    check_owed(packs, reader, wanted)
    reader.close()
    for portions in arrivals(judged.in_order(packs), fully, every_order):
        again = read_in(user, *portions)
        assert again == found, f"{[table for table in TABLES if again[table] != found[table]]} depend on the order"


def arrivals(order: list[Pack], fully: int, every_order: int) -> list[list[list[Pack]]]:
    """Portions that packs may come in. All but the last one make a smaller set, which was looked at by itself: so that
    what comes last changes nothing is enough for larger ones.
    """
    found = [[order[:-1], order[-1:]]]
    if len(order) <= fully:
        found += [[[pack] for pack in order[::-1]], [order[:-2], order[-2:]], [order[-1:], order[:-1]]]
    if len(order) <= every_order:
        found += [[[pack] for pack in packs] for packs in itertools.permutations(order)]
    return found


def check_outcome(found: Dump, wanted: judged.Outcome, user: int) -> None:
    """The same cards, wraps and keys as by the plain rules."""
    assert {row[0]: (row[5], row[2]) for row in found["card"]} == {
        card.user: (card.status, "|".join(card.roles)) for card in wanted.cards.values()
    }
    assert {row[0]: (row[11], bool(row[10])) for row in found["wrap"]} == {
        name: (wrap.root, wrap.ended) for name, wrap in wanted.wraps.items()
    }
    assert {row[1]: bool(row[4]) for row in found["keyring"]} == wanted.keys.get(name_of(user), {})


def check_removed(packs: list[Pack], found: Dump) -> None:
    """A removal is final, and nothing counts that the removed user did and no removal knew of."""
    removals = [pack for pack in packs if pack.entry.removes]
    known = frozenset().union(*(pack.known | {pack.entry.hash} for pack in removals))
    gone = {row[0] for row in found["card"] if row[5] == REMOVED}
    of = {row.id: pack for pack in packs for row in pack.rows}
    certified = [card for pack in removals for row in pack.rows for card in judged._cards(read(row))]
    assert gone == {card.user for card in certified if card.status == REMOVED}
    for row in found["wrap"]:
        assert row[8] not in gone or of[row[6]].entry.hash in known, "what a removed user gave at that time counts"


def check_owed(packs: list[Pack], reader: Reader, wanted: judged.Outcome) -> None:
    """Nothing new is written under a key that somebody knows who holds it no more: a new one is owed first."""
    session = reader.session
    if not session.writes(PLACE.id):
        return
    number = session.newest(PLACE.id)
    acts = [read(row) for pack in packs for row in pack.rows]
    knows = {grant.recipient for act in acts for grant in act.grants if grant.generation == number}
    knows |= {act.author for act in acts for item in act.generations if item.number == number}
    still = {user for user in knows if wanted.live(user) and wanted.cards[user].status != REMOVED}
    assert knows == still or rotation_owed(session, PLACE.id), "a former holder knows the key that is written under"


def every(kinds: tuple[str, ...], steps: int, fully: int = FULLY, every_order: int = 0) -> int:
    """Look at every history; how many there are."""
    model, number = Model(kinds), -1
    for number, names in enumerate(model.histories(steps)):
        packs = model.of(sorted(names))
        try:
            check(packs, EVERYBODY[number % len(EVERYBODY)], fully, every_order)
        except BaseException as error:  # whatever failed is told with its history
            error.add_note(", ".join(pack.told for pack in judged.in_order(packs)))
            raise
    return number + 1


def test_every_history_of_grants_revokes_new_keys_and_removals(scale: Callable[[int, int], int]) -> None:
    """Six steps at night, two by default: by three administrators who know of each other what they have heard."""
    assert every(STRONG, scale(6, 2), scale(FULLY, 2), scale(EVERY_ORDER, 0)) > 100


def test_every_history_with_colleagues_and_roles(scale: Callable[[int, int], int]) -> None:
    """Four steps at night: administrators also end and give each other's access, and the subject leaves or changes
    roles.
    """
    assert every(ALL, scale(4, 1), scale(4, 2), scale(3, 0)) > 20


def test_a_key_that_was_given_while_the_roles_changed_elsewhere_is_not_kept() -> None:
    """Also by a view that is built anew after both."""
    packs = Model(ALL).script((0, "give", SUBJECT), (2, "outgrow", SUBJECT))
    check(packs, SUBJECT)
    assert read_in(SUBJECT, packs)["keyring"] == []


def test_nothing_is_written_under_a_key_made_after_ones_own_had_ended() -> None:
    """B makes a key where A had ended B's access and removed C: it opens what was written, and no more is."""
    packs = Model(ALL).script((0, "end colleague", 1), (0, "remove", 2), (1, "rotate", 1))
    check(packs, 1)
    reader = Reader(1).take(packs)
    assert reader.session.holds(PLACE.id)
    assert not reader.session.writes(PLACE.id)
    reader.close()


def test_numbers_go_on_from_a_key_that_does_not_count() -> None:
    """C removed A, A made a key elsewhere at that time, and B, who knew of that only, the next: B's counts, and what
    was written under it is read.
    """
    packs = Model(STRONG).script((2, "remove", 0), (0, "rotate", 0), (1, "hear", 0), (1, "rotate", 1))
    for user in (1, 2):
        check(packs, user)
        assert max(row[1] for row in read_in(user, packs)["keyring"]) >> authority.COUNT_BITS == 2


def test_who_remove_each_other_are_both_removed() -> None:
    """A card is certified by the program's key, whoever's act brings it."""
    packs = Model(ALL).script((0, "remove", 1), (1, "remove", 0))
    check(packs, 2)
    assert {row[0]: row[5] for row in read_in(2, packs)["card"]}[name_of(0)] == REMOVED


def test_a_removal_is_final_against_later_changes_elsewhere() -> None:
    packs = Model(ALL).script((0, "outgrow", SUBJECT), (0, "regain", SUBJECT), (1, "remove subject", SUBJECT))
    check(packs, 2)
    assert {row[0]: row[5] for row in read_in(2, packs)["card"]}[name_of(SUBJECT)] == REMOVED


@pytest.mark.nightly
@pytest.mark.parametrize("name", MUTANTS)
def test_a_rule_that_is_taken_out_is_missed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for target, attribute, value in MUTANTS[name]:
        monkeypatch.setattr(target, attribute, value)
    with pytest.raises((AssertionError, NoKey)):
        every_and_one_longer()


def every_and_one_longer() -> None:
    """Two steps are enough to miss most rules."""
    test_numbers_go_on_from_a_key_that_does_not_count()
    test_a_removal_is_final_against_later_changes_elsewhere()
    every(ALL, 2)
