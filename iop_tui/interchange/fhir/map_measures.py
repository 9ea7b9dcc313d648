"""Observation totals and QuestionnaireResponse answers → measure.

Traps met in real files, each decided here:

* a total that is not the sum of its items, or lies outside the scale: kept as received, flagged, not charted;
* answers that are all coded alike while the number sits in an extension. Order of trust: ordinal extension,
  then LOINC answer code, then the words; a contradiction is flagged;
* an answer from another instrument's list, or an item that belongs to no instrument: not scored;
* AUDIT-C whose first item is a count (68517-2) instead of the scale's own item: no sum;
* the same administration as questionnaire and as Observation: one measure, the Observation is kept beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from iop_tui.clinical.measures import model
from iop_tui.clinical.measures.definition import Answer
from iop_tui.clinical.measures.instruments import Instrument, catalogue, plain_words
from iop_tui.interchange.fhir import values
from iop_tui.interchange.fhir.draft import Context, Draft
from iop_tui.interchange.fhir.values import Json

SAME_ADMINISTRATION = "scored with its questionnaire"
_ORDINALS = (
    "http://hl7.org/fhir/StructureDefinition/ordinalValue",
    "http://hl7.org/fhir/StructureDefinition/iso21090-CO-value",
    "http://hl7.org/fhir/StructureDefinition/itemWeight",
    "http://hl7.org/fhir/StructureDefinition/questionnaire-ordinalValue",
)
_LOINC_TAIL = re.compile(r"(?:^|[/:|.])(\d{1,6}-\d)(?:\.\d+)?$")
_LOINC_ANYWHERE = re.compile(r"(?<![\d-])\d{1,6}-\d(?![\d-])")


@dataclass(slots=True)
class Answered:
    """One answered item of a form: LOINC code ('' if unknown), its value if it could be scored, flags."""

    code: str
    text: str
    value: float | None
    flags: list[str] = field(default_factory=list)


def _whole(value: float | None) -> int | None:
    return int(value) if value is not None and value == int(value) else None


# ---- answers -----------------------------------------------------------------------------------------------


def _extension_number(node: Json) -> float | None:
    for each in values.objects(node.get("extension")):
        if each.get("url") in _ORDINALS:
            return values.number(values.choice(each, "value"))
    return None


def _from_list(coding: Json, allowed: tuple[Answer, ...]) -> float | None:
    code, display = values.line(coding.get("code")), plain_words(values.line(coding.get("display")))
    by_code = next((each.value for each in allowed if code and each.code == code), None)
    if by_code is not None or code.startswith("LA"):
        return by_code
    return next((each.value for each in allowed if display and plain_words(each.text) == display), None)


def _coded(coding: Json, answer: Json, item_code: str, ordinals: dict[str, float], flags: list[str]) -> float | None:
    stated = _extension_number(coding)
    stated = stated if stated is not None else _extension_number(answer)
    stated = stated if stated is not None else ordinals.get(values.line(coding.get("code")))
    facts = catalogue().item(item_code)
    allowed = catalogue().answers[facts.answers] if facts else ()
    listed = _from_list(coding, allowed)
    if stated is not None:
        if listed is not None and listed != stated:
            flags.append(model.ANSWERS_DISAGREE)
        return stated
    known = any(each.code for each in allowed)
    if listed is None and known and values.line(coding.get("code")).startswith("LA"):
        flags.append(model.FOREIGN_ANSWER)
    return listed


def _answer(answers: Any, item_code: str, ordinals: dict[str, float], flags: list[str]) -> float | None:
    given = values.objects(answers)
    if len(given) != 1:
        return None
    answer = given[0]
    if isinstance(answer.get("valueCoding"), dict):
        return _coded(answer["valueCoding"], answer, item_code, ordinals, flags)
    for name in ("valueInteger", "valueDecimal"):
        if (found := values.number(answer.get(name))) is not None:
            return found
    return values.number((answer.get("valueQuantity") or {}).get("value"))


# ---- questionnaires ----------------------------------------------------------------------------------------


def _ordinals(contained: Any) -> dict[str, float]:
    """Answer code → number, as the Questionnaire and value sets contained in a response define them."""
    found: dict[str, float] = {}
    stack: list[Any] = [contained]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            stack.extend(node.values())
            number = _extension_number(node)
            code = node.get("code") or (node.get("valueCoding") or {}).get("code")
            if number is not None and isinstance(code, str):
                found[code] = number
        elif isinstance(node, list):
            stack.extend(node)
    return found


def _definitions(questionnaire: Json) -> dict[str, str]:
    """linkId → LOINC code of the item, from a Questionnaire."""
    found: dict[str, str] = {}
    stack = values.objects(questionnaire.get("item"))
    while stack:
        item = stack.pop()
        stack.extend(values.objects(item.get("item")))
        loinc = [each for each in values.objects(item.get("code")) if each.get("system") == values.LOINC]
        if loinc and isinstance(item.get("linkId"), str):
            found[item["linkId"]] = values.line(loinc[0].get("code"))
    return found


def _item_code(item: Json, definitions: dict[str, str]) -> str:
    link = item.get("linkId", "")
    if link in definitions:
        return definitions[link]
    for candidate in (item.get("definition"), link):
        if isinstance(candidate, str) and (found := _LOINC_TAIL.search(candidate)):
            return found.group(1)
    known = catalogue().item_by_text(values.line(item.get("text")))
    return known.code if known else ""


def _walk(items: Any) -> Iterator[Json]:
    for item in values.objects(items):
        yield item
        yield from _walk(item.get("item"))
        for answer in values.objects(item.get("answer")):
            yield from _walk(answer.get("item"))


def _own_definitions(response: Json) -> dict[str, str]:
    wanted = str(response.get("questionnaire") or "")
    for each in values.objects(response.get("contained")):
        if each.get("resourceType") == "Questionnaire" and wanted in (f"#{each.get('id')}", each.get("url"), ""):
            return _definitions(each)
    return {}


def form_codes(response: Json) -> set[str]:
    """The LOINC codes a QuestionnaireResponse is about, answered or not: what its sensitivity goes by."""
    definitions = _own_definitions(response)
    codes = {_item_code(item, definitions) for item in _walk(response.get("item"))}
    return (codes | set(_LOINC_ANYWHERE.findall(str(response.get("questionnaire") or "")))) - {""}


def answered(response: Json) -> list[Answered]:
    """Every answered item of a QuestionnaireResponse, in order."""
    definitions, ordinals = _own_definitions(response), _ordinals(response.get("contained"))
    found = []
    for item in _walk(response.get("item")):
        if not item.get("answer"):
            continue
        code, flags = _item_code(item, definitions), list[str]()
        value = _answer(item.get("answer"), code, ordinals, flags)
        found.append(Answered(code, values.line(item.get("text")), value, flags))
    return found


def instrument_of(answers: list[Answered], hints: str = "") -> Instrument | None:
    """The instrument a form is: by its total, by a LOINC code in its canonical, else by the items it holds.

    By items the best match wins, and of two equal ones the shorter: eight PHQ-9 items are a PHQ-9 with one
    missing, the first two alone are a PHQ-2.
    """
    given = {each.code for each in answers if each.code}
    known = catalogue().instruments
    by_total = [each for each in known if each.total in given]
    named = [each for each in known if any(code in hints for code in (*each.panels, each.total))]
    if found := by_total or named:
        return max(found, key=lambda each: len(each.items))
    matching = [(_matching(each, given), -len(each.items), each) for each in known]
    best = max(matching, key=lambda each: each[:2])
    return best[2] if best[0] else None


def _matching(instrument: Instrument, given: set[str]) -> int:
    return len(given & {item.code for item in instrument.items})


# ---- scoring -----------------------------------------------------------------------------------------------


def score(instrument: Instrument, answers: list[Answered], stated: float | None) -> Json:
    """The fields of a measure: items in the instrument's order, their sum, the stated total, warnings."""
    given = {each.code: each for each in answers if each.code}
    warnings = list(dict.fromkeys(flag for each in answers for flag in each.flags))
    items, total, complete = [], 0, bool(instrument.items)
    for facts in instrument.items if set(given) & {item.code for item in instrument.items} else ():
        answer = given.get(facts.code)
        value = _whole(answer.value) if answer else None
        allowed = [each.value for each in catalogue().answers[facts.answers]]
        if value is not None and value not in allowed:
            warnings.append(model.OUT_OF_RANGE)
            value = None
        complete = complete and value is not None
        total += value or 0
        items.append({"code": facts.code, "text": values.line(facts.text), "value": value})
    computed = total if complete and items else None
    if items and computed is None:
        warnings.append(model.ITEM_MISSING)
    return _totals(instrument, items, computed, stated, warnings)


