"""Medications and allergies as received (FHIR MedicationRequest, MedicationStatement, AllergyIntolerance)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from iop_tui.clinical.plans.api import Coded
from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity

_R4 = "HL7 FHIR R4 4.0.1"
MEDICATION_STATUS = (
    "active", "on-hold", "cancelled", "completed", "stopped", "draft", "unknown", "intended", "not-taken",
)
CRITICALITY = ("low", "high", "unable-to-assess")


class Medication(Document, frozen=True, kw_only=True):
    """One medication ordered, reported or stopped elsewhere."""

    text: Annotated[str, F("Medication", required=True, source=_R4)] = ""
    codes: Annotated[tuple[Coded, ...], F("Codes", search=False)] = ()
    status: Annotated[str, F("Status", choices=MEDICATION_STATUS, source=_R4)] = ""
    origin: Annotated[str, F("Known from", choices=("order", "statement"), help="Ordered, or stated to be taken")] = ""
    intent: Annotated[str, F("Intent")] = ""
    started: Annotated[date | None, F("From")] = None
    ended: Annotated[date | None, F("Until")] = None
    dosage: Annotated[tuple[str, ...], F("Dosage")] = ()
    reasons: Annotated[tuple[str, ...], F("For")] = ()
    prescriber: Annotated[str, F("Prescriber")] = ""
    comment: Annotated[str, F("Comment")] = ""


class Reaction(Document, frozen=True, kw_only=True):
    """One reaction to a substance."""

    text: Annotated[str, F("Reaction")] = ""
    severity: Annotated[str, F("Severity", choices=("mild", "moderate", "severe"))] = ""


class Allergy(Document, frozen=True, kw_only=True):
    """An allergy or intolerance."""

    text: Annotated[str, F("Substance", required=True, source=_R4)] = ""
    codes: Annotated[tuple[Coded, ...], F("Codes", search=False)] = ()
    type: Annotated[str, F("Type", choices=("allergy", "intolerance"), source=_R4)] = ""
    categories: Annotated[tuple[str, ...], F("Category")] = ()
    criticality: Annotated[str, F("Criticality", choices=CRITICALITY, source=_R4)] = ""
    clinical_status: Annotated[str, F("Status", choices=("active", "inactive", "resolved"), source=_R4)] = ""
    verification: Annotated[str, F("How sure", choices=("unconfirmed", "confirmed", "refuted"), source=_R4)] = ""
    reactions: Annotated[tuple[Reaction, ...], F("Reactions")] = ()
    recorded: Annotated[date | None, F("Recorded on")] = None
    comment: Annotated[str, F("Comment")] = ""


def _medication_rules(document: Medication, context: RuleContext) -> tuple[Finding, ...]:
    del context
    if document.started and document.ended and document.ended < document.started:
        return (Finding(Severity.WARN, "dates_reversed", "The end lies before the start.", "ended", _R4),)
    return ()


MEDICATION: DocumentType[Medication] = DocumentType(
    kind="medication", label="Medication", struct=Medication, compartment="MED",
    title=lambda document: document.text, service_date=lambda document: document.started,
    rules=_medication_rules, help="A medication, ordered here or elsewhere, or stated to be taken.",
)  # fmt: skip
ALLERGY: DocumentType[Allergy] = DocumentType(
    kind="allergy", label="Allergy", struct=Allergy, compartment="MED",
    title=lambda document: document.text, service_date=lambda document: document.recorded,
    help="An allergy or intolerance.",
)  # fmt: skip
TYPES: tuple[DocumentType[Any], ...] = (MEDICATION, ALLERGY)
