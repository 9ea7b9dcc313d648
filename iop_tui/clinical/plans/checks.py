"""What must be right before a plan is signed, and what deserves a second look. Pure; the limits of states and payers
arrive as facts from the rule packs, each with its source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, TypeAlias, TypeVar

from iop_tui.clinical.plans import tree
from iop_tui.clinical.plans.treatment import (
    DIMENSIONS,
    ENDED,
    INTENSIVE,
    LEVELS,
    REVIEW_DAYS,
    Goal,
    Intervention,
    Objective,
    Problem,
    TreatmentPlan,
)
from iop_tui.kernel.declare import Finding, RuleContext, Severity

T = TypeVar("T")
ADULT_BAND = (9.0, 19.0, "42 CFR 410.44")
MINOR_BAND = (6.0, 19.0, "program rule: under 18 at least 6 hours")
NEAR = 0.9
"""Planned time below this share of the prescribed hours is worth a second look."""
_SUBSTANCE = re.compile(r"^F1[0-689]", re.IGNORECASE)
_REFUSE, _WARN, _REMIND = Severity.REFUSE, Severity.WARN, Severity.REMIND
_Findings: TypeAlias = Iterator[Finding]


def _fact(context: RuleContext, name: str, default: T) -> T:
    value: Any = context.facts.get(name, default)
    return value  # type: ignore[no-any-return]  # facts are written by plans.service with the types named here


def rules(plan: TreatmentPlan, context: RuleContext) -> tuple[Finding, ...]:
    """Everything about a plan, dates first, then the tree from top to bottom."""
    parts = (
        _dates, _lateness, _diagnoses, _dimensions, _hours, _tree, _planned_time, _certification, _client, _carried,
        _ending,
    )  # fmt: skip
    return tuple(finding for part in parts for finding in part(plan, context))


def _dates(plan: TreatmentPlan, context: RuleContext) -> _Findings:
    if plan.planned and plan.planned > context.today:
        yield Finding(_REFUSE, "future", "The plan date lies in the future.", "planned")
    if plan.admitted and plan.planned and plan.planned < plan.admitted:
        yield Finding(_REFUSE, "before_admission", "The plan is dated before the admission.", "planned")
    if plan.effective and plan.target_end and plan.target_end <= plan.effective:
        yield Finding(_REFUSE, "dates_reversed", "The expected end lies before the start.", "target_end")
    if plan.admitted and plan.effective and plan.effective < plan.admitted:
        yield Finding(_REFUSE, "before_admission", "The plan takes effect before the admission.", "effective")
    days, source = _fact(context, "review_days", REVIEW_DAYS)
    if plan.planned and plan.next_review:
        if plan.next_review <= plan.planned:
            yield Finding(_REFUSE, "review_past", "The next review must come after the plan date.", "next_review")
        elif (plan.next_review - plan.planned).days > days:
            message = f"The next review must come within {days} days of the plan date."
            yield Finding(_REFUSE, "review_late", message, "next_review", source)


def _lateness(plan: TreatmentPlan, context: RuleContext) -> _Findings:
    due: date | None = _fact(context, "plan_due", None)
    if due is not None and plan.number == 1 and plan.planned and plan.planned > due and not plan.late_reason.strip():
        message = f"The plan was due on {due.isoformat()}: say why it is late."
        yield Finding(_REFUSE, "late", message, "late_reason", _fact(context, "plan_due_source", ""))


def _diagnoses(plan: TreatmentPlan, context: RuleContext) -> _Findings:
    del context
    if plan.diagnoses and sum(item.primary for item in plan.diagnoses) != 1:
        yield Finding(_REFUSE, "primary", "Exactly one diagnosis is the primary one.", "diagnoses", "42 CFR 424.24(d)")
    for item in plan.diagnoses:
        if not item.code or not item.text or not item.diagnosed_by:
            message = "A diagnosis needs its code, its name and who made it."
            yield Finding(_REFUSE, "diagnosis", message, "diagnoses", "42 CFR 424.24(d)")
    if not plan.part2 and any(is_substance_use(item.code) for item in plan.diagnoses):
        message = "A substance use diagnosis: the plan is protected by Part 2 and must say so."
        yield Finding(_REFUSE, "part2", message, "part2", "42 CFR 2.12")


def is_substance_use(code: str) -> bool:
    """Whether an ICD-10-CM code makes a plan a substance use record: F10 to F19 without F17 (nicotine)."""
    return _SUBSTANCE.match(code) is not None


def _dimensions(plan: TreatmentPlan, context: RuleContext) -> _Findings:
    del context
    expected = DIMENSIONS.get(plan.edition, ())
    rated = [item.dimension for item in plan.dimensions if item.rating]
    if len(set(rated)) != len(rated):
        yield Finding(_REFUSE, "dimension_twice", "A dimension is rated twice.", "dimensions")
    missing = [name for name in expected if name not in rated]
    if missing:
        message = f"Dimensions without a rating: {', '.join(name[0] for name in missing)}."
        yield Finding(_REFUSE, "dimensions", message, "dimensions", plan.edition)
    if any(name not in expected for name in rated):
        message = "A rated dimension is not one of the chosen edition."
        yield Finding(_REFUSE, "edition", message, "dimensions", plan.edition)
    if plan.level and plan.edition and plan.level not in LEVELS[plan.edition]:
        yield Finding(_REFUSE, "level", "This level is not one of the chosen edition.", "level", plan.edition)


def band(context: RuleContext) -> tuple[float, float, str]:
    """(lowest, highest hours a week, source) of an intensive outpatient level for the person's age."""
    age: int | None = _fact(context, "age", None)
    return _fact(context, "hours_band", MINOR_BAND if age is not None and age < 18 else ADULT_BAND)


