"""Writing and signing documents of any kind. A signature locks what was signed; afterwards there are only addenda,
amendments and a void.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from iop_tui.access import primitives
from iop_tui.access.policy import Kind
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing.model import (
    AMENDMENT,
    CLIENT_SIGNATURE,
    VOID,
    Amendment,
    ClientSignature,
    Void,
    differences,
)
from iop_tui.clinical.signing.place import Home, place_for, standing
from iop_tui.kernel.clock import iso, local_date
from iop_tui.kernel.declare import Document, DocumentType, Finding, RuleContext, Severity
from iop_tui.kernel.errors import AlreadySigned, ConflictOpen, NoKey, NotFound, NotReady, Refused
from iop_tui.kernel.text import clean_all
from iop_tui.store.revisions import Opened
from iop_tui.store.views.projection import SIGNATURE_KIND, SignatureDoc
from iop_tui.store.views.view import Changes
from iop_tui.store.work import Work
from iop_tui.vault.digest import sha256
from iop_tui.workspace import Workspace, writing

PASSPHRASE = "passphrase"
AUTHOR, COSIGN = "author", "cosign"
CONTEXT = "iop/note/1"


@dataclass(frozen=True, slots=True)
class Saved:
    """A stored version of a document."""

    record: bytes
    revision: bytes
    findings: tuple[Finding, ...]
    changes: Changes


@dataclass(frozen=True, slots=True)
class Signing:
    """What is being signed: the document, the version that is meant, and the digest of its stored bytes."""

    record: bytes
    revision: bytes
    person: bytes
    kind: DocumentType[Document]
    document: Document
    digest: bytes
    compartment: bytes
    place: Home


Judge = Callable[[DocumentType[Any], Document, bytes, bytes], tuple[Finding, ...]]
"""(type, document, person, record) → what speaks against it or deserves a second look; `record` is empty for a new one.
Whoever knows the rule packs, the plan and the other sessions provides it."""
After = Callable[[Work, Signing], None]
"""What the author's program writes in the same transaction as a signature, for example fields for billing."""
Beside = Callable[[Work, bytes], None]
"""What it writes in the same transaction as a document, whose record it is given: the schedule's block, for example."""


def today(ws: Workspace) -> date:
    """The workspace's date."""
    return local_date(ws.clock.now_ms())


def plain_judge(ws: Workspace) -> Judge:
    """The declared rules with nothing but today's date to go by."""
    now = today(ws)
    return lambda kind, document, person, record: kind.findings(document, RuleContext(now))


# -- drafts --------------------------------------------------------------------------------


def cleaned(kind: DocumentType[Any], document: Document) -> Any:
    """The document with every text sanitised and every constraint checked. Raises `DocumentInvalid`."""
    return kind.parse(clean_all(msgspec.to_builtins(document)))


@writing
def save(
    ws: Workspace,
    person: bytes,
    kind: DocumentType[Any],
    document: Document,
    *,
    record: bytes | None = None,
    slot: bytes = b"",
    judge: Judge | None = None,
    source: str = "client in session",
    beside: Beside | None = None,
) -> Saved:
    """Store a version of a document where its author's part in the care puts it; the journal entry `slot` goes.
    `beside` writes what belongs to it elsewhere, in the same transaction.

    Raises `DocumentInvalid`, `AlreadySigned`, `ConflictOpen`, `NoKey`, `NotFound`, `Refused`.
    """
    document = cleaned(kind, document)
    place = place_for(ws, person, kind)
    if not ws.session.holds(place.compartment):
        raise NoKey(
            "You hold no key to this part of the record yet.",
            "A colleague who holds it hands it over at their next unlock; your text is kept unsaved until then.",
        )
    parents = (open_leaf(ws, record),) if record is not None else ()
    work = ws.work()
    identifier, revision = primitives.put(
        ws.session, work, place.compartment, kind, document, person=person, record=record, parents=parents,
        source=source,
    )  # fmt: skip
    if slot:
        work.clear_journal.append(slot)
    ws.session.note(work, "write", person=person, category=place.kind, subject=identifier, detail=kind.kind)
    if beside is not None:
        beside(work, identifier)
    found = (judge or plain_judge(ws))(kind, document, person, identifier)
    return Saved(identifier, revision, found, ws.commit(work))


def open_leaf(ws: Workspace, record: bytes) -> bytes:
    """The newest version of an own unsigned document. Raises as `open_line`."""
    return leaf_of(ws, open_line(ws, record).id)


