"""Clinical documents → their own FHIR resources; the plan → CarePlan, Goals and Conditions.

What was received and not changed here never comes this way: it leaves byte for byte as it came.
"""

from __future__ import annotations

from typing import Any

from iop_tui.clinical.medications.model import Allergy, Medication
from iop_tui.clinical.people.model import Person
from iop_tui.clinical.plans.model import Condition, ReceivedGoal, ReceivedPlan
from iop_tui.clinical.plans.treatment import Goal, Intervention, Objective, TreatmentPlan
from iop_tui.clinical.sessions.model import Encounter, Procedure
from iop_tui.interchange.fhirout.build import (
    ICD10,
    Json,
    annotation,
    coded,
    coding,
    concept,
    day,
    reference,
)
from iop_tui.interchange.fhirout.records import Around, Record, main, part

_HL7 = "http://terminology.hl7.org/CodeSystem"
_BIRTH_SEX = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"
_SEXES = {"female": "F", "male": "M", "other": "OTH", "unknown": "UNK"}
_PRONOUNS = "http://hl7.org/fhir/StructureDefinition/individual-pronouns"
_RELATED_GOAL = "http://hl7.org/fhir/StructureDefinition/goal-relationship"
_ACTIVE = ("active", "recurrence", "relapse")


def person(record: Record, around: Around) -> list[Json]:
    """Person → Patient."""
    entry = record.document
    if not isinstance(entry, Person):
        return []
    resource = main("Patient", record, around)
    sex = _SEXES.get(entry.sex_at_birth)
    resource["extension"] += [{"url": _BIRTH_SEX, "valueCode": sex}] if sex else []
    resource["extension"] += (
        [{"url": _PRONOUNS, "extension": [{"url": "value", "valueCodeableConcept": concept(entry.pronouns)}]}]
        if entry.pronouns else []
    )  # fmt: skip
    nickname = [{"use": "nickname", "given": [entry.preferred_name]}] if entry.preferred_name else []
    resource |= {
        "id": around.patient.removeprefix("Patient/"),
        "identifier": [{"system": f"urn:iop-tui:person:{around.vault}", "value": around.patient.partition("/")[2]}],
        "active": True,
        "name": [{"use": "official", "family": entry.family, "given": [entry.given]}, *nickname],
        "telecom": [{"system": "phone", "value": entry.phone}] * bool(entry.phone)
        + [{"system": "email", "value": entry.email}] * bool(entry.email),
        "birthDate": day(entry.birth_date),
        "deceasedDateTime": day(entry.deceased_date),
        "address": [{"text": entry.address}],
        "communication": [{"language": concept(entry.language), "preferred": True}] if entry.language else [],
    }
    return [resource]


def condition(record: Record, around: Around) -> list[Json]:
    """A problem → Condition. A refuted one has no clinical status by itself, so that none is invented."""
    item = record.document
    if not isinstance(item, Condition):
        return []
    status = item.clinical_status
    resource = main("Condition", record, around) | {
        "clinicalStatus": concept("", coding(f"{_HL7}/condition-clinical", status)) if status else {},
        "verificationStatus": concept("", coding(f"{_HL7}/condition-ver-status", item.verification))
        if item.verification else {},
        "category": [concept(item.category)] if item.category else [],
        "severity": concept(item.severity),
        "code": coded(item.text, item.codes),
        "subject": reference(around.patient),
        "recordedDate": day(item.recorded),
        "note": annotation(item.comment),
        **_when("onset", day(item.onset), item.onset_text),
        **({} if status in _ACTIVE else _when("abatement", day(item.ended), item.ended_text)),
    }  # fmt: skip
    return [resource]


def _when(name: str, on: str | None, text: str) -> Json:
    return {f"{name}DateTime": on} if on else {f"{name}String": text} if text else {}


def medication(record: Record, around: Around) -> list[Json]:
    """A medication → MedicationRequest for an order, MedicationStatement for what the person takes."""
    item = record.document
    if not isinstance(item, Medication):
        return []
    shared = {
        "medicationCodeableConcept": coded(item.text, item.codes),
        "subject": reference(around.patient),
        "reasonCode": [concept(each) for each in item.reasons],
        "note": annotation(item.comment),
    }
    dosage = [{"text": each} for each in item.dosage]
    period = {"start": day(item.started), "end": day(item.ended)}
    if item.origin == "order":
        status = item.status if item.status in _ORDER else "unknown"
        return [
            main("MedicationRequest", record, around) | shared
            | {"status": status, "intent": item.intent or "order", "authoredOn": day(item.started),
               "dosageInstruction": dosage, "requester": {"display": item.prescriber},
               "dispenseRequest": {"validityPeriod": period}}
        ]  # fmt: skip
    status = item.status if item.status in _STATEMENT else "unknown"
    return [
        main("MedicationStatement", record, around) | shared
        | {"status": status, "effectivePeriod": period, "dosage": dosage,
           "informationSource": {"display": item.prescriber}}
    ]  # fmt: skip


