"""Condition, Encounter, Procedure, medications, AllergyIntolerance, Goal, CarePlan → declared documents."""

from __future__ import annotations

from typing import Any

from iop_tui.interchange.fhir import values
from iop_tui.interchange.fhir.draft import Context, Draft
from iop_tui.interchange.fhir.values import Json

_CLASSES = {
    "AMB": "ambulatory", "EMER": "emergency", "FLD": "field", "HH": "home health", "IMP": "inpatient",
    "ACUTE": "inpatient acute", "NONAC": "inpatient non-acute", "OBSENC": "observation", "PRENC": "pre-admission",
    "SS": "short stay", "VR": "virtual",
}


def condition(resource: Json, context: Context) -> Draft:
    """Condition → condition. Onset and end may be ages, ranges or partial dates: those stay as text."""
    del context
    onset, ended = values.choice(resource, "onset"), values.choice(resource, "abatement")
    onset = onset.get("start") if isinstance(onset, dict) and "start" in onset else onset
    ended = ended.get("start") if isinstance(ended, dict) and "start" in ended else ended
    fields: Json = {
        "text": values.concept(resource.get("code")) or "Problem without a name",
        "codes": values.codes(resource.get("code")),
        "clinical_status": values.first_code(resource.get("clinicalStatus")),
        "verification": values.first_code(resource.get("verificationStatus")),
        "category": ", ".join(values.concepts(resource.get("category"))),
        "severity": values.concept(resource.get("severity")),
        "onset": values.iso_day(onset),
        "onset_text": values.partial(onset),
        "ended": values.iso_day(ended),
        "ended_text": values.partial(ended),
        "recorded": values.iso_day(resource.get("recordedDate")),
        "comment": values.notes(resource.get("note")),
    }
    return Draft("condition", fields, fields["onset"] or fields["recorded"], "IND")


def _reasons(resource: Json, context: Context) -> list[str]:
    named = context.named(resource, resource.get("reasonReference"))
    return list(dict.fromkeys([*values.concepts(resource.get("reasonCode")), *named]))


def _setting(resource: Json) -> str:
    found = resource.get("class")
    code = values.line(found.get("code")) if isinstance(found, dict) else ""
    return _CLASSES.get(code, "") or values.line(found.get("display") if isinstance(found, dict) else "") or code


def encounter(resource: Json, context: Context) -> Draft:
    """Encounter → encounter. The length counts only between two clock times."""
    period = resource.get("period") or {}
    seen_by = values.displays([each.get("individual") for each in values.objects(resource.get("participant"))])
    diagnoses = [each.get("condition") for each in values.objects(resource.get("diagnosis"))]
    fields: Json = {
        "text": values.concept(resource.get("type")) or _setting(resource) or "Encounter",
        "codes": values.codes(resource.get("type")),
        "status": values.line(resource.get("status")),
        "setting": _setting(resource),
        "started": values.iso_day(period.get("start")),
        "ended": values.iso_day(period.get("end")),
        "minutes": values.minutes(period),
        "reasons": list(dict.fromkeys([*_reasons(resource, context), *context.named(resource, diagnoses)])),
        "seen_by": list(dict.fromkeys(seen_by)),
        "organisation": next(iter(values.displays(resource.get("serviceProvider"))), ""),
    }
    return Draft("encounter", fields, fields["started"], "IND")


def procedure(resource: Json, context: Context) -> Draft:
    """Procedure → procedure."""
    performed = values.choice(resource, "performed")
    period = performed if isinstance(performed, dict) and ("start" in performed or "end" in performed) else None
    when = period.get("start") if period else performed
    fields: Json = {
        "text": values.concept(resource.get("code")) or values.concept(resource.get("category")) or "Procedure",
        "codes": values.codes(resource.get("code")),
        "status": values.line(resource.get("status")),
        "performed": values.iso_day(when),
        "performed_text": values.partial(when),
        "minutes": values.minutes(period),
        "reasons": _reasons(resource, context),
        "outcome": values.concept(resource.get("outcome")),
        "comment": values.notes(resource.get("note")),
    }
    return Draft("procedure", fields, fields["performed"], "IND")


def _dosage(each: Json) -> str:
    if text := values.line(each.get("text")):
        return text
    timing = each.get("timing") or {}
    repeat = timing.get("repeat") or {}
    parts = [values.quantity(dose.get("doseQuantity")) for dose in values.objects(each.get("doseAndRate"))]
    parts.append(values.concept(each.get("route")))
    if repeat.get("frequency") and repeat.get("period") and repeat.get("periodUnit"):
        parts.append(f"{repeat['frequency']} × per {repeat['period']:g} {values.line(repeat['periodUnit'])}")
    parts.append(values.concept(timing.get("code")))
    parts.append("as needed" if each.get("asNeededBoolean") is True else "")
    return values.line(", ".join(part for part in parts if part))


def _medication_text(resource: Json, context: Context) -> str:
    named = values.concept(resource.get("medicationCodeableConcept"))
    named = named or next(iter(context.named(resource, resource.get("medicationReference"))), "")
    return named or "Medication without a name"


def _dosages(value: Any) -> list[str]:
    return [text for each in values.objects(value) if (text := _dosage(each))]


