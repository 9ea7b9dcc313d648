"""The program's own treatment plan: problem → goal → objective → intervention, and what stands around the tree.

Frozen values only: the tree is changed by `tree`, judged by `checks`, carried forward by `review`.
Sources: 42 CFR 410.44 and 424.24 (intensive outpatient content and certification), state rules as named in the
rule packs. ASAM dimensions and levels are named, nothing of the criteria is repeated.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeAlias

import msgspec

from iop_tui.kernel.declare import Document, F, Widget

_Minutes: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1440)]
_Times: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=100)]
_Weeks: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=104)]
_Hours: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=60)]
STATUSES = ("new", "active", "met", "partly", "deferred", "revised", "discontinued")
ENDED = ("met", "deferred", "revised", "discontinued")
"""Statuses that only a closed objective can have; `partly` may go on or be the outcome."""
MODALITIES = (
    "CBT", "DBT", "MI", "trauma-informed", "CRA", "12-step", "family", "psychoeducation", "mindfulness", "MAT", "other",
)  # fmt: skip
SERVICE_TYPES = ("individual", "group", "family", "case management", "medical")
PERIODS = ("week", "2 weeks", "month")
EDITIONS = ("ASAM 4th edition", "ASAM 3rd edition", "not used")
DIMENSIONS: dict[str, tuple[str, ...]] = {
    "ASAM 4th edition": (
        "1 Intoxication, withdrawal and addiction medications", "2 Biomedical conditions",
        "3 Psychiatric and cognitive conditions", "4 Substance use-related risks",
        "5 Recovery environment interactions", "6 Person-centered considerations",
    ),
    "ASAM 3rd edition": (
        "1 Acute intoxication and/or withdrawal potential", "2 Biomedical conditions and complications",
        "3 Emotional, behavioral or cognitive conditions and complications", "4 Readiness to change",
        "5 Relapse, continued use or continued problem potential", "6 Recovery/living environment",
    ),
    "not used": (),
}  # fmt: skip
_ALL_DIMENSIONS = tuple(name for names in DIMENSIONS.values() for name in names)
LEVELS: dict[str, tuple[str, ...]] = {
    "ASAM 4th edition": ("1.0", "1.5", "1.7", "2.1", "2.5", "2.7", "3.1", "3.5", "3.7", "4"),
    "ASAM 3rd edition": ("0.5", "1", "2.1", "2.5", "3.1", "3.3", "3.5", "3.7", "4"),
    "not used": ("outpatient", "intensive outpatient", "partial hospitalization", "residential", "inpatient"),
}
_ALL_LEVELS = tuple(dict.fromkeys(name for names in LEVELS.values() for name in names))
INTENSIVE = ("2.1", "intensive outpatient")
CODE_SYSTEMS = ("ICD-10-CM", "DSM-5-TR")
AGREEMENTS = ("signs", "refuses")
FAMILY = ("wants family involved", "does not want it now", "to be asked again", "no family")
REVIEW_REASONS = (
    "scheduled", "level of care changed", "relapse", "emergency department visit", "positive risk screen",
    "client asks", "other",
)  # fmt: skip
REVIEW_DAYS = (30, "program rule: review within 30 days")
DISPOSITIONS = ("continue", "met", "partly", "revised", "deferred", "discontinued")


class Diagnosis(Document, frozen=True, kw_only=True):
    """A diagnosis the plan treats, and who made it."""

    code: Annotated[str, F("Code", max_length=12, widget=Widget.LINE)] = ""
    system: Annotated[str, F("Code system", choices=CODE_SYSTEMS)] = "ICD-10-CM"
    text: Annotated[str, F("Diagnosis", max_length=300, widget=Widget.LINE)] = ""
    primary: Annotated[bool, F("Primary")] = False
    diagnosed_by: Annotated[str, F("Diagnosed by", max_length=120, widget=Widget.LINE)] = ""

    def shown(self) -> str:
        """`F10.20 Alcohol use disorder (primary), by Dr. Vale`."""
        mark = " (primary)" if self.primary else ""
        return f"{self.code} {self.text}{mark}" + (f", by {self.diagnosed_by}" if self.diagnosed_by else "")


class DimensionRating(Document, frozen=True, kw_only=True):
    """One ASAM dimension: its rating as the edition writes it, and the reason in words."""

    dimension: Annotated[str, F("Dimension", choices=_ALL_DIMENSIONS)] = ""
    rating: Annotated[str, F("Rating", max_length=3, widget=Widget.LINE)] = ""
    reason: Annotated[str, F("Reason", max_length=2000)] = ""

    def shown(self) -> str:
        """`4 Readiness to change: 2, wants to cut down`."""
        return f"{self.dimension}: {self.rating}" + (f", {self.reason}" if self.reason else "")


class Intervention(Document, frozen=True, kw_only=True):
    """What is done for an objective: how, how long, how often, by whom. `also_for` lists further objectives it serves,
    so that a group counted once serves several.
    """

    id: Annotated[str, F("Id", search=False, widget=Widget.HIDDEN)] = ""
    text: Annotated[str, F("What is done", max_length=2000)] = ""
    modality: Annotated[str, F("Modality", choices=MODALITIES)] = ""
    type: Annotated[str, F("Type", choices=SERVICE_TYPES)] = ""
    minutes: Annotated[_Minutes | None, F("Minutes a session", unit="min")] = None
    times: Annotated[_Times | None, F("Sessions", help="How many in each period.")] = None
    per: Annotated[str, F("In each", choices=PERIODS)] = "week"
    weeks: Annotated[_Weeks | None, F("For how many weeks", unit="weeks")] = None
    responsible: Annotated[str, F("Responsible", max_length=120, widget=Widget.LINE)] = ""
    also_for: Annotated[tuple[str, ...], F("Also for", search=False, widget=Widget.HIDDEN)] = ()

    def shown(self) -> str:
        """`CBT, individual: urge surfing, 50 min, 1 in each week for 8 weeks, Dana Reyes`."""
        kind = ", ".join(part for part in (self.modality, self.type) if part)
        amount = f"{self.minutes} min" if self.minutes else ""
        often = f"{self.times} in each {self.per}" if self.times else ""
        lasting = f"for {self.weeks} weeks" if self.weeks else ""
        rest = ", ".join(part for part in (self.text, amount, f"{often} {lasting}".strip(), self.responsible) if part)
        return f"{kind}: {rest}" if kind and rest else kind or rest


class Objective(Document, frozen=True, kw_only=True):
    """A measurable step: where the client stands, how it is measured, what counts as reached, by when."""

    id: Annotated[str, F("Id", search=False, widget=Widget.HIDDEN)] = ""
    text: Annotated[str, F("Objective", max_length=2000)] = ""
    baseline: Annotated[str, F("Baseline", max_length=500, widget=Widget.LINE)] = ""
    measure: Annotated[str, F("Measured by", max_length=500, widget=Widget.LINE)] = ""
    target: Annotated[str, F("Target", max_length=500, widget=Widget.LINE)] = ""
    target_date: Annotated[date | None, F("Target date")] = None
    status: Annotated[str, F("Status", choices=STATUSES)] = "new"
    closed_on: Annotated[date | None, F("Closed on")] = None
    outcome: Annotated[str, F("Outcome", max_length=2000)] = ""
    interventions: Annotated[tuple[Intervention, ...], F("Interventions")] = ()

    @property
    def is_open(self) -> bool:
        """Whether work on it goes on."""
        return self.closed_on is None


class Goal(Document, frozen=True, kw_only=True):
    """What the client wants, in the client's words."""

    id: Annotated[str, F("Id", search=False, widget=Widget.HIDDEN)] = ""
    text: Annotated[str, F("Goal, in the client's words", max_length=2000)] = ""
    objectives: Annotated[tuple[Objective, ...], F("Objectives")] = ()
    closed_on: Annotated[date | None, F("Closed on")] = None
    outcome: Annotated[str, F("Outcome", max_length=2000)] = ""


