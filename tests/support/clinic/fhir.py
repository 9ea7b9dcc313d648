"""Reading FHIR in tests: made-up resources and Bundles, and a run inside the test process."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iop_tui.interchange import items
from iop_tui.interchange.fhir.passes import Reading
from iop_tui.interchange.items import Mapped
from iop_tui.interchange.limits import DEFAULT, Limits
from iop_tui.interchange.reader import Source

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "fhir"
SYNTHEA = VECTORS / "synthea"
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"

Json = dict[str, Any]


@dataclass
class Result:
    """What one run gave."""

    items: list[Mapped] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    files: list[items.FileReport] = field(default_factory=list)

    def one(self, kind: str) -> Mapped:
        """The only item of a kind."""
        (found,) = self.of(kind)
        return found

    def of(self, kind: str) -> list[Mapped]:
        """All items of a kind, in order."""
        return [each for each in self.items if each.kind == kind]


def read_here(*paths: Path, limits: Limits = DEFAULT) -> Result:
    """The readings of `passes` on files, without the process around them."""
    result = Result()

    def emit(frame: items.Frame) -> None:
        match frame:
            case items.Item(item):
                result.items.append(item)
            case items.Rejected(rejection):
                result.rejected.append((rejection.place, rejection.reason))
            case items.Skipped(ignored):
                result.ignored.append(ignored.reason)
            case items.Read(report):
                result.files.append(report)
            case _:
                pass

    sources = [Source(n, str(path), os.open(path, os.O_RDONLY), path.stat().st_size) for n, path in enumerate(paths)]
    try:
        Reading(sources, limits, emit).run()
    finally:
        for source in sources:
            os.close(source.fd)
    return result


def bundle(*resources: Json, kind: str = "collection") -> Json:
    """A Bundle around resources, each under `urn:uuid:<id>`."""
    entry = [{"fullUrl": f"urn:uuid:{each['id']}", "resource": each} for each in resources]
    return {"resourceType": "Bundle", "type": kind, "entry": entry}


def read_bundle(folder: Path, *resources: Json) -> Result:
    """Write resources as a Bundle and read it."""
    path = folder / "made-up.json"
    path.write_text(json.dumps(bundle(*resources)), encoding="utf-8")
    return read_here(path)


def patient(ident: str = "p", **more: Any) -> Json:
    """A made-up Patient."""
    name = [{"family": "Nobody", "given": ["Ada"]}]
    return {"resourceType": "Patient", "id": ident, "name": name, "birthDate": "1980-02-03", **more}


def resource(kind: str, ident: str, person: str = "urn:uuid:p", **more: Any) -> Json:
    """A made-up resource about a person."""
    return {"resourceType": kind, "id": ident, "subject": {"reference": person}, **more}


def coded(code: str, display: str = "", system: str = SNOMED) -> Json:
    """A CodeableConcept of one code."""
    return {"coding": [{"system": system, "code": code, **({"display": display} if display else {})}]}


def observation(ident: str, code: str, value: float | None = None, **more: Any) -> Json:
    """A LOINC-coded Observation with a score."""
    scored = {} if value is None else {"valueQuantity": {"value": value, "unit": "{score}"}}
    return resource(
        "Observation",
        ident,
        status="final",
        code=coded(code, system=LOINC),
        effectiveDateTime="2024-05-06T23:30:00-05:00",
        **scored,
        **more,
    )
