"""`import`, `export`, `packet`, `print` as a clinic's script uses them, on one demo vault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyrage
import pytest

from tests.support.processes.command import Site, copy_of, shared_demo

DESK, THERAPIST = "Kim Standin", "Dana Example"
VECTORS = Path(__file__).parents[2] / "vectors"
LIST = (
    "* Legal first name,Legal last name,Date of birth,Mobile,Client type,Shoe size\n"
    "Ingrid,Importson,04/22/1988,555-010-1234,Adult,39\nAda & Carl,Pairson,,555-010-9999,Couple,\n,,,,,\n"
    "Otto,Odd,soon,ring twice,Adult,\n,,04/22/1988,,Adult,\n"
)


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A copy of the demo."""
    return copy_of(shared_demo(tmp_path_factory), tmp_path / "vault")


def test_moving_in(site: Site, tmp_path: Path) -> None:
    clients = tmp_path / "clients.csv"
    clients.write_text(LIST)
    (ccd,) = (VECTORS / "ccda").glob("Documents__CCD*")
    (section,) = (VECTORS / "ccda").glob("Mental*")
    with site.batch(DESK) as do:
        _client_list(do, clients)
        assert do("import", str(clients), "--mapping", "old system")["unchanged"] == 6
        book = do("import", str(VECTORS / "vcard" / "vcard40_full.vcf"))
        assert (book["created"], book["rows"][0]["remarks"]) == (1, ["names a partner or relative: nobody is linked"])
        summary = do("import", str(ccd))
        assert (summary["created"], summary["rejected"]) == (2, [])
        person = next(row["id"] for row in do("list", "people") if row["name"] == "Ingrid Importson")
        taken = do("import", str(section), "--person", person, "--pick", "scores")
        assert (taken["created"], taken["rejected"]) == (2, [])
        assert do("import", str(section), "--pick", "everything")["error"]["code"] == "usage"
        calendar = tmp_path / "busy.ics"
        calendar.write_text("BEGIN:VCALENDAR\nBEGIN:VEVENT\n")
        assert "cut off" in do("import", str(calendar))["rejected"][0]["reason"]


def _client_list(do: Any, clients: Path) -> None:
    dry = do("import", str(clients), "--dry-run")
    assert dry["columns"][0]["unused"] == ["Shoe size"]
    assert dry["columns"][0]["fields"]["* Legal first name"] == "given"
    before = len(do("list", "people"))
    found = do("import", str(clients), "--map", "Shoe size=", "--save-mapping", "old system")
    assert (found["created"], len(found["rejected"])) == (6, 1)
    assert found["rejected"][0]["place"] == "row at line 6"
    assert {row["place"]: row["outcome"] for row in found["rows"]}["row at line 2"] == "created"
    remarks = {remark for row in found["rows"] for remark in row["remarks"]}
    assert "a phone number that is not one was left out" in remarks
    assert len(do("list", "people")) == before + 4
    assert "Ada Pairson" not in {name for row in do("list", "couples") for name in (row["a_name"], row["b_name"])}


def test_leaving(site: Site, tmp_path: Path) -> None:
    with site.batch(THERAPIST) as do:
        person = next(row["id"] for row in do("list", "people") if row["last_note"])
        note = next(row["id"] for row in do("list", "notes", "--person", person) if row["status"] == "signed")
        out = tmp_path / "export"
        exported = do("export", "person", person, "--out", str(out))
        assert exported["resources"]["Patient"] == 1
        assert json.loads((out / "manifest.json").read_text())["person"] == person
        assert do("export", "person", person, "--out", str(out))["error"]["code"] == "already_there"
        assert do("export", "all", person, "--out", str(out))["error"]["code"] == "usage"
        copy = ("print", note, "--form", "markdown", "--out", str(tmp_path / "note.md"))
        assert do(*copy)["error"]["code"] == "usage", "the question comes first"
        assert do(*copy, "--safe-to-hold", "no")["error"]["code"] == "print.not_safe"
        assert not (tmp_path / "note.md").exists()
        assert do(*copy, "--safe-to-hold", "yes")["bytes"] == (tmp_path / "note.md").stat().st_size
        packet = ("packet", "--person", person, "--documents", note, "--purpose", "care", "--out", str(tmp_path / "p"),
                  "--recipient-kind", "client")  # fmt: skip
        assert do(*packet, "--to", "age1nobody", "--recipient", "Dr Lee")["error"]["code"] == "no_recipient"
        assert do(*packet, "--to", "passphrase", "--recipient", "Dr Lee")["error"]["code"] == "release.no_consent"
        ground = ("--basis", "request by the person")
        key = str(pyrage.x25519.Identity.generate().to_public())
        elsewhere = do(*packet, *ground, "--recipient", "Dr Lee", "--to", key)
        assert elsewhere["error"]["code"] == "release.request_recipient"
        assert not (tmp_path / "p").exists()
        sealed = do(*packet, *ground, "--to", key)
        assert "documents.pdf" in sealed["contents"]
        assert "passphrase" not in sealed
        assert (tmp_path / "p").read_bytes().startswith(b"age-encryption.org/v1")
