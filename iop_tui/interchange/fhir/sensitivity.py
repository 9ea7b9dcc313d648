"""Which received records say that somebody uses substances or lives with violence.

`labels` looks at one resource alone: security labels, codes of the published lists (`data/sensitivity`),
ICD-10-CM chapters, and words, in this order of trust but all of them together: a label once found stays.
What a resource inherits from the records it points at is `references.Index`'s business.
`compartment_for` turns labels into a place. Erring towards protection is meant: an item too many in SAFE
or SUD costs an authorization, an item too few can be read by the wrong person for ever.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_ICD10 = ("http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10", "urn:oid:2.16.840.1.113883.6.90")
_OIDS = {
    "urn:oid:2.16.840.1.113883.6.96": "http://snomed.info/sct",
    "urn:oid:2.16.840.1.113883.6.1": "http://loinc.org",
    "urn:oid:2.16.840.1.113883.6.88": "http://www.nlm.nih.gov/research/umls/rxnorm",
}
NOTE_LABEL = "PSYTHPN"


@dataclass(frozen=True, slots=True)
class Words:
    """One word rule: tried where an anchor occurs."""

    anchors: tuple[bytes, ...]
    pattern: re.Pattern[bytes]
    labels: frozenset[str]


@dataclass(frozen=True, slots=True)
class Lists:
    """The loaded tables: exact codes, ICD-10 prefixes, word patterns, security codes, routing."""

    codes: dict[str, frozenset[str]]
    prefixes: tuple[tuple[str, frozenset[str]], ...]
    words: tuple[Words, ...]
    security_systems: frozenset[str]
    security_codes: frozenset[str]
    safe: frozenset[str]
    sud: frozenset[str]

    @property
    def deciding(self) -> frozenset[str]:
        """Labels that decide a compartment, and therefore pass from record to record."""
        return self.safe | self.sud


@cache
def lists() -> Lists:
    """The published and own lists, read once."""
    folder = files("iop_tui.data") / "sensitivity"
    own: dict[str, Any] = tomllib.loads((folder / "own.toml").read_text(encoding="utf-8"))
    published: dict[str, list[str]] = json.loads((folder / "ds4p.json").read_text(encoding="utf-8"))
    codes = {key: frozenset(topics) for key, topics in published.items()}
    for block in own["codes"]:
        for code in block["codes"]:
            key = f"{block['system']}|{code}"
            codes[key] = codes.get(key, frozenset()) | frozenset(block["labels"])
    return Lists(
        codes=codes,
        prefixes=tuple((each, frozenset(block["labels"])) for block in own["icd10"] for each in block["prefixes"]),
        words=tuple(
            Words(
                tuple(each.encode() for each in block["anchors"]),
                re.compile(block["pattern"].encode()),
                frozenset(block["labels"]),
            )
            for block in own["words"]
        ),
        security_systems=frozenset((own["security"]["system"], *own["security"]["older_systems"])),
        security_codes=frozenset(own["security"]["codes"]),
        safe=frozenset(own["routing"]["SAFE"]),
        sud=frozenset(own["routing"]["SUD"]),
    )


def _dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def code_system(system: str) -> str:
    """The address FHIR uses for a code system that is named by its OID."""
    return _OIDS.get(system, _ICD10[0] if system in _ICD10 else system)


def code_labels(system: str, code: str) -> frozenset[str]:
    """The labels of one code; empty for an unknown one. OIDs and ICD-10-CM codes without a dot are understood."""
    tables = lists()
    system = _OIDS.get(system, system)
    if system in tables.security_systems:
        return frozenset((code,)) & tables.security_codes
    found = tables.codes.get(f"{system}|{code}", frozenset())
    if system in _ICD10:
        dotted = code if "." in code or len(code) <= 3 else f"{code[:3]}.{code[3:]}"
        found |= tables.codes.get(f"{_ICD10[0]}|{dotted}", frozenset())
        for prefix, labels_ in tables.prefixes:
            if dotted.upper().startswith(prefix):
                found |= labels_
    return found


def word_labels(text: bytes) -> frozenset[str]:
    """The labels that words in a text call for."""
    text = text.lower()
    found: frozenset[str] = frozenset()
    for rule in lists().words:
        if rule.labels <= found or not any(anchor in text for anchor in rule.anchors):
            continue
        if rule.pattern.search(text):
            found |= rule.labels
    return found


def labels(resource: dict[str, Any], raw: bytes | None = None) -> frozenset[str]:
    """The sensitivity labels of one resource by itself: its security labels, codes and words.

    `raw` are its JSON bytes, if at hand; the word search runs over them.
    """
    found: frozenset[str] = frozenset()
    for node in _dictionaries(resource):
        system, code = node.get("system"), node.get("code")
        if isinstance(system, str) and isinstance(code, str):
            found |= code_labels(system, code)
    text = raw if raw is not None else json.dumps(resource, ensure_ascii=False).encode()
    return found | word_labels(text)


def compartment_for(usual: str, found: frozenset[str]) -> str:
    """SAFE before SUD before the place the type usually has."""
    tables = lists()
    if found & tables.safe:
        return "SAFE"
    return "SUD" if found & tables.sud else usual
