"""Measures a terminal program from outside: when its bytes come, how many, and what the processor paid.

The probe stamps each piece of output the moment it is read and interprets it later, so that keeping a
screen does not disturb the times. Linux only: processor time is read from /proc.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.tui.screen import ScreenModel
from tests.tui.terminal import key_bytes

COLS, ROWS = 100, 30
_KEYS = re.compile(r"<([^>]+)>|(.)", re.DOTALL)
_TICK = os.sysconf("SC_CLK_TCK")

# Without compiled files every start pays for compiling: never what is to be measured.
_LEFT_OUT = {"PYTHONDONTWRITEBYTECODE", "NO_COLOR", "SSH_CONNECTION", "TMUX", "COLUMNS", "LINES"}


@dataclass(frozen=True, slots=True)
class Paint:
    """What one key caused: seconds to its first and last byte, and the number of bytes."""

    first: float
    last: float
    size: int


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of measured programs: a true-colour terminal, nothing that changes behaviour."""
    plain = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    return {**plain, "TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_ANIMATIONS": "none", **(extra or {})}


class Probe:
    """One run of a program in a pseudo-terminal; a context manager that leaves no process behind.

    `rate` limits how fast the terminal takes output, in bytes per second: a slow line.
    """

    def __init__(self, argv: Sequence[str], *, cols: int = COLS, rows: int = ROWS, rate: int = 0) -> None:
        self.model = ScreenModel(cols, rows)
        self._rate = rate
        self._pieces: list[tuple[float, bytes]] = []
        self._seen = 0
        self._allowed_at = 0.0
        self._fd, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        surroundings = environment()
        self.started = time.perf_counter()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._fd)
            os.login_tty(slave)
            os.execvpe(argv[0], list(argv), surroundings)
        os.close(slave)
        os.set_blocking(self._fd, False)

    # -- output

    def pump(self, timeout: float) -> bool:
        """Take output that is there or comes within `timeout` seconds."""
        if self._rate:
            pause = self._allowed_at - time.perf_counter()
            if pause > 0:
                time.sleep(min(pause, timeout))
                if pause > timeout:
                    return True  # more may be waiting behind the slow line
        if not select.select([self._fd], [], [], timeout)[0]:
            return False
        try:
            data = os.read(self._fd, max(64, self._rate // 100) if self._rate else 65536)
        except OSError:
            return False
        now = time.perf_counter()
        if data:
            self._pieces.append((now, data))
            self._allowed_at = max(now, self._allowed_at) + len(data) / self._rate if self._rate else 0.0
        return bool(data)

    def settle(self, quiet: float = 0.06, timeout: float = 30.0) -> None:
        """Read until nothing came for `quiet` seconds."""
        end = time.perf_counter() + timeout
        while time.perf_counter() < end and self.pump(quiet):
            pass

    def size(self) -> int:
        """Bytes written so far."""
        return sum(len(data) for _, data in self._pieces)

    @property
    def last_output(self) -> float:
        """When the newest byte came, on the clock of `time.perf_counter`."""
        return self._pieces[-1][0] if self._pieces else self.started

    def when(self, pattern: str, timeout: float = 60.0, quiet: float = 0.12) -> float:
        """When the screen first matched `pattern`, on the clock of `time.perf_counter`. Raises `TimeoutError`.

        Output is taken until the program is quiet, then replayed piece by piece.
        """
        found = re.compile(pattern, re.MULTILINE)
        end = time.perf_counter() + timeout
        while time.perf_counter() < end:
            self.settle(quiet, timeout)
            while self._seen < len(self._pieces):
                at, data = self._pieces[self._seen]
                self._seen += 1
                self.model.feed(data)
                if found.search(self.model.text()):
                    return at
            if not self.alive():
                break
        raise TimeoutError(f"/{pattern}/ never came; the screen shows:\n{self.model.text()}")

    def show(self) -> str:
        """The visible text now."""
        for _, data in self._pieces[self._seen :]:
            self.model.feed(data)
        self._seen = len(self._pieces)
        return self.model.text()

    # -- keys

    def send(self, keys: str) -> float:
        """Type `keys` (names in angle brackets); when they were written."""
        cursor = bool(self.model.modes.get(1))
        data = "".join(text or key_bytes(name, cursor) for name, text in _KEYS.findall(keys)).encode()
        at = time.perf_counter()
        while data:
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:
                self.pump(0.01)
        return at

    def press(self, keys: str, quiet: float = 0.06) -> Paint:
        """Type `keys` and wait until everything they caused is on the screen."""
        self.settle(quiet)
        before = len(self._pieces)
        at = self.send(keys)
        end = at + 5.0
        while len(self._pieces) == before and time.perf_counter() < end:
            self.pump(0.05)
        self.settle(quiet)
        caused = self._pieces[before:]
        if not caused:
            return Paint(0.0, 0.0, 0)
        return Paint(caused[0][0] - at, caused[-1][0] - at, sum(len(data) for _, data in caused))

    # -- the processes

    def family(self) -> list[int]:
        """The program and everything it started."""
        found = [self.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                try:
                    found += map(int, children.read_text().split())
                except OSError:
                    continue
        return found

    def cpu(self) -> float:
        """Processor seconds of all processes of the program so far."""
        total = 0
        for pid in self.family():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            total += int(fields[11]) + int(fields[12])
        return total / _TICK

    def calm(self, timeout: float = 300.0) -> None:
        """Wait until what the program does by itself behind the screen is done. Raises `TimeoutError`."""
        end = time.perf_counter() + timeout
        while time.perf_counter() < end:
            before = self.cpu()
            self.settle(1.0)
            if self.cpu() - before < 0.05:
                return
        raise TimeoutError("the program never came to rest")

    def ended(self) -> float:
        """Wait for the end; when it came, on the clock of `time.perf_counter`."""
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        return time.perf_counter()

    def alive(self) -> bool:
        """Whether the program still runs."""
        return self.pid > 0 and os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def close(self) -> None:
        """End the program and whatever it started."""
        for pid in reversed(self.family()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        os.waitpid(self.pid, 0)
        os.close(self._fd)

    def __enter__(self) -> Probe:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()
