"""A measure → Observation for its total; its answers as a QuestionnaireResponse the total is derived from."""

from __future__ import annotations

from typing import Any

from iop_tui.interchange.fhirout.build import LOINC, Json, coding, concept, day, reference, score
from iop_tui.interchange.fhirout.records import Around, Record, main, part

_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_LOCAL = "urn:iop-tui:instrument"


def measure(record: Record, around: Around) -> list[Json]:
    """One administration of an instrument."""
    taken: Any = record.document
    resource = main("Observation", record, around)
    answers = _answers(record, around, f"Observation/{resource['id']}") if taken.items else None
    resource |= {
        "status": "entered-in-error" if record.void else "final",
        "category": [concept("Survey", coding(_CATEGORY, "survey", "Survey"))],
        "code": _code(taken),
        "subject": reference(around.patient),
        "effectiveDateTime": day(taken.taken),
        "performer": [around.practitioner(record.author)],
        **_value(taken),
        "interpretation": [concept(taken.band)] if taken.band else [],
        "derivedFrom": [reference(f"QuestionnaireResponse/{answers['id']}")] if answers else [],
        "note": [{"text": f"Flagged: {each}."} for each in taken.warnings],
    }
    return [resource, *([answers] if answers else [])]


def _code(taken: Any) -> Json:
    if taken.code:
        return concept(f"{taken.instrument} total", coding(LOINC, taken.code))
    return concept(f"{taken.instrument} total", coding(_LOCAL, taken.instrument.lower().replace(" ", "-")))


def _value(taken: Any) -> Json:
    if taken.score is None:
        return {"dataAbsentReason": concept("No total: see the answers.", coding(_ABSENT, "not-performed"))}
    return {"valueQuantity": score(taken.score)}


_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"


def _answers(record: Record, around: Around, owner: str) -> Json:
    taken: Any = record.document
    items = []
    for number, item in enumerate(taken.items, 1):
        answer = [] if item.value is None else [{"valueInteger": item.value}]
        asked = item.asked or item.text
        items.append({"linkId": str(number), "text": asked, "answer": answer, **_definition(item.code)})
    return part("QuestionnaireResponse", "answers", record, around, owner) | {
        "status": "entered-in-error" if record.void else "completed",
        "subject": reference(around.patient),
        "authored": day(taken.taken),
        "source": reference(around.patient),
        "item": items,
    }


def _definition(code: str) -> Json:
    return {"definition": f"{LOINC}/{code}"} if code else {}
