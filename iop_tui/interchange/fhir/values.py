"""Small readings of FHIR data types. Every text that leaves here has been through the sanitizer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from iop_tui.kernel.text import clean, clean_line

Json = dict[str, Any]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LONGEST_LINE = 2_000
LOINC = "http://loinc.org"
UNREAL_DATE = "date does not exist"


class Unmappable(Exception):
    """A valid resource that says something impossible; the message is a plain sentence without its content."""


def line(value: Any) -> str:
    """One sanitised line; empty for anything that is no text."""
    return clean_line(value)[:_LONGEST_LINE] if isinstance(value, str) else ""


def block(value: Any) -> str:
    """Sanitised text that may have several lines."""
    return clean(value).strip() if isinstance(value, str) else ""


def objects(value: Any) -> list[Json]:
    """A list of JSON objects, from a list, one object, or nothing."""
    if isinstance(value, dict):
        return [value]
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def codings(concept: Any) -> list[Json]:
    """The codings of one CodeableConcept, or of several."""
    return [coding for each in objects(concept) for coding in objects(each.get("coding"))]


def codes(concept: Any) -> list[Json]:
    """The codings as the declared documents hold them."""
    return [
        {"system": line(each.get("system")), "code": line(each.get("code")), "display": line(each.get("display"))}
        for each in codings(concept)
    ]


def concept(value: Any) -> str:
    """A CodeableConcept in words: its text, else the first display, else the first code."""
    for each in objects(value):
        for candidate in (each.get("text"), *_words(each)):
            if shown := line(candidate):
                return shown
    return ""


def _words(value: Json) -> Iterator[Any]:
    found = objects(value.get("coding"))
    if not found:
        yield value.get("display")  # a bare Coding
    yield from (each.get("display") for each in found)
    yield from (each.get("code") for each in found)


def concepts(value: Any) -> list[str]:
    """Several CodeableConcepts in words, without repetitions."""
    return list(dict.fromkeys(shown for each in objects(value) if (shown := concept(each))))


def first_code(value: Any) -> str:
    """The first code of a CodeableConcept."""
    return next((line(each.get("code")) for each in codings(value) if each.get("code")), "")


def loinc_codes(value: Any) -> list[str]:
    """The LOINC codes of a CodeableConcept."""
    return [line(each.get("code")) for each in codings(value) if each.get("system") == LOINC]


def day(value: Any) -> date | None:
    """The service date of a FHIR date, dateTime or instant: the day as the clock on the spot showed it.

    None for a missing or partial date (`2012`, `2012-05`). Raises `Unmappable` for a day no calendar has.
    """
    if not isinstance(value, str) or not _DAY.match(value):
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        raise Unmappable("It holds a date that no calendar has.") from None


def iso_day(value: Any) -> str | None:
    """`day`, as ISO text."""
    found = day(value)
    return found.isoformat() if found else None


def partial(value: Any) -> str:
    """The text of a date that is no full date (`2012-05`), or of an age or range; empty for a full date."""
    if isinstance(value, str):
        return "" if _DAY.match(value) else line(value)
    if isinstance(value, dict):
        if "low" in value or "high" in value:
            return line(f"{quantity(value.get('low'))} - {quantity(value.get('high'))}")
        return quantity(value)
    return ""


def minutes(period: Any) -> int | None:
    """Whole minutes between the ends of a Period, both with a clock time; None when that is not known."""
    if not isinstance(period, dict):
        return None
    start, end = _moment(period.get("start")), _moment(period.get("end"))
    if start is None or end is None or end < start:
        return None
    return int((end - start).total_seconds() // 60)


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str) or "T" not in value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def quantity(value: Any) -> str:
    """A Quantity in words."""
    if not isinstance(value, dict) or not isinstance(value.get("value"), int | float):
        return ""
    unit = line(value.get("unit") or value.get("code"))
    unit = "" if unit == "{score}" else unit
    return line(f"{line(value.get('comparator'))}{value['value']:g} {unit}")


def number(value: Any) -> float | None:
    """A JSON number that is one (true and false are none)."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def choice(resource: Json, name: str) -> Any:
    """The value of a choice element: `onset` finds `onsetDateTime`, `onsetAge`, … whichever is there."""
    for key, value in resource.items():
        if key.startswith(name) and len(key) > len(name) and key[len(name)].isupper():
            return value
    return None


def shown_value(resource: Json) -> str:
    """The `value[x]` of an Observation or component in words."""
    value = choice(resource, "value")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int):
        return line(str(value))
    if isinstance(value, dict):
        return concept(value) or quantity(value) or line(value.get("text"))
    return f"{value:g}" if isinstance(value, float) else ""


def notes(value: Any) -> str:
    """The texts of Annotations."""
    return "\n".join(text for each in objects(value) if (text := block(each.get("text"))))


def reference(value: Any) -> str:
    """The literal reference of a Reference; empty when it only has an identifier or display."""
    found = value.get("reference") if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def displays(value: Any) -> list[str]:
    """The displays of several References."""
    return [shown for each in objects(value) if (shown := line(each.get("display")))]
