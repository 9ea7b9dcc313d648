"""The real program as a process of its own, on a vault that `vaults.program` made.

`python -m tests.support.processes.process FOLDER [USER]`

Everything is real but the cost of the passphrase and the date, which stands where the vault's content was written.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from iop_tui.vault import totp
from tests.support.clinic.vaults import Member
from tests.tui.terminal import Terminal

ROOT = Path(__file__).parents[3]


def main() -> int:
    """As the command line does it."""
    from iop_tui.kernel.errors import IopError
    from iop_tui.shell.main import run

    folder, user = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    try:
        return run(folder, user, "", _environment)
    except IopError as error:
        sys.stderr.write(f"iop-tui: {error.message} {error.hint}\n")
        return error.exit_code


def _environment(folder: Path, now: str) -> object:
    from iop_tui import slices
    from iop_tui.kernel.clock import to_ms
    from iop_tui.shell.commands.environment import StandingClock
    from iop_tui.vault.kdf import LightKdf
    from iop_tui.workspace import Environment
    from tests.support.clinic.vaults import START

    del folder, now
    return Environment(types=slices.TYPES, clock=StandingClock(to_ms(START)), kdf=LightKdf())


def start(
    vault: Path, cols: int = 80, rows: int = 24, *, user: str = "", env: dict[str, str] | None = None
) -> Terminal:
    """The program in a terminal."""
    argv = [sys.executable, "-m", "tests.support.processes.process", str(vault), *([user] if user else [])]
    given = {**(env or {}), "PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": str(ROOT)}
    return Terminal(argv, cols, rows, env=given, cwd=ROOT)


class Codes:
    """One-time codes of a user in real time: the program takes those of now and of half a minute ahead, each once."""

    def __init__(self, member: Member) -> None:
        self._seed = member.secrets.totp_seed
        self._last = 0

    def next(self) -> str:
        """A code the program has not seen; waits for the clock where both were used."""
        while True:
            now = int(time.time()) // totp.STEP_SECONDS
            for step in (now, now + 1):
                if step > self._last:
                    self._last = step
                    return totp.code_at(self._seed, step * totp.STEP_SECONDS)
            time.sleep(0.2)


def unlock(terminal: Terminal, member: Member, codes: Codes, *, wait: str = "Today") -> Terminal:
    """Type user, passphrase and code."""
    terminal.wait_for("Passphrase")
    if "User" in terminal.screen():
        terminal.type(member.name).press("<enter>")
    return terminal.type(member.phrase.decode()).press("<enter>").type(codes.next()).press("<enter>").wait_for(wait, 20)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    raise SystemExit(main())
