"""An export: NDJSON per resource type, a manifest with hashes, the format's description, and a word on what is not in.

The shape follows 45 CFR 170.315(b)(10): everything of one person, or of everyone in a user's care, made by the user
at any time, computable, with its documentation inside.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import msgspec

from iop_tui import __version__
from iop_tui.clinical.attachments import api as attachments
from iop_tui.interchange.fhir import validate
from iop_tui.interchange.fhir.carried import VAULT
from iop_tui.interchange.fhirout import verbatim
from iop_tui.interchange.fhirout.build import Json, high_water, reference
from iop_tui.interchange.fhirout.catalogue import resources_of
from iop_tui.interchange.fhirout.collect import first_received, records_of
from iop_tui.interchange.fhirout.elsewhere import Elsewhere
from iop_tui.interchange.fhirout.records import Around, Record
from iop_tui.kernel.clock import iso
from iop_tui.kernel.errors import Unexpected
from iop_tui.kernel.ids import show_id
from iop_tui.kernel.streamed import Content, Streamed
from iop_tui.vault.digest import sha1_of, sha256
from iop_tui.workspace import Workspace

FORMAT = "iop-tui export 1"
MANIFEST = "manifest.json"
LEFT_OUT = (
    "Psychotherapy notes (45 CFR 164.501) and counseling notes (42 CFR 2.11): their authors keep them apart.",
    "What an author keeps apart for a person's safety: it goes to that person alone, on their own request.",
    "Joint records of couples work, where there are any: they need the written consent of both.",
    "Parts of the record that whoever made this export holds no key to.",
    "How the program works: its schedule, who treats whom, queues, the log of access.",
)
_FIRST = ("Patient",)


@dataclass(slots=True)
class PersonExport:
    """One person's files by name, how many resources of each type, and the records that went in."""

    person: bytes
    files: dict[str, Content] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    records: list[bytes] = field(default_factory=list)
    newer: int = 0
    absent: int = 0
    """Attachments whose bytes are not on this device."""


def person_export(ws: Workspace, person: bytes, basis: str, elsewhere: Elsewhere | None = None) -> PersonExport:
    """Everything this user may export about one person. `basis` says by what right, in words.

    Raises `NotFound`, `VaultDamaged`. Writes nothing and logs nothing: `leaving` does both.
    """
    records, newer = records_of(ws, person)
    lines = _Lines(ws, person, elsewhere or Elsewhere(ws))
    for record in sorted(records, key=lambda item: item.type.person_line is None):
        lines.add(record)
    lines.add_referenced()
    found = PersonExport(
        person, lines.files(), lines.counts(), [item.id for item in records], newer, lines.absent
    )
    found.files |= _papers(ws, lines.resources, basis, found)
    return found


class _Lines:
    """The lines of one export as they come together."""

    def __init__(self, ws: Workspace, person: bytes, elsewhere: Elsewhere) -> None:
        self.resources: list[Json] = []
        self._ws = ws
        self._elsewhere = elsewhere
        self._lines: dict[str, list[bytes]] = defaultdict(list)
        self._ids: set[tuple[str, str]] = set()
        self._attachments: dict[str, Content] = {}
        self.absent = 0
        self._authors: dict[bytes, str] = {}
        self._patient = f"Patient/{show_id(person)}"
        self._names: frozenset[str] = frozenset()

    def add(self, record: Record) -> None:
        """One record: as it came where it was received and not changed, else built from its document."""
        received = verbatim.resource_of(record.received) if record.received else None
        if received is not None and validate.problems(received):
            received = None  # an older version's form was understood; what leaves is R4
        if record.type.person_line is not None:
            self._add_person(record, received)
        elif received is not None:
            self._put(received, verbatim.about(received, record.received, self._names, self._patient))
        else:
            self._build(record)

    def _add_person(self, record: Record, received: Json | None) -> None:
        before = received or verbatim.resource_of(first_received(self._ws, record.id)) or {}
        if before.get("id"):
            self._patient = f"Patient/{before['id']}"
        if received is not None and received.get("id"):
            self._names = verbatim.names_of(received)
            self._put(received, verbatim.one_line(record.received))
            return
        (patient,) = self._made(record)
        patient["identifier"] = [*before.get("identifier", []), *patient.get("identifier", [])]
        self._names = verbatim.names_of(patient)
        self._put_made(patient)

    def _build(self, record: Record) -> None:
        made = self._made(record)
        if record.received and made[0]["resourceType"] == "DocumentReference":
            name = f"attachments/{made[0]['id']}.{_ending(record.received)}"
            self._attachments[name] = record.received
            made[0]["content"].append({"attachment": _original(record.received, name)})
        copy = attachments.copy_of(self._ws, record.id) if record.type.kind == attachments.ATTACHMENT.kind else None
        if copy is not None:
            self._add_file(made[0], copy)
        for resource in made:
            self._put_made(resource)

    def _add_file(self, resource: Json, copy: attachments.Copy) -> None:
        """The file of an attachment beside the resource that describes it, or a word where it is not on this device."""
        if copy.content is None:
            self.absent += 1
            resource["description"] += f" (the file is not in this export: {copy.missing})"
            return
        self._attachments[copy.name] = copy.content
        digest = base64.b64encode(sha1_of(copy.content.pieces())).decode()
        resource["content"][0]["attachment"] |= {"url": copy.name, "hash": digest}

    def _made(self, record: Record) -> list[Json]:
        return resources_of(record, Around(self._patient, show_id(self._ws.realm), self._practitioner))

    def _practitioner(self, user: bytes) -> Json:
        name = self._authors.setdefault(user, self._ws.session.card(user).name)
        return reference(f"Practitioner/{show_id(user)}", name)

    def _put_made(self, resource: Json) -> None:
        wrong = validate.problems(resource)
        if wrong:
            raise Unexpected(f"A {resource['resourceType']} would not be valid FHIR R4: {wrong[0]}")
        self._put(resource, msgspec.json.encode(resource))

    def _put(self, resource: Json, line: bytes) -> None:
        kind, own = resource["resourceType"], str(resource.get("id") or "")
        if own and (kind, own) in self._ids:  # two sources numbered their records alike
            own = f"{own[:50]}-{sha256(line).hex()[:12]}"
            line = msgspec.json.encode(resource | {"id": own})
        self._ids.add((kind, own))
        self._lines[kind].append(line)
        self.resources.append(resource)

    def add_referenced(self) -> None:
        """Practitioners and organisations that the records name: staff of this program, and received ones."""
        for user, name in self._authors.items():
            meta = {"source": f"{VAULT}{show_id(self._ws.realm)}"}
            found = {"resourceType": "Practitioner", "id": show_id(user), "meta": meta, "active": True}
            self._put_made({**found, "name": [{"text": name}]})
        for resource, raw in self._elsewhere.named_by(self.resources):
            self._put(resource, verbatim.one_line(raw))

    def counts(self) -> dict[str, int]:
        """Resources by type."""
        return {kind: len(self._lines[kind]) for kind in self._order()}

    def files(self) -> dict[str, Content]:
        """The NDJSON files and attachments by name."""
        found: dict[str, Content] = {f"{kind}.ndjson": b"\n".join(self._lines[kind]) + b"\n" for kind in self._order()}
        return found | self._attachments

    def _order(self) -> list[str]:
        return sorted(self._lines, key=lambda kind: (kind not in _FIRST, kind))


