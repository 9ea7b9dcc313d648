"""A caseload moves, somebody stands in, a leaver goes: no note becomes unreadable, the wall stands (CR-1, CR-16)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from iop_tui.access import charts, policy, roles
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import Target, next_number, open_compartment, user_recipient
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.people import service as people
from iop_tui.clinical.records import api as records
from iop_tui.clinical.staff import api as staffing
from iop_tui.clinical.staff import profiles
from iop_tui.clinical.staff import service as staff
from iop_tui.clinical.turnover import api as turnover
from iop_tui.clinical.turnover.model import SUCCESSION, Succession
from iop_tui.kernel.errors import NoKey, NotFound, RoleRefused, WallRefused
from iop_tui.kernel.ids import show_id
from iop_tui.workspace import Workspace
from tests.support.clinic.consents import Clinic, opened, refused
from tests.support.clinic.vaults import PHRASE, Member, note, template

IT, CT, MD = roles.INDIVIDUAL_THERAPIST, roles.COUPLES_THERAPIST, roles.MEDICAL_DIRECTOR
QUARRY = "quarry accident"  # in Tom's note about Ben


@pytest.fixture
def clinic(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Clinic]:
    with opened(template(tmp_path_factory), tmp_path) as found:
        yield found


def hire(clinic: Clinic, name: str, *granted: str) -> bytes:
    new = staff.add_user(clinic.ws("nadia"), name=name, user_roles=granted, phrase=bytearray(PHRASE))
    clinic.made.users[name.lower()] = Member(name, new.secrets, new)
    clinic.ws("nadia")
    return new.user


def note_of(ws: Workspace, clinic: Clinic, who: str) -> bytes:
    saved = notes.save(ws, clinic.made.people[who], note(clinic.day - timedelta(days=1), "After the move."))
    notes.sign(ws, [saved.record])
    return saved.record


def test_the_only_therapist_leaves_and_no_note_becomes_unreadable(clinic: Clinic) -> None:
    ida, ben = hire(clinic, "Ida", IT), clinic.made.people["ben"]
    with refused("turnover.caseload_left"):
        turnover.refuse_leaving(clinic.ws("nadia"), clinic.user("tom"))
    (line,) = turnover.transfer(clinic.ws("fay"), clinic.user("tom"), ida)
    assert (line.assigned, line.handed_over, line.ended, line.waiting_for) == (True, False, False, "Tom")
    assert clinic.payloads("ida", QUARRY) == 0, "who assigns moves no key"
    tom = clinic.ws("tom")
    assert turnover.hand_overs_waiting(tom) == [(ben, ida, IT)]
    (line,) = turnover.transfer(tom, clinic.user("tom"), ida)
    assert (line.handed_over, line.ended) == (True, False)
    assert "front desk" in line.waiting_for
    assert clinic.payloads("ida", QUARRY) == 1
    (line,) = turnover.transfer(clinic.ws("fay"), clinic.user("tom"), ida)
    assert line.ended
    assert line.waiting_for == ""
    assert records.read(clinic.ws("ida"), clinic.made.notes["ben0"]).document is not None
    turnover.refuse_leaving(clinic.ws("nadia"), clinic.user("tom"))
    staff.remove(clinic.ws("nadia"), clinic.user("tom"))
    written = note_of(clinic.ws("ida"), clinic, "ben")
    assert {clinic.made.notes["ben0"], written} <= {row.record for row in clinic.readable("ida").values()}
    assert clinic.payloads("tom", "After the move") == 0
    with refused("transfer.nothing"):
        turnover.transfer(clinic.ws("fay"), clinic.user("tom"), ida)


@pytest.mark.parametrize("name", ["cleo", "bill"])
def test_a_key_that_somebody_invents_for_the_giver_keeps_no_hand_over_waiting(clinic: Clinic, name: str) -> None:
    """Modified software founds Ben's parts once more and says that Tom has those keys: they count for nobody."""
    ida, ben = hire(clinic, "Ida", IT), clinic.made.people["ben"]
    chart = charts.chart_of(clinic.ws("tom").session, ben)
    forger = clinic.ws(name)
    work = forger.work()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(policy, "may_be_member", lambda kind, granted: True)
        for kind in (Kind.IND, Kind.CRISIS):
            target = Target(charts.reserved_id(chart, kind), kind, ben)
            number = next_number(forger.session, target.id)
            to = user_recipient(forger.session, clinic.user("tom"), IT)
            open_compartment(forger.session, work, target, [to], act="open-compartment", number=number)
    forger.session.note(work, "forged")
    forger.commit(work)
    for who in ("fay", "tom"):
        turnover.transfer(clinic.ws(who), clinic.user("tom"), ida)
    (line,) = turnover.transfer(clinic.ws("fay"), clinic.user("tom"), ida)
    assert (line.handed_over, line.ended, line.waiting_for) == (True, True, "")
    assert clinic.payloads("ida", QUARRY) == 1


