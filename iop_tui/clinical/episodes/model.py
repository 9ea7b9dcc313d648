"""Intake assessment, continuing-care plan, discharge summary.

Sources: 42 CFR 410.44 (need for the level of care), S.D. Admin. R. 67:61:07:10, Ga. R. 111-8-19-.17,
77 Ill. Adm. Code 2060.480, 26 TAC 564.805 (discharge).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, TypeAlias

import msgspec

from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity, Widget

_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
_Phq9: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=27)]
_Bandwidth = ("tested, works", "tested, poor", "not tested")
TRAUMA = ("asked, none reported", "asked, reported", "not asked today", "declined to answer")
REASONS = (
    "completed", "step-down", "step-up", "transfer", "client left against advice", "lost contact", "administrative",
    "payer denial", "incarceration", "medical", "death",
)  # fmt: skip
FAMILY = ("included", "client does not want it", "not possible", "not appropriate")
FINAL = ("met", "partly", "deferred", "revised", "discontinued")
TRIES = 2
FIRST_APPOINTMENT = timedelta(days=7)
RECENT = timedelta(days=7)
_DISCHARGE = "26 TAC 564.805; 77 Ill. Adm. Code 2060.480"


class IntakeAssessment(Document, frozen=True, kw_only=True):
    """Who comes, why now, what was tried, what is there to build on, and which level of care fits."""

    admitted: Annotated[date | None, F("Admitted on", required=True)] = None
    assessed: Annotated[date | None, F("Assessed on", required=True)] = None
    presenting: Annotated[str, F("Why now, in the client's words", widget=Widget.TEXT, required=True)] = ""
    substances: Annotated[
        str, F("Substance use", widget=Widget.TEXT, required=True, help="What, how much, since when.")
    ] = ""
    last_use: Annotated[date | None, F("Last use")] = None
    mental_health: Annotated[str, F("Mental health", widget=Widget.TEXT, required=True)] = ""
    medical: Annotated[str, F("Medical history", widget=Widget.TEXT, required=True)] = ""
    medications: Annotated[str, F("Medications and allergies", widget=Widget.TEXT, required=True)] = ""
    treatment_history: Annotated[str, F("Earlier treatment", widget=Widget.TEXT, required=True)] = ""
    family: Annotated[str, F("Family and relationships", widget=Widget.TEXT, required=True)] = ""
    work: Annotated[str, F("Work and education", widget=Widget.TEXT)] = ""
    housing: Annotated[str, F("Housing", widget=Widget.TEXT, required=True)] = ""
    legal: Annotated[str, F("Legal", widget=Widget.TEXT)] = ""
    culture: Annotated[str, F("Culture and language", widget=Widget.TEXT)] = ""
    trauma: Annotated[str, F("Trauma", choices=TRAUMA, required=True)] = ""
    strengths: Annotated[tuple[str, ...], F("Strengths", required=True)] = ()
    needs: Annotated[tuple[str, ...], F("Needs", required=True)] = ()
    preferences: Annotated[tuple[str, ...], F("Preferences")] = ()
    supports: Annotated[tuple[str, ...], F("Supports")] = ()
    mental_status: Annotated[str, F("Mental status", widget=Widget.TEXT, required=True)] = ""
    risk_reviewed: Annotated[bool | None, F("Risk assessment done", required=True)] = None
    impression: Annotated[str, F("Diagnostic impression", widget=Widget.TEXT, required=True)] = ""
    level: Annotated[str, F("Level of care recommended", required=True, max_length=40, widget=Widget.LINE)] = ""
    necessity: Annotated[
        str, F("Why this level", widget=Widget.TEXT, required=True, source="42 CFR 410.44",
               help="Functional impairment, what a lower level could not do.")
    ] = ""  # fmt: skip
    device: Annotated[bool | None, F("Own device", required=True)] = None
    audio_video: Annotated[bool | None, F("Camera, microphone, headphones tried", required=True)] = None
    connection: Annotated[str, F("Connection", choices=_Bandwidth, required=True)] = ""
    private_place: Annotated[bool | None, F("Private place", required=True)] = None
    backup_phone: Annotated[str, F("Backup phone", required=True, max_length=60, widget=Widget.LINE)] = ""
    emergency_place: Annotated[
        str, F("Nearest emergency department", required=True, max_length=200, widget=Widget.LINE)
    ] = ""
    telehealth_consent: Annotated[bool | None, F("Telehealth consent", required=True)] = None
    told_reporting: Annotated[
        bool | None,
        F("Told how to report suspicious access", required=True, source="45 CFR 164.530",
          help="Somebody in the session, messages read by others, a call about the record: whom they tell, and how."),
    ] = None  # fmt: skip


def intake_rules(document: IntakeAssessment, context: RuleContext) -> tuple[Finding, ...]:
    """Dates that cannot be, and a start that is not safe yet."""
    found = []
    for name in ("admitted", "assessed", "last_use"):
        value = getattr(document, name)
        if value is not None and value > context.today:
            found.append(Finding(Severity.REFUSE, "future", "The date lies in the future.", name))
    for name, words in (("private_place", "a private place"), ("device", "a device of the client's own"),
                        ("telehealth_consent", "a telehealth consent"),
                        ("told_reporting", "whom the client tells of suspicious access")):  # fmt: skip
        if getattr(document, name) is False:
            message = f"Before the first virtual session: {words}."
            found.append(Finding(Severity.WARN, f"no_{name}", message, name, "program rule: telehealth readiness"))
    if document.risk_reviewed is False:
        found.append(Finding(Severity.REFUSE, "risk", "Intake includes a risk assessment.", "risk_reviewed"))
    return tuple(found)


class Appointment(Document, frozen=True, kw_only=True):
    """Where care goes on: with whom, when, and whether they know."""

    with_whom: Annotated[str, F("With", max_length=200, widget=Widget.LINE)] = ""
    on: Annotated[date | None, F("On")] = None
    confirmed: Annotated[bool, F("Confirmed")] = False

    def shown(self) -> str:
        """`Dr. Vale, 2026-04-02, confirmed`."""
        when = self.on.isoformat() if self.on else "no date"
        return f"{self.with_whom}, {when}, {'confirmed' if self.confirmed else 'not confirmed'}"


class ContinuingCarePlan(Document, frozen=True, kw_only=True):
    """What carries the person on after this program: made with them, before they leave."""

    planned: Annotated[date | None, F("Made on", required=True)] = None
    discharge: Annotated[date | None, F("Planned discharge", required=True)] = None
    strategies: Annotated[
        tuple[str, ...], F("Against recurrence", required=True, source="77 Ill. Adm. Code 2060.480")
    ] = ()
    re_entry: Annotated[str, F("How to come back", required=True, max_length=1000)] = ""
    appointments: Annotated[tuple[Appointment, ...], F("Appointments", required=True)] = ()
    supports: Annotated[tuple[str, ...], F("Peer and recovery supports", required=True)] = ()
    accountability: Annotated[tuple[str, ...], F("Courts, employers and others who expect reports")] = ()
    medications: Annotated[
        str, F("Medication supply", required=True, help="Until when; who refills.", max_length=1000)
    ] = ""
    relapse_plan: Annotated[bool | None, F("Relapse-prevention plan renewed", required=True)] = None
    safety_plan: Annotated[bool | None, F("Safety plan renewed", required=True)] = None
    barriers: Annotated[tuple[str, ...], F("Barriers")] = ()
    check_ins: Annotated[tuple[str, ...], F("Check-ins", required=True, help="When the program asks how it goes.")] = ()
    participation: Annotated[str, F("How the client took part", required=True, max_length=2000)] = ""
    copy_given: Annotated[bool | None, F("Copy given", required=True, source="26 TAC 564.805(h)")] = None
    family: Annotated[
        str, F("Family or support system", choices=FAMILY, required=True, source="26 TAC 564.805(d)")
    ] = ""
    family_reason: Annotated[str, F("Why not", max_length=1000)] = ""


def continuing_rules(document: ContinuingCarePlan, context: RuleContext) -> tuple[Finding, ...]:
    """Made before discharge, first appointment within 7 days, family or a reason."""
    found = []
    if document.planned and document.planned > context.today:
        found.append(Finding(Severity.REFUSE, "future", "The plan lies in the future.", "planned"))
    if document.planned and document.discharge and document.planned > document.discharge:
        message = "The plan is made before the discharge: say in an addendum why it was not."
        found.append(Finding(Severity.WARN, "after_discharge", message, "planned", "26 TAC 564.805(e)"))
    dates = [item.on for item in document.appointments if item.on is not None]
    if document.discharge and document.appointments and not _soon(dates, document.discharge):
        message = "The first appointment is due within 7 days of discharge."
        found.append(Finding(Severity.WARN, "appointment", message, "appointments", "program rule"))
    if any(not item.with_whom.strip() or item.on is None for item in document.appointments):
        message = "An appointment needs with whom and when."
        found.append(Finding(Severity.REFUSE, "appointment_open", message, "appointments"))
    return (*found, *_family(document.family, document.family_reason))


def _soon(dates: list[date], discharge: date) -> bool:
    return bool(dates) and min(dates) <= discharge + FIRST_APPOINTMENT


def _family(answer: str, reason: str) -> tuple[Finding, ...]:
    if answer in ("not possible", "not appropriate") and not reason.strip():
        message = "Say why family or support was not included."
        return (Finding(Severity.REFUSE, "family", message, "family_reason", "37 TAC 353.314(b)"),)
    return ()


class ServiceCount(Document, frozen=True, kw_only=True):
    """How much of one service was given, counted from signed notes."""

    type: Annotated[str, F("Service", max_length=80, widget=Widget.LINE)] = ""
    sessions: Annotated[_Count, F("Sessions")] = 0
    minutes: Annotated[_Count, F("Minutes", unit="min")] = 0

    def shown(self) -> str:
        """`individual: 12 sessions, 9.5 h`."""
        return f"{self.type}: {self.sessions} session{'' if self.sessions == 1 else 's'}, {self.minutes / 60:g} h"


class FinalStatus(Document, frozen=True, kw_only=True):
    """Where an objective ended."""

    id: Annotated[str, F("Id", search=False, widget=Widget.HIDDEN)] = ""
    number: Annotated[str, F("Number", max_length=20, widget=Widget.LINE)] = ""
    text: Annotated[str, F("Objective", max_length=2000)] = ""
    status: Annotated[str, F("Final status", choices=FINAL)] = ""
    comment: Annotated[str, F("Progress", max_length=2000)] = ""

    def shown(self) -> str:
        """`1.2.1 met: 6 of 7 days`."""
        return f"{self.number} {self.status}: {self.comment or self.text}"


class Attempt(Document, frozen=True, kw_only=True):
    """One try to reach a person who stayed away."""

    on: Annotated[date | None, F("On")] = None
    how: Annotated[str, F("How", max_length=100, widget=Widget.LINE)] = ""
    result: Annotated[str, F("Result", max_length=300, widget=Widget.LINE)] = ""

    def shown(self) -> str:
        """`2026-04-02 call: no answer`."""
        return f"{self.on.isoformat() if self.on else 'no date'} {self.how}: {self.result}"


class DischargeSummary(Document, frozen=True, kw_only=True):
    """The course of treatment in one document."""

    admitted: Annotated[date | None, F("Admitted on", required=True)] = None
    discharged: Annotated[date | None, F("Discharged on", required=True)] = None
    level_in: Annotated[str, F("Level of care at admission", required=True, max_length=40, widget=Widget.LINE)] = ""
    level_out: Annotated[str, F("Level of care at discharge", required=True, max_length=40, widget=Widget.LINE)] = ""
    diagnoses_in: Annotated[tuple[str, ...], F("Diagnoses at admission", required=True)] = ()
    diagnoses_out: Annotated[tuple[str, ...], F("Diagnoses at discharge", required=True)] = ()
    services: Annotated[tuple[ServiceCount, ...], F("Services given", required=True)] = ()
    needs_admission: Annotated[str, F("Needs at admission", widget=Widget.TEXT, required=True)] = ""
    needs_during: Annotated[str, F("Needs during treatment", widget=Widget.TEXT, required=True)] = ""
    needs_discharge: Annotated[str, F("Needs at discharge", widget=Widget.TEXT, required=True)] = ""
    objectives: Annotated[tuple[FinalStatus, ...], F("Goals and objectives", source=_DISCHARGE)] = ()
    reason: Annotated[str, F("Reason", choices=REASONS, required=True)] = ""
    attempts: Annotated[
        tuple[Attempt, ...], F("Tries to re-engage", help="At least two when contact was lost.",
                               source="S.D. Admin. R. 67:61:07:10")
    ] = ()  # fmt: skip
    risk: Annotated[str, F("Risk at discharge", required=True, max_length=1000)] = ""
    substance_use: Annotated[str, F("Substance use at discharge", required=True, max_length=1000)] = ""
    medications: Annotated[str, F("Medications at discharge", required=True, max_length=1000)] = ""
    housing: Annotated[str, F("Housing at discharge", required=True, max_length=1000)] = ""
    support: Annotated[str, F("Support at discharge", required=True, max_length=1000)] = ""
    cssrs_on: Annotated[date | None, F("Last C-SSRS", help="Within 7 days of discharge.")] = None
    phq9: Annotated[_Phq9 | None, F("Last PHQ-9")] = None
    phq9_on: Annotated[date | None, F("PHQ-9 on", help="Within 7 days of discharge.")] = None
    referrals: Annotated[tuple[str, ...], F("Referrals and recommendations")] = ()
    participation: Annotated[str, F("How the client took part", required=True, max_length=2000)] = ""
    copy_given: Annotated[bool | None, F("Copy given", required=True)] = None
    family: Annotated[str, F("Family or support system", choices=FAMILY, required=True)] = ""
    family_reason: Annotated[str, F("Why not", max_length=1000)] = ""


_UNSEEN = ("lost contact", "death", "incarceration")


def discharge_rules(document: DischargeSummary, context: RuleContext) -> tuple[Finding, ...]:
    """Every objective ended, tries to re-engage where contact was lost, scores of the last week."""
    found = list(_family(document.family, document.family_reason))
    if document.discharged and document.discharged > context.today:
        found.append(Finding(Severity.REFUSE, "future", "The discharge lies in the future.", "discharged"))
    if document.admitted and document.discharged and document.discharged < document.admitted:
        message = "The discharge lies before the admission."
        found.append(Finding(Severity.REFUSE, "dates_reversed", message, "discharged"))
    done = sum(item.on is not None and bool(item.how.strip()) for item in document.attempts)
    if document.reason == "lost contact" and done < TRIES:
        message = "Contact was lost: document at least two tries to re-engage."
        found.append(Finding(Severity.REFUSE, "attempts", message, "attempts", "S.D. Admin. R. 67:61:07:10"))
    return (*found, *_objectives(document, context), *_scores(document))


def _objectives(document: DischargeSummary, context: RuleContext) -> list[Finding]:
    """`plan_objectives` of the context are (id, number) of the plan's objectives."""
    ended = {item.id for item in document.objectives if item.status}
    expected: tuple[tuple[str, str], ...] = context.facts.get("plan_objectives", ())
    missing = [number for identifier, number in expected if identifier not in ended]
    missing += [item.number for item in document.objectives if not item.status and item.number not in missing]
    if not missing:
        return []
    message = f"Objectives without a final status: {', '.join(missing)}."
    return [Finding(Severity.REFUSE, "final_status", message, "objectives", _DISCHARGE)]