def _totals(
    instrument: Instrument, items: list[Json], computed: int | None, stated: float | None, warnings: list[str],
) -> Json:
    if stated is not None and not instrument.in_range(stated):
        warnings.append(model.OUT_OF_RANGE)
    if stated is not None and computed is not None and stated != computed:
        warnings.append(model.TOTALS_DISAGREE)
    trusted = stated if stated is not None and instrument.in_range(stated) and stated == int(stated) else None
    if stated is not None and stated != int(stated):
        warnings.append(model.OUT_OF_RANGE)
    points = computed if computed is not None else trusted
    safety = next((each["value"] for each in items if each["code"] == instrument.safety_item), None)
    return {
        "instrument": instrument.name, "score": points, "stated": stated, "computed": computed,
        "lowest": instrument.low, "highest": instrument.high, "band": instrument.band(points), "items": items,
        "safety_item": None if safety is None else safety > 0, "code": instrument.total,
        "warnings": list(dict.fromkeys(warnings)),
    }


def _draft(fields: Json, taken: str | None, status: Any) -> Draft:
    fields |= {"taken": taken, "status": values.line(status)}
    flags = [each for each in fields["warnings"] if each != model.ITEM_MISSING]
    return Draft("measure", fields, taken, "IND", flags)


def _score_response(response: Json) -> Json | None:
    answers = answered(response)
    if not answers:
        return None
    instrument = instrument_of(answers, str(response.get("questionnaire") or ""))
    if instrument is None:
        return None
    stated = next((each.value for each in answers if each.code == instrument.total), None)
    fields = score(instrument, [each for each in answers if each.code != instrument.total], stated)
    return fields if fields["items"] or stated is not None else None


