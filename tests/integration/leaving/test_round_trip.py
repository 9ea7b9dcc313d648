"""Export, import into an empty vault, compare: field by field, for foreign records and for the program's own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fhir.resources.R4B import get_fhir_model_class

from iop_tui import slices
from iop_tui.access import roles
from iop_tui.clinical.imports import service
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.people import service as people
from iop_tui.interchange import exports
from iop_tui.interchange.fhir import validate
from iop_tui.interchange.fhir.carried import carried, carry, restorable
from iop_tui.interchange.fhir.run import read_run
from iop_tui.kernel.clock import FixedClock, to_ms
from iop_tui.kernel.ids import show_id
from iop_tui.kernel.rng import SeededRng
from iop_tui.vault.digest import sha256
from iop_tui.vault.kdf import LightKdf
from iop_tui.workspace import Environment, Workspace
from tests.support.clinic.fhir import SYNTHEA, VECTORS
from tests.support.clinic.vaults import START, Program, empty, hire, leave, refresh, today

_STORED = (
    "SELECT r.kind, r.person, r.doc, r.version FROM record r JOIN compartment m ON m.id = r.compartment"
    " WHERE m.kind IN ('DIR', 'IND', 'SUD', 'MED', 'CRISIS') AND r.source != 'projection'"
    " AND r.kind NOT IN ('chart_map', 'registration', 'care_member', 'couple_link', 'forwarded', 'disclosure',"
    " 'appointment')"
)
_KINDS = {kind.kind: kind for kind in slices.TYPES}
Fields = Counter[tuple[str, str, bytes]]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Workspace]:
    """An empty vault of another program: a medical director who may import."""
    (tmp_path / "other").mkdir()
    made, ws = empty(tmp_path / "other" / "vault", seed=99)
    hire(made, ws)
    yield ws
    ws.close()


def take(ws: Workspace, *paths: Path) -> service.Counts:
    """Import files as the command does."""
    with read_run(paths) as run:
        counts = service.import_items(ws, run)
        assert run.rejected == []
    return counts


def fields(ws: Workspace, *, whose: set[bytes] | None = None) -> Fields:
    """Every stored document as (kind, its person's entry, its canonical JSON): record and person ids are new ones."""
    entries = {
        person: sha256(_canonical(kind, doc, version)).hex()
        for kind, person, doc, version in ws.view.rows(_STORED) if kind == "person"
    }  # fmt: skip
    return Counter(
        (kind, entries.get(person, ""), _canonical(kind, doc, version))
        for kind, person, doc, version in ws.view.rows(_STORED)
        if (whose is None or person in whose)
    )


def _canonical(kind: str, doc: bytes, version: int) -> bytes:
    """The document as its declaration reads it."""
    return msgspec.json.encode(_KINDS[kind].decode(doc, version), order="sorted")


def resources(folder: Path) -> list[dict[str, Any]]:
    """Every exported resource."""
    return [json.loads(line) for file in sorted(folder.rglob("*.ndjson")) for line in file.read_text().splitlines()]


def check_valid(found: list[dict[str, Any]]) -> None:
    """Against the official schema with its required elements and codes, and a second implementation."""
    for resource in found:
        assert validate.problems(resource) == [], (resource["resourceType"], resource.get("id"))
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)


FOREIGN = sorted(path for path in SYNTHEA.iterdir() if ".json" in path.name)


