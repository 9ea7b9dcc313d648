"""The writer thread: a slow terminal never blocks, gets the newest picture, and is left clean."""

from __future__ import annotations

import os
import threading
import time

import pyte

from iop_tui.ui.terminal.cells import Canvas
from iop_tui.ui.terminal.output import FrameWriter


class Line:
    """A pipe as a terminal line; reads as slowly as it is told."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self.lock = threading.Lock()
        self.canvas = Canvas(100, 30)
        self.lost = threading.Event()
        self.output = FrameWriter(self.writer, self.take, self.lost.set, sync=False)
        self.output.start()

    def take(self) -> str:
        with self.lock:
            return self.canvas.take()

    def frame(self, number: int) -> None:
        with self.lock:
            for y in range(30):
                self.canvas.feed(f"\x1b[{y + 1};1H" + f"frame {number} row {y} ".ljust(100, "x"))
        self.output.kick()

    def read_all(self) -> bytes:
        os.set_blocking(self.reader, False)
        data, quiet = b"", 0
        while quiet < 20:
            try:
                piece = os.read(self.reader, 65536)
            except BlockingIOError:
                piece = b""
                time.sleep(0.01)
            quiet = 0 if piece else quiet + 1
            data += piece
        return data


def test_a_stuck_terminal_does_not_block_and_gets_the_newest_frame() -> None:
    line = Line()
    started = time.perf_counter()
    for number in range(1000, 1300):
        line.frame(number)
    assert time.perf_counter() - started < 5
    data = line.read_all()
    assert len(data) < 300 * 3000 / 3
    screen = pyte.Screen(100, 30)
    pyte.ByteStream(screen).feed(data)
    assert screen.display[7].startswith("frame 1299 row 7 ")
    line.output.stop("", 1)


def test_stop_drops_what_is_pending_and_says_farewell_last() -> None:
    line = Line()
    line.frame(1)
    line.read_all()
    line.output.stop("\x1b[?1049l", 1)
    assert line.read_all().endswith(b"\x1b[?1049l")
    assert not line.output.is_alive()


def test_stop_gives_up_on_a_dead_line_in_time() -> None:
    line = Line()
    for number in range(50):
        line.frame(number)
        time.sleep(0.002)
    os.set_blocking(line.writer, True)
    started = time.perf_counter()
    line.output.stop("bye", 0.2)
    assert time.perf_counter() - started < 2
    line.read_all()


def test_a_lost_terminal_is_reported_once() -> None:
    line = Line()
    os.close(line.reader)
    line.frame(1)
    assert line.lost.wait(5)
    line.frame(2)
    line.output.stop("bye", 1)
