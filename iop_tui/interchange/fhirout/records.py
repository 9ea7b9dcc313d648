"""What an export looks at: a record as it is stored, and what stands around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from iop_tui.interchange.fhir import carried
from iop_tui.interchange.fhirout.build import KIND, Json, coding, instant, security
from iop_tui.kernel.declare import Document, DocumentType
from iop_tui.kernel.ids import show_id


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature under a record: by whom, meaning what, when (UTC, ISO 8601), over which bytes."""

    signer: bytes
    meaning: str
    at: str
    method: str
    sha256: str
    value: str


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a person, decrypted and verified. `place` is the kind of the compartment it lies in."""

    id: bytes
    type: DocumentType[Any]
    document: Document
    place: str
    status: str
    author: bytes
    changed_ms: int
    payload: bytes
    received: bytes = b""
    source: str = ""
    void: str = ""
    signatures: tuple[Signed, ...] = ()


@dataclass(frozen=True, slots=True)
class Around:
    """The surroundings of a record: the person as `Patient/…`, this vault's printed id, who is who."""

    patient: str
    vault: str
    practitioner: Callable[[bytes], Json]


def fhir_id(record: bytes, part: str = "") -> str:
    """The FHIR id of a record, or of a further resource made from it."""
    return show_id(record) + (f"-{part}" if part else "")


def main(kind: str, record: Record, around: Around) -> Json:
    """The frame of the resource that stands for a record and carries its document."""
    resource = _frame(kind, fhir_id(record.id), record, around)
    resource["extension"] = [carried.carry(record.type.kind, record.type.version, record.payload)]
    return resource


def part(kind: str, name: str, record: Record, around: Around, owner: str) -> Json:
    """The frame of a further resource that only repeats some of a record's content in the form others expect."""
    resource = _frame(kind, fhir_id(record.id, name), record, around)
    resource["meta"]["tag"] = [coding(carried.PART, owner)]
    return resource


def _frame(kind: str, identifier: str, record: Record, around: Around) -> Json:
    part2 = bool(getattr(record.document, "part2", False))
    meta = {
        "lastUpdated": instant(record.changed_ms),
        "source": f"{carried.VAULT}{around.vault}",
        "security": security(record.place, part2=part2),
        "tag": [coding(KIND, record.type.kind, record.type.label)],
    }
    return {"resourceType": kind, "id": identifier, "meta": meta}
