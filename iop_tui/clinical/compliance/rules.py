"""Rule packs as values, and what follows from them for one person: due dates, hours, code times. Pure.

Every result names the rule and its citation, and says whether anybody with a licence reviewed the pack.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import msgspec

from iop_tui.clinical.compliance.calendars import HOLIDAYS, add_business_days, add_months
from iop_tui.kernel.errors import InputRejected

KINDS = ("default", "federal", "state", "payer")
DEFAULT = "default"
WHATS = (
    "treatment plan", "plan review", "progress note", "late entry", "risk assessment", "discharge summary",
    "continuing-care plan", "physician certification", "continued stay", "utilisation packet", "breach notice",
)  # fmt: skip
STARTS = (
    "admission", "first contact", "last plan", "service", "last risk", "discharge", "last certification",
    "last authorization", "last covered day", "discovery",
)  # fmt: skip
TAGS = (
    "adult", "minor", "medicare", "azch", "crisis", "assessed", "not assessed", "completed", "not completed",
)  # fmt: skip
ADULT = 18


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every rule has: for which levels and circumstances, since when, and where it is written."""

    id: str
    citation: str
    levels: tuple[str, ...] = ()
    when: tuple[str, ...] = ()
    effective: date | None = None
    until: date | None = None

    def speaks(self, level: str, tags: frozenset[str], on: date) -> bool:
        """Whether the rule applies to a level and circumstances on a day."""
        in_time = (self.effective is None or on >= self.effective) and (self.until is None or on <= self.until)
        return in_time and (not self.levels or level in self.levels) and tags.issuperset(self.when)


