"""What every mapping function gets and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from iop_tui.interchange.fhir import values
from iop_tui.interchange.fhir.references import Index, normal
from iop_tui.interchange.fhir.values import Json


@dataclass(slots=True)
class Draft:
    """A mapped document before its envelope: kind, builtins, service date (ISO), where its type usually goes."""

    kind: str
    fields: dict[str, Any]
    effective: str | None
    usual: str
    flags: list[str] = field(default_factory=list)
    restored: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """The resource's surroundings: the run's index, its Bundle (scope), its person."""

    index: Index
    scope: int
    person: str | None

    def named(self, resource: Json, references: Any) -> list[str]:
        """What the records that some References mean are called: contained, in the run, or by display."""
        found = []
        for each in values.objects(references):
            literal = values.reference(each)
            name = self._contained(resource, literal) if literal.startswith("#") else self._elsewhere(literal)
            if shown := name or values.line(each.get("display")):
                found.append(shown)
        return list(dict.fromkeys(found))

    def _elsewhere(self, literal: str) -> str:
        return self.index.name_of(self.scope, normal(literal), self.person) if literal else ""

    @staticmethod
    def _contained(resource: Json, literal: str) -> str:
        for inner in values.objects(resource.get("contained")):
            if f"#{inner.get('id')}" == literal:
                return values.concept(inner.get("code")) or values.concept(inner.get("description"))
        return ""
