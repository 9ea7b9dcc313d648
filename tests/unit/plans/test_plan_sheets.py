"""Sheets and rows: every declared field has one place to be written and comes back; marks find their row."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.clinical.plans import checks, outline, printed, sheets, tree
from iop_tui.clinical.plans.documents import TREATMENT_PLAN
from iop_tui.clinical.plans.treatment import (
    DIMENSIONS,
    Certification,
    Diagnosis,
    Disposition,
    Goal,
    Intervention,
    Objective,
    Problem,
    Review,
    TreatmentPlan,
)
from iop_tui.kernel.declare import RuleContext, Severity, Widget, fields_of
from iop_tui.kernel.errors import DocumentInvalid, Refused
from tests.support.clinic.plans import TODAY, plan

WITHOUT = msgspec.structs.replace


def whole() -> TreatmentPlan:
    """A plan with every part of the head."""
    return WITHOUT(plan(2, 1, 2), number=2, review=Review(on=TODAY, summary="Better."),
                   certification=Certification(physician="Dr. Vale"))  # fmt: skip


def test_every_declared_field_of_the_plan_is_on_one_sheet() -> None:
    declared = [info.name for info in fields_of(TreatmentPlan) if info.widget is not Widget.HIDDEN]
    written = [name for section in sheets.SECTIONS for name in section.fields]
    assert sorted(written) == sorted(name for name in declared if name != "problems")


@pytest.mark.parametrize("struct", [Problem, Goal, Objective, Intervention])
def test_every_declared_field_of_the_tree_is_on_its_sheet(struct: type) -> None:
    shown = {"text"} | {
        info.name for info in fields_of(struct)
        if info.widget is not Widget.HIDDEN and info.name not in ("goals", "objectives", "interventions")
    }  # fmt: skip
    closing = {"closed_on", "outcome"}
    made = plan(1, 1, 2)
    key = next(placed.node.id for placed in tree.walk(made) if isinstance(placed.node, struct))
    on_sheet = {info.name for info in sheets.sheet(made, key).fields}
    assert shown - closing <= on_sheet | closing
    assert on_sheet - {"also_for"} <= shown


def test_what_a_sheet_shows_put_back_changes_nothing() -> None:
    made = whole()
    rows = [section.key for section in sheets.sections(made)] + [placed.node.id for placed in tree.walk(made)]
    for key in rows:
        shown = sheets.sheet(made, key)
        assert sheets.put(made, key, shown.values) == made, key
        assert shown.first in {info.name for info in shown.fields}


@given(st.text(max_size=60), st.dates(), st.sampled_from(("new", "active", "partly")))
def test_what_is_written_into_an_objective_is_read_back(text: str, day: date, status: str) -> None:
    made = plan(1, 1, 1)
    key = tree.objectives(made)[0][1].id
    values = {"text": text, "baseline": text, "measure": text, "target": text, "target_date": day.isoformat(),
              "status": status}  # fmt: skip
    found = tree.objectives(sheets.put(made, key, values))[0][1]
    assert (found.text, found.baseline, found.measure, found.target) == (text,) * 4
    assert (found.target_date, found.status) == (day, status)
    assert found.interventions == tree.objectives(made)[0][1].interventions


def test_dimensions_are_those_of_the_chosen_edition() -> None:
    made = plan(1, 1, 1)
    shown = sheets.sheet(made, "=dimensions")
    assert [info.help for info in shown.fields if info.name.startswith("rating")] == list(
        DIMENSIONS["ASAM 4th edition"]
    )
    again = sheets.put(made, "=dimensions", {**shown.values, "rating3": "3", "reason3": "uses alone"})
    assert (again.dimensions[3].rating, again.dimensions[3].reason) == ("3", "uses alone")
    with pytest.raises(DocumentInvalid, match="at most 3 characters") as refused:
        sheets.put(made, "=dimensions", {**shown.values, "rating3": "very high"})
    assert refused.value.place == "$.rating3"
    assert "=dimensions" not in {section.key for section in sheets.sections(WITHOUT(made, edition="not used"))}


def test_a_level_is_chosen_from_the_edition() -> None:
    level = next(info for info in sheets.sheet(plan(), "=level").fields if info.name == "level")
    assert "2.1" in level.choices
    assert "outpatient" not in level.choices


def test_a_substance_use_diagnosis_brings_the_part_2_label() -> None:
    bare = WITHOUT(plan(1, 1, 1), part2=False, diagnoses=())
    given = [msgspec.to_builtins(Diagnosis(code="F10.20", text="Alcohol use disorder", diagnosed_by="Dr. Vale"))]
    made = sheets.put(bare, "=diagnoses", {"diagnoses": given, "part2": False})
    assert made.part2
    assert made.diagnoses[0].primary, "a single diagnosis is the primary one"
    other = sheets.put(bare, "=diagnoses", {"diagnoses": [{**given[0], "code": "F32.1"}], "part2": False})
    assert not other.part2


def test_an_intervention_serves_other_objectives_and_counts_once() -> None:
    made = plan(1, 1, 3, hours=2.25, hours_reason="x")
    key = tree.objectives(made)[0][1].interventions[0].id
    shown = sheets.sheet(made, key)
    also = next(info for info in shown.fields if info.name == "also_for")
    assert also.choices == ("1.1.2", "1.1.3")
    linked = sheets.put(made, key, {**shown.values, "also_for": ["1.1.3"]})
    assert tree.planned_minutes(linked) == tree.planned_minutes(made)
    node = tree.find(linked, key).node
    assert isinstance(node, Intervention)
    assert node.also_for == (tree.objectives(made)[2][1].id,)


def test_a_closed_objective_shows_its_ending_and_a_signed_ending_is_read_only() -> None:
    made = plan(1, 1, 2)
    key = tree.objectives(made)[0][1].id
    made = tree.close(made, key, on=TODAY, outcome="reached")
    assert [info.name for info in sheets.sheet(made, key).fields] == ["outcome", "status", "closed_on"]
    with pytest.raises(Refused, match="closed in a signed plan"):
        sheets.sheet(made, key, frozenset({key}))


def test_a_decision_offers_every_disposition() -> None:
    number, item = tree.objectives(plan())[0]
    shown = sheets.decision_sheet(number, item, Disposition())
    assert shown.first == "decision"
    assert shown.fields[0].choices == ("continue", "met", "partly", "revised", "deferred", "discontinued")


# -- rows ----------------------------------------------------------------------------------


def test_marks_stand_at_the_row_they_are_about() -> None:
    made = plan(1, 1, 2)
    item = tree.objectives(made)[1][1]
    made = tree.change(WITHOUT(made, strengths=()), item.id, baseline="")
    found = TREATMENT_PLAN.findings(made, RuleContext(TODAY))
    marks = outline.marks(found)
    assert marks[item.id] == "!"
    assert marks["=person"] == "!"
    assert marks["=level"] == "?", "planned time below the prescribed hours"
    shown = {row.key: row.mark for row in outline.rows(made, marks)}
    assert shown[item.id] == "!"
    assert shown["=dates"] == ""


def test_every_finding_of_a_broken_plan_has_a_row() -> None:
    broken = TreatmentPlan(number=2, diagnoses=(Diagnosis(),), edition="ASAM 4th edition", agreement="refuses",
                           copy_offered=False, closed_on=TODAY, problems=plan(1, 1, 1).problems)  # fmt: skip
    broken = tree.change(broken, tree.objectives(broken)[0][1].id, baseline="")
    keys = {row.key for row in outline.rows(broken)} | {"=review"}
    found = TREATMENT_PLAN.findings(broken, RuleContext(TODAY))
    assert len(found) > 15
    assert {outline.row_of(item) for item in found} <= keys


def test_a_folded_line_hides_what_is_below_and_carries_its_mark() -> None:
    made = plan(2, 1, 2)
    item = tree.objectives(made)[0][1]
    made = tree.change(made, item.id, measure="")
    marks = outline.marks(TREATMENT_PLAN.findings(made, RuleContext(TODAY)))
    problem = made.problems[0].id
    rows = outline.rows(made, marks, {problem})
    shown = {row.key: row for row in rows}
    assert item.id not in shown
    assert (shown[problem].mark, shown[problem].folded) == ("!", True)
    assert made.problems[1].id in shown


def test_the_sums_follow_the_plan() -> None:
    made = plan(1, 1, 2)
    sums = outline.sums(made, ())
    assert (sums.time(), sums.meter(), sums.tone) == (
        "Planned 90 of 540 min a week", "[==--------]", "bar_warn",
    )  # fmt: skip
    assert outline.sums(WITHOUT(made, hours=1.5), ()).tone == "bar"
    assert outline.sums(WITHOUT(made, hours=None), ()).time() == "Planned 90 min a week"


def test_the_plan_prints_as_a_numbered_tree() -> None:
    lines = [text for _, text, _ in printed.lines(whole())]
    goal = next(text for text in lines if text.startswith("1.1  "))
    assert [line.split("  ")[0] + "|" + str(len(line) - len(line.lstrip())) for line in goal.split("\n")][:2] == [
        "1.1|0", "|3",
    ]  # fmt: skip
    assert "   1.1.1  Step 0 (active)" in goal
    assert "      from 1 of 7 days to 6 of 7 days by 2026-05-11, measured by craving diary" in goal
    assert "      - CBT, individual: urge surfing, 45 min, 1 in each week for 8 weeks, Nadia" in goal
    assert "Better." in lines


# -- rules about days that cannot be -------------------------------------------------------


def _codes(made: TreatmentPlan) -> set[str]:
    return {item.code for item in TREATMENT_PLAN.findings(made, RuleContext(TODAY)) if item.severity is Severity.REFUSE}


def test_impossible_days_are_refused() -> None:
    tomorrow = date.fromordinal(TODAY.toordinal() + 1)
    base = plan(1, 1, 1, hours=0.75, hours_reason="x")
    key = tree.objectives(base)[0][1].id
    assert "closed_future" in _codes(tree.close(base, key, on=tomorrow, outcome="x"))
    early = tree.change(base, key, status="new", target_date=date.fromordinal(TODAY.toordinal() - 1))
    assert "target_before" in _codes(early)
    assert "outcome" in _codes(tree.change(base, base.problems[0].id, closed_on=TODAY))
    assert "before_admission" in _codes(WITHOUT(base, effective=date(2020, 1, 1)))
    closed = WITHOUT(tree.close(base, key, on=TODAY, outcome="x"), closed_on=tomorrow)
    assert "future" in _codes(closed)
    assert "future" in _codes(WITHOUT(base, number=2, review=Review(on=tomorrow, summary="x")))


def test_findings_of_the_tree_name_the_part() -> None:
    made = tree.change(plan(1, 1, 1), tree.objectives(plan(1, 1, 1))[0][1].id, target="")
    found = [item for item in checks.rules(made, RuleContext(TODAY)) if item.code == "objective"]
    assert [item.place for item in found] == [tree.objectives(made)[0][1].id]


def test_parts_without_an_id_or_with_one_twice_are_refused() -> None:
    bare = WITHOUT(plan(1, 1, 1), problems=(*plan(1, 1, 1).problems, Problem(text="typed in a file")))
    assert "ids" in _codes(bare)
    twice = plan(1, 1, 1).problems[0]
    assert "ids" in _codes(WITHOUT(plan(1, 1, 1), problems=(twice, twice)))
