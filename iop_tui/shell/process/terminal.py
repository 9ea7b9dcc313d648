"""The raw terminal: line settings, sizes, plain writes and the bytes that leave it clean.

Imports nothing but `os` and `termios`, because the prompt must be on screen within one and a half
times the start of a bare interpreter. No text of a record ever passes through here.
"""

from __future__ import annotations

import os
import termios

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from iop_tui.kernel.errors import Usage

COLS, ROWS = 80, 24
"""What every screen is designed for; also assumed where a line does not tell its size."""
MIN_COLS, MIN_ROWS = 60, 20

ENTER = b"\x1b[?1049h\x1b[?2004h\x1b[H\x1b[2J"
"""Alternate screen, bracketed paste, empty."""

# CAN and ST end a sequence or string that a killed program left half written. Then: synchronised
# output off; kitty keyboard popped (its stack belongs to the alternate screen); mouse (1000-1003,
# 1005, 1006, 1015, 1016), focus (1004), paste (2004) and in-band size reports (2048) off; cursor keys,
# keypad, character set, margins, insert and origin mode as in a fresh terminal; no style.
_MODES_OFF = (
    b"\x18\x1b\\\x1b[?2026l\x1b[<9u"
    b"\x1b[?1000;1002;1003;1005;1006;1015;1016l\x1b[?1004;2004;2048l"
    b"\x1b[?1;6l\x1b[4l\x1b>\x1b(B\x0f\x1b[r\x1b[0m\x1b[?7h"
)
WIPE = b"\x1b[2J\x1b[3J\x1b[H"
"""Screen and scrollback cleared (ED 2 and ED 3)."""
LEAVE = _MODES_OFF + b"\x1b[2J\x1b[?1049l\x1b[?25h"
"""Out of the alternate screen; what the person had on the main screen comes back."""
LEAVE_CLEARED = _MODES_OFF + WIPE + b"\x1b[?1049l\x1b[0m" + WIPE + b"\x1b[?25h"
"""Out of the alternate screen, with both screens and the scrollback cleared (ED 2 and ED 3).

Also written between a lock and the next prompt, which enters the alternate screen again.
"""


class Terminal:
    """A terminal on two file descriptors, with the line settings it had at first."""

    __slots__ = ("dumb", "in_fd", "out_fd", "settings")

    def __init__(self, in_fd: int, out_fd: int) -> None:
        self.in_fd = in_fd
        self.out_fd = out_fd
        self.settings = termios.tcgetattr(in_fd)
        self.dumb = os.environ.get("TERM", "dumb") in ("", "dumb", "unknown")

    def size(self) -> tuple[int, int]:
        """Columns and rows; 80 x 24 where the line does not know (a serial line reports 0)."""
        try:
            cols, rows = os.get_terminal_size(self.out_fd)
        except OSError:
            return COLS, ROWS
        return cols or COLS, rows or ROWS

    def fits(self) -> bool:
        """Whether the smallest layout has room."""
        cols, rows = self.size()
        return cols >= MIN_COLS and rows >= MIN_ROWS

    def raw(self) -> None:
        """No echo, no line editing, no signal or flow-control keys; what was typed before is dropped.

        Dropping matters: until now the line echoed. Output processing stays on, so `\\n` is a new line.
        """
        new = [*self.settings[:6], list(self.settings[6])]
        new[0] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR | termios.IXON | termios.IXOFF | termios.ISTRIP)
        new[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
        new[6][termios.VMIN] = 1
        new[6][termios.VTIME] = 0
        termios.tcsetattr(self.in_fd, termios.TCSAFLUSH, new)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write all of it. Raises `OSError` when the terminal is gone."""
        view = memoryview(data)
        while view:
            view = view[os.write(self.out_fd, view) :]

    def drop_output(self) -> None:
        """Throw away what was written and not yet sent: a slow line may still hold a screen of text."""
        attempt(lambda: termios.tcflush(self.out_fd, termios.TCOFLUSH))

    def blank(self) -> None:
        """After a lock: nothing of the last screen remains, and the next prompt can be drawn. Never fails."""
        self.drop_output()
        attempt(lambda: self.write(LEAVE_CLEARED))

    def restore(self, *, cleared: bool) -> None:
        """Give the terminal back: modes off, line settings as found. Never fails.

        `cleared` also wipes both screens and the scrollback: whenever a record may have been shown.
        """
        if cleared:
            self.drop_output()
        if cleared or not self.dumb:
            attempt(lambda: self.write(LEAVE_CLEARED if cleared else LEAVE))
        attempt(self.settle)

    def settle(self) -> None:
        """Line settings as found; what was typed and not read is dropped."""
        termios.tcsetattr(self.in_fd, termios.TCSAFLUSH, self.settings)


def attempt(call: Callable[[], object]) -> None:
    """Call; a terminal that is already gone needs no cleaning."""
    try:
        call()
    except (OSError, termios.error):
        return


def open_screen() -> Terminal:
    """The terminal for the app: standard input and output. Raises `Usage` when it cannot be used."""
    if not (os.isatty(0) and os.isatty(1)):
        raise _refusal(
            "This needs a terminal for input and output.",
            "Run it in a terminal window, or use the commands with --secrets-fd (see `iop-tui --help`).",
        )
    terminal = Terminal(0, 1)
    if not terminal.fits():
        cols, rows = terminal.size()
        raise _refusal(
            f"The terminal is too small: {cols} x {rows}; at least {MIN_COLS} x {MIN_ROWS} are needed.",
            "Make the window larger or the letters smaller, then start again.",
        )
    return terminal


def open_line() -> Terminal:
    """The terminal for questions of a command: standard input, or the person's terminal when input is piped.

    Output goes to standard error, so that data on standard output stays clean. Raises `Usage`
    when nobody sits there (input is not a terminal, and neither is standard error).
    """
    if os.isatty(0):
        return Terminal(0, next((fd for fd in (2, 1) if os.isatty(fd)), 0))
    if os.isatty(2):
        try:
            line = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            line = -1
        if line >= 0:
            return Terminal(line, line)
    raise _refusal(
        "There is no terminal to ask for the passphrase.",
        "Run it in a terminal, or give the secrets with --secrets-fd N.",
    )


def _refusal(message: str, hint: str) -> Usage:
    from iop_tui.kernel.errors import Usage  # costs more than this module's whole share of the start

    return Usage(message, hint)
