"""What carriers bring that nobody asked for, by the command line: named in a sentence, kept where it is data, nothing
lost, and charting goes on.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest

from iop_tui.clinical.notes import service as notes
from iop_tui.exchange import packs
from iop_tui.exchange.remotes.directory import ROOT, DirectoryRemote
from iop_tui.kernel.rng import SeededRng
from iop_tui.shell.commands import entry, environment
from iop_tui.shell.process import harden
from iop_tui.vault.digest import sha256
from iop_tui.workspace import exchanging
from tests.exchange.world.pairs import Pair
from tests.exchange.world.shelf import light
from tests.support.clinic.devices import Device, line
from tests.support.clinic.vaults import note, today

TEN_YEARS = 10 * 365 * 86400
REFUSED, MEDIUM = 3, 7


class Said:
    """What a command said, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.text = code, " ".join(f"{out} {err}".split())


Say = Callable[..., Said]


@pytest.fixture(autouse=True)
def _cheap() -> Iterator[None]:
    """What is tried here is what carriers bring and what is said of it."""
    with light():
        yield


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Say:
    """Run the command line here, on a device, as Nadia."""

    def run(device: Device, *words: str) -> Said:
        read, write = os.pipe()
        secrets = ({"passphrase": device.program.founder.phrase.decode()}, {"totp": device.program.code("nadia")})
        os.write(write, b"".join(json.dumps(one).encode() + b"\n" for one in secrets))
        os.close(write)
        given = ["--vault", str(device.path), "--user", "Nadia", *words, "--secrets-fd", str(read)]
        capfd.readouterr()
        with mock.patch.object(environment, "make", return_value=device.env), _unhardened():
            code = entry.run_command(given)
        return Said(code, *capfd.readouterr())

    return run


@contextmanager
def _unhardened() -> Iterator[None]:
    """The process of the tests stays as it is."""
    with (
        mock.patch.object(harden, "start"),
        mock.patch.object(harden, "protect"),
        mock.patch.object(harden, "quiet_libraries"),
    ):
        yield


def write(device: Device, text: str) -> bytes:
    """A note about Ana; whatever lies on a carrier, this works."""
    with device.workspace() as ws:
        return notes.save(ws, device.program.people["ana"], note(today(ws), text)).revision


def arrives(pair: Pair, revision: bytes) -> None:
    """After all of it both devices exchange, and the note is there."""
    one, two, stick = pair
    one.sync(stick)
    with two.workspace() as ws:
        exchanging.sync(ws, line(stick))
        assert ws.view.one("SELECT 1 FROM version WHERE id = ?", (revision,)) is not None


def newest(stick: Path) -> Path:
    """The pack that was brought last."""
    return max((stick / ROOT / "p").rglob("*-*"), key=lambda file: file.stat().st_mtime_ns)


def test_a_foreign_or_empty_folder(say: Say, pair: Pair, tmp_path: Path) -> None:
    holiday, empty = tmp_path / "holiday", tmp_path / "empty"
    (holiday / "cwx1" / "p" / "beach").mkdir(parents=True)
    (holiday / "cwx1" / "p" / "beach" / "00000001-sea.jpg").write_bytes(b"\xff\xd8")
    empty.mkdir()
    for folder in (holiday, empty):
        said = say(pair[0], "sync", str(folder))
        assert said.code == 0
        assert "Received 0 packs, sent" in said.text
    assert (holiday / "cwx1" / "p" / "beach" / "00000001-sea.jpg").read_bytes() == b"\xff\xd8"
    assert "is not there" in say(pair[0], "sync", str(tmp_path / "nowhere")).text
    (tmp_path / "picture.cwx").write_bytes(b"\xff\xd8")
    assert say(pair[0], "sync", str(tmp_path / "picture.cwx")).code == REFUSED


