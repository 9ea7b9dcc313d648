"""The rows of a plan as the editor lists them: its head, then the tree, one line each, with marks. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from iop_tui.clinical.plans import tree
from iop_tui.clinical.plans.sheets import OF_FIELD, PROBLEMS, sections
from iop_tui.clinical.plans.treatment import (
    DIMENSIONS,
    Disposition,
    Goal,
    Intervention,
    Objective,
    Problem,
    TreatmentPlan,
)
from iop_tui.kernel.declare import Finding, Severity

LABEL = 14
MISSING, LOOK = "!", "?"
"""What stands before a row that keeps the plan from being signed, and before one that deserves a second look."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line: `mark` before it, `label` in a column of its own (or the number), the words, what stands at the end.

    `gap` rows separate; the cursor passes over them.
    """

    key: str
    label: str
    text: str
    depth: int = 0
    tail: str = ""
    mark: str = ""
    tone: str = "text"
    tail_tone: str = "dim"
    parent: str = ""
    children: bool = False
    folded: bool = False
    gap: bool = False
    label_width: int = 0


def marks(findings: Iterable[Finding]) -> dict[str, str]:
    """Row key → the gravest mark of what was found about it."""
    found: dict[str, str] = {}
    for item in findings:
        key = row_of(item)
        if item.severity is Severity.REFUSE:
            found[key] = MISSING
        elif item.severity is Severity.WARN:
            found.setdefault(key, LOOK)
    return found


def row_of(finding: Finding) -> str:
    """The row a finding is about."""
    return finding.place or OF_FIELD.get(finding.field, PROBLEMS)


def rows(
    plan: TreatmentPlan, given: Mapping[str, str] = {}, folded: Collection[str] = frozenset()
) -> list[Row]:
    """The whole outline; what stands below a folded row is left out, its marks are carried by the row."""
    found = [_section_row(plan, key, name, given) for key, name in ((item.key, item.name) for item in sections(plan))]
    found.append(Row("=gap", "", "", gap=True))
    count, opened = len(plan.problems), len(tree.open_below(plan))
    words = f"{count} problem{'s' * (count != 1)}, {opened} open objective{'s' * (opened != 1)}"
    found.append(Row(PROBLEMS, "Problems", words if count else "none yet: a adds the first",
                     mark=given.get(PROBLEMS, ""), tone="dim", label_width=LABEL))  # fmt: skip
    return found + tree_rows(plan, given, folded)


def tree_rows(plan: TreatmentPlan, given: Mapping[str, str], folded: Collection[str]) -> list[Row]:
    """The tree alone."""
    found: list[Row] = []
    hidden: str = ""
    for placed in tree.walk(plan):
        if hidden and hidden in placed.path:
            continue
        is_folded = placed.node.id in folded and bool(tree.children(placed.node))
        hidden = placed.node.id if is_folded else ""
        mark = _carried(plan, placed, given) if is_folded else given.get(placed.node.id, "")
        found.append(_node_row(placed, mark, is_folded))
    return found


def _carried(plan: TreatmentPlan, placed: tree.Placed, given: Mapping[str, str]) -> str:
    key = placed.node.id
    below = {given[item.node.id] for item in tree.walk(plan)
             if item.node.id in given and (item.node.id == key or key in item.path)}  # fmt: skip
    return MISSING if MISSING in below else LOOK if below else ""


# -- the head ------------------------------------------------------------------------------


def _section_row(plan: TreatmentPlan, key: str, name: str, given: Mapping[str, str]) -> Row:
    return Row(key, name, _SAID[key](plan), mark=given.get(key, ""), label_width=LABEL)


def _dates(plan: TreatmentPlan) -> str:
    parts = (("admitted", plan.admitted), ("plan", plan.planned), ("review by", plan.next_review),
             ("end", plan.target_end))  # fmt: skip
    return ", ".join(f"{word} {day.isoformat()}" for word, day in parts if day)


def level_of(plan: TreatmentPlan) -> str:
    """`2.1 (ASAM 4th edition), 9 h a week`."""
    hours = f"{plan.hours:g} h a week" if plan.hours is not None else ""
    transition = "transition week" if plan.transition else ""
    level = f"{plan.level} ({plan.edition})" if plan.level and plan.edition else plan.level or plan.edition
    return ", ".join(part for part in (level, hours, transition) if part)


def _dimensions(plan: TreatmentPlan) -> str:
    rated = {item.dimension: item.rating for item in plan.dimensions if item.rating}
    return "  ".join(f"{name[0]}:{rated.get(name, '-')}" for name in DIMENSIONS.get(plan.edition, ()))


def _listed(*named: tuple[str, Collection[str]]) -> str:
    return ", ".join(f"{name}: {'; '.join(items)}" for name, items in named if items)


def _person(plan: TreatmentPlan) -> str:
    return _listed(("strengths", plan.strengths), ("prefers", plan.preferences), ("needs", plan.needs),
                   ("abilities", plan.abilities), ("barriers", plan.barriers))  # fmt: skip


def _around(plan: TreatmentPlan) -> str:
    listed = _listed(("ends when", plan.discharge_criteria), ("referrals", plan.referrals))
    links = ", ".join(name for name, text in (("safety plan", plan.safety_plan), ("relapse plan", plan.relapse_plan),
                                              ("medications", plan.medications)) if text)  # fmt: skip
    return ", ".join(part for part in (listed, plan.family, links) if part)


def _physician(plan: TreatmentPlan) -> str:
    given = plan.certification
    if given is None:
        return "no certification"
    day = f" on {given.certified_on.isoformat()}" if given.certified_on else ""
    return f"{given.physician or 'no name'} certifies{day}"


def _client(plan: TreatmentPlan) -> str:
    copy = {True: "copy offered", False: "no copy offered", None: ""}[plan.copy_offered]
    refusal = f": {plan.refusal}" if plan.agreement == "refuses" and plan.refusal else ""
    return ", ".join(part for part in (plan.agreement + refusal, copy, plan.participation) if part)


def _review(plan: TreatmentPlan) -> str:
    given = plan.review
    if given is None:
        return ""
    day = given.on.isoformat() if given.on else "no date"
    return f"{day}, {given.reason}: {given.summary or 'no summary yet'}"


_SAID: dict[str, Callable[[TreatmentPlan], str]] = {
    "=dates": _dates,
    "=diagnoses": lambda plan: "; ".join(item.shown() for item in plan.diagnoses)
    + ((" · Part 2" if plan.diagnoses else "none yet, Part 2") if plan.part2 else ""),
    "=level": level_of,
    "=dimensions": _dimensions,
    "=person": _person,
    "=around": _around,
    "=physician": _physician,
    "=client": _client,
    "=review": _review,
    "=end": lambda plan: f"plan closed on {plan.closed_on.isoformat()}" if plan.closed_on else "goes on",
}

# -- the tree ------------------------------------------------------------------------------


def _node_row(placed: tree.Placed, mark: str, is_folded: bool) -> Row:
    node = placed.node
    parent = placed.path[-1] if placed.path else PROBLEMS
    is_closed = getattr(node, "closed_on", None) is not None
    text, tail = _words(node), _tail(node)
    tone = "dim" if is_closed else "strong" if isinstance(node, Problem) else "text"
    return Row(node.id, placed.number, text or "(no words yet)", len(placed.path), tail, mark,
               tone if text else "dim", parent=parent, children=bool(tree.children(node)),
               folded=is_folded)  # fmt: skip


def _words(node: tree.Node) -> str:
    if isinstance(node, Intervention):
        kind = ", ".join(part for part in (node.modality, node.type) if part)
        return ": ".join(part for part in (kind, node.text) if part)
    return f'"{node.text}"' if isinstance(node, Goal) and node.text else node.text


def _tail(node: tree.Node) -> str:
    if isinstance(node, Objective):
        if node.closed_on is not None:
            return f"{node.status} {node.closed_on.isoformat()}"
        return f"{node.status} by {node.target_date.isoformat()}" if node.target_date else node.status
    if isinstance(node, Intervention):
        often = f"in {node.per}" if node.per[:1].isdigit() else f"a {node.per}"
        return f"{node.times or '?'} x {node.minutes or '?'} min {often}"
    return f"closed {node.closed_on.isoformat()}" if node.closed_on else ""


def details(plan: TreatmentPlan, key: str) -> list[tuple[str, str]]:
    """(label, words) that the line itself has no room for."""
    if key.startswith("="):
        return [("", _SAID[key](plan))] if key in _SAID else []
    node = tree.find(plan, key).node
    if isinstance(node, Objective):
        by = f" by {node.target_date.isoformat()}" if node.target_date else ""
        aim = f"{node.baseline or '?'} -> {node.target or '?'}{by}; {node.measure or 'no measure yet'}"
        return [("", node.text), ("From, to", aim), *([("Outcome", node.outcome)] if node.outcome else [])]
    if isinstance(node, Intervention):
        return [("", node.shown())]
    return [("", _words(node)), *([("Outcome", node.outcome)] if node.outcome else [])]


# -- the sums ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sums:
    """Planned against prescribed time, and what was found."""

    planned: int
    prescribed: int | None
    missing: int
    look: int

    @property
    def tone(self) -> str:
        """`bar`, or `bar_warn` where planned time is below 90 % of the prescribed or above it."""
        if not self.prescribed:
            return "bar"
        return "bar" if 0.9 <= self.planned / self.prescribed <= 1 else "bar_warn"

    def time(self) -> str:
        """`Planned 405 of 540 min a week`."""
        of = f" of {self.prescribed:,}" if self.prescribed else ""
        return f"Planned {self.planned:,}{of} min a week"

    def meter(self, width: int = 10) -> str:
        """`[=======---]`; empty without prescribed hours."""
        if not self.prescribed:
            return ""
        full = min(round(self.planned / self.prescribed * width), width)
        return f"[{'=' * full}{'-' * (width - full)}]"


def sums(plan: TreatmentPlan, findings: Iterable[Finding]) -> Sums:
    """What stands above the outline."""
    counted = Counter(item.severity for item in findings)
    prescribed = round(plan.hours * 60) if plan.hours else None
    return Sums(tree.planned_minutes(plan), prescribed, counted[Severity.REFUSE], counted[Severity.WARN])


def decided(
    found: list[Row], decisions: Mapping[str, Disposition], owed: Collection[str], given: Mapping[str, str]
) -> list[Row]:
    """The rows of a review: what was decided stands at the end of each objective that is owed a decision."""
    shown = []
    for row in found:
        if row.key in owed:
            choice = decisions.get(row.key, Disposition()).decision
            row = replace(row, tail=f"-> {choice or '?'}", mark=given.get(row.key, ""),
                          tail_tone="accent" if choice else "danger")  # fmt: skip
        shown.append(row)
    return shown
