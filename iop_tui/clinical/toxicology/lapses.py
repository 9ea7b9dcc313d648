"""Lapses and the time between them. A lapse adds to the story and erases nothing: earlier streaks stay. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Annotated

from iop_tui.clinical.toxicology.words import OVERDOSE_RISK, SUBSTANCES, dates, punitive
from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity, Widget

KINDS = ("lapse", "return to use")
KNOWN_FROM = ("client", "drug screen", "collateral", "observation")
MILESTONES = (1, 7, 14, 30, 60, 90, 180, 270, 365, 730)
"""Days that people celebrate; what was reached once stays reached."""


class Lapse(Document, frozen=True, kw_only=True):
    """One return to use, however small: what happened, what helped, what it taught."""

    on: Annotated[date | None, F("Day", required=True)] = None
    at: Annotated[time | None, F("Time")] = None
    kind: Annotated[str, F("What", choices=KINDS, required=True)] = ""
    until: Annotated[date | None, F("Until", help="Last day of use, where it went on for days.")] = None
    substances: Annotated[tuple[str, ...], F("Substances", choices=SUBSTANCES, required=True)] = ()
    amount: Annotated[str, F("Amount", max_length=200, widget=Widget.LINE)] = ""
    trigger: Annotated[str, F("What came before", max_length=1000, help="Place, people, feeling.")] = ""
    step_used: Annotated[
        str, F("Step of the plan that was used", max_length=300, widget=Widget.LINE, help="As the plan words it.")
    ] = ""
    step_worked: Annotated[bool | None, F("Did it help")] = None
    alone: Annotated[bool | None, F("Alone")] = None
    overdose: Annotated[bool | None, F("Overdose")] = None
    naloxone_used: Annotated[bool | None, F("Naloxone used")] = None
    learned: Annotated[str, F("What was learned", widget=Widget.TEXT)] = ""
    next_steps: Annotated[str, F("What happens now", required=True, widget=Widget.TEXT)] = ""
    known_from: Annotated[str, F("Known from", choices=KNOWN_FROM, required=True)] = ""


def rules(lapse: Lapse, context: RuleContext) -> tuple[Finding, ...]:
    """Dates that can be, no blame, and what an overdose calls for."""
    found = [*dates(lapse.on, "on", context), *dates(lapse.until, "until", context)]
    if lapse.on and lapse.until and lapse.until < lapse.on:
        found.append(Finding(Severity.REFUSE, "reversed", "The last day lies before the first.", "until"))
    for name in ("trigger", "learned", "next_steps"):
        found += punitive(name, getattr(lapse, name))
    if lapse.overdose:
        message = "After an overdose: renew naloxone, review the relapse and the safety plan."
        found.append(Finding(Severity.WARN, "overdose", message, "overdose", "program rule"))
    if set(lapse.substances) & set(OVERDOSE_RISK) and lapse.naloxone_used is None:
        message = "Ask about naloxone: is it there, has it been used?"
        found.append(Finding(Severity.REMIND, "naloxone", message, "naloxone_used", "program rule"))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Streak:
    """Days without use, first and last included; `ended` says that use followed."""

    first: date
    last: date
    ended: bool

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class Timeline:
    """Recovery since a day: streaks and days of use, oldest first."""

    since: date
    until: date
    streaks: tuple[Streak, ...]
    used: frozenset[date]

    @property
    def days_without(self) -> int:
        """All days without use since the beginning: a lapse does not set this back."""
        return sum(streak.days for streak in self.streaks)

    @property
    def days_in_all(self) -> int:
        """Days since the beginning, today included."""
        return (self.until - self.since).days + 1

    @property
    def current(self) -> int:
        """Days of the streak that goes on."""
        return self.streaks[-1].days if self.streaks and not self.streaks[-1].ended else 0

    @property
    def longest(self) -> int:
        """Days of the longest streak."""
        return max((streak.days for streak in self.streaks), default=0)

    @property
    def milestones(self) -> tuple[int, ...]:
        """What was reached, in any streak."""
        return tuple(day for day in MILESTONES if self.longest >= day)


def timeline(since: date, lapses: Iterable[Lapse], today: date) -> Timeline:
    """The days since a beginning (last use before treatment, or admission), split by the lapses that fall into them."""
    used = frozenset(day for lapse in lapses for day in _days(lapse) if since <= day <= today)
    streaks, first, day = list[Streak](), None, since
    while day <= today:
        if day in used:
            if first is not None:
                streaks.append(Streak(first, day - timedelta(days=1), True))
            first = None
        elif first is None:
            first = day
        day += timedelta(days=1)
    if first is not None:
        streaks.append(Streak(first, today, False))
    return Timeline(since, today, tuple(streaks), used)


def _days(lapse: Lapse) -> list[date]:
    if lapse.on is None:
        return []
    last = max(lapse.until or lapse.on, lapse.on)
    return [lapse.on + timedelta(days=step) for step in range(min((last - lapse.on).days, 3660) + 1)]


LAPSE: DocumentType[Lapse] = DocumentType(
    kind="lapse",
    label="Lapse",
    struct=Lapse,
    compartment="IND",
    title=lambda lapse: f"{lapse.kind or 'lapse'}: {', '.join(lapse.substances) or 'not said'}",
    service_date=lambda lapse: lapse.on,
    rules=rules,
    help="A lapse is added to the timeline and takes nothing from it. It calls for a review of the relapse plan.",
)
