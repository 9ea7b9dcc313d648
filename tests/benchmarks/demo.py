"""Demo vaults to measure on: made once by the program itself, copied for every run that writes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp

from iop_tui import slices, workspace
from tests.benchmarks.probe import Probe, environment

PROGRAM = [sys.executable, "-m", "iop_tui"]
_CLINICAL = "individual therapist"
TYPING_SECONDS = 2.0
"""What a person needs at least for a passphrase of fifteen characters and a code; screens are loaded meanwhile."""


@dataclass(frozen=True, slots=True)
class DemoUser:
    """One user of a demo vault with everything needed to unlock."""

    name: str
    passphrase: str
    totp_uri: str
    sees: int

    def code(self, ahead: int = 0) -> str:
        """The one-time code now, or of a later step."""
        seed = urllib.parse.parse_qs(urllib.parse.urlsplit(self.totp_uri).query)["secret"][0]
        return pyotp.TOTP(seed).at(int(time.time()) + 30 * ahead)


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo vault, never opened itself: every run gets a copy, so that codes are fresh and writes do not add up."""

    path: Path
    people: int
    notes: int
    users: tuple[DemoUser, ...]
    clinician: DemoUser

    def copy(self, folder: Path) -> Path:
        """A fresh copy of the vault."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.path, folder)
        return folder

    def open(self, folder: Path, ahead: int = 0) -> workspace.Workspace:
        """The clinician's workspace on a copy; `ahead` where a code was used on it before."""
        user = self.clinician
        env = workspace.Environment(types=slices.TYPES)
        phrase = bytearray(user.passphrase.encode())
        return workspace.unlock(folder, env, name=user.name, phrase=phrase, code=user.code(ahead))


def make(folder: Path, size: str) -> Demo:
    """The demo vault of `size` below `folder`; one that was made before is used again."""
    vault, facts = folder / size, folder / f"{size}.json"
    if not facts.exists():
        shutil.rmtree(vault, ignore_errors=True)
        done = subprocess.run(
            [*PROGRAM, "demo", "--vault", str(vault), "--size", size, "--seed", "7", "--no-open", "--json"],
            env=environment(), stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        facts.write_bytes(done.stdout)
    return _read(vault, json.loads(facts.read_text("utf-8")))


def _read(vault: Path, facts: dict[str, Any]) -> Demo:
    users = tuple(
        DemoUser(user["name"], user["passphrase"], user["totp_uri"], len(user["sees"])) for user in facts["users"]
    )
    clinical = {user["name"] for user in facts["users"] if _CLINICAL in user["roles"]}
    best = max((user for user in users if user.name in clinical), key=lambda user: user.sees)
    return Demo(vault, facts["people"], facts["notes"], users, best)


def start(vault: Path, user: DemoUser, *, rate: int = 0) -> Probe:
    """The program at its prompt."""
    return Probe([*PROGRAM, "--vault", str(vault), "--user", user.name], rate=rate)


def unlock(probe: Probe, user: DemoUser, ahead: int = 0) -> float:
    """Answer the prompt; when the last Enter was pressed. The caller waits for what it wants to see."""
    probe.when(r"(?i)passphrase")
    probe.send(user.passphrase + "<enter>")
    probe.when(r"(?i)\bcode\b")
    probe.settle(TYPING_SECONDS)
    return probe.send(user.code(ahead) + "<enter>")
