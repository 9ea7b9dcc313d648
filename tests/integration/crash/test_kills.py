"""`kill -9` while somebody saves: every acknowledged save is there, typing is one keep behind at most, no alarm."""

from __future__ import annotations

import os
import random
import select
import shutil
import signal
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest

from iop_tui import workspace
from iop_tui.access import roles
from iop_tui.clinical.notes import service as notes
from iop_tui.workspace import Workspace
from tests.support.program import Program, Staff, note, phrase, program

SEED = 20261121
_ACK = struct.Struct(">c16s")
_SAVED, _SIGNED, _TYPED, _OPEN = b"r", b"s", b"t", b"o"


@dataclass
class Acks:
    """What the killed process had told before it died."""

    revisions: list[bytes] = field(default_factory=list)
    signed: list[bytes] = field(default_factory=list)
    typed: int = -1

    def take(self, raw: bytes) -> None:
        """Read whole messages; a torn last one was not told."""
        for kind, value in _ACK.iter_unpack(raw[: len(raw) - len(raw) % _ACK.size]):
            if kind == _SAVED:
                self.revisions.append(value)
            elif kind == _SIGNED:
                self.signed.append(value)
            elif kind == _TYPED:
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


def _work(p: Program, who: Staff, path: Path, person: bytes, out: int) -> NoReturn:
    """The process that is killed: saves, signs and types as fast as it can, telling each on a pipe once it returned."""
    try:
        ws = unlock(p, who, path)
        os.write(out, _ACK.pack(_OPEN, bytes(16)))
        for number in range(10_000):
            notes.keep(ws, b"slot", notes.Unsaved(person, b"", {"presentation": "typing " * 9}, number))
            os.write(out, _ACK.pack(_TYPED, number.to_bytes(16, "big")))
            saved = notes.save(ws, person, note(f"entry{number}"))
            os.write(out, _ACK.pack(_SAVED, saved.revision))
            ws._fresh_at = ws.clock.monotonic()
            notes.sign(ws, [saved.record])
            os.write(out, _ACK.pack(_SIGNED, saved.record))
    finally:
        os._exit(1)


def killed(p: Program, who: Staff, path: Path, person: bytes, rng: random.Random) -> Acks:
    """Start the process, kill it a moment after it told a random number of things (or before it unlocked)."""
    from_child, to_parent = os.pipe()
    p.tick(30)
    child = os.fork()
    if child == 0:
        os.close(from_child)
        _work(p, who, path, person, to_parent)
    os.close(to_parent)
    p.tick(30)  # the child used the code of this step
    raw, wanted = b"", rng.choice([0, 1, 2, 4, 5, 6, 7, 8, 9, 10]) * _ACK.size
    while len(raw) < wanted:
        assert select.select([from_child], [], [], 30)[0], "the child does not start"
        raw += os.read(from_child, wanted - len(raw))
    time.sleep(rng.uniform(0, 0.03 if wanted else 0.15))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while part := os.read(from_child, 1 << 16):
        raw += part
    os.close(from_child)
    acks = Acks()
    acks.take(raw)
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
        except BaseException as error:
            error.add_note(f"seed {SEED + number}: {len(acks.revisions)} saves acknowledged")
            raise
    assert told > scale(1000, 50), "too few saves were acknowledged before the kills to mean anything"


def test_a_second_process_is_refused_and_a_killed_one_leaves_no_lock(
    charted: tuple[Program, Staff, bytes], tmp_path: Path
) -> None:
    from iop_tui.kernel.errors import VaultInUse

    p, who, person = charted
    path = shutil.copytree(p.path, tmp_path / "vault")
    from_child, to_parent = os.pipe()
    p.tick(30)
    child = os.fork()
    if child == 0:
        _work(p, who, path, person, to_parent)
    os.close(to_parent)
    try:
        assert os.read(from_child, _ACK.size)[:1] == _OPEN
        started = time.monotonic()
        with pytest.raises(VaultInUse, match=str(child)):
            unlock(p, who, path)
        assert time.monotonic() - started < 1
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(from_child)
    p.tick(60)
    unlock(p, who, path).close()