def test_a_successor_ends_what_the_predecessor_shared(clinic: Clinic) -> None:
    ida = hire(clinic, "Ida", IT)
    made = consents.authorize(clinic.ws("tom"), clinic.internal("ben"))
    assert clinic.payloads("cleo", QUARRY) == 1
    for name in ("fay", "tom", "fay"):
        turnover.transfer(clinic.ws(name), clinic.user("tom"), ida)
    staff.remove(clinic.ws("nadia"), clinic.user("tom"))
    assert clinic.payloads("cleo", QUARRY) == 1, "the client's authorization outlives the clinician"
    assert consents.revoke(clinic.ws("ida"), made.id).ended == 1
    clinic.ws("cleo")
    assert clinic.payloads("cleo", QUARRY) == 0
    assert clinic.ws("cleo").view.rows("SELECT what, why FROM quarantine") == []


def test_standing_in_ends_by_itself(clinic: Clinic) -> None:
    ida, ben = hire(clinic, "Ida", IT), clinic.made.people["ben"]
    until = clinic.day + timedelta(days=7)
    turnover.transfer(clinic.ws("fay"), clinic.user("tom"), ida, until=until)
    (line,) = turnover.transfer(clinic.ws("tom"), clinic.user("tom"), ida, until=until)
    assert (line.handed_over, line.ended, line.waiting_for) == (True, False, "")
    written = note_of(clinic.ws("ida"), clinic, "ben")
    assert clinic.payloads("ida", QUARRY) == 1
    clinic.pass_days(8)
    ida_ws = clinic.ws("ida")
    with pytest.raises(NotFound):
        records.read(ida_ws, clinic.made.notes["ben0"])
    with pytest.raises((NoKey, NotFound)):
        note_of(ida_ws, clinic, "ben")
    assert clinic.payloads("ida", QUARRY) == 0
    tom = clinic.ws("tom")
    assert records.read(tom, written).line.author_name == "Ida", "what the stand-in wrote stays in the record"
    assert (ida, IT) not in [(fact.user, fact.role) for fact in charts.care_facts(tom.session, ben)]
    note_of(tom, clinic, "ben")
    assert clinic.payloads("ida", "After the move") == 0, "what is written afterwards has a key of its own"


def test_a_stand_in_keeps_the_end_when_a_key_is_renewed(clinic: Clinic) -> None:
    ida, mia, ben = hire(clinic, "Ida", IT), hire(clinic, "Mia", MD), clinic.made.people["ben"]
    people.assign(clinic.ws("fay"), ben, mia, MD)
    until = clinic.day + timedelta(days=7)
    for name in ("fay", "tom"):
        clinic.ws("mia")
        turnover.transfer(clinic.ws(name), clinic.user("tom"), ida, until=until, role=IT)
    people.end_care(clinic.ws("fay"), ben, mia)
    note_of(clinic.ws("tom"), clinic, "ben")
    clinic.ws("ida")
    assert clinic.payloads("ida", "After the move") == 1
    clinic.pass_days(8)
    clinic.ws("ida")
    assert clinic.payloads("ida", "After the move") == 0


