"""Carriers that cut, lose, go back, fill up, belong to others or come from the future: named, and nothing is lost."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from iop_tui.clinical.notes import service as notes
from iop_tui.exchange import carrying, packs
from iop_tui.exchange.carrying import Budget
from iop_tui.exchange.mirror import FOLDER, Mirror
from iop_tui.exchange.remotes.bundle import BundleRemote
from iop_tui.exchange.remotes.directory import ROOT, DirectoryRemote
from iop_tui.exchange.remotes.port import CarrierGone, OtherProgram
from iop_tui.kernel.errors import DiskFull, MediumUnusable
from iop_tui.kernel.rng import SeededRng
from iop_tui.vault.digest import sha256
from iop_tui.workspace import exchanging
from tests.support.clinic.devices import Device, again, enrolled, first, line
from tests.support.clinic.vaults import note, program, today


@dataclass
class Place:
    """Two devices in step, and where their things lie."""

    one: Device
    two: Device
    stick: Path
    folder: Path

    def write(self, device: Device, text: str) -> bytes:
        """A new note of Nadia's about Ana."""
        with device.workspace() as ws:
            return notes.save(ws, device.program.people["ana"], note(today(ws), text)).revision

    def has(self, device: Device, revision: bytes) -> bool:
        with device.workspace() as ws:
            return ws.view.one("SELECT 1 FROM version WHERE id = ?", (revision,)) is not None

    def newest(self) -> Path:
        """The file on the stick that was written last."""
        return max((self.stick / ROOT / "p").rglob("*-*"), key=lambda file: file.stat().st_mtime_ns)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("carriers")
    one = first(program(folder, seed=41))
    two = enrolled(one, "Laptop", folder / "laptop", folder / "stick", seed=42)
    for device in (one, two, one, two):
        device.sync(folder / "stick")
    return Place(one, two, folder / "stick", folder)


@pytest.fixture
def place(template: Place, tmp_path: Path) -> Place:
    for name, source in (("one", template.one.path), ("two", template.two.path), ("stick", template.stick)):
        shutil.copytree(source, tmp_path / name)
    one, two = again((template.one, template.two), (tmp_path / "one", tmp_path / "two"))
    return Place(one, two, tmp_path / "stick", tmp_path)


@pytest.mark.parametrize("how", ["cut", "flipped", "emptied"])
def test_a_damaged_pack_is_set_aside_and_brought_again(place: Place, how: str) -> None:
    revision = place.write(place.one, "On a stick that is pulled too early.")
    place.one.sync(place.stick)
    file = place.newest()
    good = file.read_bytes()
    bad = {"cut": good[:-40], "flipped": good[:-1] + bytes([good[-1] ^ 1]), "emptied": b""}[how]
    file.write_bytes(bad)
    report = place.two.sync(place.stick)
    assert len(report.moved.damaged) == 1
    assert not place.has(place.two, revision)
    with place.two.workspace() as ws:
        assert exchanging.mirror(ws).aside()
    place.one.sync(place.stick)
    assert place.two.sync(place.stick).moved.damaged == []
    assert place.has(place.two, revision)


def test_a_carrier_that_went_back_takes_nothing_from_anybody(place: Place) -> None:
    shutil.copytree(place.stick, place.folder / "kept")
    revision = place.write(place.one, "Before the folder was put back.")
    place.one.sync(place.stick)
    place.two.sync(place.stick)
    shutil.rmtree(place.stick)
    shutil.copytree(place.folder / "kept", place.stick)
    report = place.one.sync(place.stick)
    assert report.moved.gone
    assert place.has(place.one, revision)
    assert place.has(place.two, revision)
    shutil.rmtree(place.stick / ROOT)
    report = place.two.sync(place.stick)
    assert len(report.moved.sent) == len(Mirror(place.two.path, _realm(place.two), SeededRng(1)).listing())


def _realm(device: Device) -> bytes:
    with device.workspace() as ws:
        return ws.realm


def test_what_nobody_brought_is_counted_until_it_comes(place: Place) -> None:
    place.write(place.one, "This one is held back.")
    place.one.sync(place.stick)
    held = place.newest()
    kept = held.read_bytes()
    place.write(place.one, "This one names it.")
    place.one.sync(place.stick)
    held.unlink()
    assert place.two.sync(place.stick).missing == 1
    held.write_bytes(kept)
    assert place.two.sync(place.stick).missing == 0


def test_a_pack_of_a_newer_version_is_kept_told_and_passed_on(place: Place, tmp_path: Path) -> None:
    data = b"CWX2" + bytes(600)
    name = packs.name_of(b"n" * 16, 0, sha256(data))
    target = place.stick / ROOT / name
    target.parent.mkdir(parents=True)
    target.write_bytes(data)
    report = place.one.sync(place.stick)
    assert [(item.name, item.why) for item in report.waiting] == [(name, "newer")]
    other = tmp_path / "another"
    other.mkdir()
    place.one.sync(other)
    assert (other / ROOT / name).read_bytes() == data


