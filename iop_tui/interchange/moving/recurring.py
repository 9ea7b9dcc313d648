"""Repeating events (RFC 5545, 3.3.10), spelled out: daily and weekly, with an end. Everything else is refused.

A time keeps its place on the clock where its zone changes to or from summer time, as the standard says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

MOST_TIMES = 400
MOST_STEPS = 8_000
"""Days looked at for one event: over twenty years."""
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_KNOWN = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "WKST"})
_UNTIL = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?\Z")
_NOT_HERE = "Only daily and weekly repetition is read"


class Unreadable(Exception):
    """One event is refused; the message says why, without a word of it."""


def instant(moment: date | datetime) -> str:
    """A time as text: UTC with a Z where a zone is known, else as the clock on the wall; a day as a day."""
    if not isinstance(moment, datetime):
        return moment.isoformat()
    if moment.tzinfo is None:
        return moment.replace(microsecond=0).isoformat()
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def _rule(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.strip().upper().rstrip(";").split(";"):
        name, sign, value = part.partition("=")
        if not sign or not value or name in found:
            raise Unreadable("How it repeats cannot be read.")
        found[name] = value
    if found.get("FREQ") not in ("DAILY", "WEEKLY"):
        raise Unreadable(f"{_NOT_HERE}; enter these times by hand.")
    if unknown := sorted(set(found) - _KNOWN):
        raise Unreadable(f"{_NOT_HERE}, not {unknown[0]}; enter these times by hand.")
    if ("COUNT" in found) == ("UNTIL" in found):
        raise Unreadable("It repeats without an end; give it one where it comes from, then export again."
                         if "COUNT" not in found else "It has two ends.")  # fmt: skip
    return found


def _number(rule: dict[str, str], name: str, most: int) -> int:
    text = rule.get(name, "1")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= most or len(text) > 6:
        raise Unreadable(f"Its {name} is not from 1 to {most}.")
    return int(text)


def _weekdays(rule: dict[str, str], first: date) -> frozenset[int]:
    """0 is Monday. A daily rule without BYDAY has every day, a weekly one that of the first time."""
    if "BYDAY" not in rule:
        return frozenset(range(7)) if rule["FREQ"] == "DAILY" else frozenset({first.weekday()})
    names = rule["BYDAY"].split(",")
    if not set(names) <= set(_DAYS):
        raise Unreadable(f"{_NOT_HERE}, on plain weekdays.")
    return frozenset(map(_DAYS.index, names))


def _last(rule: dict[str, str], first: date | datetime) -> datetime | date | None:
    """The end that UNTIL says; None where a count ends it."""
    if "UNTIL" not in rule:
        return None
    match = _UNTIL.match(rule["UNTIL"])
    try:
        if match is None:
            raise ValueError
        day = date(int(match[1]), int(match[2]), int(match[3]))
        if match[4] is None:
            return day
        moment = datetime(day.year, day.month, day.day, int(match[4]), int(match[5]), int(match[6]))
    except ValueError:
        raise Unreadable("Its UNTIL cannot be read.") from None
    if not isinstance(first, datetime):
        return day
    if match[7]:
        return moment.replace(tzinfo=UTC) if first.tzinfo else moment
    return moment.replace(tzinfo=first.tzinfo)


def starts(first: Any, text: str) -> list[Any]:
    """Every begin of a repeating event, the first one included. Raises `Unreadable`."""
    rule = _rule(text)
    count = _number(rule, "COUNT", MOST_TIMES) if "COUNT" in rule else None
    last = _last(rule, first)
    found = []
    for begin in _days(first, rule):
        if last is not None and _after(begin, last):
            break
        found.append(begin)
        if len(found) > MOST_TIMES:
            raise Unreadable(f"It has more than {MOST_TIMES} times.")
        if count is not None and len(found) == count:
            break
    if not found or found[0] != first:
        raise Unreadable("Its first time does not follow its own rule.")
    return found


def _after(begin: Any, last: date | datetime) -> bool:
    if not isinstance(last, datetime):
        return bool((begin.date() if isinstance(begin, datetime) else begin) > last)
    return bool(begin > last)


def _days(first: Any, rule: dict[str, str]) -> Iterator[Any]:
    """Begins in order without an end, a day at a time. Raises `Unreadable` where none comes any more."""
    every = _number(rule, "INTERVAL", 366)
    day = first.date() if isinstance(first, datetime) else first
    wanted = _weekdays(rule, day)
    begins = _week_start(day, rule)
    for step in range(MOST_STEPS):
        try:
            now = first + timedelta(days=step)
        except OverflowError:
            break
        today = day + timedelta(days=step)
        passed = (today - begins).days // 7 if rule["FREQ"] == "WEEKLY" else step
        if passed % every == 0 and today.weekday() in wanted:
            yield now
    raise Unreadable("It repeats over more years than a schedule has.")


def _week_start(day: date, rule: dict[str, str]) -> date:
    name = rule.get("WKST", "MO")
    if name not in _DAYS:
        raise Unreadable("Its WKST cannot be read.")
    return day - timedelta(days=(day.weekday() - _DAYS.index(name)) % 7)


def excluded(component: Any) -> frozenset[str]:
    """The times (and whole days) that EXDATE takes out, as `instant` writes them. Raises `Unreadable`."""
    given = component.get("EXDATE")
    if given is None:
        if any(name == "EXDATE" for name, _ in component.errors):
            raise Unreadable("Its EXDATE cannot be read.")
        return frozenset()
    found = set()
    for part in given if isinstance(given, list) else [given]:
        dates = told(part, "dts")
        if not dates:
            raise Unreadable("Its EXDATE cannot be read.")
        found |= {instant(item.dt) for item in dates}
    return frozenset(found)


def told(given: Any, name: str = "dt") -> Any:
    """What a property of the calendar library says; None for none, and for one that it could not read."""
    from icalendar.error import BrokenCalendarProperty

    try:
        return getattr(given, name, None)
    except BrokenCalendarProperty:
        return None
