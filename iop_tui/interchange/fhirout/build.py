"""Small builders of FHIR R4 elements. Empty values leave no element: FHIR has no empty strings, objects or lists."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import date
from typing import Any

from iop_tui.access.policy import Kind
from iop_tui.interchange.fhir.carried import COMPARTMENT
from iop_tui.kernel.clock import iso

Json = dict[str, Any]

KIND = "urn:iop-tui:kind"
LOINC = "http://loinc.org"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
UCUM = "http://unitsofmeasure.org"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"

_PART2 = (("SUD", ACT_CODE), ("42CFRPart2", ACT_CODE), ("NORDSCLCD", ACT_CODE))
_MENTAL = (("MH", ACT_CODE),)
_LABELS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    Kind.DIR: ("N", ()), Kind.MED: ("N", ()), Kind.PAY: ("N", ()), Kind.IND: ("R", _MENTAL),
    Kind.CRISIS: ("R", _MENTAL), Kind.GRP: ("R", _MENTAL), Kind.SUD: ("R", _PART2),
}  # fmt: skip
_LEVELS = "ULMNRV"


def without_empty(value: Any) -> Any:
    """A value with every empty text, list and object taken out, at any depth. Zero and false stay."""
    if isinstance(value, dict):
        return {name: inner for name, each in value.items() if not _empty(inner := without_empty(each))}
    if isinstance(value, list):
        return [inner for each in value if not _empty(inner := without_empty(each))]
    return value


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | dict) and len(value) == 0)


def day(value: date | None) -> str | None:
    """A FHIR date."""
    return value.isoformat() if value else None


def instant(ms: int) -> str:
    """A FHIR instant in UTC."""
    return iso(ms)


def reference(target: str, display: str = "") -> Json:
    """A reference to `Type/id`."""
    return {"reference": target, "display": display}


def concept(text: str, *codings: Json) -> Json:
    """A CodeableConcept."""
    return {"text": text, "coding": list(codings)}


def coding(system: str, code: str, display: str = "") -> Json:
    """A Coding."""
    return {"system": system, "code": code, "display": display}


def coded(text: str, codes: Iterable[Any]) -> Json:
    """A CodeableConcept from the codes of a declared document."""
    return concept(text, *(coding(each.system, each.code, each.display) for each in codes))


def annotation(text: str) -> list[Json]:
    """A comment."""
    return [{"text": text}] if text else []


def score(value: float) -> Json:
    """A total of a questionnaire."""
    return {"value": int(value) if value == int(value) else value, "unit": "{score}", "system": UCUM, "code": "{score}"}


def attachment(kind: str, content: bytes, title: str) -> Json:
    """An attachment with its content inside."""
    return {"contentType": kind, "data": base64.b64encode(content).decode(), "title": title, "size": len(content)}


def security(kind: str, *, part2: bool = False) -> list[Json]:
    """The labels of a record by the part of the chart it lies in: confidentiality, sensitivity, policy, and the part
    itself in a local system, by its name only.
    """
    level, more = _LABELS.get(kind, ("R", ()))
    codes = [coding(CONFIDENTIALITY, level), *(coding(system, code) for code, system in more)]
    if part2 and more is not _PART2:
        codes += [coding(system, code) for code, system in _PART2]
    return [*codes, coding(COMPARTMENT, str(kind))]


def high_water(resources: Iterable[Json]) -> list[Json]:
    """The labels of a whole: the highest confidentiality and the union of the rest."""
    level, others = "", dict[tuple[str, str], Json]()
    for resource in resources:
        for label in (resource.get("meta") or {}).get("security") or ():
            code = str(label.get("code", ""))
            if label.get("system") == CONFIDENTIALITY and code in _LEVELS:
                level = max(level, code, key=lambda each: _LEVELS.find(each))
            elif label.get("system") == ACT_CODE:
                others.setdefault((ACT_CODE, code), coding(ACT_CODE, code))
    found = [coding(CONFIDENTIALITY, level)] if level else []
    return without_empty([*found, *(others[name] for name in sorted(others))])  # type: ignore[no-any-return]
