"""One's own sessions: planning them, what became of them, and which of them have no note yet.

A session is its clinician's record; its time is also a block on the schedule, which the front desk may move or call
off. What the front desk planned is a session here, too, until the clinician makes a record of it: the note.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

import msgspec

from iop_tui.access import charts, roles
from iop_tui.access.settle import my_care
from iop_tui.clinical.sessions import desk
from iop_tui.clinical.sessions.desk import AppointmentLine
from iop_tui.clinical.sessions.model import (
    APPOINTMENT,
    CANCELLED,
    KEPT,
    NO_SHOW,
    SCHEDULED,
    SESSION,
    Appointment,
    Session,
)
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import Finding, RuleContext, Severity
from iop_tui.kernel.errors import NotFound, NotReady
from iop_tui.workspace import Workspace

LOOK_BACK = timedelta(days=30)
"""A session older than this that still has no note is found by the check of its chart, not by Today."""
_NOTES = ("progress_note", "joint_note", "held_note")
_ALONE = frozenset({roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR})


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A session as the schedule shows it; `note` is the note about it, empty while there is none.

    `by_desk`: `record` is a time that the front desk planned (or one's own on the schedule). `couple`: in joint work,
    the couple whose note belongs to it.
    """

    record: bytes
    person: bytes
    name: str
    session: Session
    note: bytes = b""
    note_status: str = ""
    by_desk: bool = False
    couple: bytes = b""

    @property
    def happened(self) -> bool:
        """Whether it was not called off."""
        return self.session.status not in (CANCELLED, NO_SHOW)


@dataclass(slots=True)
class _Note:
    record: bytes
    person: bytes
    day: str
    status: str
    start: str
    stop: str
    is_taken: bool = False

    def fits(self, line: SessionLine) -> bool:
        """The same person (or couple) and day, and times that overlap where both have any."""
        session = line.session
        if self.is_taken or self.person not in (line.person, line.couple) or not self.person:
            return False
        if session.date is None or self.day != session.date.isoformat():
            return False
        if not (self.start and self.stop and session.start and session.stop):
            return True
        return self.start < session.stop.isoformat() and session.start.isoformat() < self.stop


def schedule(
    ws: Workspace, person: bytes, session: Session, *, record: bytes | None = None, slot: bytes = b""
) -> signing.Saved:
    """Plan a session, or (with `record`) say what became of it. Its findings name other sessions at the same time.

    Raises `NotReady` where the rules refuse it, `NoKey`, `NotFound`, `Refused` for a colleague's session.
    """
    refused = [item for item in _findings(ws, session) if item.severity is Severity.REFUSE]
    if refused:
        raise NotReady(refused[0].message, "Complete the session, then save again.")
    return signing.save(
        ws, person, SESSION, session, record=record, slot=slot, source="schedule",
        judge=lambda kind, document, who, saved: (*_findings(ws, session), *_clashes(ws, session, saved)),
        beside=lambda work, saved: desk.project(ws, work, person, saved, session),
    )  # fmt: skip


def _findings(ws: Workspace, session: Session) -> tuple[Finding, ...]:
    return SESSION.findings(session, RuleContext(signing.today(ws)))


def _clashes(ws: Workspace, session: Session, record: bytes) -> Iterable[Finding]:
    if session.date is None or session.start is None or session.stop is None or session.status == CANCELLED:
        return
    for line in _sessions(ws, session.date, session.date):
        other = line.session  # a time on the schedule counts, whoever planned it
        if line.record == record or not line.happened or other.start is None or other.stop is None:
            continue
        if session.start < other.stop and other.start < session.stop:
            message = f"You have another session from {other.start:%H:%M} to {other.stop:%H:%M}."
            yield Finding(Severity.WARN, "clash", message, "start")


def set_status(ws: Workspace, record: bytes, status: str, reason: str = "") -> signing.Saved:
    """Say what became of a session. Raises as `schedule`."""
    opened, _, document = signing.opened_document(ws, record)
    if not isinstance(document, Session):
        raise NotReady("This is no session.")
    changed = msgspec.structs.replace(as_planned(ws, record, document), status=status)
    changed = msgspec.structs.replace(changed, reason=reason or document.reason)
    return schedule(ws, opened.body.person, changed, record=record)


def as_planned(ws: Workspace, record: bytes, session: Session) -> Session:
    """A session with the time that the schedule has for it now."""
    try:
        block = desk.appointment_of(ws, desk.block_of(record))
    except NotFound:
        return session
    return _overlaid(session, block.appointment)


def planned(ws: Workspace, record: bytes) -> Session:
    """What is planned under an id: a session, or a time on the schedule. Raises `NotFound`."""
    _, _, document = signing.opened_document(ws, record)
    if isinstance(document, Session):
        return as_planned(ws, record, document)
    if isinstance(document, Appointment):
        return _overlaid(Session(), document)
    raise NotFound


def _overlaid(session: Session, block: Appointment) -> Session:
    """The block's time; its status where it says something else than the session does."""
    mirrored = session.status if session.status in (CANCELLED, NO_SHOW) else SCHEDULED
    status = session.status if session.status == KEPT or mirrored == block.status else block.status
    return msgspec.structs.replace(
        session, date=block.date, start=block.start, stop=block.stop, modality=block.place, status=status
    )


