"""Who is meant, and what points at what: the index of one run over all its files.

First every resource of every file is entered, then `settle` resolves references and lets sensitivity
travel. References come as `urn:uuid:…`, `Patient/1`, an absolute URL, `Patient?identifier=system|value`
(what modern exports write) or `#contained`; some dangle. Within a Bundle its own resources come first,
then those of the other files: a bulk export keeps the Patient in a file of its own.

How sensitivity travels (only the labels that decide a compartment do):

* whatever points at a sensitive record is as sensitive: a care plan that addresses it, a claim that lists
  it, a report that holds its result, a visit it is the reason for;
* whatever happened in a visit that is sensitive as a whole is as sensitive;
* what only exists as part of a sensitive record (the goals of a plan, the results of a report) is as well.

Persons, practitioners, organisations and places never become sensitive this way.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from iop_tui.interchange.fhir import values
from iop_tui.interchange.fhir.sensitivity import lists
from iop_tui.interchange.fhir.values import Json

ADMINISTRATIVE = frozenset({
    "ActivityDefinition", "CapabilityStatement", "CodeSystem", "ConceptMap", "Endpoint", "HealthcareService",
    "InsurancePlan", "Library", "Location", "Medication", "NamingSystem", "OperationOutcome", "Organization",
    "OrganizationAffiliation", "PlanDefinition", "Practitioner", "PractitionerRole", "Questionnaire",
    "SearchParameter", "StructureDefinition", "Substance", "ValueSet",
})
_SHARED = frozenset({"Medication", "Substance", "Questionnaire"})
_NEVER_SENSITIVE = (ADMINISTRATIVE - _SHARED) | {"Patient", "RelatedPerson", "Person"}
_PARTS = {
    "CarePlan": ("goal", "careTeam", "activity"),
    "DiagnosticReport": ("result",),
    "Observation": ("hasMember", "derivedFrom"),
    "MedicationRequest": ("medicationReference",),
    "MedicationStatement": ("medicationReference",),
}
_PERSON_FIELDS = ("subject", "patient", "beneficiary", "for", "individual")
_TYPE_AND_ID = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9.\-]{1,64})(?:/_history/[^/]+)?$")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
NOBODY = -1
UNKNOWN_PERSON = "person not in these files"
NO_PERSON = "no person named"
TWO_PEOPLE = "two people by this name"
_ANYWHERE = -1


def normal(reference: str) -> str:
    """A reference in the form the index uses: absolute and versioned ones become `Type/id`."""
    if reference.startswith(("#", "urn:")):
        return reference
    if "?" in reference:
        return unquote(reference)
    found = _TYPE_AND_ID.search(reference)
    return f"{found.group(1)}/{found.group(2)}" if found else reference


def _address(reference: str) -> str:
    """As `normal`, but what lies on a server keeps the server's name: two of them may both have a `Patient/1`."""
    if not reference.startswith(("http://", "https://")) or not _TYPE_AND_ID.search(reference):
        return normal(reference)
    return reference.partition("/_history/")[0].partition("://")[2]


def references_in(resource: Any) -> list[str]:
    """Every literal reference in a resource, normalised, contained ones aside."""
    found, stack = [], [resource]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            target = node.get("reference")
            if isinstance(target, str) and not target.startswith("#"):
                found.append(normal(target))
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return list(dict.fromkeys(found))


def _person_references(resource: Json) -> list[str]:
    for name in _PERSON_FIELDS:
        named = [_address(values.reference(each)) for each in values.objects(resource.get(name))]
        named = [each for each in named if each]
        if named:
            return named
    actors = [values.reference(each.get("actor")) for each in values.objects(resource.get("participant"))]
    return [_address(each) for each in actors if "Patient" in each]


@dataclass(slots=True)
class Person:
    """One Patient resource: its key for the caller, the other names it goes by, and its address on a server."""

    key: str
    aliases: tuple[str, ...]
    face: tuple[str, ...]
    address: str = ""


@dataclass(slots=True)
class Entered:
    """What is remembered of one resource between the two readings."""

    keys: tuple[str, ...]
    kind: str
    labels: frozenset[str]
    references: list[str]
    parts: list[str]
    persons: list[str]
    name: str = ""
    score: tuple[str, float] | None = None
    person: Person | None = None


