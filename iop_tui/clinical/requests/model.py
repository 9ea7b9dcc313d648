"""A person's request for their own record, and what the privacy officer decided about the joint part of it.

45 CFR 164.524 (access, 30 days and one extension of 30), 164.514(h) (verification); AAMFT Code of Ethics 2.3 (the joint
record needs both); program rule CR-10. Rules that differ by state are cited in the decision by who takes it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any

from iop_tui.clinical.couples.api import PARTNERS, future, refuse
from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Widget

THE_PERSON, GUARDIAN, REPRESENTATIVE = "the person", "guardian", "personal representative"
REQUESTERS = (THE_PERSON, GUARDIAN, REPRESENTATIVE)
BOTH_SIGNED, OWN_SEGMENTS, SUMMARY = "both_signed", "own_segments_only", "summary_if_agreed"
DENIED, COURT_ORDER = "deny_with_reason", "court_order"
DECISIONS = (BOTH_SIGNED, OWN_SEGMENTS, SUMMARY, DENIED, COURT_ORDER)
CLOCK_DAYS, EXTENSION_DAYS = 30, 30
_ACCESS, _VERIFY, _CR10 = "45 CFR 164.524", "45 CFR 164.514(h)", "program rule CR-10"


class RecordRequest(Document, frozen=True, kw_only=True):
    """Who asked, how they were verified, on which of their own channels they are answered, how it was talked over."""

    person: Annotated[str, F("Person", search=False, widget=Widget.HIDDEN, required=True)] = ""
    requester: Annotated[str, F("Asked by", choices=REQUESTERS, required=True, source=_ACCESS)] = ""
    requester_id: Annotated[
        str, F("Id of who asks", search=False, widget=Widget.HIDDEN, help="Of a person in this program, where known.")
    ] = ""
    authority: Annotated[
        str, F("Authority", help="Needed for representatives.", max_length=300, source="45 CFR 164.502(g)")
    ] = ""
    asker: Annotated[
        str, F("Name of who asks", help="Needed for representatives.", max_length=200, widget=Widget.LINE,
               source=_VERIFY)
    ] = ""  # fmt: skip
    asked_on: Annotated[date | None, F("Asked on", required=True)] = None
    verified: Annotated[
        str, F("How identity was verified", required=True, max_length=300, widget=Widget.LINE, source=_VERIFY)
    ] = ""
    channel: Annotated[
        str, F("Asker's own safe channel", required=True, max_length=300, widget=Widget.LINE,
               help="The answer goes there, and nowhere the partner reads.")
    ] = ""  # fmt: skip
    safety_talk: Annotated[
        bool | None, F("Talked over alone", required=True,
                       help="Will the copy be found at home? Asked of everybody, alone.", source="program rule CR-13")
    ] = None  # fmt: skip
    recipient: Annotated[
        str, F("Copy goes to", max_length=200, widget=Widget.LINE, source="45 CFR 164.524(c)(3)(ii)",
               help="Nobody else than who asks, but for those whom the person's signed authorization names.")
    ] = ""  # fmt: skip
    remarks: Annotated[str, F("Remarks", widget=Widget.TEXT, search=False)] = ""

    @property
    def due(self) -> date | None:
        """By when the request is answered."""
        return self.asked_on + timedelta(days=CLOCK_DAYS) if self.asked_on else None


def request_rules(document: RecordRequest, context: RuleContext) -> tuple[Finding, ...]:
    """Nobody asks in somebody else's name; representatives show their authority."""
    found = list(future(document.asked_on, context, "asked_on"))
    if document.requester in (GUARDIAN, REPRESENTATIVE) and not document.authority.strip():
        message = "Say by what authority they ask for this person."
        found.append(refuse("authority", message, "authority", "45 CFR 164.502(g)"))
    if document.requester in (GUARDIAN, REPRESENTATIVE) and not document.asker.strip():
        found.append(refuse("asker", "Say who asks for this person.", "asker", _VERIFY))
    if document.requester == THE_PERSON and document.requester_id not in ("", document.person):
        message = "Somebody else cannot ask as this person."
        found.append(refuse("someone_else", message, "requester", _ACCESS))
    if document.safety_talk is False:
        message = "Talk it over with the person alone before a copy is made."
        found.append(refuse("safety_talk", message, "safety_talk", "program rule CR-13"))
    return tuple(found)


class JointDecision(Document, frozen=True, kw_only=True):
    """What the privacy officer decided about the joint record for one partner's request."""

    partner: Annotated[str, F("Request of", choices=PARTNERS, required=True)] = ""
    decision: Annotated[str, F("Decision", choices=DECISIONS, required=True, source=_CR10)] = ""
    reason: Annotated[str, F("Reason", widget=Widget.TEXT, required=True)] = ""
    state_rule: Annotated[str, F("Rule cited", required=True, max_length=300, widget=Widget.LINE)] = ""
    order: Annotated[
        str, F("Court order", help="Court, number, date: for a court order only.", max_length=300, widget=Widget.LINE)
    ] = ""
    decided_on: Annotated[date | None, F("Decided on", required=True)] = None


def decision_rules(document: JointDecision, context: RuleContext) -> tuple[Finding, ...]:
    """An order is named where one is claimed."""
    found = list(future(document.decided_on, context, "decided_on"))
    if document.decision == COURT_ORDER and not document.order.strip():
        message = "Name the court, the number and the date of the order."
        found.append(refuse("order", message, "order", "42 CFR 2.61 to 2.67"))
    return tuple(found)


RECORD_REQUEST: DocumentType[RecordRequest] = DocumentType(
    kind="record_request", label="Record request", struct=RecordRequest, compartment="IND",
    title=lambda d: f"Record request by {d.requester}", service_date=lambda d: d.asked_on, rules=request_rules,
    help="A person asks for their own record. The other partner is not told.",
)
JOINT_DECISION: DocumentType[JointDecision] = DocumentType(
    kind="joint_decision", label="Decision on a joint record", struct=JointDecision, compartment="JNT",
    title=lambda d: f"Joint record for {d.partner}: {d.decision}", service_date=lambda d: d.decided_on,
    rules=decision_rules, help="By the privacy officer; without one, both sign.",
)
TYPES: tuple[DocumentType[Any], ...] = (RECORD_REQUEST, JOINT_DECISION)
