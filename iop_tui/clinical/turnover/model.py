"""Succession: who takes over when a clinician is gone without notice, and the second person's approval. And two papers
of those who assign: a caseload transfer that goes on where it stopped, and the word that somebody is gone.

A succession is kept in the directory entry of each person concerned. What it holds is sealed: half of a key for the
successor, half for the second person; neither can do anything with one half. The papers lie in the registry, with the
care teams; they hold ids and give nobody a key.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from iop_tui.kernel.declare import Document, DocumentType, F, Widget


class Succession(Document, frozen=True, kw_only=True):
    """A handing over that its clinician signed beforehand and that two people together can put into force."""

    user: Annotated[str, F("Clinician", search=False)]
    role: Annotated[str, F("Part", search=False)]
    successor: Annotated[str, F("Successor", search=False)]
    second: Annotated[str, F("Second signature", search=False)]
    sealed: Annotated[str, F("Signed hand-over", search=False, widget=Widget.HIDDEN)]
    for_successor: Annotated[str, F("Half for the successor", search=False, widget=Widget.HIDDEN)]
    for_second: Annotated[str, F("Half for the second person", search=False, widget=Widget.HIDDEN)]
    covers: Annotated[tuple[str, ...], F("Keys", search=False, widget=Widget.HIDDEN)]
    named_on: Annotated[date, F("Named on")]


class SuccessionApproval(Document, frozen=True, kw_only=True):
    """The second person's signature: their half, sealed to the successor."""

    succession: Annotated[str, F("Succession", search=False, widget=Widget.HIDDEN)]
    version: Annotated[str, F("Version", search=False, widget=Widget.HIDDEN)]
    half: Annotated[str, F("Half", search=False, widget=Widget.HIDDEN)]
    reason: Annotated[str, F("Reason", search=False, max_length=500)]
    approved_on: Annotated[date, F("Approved on")]


class CaseloadTransfer(Document, frozen=True, kw_only=True):
    """Whose people go to whom, and until when. How far each is follows from the keys, so nothing of it is kept here."""

    giver: Annotated[str, F("From", search=False)]
    receiver: Annotated[str, F("To", search=False)]
    parts: Annotated[tuple[str, ...], F("Parts", search=False, widget=Widget.HIDDEN)]
    until: Annotated[date | None, F("Stands in until")] = None
    begun_on: Annotated[date, F("Begun on")]
    stopped: Annotated[str, F("Stopped because", search=False, max_length=500)] = ""


class Leaver(Document, frozen=True, kw_only=True):
    """That a clinician is gone without notice: what the second person named by them is asked to judge."""

    user: Annotated[str, F("Clinician", search=False)]
    reason: Annotated[str, F("What happened", search=False, max_length=500)]
    announced_on: Annotated[date, F("Said on")]
    withdrawn: Annotated[bool, F("Taken back")] = False


SUCCESSION: DocumentType[Succession] = DocumentType(
    kind="succession",
    label="Succession",
    struct=Succession,
    compartment="DIR",
    title=lambda document: "Succession",
    service_date=lambda document: document.named_on,
)
APPROVAL: DocumentType[SuccessionApproval] = DocumentType(
    kind="succession_approval",
    label="Approved succession",
    struct=SuccessionApproval,
    compartment="DIR",
    title=lambda document: "Approved succession",
    service_date=lambda document: document.approved_on,
)
CASELOAD_TRANSFER: DocumentType[CaseloadTransfer] = DocumentType(
    kind="caseload_transfer",
    label="Caseload transfer",
    struct=CaseloadTransfer,
    compartment="REG",
    title=lambda document: "Caseload transfer",
    service_date=lambda document: document.begun_on,
)
LEAVER: DocumentType[Leaver] = DocumentType(
    kind="leaver",
    label="Gone without notice",
    struct=Leaver,
    compartment="REG",
    title=lambda document: "Gone without notice",
    service_date=lambda document: document.announced_on,
)
TYPES: tuple[DocumentType[Any], ...] = (SUCCESSION, APPROVAL, CASELOAD_TRANSFER, LEAVER)
