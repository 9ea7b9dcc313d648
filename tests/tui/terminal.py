"""A terminal for black-box tests: runs a program in a pseudo-terminal and keeps what a person would see.

The program runs below a small shell that leads the session, as at a desk: the terminal outlives the
program, so its modes and line settings can be examined afterwards, and the program's own death does
not hang up the line. Waiting is always for a condition, never for a time.

    with Terminal([sys.executable, "-m", "iop_tui"]) as terminal:
        terminal.wait_for("Passphrase")
        terminal.type("a passphrase").press("<enter>")
"""

from __future__ import annotations

import builtins
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tests.tui.screen import ScreenModel

# $1 is the terminal; stdout takes the exit status; the shell stays until its stdin closes.
_LEADER = """
exec 4>&1 5<&0
exec 0<>"$1" 1>&0 2>/dev/null; shift
trap '' TERM INT TSTP
(trap - TERM INT TSTP; exec "$@" 2>&0 4>&- 5<&-)
echo "$?" >&4
read -r _ <&5
"""

_NAMED = {
    "enter": "\r", "tab": "\t", "esc": "\x1b", "space": " ", "bs": "\x7f", "lt": "<",
    "shift+tab": "\x1b[Z", "ins": "\x1b[2~", "del": "\x1b[3~", "pgup": "\x1b[5~", "pgdn": "\x1b[6~",
    "f1": "\x1bOP", "f2": "\x1bOQ", "f3": "\x1bOR", "f4": "\x1bOS", "f5": "\x1b[15~", "f6": "\x1b[17~",
    "f7": "\x1b[18~", "f8": "\x1b[19~", "f9": "\x1b[20~", "f10": "\x1b[21~", "f11": "\x1b[23~",
    "f12": "\x1b[24~", "shift+f4": "\x1b[1;2S",
}  # fmt: skip
_CURSOR = {"up": "A", "down": "B", "right": "C", "left": "D", "home": "H", "end": "F"}
_MODIFIER = {"shift": 2, "alt": 3, "ctrl": 5}
_KEY = re.compile(r"<(paste:[^>]*|[a-z0-9+@\[\]\\^_ -]+)>|(.)", re.DOTALL)


class Timeout(AssertionError):
    """The condition did not come about in time; the message shows the screen."""


def key_bytes(name: str, application_cursor: bool = False) -> str:
    """What a terminal sends for the key called `name` (without the angle brackets)."""
    if name.startswith("paste:"):
        return f"\x1b[200~{name[6:]}\x1b[201~"
    if name in _NAMED:
        return _NAMED[name]
    if name in _CURSOR:
        return ("\x1bO" if application_cursor else "\x1b[") + _CURSOR[name]
    modifier, _, base = name.partition("+")
    if base in _CURSOR and modifier in _MODIFIER:
        return f"\x1b[1;{_MODIFIER[modifier]}{_CURSOR[base]}"
    if modifier == "ctrl" and len(base) == 1:
        return chr(ord(base.upper()) & 0x1F)
    if modifier == "alt" and base:
        return "\x1b" + _NAMED.get(base, base)
    raise ValueError(f"unknown key <{name}>")