def open_line(ws: Workspace, record: bytes) -> records.RecordLine:
    """The line of an own unsigned document. Raises `AlreadySigned`, `Refused`, `ConflictOpen`, `NotFound`."""
    line = records.line_of(ws, record)
    name = line.label.lower()
    if line.status == "signed":
        raise AlreadySigned(f"This {name} is signed.")
    if line.author != ws.user.user:
        raise Refused(f"This {name} belongs to its author.", "Write one of your own.")
    if line.conflict:
        raise ConflictOpen(f"This {name} has two versions.", "Open it and choose what stays.")
    return line


def leaf_of(ws: Workspace, record: bytes) -> bytes:
    """The version of a record that is shown: the signed one, else the newest. Raises `NotFound`."""
    row = ws.view.one("SELECT leaf FROM record WHERE record = ?", (record,))
    if row is None:
        raise NotFound
    return bytes(row[0])


def opened_document(
    ws: Workspace, record: bytes, leaf: bytes = b""
) -> tuple[Opened, DocumentType[Document], Document]:
    """The version that is shown (or `leaf`), verified, with its type and content. Raises `NotFound`, `NeedsNewer`."""
    opened = ws.session.open_revision(leaf or leaf_of(ws, record))
    kind = ws.registry.need(opened.body.kind)
    return opened, kind, kind.decode(opened.body.payload, opened.body.version)


# -- signing -------------------------------------------------------------------------------


@writing
def sign(
    ws: Workspace, ids: Sequence[bytes], *, judge: Judge | None = None, after: After | None = None
) -> Changes:
    """Sign finished documents in one act. Asks for the passphrase where it was not given in the last five minutes.

    Raises `ReauthNeeded`, `AlreadySigned`, `NotReady` naming what is missing, `ConflictOpen`, `NotFound`, `Refused`;
    then none is signed.
    """
    ws.need_fresh()
    work = ws.work()
    for record in dict.fromkeys(ids):
        signing = _ready(ws, record, judge or plain_judge(ws))
        attach(ws, work, signing)
        if after is not None:
            after(work, signing)
    return ws.commit(work)


def _ready(ws: Workspace, record: bytes, judge: Judge) -> Signing:
    line = open_line(ws, record)
    opened, kind, document = opened_document(ws, record)
    if not kind.signable or line.status != "draft":
        raise Refused(f"A {line.label.lower()} is not signed.")
    _refuse_unready(kind, judge(kind, document, line.person, record))
    if isinstance(document, Amendment):
        _check_amendment(ws, document, line.person, judge)
    place = standing(ws, line.person, line.compartment_kind)
    return Signing(
        record, opened.id, line.person, kind, document, sha256(opened.stored), opened.compartment,
        Home(opened.compartment, place.kind, place.role),
    )  # fmt: skip


def _refuse_unready(kind: DocumentType[Any], findings: tuple[Finding, ...]) -> None:
    missing = [item for item in findings if item.severity is Severity.REFUSE]
    if missing:
        raise NotReady(
            f"Not ready to sign: {' '.join(_with_source(item) for item in missing)}",
            f"Complete the {kind.label.lower()}, then sign.",
        )


def _with_source(item: Finding) -> str:
    """The sentence with the rule it comes from."""
    return f"{item.message} ({item.source})" if item.source else item.message


def attach(
    ws: Workspace, work: Work, what: Signing, *, meaning: str = AUTHOR, method: str = PASSPHRASE
) -> SignatureDoc:
    """This user's signature over a version, as a record beside it in the same compartment."""
    doc = signature_over(ws, work, what.record, what.revision, what.digest, (meaning, what.place.role, method))
    body = signature_body(ws, work, what.person, doc)
    ws.session.write(work, what.compartment, body)
    ws.session.note(
        work, "sign", person=what.person, category=what.place.kind, subject=what.record, detail=what.kind.kind
    )
    return doc


def signature_over(
    ws: Workspace, work: Work, record: bytes, revision: bytes, digest: bytes, terms: tuple[str, str, str]
) -> SignatureDoc:
    """A signature by this user over stored bytes; `terms` are its meaning, role and method."""
    unsigned = SignatureDoc(
        record=record.hex(),
        target=revision.hex(),
        sha256=digest.hex(),
        meaning=terms[0],
        role=terms[1],
        method=terms[2],
        signed_at=iso(work.at_ms),
        signature="",
    )
    message = records.signed_message(unsigned, digest)
    return msgspec.structs.replace(unsigned, signature=ws.user.signer.sign(CONTEXT, message).hex())


def signature_body(ws: Workspace, work: Work, person: bytes, doc: SignatureDoc) -> Any:
    """The revision that carries a signature."""
    return ws.session.body(
        work,
        record=ws.rng.token(16),
        person=person,
        kind=SIGNATURE_KIND,
        version=1,
        payload=msgspec.json.encode(doc),
    )