def _ending(content: bytes) -> str:
    return "xml" if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else "txt"


def _original(content: bytes, name: str) -> Json:
    kind = "text/xml" if name.endswith(".xml") else "text/plain"
    return {"contentType": kind, "data": base64.b64encode(content).decode(), "title": name.rpartition("/")[2]}


# ---- what stands beside the data ---------------------------------------------------------------------------


def _papers(ws: Workspace, resources: Iterable[Json], basis: str, found: PersonExport) -> dict[str, Content]:
    made = iso(ws.clock.now_ms())
    first = readme(made, basis, found.newer, found.absent)
    papers: dict[str, Content] = {"README.txt": first, "FORMAT.md": format_description()}
    everything = found.files | papers
    manifest = {
        "format": FORMAT, "program": f"iop-tui {__version__}", "made": made, "fhir": "4.0.1",
        "vault": show_id(ws.realm), "person": show_id(found.person), "basis": basis,
        "labels": high_water(resources), "left_out": list(LEFT_OUT),
        "files": [_entry(name, content, found.counts) for name, content in everything.items()],
    }  # fmt: skip
    return papers | {MANIFEST: json.dumps(manifest, indent=1, ensure_ascii=False).encode() + b"\n"}


def _entry(name: str, content: Content, counts: dict[str, int]) -> dict[str, Any]:
    kind = name.removesuffix(".ndjson")
    more = {"type": kind, "resources": counts[kind]} if kind in counts else {}
    return {"name": name, **more, "bytes": len(content), "sha256": digest_of(content)}


def digest_of(content: Content) -> str:
    """SHA-256 of content of either kind, in hexadecimal."""
    return content.sha256 if isinstance(content, Streamed) else sha256(content).hex()


def format_description() -> bytes:
    """How to read an export, for people and programs without this one."""
    return (files("iop_tui.data") / "fhir" / "EXPORT-FORMAT.md").read_bytes()


def readme(made: str, basis: str, newer: int, absent: int = 0) -> bytes:
    """What this folder is. The same words whatever lies in the parts that are left out."""
    lines = [
        "Health records in HL7 FHIR R4 (4.0.1), one record a line, one file per kind of record.",
        f"Made {made} by iop-tui {__version__}. Basis: {basis}.",
        "FORMAT.md describes every file; manifest.json lists them with their SHA-256. The standard: https://hl7.org/fhir/R4/",
        "", "Not in here:", *(f"- {line}" for line in LEFT_OUT),
    ]  # fmt: skip
    lines += [f"- {newer} records that a newer version of the program wrote."] if newer else []
    lines += [f"- The files of {absent} attachments that are on another device; they are described."] if absent else []
    lines += [
        "", "42 CFR part 2 prohibits unauthorized use or disclosure of substance use disorder records.",
        "Labels in meta.security say what a record is; they protect nothing by themselves. Keep this folder encrypted.",
    ]  # fmt: skip
    return ("\n".join(lines) + "\n").encode()
