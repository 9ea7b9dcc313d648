"""The joint treatment plan, the joint session note, the recovery contract's days, measures per partner, the closing.

Everything here belongs to the couple; nothing repeats what one partner's own record holds (program rules CR-4 to
CR-7). Interventions: EFT (Johnson), Gottman, IBCT (Christensen), BCT for substance use (O'Farrell).
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from typing import Annotated, Any, TypeAlias

import msgspec

from iop_tui.clinical.couples.api import (
    CONTACT_RULES,
    OPEN,
    PARTNERS,
    PAUSE_CODES,
    POLICIES,
    future,
    refuse,
    stamp_findings,
)
from iop_tui.clinical.joint.linter import labels, lint_all
from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity, Widget

PARTICIPANTS = ("patient", "collateral")
APPROACHES = ("EFT", "Gottman", "IBCT", "BCT")
CONTRACT = (
    "daily statement", "trust discussion", "medication observed", "meetings", "no past fights", "positive activity",
    "communication drill",
)  # fmt: skip
ATTENDS = ("both partners", "both partners, family by invitation")
PERIODS = ("week", "two weeks", "month")
STATUSES = ("new", "active", "met", "partly", "deferred", "revised", "discontinued")
MODALITIES = ("video", "in person", "audio-only")
ATTENDANCE = ("present", "late", "left early", "absent")
PROGRESS = ("none", "minimal", "moderate", "substantial", "regressed")
RISKS = ("none voiced", "voiced: acted on")
REVIEW_DAYS, REVIEW_SESSIONS = 30, 8
CODES = ("90847", "90846", "")
_PLAN, _CR6, _CR7 = "program rule 2.2", "program rule CR-6", "program rule CR-7"
_HIDDEN = Widget.HIDDEN
_Minutes: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=480)]
_Few: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=60)]
_GOAL = re.compile(r"^#?(\d+(?:\.\d+)?)\s+(none|minimal|moderate|substantial|regressed)\b", re.IGNORECASE)


class SharedObjective(Document, frozen=True, kw_only=True):
    """A measurable step both take."""

    text: Annotated[str, F("Objective", max_length=1000)] = ""
    baseline: Annotated[str, F("Baseline", max_length=300, widget=Widget.LINE)] = ""
    measure: Annotated[str, F("Measured by", max_length=300, widget=Widget.LINE)] = ""
    target: Annotated[str, F("Target", max_length=300, widget=Widget.LINE)] = ""
    target_date: Annotated[date | None, F("Target date")] = None
    status: Annotated[str, F("Status", choices=STATUSES)] = "new"

    def shown(self) -> str:
        """`talk ten minutes a day: from 1 of 7 to 6 of 7 by 2026-06-01, contract calendar (active)`."""
        by = f" by {self.target_date.isoformat()}" if self.target_date else ""
        return f"{self.text}: from {self.baseline} to {self.target}{by}, {self.measure} ({self.status})"


class SharedGoal(Document, frozen=True, kw_only=True):
    """What both want, in their words, and the problem it answers."""

    problem: Annotated[str, F("Shared problem", max_length=1000)] = ""
    text: Annotated[str, F("Shared goal, in their words", max_length=1000)] = ""
    objectives: Annotated[tuple[SharedObjective, ...], F("Objectives")] = ()

    def shown(self) -> str:
        """Problem, goal and objectives, one a line."""
        return "\n".join((f"{self.problem} → {self.text}", *(f"  {item.shown()}" for item in self.objectives)))


class JointPlan(Document, frozen=True, kw_only=True):
    """The couple's treatment plan: shared problems, shared goals, nothing of one partner alone."""

    policy: Annotated[str, F("Policy in force", choices=POLICIES, widget=_HIDDEN, source=_CR7)] = ""
    agreement: Annotated[str, F("Agreement", search=False, widget=_HIDDEN)] = ""
    planned: Annotated[date | None, F("Plan date", required=True)] = None
    next_review: Annotated[
        date | None, F("Next review", required=True, help=f"At most {REVIEW_DAYS} days on; or after 8 sessions.")
    ] = None
    role_a: Annotated[str, F("Partner A takes part as", choices=PARTICIPANTS, required=True, source=_PLAN)] = ""
    role_b: Annotated[str, F("Partner B takes part as", choices=PARTICIPANTS, required=True, source=_PLAN)] = ""
    screened_a: Annotated[
        date | None, F("A screened alone on", required=True, help="The date alone.", source="program rule CR-13")
    ] = None
    screened_b: Annotated[
        date | None, F("B screened alone on", required=True, help="The date alone.", source="program rule CR-13")
    ] = None
    goals: Annotated[tuple[SharedGoal, ...], F("Shared goals", required=True)] = ()
    approaches: Annotated[tuple[str, ...], F("Approaches", choices=APPROACHES, required=True)] = ()
    contract: Annotated[
        tuple[str, ...], F("Recovery contract", choices=CONTRACT, help="What both do between sessions (BCT).")
    ] = ()
    activities: Annotated[tuple[str, ...], F("Positive activities")] = ()
    drills: Annotated[tuple[str, ...], F("Communication drills")] = ()
    sessions: Annotated[_Few | None, F("Sessions", required=True)] = None
    per: Annotated[str, F("In each", choices=PERIODS, required=True)] = ""
    minutes: Annotated[_Minutes | None, F("Minutes a session", unit="min", required=True)] = None
    weeks: Annotated[_Few | None, F("For how many weeks", unit="weeks", required=True)] = None
    attends: Annotated[str, F("Who attends", choices=ATTENDS, required=True)] = ""
    contact_rule: Annotated[
        str, F("Contact with one partner", choices=CONTACT_RULES, required=True, source=_CR7)
    ] = ""
    billing: Annotated[str, F("Billing patient", choices=PARTNERS)] = ""
    pause: Annotated[
        tuple[str, ...], F("Pauses or ends the work", choices=PAUSE_CODES, required=True, source=_PLAN)
    ] = ()
    participation: Annotated[str, F("How both took part", required=True, max_length=2000)] = ""


