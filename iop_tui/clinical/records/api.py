"""Queries over everything this user may read. They filter nothing: what a user may not read is not in the view."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from iop_tui.access.policy import Kind
from iop_tui.kernel.canonical import joined
from iop_tui.kernel.declare import Document, DocumentType
from iop_tui.kernel.errors import NotFound, VaultDamaged
from iop_tui.kernel.ids import show_id
from iop_tui.store.views.projection import SignatureDoc
from iop_tui.vault import signing
from iop_tui.vault.digest import sha256
from iop_tui.workspace import Workspace

INTERNAL_KINDS = (
    "chart_map", "registration", "forwarded", "root_key", "couple_link", "care_member", "arrival", "cosign_request",
    "cosign_answer", "couple_end", "conflict_clearance", "disclosure",
    "supervision_exception", "succession", "succession_approval", "private_receipt", "caseload_transfer", "leaver",
    "consult_request", "consult_answer", "restriction_decision", "identity_decision",
    "appointment", "calendar_line",
)  # fmt: skip
_HIDDEN = ",".join(f"'{kind}'" for kind in INTERNAL_KINDS)
_COLUMNS = (
    "r.record, r.person, r.kind, r.status, r.service_date, r.author, r.title, r.changed_ms, r.leaves, r.compartment"
)
_LABELS = {"kept": "", "draft": "draft", "signed": "signed", "newer": "newer program", "void": "void"}


@dataclass(frozen=True, slots=True)
class RecordLine:
    """One record as lists show it. `conflict` says that two versions wait for a person to choose."""

    id: bytes
    person: bytes
    kind: str
    status: str
    service_date: str
    author: bytes
    title: str
    changed_ms: int
    conflict: bool
    label: str = ""
    author_name: str = ""
    compartment_kind: str = ""
    mark: str = ""
    """`void` for what its author withdrew, `amended` for what they corrected; empty otherwise."""
    signed_ms: int = 0
    """When its author signed it; 0 while unsigned."""


@dataclass(frozen=True, slots=True)
class SignatureView:
    """A verified signature: who, meaning what, when."""

    signer: bytes
    name: str
    role: str
    meaning: str
    method: str
    at: str
    target: bytes


@dataclass(frozen=True, slots=True)
class RecordView:
    """One record, decrypted and verified."""

    line: RecordLine
    document: Document | None
    type: DocumentType[Document] | None
    revision: bytes
    parents: tuple[bytes, ...]
    signatures: tuple[SignatureView, ...]
    source: str
    received: bytes
    versions: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A search result. `snippet` is text with marks: pieces, each with whether it matched."""

    id: bytes
    person: bytes
    person_name: str
    kind: str
    label: str
    service_date: str
    snippet: tuple[tuple[str, bool], ...]
    mark: str = ""
    """As of `RecordLine`."""


def _line(ws: Workspace, row: tuple[Any, ...]) -> RecordLine:
    kind = ws.registry.get(row[2])
    return RecordLine(
        row[0],
        row[1],
        row[2],
        row[3],
        row[4] or "",
        row[5],
        row[6],
        row[7],
        row[8] > 1,
        kind.label if kind else row[2],
        row[10] or "",
        row[11] or "",
        VOID if row[12] else AMENDED if row[13] else "",
        row[14] or 0,
    )


VOID, AMENDED = "void", "amended"
_BESIDE = (
    "EXISTS (SELECT 1 FROM record b WHERE b.person = r.person AND b.kind = '{}' AND b.author = r.author"
    " AND b.status = 'signed' AND b.compartment = r.compartment"
    " AND json_extract(b.doc, '$.record') = lower(hex(r.record)))"
)
"""Only an author's own withdrawal or correction, in the document's own compartment, counts."""
_MARKS = (
    f"{_BESIDE.format('void')}, {_BESIDE.format('amendment')}, (SELECT min(s.at_ms) FROM signature s"
    " WHERE s.record = r.record AND s.compartment = r.compartment AND s.meaning = 'author' AND s.signer = r.author)"
)
_MORE = "LEFT JOIN card c ON c.user = r.author LEFT JOIN compartment m ON m.id = r.compartment"
_JOINS = f"FROM record r {_MORE}"
_NEWEST = "ORDER BY r.service_date DESC, r.id DESC"


