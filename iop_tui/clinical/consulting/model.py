"""A supervisor's request to look into a case, and the clinician's answer. The share itself is a consultation (CR-1)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from iop_tui.kernel.declare import Document, DocumentType, F, Widget


class ConsultRequest(Document, frozen=True, kw_only=True):
    """Who asks whom to see what of one person's record, why, and until when."""

    clinician: Annotated[str, F("Asked of", search=False, widget=Widget.HIDDEN)]
    what: Annotated[str, F("What", search=False, required=True, max_length=200)]
    reason: Annotated[str, F("Why", search=False, required=True, max_length=500)]
    until: Annotated[date, F("Until", required=True)]
    asked_on: Annotated[date, F("Asked on")]


class ConsultAnswer(Document, frozen=True, kw_only=True):
    """What came of a request: the act of the share, or why there is none."""

    request: Annotated[str, F("Request", search=False, widget=Widget.HIDDEN)]
    act: Annotated[str, F("Share", search=False, widget=Widget.HIDDEN)] = ""
    declined: Annotated[str, F("Declined because", search=False, max_length=500)] = ""
    answered_on: Annotated[date, F("Answered on")]


CONSULT_REQUEST: DocumentType[ConsultRequest] = DocumentType(
    kind="consult_request",
    label="Request to look into a case",
    struct=ConsultRequest,
    compartment="SHARE",
    title=lambda document: "Request to look into a case",
    service_date=lambda document: document.asked_on,
)
CONSULT_ANSWER: DocumentType[ConsultAnswer] = DocumentType(
    kind="consult_answer",
    label="Answer to a request",
    struct=ConsultAnswer,
    compartment="SHARE",
    title=lambda document: "declined" if document.declined else "shared",
    service_date=lambda document: document.answered_on,
)
TYPES: tuple[DocumentType[Any], ...] = (CONSULT_REQUEST, CONSULT_ANSWER)
