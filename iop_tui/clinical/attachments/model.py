"""An attachment: what a file is, whose, from whom, and what is needed to find and open its parts. Pure.

The file itself lies in sealed parts beside the vault (`vault/chunks.py`); its key stands here and nowhere else, so
whoever may read the record may read the file, and nobody else.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, TypeAlias

import msgspec

from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity, Widget
from iop_tui.kernel.ids import show_id

LETTER, CONSENT, LABORATORY, IDENTIFICATION, OTHER = (
    "letter", "scanned consent", "lab report", "identification", "other",
)  # fmt: skip
WHAT = (LETTER, CONSENT, LABORATORY, IDENTIFICATION, OTHER)
LARGEST = 200 * 1024 * 1024
"""Largest file that is attached: 200 MiB. Audio and video of sessions have rules of their own and no place here."""
ATTACHING = "attaching"
"""The fact by which the rules know that the program itself writes the record, beside the bytes it describes."""
_R4 = "HL7 FHIR R4 4.0.1 Attachment"
_Size: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]


class Attachment(Document, frozen=True, kw_only=True):
    """A file in a person's chart. Written once, with its bytes; withdrawn with a reason, never changed or removed."""

    title: Annotated[str, F("Title", required=True, max_length=200, widget=Widget.LINE)] = ""
    what: Annotated[str, F("What it is", choices=WHAT, required=True)] = ""
    on: Annotated[date | None, F("Date", help="The day on the document itself.", required=True)] = None
    sender: Annotated[str, F("From", help="Who wrote or sent it.", max_length=200, widget=Widget.LINE)] = ""
    record: Annotated[
        str, F("Belongs to", help="The record it belongs to, such as a consent that was signed on paper.", search=False)
    ] = ""
    media_type: Annotated[str, F("Kind of file", help="Read from its bytes.", search=False, source=_R4)] = ""
    size: Annotated[_Size, F("Size", unit="bytes", source=_R4)] = 0
    sha256: Annotated[str, F("Digest (SHA-256)", search=False)] = ""
    file: Annotated[str, F("File id", search=False, widget=Widget.HIDDEN)] = ""
    part_size: Annotated[int, F("Size of parts", unit="bytes", search=False, widget=Widget.HIDDEN)] = 0
    parts: Annotated[str, F("Parts", search=False, secret=True, widget=Widget.HIDDEN)] = ""
    key: Annotated[str, F("Key", search=False, secret=True, widget=Widget.HIDDEN)] = ""


def rules(document: Attachment, context: RuleContext) -> tuple[Finding, ...]:
    """Only the program writes attachments, together with their bytes."""
    found = []
    if not context.facts.get(ATTACHING):
        message = "An attachment is made from a file: use `iop-tui attach`, or the chart's page of attachments."
        found.append(Finding(Severity.REFUSE, "not_by_hand", message))
    if document.on is not None and document.on > context.today:
        found.append(Finding(Severity.REFUSE, "future", "The date lies in the future.", "on"))
    return tuple(found)


def title_of(document: Attachment) -> str:
    """One line for lists."""
    origin = f" ({document.sender})" if document.sender else ""
    return f"{document.what}: {document.title}{origin}" if document.what not in ("", OTHER) else document.title + origin


def link_to(record: bytes | None) -> str:
    """How an attachment names the record it belongs to; empty for none."""
    return show_id(record) if record else ""


ATTACHMENT: DocumentType[Attachment] = DocumentType(
    kind="attachment", label="Attachment", struct=Attachment, compartment="IND", title=title_of,
    service_date=lambda document: document.on, rules=rules, voidable=True,
    help="A file: a letter, a scanned consent, a laboratory report.",
)  # fmt: skip
TYPES: tuple[DocumentType[Any], ...] = (ATTACHMENT,)
