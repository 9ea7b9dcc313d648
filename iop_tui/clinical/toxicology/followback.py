"""Timeline follow-back: use day by day over the last weeks, remembered with a calendar.

After Sobell & Sobell 1992 (Timeline Follow-Back). The grid is a value; every key gives a new one. Heavy days after
NIAAA: 5 or more standard drinks for men, 4 or more for women; 4 where the sex is not known. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Annotated, TypeAlias

import msgspec

from iop_tui.clinical.toxicology.words import SUBSTANCES, dates
from iop_tui.kernel.declare import Document, DocumentType, F, Fact, Finding, RuleContext, Severity, Widget

_Amount: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=200)]
SOURCE = "Sobell & Sobell 1992"
UNITS = ("standard drinks", "times used", "grams", "cigarettes", "hours")
METHODS = ("calendar with the client", "by video", "on paper", "diary")
LONGEST = 366
HEAVY = {"male": 5, "female": 4}
DAY, WEEK = timedelta(days=1), timedelta(days=7)


class DayUse(Document, frozen=True, kw_only=True):
    """One day: how much; 0 is a day without use, no entry a day that is not remembered."""

    on: Annotated[date, F("Day")]
    amount: Annotated[_Amount, F("Amount")] = 0

    def shown(self) -> str:
        """`2026-03-09: 4`."""
        return f"{self.on.isoformat()}: {self.amount:g}"


class Anchor(Document, frozen=True, kw_only=True):
    """Something that helps to remember: a birthday, a pay day, a trip."""

    on: Annotated[date | None, F("Day")] = None
    what: Annotated[str, F("What", max_length=120, widget=Widget.LINE)] = ""

    def shown(self) -> str:
        """The day and what it was."""
        return f"{self.on.isoformat() if self.on else ''} {self.what}".strip()


class Followback(Document, frozen=True, kw_only=True):
    """One substance over one period."""

    substance: Annotated[str, F("Substance", choices=SUBSTANCES, required=True)] = ""
    unit: Annotated[str, F("Counted in", choices=UNITS, required=True)] = ""
    first: Annotated[date | None, F("From", required=True)] = None
    last: Annotated[date | None, F("Until", required=True)] = None
    method: Annotated[str, F("How", choices=METHODS, required=True)] = ""
    days: Annotated[tuple[DayUse, ...], F("Days", required=True, search=False, source=SOURCE)] = ()
    anchors: Annotated[tuple[Anchor, ...], F("Days that help to remember")] = ()
    remarks: Annotated[str, F("Remarks", widget=Widget.TEXT)] = ""


def rules(document: Followback, context: RuleContext) -> tuple[Finding, ...]:
    """A period that can be, days inside it, and what is not remembered."""
    found = [*dates(document.first, "first", context), *dates(document.last, "last", context)]
    first, last = document.first, document.last
    if first is None or last is None:
        return tuple(found)
    if last < first:
        found.append(Finding(Severity.REFUSE, "reversed", "The period ends before it begins.", "last"))
    if (last - first).days >= LONGEST:
        message = f"A follow-back covers at most {LONGEST} days."
        found.append(Finding(Severity.REFUSE, "too_long", message, "first", SOURCE))
    days = [each.on for each in document.days]
    if any(not first <= day <= last for day in days):
        found.append(Finding(Severity.REFUSE, "outside", "A day lies outside the period.", "days"))
    if len(set(days)) != len(days):
        found.append(Finding(Severity.REFUSE, "doubled", "A day stands in the list twice.", "days"))
    blank = (last - first).days + 1 - len(set(days))
    if blank > 0:
        message = f"{blank} {'day is' if blank == 1 else 'days are'} not remembered; they count as neither."
        found.append(Finding(Severity.WARN, "blank", message, "days", SOURCE))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a period comes to."""

    days: int
    known: int
    used: int
    heavy: int
    total: float

    @property
    def without_percent(self) -> float | None:
        """Days without use among the remembered ones, in percent."""
        return round(100 * (self.known - self.used) / self.known, 1) if self.known else None

    @property
    def per_day_of_use(self) -> float | None:
        """Amount on a day with use."""
        return round(self.total / self.used, 1) if self.used else None