def test_a_couples_therapist_hands_over_the_joint_record_and_keeps_what_was_held(clinic: Clinic) -> None:
    cora = hire(clinic, "Cora", CT)
    cleo = clinic.ws("cleo")
    couple, link = next(iter(charts.couple_links(cleo.session).items()))
    (line,) = turnover.transfer(clinic.ws("fay"), clinic.user("cleo"), cora)
    assert (line.subject, line.role, line.waiting_for) == (couple, CT, "Cleo")
    (line,) = turnover.transfer(clinic.ws("cleo"), clinic.user("cleo"), cora)
    assert line.handed_over
    (line,) = turnover.transfer(clinic.ws("fay"), clinic.user("cleo"), cora)
    assert line.ended
    new = clinic.ws("cora")
    from iop_tui.kernel.ids import parse_id

    assert new.session.holds(parse_id(link.joint))
    old = clinic.ws("cleo")
    assert not old.session.holds(parse_id(link.joint))
    with pytest.raises(NotFound):
        people.header(old, clinic.made.people["ana"])
    assert charts.couples(new.session)[0].therapist == cora


@pytest.mark.parametrize(
    ("by", "frm", "to", "rule"),
    [
        ("tom", "tom", "tom", "transfer.same"),
        ("sol", "tom", "ida", "transfer.role"),
        ("fay", "sol", "ida", "transfer.nothing"),
    ],
)
def test_transfers_that_are_refused_change_nothing(clinic: Clinic, by: str, frm: str, to: str, rule: str) -> None:
    hire(clinic, "Ida", IT)
    ws = clinic.ws(by)
    before = ws.session.db.position.revisions
    with refused(rule):
        turnover.transfer(ws, clinic.user(frm), clinic.user(to), role=IT if frm == "sol" else "")
    assert ws.session.db.position.revisions == before
    assert f"transfer: {rule}" in clinic.events("refused")


def test_cr1_nobody_takes_over_the_other_partner(clinic: Clinic) -> None:
    with pytest.raises(WallRefused):
        turnover.transfer(clinic.ws("fay"), clinic.user("tom"), clinic.user("nadia"))
    assert "transfer: wall" in clinic.events("refused")
    past = clinic.day - timedelta(days=1)
    with refused("transfer.until"):
        turnover.transfer(clinic.ws("fay"), clinic.user("tom"), clinic.user("nadia"), until=past)


def test_a_medical_director_holds_the_keys_of_one_partner_at_most(clinic: Clinic) -> None:
    mia = hire(clinic, "Mia", MD)
    people.assign(clinic.ws("fay"), clinic.made.people["ana"], mia, MD)
    with pytest.raises(WallRefused):
        people.assign(clinic.ws("fay"), clinic.made.people["ben"], mia, MD)
    assert clinic.payloads("mia", QUARRY) == 0


# -- gone without notice -------------------------------------------------------------------


def test_a_successor_takes_over_with_a_second_signature_and_never_alone(clinic: Clinic) -> None:
    ida = hire(clinic, "Ida", IT)
    pat = hire(clinic, "Pat", roles.PRIVACY_OFFICER)
    ben = clinic.made.people["ben"]
    turnover.name_successor(clinic.ws("tom"), ida, pat)
    assert turnover.unnamed(clinic.ws("tom")) == []
    note_of(clinic.ws("tom"), clinic, "ben")
    assert turnover.keep_up(clinic.ws("tom")).records == set(), "a new note under a known key changes nothing"
    assert turnover.succeed(clinic.ws("ida")) == []
    for name in ("ida", "pat"):
        assert clinic.payloads(name, QUARRY) == 0, "one half opens nothing"
    with refused("succession.reason"):
        turnover.approve(clinic.ws("pat"), clinic.user("tom"), " ")
    with refused("succession.not_named"):
        turnover.approve(clinic.ws("nadia"), clinic.user("tom"), "Tom is in hospital.")
    (line,) = turnover.approve(clinic.ws("pat"), clinic.user("tom"), "Tom is in hospital.")
    assert (line.person, line.refused) == (ben, "")
    assert clinic.payloads("ida", QUARRY) == 0
    assert [item.person for item in turnover.succeed(clinic.ws("ida"))] == [ben]
    assert clinic.payloads("ida", QUARRY) == 1
    assert clinic.payloads("pat", QUARRY) == 0
    assert turnover.succeed(clinic.ws("ida")) == []
    (done,) = turnover.transfer(clinic.ws("fay"), clinic.user("tom"), ida)
    assert done.ended
    staff.remove(clinic.ws("nadia"), clinic.user("tom"))
    assert records.read(clinic.ws("ida"), clinic.made.notes["ben0"]).document is not None
    for name in ("ida", "pat", "nadia"):
        assert clinic.ws(name).view.rows("SELECT what, why FROM quarantine") == [], name


