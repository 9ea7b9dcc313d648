"""One's own sessions: planning them, what became of them, and which of them have no note yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import msgspec

from iop_tui.clinical.sessions.model import CANCELLED, NO_SHOW, SESSION, Session
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import Finding, RuleContext, Severity
from iop_tui.kernel.errors import NotReady
from iop_tui.workspace import Workspace

LOOK_BACK = timedelta(days=30)
"""A session older than this that still has no note is found by the check of its chart, not by Today."""
_NOTE = "progress_note"


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A session as the schedule shows it; `note` is the note about it, empty while there is none."""

    record: bytes
    person: bytes
    name: str
    session: Session
    note: bytes = b""
    note_status: str = ""

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

    def fits(self, person: bytes, session: Session) -> bool:
        """The same person and day, and times that overlap where both have any."""
        if self.is_taken or self.person != person or session.date is None or self.day != session.date.isoformat():
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
    )  # fmt: skip


def _findings(ws: Workspace, session: Session) -> tuple[Finding, ...]:
    return SESSION.findings(session, RuleContext(signing.today(ws)))


def _clashes(ws: Workspace, session: Session, record: bytes) -> Iterable[Finding]:
    if session.date is None or session.start is None or session.stop is None or session.status == CANCELLED:
        return
    for line in _sessions(ws, session.date, session.date):
        other = line.session
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
    changed = msgspec.structs.replace(document, status=status, reason=reason or document.reason)
    return schedule(ws, opened.body.person, changed, record=record)


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
    rows = ws.view.rows(
        "SELECT r.record, r.person, p.name, r.doc, r.version FROM record r LEFT JOIN person p ON p.id = r.person"
        " WHERE r.kind = ? AND r.author = ? AND r.origin IS NULL AND r.service_date BETWEEN ? AND ?",
        (SESSION.kind, ws.user.user, first.isoformat(), last.isoformat()),
    )
    found = [SessionLine(row[0], row[1], row[2] or "", SESSION.decode(row[3], row[4])) for row in rows]
    return sorted(found, key=lambda line: (line.session.date or first, line.session.start or time.min, line.record))


def _with_notes(ws: Workspace, found: list[SessionLine], first: date, last: date) -> list[SessionLine]:
    rows = ws.view.rows(
        "SELECT record, person, service_date, status, coalesce(json_extract(doc, '$.start'), ''),"
        " coalesce(json_extract(doc, '$.stop'), '') FROM record WHERE kind = ? AND author = ? AND origin IS NULL"
        f" AND service_date BETWEEN ? AND ? AND record NOT IN {signing.VOIDED} ORDER BY service_date, id",
        (_NOTE, ws.user.user, first.isoformat(), last.isoformat()),
    )
    notes = [_Note(*row) for row in rows]
    return [_matched(line, notes) for line in found]


def _matched(line: SessionLine, notes: list[_Note]) -> SessionLine:
    note = next((item for item in notes if item.fits(line.person, line.session)), None)
    if note is None:
        return line
    note.is_taken = True
    return SessionLine(line.record, line.person, line.name, line.session, note.record, note.status)


def missed(ws: Workspace, person: bytes, first: date, last: date) -> int:
    """How many sessions of a person were missed without notice, as far as this user planned them."""
    of_person = [line for line in _sessions(ws, first, last) if line.person == person]
    return sum(line.session.status == NO_SHOW for line in of_person)
