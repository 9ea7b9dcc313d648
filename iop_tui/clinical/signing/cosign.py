"""The supervisor's co-signature: a share with the signed bytes, a signature deposited where the document lies, or a
return with what is to be changed.

The supervisor holds no key to the client's record. The author's program shares exactly what was signed; the
supervisor's program checks it against its digest and deposits the signature beside the original.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import date

from iop_tui.access import primitives, roles
from iop_tui.access.policy import AUTHOR_KINDS
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing.model import COSIGN_ANSWER, COSIGN_REQUEST, RETURNED, SIGNED, CosignAnswer, CosignRequest
from iop_tui.clinical.signing.service import (
    COSIGN,
    PASSPHRASE,
    is_private,
    opened_document,
    signature_body,
    signature_over,
    signed_line,
    today,
)
from iop_tui.kernel.canonical import decode
from iop_tui.kernel.declare import Document, DocumentType
from iop_tui.kernel.errors import NotFound, Refused, VaultDamaged
from iop_tui.store.revisions import Body, Opened, Origin, revision_id
from iop_tui.store.views.view import Changes
from iop_tui.store.work import Work
from iop_tui.vault.digest import sha256
from iop_tui.workspace import Workspace

DAYS = 30
_DAY_MS = 86_400_000
PURPOSE, RULE = "co-signature", "state rule on supervised practice; 26 TAC 564.804(e)"
PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as both sides list it. `state` is pending, signed or returned."""

    id: bytes
    record: bytes
    person: bytes
    author: bytes
    author_name: str
    supervisor: bytes
    label: str
    service_date: date | None
    asked_on: date | None
    message: str
    state: str
    reason: str = ""
    answered_on: date | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What the supervisor reads: the document exactly as it was signed."""

    request: Request
    type: DocumentType[Document]
    document: Document
    body: Body
    digest: bytes


def request(ws: Workspace, record: bytes, supervisor: bytes, *, message: str = "") -> Changes:
    """Ask a supervisor to co-sign an own signed document; they can read it for 30 days.

    Raises `Refused` for unsigned or private documents, for anybody who is not a supervisor and for oneself.
    """
    line = signed_line(ws, record, "is co-signed")
    card = ws.session.card(supervisor)
    if line.author != ws.user.user:
        raise Refused("Only its author asks for a co-signature.")
    if is_private(ws, record):
        raise Refused("What its author keeps alone is not co-signed.")
    if roles.SUPERVISOR not in card.roles or supervisor == ws.user.user:
        raise Refused(f"{card.name} cannot co-sign this.", "Choose another supervisor.")
    if any(item.record == record and item.state == PENDING for item in asked(ws)):
        raise Refused("This document waits for its co-signature already.")
    opened, _, _ = opened_document(ws, record)
    work = ws.work()
    reader = primitives.user_recipient(ws.session, supervisor, roles.SUPERVISOR)
    until = work.at_ms + DAYS * _DAY_MS
    shared = primitives.share(
        ws.session, work, [], [reader], purpose=PURPOSE, not_after_ms=until, person=line.person, rule=RULE
    )
    _put_request(ws, work, shared.compartment, (line, opened), _document(ws, line, opened, supervisor, message))
    ws.session.note(
        work, "share", person=line.person, category=line.compartment_kind, subject=record, detail=PURPOSE
    )
    return ws.commit(work)


def _document(
    ws: Workspace, line: records.RecordLine, opened: Opened, supervisor: bytes, message: str
) -> CosignRequest:
    return CosignRequest(
        record=line.id.hex(), revision=opened.id.hex(), compartment=opened.compartment.hex(),
        compartment_kind=line.compartment_kind, kind=line.kind, label=line.label,
        stored=base64.b64encode(opened.stored).decode(), supervisor=supervisor.hex(),
        service_date=date.fromisoformat(line.service_date) if line.service_date else None,
        message=message, asked_on=today(ws),
    )  # fmt: skip


def _put_request(
    ws: Workspace, work: Work, compartment: bytes, origin: tuple[records.RecordLine, Opened], document: CosignRequest
) -> None:
    line, opened = origin
    body = ws.session.body(
        work, record=ws.rng.token(16), person=line.person, kind=COSIGN_REQUEST.kind, version=COSIGN_REQUEST.version,
        payload=COSIGN_REQUEST.encode(document), source="record",
        origin=Origin(line.id, opened.id, line.compartment_kind, line.author, opened.body.at_ms),
    )  # fmt: skip
    ws.session.write(work, compartment, body)


# -- lists ---------------------------------------------------------------------------------

_REQUESTS = (
    "SELECT q.record, q.person, q.author, c.name, q.doc, q.version, a.doc, a.version FROM record q"
    " LEFT JOIN card c ON c.user = q.author"
    " LEFT JOIN record a ON a.compartment = q.compartment AND a.kind = 'cosign_answer'"
    " AND lower(hex(a.author)) = json_extract(q.doc, '$.supervisor')"
    " WHERE q.kind = 'cosign_request' AND {} ORDER BY q.service_date, q.id"
)


def queue(ws: Workspace, state: str = PENDING) -> list[Request]:
    """Requests to this supervisor, oldest service first."""
    rows = ws.view.rows(_REQUESTS.format("json_extract(q.doc, '$.supervisor') = ?"), (ws.user.user.hex(),))
    return [item for item in map(_request, rows) if not state or item.state == state]


def asked(ws: Workspace, state: str = "") -> list[Request]:
    """This author's own requests; with `state`, only those that are pending, signed or returned."""
    rows = ws.view.rows(_REQUESTS.format("q.author = ?"), (ws.user.user,))
    return [item for item in map(_request, rows) if not state or item.state == state]


