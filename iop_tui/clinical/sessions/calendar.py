"""Lines of another program's calendar: its clinician says whose sessions they are, or that they are none.

A line's text is somebody's free words: nothing is guessed from it, and nobody but the clinician it came for reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

import msgspec

from iop_tui.access import charts
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import put
from iop_tui.clinical.sessions import desk, service
from iop_tui.clinical.sessions.model import (
    APPOINTMENT,
    CALENDAR_LINE,
    NO_SESSION,
    OPEN,
    PLANNED,
    SESSION,
    Appointment,
    CalendarLine,
    CalendarTime,
    Session,
)
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import RuleContext, Severity
from iop_tui.kernel.errors import NoKey, NotFound, NotReady, Refused
from iop_tui.kernel.ids import show_id
from iop_tui.store.session import NOBODY
from iop_tui.store.views.view import Changes
from iop_tui.store.work import Work
from iop_tui.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Entry:
    """A calendar's line as its clinician sees it."""

    record: bytes
    line: CalendarLine
    leaf: bytes
    compartment: bytes


@dataclass(frozen=True, slots=True)
class Matched:
    """What became of some lines: sessions planned, times that are over, times that were planned before."""

    planned: int
    past: int
    known: int
    changes: Changes


def entries(ws: Workspace, *, decided: bool = False) -> list[Entry]:
    """Lines that wait for this clinician, by day; with `decided` all of them. The newest version of each counts."""
    rows = ws.view.rows(
        "SELECT r.record, r.doc, r.version, r.leaf, r.compartment FROM record r JOIN compartment c ON c.id ="
        " r.compartment AND c.kind = 'SHARE' WHERE r.kind = ? AND r.deposit = 0 AND"
        " json_extract(r.doc, '$.clinician') = ? ORDER BY r.changed_ms, r.id",
        (CALENDAR_LINE.kind, show_id(ws.user.user)),
    )
    found: dict[tuple[str, ...], Entry] = {}
    for record, doc, version, leaf, compartment in rows:
        line = CALENDAR_LINE.decode(doc, version)
        key = (line.uid, line.replaces) if line.uid else (record.hex(),)
        found[key] = Entry(record, line, leaf, compartment)
    chosen = [entry for entry in found.values() if decided or entry.line.decided == OPEN]
    return sorted(chosen, key=lambda entry: (entry.line.day or date.min, entry.line.text.casefold(), entry.record))


def _mine(ws: Workspace, records: Sequence[bytes]) -> list[Entry]:
    known = {entry.record: entry for entry in entries(ws, decided=True)}
    wanted = list(dict.fromkeys(records))
    if any(record not in known for record in wanted):
        raise NotFound
    found = [known[record] for record in wanted]
    if any(entry.line.decided for entry in found):
        raise Refused("One of these lines is decided already.", "Leave it out.")
    return found


def local(text: str) -> datetime:
    """A line's time on this machine's clock face. Raises `ValueError`."""
    if text.endswith("Z"):
        return datetime.fromisoformat(f"{text[:-1]}+00:00").astimezone().replace(tzinfo=None)
    return datetime.fromisoformat(text)


def spans(line: CalendarLine) -> list[tuple[date, time, time]]:
    """Day, begin and end of every time that a session could have. Raises `Refused` for what passes midnight."""
    if line.cancelled or line.all_day or not line.times:
        raise Refused("This line has no time that a session could have.", "Set it aside, or plan it by hand.")
    return [_span(item) for item in line.times]


def _span(item: CalendarTime) -> tuple[date, time, time]:
    try:
        begin, end = local(item.start), local(item.stop)
    except ValueError:
        raise Refused("A time of this line cannot be read.", "Plan it by hand.") from None
    if begin.date() != end.date() or end <= begin:
        raise Refused("A time of this line passes midnight.", "Plan it by hand.")
    return begin.date(), begin.time(), end.time()


# -- deciding ------------------------------------------------------------------------------