def questionnaire_response(response: Json, context: Context) -> Draft | None:
    """QuestionnaireResponse → measure, when its instrument is known and anything was answered."""
    del context
    fields = _score_response(response)
    return _draft(fields, values.iso_day(response.get("authored")), response.get("status")) if fields else None


def index_score(resource: Json) -> tuple[str, float] | None:
    """What other resources may need of this one: (instrument, sum) of a form, (item code, value) of an item."""
    if resource["resourceType"] == "QuestionnaireResponse":
        fields = _score_response(resource)
        return (fields["instrument"], fields["computed"]) if fields and fields["computed"] is not None else None
    if resource["resourceType"] != "Observation":
        return None
    code = next((each for each in values.loinc_codes(resource.get("code")) if catalogue().item(each)), "")
    value = _observed(resource, code, []) if code else None
    return (code, value) if value is not None else None


# ---- Observations ------------------------------------------------------------------------------------------


def _observed(node: Json, code: str, flags: list[str]) -> float | None:
    value = values.choice(node, "value")
    if isinstance(value, dict) and "coding" in value:
        for coding in values.objects(value.get("coding")):
            found = _coded(coding, node, code, {}, flags)
            if found is not None:
                return found
        return None
    return values.number(value.get("value")) if isinstance(value, dict) else values.number(value)


def _components(observation: Json) -> list[Answered]:
    found = []
    for each in values.objects(observation.get("component")):
        for code in values.loinc_codes(each.get("code")):
            flags: list[str] = []
            found.append(Answered(code, values.concept(each.get("code")), _observed(each, code, flags), flags))
    return found


def _members(observation: Json, context: Context) -> list[Answered]:
    found = []
    for name in ("hasMember", "derivedFrom"):
        for each in values.objects(observation.get(name)):
            node = context.index.find(context.scope, values.reference(each))
            code, value = context.index.scores.get(node, ("", 0.0))
            if catalogue().item(code):
                found.append(Answered(code, "", value))
    return found


def _contained_response(observation: Json) -> list[Answered]:
    inside = values.objects(observation.get("contained"))
    return [
        answer for each in inside if each.get("resourceType") == "QuestionnaireResponse" for answer in answered(each)
    ]


def _instrument(observation: Json) -> Instrument | None:
    found = values.loinc_codes(observation.get("code"))
    by_total = next((each for code in found if (each := catalogue().by_total(code))), None)
    if by_total or not observation.get("component"):
        return by_total
    return next((each for code in found if (each := catalogue().by_panel(code))), None)


def _form_score(observation: Json, instrument: Instrument, context: Context) -> float | None:
    """The sum of the questionnaire this total was derived from, if that is in the run."""
    for each in values.objects(observation.get("derivedFrom")):
        node = context.index.find(context.scope, values.reference(each))
        name, total = context.index.scores.get(node, ("", 0.0))
        if name == instrument.name:
            return total
    return None


def observation(resource: Json, context: Context) -> Draft | None:
    """Observation → measure for the totals that are understood; None for every other Observation."""
    instrument = _instrument(resource)
    if instrument is None or resource.get("status") == "cancelled":
        return None
    answers = [*_components(resource), *_members(resource, context), *_contained_response(resource)]
    value = values.choice(resource, "value")
    stated = _observed(resource, "", [])
    if stated is None:
        stated = next((each.value for each in answers if each.code == instrument.total), None)
    fields = score(instrument, [each for each in answers if each.code != instrument.total], stated)
    if stated is None and value is not None:
        fields["warnings"].append(model.NOT_A_NUMBER)
    if stated is None and fields["computed"] is None and not fields["warnings"]:
        return None
    effective = values.choice(resource, "effective")
    start = effective.get("start") if isinstance(effective, dict) else effective
    return _draft(fields, values.iso_day(start) or values.iso_day(resource.get("issued")), resource.get("status"))


def same_administration(resource: Json, context: Context) -> list[str] | None:
    """Flags for a total whose questionnaire is in the run and becomes the measure; None when there is none."""
    instrument = _instrument(resource)
    summed = _form_score(resource, instrument, context) if instrument else None
    if summed is None:
        return None
    stated = _observed(resource, "", [])
    return [SAME_ADMINISTRATION] + ([model.TOTALS_DISAGREE] if stated is not None and stated != summed else [])