def _hours(plan: TreatmentPlan, context: RuleContext) -> _Findings:
    if plan.hours is None or plan.level not in INTENSIVE or plan.transition:
        return
    low, high, source = band(context)
    if not low <= plan.hours <= high and not plan.hours_reason.strip():
        message = f"{plan.hours:g} hours a week lie outside {low:g} to {high:g}: give the reason or mark a transition."
        yield Finding(_REFUSE, "hours", message, "hours_reason", source)


# -- the tree ------------------------------------------------------------------------------


def _tree(plan: TreatmentPlan, context: RuleContext) -> _Findings:
    ids = [item.node.id for item in tree.walk(plan)]
    known = set(ids)
    if "" in known or len(known) < len(ids):
        message = "A part of the plan has no id, or one twice: add it in the plan's editor."
        yield Finding(_REFUSE, "ids", message, "problems")
        return
    for placed in tree.walk(plan):
        node = placed.node
        if not isinstance(node, Intervention):
            yield from _closing(node, placed.number, plan, context)
        if isinstance(node, Problem | Goal):
            yield from _branch(node, placed.number)
        elif isinstance(node, Objective):
            yield from _objective(node, placed.number, context)
        elif isinstance(node, Intervention):
            yield from _intervention(node, placed.number, known)


def _closing(node: Problem | Goal | Objective, number: str, plan: TreatmentPlan, context: RuleContext) -> _Findings:
    """Days that cannot be: closed tomorrow, to be reached before the plan begins."""
    name = tree.NAMES[type(node)].capitalize()
    if node.closed_on is not None and node.closed_on > context.today:
        yield _at(node, _REFUSE, "closed_future", f"{name} {number} is closed on a day that has not come.")
    if node.closed_on is not None and not node.outcome.strip():
        yield _at(node, _REFUSE, "outcome", f"{name} {number} is closed without an outcome.")
    if not isinstance(node, Objective) or node.target_date is None or plan.effective is None:
        return
    if node.status == "new" and node.target_date < plan.effective:
        yield _at(node, _REFUSE, "target_before", f"{name} {number} was to be reached before the plan takes effect.")


def _branch(node: Problem | Goal, number: str) -> _Findings:
    name, below = ("problem", "goal") if isinstance(node, Problem) else ("goal", "objective")
    if not node.text.strip():
        yield _at(node, _REFUSE, f"{name}_text", f"{name.capitalize()} {number} has no words.")
    if not tree.children(node):
        yield _at(node, _REFUSE, f"{name}_empty", f"{name.capitalize()} {number} has no {below}.")


_NEEDED = (
    ("text", "words"), ("baseline", "a baseline"), ("measure", "a measure"), ("target", "a target"),
    ("target_date", "a target date"), ("status", "a status"),
)  # fmt: skip


def missing_parts(objective: Objective) -> list[str]:
    """What an objective still lacks, in words: `["a baseline", "a target date"]`."""
    return [words for name, words in _NEEDED if not getattr(objective, name)]


