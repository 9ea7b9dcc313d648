"""Sessions that cannot both have happened: one clinician or one client in two places at once. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time

from iop_tui.kernel.declare import Finding, Severity

SOURCE = "42 CFR 410.44; program rule: one session at a time"
SHARED = ("group", "family")
"""Session types that several clients share: the same times for the clinician are expected there."""


@dataclass(frozen=True, slots=True)
class Busy:
    """A documented session: whose, when, of which type. `record` is the note's id."""

    record: bytes
    person: bytes
    clinician: bytes
    day: date
    start: time
    stop: time
    session_type: str = "individual"


def overlaps(session: Busy, others: Iterable[Busy]) -> list[Busy]:
    """Other sessions of the same clinician or client that overlap; ending when the next begins is no overlap."""
    return [
        other
        for other in others
        if other.record != session.record
        and other.day == session.day
        and (other.clinician == session.clinician or other.person == session.person)
        and session.start < other.stop
        and other.start < session.stop
    ]


def _is_same_session(a: Busy, b: Busy) -> bool:
    """One group or family session, noted for each client."""
    same_times = (a.start, a.stop) == (b.start, b.stop)
    return a.person != b.person and a.clinician == b.clinician and same_times and {a.session_type, b.session_type} <= {
        *SHARED
    }


def findings(session: Busy, others: Iterable[Busy]) -> tuple[Finding, ...]:
    """A refusal for each overlap, in words that name nobody."""
    found = []
    for other in overlaps(session, others):
        if _is_same_session(session, other):
            continue
        whose = "this client" if other.person == session.person else "yours"
        times = f"{other.start:%H:%M} to {other.stop:%H:%M}"
        message = f"The times overlap another session of {whose} that day, {times}."
        found.append(Finding(Severity.REFUSE, "overlap", message, "start", SOURCE))
    return tuple(found)