def facts(resource: Json, full_url: str, labels: frozenset[str]) -> Entered:
    """What the index needs of one decoded, valid resource."""
    kind = resource["resourceType"]
    own = resource.get("id")
    keys = tuple(each for each in (full_url, f"{kind}/{own}" if own else "", _uuid(own)) if each)
    parts = [each for name in _PARTS.get(kind, ()) for each in references_in(resource.get(name))]
    entered = Entered(
        keys=tuple(dict.fromkeys(normal(each) for each in keys)),
        kind=kind,
        labels=labels,
        references=[] if kind == "Patient" else references_in(resource),
        parts=parts,
        persons=_person_references(resource),
    )
    if kind in ("Condition", "Medication"):
        entered.name = values.concept(resource.get("code"))
    elif kind == "Goal":
        entered.name = values.concept(resource.get("description"))
    elif kind == "Patient":
        entered.person = _person(resource, entered.keys, _address(full_url) if "://" in full_url else "")
    return entered


def _uuid(own: Any) -> str:
    """The `urn:uuid:` name of a resource whose id is a UUID: what its Bundle called it, once it stands outside one."""
    return f"urn:uuid:{own}" if isinstance(own, str) and _UUID.match(own) else ""


def _person(resource: Json, keys: tuple[str, ...], address: str) -> Person:
    identifiers = tuple(
        f"{values.line(each.get('system'))}|{values.line(each.get('value'))}"
        for each in values.objects(resource.get("identifier")) if each.get("value")
    )
    names = values.objects(resource.get("name"))
    family = values.line(names[0].get("family")) if names else ""
    face = (family, values.line(resource.get("birthDate")), *sorted(identifiers))
    key = next((each for each in keys if each.startswith("Patient/")), keys[0] if keys else "")
    return Person(key or f"Patient#{hash_of(face):08x}", identifiers, face, address)