def plan_rules(plan: JointPlan, context: RuleContext) -> tuple[Finding, ...]:
    """2.2: both are patients, both were screened, nothing in it belongs to one partner alone."""
    found = [*stamp_findings(plan.policy, plan.agreement, context), *future(plan.planned, context, "planned")]
    if "collateral" in (plan.role_a, plan.role_b):
        message = "With a partner as collateral only, this is that client's own plan, not a couples plan."
        found.append(refuse("collateral", message, "role_b" if plan.role_b == "collateral" else "role_a", _PLAN))
    for name in ("screened_a", "screened_b"):
        found += future(getattr(plan, name), context, name)
    if plan.planned and plan.next_review:
        latest = plan.planned + timedelta(days=REVIEW_DAYS)
        if not plan.planned < plan.next_review <= latest:
            message = f"The next review is at the latest on {latest.isoformat()}."
            found.append(refuse("review", message, "next_review", _PLAN))
    terms = context.facts.get("terms")
    for name, label in (("contact_rule", "Contact with one partner"), ("billing", "The billing patient")):
        given = getattr(plan, name)
        if terms is not None and given and given != getattr(terms, name):
            found.append(refuse(name, f"{label} is as both agreed: {getattr(terms, name)}.", name, _CR7))
    return (*found, *_goals(plan), *lint_all(_plan_texts(plan)))


def _goals(plan: JointPlan) -> list[Finding]:
    found = []
    for number, goal in enumerate(plan.goals, 1):
        if not (goal.problem.strip() and goal.text.strip() and goal.objectives):
            message = f"Goal {number} needs its problem, the couple's words and an objective."
            found.append(refuse("goal", message, "goals", _PLAN))
        for place, item in enumerate(goal.objectives, 1):
            wanted = (("what", item.text), ("baseline", item.baseline), ("measure", item.measure),
                      ("target", item.target), ("date", item.target_date))  # fmt: skip
            missing = [label for label, value in wanted if not value]
            if missing:
                message = f"Objective {number}.{place} lacks: {', '.join(missing)}."
                found.append(refuse("objective", message, "goals", _PLAN))
    return found


def _plan_texts(plan: JointPlan) -> list[tuple[str, str]]:
    texts = [("participation", plan.participation), ("activities", "\n".join(plan.activities)),
             ("drills", "\n".join(plan.drills))]  # fmt: skip
    return [*texts, ("goals", "\n".join(goal.shown() for goal in plan.goals))]


