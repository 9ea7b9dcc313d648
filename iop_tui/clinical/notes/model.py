"""Progress notes and addenda. Fields follow 42 CFR 410.44 and common payer manuals; formats are views of the same
fields.
"""

from __future__ import annotations

from datetime import date, time
from typing import Annotated

from iop_tui.kernel.declare import Document, DocumentType, F, Fact, Finding, RuleContext, Severity, Widget

MODALITIES = ("in person", "video", "audio only")
PROGRESS = ("none", "minimal", "moderate", "substantial", "regressed")
RISK = ("denied", "present")
SESSION_TYPES = ("individual", "family", "case management", "crisis", "off plan")


class ProgressNote(Document, frozen=True, kw_only=True):
    """One session with one person."""

    service_date: Annotated[date | None, F("Service date", required=True, help="The day of the session.")] = None
    start: Annotated[time | None, F("Start", required=True)] = None
    stop: Annotated[time | None, F("Stop", required=True)] = None
    session_type: Annotated[str, F("Session", choices=SESSION_TYPES, required=True)] = "individual"
    modality: Annotated[str, F("Modality", choices=MODALITIES, required=True)] = ""
    service_code: Annotated[
        str,
        F(
            "Service code",
            help="The clinic's own code list; HCPCS where one applies.",
            max_length=20,
            widget=Widget.LINE,
        ),
    ] = ""
    location: Annotated[
        str,
        F(
            "Client's location",
            help="Asked at the start of every virtual session: where to send help.",
            max_length=200,
            widget=Widget.LINE,
        ),
    ] = ""
    others_present: Annotated[str, F("Others present", max_length=200, widget=Widget.LINE)] = ""
    objectives: Annotated[
        tuple[str, ...], F("Objectives", help="Numbers from the treatment plan, for example 1.2.1.")
    ] = ()
    presentation: Annotated[
        str, F("Presentation", widget=Widget.TEXT, required=True, help="What the client said and what you saw.")
    ] = ""
    intervention: Annotated[
        str, F("Intervention", widget=Widget.TEXT, required=True, help="What you did, with a verb.")
    ] = ""
    response: Annotated[
        str, F("Response", widget=Widget.TEXT, required=True, help="How the client took it; what changed.")
    ] = ""
    progress: Annotated[str, F("Progress", choices=PROGRESS, required=True)] = ""
    risk: Annotated[
        str, F("Risk reviewed", choices=RISK, required=True, help="Suicide, harm to others, self-harm, overdose.")
    ] = ""
    risk_action: Annotated[str, F("Risk action", widget=Widget.TEXT, help="Required when risk is present.")] = ""
    plan: Annotated[str, F("Plan", widget=Widget.TEXT, required=True, help="Homework, next appointment.")] = ""


def minutes(note: ProgressNote) -> int:
    """Length of the session in minutes; 0 where start or stop is missing or out of order."""
    if note.start is None or note.stop is None:
        return 0
    return max(0, (note.stop.hour * 60 + note.stop.minute) - (note.start.hour * 60 + note.start.minute))


def rules(note: ProgressNote, context: RuleContext) -> tuple[Finding, ...]:
    """What must be right before a note can be signed, and what deserves a second look."""
    found = []
    if note.start is not None and note.stop is not None and note.stop <= note.start:
        found.append(
            Finding(Severity.REFUSE, "stop_after_start", "The session stops before it starts.", "stop", "42 CFR 410.44")
        )
    if note.service_date is not None and note.service_date > context.today:
        found.append(Finding(Severity.REFUSE, "future", "The service date lies in the future.", "service_date"))
    if note.modality in ("video", "audio only") and not note.location:
        found.append(Finding(Severity.REFUSE, "location", "A virtual session needs the client's location.", "location"))
    if note.risk == "present" and not note.risk_action:
        found.append(Finding(Severity.REFUSE, "risk_action", "Risk is present: say what was done.", "risk_action"))
    if not note.objectives and note.session_type not in ("crisis", "off plan"):
        found.append(Finding(Severity.WARN, "objective", "No objective of the treatment plan is linked.", "objectives"))
    return tuple(found)


def title(note: ProgressNote) -> str:
    """One line for lists: first words, session type, modality."""
    first = (note.presentation or note.intervention).split("\n", 1)[0]
    parts = [first[:80], f"{note.session_type} session" if note.session_type else "session", note.modality]
    return " · ".join(part for part in parts if part)


def facts(note: ProgressNote) -> tuple[Fact, ...]:
    """Minutes of service, for the hours of a week."""
    length = minutes(note)
    return (Fact("minutes", note.service_date, float(length)),) if note.service_date and length else ()


class Addendum(Document, frozen=True, kw_only=True):
    """What is added to a signed note; the note itself stays as it was signed."""

    note: Annotated[str, F("Note", search=False, widget=Widget.HIDDEN)] = ""
    note_sha256: Annotated[str, F("Digest of the signed note", search=False, widget=Widget.HIDDEN)] = ""
    reason: Annotated[
        str, F("Reason", choices=("late information", "correction", "clarification", "other"), required=True)
    ] = ""
    text: Annotated[str, F("Addendum", widget=Widget.TEXT, required=True)] = ""
    written_on: Annotated[date | None, F("Written on", required=True)] = None


class ServiceLine(Document, frozen=True, kw_only=True):
    """The fixed fields of a signed note that billing may see: when, how long, which code."""

    service_date: Annotated[date, F("Service date", source="45 CFR 164.502(b)")]
    minutes: Annotated[int, F("Minutes", unit="min", ge=0, le=1440)]
    service_code: Annotated[str, F("Service code")] = ""
    modality: Annotated[str, F("Modality")] = ""
    session_type: Annotated[str, F("Session")] = ""


PROGRESS_NOTE: DocumentType[ProgressNote] = DocumentType(
    kind="progress_note",
    label="Progress note",
    struct=ProgressNote,
    compartment="IND",
    title=title,
    service_date=lambda note: note.service_date,
    rules=rules,
    signable=True,
    facts=facts,
    help="One session: what happened, what was done, how the client responded, what comes next."
    " Locked by its signature.",
)
ADDENDUM: DocumentType[Addendum] = DocumentType(
    kind="addendum",
    label="Addendum",
    struct=Addendum,
    compartment="IND",
    title=lambda d: f"Addendum: {d.text.splitlines()[0][:80] if d.text else ''}",
    service_date=lambda d: d.written_on,
    signable=True,
    help="What is added to a signed note. The signed text never changes.",
)
SERVICE_LINE: DocumentType[ServiceLine] = DocumentType(
    kind="service_line",
    label="Service line",
    struct=ServiceLine,
    compartment="PAY",
    title=lambda d: f"{d.minutes} min {d.service_code}".strip(),
    service_date=lambda d: d.service_date,
)
TYPES = (PROGRESS_NOTE, ADDENDUM, SERVICE_LINE)
