"""A signal that comes just before the program begins to wait is heard at once, not when the next key comes."""

from __future__ import annotations

import ctypes
import os
import pty
import signal
import subprocess
import threading
from collections.abc import Iterator

import pytest

from iop_tui.shell.background import Background
from iop_tui.shell.process.card import Card
from iop_tui.shell.process.parent import Parent
from iop_tui.shell.process.prompt import Prompt
from iop_tui.shell.process.terminal import Terminal as RawTerminal


class _Raiser(int):
    """A signal that an attribute raises in C: Python looks for signals only after the call it is on the way into."""

    now = property(ctypes.CDLL(None)["raise"])


class _Asked:
    """A number whose last word, when C asks for it, is a signal."""

    def __init__(self, value: int, number: int) -> None:
        self._value, self._raiser = value, _Raiser(number)
        self._left = 1

    def __index__(self) -> int:
        if not self._left:
            return self._value
        self._left = 0
        self._raiser.now  # noqa: B018  # from here on no Python code runs until C has the number
        return self._value


@pytest.fixture
def own_signals() -> Iterator[None]:
    """Handlers and mask of this process, put back after the test."""
    numbers = (*range(1, 16), signal.SIGCHLD, signal.SIGCONT, signal.SIGTSTP)
    before = {number: signal.getsignal(number) for number in numbers}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in before.items():
        if number not in (signal.SIGKILL,) and handler is not None:
            signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@pytest.mark.usefixtures("own_signals")
def test_the_parent_hears_a_signal_that_came_just_before_it_waits() -> None:
    master, slave = pty.openpty()
    child = subprocess.Popen(["/bin/sleep", "5"])
    parent = Parent(lambda _: 0, RawTerminal(slave, slave), ask_user=False)
    parent._hold_signals()
    parent._child = _Asked(child.pid, signal.SIGTERM)  # type: ignore[assignment]
    try:
        status = parent._wait()
    finally:
        child.kill()
        os.close(master)
        os.close(slave)
    assert os.WIFSIGNALED(status), "the child slept to its end before the signal was passed on"
    assert os.WTERMSIG(status) == signal.SIGTERM


class _Ended(Exception):
    """What the handler of this test does."""


def test_the_prompt_hears_a_signal_that_came_just_before_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    last_thing, asked = _Raiser(signal.SIGUSR1), Background.fileno
    released, nothing_came = threading.Event(), list[bool]()

    def fileno(waited_for: Background[Card]) -> int:
        descriptor = asked(waited_for)
        last_thing.now  # noqa: B018  # nothing of Python runs between this and `select`
        return descriptor

    def card() -> Card:
        nothing_came.append(not released.wait(5))
        return Card()

    def ended(*_: object) -> None:
        raise _Ended

    monkeypatch.setattr(Background, "fileno", fileno)
    before = signal.signal(signal.SIGUSR1, ended)
    master, slave = pty.openpty()
    try:
        with pytest.raises(_Ended):
            Prompt(RawTerminal(slave, slave)).ask(card)
        assert not nothing_came, "the signal was heard when the card came"
    finally:
        released.set()
        signal.signal(signal.SIGUSR1, before)
        os.close(master)
        os.close(slave)