class JointNote(Document, frozen=True, kw_only=True):
    """One joint session: who attended, what each said, what was done, how far shared goals are."""

    policy: Annotated[str, F("Policy in force", choices=POLICIES, widget=_HIDDEN, source=_CR7)] = ""
    agreement: Annotated[str, F("Agreement", search=False, widget=_HIDDEN)] = ""
    service_date: Annotated[date | None, F("Date", required=True)] = None
    start: Annotated[time | None, F("Start", required=True)] = None
    stop: Annotated[time | None, F("Stop", required=True)] = None
    modality: Annotated[str, F("Modality", choices=MODALITIES, required=True)] = ""
    service_code: Annotated[str, F("Service code", choices=CODES)] = ""
    attended_a: Annotated[str, F("Partner A", choices=ATTENDANCE, required=True)] = ""
    attended_b: Annotated[str, F("Partner B", choices=ATTENDANCE, required=True)] = ""
    others: Annotated[str, F("Who else was there", max_length=300, widget=Widget.LINE)] = ""
    separate_rooms: Annotated[
        bool | None, F("Where each was, was asked", required=True, source="program rule CR-19")
    ] = None
    content: Annotated[
        str,
        F("Session", widget=Widget.TEXT, required=True, source=_CR6,
          help="[J] both or observed, [A>] said by A, [B>] said by B; a mark counts up to the next one."),
    ] = ""  # fmt: skip
    approaches: Annotated[tuple[str, ...], F("Approaches", choices=APPROACHES, required=True)] = ()
    intervention: Annotated[str, F("What the therapist did", widget=Widget.TEXT, required=True)] = ""
    progress: Annotated[
        tuple[str, ...],
        F("Shared goals", required=True, help=f"One a line: 1.1 and one of {', '.join(PROGRESS)}."),
    ] = ()
    risk: Annotated[str, F("Risk", choices=RISKS, required=True)] = ""
    risk_action: Annotated[str, F("What was done", max_length=1000)] = ""
    plan: Annotated[str, F("Until next time", widget=Widget.TEXT, required=True)] = ""


def note_rules(note: JointNote, context: RuleContext) -> tuple[Finding, ...]:
    """CR-6: behavior, with speakers; both were there; nothing from outside the room without an authorization."""
    found = [*stamp_findings(note.policy, note.agreement, context), *future(note.service_date, context, "service_date")]
    if note.start and note.stop and note.stop <= note.start:
        found.append(refuse("times", "The session ends before it begins.", "stop", ""))
    shared = note.policy == OPEN
    found += _attendance(note, shared=shared)
    found += labels("content", note.content, frozenset(context.facts.get("authorizations", ())), shared=shared)
    for line in note.progress:
        if not _GOAL.match(line.strip()):
            message = f"“{line[:40]}” is no goal with its progress, such as: 1.1 moderate."
            found.append(refuse("progress", message, "progress", ""))
    if note.risk == RISKS[1] and not note.risk_action.strip():
        found.append(refuse("risk_action", "Say what was done about the risk.", "risk_action", ""))
    texts = (("content", note.content), ("intervention", note.intervention), ("plan", note.plan),
             ("risk_action", note.risk_action), ("others", note.others))  # fmt: skip
    return (*found, *lint_all(texts))


def _attendance(note: JointNote, *, shared: bool) -> list[Finding]:
    gone = [name for name, value in (("A", note.attended_a), ("B", note.attended_b)) if value == "absent"]
    if not gone or (shared and len(gone) == 1):
        return []
    message = "Nobody came: record the attendance, not a session."
    if len(gone) == 1:
        message = f"Partner {gone[0]} was absent: this is no joint session. Contact with one follows the agreement."
    return [refuse("attendance", message, "attended_b" if gone == ["B"] else "attended_a", _CR7)]


def minutes(note: JointNote) -> int:
    """Length of the session in minutes; 0 while times are missing or reversed."""
    if note.start is None or note.stop is None:
        return 0
    return max(0, (note.stop.hour - note.start.hour) * 60 + note.stop.minute - note.start.minute)


class RecoveryDay(Document, frozen=True, kw_only=True):
    """One day of the recovery contract: what both did of what they promised (BCT calendar)."""

    policy: Annotated[str, F("Policy in force", choices=POLICIES, widget=_HIDDEN, source=_CR7)] = ""
    agreement: Annotated[str, F("Agreement", search=False, widget=_HIDDEN)] = ""
    day: Annotated[date | None, F("Day", required=True)] = None
    kept: Annotated[tuple[str, ...], F("Done together", choices=CONTRACT)] = ()
    missed: Annotated[tuple[str, ...], F("Not done", choices=CONTRACT)] = ()
    remark: Annotated[str, F("Remark", max_length=500, widget=Widget.LINE)] = ""


def day_rules(document: RecoveryDay, context: RuleContext) -> tuple[Finding, ...]:
    """A promise is done or not done, never both; the remark is linted like every joint text."""
    found = [*stamp_findings(document.policy, document.agreement, context), *future(document.day, context, "day")]
    both = sorted(set(document.kept) & set(document.missed))
    if both:
        found.append(refuse("both", f"Done and not done: {', '.join(both)}.", "missed", "program rule 2.2"))
    return (*found, *lint_all([("remark", document.remark)]))


