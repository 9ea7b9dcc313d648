"""Changing the tree of a plan: pure functions from a frozen plan to the next one.

Every node keeps one id for its life, from a counter of the plan that never runs backwards; the number people read
(`1.2.1`) is the node's place and follows from the tree. Nothing that was ever active is removed: it is closed with
an outcome. Failures are `Refused` with a plain sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import TypeAlias

import msgspec

from iop_tui.clinical.plans.treatment import ENDED, Goal, Intervention, Objective, Problem, TreatmentPlan
from iop_tui.kernel.errors import Refused

Node: TypeAlias = Problem | Goal | Objective | Intervention
_CHILDREN: dict[type, str] = {Problem: "goals", Goal: "objectives", Objective: "interventions"}
_PARENTS: dict[type, type] = {Goal: Problem, Objective: Goal, Intervention: Objective}
_LETTERS: dict[type, str] = {Problem: "p", Goal: "g", Objective: "o", Intervention: "i"}
NAMES: dict[type, str] = {Problem: "problem", Goal: "goal", Objective: "objective", Intervention: "intervention"}


@dataclass(frozen=True, slots=True)
class Placed:
    """A node, the number of its place and the ids above it, outermost first."""

    node: Node
    number: str
    path: tuple[str, ...]


def children(node: TreatmentPlan | Node) -> tuple[Node, ...]:
    """What stands directly below a node (or the plan)."""
    if isinstance(node, TreatmentPlan):
        return node.problems
    name = _CHILDREN.get(type(node))
    return tuple(getattr(node, name)) if name else ()


def _with_children(node: TreatmentPlan | Node, given: tuple[Node, ...]) -> TreatmentPlan | Node:
    if given == children(node):
        return node
    name = "problems" if isinstance(node, TreatmentPlan) else _CHILDREN[type(node)]
    return msgspec.structs.replace(node, **{name: given})


def walk(plan: TreatmentPlan) -> Iterator[Placed]:
    """Every node with its number, top to bottom."""
    yield from _walk(plan, "", ())


def _walk(node: TreatmentPlan | Node, number: str, path: tuple[str, ...]) -> Iterator[Placed]:
    for position, child in enumerate(children(node), 1):
        place = f"{number}.{position}" if number else str(position)
        yield Placed(child, place, path)
        yield from _walk(child, place, (*path, child.id))


def with_ids(plan: TreatmentPlan) -> TreatmentPlan:
    """A plan all of whose parts have an id: what was written elsewhere without one gets the next of the counter."""
    taken = [int(node.node.id[1:]) for node in walk(plan) if node.node.id[1:].isascii() and node.node.id[1:].isdigit()]
    numbers = count(max([plan.last_id, *taken]) + 1)

    def own(node: TreatmentPlan | Node) -> TreatmentPlan | Node:
        if not isinstance(node, TreatmentPlan) and not node.id:
            node = msgspec.structs.replace(node, id=f"{_LETTERS[type(node)]}{next(numbers)}")
        return _with_children(node, tuple(_as_node(own(child)) for child in children(node)))

    return msgspec.structs.replace(_as_plan(own(plan)), last_id=next(numbers) - 1)


def find(plan: TreatmentPlan, identifier: str) -> Placed:
    """A node by its id. Raises `Refused` where the plan has none."""
    for placed in walk(plan):
        if placed.node.id == identifier:
            return placed
    raise Refused("This plan has nothing with that id.", "Open the plan again: it may have changed.")


def numbers(plan: TreatmentPlan) -> dict[str, str]:
    """Id → number of every node: `{"o7": "1.2.1"}`."""
    return {placed.node.id: placed.number for placed in walk(plan)}


def objectives(plan: TreatmentPlan) -> list[tuple[str, Objective]]:
    """(number, objective) from top to bottom."""
    return [(placed.number, placed.node) for placed in walk(plan) if isinstance(placed.node, Objective)]


# -- changing ------------------------------------------------------------------------------


def _edit(plan: TreatmentPlan, identifier: str, change: Callable[[Node], tuple[Node, ...]]) -> TreatmentPlan:
    """The plan with one node replaced by what `change` makes of it: nothing, itself or several."""
    find(plan, identifier)

    def below(node: TreatmentPlan | Node) -> TreatmentPlan | Node:
        kept: list[Node] = []
        for child in children(node):
            if child.id == identifier:
                kept.extend(change(child))
            else:
                kept.append(_as_node(below(child)))
        return _with_children(node, tuple(kept))

    return _as_plan(below(plan))


def _as_node(value: TreatmentPlan | Node) -> Node:
    if isinstance(value, TreatmentPlan):
        raise Refused("A plan is not part of itself.")
    return value


def _as_plan(value: TreatmentPlan | Node) -> TreatmentPlan:
    if not isinstance(value, TreatmentPlan):
        raise Refused("A part is not a plan.")
    return value


def _new_id(plan: TreatmentPlan, kind: type) -> tuple[TreatmentPlan, str]:
    number = plan.last_id + 1
    return msgspec.structs.replace(plan, last_id=number), f"{_LETTERS[kind]}{number}"


def add(plan: TreatmentPlan, node: Node, parent: str = "", at: int | None = None) -> tuple[TreatmentPlan, str]:
    """The plan with a new node (and everything below it, with fresh ids) under `parent`; the new node's id.

    `parent` is empty for a problem; `at` is the position among its siblings, at the end where not given.
    Raises `Refused` for a parent of the wrong kind or a closed one.
    """
    plan, fresh = _with_fresh_ids(plan, node)
    if isinstance(fresh, Problem):
        if parent:
            raise Refused("A problem stands at the top of a plan.")
        return _as_plan(_inserted(plan, fresh, at)), fresh.id
    return _edit(plan, parent, lambda above: (_as_node(_inserted(_fitting(above, fresh), fresh, at)),)), fresh.id


def _fitting(above: Node, node: Node) -> Node:
    wanted = _PARENTS[type(node)]
    if not isinstance(above, wanted):
        raise Refused(f"A {NAMES[type(node)]} belongs under a {NAMES[wanted]}.")
    if getattr(above, "closed_on", None) is not None:
        raise Refused(f"This {NAMES[wanted]} is closed.", "Add a new one instead.")
    return above


def _inserted(above: TreatmentPlan | Node, node: Node, at: int | None) -> TreatmentPlan | Node:
    siblings = children(above)
    place = len(siblings) if at is None else min(max(at, 0), len(siblings))
    return _with_children(above, (*siblings[:place], node, *siblings[place:]))


def _with_fresh_ids(plan: TreatmentPlan, node: Node) -> tuple[TreatmentPlan, Node]:
    plan, identifier = _new_id(plan, type(node))
    below: list[Node] = []
    for child in children(node):
        plan, fresh = _with_fresh_ids(plan, child)
        below.append(fresh)
    cleared = {"also_for": ()} if isinstance(node, Intervention) else {}
    renewed: Node = msgspec.structs.replace(node, id=identifier, **cleared)
    return plan, _as_node(_with_children(renewed, tuple(below)))


def change(plan: TreatmentPlan, identifier: str, **fields: object) -> TreatmentPlan:
    """The plan with fields of a node changed. Ids and children are not fields. Raises `Refused`."""
    fixed = {"id", "goals", "objectives", "interventions"}

    def changed(node: Node) -> tuple[Node, ...]:
        unknown = [name for name in fields if name in fixed or name not in node.__struct_fields__]
        if unknown:
            raise Refused(f"A {NAMES[type(node)]} has no field {unknown[0]!r} to change.")
        return (msgspec.structs.replace(node, **fields),)

    return _edit(plan, identifier, changed)


def move(plan: TreatmentPlan, identifier: str, by: int) -> TreatmentPlan:
    """The plan with a node moved up (negative) or down among its siblings, at most to the end."""
    placed = find(plan, identifier)
    above: TreatmentPlan | Node = find(plan, placed.path[-1]).node if placed.path else plan
    siblings = [child for child in children(above) if child.id != identifier]
    here = [child.id for child in children(above)].index(identifier)
    place = min(max(here + by, 0), len(siblings))
    siblings.insert(place, placed.node)
    if isinstance(above, TreatmentPlan):
        return _as_plan(_with_children(above, tuple(siblings)))
    return _edit(plan, above.id, lambda node: (_as_node(_with_children(node, tuple(siblings))),))


def move_under(plan: TreatmentPlan, identifier: str, parent: str, at: int | None = None) -> TreatmentPlan:
    """The plan with a node and all below it put under another parent; ids stay. Raises `Refused`."""
    node = find(plan, identifier).node
    if isinstance(node, Problem):
        raise Refused("A problem stands at the top of a plan.", "Move its goals instead.")
    _fitting(find(plan, parent).node, node)
    without = _edit(plan, identifier, lambda _: ())
    return _edit(without, parent, lambda above: (_as_node(_inserted(above, node, at)),))


def split(plan: TreatmentPlan, identifier: str, first: str, second: str) -> tuple[TreatmentPlan, str]:
    """One open objective made two: it keeps its id with `first`, a new one beside it says `second`; the new id.

    Baseline, measure, target, date and interventions are shared as a start: interventions stay with the first and
    serve both, so that nothing is counted twice. Raises `Refused` for anything but an open objective.
    """
    placed = find(plan, identifier)
    node = placed.node
    if not isinstance(node, Objective) or not node.is_open:
        raise Refused("Only an open objective can be split.")
    if not first.strip() or not second.strip():
        raise Refused("Both halves of a split objective need words.")
    plan, new_id = _new_id(plan, Objective)
    serving = tuple(
        msgspec.structs.replace(item, also_for=(*item.also_for, new_id)) for item in node.interventions
    )
    halves = (
        msgspec.structs.replace(node, text=first, interventions=serving),
        msgspec.structs.replace(node, id=new_id, text=second, status="new", interventions=()),
    )
    return _edit(plan, identifier, lambda _: halves), new_id


def remove(plan: TreatmentPlan, identifier: str, signed: frozenset[str] = frozenset()) -> TreatmentPlan:
    """The plan without a node that was never signed. Raises `Refused` for anything in `signed` at or below it."""
    placed = find(plan, identifier)
    below = {identifier} | {other.node.id for other in walk(plan) if identifier in other.path}
    if below & signed:
        raise Refused(
            f"This {NAMES[type(placed.node)]} was part of a signed plan.", "Close it with an outcome instead."
        )
    return _without_links(_edit(plan, identifier, lambda _: ()), below)


def _without_links(plan: TreatmentPlan, gone: set[str]) -> TreatmentPlan:
    for placed in walk(plan):
        node = placed.node
        if isinstance(node, Intervention) and gone & set(node.also_for):
            kept = tuple(item for item in node.also_for if item not in gone)
            plan = change(plan, node.id, also_for=kept)
    return plan


# -- closing -------------------------------------------------------------------------------


def close(plan: TreatmentPlan, identifier: str, *, on: date, outcome: str, status: str = "met") -> TreatmentPlan:
    """The plan with an objective, goal or problem closed. Raises `Refused` without an outcome or over open parts.

    `status` is the objective's final one; goals and problems have none of their own.
    """
    node = find(plan, identifier).node
    if isinstance(node, Intervention):
        raise Refused("An intervention ends with its objective.", "Change or remove it instead.")
    if node.closed_on is not None:
        raise Refused(f"This {NAMES[type(node)]} is closed already.")
    if not outcome.strip():
        raise Refused("Closing needs an outcome in words.")
    if isinstance(node, Objective):
        if status not in (*ENDED, "partly"):
            raise Refused(f"An objective is not closed as {status!r}.", f"One of: {', '.join((*ENDED, 'partly'))}.")
        return change(plan, identifier, status=status, closed_on=on, outcome=outcome)
    if open_below(plan, identifier):
        raise Refused(f"This {NAMES[type(node)]} has open objectives.", "Close each with an outcome first.")
    return change(plan, identifier, closed_on=on, outcome=outcome)


def reopen(plan: TreatmentPlan, identifier: str, ended: frozenset[str] = frozenset()) -> TreatmentPlan:
    """The plan with something open again that was closed by mistake. Raises `Refused` for what is in `ended` (closed
    in a signed plan), for what is open, and below something closed.
    """
    placed = find(plan, identifier)
    node = placed.node
    name = NAMES[type(node)]
    if isinstance(node, Intervention) or node.closed_on is None:
        raise Refused(f"This {name} is open.")
    if identifier in ended:
        raise Refused(f"This {name} was closed in a signed plan.", "Add a new one, or amend that plan.")
    if any(getattr(find(plan, above).node, "closed_on", None) is not None for above in placed.path):
        raise Refused(f"This {name} stands below something closed.", "Open that first.")
    status = {"status": "active"} if isinstance(node, Objective) else {}
    return change(plan, identifier, closed_on=None, outcome="", **status)


def open_below(plan: TreatmentPlan, identifier: str = "") -> list[str]:
    """Numbers of the open objectives at or below a node, or of the whole plan."""
    return [
        placed.number
        for placed in walk(plan)
        if isinstance(placed.node, Objective)
        and placed.node.is_open
        and (not identifier or identifier == placed.node.id or identifier in placed.path)
    ]


def close_plan(plan: TreatmentPlan, on: date) -> TreatmentPlan:
    """The plan closed. Raises `Refused` naming the objectives that are still open."""
    still = open_below(plan)
    if still:
        raise Refused(f"Objectives are still open: {', '.join(still)}.", "Give each a final status first.")
    return msgspec.structs.replace(plan, closed_on=on)


# -- planned time --------------------------------------------------------------------------

_WEEKS = {"week": 1.0, "2 weeks": 2.0, "month": 52 / 12}


def weekly_minutes(item: Intervention) -> float:
    """Planned minutes a week of an intervention; 0 while amount or frequency is missing."""
    if item.minutes is None or item.times is None:
        return 0.0
    return item.minutes * item.times / _WEEKS.get(item.per, 1.0)


def planned_minutes(plan: TreatmentPlan) -> int:
    """Planned minutes a week of everything that serves an open objective, each intervention once."""
    opened = {node.id for _, node in objectives(plan) if node.is_open}
    total = sum(
        weekly_minutes(placed.node)
        for placed in walk(plan)
        if isinstance(placed.node, Intervention) and (placed.path[-1] in opened or opened & set(placed.node.also_for))
    )
    return round(total)
