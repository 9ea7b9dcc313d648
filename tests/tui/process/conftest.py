"""The fake program, started as the real one is: with its byte code cached."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tui.terminal import Terminal

ROOT = Path(__file__).parents[3]
CANARY = "CANARYWORD"

Start = Callable[..., Terminal]


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """The file where the fake program writes that it sealed its journal."""
    return tmp_path / "sealed"


@pytest.fixture
def start(sealed: Path) -> Iterator[Start]:
    """`start(*words)`: the fake program in a terminal; every one is ended after the test."""
    running: list[Terminal] = []

    def _start(*words: str, cols: int = 80, rows: int = 24, env: dict[str, str] | None = None) -> Terminal:
        argv = [sys.executable, "-m", "tests.tui.process.fake_program", *words]
        running.append(Terminal(argv, cols, rows, env={"SEALED": str(sealed), **(env or {})}, cwd=ROOT))
        return running[-1]

    yield _start
    for terminal in running:
        terminal.close()


@pytest.fixture
def unlocked(start: Start) -> Callable[..., Terminal]:
    """The fake program behind its prompt, with the canary on the screen and in the scrollback."""

    def _unlocked(*words: str) -> Terminal:
        terminal = start(*words).wait_for("Passphrase")
        terminal.press("anna<enter>open sesame<enter>123456<enter>")
        return terminal.wait_for(f"Today anna 11 123456 {CANARY}")

    return _unlocked
