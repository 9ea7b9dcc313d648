"""What an editor needs before it opens: where the note belongs, what it begins with, the note before it. Headless."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec

from iop_tui.clinical.notes import carry, phrasebook, queries, telehealth
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import ADDENDUM, PROGRESS_NOTE, ProgressNote
from iop_tui.clinical.notes.phrases import Phrase
from iop_tui.clinical.notes.private import COUNSELING_NOTE, PRIVATE_KINDS, PSYCHOTHERAPY_NOTE
from iop_tui.clinical.people import api as people
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.errors import AlreadySigned, NoKey, NotFound, Refused
from iop_tui.workspace import Workspace
from iop_tui.workspace.unsaved import KIND

__all__ = [
    "KIND", "Aids", "Start", "UnsavedLine", "addendum", "aids", "called", "draft", "new_note", "private", "restore",
    "unsaved",
]  # fmt: skip
USUAL = timedelta(minutes=50)
STEP = 5
"""Proposed times are rounded to five minutes."""
VIOLENCE_DAYS = timedelta(days=30)
"""Partner violence is asked alone at least this often (program rule CR-13); in between, a note says so by itself."""
_OF_NOTES = (PROGRESS_NOTE.kind, ADDENDUM.kind, *PRIVATE_KINDS)


@dataclass(frozen=True, slots=True)
class Start:
    """A page to write on: whose, which record, which journal slot, with which values, where to begin.

    `record` is the stored draft (`stored`), the signed note an addendum belongs to, or empty for a new note. `before`
    is the author's last signed note, `last` what of it is shown beside the text.
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
    before: ProgressNote | None = None


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


@dataclass(frozen=True, slots=True)
class Aids:
    """What helps to write: the program's phrases, and names that no dictionary needs to know."""

    phrases: list[Phrase] = field(default_factory=list)
    names: tuple[str, ...] = ()


def aids(ws: Workspace, person: bytes) -> Aids:
    """What helps to write about a person."""
    header = people.header(ws, person)
    names = (header.name, *(name for name, _ in header.team))
    return Aids([phrase for _, phrase in phrasebook.phrases(ws)], names)


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


# -- progress notes ------------------------------------------------------------------------


def new_note(ws: Workspace, person: bytes) -> Start:
    """A new note about a person. Raises `NoKey` before anything is written where the user has no part in the care."""
    header = people.header(ws, person)
    notes.home(ws, person)
    before = queries.last_signed(ws, person, ws.user.user)
    values = _proposed(ws)
    if before is not None:
        values |= msgspec.to_builtins(carry.held(before))
        values["telehealth"] = values["telehealth"] or _earlier_block(ws, person)
        if _asked_lately(ws, person, date.fromisoformat(values["service_date"])):
            values["partner_violence"] = "not asked today"
    return Start(
        person, called(header), b"", ws.rng.token(16), values, "", last=_shown(_last_note(ws, person)), before=before
    )


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


def _earlier_block(ws: Workspace, person: bytes) -> dict[str, Any] | None:
    """The telehealth answers of the last virtual session, for the case that the last one was in person."""
    earlier = (note.telehealth for note in queries.own_notes(ws, person) if note.telehealth is not None)
    block = next(earlier, None)
    return msgspec.to_builtins(telehealth.reused(block)) if block is not None else None


def _asked_lately(ws: Workspace, person: bytes, today: date) -> bool:
    return any(
        note.partner_violence == "risk reviewed" and note.service_date is not None
        and today - note.service_date <= VIOLENCE_DAYS
        for note in queries.own_notes(ws, person)
    )  # fmt: skip


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


# -- what is there already -----------------------------------------------------------------


def draft(ws: Workspace, record: bytes) -> Start:
    """An unsigned note to go on with, and what was typed and not saved.

    Raises `AlreadySigned`, `Refused`, `NotFound`.
    """
    view = records.read(ws, record)
    line = view.line
    if line.status == "signed":
        raise AlreadySigned(f"This {line.label.lower()} is signed.")
    if line.author != ws.user.user or view.document is None or line.kind not in _OF_NOTES:
        raise Refused("This note belongs to its author.", "Write a note of your own.")
    slot, kept = next(((slot, item) for slot, item in notes.kept(ws).items() if item.record == record), (record, None))
    values = msgspec.to_builtins(view.document)
    if kept is not None:
        values |= _fields(kept)
    is_note = line.kind == PROGRESS_NOTE.kind
    return Start(
        line.person,
        called(people.header(ws, line.person)),
        record,
        slot,
        values,
        "" if is_note else "text",
        kept.at_ms if kept else 0,
        _shown(_last_note(ws, line.person)) if is_note else (),
        line.kind,
        stored=True,
        before=queries.last_signed(ws, line.person, ws.user.user, record) if is_note else None,
    )


def _fields(kept: notes.Unsaved) -> dict[str, Any]:
    return {name: value for name, value in kept.fields.items() if name != KIND}


def restore(ws: Workspace, slot: bytes) -> Start:
    """Unsaved text, as it was. Raises `NotFound` where it was saved or given up meanwhile."""
    kept = notes.kept(ws).get(slot)
    if kept is None:
        raise NotFound
    kind = str(kept.fields.get(KIND, PROGRESS_NOTE.kind))
    if kept.record:
        line = records.line_of(ws, kept.record)
        if line.kind == kind and line.status != "signed":
            return draft(ws, kept.record)
    is_note = kind == PROGRESS_NOTE.kind
    return Start(
        kept.person, called(people.header(ws, kept.person)), kept.record, slot, _fields(kept),
        "" if is_note else "text", kept.at_ms, _shown(_last_note(ws, kept.person)) if is_note else (), kind,
        before=queries.last_signed(ws, kept.person, ws.user.user) if is_note else None,
    )  # fmt: skip


def addendum(ws: Workspace, record: bytes) -> Start:
    """An addendum to a signed note. Raises `Refused` for an unsigned one."""
    line = records.line_of(ws, record)
    if line.status != "signed" or line.kind != PROGRESS_NOTE.kind:
        raise Refused("Only a signed note takes an addendum.", "Edit the note itself until it is signed.")
    notes.home(ws, line.person)
    header = people.header(ws, line.person)
    values = {"written_on": local_date(ws.clock.now_ms()).isoformat()}
    return Start(line.person, called(header), record, ws.rng.token(16), values, "text", kind=ADDENDUM.kind)


# -- private notes -------------------------------------------------------------------------


def private(ws: Workspace, person: bytes) -> Start:
    """A new psychotherapy or SUD counseling note, by the author's part in the care. Raises `NoKey`, `NotFound`."""
    header = people.header(ws, person)
    kind = _private_kind(ws, person)
    now = local_date(ws.clock.now_ms()).isoformat()
    last = queries.last_signed(ws, person, ws.user.user)
    session = f"session of {last.service_date.isoformat()}" if last is not None and last.service_date else ""
    values = {"written_on": now, "session": session, "text": ""}
    first = "text" if session else "session"
    return Start(person, called(header), b"", ws.rng.token(16), values, first, kind=kind)


def _private_kind(ws: Workspace, person: bytes) -> str:
    for kind in (PSYCHOTHERAPY_NOTE, COUNSELING_NOTE):
        try:
            signing.place_for(ws, person, kind)  # type: ignore[arg-type]
        except NoKey:
            continue
        return kind.kind
    raise NoKey(
        "A private note belongs to this person's therapist or counselor.", "Ask the front desk to assign you."
    )
