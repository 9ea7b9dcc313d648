"""The readings of one run, as they happen in the reading process: containers, index, people, everything else.

1. Every container is checked to its end. A damaged one is refused and contributes nothing.
2. Every resource is decoded, checked and entered into the index. In a Bundle, text that is no JSON at all
   refuses the Bundle (it is one document); in NDJSON it refuses its line.
3. Persons are given out, then every other resource in file order, with the labels it has and inherits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec

from iop_tui.interchange import items
from iop_tui.interchange.fhir import (
    carried,
    map_measures,
    map_notes,
    mapping,
    references,
    sensitivity,
    validate,
    values,
)
from iop_tui.interchange.fhir.references import Index
from iop_tui.interchange.fhir.values import Json
from iop_tui.interchange.limits import Limits
from iop_tui.interchange.reader import Damaged, NoRecords, Record, Source, records, survey
from iop_tui.interchange.structure import Malformed, count_keys, count_members, parse

_STEP_EVERY = 200
_TAGS = (" (disorder)", " (finding)", " (situation)", " (event)", " (procedure)")
_SHORTEST_TERM = 5


class TooMuch(Exception):
    """The run as a whole is too large; the message says what to do."""


@dataclass(slots=True)
class _File:
    """A surveyed file and which of its resources became which node (None: refused)."""

    source: Source
    form: str
    inflated: int
    scope: int
    nodes: list[int | None] = field(default_factory=list)


class _Refused(Exception):
    """One resource is refused; `syntax` when it is no JSON at all."""

    def __init__(self, reason: str, *, syntax: bool = False) -> None:
        super().__init__(reason)
        self.syntax = syntax


def decode(record: Record) -> Json:
    """The decoded resource of a record. Raises `_Refused` for text that is no valid R4 resource."""
    if record.problem:
        raise _Refused(record.problem, syntax=record.syntax)
    try:
        resource = parse(record.raw, dict)
    except Malformed as error:
        raise _Refused(str(error), syntax=error.syntax) from None
    if count_members(record.raw) != count_keys(resource):
        raise _Refused("A name occurs twice in the same object.")
    resource = as_r4(resource)
    if found := validate.problems(resource):
        raise _Refused(" ".join(found))
    return resource


def as_r4(resource: Json) -> Json:
    """STU3 answers name their questionnaire by a Reference, R4 by its address: the one difference that keeps real
    item-level answers out. Everything else of older versions is left to the check.
    """
    named = resource.get("questionnaire")
    if resource.get("resourceType") != "QuestionnaireResponse" or not isinstance(named, dict):
        return resource
    address = values.reference(named)
    rest = {name: value for name, value in resource.items() if name != "questionnaire"}
    return {**rest, "questionnaire": address} if address else rest


def _folder(source: Source) -> str:
    return source.name.rpartition("/")[0]


def _try(record: Record, *, whole: bool) -> tuple[Json | None, str]:
    """The resource, or None and why not. In a file that is one document, broken syntax is `Damaged`."""
    try:
        return decode(record), ""
    except _Refused as refused:
        if whole and refused.syntax:
            raise Damaged(f"At {record.place}: {refused}") from None
        return None, str(refused)


def _form_labels(resource: Json) -> frozenset[str]:
    """Answers name their questions by link or definition, not by a coding: the same lists apply."""
    forms = [resource, *values.objects(resource.get("contained"))]
    codes = {
        code for form in forms if form.get("resourceType") == "QuestionnaireResponse"
        for code in map_measures.form_codes(form)
    }
    return frozenset().union(*(sensitivity.code_labels(values.LOINC, code) for code in codes))


class Reading:
    """One run over open files. `emit` receives the frames."""

    def __init__(self, sources: list[Source], limits: Limits, emit: Callable[[items.Frame], None]) -> None:
        self._sources = sources
        self._limits = limits
        self._emit = emit
        self._index = Index()
        self._files: list[_File] = []
        self._people: list[tuple[_File, Record, int]] = []
        self._note_nodes: list[tuple[int, int, bytes]] = []
        self._sensitive: list[tuple[int, int, frozenset[str], str]] = []
        self._bound: dict[str, int] = {}
        self._restored: set[int] = set()
        self._done_bytes = 0
        self._items = 0

    def run(self) -> None:
        """All readings. Raises `TooMuch`."""
        for source in self._sources:
            self._survey(source)
        self._bind()
        for file in list(self._files):
            self._step("checking", file)
            self._enter_file(file)
            self._done_bytes += file.inflated
        self._index.settle()
        self._after_settling()
        self._done_bytes = 0
        self._give_people()
        for file in self._files:
            self._step("mapping", file)
            self._give_rest(file)
            self._done_bytes += file.inflated

    # ---- containers ----------------------------------------------------------------------------------------

    def _survey(self, source: Source) -> None:
        try:
            found = survey(source, self._limits)
        except NoRecords as reason:
            if reason.binds:
                self._bound[_folder(source)] = source.number + 1
            self._emit(items.Skipped(items.Ignored(source.name, "", str(reason))))
        except Damaged as reason:
            self._reject(source, "", str(reason))
        else:
            # Bundles resolve their references inside themselves first.
            scope = source.number + 1 if found.form == "bundle" else 0
            self._files.append(_File(source, found.form, found.inflated, scope))

    def _bind(self) -> None:
        """The files of one person's export are read like one Bundle: together, before anything else."""
        for file in self._files:
            file.scope = file.scope or self._bound.get(_folder(file.source), 0)

    def _reject(self, source: Source, place: str, reason: str) -> None:
        self._emit(items.Rejected(items.Rejection(source.name, place, reason)))

    def _step(self, stage: str, file: _File) -> None:
        total = sum(each.inflated for each in self._files)
        self._emit(items.Step(items.Progress(stage, file.source.name, self._done_bytes, total, self._items)))

    # ---- index ---------------------------------------------------------------------------------------------

    def _enter_file(self, file: _File) -> None:
        staged: list[tuple[Record, Json | None, str]] = []
        whole = file.form != "ndjson"
        try:
            for record in records(file.source, file.form, self._limits):
                resource, reason = _try(record, whole=whole)
                if whole:
                    staged.append((record, resource, reason))
                else:
                    self._enter(file, record, resource, reason)
            if file.form == "resource" and staged[0][1] is None:
                raise Damaged(staged[0][2])
        except Damaged as damage:
            self._files.remove(file)
            self._reject(file.source, "", str(damage))
            return
        for record, resource, reason in staged:
            self._enter(file, record, resource, reason)
        count = sum(node is not None for node in file.nodes)
        self._emit(items.Read(items.FileReport(file.source.name, file.form, count, file.inflated)))

    def _enter(self, file: _File, record: Record, resource: Json | None, reason: str) -> None:
        if resource is None:
            self._reject(file.source, record.place, reason)
            file.nodes.append(None)
            return
        labels = sensitivity.labels(resource, record.raw)
        if b'"data"' in record.raw:
            labels |= self._read_texts(file, resource)
        if b'"QuestionnaireResponse"' in record.raw:
            labels |= _form_labels(resource)
        entered = references.facts(resource, record.full_url, labels)
        entered.score = map_measures.index_score(resource)
        node = self._index.enter(file.scope, entered)
        file.nodes.append(node)
        if b"urn:iop-tui:document" in record.raw and carried.carried(resource) is not None:
            self._restored.add(node)
        if entered.kind == "Patient":
            self._people.append((file, record, node))
            if len(self._people) > self._limits.people:
                raise TooMuch(f"More than {self._limits.people} people at once: import the files in parts.")
        elif entered.kind == "Condition" and entered.name:
            self._sensitive.append((file.scope, node, labels & sensitivity.lists().deciding, entered.name))

    def _read_texts(self, file: _File, resource: Json) -> frozenset[str]:
        texts = map_notes.texts_inside(resource)
        if texts and resource["resourceType"] == "DocumentReference":
            digest = map_notes.text_digest(map_notes.note_text(resource))
            self._note_nodes.append((file.scope, len(self._index.kinds), digest))
        return sensitivity.word_labels("\n".join(texts).encode("utf-8", "replace"))

    def _after_settling(self) -> None:
        for scope, node, digest in self._note_nodes:
            person, _ = self._index.person_of(scope, node)
            self._index.note_texts.add((person or "", digest))
        for scope, node, labels, name in self._sensitive:
            person, _ = self._index.person_of(scope, node)
            term = name.lower()
            for tag in _TAGS:
                term = term.removesuffix(tag)
            if labels and len(term) >= _SHORTEST_TERM:
                for label in labels:
                    self._index.terms[person or ""][label].add(term)

    # ---- items ---------------------------------------------------------------------------------------------

    def _give_people(self) -> None:
        for file, record, node in self._people:
            if file in self._files:
                self._give(file, record, node)
        self._people.clear()

    def _give_rest(self, file: _File) -> None:
        for record, node in self._again(file):
            if node is not None and self._index.kinds[node] != "Patient":
                self._give(file, record, node)

    def _repeats(self, file: _File, resource: Json) -> bool:
        """Whether a resource is only another form of a record that is restored from this very run."""
        owner = carried.owner(resource)
        return bool(owner) and self._index.find(file.scope, owner) in self._restored

    def _again(self, file: _File) -> Iterator[tuple[Record, int | None]]:
        try:
            yield from zip(records(file.source, file.form, self._limits, again=True), file.nodes, strict=True)
        except (Damaged, ValueError):
            raise TooMuch("A file was changed while it was being read: import it again.") from None

    def _give(self, file: _File, record: Record, node: int) -> None:
        resource = as_r4(msgspec.json.decode(record.raw))
        if self._repeats(file, resource):
            self._emit(items.Skipped(items.Ignored(file.source.name, record.place, "Part of a record read before.")))
            return
        try:
            item = mapping.map_resource(
                resource, record.raw, index=self._index, scope=file.scope, node=node,
                labels=self._index.all_labels(node), file=file.source.name, place=record.place,
            )
        except values.Unmappable as reason:
            self._reject(file.source, record.place, str(reason))
            return
        self._items += 1
        self._emit(items.Item(item))
        if self._items % _STEP_EVERY == 0:
            self._step("mapping", file)
