"""What an editor needs before it opens: where the note belongs, what it begins with, the note before it. Headless."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import msgspec

from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import ADDENDUM, PROGRESS_NOTE, ProgressNote
from iop_tui.clinical.people import api as people
from iop_tui.clinical.records import api as records
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import Document
from iop_tui.kernel.errors import AlreadySigned, NotFound, Refused
from iop_tui.workspace import Workspace

USUAL = timedelta(minutes=50)
STEP = 5
"""Proposed times are rounded to five minutes."""
KIND = "$kind"
"""The journal's mark of what kind of document unsaved fields belong to."""
_CARRIED = ("session_type", "modality", "service_code", "objectives")


@dataclass(frozen=True, slots=True)
class Start:
    """A page to write on: whose, which record, which journal slot, with which values, where to begin.

    `record` is the stored draft (`stored`), the signed note an addendum belongs to, or empty for a new note.
    """

    person: bytes
    name: str
    record: bytes
    slot: bytes
    values: dict[str, Any]
    first: str
    restored_at_ms: int = 0
    last: tuple[tuple[str, str], ...] = ()
    kind: str = PROGRESS_NOTE.kind
    stored: bool = False


@dataclass(frozen=True, slots=True)
class UnsavedLine:
    """Unsaved text that waits for its author."""

    slot: bytes
    person: bytes
    record: bytes
    name: str
    at_ms: int
    words: int
    kind: str


def unsaved(ws: Workspace) -> list[UnsavedLine]:
    """This user's unsaved text, newest first."""
    found = []
    for slot, item in notes.kept(ws).items():
        words = sum(
            len(value.split()) for name, value in item.fields.items() if isinstance(value, str) and name != KIND
        )
        kind = str(item.fields.get(KIND, PROGRESS_NOTE.kind))
        found.append(UnsavedLine(slot, item.person, item.record, _name(ws, item.person), item.at_ms, words, kind))
    return sorted(found, key=lambda line: -line.at_ms)


def _name(ws: Workspace, person: bytes) -> str:
    try:
        return people.header(ws, person).name
    except NotFound:
        return ""


def called(header: people.Header) -> str:
    """The name with pronouns, as titles show it."""
    return f"{header.name} ({header.pronouns})" if header.pronouns else header.name


def new_note(ws: Workspace, person: bytes) -> Start:
    """A new note about a person. Raises `NoKey` before anything is written where the user has no part in the care."""
    header = people.header(ws, person)
    notes.home(ws, person)
    last = _last_note(ws, person)
    values = _proposed(ws)
    if isinstance(last, records.RecordView) and isinstance(last.document, ProgressNote):
        before = msgspec.to_builtins(last.document)
        values |= {name: before[name] for name in _CARRIED}
    return Start(person, called(header), b"", ws.rng.token(16), values, "presentation", last=_shown(last))


def _proposed(ws: Workspace) -> dict[str, Any]:
    """Today, and a session that ended just now; no times shortly after midnight."""
    now = datetime.fromtimestamp(ws.clock.now_ms() / 1000)
    stop = now.replace(minute=now.minute - now.minute % STEP, second=0, microsecond=0)
    start = stop - USUAL
    values: dict[str, Any] = {**msgspec.to_builtins(ProgressNote()), "service_date": now.date().isoformat()}
    if start.date() == stop.date():
        values |= {
            "start": time(start.hour, start.minute).isoformat(),
            "stop": time(stop.hour, stop.minute).isoformat(),
        }
    return values


def _last_note(ws: Workspace, person: bytes) -> records.RecordView | None:
    lines = records.timeline(ws, person, kinds=(PROGRESS_NOTE.kind,), limit=5)
    own = next((line for line in lines if line.status == "signed"), None)
    return records.read(ws, own.id) if own is not None else None


def _shown(view: records.RecordView | None) -> tuple[tuple[str, str], ...]:
    if view is None or view.document is None or view.type is None:
        return ()
    wanted = ("service_date", "presentation", "intervention", "response", "progress", "risk", "plan")
    pairs = [(info.label, text) for info, text in view.type.shown(view.document) if info.name in wanted and text]
    return tuple(pairs)


def draft(ws: Workspace, record: bytes) -> Start:
    """An unsigned note to go on with, and what was typed and not saved.

    Raises `AlreadySigned`, `Refused`, `NotFound`.
    """
    view = records.read(ws, record)
    line = view.line
    if line.status == "signed":
        raise AlreadySigned("This note is signed.")
    if line.author != ws.user.user or view.document is None:
        raise Refused("This note belongs to its author.", "Write a note of your own.")
    slot, kept = next(((slot, item) for slot, item in notes.kept(ws).items() if item.record == record), (record, None))
    values = msgspec.to_builtins(view.document)
    if kept is not None:
        values |= _fields(kept)
    first = "text" if line.kind == ADDENDUM.kind else _first_empty(view.document)
    return Start(
        line.person,
        called(people.header(ws, line.person)),
        record,
        slot,
        values,
        first,
        kept.at_ms if kept else 0,
        _before(ws, line),
        line.kind,
        stored=True,
    )


def _before(ws: Workspace, line: records.RecordLine) -> tuple[tuple[str, str], ...]:
    return _shown(_last_note(ws, line.person)) if line.kind == PROGRESS_NOTE.kind else ()


def _first_empty(document: Document) -> str:
    for name in ("presentation", "intervention", "response", "plan"):
        if not getattr(document, name, ""):
            return name
    return "presentation"


def _fields(kept: notes.Unsaved) -> dict[str, Any]:
    return {name: value for name, value in kept.fields.items() if name != KIND}


def restore(ws: Workspace, slot: bytes) -> Start:
    """Unsaved text, as it was. Raises `NotFound` where it was saved or given up meanwhile."""
    kept = notes.kept(ws).get(slot)
    if kept is None:
        raise NotFound
    kind = str(kept.fields.get(KIND, PROGRESS_NOTE.kind))
    if (
        kept.record
        and records.line_of(ws, kept.record).kind == kind
        and records.line_of(ws, kept.record).status == "draft"
    ):
        return draft(ws, kept.record)
    last = _shown(_last_note(ws, kept.person)) if kind == PROGRESS_NOTE.kind else ()
    name = called(people.header(ws, kept.person))
    return Start(kept.person, name, kept.record, slot, _fields(kept), "", kept.at_ms, last, kind)


def addendum(ws: Workspace, record: bytes) -> Start:
    """An addendum to a signed note. Raises `Refused` for an unsigned one."""
    line = records.line_of(ws, record)
    if line.status != "signed" or line.kind != PROGRESS_NOTE.kind:
        raise Refused("Only a signed note takes an addendum.", "Edit the note itself until it is signed.")
    notes.home(ws, line.person)
    header = people.header(ws, line.person)
    values = {"written_on": local_date(ws.clock.now_ms()).isoformat()}
    return Start(line.person, called(header), record, ws.rng.token(16), values, "text", kind=ADDENDUM.kind)