def medication_request(resource: Json, context: Context) -> Draft:
    """MedicationRequest → medication; `doNotPerform` becomes a flag."""
    supply = (resource.get("dispenseRequest") or {}).get("validityPeriod") or {}
    fields: Json = {
        "text": _medication_text(resource, context),
        "codes": values.codes(resource.get("medicationCodeableConcept")),
        "status": values.line(resource.get("status")),
        "origin": "order",
        "intent": values.line(resource.get("intent")),
        "started": values.iso_day(resource.get("authoredOn")) or values.iso_day(supply.get("start")),
        "ended": values.iso_day(supply.get("end")),
        "dosage": _dosages(resource.get("dosageInstruction")),
        "reasons": _reasons(resource, context),
        "prescriber": next(iter(values.displays(resource.get("requester"))), ""),
        "comment": values.notes(resource.get("note")),
    }
    flags = ["an order not to give it"] if resource.get("doNotPerform") is True else []
    return Draft("medication", fields, fields["started"], "MED", flags)


def medication_statement(resource: Json, context: Context) -> Draft:
    """MedicationStatement → medication."""
    effective = values.choice(resource, "effective")
    period = effective if isinstance(effective, dict) else {"start": effective}
    fields: Json = {
        "text": _medication_text(resource, context),
        "codes": values.codes(resource.get("medicationCodeableConcept")),
        "status": values.line(resource.get("status")),
        "origin": "statement",
        "started": values.iso_day(period.get("start")),
        "ended": values.iso_day(period.get("end")),
        "dosage": _dosages(resource.get("dosage")),
        "reasons": _reasons(resource, context),
        "prescriber": next(iter(values.displays(resource.get("informationSource"))), ""),
        "comment": values.notes(resource.get("note")),
    }
    return Draft("medication", fields, fields["started"] or values.iso_day(resource.get("dateAsserted")), "MED")


def allergy(resource: Json, context: Context) -> Draft:
    """AllergyIntolerance → allergy."""
    del context
    reactions = [
        {"text": ", ".join(values.concepts(each.get("manifestation"))) or values.line(each.get("description")),
         "severity": values.line(each.get("severity"))}
        for each in values.objects(resource.get("reaction"))
    ]
    substance = [each.get("substance") for each in values.objects(resource.get("reaction"))]
    fields: Json = {
        "text": values.concept(resource.get("code")) or values.concept(substance) or "Allergy without a substance",
        "codes": values.codes(resource.get("code")),
        "type": values.line(resource.get("type")),
        "categories": [values.line(each) for each in resource.get("category") or ()],
        "criticality": values.line(resource.get("criticality")),
        "clinical_status": values.first_code(resource.get("clinicalStatus")),
        "verification": values.first_code(resource.get("verificationStatus")),
        "reactions": reactions,
        "recorded": values.iso_day(resource.get("recordedDate")),
        "comment": values.notes(resource.get("note")),
    }
    return Draft("allergy", fields, fields["recorded"] or values.iso_day(values.choice(resource, "onset")), "MED")


def _target(each: Json) -> str:
    detail = values.choice(each, "detail")
    if isinstance(detail, dict):
        wanted = values.quantity(detail) or values.concept(detail) or values.partial(detail)
    else:
        wanted = "" if detail is None else values.line(str(detail))
    return values.line(f"{values.concept(each.get('measure'))} {wanted}")


def goal(resource: Json, context: Context) -> Draft:
    """Goal → received_goal."""
    targets = values.objects(resource.get("target"))
    fields: Json = {
        "text": values.concept(resource.get("description")) or "Goal without a text",
        "status": values.line(resource.get("lifecycleStatus")),
        "achievement": values.concept(resource.get("achievementStatus")),
        "started": values.iso_day(resource.get("startDate")),
        "due": next((due for each in targets if (due := values.iso_day(each.get("dueDate")))), None),
        "targets": [text for each in targets if (text := _target(each))],
        "addresses": context.named(resource, resource.get("addresses")),
        "comment": values.notes(resource.get("note")),
    }
    return Draft("received_goal", fields, fields["started"], "IND")


def _activity(each: Json, resource: Json, context: Context) -> Json:
    detail = each.get("detail") or {}
    outcome = values.concepts(each.get("outcomeCodeableConcept"))
    named = context.named(resource, each.get("reference"))
    text = values.concept(detail.get("code")) or values.line(detail.get("description")) or ", ".join(named or outcome)
    place = next(iter(values.displays(detail.get("location"))), "")
    return {"text": text or "Activity", "status": values.line(detail.get("status")), "place": place}


def _plan_title(resource: Json) -> str:
    kinds = [each for each in values.objects(resource.get("category")) if values.concept(each) != "assess-plan"]
    return values.line(resource.get("title")) or values.concept(kinds) or values.line(resource.get("description"))


def care_plan(resource: Json, context: Context) -> Draft:
    """CarePlan → received_plan. Repeated activities are kept once."""
    period = resource.get("period") or {}
    activities = [_activity(each, resource, context) for each in values.objects(resource.get("activity"))]
    fields: Json = {
        "title": _plan_title(resource) or "Care plan",
        "status": values.line(resource.get("status")),
        "intent": values.line(resource.get("intent")),
        "started": values.iso_day(period.get("start")) or values.iso_day(resource.get("created")),
        "ended": values.iso_day(period.get("end")),
        "description": values.block(resource.get("description")),
        "addresses": context.named(resource, resource.get("addresses")),
        "goals": context.named(resource, resource.get("goal")),
        "activities": [each for number, each in enumerate(activities) if each not in activities[:number]],
    }
    return Draft("received_plan", fields, fields["started"], "IND")
