"""The program's own sessions, and encounters and procedures as received (FHIR Encounter, Procedure)."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Any

from iop_tui.clinical.plans.api import Coded
from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity, Widget

_R4 = "HL7 FHIR R4 4.0.1"
ENCOUNTER_STATUS = (
    "planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled", "unknown",
)
PROCEDURE_STATUS = ("preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "unknown")


SCHEDULED, KEPT, CANCELLED, NO_SHOW = "scheduled", "kept", "cancelled", "no-show"
SESSION_STATUS = (SCHEDULED, KEPT, CANCELLED, NO_SHOW)
SESSION_KINDS = ("individual", "family", "case management", "crisis")
SESSION_MODALITIES = ("in person", "video", "audio only")


class Session(Document, frozen=True, kw_only=True):
    """A time with one person: planned, and afterwards what became of it."""

    date: Annotated[date | None, F("Date", required=True)] = None
    start: Annotated[time | None, F("Start", required=True)] = None
    stop: Annotated[time | None, F("Stop", required=True)] = None
    kind: Annotated[str, F("Session", choices=SESSION_KINDS, required=True)] = "individual"
    modality: Annotated[str, F("Modality", choices=SESSION_MODALITIES, required=True)] = "video"
    status: Annotated[
        str, F("Status", choices=SESSION_STATUS, required=True, help="A session that was kept needs a note.")
    ] = SCHEDULED
    reason: Annotated[
        str,
        F("Why not", help="Who cancelled, or what is known. Needed for both.", max_length=300, widget=Widget.LINE),
    ] = ""


def _session_rules(document: Session, context: RuleContext) -> tuple[Finding, ...]:
    """Times in order; nothing was kept in the future; a session that did not happen says why."""
    found = []
    if document.start and document.stop and document.stop <= document.start:
        found.append(Finding(Severity.REFUSE, "stop_after_start", "The session stops before it starts.", "stop"))
    if document.status in (KEPT, NO_SHOW) and document.date and document.date > context.today:
        message = f"A session in the future is not {document.status} yet."
        found.append(Finding(Severity.REFUSE, "future", message, "status"))
    if document.status in (CANCELLED, NO_SHOW) and not document.reason.strip():
        found.append(Finding(Severity.REFUSE, "reason", "Say who cancelled, or what is known.", "reason"))
    return tuple(found)


def _session_title(document: Session) -> str:
    times = f"{document.start:%H:%M} to {document.stop:%H:%M}" if document.start and document.stop else "no time"
    return f"{times} · {document.kind} · {document.modality} · {document.status}"


class Encounter(Document, frozen=True, kw_only=True):
    """A visit, admission or call at another organisation."""

    text: Annotated[str, F("Encounter", required=True, source=_R4)] = ""
    codes: Annotated[tuple[Coded, ...], F("Codes", search=False)] = ()
    status: Annotated[str, F("Status", choices=ENCOUNTER_STATUS, source=_R4)] = ""
    setting: Annotated[str, F("Setting", help="ambulatory, inpatient, emergency, virtual, …")] = ""
    started: Annotated[date | None, F("Date")] = None
    ended: Annotated[date | None, F("Until")] = None
    minutes: Annotated[int | None, F("Length", unit="min")] = None
    reasons: Annotated[tuple[str, ...], F("Reasons")] = ()
    seen_by: Annotated[tuple[str, ...], F("Seen by")] = ()
    organisation: Annotated[str, F("Where")] = ""


class Procedure(Document, frozen=True, kw_only=True):
    """Something that was done: a screening, therapy or operation."""

    text: Annotated[str, F("Procedure", required=True, source=_R4)] = ""
    codes: Annotated[tuple[Coded, ...], F("Codes", search=False)] = ()
    status: Annotated[str, F("Status", choices=PROCEDURE_STATUS, source=_R4)] = ""
    performed: Annotated[date | None, F("Date")] = None
    performed_text: Annotated[str, F("Date, as received")] = ""
    minutes: Annotated[int | None, F("Length", unit="min")] = None
    reasons: Annotated[tuple[str, ...], F("For")] = ()
    outcome: Annotated[str, F("Outcome")] = ""
    comment: Annotated[str, F("Comment")] = ""


def _encounter_rules(document: Encounter, context: RuleContext) -> tuple[Finding, ...]:
    del context
    if document.started and document.ended and document.ended < document.started:
        return (Finding(Severity.WARN, "dates_reversed", "The end lies before the start.", "ended", _R4),)
    return ()


SESSION: DocumentType[Session] = DocumentType(
    kind="session", label="Session", struct=Session, compartment="IND", title=_session_title,
    service_date=lambda document: document.date, rules=_session_rules,
    help="A time with one person, planned or past. Today lists it; the note takes its times over.",
)
TYPES: tuple[DocumentType[Any], ...] = (
    SESSION,
    DocumentType(
        kind="encounter", label="Encounter", struct=Encounter, compartment="IND",
        title=lambda document: document.text, service_date=lambda document: document.started,
        rules=_encounter_rules, help="A visit at another organisation.",
    ),
    DocumentType(
        kind="procedure", label="Procedure", struct=Procedure, compartment="IND",
        title=lambda document: document.text, service_date=lambda document: document.performed,
        help="A procedure, screening or therapy recorded elsewhere.",
    ),
)