_ORDER = ("active", "on-hold", "cancelled", "completed", "stopped", "draft", "unknown")
_STATEMENT = ("active", "completed", "intended", "stopped", "on-hold", "unknown", "not-taken")
_ALLERGENS = ("food", "medication", "environment", "biologic")


def allergy(record: Record, around: Around) -> list[Json]:
    """An allergy → AllergyIntolerance."""
    item = record.document
    if not isinstance(item, Allergy):
        return []
    system = f"{_HL7}/allergyintolerance"
    resource = main("AllergyIntolerance", record, around) | {
        "clinicalStatus": concept("", coding(f"{system}-clinical", item.clinical_status or "active")),
        "verificationStatus": concept("", coding(f"{system}-verification", item.verification))
        if item.verification else {},
        "type": item.type,
        "category": [each for each in item.categories if each in _ALLERGENS],
        "criticality": item.criticality,
        "code": coded(item.text, item.codes),
        "patient": reference(around.patient),
        "recordedDate": day(item.recorded),
        "note": annotation(item.comment),
        "reaction": [{"manifestation": [concept(each.text or "reaction")], "severity": each.severity}
                     for each in item.reactions],
    }  # fmt: skip
    return [resource]


def encounter(record: Record, around: Around) -> list[Json]:
    """A visit elsewhere → Encounter."""
    item = record.document
    if not isinstance(item, Encounter):
        return []
    return [
        main("Encounter", record, around)
        | {"status": item.status or "unknown", "class": {"display": item.setting or "ambulatory"},
           "type": [coded(item.text, item.codes)], "subject": reference(around.patient),
           "participant": [{"individual": {"display": each}} for each in item.seen_by],
           "period": {"start": day(item.started), "end": day(item.ended)},
           "reasonCode": [concept(each) for each in item.reasons],
           "serviceProvider": {"display": item.organisation}}
    ]  # fmt: skip


def procedure(record: Record, around: Around) -> list[Json]:
    """Something done → Procedure."""
    item = record.document
    if not isinstance(item, Procedure):
        return []
    return [
        main("Procedure", record, around)
        | {"status": item.status or "unknown", "code": coded(item.text, item.codes),
           "subject": reference(around.patient), "reasonCode": [concept(each) for each in item.reasons],
           "outcome": concept(item.outcome), "note": annotation(item.comment),
           **_when("performed", day(item.performed), item.performed_text)}
    ]  # fmt: skip


def received_goal(record: Record, around: Around) -> list[Json]:
    """A goal from elsewhere → Goal."""
    item = record.document
    if not isinstance(item, ReceivedGoal):
        return []
    return [
        main("Goal", record, around)
        | {"lifecycleStatus": item.status or "active", "achievementStatus": concept(item.achievement),
           "description": concept(item.text), "subject": reference(around.patient), "startDate": day(item.started),
           "target": [{"detailString": each, "dueDate": day(item.due)} for each in item.targets],
           "addresses": [{"display": each} for each in item.addresses], "note": annotation(item.comment)}
    ]  # fmt: skip


def received_plan(record: Record, around: Around) -> list[Json]:
    """A care plan from elsewhere → CarePlan."""
    item = record.document
    if not isinstance(item, ReceivedPlan):
        return []
    return [
        main("CarePlan", record, around)
        | {"status": item.status or "unknown", "intent": item.intent or "plan", "title": item.title,
           "description": item.description, "subject": reference(around.patient),
           "period": {"start": day(item.started), "end": day(item.ended)},
           "addresses": [{"display": each} for each in item.addresses],
           "goal": [{"display": each} for each in item.goals],
           "activity": [{"detail": {"status": _activity(each.status), "description": each.text,
                                    "location": {"display": each.place}}} for each in item.activities]}
    ]  # fmt: skip


_ACTIVITY = (
    "not-started", "scheduled", "in-progress", "on-hold", "completed", "cancelled", "stopped", "unknown",
)  # fmt: skip


def _activity(status: str) -> str:
    return status if status in _ACTIVITY else "unknown"


# ---- the program's own plan --------------------------------------------------------------------------------