def _kinds(kinds: tuple[str, ...], without: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    if kinds:
        return f"AND r.kind IN ({','.join('?' * len(kinds))})", kinds
    hidden = (*INTERNAL_KINDS, *without)
    return f"AND r.kind NOT IN ({','.join('?' * len(hidden))})", hidden


def timeline(
    ws: Workspace,
    person: bytes,
    *,
    kinds: tuple[str, ...] = (),
    without: tuple[str, ...] = (),
    limit: int = 100,
    offset: int = 0,
) -> list[RecordLine]:
    """A person's records, newest service date first; only of `kinds` where given, else all but those of `without`."""
    marks, values = _kinds(kinds, without)
    chosen = f"SELECT r.id FROM record r WHERE r.person = ? {marks} {_NEWEST} LIMIT ? OFFSET ?"
    return _lines(ws, chosen, (person, *values, limit, offset))


def _lines(ws: Workspace, chosen: str, values: tuple[Any, ...]) -> list[RecordLine]:
    """The lines of the records whose row numbers a query chooses. What a line says besides is looked up for them
    alone, not for everything that had to be sorted.
    """
    rows = ws.view.rows(
        f"SELECT {_COLUMNS}, c.name, m.kind, {_MARKS} FROM ({chosen}) k JOIN record r ON r.id = k.id {_MORE} {_NEWEST}",
        values,
    )
    return [_line(ws, row) for row in rows]


def timeline_count(
    ws: Workspace, person: bytes, *, kinds: tuple[str, ...] = (), without: tuple[str, ...] = ()
) -> int:
    """How many records `timeline` would list in all."""
    marks, values = _kinds(kinds, without)
    row = ws.view.one(f"SELECT count(*) FROM record r WHERE r.person = ? {marks}", (person, *values))
    return int(row[0]) if row else 0


def lines(
    ws: Workspace,
    kinds: tuple[str, ...],
    *,
    status: str = "",
    author: bytes = b"",
    limit: int = 1000,
    offset: int = 0,
) -> list[RecordLine]:
    """Records of some kinds over all people, newest first."""
    where, given = ["r.kind = ?"], list[Any]()
    if status:
        where.append("r.status = ?")
        given.append(status)
    if author:
        where.append("r.author = ?")
        given.append(author)
    of_kind = f"SELECT * FROM (SELECT r.id, r.service_date FROM record r WHERE {' AND '.join(where)} {_NEWEST} LIMIT ?)"
    values = [value for kind in kinds for value in (kind, *given, limit + offset)]
    chosen = f"SELECT id FROM ({' UNION ALL '.join([of_kind] * len(kinds))}) ORDER BY service_date DESC, id DESC"
    return _lines(ws, f"{chosen} LIMIT ? OFFSET ?", (*values, limit, offset)) if kinds else []


def line_of(ws: Workspace, record: bytes) -> RecordLine:
    """One record's line. Raises `NotFound`."""
    rows = ws.view.rows(f"SELECT {_COLUMNS}, c.name, m.kind, {_MARKS} {_JOINS} WHERE r.record = ?", (record,))
    if not rows:
        raise NotFound
    return _line(ws, rows[0])


def read(ws: Workspace, record: bytes) -> RecordView:
    """Open a record: logged first, then decrypted, its author's signature and every other signature verified.

    Raises `NotFound` for what does not exist or cannot be opened by this user: the two look the same.
    """
    line = line_of(ws, record)
    ws.opened.add(record)
    work = ws.work()
    ws.session.note(work, "read", person=line.person, category=line.compartment_kind, subject=record, detail=line.kind)
    ws.commit(work)
    row = ws.view.one("SELECT leaf FROM record WHERE record = ?", (record,))
    if row is None:
        raise NotFound
    opened = ws.session.open_revision(row[0])
    kind = ws.registry.get(line.kind)
    document = (
        kind.decode(opened.body.payload, opened.body.version) if kind is not None and line.status != "newer" else None
    )
    versions = tuple(
        item[0] for item in ws.view.rows("SELECT id FROM version WHERE record = ? ORDER BY at_ms", (record,))
    )
    return RecordView(
        line,
        document,
        kind,
        opened.id,
        opened.body.parents,
        signatures(ws, record),
        opened.body.source,
        opened.body.received,
        versions,
    )


def signatures(ws: Workspace, record: bytes) -> tuple[SignatureView, ...]:
    """The signatures of a record, oldest first, each verified. One that does not verify says so in its meaning; the
    author's own raises `VaultDamaged`.
    """
    rows = ws.view.rows(
        "SELECT s.signer, s.doc, s.target, r.author FROM signature s JOIN record r ON r.record = s.record AND"
        " r.compartment = s.compartment WHERE s.record = ? ORDER BY s.at_ms",
        (record,),
    )
    return tuple(_signature_view(ws, *row) for row in rows)


def _signature_view(ws: Workspace, signer: bytes, raw: bytes, target: bytes, author: bytes) -> SignatureView:
    doc = msgspec.json.decode(raw, type=SignatureDoc)
    card = ws.session.card(signer)
    meaning = doc.meaning
    try:
        stored = ws.session.open_revision(target).stored
        message = signed_message(doc, sha256(stored))
        signing.verify(card.sig_public, "iop/note/1", message, _bytes_of(doc.signature))
    except (VaultDamaged, NotFound):
        if signer == author:
            raise
        meaning = f"{doc.meaning}, which does not verify"
    return SignatureView(signer, card.name, doc.role, meaning, doc.method, doc.signed_at, target)


def _bytes_of(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise VaultDamaged("A stored signature cannot be read.") from None


def signed_message(doc: SignatureDoc, digest: bytes) -> bytes:
    """What a clinical signature signs: record, version, SHA-256 of the stored bytes, meaning, role, method, time."""
    return joined(
        bytes.fromhex(doc.record), bytes.fromhex(doc.target), digest, doc.meaning, doc.role, doc.method, doc.signed_at
    )


_WORD = re.compile(r"\w+", re.UNICODE)
_OPEN, _CLOSE = "\x02", "\x03"


def match_expression(text: str) -> str:
    """An FTS5 expression for what a person typed: every word must occur, the last may be unfinished. Empty for no
    words.
    """
    words = _WORD.findall(text)
    if not words:
        return ""
    *whole, last = words
    return " ".join([*(f'"{word}"' for word in whole), f'"{last}"' + ("" if text[-1:].isspace() else "*")])


def search(ws: Workspace, text: str, *, limit: int = 50, offset: int = 0) -> list[Hit]:
    """Records that contain every word, best match first, with the words marked. Queries are logged without their
    text.
    """
    expression = match_expression(text)
    if not expression:
        return []
    rows = ws.view.rows(
        "SELECT r.record, r.person, p.name, r.kind, r.service_date, snippet(search, 0, ?, ?, '..', 12),"
        f" {_BESIDE.format('void')}, {_BESIDE.format('amendment')} FROM search"
        f" JOIN record r ON r.id = search.rowid LEFT JOIN person p ON p.id = r.person WHERE search MATCH ? AND"
        f" r.kind NOT IN ({_HIDDEN})"
        " ORDER BY rank LIMIT ? OFFSET ?",
        (_OPEN, _CLOSE, expression, limit, offset),
    )
    return [
        Hit(row[0], row[1], row[2] or "", row[3], _label(ws, row[3]), row[4] or "", _pieces(row[5]),
            VOID if row[6] else AMENDED if row[7] else "")
        for row in rows
    ]  # fmt: skip


def log_search(ws: Workspace) -> None:
    """The audit event of a query, without its text."""
    work = ws.work()
    ws.session.note(work, "query", detail="search")
    ws.commit(work)


def _label(ws: Workspace, kind: str) -> str:
    found = ws.registry.get(kind)
    return found.label if found else kind


def _pieces(marked: str) -> tuple[tuple[str, bool], ...]:
    pieces: list[tuple[str, bool]] = []
    for index, part in enumerate(marked.split(_OPEN)):
        if index == 0:
            pieces.append((part, False))
            continue
        hit, _, rest = part.partition(_CLOSE)
        pieces += [(hit, True), (rest, False)]
    return tuple((text, hit) for text, hit in pieces if text)


def as_json(line: RecordLine) -> dict[str, Any]:
    """A record's line as the command line prints it."""
    return {
        "id": show_id(line.id),
        "person": show_id(line.person),
        "kind": line.kind,
        "status": line.status,
        "service_date": line.service_date or None,
        "author": show_id(line.author),
        "title": line.title,
        "conflict": line.conflict,
        "mark": line.mark or None,
    }


def protected_line() -> str:
    """The same line on every chart, whatever exists behind it (program rule CR-3)."""
    return "Other protected records may exist for this person."


__all__ = [
    "AMENDED",
    "VOID",
    "Hit",
    "Kind",
    "RecordLine",
    "RecordView",
    "SignatureView",
    "as_json",
    "line_of",
    "lines",
    "log_search",
    "match_expression",
    "protected_line",
    "read",
    "search",
    "signatures",
    "signed_message",
    "timeline",
    "timeline_count",
]
