"""What was received leaves as it came: the same JSON, without the white space between its values.

Numbers, escapes and the order of names stay byte for byte; a new-line inside the text would end the record in
NDJSON, so white space outside strings goes.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from iop_tui.interchange.fhir.references import Index, normal
from iop_tui.interchange.fhir.references import facts as facts_of
from iop_tui.interchange.fhirout.build import Json

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[ \t\r\n]+', re.DOTALL)


def one_line(raw: bytes) -> bytes:
    """A JSON text on one line, its values untouched."""
    return _TOKEN.sub(lambda match: match[0] if match[0][:1] == b'"' else b"", raw)


def resource_of(raw: bytes) -> Json | None:
    """The FHIR resource in received bytes; None for what is something else."""
    if not raw.lstrip().startswith(b"{"):
        return None
    try:
        value = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value if isinstance(value.get("resourceType"), str) else None


def names_of(patient: Json) -> frozenset[str]:
    """Every reference that means this Patient when files of one export are read together."""
    index = Index()
    index.enter(1, facts_of(patient, "", frozenset()))
    own = str(patient.get("id") or "")
    names = {f"Patient/{own}", f"urn:uuid:{own}"} if own else set()
    aliases = {alias for each in index.persons.values() for alias in each.aliases}
    return frozenset(names | {f"Patient?identifier={alias}" for alias in aliases})


_PERSON = ("subject", "patient", "beneficiary", "for", "individual")


def about(resource: Json, raw: bytes, names: frozenset[str], patient: str) -> bytes:
    """One line for a received resource. A reference to its person that would mean nobody outside the Bundle it came
    in points at the exported Patient; nothing else is changed.
    """
    line = one_line(raw)
    for field in _PERSON:
        target = resource.get(field)
        literal = target.get("reference") if isinstance(target, dict) else None
        if isinstance(literal, str) and _means_a_person(literal) and normal(literal) not in names:
            line = line.replace(msgspec.json.encode(literal), msgspec.json.encode(patient))
    return line


def _means_a_person(literal: str) -> bool:
    return literal.startswith("urn:") or "Patient" in literal
