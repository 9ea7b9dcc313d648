"""The unlock card as a person meets it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.process.conftest import ROOT
from tests.tui.terminal import Terminal

Start = Callable[..., Terminal]


def test_the_passphrase_is_never_written_to_the_terminal(start: Start) -> None:
    terminal = start().wait_for("Passphrase").press("anna<enter>open sesame<enter>").wait_for(r"Passphrase\s+\*{11}$")
    terminal.press("123456<enter>").wait_for("Today anna 11 123456")
    assert b"sesame" not in terminal.raw
    assert terminal.model.clipboard_writes == 0
    assert terminal.model.title == ""


def test_editing(start: Start) -> None:
    terminal = start().wait_for("Passphrase").press("ann<bs>nax<bs><enter>")
    terminal.press("all wrong<ctrl+u>sésameé<bs>").wait_for(r"\*{6}$").press("<ctrl+r>").wait_for(r"sésame$")
    terminal.press("<ctrl+r>").wait_for(r"\*{6}$").press("<enter>12 34 56<enter>").wait_for("Today anna 7 123456")


def test_going_back_to_an_earlier_field(start: Start) -> None:
    terminal = start().wait_for("Passphrase").press("bob<enter>open<up><ctrl+u>anna<enter> sesame<tab>1<enter>")
    terminal.wait_for("Today anna 11 1")


@pytest.mark.parametrize("paste", ["<paste:open sesame>", "<paste:open sesame\n>", "<paste:open\x03 sesa\x1b[Ame>"])
def test_bracketed_paste_is_text_without_its_control_characters(start: Start, paste: str) -> None:
    terminal = start().wait_for("Passphrase").press(f"anna<enter>{paste}").wait_for(r"\*{11}$")
    terminal.press("<enter>1<enter>").wait_for("Today anna 11 1")


def test_keys_and_late_replies_of_the_terminal_type_nothing(start: Start) -> None:
    terminal = start().wait_for("Passphrase").press("anna<enter>")
    terminal.type("\x1b[?2026;2$y\x1b]11;rgb:0000/0000/0000\x1b\\\x1bP>|term\x1b\\")
    terminal.type("\x1b[<35;10;10M\x1b[15~\x1bOP\x1b[97;5u")
    terminal.press("open<alt+x> sesame<enter>1<enter>").wait_for("Today anna 11 1")


def test_a_lone_escape_does_not_swallow_the_next_key(start: Start) -> None:
    terminal = start().wait_for("Passphrase").press("anna<enter><esc>").settle(0.3)
    terminal.press("open sesame<enter>1<enter>").wait_for("Today anna 11 1")


def test_what_is_missing_or_unreadable_is_said(start: Start) -> None:
    terminal = start().wait_for("Passphrase").press("<enter>").wait_for("User is needed.")
    terminal.press("anna<enter>").wait_gone("needed").press("<enter>").wait_for("Passphrase is needed.")
    terminal.send(b"caf\xe9 x\r").wait_for("not UTF-8")
    terminal.send(b"x" * 50_000 + b"\r").wait_for("too long").press("open sesame<enter>1<enter>")
    terminal.wait_for("Today anna 11")


def test_failure_wait_and_caps_lock(start: Start) -> None:
    terminal = start().wait_for("Passphrase").press("anna<enter>WRONG<enter>1<enter>").wait_for("code is wrong.")
    terminal.wait_for("Try again.").wait_for("Wait 1 s").wait_for("is Caps Lock on")
    terminal.press("anna<enter>open sesame<enter>2<enter>").wait_for("then it is checked").wait_for("Today anna 11 2")


def test_a_single_user_is_not_asked_for(start: Start) -> None:
    terminal = start("one").wait_for("Passphrase")
    assert "User" not in terminal.screen()
    terminal.press("open sesame<enter>1<enter>").wait_for("Today  11 1")


@pytest.mark.parametrize("words", [("slow-card",), ("slow-card", "one")])
def test_keys_count_before_the_card_is_known_and_are_masked(start: Start, words: tuple[str, ...]) -> None:
    terminal = start(*words).wait_for("Passphrase")
    user = "" if "one" in words else "anna"
    terminal.press((f"{user}<enter>" if user else "") + "open sesame<enter>1<enter>").wait_for(f"Today {user} 11 1")
    assert b"sesame" not in terminal.raw


def test_damage_found_meanwhile_is_told_instead(start: Start) -> None:
    terminal = start("damaged").wait_for("Passphrase")
    assert terminal.wait_exit() == 5
    terminal.wait_for("^iop-tui: The file vault.head is damaged.$")
    assert terminal.modes_left() == []


def test_a_demo_shows_the_code(start: Start) -> None:
    terminal = start("demo").wait_for("DEMO").press("anna<enter>open sesame<enter>").wait_for("code-of-anna")
    terminal.press("1<enter>").wait_for("Today anna")


@pytest.mark.parametrize(("keys", "status"), [("<ctrl+q>", 0), ("<ctrl+c>", 130), ("<ctrl+d>", 130)])
def test_leaving_the_prompt_leaves_the_screen_as_it_was(keys: str, status: int) -> None:
    program = f"'{sys.executable}' -m tests.tui.process.fake_program"
    with Terminal(["sh", "-c", f"echo my earlier work; {program}"], cwd=ROOT) as terminal:
        terminal.wait_for("Passphrase")
        assert "earlier" not in terminal.screen()
        terminal.press(keys)
        assert terminal.wait_exit() == status
        assert "my earlier work" in terminal.screen()
        assert terminal.modes_left() == []
        assert b"\x1b[3J" not in terminal.raw


@pytest.mark.parametrize("words", [(), ("demo",)])
def test_an_idle_prompt_writes_nothing(start: Start, words: tuple[str, ...]) -> None:
    terminal = start(*words).wait_for("Passphrase").press("anna<enter>open sesame<enter>").wait_for(r"\*{11}$")
    mark = terminal.settle(0.3).mark()
    terminal.pump(1.5)
    assert terminal.since(mark) == b""


def test_resizing_redraws(start: Start) -> None:
    terminal = start().wait_for("Passphrase").press("anna<enter>open").wait_for(r"\*{4}$")
    terminal.resize(120, 40).wait_until(lambda: "Ctrl+Q quit" in terminal.screen().splitlines()[38])
    terminal.wait_for("anna").wait_for(r"\*{4}$").resize(50, 12).wait_for("too small").resize(80, 24)
    terminal.wait_gone("too small").press(" sesame<enter>1<enter>").wait_for("Today anna 11 1")


@pytest.mark.parametrize(("cols", "rows"), [(59, 24), (80, 19)])
def test_a_terminal_that_is_too_small_is_refused(start: Start, cols: int, rows: int) -> None:
    terminal = start(cols=cols, rows=rows)
    assert terminal.wait_exit() == 2
    assert b"too small" in terminal.raw
    assert terminal.raw.count(b"\n") <= 2
    assert terminal.modes_left() == []


def test_a_line_that_does_not_know_its_size_is_taken_as_80_by_24() -> None:
    program = f"stty rows 0 cols 0; '{sys.executable}' -m tests.tui.process.fake_program"
    with Terminal(["sh", "-c", program], cwd=ROOT) as terminal:
        terminal.wait_until(lambda: "Ctrl+Q quit" in terminal.screen().splitlines()[22])
        terminal.press("anna<enter>").wait_for("anna")


def test_a_terminal_that_only_prints(start: Start) -> None:
    terminal = start("demo", env={"TERM": "dumb"}).wait_for("User:")
    terminal.press("anna<enter>").wait_for("Passphrase:").press("opens<bs> sesame<enter>").wait_for("code-of-anna")
    assert b"\x1b" not in terminal.raw
    terminal.press("1<enter>").wait_for("Today anna 11 1")


def test_the_secret_is_in_no_argument_environment_or_parent_memory(start: Start) -> None:
    terminal = start().wait_for("Passphrase").press("anna<enter>open sesame 4711<enter>123456<enter>")
    terminal.wait_for("Today anna 16")
    for pid in [terminal.pid, *terminal.descendants()]:
        for name in ("cmdline", "environ"):
            assert b"4711" not in _read(pid, name)
    child = terminal.descendants()[0]
    assert _count(child, b"123456") or not _is_readable(child)  # the search does find what is there
    assert _count(terminal.pid, b"sesame") == 0
    assert _count(child, b"sesame") == 0
    terminal.press("l").wait_for(r"User \[anna\]")
    for pid in [terminal.pid, *terminal.descendants()]:
        assert _count(pid, b"sesame") == 0


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except PermissionError:
        return b""


def _is_readable(pid: int) -> bool:
    return os.access(f"/proc/{pid}/mem", os.R_OK)


def _count(pid: int, needle: bytes) -> int:
    """Copies of `needle` in a process' writable memory; 0 where the system rightly refuses to let us look."""
    found = 0
    try:
        with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for line in maps:
                span, rights = line.split()[:2]
                if "w" in rights and "[v" not in line:
                    start, end = (int(part, 16) for part in span.split("-"))
                    found += os.pread(memory.fileno(), end - start, start).count(needle)
    except PermissionError:
        return 0
    return found
