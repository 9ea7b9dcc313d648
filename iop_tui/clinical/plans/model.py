"""Problems, goals and care plans as another organisation recorded them.

The program's own treatment plan is a different document; these three are what an import brings in.
Texts arrive sanitised, the received JSON stays beside the document unchanged.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity

CLINICAL_STATUS = ("active", "recurrence", "relapse", "inactive", "remission", "resolved")
VERIFICATION = ("unconfirmed", "provisional", "differential", "confirmed", "refuted")
PLAN_STATUS = ("draft", "active", "on-hold", "revoked", "completed", "unknown")
GOAL_STATUS = (
    "proposed", "planned", "accepted", "active", "on-hold", "completed", "cancelled", "rejected",
)
_R4 = "HL7 FHIR R4 4.0.1"


class Coded(Document, frozen=True, kw_only=True):
    """One code of a published code system, as it was received."""

    system: Annotated[str, F("Code system")] = ""
    code: Annotated[str, F("Code")] = ""
    display: Annotated[str, F("Meaning")] = ""


class Condition(Document, frozen=True, kw_only=True):
    """A problem or diagnosis (FHIR Condition)."""

    text: Annotated[str, F("Problem", required=True, source=_R4)] = ""
    codes: Annotated[tuple[Coded, ...], F("Codes", search=False)] = ()
    clinical_status: Annotated[str, F("Status", choices=CLINICAL_STATUS, source=_R4)] = ""
    verification: Annotated[str, F("How sure", choices=VERIFICATION, source=_R4)] = ""
    category: Annotated[str, F("Kind", help="Problem list item, encounter diagnosis or health concern")] = ""
    severity: Annotated[str, F("Severity")] = ""
    onset: Annotated[date | None, F("Since")] = None
    onset_text: Annotated[str, F("Since, as received", help="Kept when the date is not a full date")] = ""
    ended: Annotated[date | None, F("Until")] = None
    ended_text: Annotated[str, F("Until, as received")] = ""
    recorded: Annotated[date | None, F("Recorded on")] = None
    comment: Annotated[str, F("Comment")] = ""


class ReceivedGoal(Document, frozen=True, kw_only=True):
    """A goal from another organisation (FHIR Goal)."""

    text: Annotated[str, F("Goal", required=True, source=_R4)] = ""
    status: Annotated[str, F("Status", choices=GOAL_STATUS, source=_R4)] = ""
    achievement: Annotated[str, F("Achievement")] = ""
    started: Annotated[date | None, F("Started")] = None
    due: Annotated[date | None, F("Due")] = None
    targets: Annotated[tuple[str, ...], F("Targets")] = ()
    addresses: Annotated[tuple[str, ...], F("For the problems")] = ()
    comment: Annotated[str, F("Comment")] = ""


class PlannedActivity(Document, frozen=True, kw_only=True):
    """One line of a received care plan."""

    text: Annotated[str, F("Activity")] = ""
    status: Annotated[str, F("Status")] = ""
    place: Annotated[str, F("Place")] = ""


class ReceivedPlan(Document, frozen=True, kw_only=True):
    """A care plan from another organisation (FHIR CarePlan)."""

    title: Annotated[str, F("Plan", required=True, source=_R4)] = ""
    status: Annotated[str, F("Status", choices=PLAN_STATUS, source=_R4)] = ""
    intent: Annotated[str, F("Intent", help="proposal, plan, order or option")] = ""
    started: Annotated[date | None, F("From")] = None
    ended: Annotated[date | None, F("To")] = None
    description: Annotated[str, F("Description")] = ""
    addresses: Annotated[tuple[str, ...], F("For the problems")] = ()
    goals: Annotated[tuple[str, ...], F("Goals")] = ()
    activities: Annotated[tuple[PlannedActivity, ...], F("Activities")] = ()


def _ends_before_start(start: date | None, end: date | None, field: str) -> tuple[Finding, ...]:
    if start and end and end < start:
        return (Finding(Severity.WARN, "dates_reversed", "The end lies before the start.", field, _R4),)
    return ()


def _condition_rules(document: Condition, context: RuleContext) -> tuple[Finding, ...]:
    found = _ends_before_start(document.onset, document.ended, "ended")
    if document.onset and document.onset > context.today:
        found += (Finding(Severity.WARN, "future", "The start lies in the future.", "onset"),)
    return found


def _plan_rules(document: ReceivedPlan, context: RuleContext) -> tuple[Finding, ...]:
    del context
    return _ends_before_start(document.started, document.ended, "ended")


TYPES: tuple[DocumentType[Any], ...] = (
    DocumentType(
        kind="condition", label="Problem", struct=Condition, compartment="IND",
        title=lambda document: document.text,
        service_date=lambda document: document.onset or document.recorded,
        rules=_condition_rules, help="A problem or diagnosis received from another organisation.",
    ),
    DocumentType(
        kind="received_goal", label="Goal received", struct=ReceivedGoal, compartment="IND",
        title=lambda document: document.text, service_date=lambda document: document.started,
        help="A goal received from another organisation.",
    ),
    DocumentType(
        kind="received_plan", label="Care plan received", struct=ReceivedPlan, compartment="IND",
        title=lambda document: document.title, service_date=lambda document: document.started,
        rules=_plan_rules, help="A care plan received from another organisation.",
    ),
)
