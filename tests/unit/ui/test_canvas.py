"""The canvas: what is fed arrives on the terminal, nothing else, and nothing twice."""

from __future__ import annotations

import threading
import unicodedata
from dataclasses import dataclass

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.ui.terminal.cells import Canvas
from iop_tui.ui.terminal.sgr import PLAIN, Style, apply_sgr, nearest, transition

WIDTH, HEIGHT = 24, 6
TEXTS = st.text(alphabet="ab xyzäé佐藤김e\u0301 -|", min_size=1, max_size=30)
STYLES = st.sampled_from(["", "1", "7", "4;38;5;75", "38;5;252;48;5;233", "48;5;24", "1;38;2;255;135;95", "3;9"])


@dataclass(frozen=True)
class Patch:
    x: int
    y: int
    style: str
    text: str

    def sequence(self) -> str:
        body = f"\x1b[{self.style}m{self.text}\x1b[0m" if self.style else self.text
        return f"\x1b[{self.y + 1};{self.x + 1}H{body}"


PATCHES = st.builds(Patch, st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1), STYLES, TEXTS)


def terminal() -> tuple[pyte.Screen, pyte.Stream]:
    screen = pyte.Screen(WIDTH, HEIGHT)
    return screen, pyte.Stream(screen)


def shown(screen: pyte.Screen) -> list[str]:
    """Rows as text; pyte keeps a wide character's combining mark in its second cell."""
    rows = ("".join(screen.buffer[y][x].data for x in range(WIDTH)) for y in range(HEIGHT))
    return [unicodedata.normalize("NFC", row) for row in rows]


def wanted(canvas: Canvas) -> list[str]:
    return [unicodedata.normalize("NFC", canvas.row(y)) for y in range(HEIGHT)]


@given(st.lists(st.lists(PATCHES, max_size=6), max_size=8))
def test_every_frame_arrives(frames: list[list[Patch]]) -> None:
    canvas, (screen, stream) = Canvas(WIDTH, HEIGHT), terminal()
    for frame in frames:
        canvas.feed("\n".join(patch.sequence() for patch in frame) + "\x1b[1;1H")
        stream.feed(canvas.take())
        assert shown(screen) == wanted(canvas)
        for y in range(HEIGHT):
            for x, style in enumerate(canvas.styles(y)):
                cell = screen.buffer[y][x]
                assert bool(style.attributes & 64) == cell.reverse
                assert ("default" if not style.background else None) in (None, cell.bg)


@given(st.lists(PATCHES, min_size=1, max_size=6))
def test_the_same_frame_twice_costs_nothing(frame: list[Patch]) -> None:
    canvas = Canvas(WIDTH, HEIGHT)
    data = "".join(patch.sequence() for patch in frame) + "\x1b[1;1H"
    canvas.feed(data)
    canvas.feed(data)
    canvas.take()
    canvas.feed(data)
    assert canvas.take() == ""


@given(st.lists(PATCHES, min_size=2, max_size=10))
def test_frames_nobody_saw_are_not_sent(frames: list[Patch]) -> None:
    one_by_one, at_once = Canvas(WIDTH, HEIGHT), Canvas(WIDTH, HEIGHT)
    total = 0
    for frame in frames:
        one_by_one.feed(frame.sequence())
        total += len(one_by_one.take())
        at_once.feed(frame.sequence())
    screen, stream = terminal()
    stream.feed(at_once.take())
    assert shown(screen) == wanted(one_by_one)


def test_a_typed_character_is_one_cell() -> None:
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.feed("\x1b[1;1Hhello wor\x1b[1;1H")
    canvas.take()
    canvas.feed("\x1b[1;1Hhello worl\x1b[1;1H")
    assert canvas.take() == "\x1b[9Cl\r"


def test_no_line_feed_reaches_the_terminal() -> None:
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.feed("\x1b[1;1Hone\n\x1b[2;1Htwo\n\x1b[6;1Hlast\n")
    assert "\n" not in canvas.take()


@pytest.mark.parametrize("sequence", [
    "\x1b]52;c;c2VjcmV0\x07", "\x1b]0;Ann Example\x07", "\x1b]2;Ann\x1b\\", "\x1b]8;id=1;https://example.org\x1b\\",
    "\x1bPsecret\x1b\\", "\x1b]22;pointer\x07", "\x1b_G\x1b\\",
])
def test_strings_for_the_terminal_are_dropped(sequence: str) -> None:
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.take()
    canvas.feed(sequence)
    assert canvas.take() == ""