# -- lists ---------------------------------------------------------------------------------


def sessions(ws: Workspace, first: date, last: date) -> list[SessionLine]:
    """This user's sessions of some days by time, each with the note about it."""
    found = _sessions(ws, first, last)
    return _with_notes(ws, found, first, last) if found else []


def without_note(ws: Workspace, *, since: timedelta = LOOK_BACK) -> list[SessionLine]:
    """Sessions that are over, were not called off, and have no note of this user's, oldest first."""
    today = signing.today(ws)
    open_ones = [line for line in sessions(ws, today - since, today) if line.happened and not line.note]
    return [line for line in open_ones if is_over(ws, line.session)]


def is_over(ws: Workspace, session: Session) -> bool:
    """Whether the session's end lies behind, on this machine's clock face."""
    if session.date is None:
        return False
    end = datetime.combine(session.date, session.stop or time.max)
    return end <= datetime.fromtimestamp(ws.clock.now_ms() / 1000)


def _sessions(ws: Workspace, first: date, last: date) -> list[SessionLine]:
    """Own sessions whose time lies in some days now, and times that were planned for this user."""
    own = {line.record: line for line in _own(ws, first, last)}
    blocks = desk.appointments(ws, first, last, clinician=ws.user.user)
    mine = own_blocks(ws) if blocks else {}
    found = []
    for block in blocks:
        record = mine.get(block.record)
        line = own.pop(record, None) if record else _from_schedule(ws, block)
        if record and line is None:
            line = _own_line(ws, record)  # moved here from another day
        if line is not None:
            found.append(replace(line, session=_overlaid(line.session, block.appointment)))
    found += [line for line in own.values() if not _moved_away(ws, line.record)]
    return sorted(found, key=lambda line: (line.session.date or first, line.session.start or time.min, line.record))


_OWN = (
    "SELECT r.record, r.person, p.name, r.doc, r.version FROM record r LEFT JOIN person p ON p.id = r.person"
    " WHERE r.kind = ? AND r.author = ? AND r.origin IS NULL"
)


def _own(ws: Workspace, first: date, last: date) -> list[SessionLine]:
    rows = ws.view.rows(
        f"{_OWN} AND r.service_date BETWEEN ? AND ?",
        (SESSION.kind, ws.user.user, first.isoformat(), last.isoformat()),
    )
    return [SessionLine(row[0], row[1], row[2] or "", SESSION.decode(row[3], row[4])) for row in rows]


def _own_line(ws: Workspace, record: bytes) -> SessionLine | None:
    row = ws.view.one(f"{_OWN} AND r.record = ?", (SESSION.kind, ws.user.user, record))
    return SessionLine(row[0], row[1], row[2] or "", SESSION.decode(row[3], row[4])) if row else None


def own_blocks(ws: Workspace) -> dict[bytes, bytes]:
    """The block on the schedule of each own session → the session."""
    rows = ws.view.rows(
        "SELECT record FROM record WHERE kind = ? AND author = ? AND origin IS NULL", (SESSION.kind, ws.user.user)
    )
    return {desk.block_of(row[0]): bytes(row[0]) for row in rows}


def _from_schedule(ws: Workspace, block: AppointmentLine) -> SessionLine:
    """A time without a session of one's own; in joint work it belongs to the couple."""
    parts = {fact.role for fact in my_care(ws.session) if fact.person == block.person}
    couple = b"" if parts & _ALONE else next(
        (item.id for item in charts.couples(ws.session)
         if item.therapist == ws.user.user and block.person in (item.a, item.b)), b"",
    )  # fmt: skip
    return SessionLine(block.record, block.person, block.name, Session(), by_desk=True, couple=couple)


def _moved_away(ws: Workspace, session: bytes) -> bool:
    """Whether the schedule has the session on another day, which is then asked for itself."""
    row = ws.view.one(
        "SELECT 1 FROM record WHERE record = ? AND kind = ?", (desk.block_of(session), APPOINTMENT.kind)
    )
    return row is not None


def _with_notes(ws: Workspace, found: list[SessionLine], first: date, last: date) -> list[SessionLine]:
    rows = ws.view.rows(
        "SELECT record, person, service_date, status, coalesce(json_extract(doc, '$.start'), ''),"
        f" coalesce(json_extract(doc, '$.stop'), '') FROM record WHERE kind IN ({','.join('?' * len(_NOTES))})"
        " AND author = ? AND origin IS NULL"
        f" AND service_date BETWEEN ? AND ? AND record NOT IN {signing.VOIDED} ORDER BY service_date, id",
        (*_NOTES, ws.user.user, first.isoformat(), last.isoformat()),
    )
    notes = [_Note(*row) for row in rows]
    return [_matched(line, notes) for line in found]


def _matched(line: SessionLine, notes: list[_Note]) -> SessionLine:
    note = next((item for item in notes if item.fits(line)), None)
    if note is None:
        return line
    note.is_taken = note.person != line.couple  # one joint note is about both partners' times
    return replace(line, note=note.record, note_status=note.status)


def missed(ws: Workspace, person: bytes, first: date, last: date) -> int:
    """How many sessions of a person were missed without notice, as far as this user planned them."""
    of_person = [line for line in _sessions(ws, first, last) if line.person == person]
    return sum(line.session.status == NO_SHOW for line in of_person)
