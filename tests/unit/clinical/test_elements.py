"""Every required element of intake, risk assessment, continuing-care plan, discharge summary and telehealth block."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from iop_tui.clinical.episodes.model import (
    CONTINUING_CARE_PLAN,
    DISCHARGE_SUMMARY,
    FINAL,
    INTAKE_ASSESSMENT,
    REASONS,
    Appointment,
    Attempt,
    FinalStatus,
    ServiceCount,
)
from iop_tui.clinical.notes import telehealth
from iop_tui.clinical.notes.model import PROGRESS_NOTE
from iop_tui.clinical.notes.telehealth import Telehealth
from iop_tui.clinical.safety.model import (
    HITS_POSITIVE,
    RISK_ASSESSMENT,
    VIOLENCE_SCREEN,
    RiskAssessment,
    ViolenceScreen,
    needs_supervisor,
)
from iop_tui.kernel.declare import Document, DocumentType, RuleContext, Severity, is_empty
from iop_tui.kernel.errors import DocumentInvalid
from tests.support.clinic.charting import CONTINUING, DISCHARGE, INTAKE, RISK
from tests.support.clinic.plans import TODAY
from tests.support.clinic.vaults import note

WITHOUT = msgspec.structs.replace
NOTE = note(TODAY, "Slept well")
WHOLE: dict[str, tuple[DocumentType[Any], Document]] = {
    item.kind: (item, document)
    for item, document in (
        (INTAKE_ASSESSMENT, INTAKE), (RISK_ASSESSMENT, RISK), (CONTINUING_CARE_PLAN, CONTINUING),
        (DISCHARGE_SUMMARY, DISCHARGE), (PROGRESS_NOTE, NOTE),
    )
}  # fmt: skip
REQUIRED = {
    "progress_note": {
        "service_date", "start", "stop", "session_type", "modality", "participants", "presentation", "mental_status",
        "methods", "intervention", "response", "progress", "risk", "partner_violence", "plan",
    },
    "risk_assessment": {
        "assessed", "occasion", "ideation", "behavior", "others", "tolerance_lost", "uses_alone", "naloxone",
        "withdrawal", "grave_disability", "partner_violence", "dependents", "protective", "level", "rationale",
        "follow_up",
    },
    "continuing_care_plan": {
        "planned", "discharge", "strategies", "re_entry", "appointments", "supports", "medications", "relapse_plan",
        "safety_plan", "check_ins", "participation", "copy_given", "family",
    },
    "discharge_summary": {
        "admitted", "discharged", "level_in", "level_out", "diagnoses_in", "diagnoses_out", "services",
        "needs_admission", "needs_during", "needs_discharge", "reason", "risk", "substance_use", "medications",
        "housing", "support", "participation", "copy_given", "family",
    },
    "intake_assessment": {
        "admitted", "assessed", "presenting", "substances", "mental_health", "medical", "medications",
        "treatment_history", "family", "housing", "trauma", "strengths", "needs", "mental_status", "risk_reviewed",
        "impression", "level", "necessity", "device", "audio_video", "connection", "private_place", "backup_phone",
        "emergency_place", "telehealth_consent", "told_reporting",
    },
}  # fmt: skip


def codes(kind: DocumentType[Any], document: Document, severity: Severity | None = None, **facts: Any) -> set[str]:
    found = kind.findings(document, RuleContext(TODAY, facts))
    return {item.code for item in found if severity in (None, item.severity)}


def _elements() -> Iterator[tuple[str, str]]:
    for name, fields in REQUIRED.items():
        yield from ((name, field) for field in sorted(fields))


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_document_has_nothing_against_it(name: str) -> None:
    kind, document = WHOLE[name]
    assert codes(kind, document, Severity.REFUSE) == set()


@pytest.mark.parametrize("name", WHOLE)
def test_the_declaration_asks_for_exactly_these_elements(name: str) -> None:
    kind, _ = WHOLE[name]
    assert {info.name for info in kind.fields() if info.required} == REQUIRED[name]


@pytest.mark.parametrize(("name", "field"), list(_elements()))
def test_without_the_element_there_is_no_signature(name: str, field: str) -> None:
    kind, document = WHOLE[name]
    value = getattr(document, field)
    empty: Any = "" if isinstance(value, str) else () if isinstance(value, tuple) else None
    assert is_empty(empty)
    found = kind.findings(WITHOUT(document, **{field: empty}), RuleContext(TODAY))
    assert field in {item.field for item in found if item.code == "required" and item.severity is Severity.REFUSE}


@pytest.mark.parametrize("name", WHOLE)
def test_a_document_survives_storing_and_its_choices_are_checked(name: str) -> None:
    kind, document = WHOLE[name]
    assert kind.decode(kind.encode(document), kind.version) == document
    assert kind.parse(msgspec.to_builtins(document)) == document
    for info in kind.fields():
        if info.choices:
            wrong = {**msgspec.to_builtins(document), info.name: "something else"}
            with pytest.raises(DocumentInvalid) as failure:
                kind.parse(wrong)
            assert failure.value.place == f"$.{info.name}"


# -- risk ----------------------------------------------------------------------------------

RAISED = WITHOUT(RISK, level="moderate", action="Daily calls.", safety_plan="Today")
RISK_CASES: dict[str, RiskAssessment] = {
    "action": WITHOUT(RAISED, action=" "),
    "safety_plan": WITHOUT(RAISED, safety_plan=""),
    "emergency": WITHOUT(RAISED, level="imminent", location="At home"),
    "duty_to_protect": WITHOUT(RISK, others="present"),
    "lethality": WITHOUT(RISK, behavior="actual attempt", behavior_when="Sunday", level="low"),
    "behavior_when": WITHOUT(RISK, behavior="preparatory"),
    "future": WITHOUT(RISK, assessed=TODAY + timedelta(days=1), follow_up=TODAY + timedelta(days=2)),
    "follow_up": WITHOUT(RISK, follow_up=TODAY - timedelta(days=1)),
}


@pytest.mark.parametrize("code", RISK_CASES)
def test_what_risk_demands(code: str) -> None:
    assert code in codes(RISK_ASSESSMENT, RISK_CASES[code], Severity.REFUSE)


def test_imminent_risk_with_place_and_call_may_be_signed() -> None:
    whole = WITHOUT(RAISED, level="imminent", location="At home, 4 Hill Road", emergency="Called 911 at once.")
    assert codes(RISK_ASSESSMENT, whole, Severity.REFUSE) == set()


@pytest.mark.parametrize(
    ("level", "expected"), [("low", False), ("moderate", True), ("high", True), ("imminent", True)]
)
def test_from_moderate_on_a_supervisor_signs_too(level: str, expected: bool) -> None:
    assert needs_supervisor(WITHOUT(RISK, level=level)) is expected


def test_contradictions_and_postponed_questions_are_pointed_out() -> None:
    assert "level_low" in codes(RISK_ASSESSMENT, WITHOUT(RISK, ideation=4), Severity.WARN)
    assert "naloxone" in codes(RISK_ASSESSMENT, WITHOUT(RISK, tolerance_lost=True), Severity.WARN)
    postponed = WITHOUT(RISK, partner_violence="not alone: postponed")
    assert "ask_alone" in codes(RISK_ASSESSMENT, postponed, Severity.REMIND)


@pytest.mark.parametrize(("field", "value"), [("ideation", 6), ("ideation", -1), ("lethality", 6)])
def test_scores_outside_their_range_are_not_accepted(field: str, value: int) -> None:
    with pytest.raises(DocumentInvalid):
        RISK_ASSESSMENT.parse({**msgspec.to_builtins(RISK), field: value})


def test_no_field_of_the_risk_assessment_can_hold_the_answer_about_violence() -> None:
    info = next(info for info in RISK_ASSESSMENT.fields() if info.name == "partner_violence")
    assert not [choice for choice in info.choices if "yes" in choice or "positive" in choice or "present" in choice]
    assert RISK_ASSESSMENT.compartment == "IND"
    assert VIOLENCE_SCREEN.compartment == "SAFE"
    assert "HITS" not in {info.label for info in RISK_ASSESSMENT.fields()}


SCREEN = ViolenceScreen(asked=TODAY, alone=True, hits=4)


@pytest.mark.parametrize(
    ("screen", "expected"),
    [
        (SCREEN, set()), (WITHOUT(SCREEN, alone=False), {"alone"}), (WITHOUT(SCREEN, hits=HITS_POSITIVE), set()),
        (WITHOUT(SCREEN, hits=HITS_POSITIVE + 1), {"danger_assessment", "action"}),
        (WITHOUT(SCREEN, hits=20, danger_assessment="Severe, today", action="Shelter called"), set()),
        (WITHOUT(SCREEN, asked=TODAY + timedelta(days=1)), {"future"}),
    ],
)  # fmt: skip
def test_the_screen_is_asked_alone_and_followed_up(screen: ViolenceScreen, expected: set[str]) -> None:
    assert codes(VIOLENCE_SCREEN, screen) == expected


@pytest.mark.parametrize("hits", [3, 21])
def test_hits_is_four_to_twenty(hits: int) -> None:
    with pytest.raises(DocumentInvalid):
        VIOLENCE_SCREEN.parse({"hits": hits})


# -- intake, discharge ---------------------------------------------------------------------

TOMORROW = TODAY + timedelta(days=1)
OTHER_CASES: tuple[tuple[str, DocumentType[Any], Document, Severity], ...] = (
    ("future", INTAKE_ASSESSMENT, WITHOUT(INTAKE, last_use=TOMORROW), Severity.REFUSE),
    ("risk", INTAKE_ASSESSMENT, WITHOUT(INTAKE, risk_reviewed=False), Severity.REFUSE),
    ("no_private_place", INTAKE_ASSESSMENT, WITHOUT(INTAKE, private_place=False), Severity.WARN),
    ("no_told_reporting", INTAKE_ASSESSMENT, WITHOUT(INTAKE, told_reporting=False), Severity.WARN),
    ("no_device", INTAKE_ASSESSMENT, WITHOUT(INTAKE, device=False), Severity.WARN),
    ("no_telehealth_consent", INTAKE_ASSESSMENT, WITHOUT(INTAKE, telehealth_consent=False), Severity.WARN),
    ("future", CONTINUING_CARE_PLAN, WITHOUT(CONTINUING, planned=TOMORROW), Severity.REFUSE),
    ("after_discharge", CONTINUING_CARE_PLAN, WITHOUT(CONTINUING, discharge=TODAY - timedelta(days=1)), Severity.WARN),
    ("appointment", CONTINUING_CARE_PLAN,
     WITHOUT(CONTINUING, appointments=(Appointment(with_whom="x", on=TODAY + timedelta(days=8)),)), Severity.WARN),
    ("appointment_open", CONTINUING_CARE_PLAN, WITHOUT(CONTINUING, appointments=(Appointment(with_whom="x"),)),
     Severity.REFUSE),
    ("family", CONTINUING_CARE_PLAN, WITHOUT(CONTINUING, family="not possible"), Severity.REFUSE),
    ("future", DISCHARGE_SUMMARY, WITHOUT(DISCHARGE, discharged=TOMORROW), Severity.REFUSE),
    ("dates_reversed", DISCHARGE_SUMMARY, WITHOUT(DISCHARGE, admitted=TOMORROW), Severity.REFUSE),
    ("attempts", DISCHARGE_SUMMARY, WITHOUT(DISCHARGE, reason="lost contact"), Severity.REFUSE),
    ("final_status", DISCHARGE_SUMMARY, WITHOUT(DISCHARGE, objectives=(FinalStatus(id="o1", number="1.1.1"),)),
     Severity.REFUSE),
    ("score_old", DISCHARGE_SUMMARY, WITHOUT(DISCHARGE, cssrs_on=TODAY - timedelta(days=8)), Severity.WARN),
    ("score_old", DISCHARGE_SUMMARY, WITHOUT(DISCHARGE, phq9_on=None, phq9=None), Severity.WARN),
    ("score", DISCHARGE_SUMMARY, WITHOUT(DISCHARGE, phq9=None), Severity.REFUSE),
    ("family", DISCHARGE_SUMMARY, WITHOUT(DISCHARGE, family="not appropriate"), Severity.REFUSE),
)  # fmt: skip


@pytest.mark.parametrize(("code", "kind", "document", "severity"), OTHER_CASES)
def test_rule(code: str, kind: DocumentType[Any], document: Document, severity: Severity) -> None:
    assert code in codes(kind, document, severity)


def test_lost_contact_with_two_documented_tries() -> None:
    tries = tuple(Attempt(on=TODAY, how=how, result="no answer") for how in ("call", "letter"))
    lost = WITHOUT(DISCHARGE, reason="lost contact", attempts=tries, cssrs_on=None, phq9_on=None, phq9=None)
    assert codes(DISCHARGE_SUMMARY, lost) == set()
    vague = WITHOUT(lost, attempts=(tries[0], Attempt(on=TODAY)))
    assert codes(DISCHARGE_SUMMARY, vague, Severity.REFUSE) == {"attempts"}


def test_every_objective_of_the_plan_gets_a_final_status() -> None:
    expected = (("o1", "1.1.1"), ("o2", "1.1.2"))
    one = WITHOUT(DISCHARGE, objectives=(FinalStatus(id="o1", number="1.1.1", status="met"),))
    found = DISCHARGE_SUMMARY.findings(one, RuleContext(TODAY, {"plan_objectives": expected}))
    assert [item.message for item in found] == ["Objectives without a final status: 1.1.2."]
    assert {"met", "partly", "deferred", "revised", "discontinued"} == set(FINAL)


def test_reasons_for_discharge_and_how_services_read() -> None:
    assert len(REASONS) == 11
    assert ServiceCount(type="individual", sessions=1, minutes=90).shown() == "individual: 1 session, 1.5 h"


# -- telehealth ----------------------------------------------------------------------------

BLOCK = Telehealth(
    identity="photo ID shown", location="4 Hill Road", state="KS", callback="555-0101", present="nobody", private=True,
    consent_on_file=True,
)  # fmt: skip
LICENCES = {"KS": date(2027, 1, 31), "MO": TODAY - timedelta(days=1), "NE": None}


def block_codes(block: Telehealth | None, modality: str = "video") -> set[str]:
    found = telehealth.findings(modality, block, on=TODAY, licences=LICENCES)
    return {item.code for item in found}


def test_a_whole_block_and_a_session_in_person_need_nothing() -> None:
    assert block_codes(BLOCK) == set()
    assert block_codes(None, "in person") == set()
    assert block_codes(None, "audio only") == {"telehealth"}


@pytest.mark.parametrize(
    "field", ["identity", "location", "state", "callback", "present", "private", "consent_on_file"]
)
def test_every_part_of_the_block(field: str) -> None:
    empty: Any = None if isinstance(getattr(BLOCK, field), bool) else ""
    assert f"telehealth_{field}" in block_codes(WITHOUT(BLOCK, **{field: empty}))


@pytest.mark.parametrize(("state", "expected"), [("KS", set()), ("NE", set()), ("MO", {"licence_expired"}),
                                                 ("TX", {"licence_state"})])  # fmt: skip
def test_the_clinician_is_licensed_where_the_client_is(state: str, expected: set[str]) -> None:
    assert block_codes(WITHOUT(BLOCK, state=state)) == expected


def test_the_block_is_reused_but_company_and_privacy_are_asked_each_time() -> None:
    again = telehealth.reused(WITHOUT(BLOCK, problems="Sound failed"))
    assert (again.location, again.callback, again.state) == (BLOCK.location, BLOCK.callback, BLOCK.state)
    assert block_codes(again) == {"telehealth_present", "telehealth_private"}
    assert again.problems == ""


def test_company_and_missing_consent_warn() -> None:
    assert block_codes(WITHOUT(BLOCK, private=False, consent_on_file=False)) == {"not_private", "no_consent"}
