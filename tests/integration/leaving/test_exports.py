"""What an export holds, what it never holds, and that nothing leaves without a row in the ledger."""

from __future__ import annotations

import errno
import json
import os
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from iop_tui.access import charts, roles
from iop_tui.access.policy import Kind
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.api import HIPAA
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.notes.private import PSYCHOTHERAPY_NOTE, PsychotherapyNote
from iop_tui.clinical.safety.model import VIOLENCE_SCREEN, ViolenceScreen
from iop_tui.clinical.turnover import api as turnover
from iop_tui.interchange import exports
from iop_tui.interchange.outfile import AlreadyThere
from iop_tui.kernel.errors import DiskFull, MediumUnusable, NoKey, NotFound, RoleRefused, RuleRefused
from iop_tui.vault.digest import sha256
from iop_tui.workspace import Workspace
from tests.support.clinic.consents import opened, refused
from tests.support.clinic.vaults import Program, today


def words(folder: Path) -> str:
    """Everything an export says, attachments decoded where they are text."""
    import base64
    import re

    text = "\n".join(file.read_text("utf-8") for file in sorted(folder.rglob("*")) if file.is_file())
    inside = (base64.b64decode(found).decode("utf-8", "replace") for found in re.findall(r'"data":"([^"]+)"', text))
    return "\n".join([text, *inside])


def keep_private(ws: Workspace, ana: bytes) -> None:
    charting.save(ws, ana, PSYCHOTHERAPY_NOTE, PsychotherapyNote(written_on=today(ws), session="s", text="canary-psy"))
    charting.save(ws, ana, VIOLENCE_SCREEN, ViolenceScreen(asked=today(ws), alone=True, findings="canary-safe"))


def test_what_authors_keep_apart_is_left_out_by_construction(ws: Workspace, small: Program, tmp_path: Path) -> None:
    ana = small.people["ana"]
    exports.export_person(ws, ana, tmp_path / "before")
    keep_private(ws, ana)
    exports.export_person(ws, ana, tmp_path / "after")
    assert "canary" not in words(tmp_path / "after")
    for file in sorted((tmp_path / "before").iterdir()):
        assert file.read_bytes() == (tmp_path / "after" / file.name).read_bytes(), "same bytes: nothing to be inferred"


def test_nothing_tells_of_a_partner(ws: Workspace, small: Program, tmp_path: Path) -> None:
    exports.export_person(ws, small.people["ana"], tmp_path / "out")
    said = words(tmp_path / "out")
    for word in ("Odell", "Benjamin", "Cleo", "couple_link", "dyad"):
        assert word not in said
    assert "Joint records of couples work, where there are any" in said, "the same line on every export"


