"""Counting days: business days with or without the federal holidays, months that end early, leap years. Pure."""

from __future__ import annotations

import calendar
from collections.abc import Container
from datetime import date, timedelta
from functools import cache

DAY = timedelta(days=1)
FEDERAL = "us-federal"
HOLIDAYS = ("", FEDERAL)
_SATURDAY, _SUNDAY = 5, 6
_FIXED = ((1, 1, 1), (6, 19, 2021), (7, 4, 1), (11, 11, 1), (12, 25, 1))
"""(month, day, first year) of holidays on a fixed date (5 U.S.C. 6103)."""
_MOVING = ((1, 0, 3), (2, 0, 3), (5, 0, -1), (9, 0, 1), (10, 0, 2), (11, 3, 4))
"""(month, weekday, which one; -1 the last) of the others."""


@cache
def federal_holidays(year: int) -> frozenset[date]:
    """Days off for federal holidays that fall into a year, observed on Friday or Monday when on a weekend.

    New Year's Day of the next year may be observed on 31 December of this one (5 U.S.C. 6103(b)).
    """
    days = [date(year, month, day) for month, day, since in _FIXED if year >= since]
    days += [_nth(year, month, weekday, which) for month, weekday, which in _MOVING]
    days.append(date(year + 1, 1, 1))
    return frozenset(day for day in map(_observed, days) if day.year == year)


def _observed(day: date) -> date:
    return day - DAY if day.weekday() == _SATURDAY else day + DAY if day.weekday() == _SUNDAY else day


def _nth(year: int, month: int, weekday: int, which: int) -> date:
    days = [day for week in calendar.monthcalendar(year, month) if (day := week[weekday])]
    return date(year, month, days[which] if which < 0 else days[which - 1])


class _Federal:
    """All federal holidays, of whatever year is asked."""

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and day in federal_holidays(day.year)


_NONE: Container[date] = frozenset()
_BY_NAME: dict[str, Container[date]] = {"": _NONE, FEDERAL: _Federal()}


def is_business_day(day: date, holidays: str = "") -> bool:
    """Monday to Friday, and no holiday of the named calendar."""
    return day.weekday() < _SATURDAY and day not in _BY_NAME[holidays]


def add_business_days(day: date, count: int, holidays: str = "") -> date:
    """The date `count` business days after `day`, which itself does not count. `count` 0 gives `day`."""
    while count > 0:
        day += DAY
        if is_business_day(day, holidays):
            count -= 1
    return day


def add_months(day: date, count: int) -> date:
    """The same day of the month `count` months later, or the month's last day where it has no such day."""
    month = day.year * 12 + day.month - 1 + count
    year, index = divmod(month, 12)
    last = calendar.monthrange(year, index + 1)[1]
    return date(year, index + 1, min(day.day, last))
