"""Writing, signing and adding to notes. A signature locks what was signed; afterwards there are only addenda."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from iop_tui.access import charts, primitives
from iop_tui.access.policy import Kind
from iop_tui.clinical.notes.model import (
    ADDENDUM,
    PROGRESS_NOTE,
    SERVICE_LINE,
    Addendum,
    ProgressNote,
    ServiceLine,
    minutes,
)
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import Document, DocumentType, Finding, RuleContext, Severity
from iop_tui.kernel.errors import NoKey, NotFound, NotReady, Refused
from iop_tui.kernel.ids import show_id
from iop_tui.store.views.view import Changes
from iop_tui.store.work import Work
from iop_tui.vault.digest import sha256
from iop_tui.workspace import Workspace, unsaved, writing

Saved = signing.Saved
Home = signing.Home


def home(ws: Workspace, person: bytes) -> Home:
    """The compartment of this user's notes about a person: by their part in the person's care. Raises `NoKey`,
    `NotFound`.
    """
    return signing.home(ws, person)


def context(ws: Workspace) -> RuleContext:
    """What the rules of a note may look at."""
    return RuleContext(local_date(ws.clock.now_ms()))


def findings(ws: Workspace, note: ProgressNote) -> tuple[Finding, ...]:
    """What the rules say of a note now."""
    return PROGRESS_NOTE.findings(note, context(ws))


@writing
def save(ws: Workspace, person: bytes, note: ProgressNote, *, record: bytes | None = None, slot: bytes = b"") -> Saved:
    """Store a version of a note as an unsigned revision and drop its journal entry (`slot`).

    Raises `AlreadySigned`, `ConflictOpen`, `NoKey`, `NotFound`.
    """
    work = ws.work()
    place = home(ws, person)
    if not ws.session.holds(place.compartment):
        raise NoKey(
            "You hold no key to this person's notes yet.",
            "A colleague who holds it hands it over at their next unlock; your text is kept unsaved until then.",
        )
    parents: tuple[bytes, ...] = ()
    if record is not None:
        parents = _open_leaf(ws, record)
    identifier, revision = primitives.put(
        ws.session,
        work,
        place.compartment,
        PROGRESS_NOTE,
        note,
        person=person,
        record=record,
        parents=parents,
        source="client in session",
    )
    if slot:
        work.clear_journal.append(slot)
    ws.session.note(work, "write", person=person, category=place.kind, subject=identifier, detail=PROGRESS_NOTE.kind)
    return Saved(identifier, revision, findings(ws, note), ws.commit(work))


def _open_leaf(ws: Workspace, record: bytes) -> tuple[bytes, ...]:
    return (signing.open_leaf(ws, record),)


@writing
def sign(ws: Workspace, ids: Sequence[bytes]) -> Changes:
    """Sign finished notes in one act. Asks for the passphrase where it was not given in the last five minutes.

    Raises `ReauthNeeded`, `AlreadySigned`, `NotReady` naming what is missing, `ConflictOpen`,
    `NotFound`; then none is signed.
    """
    return signing.sign(ws, ids, after=lambda work, signed: after_signing(ws, work, signed))


def after_signing(ws: Workspace, work: Work, signed: signing.Signing) -> None:
    """What a signed note leaves elsewhere in the same transaction: the fixed fields billing may see."""
    if isinstance(signed.document, ProgressNote):
        origin = (signed.record, signed.revision, signed.place.kind)
        _project(ws, work, signed.person, signed.document, origin)


def add_signed(ws: Workspace, work: Work, person: bytes, note: ProgressNote, *, place: Home, billing: bytes) -> bytes:
    """Write and sign a finished note inside a larger write; the record's id.

    For programs that bring many notes at once: `place` and `billing` (the person's PAY compartment) are given, since
    the view does not show yet what the same write opened. Raises `NotReady`.
    """
    refused = [item for item in findings(ws, note) if item.severity is Severity.REFUSE]
    if refused:
        raise NotReady(f"Not ready to sign: {refused[0].message}")
    record = ws.rng.token(16)
    body = ws.session.body(
        work,
        record=record,
        person=person,
        kind=PROGRESS_NOTE.kind,
        version=PROGRESS_NOTE.version,
        payload=PROGRESS_NOTE.encode(note),
        source="client in session",
    )
    revision = ws.session.write(work, place.compartment, body)
    kind: DocumentType[Document] = PROGRESS_NOTE  # type: ignore[assignment]
    digest = body.digest()
    signing.attach(
        ws, work, signing.Signing(record, revision, person, kind, note, digest, place.compartment, place)
    )
    _project(ws, work, person, note, (record, revision, place.kind), billing)
    return record


def _project(
    ws: Workspace,
    work: Work,
    person: bytes,
    note: ProgressNote,
    origin: tuple[bytes, bytes, str],
    billing: bytes | None = None,
) -> None:
    """At signing, the author's program writes the fixed fields billing may see; nothing where billing has no key
    yet.
    """
    if note.service_date is None:
        return
    compartment = billing or charts.compartment_for(ws.session, person, Kind.PAY)
    line = ServiceLine(
        service_date=note.service_date,
        minutes=minutes(note),
        service_code=note.service_code,
        modality=note.modality,
        session_type=note.session_type,
    )
    try:
        primitives.project(ws.session, work, compartment, SERVICE_LINE, line, person=person, origin=origin)
    except NoKey:
        ws.session.note(work, "projection-waiting", person=person, category=Kind.PAY, subject=origin[0])


def addend(ws: Workspace, record: bytes, *, text: str, reason: str, on: date | None = None, slot: bytes = b"") -> Saved:
    """Write an addendum to a signed note, as a draft that is signed like a note. Raises `Refused` for an unsigned
    one.
    """
    line = records.line_of(ws, record)
    if line.status != "signed":
        raise Refused("Only a signed note takes an addendum.", "Edit the note itself until it is signed.")
    row = ws.view.one("SELECT leaf FROM record WHERE record = ?", (record,))
    if row is None:
        raise NotFound
    opened = ws.session.open_revision(row[0])
    document = ADDENDUM.parse(
        {
            "note": show_id(record),
            "note_sha256": sha256(opened.stored).hex(),
            "reason": reason,
            "text": text,
            "written_on": (on or local_date(ws.clock.now_ms())).isoformat(),
        }
    )
    return _write_addendum(ws, line, opened.compartment, document, slot)


def revise_addendum(ws: Workspace, record: bytes, *, text: str, reason: str, slot: bytes = b"") -> Saved:
    """Another version of an unsigned addendum. Raises `AlreadySigned`, `Refused`, `ConflictOpen`, `NotFound`."""
    (leaf,) = _open_leaf(ws, record)
    line = records.line_of(ws, record)
    opened = ws.session.open_revision(leaf)
    before = ADDENDUM.decode(opened.body.payload, opened.body.version)
    document = ADDENDUM.parse({**msgspec.to_builtins(before), "text": text, "reason": reason})
    return _write_addendum(ws, line, opened.compartment, document, slot, record, (leaf,))


def _write_addendum(
    ws: Workspace,
    line: records.RecordLine,
    compartment: bytes,
    document: Addendum,
    slot: bytes,
    record: bytes | None = None,
    parents: tuple[bytes, ...] = (),
) -> Saved:
    work = ws.work()
    kind: DocumentType[Document] = ADDENDUM  # type: ignore[assignment]
    identifier, revision = primitives.put(
        ws.session,
        work,
        compartment,
        kind,
        document,
        person=line.person,
        record=record,
        parents=parents,
        source="client in session",
    )
    if slot:
        work.clear_journal.append(slot)
    ws.session.note(
        work, "write", person=line.person, category=line.compartment_kind, subject=identifier, detail="addendum"
    )
    return Saved(identifier, revision, ADDENDUM.findings(document, context(ws)), ws.commit(work))


def addenda(ws: Workspace, record: bytes) -> list[records.RecordLine]:
    """The addenda of a note, oldest first."""
    rows = ws.view.rows(
        "SELECT record FROM record WHERE kind = 'addendum' AND json_extract(doc, '$.note') = ?"
        " AND status != 'kept' ORDER BY created_ms",  # one that was received belongs to the note it came with
        (show_id(record),),
    )
    return [records.line_of(ws, row[0]) for row in rows]


def drafts(ws: Workspace) -> list[records.RecordLine]:
    """This user's unsigned notes and addenda."""
    return records.lines(ws, (PROGRESS_NOTE.kind, ADDENDUM.kind), status="draft", author=ws.user.user)


# -- unsaved typing ------------------------------------------------------------------------


Unsaved = unsaved.Unsaved
keep, kept, give_up = unsaved.keep, unsaved.kept, unsaved.give_up
