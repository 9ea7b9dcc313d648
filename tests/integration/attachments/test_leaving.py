"""What leaves: the bytes go along or are named as missing, and the key of a file never does."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from iop_tui.clinical.attachments import api as attachments
from iop_tui.clinical.consents.api import Recipient
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.records import api as records
from iop_tui.clinical.requests import api as requests
from iop_tui.exchange import backup
from iop_tui.interchange import exports, packets
from iop_tui.interchange.outfile import staged_folder
from iop_tui.interchange.prints.copies import copy_for_person
from iop_tui.kernel.errors import Refused, VaultDamaged
from iop_tui.kernel.secret import Secret
from iop_tui.shell.commands.charting.records import view_as_json
from iop_tui.vault import agekeys
from iop_tui.workspace import Workspace, backingup
from tests.integration.attachments.conftest import order
from tests.support.clinic.vaults import Program, copied, today

CONTENT = b"%PDF-1.7\n" + os.urandom(90_000)


@pytest.fixture(scope="module")
def small(clinic: Program, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A vault of this file's own, for what leaves is counted."""
    return copied(clinic, tmp_path_factory.mktemp("leaving"))


@pytest.fixture(scope="module")
def nadia(small: Program) -> Iterator[Workspace]:
    """Her workspace."""
    with small.workspace() as ws:
        yield ws


@pytest.fixture(scope="module")
def record(small: Program, nadia: Workspace) -> bytes:
    """A report about Max."""
    return attachments.attach(nadia, order(small, nadia, "max"), io.BytesIO(CONTENT)).record


@pytest.fixture
def elsewhere(nadia: Workspace, record: bytes) -> Iterator[None]:
    """As if its parts were on another device."""
    store = nadia.path / "chunks"
    shutil.move(store, nadia.path / "kept")
    yield
    shutil.rmtree(store, ignore_errors=True)
    shutil.move(nadia.path / "kept", store)


def _keys() -> tuple[str, str]:
    private = agekeys.identity(Secret(os.urandom(32)))
    return private, agekeys.public(private)


def _secrets(ws: Workspace, record: bytes) -> list[bytes]:
    _, document = attachments.read(ws, record)
    return [document.key.encode(), document.parts.encode(), *(name.encode() for name in attachments.parts(document))]


