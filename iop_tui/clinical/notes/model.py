"""Progress notes and addenda. Fields follow 42 CFR 410.44 and common payer manuals; formats are views of the same
fields.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated

import msgspec

from iop_tui.clinical.notes import rules as judging
from iop_tui.clinical.notes.mental import MentalStatus
from iop_tui.clinical.notes.telehealth import Telehealth
from iop_tui.clinical.notes.upgrades import progress_note_from_1
from iop_tui.kernel.declare import Document, DocumentType, F, Fact, Widget

MODALITIES = ("in person", "video", "audio only")
PROGRESS = ("none", "minimal", "moderate", "substantial", "regressed")
RISK = ("denied", "present")
RISKS = ("suicidal ideation", "harm to others", "self-harm", "overdose")
VIOLENCE = ("risk reviewed", "not asked today")
SESSION_TYPES = ("individual", "family", "case management", "crisis", "off plan", "group")
PARTICIPANTS = ("client", "partner", "collateral")
METHODS = (
    "CBT", "DBT", "MI", "trauma-informed", "CRA", "12-step", "family", "psychoeducation", "mindfulness", "MAT", "other",
)  # fmt: skip
BAM_SOURCE = "Brief Addiction Monitor: Use 0-12, Risk 0-24, Protective 0-24"

_Phq9 = Annotated[int, msgspec.Meta(ge=0, le=27)]
_Gad7 = Annotated[int, msgspec.Meta(ge=0, le=21)]
_BamUse = Annotated[int, msgspec.Meta(ge=0, le=12)]
_Bam = Annotated[int, msgspec.Meta(ge=0, le=24)]
_Pcl5 = Annotated[int, msgspec.Meta(ge=0, le=80)]


class ProgressNote(Document, frozen=True, kw_only=True):
    """One session with one person."""

    service_date: Annotated[date | None, F("Service date", required=True, help="The day of the session.")] = None
    start: Annotated[time | None, F("Start", required=True)] = None
    stop: Annotated[time | None, F("Stop", required=True)] = None
    session_type: Annotated[str, F("Session", choices=SESSION_TYPES, required=True)] = "individual"
    modality: Annotated[str, F("Modality", choices=MODALITIES, required=True, widget=Widget.KEYS)] = ""
    service_code: Annotated[
        str, F("Service code", help="The clinic's own code list; HCPCS where one applies.", max_length=20,
               widget=Widget.LINE)
    ] = ""  # fmt: skip
    location: Annotated[
        str, F("Place", help="Where you met, in person. In a virtual session the telehealth block says it.",
               max_length=200, widget=Widget.LINE)
    ] = ""  # fmt: skip
    participants: Annotated[
        tuple[str, ...], F("Participants", choices=PARTICIPANTS, required=True, help="Who took part, and as what.")
    ] = ("client",)
    others_present: Annotated[
        str, F("Who they are", help="Name or relationship of a partner or collateral.", max_length=200,
               widget=Widget.LINE)
    ] = ""  # fmt: skip
    telehealth: Annotated[
        Telehealth | None, F("Telehealth", help="Asked at the start of every virtual session.", search=False)
    ] = None
    objectives: Annotated[
        tuple[str, ...], F("Objectives", help="Of the treatment plan: type # in any text, or Enter here.")
    ] = ()
    off_plan_reason: Annotated[
        str, F("Off-plan reason", help="Why this session served no objective: a crisis, the time before the plan …",
               max_length=300, widget=Widget.LINE)
    ] = ""  # fmt: skip
    presentation: Annotated[
        str, F("Presentation", widget=Widget.TEXT, required=True, help="What the client said and what you saw.")
    ] = ""
    mental_status: Annotated[MentalStatus | None, F("Mental status", required=True, search=False)] = None
    methods: Annotated[
        tuple[str, ...], F("Methods", choices=METHODS, required=True, help="What kind of work it was.")
    ] = ()
    intervention: Annotated[
        str, F("Intervention", widget=Widget.TEXT, required=True, help="What you did, with a verb.")
    ] = ""
    response: Annotated[
        str, F("Response", widget=Widget.TEXT, required=True, help="How the client took it; what changed.")
    ] = ""
    progress: Annotated[str, F("Progress", choices=PROGRESS, required=True, widget=Widget.KEYS)] = ""
    risk: Annotated[
        str, F("Risk", choices=RISK, required=True, widget=Widget.KEYS,
               help="Suicidal ideation, harm to others, self-harm, overdose: all denied, or what is present.")
    ] = ""  # fmt: skip
    risk_present: Annotated[
        tuple[str, ...], F("What is present", choices=RISKS, help="What is not marked was denied.")
    ] = ()
    risk_action: Annotated[
        str, F("Action, disposition", widget=Widget.TEXT, help="Required when risk is present: what was done, how the"
               " client left.")
    ] = ""  # fmt: skip
    supervisor_notice: Annotated[
        str, F("Supervisor told", help="Required when risk is present: who, when.", max_length=200, widget=Widget.LINE)
    ] = ""
    partner_violence: Annotated[
        str, F("Partner violence", choices=VIOLENCE, required=True, widget=Widget.KEYS, source="program rule CR-13",
               help="Asked alone? What was said belongs to the safety record, never here.")
    ] = ""  # fmt: skip
    phq9: Annotated[_Phq9 | None, F("PHQ-9", help="0 to 27.", source="LOINC 44261-6")] = None
    gad7: Annotated[_Gad7 | None, F("GAD-7", help="0 to 21.", source="LOINC 70274-6")] = None
    bam_use: Annotated[_BamUse | None, F("BAM use", help="0 to 12.", source=BAM_SOURCE)] = None
    bam_risk: Annotated[_Bam | None, F("BAM risk", help="0 to 24.", source=BAM_SOURCE)] = None
    bam_protective: Annotated[_Bam | None, F("BAM protective", help="0 to 24.", source=BAM_SOURCE)] = None
    pcl5: Annotated[_Pcl5 | None, F("PCL-5", help="0 to 80.", source="LOINC 102008-1")] = None
    drug_screen: Annotated[str, F("Drug screen", max_length=300, widget=Widget.LINE)] = ""
    medication_changes: Annotated[str, F("Medication changes", max_length=500, widget=Widget.LINE)] = ""
    plan: Annotated[str, F("Plan", widget=Widget.TEXT, required=True, help="Homework and what comes next.")] = ""
    next_appointment: Annotated[datetime | None, F("Next appointment")] = None


def minutes(note: ProgressNote) -> int:
    """Length of the session in minutes; 0 where start or stop is missing or out of order."""
    if note.start is None or note.stop is None:
        return 0
    return max(0, (note.stop.hour * 60 + note.stop.minute) - (note.start.hour * 60 + note.start.minute))


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
    rules=judging.rules,
    signable=True,
    version=2,
    upgrades={1: progress_note_from_1},
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