def test_manifest_names_every_file_with_its_hash(ws: Workspace, small: Program, tmp_path: Path) -> None:
    exports.export_person(ws, small.people["ana"], tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    there = {file.name for file in (tmp_path / "out").iterdir()} - {"manifest.json"}
    assert {each["name"] for each in manifest["files"]} == there
    for each in manifest["files"]:
        content = (tmp_path / "out" / each["name"]).read_bytes()
        assert (each["bytes"], each["sha256"]) == (len(content), sha256(content).hex())
        if "resources" in each:
            assert each["resources"] == content.count(b"\n")
    assert next(label["code"] for label in manifest["labels"]) == "R", "the highest confidentiality"
    for file in (tmp_path / "out").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_row_in_the_ledger_for_every_part_of_the_record(ws: Workspace, small: Program, tmp_path: Path) -> None:
    ana = small.people["ana"]
    exports.export_person(ws, ana, tmp_path / "out")
    rows = disclosures.accounting(ws, ana).rows
    assert rows
    assert {row.basis for row in rows} == {"request by the person"}
    assert {row.recipient for row in rows} == {"Ana Quill"}
    assert sum(len(row.records) for row in rows) == len(_own(tmp_path / "out"))


def _own(folder: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for file in folder.glob("*.ndjson") for line in file.read_text().splitlines()]
    return [each for each in found if "urn:iop-tui:document" in json.dumps(each)]


def test_a_consent_that_does_not_exist_lets_nothing_out(ws: Workspace, small: Program, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        exports.export_person(ws, small.people["ana"], tmp_path / "out", consent=bytes(16))
    assert not (tmp_path / "out").exists()


def test_a_colleague_without_the_keys_exports_only_what_they_hold(small: Program, tmp_path: Path) -> None:
    with small.workspace("tom") as tom:
        with pytest.raises(NotFound):
            exports.export_person(tom, small.people["ana"], tmp_path / "ana")
        found = exports.export_all(tom, tmp_path / "all")
    assert found.people == 1
    assert "Quill" not in words(tmp_path / "all")


def test_who_treats_nobody_does_not_carry_the_whole_directory_out(small: Program, tmp_path: Path) -> None:
    """A whole-program export needs the custodians."""
    with small.workspace("fay") as fay, pytest.raises(RoleRefused):
        exports.export_all(fay, tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_everyone_in_care_one_folder_each(ws: Workspace, small: Program, tmp_path: Path) -> None:
    found = exports.export_all(ws, tmp_path / "all")
    assert found.people == len(small.people)
    manifest = json.loads((tmp_path / "all" / "manifest.json").read_text())
    for each in manifest["people"]:
        inner = (tmp_path / "all" / each["folder"] / "manifest.json").read_bytes()
        assert sha256(inner).hex() == each["sha256"]
        assert json.loads(inner)["person"] == each["folder"]


def test_what_is_there_is_not_replaced(ws: Workspace, small: Program, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(AlreadyThere):
        exports.export_person(ws, small.people["ana"], tmp_path / "out")
    with pytest.raises(MediumUnusable):
        exports.export_person(ws, small.people["ana"], tmp_path / "no" / "folder")
    assert disclosures.accounting(ws, small.people["ana"]).rows == ()


def test_a_full_disk_leaves_neither_files_nor_rows(
    ws: Workspace, small: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = os.write
    done = []

    def full(handle: int, content: bytes) -> int:
        done.append(len(content))
        if len(done) > 3:
            raise OSError(errno.ENOSPC, "full")
        return written(handle, content)

    with monkeypatch.context() as patch:
        patch.setattr("iop_tui.interchange.outfile.os.write", full)
        with pytest.raises(DiskFull, match="was not written"):
            exports.export_person(ws, small.people["ana"], tmp_path / "out")
    assert len(done) > 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["vault"]
    assert disclosures.accounting(ws, small.people["ana"]).rows == ()


def test_substance_use_records_carry_their_labels(small: Program, tmp_path: Path) -> None:
    with small.workspace("sol") as sol:
        from iop_tui.clinical.notes import service as notes
        from tests.support.clinic.vaults import note

        saved = notes.save(sol, small.people["ana"], note(today(sol), "Worked through a slip."))
        notes.sign(sol, [saved.record])
        assert roles.COUNSELOR in sol.user.roles
        exports.export_person(sol, small.people["ana"], tmp_path / "out")
    (document,) = [each for each in _own(tmp_path / "out") if each["resourceType"] == "DocumentReference"]
    codes = {label["code"] for label in document["meta"]["security"]}
    assert {"R", "SUD", "42CFRPart2", "NORDSCLCD"} <= codes
    assert document["contained"][0]["resourceType"] == "Provenance"


def test_164_524_c_3_ii_a_request_exports_to_nobody_else(ws: Workspace, small: Program, tmp_path: Path) -> None:
    """To send it to another takes the person's signed authorization: nothing is written, no row is kept."""
    before = len(disclosures.accounting(ws, small.people["ana"]).rows)
    with pytest.raises(RuleRefused) as refused:
        exports.export_person(ws, small.people["ana"], tmp_path / "out", recipient=consents.Recipient(name="Dr Lee"))
    assert refused.value.rule == "release.request_recipient"
    assert not (tmp_path / "out").exists()
    assert len(disclosures.accounting(ws, small.people["ana"]).rows) == before


def test_ledger_refuses_a_record_of_somebody_else(ws: Workspace, small: Program) -> None:
    """CR-10: the release tool takes one person's records at a time."""
    ground = consents.Ground("request by the person", consents.Recipient(name="Ana Quill"), "copy")
    with pytest.raises(RuleRefused):
        consents.release(ws, ws.work(), small.people["ana"], [small.notes["draft"]], ground)


def test_consents_leave_internal_authorizations_stay(template: Program, tmp_path: Path) -> None:
    """CR-8: what lets words move between clinicians names who treats a couple; it is in no export."""
    with opened(template, tmp_path) as clinic:
        nadia = clinic.ws("nadia")
        consents.authorize(nadia, clinic.outward(HIPAA, topics=("progress notes",)))
        given = consents.authorize(clinic.ws("nadia"), clinic.internal()).id
        consents.revoke(clinic.ws("nadia"), given)
        exports.export_person(clinic.ws("nadia"), clinic.made.people["ana"], tmp_path / "out")
    found = [json.loads(line) for line in (tmp_path / "out" / "Consent.ndjson").read_text().splitlines()]
    assert [each["provision"]["actor"][0]["reference"]["display"] for each in found] == ["Dr Lee"]
    said = words(tmp_path / "out")
    assert "Cleo" not in said
    assert "your partner" not in said


def test_an_export_on_a_consent_takes_notice_and_copy_along(template: Program, tmp_path: Path) -> None:
    with opened(template, tmp_path) as clinic:
        ana = clinic.made.people["ana"]
        wide = consents.authorize(clinic.ws("nadia"), clinic.outward(HIPAA)).id
        narrow = consents.authorize(clinic.ws("nadia"), clinic.outward(HIPAA, topics=("measures",))).id
        with refused("release.not_covered"):
            exports.export_person(clinic.ws("nadia"), ana, tmp_path / "no", consent=narrow)
        exports.export_person(clinic.ws("nadia"), ana, tmp_path / "out", consent=wide)
        rows = disclosures.accounting(clinic.ws("nadia"), ana).rows
    assert not (tmp_path / "no").exists()
    assert "Dr Lee" in (tmp_path / "out" / "CONSENT.txt").read_text()
    assert (tmp_path / "out" / "NOTICE.txt").read_text().strip()
    assert {(row.recipient, row.basis) for row in rows} == {("Dr Lee", "consent")}


def test_a_session_left_open_past_the_end_of_its_access_exports_nothing(small: Program, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    with opened(small, tmp_path / "one") as clinic:
        person = clinic.made.people["max"]
        until = clinic.day + timedelta(days=5)
        giver, receiver = clinic.user("nadia"), clinic.user("tom")
        nadia, part = clinic.ws("nadia"), roles.INDIVIDUAL_THERAPIST
        turnover.transfer(nadia, giver, receiver, persons=(person,), role=part, until=until)
        tom = clinic.ws("tom")
        place = charts.compartment_for(tom.session, person, Kind.IND)
        number = tom.session.newest(place)
        assert tom.session.key(place, number)
        clinic.pass_days(30)
        with pytest.raises(NoKey):
            tom.session.key(place, number)
        with pytest.raises(NotFound):
            exports.export_person(tom, person, tmp_path / "late")
        assert not (tmp_path / "late").exists()