def summary(document: Followback, sex: str = "") -> Summary:
    """Counts of a period; heavy days only where standard drinks are counted."""
    line = HEAVY.get(sex, min(HEAVY.values()))
    amounts = [each.amount for each in document.days]
    used = [amount for amount in amounts if amount > 0]
    heavy = sum(amount >= line for amount in used) if document.unit == UNITS[0] else 0
    days = (document.last - document.first).days + 1 if document.first and document.last else 0
    return Summary(days, len(amounts), len(used), heavy, round(sum(used), 2))


# -- the grid, one key at a time -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Grid:
    """A calendar being filled in: `amounts` of the days that are remembered, `typed` digits of the shown day."""

    first: date
    last: date
    at: date
    amounts: Mapping[date, float] = field(default_factory=dict)
    typed: str = ""

    @property
    def weeks(self) -> list[date]:
        """The Mondays of the weeks that are shown, newest last."""
        monday = self.first - timedelta(days=self.first.weekday())
        count = (self.last - monday).days // 7 + 1
        return [monday + WEEK * step for step in range(count)]


def grid(first: date, last: date, amounts: Mapping[date, float] | None = None) -> Grid:
    """A grid that starts at its last day: people remember backwards from today."""
    inside = {day: amount for day, amount in (amounts or {}).items() if first <= day <= last}
    return Grid(first, last, last, inside)


def move(here: Grid, days: int) -> Grid:
    """To another day of the period; typed digits are taken."""
    here = taken(here)
    wanted = here.at + timedelta(days=days)
    return replace(here, at=max(here.first, min(here.last, wanted)))


def digit(here: Grid, character: str) -> Grid:
    """One more digit (or the decimal point) of the shown day; amounts above 200 are not taken."""
    typed = here.typed + character
    if not (character.isdecimal() or (character == "." and here.typed and "." not in here.typed)) or len(typed) > 5:
        return here
    try:
        fits = float(typed) <= 200
    except ValueError:
        return here
    return replace(here, typed=typed) if fits else here


def taken(here: Grid) -> Grid:
    """The typed digits become the day's amount."""
    if not here.typed:
        return here
    return replace(here, amounts={**here.amounts, here.at: float(here.typed)}, typed="")


def put(here: Grid, amount: float | None) -> Grid:
    """An amount for the shown day, or None for not remembered; then the day before, as people remember."""
    amounts = {day: value for day, value in here.amounts.items() if day != here.at}
    if amount is not None:
        amounts[here.at] = amount
    return replace(here, amounts=amounts, typed="")


def week_before(here: Grid) -> Grid:
    """The shown day as the same weekday a week later: patterns repeat, and one remembers backwards."""
    later = here.amounts.get(here.at + WEEK)
    return put(here, later) if later is not None else here


def fill(here: Grid, amount: float = 0) -> Grid:
    """Every day that has no entry yet."""
    days = ((here.last - here.first).days + 1)
    blank = {here.first + DAY * step: amount for step in range(days)}
    return replace(taken(here), amounts={**blank, **taken(here).amounts})


def days_of(here: Grid) -> tuple[DayUse, ...]:
    """The remembered days as they are kept, oldest first."""
    done = taken(here)
    return tuple(DayUse(on=day, amount=amount) for day, amount in sorted(done.amounts.items()))


def _facts(document: Followback) -> tuple[Fact, ...]:
    """Days of use in a period, for trends."""
    if document.last is None or not document.days:
        return ()
    return (Fact(f"Days of {document.substance}", document.last, summary(document).used),)


FOLLOWBACK: DocumentType[Followback] = DocumentType(
    kind="timeline_followback",
    label="Timeline follow-back",
    struct=Followback,
    compartment="IND",
    title=lambda document: f"{document.substance}: {summary(document).used} of {summary(document).days} days",
    service_date=lambda document: document.last,
    rules=rules,
    facts=_facts,
    help="Use day by day, remembered with a calendar. Days that are not remembered stay blank.",
)
