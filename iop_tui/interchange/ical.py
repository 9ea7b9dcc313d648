"""Busy times as iCalendar (RFC 5545): when, and nothing else.

Written by hand, because what is left out is the point: every line is a constant or a time, no text from the vault can
reach the file. Reading other programs' calendars is another matter and needs a library: `moving.ics`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol

SUMMARY = "Busy"
PRODUCT = "-//iop-tui//reminders//EN"
_END = "\r\n"


class Time(Protocol):
    """A time to keep free."""

    @property
    def uid(self) -> str:
        """An identifier that says nothing."""
        ...

    @property
    def start(self) -> datetime:
        """Begin, with a time zone."""
        ...

    @property
    def stop(self) -> datetime:
        """End, with a time zone."""
        ...


def calendar(times: Iterable[Time], stamp: datetime) -> bytes:
    """An iCalendar file of private, neutral events in UTC, ordered by time; `stamp` is the time of writing."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN", "METHOD:PUBLISH"]
    for item in sorted(times, key=lambda item: (item.start, item.uid)):
        lines += _event(item, stamp)
    lines.append("END:VCALENDAR")
    return (_END.join(lines) + _END).encode("ascii")


def _event(item: Time, stamp: datetime) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{item.uid}",
        f"DTSTAMP:{_utc(stamp)}",
        f"DTSTART:{_utc(item.start)}",
        f"DTEND:{_utc(item.stop)}",
        f"SUMMARY:{SUMMARY}",
        "CLASS:PRIVATE",
        "TRANSP:OPAQUE",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{SUMMARY}",
        "TRIGGER:PT0S",
        "END:VALARM",
        "END:VEVENT",
    ]


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
