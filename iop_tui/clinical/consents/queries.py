"""Which consents there are, in which state, and what they cover. Only what was executed where it lies counts: no
deposit, no shared copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import msgspec

from iop_tui.access.policy import AUTHOR_KINDS, Kind
from iop_tui.clinical.consents import wording
from iop_tui.clinical.consents.model import CONSENT, INTERNAL, REVOCATION, Consent, Recipient, Revocation
from iop_tui.clinical.consents.rules import JOINT_RECORD
from iop_tui.clinical.consents.topics import BESIDE, kinds_of
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.kernel.clock import iso, local_date
from iop_tui.kernel.errors import NotFound
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.revisions import Origin
from iop_tui.workspace import Workspace

IN_FORCE, EXPIRED, REVOKED, ENDED = "in force", "expired", "revoked", "ended"


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """A consent as lists show it. `open_to` are the recipients it is still in force for."""

    id: bytes
    person: bytes
    compartment: bytes
    compartment_kind: str
    author: bytes
    author_name: str
    document: Consent
    state: str
    starts: date
    until: date | None
    open_to: tuple[Recipient, ...]

    @property
    def joint(self) -> bool:
        """Whether it concerns the couple's joint record."""
        return self.document.source == Kind.JNT


@dataclass(frozen=True, slots=True)
class SharedUnder:
    """What a shared copy came from: the consent, whose record it was, by whom it was shared and until when."""

    consent: bytes
    source_kind: str
    author: bytes
    shared_by: bytes
    purpose: str
    until: str


@dataclass(frozen=True, slots=True)
class Piece:
    """One record that a consent covers, as it stands: what is shared, and what the ledger calls it."""

    record: bytes
    leaf: bytes
    kind: str
    service_date: str

    @property
    def mark(self) -> str:
        """How the ledger remembers this version."""
        return f"{show_id(self.record)}:{show_id(self.leaf)}"


_BASE = (
    "SELECT r.record, r.person, r.compartment, m.kind, r.author, c.name, r.doc, r.version, r.created_ms FROM record r"
    " JOIN compartment m ON m.id = r.compartment LEFT JOIN card c ON c.user = r.author"
    " WHERE r.kind = 'consent' AND r.deposit = 0 AND r.origin IS NULL AND r.status != 'newer' AND m.kind !="
    " 'SHARE'"
)


def consents(ws: Workspace, person: bytes | None = None) -> list[ConsentLine]:
    """Every consent this user may read, newest first: of one person (or couple) or of all."""
    rows = ws.view.rows(
        f"{_BASE} AND (?1 IS NULL OR r.person = ?1) ORDER BY r.created_ms DESC, r.id DESC", (person,)
    )
    ended = _revocations(ws)
    today = local_date(ws.clock.now_ms())
    lines = [_line(row, ended.get((row[0], row[2]), ()), today) for row in rows]
    return [line for line in lines if _at_home(line)]


def consent(ws: Workspace, identifier: bytes) -> ConsentLine:
    """One consent. Raises `NotFound`."""
    rows = ws.view.rows(f"{_BASE} AND r.record = ?", (identifier,))
    if not rows:
        raise NotFound
    row = rows[0]
    line = _line(row, _revocations(ws).get((row[0], row[2]), ()), local_date(ws.clock.now_ms()))
    if not _at_home(line):
        raise NotFound
    return line


def _at_home(line: ConsentLine) -> bool:
    """Whether a consent is about whom the place it lies in is about, and releases from there: only for private notes
    it lies in the chart.
    """
    source = line.document.source
    try:
        return parse_id(line.document.person) == line.person and source in ("", line.compartment_kind, Kind.PSY)
    except NotFound:
        return False


