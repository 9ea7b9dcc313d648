"""Practitioners, organisations and places as other programs sent them: they belong to no person, records name them."""

from __future__ import annotations

from collections.abc import Iterable

from iop_tui.access.policy import Kind
from iop_tui.access.primitives import program_compartment
from iop_tui.interchange.fhir.references import normal, references_in
from iop_tui.interchange.fhirout import verbatim
from iop_tui.interchange.fhirout.build import Json
from iop_tui.workspace import Workspace

_KINDS = ("Location", "Organization", "Practitioner", "PractitionerRole")


class Elsewhere:
    """Received administrative resources by every name a reference may use. Read on first need, once per export run."""

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws
        self._by_name: dict[str, int] | None = None
        self._all: list[tuple[Json, bytes]] = []

    def named_by(self, resources: Iterable[Json]) -> list[tuple[Json, bytes]]:
        """What these resources name, and what that names in turn; each once, in the order they were received."""
        found = (name for resource in resources for name in references_in(resource))
        todo = [name for name in found if name.startswith((*_KINDS, "urn:"))]
        names = self._names() if todo else {}
        wanted: set[int] = set()
        while todo:
            place = names.get(normal(todo.pop()))
            if place is not None and place not in wanted:
                wanted.add(place)
                todo.extend(references_in(self._all[place][0]))
        return [self._all[place] for place in sorted(wanted)]

    def _names(self) -> dict[str, int]:
        if self._by_name is None:
            self._by_name = {}
            for (leaf,) in self._ws.view.rows(
                "SELECT leaf FROM record WHERE kind = 'received' AND compartment = ?"
                f" AND json_extract(doc, '$.resource_type') IN ({','.join('?' * len(_KINDS))}) ORDER BY id",
                (program_compartment(self._ws.session, Kind.PROG), *_KINDS),
            ):
                self._enter(self._ws.session.open_revision(leaf).body.received)
        return self._by_name

    def _enter(self, raw: bytes) -> None:
        resource = verbatim.resource_of(raw)
        if resource is None or self._by_name is None:
            return
        self._all.append((resource, raw))
        kind, own = resource["resourceType"], str(resource.get("id") or "")
        names = [f"{kind}/{own}", f"urn:uuid:{own}"] if own else []
        for each in resource.get("identifier") or ():
            names.append(f"{kind}?identifier={each.get('system', '')}|{each.get('value', '')}")
        for name in names:
            self._by_name.setdefault(name, len(self._all) - 1)