def test_another_programs_folder_is_refused_and_stays_as_it_is(place: Place, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    DirectoryRemote(other, b"o" * 16, SeededRng(3))
    before = sorted(other.rglob("*"))
    with place.one.workspace() as ws, pytest.raises(OtherProgram):
        exchanging.sync(ws, line(other))
    assert sorted(other.rglob("*")) == before


def test_a_full_stick_and_one_that_is_pulled(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    revision = place.write(place.one, "There is no room.")
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if str(place.stick) in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.ENOSPC, "no space")
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", full)
    with place.one.workspace() as ws, pytest.raises(DiskFull):
        exchanging.sync(ws, line(place.stick))
    monkeypatch.undo()
    shutil.move(place.stick, place.folder / "pocket")
    with place.one.workspace() as ws, pytest.raises(CarrierGone):
        exchanging.sync(ws, line(place.stick))
    shutil.move(place.folder / "pocket", place.stick)
    place.one.sync(place.stick)
    place.two.sync(place.stick)
    assert place.has(place.two, revision)


def test_what_reads_back_differently_was_not_brought(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def lying(source: Path, target: Path) -> None:
        replace(source, target)
        if str(place.stick) in str(target) and "/p/" in str(target):
            Path(target).write_bytes(b"half")

    place.write(place.one, "On a stick that lies.")
    monkeypatch.setattr(os, "replace", lying)
    with place.one.workspace() as ws, pytest.raises(MediumUnusable, match="reads back"):
        exchanging.sync(ws, line(place.stick))


def test_a_limit_stops_cleanly_and_the_rest_follows(place: Place) -> None:
    place.write(place.one, "Over a slow line.")
    with place.one.workspace() as ws:
        report = exchanging.sync(ws, line(place.stick), budget=Budget(limit=10))
        assert report.moved.left > 0
        assert report.moved.total == 0
        assert exchanging.sync(ws, line(place.stick)).moved.left == 0


def test_a_lost_mirror_is_written_again_as_it_was(place: Place) -> None:
    before = {file.name: file.read_bytes() for file in (place.one.path / FOLDER).rglob("*-*")}
    shutil.rmtree(place.one.path / FOLDER)
    empty = place.folder / "empty"
    empty.mkdir()
    place.one.sync(empty)
    after = {file.name: file.read_bytes() for file in (place.one.path / FOLDER).rglob("*-*")}
    own = set(after) & set(before)
    assert len(own) > 1
    assert all(after[name] == before[name] for name in own)


def test_one_file_carries_everything_and_may_be_cut(place: Place, tmp_path: Path) -> None:
    mail = tmp_path / "for-the-laptop.cwx"
    revision = place.write(place.one, "By mail.")
    place.one.sync(mail)
    good = mail.read_bytes()
    mail.write_bytes(good[:-300])
    cut = place.two.sync(mail)
    assert cut.moved.damaged
    mail.write_bytes(good)
    place.two.sync(mail)
    assert place.has(place.two, revision)
    with pytest.raises(OtherProgram):
        BundleRemote(mail, b"o" * 16, SeededRng(1))
    (tmp_path / "picture.cwx").write_bytes(b"\xff\xd8")
    with pytest.raises(OtherProgram):
        BundleRemote(tmp_path / "picture.cwx", b"o" * 16, SeededRng(1))


def test_carrying_needs_no_user_and_applies_nothing(place: Place) -> None:
    revision = place.write(place.one, "For a courier.")
    place.one.sync(place.stick)
    realm = _realm(place.two)
    mirror, remote = Mirror(place.two.path, realm, SeededRng(5)), DirectoryRemote(place.stick, realm, SeededRng(6))
    moved = carrying.carry(mirror, remote, "stick", Budget())
    assert moved.received
    assert not place.has(place.two, revision)
    empty = place.folder / "empty"
    empty.mkdir()
    place.two.sync(empty)
    assert place.has(place.two, revision)


def test_a_replayed_pack_changes_nothing(place: Place) -> None:
    place.write(place.one, "Once.")
    place.one.sync(place.stick)
    place.two.sync(place.stick)
    with place.two.workspace() as ws:
        before = ws.session.db.position.revisions
    shutil.copytree(place.stick, place.folder / "again")
    report = place.two.sync(place.folder / "again")
    assert report.taken == []
    with place.two.workspace() as ws:
        assert ws.session.db.position.revisions == before


def test_odd_files_on_a_stick_neither_hold_it_up_nor_fill_memory(tmp_path: Path) -> None:
    """A pipe waits for its other end, a sparse file has no end, a link leads elsewhere."""
    carrier = DirectoryRemote(tmp_path, b"r" * 16, SeededRng(1))
    for folder in ("h", "w"):
        (tmp_path / ROOT / folder).mkdir()
    os.mkfifo(tmp_path / ROOT / "h" / ("a" * 26))
    os.mkfifo(tmp_path / ROOT / "w" / "pipe")
    (tmp_path / ROOT / "w" / "link").symlink_to("/etc/passwd")
    for name in ("w/large", "realm"):
        with (tmp_path / ROOT / name).open("wb") as file:
            file.truncate(1 << 40)
    with pytest.raises(MediumUnusable):
        carrier.get("h/" + "a" * 26)
    assert carrier.wants() == set()
    DirectoryRemote(tmp_path, b"r" * 16, SeededRng(1))
    assert (tmp_path / ROOT / "realm").stat().st_size == 32