class Terminal:
    """One run of a program; a context manager that leaves no process behind."""

    def __init__(
        self,
        argv: Sequence[str | os.PathLike[str]],
        cols: int = 80,
        rows: int = 24,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        answer: bool = False,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.raw = bytearray()
        self.model = ScreenModel(cols, rows, answer)
        self._status = b""
        self._closed = False
        self._master, self._slave = pty.openpty()
        self._set_size(cols, rows)
        self._line_before = termios.tcgetattr(self._master)
        status_read, status_write = os.pipe()
        hold_read, self._hold = os.pipe()
        self._status_fd = status_read
        self.started = time.perf_counter()
        self._leader = subprocess.Popen(
            ["/bin/sh", "-c", _LEADER, "sh", os.ttyname(self._slave), *map(str, argv)],
            env=_environment(env), cwd=cwd, start_new_session=True, stdin=hold_read,
            stdout=status_write, stderr=subprocess.DEVNULL, pass_fds=pass_fds,
        )  # fmt: skip
        os.close(status_write)
        os.close(hold_read)
        os.set_blocking(status_read, False)

    # -- keys

    def type(self, text: str) -> Terminal:
        """Send `text` as it is."""
        return self.send(text.encode())

    def press(self, keys: str) -> Terminal:
        """Send keys: text with names in angle brackets, as in `"abc<enter><ctrl+l><paste:x y>"`."""
        cursor = bool(self.model.modes.get(1))
        parts = (literal or key_bytes(name, cursor) for name, literal in _KEY.findall(keys))
        return self.send("".join(parts).encode())

    def send(self, data: bytes) -> Terminal:
        """Send bytes, taking output meanwhile so that neither side blocks."""
        os.set_blocking(self._master, False)
        while data:
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                self.pump(0.01)
        return self

    def resize(self, cols: int, rows: int) -> Terminal:
        """Change the size of the terminal; the kernel tells the program."""
        self._set_size(cols, rows)
        self.model.resize(cols, rows)
        return self

    # -- output

    def pump(self, timeout: float = 0.0) -> bool:
        """Take output that is there or comes within `timeout` seconds; whether there was any."""
        ready, _, _ = select.select([self._master], [], [], timeout)
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except (OSError, ValueError):
            return False
        self.raw += data
        replies = self.model.feed(data)
        if replies:
            self.send(replies)
        return bool(data)

    def screen(self) -> str:
        """What is visible: one line per row, trailing blanks removed."""
        self.pump()
        return self.model.text()

    def scrollback(self) -> str:
        """The lines that scrolled off the main screen and can still be scrolled back to."""
        return self.model.scrollback()

    def mark(self) -> int:
        """A position in the output, for `since`."""
        while self.pump():
            pass
        return len(self.raw)

    def since(self, mark: int) -> bytes:
        """The bytes written since `mark`."""
        while self.pump():
            pass
        return bytes(self.raw[mark:])

    # -- waiting

    def wait_until(self, condition: Callable[[], bool], timeout: float = 30.0, what: str = "condition") -> Terminal:
        """Wait until `condition` holds. Raises `Timeout` with the screen."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise Timeout(f"{what} did not happen in {timeout} s; exit {self._status!r}; screen:\n{self.screen()}")
            self.pump(0.02)
        return self

    def wait_for(self, pattern: str, timeout: float = 30.0) -> Terminal:
        """Wait until the visible screen matches the regular expression."""
        found = re.compile(pattern, re.MULTILINE)
        return self.wait_until(lambda: bool(found.search(self.model.text())), timeout, f"/{pattern}/")

    def wait_gone(self, pattern: str, timeout: float = 30.0) -> Terminal:
        """Wait until the visible screen no longer matches."""
        found = re.compile(pattern, re.MULTILINE)
        return self.wait_until(lambda: not found.search(self.model.text()), timeout, f"end of /{pattern}/")

    def settle(self, quiet: float = 0.15, timeout: float = 5.0) -> Terminal:
        """Wait until the program has written nothing for `quiet` seconds: the end of a paint."""
        deadline = time.monotonic() + timeout
        while self.pump(quiet) and time.monotonic() < deadline:
            pass
        return self

    def wait_exit(self, timeout: float = 30.0) -> int:
        """Wait for the end of the program and take its last output; its exit status."""
        self.wait_until(lambda: self.exit_status is not None, timeout, "exit")
        while self.pump(0.01):
            pass
        status = self.exit_status
        if status is None:
            raise Timeout("no exit status")
        return status

    def wait_dead(self, pids: Sequence[int], timeout: float = 30.0) -> Terminal:
        """Wait until none of these processes is alive any more (a zombie is dead)."""
        return self.wait_until(lambda: not any(map(is_alive, pids)), timeout, f"end of {pids}")

    # -- the program and what it left behind

    @property
    def exit_status(self) -> int | None:
        """The status a shell would see (128 + n after signal n), or None while the program runs."""
        try:
            self._status += os.read(self._status_fd, 16)
        except BlockingIOError:
            pass
        return int(self._status) if self._status.endswith(b"\n") else None

    @property
    def pid(self) -> int:
        """The process of the program itself."""
        self.wait_until(lambda: bool(_children(self._leader.pid)), 5.0, "start")
        return _children(self._leader.pid)[0]

    def descendants(self) -> list[int]:
        """The processes that the program started, and theirs, that are alive."""
        own = _children(self._leader.pid)
        pids = list(own)
        for pid in pids:
            pids += _children(pid)
        return pids[len(own) :]

    def kill(self, number: int = signal.SIGTERM, pid: int | None = None) -> Terminal:
        """Send a signal to the program (the parent process), or to `pid`."""
        os.kill(self.pid if pid is None else pid, number)
        return self

    def hang_up(self) -> Terminal:
        """Pull the line: the terminal is gone, as when a window is closed or SSH drops.

        The session's shell dies with it and nobody is left to report a status: use `wait_dead`.
        """
        os.close(self._slave)
        os.close(self._master)
        self._master, self._slave = os.open(os.devnull, os.O_RDWR), os.open(os.devnull, os.O_RDWR)
        return self

    def modes_left(self) -> list[str]:
        """Terminal modes and line settings that differ from those at the start; empty is clean."""
        self.pump()
        left = self.model.modes_left()
        if termios.tcgetattr(self._master)[:4] != self._line_before[:4]:
            left.append("line settings")
        return left

    def close(self) -> None:
        """End the program, its descendants and the session. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        for pid in [*self.descendants(), *_children(self._leader.pid)]:
            _kill(pid)
        os.close(self._hold)
        self._leader.kill()
        self._leader.wait()
        for fd in (self._master, self._slave, self._status_fd):
            os.close(fd)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: builtins.type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, Timeout):
            print(f"screen:\n{self.model.text()}", file=sys.stderr)
        self.close()

    def _set_size(self, cols: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return {**plain, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(extra or {})}


_FOREIGN = frozenset({"COLUMNS", "LINES", "TMUX", "STY", "TERM_PROGRAM", "NO_COLOR", "SSH_CONNECTION"})


def is_alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, children.read_text().split())
        except OSError:
            continue
    return found


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
