"""Time is an argument: every service gets a clock from its workspace."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time in milliseconds since 1970 UTC, and a monotonic time in seconds."""

    def now_ms(self) -> int: ...

    def monotonic(self) -> float: ...


class SystemClock:
    """The clock of this machine. Its wall time is a claim, never a proof."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()


class FixedClock:
    """A clock that stands still until it is moved: demo vaults (`--now`) and tests."""

    def __init__(self, at_ms: int) -> None:
        self._at_ms = at_ms
        self._monotonic = 0.0

    def now_ms(self) -> int:
        return self._at_ms

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Move both times forward by `seconds`."""
        self._at_ms += int(seconds * 1000)
        self._monotonic += seconds


def to_datetime(ms: int) -> datetime:
    """An aware UTC datetime for milliseconds since 1970."""
    return datetime.fromtimestamp(ms / 1000, tz=UTC)


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970 UTC of an aware datetime."""
    return int(moment.timestamp() * 1000)


def iso(ms: int) -> str:
    """UTC ISO 8601 with seconds and a `Z`, as every command prints times."""
    return to_datetime(ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_date(ms: int) -> date:
    """The calendar date of this machine's time zone."""
    return datetime.fromtimestamp(ms / 1000).date()


def day_start(day: date) -> int:
    """Milliseconds since 1970 of the first moment of a day in this machine's time zone."""
    return int(datetime(day.year, day.month, day.day).timestamp() * 1000)