def test_another_programs_realm(say: Say, pair: Pair, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    DirectoryRemote(other, b"o" * 16, SeededRng(3))
    before = sorted(other.rglob("*"))
    said = say(pair[0], "sync", str(other))
    assert said.code == REFUSED
    assert "another program" in said.text
    assert "Choose an empty folder" in said.text
    assert sorted(other.rglob("*")) == before


def _spliced(good: bytes, other: bytes) -> bytes:
    return good[: len(good) // 2] + other[len(other) // 2 :]


@pytest.mark.parametrize("how", ["truncated", "flipped", "spliced"])
def test_a_pack_is(say: Say, pair: Pair, how: str) -> None:
    one, two, stick = pair
    kept = newest(stick).read_bytes()
    revision = write(one, "On a stick that is not what it seems.")
    assert say(one, "sync", str(stick)).code == 0
    file = newest(stick)
    good = file.read_bytes()
    file.write_bytes(
        {"truncated": good[:-40], "flipped": good[:-1] + bytes([good[-1] ^ 1]), "spliced": _spliced(good, kept)}[how]
    )
    said = say(two, "sync", str(stick))
    assert said.code == 0
    assert "Cut or damaged on the carrier: 1 pack." in said.text
    assert "set aside" in said.text
    write(two, "Charting goes on.")
    arrives(pair, revision)


def test_a_spliced_pack_under_a_name_that_fits(say: Say, pair: Pair) -> None:
    """Somebody who knows how packs are named makes one of two, and puts a good one at another lane's place."""
    _, two, stick = pair
    files = sorted((stick / ROOT / "p").rglob("*-*"))
    one, other = files[0].read_bytes(), files[-1].read_bytes()
    spliced, lane = _spliced(one, other), b"s" * 16
    for data in (spliced, one):
        place = stick / ROOT / packs.name_of(lane, 7, sha256(data))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    said = say(two, "sync", str(stick))
    assert said.code == 0
    assert said.text.count("Not taken in: a pack is damaged") == 2
    write(two, "Charting goes on.")


def test_a_replayed_pack(say: Say, pair: Pair, tmp_path: Path) -> None:
    _, two, stick = pair
    assert say(two, "sync", str(stick)).code == 0
    with two.workspace() as ws:
        before = ws.session.db.position.revisions
    shutil.copytree(stick, tmp_path / "again")
    said = say(two, "sync", str(tmp_path / "again"))
    assert "Received 0 packs" in said.text
    with two.workspace() as ws:
        assert ws.session.db.position.revisions == before


def test_a_full_stick(say: Say, pair: Pair) -> None:
    one, _, stick = pair
    revision = write(one, "There is no room.")
    real = os.write

    def full(descriptor: int, data: bytes) -> int:
        if str(stick) in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.ENOSPC, "no space")
        return real(descriptor, data)

    with mock.patch.object(os, "write", full):
        said = say(one, "sync", str(stick))
    assert said.code == MEDIUM
    assert "full" in said.text
    write(one, "Charting goes on.")
    arrives(pair, revision)


def test_a_stick_pulled_while_writing(say: Say, pair: Pair, tmp_path: Path) -> None:
    one, _, stick = pair
    revision = write(one, "Pulled too early.")
    real, seen = os.replace, list[Path]()

    def pulled(source: Path, target: Path) -> None:
        if str(stick) in str(target) and not seen:
            seen.append(target)
            shutil.move(stick, tmp_path / "pocket")
        real(source, target)

    with mock.patch.object(os, "replace", pulled):
        said = say(one, "sync", str(stick))
    assert seen
    assert said.code == MEDIUM
    assert "Bring it back" in said.text
    write(one, "Charting goes on.")
    shutil.move(tmp_path / "pocket", stick)
    arrives(pair, revision)


def test_a_stick_that_reads_back_otherwise(say: Say, pair: Pair) -> None:
    one, _, stick = pair
    revision = write(one, "On a stick that lies.")
    real = os.replace

    def lying(source: Path, target: Path) -> None:
        real(source, target)
        if str(stick) in str(target) and "/p/" in str(target):
            Path(target).write_bytes(b"half")

    with mock.patch.object(os, "replace", lying):
        said = say(one, "sync", str(stick))
    assert said.code == MEDIUM
    assert "reads back as something else" in said.text
    arrives(pair, revision)


@pytest.mark.parametrize("years", [-1, 1], ids=["behind", "ahead"])
def test_a_clock_ten_years_off(say: Say, pair: Pair, years: int) -> None:
    one, two, stick = pair
    start = one.clock.now_ms()
    one.clock.advance(years * TEN_YEARS)
    revision = write(one, "By a clock that nobody set.")
    said = say(one, "sync", str(stick))
    assert said.code == 0
    assert "Not taken in" not in said.text
    one.clock.advance((start - one.clock.now_ms()) / 1000)
    write(two, "By a clock that is right.")
    arrives(pair, revision)


def test_a_newer_programs_packs(say: Say, pair: Pair, tmp_path: Path) -> None:
    one, two, stick = pair
    data = b"CWX2" + bytes(600)
    name = packs.name_of(b"n" * 16, 0, sha256(data))
    (stick / ROOT / name).parent.mkdir(parents=True)
    (stick / ROOT / name).write_bytes(data)
    said = say(one, "sync", str(stick))
    assert said.code == 0
    assert "Not taken in: a pack needs a newer version of iop-tui" in said.text
    other = tmp_path / "another"
    other.mkdir()
    assert say(one, "sync", str(other)).code == 0
    assert (other / ROOT / name).is_file()
    assert (other / ROOT / name).read_bytes() == data
    assert "needs a newer version" in say(two, "sync", str(other)).text
    revision = write(one, "Charting goes on.")
    arrives(pair, revision)