class Deadline(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By when something is to be done, counted from an event."""

    what: str
    start: str
    days: int | None = None
    business_days: int | None = None
    months: int | None = None
    contacts: int | None = None
    combine: str = "earliest"


class Hours(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hours a week of a level of care."""

    low: float
    high: float


class Day(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a billable day (and week) needs at least."""

    least_hours: float
    least_days: int = 0
    codes: tuple[str, ...] = ()


class CodeTime(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Minutes that a service code stands for."""

    code: str
    low: int
    high: int
    citation: str


class Pack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule pack as its file has it."""

    id: str
    name: str
    kind: str
    version: str
    reviewed: bool
    about: str = ""
    reviewed_by: str = ""
    holidays: str = ""
    deadline: tuple[Deadline, ...] = ()
    hours: tuple[Hours, ...] = ()
    day: tuple[Day, ...] = ()
    code_time: tuple[CodeTime, ...] = ()


def check_pack(pack: Pack, file: str = "") -> Pack:
    """The pack itself. Raises `InputRejected` naming the rule that makes no sense."""
    rules: tuple[Rule, ...] = (*pack.deadline, *pack.hours, *pack.day)
    problems = [_problem(rule) for rule in rules]
    if pack.kind not in KINDS or pack.holidays not in HOLIDAYS:
        problems.append(f"the pack {pack.id} has an unknown kind or holiday calendar")
    if len({rule.id for rule in rules}) != len(rules):
        problems.append("two rules share an id")
    if pack.reviewed and not pack.reviewed_by:
        problems.append("a reviewed pack names who reviewed it")
    first = next((problem for problem in problems if problem), "")
    if first:
        raise InputRejected(f"A rule pack was not accepted: {first}.", file=file, place=pack.id)
    return pack


def _problem(rule: Rule) -> str:
    if not rule.citation.strip():
        return f"{rule.id} has no citation"
    if set(rule.when) - set(TAGS):
        return f"{rule.id} depends on something unknown"
    if isinstance(rule, Deadline):
        if rule.what not in WHATS or rule.start not in STARTS or rule.combine not in ("earliest", "latest"):
            return f"{rule.id} is about something unknown"
        if not any(value is not None for value in _amounts(rule)):
            return f"{rule.id} has no length"
        if any((value or 0) < 0 for value in (rule.business_days, rule.months, rule.contacts)):
            return f"{rule.id} counts backwards"
    if isinstance(rule, Hours) and not 0 <= rule.low <= rule.high:
        return f"{rule.id} has its hours reversed"
    return ""


def _amounts(rule: Deadline) -> tuple[int | None, ...]:
    return (rule.days, rule.business_days, rule.months, rule.contacts)


# -- due dates -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """What due dates depend on: the level of care, circumstances, when things happened, days with a service."""

    level: str = ""
    tags: frozenset[str] = frozenset()
    starts: Mapping[str, date] = field(default_factory=dict)
    contacts: Sequence[date] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """A due date with the rule behind it."""

    what: str
    on: date
    start: date
    rule: str
    citation: str
    pack: str
    reviewed: bool

    @property
    def source(self) -> str:
        """The citation as screens show it; unreviewed packs say so."""
        return self.citation if self.reviewed else f"{self.citation} [pack not reviewed]"


def age_tag(age: int | None) -> str:
    """`adult` or `minor`; an unknown age counts as adult."""
    return "minor" if age is not None and age < ADULT else "adult"


def due(packs: Iterable[Pack], what: str, case: Case) -> Due | None:
    """The earliest date any pack in force demands, or None where no rule speaks or nothing can be counted yet.

    The default pack speaks only where no other pack has a rule for this, whether or not it can be counted yet.
    """
    given = list(packs)
    for group in ([p for p in given if p.kind != DEFAULT], [p for p in given if p.kind == DEFAULT]):
        speaking = [(pack, rule) for pack in group for rule in pack.deadline if _speaks(rule, what, case)]
        if speaking:
            dates = [found for pack, rule in speaking if (found := _due(pack, rule, case))]
            return min(dates, key=lambda item: (item.on, item.rule), default=None)
    return None


def _speaks(rule: Deadline, what: str, case: Case) -> bool:
    start = case.starts.get(rule.start)
    return rule.what == what and start is not None and rule.speaks(case.level, case.tags, start)


def _due(pack: Pack, rule: Deadline, case: Case) -> Due | None:
    start = case.starts[rule.start]
    on = deadline(rule, start, case.contacts, pack.holidays)
    return Due(rule.what, on, start, rule.id, rule.citation, pack.id, pack.reviewed) if on is not None else None


def deadline(rule: Deadline, start: date, contacts: Sequence[date] = (), holidays: str = "") -> date | None:
    """The date of one rule, or None while a count of contacts decides that has not been reached.

    With `latest` every part must be known; with `earliest` what is known counts.
    """
    parts: list[date | None] = []
    if rule.days is not None:
        parts.append(start + timedelta(days=rule.days))
    if rule.business_days is not None:
        parts.append(add_business_days(start, rule.business_days, holidays))
    if rule.months is not None:
        parts.append(add_months(start, rule.months))
    if rule.contacts is not None:
        parts.append(_contact(contacts, start, rule.contacts, after=rule.start == "last plan"))
    known = [part for part in parts if part is not None]
    if not known or (rule.combine == "latest" and len(known) < len(parts)):
        return None
    return max(known) if rule.combine == "latest" else min(known)


def _contact(contacts: Sequence[date], start: date, count: int, *, after: bool) -> date | None:
    """The day of the `count`th contact from `start` on, or after it where the start is itself a session's day."""
    counted = sorted(day for day in contacts if day > start or (day == start and not after))
    return counted[count - 1] if len(counted) >= count else None


# -- hours and codes -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Band:
    """Allowed hours a week with the rule behind them."""

    low: float
    high: float
    citation: str


def hours_band(packs: Iterable[Pack], level: str, tags: frozenset[str], on: date) -> Band | None:
    """The narrowest band of the packs in force; the default pack's where no other speaks. None without any."""
    given = list(packs)
    for group in ([p for p in given if p.kind != DEFAULT], [p for p in given if p.kind == DEFAULT]):
        found = [rule for pack in group for rule in pack.hours if rule.speaks(level, tags, on)]
        if found:
            low, high = max(found, key=lambda rule: rule.low), min(found, key=lambda rule: rule.high)
            citation = low.citation if low is high else f"{low.citation}; {high.citation}"
            return Band(low.low, high.high, citation)
    return None


def code_time(packs: Iterable[Pack], code: str) -> CodeTime | None:
    """The time range of a service code, or None for a code without one."""
    wanted = code.strip().upper()
    return next((row for pack in packs for row in pack.code_time if row.code == wanted), None)


def code_times(packs: Iterable[Pack]) -> dict[str, tuple[int, int, str]]:
    """Service code → lowest and highest minutes and their source, for all codes with a time; the first pack wins."""
    found: dict[str, tuple[int, int, str]] = {}
    for pack in packs:
        for row in pack.code_time:
            found.setdefault(row.code, (row.low, row.high, row.citation))
    return found


def day_needs(packs: Iterable[Pack], level: str, code: str, on: date) -> list[Day]:
    """What a billable day of a level or code needs, by every pack in force."""
    return [
        rule
        for pack in packs
        for rule in pack.day
        if rule.speaks(level, frozenset(), on) and (not rule.codes or code.strip().upper() in rule.codes)
    ]