class CoupleMeasure(Document, frozen=True, kw_only=True):
    """A relationship measure as one partner answered it, alone. The two are never shown side by side by default."""

    policy: Annotated[str, F("Policy in force", choices=POLICIES, widget=_HIDDEN, source=_CR7)] = ""
    agreement: Annotated[str, F("Agreement", search=False, widget=_HIDDEN)] = ""
    instrument: Annotated[
        str, F("Measure", required=True, max_length=60, widget=Widget.LINE, help="CSI-16, DAS, RDAS …")
    ] = ""
    partner: Annotated[str, F("Answered by", choices=PARTNERS, required=True)] = ""
    taken: Annotated[date | None, F("Taken on", required=True)] = None
    score: Annotated[float | None, F("Score", required=True)] = None
    highest: Annotated[float | None, F("Highest possible")] = None


def measure_rules(document: CoupleMeasure, context: RuleContext) -> tuple[Finding, ...]:
    """The score lies within the range."""
    found = [*stamp_findings(document.policy, document.agreement, context), *future(document.taken, context, "taken")]
    if document.score is not None and document.highest is not None and not 0 <= document.score <= document.highest:
        found.append(refuse("range", f"The score lies between 0 and {document.highest:g}.", "score", ""))
    return tuple(found)


class JointClosing(Document, frozen=True, kw_only=True):
    """The one closing note after joint work ended; it cites neither partner's own record."""

    policy: Annotated[str, F("Policy in force", choices=POLICIES, widget=_HIDDEN, source=_CR7)] = ""
    agreement: Annotated[str, F("Agreement", search=False, widget=_HIDDEN)] = ""
    written_on: Annotated[date | None, F("Date", required=True)] = None
    code: Annotated[str, F("Neutral code", choices=PAUSE_CODES, required=True)] = ""
    sessions: Annotated[int, F("Joint sessions", ge=0)] = 0
    summary: Annotated[str, F("What was worked on", widget=Widget.TEXT, required=True)] = ""
    goals: Annotated[tuple[str, ...], F("Where each shared goal stands", required=True)] = ()
    onward: Annotated[str, F("What each was offered", widget=Widget.TEXT, required=True)] = ""


def closing_rules(document: JointClosing, context: RuleContext) -> tuple[Finding, ...]:
    """One, after the end, in neutral words."""
    found = [*stamp_findings(document.policy, document.agreement, context)]
    found += future(document.written_on, context, "written_on")
    if not context.facts.get("ended", False):
        message = "A closing note follows the end of joint work."
        found.append(Finding(Severity.REFUSE, "not_ended", message, "code", "program rule CR-12"))
    texts = (("summary", document.summary), ("onward", document.onward), ("goals", "\n".join(document.goals)))
    return (*found, *lint_all(texts))


JOINT_PLAN: DocumentType[JointPlan] = DocumentType(
    kind="joint_plan", label="Joint plan", struct=JointPlan, compartment="JNT",
    title=lambda d: f"Joint plan: {len(d.goals)} shared {'goal' if len(d.goals) == 1 else 'goals'}",
    service_date=lambda d: d.planned, rules=plan_rules, signable=True,
    help="Shared problems, goals and the recovery contract. Signed by the therapist and both partners.",
)
JOINT_NOTE: DocumentType[JointNote] = DocumentType(
    kind="joint_note", label="Joint session", struct=JointNote, compartment="JNT",
    title=lambda d: f"Joint session, {minutes(d)} min" if minutes(d) else "Joint session",
    service_date=lambda d: d.service_date, rules=note_rules, signable=True,
    help="One session with both partners, every paragraph with its speaker.",
)
RECOVERY_DAY: DocumentType[RecoveryDay] = DocumentType(
    kind="recovery_day", label="Contract day", struct=RecoveryDay, compartment="JNT",
    title=lambda d: f"Contract: {len(d.kept)} done, {len(d.missed)} not", service_date=lambda d: d.day,
    rules=day_rules, help="One day of the recovery contract.",
)
COUPLE_MEASURE: DocumentType[CoupleMeasure] = DocumentType(
    kind="couple_measure", label="Couple measure", struct=CoupleMeasure, compartment="JNT",
    title=lambda d: f"{d.instrument}, {d.partner}", service_date=lambda d: d.taken, rules=measure_rules,
    help="Each partner answers alone; the scores are not compared in front of both.",
)
JOINT_CLOSING: DocumentType[JointClosing] = DocumentType(
    kind="joint_closing", label="Joint closing note", struct=JointClosing, compartment="JNT",
    title=lambda d: f"Closing: {d.code}", service_date=lambda d: d.written_on, rules=closing_rules, signable=True,
    help="The one note after joint work ended.",
)
TYPES: tuple[DocumentType[Any], ...] = (JOINT_PLAN, JOINT_NOTE, RECOVERY_DAY, COUPLE_MEASURE, JOINT_CLOSING)
