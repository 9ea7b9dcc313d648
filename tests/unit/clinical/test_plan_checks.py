"""Every field and rule of the individual treatment plan: what a plan without it is told at signing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from iop_tui.clinical.plans import tree
from iop_tui.clinical.plans.documents import PLAN_TEMPLATE, TREATMENT_PLAN, PlanTemplate, apply_template, as_template
from iop_tui.clinical.plans.treatment import (
    DIMENSIONS,
    Certification,
    Diagnosis,
    DimensionRating,
    Objective,
    Review,
    TreatmentPlan,
)
from iop_tui.kernel.declare import Finding, RuleContext, Severity
from tests.support.clinic.plans import TODAY, plan

WITHOUT = msgspec.structs.replace


def findings(made: TreatmentPlan, **facts: Any) -> tuple[Finding, ...]:
    return TREATMENT_PLAN.findings(made, RuleContext(TODAY, facts))


def refusals(made: TreatmentPlan, **facts: Any) -> set[tuple[str, str]]:
    return {(item.field, item.code) for item in findings(made, **facts) if item.severity is Severity.REFUSE}


def test_a_complete_plan_is_ready_to_sign() -> None:
    assert findings(plan()) == ()


REQUIRED = (
    "admitted", "planned", "effective", "next_review", "target_end", "diagnoses", "edition", "level", "hours",
    "strengths", "preferences", "problems", "discharge_criteria", "family", "participation", "copy_offered",
    "agreement",
)  # fmt: skip
_EMPTY: dict[type, Any] = {tuple: (), str: ""}


@pytest.mark.parametrize("name", REQUIRED)
def test_required(name: str) -> None:
    made = plan()
    empty = _EMPTY.get(type(getattr(made, name)))
    assert (name, "required") in refusals(WITHOUT(made, **{name: empty}))


@pytest.mark.parametrize("name", ["baseline", "measure", "target", "target_date", "status", "text"])
def test_every_part_of_an_objective(name: str) -> None:
    made = plan()
    number, item = tree.objectives(made)[4]
    made = tree.change(made, item.id, **{name: None if name == "target_date" else ""})
    found = [item for item in findings(made) if item.code == "objective"]
    assert [item.message.split(" needs ")[0] for item in found] == [f"Objective {number}"]


@pytest.mark.parametrize("name", ["modality", "type", "minutes", "times", "weeks", "responsible"])
def test_every_part_of_an_intervention(name: str) -> None:
    made = plan()
    below = tree.objectives(made)[0][1].interventions[0]
    made = tree.change(made, below.id, **{name: "" if isinstance(getattr(below, name), str) else None})
    assert ("problems", "intervention") in refusals(made)


def _childless(made: TreatmentPlan, kind: str) -> TreatmentPlan:
    problem = made.problems[0]
    goal = problem.goals[0] if kind == "goal" else None
    below = goal.objectives if goal else problem.goals
    for item in below:
        made = tree.remove(made, item.id)
    return made


@pytest.mark.parametrize("kind", ["problem", "goal"])
def test_problem_needs_a_goal_and_goal_needs_an_objective(kind: str) -> None:
    assert ("problems", f"{kind}_empty") in refusals(_childless(plan(), kind))


Made = Callable[[TreatmentPlan], TreatmentPlan]
_SIX = DIMENSIONS["ASAM 4th edition"]
CASES: dict[str, tuple[str, Made]] = {
    "the plan date may not lie in the future": ("future", lambda p: WITHOUT(p, planned=TODAY + timedelta(days=1))),
    "nor before the admission": ("before_admission", lambda p: WITHOUT(p, admitted=TODAY + timedelta(days=1))),
    "the end comes after the start": ("dates_reversed", lambda p: WITHOUT(p, target_end=p.effective)),
    "the next review comes after the plan": ("review_past", lambda p: WITHOUT(p, next_review=p.planned)),
    "and within the rule's days": ("review_late", lambda p: WITHOUT(p, next_review=TODAY + timedelta(days=31))),
    "one diagnosis is primary": (
        "primary", lambda p: WITHOUT(p, diagnoses=(WITHOUT(p.diagnoses[0], primary=False),))),
    "a diagnosis names who made it": (
        "diagnosis", lambda p: WITHOUT(p, diagnoses=(WITHOUT(p.diagnoses[0], diagnosed_by=""),))),
    "a substance use diagnosis needs the Part 2 label": ("part2", lambda p: WITHOUT(p, part2=False)),
    "every dimension is rated": ("dimensions", lambda p: WITHOUT(p, dimensions=p.dimensions[:5])),
    "none twice": ("dimension_twice", lambda p: WITHOUT(p, dimensions=(*p.dimensions, p.dimensions[0]))),
    "dimensions are of the chosen edition": (
        "edition", lambda p: WITHOUT(p, edition="ASAM 3rd edition")),
    "and so is the level": ("level", lambda p: WITHOUT(p, level="intensive outpatient")),
    "hours outside the band need a reason": ("hours", lambda p: WITHOUT(p, hours=8.5)),
    "above it, too": ("hours", lambda p: WITHOUT(p, hours=19.5)),
    "a refusal has a reason": ("refusal", lambda p: WITHOUT(p, agreement="refuses")),
    "a later revision comes from a review": ("review", lambda p: WITHOUT(p, number=2)),
    "a review has a summary": ("review_summary", lambda p: WITHOUT(p, number=2, review=Review(on=TODAY))),
    "a closed plan has no open objectives": ("closed_with_open", lambda p: WITHOUT(p, closed_on=TODAY)),
    "an open objective has no final status": (
        "open_status", lambda p: tree.change(p, tree.objectives(p)[0][1].id, status="met")),
    "a closed one has": (
        "closed_status", lambda p: tree.change(p, tree.objectives(p)[0][1].id, closed_on=TODAY, outcome="x")),
    "and an outcome": (
        "outcome", lambda p: tree.change(p, tree.objectives(p)[0][1].id, closed_on=TODAY, status="met")),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_rule(case: str) -> None:
    code, change = CASES[case]
    assert code in {found for _, found in refusals(change(plan()))}, case


def test_hours_outside_the_band_with_a_reason_or_in_a_transition_week() -> None:
    assert not refusals(WITHOUT(plan(), hours=8.0, hours_reason="Half time work until May"))
    assert not refusals(WITHOUT(plan(), hours=6.0, transition=True))
    assert "hours" in {code for _, code in refusals(WITHOUT(plan(), hours=8.0))}


def test_under_eighteen_six_hours_are_enough_and_a_pack_may_say_otherwise() -> None:
    assert not refusals(WITHOUT(plan(), hours=6.0), age=17)
    found = findings(WITHOUT(plan(), hours=9.5), hours_band=(10.0, 20.0, "State X 1.2"))
    refused = [(item.code, item.source) for item in found if item.severity is Severity.REFUSE]
    assert refused == [("hours", "State X 1.2")]


def test_the_limit_of_the_next_review_and_its_source_come_from_the_pack() -> None:
    found = findings(WITHOUT(plan(), next_review=TODAY + timedelta(days=15)), review_days=(14, "N.D. 75-09.1-01-15"))
    assert [(item.code, item.source) for item in found] == [("review_late", "N.D. 75-09.1-01-15")]


def test_a_late_plan_says_why() -> None:
    due = TODAY - timedelta(days=1)
    assert ("late_reason", "late") in refusals(plan(), plan_due=due, plan_due_source="K.A.R.")
    assert not refusals(WITHOUT(plan(), late_reason="Client was in hospital"), plan_due=due)
    assert not refusals(plan(), plan_due=TODAY)


def test_planned_time_is_compared_with_the_prescribed_hours() -> None:
    assert tree.planned_minutes(plan()) == 9 * 60
    assert [item.code for item in findings(WITHOUT(plan(), hours=11.0))] == ["planned_less"]
    fewer = tree.change(plan(), tree.objectives(plan())[0][1].interventions[0].id, minutes=90)
    assert [item.code for item in findings(fewer)] == ["planned_more"]


def test_a_medicare_plan_needs_a_physician_who_certifies_nine_hours_and_renews() -> None:
    good = Certification(
        physician="Dr. Vale", certified_on=TODAY, needs_nine_hours=True, renew_by=TODAY + timedelta(days=60)
    )
    assert not refusals(WITHOUT(plan(), certification=good), medicare=True)
    without = [WITHOUT(good, **{name: empty}) for name, empty in
               (("physician", ""), ("needs_nine_hours", False), ("certified_on", None))]  # fmt: skip
    for bad in (None, *without):
        assert ("certification", "certification") in refusals(WITHOUT(plan(), certification=bad), medicare=True)
    late = WITHOUT(good, renew_by=TODAY + timedelta(days=61))
    assert ("certification", "recertification") in refusals(WITHOUT(plan(), certification=late), medicare=True)


def test_a_target_date_that_passed_warns() -> None:
    number, item = tree.objectives(plan())[0]
    made = tree.change(plan(), item.id, target_date=TODAY - timedelta(days=1))
    assert [(found.code, number in found.message) for found in findings(made)] == [("target_past", True)]


def test_choices_inside_the_tree_are_checked_on_the_way_in() -> None:
    value = msgspec.to_builtins(plan(1, 1, 1))
    value["problems"][0]["goals"][0]["objectives"][0]["status"] = "sort of"
    with pytest.raises(Exception, match="Status must be one of") as failure:
        TREATMENT_PLAN.parse(value)
    assert failure.value.place == "$.problems[0].goals[0].objectives[0].status"  # type: ignore[attr-defined]


def test_both_editions_of_the_criteria_are_there_with_six_dimensions() -> None:
    assert {name: len(rows) for name, rows in DIMENSIONS.items()} == {
        "ASAM 4th edition": 6, "ASAM 3rd edition": 6, "not used": 0,
    }  # fmt: skip
    third = tuple(DimensionRating(dimension=name, rating="1") for name in DIMENSIONS["ASAM 3rd edition"])
    assert not refusals(WITHOUT(plan(), edition="ASAM 3rd edition", dimensions=third))


@pytest.mark.parametrize(("code", "is_sud"), [("F10.20", True), ("F11.10", True), ("F32.1", False), ("F17.210", False)])
def test_which_codes_are_substance_use(code: str, is_sud: bool) -> None:
    diagnosis = Diagnosis(code=code, text="x", primary=True, diagnosed_by="Dr. Vale")
    assert (("part2", "part2") in refusals(WITHOUT(plan(), diagnoses=(diagnosis,), part2=False))) is is_sud


def test_a_template_holds_nobodys_words_and_gives_fresh_ids() -> None:
    made = plan(2, 1, 2)
    ended = tree.objectives(made)[3][1]
    made = tree.close(made, ended.id, on=TODAY, outcome="done")
    template = as_template("Alcohol", made)
    assert PLAN_TEMPLATE.findings(template, RuleContext(TODAY)) == ()
    text = PLAN_TEMPLATE.encode(template).decode()
    assert not [word for word in ("Nadia", "I want goal", "1 of 7 days", TODAY.isoformat()) if word in text]
    applied = apply_template(plan(1, 1, 1), template)
    assert [number for number, _ in tree.objectives(applied)] == ["1.1.1", "2.1.1", "2.1.2", "3.1.1"]
    assert len({placed.node.id for placed in tree.walk(applied)}) == len(list(tree.walk(applied)))
    personal = PlanTemplate(name="x", problems=made.problems)
    assert [item.code for item in PLAN_TEMPLATE.findings(personal, RuleContext(TODAY))] == ["personal"]


def test_the_plan_reads_as_an_outline() -> None:
    shown = {info.name: text for info, text in TREATMENT_PLAN.shown(plan(1, 1, 1))}
    assert shown["problems"].splitlines()[:3] == [
        "Problem 1", "  Goal: I want goal 1", "    Objective (active): Step 0",
    ]  # fmt: skip
    assert date.fromisoformat(shown["planned"]) == TODAY
    assert isinstance(tree.objectives(plan())[0][1], Objective)
