"""Plans a person carries → a QuestionnaireResponse to a form of the program's own, and a CarePlan; a drug screen →
an Observation of the laboratory with a component for each substance.

No profile for either plan was found in print, so their kind stands in a local category and their headings are the
program's own words.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from iop_tui.clinical.relapse.model import RelapsePlan
from iop_tui.clinical.safety.plan import SafetyPlan
from iop_tui.clinical.toxicology.testing import DrugScreen
from iop_tui.interchange.fhirout.build import Json, annotation, coding, concept, day, reference
from iop_tui.interchange.fhirout.records import Around, Record, main, part
from iop_tui.kernel.declare import show_value

CATEGORY = "urn:iop-tui:plan"
FORM = "urn:iop-tui:form"
_SURVEY = "http://terminology.hl7.org/CodeSystem/observation-category"
_FLAG = "http://terminology.hl7.org/CodeSystem/flag-category"
_PLAN_STATUS = {"signed": "active", "draft": "draft"}


def relapse_plan(record: Record, around: Around) -> list[Json]:
    """A relapse-prevention plan; its coping steps are the activities of the CarePlan."""
    plan = record.document
    if not isinstance(plan, RelapsePlan):
        return []
    answers = _response(record, around)
    steps = [show_value(each) for each in (*plan.steps, *plan.lapse_plan)]
    return [answers, _care_plan(record, around, answers, "relapse-prevention", steps)]


def safety_plan(record: Record, around: Around) -> list[Json]:
    """A safety plan, and a Flag while it is in force."""
    plan = record.document
    if not isinstance(plan, SafetyPlan):
        return []
    answers = _response(record, around)
    found = [answers, _care_plan(record, around, answers, "safety-plan", plan.coping)]
    if record.status == "signed" and not record.void:
        flag = part("Flag", "flag", record, around, f"QuestionnaireResponse/{answers['id']}")
        found.append(flag | {
            "status": "active",
            "category": [concept("Safety", coding(_FLAG, "safety"))],
            "code": concept("Safety plan in force"),
            "subject": reference(around.patient),
            "period": {"start": day(plan.made)},
        })  # fmt: skip
    return found


def _response(record: Record, around: Around) -> Json:
    """The document's fields in print order as answers to the form of its kind, which lies inside."""
    asked, items = [], []
    for info, text in record.type.shown(record.document):
        asked.append({"linkId": info.name, "text": info.label, "type": "text", "repeats": True})
        value = getattr(record.document, info.name)
        texts = [show_value(each) for each in value] if isinstance(value, tuple) else [text]
        answers = [{"valueString": each} for each in texts if each]
        if answers:
            items.append({"linkId": info.name, "text": info.label, "answer": answers})
    form = {
        "resourceType": "Questionnaire", "id": "form", "url": f"{FORM}:{record.type.kind}",
        "version": str(record.type.version), "title": record.type.label, "status": "active", "item": asked,
    }  # fmt: skip
    return main("QuestionnaireResponse", record, around) | {
        "contained": [form],
        "questionnaire": "#form",
        "status": "entered-in-error" if record.void else "completed" if record.status == "signed" else "in-progress",
        "subject": reference(around.patient),
        "authored": day(record.type.service_date(record.document)),
        "author": around.practitioner(record.author),
        "item": items,
    }


def _care_plan(record: Record, around: Around, answers: Json, category: str, steps: Iterable[str]) -> Json:
    owner = f"QuestionnaireResponse/{answers['id']}"
    return part("CarePlan", "plan", record, around, owner) | {
        "status": "entered-in-error" if record.void else _PLAN_STATUS.get(record.status, "unknown"),
        "intent": "plan",
        "category": [concept(record.type.label, coding(CATEGORY, category))],
        "title": record.type.label,
        "subject": reference(around.patient),
        "period": {"start": day(record.type.service_date(record.document))},
        "author": around.practitioner(record.author),
        "supportingInfo": [reference(owner)],
        "activity": [
            {"detail": {"status": "scheduled", "description": each}} for each in steps if each.strip()
        ],
    }


def drug_screen(record: Record, around: Around) -> list[Json]:
    """A drug screen: the definitive result of a substance where there is one, else the presumptive."""
    screen = record.document
    if not isinstance(screen, DrugScreen):
        return []
    specimen = {"resourceType": "Specimen", "id": "specimen", "type": concept(screen.matrix),
                "collection": {"collectedDateTime": day(screen.collected)}}  # fmt: skip
    resource = main("Observation", record, around)
    return [resource | {
        "contained": [specimen] if screen.matrix else [],
        "specimen": {"reference": "#specimen"} if screen.matrix else {},
        "status": "entered-in-error" if record.void else "final" if record.status == "signed" else "preliminary",
        "category": [concept("Laboratory", coding(_SURVEY, "laboratory", "Laboratory"))],
        "code": concept(record.type.label, coding("urn:iop-tui:kind", record.type.kind)),
        "subject": reference(around.patient),
        "effectiveDateTime": day(screen.collected),
        "performer": [{"display": screen.lab}] if screen.lab else [around.practitioner(record.author)],
        "note": annotation(screen.reading),
        "component": [_analyte(each) for each in screen.panel],
    }]  # fmt: skip


def _analyte(each: Any) -> Json:
    definite = each.definitive in ("negative", "positive")
    result = each.definitive if definite else each.presumptive
    how = "definitive" if definite else "presumptive"
    value: Json = {"valueCodeableConcept": concept(f"{result} ({how})")} if result in ("negative", "positive") else {
        "dataAbsentReason": concept("Not tested", coding("http://terminology.hl7.org/CodeSystem/data-absent-reason",
                                                         "not-performed"))
    }  # fmt: skip
    cutoff = [{"text": f"cut-off {each.cutoff:g} ng/mL"}] if each.cutoff is not None else []
    return {"code": concept(each.substance or "substance not named"), **value, "referenceRange": cutoff}
