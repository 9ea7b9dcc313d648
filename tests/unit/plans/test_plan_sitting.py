"""One sitting at a plan: whatever keys somebody presses, ids and numbers stay sound, and undo takes all of it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.clinical.plans import outline, tree
from iop_tui.clinical.plans.documents import as_template
from iop_tui.clinical.plans.editing import Sitting
from iop_tui.clinical.plans.treatment import Intervention, Objective, TreatmentPlan
from iop_tui.kernel.errors import DocumentInvalid, Refused
from tests.support.clinic.plans import TODAY, plan

ON = date(2026, 4, 1)


def keys(made: TreatmentPlan) -> list[str]:
    """Every row that somebody may stand on."""
    return [row.key for row in outline.rows(made) if not row.gap]


def end(sitting: Sitting, key: str, outcome: str = "as far as it went") -> str:
    """Close a part and write its outcome."""
    sitting.close(key, ON)
    sitting.fill(key, {"outcome": outcome}, "outcome")
    return sitting.left(key)


def _under(sitting: Sitting, key: str, choice: int) -> str:
    places = sitting.places(key)
    return sitting.move_under(key, places[choice % len(places)][0]) if places else key


def _type(sitting: Sitting, key: str, choice: int) -> str:
    node = tree.find(sitting.plan, key).node
    sitting.fill(key, {"text": f"words {choice}"} if "text" in node.__struct_fields__ else {}, "text")
    return key


STEPS: tuple[Callable[[Sitting, str, int], str], ...] = (
    lambda sitting, key, choice: sitting.add_below(key),
    lambda sitting, key, choice: sitting.add_beside(key),
    lambda sitting, key, choice: sitting.move(key, choice - 5),
    _under,
    lambda sitting, key, choice: sitting.split(key),
    lambda sitting, key, choice: end(sitting, key, ("reached", " ")[choice % 2]),
    lambda sitting, key, choice: sitting.reopen(key),
    lambda sitting, key, choice: sitting.remove(key),
    _type,
    lambda sitting, key, choice: sitting.apply(as_template("t", plan(1, 1, 1))),
    lambda sitting, key, choice: sitting.left(key),
)


def _check(made: TreatmentPlan) -> None:
    ids = [placed.node.id for placed in tree.walk(made)]
    assert len(ids) == len(set(ids)), "an id occurs twice"
    numbers = [placed.number for placed in tree.walk(made)]
    assert numbers == sorted(numbers, key=lambda text: [int(part) for part in text.split(".")])
    assert len(set(numbers)) == len(numbers), "a number occurs twice"
    for placed in tree.walk(made):
        assert placed.number.count(".") == len(placed.path), "a number has one part per level"
        siblings = tree.children(tree.find(made, placed.path[-1]).node if placed.path else made)
        assert siblings[int(placed.number.rpartition(".")[2]) - 1].id == placed.node.id, "numbers count from 1"
    opened = {item.id for _, item in tree.objectives(made) if item.is_open}
    served = sum(
        tree.weekly_minutes(placed.node)
        for placed in tree.walk(made)
        if isinstance(placed.node, Intervention) and ({placed.path[-1], *placed.node.also_for} & opened)
    )
    assert tree.planned_minutes(made) == round(served), "the live sum counts each intervention once"


@given(st.lists(st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 40), st.integers(0, 9)), max_size=25))
def test_any_keys_keep_the_numbering_and_undo_takes_every_step_back(steps: list[tuple[int, int, int]]) -> None:
    start = plan(2, 2, 1)
    sitting = Sitting(start)
    seen = [start]
    for which, row, choice in steps:
        key = keys(sitting.plan)[row % len(keys(sitting.plan))]
        before, done = sitting.plan, list(sitting.done)
        try:
            stands = STEPS[which](sitting, key, choice)
        except Refused:
            assert sitting.plan is before, "a refusal changed the plan"
            assert sitting.done == done, "a refusal left a step to undo"
            continue
        assert stands in keys(sitting.plan), "the cursor stands on a row that is there"
        _check(sitting.plan)
        seen.append(sitting.plan)
    end = sitting.plan
    count = 0
    while sitting.undo() is not None:
        count += 1
        _check(sitting.plan)
        assert sitting.plan in seen, "undo shows a plan that never was"
    assert sitting.plan == start, "undo does not reach the beginning"
    for _ in range(count):
        assert sitting.redo() is not None
    assert sitting.redo() is None
    assert sitting.plan == end, "redo does not reach the end"


def test_a_word_typed_in_one_field_is_one_step() -> None:
    sitting = Sitting(plan(1, 1, 1))
    key = sitting.plan.problems[0].id
    before = sitting.plan
    for text in ("D", "Dr", "Drinks"):
        sitting.fill(key, {"text": text}, "text")
    assert sitting.left(key) == key
    sitting.fill(key, {"text": "Drinks alone"}, "text")
    assert sitting.undo() is not None
    assert sitting.plan.problems[0].text == "Drinks"
    assert sitting.undo() is not None
    assert sitting.plan == before
    assert sitting.undo() is None


def test_something_new_after_an_undo_forgets_what_was_undone() -> None:
    sitting = Sitting(plan(1, 1, 1))
    sitting.add_below("=problems")
    sitting.undo()
    sitting.add_below("=problems")
    assert sitting.redo() is None


def test_adding_follows_the_level_of_the_line() -> None:
    sitting = Sitting(TreatmentPlan(), responsible="Nadia")
    problem = sitting.add_below("=dates")
    goal = sitting.add_below(problem)
    objective = sitting.add_below(goal)
    intervention = sitting.add_below(objective)
    beside = sitting.add_below(intervention)
    numbers = tree.numbers(sitting.plan)
    assert [numbers[key] for key in (problem, goal, objective, intervention, beside)] == [
        "1", "1.1", "1.1.1", "1.1.1.1", "1.1.1.2",
    ]  # fmt: skip
    assert tree.find(sitting.plan, intervention).node == Intervention(id=intervention, responsible="Nadia")
    first = sitting.add_beside(objective)
    assert tree.numbers(sitting.plan)[first] == "1.1.2"


def test_a_part_left_without_a_word_goes_again_as_if_it_had_not_been() -> None:
    sitting = Sitting(plan(1, 1, 1))
    before = sitting.plan
    key = sitting.add_below("=problems")
    assert sitting.left(key) == "=problems"
    assert sitting.plan == before
    assert sitting.undo() is None
    key = sitting.add_below("=problems")
    sitting.fill(key, {"text": "Sleeps badly"}, "text")
    assert sitting.left(key) == key


def test_what_a_signed_plan_closed_stays_closed_and_a_mistake_is_opened_again() -> None:
    base = plan(1, 1, 2)
    first, second = (item.id for _, item in tree.objectives(base))
    base = tree.close(base, first, on=TODAY, outcome="reached")
    sitting = Sitting(base, signed=frozenset({first, second}), ended=frozenset({first}))
    with pytest.raises(Refused, match="closed in a signed plan"):
        sitting.reopen(first)
    end(sitting, second)
    sitting.reopen(second)
    node = tree.find(sitting.plan, second).node
    assert isinstance(node, Objective)
    assert (node.is_open, node.status, node.outcome) == (True, "active", "")
    with pytest.raises(Refused, match="part of a signed plan"):
        sitting.remove(second)


def test_what_is_closed_without_an_outcome_is_open_again() -> None:
    sitting = Sitting(plan(1, 1, 1))
    before = sitting.plan
    key = tree.objectives(before)[0][1].id
    sitting.close(key, TODAY)
    assert sitting.lacks_outcome(key)
    sitting.left(key)
    assert (sitting.plan, sitting.undo()) == (before, None)
    sitting.close(key, TODAY)
    sitting.fill(key, {"outcome": "x"}, "outcome")
    sitting.fill(key, {"outcome": ""}, "outcome")
    sitting.left(key)
    assert len(tree.open_below(sitting.plan)) == 1


def test_splitting_gives_both_halves_the_words_and_keeps_the_number_of_the_first() -> None:
    sitting = Sitting(plan(1, 1, 1))
    key = tree.objectives(sitting.plan)[0][1].id
    new = sitting.split(key)
    assert [(item.id, item.text) for _, item in tree.objectives(sitting.plan)] == [(key, "Step 0"), (new, "Step 0")]


def test_closing_a_goal_or_the_plan_over_open_objectives_is_refused_with_their_numbers() -> None:
    sitting = Sitting(plan(1, 1, 2))
    with pytest.raises(Refused, match="open objectives"):
        sitting.close(sitting.plan.problems[0].goals[0].id, TODAY)
    with pytest.raises(Refused, match=r"still open: 1\.1\.1, 1\.1\.2"):
        sitting.close_plan(TODAY)
    for _, item in tree.objectives(sitting.plan):
        end(sitting, item.id)
    sitting.close_plan(TODAY)
    assert sitting.plan.closed_on == TODAY


@pytest.mark.parametrize("key", ["=dates", "=problems", "=client"])
def test_the_head_is_not_moved_split_or_removed(key: str) -> None:
    sitting = Sitting(plan(1, 1, 1))
    acts: tuple[Callable[[], Any], ...] = (
        lambda: sitting.move(key, 1), lambda: sitting.split(key), lambda: sitting.remove(key),
        lambda: sitting.places(key), lambda: sitting.close(key, TODAY),
    )  # fmt: skip
    for act in acts:
        with pytest.raises(Refused, match="Only what stands in the tree"):
            act()


def test_places_name_every_other_open_parent() -> None:
    sitting = Sitting(plan(2, 2, 1))
    item = sitting.plan.problems[0].goals[0].objectives[0]
    assert [label[:3] for _, label in sitting.places(item.id)] == ["1.2", "2.1", "2.2"]
    with pytest.raises(Refused, match="top of a plan"):
        sitting.places(sitting.plan.problems[0].id)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("text", "x" * 2001, "at most 2,000 characters"), ("text", "y" * 1_000_000, "at most 2,000 characters"),
        ("minutes", 0, "At least 1"), ("minutes", 1441, "At most 1,440"), ("weeks", 105, "At most 104"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_limit_and_the_plan_stays(field: str, value: object, words: str) -> None:
    sitting = Sitting(plan(1, 1, 1))
    key = tree.objectives(sitting.plan)[0][1].interventions[0].id
    before = msgspec.to_builtins(sitting.plan)
    with pytest.raises(DocumentInvalid, match=words) as refused:
        sitting.fill(key, {field: value}, field)
    assert refused.value.place == f"$.{field}"
    assert msgspec.to_builtins(sitting.plan) == before
    assert sitting.undo() is None
