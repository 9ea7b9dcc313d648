"""Each rule has a mutant that dies: with the rule taken out, a test that names it fails."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iop_tui.access import primitives, settle
from iop_tui.exchange import backup, cards, deciding, engine, packs, polling, sealing, taking
from iop_tui.exchange.remotes.directory import DirectoryRemote
from iop_tui.kernel.canonical import decode
from iop_tui.kernel.errors import IopError, MediumUnusable, NeedsNewer
from iop_tui.store import basing, exchangelog
from iop_tui.store.members import membership
from iop_tui.store.views import catchup
from iop_tui.workspace import backingup
from tests.exchange import test_bad_input as bad_input
from tests.exchange import test_bases as bases
from tests.exchange import test_conflicts as conflicts
from tests.exchange import test_lanes as lanes
from tests.exchange import test_late_work as late_work
from tests.exchange import test_private_entries as private_entries
from tests.exchange import test_recovery as recovering
from tests.exchange import test_rules as rules
from tests.exchange import test_settling as settling
from tests.exchange.test_bad_input import Say, say  # noqa: F401
from tests.exchange.test_lanes import place  # noqa: F401
from tests.exchange.test_late_work import lost  # noqa: F401
from tests.exchange.test_recovery import kept  # noqa: F401
from tests.exchange.test_rules import world  # noqa: F401
from tests.exchange.world.pairs import Pair, copied

Patch = tuple[object, str, object]


def _plain_number(session: Any, compartment: bytes) -> int:
    row = session.view.one("SELECT coalesce(max(number), 0) FROM generation WHERE compartment = ?", (compartment,))
    return int(row[0]) + 1


def _unverified(data: bytes, root_public: bytes) -> deciding.Decision:
    return decode(decode(data, deciding._Signed).decision, deciding.Decision)


def _everything(ledger: Any) -> int:
    start = sealing._start(ledger).revisions
    return int(ledger.session.db.read("SELECT count(*) FROM revision WHERE seq > ?", (start,))[0][0])


def _no_anchors(rows: object, root: bytes) -> bool:
    return False


def _uncertified(data: bytes, root_public: bytes) -> cards.DeviceCard:
    return decode(decode(data, cards.SignedDevice).card, cards.DeviceCard)


def _deleting(mirror: Any, *given: Any, real: Any = polling.listed, **named: Any) -> Any:
    found = real(mirror, *given, **named)
    for name in found.gone:
        mirror.drop(name)
    return found


def _silent(*given: Any, real: Any = polling.listed, **named: Any) -> Any:
    found = real(*given, **named)
    found.gone = []
    return found


def _headed(mirror: Any, remote: Any, *given: Any, real: Any = polling.listed, **named: Any) -> Any:
    found = real(mirror, remote, *given, **named)
    lanes = {name.partition("/")[2] for name in remote.heads()}
    found.wanted = {name: size for name, size in found.wanted.items() if name.split("/")[1] in lanes}
    return found


def _one_of_each(ledger: Any, *given: Any, real: Any = taking.ready, **named: Any) -> Any:
    known = {(entry.lane, entry.n) for entry in ledger.entries.values()}
    parts = real(ledger, *given, **named)
    return [[item for item in part if (item.entry.lane, item.entry.n) not in known] for part in parts]


def _unread(remote: Any, at: Any, data: bytes, real: Any = DirectoryRemote._write) -> None:
    try:
        real(remote, at, data)
    except MediumUnusable as error:
        if "reads back" not in error.message:
            raise


def _dropped(ledger: Any, mirror: Any, name: str, real: Any = taking._open) -> Any:
    try:
        return real(ledger, mirror, name)
    except NeedsNewer:
        mirror.drop(name)
        raise


class _Early:
    """A device that looks whether it was copied before it has the keys that came."""

    found = False

    @classmethod
    def ready(cls, ledger: Any, mirror: Any, *given: Any, real: Any = taking.ready, look: Any = taking.restored) -> Any:
        cls.found = look(ledger, mirror)
        return real(ledger, mirror, *given)

    @classmethod
    def restored(cls, *_: Any) -> bool:
        return cls.found


def a_flipped_pack(say: Say, pair: Pair) -> None:  # noqa: F811
    """A pack of the right size and wrong bytes."""
    bad_input.test_a_pack_is(say, pair, "flipped")


def a_clock_that_went_back(conflicting: Any) -> None:
    """Of two versions the one that is dated later is shown, unless it was superseded."""
    conflicts.test_the_text_that_is_shown_is_a_newest_one_whatever_the_clocks_say(conflicting)


@pytest.fixture
def conflicting(template: Pair, tmp_path: Path) -> Any:
    """Two devices and a stick, as `test_conflicts` has them."""
    return conflicts.Pair(*copied(template, tmp_path))


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
    "what a carrier lacks is deleted": ([(polling, "listed", _deleting)], rules.test_what_is_absent_is_not_deleted),
    "a carrier that went back is not told": ([(polling, "listed", _silent)], lanes.test_many),
    "packs are brought in any order": (
        [(engine, "order_of", lambda ledger, real=engine.order_of: real(ledger)[::-1])],
        rules.test_packs_are_brought_causes_first,
    ),
    "nobody is told that a pack is damaged": ([(DirectoryRemote, "want", lambda *_: None)], a_flipped_pack),
    "only what heads name is fetched": ([(polling, "listed", _headed)], rules.test_heads_decide_nothing),
    "own acts are sealed after others are taken in": (
        [(sealing, "pending_acts", lambda *_: False)], rules.test_own_acts_are_sealed_before_packs_are_taken_in,
    ),
    "the second pack of a fork is passed over": (
        [(taking, "ready", _one_of_each)], rules.test_both_packs_of_a_fork_are_kept,
    ),
    "a copied device looks at itself before it has the keys": (
        [(taking, "ready", _Early.ready), (taking, "restored", _Early.restored)],
        lanes.test_a_copied_device_notices_itself_under_a_new_key,
    ),
    "a version dated ahead stays on the screen": (
        [(catchup, "leaves_unshown", lambda *_: [])], a_clock_that_went_back,
    ),
    "a folder's mark is not looked at": (
        [(DirectoryRemote, "_claim", lambda *_: None)], bad_input.test_another_programs_realm,
    ),
    "a card counts without the program's signature": (
        [(cards, "read", _uncertified)], rules.test_a_device_counts_by_its_certificate,
    ),
    "what was written is not read back": (
        [(DirectoryRemote, "_write", _unread)], bad_input.test_a_stick_that_reads_back_otherwise,
    ),
    "what is newer is thrown away": ([(taking, "_open", _dropped)], bad_input.test_a_newer_programs_packs),
    "packs are believed without a signature": ([(packs.Pack, "verify", lambda *_: None)], lanes.test_many),
    "a restored device's lane goes on": ([(taking, "restored", lambda *_: False)], lanes.test_many),
    "what colleagues keep alone is counted": (
        [(sealing, "pending_changes", _everything)], private_entries.test_a_safety_entry_causes_no_pack,
    ),
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
