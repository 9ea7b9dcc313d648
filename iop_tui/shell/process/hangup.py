"""Signals in the child: seal the journal, end the process. The parent cleans the terminal.

A handler never draws and never waits for the terminal. If sealing takes longer than `GRACE`, the
kernel ends the process (SIGALRM, default action): the journal is at most one second behind anyway.
If the parent is dead there is nobody else to clean up, so the child restores the terminal first.
"""

from __future__ import annotations

import os
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from iop_tui.shell.process.terminal import Terminal

QUIT = 0
LOCKED = 75
"""Exit status of a child that locked: the parent clears the terminal and starts the next prompt."""
GRACE = 0.3
"""Seconds from the decision to end (lock, hang-up, termination) to the end of the process."""
ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


class Hangup:
    """The signal handlers of one child."""

    def __init__(self, terminal: Terminal, parent: int, announce: Callable[[int], None]) -> None:
        """`announce` tells the parent the status before the end, in case the end is forced."""
        self._terminal = terminal
        self._parent = parent
        self._announce = announce
        self._seal: Callable[[], None] | None = None
        self._ending = False

    def install(self) -> None:
        """Take the signals. Call again after the Textual driver has started: it takes SIGTSTP for itself."""
        for number in ENDING:
            signal.signal(number, self._on_end)
        signal.signal(signal.SIGTSTP, self._on_lock)
        signal.signal(signal.SIGCONT, signal.SIG_DFL)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)

    def before_end(self, seal: Callable[[], None]) -> None:
        """What to do before the process ends, in whatever way: seal the journal. It runs on the main thread, once."""
        self._seal = seal

    def end(self, status: int) -> None:
        """Seal and end this process with `status`, within `GRACE` seconds whatever happens. Does not return."""
        if self._ending:
            return
        self._ending = True
        arm()
        self._clean_if_orphan()
        try:
            self._announce(status)
            if self._seal is not None:
                self._seal()
        finally:
            self._clean_if_orphan()  # again: another thread may have drawn meanwhile
            os._exit(status)

    def _clean_if_orphan(self) -> None:
        if os.getppid() != self._parent:
            self._terminal.restore(cleared=True)

    def lock(self) -> None:
        """End this process as locked."""
        self.end(LOCKED)

    def watch(self, life: int) -> None:
        """Where the kernel does not tell of the parent's death: wait for the end of the pipe it holds."""
        import threading

        threading.Thread(target=self._wait_for_end_of, args=(life,), daemon=True, name="parent-watch").start()

    @staticmethod
    def _wait_for_end_of(life: int) -> None:
        while os.read(life, 1):
            pass
        os.kill(os.getpid(), signal.SIGHUP)

    def _on_end(self, number: int, _: FrameType | None) -> None:
        self.end(128 + number)

    def _on_lock(self, number: int, _: FrameType | None) -> None:
        del number
        self.lock()


def arm(seconds: float = GRACE) -> None:
    """From now on this process ends after `seconds` at the latest, even if Python no longer runs."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


class SleepWatch:
    """Tells whether the computer slept: the clock that counts sleep runs ahead of the one that does not."""

    def __init__(self) -> None:
        self._before = self._lead()

    def slept(self) -> float:
        """Seconds of sleep since the last call; 0 where the system has no such pair of clocks."""
        now = self._lead()
        gap, self._before = now - self._before, now
        return max(0.0, gap)

    @staticmethod
    def _lead() -> float:
        boot = getattr(time, "CLOCK_BOOTTIME", None)
        return 0.0 if boot is None else time.clock_gettime(boot) - time.monotonic()