def treatment_plan(record: Record, around: Around) -> list[Json]:
    """The plan as CarePlan, its goals and objectives as Goals, its problems and diagnoses as Conditions."""
    plan = record.document
    if not isinstance(plan, TreatmentPlan):
        return []
    resource = main("CarePlan", record, around)
    tree = _Tree(record, around, f"CarePlan/{resource['id']}", plan)
    status = "entered-in-error" if record.void else "completed" if plan.closed_on else "active"
    resource |= {
        "status": status if record.status != "draft" or record.void else "draft",
        "intent": "plan",
        "category": [
            concept("Assessment and plan", coding("http://hl7.org/fhir/us/core/CodeSystem/careplan-category",
                                                  "assess-plan")),
            concept("Treatment plan", coding("urn:iop-tui:plan", "treatment-plan")),
        ],
        "title": record.type.title(plan),
        "subject": reference(around.patient),
        "period": {"start": day(plan.effective or plan.planned), "end": day(plan.closed_on)},
        "created": day(plan.planned),
        "author": around.practitioner(record.author),
        "addresses": [reference(f"Condition/{each['id']}") for each in tree.conditions],
        "goal": [reference(f"Goal/{each['id']}") for each in tree.goals],
        "activity": tree.activities,
    }  # fmt: skip
    return [resource, *tree.conditions, *tree.goals]


class _Tree:
    """The resources below a plan, in the plan's order."""

    def __init__(self, record: Record, around: Around, owner: str, plan: TreatmentPlan) -> None:
        self.conditions: list[Json] = []
        self.goals: list[Json] = []
        self.activities: list[Json] = []
        self._record, self._around, self._owner = record, around, owner
        for number, diagnosis in enumerate(plan.diagnoses, 1):
            system = ICD10 if diagnosis.system == "ICD-10-CM" else ""
            codes = [coding(system, diagnosis.code, diagnosis.text)] if diagnosis.code else []
            self._condition(f"dx{number}", concept(diagnosis.text, *codes))
        for place, problem in enumerate(plan.problems, 1):
            cause = self._condition(f"p{place}", concept(problem.text))
            for second, goal in enumerate(problem.goals, 1):
                self._goal(f"{place}.{second}", goal, cause)

    def _part(self, kind: str, name: str) -> Json:
        return part(kind, name.replace(".", "-"), self._record, self._around, self._owner)

    def _condition(self, name: str, code: Json) -> str:
        resource = self._part("Condition", name) | {
            "clinicalStatus": concept("", coding(f"{_HL7}/condition-clinical", "active")),
            "category": [concept("", coding(f"{_HL7}/condition-category", "problem-list-item"))],
            "code": code,
            "subject": reference(self._around.patient),
        }
        self.conditions.append(resource)
        return f"Condition/{resource['id']}"

    def _goal(self, number: str, goal: Goal, cause: str) -> None:
        resource = self._part("Goal", f"g{number}") | {
            "lifecycleStatus": "completed" if goal.closed_on else "active",
            "description": concept(goal.text or "Goal"),
            "subject": reference(self._around.patient),
            "addresses": [reference(cause)],
            "note": annotation(goal.outcome),
        }
        self.goals.append(resource)
        for third, objective in enumerate(goal.objectives, 1):
            self._objective(f"{number}.{third}", objective, f"Goal/{resource['id']}")

    def _objective(self, number: str, objective: Objective, goal: str) -> None:
        relation = [{"url": "type", "valueCodeableConcept": concept("milestone of")},
                    {"url": "target", "valueReference": reference(goal)}]  # fmt: skip
        resource = self._part("Goal", f"o{number}") | {
            "extension": [{"url": _RELATED_GOAL, "extension": relation}],
            "lifecycleStatus": _lifecycle(objective),
            "achievementStatus": concept(objective.status),
            "description": concept(f"{number} {objective.text}".strip()),
            "subject": reference(self._around.patient),
            "target": [{"measure": concept(objective.measure), "detailString": objective.target,
                        "dueDate": day(objective.target_date)}] if objective.target else [],
            "note": annotation(f"Baseline: {objective.baseline}" if objective.baseline else ""),
        }  # fmt: skip
        self.goals.append(resource)
        for item in objective.interventions:
            self.activities.append(self._activity(item, f"Goal/{resource['id']}", is_open=objective.is_open))

    @staticmethod
    def _activity(item: Intervention, goal: str, *, is_open: bool) -> Json:
        detail: dict[str, Any] = {
            "kind": "ServiceRequest", "code": concept(item.type or item.modality), "goal": [reference(goal)],
            "status": "in-progress" if is_open else "completed",
            "performer": [{"display": item.responsible}] if item.responsible else [],
            "description": item.shown(),
        }  # fmt: skip
        return {"detail": detail}


def _lifecycle(objective: Objective) -> str:
    if objective.is_open:
        return "proposed" if objective.status == "new" else "active"
    return "completed" if objective.status in ("met", "partly") else "cancelled"
