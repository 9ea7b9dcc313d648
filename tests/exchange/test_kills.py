"""`kill -9` at any moment of an exchange, enrolment, rotation, backup and restore: the old state or the new one, never
neither, and what was acknowledged is there.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.staff import api as staff
from iop_tui.exchange import backup, enrol
from iop_tui.exchange.remotes.directory import DirectoryRemote
from iop_tui.kernel.errors import VaultDamaged
from iop_tui.kernel.rng import SeededRng
from iop_tui.workspace import Workspace, backingup, exchanging
from tests.exchange.world.pairs import Pair, copied
from tests.support.clinic.devices import Device, line
from tests.support.clinic.vaults import Program, note, today

Scale = Callable[[int, int], int]
FULL, DEFAULT = 200, 1
AFRESH = 10
"""After so many rounds an exchange is tried with new copies: its vaults grow."""


class Killer:
    """The process that forks, and the dice that say when each child ends."""

    def __init__(self, process: subprocess.Popen[str], seed: int) -> None:
        self._process, self._dice = process, random.Random(seed)
        self.longest = 0.05
        self.finished = 0
        self.notes: list[bytes] = []

    def run(self, job: dict[str, Any], *, kill: bool = True) -> bool:
        """Begin the work, end the process somewhere in it; whether it was done before."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        read = self._process.stdout.readline
        child = int(read())
        assert read() == "go\n"
        began = time.monotonic()
        if kill:
            time.sleep(self._dice.uniform(0, self.longest))
            os.kill(child, signal.SIGKILL)
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        out = read()
        self.notes = []
        while out.startswith("note "):
            self.notes.append(bytes.fromhex(out.split()[1]))
            out = read()
        if out == "done\n":
            self.longest = max(self.longest, 1.1 * (time.monotonic() - began))
            self.finished += 1
            out = read()
            assert out.startswith("ended")
            return True
        assert out == f"ended {int(signal.SIGKILL)}\n"
        return False


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    words = [sys.executable, "-m", "tests.support.processes.killed"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Killer(process, 7)
        process.stdin.close()  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def made(template: Pair, tmp_path_factory: pytest.TempPathFactory) -> tuple[Program, Path]:
    folder = tmp_path_factory.mktemp("kills")
    one, _, _ = copied(template, folder)
    found = replace(one.program, path=one.path)
    with found.workspace() as ws:
        backingup.make(ws, folder / "kept.iopb")
    return found, folder / "kept.iopb"


def job(found: Program, kind: str, number: int, **more: object) -> dict[str, Any]:
    """What the process needs to unlock, with a code of its own."""
    found.code_clock.advance(90)
    seed = found.founder.secrets.totp_seed.reveal().hex()
    at = found.code_clock.now_ms() // 1000
    return {"job": kind, "at": at, "totp": seed, "seed": 1000 + number, **{k: str(v) for k, v in more.items()}}


def rounds(killer: Killer, scale: Scale, one: Callable[[int, bool], None]) -> None:
    """At night first a whole run, which tells how long the work takes; then so many that are killed in it."""
    killer.longest = 0.2
    if scale(FULL, DEFAULT) > DEFAULT:
        one(0, False)
    for number in range(1, scale(FULL, DEFAULT) + 1):
        one(number, True)


def opens(found: Program, path: Path) -> None:
    """The vault at a place unlocks and its complete check finds nothing."""
    device = Device(found, "copy", path, found.env, found.clock)
    with device.workspace() as ws:
        assert [item for item in ws.verify() if item.alarm] == []


def unlocked(device: Device) -> closing[Workspace]:
    """An unlock; where a change of key slots was cut off, the first one finishes it and asks for another."""
    try:
        return closing(device.unlock())
    except VaultDamaged as error:
        if "Unlock again" not in error.message:
            raise
        return closing(device.unlock())


def note_by(device: Device, stick: Path, written: set[bytes]) -> None:
    """A colleague's device meets the stick, has everything that was acknowledged, and brings a note of its own."""
    with device.workspace() as ws:
        exchanging.sync(ws, line(stick))
        assert all(ws.session.db.revision(revision) is not None for revision in written)
        notes.save(ws, device.program.people["ana"], note(today(ws), "From the other device."))
        exchanging.sync(ws, line(stick))


def test_kill_during_an_exchange(killer: Killer, template: Pair, tmp_path: Path, scale: Scale) -> None:
    """Histories of some rounds each: notes go both ways while the first device is ended and goes on."""
    rounds_left, total = scale(FULL, DEFAULT), 0
    while rounds_left:
        folder = tmp_path / str(rounds_left)
        folder.mkdir()
        one, two, stick = copied(template, folder)
        written = set[bytes]()
        for number in range(min(AFRESH, rounds_left)):
            note_by(two, stick, written)
            killer.longest = 0.5
            person = one.program.people["ana"].hex()
            work = job(one.program, "exchange", number, vault=one.path, carrier=stick, person=person)
            assert not killer.run(work)
            written |= set(killer.notes)
            with one.workspace() as ws:
                assert [item for item in ws.verify() if item.alarm] == []
                assert all(ws.session.db.revision(revision) is not None for revision in written)
                exchanging.sync(ws, line(stick))
            rounds_left -= 1
        note_by(two, stick, written)
        total += len(written)
        shutil.rmtree(folder)
    assert total or scale(FULL, DEFAULT) == DEFAULT


def test_kill_during_backup(killer: Killer, made: tuple[Program, Path], tmp_path: Path, scale: Scale) -> None:
    found = made[0]
    shutil.copytree(found.path, tmp_path / "vault")

    def one(number: int, kill: bool) -> None:
        target = tmp_path / f"{number}.iopb"
        done = killer.run(job(found, "backup", number, vault=tmp_path / "vault", target=target), kill=kill)
        if done or target.exists():
            assert backup.check(target).audit_seq > 0
        opens(found, tmp_path / "vault")
        target.unlink(missing_ok=True)

    rounds(killer, scale, one)


def test_kill_during_restore(killer: Killer, made: tuple[Program, Path], tmp_path: Path, scale: Scale) -> None:
    found, source = made

    def one(number: int, kill: bool) -> None:
        target = tmp_path / str(number) / "vault"
        target.parent.mkdir()
        done = killer.run(job(found, "restore", number, source=source, target=target), kill=kill)
        if done or target.exists():
            opens(found, target)
        else:
            assert killer.run(job(found, "restore", number, source=source, target=target), kill=False)
            opens(found, target)
        shutil.rmtree(target.parent)

    rounds(killer, scale, one)


def test_kill_during_enrolment(killer: Killer, pair: Pair, tmp_path: Path, scale: Scale) -> None:
    origin, _, carrier = pair
    found = origin.program
    new = enrol.ask("Tablet", SeededRng(5))
    DirectoryRemote(carrier, None, found.env.rng).put(enrol.request_name(new.request.device), new.stored)
    with origin.workspace() as ws:
        _, words = exchanging.admit(ws, carrier, new.words)
        exchanging.sync(ws, line(carrier))

    def one(number: int, kill: bool) -> None:
        target = tmp_path / str(number) / "vault"
        target.parent.mkdir()
        work = job(found, "enrolment", number, target=target, carrier=carrier, words=words)
        work["device"] = 5
        done = killer.run(work, kill=kill)
        if not done and not target.exists():
            # Another process draws other random names; what the first one left behind lies beside the target.
            assert killer.run({**work, "seed": work["seed"] + 1_000_000}, kill=False)
        opens(found, target)
        shutil.rmtree(target.parent)

    rounds(killer, scale, one)


def test_kill_during_rotation(killer: Killer, made: tuple[Program, Path], tmp_path: Path, scale: Scale) -> None:
    found = made[0]
    tom = found.users["tom"].user

    def one(number: int, kill: bool) -> None:
        place = tmp_path / str(number)
        shutil.copytree(found.path, place)
        done = killer.run(job(found, "rotation", number, vault=place, user=tom.hex()), kill=kill)
        with unlocked(Device(found, "copy", place, found.env, found.clock)) as ws:
            assert [item for item in ws.verify() if item.alarm] == []
            status = next(item.status for item in staff.users(ws) if item.id == tom)
            assert status == "removed" or not done
            known = ws.view.rows(
                "SELECT DISTINCT w.compartment FROM wrap w WHERE w.recipient = ? AND w.generation ="
                " (SELECT max(k.generation) FROM keyring k WHERE k.compartment = w.compartment)",
                (tom,),
            )
            # New: nothing is written any more under a key that Tom was given. Old: he has what he had.
            assert bool(known) == (status == "active")
        shutil.rmtree(place)

    rounds(killer, scale, one)