def test_modes_pass_in_order_and_the_alternate_screen_is_repainted() -> None:
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.take()
    canvas.feed("\x1b[?1049h\x1b[?25l\x1b[>1u")
    canvas.feed("\x1b[1;1Htext\x1b[1;1H")
    out = canvas.take()
    assert out.startswith("\x1b[?1049h\x1b[?25l\x1b[>1u\x1b[m\x1b[H\x1b[2J")
    assert "text" in out


def test_an_unknown_sequence_passes_after_what_came_before_it_and_repaints() -> None:
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.take()
    canvas.feed("\x1b[1;1Hbefore")
    canvas.feed("\x1b[5S")
    canvas.feed("\x1b[2;1Hafter")
    out = canvas.take()
    assert out.index("before") < out.index("\x1b[5S") < out.index("after")
    assert "\x1b[2J" in out[out.index("\x1b[5S"):]


def test_resize_keeps_what_is_drawn_and_repaints() -> None:
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.feed("\x1b[1;1Hkept\x1b[1;23H藤")
    canvas.take()
    canvas.resize(23, 3)
    screen = pyte.Screen(23, 3)
    pyte.Stream(screen).feed(canvas.take())
    assert screen.display[0].rstrip() == "kept"


def test_a_notice_covers_and_uncovers() -> None:
    canvas, (screen, stream) = Canvas(WIDTH, HEIGHT), terminal()
    canvas.feed("\x1b[?25l\x1b[1;1Hbefore")
    stream.feed(canvas.take())
    canvas.cover("Too small, really, for anything at all.")
    canvas.feed("\x1b[1;1Hmeanwhile")
    stream.feed(canvas.take())
    assert screen.display[0].strip() == "Too small, really, for anything at all."[:WIDTH - 1].strip()
    assert canvas.take() == ""
    canvas.cover("")
    stream.feed(canvas.take())
    assert shown(screen) == wanted(canvas)
    assert screen.display[0].startswith("meanwhile")


def test_text_of_unclear_width_never_shifts_the_row() -> None:
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.feed("\x1b[1;1Ha👨‍👩‍👧b")
    out = canvas.take()
    assert out.endswith("\x1b[1;4Hb")


def test_blank_tails_are_erased_only_where_the_terminal_colours_them() -> None:
    for coloured in (True, False):
        canvas = Canvas(WIDTH, HEIGHT, coloured_erase=coloured)
        canvas.feed("\x1b[1;1H\x1b[48;5;24m" + "x" * WIDTH + "\x1b[0m")
        canvas.take()
        canvas.feed("\x1b[1;1H\x1b[48;5;24m" + " " * WIDTH + "\x1b[0m")
        assert ("\x1b[K" in canvas.take()) is coloured


@given(st.lists(STYLES, min_size=2, max_size=6))
def test_style_changes_arrive_whatever_was_before(parameters: list[str]) -> None:
    pen = PLAIN
    for each in parameters:
        target = apply_sgr(PLAIN, each or "0")
        sequence = transition(pen, target)
        reached = pen
        for part in sequence.split("\x1b[")[1:]:
            reached = apply_sgr(reached, part.removesuffix("m") or "0")
        assert reached == target
        pen = target
    assert transition(None, Style()) == "\x1b[m"


def test_nearest_colour_is_exact_for_the_cube_and_the_greys() -> None:
    levels = (0, 95, 135, 175, 215, 255)
    for red in range(6):
        for blue in range(6):
            assert nearest(levels[red], 95, levels[blue]) in {16 + 36 * red + 6 + blue, 241 if red == blue == 1 else -1}
    assert [nearest(grey, grey, grey) for grey in (8, 18, 238)] == [232, 233, 255]


def test_feeding_and_taking_on_two_threads_is_guarded_by_the_driver() -> None:
    """The canvas itself is not locked; the driver's lock is what this documents."""
    canvas, lock = Canvas(WIDTH, HEIGHT), threading.Lock()
    out: list[str] = []

    def take() -> None:
        for _ in range(200):
            with lock:
                out.append(canvas.take())

    thread = threading.Thread(target=take)
    thread.start()
    for number in range(200):
        with lock:
            canvas.feed(f"\x1b[1;1H{number:05}")
    thread.join()
    out.append(canvas.take())
    screen, stream = terminal()
    stream.feed("".join(out))
    assert screen.display[0].startswith("00199")