# -- after signing -------------------------------------------------------------------------


def signed_line(ws: Workspace, record: bytes, what: str) -> records.RecordLine:
    """The line of a signed document. Raises `Refused` for anything unsigned."""
    line = records.line_of(ws, record)
    if line.status != "signed":
        raise Refused(f"Only a signed document {what}.", "Edit the document itself until it is signed.")
    return line


def amend(
    ws: Workspace,
    record: bytes,
    document: Document,
    *,
    reason: str,
    explanation: str,
    amendment: bytes | None = None,
    slot: bytes = b"",
) -> Saved:
    """Write a correction of an own signed document, as a draft that is signed like any other.

    `document` is the whole corrected text; `amendment` an unsigned amendment to go on with. Raises `Refused` for
    another author's document, for one that is void or without any change, `DocumentInvalid`.
    """
    line = signed_line(ws, record, "is amended")
    opened, kind, _ = opened_document(ws, record)
    if line.author != ws.user.user:
        raise Refused("Only its author amends a document.", "Write an addendum instead.")
    if kind.kind in (AMENDMENT.kind, VOID.kind, CLIENT_SIGNATURE.kind):
        raise Refused(f"A {kind.label.lower()} is not amended.", "Amend the document it belongs to.")
    document = cleaned(kind, document)
    changes = differences(current(ws, record), document)
    if not changes:
        raise Refused("Nothing was changed.", "Change what is to be corrected, then save.")
    value = Amendment(
        record=record.hex(), record_sha256=sha256(opened.stored).hex(), kind=kind.kind, version=kind.version,
        document=kind.encode(document).decode(), reason=reason, explanation=explanation, changes=changes,
        written_on=today(ws),
    )  # fmt: skip
    return _beside(ws, line, AMENDMENT, value, amendment, slot)


def _beside(
    ws: Workspace,
    line: records.RecordLine,
    kind: DocumentType[Any],
    document: Document,
    record: bytes | None,
    slot: bytes,
) -> Saved:
    """Store a document in the compartment of the one it belongs to."""
    document = cleaned(kind, document)
    parents = (open_leaf(ws, record),) if record is not None else ()
    row = ws.view.one("SELECT compartment FROM record WHERE record = ?", (line.id,))
    work = ws.work()
    identifier, revision = primitives.put(
        ws.session, work, row[0] if row else b"", kind, document, person=line.person, record=record, parents=parents,
        source="record",
    )  # fmt: skip
    if slot:
        work.clear_journal.append(slot)
    ws.session.note(
        work, "write", person=line.person, category=line.compartment_kind, subject=identifier, detail=kind.kind
    )
    found = kind.findings(document, RuleContext(today(ws)))
    return Saved(identifier, revision, found, ws.commit(work))


def _check_amendment(ws: Workspace, amendment: Amendment, person: bytes, judge: Judge) -> None:
    """The correction must be of the version that was signed, and bring no fault that was not there before."""
    target = bytes.fromhex(amendment.record)
    kind = ws.registry.need(amendment.kind)
    opened = ws.session.open_revision(leaf_of(ws, target))
    if sha256(opened.stored).hex() != amendment.record_sha256 or opened.body.kind != kind.kind:
        raise Refused("This amendment does not fit the document it corrects.", "Write the amendment again.")
    corrected = kind.decode(amendment.document.encode(), amendment.version)
    before = {(item.field, item.code) for item in judge(kind, current(ws, target), person, target)}
    fresh = [item for item in judge(kind, corrected, person, target) if (item.field, item.code) not in before]
    _refuse_unready(kind, tuple(fresh))


def amendments(ws: Workspace, record: bytes, *, signed: bool = True) -> list[records.RecordLine]:
    """The amendments of a document by its own author, oldest first; drafts, too, with `signed=False`."""
    rows = ws.view.rows(
        "SELECT a.record FROM record a JOIN record r ON r.record = ?1 AND r.author = a.author AND r.compartment ="
        " a.compartment WHERE a.person = r.person AND a.kind = 'amendment' AND json_extract(a.doc, '$.record') = ?2"
        " AND (a.status = 'signed' OR ?3 = 0) ORDER BY a.created_ms, a.id",
        (record, record.hex(), int(signed)),
    )
    return [records.line_of(ws, row[0]) for row in rows]


def current(ws: Workspace, record: bytes) -> Document:
    """What a document says after its signed amendments. The signed text itself is `opened_document`. Raises
    `NotFound`.
    """
    _, kind, document = opened_document(ws, record)
    for line in amendments(ws, record):
        _, _, amendment = opened_document(ws, line.id)
        if isinstance(amendment, Amendment) and amendment.kind == kind.kind:
            document = kind.decode(amendment.document.encode(), amendment.version)
    return document