@pytest.mark.nightly
@pytest.mark.parametrize("source", [*FOREIGN, VECTORS / "bulk"], ids=lambda path: path.name[:12])
def test_foreign_records_come_back_equal(source: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    there_and_back(source, tmp_path, request)


ADA, VISIT = "urn:uuid:11111111-2222-3333-4444-555555555555", "urn:uuid:aaaaaaaa-2222-3333-4444-555555555555"
ODD = f"""{{
 "resourceType": "Bundle", "type": "transaction", "entry": [
 {{"fullUrl": "{ADA}", "resource": {{"resourceType": "Patient", "id": "other-id",
   "name": [{{"family": "N\\u00f6body", "given": ["Ada"]}}], "birthDate": "1980-02-03"}}}},
 {{"fullUrl": "{VISIT}", "resource": {{"resourceType": "Encounter", "id": "aaaaaaaa-2222-3333-4444-555555555555",
   "status": "finished", "class": {{"code": "AMB"}}, "subject": {{"reference": "{ADA}"}},
   "serviceProvider": {{"reference": "Organization?identifier=urn:x|7", "display": "North"}}}}}},
 {{"resource": {{"resourceType": "Observation", "id": "o1", "status": "final", "subject": {{"reference": "{ADA}"}},
   "encounter": {{"reference": "{VISIT}"}}, "code": {{"text": "Body height  {{ [ "}},
   "valueQuantity": {{"value": 1.10, "unit": "m"}}}}}},
 {{"resource": {{"resourceType": "Condition", "id": "c1", "subject": {{"reference": "{ADA}"}},
   "code": {{"coding": [{{"system": "http://snomed.info/sct", "code": "7200002", "display": "Alcoholism"}}]}}}}}},
 {{"resource": {{"resourceType": "Medication", "code": {{"text": "no person, no id"}}}}}},
 {{"resource": {{"resourceType": "Organization", "id": "org", "name": "North",
   "identifier": [{{"system": "urn:x", "value": "7"}}]}}}}
]}}"""


def test_odd_references_and_numbers_come_back_equal(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A person under another name than its id, conditional and missing references, trailing zeros, escapes."""
    (tmp_path / "odd.json").write_text(ODD)
    there_and_back(tmp_path / "odd.json", tmp_path, request)
    (folder,) = (tmp_path / "out").glob("*/")
    assert '"value":1.10' in (folder / "Observation.ndjson").read_text()
    assert '"reference":"Patient/other-id"' in (folder / "Condition.ndjson").read_text()
    assert "N\\u00f6body" in (folder / "Patient.ndjson").read_text()
    assert (folder / "Organization.ndjson").exists(), "what the records name travels along"


def there_and_back(source: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Import, export all, import elsewhere: the same fields of the same people; a second time nothing changes."""
    clinic = _clinic(tmp_path / "first", 5, request)
    take(clinic.ws, source)
    before = clinic.in_charts()
    exports.export_all(clinic.ws, tmp_path / "out")
    check_valid(resources(tmp_path / "out"))
    other = _clinic(tmp_path / "second", 99, request)
    take(other.ws, tmp_path / "out")
    assert other.in_charts() == before
    again = take(other.ws, tmp_path / "out")
    assert (again.created, again.matched) == (0, 0)


@dataclass
class _Clinic:
    """A vault whose director treats everybody, together with a counselor."""

    made: Program
    ws: Workspace
    sol: Workspace

    def in_charts(self) -> Fields:
        """What lies in parts of somebody's chart, once both clinicians opened them and intake was passed on."""
        for (person,) in self.ws.view.rows("SELECT id FROM person"):
            people.assign(self.ws, person, self.ws.user.user, roles.INDIVIDUAL_THERAPIST)
            people.assign(self.ws, person, self.ws.user.user, roles.MEDICAL_DIRECTOR)
            people.assign(self.ws, person, self.sol.user.user, roles.COUNSELOR)
        for each in (self.ws, self.sol, self.ws, self.sol, self.ws):
            refresh(each)
        return Counter({key: count for key, count in fields(self.ws).items() if key[1]})


def _clinic(folder: Path, seed: int, request: pytest.FixtureRequest) -> _Clinic:
    folder.mkdir()
    made, ws = empty(folder / "vault", seed=seed)
    request.addfinalizer(ws.close)
    hire(made, ws)
    sol = made.beside(ws, "sol")
    request.addfinalizer(lambda: leave(sol))
    return _Clinic(made, ws, sol)


def test_own_records_come_back_equal_and_unsigned(
    small: Program, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with small.workspace("nadia") as ws:
        ana = small.people["ana"]
        more = {"text": "Slept through for the first time.", "reason": "late information"}
        notes.addend(ws, small.notes["ana0"], **more, on=today(ws))
        before = fields(ws, whose={ana})
        exports.export_person(ws, ana, tmp_path / "out")
        again = take(ws, tmp_path / "out")
        assert (again.created, again.matched, again.rejected) == (0, 0, []), "into its own vault nothing comes twice"
    check_valid(resources(tmp_path / "out"))
    other = _clinic(tmp_path / "other", 99, request)
    assert take(other.ws, tmp_path / "out").rejected == []
    assert other.in_charts() == before
    states = other.ws.view.rows("SELECT DISTINCT status FROM record WHERE kind = 'progress_note'")
    assert [row[0] for row in states] == ["kept"]


@pytest.mark.nightly
def test_the_demo_comes_back_equal(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Everyone's record as its own clinicians may export it, into one other program."""
    from iop_tui.shell.demo.build import build
    from iop_tui.shell.demo.secrets import code, passphrase
    from iop_tui.vault import headfile
    from iop_tui.workspace import unlock

    clock = FixedClock(to_ms(START))
    env = Environment(types=slices.TYPES, clock=clock, code_clock=clock, rng=SeededRng(1), kdf=LightKdf())
    built = build(tmp_path / "demo", env, size="small", seed=1)
    realm = headfile.read(tmp_path / "demo" / headfile.NAME).header.vault_id
    other = _clinic(tmp_path / "other", 99, request)
    director = next(str(user["name"]) for user in built.users if roles.MEDICAL_DIRECTOR in user["roles"])
    clock.advance(60)
    ws = unlock(
        tmp_path / "demo", env, name=director, phrase=passphrase(realm, director),
        code=code(realm, director, clock.now_ms() // 1000),
    )  # fmt: skip
    refresh(ws)
    exports.export_all(ws, tmp_path / "out")
    whose = {row[0] for row in ws.view.rows("SELECT id FROM person")}
    before = Counter({key: count for key, count in fields(ws, whose=whose).items() if key[1]})
    ws.close()
    check_valid(resources(tmp_path / "out"))
    assert take(other.ws, tmp_path / "out").rejected == []
    assert other.in_charts() == before
    assert sum(before.values()) > 100


def test_every_kind_that_is_restored_survives(fresh: Workspace, small: Program) -> None:
    """A document of each restorable kind, as sparse as its declaration allows, through the extension and back."""
    for kind in slices.TYPES:
        if kind.kind not in restorable():
            continue
        sparse = kind.parse({})
        found = carried({"extension": [carry(kind.kind, kind.version, kind.encode(sparse))]})
        assert found is not None
        assert found[0].parse(found[1]) == sparse


@pytest.mark.parametrize("kind", ["consent", "client_signature", "void", "care_member", "chart_map", "disclosure"])
def test_what_gives_authority_is_never_restored(kind: str) -> None:
    assert kind not in restorable()


@pytest.mark.nightly
def test_a_newer_export_of_a_record_is_the_same_record(small: Program, fresh: Workspace, tmp_path: Path) -> None:
    """A newer export of the same record is the same record, newer."""
    with small.workspace("nadia") as ws:
        exports.export_person(ws, small.people["ana"], tmp_path / "one")
        entry = people.entry(ws, small.people["ana"])
        small.clock.advance(timedelta(days=1).total_seconds())
        people.change(ws, small.people["ana"], msgspec.structs.replace(entry, phone="555-0199"))
        exports.export_person(ws, small.people["ana"], tmp_path / "two")
    take(fresh, tmp_path / "one")
    counts = take(fresh, tmp_path / "two")
    assert counts.created == 0
    found = fresh.view.rows("SELECT json_extract(doc, '$.phone') FROM record WHERE kind = 'person'")
    assert [row[0] for row in found] == ["555-0199"]


def test_a_forged_addendum_stands_beside_no_note(small: Program, tmp_path: Path) -> None:
    """Who once got an export knows the ids of notes: a file made from it adds nothing to them."""
    with small.workspace("nadia") as ws:
        ana, note = small.people["ana"], small.notes["ana0"]
        exports.export_person(ws, ana, tmp_path / "out")
        (patient,) = [each for each in resources(tmp_path / "out") if each["resourceType"] == "Patient"]
        del patient["meta"]["source"]
        kind = _KINDS["addendum"]
        forged = kind.parse({"note": show_id(note), "text": "I made it up.", "reason": "correction"})
        document = {
            "resourceType": "DocumentReference", "id": "x", "status": "current",
            "subject": {"reference": f"Patient/{patient['id']}"}, "content": [{"attachment": {"title": "x"}}],
            "extension": [carry(kind.kind, kind.version, kind.encode(forged))],
        }  # fmt: skip
        file = tmp_path / "forged.ndjson"
        file.write_text(json.dumps(patient) + "\n" + json.dumps(document) + "\n")
        assert take(ws, file).rejected == []
        assert notes.addenda(ws, note) == []
