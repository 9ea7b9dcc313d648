"""What is due and why, as time passes over one chart; the nightly check finds what was left undone."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.charting.urgency import RISKS, urgency
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.episodes.model import CONTINUING_CARE_PLAN, DISCHARGE_SUMMARY, Appointment, Attempt
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.plans import service as plans
from iop_tui.clinical.plans import tree
from iop_tui.clinical.safety.model import RISK_ASSESSMENT
from iop_tui.clinical.signing import service as signing
from iop_tui.clinical.signing.model import ClientSignature
from iop_tui.clinical.staff import profiles
from iop_tui.clinical.staff.profiles import Licence, ProgramProfile, StaffProfile
from iop_tui.kernel.errors import NotReady
from iop_tui.workspace import Workspace
from tests.support.clinic.charting import CONTINUING, DISCHARGE, INTAKE, RISK
from tests.support.clinic.consents import Clinic
from tests.support.clinic.plans import plan
from tests.support.clinic.vaults import Program, note, today

WITHOUT = msgspec.structs.replace
FAR = timedelta(days=400)


def due_of(ws: Workspace, person: bytes) -> dict[str, tuple[date, str]]:
    return {line.what: (line.due, line.rule) for line in charting.due(ws, within=FAR) if line.person == person}


def pass_days(made: Program, ws: Workspace, days: int) -> None:
    made.clock.advance(days * 86_400)
    ws.confirm(made.users["nadia"].typed())


def sign(ws: Workspace, person: bytes, kind: object, document: object) -> bytes:
    record = charting.save(ws, person, kind, document).record  # type: ignore[arg-type]
    charting.sign(ws, [record])
    return record


def test_the_clocks_of_a_chart_from_admission_to_discharge(made: Program, ws: Workspace) -> None:
    person, day = made.people["max"], today(ws)
    signing.void(ws, made.notes["draft"], reason="duplicate", explanation="Not part of this test.")
    kinds = {item.kind: item for item in ws.registry}
    intake = WITHOUT(INTAKE, admitted=day, assessed=day)
    sign(ws, person, kinds["intake_assessment"], intake)
    found = due_of(ws, person)
    assert found == {
        "Write the treatment plan": (day + timedelta(days=7), "program-plan"),
        "Assess risk": (day, "program-risk-intake"),
    }
    sign(ws, person, RISK_ASSESSMENT, WITHOUT(RISK, assessed=day, follow_up=day + timedelta(days=20)))
    saved = plans.save(ws, person, plan(admitted=day))
    assert due_of(ws, person)["Sign the treatment plan"] == (day + timedelta(days=7), "program-plan")
    charting.sign(ws, [saved.record])
    assert due_of(ws, person) == {
        "Record the client's signature": (day, "plan-client-signature"),
        "Review the treatment plan": (day + timedelta(days=14), "plan-next-review"),
        "Assess risk": (day + timedelta(days=7), "program-risk"),
    }
    high = WITHOUT(RISK, assessed=day, level="high", action="Daily calls.", safety_plan="Today",
                   follow_up=day + timedelta(days=1))  # fmt: skip
    sign(ws, person, RISK_ASSESSMENT, high)
    assert due_of(ws, person)["Follow up on risk"] == (day + timedelta(days=1), "risk-follow-up")

    pass_days(made, ws, 70)
    end = day + timedelta(days=84)
    assert due_of(ws, person)["Write the continuing-care plan"] == (end, "program-continuing")
    care = WITHOUT(CONTINUING, planned=today(ws), discharge=today(ws),
                   appointments=(Appointment(with_whom="Dr. Vale", on=today(ws) + timedelta(days=3)),))  # fmt: skip
    sign(ws, person, CONTINUING_CARE_PLAN, care)
    summary = due_of(ws, person)["Write the discharge summary"]
    assert summary == (today(ws) + timedelta(days=7), "program-discharge"), "five working days from a Thursday"
    opened = charting.begin_discharge(ws, person, today(ws))
    assert (opened.admitted, opened.level_in, len(opened.objectives)) == (day, "2.1", 12)
    draft = WITHOUT(DISCHARGE, admitted=day, discharged=today(ws), services=(*DISCHARGE.services,), objectives=())
    with pytest.raises(NotReady, match=r"Objectives without a final status: 1\.1\.1, 1\.1\.2"):
        sign(ws, person, DISCHARGE_SUMMARY, draft)
    ended = tuple(WITHOUT(item, status="met", comment="reached") for item in opened.objectives)
    sign(ws, person, DISCHARGE_SUMMARY, WITHOUT(draft, objectives=ended))
    leftover = due_of(ws, person)
    assert set(leftover) == {"Sign the discharge summary"}, "the summary that was not ready waits; nothing else does"


def test_rule_packs_in_force_change_the_dates_and_are_named(made: Program, ws: Workspace) -> None:
    person, day = made.people["max"], today(ws)
    profiles.set_program(ws, ProgramProfile(facility="Quarry House", rule_packs=("us-nd",)))
    value = plan(next_review=day + timedelta(days=15), admitted=day)
    record = charting.save(ws, person, plans.TREATMENT_PLAN, value)
    assert [item.source for item in record.findings if item.code == "review_late"] == [
        "N.D. Admin. Code 75-09.1-01-15(5)(c): every two weeks in intensive outpatient treatment [pack not reviewed]"
    ]
    with pytest.raises(NotReady, match="within 14 days"):
        charting.sign(ws, [record.record])


def test_a_rule_pack_from_a_newer_program_stops_nobody_and_is_said(made: Program, ws: Workspace) -> None:
    person, day = made.people["max"], today(ws)
    profiles.set_program(ws, ProgramProfile(facility="Quarry House", rule_packs=("us-nd", "us-new")))
    lines = [line for line in charting.due(ws) if line.action == "update"]
    assert [line.what for line in lines] == ["Update this program: it lacks the rule pack us-new"]
    late = plan(next_review=day + timedelta(days=15), admitted=day)
    findings = charting.findings(ws, person, plans.TREATMENT_PLAN, late)
    assert "review_late" in {item.code for item in findings}, "the packs it has go on holding"


def test_a_plan_after_its_due_date_says_why(made: Program, ws: Workspace) -> None:
    person, day = made.people["max"], today(ws)
    late = plan(admitted=day - timedelta(days=8))
    with pytest.raises(NotReady, match="say why it is late"):
        sign(ws, person, plans.TREATMENT_PLAN, late)
    sign(ws, person, plans.TREATMENT_PLAN, WITHOUT(late, late_reason="Was in hospital."))


def test_unsigned_notes_have_the_rules_dates_and_a_crisis_its_own(made: Program, ws: Workspace) -> None:
    person, day = made.people["max"], today(ws)
    crisis = notes.save(ws, person, note(day, "Called at night", session_type="crisis", objectives=())).record
    lines = {line.record: line for line in charting.due(ws)}
    assert (lines[crisis].due, lines[crisis].rule) == (day, "program-note")
    assert (lines[made.notes["draft"]].due, lines[made.notes["draft"]].action) == (day - timedelta(days=1), "sign")
    plain, urgent = note(day, "x"), note(day, "x", session_type="crisis")
    assert charting.late_entry(ws, plain, day + timedelta(days=5)) == ""
    assert "3 business days" in charting.late_entry(ws, plain, day + timedelta(days=6))
    assert "24 hours" in charting.late_entry(ws, urgent, day + timedelta(days=2))


def test_licences_that_end_soon_are_due(made: Program, ws: Workspace) -> None:
    until = today(ws) + timedelta(days=5)
    value = StaffProfile(credential="LCSW", licences=(Licence(state="KS", until=until), Licence(state="MO")))
    profiles.set_profile(ws, ws.user.user, value)
    assert [(line.what, line.due) for line in charting.due(ws) if line.action == "licence"] == [
        ("Renew the licence for KS", until)
    ]


def test_an_authorization_that_ends_soon_is_due_while_it_is_in_force(made: Program, ws: Workspace) -> None:
    clinic = Clinic(made, ws)
    soon, far = today(ws) + timedelta(days=7), today(ws) + timedelta(days=60)
    for until in (soon, far):
        consents.authorize(ws, clinic.internal(expires_on=until))
    due = [line for line in charting.due(ws, within=FAR) if line.rule == "authorization"]
    assert [(line.what, line.due, line.name) for line in due] == [
        ("Renew the authorization for Cleo", soon, "Ana Quill")
    ]
    assert "42 CFR 2.31" in due[0].source
    consents.revoke(ws, due[0].record)
    assert [line for line in charting.due(ws, within=FAR) if line.rule == "authorization"] == []


def test_a_raised_risk_after_the_plan_forces_a_review(made: Program, ws: Workspace) -> None:
    person, day = made.people["max"], today(ws)
    sign(ws, person, plans.TREATMENT_PLAN, plan(admitted=day))
    raised = {"level": "moderate", "action": "Calls.", "safety_plan": "Today"}
    sign(ws, person, RISK_ASSESSMENT, WITHOUT(RISK, assessed=day, follow_up=day, **raised))
    assert due_of(ws, person)["Review the treatment plan"] == (day + timedelta(days=14), "plan-next-review")
    pass_days(made, ws, 1)
    later = WITHOUT(RISK, assessed=today(ws), follow_up=today(ws), **raised)
    sign(ws, person, RISK_ASSESSMENT, later)
    assert due_of(ws, person)["Review the treatment plan"] == (today(ws), "plan-review-after-risk")


# -- order ---------------------------------------------------------------------------------


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(-20, 20), st.sampled_from(sorted(RISKS)),
       st.floats(0, 40))  # fmt: skip
def test_urgency_grows_with_risk_nearness_and_hours(today: date, days: int, risk: str, hours: float) -> None:
    base = urgency(today + timedelta(days=days), today, risk, hours)
    assert urgency(today + timedelta(days=days - 1), today, risk, hours) > base
    assert urgency(today + timedelta(days=days), today, risk, hours + 1) > base
    assert urgency(today + timedelta(days=days), today, "imminent", hours) >= base
    assert urgency(today + timedelta(days=days), today, "low", hours) <= base
    assert urgency(today + timedelta(days=days - 7), today, risk, hours) == pytest.approx(2 * base)


def test_a_person_at_risk_stands_before_others_with_the_same_date(made: Program, ws: Workspace) -> None:
    day = today(ws)
    for name, level in (("max", "low"), ("ana", "high")):
        extra = {"action": "Daily calls.", "safety_plan": "Today"} if level == "high" else {}
        sign(ws, made.people[name], RISK_ASSESSMENT,
             WITHOUT(RISK, assessed=day, level=level, follow_up=day + timedelta(days=9), **extra))  # fmt: skip
    order = [line.name for line in charting.due(ws, within=FAR) if line.what == "Assess risk"]
    assert order == ["Ana Quill", "Max Brandt"]


# -- the nightly check ---------------------------------------------------------------------


def codes(ws: Workspace, person: bytes) -> set[str]:
    return {item.code for item in charting.check_chart(ws, person)}


def test_an_empty_chart_lacks_everything_and_a_whole_one_nothing(made: Program, ws: Workspace) -> None:
    person, day = made.people["max"], today(ws)
    assert {"intake", "no_plan", "no_risk"} <= codes(ws, person)
    assert "unsigned" in codes(ws, person)
    signing.void(ws, made.notes["draft"], reason="duplicate", explanation="x")
    kinds = {item.kind: item for item in ws.registry}
    sign(ws, person, kinds["intake_assessment"], WITHOUT(INTAKE, admitted=day, assessed=day))
    sign(ws, person, RISK_ASSESSMENT, WITHOUT(RISK, assessed=day, follow_up=day))
    record = sign(ws, person, plans.TREATMENT_PLAN, plan(admitted=day))
    assert codes(ws, person) == {"client_signature"}
    proof = ClientSignature(signer="client", name="Max", method="typed in person", witness="Fay", signed_on=day)
    signing.record_client_signature(ws, record, proof)
    assert codes(ws, person) == set()
    pass_days(made, ws, 20)
    assert codes(ws, person) == {"overdue", "untouched", "hours"}


def test_the_check_names_what_an_auditor_would(made: Program, ws: Workspace) -> None:
    person, day = made.people["ana"], today(ws)
    base = plan(1, 1, 2, hours=1.5, hours_reason="Test", admitted=day)
    ids = [item.id for _, item in tree.objectives(base)]
    ended = tree.close(base, ids[0], on=day, outcome="reached")
    sign(ws, person, plans.TREATMENT_PLAN, ended)
    text = "Spoke about the quarrel with the brother and about what each of them wanted from the other that night."
    for minute, link in ((0, "1.1.1"), (30, "9.9.9")):
        made_note = note(day, text, objectives=(link,), start=note(day, "x").start.replace(minute=minute))  # type: ignore[union-attr]
        notes.sign(ws, [notes.save(ws, person, made_note).record])
    alone = {"objectives": (), "off_plan_reason": "Before there was a plan"}
    notes.sign(ws, [notes.save(ws, person, note(day - timedelta(days=20), "Late", **alone)).record])
    notes.save(ws, person, note(day - timedelta(days=1), "Linked to nothing", objectives=()))
    found = charting.check_chart(ws, person)
    assert {"cloned", "overlap", "stray_objective", "late_entry", "no_objective"} <= {item.code for item in found}
    unlinked = [item.message for item in found if item.code == "no_objective"]
    assert unlinked == [f"The note of {(day - timedelta(days=1)).isoformat()} is linked to no objective."]
    strays = [item.message for item in found if item.code == "stray_objective" and day.isoformat() in item.message]
    assert sorted(message.split(",")[0] for message in strays) == ["Objective 1.1.1", "Objective 9.9.9"]
    assert all(item.source and item.name == "Ana Quill" for item in found)


def test_raised_risk_lacks_a_second_signature_until_it_has_one(made: Program, ws: Workspace) -> None:
    person, day = made.people["max"], today(ws)
    raised = WITHOUT(RISK, assessed=day, level="moderate", action="Calls.", safety_plan="Today", follow_up=day)
    record = sign(ws, person, RISK_ASSESSMENT, raised)
    assert [item.record for item in charting.check_chart(ws, person) if item.code == "cosignature"] == [record]


def test_the_check_of_all_charts_is_the_sum_of_each(made: Program, ws: Workspace) -> None:
    seen: list[tuple[int, int]] = []
    found = charting.check_all(ws, lambda done, total: seen.append((done, total)))
    single = [item for name in ("ana", "max") for item in charting.check_chart(ws, made.people[name])]
    assert sorted(found, key=repr) == sorted(single, key=repr)
    assert seen == [(1, 2), (2, 2)]


def test_lost_contact_needs_two_tries(made: Program, ws: Workspace) -> None:
    person, day = made.people["max"], today(ws)
    lost = WITHOUT(DISCHARGE, admitted=day, discharged=day, reason="lost contact")
    once = (Attempt(on=day, how="call", result="no answer"),)
    with pytest.raises(NotReady, match="two tries"):
        sign(ws, person, DISCHARGE_SUMMARY, WITHOUT(lost, attempts=once))
    sign(ws, person, DISCHARGE_SUMMARY, WITHOUT(lost, attempts=once * 2))
