"""The terminal driver: Textual's Linux driver that writes only the cells that changed.

Differences to the stock driver, each for a reason:

- output goes through `Canvas` and `FrameWriter`: a few hundred bytes per key, never a blocked loop;
- it asks the terminal nothing and waits for no reply: no mode queries, no focus reports, no pixel mouse;
- Esc is recognised after 30 ms of silence (80 ms over a network), not after Textual's 100 to 200 ms;
- end of input is a hang-up; input ends through a pipe, so that quitting does not wait for a poll;
- no window title, clipboard or link sequence can leave; at the end the screen and its scrollback are wiped.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import termios
import threading
import tty
from codecs import getincrementaldecoder
from typing import TYPE_CHECKING, Any, Protocol, cast

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size

from iop_tui.ui.terminal.cells import Canvas
from iop_tui.ui.terminal.output import FrameWriter

if TYPE_CHECKING:
    from textual.app import App

FAREWELL = "\x1b[0m\x1b[H\x1b[2J\x1b[?1049l\x1b[3J\x1b[?7h\x1b[?25h"
"""Wipe the alternate screen, leave it, wipe the scrollback, wrap lines again, show the cursor."""

LEAST_WIDTH, LEAST_HEIGHT = 60, 20
TOO_SMALL = f"Make this window at least {LEAST_WIDTH} x {LEAST_HEIGHT}. Nothing is lost."

_STOP_SECONDS = 0.3
_MOUSE = ("1000", "1002", "1006")
_NO_KITTY = ("linux", "vt", "dumb", "ansi", "cons", "sun")
_SYNC_TERMS = ("kitty", "foot", "alacritty", "ghostty", "contour", "wezterm")


class HangUp(Protocol):
    """What the driver asks of the app when the terminal is gone."""

    def hang_up(self, reason: str) -> None: ...


def remote(environ: os._Environ[str] | dict[str, str]) -> bool:
    """Whether the terminal is on the other side of a network."""
    return any(name in environ for name in ("SSH_CONNECTION", "SSH_TTY", "MOSH_CONNECTION"))


class DiffDriver(LinuxDriver):
    """Row-diffing driver for Linux, macOS and WSL. The app must offer `hang_up` (`KitApp` does)."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None,
    ) -> None:
        """As Textual's driver; `debug` is ignored (it would write a log of all keys)."""
        del debug
        kept = {number: signal.getsignal(number) for number in (signal.SIGTSTP, signal.SIGCONT)}
        super().__init__(app, debug=False, mouse=mouse, size=size)
        for number, handler in kept.items():
            signal.signal(number, handler)
        self._out = sys.__stdout__.fileno() if sys.__stdout__ is not None and sys.__stdout__.isatty() else 2
        self._term = os.environ.get("TERM", "")
        self._lock = threading.RLock()
        width, height = self._get_terminal_size()
        self._canvas = Canvas(width, height, coloured_erase=not self._term.startswith("screen"))
        self._writer: FrameWriter | None = None
        self._wake_read, self._wake_write = os.pipe()
        self._input_open = True
        self._hung_up = False
        self._escape_seconds = 0.08 if remote(os.environ) else 0.03

    @property
    def can_suspend(self) -> bool:
        """Never: suspension locks the program."""
        return False

    def _get_terminal_size(self) -> tuple[int, int]:
        for descriptor in (getattr(self, "_out", 1), self.fileno):
            try:
                width, height = os.get_terminal_size(descriptor)
            except OSError:
                continue
            if width and height:
                return width, height
        return 80, 24

    # -- output ----------------------------------------------------------------------------------

    def write(self, data: str) -> None:
        """Draw on the canvas; the writer thread sends what changed."""
        with self._lock:
            self._canvas.feed(data)
        if self._writer is not None:
            self._writer.kick()

    def _take(self) -> str:
        with self._lock:
            return self._canvas.take()

    def _lost(self) -> None:
        self._tell_hang_up("the terminal is gone")

    def _tell_hang_up(self, reason: str) -> None:
        if self._hung_up or self._loop.is_closed():
            return
        self._hung_up = True
        self._loop.call_soon_threadsafe(cast(HangUp, self._app).hang_up, reason)

    @property
    def bytes_written(self) -> int:
        """Bytes sent to the terminal so far."""
        return self._writer.bytes_written if self._writer is not None else 0

    # -- start and stop --------------------------------------------------------------------------

    def start_application_mode(self) -> None:
        """Alternate screen, raw input, resize handling; nothing is asked of the terminal."""
        self._writer = FrameWriter(self._out, self._take, self._lost, sync=self._term.startswith(_SYNC_TERMS))
        self._writer.start()
        asyncio.get_running_loop().add_signal_handler(signal.SIGWINCH, self._resized)
        self._set_raw()
        self._cover()
        self._canvas.feed("\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?2004h")
        if self._kitty():
            self._canvas.feed("\x1b[>1u")
        self._enable_mouse_support()
        self._post_size()
        self._key_thread = threading.Thread(target=self.run_input_thread, name="terminal-input", daemon=True)
        self._key_thread.start()

    def _kitty(self) -> bool:
        """Whether the kitty keyboard protocol may be asked for; terminals without it ignore the request."""
        return not self._term.startswith(_NO_KITTY) and os.environ.get("TERM_PROGRAM") != "Apple_Terminal"

    def _set_raw(self) -> None:
        try:
            self.attrs_before = termios.tcgetattr(self.fileno)
        except termios.error:
            self.attrs_before = None
            return
        mode = termios.tcgetattr(self.fileno)
        mode[tty.LFLAG] = mode[tty.LFLAG] & ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
        mode[tty.IFLAG] = self._patch_iflag(mode[tty.IFLAG])
        mode[tty.CC][termios.VMIN] = 1
        termios.tcsetattr(self.fileno, termios.TCSANOW, mode)

    def _enable_mouse_support(self) -> None:
        if self._mouse:
            self.write("".join(f"\x1b[?{mode}h" for mode in _MOUSE))

    def _disable_mouse_support(self) -> None:
        """Part of the farewell."""

    def _resized(self) -> None:
        width, height = self._get_terminal_size()
        with self._lock:
            unchanged = (width, height) == (self._canvas.width, self._canvas.height)
            self._canvas.resize(width, height)
            self._cover()
        if unchanged and self._writer is not None:
            self._writer.kick()
        self._post_size()

    def _cover(self) -> None:
        small = self._canvas.width < LEAST_WIDTH or self._canvas.height < LEAST_HEIGHT
        self._canvas.cover(TOO_SMALL if small else "")

    def _post_size(self) -> None:
        size = Size(self._canvas.width, self._canvas.height)
        asyncio.run_coroutine_threadsafe(self._app._post_message(events.Resize(size, size)), loop=self._loop)

    def disable_input(self) -> None:
        """End the input thread at once; safe to call twice."""
        if not self._input_open:
            return
        self._input_open = False
        if not self._loop.is_closed():
            self._loop.remove_signal_handler(signal.SIGWINCH)
        os.write(self._wake_write, b"x")
        if self._key_thread is not None and self._key_thread is not threading.current_thread():
            self._key_thread.join(_STOP_SECONDS)

    def stop_application_mode(self) -> None:
        """Leave nothing behind: screen and scrollback wiped, every mode off, the terminal as it was."""
        self.disable_input()
        if self._writer is not None:
            mouse = "".join(f"\x1b[?{mode}l" for mode in _MOUSE) if self._mouse else ""
            self._writer.stop(f"{mouse}\x1b[?2004l{chr(27) + '[<u' if self._kitty() else ''}{FAREWELL}", _STOP_SECONDS)
            self._writer = None
        if self.attrs_before is not None:
            try:
                termios.tcsetattr(self.fileno, termios.TCSAFLUSH, self.attrs_before)
            except termios.error:
                self.attrs_before = None

    def close(self) -> None:
        """Close the pipe that wakes the input thread."""
        for descriptor in (self._wake_read, self._wake_write):
            if descriptor >= 0:
                os.close(descriptor)
        self._wake_read = self._wake_write = -1

    # -- input -----------------------------------------------------------------------------------

    def run_input_thread(self) -> None:
        """Read keys until the app ends or the terminal is gone."""
        parser = XTermParser(False)
        decode = getincrementaldecoder("utf-8")("replace").decode
        while self._input_open:
            waiting = parser._timeout_time is not None
            patience = self._escape_seconds if waiting else None
            ready, _, _ = select.select([self.fileno, self._wake_read], [], [], patience)
            if self._wake_read in ready:
                return
            if not ready:
                parser._timeout_time = 0.0
                self._deliver(parser.tick())
                continue
            data = self._read_terminal()
            if not data:
                self._tell_hang_up("end of input")
                return
            self._deliver(parser.feed(decode(data)))

    def _read_terminal(self) -> bytes:
        try:
            return os.read(self.fileno, 4096)
        except OSError:
            return b""

    def _deliver(self, messages: Any) -> None:
        for message in messages:
            self.process_message(message)
