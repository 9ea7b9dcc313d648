"""Encounters and procedures as received (FHIR Encounter, Procedure)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from iop_tui.clinical.plans.api import Coded
from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity

_R4 = "HL7 FHIR R4 4.0.1"
ENCOUNTER_STATUS = (
    "planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled", "unknown",
)
PROCEDURE_STATUS = ("preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "unknown")


class Encounter(Document, frozen=True, kw_only=True):
    """A visit, admission or call at another organisation."""

    text: Annotated[str, F("Encounter", required=True, source=_R4)] = ""
    codes: Annotated[tuple[Coded, ...], F("Codes", search=False)] = ()
    status: Annotated[str, F("Status", choices=ENCOUNTER_STATUS, source=_R4)] = ""
    setting: Annotated[str, F("Setting", help="ambulatory, inpatient, emergency, virtual, …")] = ""
    started: Annotated[date | None, F("Date")] = None
    ended: Annotated[date | None, F("Until")] = None
    minutes: Annotated[int | None, F("Length", unit="min")] = None
    reasons: Annotated[tuple[str, ...], F("Reasons")] = ()
    seen_by: Annotated[tuple[str, ...], F("Seen by")] = ()
    organisation: Annotated[str, F("Where")] = ""


class Procedure(Document, frozen=True, kw_only=True):
    """Something that was done: a screening, therapy or operation."""

    text: Annotated[str, F("Procedure", required=True, source=_R4)] = ""
    codes: Annotated[tuple[Coded, ...], F("Codes", search=False)] = ()
    status: Annotated[str, F("Status", choices=PROCEDURE_STATUS, source=_R4)] = ""
    performed: Annotated[date | None, F("Date")] = None
    performed_text: Annotated[str, F("Date, as received")] = ""
    minutes: Annotated[int | None, F("Length", unit="min")] = None
    reasons: Annotated[tuple[str, ...], F("For")] = ()
    outcome: Annotated[str, F("Outcome")] = ""
    comment: Annotated[str, F("Comment")] = ""


def _encounter_rules(document: Encounter, context: RuleContext) -> tuple[Finding, ...]:
    del context
    if document.started and document.ended and document.ended < document.started:
        return (Finding(Severity.WARN, "dates_reversed", "The end lies before the start.", "ended", _R4),)
    return ()


TYPES: tuple[DocumentType[Any], ...] = (
    DocumentType(
        kind="encounter", label="Encounter", struct=Encounter, compartment="IND",
        title=lambda document: document.text, service_date=lambda document: document.started,
        rules=_encounter_rules, help="A visit at another organisation.",
    ),
    DocumentType(
        kind="procedure", label="Procedure", struct=Procedure, compartment="IND",
        title=lambda document: document.text, service_date=lambda document: document.performed,
        help="A procedure, screening or therapy recorded elsewhere.",
    ),
)