class Problem(Document, frozen=True, kw_only=True):
    """What treatment is about."""

    id: Annotated[str, F("Id", search=False, widget=Widget.HIDDEN)] = ""
    text: Annotated[str, F("Problem", max_length=2000)] = ""
    goals: Annotated[tuple[Goal, ...], F("Goals")] = ()
    closed_on: Annotated[date | None, F("Closed on")] = None
    outcome: Annotated[str, F("Outcome", max_length=2000)] = ""

    def shown(self) -> str:
        """The problem with everything below it, indented, one thing a line."""
        return "\n".join(_outline(self))


def _outline(problem: Problem) -> list[str]:
    lines = [problem.text + _ended(problem)]
    for goal in problem.goals:
        lines.append(f"  Goal: {goal.text}{_ended(goal)}")
        for objective in goal.objectives:
            lines += [f"    {line}" for line in _objective_lines(objective)]
    return lines


def _ended(node: Problem | Goal) -> str:
    return f" (closed {node.closed_on.isoformat()}: {node.outcome})" if node.closed_on else ""


def _objective_lines(objective: Objective) -> list[str]:
    ended = f", closed {objective.closed_on.isoformat()}" if objective.closed_on else ""
    by = f" by {objective.target_date.isoformat()}" if objective.target_date else ""
    facts = f"  from {objective.baseline} to {objective.target}{by}, measured by {objective.measure}"
    lines = [f"Objective ({objective.status}{ended}): {objective.text}"]
    lines += [facts] if objective.measure or objective.target or objective.baseline else []
    lines += [f"  Outcome: {objective.outcome}"] if objective.outcome else []
    return lines + [f"  {item.shown()}" for item in objective.interventions]


class Disposition(Document, frozen=True, kw_only=True):
    """What a review decided about one objective. `id` is the objective's, `number` the one it had then."""

    id: Annotated[str, F("Id", search=False, widget=Widget.HIDDEN)] = ""
    number: Annotated[str, F("Number", widget=Widget.LINE)] = ""
    decision: Annotated[str, F("Decision", choices=DISPOSITIONS)] = ""
    standing: Annotated[str, F("Measured now", max_length=500, widget=Widget.LINE)] = ""
    comment: Annotated[str, F("Why", max_length=2000)] = ""

    def shown(self) -> str:
        """`1.2.1 continue, 3 of 7 days, second week`."""
        parts = (self.decision, self.standing, self.comment)
        return f"{self.number} " + ", ".join(part for part in parts if part)


