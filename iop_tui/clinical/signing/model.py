"""What stands beside a signed document: corrections, its withdrawal, the client's signature, the co-signature's way.

Nothing here changes the signed text. 45 CFR 164.526 (amendment), 42 CFR 410.44 and state rules (who signs).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, TypeAlias

import msgspec

from iop_tui.kernel.declare import (
    Document,
    DocumentType,
    F,
    Finding,
    RuleContext,
    Severity,
    Widget,
    fields_of,
    show_value,
)

_Sha256: TypeAlias = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")]
AMEND_REASONS = ("correction", "late information", "returned for changes", "client's request", "other")
VOID_REASONS = ("wrong person", "duplicate", "did not take place", "entered in error", "other")
SIGNERS = ("client", "guardian", "personal representative")
TYPED, PAPER, VERBAL, PACKET = "typed in person", "paper, scanned", "verbal by video", "returned packet"
METHODS = (TYPED, PAPER, VERBAL, PACKET)
SIGNED, RETURNED = "signed", "returned"


class Change(Document, frozen=True, kw_only=True):
    """One field before and after, in plain words."""

    name: Annotated[str, F("Field", search=False, widget=Widget.HIDDEN)] = ""
    label: Annotated[str, F("Field")] = ""
    before: Annotated[str, F("Before")] = ""
    after: Annotated[str, F("After")] = ""

    def shown(self) -> str:
        """The label, then both texts."""
        return f"{self.label}\n  before: {self.before or '(empty)'}\n  after: {self.after or '(empty)'}"


class Amendment(Document, frozen=True, kw_only=True):
    """A whole corrected document beside the signed one, which stays as it was signed."""

    record: Annotated[str, F("Document", search=False, widget=Widget.HIDDEN)] = ""
    record_sha256: Annotated[_Sha256, F("Digest of the signed document", search=False, widget=Widget.HIDDEN)] = ""
    kind: Annotated[str, F("Kind", search=False, widget=Widget.HIDDEN)] = ""
    version: Annotated[int, F("Version", search=False, widget=Widget.HIDDEN)] = 1
    document: Annotated[str, F("Corrected document", search=False, widget=Widget.HIDDEN)] = ""
    reason: Annotated[str, F("Reason", choices=AMEND_REASONS, required=True)] = ""
    explanation: Annotated[str, F("Explanation", widget=Widget.TEXT, required=True)] = ""
    changes: Annotated[tuple[Change, ...], F("Changes", required=True)] = ()
    written_on: Annotated[date | None, F("Written on", required=True)] = None


class Void(Document, frozen=True, kw_only=True):
    """The withdrawal of a document, with its reason. The document stays readable, marked as void."""

    record: Annotated[str, F("Document", search=False, widget=Widget.HIDDEN)] = ""
    record_sha256: Annotated[_Sha256, F("Digest of the document", search=False, widget=Widget.HIDDEN)] = ""
    reason: Annotated[str, F("Reason", choices=VOID_REASONS, required=True)] = ""
    explanation: Annotated[str, F("Explanation", widget=Widget.TEXT, required=True)] = ""
    written_on: Annotated[date | None, F("Written on", required=True)] = None


class ClientSignature(Document, frozen=True, kw_only=True):
    """That the client (or who acts for them) signed a document, how, and who saw it. Signed by who recorded it."""

    record: Annotated[str, F("Document", search=False, widget=Widget.HIDDEN)] = ""
    record_sha256: Annotated[_Sha256, F("Digest of what was signed", search=False, widget=Widget.HIDDEN)] = ""
    signer: Annotated[str, F("Signed by", choices=SIGNERS, required=True)] = ""
    name: Annotated[str, F("Name as signed", required=True, max_length=200, widget=Widget.LINE)] = ""
    authority: Annotated[
        str,
        F("Authority", help="Needed for guardians and representatives.", max_length=300, source="45 CFR 164.502(g)"),
    ] = ""
    method: Annotated[str, F("How", choices=METHODS, required=True)] = ""
    witness: Annotated[
        str, F("Witness", help="Needed when typed in person or given by video.", max_length=200, widget=Widget.LINE)
    ] = ""
    attachment_sha256: Annotated[
        _Sha256,
        F("Digest of the scan or packet", help="Needed for paper and packets.", search=False, widget=Widget.LINE),
    ] = ""
    signed_on: Annotated[date | None, F("Signed on", required=True)] = None


def client_rules(document: ClientSignature, context: RuleContext) -> tuple[Finding, ...]:
    """What each method needs to be believed."""
    found = []
    if document.signed_on is not None and document.signed_on > context.today:
        found.append(Finding(Severity.REFUSE, "future", "The signature lies in the future.", "signed_on"))
    if document.signer not in ("", "client") and not document.authority.strip():
        message = "Say by what authority this person signs for the client."
        found.append(Finding(Severity.REFUSE, "authority", message, "authority", "45 CFR 164.502(g)"))
    if document.method in (TYPED, VERBAL) and not document.witness.strip():
        found.append(Finding(Severity.REFUSE, "witness", "Name the witness.", "witness", "program rule"))
    if document.method in (PAPER, PACKET) and not document.attachment_sha256:
        message = "Attach the scan or the packet: its digest is missing."
        found.append(Finding(Severity.REFUSE, "attachment", message, "attachment_sha256", "program rule"))
    return tuple(found)


class CosignRequest(Document, frozen=True, kw_only=True):
    """A signed document on its way to a supervisor: the very bytes that were signed, in a share of their own."""

    record: Annotated[str, F("Document", search=False, widget=Widget.HIDDEN)] = ""
    revision: Annotated[str, F("Version", search=False, widget=Widget.HIDDEN)] = ""
    compartment: Annotated[str, F("Compartment", search=False, widget=Widget.HIDDEN)] = ""
    compartment_kind: Annotated[str, F("Part of the record", search=False)] = ""
    kind: Annotated[str, F("Kind", search=False, widget=Widget.HIDDEN)] = ""
    label: Annotated[str, F("Document", search=False)] = ""
    stored: Annotated[str, F("Signed bytes", search=False, widget=Widget.HIDDEN)] = ""
    supervisor: Annotated[str, F("Supervisor", search=False, widget=Widget.HIDDEN)] = ""
    service_date: Annotated[date | None, F("Service date")] = None
    message: Annotated[str, F("Message", search=False, max_length=1000)] = ""
    asked_on: Annotated[date | None, F("Asked on")] = None


class CosignAnswer(Document, frozen=True, kw_only=True):
    """What the supervisor did: signed, or returned with what is to be changed."""

    request: Annotated[str, F("Request", search=False, widget=Widget.HIDDEN)] = ""
    outcome: Annotated[str, F("Outcome", choices=(SIGNED, RETURNED), required=True)] = ""
    reason: Annotated[str, F("What to change", search=False, max_length=4000)] = ""
    answered_on: Annotated[date | None, F("Answered on")] = None


def differences(before: Document, after: Document) -> tuple[Change, ...]:
    """Every field that reads differently, in print order."""
    found = []
    for info in fields_of(type(before)):
        old, new = show_value(getattr(before, info.name)), show_value(getattr(after, info.name))
        if old != new:
            found.append(Change(name=info.name, label=info.label, before=old, after=new))
    return tuple(found)


AMENDMENT: DocumentType[Amendment] = DocumentType(
    kind="amendment",
    label="Amendment",
    struct=Amendment,
    compartment="IND",
    title=lambda document: f"Amendment: {', '.join(change.label for change in document.changes)[:80]}",
    service_date=lambda document: document.written_on,
    signable=True,
    help="A correction. The signed text stays; both are shown side by side.",
)
VOID: DocumentType[Void] = DocumentType(
    kind="void",
    label="Void",
    struct=Void,
    compartment="IND",
    title=lambda document: f"Void: {document.reason}",
    service_date=lambda document: document.written_on,
    signable=True,
    help="Withdraws a document. Nothing is deleted.",
)
CLIENT_SIGNATURE: DocumentType[ClientSignature] = DocumentType(
    kind="client_signature",
    label="Client's signature",
    struct=ClientSignature,
    compartment="IND",
    title=lambda document: f"Signed by the {document.signer or 'client'}, {document.method}",
    service_date=lambda document: document.signed_on,
    rules=client_rules,
    signable=True,
    help="That the client signed, how, and who saw it.",
)
COSIGN_REQUEST: DocumentType[CosignRequest] = DocumentType(
    kind="cosign_request",
    label="Request for co-signature",
    struct=CosignRequest,
    compartment="SHARE",
    title=lambda document: f"To co-sign: {document.label}",
    service_date=lambda document: document.service_date,
)
COSIGN_ANSWER: DocumentType[CosignAnswer] = DocumentType(
    kind="cosign_answer",
    label="Answer to a request",
    struct=CosignAnswer,
    compartment="SHARE",
    title=lambda document: "Co-signed" if document.outcome == SIGNED else "Returned for changes",
    service_date=lambda document: document.answered_on,
)
TYPES: tuple[DocumentType[Any], ...] = (AMENDMENT, VOID, CLIENT_SIGNATURE, COSIGN_REQUEST, COSIGN_ANSWER)
INTERNAL = (COSIGN_REQUEST.kind, COSIGN_ANSWER.kind)
"""Kinds that stand in queues, not in a chart's timeline."""