def void(ws: Workspace, record: bytes, *, reason: str, explanation: str) -> Changes:
    """Withdraw an own document, signed or not, in one signed act. Nothing is deleted.

    Raises `ReauthNeeded`, `NotReady` without reason or explanation, `Refused` for another author's or twice.
    """
    ws.need_fresh()
    line = records.line_of(ws, record)
    opened, kind, _ = opened_document(ws, record)
    if line.author != ws.user.user:
        raise Refused("Only its author withdraws a document.", "Write an addendum instead.")
    if not (kind.signable or kind.voidable) or kind.kind == VOID.kind:
        raise Refused(f"A {kind.label.lower()} is not withdrawn.")
    if record in voided(ws, line.person):
        raise Refused("This document is void already.")
    value = Void(record=record.hex(), record_sha256=sha256(opened.stored).hex(), reason=reason,
                 explanation=explanation, written_on=today(ws))  # fmt: skip
    return _signed_beside(ws, line, VOID, value, opened.compartment)


def record_client_signature(ws: Workspace, record: bytes, signature: ClientSignature) -> Changes:
    """Record that the client signed a document, signed by who records it. Raises `ReauthNeeded`, `NotReady`,
    `Refused` for an unsigned document: the client signs what will not change.
    """
    ws.need_fresh()
    line = signed_line(ws, record, "is signed by the client")
    opened, _, _ = opened_document(ws, record)
    value = msgspec.structs.replace(signature, record=record.hex(), record_sha256=sha256(opened.stored).hex())
    return _signed_beside(ws, line, CLIENT_SIGNATURE, value, opened.compartment)


def _signed_beside(
    ws: Workspace, line: records.RecordLine, kind: DocumentType[Any], document: Document, compartment: bytes
) -> Changes:
    """Store a document beside another and sign it in the same transaction."""
    document = cleaned(kind, document)
    _refuse_unready(kind, kind.findings(document, RuleContext(today(ws))))
    place = standing(ws, line.person, line.compartment_kind)
    work = ws.work()
    identifier = ws.rng.token(16)
    body = ws.session.body(
        work, record=identifier, person=line.person, kind=kind.kind, version=kind.version,
        payload=kind.encode(document), source="record",
    )  # fmt: skip
    revision = ws.session.write(work, compartment, body)
    ws.session.note(work, kind.kind, person=line.person, category=place.kind, subject=line.id, detail=line.kind)
    attach(ws, work, Signing(
        identifier, revision, line.person, kind, document, body.digest(), compartment,
        Home(compartment, place.kind, place.role),
    ))  # fmt: skip
    return ws.commit(work)


VOIDED = (
    "(SELECT o.record FROM record v JOIN record o ON o.record = unhex(json_extract(v.doc, '$.record'))"
    " AND o.author = v.author AND o.person = v.person WHERE v.kind = 'void' AND v.status = 'signed')"
)
"""Records that their author withdrew, for use behind `NOT IN` in queries of the view."""


def voided(ws: Workspace, person: bytes | None = None) -> dict[bytes, str]:
    """Withdrawn documents and why: of one person or of everyone. Only an author's own withdrawal counts."""
    rows = ws.view.rows(
        "SELECT r.record, json_extract(v.doc, '$.reason') FROM record v JOIN record r ON r.record ="
        " unhex(json_extract(v.doc, '$.record')) AND r.author = v.author AND r.person = v.person"
        " WHERE v.kind = 'void' AND v.status = 'signed' AND (?1 IS NULL OR v.person = ?1)",
        (person,),
    )
    return {bytes(row[0]): str(row[1]) for row in rows}


def client_signatures(ws: Workspace, record: bytes) -> list[ClientSignature]:
    """Recorded signatures of the client under a document, oldest first."""
    rows = ws.view.rows(
        "SELECT s.doc, s.version FROM record s JOIN record r ON r.record = ?1 AND s.person = r.person"
        " AND s.compartment = r.compartment WHERE s.kind = 'client_signature' AND s.status = 'signed' AND s.deposit = 0"
        " AND json_extract(s.doc, '$.record') = ?2 ORDER BY s.created_ms",
        (record, record.hex()),
    )
    return [CLIENT_SIGNATURE.decode(doc, version) for doc, version in rows]


def is_private(ws: Workspace, record: bytes) -> bool:
    """Whether a record lies in a compartment that its author keeps alone."""
    return records.line_of(ws, record).compartment_kind in (Kind.PSY, Kind.SAFE, Kind.HOLD)
