"""The disclosure ledger: one row for everything that was let go, to whom, what, why and on which ground.

45 CFR 164.528 (accounting of disclosures), 42 CFR 2.25 (disclosures with consent) and 2.51(c) (emergencies).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from iop_tui.kernel.declare import Document, DocumentType, F, Widget

CONSENT, REQUEST, ORDER, REPORT, EMERGENCY, OPERATIONS = (
    "consent", "request by the person", "court order", "required report", "medical emergency",
    "treatment, payment, operations",
)  # fmt: skip
BASES = (CONSENT, REQUEST, ORDER, REPORT, EMERGENCY, OPERATIONS)
METHODS = ("share", "packet", "print", "letter", "by word of mouth", "fax", "electronic", "other")


class Disclosure(Document, frozen=True, kw_only=True):
    """One disclosure about one person. It never says that there is a partner."""

    row: Annotated[str, F("Row", search=False, widget=Widget.HIDDEN)] = ""
    on: Annotated[date | None, F("Date", required=True, source="45 CFR 164.528(b)(2)(i)")] = None
    at: Annotated[str, F("Time", search=False)] = ""
    recipient: Annotated[str, F("Recipient", required=True, source="45 CFR 164.528(b)(2)(ii)")] = ""
    address: Annotated[str, F("Address", source="45 CFR 164.528(b)(2)(ii)")] = ""
    what: Annotated[str, F("What", required=True, source="45 CFR 164.528(b)(2)(iii)")] = ""
    purpose: Annotated[str, F("Purpose", required=True, source="45 CFR 164.528(b)(2)(iv)")] = ""
    basis: Annotated[str, F("Ground", choices=BASES, required=True)] = ""
    method: Annotated[str, F("How", choices=METHODS)] = ""
    consent: Annotated[str, F("Consent", search=False, widget=Widget.HIDDEN)] = ""
    notice: Annotated[bool, F("Notice and consent sent along", source="42 CFR 2.32")] = False
    internal: Annotated[bool, F("Inside the program")] = False
    user: Annotated[str, F("Colleague", search=False, widget=Widget.HIDDEN)] = ""
    act: Annotated[str, F("Act", search=False, widget=Widget.HIDDEN)] = ""
    records: Annotated[tuple[str, ...], F("Records", search=False, widget=Widget.HIDDEN)] = ()
    discloser: Annotated[str, F("Disclosed by")] = ""


DISCLOSURE: DocumentType[Disclosure] = DocumentType(
    kind="disclosure",
    label="Disclosure",
    struct=Disclosure,
    compartment="SHARE",
    title=lambda row: f"{row.what} to {row.recipient}",
    service_date=lambda row: row.on,
    help="What left, to whom, why. Kept six years; the person may ask for the list.",
)
TYPES: tuple[DocumentType[Any], ...] = (DISCLOSURE,)
