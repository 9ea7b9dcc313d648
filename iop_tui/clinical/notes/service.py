"""Writing, signing and adding to notes. A signature locks what was signed; afterwards there are only addenda."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import msgspec

from iop_tui.access import charts, primitives, roles, settle
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
from iop_tui.kernel.clock import iso, local_date
from iop_tui.kernel.declare import Document, DocumentType, Finding, RuleContext, Severity
from iop_tui.kernel.errors import AlreadySigned, ConflictOpen, NoKey, NotFound, NotReady, Refused
from iop_tui.kernel.ids import show_id
from iop_tui.store.projection import SIGNATURE_KIND, SignatureDoc
from iop_tui.store.view import Changes
from iop_tui.store.work import Work
from iop_tui.vault.digest import sha256
from iop_tui.workspace import Workspace

METHOD = "passphrase"
_HOME = {roles.INDIVIDUAL_THERAPIST: Kind.IND, roles.COUNSELOR: Kind.SUD}


@dataclass(frozen=True, slots=True)
class Saved:
    """A stored version of a note."""

    record: bytes
    revision: bytes
    findings: tuple[Finding, ...]
    changes: Changes


@dataclass(frozen=True, slots=True)
class Home:
    """Where this user's notes about a person belong, and in which part they write them."""

    compartment: bytes
    kind: str
    role: str


def home(ws: Workspace, person: bytes) -> Home:
    """The compartment of this user's notes about a person: by their part in the person's care. Raises `NoKey`,
    `NotFound`.
    """
    chart = charts.chart_of(ws.session, person)
    for fact in settle.my_care(ws.session):
        kind = _HOME.get(fact.role)
        if fact.person == person and kind is not None:
            return Home(charts.reserved_id(chart, kind), kind, fact.role)
    raise NoKey(
        "You are not part of this person's care as a therapist or counselor.", "Ask the front desk to assign you."
    )


def context(ws: Workspace) -> RuleContext:
    """What the rules of a note may look at."""
    return RuleContext(local_date(ws.clock.now_ms()))


def findings(ws: Workspace, note: ProgressNote) -> tuple[Finding, ...]:
    """What the rules say of a note now."""
    return PROGRESS_NOTE.findings(note, context(ws))


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
    line = records.line_of(ws, record)
    if line.status == "signed":
        raise AlreadySigned("This note is signed.")
    if line.author != ws.user.user:
        raise Refused("This note belongs to its author.", "Write a note of your own.")
    if line.conflict:
        raise ConflictOpen("This note has two versions.", "Open it and choose what stays.")
    row = ws.view.one("SELECT leaf FROM record WHERE record = ?", (record,))
    if row is None:
        raise NotFound
    return (bytes(row[0]),)


def sign(ws: Workspace, ids: Sequence[bytes]) -> Changes:
    """Sign finished notes in one act. Asks for the passphrase where it was not given in the last five minutes.

    Raises `ReauthNeeded`, `AlreadySigned`, `NotReady` naming what is missing, `ConflictOpen`,
    `NotFound`; then none is signed.
    """
    ws.need_fresh()
    work = ws.work()
    for record in dict.fromkeys(ids):
        _sign_one(ws, work, record)
    return ws.commit(work)


def _sign_one(ws: Workspace, work: Work, record: bytes) -> None:
    (leaf,) = _open_leaf(ws, record)
    line = records.line_of(ws, record)
    kind = ws.registry.need(line.kind)
    if not kind.signable or line.status != "draft":
        raise Refused(f"A {line.label.lower()} is not signed.")
    opened = ws.session.open_revision(leaf)
    document = kind.decode(opened.body.payload, opened.body.version)
    missing = [item for item in kind.findings(document, context(ws)) if item.severity is Severity.REFUSE]
    if missing:
        raise NotReady(
            f"Not ready to sign: {' '.join(item.message for item in missing)}", "Complete the note, then sign."
        )
    place = home(ws, line.person)
    _attach(ws, work, line.person, place, _Signing(record, leaf, line.kind, sha256(opened.stored)), opened.compartment)
    if isinstance(document, ProgressNote):
        _project(ws, work, line.person, document, (record, leaf, place.kind))


@dataclass(frozen=True, slots=True)
class _Signing:
    """What is signed: a record, the version that is meant, and the digest of its stored bytes."""

    record: bytes
    revision: bytes
    kind: str
    digest: bytes


def _attach(ws: Workspace, work: Work, person: bytes, place: Home, what: _Signing, compartment: bytes) -> None:
    """The author's signature over a revision, as a record beside it."""
    unsigned = SignatureDoc(
        record=what.record.hex(),
        target=what.revision.hex(),
        sha256=what.digest.hex(),
        meaning="author",
        role=place.role,
        method=METHOD,
        signed_at=iso(work.at_ms),
        signature="",
    )
    message = records.signed_message(unsigned, what.digest)
    doc = msgspec.structs.replace(unsigned, signature=ws.user.signer.sign("iop/note/1", message).hex())
    body = ws.session.body(
        work,
        record=ws.rng.token(16),
        person=person,
        kind=SIGNATURE_KIND,
        version=1,
        payload=msgspec.json.encode(doc),
    )
    ws.session.write(work, compartment, body)
    ws.session.note(work, "sign", person=person, category=place.kind, subject=what.record, detail=what.kind)


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
    _attach(ws, work, person, place, _Signing(record, revision, PROGRESS_NOTE.kind, body.digest()), place.compartment)
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
        "SELECT record FROM record WHERE kind = 'addendum' AND json_extract(doc, '$.note') = ? ORDER BY created_ms",
        (show_id(record),),
    )
    return [records.line_of(ws, row[0]) for row in rows]


def drafts(ws: Workspace) -> list[records.RecordLine]:
    """This user's unsigned notes and addenda."""
    return records.lines(ws, (PROGRESS_NOTE.kind, ADDENDUM.kind), status="draft", author=ws.user.user)


# -- unsaved typing ------------------------------------------------------------------------


class Unsaved(msgspec.Struct, frozen=True):
    """A note as it was being typed: whose, of which record, which form fields."""

    person: bytes
    record: bytes
    fields: dict[str, object]
    at_ms: int


def keep(ws: Workspace, slot: bytes, unsaved: Unsaved) -> None:
    """Seal unsaved typing into the journal of this copy."""
    ws.session.journal_put(slot, msgspec.msgpack.encode(unsaved))


def kept(ws: Workspace) -> dict[bytes, Unsaved]:
    """Unsaved typing of this user by slot."""
    return {slot: msgspec.msgpack.decode(raw, type=Unsaved) for slot, raw in ws.session.journal().items()}


def give_up(ws: Workspace, slot: bytes) -> None:
    """Drop unsaved typing that its author discards."""
    ws.session.db.journal_clear(ws.user.user, slot)