@dataclass(slots=True)
class Index:
    """All resources of a run. Nodes are integers in the order of entry."""

    kinds: list[str] = field(default_factory=list)
    labels: list[frozenset[str]] = field(default_factory=list)
    own_labels: list[frozenset[str]] = field(default_factory=list)
    persons: dict[int, Person] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    scores: dict[int, tuple[str, float]] = field(default_factory=dict)
    note_texts: set[tuple[str, bytes]] = field(default_factory=set)
    terms: dict[str, dict[str, set[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))
    _label_sets: dict[frozenset[str], frozenset[str]] = field(default_factory=dict)
    _keys: dict[str, int] = field(default_factory=dict)
    _local: dict[tuple[int, str], int] = field(default_factory=dict)
    _sole_person: dict[int, int] = field(default_factory=dict)
    _claimed: dict[tuple[int, str], int] = field(default_factory=dict)
    _doubtful: set[tuple[int, str]] = field(default_factory=set)
    _person_of: dict[int, tuple[int, int]] = field(default_factory=dict)
    _texts: list[str] = field(default_factory=list)
    _text_ids: dict[str, int] = field(default_factory=dict)
    _scopes: array[int] = field(default_factory=lambda: array("l"))
    _from: array[int] = field(default_factory=lambda: array("l"))
    _to: array[int] = field(default_factory=lambda: array("l"))
    _down: array[int] = field(default_factory=lambda: array("b"))

    def enter(self, scope: int, entered: Entered) -> int:
        """Remember one resource of a Bundle (scope from 1) or of the loose files (scope 0)."""
        node = len(self.kinds)
        self.kinds.append(sys.intern(entered.kind))
        own = self._label_sets.setdefault(entered.labels, entered.labels)
        self.own_labels.append(own)
        self.labels.append(own & lists().deciding)
        for key in entered.keys:
            if self._keys.setdefault(key, node) != node:
                self._local[scope, key] = node
        if entered.person is not None:
            self._enter_person(scope, node, entered.person)
            self._claim(scope, node, entered)
        elif entered.persons:
            self._person_of[node] = (scope, self._text(entered.persons[0]))
        if entered.name:
            self.names[node] = entered.name
        if entered.score is not None:
            self.scores[node] = entered.score
        parts = set(entered.parts)
        for reference in entered.references:
            self._edge(scope, node, reference, down=reference in parts)
        return node

    def _enter_person(self, scope: int, node: int, person: Person) -> None:
        self._sole_person[scope] = NOBODY if scope in self._sole_person else node
        taken = self.persons.get(self._keys.get(person.key, node))
        if taken is not None and taken.face != person.face:
            # Two organisations both call somebody `Patient/1`.
            person.key = f"{person.key}#{hash_of(person.face):08x}"
        self.persons[node] = person
        for alias in person.aliases:
            self._keys.setdefault(f"Patient?identifier={alias}", node)

    def _claim(self, scope: int, node: int, entered: Entered) -> None:
        """Notice names that two different people go by, in one Bundle or in the whole run."""
        for key in (*entered.keys, *(f"Patient?identifier={alias}" for alias in self.persons[node].aliases)):
            for where in (scope, _ANYWHERE):
                first = self._claimed.setdefault((where, key), node)
                if _may_be_two(self.persons[first].face, self.persons[node].face):
                    self._doubtful.add((where, key))

    def _is_doubtful(self, scope: int, key: str) -> bool:
        return (scope if (scope, key) in self._claimed else _ANYWHERE, key) in self._doubtful

    def _text(self, text: str) -> int:
        known = self._text_ids.setdefault(text, len(self._texts))
        if known == len(self._texts):
            self._texts.append(text)
        return known

    def _edge(self, scope: int, node: int, reference: str, *, down: bool) -> None:
        self._scopes.append(scope)
        self._from.append(node)
        self._to.append(self._text(reference))
        self._down.append(1 if down else 0)

    def find(self, scope: int, reference: str) -> int:
        """The node a reference means, or `NOBODY`."""
        reference = normal(reference)
        return self._local.get((scope, reference), self._keys.get(reference, NOBODY))

    def settle(self) -> None:
        """Let sensitivity travel; to be called once, after everything was entered."""
        onward: dict[int, list[int]] = defaultdict(list)
        for scope, node, text, down in zip(self._scopes, self._from, self._to, self._down, strict=True):
            target = self.find(scope, self._texts[text])
            if target == NOBODY or self.kinds[target] in _NEVER_SENSITIVE:
                continue
            onward[target].append(node)
            if down:
                onward[node].append(target)
        todo = [node for node, found in enumerate(self.labels) if found]
        while todo:
            node = todo.pop()
            for other in onward[node]:
                if self.kinds[other] not in _NEVER_SENSITIVE and not self.labels[node] <= self.labels[other]:
                    self.labels[other] |= self.labels[node]
                    todo.append(other)
        self._scopes, self._from, self._to, self._down = array("l"), array("l"), array("l"), array("b")

    def all_labels(self, node: int) -> frozenset[str]:
        """A resource's own labels and, once settled, those it inherited."""
        return self.own_labels[node] | self.labels[node]

    def person_of(self, scope: int, node: int) -> tuple[str | None, str]:
        """The key of the person a resource belongs to, and a flag when that is not certain."""
        if node in self.persons:
            return self.persons[node].key, ""
        if node in self._person_of:
            return self._named_person(scope, self._texts[self._person_of[node][1]])
        return self._sole(scope, self.kinds[node])

    def _named_person(self, scope: int, address: str) -> tuple[str | None, str]:
        named = normal(address)
        found = self.find(scope, named)
        if found in self.persons:
            person = self.persons[found]
            if address != named and person.address not in ("", address):
                return address, UNKNOWN_PERSON
            return (None, TWO_PEOPLE) if self._is_doubtful(scope, named) else (person.key, "")
        patient = named.startswith(("Patient/", "Patient?", "urn:"))
        return (named, UNKNOWN_PERSON) if patient and found == NOBODY else (None, NO_PERSON)

    def _sole(self, scope: int, kind: str) -> tuple[str | None, str]:
        sole = self._sole_person.get(scope, NOBODY)
        if kind in ADMINISTRATIVE - _SHARED:
            return None, ""
        if scope and sole in self.persons:
            return self.persons[sole].key, ""
        return None, "" if kind in _SHARED else NO_PERSON

    def name_of(self, scope: int, reference: str, person: str | None) -> str:
        """What a referenced Condition, Goal or Medication is called, if it is about the same person."""
        node = self.find(scope, reference)
        if node == NOBODY or node not in self.names:
            return ""
        owner, _ = self.person_of(scope, node)
        return self.names[node] if owner is None or owner == person else ""


def _may_be_two(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two entries of one name may be two people: by family name and birth date, or where none of these says."""
    return one[:2] != other[:2] or (not one[1] and one != other)


def hash_of(parts: Iterable[str]) -> int:
    """A small number that is the same in every process (Python's own hash is not)."""
    value = 2166136261
    for byte in "\x1f".join(parts).encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value