def _request(row: tuple[bytes, bytes, bytes, str | None, bytes, int, bytes | None, int | None]) -> Request:
    doc = COSIGN_REQUEST.decode(row[4], row[5])
    answer = COSIGN_ANSWER.decode(row[6], row[7] or 1) if row[6] else None
    return Request(
        row[0], bytes.fromhex(doc.record), row[1], row[2], row[3] or "", bytes.fromhex(doc.supervisor), doc.label,
        doc.service_date, doc.asked_on, doc.message, answer.outcome if answer else PENDING,
        answer.reason if answer else "", answer.answered_on if answer else None,
    )  # fmt: skip


def _mine(ws: Workspace, identifier: bytes) -> Request:
    for item in queue(ws, ""):
        if item.id == identifier:
            return item
    raise NotFound


# -- the supervisor's side -----------------------------------------------------------------


def show(ws: Workspace, identifier: bytes) -> Shown:
    """Open a request: logged first, then the shared bytes checked against the digest they are known by.

    Raises `NotFound`, `VaultDamaged` where the bytes are not the signed ones.
    """
    item = _mine(ws, identifier)
    work = ws.work()
    ws.session.note(work, "read", person=item.person, category="SHARE", subject=item.record, detail=PURPOSE)
    ws.commit(work)
    opened, _, value = opened_document(ws, identifier)
    if not isinstance(value, CosignRequest):
        raise NotFound
    stored = base64.b64decode(value.stored)
    body = decode(stored, Body)
    fits = (revision_id(stored).hex(), body.record.hex(), body.author, body.person, body.kind) == (
        value.revision, value.record, opened.body.author, item.person, value.kind,
    )  # fmt: skip
    if not fits:
        raise VaultDamaged("What was sent for co-signature is not what its author signed.")
    kind = ws.registry.need(value.kind)
    return Shown(item, kind, kind.decode(body.payload, body.version), body, sha256(stored))


def cosign(ws: Workspace, identifier: bytes) -> Changes:
    """Co-sign what a request shows: the signature is deposited beside the original. Raises `ReauthNeeded`,
    `Refused` for an answered request, `NotFound`, `VaultDamaged`.
    """
    ws.need_fresh()
    shown = show(ws, identifier)
    _refuse_answered(shown.request)
    request_row, _, value = opened_document(ws, identifier)
    if not isinstance(value, CosignRequest):
        raise NotFound
    work = ws.work()
    doc = signature_over(
        ws, work, shown.request.record, bytes.fromhex(value.revision), shown.digest,
        (COSIGN, roles.SUPERVISOR, PASSPHRASE),
    )  # fmt: skip
    body = signature_body(ws, work, shown.request.person, doc)
    target = bytes.fromhex(value.compartment)
    if ws.session.holds(target):
        ws.session.write(work, target, body)
    else:
        maker = shown.request.author if value.compartment_kind in AUTHOR_KINDS else b""
        ws.session.deposit(work, target, body, value.compartment_kind, maker)
    _answer(ws, work, request_row, CosignAnswer(request=identifier.hex(), outcome=SIGNED, answered_on=today(ws)))
    ws.session.note(
        work, "cosign", person=shown.request.person, category=value.compartment_kind, subject=shown.request.record
    )
    return ws.commit(work)


def give_back(ws: Workspace, identifier: bytes, reason: str) -> Changes:
    """Return a document with what is to be changed. The author amends it and asks again. Raises `Refused`,
    `NotFound`.
    """
    item = _mine(ws, identifier)
    _refuse_answered(item)
    if not reason.strip():
        raise Refused("Say what is to be changed.")
    opened, _, _ = opened_document(ws, identifier)
    work = ws.work()
    answer = CosignAnswer(request=identifier.hex(), outcome=RETURNED, reason=reason, answered_on=today(ws))
    _answer(ws, work, opened, answer)
    ws.session.note(work, "return", person=item.person, category="SHARE", subject=item.record)
    return ws.commit(work)


def _refuse_answered(item: Request) -> None:
    if item.state != PENDING:
        raise Refused("This request is answered already.")


def _answer(ws: Workspace, work: Work, request_row: Opened, answer: CosignAnswer) -> None:
    person = request_row.body.person
    primitives.put(ws.session, work, request_row.compartment, COSIGN_ANSWER, answer, person=person, source="record")
