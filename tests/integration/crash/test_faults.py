"""The disk fails at the Nth call, or is full: clean or reported, nothing acknowledged lost, reading goes on."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from iop_tui import workspace
from iop_tui.access import roles
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.records import api as records
from iop_tui.kernel.errors import DiskFull, IopError, MediumUnusable
from iop_tui.store import ballast as room
from iop_tui.workspace import Workspace
from tests.support.clinic.program import Program, Staff, note, phrase, program
from tests.support.processes.syscalls import Disk


@pytest.fixture(scope="module")
def charted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Program, Staff, bytes]:
    """A closed vault with one person in care."""
    p = program(tmp_path_factory.mktemp("faults"), roles.INDIVIDUAL_THERAPIST, roles.MEDICAL_DIRECTOR)
    person = p.register(p.founder, "Ana")
    p.assign(p.founder, person, p.founder, roles.INDIVIDUAL_THERAPIST)
    p.settle()
    p.close()
    return p, p.founder, person


def unlock(p: Program, who: Staff, path: Path) -> Workspace:
    return workspace.unlock(path, p.env, name=who.name, phrase=phrase(), code=p.code(who))


def let_go(ws: Workspace) -> None:
    """End a session whose disk failed, as the end of its process would."""
    try:
        ws.close()
    except IopError:
        ws.session.view.abandon()
        try:
            ws.session.db.close()
        except IopError:
            return


class Failing:
    """Raises at the Nth call (and at every later one where it `sticks`)."""

    def __init__(self, number: int, code: int, *, sticks: bool) -> None:
        self.number, self.code, self.sticks, self.seen = number, code, sticks, 0

    def __call__(self, kind: str, path: str) -> None:
        self.seen += 1
        if self.seen == self.number or (self.sticks and self.seen > self.number):
            raise OSError(self.code, os.strerror(self.code))


def session(ws: Workspace, person: bytes, disk: Disk) -> tuple[list[bytes], int]:
    """Save, sign and type; what was acknowledged before (or between) the errors, and how many errors were reported."""
    acked, errors, record = [], 0, None
    for number in range(3):
        try:
            notes.keep(ws, b"slot", notes.Unsaved(person, b"", {"presentation": "typing"}, number))
            saved = notes.save(ws, person, note(f"entry{number}"), record=record)
            acked.append(saved.revision)
            ws._fresh_at = ws.clock.monotonic()
            notes.sign(ws, [saved.record])
        except MediumUnusable:
            errors += 1
    return acked, errors


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
@pytest.mark.parametrize("sticks", [False, True], ids=["once", "sticky"])
def test_a_failing_call_is_reported_and_loses_nothing(
    charted: tuple[Program, Staff, bytes], scale: Any, tmp_path: Path, code: int, sticks: bool
) -> None:
    p, who, person = charted
    number, step, clean = 1, scale(1, 17), False
    while not clean:
        path = shutil.copytree(p.path, tmp_path / "vault")
        ws = unlock(p, who, path)
        disk = Disk(path)
        failing = disk.fail = Failing(number, code, sticks=sticks)
        with disk.entered():
            acked, errors = session(ws, person, disk)
        clean = failing.seen < number
        assert not (clean and errors)
        let_go(ws)
        try:
            p.tick(60)
            ws = unlock(p, who, path)
            assert [finding for finding in ws.verify() if finding.alarm] == []
            for revision in acked:
                assert ws.session.open_revision(revision)
            ws.close()
        except BaseException as error:  # whatever failed is told with the call that did
            error.add_note(f"call {number} fails with {errno.errorcode[code]}, {'from then on' if sticks else 'once'}")
            raise
        shutil.rmtree(path)
        number += step


def test_on_a_full_disk_reading_goes_on_and_the_ballast_lets_the_session_end(
    charted: tuple[Program, Staff, bytes], tmp_path: Path
) -> None:
    """Full until the ballast is given up: the save that met the wall succeeds with its room."""
    p, who, person = charted
    path = shutil.copytree(p.path, tmp_path / "vault")
    ws = unlock(p, who, path)
    saved = notes.save(ws, person, note("before"))
    ballast = path / "views" / "ballast"
    assert ballast.stat().st_size == room.BYTES
    disk = Disk(path)

    def full(kind: str, name: str) -> None:
        if kind == "write" and ballast.exists():
            raise OSError(errno.ENOSPC, "full")

    disk.fail = full
    with disk.entered():
        assert records.search(ws, "before")
        again = notes.save(ws, person, note("after"))
        assert not ballast.exists()
        assert records.read(ws, again.record)
    ws.close()
    p.tick(60)
    ws = unlock(p, who, path)
    assert ws.session.open_revision(saved.revision)
    assert ws.session.open_revision(again.revision)
    assert ws.verify() == []
    assert len(records.timeline(ws, person, kinds=("progress_note",))) == 2, "a save that met a full disk is there once"
    ws.close()


_TINY = """
import pickle, sys
from pathlib import Path
from tests.support.clinic.program import *
from iop_tui.clinical.notes import service as notes
from iop_tui.kernel.errors import IopError
import resource
path = Path(sys.argv[1])
p = program(path, "individual therapist", "medical director")
person = p.register(p.founder, "Ana")
p.assign(p.founder, person, p.founder, "individual therapist")
p.settle()
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
acked, refused = [], 0
for number in range(400):
    try:
        acked.append(notes.save(p.root, person, note("long " * 400 + str(number))).revision)
    except IopError as error:
        refused += 1
        print(type(error).__name__, error.message, file=sys.stderr)
        if refused > 3:
            break
found = sum(1 for revision in acked if p.root.session.open_revision(revision))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)) if False else None
print(len(acked), refused, found)
"""


def test_a_file_that_may_not_grow_is_a_plain_sentence(tmp_path: Path) -> None:
    """RLIMIT_FSIZE stands for a small disk: saves are refused in words, what was saved stays readable."""
    done = subprocess.run(
        [sys.executable, "-c", _TINY, str(tmp_path), str(1_000_000)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    acked, refused, found = map(int, done.stdout.split())
    assert acked > 0
    assert refused > 0
    assert found == acked
    assert {line.split()[0] for line in done.stderr.splitlines()} <= {DiskFull.__name__, MediumUnusable.__name__}
    assert resource.getrlimit(resource.RLIMIT_FSIZE)
