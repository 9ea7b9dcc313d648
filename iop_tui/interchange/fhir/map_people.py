"""Patient → person."""

from __future__ import annotations

from typing import Any

from iop_tui.interchange.fhir import values
from iop_tui.interchange.fhir.draft import Context, Draft
from iop_tui.interchange.fhir.values import Json

_BIRTH_SEX = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"
_PRONOUNS = (
    "http://hl7.org/fhir/StructureDefinition/individual-pronouns",
    "http://open.epic.com/FHIR/StructureDefinition/extension/pronouns-to-use",
)
_SEXES = {"F": "female", "M": "male", "UNK": "unknown", "ASKU": "unknown", "OTH": "other"}
_NAME_ORDER = ("official", "usual", "", "temp", "anonymous", "nickname", "old", "maiden")
_PHONE_ORDER = ("mobile", "home", "", "work", "temp", "old")


def _best(entries: Any, order: tuple[str, ...]) -> Json:
    ranked = [each for each in values.objects(entries) if each.get("use", "") in order]
    return min(ranked, key=lambda each: order.index(each.get("use", "")), default={})


def _text_parts(parts: Any) -> str:
    return values.line(" ".join(each for each in parts if isinstance(each, str))) if isinstance(parts, list) else ""


def _telecom(patient: Json, system: str) -> str:
    entries = [each for each in values.objects(patient.get("telecom")) if each.get("system") == system]
    return values.line(_best(entries, _PHONE_ORDER).get("value"))


def _address(patient: Json) -> str:
    best = _best(patient.get("address"), ("home", "", "billing", "temp", "work"))
    if best.get("text"):
        return values.block(best["text"])
    street = _text_parts(best.get("line"))
    town = values.line(f"{values.line(best.get('state'))} {values.line(best.get('postalCode'))}")
    parts = (street, values.line(best.get("city")), town, values.line(best.get("country")))
    return ", ".join(each for each in parts if each)


def _extension(patient: Json, *urls: str) -> Json:
    return next((each for each in values.objects(patient.get("extension")) if each.get("url") in urls), {})


def _language(patient: Json) -> str:
    spoken = values.objects(patient.get("communication"))
    preferred = [each for each in spoken if each.get("preferred") is True] or spoken
    return values.concept(preferred[0].get("language")) if preferred else ""


def _sex(patient: Json) -> str:
    code = _extension(patient, _BIRTH_SEX).get("valueCode")
    return _SEXES.get(code, "") if isinstance(code, str) else ""


def _flags(patient: Json, fields: dict[str, Any]) -> list[str]:
    found = []
    if patient.get("birthDate") and not fields["birth_date"]:
        found.append("birth date incomplete")
    if not fields["given"] and not fields["family"]:
        found.append("no name")
    replaced = any(each.get("type") == "replaced-by" for each in values.objects(patient.get("link")))
    if patient.get("active") is False or replaced:
        found.append("no longer in use at the source")
    if patient.get("deceasedBoolean") is True:
        found.append("deceased, date unknown")
    return found


def person(patient: Json, context: Context) -> Draft:
    """Names, birth date, contact. Race, ethnicity, gender identity and identifiers stay in the received JSON."""
    del context
    name = _best(patient.get("name"), _NAME_ORDER)
    nickname = next((each for each in values.objects(patient.get("name")) if each.get("use") == "nickname"), {})
    given, family = _text_parts(name.get("given")), values.line(name.get("family"))
    if not given and not family:
        given, _, family = values.line(name.get("text")).rpartition(" ")
    fields = {
        "given": given,
        "family": family,
        "preferred_name": _text_parts(nickname.get("given")),
        "birth_date": values.iso_day(patient.get("birthDate")),
        "sex_at_birth": _sex(patient),
        "pronouns": values.concept(_extension(patient, *_PRONOUNS).get("valueCodeableConcept")),
        "phone": _telecom(patient, "phone"),
        "email": _telecom(patient, "email"),
        "address": _address(patient),
        "language": _language(patient),
        "deceased_date": values.iso_day(patient.get("deceasedDateTime")),
    }
    return Draft("person", fields, None, "DIR", _flags(patient, fields))
