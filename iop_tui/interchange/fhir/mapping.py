"""One resource → one item for the vault: mapped where its type is understood, kept as received otherwise.

Nothing is ever dropped: what has no mapping becomes a `received` document with its type, name, value and
date. A resource marked `entered-in-error` is kept, not mapped. A psychotherapy note (45 CFR 164.501, label
PSYTHPN) goes to the clinician whom the person authorized to receive it, and to no chart: kept with one it would lose
its protection.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import msgspec

from iop_tui.clinical.letters import model as letters
from iop_tui.clinical.measures import model as measures
from iop_tui.clinical.measures.instruments import catalogue
from iop_tui.clinical.medications import model as medications
from iop_tui.clinical.people import model as people
from iop_tui.clinical.plans import model as plans
from iop_tui.clinical.sessions import model as sessions
from iop_tui.interchange.fhir import carried, map_clinical, map_measures, map_notes, map_people, sensitivity, values
from iop_tui.interchange.fhir.draft import Context, Draft
from iop_tui.interchange.fhir.references import ADMINISTRATIVE, TWO_PEOPLE, Index
from iop_tui.interchange.fhir.values import Json, Unmappable
from iop_tui.interchange.items import PERSON, RECEIVED, Mapped
from iop_tui.kernel.declare import DocumentType
from iop_tui.kernel.errors import DocumentInvalid
from iop_tui.vault.digest import sha256

PRIVATE = "PSY"
ENTERED_IN_ERROR = "entered in error at the source"
UNKNOWN_CODE = "a status code is unknown here"
SHORTENED = "a text was too long and is cut here"

DOCUMENTS: dict[str, DocumentType[Any]] = {
    each.kind: each
    for each in (
        *people.TYPES, *plans.TYPES, *medications.TYPES, *measures.TYPES, *sessions.TYPES, *letters.TYPES,
    )
}

_MAPPERS: dict[str, Callable[[Json, Context], Draft | None]] = {
    "AllergyIntolerance": map_clinical.allergy,
    "CarePlan": map_clinical.care_plan,
    "Condition": map_clinical.condition,
    "DiagnosticReport": map_notes.diagnostic_report,
    "DocumentReference": map_notes.document_reference,
    "Encounter": map_clinical.encounter,
    "Goal": map_clinical.goal,
    "MedicationRequest": map_clinical.medication_request,
    "MedicationStatement": map_clinical.medication_statement,
    "Observation": map_measures.observation,
    "Patient": map_people.person,
    "Procedure": map_clinical.procedure,
    "QuestionnaireResponse": map_measures.questionnaire_response,
}
_MONEY = frozenset({
    "Account", "ChargeItem", "Claim", "ClaimResponse", "Coverage", "CoverageEligibilityRequest",
    "CoverageEligibilityResponse", "EnrollmentRequest", "EnrollmentResponse", "ExplanationOfBenefit", "Invoice",
    "PaymentNotice", "PaymentReconciliation",
})
_MEDICAL = frozenset({
    "BodyStructure", "Device", "DeviceRequest", "DeviceUseStatement", "ImagingStudy", "Immunization",
    "ImmunizationEvaluation", "ImmunizationRecommendation", "Medication", "MedicationAdministration",
    "MedicationDispense", "MolecularSequence", "NutritionOrder", "Specimen", "SupplyDelivery", "SupplyRequest",
    "VisionPrescription",
})
_MEDICAL_CATEGORIES = frozenset({"vital-signs", "laboratory", "imaging", "exam", "procedure", "LAB", "RAD", "PATH"})
_NAMES = ("title", "code", "type", "vaccineCode", "description", "category", "name", "deviceName", "scope")
_DATES = ("effective", "occurrence", "performed", "onset")
_MORE_DATES = (
    "authored", "authoredOn", "date", "recorded", "recordedDate", "issued", "created", "started", "sent", "dateTime",
    "period", "billablePeriod",
)


def _usual_place(resource: Json) -> str:
    kind = resource["resourceType"]
    if kind in _MONEY:
        return "PAY"
    if kind in _MEDICAL:
        return "MED"
    if kind in ("Observation", "DiagnosticReport"):
        scored = any(catalogue().by_panel(code) for code in values.loinc_codes(resource.get("code")))
        found = {values.line(each.get("code")) for each in values.codings(resource.get("category"))}
        return "MED" if found & _MEDICAL_CATEGORIES and not scored else "IND"
    return "IND"


def _name(resource: Json) -> str:
    for name in _NAMES:
        value = resource.get(name)
        shown = values.line(value) or values.concept(value)
        if shown := shown or _personal_name(value):
            return shown
    return ""


def _personal_name(value: Any) -> str:
    for each in values.objects(value):
        if shown := values.line(each.get("text") or each.get("name") or each.get("family")):
            return shown
    return ""


def _date(resource: Json) -> str | None:
    found = [values.choice(resource, name) for name in _DATES] + [resource.get(name) for name in _MORE_DATES]
    for value in found:
        start = value.get("start") if isinstance(value, dict) else value
        if day := values.iso_day(start):
            return day
    return None


def _value(resource: Json) -> str:
    parts = [values.shown_value(resource)]
    parts += [
        f"{values.concept(each.get('code'))}: {shown}"
        for each in values.objects(resource.get("component")) if (shown := values.shown_value(each))
    ]
    return "; ".join(each for each in parts if each)[:4_000]


def received(resource: Json) -> Draft:
    """Any resource, as the document that only says what it is."""
    day = _date(resource)
    fields = {
        "resource_type": resource["resourceType"], "text": _name(resource), "value": _value(resource), "date": day,
        "status": values.line(resource.get("status")),
    }
    return Draft(RECEIVED, fields, day, _usual_place(resource))


def _in_error(resource: Json) -> bool:
    if resource.get("status") == "entered-in-error" or resource.get("lifecycleStatus") == "entered-in-error":
        return True
    return values.first_code(resource.get("verificationStatus")) == "entered-in-error"


def _map(resource: Json, context: Context) -> Draft:
    mapper = _MAPPERS.get(resource["resourceType"])
    if mapper is None:
        return received(resource)
    if _in_error(resource):
        kept = received(resource)
        return replace(kept, flags=[ENTERED_IN_ERROR])
    if resource["resourceType"] == "Observation" and (flags := map_measures.same_administration(resource, context)):
        return replace(received(resource), flags=flags)
    return mapper(resource, context) or received(resource)


@cache
def _longest(kind: str) -> dict[str, int]:
    """Field → characters, for the fields of a declared kind that have a limit."""
    hints = typing.get_type_hints(DOCUMENTS[kind].struct, include_extras=True)
    notes = {name: getattr(hint, "__metadata__", ()) for name, hint in hints.items()}
    return {name: meta.max_length for name, found in notes.items() for meta in found if meta.max_length}


def _fit(draft: Draft) -> None:
    """One odd value refuses nothing: unknown status codes become empty, endless texts are cut, both flagged."""
    declared = DOCUMENTS[draft.kind]
    for info in declared.fields():
        value = draft.fields.get(info.name)
        if not isinstance(value, str):
            continue
        if info.choices and value and value not in info.choices:
            draft.fields[info.name] = ""
            draft.flags.append(UNKNOWN_CODE)
        elif len(value) > _longest(draft.kind).get(info.name, len(value)):
            draft.fields[info.name] = value[: _longest(draft.kind)[info.name]].strip()
            draft.flags.append(SHORTENED)
    try:
        declared.parse(draft.fields)
    except DocumentInvalid as error:
        raise Unmappable(f"It does not fit the {declared.label.lower()} document.") from error


def _is_psychotherapy_note(resource: Json) -> bool:
    security = values.objects((resource.get("meta") or {}).get("security"))
    return any(each.get("code") == sensitivity.NOTE_LABEL for each in security)


def _named_problems(resource: Json, raw: bytes, index: Index, person: str | None) -> frozenset[str]:
    """A record that calls one of the person's sensitive problems by its name is as sensitive as the problem."""
    terms = index.terms.get(person or "")
    if not terms:
        return frozenset()
    text = raw.decode("utf-8", "replace")
    if b'"data"' in raw:
        text = "\n".join([text, *map_notes.texts_inside(resource)])
    text = text.lower()
    return frozenset(label for label, names in terms.items() if any(name in text for name in names))


