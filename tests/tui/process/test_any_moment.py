"""Killed at any moment of its life, from the first byte on, the program leaves a clean terminal and no process."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.tui.process.conftest import CANARY
from tests.tui.terminal import Terminal

Start = Callable[..., Terminal]
_KEYS = "anna<enter>open sesame<enter>123456<enter>"


@pytest.mark.parametrize("whom", ["child", "parent"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_killed_at_any_moment(start: Start, scale: Callable[[int, int], int], whom: str, number: int) -> None:
    count = scale(60, 4)
    whole = _length_of_a_run(start)
    for moment in range(count):
        terminal = _after(start(), 1 + whole * moment // count)
        pids = [terminal.pid, *terminal.descendants()]
        terminal.kill(number, pids[0] if whom == "parent" else pids[-1])
        terminal.wait_exit()
        terminal.wait_dead(pids).settle(0.02)
        assert CANARY not in terminal.screen() + terminal.scrollback()
        assert terminal.modes_left() == []
        terminal.close()


def _after(terminal: Terminal, size: int) -> Terminal:
    """The program when it has a child and has written `size` bytes."""
    terminal.wait_until(lambda: bool(terminal.descendants()), what="fork").press(_KEYS)
    return terminal.wait_until(lambda: len(terminal.raw) >= size, what=f"{size} bytes")


def _length_of_a_run(start: Start) -> int:
    terminal = start().wait_for("Passphrase").press(_KEYS).wait_for("Today")
    return terminal.mark()
