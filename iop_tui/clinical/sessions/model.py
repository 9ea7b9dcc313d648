"""The program's own sessions, the schedule of the front desk, and encounters and procedures as received (FHIR
Encounter, Procedure).
"""

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


ON_SCHEDULE = (SCHEDULED, CANCELLED, NO_SHOW)
_CALENDAR = "45 CFR 164.514(d)"


class Appointment(Document, frozen=True, kw_only=True):
    """A time on the schedule: with whom, when, where, whether it was called off. Not what for, and not how it went.

    It lies in the person's directory entry, which the front desk keeps, and names nobody but that person and the
    clinician: a joint session is one time for each partner. What kind of session it is, and where its record lies, is
    left out, so that no time tells more than another (program rule CR-3).
    """

    clinician: Annotated[str, F("Clinician", search=False, widget=Widget.HIDDEN)] = ""
    clinician_name: Annotated[str, F("With", search=False, max_length=200, widget=Widget.HIDDEN)] = ""
    date: Annotated[date | None, F("Date", required=True, search=False)] = None
    start: Annotated[time | None, F("Start", required=True, search=False)] = None
    stop: Annotated[time | None, F("Stop", required=True, search=False)] = None
    place: Annotated[str, F("Where", choices=SESSION_MODALITIES, required=True, search=False)] = "video"
    room: Annotated[
        str, F("Room", help="Its number or name, nothing about the person.", search=False, max_length=20,
               widget=Widget.LINE, source=_CALENDAR)
    ] = ""  # fmt: skip
    status: Annotated[str, F("Status", choices=ON_SCHEDULE, required=True, search=False)] = SCHEDULED


def _appointment_rules(document: Appointment, context: RuleContext) -> tuple[Finding, ...]:
    """Times in order; nobody missed a time that is still to come; a room belongs to a time in person."""
    found = []
    if document.start and document.stop and document.stop <= document.start:
        found.append(Finding(Severity.REFUSE, "stop_after_start", "It stops before it starts.", "stop"))
    if document.status == NO_SHOW and document.date and document.date > context.today:
        message = "A time in the future was not missed yet."
        found.append(Finding(Severity.REFUSE, "future", message, "status"))
    if document.room.strip() and document.place != SESSION_MODALITIES[0]:
        found.append(Finding(Severity.REFUSE, "room", "Only a time in person has a room.", "room"))
    return tuple(found)


def _appointment_title(document: Appointment) -> str:
    times = f"{document.start:%H:%M} to {document.stop:%H:%M}" if document.start and document.stop else "no time"
    return f"{times} · {document.clinician_name} · {document.place} · {document.status}"


PLANNED, NO_SESSION = "planned", "no session"
OPEN = ""


class CalendarTime(Document, frozen=True, kw_only=True):
    """One time of a calendar's line: UTC with a Z, or as the clock on the wall."""

    start: Annotated[str, F("Start")] = ""
    stop: Annotated[str, F("Stop")] = ""

    def shown(self) -> str:
        """Both, as received."""
        return f"{self.start} to {self.stop}"


class CalendarLine(Document, frozen=True, kw_only=True):
    """A line of another program's calendar, word for word. Whose session it is, its clinician says."""

    text: Annotated[str, F("Line", search=False, max_length=500, widget=Widget.LINE)] = ""
    details: Annotated[str, F("Details", search=False, max_length=4000)] = ""
    place: Annotated[str, F("Where", search=False, max_length=300, widget=Widget.LINE)] = ""
    repeats: Annotated[str, F("Repeats", search=False, max_length=300, widget=Widget.LINE)] = ""
    day: Annotated[date | None, F("First day", search=False)] = None
    all_day: Annotated[bool, F("Whole day", search=False)] = False
    cancelled: Annotated[bool, F("Cancelled at its source", search=False)] = False
    times: Annotated[tuple[CalendarTime, ...], F("Times", search=False)] = ()
    uid: Annotated[str, F("Name at its source", search=False, max_length=200, widget=Widget.HIDDEN)] = ""
    replaces: Annotated[str, F("Replaces", search=False, max_length=40, widget=Widget.HIDDEN)] = ""
    clinician: Annotated[str, F("Clinician", search=False, widget=Widget.HIDDEN)] = ""
    decided: Annotated[str, F("Decided", choices=(PLANNED, NO_SESSION), search=False)] = OPEN
    person: Annotated[str, F("Person", search=False, widget=Widget.HIDDEN)] = ""


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
APPOINTMENT: DocumentType[Appointment] = DocumentType(
    kind="appointment", label="Appointment", struct=Appointment, compartment="DIR", title=_appointment_title,
    service_date=lambda document: document.date, rules=_appointment_rules,
    help="A time on the schedule, for the front desk and the person's own clinicians.",
)
CALENDAR_LINE: DocumentType[CalendarLine] = DocumentType(
    kind="calendar_line", label="Calendar line", struct=CalendarLine, compartment="SHARE",
    title=lambda document: document.text or "Calendar line", service_date=lambda document: document.day,
    help="A line of another program's calendar that waits for its clinician.",
)
TYPES: tuple[DocumentType[Any], ...] = (
    SESSION,
    APPOINTMENT,
    CALENDAR_LINE,
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
