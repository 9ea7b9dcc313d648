"""The driver on a real pseudo-terminal: bytes per key, nothing left behind, quick Esc, no reply needed."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator

import pytest

from tests.tui.terminal import Terminal

ARGV = (sys.executable, "-m", "tests.tui.kit.program")


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with Terminal(ARGV, 100, 30) as running:
        running.wait_for("1 of 2,000", 20).settle()
        yield running


def cost(terminal: Terminal, keys: str) -> int:
    """Bytes written after some keys."""
    mark = terminal.mark()
    terminal.press(keys).settle()
    return len(terminal.since(mark))


def test_byte_budgets(terminal: Terminal) -> None:
    assert len(terminal.raw) <= 10_000
    spent = {"down": [cost(terminal, "<down>") for _ in range(5)]}
    spent["help"] = [cost(terminal, "?"), cost(terminal, "<esc>")]
    terminal.press("gp").wait_for("Client 000").settle()
    spent["plain down"] = [cost(terminal, "<down>") for _ in range(3)]
    spent["plain page"] = [cost(terminal, "<pgdn>") for _ in range(3)]
    terminal.press("gn").wait_for("Line 0,").settle()
    spent["typed"] = [cost(terminal, each) for each in "words"]
    limits = {"down": 450, "help": 10_000, "plain down": 450, "plain page": 1_300, "typed": 300}
    assert {name: costs for name, costs in spent.items() if max(costs) > limits[name]} == {}


def test_idle_writes_nothing(terminal: Terminal) -> None:
    terminal.press("gn").wait_for("Line 0,").settle()
    mark = terminal.mark()
    terminal.settle(quiet=1.0)
    assert terminal.since(mark) == b""


def test_nothing_is_asked_of_the_terminal(terminal: Terminal) -> None:
    asked = bytes(terminal.raw)
    for query in (b"$p", b"[6n", b"[c", b"]10;?", b"]11;?", b"\x1b[?u", b"\x1bP"):
        assert query not in asked
    assert b"?1003h" not in asked
    assert b"?1004h" not in asked


@pytest.mark.parametrize("ending", ["quit", "lock", "crash", "SIGTERM", "SIGHUP"])
def test_every_end_leaves_a_clean_terminal(terminal: Terminal, ending: str) -> None:
    terminal.press("gn").wait_for("Line 0,").settle()
    keys = {"quit": "<ctrl+q>", "lock": "<ctrl+l>", "crash": "<esc>gx"}
    if ending in keys:
        terminal.press(keys[ending][:5] if ending == "crash" else keys[ending])
        if ending == "crash":
            terminal.wait_for("Ann Example 0").press("gx")
    else:
        terminal.kill(getattr(signal, ending))
    status = terminal.wait_exit()
    assert status == {"quit": 0, "lock": 0, "crash": 1, "SIGTERM": 143, "SIGHUP": 129}[ending]
    assert terminal.modes_left() == []
    left = terminal.screen() + terminal.scrollback()
    assert "Line" not in left
    assert "Example" not in left
    assert b"Marigold" not in terminal.raw
    assert ("Something failed (ref " in left) is (ending == "crash")
    assert terminal.model.title == ""
    assert terminal.model.clipboard_writes == 0


def test_the_line_going_dead_ends_the_program(terminal: Terminal) -> None:
    pid = terminal.pid
    terminal.hang_up().wait_dead([pid])


def test_escape_is_quick(terminal: Terminal) -> None:
    waits = []
    for _ in range(5):
        terminal.press("d").wait_for("Discard\\?").settle()
        mark, began = terminal.mark(), time.perf_counter()
        terminal.press("<esc>").wait_until(lambda mark=mark: len(terminal.raw) > mark)
        waits.append(time.perf_counter() - began)
        terminal.wait_gone("Discard\\?").settle()
    assert min(waits) < 0.1


def test_split_escape_sequences_are_still_keys(terminal: Terminal) -> None:
    terminal.send(b"\x1b")
    terminal.send(b"[B")
    terminal.wait_for("2 of 2,000")


def test_resize_storm_ends_with_the_right_picture(terminal: Terminal) -> None:
    for cols, rows in ((80, 24), (60, 20), (120, 40), (90, 25), (80, 24)) * 4:
        terminal.resize(cols, rows)
        terminal.pump(0.01)
    terminal.wait_for("1 of 2,000").settle()
    with Terminal(ARGV, 80, 24) as fresh:
        fresh.wait_for("1 of 2,000", 20).settle()
        assert terminal.screen() == fresh.screen()


def test_a_window_that_shrinks_and_grows_within_one_frame_shows_everything() -> None:
    with Terminal(ARGV, 80, 24) as terminal:
        before = terminal.wait_for("1 of 2,000", 20).settle().screen()
        for gap in range(10):
            terminal.resize(60, 20)
            time.sleep(gap / 1_000)
            terminal.resize(80, 24)
            terminal.wait_until(lambda: terminal.screen() == before, what=f"the same picture after {gap} ms")


def test_too_small_says_so_and_comes_back(terminal: Terminal) -> None:
    terminal.resize(59, 30).wait_for("^Make this window at least 60 x 20")
    assert "Example" not in terminal.screen()
    terminal.resize(80, 19).press("<down>").wait_for("^Make this window")
    terminal.resize(80, 24).wait_for("2 of 2,000")


def test_a_long_paste_arrives_whole(terminal: Terminal) -> None:
    terminal.press("gn").wait_for("Line 0,").settle()
    text = "".join(f"pasted {number} " for number in range(4_000))
    terminal.send(f"\x1b[200~{text}\x1b[201~".encode())
    terminal.wait_for("pasted 3999", 20)


@pytest.mark.parametrize("environment", [{"KIT_THEME": "light"}, {"KIT_THEME": "ansi"}, {"NO_COLOR": "1"},
                                         {"TERM": "vt100"}, {"TERM": "linux"}, {"TERM": "screen"}])
def test_other_terminals(environment: dict[str, str]) -> None:
    with Terminal(ARGV, 80, 24, env=environment) as terminal:
        terminal.wait_for("1 of 2,000", 20).settle()
        terminal.press("<pgdn>").wait_for("of 2,000").press("gf").wait_for("Service date").settle()
        if "NO_COLOR" in environment:
            assert b"38;5" not in terminal.raw
        if environment.get("TERM") in ("vt100", "linux"):
            assert b"\x1b[>1u" not in terminal.raw
        terminal.press("<ctrl+q>")
        assert terminal.wait_exit() == 0
        assert terminal.modes_left() == []
