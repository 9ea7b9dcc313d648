"""The program's own documents inside FHIR: an extension that carries the declared document beside its FHIR form.

What FHIR has no element for would be lost on the way to another copy of this program. The extension holds the
document as it was declared; other readers may ignore it. It never carries authority: what is restored from it is
a received record, unsigned here, and kinds by which somebody is believed or may read are not restored at all.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import cache
from typing import Any

import msgspec

from iop_tui.access.policy import Kind
from iop_tui.interchange.fhir.values import Json, objects
from iop_tui.kernel.declare import DocumentType
from iop_tui.kernel.errors import IopError
from iop_tui.kernel.text import clean

URL = "urn:iop-tui:document"
PART = "urn:iop-tui:part-of"
VAULT = "urn:iop-tui:vault:"
COMPARTMENT = "urn:iop-tui:compartment"
_TITLE = re.compile(r"([a-z0-9_]{1,60})/(\d{1,4})\Z")
_PLACES = frozenset({Kind.IND, Kind.SUD, Kind.MED, Kind.CRISIS})
_SLICES = frozenset({
    "checkins", "episodes", "letters", "measures", "medications", "notes", "plans", "relapse", "safety", "sessions",
    "substances", "toxicology",
})  # fmt: skip


@cache
def restorable() -> dict[str, DocumentType[Any]]:
    """Kinds that an import restores, by kind: clinical content, nothing that says who is believed."""
    # Loaded for files of this program only: the reading process needs no declaration else.
    from iop_tui import slices

    found = {item.kind: item for item in slices.TYPES if item.compartment in _PLACES and _slice(item) in _SLICES}
    return found | {item.kind: item for item in slices.TYPES if item.person_line is not None}


def _slice(kind: DocumentType[Any]) -> str:
    return kind.struct.__module__.removeprefix("iop_tui.clinical.").partition(".")[0]


def carry(kind: str, version: int, payload: bytes) -> Json:
    """The extension for a declared document in its stored form."""
    content = {
        "contentType": "application/json", "title": f"{kind}/{version}",
        "data": base64.b64encode(payload).decode(), "size": len(payload),
    }  # fmt: skip
    return {"url": URL, "valueAttachment": content}


def carried(resource: Json) -> tuple[DocumentType[Any], Json] | None:
    """The document a resource carries, as builtins of its kind's present version; None for none that is restored.

    Content that does not fit its declaration is no document: the resource is then read like any other.
    """
    for extension in objects(resource.get("extension")):
        content = extension.get("valueAttachment")
        if extension.get("url") == URL and isinstance(content, dict):
            return _decoded(content)
    return None


def _decoded(content: Json) -> tuple[DocumentType[Any], Json] | None:
    match = _TITLE.match(str(content.get("title", "")))
    declared = restorable().get(match[1]) if match else None
    if match is None or declared is None:
        return None
    try:
        payload = base64.b64decode(str(content.get("data", "")), validate=True)
        document = declared.decode(payload, int(match[2]))
        fields: Json = _clean(msgspec.to_builtins(document))
        declared.parse(fields)
    except (binascii.Error, ValueError, IopError):
        return None
    return declared, fields


def _clean(value: Any) -> Any:
    """Texts through the sanitizer, as with everything that comes from outside."""
    if isinstance(value, dict):
        return {name: _clean(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_clean(each) for each in value]
    return clean(value) if isinstance(value, str) else value


def place(resource: Json) -> str:
    """The part of the chart a carried document says it lies in, if that is one that takes what comes from outside."""
    for label in objects((resource.get("meta") or {}).get("security")):
        if label.get("system") == COMPARTMENT and label.get("code") in _PLACES:
            return str(label["code"])
    return ""


def owner(resource: Json) -> str:
    """`Type/id` of the record this resource is only another form of, or an empty text."""
    for tag in objects((resource.get("meta") or {}).get("tag")):
        if tag.get("system") == PART and isinstance(tag.get("code"), str):
            return str(tag["code"])
    return ""


def vault(resource: Json) -> str:
    """The printed id of the vault a resource was exported from, or an empty text."""
    source = (resource.get("meta") or {}).get("source")
    return source.removeprefix(VAULT) if isinstance(source, str) and source.startswith(VAULT) else ""