def test_what_was_signed_beforehand_counts_no_more_once_the_account_ended(clinic: Clinic) -> None:
    ida, pat = hire(clinic, "Ida", IT), hire(clinic, "Pat", roles.PRIVACY_OFFICER)
    turnover.name_successor(clinic.ws("tom"), ida, pat)
    staff.suspend(clinic.ws("nadia"), clinic.user("tom"))
    with refused("succession.ended"):
        turnover.approve(clinic.ws("pat"), clinic.user("tom"), "Tom has left.")
    staff.resume(clinic.ws("nadia"), clinic.user("tom"))
    assert turnover.approve(clinic.ws("pat"), clinic.user("tom"), "Tom has left.")[0].refused == ""


def test_a_new_key_is_covered_at_the_next_unlock(clinic: Clinic) -> None:
    ida, pat, mia = hire(clinic, "Ida", IT), hire(clinic, "Pat", roles.PRIVACY_OFFICER), hire(clinic, "Mia", MD)
    turnover.name_successor(clinic.ws("tom"), ida, pat)
    people.assign(clinic.ws("fay"), clinic.made.people["ben"], mia, MD)
    clinic.ws("tom")
    clinic.ws("mia")
    people.end_care(clinic.ws("fay"), clinic.made.people["ben"], mia)
    note_of(clinic.ws("tom"), clinic, "ben")  # under a renewed key
    assert turnover.keep_up(clinic.ws("tom")).records
    turnover.approve(clinic.ws("pat"), clinic.user("tom"), "Tom is in hospital.")
    turnover.succeed(clinic.ws("ida"))
    assert clinic.payloads("ida", "After the move") == 1


def test_the_wall_is_checked_when_a_successor_takes_over(clinic: Clinic) -> None:
    ida, pat = hire(clinic, "Ida", IT), hire(clinic, "Pat", roles.PRIVACY_OFFICER)
    turnover.name_successor(clinic.ws("tom"), ida, pat)
    for name in ("fay", "nadia"):
        turnover.transfer(clinic.ws(name), clinic.user("nadia"), ida, persons=(clinic.made.people["ana"],), role=IT)
    (line,) = turnover.approve(clinic.ws("pat"), clinic.user("tom"), "Tom is in hospital.")
    assert "other partner" in line.refused
    assert turnover.succeed(clinic.ws("ida")) == []
    assert clinic.payloads("ida", QUARRY) == 0


