"""What other organisations sent: readable notes, and records kept exactly as received."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from iop_tui.kernel.declare import Document, DocumentType, F, Widget

_R4 = "HL7 FHIR R4 4.0.1"


class ReceivedNote(Document, frozen=True, kw_only=True):
    """A note or letter from elsewhere (FHIR DocumentReference, DiagnosticReport with a text)."""

    title: Annotated[str, F("Note", required=True, source=_R4)] = ""
    date: Annotated[date | None, F("Date")] = None
    status: Annotated[str, F("Status", help="current, superseded, final, …", source=_R4)] = ""
    authors: Annotated[tuple[str, ...], F("Written by")] = ()
    organisation: Annotated[str, F("From")] = ""
    text: Annotated[str, F("Text", widget=Widget.TEXT)] = ""
    attachments: Annotated[tuple[str, ...], F("Attachments", help="What could not be shown as text")] = ()


class Received(Document, frozen=True, kw_only=True):
    """A record that is kept as received and not interpreted."""

    resource_type: Annotated[str, F("Type", required=True, source=_R4)] = ""
    text: Annotated[str, F("What", help="The record's own name, as far as it has one")] = ""
    value: Annotated[str, F("Value")] = ""
    date: Annotated[date | None, F("Date")] = None
    status: Annotated[str, F("Status")] = ""


TYPES: tuple[DocumentType[Any], ...] = (
    DocumentType(
        kind="received_note", label="Note received", struct=ReceivedNote, compartment="IND",
        title=lambda document: document.title, service_date=lambda document: document.date,
        help="A note or letter from another organisation.",
    ),
    DocumentType(
        kind="received", label="Record received", struct=Received, compartment="IND",
        title=lambda document: document.text or document.resource_type,
        service_date=lambda document: document.date,
        help="A record kept exactly as it was received.",
    ),
)
