"""Record kind → the function that makes its FHIR resources; every other kind becomes a DocumentReference."""

from __future__ import annotations

from collections.abc import Callable

from iop_tui.interchange.fhirout import clinical, consents, documents, forms, measures, provenance, schedule
from iop_tui.interchange.fhirout.build import Json, without_empty
from iop_tui.interchange.fhirout.records import Around, Record

Maker = Callable[[Record, Around], list[Json]]

MAKERS: dict[str, Maker] = {
    "allergy": clinical.allergy,
    "attachment": documents.attached,
    "condition": clinical.condition,
    "consent": consents.consent,
    "drug_screen": forms.drug_screen,
    "encounter": clinical.encounter,
    "measure": measures.measure,
    "medication": clinical.medication,
    "person": clinical.person,
    "procedure": clinical.procedure,
    "progress_note": documents.progress_note,
    "received_goal": clinical.received_goal,
    "received_plan": clinical.received_plan,
    "relapse_plan": forms.relapse_plan,
    "risk_assessment": documents.risk_assessment,
    "safety_plan": forms.safety_plan,
    "session": schedule.session,
    "treatment_plan": clinical.treatment_plan,
}


def resources_of(record: Record, around: Around) -> list[Json]:
    """The resources of one record, the one that carries its document first, without empty elements."""
    made = MAKERS.get(record.type.kind, documents.document_reference)(record, around)
    made = made or documents.document_reference(record, around)
    signed = provenance.signatures(record, around.practitioner)
    if signed:
        made[0]["contained"] = [*signed, *made[0].get("contained", [])]
    found: list[Json] = [without_empty(each) for each in made]
    return found
