"""The progress note, row by row: each field and rule of the documentation standard, named, met and broken.

Sources: 42 CFR 410.44 and payer manuals for the fields; program rules for thread, risk and partner violence.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.clinical.notes import telehealth
from iop_tui.clinical.notes.mental import MentalStatus
from iop_tui.clinical.notes.model import PROGRESS_NOTE, RISKS, ProgressNote
from iop_tui.kernel.declare import RuleContext, Severity, fields_of
from iop_tui.kernel.errors import DocumentInvalid
from tests.support.clinic.vaults import TELEHEALTH, note

TODAY = date(2026, 3, 12)
WITHOUT = msgspec.structs.replace
GOOD = note(TODAY, "Slept seven hours twice")
IN_PERSON = WITHOUT(GOOD, modality="in person", telehealth=None, location="Room 2")
LICENCES = {"KS": None, "MO": TODAY - timedelta(days=1), "NE": TODAY}
CODES = {"90834": (38, 52, "CPT time rule"), "H0004": (8, 1440, "HCPCS")}


def found(made: ProgressNote, **facts: Any) -> dict[str, tuple[Severity, str, str]]:
    """code → (severity, field, source)."""
    findings = PROGRESS_NOTE.findings(made, RuleContext(TODAY, facts))
    return {item.code: (item.severity, item.field, item.source) for item in findings}


def refuses(made: ProgressNote, code: str, field: str, **facts: Any) -> None:
    severity, where, source = found(made, **facts)[code]
    assert (severity, where) == (Severity.REFUSE, field)
    assert source, "a refusal names its source"


def block(**more: Any) -> ProgressNote:
    return WITHOUT(GOOD, telehealth=WITHOUT(TELEHEALTH, **more))


def test_a_whole_note_may_be_signed() -> None:
    assert found(GOOD, licences=LICENCES, codes=CODES) == {}
    assert found(IN_PERSON) == {}


# -- date, start, stop, minutes, service code, modality, place ---------------------------------


@pytest.mark.parametrize("stop", [time(9, 59), time(10, 0)])
def test_stop_is_after_start(stop: time) -> None:
    refuses(WITHOUT(GOOD, stop=stop), "stop_after_start", "stop")


def test_the_date_is_not_in_the_future() -> None:
    refuses(WITHOUT(GOOD, service_date=TODAY + timedelta(days=1)), "future", "service_date")
    assert "future" not in found(WITHOUT(GOOD, service_date=TODAY))


@pytest.mark.parametrize(("minutes", "fits"), [(37, False), (38, True), (52, True), (53, False)])
def test_the_service_code_matches_the_time(minutes: int, fits: bool) -> None:
    stop = (datetime.combine(TODAY, time(10)) + timedelta(minutes=minutes)).time()
    made = WITHOUT(GOOD, service_code=" 90834 ", stop=stop)
    if fits:
        assert found(made, codes=CODES) == {}
    else:
        refuses(made, "code_time", "service_code", codes=CODES)


def test_a_code_without_a_time_fits_any_session() -> None:
    assert found(WITHOUT(GOOD, service_code="T1012"), codes=CODES) == {}


def test_a_session_in_person_says_where() -> None:
    refuses(WITHOUT(IN_PERSON, location=" "), "place", "location")


# -- telehealth block --------------------------------------------------------------------------


@pytest.mark.parametrize("modality", telehealth.VIRTUAL)
def test_a_virtual_session_needs_the_block(modality: str) -> None:
    refuses(WITHOUT(GOOD, modality=modality, telehealth=None), "telehealth", "telehealth")


BLOCK = {
    "identity": "", "location": "", "state": "", "callback": "", "present": "", "private": None,
    "consent_on_file": None,
}  # fmt: skip


@pytest.mark.parametrize("name", BLOCK)
def test_the_block_asks_for(name: str) -> None:
    refuses(block(**{name: BLOCK[name]}), f"telehealth_{name}", "telehealth")


def test_technical_problems_are_optional_and_every_other_answer_is_asked_for() -> None:
    assert {info.name for info in fields_of(telehealth.Telehealth)} == {*BLOCK, "problems"}
    assert found(block(problems="Sound failed twice")) == {}


def test_the_state_is_one_the_clinician_is_licensed_in() -> None:
    refuses(block(state="TX"), "licence_state", "telehealth", licences=LICENCES)
    assert found(block(state="NE"), licences=LICENCES) == {}, "valid to the end of its last day"


def test_an_expired_licence_state_is_refused_and_says_when_it_ended() -> None:
    refuses(block(state="MO"), "licence_expired", "telehealth", licences=LICENCES)


def test_what_was_asked_in_person_needs_no_block() -> None:
    assert not any(code.startswith(("telehealth", "licence")) for code in found(IN_PERSON, licences=LICENCES))


# -- participants and role -----------------------------------------------------------------------


def test_a_partner_in_an_individual_session_warns_of_joint_rules() -> None:
    made = WITHOUT(GOOD, participants=("client", "partner"), others_present="Ben")
    assert found(made)["partner_present"][:2] == (Severity.WARN, "participants")
    assert "partner_present" not in found(WITHOUT(made, session_type="family"))


@pytest.mark.parametrize("role", ["partner", "collateral"])
def test_whoever_else_took_part_is_named(role: str) -> None:
    refuses(WITHOUT(GOOD, participants=("client", role)), "who_present", "others_present")


def test_a_role_is_one_of_three() -> None:
    with pytest.raises(DocumentInvalid, match="client, partner, collateral"):
        PROGRESS_NOTE.parse({"participants": ["observer"]})


# -- objective links -----------------------------------------------------------------------------


def test_an_objective_or_the_reason_why_none() -> None:
    bare = WITHOUT(GOOD, objectives=())
    refuses(bare, "objective", "objectives")
    assert "objective" not in found(WITHOUT(bare, off_plan_reason="Crisis call"))
    for kind in ("crisis", "off plan"):
        refuses(WITHOUT(bare, session_type=kind), "objective", "objectives")


# -- mental status ---------------------------------------------------------------------------------


def test_mental_status_is_answered() -> None:
    assert found(WITHOUT(GOOD, mental_status=None))["required"][:2] == (Severity.REFUSE, "mental_status")
    refuses(WITHOUT(GOOD, mental_status=MentalStatus()), "mental_status", "mental_status")


def test_all_normal_is_shown_as_such() -> None:
    shown = {info.name: text for info, text in PROGRESS_NOTE.shown(GOOD)}
    assert shown["mental_status"] == "all normal"


def test_described_says_what() -> None:
    refuses(WITHOUT(GOOD, mental_status=MentalStatus(summary="described")), "mental_status_empty", "mental_status")
    status = MentalStatus(summary="described", mood="low", affect="flat")
    made = WITHOUT(GOOD, mental_status=status)
    assert found(made) == {}
    shown = {info.name: text for info, text in PROGRESS_NOTE.shown(made)}
    assert shown["mental_status"] == "mood: low; affect: flat"


def test_all_normal_and_something_described_contradict() -> None:
    made = WITHOUT(GOOD, mental_status=MentalStatus(summary="all normal", mood="low"))
    assert found(made)["mental_status_both"][0] is Severity.WARN


# -- intervention, response, progress --------------------------------------------------------------


def test_an_intervention_has_a_verb() -> None:
    assert found(WITHOUT(GOOD, intervention="Thought records and sleep"))["verb"][:2] == (
        Severity.WARN, "intervention",
    )  # fmt: skip
    for text in ("Reviewed the diary", "practising refusal", "Led a role play"):
        assert "verb" not in found(WITHOUT(GOOD, intervention=text))


@pytest.mark.parametrize("name", ["methods", "intervention", "response", "progress", "presentation", "plan", "risk"])
def test_a_signature_needs(name: str) -> None:
    empty: Any = () if name == "methods" else ""
    findings = PROGRESS_NOTE.findings(WITHOUT(GOOD, **{name: empty}), RuleContext(TODAY))
    assert (name, "required") in {(item.field, item.code) for item in findings if item.severity is Severity.REFUSE}


# -- risk --------------------------------------------------------------------------------------------

RISKY = WITHOUT(
    GOOD, risk="present", risk_present=("suicidal ideation",), risk_action="Reviewed the safety plan; sister stays.",
    supervisor_notice="Dr. Vale, 11:05",
)  # fmt: skip


def test_risk_is_suicide_harm_to_others_self_harm_and_overdose() -> None:
    assert RISKS == ("suicidal ideation", "harm to others", "self-harm", "overdose")


def test_present_risk_with_disposition_and_notice_may_be_signed() -> None:
    assert found(RISKY) == {}


@pytest.mark.parametrize(
    ("name", "empty"), [("risk_present", ()), ("risk_action", " "), ("supervisor_notice", "")]
)  # fmt: skip
def test_present_risk_needs_kind_disposition_and_supervisor_notice(name: str, empty: Any) -> None:
    refuses(WITHOUT(RISKY, **{name: empty}), name, name)


def test_denied_risk_names_no_kind() -> None:
    refuses(WITHOUT(GOOD, risk_present=("overdose",)), "risk_denied", "risk")


# -- partner violence: asked alone, its content elsewhere ----------------------------------------------


def test_partner_violence_is_answered() -> None:
    findings = PROGRESS_NOTE.findings(WITHOUT(GOOD, partner_violence=""), RuleContext(TODAY))
    assert ("partner_violence", "required") in {(item.field, item.code) for item in findings}


@pytest.mark.parametrize(
    "company",
    [
        {"participants": ("client", "partner"), "others_present": "Ben", "session_type": "family"},
        {"telehealth": WITHOUT(TELEHEALTH, present="his mother")}, {"telehealth": WITHOUT(TELEHEALTH, private=False)},
    ],
)  # fmt: skip
def test_cr13_partner_violence_is_asked_alone(company: dict[str, Any]) -> None:
    refuses(WITHOUT(GOOD, partner_violence="risk reviewed", **company), "asked_alone", "partner_violence")
    assert "asked_alone" not in found(WITHOUT(GOOD, partner_violence="not asked today", **company))
    assert "asked_alone" not in found(WITHOUT(GOOD, partner_violence="risk reviewed"))


def test_cr13_the_answer_says_nothing_of_what_was_found() -> None:
    info = next(info for info in PROGRESS_NOTE.fields() if info.name == "partner_violence")
    assert info.choices == ("risk reviewed", "not asked today")


@pytest.mark.parametrize("text", ["He hit her on Sunday", "restraining order filed", "of IPV", "she was strangled"])
def test_cr13_content_belongs_to_the_safety_record(text: str) -> None:
    assert found(WITHOUT(GOOD, response=text))["violence_content"][:2] == (Severity.WARN, "response")
    assert "violence_content" not in found(WITHOUT(GOOD, response="It hit home; she beat the clock."))


# -- scores, drug screen, medication, next appointment ---------------------------------------------------

RANGES = {"phq9": 27, "gad7": 21, "bam_use": 12, "bam_risk": 24, "bam_protective": 24, "pcl5": 80}


@pytest.mark.parametrize(("name", "highest"), RANGES.items())
def test_a_score_lies_in_its_range(name: str, highest: int) -> None:
    for value in (0, highest):
        assert getattr(PROGRESS_NOTE.parse({name: value}), name) == value
    for value in (-1, highest + 1):
        with pytest.raises(DocumentInvalid) as failure:
            PROGRESS_NOTE.parse({name: value})
        assert failure.value.place == f"$.{name}"


def test_scores_drug_screen_and_medication_changes_are_optional() -> None:
    assert {*RANGES, "drug_screen", "medication_changes"} <= {
        info.name for info in PROGRESS_NOTE.fields() if not info.required
    }


def test_the_next_appointment_is_not_before_the_session() -> None:
    refuses(WITHOUT(GOOD, next_appointment=datetime(2026, 3, 11, 9)), "next_appointment", "next_appointment")
    assert found(WITHOUT(GOOD, next_appointment=datetime(2026, 3, 12, 17))) == {}


# -- the whole ---------------------------------------------------------------------------------------


def test_the_schema_of_the_command_line_takes_what_the_note_holds_and_nothing_else() -> None:
    schema = PROGRESS_NOTE.json_schema()
    validator = jsonschema_rs.validator_for(schema)
    for made in (GOOD, IN_PERSON, RISKY, ProgressNote()):
        assert validator.is_valid(msgspec.to_builtins(made))
    value = msgspec.to_builtins(GOOD)
    assert not validator.is_valid({**value, "telehealth": {**value["telehealth"], "state": "Kansas"}})
    assert not validator.is_valid({**value, "phq9": 28})
    assert schema["$defs"]["Telehealth"]["properties"]["callback"]["x-required-to-sign"] is True


_LINES = st.text(max_size=60)


@given(_LINES, _LINES, st.sampled_from(["", "denied", "present"]), st.sets(st.sampled_from(RISKS)))
def test_no_text_makes_the_rules_fail(presentation: str, response: str, risk: str, kinds: set[str]) -> None:
    made = WITHOUT(GOOD, presentation=presentation, response=response, risk=risk, risk_present=tuple(sorted(kinds)))
    codes = found(made)
    assert ("risk_denied" in codes) == (risk != "present" and bool(kinds))
    assert PROGRESS_NOTE.decode(PROGRESS_NOTE.encode(made), 2) == made