def test_a_naming_in_a_clinicians_name_is_not_followed(clinic: Clinic) -> None:
    """Fay can write into Ana's directory entry, in Nadia's name as well; and Nadia's own naming counts where it is."""
    ida, pat = hire(clinic, "Ida", IT), hire(clinic, "Pat", roles.PRIVACY_OFFICER)
    ana, fay = clinic.made.people["ana"], clinic.ws("fay")
    forged = Succession(
        user=show_id(clinic.user("nadia")), role=IT, successor=show_id(ida), second=show_id(pat), sealed="",
        for_successor="", for_second="", covers=(), named_on=clinic.day,
    )  # fmt: skip
    work = fay.work()
    body = fay.session.body(
        work, record=fay.rng.token(16), person=ana, kind="succession", version=SUCCESSION.version,
        payload=SUCCESSION.encode(forged), author=clinic.user("nadia"),
    )  # fmt: skip
    fay.session.write(work, charts.compartment_for(fay.session, ana, Kind.DIR), body)
    fay.session.note(work, "forged")
    fay.commit(work)
    nadia = clinic.ws("nadia")
    assert turnover.keep_up(nadia).records == set()
    assert nadia.view.rows("SELECT 1 FROM record WHERE kind = 'succession'") == []
    assert nadia.view.rows("SELECT why FROM quarantine")


@pytest.mark.parametrize(
    ("successor", "second", "rule"),
    [
        ("tom", "nadia", "succession.three"),
        ("nadia", "nadia", "succession.three"),
        ("sol", "nadia", "succession.role"),
        ("ida", "fay", "succession.second"),
    ],
)
def test_naming_a_successor_follows_rules(clinic: Clinic, successor: str, second: str, rule: str) -> None:
    hire(clinic, "Ida", IT)
    with refused(rule):
        turnover.name_successor(clinic.ws("tom"), clinic.user(successor), clinic.user(second))


# -- supervision ---------------------------------------------------------------------------


def supervised_by_uma(clinic: Clinic, *names: str) -> None:
    for name in names:
        value = profiles.StaffProfile(credential="LMSW", supervisor=show_id(clinic.user("uma")))
        profiles.set_profile(clinic.ws("nadia"), clinic.user(name), value)


def test_t10_one_supervisor_on_both_sides_needs_an_exception_record(clinic: Clinic) -> None:
    hire(clinic, "Ida", IT)
    supervised_by_uma(clinic, "sol", "ida")  # Sol treats Ana; Ida would treat Ben
    ben = clinic.made.people["ben"]
    with refused("supervisor.conflict"):
        people.assign(clinic.ws("fay"), ben, clinic.user("ida"), IT)
    assert "assign: supervisor.conflict" in clinic.events("refused")
    (couple,) = charts.couples(clinic.ws("fay").session)
    with pytest.raises(RoleRefused):
        staffing.except_supervisor(
            clinic.ws("fay"), clinic.user("uma"), couple.id, option="documented exception", reason="No other here."
        )
    with refused("supervisor.exception"):
        staffing.except_supervisor(
            clinic.ws("nadia"), clinic.user("uma"), couple.id, option="documented exception", reason=""
        )
    staffing.except_supervisor(
        clinic.ws("nadia"), clinic.user("uma"), couple.id, option="redacted consult", reason="No other here."
    )
    people.assign(clinic.ws("fay"), ben, clinic.user("ida"), IT)
    (found,) = staffing.conflicts(clinic.ws("fay"))
    assert (found.supervisor, found.excepted) == (clinic.user("uma"), "redacted consult")


def test_cr16_the_couples_therapist_and_a_partners_clinician_under_one_supervisor_are_flagged(clinic: Clinic) -> None:
    assert staffing.conflicts(clinic.ws("fay")) == []
    supervised_by_uma(clinic, "cleo", "tom")
    (found,) = staffing.conflicts(clinic.ws("fay"))
    assert set(found.authors) == {clinic.user("cleo"), clinic.user("tom")}
    assert found.excepted == ""


def test_cr16_a_supervisor_is_assigned_to_one_partner_only(clinic: Clinic) -> None:
    people.assign(clinic.ws("fay"), clinic.made.people["ana"], clinic.user("uma"), roles.SUPERVISOR)
    with refused("supervisor.conflict"):
        people.assign(clinic.ws("fay"), clinic.made.people["ben"], clinic.user("uma"), roles.SUPERVISOR)
    chart = charts.compartment_for(clinic.ws("fay").session, clinic.made.people["ana"], Kind.IND)
    assert not clinic.ws("uma").session.holds(chart), "a supervisor gets shares, never keys"