def _place(draft: Draft, resource: Json, person: str | None, labels: frozenset[str]) -> str:
    if draft.kind == PERSON:
        return "DIR"
    if person is None:
        return "ORG" if resource["resourceType"] in ADMINISTRATIVE else "INTAKE"
    if draft.restored:
        return draft.usual
    return sensitivity.compartment_for(draft.usual, labels)


def _restored(resource: Json) -> Draft | None:
    """A document of this program that the resource carries, in the part of the chart it lay in."""
    found = carried.carried(resource)
    if found is None:
        return None
    declared, fields = found
    on = declared.service_date(declared.parse(fields))
    place = carried.place(resource) or declared.compartment
    return Draft(declared.kind, fields, on.isoformat() if on else None, place, [], restored=True)


def digest(resource: Json) -> str:
    """A digest of the JSON value: white space and the order of names do not count."""
    return sha256(msgspec.json.encode(resource, order="sorted")).hex()


def map_resource(
    resource: Json, raw: bytes, *, index: Index, scope: int, node: int, labels: frozenset[str], file: str, place: str,
) -> Mapped:
    """The item for one decoded, valid resource; `labels` are its own and inherited ones.

    Raises `Unmappable` for impossible content, which refuses this item and no other.
    """
    person, doubt = index.person_of(scope, node)
    if doubt == TWO_PEOPLE:
        raise Unmappable("Two different people of these files go by the name it gives for its person.")
    private = _is_psychotherapy_note(resource)
    if private and person is None:
        raise Unmappable("It is marked as a psychotherapy note (45 CFR 164.501) and names nobody.")
    context = Context(index, scope, person)
    draft = _restored(resource)
    if draft is None:
        draft = _map(resource, context)
        _fit(draft)
    labels |= _named_problems(resource, raw, index, person)
    kind, own, content = resource["resourceType"], str(resource.get("id") or ""), digest(resource)
    flags = list(dict.fromkeys([*draft.flags, *([doubt] if doubt else [])]))
    return Mapped(
        kind=draft.kind, fields=draft.fields, person_key=person,
        compartment=PRIVATE if private else _place(draft, resource, person, labels),
        source_type=kind, source_id=own, fingerprint_parts=(kind, person or "", own or f"#{content}", content),
        effective=date.fromisoformat(draft.effective) if draft.effective else None,
        labels=tuple(sorted(labels)), flags=tuple(flags), file=file, place=place, raw=raw,
        aliases=index.persons[node].aliases if node in index.persons else (), vault=carried.vault(resource),
    )
