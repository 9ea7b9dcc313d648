"""Each rule has a mutant that dies: with the rule taken out, a test that names it fails."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from iop_tui.access import primitives, settle
from iop_tui.exchange import backup, cards, deciding, packs, sealing, taking
from iop_tui.kernel.errors import IopError
from iop_tui.store import basing, exchangelog
from iop_tui.store.members import membership
from iop_tui.workspace import backingup
from tests.exchange import test_bases as bases
from tests.exchange import test_lanes as lanes
from tests.exchange import test_late_work as late_work
from tests.exchange import test_recovery as recovering
from tests.exchange import test_settling as settling
from tests.exchange.test_lanes import place  # noqa: F401
from tests.exchange.test_late_work import lost  # noqa: F401
from tests.exchange.test_recovery import kept  # noqa: F401

Patch = tuple[object, str, object]


def _plain_number(session: Any, compartment: bytes) -> int:
    row = session.view.one("SELECT coalesce(max(number), 0) FROM generation WHERE compartment = ?", (compartment,))
    return int(row[0]) + 1


def _unverified(data: bytes, root_public: bytes) -> deciding.Decision:
    return deciding.decode(deciding.decode(data, deciding._Signed).decision, deciding.Decision)


def _no_anchors(rows: object, root: bytes) -> bool:
    return False


MUTANTS: dict[str, tuple[list[Patch], Callable[..., None]]] = {
    "numbers without a random half": (
        [(primitives, "next_number", _plain_number), (settle, "next_number", _plain_number)],
        settling.test_two_devices_make_the_next_key_and_nothing_becomes_unreadable,
    ),
    "the second founding is thrown away": (
        [(membership._Applying, "_rival", lambda *_: False)],
        settling.test_colleagues_both_make_the_first_key_and_both_read_both,
    ),
    "a removal does not come first": (
        [(sealing, "removes", _no_anchors), (taking, "removes", _no_anchors)],
        settling.test_what_a_removed_user_did_elsewhere_at_that_time_does_not_count,
    ),
    "membership is not taken in anew": (
        [(taking, "_reordered", lambda *_: False)],
        settling.test_what_a_removed_user_did_elsewhere_at_that_time_does_not_count,
    ),
    "a restored device goes on in its lane": (
        [(taking, "restored", lambda *_: False)],
        settling.test_restored_and_pushed_before_anything_was_fetched,
    ),
    "forks are not told": (
        [(taking, "forks", lambda *_: {})],
        settling.test_restored_and_pushed_before_anything_was_fetched,
    ),
    "a lost device is not cut off": (
        [(cards, "late", lambda *_: set())],
        settling.test_a_lost_device_is_cut_off_and_its_late_work_is_kept,
    ),
    "the lost device gets the next key too": (
        [(sealing, "_key_number", lambda *_: 1)],
        settling.test_a_lost_device_is_cut_off_and_its_late_work_is_kept,
    ),
    "a pack lacks the base of a version": (
        [(sealing, "_bases", lambda *_: [])], bases.test_every_pack_is_read_without_another_one,
    ),
    "a version is stored against what a pack holds": (
        [(basing, "_in_own_pack", lambda *_: False)], bases.test_every_pack_is_read_without_another_one,
    ),
    "anybody decides of late work": (
        [(deciding, "_read", _unverified)], late_work.test_a_decision_counts_by_its_certificate_and_an_acceptance_stays,
    ),
    "a rejection takes an acceptance back": (
        [(deciding, "_weight", lambda decision: (decision.accepted,))],
        late_work.test_a_decision_counts_by_its_certificate_and_an_acceptance_stays,
    ),
    "what was accepted comes alone": (
        [(cards, "past", lambda heads, known: set(heads) & set(known))],
        late_work.test_late_work_is_shown_and_accepted_with_what_came_before_it,
    ),
    "a backup is not read back": (
        [(backup, "_read_back", lambda *_, **__: None)],
        recovering.test_a_backup_that_reads_back_otherwise_does_not_count,
    ),
    "the last verified backup is thinned like any other": (
        [(backingup, "surplus", lambda found, verified, real=backingup.surplus: real(found, None))],
        recovering.test_seven_newest_and_one_a_month_are_kept_and_never_the_last_verified_one_lost,
    ),
    "packs are believed without a signature": ([(packs.Pack, "verify", lambda *_: None)], lanes.test_many),
    "a restored device's lane goes on": ([(taking, "restored", lambda *_: False)], lanes.test_many),
    "bytes are not held against their name": ([(packs, "fits", lambda *_: True)], lanes.test_many),
    "acts stand as they came": (
        [(exchangelog, "act_order", lambda packs, arrived: list(dict.fromkeys(arrived)))], lanes.test_many,
    ),
}  # fmt: skip


@pytest.mark.nightly
@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_die(name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    patches, test = MUTANTS[name]
    given = {argument: request.getfixturevalue(argument) for argument in inspect.signature(test).parameters}
    for target, attribute, value in patches:
        monkeypatch.setattr(target, attribute, value)
    with pytest.raises((AssertionError, IopError, pytest.fail.Exception)):
        test(**given)
