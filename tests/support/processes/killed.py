"""A process that begins work and is killed: `-m tests.support.processes.killed`, which reads JSON objects.

It forks for each line. The child prints `go` when the work begins and `done` when it was acknowledged; one that writes
and exchanges until its end prints `note <id>` after each save. All is imported before the first fork and no thread runs
in the parent, so a child costs only its work.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from iop_tui import slices, workspace
from iop_tui.access.settle import settle
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.staff import service as staff
from iop_tui.exchange import enrol
from iop_tui.exchange.backup import Manifest
from iop_tui.exchange.remotes.directory import DirectoryRemote
from iop_tui.kernel.clock import FixedClock
from iop_tui.kernel.rng import SeededRng
from iop_tui.kernel.secret import Secret
from iop_tui.vault import kdf, totp
from iop_tui.workspace import Environment, Workspace, backingup, exchanging, joining, restoring
from tests.support.clinic.devices import line
from tests.support.clinic.vaults import PHRASE, note, today

Job = dict[str, Any]


def _env(job: Job) -> Environment:
    clock = FixedClock(job["at"] * 1000)
    rng = SeededRng(job["seed"])
    return Environment(types=slices.TYPES, clock=clock, code_clock=clock, kdf=kdf.LightKdf(), rng=rng)


def _unlocked(job: Job, path: Path) -> Workspace:
    code = totp.code_at(Secret(bytes.fromhex(job["totp"])), job["at"])
    ws = workspace.unlock(path, _env(job), name="Nadia", phrase=bytearray(PHRASE), code=code)
    settle(ws.session)
    return ws


def exchange(job: Job) -> None:
    """Write and exchange, again and again."""
    ws, person = _unlocked(job, Path(job["vault"])), bytes.fromhex(job["person"])
    _begins()
    for number in itertools.count():
        exchanging.sync(ws, line(Path(job["carrier"])))
        saved = notes.save(ws, person, note(today(ws), f"Number {number}."))
        print("note", saved.revision.hex(), flush=True)


def enrolment(job: Job) -> None:
    """Make a device's copy from a grant that lies on the carrier."""
    env, carrier = _env(job), Path(job["carrier"])
    new = enrol.ask("Tablet", SeededRng(job["device"]))
    outside = DirectoryRemote(carrier, None, env.rng)
    grant = enrol.open_grant(new, outside.get(enrol.grant_name(new.request.device)) or b"", job["words"])
    remote = DirectoryRemote(carrier, grant.realm, env.rng)
    _begins()
    joining.join(Path(job["target"]), env, new, grant, remote, name="Nadia", phrase=bytearray(PHRASE))


def rotation(job: Job) -> None:
    """Remove a user: keys are revoked and made anew."""
    ws = _unlocked(job, Path(job["vault"]))
    _begins()
    staff.remove(ws, bytes.fromhex(job["user"]))


def backing_up(job: Job) -> None:
    """Make a backup of an open vault."""
    ws = _unlocked(job, Path(job["vault"]))
    _begins()
    backingup.make(ws, Path(job["target"]))


def restoration(job: Job) -> None:
    """Bring a backup back."""

    def prove(staging: Path, _: Manifest) -> None:
        ws = _unlocked(job, staging)
        if [item for item in ws.verify() if item.alarm]:
            raise AssertionError("alarms")
        ws.close("restore")

    _begins()
    restoring.restore(Path(job["target"]), Path(job["source"]), [], prove)


JOBS: dict[str, Callable[[Job], None]] = {
    "exchange": exchange, "enrolment": enrolment, "rotation": rotation, "backup": backing_up, "restore": restoration,
}  # fmt: skip


def _begins() -> None:
    print("go", flush=True)


def main() -> None:
    """Until standard input ends."""
    print("ready", flush=True)
    while line := sys.stdin.readline():
        job: Job = json.loads(line)
        child = os.fork()
        if child == 0:
            print(os.getpid(), flush=True)
            JOBS[job["job"]](job)
            print("done", flush=True)
            os._exit(0)
        sys.stdin.readline()  # nobody else can have the child's number before it is waited for
        _, status = os.waitpid(child, 0)
        print(f"ended {status}", flush=True)


if __name__ == "__main__":
    main()
