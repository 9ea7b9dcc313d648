"""The real program in a real terminal, with keys only."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clinic.vaults import Program, copied, fresh
from tests.support.processes.process import Codes, start, unlock
from tests.tui.terminal import Terminal

SIZES = [(80, 24), pytest.param((120, 40), marks=pytest.mark.nightly)]
CANARY = "Canarywordzephyr"


@pytest.fixture
def made(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Program:
    """A copy of the small program for one test."""
    return copied(fresh(tmp_path_factory), tmp_path)


@pytest.fixture
def nadia(made: Program) -> Codes:
    """Her codes."""
    return Codes(made.users["nadia"])


@pytest.fixture
def terminals(made: Program) -> Iterator[list[Terminal]]:
    """Every terminal a test opens is closed after it."""
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def _start(made: Program, terminals: list[Terminal], size: tuple[int, int] = (80, 24), **more: str) -> Terminal:
    terminals.append(start(made.path, *size, env=more))
    return terminals[-1]


def _to_note(terminal: Terminal) -> None:
    terminal.press("gc").wait_for("Caseload").wait_for(r"\d people")
    terminal.press("/").type("bra").wait_for("1 person found").press("<enter>").wait_for("Safe contact")
    terminal.press("n").wait_for("Note: Max Brandt").press("<f4>").wait_for("What the client said")


@pytest.mark.parametrize("size", SIZES)
def test_unlock_caseload_chart_note_sign_lock_unlock_and_it_is_there(
    made: Program, nadia: Codes, terminals: list[Terminal], size: tuple[int, int]
) -> None:
    terminal = unlock(_start(made, terminals, size), made.founder, nadia)
    _to_note(terminal)
    terminal.type(f"{CANARY} slept well").press("<f4>1").type("Before the plan").press("<f4><enter>")
    terminal.wait_for("mark").press(" <enter>").wait_gone("mark").press("<f4>").type("Listened")
    terminal.press("<f4>").type("Calmer").press("<f4>212").type("Walk daily")
    terminal.press("<f8>").wait_for("! missing +Modality").press("<enter>").wait_for("! Modality")
    terminal.press("1").type("Clinic").press("<f8>").wait_for(r"\[s\] sign").press("s")
    terminal.wait_for("Timeline").wait_for(f"{CANARY}.*signed")
    terminal.press("<ctrl+l>").wait_for("Locked").wait_for("Passphrase")
    terminal.settle()
    assert CANARY not in terminal.screen()
    assert CANARY not in terminal.scrollback()
    unlock(terminal, made.founder, nadia)
    terminal.press("/").wait_for("Words to look for").type(CANARY.lower()).wait_for("1 in 1 chart")
    terminal.press("<enter><enter>").wait_for("Progress note of 2026-03-12").wait_for("Signed +Nadia")
    terminal.press("<ctrl+q>")
    assert terminal.wait_exit() == 0
    assert terminal.modes_left() == []
    assert CANARY not in terminal.screen() + terminal.scrollback()
    assert terminal.model.clipboard_writes == 0
    assert terminal.model.title == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_keeps_what_was_typed_and_leaves_a_clean_terminal(
    made: Program, nadia: Codes, terminals: list[Terminal], number: signal.Signals
) -> None:
    terminal = unlock(_start(made, terminals), made.founder, nadia)
    _to_note(terminal)
    terminal.type(f"{CANARY} half a wor").wait_for("half a wor")
    terminal.kill(number)
    assert terminal.wait_exit() == 128 + number
    assert terminal.modes_left() == []
    assert CANARY not in terminal.screen() + terminal.scrollback()
    again = unlock(_start(made, terminals), made.founder, nadia)
    again.wait_for("Unsaved note").press("<home><enter>").wait_for(f"{CANARY} half a wor")


def test_t11_kill_of_the_child_loses_at_most_a_second(made: Program, nadia: Codes, terminals: list[Terminal]) -> None:
    terminal = unlock(_start(made, terminals), made.founder, nadia)
    _to_note(terminal)
    terminal.type(f"{CANARY} kept").wait_for("unsaved text kept")
    (child,) = terminal.descendants()
    terminal.kill(signal.SIGKILL, child)
    terminal.wait_exit()
    assert terminal.modes_left() == []
    assert CANARY not in terminal.screen() + terminal.scrollback()
    again = unlock(_start(made, terminals), made.founder, nadia)
    again.wait_for("Unsaved note")


def test_wrong_secrets_are_said_and_asked_again(made: Program, nadia: Codes, terminals: list[Terminal]) -> None:
    terminal = _start(made, terminals).wait_for("Passphrase")
    terminal.type("Nadia").press("<enter>").type("not this one").press("<enter>").type("000000").press("<enter>")
    terminal.wait_for("is wrong")
    unlock(terminal, made.founder, nadia)


def test_a_second_session_is_refused_before_any_secret(made: Program, nadia: Codes, terminals: list[Terminal]) -> None:
    unlock(_start(made, terminals), made.founder, nadia)
    second = _start(made, terminals)
    assert second.wait_exit() == 6
    assert re.search(r"open in another session \(process \d+\)", second.screen())


def test_a_damaged_head_is_told_before_any_secret(made: Program, terminals: list[Terminal]) -> None:
    head = made.path / "vault.head"
    head.write_bytes(head.read_bytes()[:-10])
    terminal = _start(made, terminals)
    assert terminal.wait_exit() == 5
    assert "vault.head has" in terminal.screen()


def test_no_vault_says_what_to_do(made: Program, terminals: list[Terminal]) -> None:
    terminals.append(start(made.path.with_name("nowhere")))
    assert terminals[-1].wait_exit() == 5
    assert "iop-tui init" in terminals[-1].screen()


def test_no_colour_and_a_small_terminal(made: Program, nadia: Codes, terminals: list[Terminal]) -> None:
    terminal = unlock(_start(made, terminals, (60, 20), NO_COLOR="1"), made.founder, nadia)
    mark = terminal.mark()
    terminal.press("gc").wait_for("Caseload").settle()
    assert not re.search(rb"\x1b\[[0-9;]*(38|48);", terminal.since(mark))


def test_type_ahead_through_pages(made: Program, nadia: Codes, terminals: list[Terminal]) -> None:
    terminal = unlock(_start(made, terminals), made.founder, nadia)
    terminal.wait_for("checked")
    terminal.press("gc/qui<enter>nAhead of every page").wait_for("Note: Ana Quill").wait_for("Ahead of every page")


def test_resizing_keeps_the_text(made: Program, nadia: Codes, terminals: list[Terminal]) -> None:
    terminal = unlock(_start(made, terminals), made.founder, nadia)
    _to_note(terminal)
    terminal.type("Before the storm").wait_for("Before the storm")
    for size in ((120, 40), (60, 20), (80, 24), (132, 50), (80, 24)):
        terminal.resize(*size)
    terminal.settle().wait_for("Before the storm")
    terminal.type(" and after").wait_for("storm and after")
