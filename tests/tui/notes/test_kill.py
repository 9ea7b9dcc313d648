"""The process dies in the middle of a word: what was typed more than a second before is back."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator

import pytest

from tests.support.clinic.vaults import Program
from tests.support.processes.process import Codes, start, unlock
from tests.tui.terminal import Terminal

MOST_WORDS = 60


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    """Every terminal a test opens is closed after it."""
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


@pytest.mark.parametrize("longer", [0.1, pytest.param(0.4, marks=pytest.mark.nightly)])
def test_killed_while_typing_loses_at_most_one_second(made: Program, terminals: list[Terminal], longer: float) -> None:
    """A word every 100 ms until one was seen for more than a second, then the kill at once."""
    codes = Codes(made.founder)
    terminal = unlock(start(made.path), made.founder, codes)
    terminals.append(terminal)
    terminal.press("gc").wait_for("Caseload").wait_for(r"\d people")
    terminal.press("/").type("bra").wait_for("1 person found").press("<enter>").wait_for("Safe contact")
    terminal.press("n").wait_for("Note: Max Brandt").press("<f4>").wait_for("What the client said")
    seen: dict[int, float] = {}
    while not _owed(seen, time.monotonic() - longer) and len(seen) < MOST_WORDS:
        terminal.type(f"w{len(seen)} ")
        terminal.pump(0.1)
        for found in _words(terminal):
            seen.setdefault(found, time.monotonic())
    (child,) = terminal.descendants()
    owed = _owed(seen, time.monotonic())
    terminal.kill(signal.SIGKILL, child)
    assert owed
    terminal.wait_exit()
    again = unlock(start(made.path), made.founder, codes)
    terminals.append(again)
    again.wait_for("Unsaved note").press("<home><enter>").wait_for("unsaved text restored")
    again.wait_until(lambda: owed <= _words(again), what=f"the words {sorted(owed)}")


def _owed(seen: dict[int, float], at: float) -> set[int]:
    """Words that were on the screen for more than a second."""
    return {number for number, since in seen.items() if at - since > 1.0}


def _words(terminal: Terminal) -> set[int]:
    return {int(found) for found in re.findall(r"\bw(\d+) ", terminal.screen())}