def _scores(document: DischargeSummary) -> list[Finding]:
    if document.discharged is None or document.reason in _UNSEEN:
        return []
    found = []
    for name, label in (("cssrs_on", "C-SSRS"), ("phq9_on", "PHQ-9")):
        taken: date | None = getattr(document, name)
        if taken is None or not timedelta(0) <= document.discharged - taken <= RECENT:
            message = f"There is no {label} within 7 days before discharge."
            found.append(Finding(Severity.WARN, "score_old", message, name, "program rule"))
    if document.phq9_on is not None and document.phq9 is None:
        found.append(Finding(Severity.REFUSE, "score", "PHQ-9 has a date but no score.", "phq9"))
    return found


INTAKE_ASSESSMENT: DocumentType[IntakeAssessment] = DocumentType(
    kind="intake_assessment",
    label="Intake assessment",
    struct=IntakeAssessment,
    compartment="IND",
    title=lambda document: f"Intake assessment · level {document.level}" if document.level else "Intake assessment",
    service_date=lambda document: document.assessed,
    rules=intake_rules,
    signable=True,
    help="The whole person at admission, the level of care that fits, and whether the home is ready for sessions.",
)
CONTINUING_CARE_PLAN: DocumentType[ContinuingCarePlan] = DocumentType(
    kind="continuing_care_plan",
    label="Continuing-care plan",
    struct=ContinuingCarePlan,
    compartment="IND",
    title=lambda document: f"Continuing-care plan, {len(document.appointments)} appointments",
    service_date=lambda document: document.planned,
    rules=continuing_rules,
    signable=True,
    help="Made with the client before discharge; signed by both.",
)
DISCHARGE_SUMMARY: DocumentType[DischargeSummary] = DocumentType(
    kind="discharge_summary",
    label="Discharge summary",
    struct=DischargeSummary,
    compartment="IND",
    title=lambda document: f"Discharge summary · {document.reason}" if document.reason else "Discharge summary",
    service_date=lambda document: document.discharged,
    rules=discharge_rules,
    signable=True,
    help="The course of treatment, where every objective ended, how the person leaves.",
)
TYPES: tuple[DocumentType[Any], ...] = (INTAKE_ASSESSMENT, CONTINUING_CARE_PLAN, DISCHARGE_SUMMARY)
