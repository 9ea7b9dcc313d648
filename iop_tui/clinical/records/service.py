"""Adding a declared document that needs no signature: measures, medications, allergies, problems."""

from __future__ import annotations

from iop_tui.access import charts, roles, settle
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import put
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import Document, DocumentType, Finding, RuleContext, Severity
from iop_tui.kernel.errors import NoKey, NotReady, Refused
from iop_tui.workspace import Workspace

WRITABLE = (Kind.IND, Kind.MED)


def add(
    ws: Workspace, person: bytes, kind: DocumentType[Document], document: Document
) -> tuple[bytes, bytes, tuple[Finding, ...]]:
    """Store a document about a person in its author's part of the chart; (record id, revision id, findings).

    A counselor's entries belong to the substance use record (42 CFR 2.12). Raises `NotReady` where the rules refuse it,
    `Refused` for kinds the program itself writes, `NoKey`, `NotFound`.
    """
    if kind.compartment not in WRITABLE or kind.signable:
        raise Refused(f"A {kind.label.lower()} is not entered by hand.")
    findings = kind.findings(document, RuleContext(local_date(ws.clock.now_ms())))
    refused = [item for item in findings if item.severity is Severity.REFUSE]
    if refused:
        raise NotReady(refused[0].message, "Complete the entry, then save again.")
    place = _place(ws, person, kind.compartment)
    home = charts.compartment_for(ws.session, person, place)
    if not ws.session.holds(home):
        raise NoKey("You are not part of this person's care.", "Ask the front desk to assign you.")
    work = ws.work()
    record, revision = put(ws.session, work, home, kind, document, person=person, source="entered")
    ws.session.note(work, "write", person=person, category=place, subject=record, detail=kind.kind)
    ws.commit(work)
    return record, revision, findings


def _place(ws: Workspace, person: bytes, kind: str) -> str:
    mine = {fact.role for fact in settle.my_care(ws.session) if fact.person == person}
    if kind == Kind.IND and roles.COUNSELOR in mine and roles.INDIVIDUAL_THERAPIST not in mine:
        return Kind.SUD
    return kind
