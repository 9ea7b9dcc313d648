"""Structural check of one resource: the official R4 schema, then what that schema leaves out.

Validators are built per type, from the definitions that type can reach, on first use: asking the schema's
root `oneOf` instead takes minutes to list errors. The schema knows neither required primitive elements nor
required code bindings; `data/fhir/required.json` does for the types met in clinical exports. A primitive may
be absent when its extension stands in for it (R4 2.24.0.2, `_status`).

Reasons name places and rules, never a value: values are somebody's record.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

import jsonschema_rs
import msgspec

_ANY_RESOURCE = {"type": "object", "required": ["resourceType"]}
_KNOWN_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9]{0,39}\Z")
_MOST_REASONS = 3
_LOOKED_AT = 50
_REASONS = {
    "AdditionalProperties": "an element that FHIR R4 does not have here",
    "AnyOf": "a value of no allowed kind",
    "Constant": "another value than FHIR R4 allows",
    "Enum": "a value FHIR R4 does not have here",
    "OneOfNotValid": "a value of no allowed kind",
    "Pattern": "a value that is not written the way FHIR R4 writes it",
    "Required": "a required element is missing",
    "Type": "a value of the wrong kind",
}


@cache
def _schema() -> dict[str, Any]:
    packed = (files("iop_tui.data") / "fhir" / "fhir.schema.json.gz").read_bytes()
    definitions: dict[str, Any] = msgspec.json.decode(gzip.decompress(packed))["definitions"]
    definitions["ResourceList"] = _ANY_RESOURCE
    return definitions


@cache
def _extra() -> dict[str, Any]:
    text = (files("iop_tui.data") / "fhir" / "required.json").read_bytes()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def resource_types() -> frozenset[str]:
    """The resource types of R4."""
    return frozenset(
        name for name, body in _schema().items()
        if "const" in body.get("properties", {}).get("resourceType", {})
    )


def _names_used(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value.rsplit("/", 1)[1]
            else:
                yield from _names_used(value)
    elif isinstance(node, list):
        for value in node:
            yield from _names_used(value)


@cache
def _validator(kind: str) -> jsonschema_rs.Draft6Validator:
    schema, wanted, todo = _schema(), {}, [kind]
    while todo:
        name = todo.pop()
        if name not in wanted:
            wanted[name] = schema[name]
            todo.extend(_names_used(schema[name]))
    return jsonschema_rs.Draft6Validator({"$ref": f"#/definitions/{kind}", "definitions": wanted})


def _place(path: list[str | int]) -> str:
    shown = ""
    for step in path:
        if isinstance(step, int):
            shown += f"[{step}]"
        else:
            shown += ("." if shown else "") + (step if _KNOWN_WORD.match(step) else "?")
    return shown or "the top"


def _sentence(error: jsonschema_rs.ValidationError) -> str:
    rule = type(error.kind).__name__
    return f"At {_place(list(error.instance_path))}: {_REASONS.get(rule, 'not allowed by FHIR R4')}."


def _missing(node: dict[str, Any], names: list[str], place: str) -> Iterator[str]:
    for name in names:
        if name not in node and f"_{name}" not in node:
            yield f"At {place}: the required element {name} is missing."


def _items(node: dict[str, Any], names: list[str], place: str) -> Iterator[str]:
    for number, item in enumerate(node.get("item") or ()):
        here = f"{place}.item[{number}]" if place else f"item[{number}]"
        yield from _missing(item, names, here)
        yield from _items(item, names, here)
        for position, answer in enumerate(item.get("answer") or ()):
            yield from _items(answer, names, f"{here}.answer[{position}]")


def _own_checks(resource: dict[str, Any], kind: str) -> Iterator[str]:
    extra = _extra()
    yield from _missing(resource, extra["required"].get(kind, []), "the top")
    if kind in extra["required_in_items"]:
        yield from _items(resource, extra["required_in_items"][kind], "")
    for name, allowed in extra["codes"].get(kind, {}).items():
        if name in resource and resource[name] not in allowed:
            yield f"At {name}: a code that FHIR R4 does not have here."


def _contained(resource: dict[str, Any]) -> Iterator[str]:
    for number, inner in enumerate(resource.get("contained") or ()):
        for reason in problems(inner):
            yield f"In contained[{number}]: {reason}"


def problems(resource: Any) -> list[str]:
    """Why a decoded resource is not FHIR R4, as plain sentences (at most three); empty when it is."""
    if not isinstance(resource, dict):
        return ["It is no JSON object."]
    kind = resource.get("resourceType")
    if not isinstance(kind, str):
        return ["It does not say its resource type."]
    if kind not in resource_types():
        return ["Its resource type does not exist in FHIR R4."]
    validator = _validator(kind)
    if not validator.is_valid(resource):
        found = list(dict.fromkeys(_sentence(error) for error in islice(validator.iter_errors(resource), _LOOKED_AT)))
        return found[:_MOST_REASONS] or ["It does not fit the FHIR R4 schema."]
    return [*_own_checks(resource, kind), *_contained(resource)][:_MOST_REASONS]