def _revocations(ws: Workspace) -> dict[tuple[bytes, bytes], tuple[Revocation, ...]]:
    """(consent, compartment) → its revocations: they count where the consent itself lies."""
    rows = ws.view.rows(
        "SELECT r.compartment, r.doc, r.version FROM record r WHERE r.kind = 'revocation' AND r.deposit = 0 AND"
        " r.origin IS NULL AND r.status != 'newer' ORDER BY r.created_ms"
    )
    found: dict[tuple[bytes, bytes], tuple[Revocation, ...]] = {}
    for compartment, doc, version in rows:
        document = REVOCATION.decode(doc, version)
        key = (parse_id(document.consent), compartment)
        found[key] = (*found.get(key, ()), document)
    return found


def key_of(recipient: Recipient) -> str:
    """How a revocation names a recipient: the colleague's id, else the name."""
    return recipient.user or recipient.name


def _line(row: tuple[bytes, bytes, bytes, str, bytes, str | None, bytes, int, int], ended: tuple[Revocation, ...],
          today: date) -> ConsentLine:  # fmt: skip
    document = CONSENT.decode(row[6], row[7])
    everyone = [item for item in ended if not item.recipients]
    gone = {name for item in ended for name in item.recipients}
    left = () if everyone else tuple(r for r in document.recipients if key_of(r) not in gone)
    if not left:
        by_client = any(item.by_client for item in ended)
        state = REVOKED if by_client else ENDED
    else:
        state = EXPIRED if document.expires_on is not None and document.expires_on < today else IN_FORCE
    return ConsentLine(
        row[0], row[1], row[2], row[3], row[4], row[5] or "", document, state, local_date(row[8]),
        document.expires_on, left if state == IN_FORCE else (),
    )  # fmt: skip


def in_force(
    ws: Workspace, person: bytes | None = None, *, source: str = "", variant: str = "", recipient: str = ""
) -> list[ConsentLine]:
    """Consents in force, newest first; `recipient` is a printed user id or a name."""
    return [
        line
        for line in consents(ws, person)
        if line.state == IN_FORCE
        and source in ("", line.document.source)
        and variant in ("", line.document.variant)
        and (not recipient or recipient in {name for item in line.open_to for name in (item.user, item.name)})
    ]


# -- what a consent covers -----------------------------------------------------------------

_PIECES = (
    "SELECT r.record, r.leaf, r.kind, coalesce(r.service_date, ''), r.created_ms, r.status, json_extract(r.doc,"
    " CASE r.kind WHEN 'addendum' THEN '$.note' ELSE '$.record' END) FROM record r WHERE r.compartment = ?1 AND"
    " r.origin IS NULL AND r.leaves = 1 AND r.kind NOT IN ('consent', 'revocation', 'disclosure', 'client_signature')"
    " AND r.record NOT IN (SELECT unhex(json_extract(v.doc, '$.record')) FROM record v WHERE v.kind = 'void' AND"
    " v.compartment = ?1 AND v.status = 'signed' AND v.author = r.author) ORDER BY r.service_date, r.id"
)
_DONE = ("signed", "kept")


def covered(ws: Workspace, line: ConsentLine, compartment: bytes) -> list[Piece]:
    """The finished records of a compartment that a consent covers, with what stands beside them, oldest first.

    Drafts are never covered, except what an author keeps alone and named one by one.
    """
    document = line.document
    kinds, named = kinds_of(document.topics), {parse_id(text) for text in document.records}
    alone = document.source in AUTHOR_KINDS
    chosen: dict[bytes, Piece] = {}
    beside: list[tuple[Piece, str]] = []
    for record, leaf, kind, day, created_ms, status, target in ws.view.rows(_PIECES, (compartment,)):
        piece = Piece(record, leaf, kind, day)
        if kind in BESIDE and record not in named:
            if status in _DONE and target:
                beside.append((piece, target))
        elif status not in _DONE and not (alone and status == "draft"):
            continue
        elif record in named or (kind in kinds and _within(document, day, created_ms)):
            chosen[record] = piece
    names = {text for record in chosen for text in (record.hex(), show_id(record))}
    return [*chosen.values(), *(piece for piece, target in beside if target in names)]