class Review(Document, frozen=True, kw_only=True):
    """A review of the plan that this revision carries forward."""

    on: Annotated[date | None, F("Reviewed on")] = None
    reason: Annotated[str, F("Reason", choices=REVIEW_REASONS)] = "scheduled"
    summary: Annotated[str, F("Summary", max_length=5000)] = ""
    level_rationale: Annotated[str, F("Why this level of care", max_length=5000)] = ""
    dispositions: Annotated[tuple[Disposition, ...], F("Objectives")] = ()


class Certification(Document, frozen=True, kw_only=True):
    """A physician's certification of need, where the payer wants it (42 CFR 424.24(d))."""

    physician: Annotated[str, F("Physician", max_length=120, widget=Widget.LINE)] = ""
    certified_on: Annotated[date | None, F("Certified on")] = None
    needs_nine_hours: Annotated[bool, F("Needs at least 9 hours a week")] = False
    renew_by: Annotated[date | None, F("Renew by")] = None


class TreatmentPlan(Document, frozen=True, kw_only=True):
    """One revision of a person's treatment plan. `series` joins the revisions, `number` counts them from 1."""

    series: Annotated[str, F("Series", search=False, widget=Widget.HIDDEN)] = ""
    number: Annotated[int, F("Revision", widget=Widget.HIDDEN, ge=1)] = 1
    previous: Annotated[str, F("Carries forward", search=False, widget=Widget.HIDDEN)] = ""
    last_id: Annotated[int, F("Last id", search=False, widget=Widget.HIDDEN, ge=0)] = 0
    admitted: Annotated[date | None, F("Admitted on", required=True)] = None
    planned: Annotated[date | None, F("Plan date", required=True)] = None
    effective: Annotated[date | None, F("Effective from", required=True)] = None
    next_review: Annotated[date | None, F("Next review", required=True, help="At the latest by the rule pack.")] = None
    target_end: Annotated[date | None, F("Expected end", required=True)] = None
    late_reason: Annotated[
        str, F("Why late", help="Needed when the plan comes after its due date.", max_length=1000)
    ] = ""
    diagnoses: Annotated[tuple[Diagnosis, ...], F("Diagnoses", required=True, source="42 CFR 424.24(d)")] = ()
    part2: Annotated[
        bool, F("Protected by Part 2", help="Substance use records of a Part 2 program.", source="42 CFR 2.12")
    ] = False
    edition: Annotated[str, F("Criteria", choices=EDITIONS, required=True)] = ""
    dimensions: Annotated[tuple[DimensionRating, ...], F("Dimensions")] = ()
    level: Annotated[str, F("Level of care", choices=_ALL_LEVELS, required=True)] = ""
    hours: Annotated[_Hours | None, F("Prescribed hours a week", unit="h", required=True)] = None
    hours_reason: Annotated[
        str, F("Why these hours", help="Needed outside the band of the level of care.", max_length=1000)
    ] = ""
    transition: Annotated[bool, F("Transition week", help="Stepping down: fewer hours than the band.")] = False
    strengths: Annotated[tuple[str, ...], F("Strengths", required=True)] = ()
    needs: Annotated[tuple[str, ...], F("Needs")] = ()
    abilities: Annotated[tuple[str, ...], F("Abilities")] = ()
    preferences: Annotated[tuple[str, ...], F("Preferences", required=True)] = ()
    barriers: Annotated[tuple[str, ...], F("Barriers")] = ()
    culture: Annotated[str, F("Culture and language", max_length=2000)] = ""
    problems: Annotated[tuple[Problem, ...], F("Problems", required=True)] = ()
    certification: Annotated[Certification | None, F("Physician's certification", source="42 CFR 424.24(d)")] = None
    safety_plan: Annotated[str, F("Safety plan", help="Where it is kept, its date.", max_length=300)] = ""
    relapse_plan: Annotated[str, F("Relapse-prevention plan", help="Where, its date.", max_length=300)] = ""
    medications: Annotated[str, F("Medications", help="Where the list is kept.", max_length=300)] = ""
    discharge_criteria: Annotated[
        tuple[str, ...], F("Discharge and step-down criteria", required=True, source="26 TAC 564.804(c)")
    ] = ()
    referrals: Annotated[tuple[str, ...], F("Referrals")] = ()
    family: Annotated[str, F("Family involvement", choices=FAMILY, required=True)] = ""
    participation: Annotated[str, F("How the client took part", required=True, max_length=2000)] = ""
    copy_offered: Annotated[bool | None, F("Copy offered", required=True)] = None
    agreement: Annotated[str, F("Client", choices=AGREEMENTS, required=True)] = ""
    refusal: Annotated[str, F("Why the client refuses", max_length=2000)] = ""
    review: Annotated[Review | None, F("Review")] = None
    closed_on: Annotated[date | None, F("Plan closed on")] = None
