"""Whatever ends the program, the terminal is given back empty: no canary, no mode left on, no process left."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from iop_tui.shell.process.terminal import LEAVE_CLEARED
from tests.tui.process.conftest import CANARY, ROOT
from tests.tui.terminal import Terminal, is_alive

Unlocked = Callable[..., Terminal]


def assert_clean(terminal: Terminal) -> None:
    assert CANARY not in terminal.screen()
    assert CANARY not in terminal.scrollback()
    assert bytes(terminal.raw).rfind(CANARY.encode()) < bytes(terminal.raw).rfind(LEAVE_CLEARED)
    assert not terminal.model.in_alternate
    assert terminal.modes_left() == []


@pytest.mark.parametrize(
    ("key", "status", "said"),
    [
        ("q", 0, ""),
        ("x", 1, r"Something failed \(ref [0-9a-f]{4}\): ValueError at \S+:\d+\.$"),
        ("t", 7, "A sentence about 10.\niop-tui: And what to do."),
        ("k", 1, "The program ended unexpectedly"),
        ("g", 1, "The program ended unexpectedly"),
        ("c", 1, "The program ended unexpectedly"),
    ],
    ids=["quit", "exception", "refusal", "killed", "segfault", "killed inside a control string"],
)
def test_every_end_leaves_an_empty_terminal(unlocked: Unlocked, key: str, status: int, said: str) -> None:
    terminal = unlocked()
    pids = [terminal.pid, *terminal.descendants()]
    terminal.press(key)
    assert terminal.wait_exit() == status
    assert_clean(terminal)
    terminal.wait_for(said or r"\A\s*\Z")
    terminal.wait_dead(pids)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
@pytest.mark.parametrize("whom", ["parent", "child"])
def test_signals_seal_the_journal_and_clean(unlocked: Unlocked, sealed: Path, number: int, whom: str) -> None:
    terminal = unlocked()
    child = terminal.descendants()[0]
    terminal.kill(number, terminal.pid if whom == "parent" else child)
    assert terminal.wait_exit() == 128 + number
    assert_clean(terminal)
    assert sealed.read_text() == "sealed 10\n"
    assert not is_alive(child)


def test_a_dead_parent_is_replaced_by_the_child_as_cleaner(unlocked: Unlocked, sealed: Path) -> None:
    terminal = unlocked()
    child = terminal.descendants()[0]
    terminal.kill(signal.SIGKILL)
    assert terminal.wait_exit() == 128 + signal.SIGKILL
    terminal.wait_dead([child])
    assert_clean(terminal)
    assert sealed.read_text() == "sealed 10\n"


@pytest.mark.parametrize("key", ["h", "b"], ids=["deaf to signals", "sealing hangs"])
def test_a_child_that_does_not_end_is_ended(unlocked: Unlocked, key: str) -> None:
    terminal = unlocked().press(key)
    child = terminal.descendants()[0]
    terminal.kill(signal.SIGTERM)
    assert terminal.wait_exit(timeout=4) == 128 + signal.SIGTERM
    assert_clean(terminal)
    assert not is_alive(child)


def test_a_lock_that_hangs_is_a_lock_all_the_same(unlocked: Unlocked) -> None:
    terminal = unlocked().press("b")
    terminal.press("l").wait_for("Locked", timeout=3)
    assert CANARY not in terminal.screen() + terminal.scrollback()


def test_a_quit_whose_sealing_hangs_is_a_quit(unlocked: Unlocked) -> None:
    terminal = unlocked().press("e")
    assert terminal.wait_exit(timeout=3) == 0
    assert_clean(terminal)


def test_a_crash_seals_the_journal(unlocked: Unlocked, sealed: Path) -> None:
    assert unlocked().press("x").wait_exit() == 1
    assert sealed.read_text() == "sealed 10\n"


def test_lock_clears_everything_and_asks_again(unlocked: Unlocked, sealed: Path) -> None:
    terminal = unlocked()
    before = terminal.descendants()
    terminal.press("l").wait_for("Locked").wait_for(r"User \[anna\]")
    assert CANARY not in terminal.screen() + terminal.scrollback()
    assert sealed.read_text() == "sealed 10\n"
    assert not set(before) & set(terminal.descendants())
    terminal.press("<enter>open sesame<enter>654321<enter>").wait_for("Today anna 11 654321")
    terminal.press("l").wait_for("Locked").wait_for(r"User \[anna\]").press("<ctrl+q>")
    assert terminal.wait_exit() == 0
    assert_clean(terminal)


def test_typing_into_a_lock_neither_echoes_nor_reaches_the_prompt(unlocked: Unlocked) -> None:
    terminal = unlocked()
    mark = terminal.mark()
    terminal.press("lsecret typed too late").wait_for(r"User \[anna\]").press("<ctrl+u>x").wait_for(r"\]\s+x$")
    assert b"late" not in terminal.since(mark)


@pytest.mark.parametrize("whom", ["parent", "child"])
def test_stopping_locks(unlocked: Unlocked, whom: str) -> None:
    terminal = unlocked()
    if whom == "parent":
        terminal.kill(signal.SIGSTOP).kill(signal.SIGCONT)
    else:  # the parent sees it stop, and has it go on only to lock
        terminal.kill(signal.SIGSTOP, terminal.descendants()[0])
    terminal.wait_for("Locked")
    assert CANARY not in terminal.screen() + terminal.scrollback()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with job control")
def test_suspending_gives_the_shell_a_clean_terminal_and_resumes_locked() -> None:
    script = 'set -m; "$@"; stty -a | grep -o " echo "; echo job stopped; read -r _; fg >/dev/null; echo status $?'
    argv = ["bash", "-c", script, "bash", sys.executable, "-m", "tests.tui.process.fake_program"]
    with Terminal(argv, cwd=ROOT) as terminal:
        terminal.wait_for("Passphrase").press("anna<enter>open sesame<enter>123456<enter>").wait_for("Today anna")
        program = terminal.descendants()[0]
        terminal.kill(signal.SIGTSTP, program).wait_for("job stopped")
        assert " echo" in terminal.screen()
        assert not terminal.model.in_alternate
        assert CANARY not in terminal.screen() + terminal.scrollback()
        terminal.press("<enter>").wait_for("Locked").wait_for(r"User \[anna\]").press("<ctrl+q>").wait_for("status 0")


def test_a_lost_line_ends_everything(unlocked: Unlocked, sealed: Path) -> None:
    terminal = unlocked()
    pids = [terminal.pid, *terminal.descendants()]
    terminal.hang_up().wait_dead(pids, timeout=5)
    assert sealed.read_text() == "sealed 10\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_signals_at_the_prompt(unlocked: Unlocked, start: Callable[..., Terminal], number: int) -> None:
    terminal = start().wait_for("Passphrase")
    terminal.wait_until(lambda: b"Code" in terminal.raw and bool(terminal.descendants()))
    terminal.press("visible name").wait_for("visible name")
    pids = terminal.descendants()
    terminal.kill(number)
    assert terminal.wait_exit() == 128 + number
    terminal.wait_dead(pids).settle(0.05)
    assert "visible" not in terminal.screen()
    assert terminal.modes_left() == []
