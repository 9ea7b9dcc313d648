"""A plan as people read it: the head as labels and words, the tree numbered and indented. Pure."""

from __future__ import annotations

from iop_tui.clinical.plans import outline, tree
from iop_tui.clinical.plans.documents import TREATMENT_PLAN
from iop_tui.clinical.plans.sheets import sections
from iop_tui.clinical.plans.treatment import Goal, Objective, Problem, TreatmentPlan
from iop_tui.kernel.declare import show_value

Triple = tuple[str, str, str]
"""(label, text, tone), as the reading page takes them."""
HEADING = "heading"
_STEP = "   "


_FIRST = ("diagnoses", "edition", "level", "hours", "next_review")
"""What stands above the tree, in fewer words."""


def lines(plan: TreatmentPlan) -> list[Triple]:
    """The whole plan: what it treats at which level, the tree, then everything around it."""
    sums = outline.sums(plan, ())
    time = f"{sums.time().removeprefix('Planned ')} {sums.meter()}".strip()
    found: list[Triple] = [
        ("Diagnoses", show_value(plan.diagnoses), "text"),
        ("Level of care", outline.level_of(plan), "text"),
        ("Planned time", time, "warn" if sums.tone == "bar_warn" else "text"),
        ("Next review", show_value(plan.next_review), "text"),
    ]
    for placed in tree.walk(plan):
        if isinstance(placed.node, Problem):
            found.append(("", f"{placed.number}  {placed.node.text}{_ended(placed.node)}", HEADING))
        elif isinstance(placed.node, Goal):
            found.append(("", goal_text(placed.number, placed.node), "text"))
    if plan.review is not None:
        found += [("", "The review this revision comes from", HEADING), *_review(plan)]
    return [*found, ("", "Around it", HEADING), *_head(plan)]


def _head(plan: TreatmentPlan) -> list[Triple]:
    infos = {info.name: info for info in TREATMENT_PLAN.fields()}
    names = [name for section in sections(plan) for name in section.fields if name not in (*_FIRST, "review")]
    return [(infos[name].label, show_value(getattr(plan, name)), "text") for name in names]


def goal_text(number: str, goal: Goal) -> str:
    """A goal with everything below it, indented, one thing a line."""
    found = [f'{number}  "{goal.text}"{_ended(goal)}']
    for place, objective in enumerate(goal.objectives, 1):
        found += [f"{_STEP}{line}" for line in _objective(f"{number}.{place}", objective)]
    return "\n".join(found)


def _ended(node: Problem | Goal) -> str:
    return f" (closed {node.closed_on.isoformat()}: {node.outcome})" if node.closed_on else ""


def _objective(number: str, item: Objective) -> list[str]:
    ended = f", closed {item.closed_on.isoformat()}" if item.closed_on else ""
    by = f" by {item.target_date.isoformat()}" if item.target_date else ""
    found = [f"{number}  {item.text} ({item.status}{ended})"]
    if item.baseline or item.target or item.measure:
        found.append(f"{_STEP}from {item.baseline} to {item.target}{by}, measured by {item.measure}")
    found += [f"{_STEP}Outcome: {item.outcome}"] if item.outcome else []
    return found + [f"{_STEP}- {each.shown()}" for each in item.interventions]


def _review(plan: TreatmentPlan) -> list[Triple]:
    given = plan.review
    if given is None:
        return []
    return [
        ("Reviewed on", show_value(given.on), "text"), ("Reason", given.reason, "text"),
        ("Summary", given.summary, "text"), ("Why this level", given.level_rationale, "text"),
        ("Objectives", show_value(given.dispositions), "text"),
    ]  # fmt: skip