def _within(document: Consent, day: str, created_ms: int) -> bool:
    when = date.fromisoformat(day) if day else local_date(created_ms)
    after = document.covers_from is None or document.covers_from <= when
    return after and (document.covers_to is None or when <= document.covers_to)


def shared_under(ws: Workspace, record: bytes) -> SharedUnder | None:
    """Under which consent a shared copy reached this user; None for a record of their own keys."""
    row = ws.view.one(
        "SELECT r.origin, r.author, r.compartment, m.purpose, (SELECT max(w.not_after_ms) FROM wrap w WHERE"
        " w.compartment = r.compartment AND w.revoked_ms = 0) FROM record r JOIN compartment m ON m.id ="
        " r.compartment WHERE r.record = ? AND m.kind = 'SHARE' AND r.origin IS NOT NULL",
        (record,),
    )
    copy = row and ws.view.one(
        "SELECT r.origin FROM record r WHERE r.compartment = ? AND r.kind = 'consent' AND r.author = ?",
        (row[2], row[1]),
    )
    if not row or not copy:
        return None
    came_from = msgspec.msgpack.decode(row[0], type=Origin)
    under = msgspec.msgpack.decode(copy[0], type=Origin).record if copy[0] else b""
    return SharedUnder(under, came_from.compartment_kind, came_from.author, row[1], row[3], iso(row[4] or 0))


def covering(ws: Workspace, record: bytes) -> bytes | None:
    """The consent under which this user may carry a record's words into the couple's joint record; None: they may not.

    The person authorized the joint record itself as the recipient: in the consent that lies with the record, or in the
    one whose copy came with a share. That a colleague may read something lets nothing of it into another record.
    """
    row = ws.view.one(
        "SELECT r.compartment, r.person, m.kind FROM record r JOIN compartment m ON m.id = r.compartment WHERE"
        " r.record = ?",
        (record,),
    )
    if row is None:
        return None
    if row[2] == Kind.SHARE:
        under = shared_under(ws, record)
        return under.consent or None if under is not None and _names_joint(ws, row[0], row[1], under) else None
    for line in in_force(ws, row[1], variant=INTERNAL, recipient=JOINT_RECORD):
        place = source_of(ws, line)
        if place == row[0] and any(piece.record == record for piece in covered(ws, line, place)):
            return line.id
    return None


def _names_joint(ws: Workspace, share: bytes, person: bytes, under: SharedUnder) -> bool:
    """Whether the copy of the consent that came with a share names the joint record among its recipients."""
    copies = ws.view.rows(
        "SELECT r.doc, r.version FROM record r WHERE r.compartment = ? AND r.kind = 'consent' AND r.author = ? AND"
        " r.person = ? AND r.origin IS NOT NULL AND r.status != 'newer'",
        (share, under.shared_by, person),
    )
    forms = [CONSENT.decode(doc, version) for doc, version in copies]
    return bool(forms) and all(
        form.variant == INTERNAL and form.source not in (Kind.SAFE, Kind.PSY)
        and JOINT_RECORD in {item.name for item in form.recipients if not item.user}
        for form in forms
    )


def source_of(ws: Workspace, line: ConsentLine) -> bytes:
    """The compartment a consent releases from: where it lies, but for private notes, whose consent lies in the chart.

    Empty where this user does not hold it.
    """
    if line.document.source in ("", line.compartment_kind):
        return line.compartment
    for text in line.document.records:
        row = ws.view.one("SELECT r.compartment FROM record r WHERE r.record = ?", (parse_id(text),))
        if row is not None:
            return bytes(row[0])
    return b""


def cannot_undo(ws: Workspace, line: ConsentLine) -> tuple[str, ...]:
    """What ending a consent cannot undo, and what was disclosed under it until now."""
    made = [row.document for row in disclosures.rows(ws, consent=line.id)]
    past = tuple(dict.fromkeys(f"{row.at[:10]}: {row.what} to {row.recipient}" for row in made))
    return (*wording.CANNOT_UNDO, *past)
