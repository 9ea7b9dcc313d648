"""What became of a document: its versions, corrections, additions and its withdrawal, in the order they were made."""

from __future__ import annotations

from dataclasses import dataclass

from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing.model import AMENDMENT, CLIENT_SIGNATURE, Amendment, ClientSignature, Void
from iop_tui.clinical.signing.service import opened_document
from iop_tui.kernel.declare import Document, DocumentType, show_value
from iop_tui.kernel.ids import show_id
from iop_tui.workspace import Workspace

DRAFT, SIGNED = "draft", "signed"
_ADDENDUM = "addendum"
Field = tuple[str, str, str]
"""(label, before, after)."""


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One thing that happened to a document. `what` is version, amendment, addendum, void or client signature."""

    what: str
    record: bytes
    revision: bytes
    at_ms: int
    author_name: str
    state: str
    title: str

    @property
    def is_text(self) -> bool:
        """Whether it is a whole text of the document, comparable with the one before."""
        return self.what in ("version", AMENDMENT.kind)


def versions(ws: Workspace, record: bytes) -> list[VersionLine]:
    """Everything that happened to a document, oldest first; logged as a reading of it. Raises `NotFound`."""
    line = records.line_of(ws, record)
    work = ws.work()
    ws.session.note(
        work, "read", person=line.person, category=line.compartment_kind, subject=record, detail="versions"
    )
    ws.commit(work)
    return sorted([*_own(ws, line), *_beside(ws, line)], key=lambda item: (item.at_ms, item.what != "version"))


def _own(ws: Workspace, line: records.RecordLine) -> list[VersionLine]:
    rows = ws.view.rows(
        "SELECT v.id, v.at_ms, c.name, v.id = r.leaf AND r.status = 'signed' FROM version v"
        " JOIN record r ON r.record = v.record LEFT JOIN card c ON c.user = v.author WHERE v.record = ?"
        " ORDER BY v.at_ms, v.id",
        (line.id,),
    )
    unsigned = DRAFT if line.status in (DRAFT, SIGNED) else ""
    return [
        VersionLine("version", line.id, row[0], row[1], row[2] or "", SIGNED if row[3] else unsigned,
                    f"Version {number}")
        for number, row in enumerate(rows, 1)
    ]  # fmt: skip


def _beside(ws: Workspace, line: records.RecordLine) -> list[VersionLine]:
    rows = ws.view.rows(
        "SELECT b.kind, b.record, b.leaf, b.created_ms, c.name, b.status, b.title FROM record b"
        " JOIN record r ON r.record = ?1 AND r.compartment = b.compartment LEFT JOIN card c ON c.user = b.author"
        " WHERE b.person = r.person AND ((b.kind IN ('amendment', 'void', 'client_signature')"
        " AND (b.kind = 'client_signature' OR b.author = r.author) AND json_extract(b.doc, '$.record') = ?2)"
        " OR (b.kind = 'addendum' AND b.status != 'kept' AND json_extract(b.doc, '$.note') = ?3))",
        (line.id, line.id.hex(), show_id(line.id)),
    )
    names = {CLIENT_SIGNATURE.kind: "client signature"}
    return [
        VersionLine(names.get(row[0], row[0]), row[1], row[2], row[3], row[4] or "", row[5], row[6]) for row in rows
    ]


def compared(ws: Workspace, lines: list[VersionLine], place: int) -> tuple[tuple[str, str], list[Field]]:
    """What the line at `place` says against the text before it: ((title, title), fields that differ or are new)."""
    line = lines[place]
    before = next((item for item in reversed(lines[:place]) if item.is_text), None) if line.is_text else None
    kind, text = _text(ws, line)
    old = dict(_shown(*_text(ws, before))) if before is not None else {}
    fields = [(label, old.get(label, ""), value) for label, value in _shown(kind, text)]
    if before is None:
        return ("", line.title), fields
    return (before.title, line.title), [item for item in fields if item[1] != item[2]]


def _text(ws: Workspace, line: VersionLine) -> tuple[DocumentType[Document], Document]:
    """The document that a line stands for; of a correction the corrected text."""
    _, kind, document = opened_document(ws, line.record, line.revision)
    if isinstance(document, Amendment):
        of = ws.registry.need(document.kind)
        return of, of.decode(document.document.encode(), document.version)
    return kind, document


def _shown(kind: DocumentType[Document], document: Document) -> list[tuple[str, str]]:
    return [(info.label, text) for info, text in kind.shown(document)]


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside a document when it is read: (label, text, tone) lines for its head, corrections in full."""

    void: str
    amendments: tuple[tuple[str, str], ...]
    clients: tuple[str, ...]


def beside(ws: Workspace, record: bytes) -> Beside:
    """Withdrawal, signed corrections and recorded client signatures, in words. Raises `NotFound`."""
    line = records.line_of(ws, record)
    void, amendments, clients = "", list[tuple[str, str]](), list[str]()
    for item in sorted(_beside(ws, line), key=lambda each: each.at_ms):
        if item.state != SIGNED or item.what == _ADDENDUM:
            continue
        _, kind, document = opened_document(ws, item.record, item.revision)
        day = kind.service_date(document)
        when = f" on {day.isoformat()}" if day else ""
        if isinstance(document, Void):
            void = f"{document.reason}: {document.explanation} ({item.author_name}{when})"
        elif isinstance(document, Amendment):
            said = f"{document.reason}: {document.explanation}\n{show_value(document.changes)}"
            amendments.append((f"Amended{when} by {item.author_name}", said))
        elif isinstance(document, ClientSignature):
            clients.append(f"{document.name}, {kind.title(document)}{when}")
    return Beside(void, tuple(amendments), tuple(clients))