def _texts(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def test_an_export_holds_the_file_and_describes_it(
    small: Program, nadia: Workspace, record: bytes, tmp_path: Path
) -> None:
    exports.export_person(nadia, small.people["max"], tmp_path / "out")
    (file,) = (tmp_path / "out" / "attachments").glob("*.pdf")
    assert file.read_bytes() == CONTENT
    lines = (tmp_path / "out" / "DocumentReference.ndjson").read_text("utf-8").splitlines()
    (found,) = [item for item in map(json.loads, lines) if any(
        "url" in each["attachment"] for each in item["content"]
    )]  # fmt: skip
    described = found["content"][0]["attachment"]
    assert described["url"] == f"attachments/{file.name}"
    assert (described["contentType"], described["size"]) == ("application/pdf", len(CONTENT))
    assert base64.b64decode(described["hash"]) == hashlib.sha1(CONTENT, usedforsecurity=False).digest()
    listed = {item["name"]: item for item in json.loads((tmp_path / "out" / "manifest.json").read_bytes())["files"]}
    assert listed[described["url"]]["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    decoded = b"".join(
        base64.b64decode(each["valueAttachment"]["data"]) for each in found["extension"] if "valueAttachment" in each
    )
    assert b"Liver panel" in decoded
    assert not [one for one in _secrets(nadia, record) if one in decoded + _texts(tmp_path / "out")]
    rows = disclosures.rows(nadia, small.people["max"])
    assert any("attachment" in row.document.what for row in rows)


def test_an_export_names_what_is_on_another_device(
    small: Program, nadia: Workspace, elsewhere: None, tmp_path: Path
) -> None:
    exports.export_person(nadia, small.people["max"], tmp_path / "out")
    assert not (tmp_path / "out" / "attachments").exists()
    assert "The files of 1 attachments that are on another device" in (tmp_path / "out" / "README.txt").read_text()
    assert "the file is not in this export" in (tmp_path / "out" / "DocumentReference.ndjson").read_text("utf-8")


def test_a_sealed_export_streams_the_file(small: Program, nadia: Workspace, record: bytes, tmp_path: Path) -> None:
    assert record
    key, public = _keys()
    exports.export_person(nadia, small.people["max"], tmp_path / "out.age", to=public)
    opened = io.BytesIO()
    with (tmp_path / "out.age").open("rb") as file:
        agekeys.open_(file, opened, [key])
    opened.seek(0)
    with tarfile.open(fileobj=opened) as archive:
        (name,) = [name for name in archive.getnames() if name.startswith("attachments/")]
        member = archive.extractfile(name)
        assert member is not None
        assert member.read() == CONTENT


def test_a_packet_holds_the_file_or_is_refused(
    small: Program, nadia: Workspace, record: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, public = _keys()
    wanted = packets.Order(
        small.people["max"], (record,), "copy", public, tmp_path / "out.age", "client", basis=disclosures.REQUEST,
        recipient=Recipient(name="Max Brandt"),
    )  # fmt: skip
    made = packets.make(nadia, wanted)
    opened = io.BytesIO()
    with (tmp_path / "out.age").open("rb") as file:
        agekeys.open_(file, opened, [key])
    with zipfile.ZipFile(opened) as archive:
        (name,) = [name for name in made.contents if name.startswith("attachments/")]
        assert archive.read(name) == CONTENT
        everything = b"".join(archive.read(each) for each in archive.namelist())
    assert not [one for one in _secrets(nadia, record) if one in everything]
    monkeypatch.setattr(packets, "LARGEST_FILES", 1000)
    with pytest.raises(Refused, match="larger than"):
        packets.make(nadia, replace(wanted, out=tmp_path / "two.age"))
    assert not (tmp_path / "two.age").exists()


def test_a_packet_is_not_made_without_what_it_is_to_hold(
    small: Program, nadia: Workspace, record: bytes, elsewhere: None, tmp_path: Path
) -> None:
    wanted = packets.Order(
        small.people["max"], (record,), "copy", _keys()[1], tmp_path / "out.age", "client",
        basis=disclosures.REQUEST, recipient=Recipient(name="Max Brandt"),
    )  # fmt: skip
    with pytest.raises(attachments.PartsMissing):
        packets.make(nadia, wanted)
    assert not (tmp_path / "out.age").exists()


def test_a_persons_own_record_holds_the_file(small: Program, nadia: Workspace, record: bytes, tmp_path: Path) -> None:
    """45 CFR 164.524: the copy is of everything, and an attachment is part of it."""
    asked = requests.RecordRequest(
        requester="the person", asked_on=today(nadia), verified="Driving license", channel="Their own post box",
        safety_talk=True, recipient="Max Brandt",
    )  # fmt: skip
    prepared = requests.prepare(nadia, small.people["max"], asked)
    with staged_folder(tmp_path / "copy", prepared.files) as publish:
        requests.finish(nadia, prepared)
        publish()
    (file,) = (tmp_path / "copy" / "attachments").iterdir()
    assert file.read_bytes() == CONTENT
    everything = _texts(tmp_path / "copy")
    assert f'"copy": "attachments/{file.name}"'.encode() in everything
    assert not [one for one in _secrets(nadia, record) if one in everything]


def test_what_is_shown_and_printed_has_no_key(
    small: Program, nadia: Workspace, record: bytes, tmp_path: Path
) -> None:
    secrets = _secrets(nadia, record)
    shown = json.dumps(view_as_json(records.read(nadia, record))).encode()
    copy_for_person(nadia, record, "markdown", tmp_path / "copy.md")
    for content in (shown, (tmp_path / "copy.md").read_bytes()):
        assert b"Liver panel" in content
        assert not [one for one in secrets if one in content]


def test_a_backup_brings_the_parts_back(small: Program, nadia: Workspace, record: bytes, tmp_path: Path) -> None:
    copied = backingup.make(nadia, tmp_path / "kept.iopb")
    assert copied.manifest.parts == len(attachments.store(nadia).names())
    assert backup.check(tmp_path / "kept.iopb") == copied.manifest
    (tmp_path / "back").mkdir()
    backup.unpack(tmp_path / "kept.iopb", tmp_path / "back")
    assert {f.name for f in (tmp_path / "back" / "chunks").rglob("*") if f.is_file()} == set(
        attachments.store(nadia).names()
    )
    raw = bytearray((tmp_path / "kept.iopb").read_bytes())
    raw[-1] ^= 1
    for damaged in (raw, raw[:-1], raw + b"x"):
        (tmp_path / "damaged.iopb").write_bytes(damaged)
        with pytest.raises(VaultDamaged):
            backup.check(tmp_path / "damaged.iopb")
