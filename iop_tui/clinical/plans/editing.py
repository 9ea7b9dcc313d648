"""One sitting at a plan: what keys do to the tree, with undo and redo. Headless; the screen shows what it holds.

Nothing here decides what a plan may be: `tree` refuses, `checks` judge. A row is named by its key, see `sheets`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import msgspec

from iop_tui.clinical.plans import sheets, tree
from iop_tui.clinical.plans.documents import PlanTemplate, apply_template
from iop_tui.clinical.plans.treatment import Goal, Intervention, Objective, Problem, TreatmentPlan
from iop_tui.kernel.errors import Refused

KEPT_STEPS = 500
_BELOW: dict[type, type] = {Problem: Goal, Goal: Objective, Objective: Intervention}
_HEAD = "Only what stands in the tree can be {}."


@dataclass(frozen=True, slots=True)
class Step:
    """A plan as it was before something was done to it: what was done, and the row the cursor stood on."""

    what: str
    plan: TreatmentPlan
    cursor: str
    touch: str = ""


@dataclass(slots=True)
class Sitting:
    """The plan in the editor. `signed` and `ended` are ids that signed plans hold, and that they closed.

    Every method that changes something returns the row to stand on afterwards and can be undone by one `undo`; typing
    in one field is one step. Refusals change nothing.
    """

    plan: TreatmentPlan
    signed: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()
    responsible: str = ""
    done: list[Step] = field(default_factory=list)
    undone: list[Step] = field(default_factory=list)

    # -- steps -----------------------------------------------------------------------------------

    def _do(self, what: str, plan: TreatmentPlan, before: str, touch: str = "") -> None:
        if plan == self.plan:
            return
        same = bool(touch and self.done and self.done[-1].touch == touch and not self.undone)
        if not same:
            self.done.append(Step(what, self.plan, before, touch))
            del self.done[:-KEPT_STEPS]
        self.undone.clear()
        self.plan = plan

    def undo(self, cursor: str = "") -> Step | None:
        """Take the last step back; what it was, or None."""
        return self._back(self.done, self.undone, cursor)

    def redo(self, cursor: str = "") -> Step | None:
        """Do again what was taken back last; what it was, or None."""
        return self._back(self.undone, self.done, cursor)

    def _back(self, source: list[Step], target: list[Step], cursor: str) -> Step | None:
        if not source:
            return None
        step = source.pop()
        target.append(Step(step.what, self.plan, cursor))
        self.plan = step.plan
        return step

    def _settle(self) -> None:
        """What is typed next in the same field is a step of its own."""
        if self.done and self.done[-1].touch:
            last = self.done[-1]
            self.done[-1] = Step(last.what, last.plan, last.cursor)

    # -- rows ------------------------------------------------------------------------------------

    def _node(self, key: str, doing: str) -> tree.Placed:
        if key.startswith("="):
            raise Refused(_HEAD.format(doing), "Go to a problem, goal, objective or intervention.")
        return tree.find(self.plan, key)

    def fill(self, key: str, values: Mapping[str, Any], name: str = "") -> None:
        """Put a sheet's values into the plan. Raises `DocumentInvalid` naming the field, `Refused`."""
        self._do("typing", sheets.put(self.plan, key, values), key, f"{key}/{name}" if name else "")

    def add_below(self, key: str) -> str:
        """A new part under the row: a problem under the head, a goal under a problem, and so on; beside an
        intervention. Its key.
        """
        if key.startswith("="):
            return self._add(Problem(), "", None, key)
        placed = tree.find(self.plan, key)
        if isinstance(placed.node, Intervention):
            return self.add_beside(key)
        return self._add(self._blank(_BELOW[type(placed.node)]), key, None, key)

    def add_beside(self, key: str) -> str:
        """A new part of the same kind right after the row. Its key."""
        placed = self._node(key, "added to")
        above = placed.path[-1] if placed.path else ""
        siblings = tree.children(tree.find(self.plan, above).node if above else self.plan)
        place = [child.id for child in siblings].index(key) + 1
        return self._add(self._blank(type(placed.node)), above, place, key)

    def _blank(self, kind: type) -> tree.Node:
        if kind is Intervention:
            return Intervention(responsible=self.responsible)
        made: tree.Node = kind()
        return made

    def _add(self, node: tree.Node, parent: str, at: int | None, before: str) -> str:
        plan, new = tree.add(self.plan, node, parent, at)
        self._do(f"adding a {tree.NAMES[type(node)]}", plan, before)
        return new

    def is_blank(self, key: str) -> bool:
        """Whether a part was added and nothing was written into it or below it."""
        if key.startswith("=") or key not in tree.numbers(self.plan):
            return False
        node = tree.find(self.plan, key).node
        return node == msgspec.structs.replace(self._blank(type(node)), id=node.id)

    def left(self, key: str) -> str:
        """A sheet was left. A part that was added without a word goes again, as if it had not been; one that was closed
        without an outcome is open again. The row to stand on.
        """
        self._settle()
        if self.is_blank(key):
            return self._taken_back("adding", key) or self.remove(key)
        if self.lacks_outcome(key):
            return self._taken_back("closing", key) or self.reopen(key)
        return key

    def _taken_back(self, what: str, key: str) -> str:
        """Forget the last step where it was that; the row it began on, else nothing."""
        if not self.done or not self.done[-1].what.startswith(what):
            return ""
        before = tree.numbers(self.done[-1].plan)
        if what == "adding" and key in before:
            return ""
        step = self.done.pop()
        self.plan = step.plan
        return step.cursor

    def lacks_outcome(self, key: str) -> bool:
        """Whether a part was closed in this sitting's plan and no outcome is written."""
        if key.startswith("=") or key in self.ended or key not in tree.numbers(self.plan):
            return False
        node = tree.find(self.plan, key).node
        return getattr(node, "closed_on", None) is not None and not getattr(node, "outcome", "").strip()

    # -- the tree --------------------------------------------------------------------------------

    def move(self, key: str, by: int) -> str:
        """Up (negative) or down among the siblings."""
        self._node(key, "moved")
        self._do("moving", tree.move(self.plan, key, by), key)
        return key

    def places(self, key: str) -> list[tuple[str, str]]:
        """(id, number and words) of every other open parent that the part could stand under."""
        placed = self._node(key, "moved")
        if isinstance(placed.node, Problem):
            raise Refused("A problem stands at the top of a plan.", "Move its goals instead.")
        wanted = next(above for above, below in _BELOW.items() if below is type(placed.node))
        return [
            (other.node.id, f"{other.number}  {other.node.text or '(no words yet)'}")
            for other in tree.walk(self.plan)
            if isinstance(other.node, wanted)
            and other.node.id != placed.path[-1]
            and getattr(other.node, "closed_on", None) is None
        ]

    def move_under(self, key: str, parent: str) -> str:
        """Under another parent, at its end."""
        self._do("moving", tree.move_under(self.plan, key, parent), key)
        return key

    def split(self, key: str) -> str:
        """One open objective made two, both with its words, to be told apart by hand; the new one's key."""
        node = self._node(key, "split").node
        plan, new = tree.split(self.plan, key, node.text, node.text)
        self._do("splitting", plan, key)
        return new

    def close(self, key: str, on: date) -> str:
        """An objective, goal or problem ends; its outcome is still to be written, see `left`. Raises `Refused`."""
        node = self._node(key, "closed").node
        tree.close(self.plan, key, on=on, outcome="to be written")
        status = {"status": "met"} if isinstance(node, Objective) else {}
        self._do("closing", tree.change(self.plan, key, closed_on=on, **status), key, f"{key}/outcome")
        return key

    def reopen(self, key: str) -> str:
        """What was closed by mistake and not signed yet goes on."""
        self._do("opening again", tree.reopen(self.plan, key, self.ended), key)
        return key

    def close_plan(self, on: date) -> None:
        """The whole plan ends. Raises `Refused` naming the objectives that are still open."""
        self._do("closing the plan", tree.close_plan(self.plan, on), "=end")

    def remove(self, key: str) -> str:
        """A part that was never signed goes, with everything below it. The row to stand on."""
        placed = self._node(key, "removed")
        above = placed.path[-1] if placed.path else ""
        siblings = [child.id for child in tree.children(tree.find(self.plan, above).node if above else self.plan)]
        here = siblings.index(key)
        self._do(f"removing a {tree.NAMES[type(placed.node)]}", tree.remove(self.plan, key, self.signed), key)
        rest = [other for other in siblings if other != key]
        return rest[min(here, len(rest) - 1)] if rest else above or sheets.PROBLEMS

    def apply(self, template: PlanTemplate) -> str:
        """A template's problems at the end; the first of them, to stand on."""
        before = len(self.plan.problems)
        self._do(f"template {template.name}", apply_template(self.plan, template), sheets.PROBLEMS)
        return self.plan.problems[before].id if len(self.plan.problems) > before else sheets.PROBLEMS
