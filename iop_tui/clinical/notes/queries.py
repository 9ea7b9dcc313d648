"""What is known around a note before it is written: sessions of the day, the last note, which objectives notes cite."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from iop_tui.clinical.notes.company import GROUP, Member
from iop_tui.clinical.notes.links import number_of
from iop_tui.clinical.notes.model import PROGRESS_NOTE, ProgressNote
from iop_tui.clinical.notes.overlaps import Busy
from iop_tui.clinical.people.api import PERSON
from iop_tui.clinical.signing.api import VOIDED
from iop_tui.workspace import Workspace

# `+` keeps the planner on the person's own rows: an index over all notes of the program would serve the order, too.
MOST = 400
"""Notes of a person that are looked at for citations: more than two years of weekly sessions and groups."""
GROUP_DAYS = timedelta(days=90)
"""Who had a note about a group of this clinician's within so many days of a session belongs to the groups' members."""


def sessions_of(ws: Workspace, day: date, person: bytes) -> tuple[Busy, ...]:
    """Documented sessions of a day: this user's own, and those with this person that this user may read."""
    rows = ws.view.rows(
        "SELECT record, person, author, doc, version FROM record WHERE kind = ? AND service_date = ?"
        f" AND origin IS NULL AND (author = ? OR person = ?) AND record NOT IN {VOIDED}",
        (PROGRESS_NOTE.kind, day.isoformat(), ws.user.user, person),
    )
    found = []
    for record, who, author, doc, version in rows:
        note = PROGRESS_NOTE.decode(doc, version)
        if note.start is not None and note.stop is not None and note.start < note.stop:
            found.append(Busy(record, who, author, day, note.start, note.stop, note.session_type))
    return tuple(found)


_IN_CARE = (
    "SELECT DISTINCT c.person FROM compartment c JOIN keyring k ON k.compartment = c.id WHERE c.primitive = 'member'"
    " AND c.kind IN ('IND', 'SUD', 'GRP') AND c.person IS NOT NULL"
)


def group_members(ws: Workspace, person: bytes, day: date) -> tuple[tuple[Member, ...], Member]:
    """Who may sit in a group with a person, and the person's own names.

    Clients of this user's groups around a day (drafts count, too) with their initials. Before a group has its first
    notes nobody can say who is in it: everybody else in this user's care may be, by name.
    """
    rows = ws.view.rows(
        "SELECT DISTINCT n.person FROM record n WHERE n.kind = ? AND n.service_date BETWEEN ? AND ? AND n.author = ?"
        f" AND n.origin IS NULL AND json_extract(n.doc, '$.session_type') = ? AND n.record NOT IN {VOIDED}",
        (PROGRESS_NOTE.kind, (day - GROUP_DAYS).isoformat(), (day + GROUP_DAYS).isoformat(), ws.user.user, GROUP),
    )
    known = {bytes(row[0]) for row in rows} - {person}
    care = {bytes(row[0]) for row in ws.view.rows(_IN_CARE)} - known - {person}
    members = [_names(ws, who) for who in sorted(known)]
    return (*members, *(Member(_names(ws, who).names) for who in sorted(care))), _names(ws, person)


def _names(ws: Workspace, person: bytes) -> Member:
    row = ws.view.one(
        "SELECT r.doc, r.version, p.initials FROM person p JOIN record r ON r.record = p.record WHERE p.id = ?",
        (person,),
    )
    if row is None:
        return Member(())
    entry = PERSON.decode(row[0], row[1])
    return Member((entry.given, entry.family, entry.preferred_name), row[2] or "")


def last_signed(ws: Workspace, person: bytes, author: bytes, before: bytes = b"") -> ProgressNote | None:
    """The author's last signed note about a person, another than `before`; None where there is none."""
    row = ws.view.one(
        "SELECT doc, version FROM record WHERE +kind = ? AND person = ? AND author = ? AND +status = 'signed'"
        f" AND record != ? AND record NOT IN {VOIDED} ORDER BY service_date DESC, id DESC LIMIT 1",
        (PROGRESS_NOTE.kind, person, author, before),
    )
    return PROGRESS_NOTE.decode(row[0], row[1]) if row else None


def own_notes(ws: Workspace, person: bytes, limit: int = 20) -> list[ProgressNote]:
    """This user's signed notes about a person, newest first."""
    rows = ws.view.rows(
        "SELECT doc, version FROM record WHERE +kind = ? AND person = ? AND author = ? AND +status = 'signed'"
        f" AND record NOT IN {VOIDED} ORDER BY service_date DESC, id DESC LIMIT ?",
        (PROGRESS_NOTE.kind, person, ws.user.user, limit),
    )
    return [PROGRESS_NOTE.decode(doc, version) for doc, version in rows]


def citations(ws: Workspace, person: bytes) -> dict[str, date]:
    """Id or number of an objective → the last service date on which a note cited it."""
    rows = ws.view.rows(
        "SELECT service_date, json_extract(doc, '$.objectives') FROM record WHERE +kind = ? AND person = ?"
        f" AND origin IS NULL AND service_date IS NOT NULL AND record NOT IN {VOIDED}"
        " ORDER BY service_date DESC, id DESC LIMIT ?",
        (PROGRESS_NOTE.kind, person, MOST),
    )
    found: dict[str, date] = {}
    for day, raw in rows:
        for link in msgspec.json.decode(raw or "[]", type=list[str]):
            found.setdefault(link.partition("#")[2] or number_of(link), date.fromisoformat(day))
    return found


def service_days(ws: Workspace, person: bytes, since: date) -> list[date]:
    """Days with a documented session, oldest first; a day counts once."""
    rows = ws.view.rows(
        "SELECT DISTINCT service_date FROM record WHERE +kind = ? AND person = ? AND origin IS NULL"
        f" AND service_date >= ? AND record NOT IN {VOIDED} ORDER BY service_date",
        (PROGRESS_NOTE.kind, person, since.isoformat()),
    )
    return [date.fromisoformat(row[0]) for row in rows]


def services_given(ws: Workspace, person: bytes) -> list[tuple[str, int, int]]:
    """(session type, sessions, minutes) of signed notes, by type."""
    rows = ws.view.rows(
        "SELECT json_extract(r.doc, '$.session_type'), count(*), coalesce(sum(f.value), 0) FROM record r"
        " LEFT JOIN fact f ON f.record = r.record AND f.key = 'minutes'"
        f" WHERE r.kind = ? AND r.person = ? AND r.status = 'signed' AND r.origin IS NULL AND r.record NOT IN {VOIDED}"
        " GROUP BY 1 ORDER BY 1",
        (PROGRESS_NOTE.kind, person),
    )
    return [(str(row[0]), int(row[1]), int(row[2])) for row in rows]
