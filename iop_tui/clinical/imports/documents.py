"""What moving in leaves behind: a couple's card as a proposal, and how a program reads its client lists."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from iop_tui.access.policy import Kind
from iop_tui.kernel.declare import Document, DocumentType, F, Widget


class CoupleProposal(Document, frozen=True, kw_only=True):
    """That a list from elsewhere carried two people on one card. It links nobody and opens nothing."""

    partner: Annotated[
        str, F("Perhaps a couple with", required=True, max_length=240, widget=Widget.LINE, search=False,
               help="Ask both. Linking them is a decision of its own.", source="program rule CR-1")
    ] = ""  # fmt: skip
    source: Annotated[str, F("From", max_length=200, widget=Widget.LINE, search=False)] = ""
    noted: Annotated[date | None, F("Noted on")] = None


class Column(Document, frozen=True, kw_only=True):
    """One column of a client list: its heading and the field it is; no field leaves it out."""

    heading: Annotated[str, F("Heading", max_length=200, widget=Widget.LINE)] = ""
    field: Annotated[str, F("Field", max_length=40, widget=Widget.LINE)] = ""


class ImportMapping(Document, frozen=True, kw_only=True):
    """How the columns of one kind of client list are read. Kept by the program: no client's words in it."""

    name: Annotated[str, F("Name", required=True, max_length=80, widget=Widget.LINE)] = ""
    columns: Annotated[tuple[Column, ...], F("Columns", required=True)] = ()


COUPLE_PROPOSAL: DocumentType[CoupleProposal] = DocumentType(
    kind="couple_proposal",
    label="Proposed couple",
    struct=CoupleProposal,
    compartment=Kind.DIR,
    title=lambda document: "Perhaps a couple: ask both",
    service_date=lambda document: document.noted,
    help="Two people stood on one card of a list. Ask both, then link them, or leave it.",
)
IMPORT_MAPPING: DocumentType[ImportMapping] = DocumentType(
    kind="import_mapping",
    label="Client list mapping",
    struct=ImportMapping,
    compartment=Kind.PROG,
    title=lambda document: document.name,
    help="Which column of a client list is which field.",
)
TYPES: tuple[DocumentType[Any], ...] = (COUPLE_PROPOSAL, IMPORT_MAPPING)
