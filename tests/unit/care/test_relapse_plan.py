"""The relapse-prevention plan: every rule by its name, the drill, and when a plan can be relied on."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.clinical.relapse import standing as standings
from iop_tui.clinical.relapse.checks import RELAPSE_DRILL, RELAPSE_PLAN, RELAPSE_REVIEW
from iop_tui.clinical.relapse.model import (
    PARTNER,
    CopingStep,
    LapseStep,
    RelapseDrill,
    RelapsePlan,
    RelapseReview,
    StepTry,
    Support,
    Trigger,
)
from iop_tui.clinical.relapse.standing import back, begin, finished, play, standing, tally
from iop_tui.kernel.declare import RuleContext, Severity
from tests.support.clinic.care import BORN, RELAPSE, TODAY

WITHOUT = msgspec.structs.replace
CONTEXT = RuleContext(TODAY, {"birth_date": BORN})
REQUIRED = (
    "made", "substances", "goal", "last_use", "reasons", "triggers", "signs", "steps", "supports", "partner",
    "lapse_plan", "tolerance_told", "aftercare", "check_ins", "barriers", "confidence", "client_copy",
)  # fmt: skip


def codes(plan: RelapsePlan, severity: Severity = Severity.REFUSE) -> set[str]:
    """What the rules say of a plan, by code."""
    return {item.code for item in RELAPSE_PLAN.findings(plan, CONTEXT) if item.severity is severity}


def step(**more: Any) -> CopingStep:
    """A first step that may stand."""
    values = {"action": "Breathe", "minutes": 5, "alone": True, "triggers": ("Friday pub", "Quarrel", "Shame")} | more
    return CopingStep(**values)


def test_the_whole_plan_may_be_signed() -> None:
    assert codes(RELAPSE) == set()


@pytest.mark.parametrize("name", REQUIRED)
def test_every_required_element(name: str) -> None:
    empty = getattr(RelapsePlan(), name)
    found = RELAPSE_PLAN.findings(WITHOUT(RELAPSE, **{name: empty}), CONTEXT)
    assert ("required", name) in {(item.code, item.field) for item in found}


def test_fewer_than_three_triggers_are_refused() -> None:
    assert "triggers" in codes(WITHOUT(RELAPSE, triggers=RELAPSE.triggers[:2]))


def test_a_trigger_of_less_than_four_words_is_asked_to_be_specific() -> None:
    vague = (*RELAPSE.triggers[:2], Trigger(name="Shame", kind="feelings", text="Feeling bad"))
    assert "specific" in codes(WITHOUT(RELAPSE, triggers=vague), Severity.WARN)


def test_fewer_than_three_warning_signs_are_refused() -> None:
    assert "signs" in codes(WITHOUT(RELAPSE, signs=RELAPSE.signs[:2]))


@pytest.mark.parametrize("wrong", [{"minutes": 11}, {"alone": False}, {"alone": None}, {"minutes": None}])
def test_the_first_step_can_be_done_alone_within_ten_minutes(wrong: dict[str, Any]) -> None:
    assert "first_step" in codes(WITHOUT(RELAPSE, steps=(step(**wrong),)))
    assert "first_step" not in codes(WITHOUT(RELAPSE, steps=(step(minutes=10),)))


def test_every_step_is_mapped_to_a_trigger() -> None:
    assert "unmapped" in codes(WITHOUT(RELAPSE, steps=(step(), step(action="Sleep", triggers=()))))
    assert "unknown_trigger" in codes(WITHOUT(RELAPSE, steps=(step(triggers=("Payday",)),)))
    assert "no_step" in codes(WITHOUT(RELAPSE, steps=(step(triggers=("Shame",)),)), Severity.WARN)


def test_two_people_can_be_reached() -> None:
    silent = (RELAPSE.supports[0], Support(name="Ida", role="sister", phone=""))
    assert "supports" in codes(WITHOUT(RELAPSE, supports=silent))


@pytest.mark.parametrize("number", ["call me", "12-34", "0000000", "555 010 98765432109"])
def test_a_phone_number_that_is_none_is_refused(number: str) -> None:
    people = (*RELAPSE.supports, Support(name="Ben", phone=number))
    assert "phone" in codes(WITHOUT(RELAPSE, supports=people))


def test_the_program_calls_only_with_a_release() -> None:
    people = (WITHOUT(RELAPSE.supports[0], release=""), RELAPSE.supports[1])
    assert "release" in codes(WITHOUT(RELAPSE, supports=people))


def test_cr13_the_partner_question_is_always_asked_and_asked_alone() -> None:
    assert "required" in codes(WITHOUT(RELAPSE, partner=""))
    listed = (*RELAPSE.supports, Support(name="Alex", role="partner", phone="555-010-7777"))
    for answer in PARTNER:
        said = codes(WITHOUT(RELAPSE, supports=listed, partner=answer))
        assert ("partner" in said) is (answer != PARTNER[0])
    assert "ask_alone" in codes(WITHOUT(RELAPSE, partner=PARTNER[2]), Severity.REMIND)


@pytest.mark.parametrize("span", [0, 1, 2])
def test_the_lapse_plan_covers_ten_minutes_a_day_and_three_days(span: int) -> None:
    steps = tuple(each for at, each in enumerate(RELAPSE.lapse_plan) if at != span)
    assert "lapse_plan" in codes(WITHOUT(RELAPSE, lapse_plan=steps))
    blank = (*steps, LapseStep(within=RELAPSE.lapse_plan[span].within, action=" "))
    assert "lapse_plan" in codes(WITHOUT(RELAPSE, lapse_plan=blank))


@pytest.mark.parametrize(
    ("substances", "needed"), [(("opioids",), True), (("stimulants",), True), (("alcohol",), False)]
)
def test_naloxone_is_mandatory_for_opioids_and_stimulants(substances: tuple[str, ...], needed: bool) -> None:
    assert ("naloxone" in codes(WITHOUT(RELAPSE, substances=substances, naloxone=""))) is needed


def test_the_loss_of_tolerance_is_told() -> None:
    assert "tolerance" in codes(WITHOUT(RELAPSE, tolerance_told=False))


@pytest.mark.parametrize("confidence", range(11))
def test_confidence_below_seven_forces_revision(confidence: int) -> None:
    assert ("confidence" in codes(WITHOUT(RELAPSE, confidence=confidence))) is (confidence < 7)


def test_a_plan_that_was_not_rehearsed_is_not_active() -> None:
    plan = WITHOUT(RELAPSE, rehearsed=None, rehearsed_minutes=None, rehearsed_with="")
    assert "rehearsal" in codes(plan, Severity.WARN)
    state = standing(plan, signed=True, drills=(), reviews=(), events=(), today=TODAY)
    assert (state.state, state.active) == (standings.NOT_REHEARSED, False)


def test_a_partner_copy_needs_an_authorization_and_is_off_by_default() -> None:
    assert RelapsePlan().partner_copy is False
    assert "consent" in codes(WITHOUT(RELAPSE, partner_copy=True))


def test_at_least_one_check_in_after_discharge() -> None:
    assert "required" in codes(WITHOUT(RELAPSE, check_ins=()))


@pytest.mark.parametrize(
    ("name", "day", "code"),
    [("last_use", TODAY + timedelta(days=1), "future"), ("last_use", BORN - timedelta(days=1), "before_birth"),
     ("made", TODAY + timedelta(days=1), "future"), ("rehearsed", TODAY + timedelta(days=1), "future")],
)  # fmt: skip
def test_dates_that_cannot_be(name: str, day: date, code: str) -> None:
    assert code in codes(WITHOUT(RELAPSE, **{name: day}))


# -- the drill -----------------------------------------------------------------------------------


def test_a_drill_walks_the_plan_and_counts_what_was_used_and_worked() -> None:
    drill = begin(RELAPSE)
    drill = play(drill, used=True, worked=True)
    drill = play(drill, used=True, worked=False, note="nobody answered")
    assert (drill.used, drill.worked) == (2, 1)
    kept = finished(drill, plan="p", on=TODAY, minutes=12, with_whom="Sol", confidence=8)
    assert [item.shown() for item in kept.steps] == [
        "Walk round the block: used, worked".replace("used, ", ""), "Call Ruth: did not help, nobody answered",
        "Evening meeting: passed over",
    ]
    assert RELAPSE_DRILL.findings(kept, CONTEXT) == ()
    counts = {each.action: each for each in tally(RELAPSE, [kept, kept], [("call ruth", True), ("other", None)])}
    ruth = counts["Call Ruth"]
    assert (ruth.rehearsed, ruth.rehearsed_worked, ruth.used, ruth.worked) == (2, 0, 1, 1)
    assert counts["Walk round the block"].rehearsed_worked == 2


def test_a_drill_of_one_trigger_plays_the_steps_against_it() -> None:
    assert [each.action for each in begin(RELAPSE, "shame").steps] == ["Call Ruth", "Evening meeting"]
    assert len(begin(RELAPSE, "nothing").steps) == 3


def test_going_back_in_a_drill_asks_again() -> None:
    drill = back(play(play(begin(RELAPSE), used=True, worked=True), used=True))
    assert (drill.at, drill.used) == (1, 1)


def test_a_drill_in_which_nothing_was_used_is_refused() -> None:
    steps = (StepTry(action="a"),)
    empty = RelapseDrill(on=TODAY, minutes=5, with_whom="Sol", situation="x", steps=steps, confidence=8)
    assert {item.code for item in RELAPSE_DRILL.findings(empty, CONTEXT)} == {"unused"}


# -- standing ------------------------------------------------------------------------------------


def state_of(**more: Any) -> str:
    """The state of the plan with this and that."""
    values: dict[str, Any] = {"signed": True, "drills": (), "reviews": (), "events": (), "today": TODAY} | more
    return standing(RELAPSE, **values).state


def review(days: int, decision: str = "stays as it is", confidence: int = 8) -> RelapseReview:
    """A review so many days ago."""
    return RelapseReview(on=TODAY - timedelta(days=days), occasion="weekly", found="ok", decision=decision,
                         confidence=confidence)  # fmt: skip


def test_an_unsigned_plan_is_not_active() -> None:
    assert state_of(signed=False) == standings.NOT_SIGNED


def test_the_weekly_review_clock() -> None:
    assert state_of() == standings.ACTIVE
    assert state_of(today=TODAY + timedelta(days=4)) == standings.ACTIVE
    assert state_of(today=TODAY + timedelta(days=5)) == standings.REVIEW_DUE
    assert state_of(today=TODAY + timedelta(days=5), reviews=(review(-3),)) == standings.ACTIVE


@pytest.mark.parametrize("what", ["lapse", "positive screen"])
def test_a_lapse_or_positive_screen_forces_a_review(what: str) -> None:
    assert state_of(events=((TODAY, what),)) == standings.REVIEW_DUE
    assert state_of(events=((TODAY - timedelta(days=20), what),)) == standings.ACTIVE
    assert state_of(events=((TODAY, what),), reviews=(review(0),)) == standings.ACTIVE


def test_low_confidence_in_a_drill_or_review_means_revision() -> None:
    drill = RelapseDrill(on=TODAY, confidence=6)
    assert state_of(drills=(drill,)) == standings.TO_REVISE
    assert state_of(drills=(drill,), reviews=(review(0),)) == standings.ACTIVE
    assert state_of(reviews=(review(0, decision="is revised"),)) == standings.TO_REVISE


def test_a_review_with_low_confidence_cannot_leave_the_plan_as_it_is() -> None:
    found = RELAPSE_REVIEW.findings(review(0, confidence=5), CONTEXT)
    assert "confidence" in {item.code for item in found}


@pytest.mark.usefixtures("scale")
@given(st.integers(0, 10), st.booleans(), st.booleans(), st.integers(0, 30))
def test_nothing_but_a_signed_rehearsed_trusted_plan_is_active(
    confidence: int, signed: bool, rehearsed: bool, days: int
) -> None:
    plan = WITHOUT(RELAPSE, confidence=confidence, rehearsed=RELAPSE.rehearsed if rehearsed else None)
    state = standing(plan, signed=signed, drills=(), reviews=(), events=(), today=TODAY + timedelta(days=days))
    assert state.active is (signed and rehearsed and confidence >= 7)
