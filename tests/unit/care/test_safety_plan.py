"""The safety plan: fixed order, nothing blank, and a partner's copy that tells nothing by what it leaves out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.clinical.safety.plan import (
    NEEDED_AGENCIES,
    PARTNER,
    SAFETY_PLAN,
    STEP_FIELDS,
    Agency,
    Distraction,
    Helper,
    MeansStep,
    SafetyPlan,
    begun,
    partner_copy,
)
from iop_tui.kernel.declare import RuleContext, Severity
from iop_tui.kernel.phone import is_phone
from tests.support.clinic.care import BORN, SAFETY, TODAY

WITHOUT = msgspec.structs.replace
CONTEXT = RuleContext(TODAY, {"birth_date": BORN})
REQUIRED = (
    "made", "occasion", *STEP_FIELDS, "likelihood", "kept_where", "location", "dispatch", "partner", "partner_copy",
    "next_review",
)  # fmt: skip


def codes(plan: SafetyPlan, severity: Severity = Severity.REFUSE) -> set[str]:
    """What the rules say of a plan, by code."""
    return {item.code for item in SAFETY_PLAN.findings(plan, CONTEXT) if item.severity is severity}


def test_the_whole_plan_may_be_signed() -> None:
    assert codes(SAFETY) == set()


def test_it_lies_in_the_crisis_compartment() -> None:
    assert SAFETY_PLAN.compartment == "CRISIS"


@pytest.mark.parametrize("name", REQUIRED)
def test_every_required_element(name: str) -> None:
    empty: Any = () if name in STEP_FIELDS else None if name in ("made", "likelihood", "next_review") else ""
    found = SAFETY_PLAN.findings(WITHOUT(SAFETY, **{name: empty}), CONTEXT)
    assert ("required", name) in {(item.code, item.field) for item in found}


def test_the_six_steps_stand_in_their_fixed_order_in_form_print_and_copy() -> None:
    names = [info.name for info in SAFETY_PLAN.fields() if info.name in STEP_FIELDS]
    assert tuple(names) == STEP_FIELDS
    labels = [info.label for info, _ in SAFETY_PLAN.shown(SAFETY) if info.name in STEP_FIELDS]
    assert [label[0] for label in labels] == list("123456")
    places = [partner_copy(SAFETY).index(label) for label in labels]
    assert places == sorted(places)


@pytest.mark.parametrize("name", STEP_FIELDS)
def test_a_step_that_says_nothing_counts_as_blank(name: str) -> None:
    blank: dict[str, Any] = {
        "warning_signs": ("  ",), "coping": ("",), "distractions": (Distraction(name=" "),), "helpers": (Helper(),),
        "agencies": (Agency(name=""),), "means": (MeansStep(),),
    }  # fmt: skip
    assert "empty_step" in codes(WITHOUT(SAFETY, **{name: blank[name]}))


@pytest.mark.parametrize("kind", NEEDED_AGENCIES)
def test_step_five_names_the_lifeline_the_emergency_department_and_the_after_hours_line(kind: str) -> None:
    left = tuple(agency for agency in SAFETY.agencies if agency.kind != kind)
    assert "agency" in codes(WITHOUT(SAFETY, agencies=left))


def test_988_is_asked_for() -> None:
    other = (WITHOUT(SAFETY.agencies[0], phone="555-010-1111"), *SAFETY.agencies[1:])
    assert "lifeline" in codes(WITHOUT(SAFETY, agencies=other), Severity.WARN)


@pytest.mark.parametrize("place", ["helpers", "agencies", "distractions", "dispatch"])
def test_a_phone_number_that_is_none_is_refused(place: str) -> None:
    wrong: dict[str, Any] = {
        "helpers": (WITHOUT(SAFETY.helpers[0], phone="ask Ida"),),
        "agencies": (*SAFETY.agencies, Agency(kind="agency", name="Drop-in", phone="12-3")),
        "distractions": (Distraction(name="Gym", phone="n/a"),),
        "dispatch": "the police",
    }
    assert "phone" in codes(WITHOUT(SAFETY, **{place: wrong[place]}))


def test_means_safety_is_never_blank_and_none_identified_needs_a_reason() -> None:
    none = (MeansStep(method="none identified"),)
    assert "rationale" in codes(WITHOUT(SAFETY, means=none))
    assert "rationale" not in codes(WITHOUT(SAFETY, means=none, means_rationale="Asked about each class, twice."))
    assert "contradiction" in codes(WITHOUT(SAFETY, means=(*none, *SAFETY.means), means_rationale="x"))
    assert "action" in codes(WITHOUT(SAFETY, means=(MeansStep(method="firearm"),)))
    assert "not_done" in codes(WITHOUT(SAFETY, means=(MeansStep(method="firearm", action="Lock"),)), Severity.REMIND)


@pytest.mark.parametrize(
    "words",
    ["No-suicide contract signed", "I promise not to kill myself", "Contracts for safety until Monday",
     "I will not harm myself", "She agreed not to hurt herself"],
)  # fmt: skip
def test_a_no_suicide_contract_is_refused_wherever_it_stands(words: str) -> None:
    assert "contract" in codes(WITHOUT(SAFETY, coping=(words,)))
    assert "contract" in codes(WITHOUT(SAFETY, means=(MeansStep(method="other", action=words),)))


def test_a_plan_that_is_unlikely_to_be_used_needs_what_helps() -> None:
    assert "fix" in codes(WITHOUT(SAFETY, likelihood=6))
    assert "fix" in codes(WITHOUT(SAFETY, barriers="Too tired at night"))
    assert "fix" not in codes(WITHOUT(SAFETY, likelihood=6, fix="Card on the bed"))


def test_the_next_review_is_within_thirty_days() -> None:
    assert "review" in codes(WITHOUT(SAFETY, next_review=TODAY + timedelta(days=31)))
    assert "review" not in codes(WITHOUT(SAFETY, next_review=TODAY + timedelta(days=30)))


def test_cr13_the_partner_question_is_asked_alone_before_a_partner_is_listed() -> None:
    listed = (*SAFETY.helpers, Helper(name="Alex", relation="Husband", phone="555-010-7777"))
    for answer in PARTNER:
        assert ("partner" in codes(WITHOUT(SAFETY, helpers=listed, partner=answer))) is (answer != PARTNER[0])


def test_a_partner_copy_needs_an_authorization() -> None:
    assert "consent" in codes(WITHOUT(SAFETY, partner_copy="reduced copy"))


def test_dates_that_cannot_be() -> None:
    assert "future" in codes(WITHOUT(SAFETY, made=TODAY + timedelta(days=1)))
    assert "before_birth" in codes(WITHOUT(SAFETY, made=BORN - timedelta(days=1)))


def test_a_new_plan_has_what_is_the_same_for_everybody() -> None:
    plan = begun(TODAY, "reviewed")
    assert plan.agencies[0].phone == "988"
    assert {agency.kind for agency in plan.agencies} == set(NEEDED_AGENCIES)


# -- the partner's copy --------------------------------------------------------------------------

SECRETS = ("12 Elm Street", "3 Oak Lane", "1 Hill Road", "Locked box", "Ida", "4 Birch Court", "Nadia", "Library")


def test_the_partner_copy_has_no_addresses_no_custody_and_no_names() -> None:
    text = partner_copy(SAFETY)
    assert not [word for word in SECRETS if word in text]
    assert "988" in text
    assert "I stop sleeping" in text


lines = st.text("abcdefgh ", max_size=12)


@pytest.mark.usefixtures("scale")
@given(
    st.sampled_from(PARTNER), st.lists(st.builds(Helper, name=lines, relation=lines, address=lines), max_size=3),
    st.lists(st.builds(MeansStep, action=lines, holder=lines), max_size=3),
    st.lists(st.builds(Distraction, name=lines, address=lines), max_size=3), lines, lines,
)  # fmt: skip
def test_redaction_never_signals_anything(
    partner: str, helpers: list[Helper], means: list[MeansStep], places: list[Distraction], where: str, told: str
) -> None:
    """Plans that differ in partner, people, places, means and location give the same copy, character by character."""
    other = WITHOUT(
        SAFETY, partner=partner, helpers=tuple(helpers), means=tuple(means), distractions=tuple(places), location=where,
        means_rationale=told, barriers=told, partner_consent=told, kept_where=where,
    )  # fmt: skip
    assert partner_copy(other) == partner_copy(SAFETY)


# -- telephone numbers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number", ["988", "911", "555-010-1234", "(555) 010-1234", "+49 30 901820", "555.010.1234 x12", "5550101"]
)
def test_telephone_numbers(number: str) -> None:
    assert is_phone(number)


@pytest.mark.parametrize(
    "number", ["", "12", "phone", "555-CALL-NOW", "0000000", "1234567890123456", "555)010(1234(", "555 010 1234; drop"]
)
def test_what_is_no_telephone_number(number: str) -> None:
    assert not is_phone(number)