def match(
    ws: Workspace, records: Sequence[bytes], person: bytes, *, modality: str, kind: str = "individual"
) -> Matched:
    """Plan every time to come of some lines with one person; the lines are decided with it, all or none.

    Where this user has no sessions of their own with the person (joint work), the times go on the schedule alone.
    Raises `NoKey` outside the person's care, `NotReady` by the rules, `Refused`, `NotFound`.
    """
    found = _mine(ws, records)
    if ws.user.user not in dict(desk.clinicians(ws, person)):
        raise NoKey("You are not part of this person's care.", "Ask the front desk to assign you.")
    today = signing.today(ws)
    times = [span for entry in found for span in spans(entry.line)]
    ahead = [span for span in times if span[0] >= today]
    taken = _taken(ws, person, ahead)
    work = ws.work()
    plan = _planner(ws, work, person)
    fresh = list(dict.fromkeys(span for span in ahead if span not in taken))
    for day, start, stop in fresh:
        plan(Session(date=day, start=start, stop=stop, kind=kind, modality=modality))
    for entry in found:
        _decide(ws, work, entry, PLANNED, person)
    ws.session.note(work, "write", person=person, category=Kind.DIR, detail=f"{len(fresh)} times from a calendar")
    return Matched(len(fresh), len(times) - len(ahead), len(ahead) - len(fresh), ws.commit(work))


def set_aside(ws: Workspace, records: Sequence[bytes]) -> Changes:
    """Say that some lines are no sessions. Raises `Refused`, `NotFound`."""
    work = ws.work()
    for entry in _mine(ws, records):
        _decide(ws, work, entry, NO_SESSION)
        ws.session.note(work, "write", category=Kind.SHARE, subject=entry.record, detail=CALENDAR_LINE.kind)
    return ws.commit(work)


def _taken(
    ws: Workspace, person: bytes, ahead: Iterable[tuple[date, time, time]]
) -> frozenset[tuple[date, time, time]]:
    """Times that are planned with this person already."""
    days = [day for day, _, _ in ahead]
    if not days:
        return frozenset()
    return frozenset(
        (line.session.date, line.session.start, line.session.stop)
        for line in service.sessions(ws, min(days), max(days))
        if line.person == person and line.session.date and line.session.start and line.session.stop
    )


class _Planner:
    """Writes sessions (or, in joint work, times) of one person into one work."""

    def __init__(self, ws: Workspace, work: Work, person: bytes, home: bytes) -> None:
        self._ws, self._work, self._person, self._home = ws, work, person, home

    def __call__(self, session: Session) -> None:
        """One time. Raises `NotReady`."""
        refused = [
            item for item in SESSION.findings(session, RuleContext(signing.today(self._ws)))
            if item.severity is Severity.REFUSE
        ]  # fmt: skip
        if refused:
            raise NotReady(refused[0].message, "Plan it by hand.")
        if self._home:
            record, _ = put(
                self._ws.session, self._work, self._home, SESSION, session, person=self._person, source="schedule"
            )
            desk.project(self._ws, self._work, self._person, record, session)
            return
        value = Appointment(
            clinician=show_id(self._ws.user.user), clinician_name=self._ws.user.name, date=session.date,
            start=session.start, stop=session.stop, place=session.modality,
        )  # fmt: skip
        place = charts.compartment_for(self._ws.session, self._person, Kind.DIR)
        put(self._ws.session, self._work, place, APPOINTMENT, value, person=self._person, source="schedule")


def _planner(ws: Workspace, work: Work, person: bytes) -> _Planner:
    try:
        home = signing.home(ws, person).compartment
    except NoKey:
        home = b""  # joint work: the schedule has the time, the note lies with the couple
    if home and not ws.session.holds(home):
        raise NoKey("You hold no key to this part of the record yet.",
                    "A colleague who holds it hands it over at their next unlock.")  # fmt: skip
    return _Planner(ws, work, person, home)


def _decide(ws: Workspace, work: Work, entry: Entry, decided: str, person: bytes = b"") -> None:
    value = msgspec.structs.replace(entry.line, decided=decided, person=show_id(person) if person else "")
    put(
        ws.session, work, entry.compartment, CALENDAR_LINE, value, person=NOBODY, record=entry.record,
        parents=(entry.leaf,), source="received",
    )  # fmt: skip
