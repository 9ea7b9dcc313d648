"""`kill -9` while somebody saves: every acknowledged save is there, typing is one keep behind at most, no alarm."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from iop_tui import workspace
from iop_tui.access import roles
from iop_tui.clinical.notes import service as notes
from iop_tui.kernel.errors import VaultInUse
from iop_tui.workspace import Workspace
from tests.support.clinic.program import Program, Staff, phrase, program
from tests.support.processes import writer

SEED = 20261121
# Children come from a process without threads: forking this one, which has some, could leave them with a held lock.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.support.processes.writer"])


@dataclass
class Acks:
    """What the killed process had told before it died."""

    revisions: list[bytes] = field(default_factory=list)
    signed: list[bytes] = field(default_factory=list)
    typed: int = -1

    def take(self, message: bytes) -> None:
        """Note one acknowledgement."""
        kind, value = message[:1], message[1:]
        if kind == writer.SAVED:
            self.revisions.append(value)
        elif kind == writer.SIGNED:
            self.signed.append(value)
        elif kind == writer.TYPED:
            self.typed = int.from_bytes(value, "big")


@pytest.fixture(scope="module")
def charted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Program, Staff, bytes]:
    """A closed vault with one person in care."""
    p = program(tmp_path_factory.mktemp("crash"), roles.INDIVIDUAL_THERAPIST, roles.MEDICAL_DIRECTOR)
    person = p.register(p.founder, "Ana")
    p.assign(p.founder, person, p.founder, roles.INDIVIDUAL_THERAPIST)
    p.settle()
    p.close()
    return p, p.founder, person


def unlock(p: Program, who: Staff, path: Path) -> Workspace:
    return workspace.unlock(path, p.env, name=who.name, phrase=phrase(), code=p.code(who))


def start(p: Program, who: Staff, path: Path, person: bytes) -> tuple[BaseProcess, Connection]:
    """The process that saves, and the end of the pipe it tells on."""
    ours, theirs = _processes.Pipe(duplex=False)
    p.tick(30)  # its code is used up by it
    seed = who.secrets.totp_seed.reveal()
    child = _processes.Process(
        target=writer.work, args=(str(path), who.name, seed, p.clock.now_ms(), person, theirs), daemon=True
    )
    child.start()
    theirs.close()
    return child, ours


def end(child: BaseProcess) -> None:
    """`kill -9`."""
    if child.pid is not None:
        os.kill(child.pid, signal.SIGKILL)
    child.join()


def killed(p: Program, who: Staff, path: Path, person: bytes, rng: random.Random) -> Acks:
    """Start the process, kill it a moment after it told a random number of things (or before it unlocked)."""
    child, told = start(p, who, path, person)
    acks, wanted = Acks(), rng.choice([0, 1, 2, 4, 5, 6, 7, 8, 9, 10])
    for _ in range(wanted):
        assert told.poll(60), "the child does not start"
        acks.take(told.recv_bytes())
    time.sleep(rng.uniform(0, 0.03 if wanted else 0.15))
    end(child)
    try:
        while True:
            acks.take(told.recv_bytes())
    except (EOFError, OSError):
        told.close()
    return acks


def check(ws: Workspace, acks: Acks) -> None:
    """Acknowledged means there."""
    assert [finding for finding in ws.verify() if finding.alarm] == []
    for identifier in acks.revisions:
        assert ws.session.open_revision(identifier)
    for record in acks.signed:
        assert ws.view.rows("SELECT status FROM record WHERE record = ?", (record,)) == [("signed",)]
    if acks.typed >= 0:
        assert notes.kept(ws)[b"slot"].at_ms >= acks.typed


def test_kills_lose_nothing_acknowledged(charted: tuple[Program, Staff, bytes], scale: Any, tmp_path: Path) -> None:
    p, who, person = charted
    path, told = tmp_path / "vault", 0
    for number in range(scale(1000, 50)):
        if number % 25 == 0:
            shutil.rmtree(path, ignore_errors=True)
            shutil.copytree(p.path, path)
        rng = random.Random(SEED + number)
        acks = killed(p, who, path, person, rng)
        told += len(acks.revisions)
        try:
            ws = unlock(p, who, path)
            check(ws, acks)
            ws.close()
        except BaseException as error:  # whatever failed is told with its seed
            error.add_note(f"seed {SEED + number}: {len(acks.revisions)} saves acknowledged")
            raise
    assert told > scale(1000, 50), "too few saves were acknowledged before the kills to mean anything"


def test_a_second_process_is_refused_and_a_killed_one_leaves_no_lock(
    charted: tuple[Program, Staff, bytes], tmp_path: Path
) -> None:
    p, who, person = charted
    path = shutil.copytree(p.path, tmp_path / "vault")
    child, told = start(p, who, path, person)
    try:
        assert told.recv_bytes()[:1] == writer.OPEN
        started = time.monotonic()
        with pytest.raises(VaultInUse, match=str(child.pid)):
            unlock(p, who, path)
        assert time.monotonic() - started < 1
    finally:
        end(child)
        told.close()
    p.tick(60)
    unlock(p, who, path).close()
