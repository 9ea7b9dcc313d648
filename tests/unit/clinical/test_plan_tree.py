"""The plan's tree: whatever somebody does to it, ids stay unique and stay, numbers follow the places."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.clinical.plans import tree
from iop_tui.clinical.plans.treatment import Goal, Intervention, Objective, Problem, TreatmentPlan
from iop_tui.kernel.errors import Refused
from tests.support.clinic.plans import intervention, objective, plan

ON = date(2026, 4, 1)


def ids(made: TreatmentPlan) -> list[str]:
    return [placed.node.id for placed in tree.walk(made)]


def first(made: TreatmentPlan, kind: type) -> str:
    return next(placed.node.id for placed in tree.walk(made) if isinstance(placed.node, kind))


def test_numbers_are_places_and_three_by_two_by_two_is_twelve_objectives() -> None:
    numbers = [number for number, _ in tree.objectives(plan())]
    assert numbers == [f"{p}.{g}.{o}" for p in (1, 2, 3) for g in (1, 2) for o in (1, 2)]


# -- any sequence of operations ------------------------------------------------------------

Step = Callable[[TreatmentPlan, int, int], TreatmentPlan]


def _pick(made: TreatmentPlan, kind: type, choice: int) -> str:
    found = [placed.node.id for placed in tree.walk(made) if isinstance(placed.node, kind)]
    return found[choice % len(found)] if found else "none"


STEPS: tuple[Step, ...] = (
    lambda made, a, b: tree.add(made, Problem(text="new"), at=a)[0],
    lambda made, a, b: tree.add(made, Goal(text="new"), _pick(made, Problem, a), b)[0],
    lambda made, a, b: tree.add(made, objective(), _pick(made, Goal, a), b)[0],
    lambda made, a, b: tree.add(made, intervention(), _pick(made, Objective, a))[0],
    lambda made, a, b: tree.move(made, _pick(made, (Problem, Goal, Objective)[b % 3], a), b - 5),
    lambda made, a, b: tree.move_under(made, _pick(made, Objective, a), _pick(made, Goal, b)),
    lambda made, a, b: tree.move_under(made, _pick(made, Goal, a), _pick(made, Problem, b)),
    lambda made, a, b: tree.split(made, _pick(made, Objective, a), "one half", "other half")[0],
    lambda made, a, b: tree.close(made, _pick(made, Objective, a), on=ON, outcome="reached"),
    lambda made, a, b: tree.close(made, _pick(made, Goal, a), on=ON, outcome="reached"),
    lambda made, a, b: tree.remove(made, _pick(made, (Goal, Objective, Intervention)[b % 3], a)),
)
_MAY_LOSE = (len(STEPS) - 1,)


@given(st.lists(st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 30), st.integers(0, 9)), max_size=30))
def test_any_sequence_of_operations_keeps_the_tree_sound(steps: list[tuple[int, int, int]]) -> None:
    made = plan(2, 2, 2)
    ever = set(ids(made))
    for which, a, b in steps:
        before = made
        try:
            made = STEPS[which](made, a, b)
        except Refused:
            assert made is before
            continue
        now = ids(made)
        assert len(now) == len(set(now)), "an id occurs twice"
        assert not (set(now) - set(ids(before))) & ever, "an id was used again"
        if which not in _MAY_LOSE:
            assert set(ids(before)) <= set(now), "something was lost"
        ever |= set(now)
        _check_shape(made)


def _check_shape(made: TreatmentPlan) -> None:
    opened = {item.id for _, item in tree.objectives(made)}
    for placed in tree.walk(made):
        assert tree.find(made, placed.node.id).number == placed.number
        assert placed.number.count(".") == len(placed.path)
        if isinstance(placed.node, Problem | Goal) and placed.node.closed_on:
            assert not tree.open_below(made, placed.node.id), "open work below something closed"
        if isinstance(placed.node, Intervention):
            assert set(placed.node.also_for) <= opened
    expected = sum(
        placed.node.minutes or 0
        for placed in tree.walk(made)
        if isinstance(placed.node, Intervention)
        and any(_is_open(made, other) for other in (placed.path[-1], *placed.node.also_for))
    )
    assert tree.planned_minutes(made) == expected, "planned time counts each intervention once"


def _is_open(made: TreatmentPlan, identifier: str) -> bool:
    node = tree.find(made, identifier).node
    return isinstance(node, Objective) and node.is_open


# -- single operations ---------------------------------------------------------------------


def test_moving_changes_numbers_and_not_ids() -> None:
    made = plan(1, 2, 2)
    one = tree.find(made, made.problems[0].goals[0].objectives[0].id).node
    moved = tree.move(made, one.id, +1)
    assert tree.find(moved, one.id).number == "1.1.2"
    across = tree.move_under(moved, one.id, made.problems[0].goals[1].id, at=0)
    assert tree.find(across, one.id).number == "1.2.1"
    assert tree.find(across, one.id).node == one
    assert tree.move(across, one.id, -9) == across


def test_a_node_goes_only_under_its_kind_of_parent() -> None:
    made = plan(1, 1, 1)
    with pytest.raises(Refused, match="under a goal"):
        tree.add(made, objective(), made.problems[0].id)
    with pytest.raises(Refused, match="top of a plan"):
        tree.move_under(made, made.problems[0].id, made.problems[0].goals[0].id)
    with pytest.raises(Refused, match="top of a plan"):
        tree.add(made, Problem(text="x"), made.problems[0].id)
    with pytest.raises(Refused, match="nothing with that id"):
        tree.move(made, "o999", 1)


def test_nothing_is_added_or_moved_below_what_is_closed() -> None:
    made = plan(1, 2, 1)
    goal = made.problems[0].goals[0]
    made = tree.close(made, goal.objectives[0].id, on=ON, outcome="six of seven days")
    made = tree.close(made, goal.id, on=ON, outcome="done")
    with pytest.raises(Refused, match="closed"):
        tree.add(made, objective(), goal.id)
    with pytest.raises(Refused, match="closed"):
        tree.move_under(made, made.problems[0].goals[1].objectives[0].id, goal.id)


def test_splitting_keeps_the_first_id_and_counts_interventions_once() -> None:
    made = plan(1, 1, 1)
    whole = made.problems[0].goals[0].objectives[0]
    minutes = tree.planned_minutes(made)
    halved, new = tree.split(made, whole.id, "Calls the sponsor", "Leaves the place")
    texts = [(item.id, item.text, item.measure) for _, item in tree.objectives(halved)]
    assert texts == [(whole.id, "Calls the sponsor", whole.measure), (new, "Leaves the place", whole.measure)]
    assert tree.planned_minutes(halved) == minutes
    closed = tree.close(halved, whole.id, on=ON, outcome="does")
    assert tree.planned_minutes(closed) == minutes, "the intervention still serves the other half"
    with pytest.raises(Refused, match="open objective"):
        tree.split(closed, whole.id, "a", "b")
    with pytest.raises(Refused, match="Both halves"):
        tree.split(halved, new, "a", "  ")


def test_closing_needs_an_outcome_a_final_status_and_closed_parts() -> None:
    made = plan(1, 1, 2)
    goal = made.problems[0].goals[0]
    with pytest.raises(Refused, match="open objectives"):
        tree.close(made, goal.id, on=ON, outcome="done")
    with pytest.raises(Refused, match="outcome in words"):
        tree.close(made, goal.objectives[0].id, on=ON, outcome=" ")
    with pytest.raises(Refused, match="not closed as"):
        tree.close(made, goal.objectives[0].id, on=ON, outcome="x", status="active")
    for item in goal.objectives:
        made = tree.close(made, item.id, on=ON, outcome="reached", status="partly")
    made = tree.close(made, goal.id, on=ON, outcome="done")
    with pytest.raises(Refused, match="already"):
        tree.close(made, goal.id, on=ON, outcome="again")
    assert tree.planned_minutes(made) == 0


def test_a_plan_with_open_objectives_is_not_closed() -> None:
    made = plan(1, 1, 2)
    with pytest.raises(Refused, match=r"1\.1\.1, 1\.1\.2"):
        tree.close_plan(made, ON)


def test_what_was_signed_is_never_removed() -> None:
    made = plan(1, 1, 2)
    item = made.problems[0].goals[0].objectives[0]
    signed = frozenset({item.id})
    for target in (item.id, made.problems[0].goals[0].id, made.problems[0].id):
        with pytest.raises(Refused, match="signed"):
            tree.remove(made, target, signed)
    assert len(tree.objectives(tree.remove(made, made.problems[0].goals[0].objectives[1].id, signed))) == 1


def test_ids_and_children_are_not_fields() -> None:
    made = plan(1, 1, 1)
    with pytest.raises(Refused, match="no field"):
        tree.change(made, made.problems[0].id, goals=())
    with pytest.raises(Refused, match="no field"):
        tree.change(made, made.problems[0].id, nonsense=1)
    assert tree.change(made, made.problems[0].id, text="Drinking").problems[0].text == "Drinking"


@pytest.mark.parametrize(
    ("minutes", "times", "per", "weekly"),
    [(50, 1, "week", 50), (180, 3, "week", 540), (60, 1, "2 weeks", 30), (52, 1, "month", 12), (60, None, "week", 0)],
)
def test_weekly_minutes(minutes: int, times: int | None, per: str, weekly: int) -> None:
    assert round(tree.weekly_minutes(intervention(minutes=minutes, times=times, per=per))) == weekly


def test_operations_leave_the_plan_they_came_from_alone() -> None:
    made = plan(2, 1, 1)
    copy = msgspec.convert(msgspec.to_builtins(made), TreatmentPlan)
    tree.move(made, made.problems[0].id, 1)
    tree.split(made, first(made, Objective), "a", "b")
    tree.close(made, first(made, Objective), on=ON, outcome="x")
    assert made == copy


def test_parts_written_without_ids_get_the_next_of_the_counter() -> None:
    bare = TreatmentPlan(problems=(Problem(text="Drinks", goals=(Goal(text="Stay dry", objectives=(Objective(),)),)),))
    full = tree.with_ids(msgspec.structs.replace(bare, last_id=4))
    assert [placed.node.id for placed in tree.walk(full)] == ["p5", "g6", "o7"]
    assert full.last_id == 7
    assert tree.with_ids(full) == full
