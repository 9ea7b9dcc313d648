"""Check-ins after discharge: when, how often tried, what was heard, what follows. Pure.

Three tries, then the check-in is closed; a voicemail never says more than that somebody called.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Annotated, Any

from iop_tui.clinical.relapse.api import CHECK_INS, DAYS_OF
from iop_tui.clinical.toxicology.api import dates, punitive
from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity, Widget

TRIES = 3
SOURCE = "program rule: check-ins"
WAYS = ("phone", "text message", "video", "letter")
REACHED = "reached"
OUTCOMES = (REACHED, "no answer", "voicemail, neutral", "wrong number", "asked not to be called")
USE = ("no use", "lapse", "return to use", "not asked")
REFERRALS = (
    "none", "individual therapy", "back to the program", "detoxification", "emergency department", "peer support",
    "prescriber", "other",
)  # fmt: skip
CLOSED = ("reached", "three tries", "client ended it", "came back to the program")


class Attempt(Document, frozen=True, kw_only=True):
    """One try to reach somebody."""

    on: Annotated[date | None, F("Day")] = None
    at: Annotated[time | None, F("Time")] = None
    how: Annotated[str, F("How", choices=WAYS)] = ""
    outcome: Annotated[str, F("Outcome", choices=OUTCOMES)] = ""

    def shown(self) -> str:
        """`2026-03-12 17:30 phone: no answer`."""
        clock = self.at.strftime("%H:%M") if self.at else ""
        when = " ".join(part for part in (self.on.isoformat() if self.on else "", clock, self.how) if part)
        return f"{when}: {self.outcome}"


class Schedule(Document, frozen=True, kw_only=True):
    """When somebody is asked how they are after the program, and how they may be reached."""

    discharged: Annotated[date | None, F("Discharged on", required=True)] = None
    cadence: Annotated[tuple[str, ...], F("Check-ins", choices=CHECK_INS, required=True, help="At least one.")] = ()
    agreed: Annotated[bool | None, F("Client agreed to be called", required=True, source="45 CFR 164.522(b)")] = None
    contact: Annotated[
        str, F("How to reach them safely", required=True, max_length=300, help="Number, times, voicemail or not.")
    ] = ""
    ended: Annotated[date | None, F("Ended on", help="The client wants no further calls, or came back.")] = None


class CheckIn(Document, frozen=True, kw_only=True):
    """One check-in: tries, what was heard, what follows."""

    schedule: Annotated[str, F("Schedule", search=False, widget=Widget.HIDDEN)] = ""
    due: Annotated[date | None, F("Due", required=True)] = None
    attempts: Annotated[tuple[Attempt, ...], F("Tries", required=True, help="Three, then it is closed.")] = ()
    use: Annotated[str, F("Use since then", choices=USE)] = ""
    step_used: Annotated[
        str, F("Step of the plan that was used", max_length=300, widget=Widget.LINE, help="As the plan words it.")
    ] = ""
    step_worked: Annotated[bool | None, F("Did it help")] = None
    said: Annotated[str, F("What was said", widget=Widget.TEXT)] = ""
    referral: Annotated[str, F("Referred to", choices=REFERRALS)] = ""
    referred_on: Annotated[date | None, F("Referred on")] = None
    closed: Annotated[str, F("Closed", choices=CLOSED)] = ""

    @property
    def reached(self) -> bool:
        """Whether somebody was spoken to."""
        return any(attempt.outcome == REACHED for attempt in self.attempts)


def schedule_rules(schedule: Schedule, context: RuleContext) -> tuple[Finding, ...]:
    """Only with agreement, and only after a discharge that took place."""
    found = list(dates(schedule.ended, "ended", context))
    born = context.facts.get("birth_date")
    if schedule.discharged and isinstance(born, date) and schedule.discharged < born:
        found.append(_refuse("before_birth", "The date lies before the person's birth.", "discharged"))
    if schedule.agreed is False:
        found.append(_refuse("agreed", "Without agreement nobody is called.", "agreed", "45 CFR 164.522(b)"))
    if schedule.discharged and schedule.ended and schedule.ended < schedule.discharged:
        found.append(_refuse("reversed", "The end lies before the discharge.", "ended"))
    return tuple(found)


def _refuse(code: str, message: str, field: str, source: str = SOURCE) -> Finding:
    return Finding(Severity.REFUSE, code, message, field, source)


def rules(document: CheckIn, context: RuleContext) -> tuple[Finding, ...]:
    """What was heard belongs to a try that reached somebody; three tries close it; return to use needs a referral."""
    found: list[Finding] = []
    for attempt in document.attempts:
        found += dates(attempt.on, "attempts", context)
        if attempt.on is None or not attempt.how or not attempt.outcome:
            found.append(_refuse("attempt", "Every try has a day, a way and an outcome.", "attempts"))
    found += [*_heard(document), *_closing(document), *punitive("said", document.said)]
    return tuple(found)


def _heard(document: CheckIn) -> list[Finding]:
    found = []
    if document.reached and not document.use:
        found.append(_refuse("use", "Ask about use since then, or say that it was not asked.", "use"))
    if not document.reached and (document.use or document.step_used.strip()):
        found.append(_refuse("not_reached", "Nobody was reached: there is nothing that was said.", "use"))
    if document.use in USE[1:3] and not document.step_used.strip():
        message = "Which step of the plan was used? Ask, also when it did not help."
        found.append(Finding(Severity.REMIND, "step", message, "step_used", SOURCE))
    if document.use == USE[2] and document.referral in ("", "none"):
        found.append(_refuse("referral", "After a return to use say what was offered.", "referral"))
    if document.referral not in ("", "none") and document.referred_on is None:
        found.append(_refuse("referred_on", "Say when the referral was made.", "referred_on"))
    return found


def _closing(document: CheckIn) -> list[Finding]:
    found = []
    tries = len(document.attempts)
    if document.closed == CLOSED[1] and (tries < TRIES or document.reached):
        found.append(_refuse("too_early", f"Closed after {TRIES} tries; there were {tries}.", "closed"))
    if document.closed == CLOSED[0] and not document.reached:
        found.append(_refuse("closed", "Nobody was reached yet.", "closed"))
    if tries >= TRIES and not document.reached and not document.closed:
        message = f"{TRIES} tries without an answer: close the check-in, the next one stays."
        found.append(_refuse("close", message, "closed"))
    if document.reached and not document.closed:
        found.append(_refuse("close", "Somebody was reached: close the check-in.", "closed"))
    if any(attempt.outcome == OUTCOMES[4] for attempt in document.attempts) and not document.closed:
        found.append(_refuse("close", "Who asks not to be called is not called again: close it.", "closed"))
    return found


@dataclass(frozen=True, slots=True)
class Owed:
    """A check-in that is not closed yet: its day, the tries so far, its record if one was begun."""

    due: date
    tries: int
    record: bytes


def owed(schedule: Schedule, done: Iterable[tuple[bytes, CheckIn]]) -> list[Owed]:
    """The check-ins of a schedule that are not closed, in order."""
    if schedule.discharged is None or not schedule.agreed:
        return []
    known = {check.due: (record, check) for record, check in done if check.due}
    found = []
    for name in CHECK_INS:
        day = schedule.discharged + timedelta(days=DAYS_OF[name])
        record, check = known.get(day, (b"", None))
        if name in schedule.cadence and not (check and check.closed) and not (schedule.ended and day > schedule.ended):
            found.append(Owed(day, len(check.attempts) if check else 0, record))
    return found


SCHEDULE: DocumentType[Schedule] = DocumentType(
    kind="checkin_schedule",
    label="Check-in schedule",
    struct=Schedule,
    compartment="IND",
    title=lambda schedule: f"Check-ins: {', '.join(schedule.cadence) or 'none'}",
    service_date=lambda schedule: schedule.discharged,
    rules=schedule_rules,
    help="Made at discharge with the client: when they are asked how they are, and how they may be reached.",
)
CHECK_IN: DocumentType[CheckIn] = DocumentType(
    kind="check_in",
    label="Check-in",
    struct=CheckIn,
    compartment="IND",
    title=lambda check: f"Check-in {check.closed or f'{len(check.attempts)} tries'}"
    + (f", {check.use}" if check.use else ""),
    service_date=lambda check: check.due,
    rules=rules,
    help="Three tries, then it is closed. A message says no more than that somebody called.",
)
TYPES: tuple[DocumentType[Any], ...] = (SCHEDULE, CHECK_IN)