def _objective(node: Objective, number: str, context: RuleContext) -> _Findings:
    lacking = missing_parts(node)
    if lacking:
        message = f"Objective {number} needs {', '.join(lacking)}."
        yield _at(node, _REFUSE, "objective", message, "26 TAC 564.804(b)(2)")
    if node.is_open and node.status in ENDED:
        yield _at(node, _REFUSE, "open_status", f"Objective {number} is {node.status} but not closed.")
    if not node.is_open and node.status in ("new", "active"):
        yield _at(node, _REFUSE, "closed_status", f"Objective {number} is closed but still {node.status}.")
    if node.is_open and node.target_date and node.target_date < context.today:
        message = f"Objective {number} was to be reached by {node.target_date.isoformat()}."
        yield _at(node, _WARN, "target_past", message)
    if node.is_open and not node.interventions:
        yield _at(node, _REMIND, "no_intervention", f"Objective {number} has no intervention of its own.")


def _intervention(node: Intervention, number: str, known: set[str]) -> _Findings:
    given = {"a modality": node.modality, "a type": node.type, "minutes": node.minutes, "a frequency": node.times,
             "a duration": node.weeks, "a responsible person": node.responsible}  # fmt: skip
    lacking = [name for name, value in given.items() if not value]
    if lacking:
        message = f"Intervention {number} needs {', '.join(lacking)}."
        yield _at(node, _REFUSE, "intervention", message, "42 CFR 424.24(d)")
    if set(node.also_for) - known:
        yield _at(node, _REFUSE, "unknown_objective", f"Intervention {number} serves an objective that is gone.")


def _at(node: tree.Node, severity: Severity, code: str, message: str, source: str = "") -> Finding:
    return Finding(severity, code, message, "problems", source, node.id)


def _planned_time(plan: TreatmentPlan, context: RuleContext) -> _Findings:
    del context
    if not plan.hours or not plan.problems:
        return
    planned, prescribed = tree.planned_minutes(plan), plan.hours * 60
    if planned < prescribed * NEAR:
        message = f"Planned are {planned} minutes a week, prescribed {prescribed:g}."
        yield Finding(_WARN, "planned_less", message, "hours", "42 CFR 410.44")
    elif planned > prescribed:
        message = f"Planned are {planned} minutes a week, more than the {prescribed:g} prescribed."
        yield Finding(_REMIND, "planned_more", message, "hours")


# -- who agrees ----------------------------------------------------------------------------


def _certification(plan: TreatmentPlan, context: RuleContext) -> _Findings:
    if not _fact(context, "medicare", False):
        return
    given, source = plan.certification, "42 CFR 424.24(d)"
    if given is None or not given.physician or given.certified_on is None or not given.needs_nine_hours:
        message = "This payer wants a physician to certify the need for at least 9 hours a week."
        yield Finding(_REFUSE, "certification", message, "certification", source)
    elif given.renew_by is None or (given.renew_by - given.certified_on).days > 60:
        message = "The certification is renewed at least every 60 days."
        yield Finding(_REFUSE, "recertification", message, "certification", source)


def _client(plan: TreatmentPlan, context: RuleContext) -> _Findings:
    del context
    if plan.agreement == "refuses" and not plan.refusal.strip():
        yield Finding(_REFUSE, "refusal", "The client refuses: document the reason.", "refusal", "42 CFR 424.24(d)")
    if plan.copy_offered is False:
        yield Finding(_WARN, "copy", "The client was not offered a copy.", "copy_offered", "45 CFR 164.524")


def _carried(plan: TreatmentPlan, context: RuleContext) -> _Findings:
    if plan.number > 1 and (plan.review is None or plan.review.on is None):
        yield Finding(_REFUSE, "review", "A later revision comes from a review.", "review")
    elif plan.review is not None and not plan.review.summary.strip():
        yield Finding(_REFUSE, "review_summary", "The review needs a summary.", "review")
    if plan.review is not None and plan.review.on is not None and plan.review.on > context.today:
        yield Finding(_REFUSE, "future", "The review lies in the future.", "review")


def _ending(plan: TreatmentPlan, context: RuleContext) -> _Findings:
    if plan.closed_on is not None and plan.closed_on > context.today:
        yield Finding(_REFUSE, "future", "The plan is closed on a day that has not come.", "closed_on")
    still = tree.open_below(plan)
    if plan.closed_on is not None and still:
        message = f"The plan is closed, but objectives are open: {', '.join(still)}."
        yield Finding(_REFUSE, "closed_with_open", message, "closed_on")
