"""Foreign records through the command line: taken once, each where it belongs, damage refused as a whole."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes.command import Site, command

VECTORS = Path(__file__).parents[2] / "vectors" / "fhir"
DESK, ADMIN, DIRECTOR = "Kim Standin", "Lee Proforma", "Priya Mockup"
COUNTS = {"created", "matched", "unchanged", "kept", "flagged", "rejected"}
SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"


def _patient(key: str = "p1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient", "id": key, "name": [{"family": "Importson", "given": ["Ingrid"]}],
        "birthDate": "1988-02-03", "gender": "female",
        "identifier": [{"system": "urn:example:mrn", "value": f"mrn-{key}"}], **more,
    }  # fmt: skip


def _about(kind: str, identifier: str, person: str = "p1", **more: Any) -> dict[str, Any]:
    return {"resourceType": kind, "id": identifier, "subject": {"reference": f"Patient/{person}"}, **more}


def _condition(identifier: str, code: str, text: str) -> dict[str, Any]:
    concept = {"coding": [{"system": SNOMED, "code": code, "display": text}], "text": text}
    return _about("Condition", identifier, code=concept, onsetDateTime="2024-05-06")


def _bundle(path: Path, *resources: dict[str, Any]) -> Path:
    entries = [
        {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}} for resource in resources
    ]
    path.write_text(json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}))
    return path


def _sample(path: Path) -> Path:
    return _bundle(
        path, _patient(), _condition("c1", "36971009", "Sinusitis"), _condition("c2", "7200002", "Alcoholism"),
        _about("MedicationRequest", "m1", status="active", intent="order", authoredOn="2024-05-06",
               medicationCodeableConcept={"text": "cetirizine 10 mg"}),
        {"resourceType": "AllergyIntolerance", "id": "a1", "patient": {"reference": "Patient/p1"},
         "code": {"text": "walnut"}},
        _about("Observation", "o1", status="final", effectiveDateTime="2024-05-06", valueQuantity={"value": 11},
               code={"coding": [{"system": LOINC, "code": "44261-6"}]}),
        _about("Observation", "o2", status="final", effectiveDateTime="2024-05-06",
               valueQuantity={"value": 170, "unit": "cm"},
               code={"coding": [{"system": LOINC, "code": "8302-2"}], "text": "Body height"}),
    )  # fmt: skip


def test_twice_changes_nothing(site: Site, tmp_path: Path) -> None:
    file = _sample(tmp_path / "one.json")
    with site.batch(DESK) as do:
        before = {row["id"] for row in do("list", "people")}
        dry = do("import", str(file), "--dry-run")
        assert {row["id"] for row in do("list", "people")} == before
        first = do("import", str(file))
        assert set(first) == COUNTS
        assert first == dry
        assert (first["created"], first["matched"], first["unchanged"], first["rejected"]) == (7, 0, 0, [])
        assert first["kept"] == 1
        packed = tmp_path / "same.json.gz"
        packed.write_bytes(gzip.compress(file.read_bytes()))
        second = do("import", str(file), str(packed))
        assert (second["created"], second["matched"], second["unchanged"], second["kept"]) == (0, 0, 14, 0)
        (new,) = {row["id"] for row in do("list", "people")} - before
        assert do("show", new)["family"] == "Importson"
        assert do("search", "alcoholism") == [], "the front desk deposits what it may not read"


def test_records_go_on_to_who_may_read_them(site: Site, tmp_path: Path) -> None:
    with site.batch(DESK) as do:
        known = {row["id"] for row in do("list", "people")}
        do("import", str(_sample(tmp_path / "one.json")))
        (person,) = {row["id"] for row in do("list", "people")} - known
        do("assign", person, "Dana Example")
        do("assign", person, "Ines Fictional")
    for name in ("Dana Example", "Ines Fictional", DIRECTOR):
        assert site.run("list", "people", user=name).code == 0
    seen = {}
    for name in ("Dana Example", "Ines Fictional", "Ravi Sample"):
        with site.batch(name) as do:
            words = ("sinusitis", "alcoholism", "cetirizine", "walnut", "height")
            seen[name] = {word for word in words for hit in do("search", word) if hit["person"] == person}
            if name == "Dana Example":
                _check_received(do, person)
    assert seen == {
        "Dana Example": {"sinusitis", "cetirizine", "walnut", "height"},
        "Ines Fictional": {"alcoholism", "cetirizine", "walnut"}, "Ravi Sample": set(),
    }  # fmt: skip


def _check_received(do: Any, person: str) -> None:
    (measure,) = do("list", "measures", "--person", person)
    assert (measure["instrument"], measure["score"]) == ("PHQ-9", 11)
    shown = do("show", measure["id"])
    assert shown["received"] is True
    assert do("show", measure["id"], "--received")["code"]["coding"][0]["code"] == "44261-6"


def test_later_records_of_a_person_in_care_are_deposited_at_once(site: Site, tmp_path: Path) -> None:
    with site.batch(DESK) as do:
        known = {row["id"] for row in do("list", "people")}
        do("import", str(_bundle(tmp_path / "p.json", _patient())))
        (person,) = {row["id"] for row in do("list", "people")} - known
        do("assign", person, "Dana Example")
    assert site.run("list", "people", user="Dana Example").code == 0
    later = tmp_path / "later.ndjson"
    later.write_text(json.dumps(_condition("c9", "36971009", "Sinusitis again")) + "\n")
    with site.batch(DESK) as do:
        assert do("import", str(later))["created"] == 1
    with site.batch("Dana Example") as do:
        assert [hit["person"] for hit in do("search", "sinusitis", "again")] == [person]


def test_an_administrator_imports_without_reading(site: Site, tmp_path: Path) -> None:
    file = _sample(tmp_path / "one.json")
    with site.batch(ADMIN) as do:
        before = len(do("list", "people"))
        assert do("import", str(file))["created"] == 7
        listed = do("list", "people")
        assert len(listed) == before + 1
        assert "II" in [row["name"] for row in listed]
        assert do("search", "importson") == []
        assert do("import", str(file))["unchanged"] == 7
    with site.batch(DESK) as do:
        assert [row["name"] for row in do("list", "people") if "Importson" in row["name"]] == ["Ingrid Importson"]
        assert do("import", str(file))["created"] == 0


def test_a_newer_version_is_taken_and_an_older_entry_is_not_lost(site: Site, tmp_path: Path) -> None:
    with site.batch(DESK) as do:
        known = {row["id"] for row in do("list", "people")}
        do("import", str(_bundle(tmp_path / "a.json", _patient())))
        (person,) = {row["id"] for row in do("list", "people")} - known
        moved = do(
            "import", str(_bundle(tmp_path / "b.json", _patient(telecom=[{"system": "phone", "value": "555-0100"}])))
        )
        assert (moved["created"], moved["matched"]) == (0, 1)
        shown = do("show", person)
        assert shown["phone"] == "555-0100"
        assert len(shown["parents"]) == 1
    changed = _about("Condition", "c1", code={"text": "Sinusitis, chronic"}, onsetDateTime="2024-05-06")
    with site.batch(DESK) as do:
        assert (
            do("import", str(_bundle(tmp_path / "c.json", _condition("c1", "36971009", "Sinusitis"))))["created"] == 1
        )
        newer = do("import", str(_bundle(tmp_path / "d.json", changed)))
        assert (newer["created"], newer["matched"], newer["flagged"]) == (0, 1, 1)


def test_the_same_number_elsewhere_is_another_person(site: Site, tmp_path: Path) -> None:
    other = _patient(name=[{"family": "Otherwise", "given": ["Odd"]}], birthDate="1950-12-12",
                     identifier=[{"system": "urn:example:elsewhere", "value": "77"}])  # fmt: skip
    lost = tmp_path / "lost.ndjson"
    lost.write_text(json.dumps(_condition("c7", "36971009", "Sinusitis")) + "\n")
    with site.batch(DESK) as do:
        known = len(do("list", "people"))
        do("import", str(_bundle(tmp_path / "a.json", _patient())))
        assert do("import", str(_bundle(tmp_path / "b.json", other)))["created"] == 1
        assert len(do("list", "people")) == known + 2
        unclear = do("import", str(lost))
        assert unclear["created"] == 0
        assert [set(item) for item in unclear["rejected"]] == [{"file", "place", "reason"}]


def test_roles(site: Site, tmp_path: Path) -> None:
    file = str(_sample(tmp_path / "one.json"))
    for name in ("Dana Example", "Bo Sandbox", "Ada Trial"):
        done = site.run("import", file, user=name)
        assert (done.code, done.error) == (3, "role")
    assert site.run("import", file, "--dry-run", user=DIRECTOR).value["created"] == 7


def test_an_invalid_item_refuses_that_item(site: Site, tmp_path: Path) -> None:
    wrong = _about("Condition", "c3", code={"coding": "not a list"})
    file = _bundle(tmp_path / "mixed.json", _patient(), wrong, _condition("c1", "36971009", "Sinusitis"))
    done = site.run("import", str(file), user=DESK)
    assert done.code == 8
    assert done.value["created"] == 2
    (refused,) = done.value["rejected"]
    assert refused["file"].endswith("mixed.json")
    assert "entry[1]" in refused["place"]


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2 * 1024**3)


def _cut(path: Path) -> None:
    path.write_bytes(gzip.compress(json.dumps(_patient()).encode() * 50)[:-20])


def _nested(path: Path) -> None:
    path.write_text('{"resourceType": "Patient", "x": ' + "[" * 100_000 + "]" * 100_000 + "}")


def _history(path: Path) -> None:
    path.write_text(json.dumps({"resourceType": "Bundle", "type": "history", "entry": [{"resource": _patient()}]}))


@pytest.mark.parametrize(("name", "make"), [
    ("sparse.json", _sparse), ("cut.json.gz", _cut), ("deep.json", _nested), ("history.json", _history),
])  # fmt: skip
def test_damage_refuses_the_file_before_any_secret(site: Site, tmp_path: Path, name: str, make: Any) -> None:
    file = tmp_path / name
    make(file)
    before = (site.path / "vault.db").read_bytes()
    started = time.monotonic()
    done = command("--vault", str(site.path), "--user", DESK, "--json", "import", str(file), secrets=[])
    assert time.monotonic() - started < 10, "two seconds on a machine that does nothing else"
    assert done.code == 8
    assert done.value["created"] == 0
    assert done.value["rejected"][0]["file"].endswith(name)
    assert (site.path / "vault.db").read_bytes() == before


def test_a_good_file_beside_a_damaged_one_is_taken(site: Site, tmp_path: Path) -> None:
    _cut(tmp_path / "bad.json.gz")
    done = site.run("import", str(_sample(tmp_path / "good.json")), str(tmp_path / "bad.json.gz"), user=DESK)
    assert done.code == 8
    assert done.value["created"] == 7


def test_real_files_twice(site: Site, scale: Any) -> None:
    """A bundle as it is, a packed one and the bulk export; every bundle at night."""
    bundles = sorted((VECTORS / "synthea").glob("*.json*"), key=lambda path: (path.suffix, path.stat().st_size))
    files = [*map(str, bundles if scale(1, 0) else (bundles[-1], bundles[0])), str(VECTORS / "bulk")]
    with site.batch(DESK) as do:
        known = len(do("list", "people"))
        first = do("import", *files)
        assert first["rejected"] == []
        assert first["created"] > scale(1000, 200)
        people = len(do("list", "people"))
        assert people > known + len(files) - 2
        second = do("import", *files)
        assert second["created"] == second["matched"] == second["kept"] == second["flagged"] == 0
        assert second["unchanged"] == first["created"] + first["unchanged"]
        assert len(do("list", "people")) == people
    assert site.run("verify", user="Ada Trial").value["ok"] is True
