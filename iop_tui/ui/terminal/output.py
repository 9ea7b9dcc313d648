"""The thread that writes to the terminal: one frame at a time, taken when the line is free.

The event loop never waits for the terminal. While the thread is busy writing, new frames only
change the canvas; when it is done it takes the difference to the newest picture.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

_PIECE = 1024
_BEGIN_SYNC, _END_SYNC = "\x1b[?2026h", "\x1b[?2026l"
_SYNC_FROM = 600


class FrameWriter(threading.Thread):
    """Writes what `take` returns to a file descriptor whenever it was kicked."""

    def __init__(self, descriptor: int, take: Callable[[], str], lost: Callable[[], None], *, sync: bool) -> None:
        """`lost` is called once, on this thread, when the terminal is gone. `sync`: wrap longer frames (mode 2026)."""
        super().__init__(daemon=True, name="terminal-output")
        self._descriptor, self._take, self._lost, self._sync = descriptor, take, lost, sync
        self._kicked = threading.Event()
        self._stopping = False
        self._gone = False
        self._cut = False
        self.bytes_written = 0

    def kick(self) -> None:
        """There may be something to write."""
        self._kicked.set()

    def run(self) -> None:
        """Write until stopped."""
        while not self._stopping:
            self._kicked.wait()
            self._kicked.clear()
            self._write_frames()

    def _write_frames(self) -> None:
        while frame := self._take():
            self._write_frame(frame)
            if self._cut:
                return

    def _write_frame(self, frame: str) -> None:
        if self._sync and len(frame) >= _SYNC_FROM:
            frame = f"{_BEGIN_SYNC}{frame}{_END_SYNC}"
        data = frame.encode("utf-8", "replace")
        for start in range(0, len(data), _PIECE):
            if self._stopping:
                self._cut = True
                return
            self._write(data[start:start + _PIECE])

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view and not self._gone:
                view = view[os.write(self._descriptor, view):]
        except OSError:
            self._gone = True
            self._lost()
        self.bytes_written += len(data)

    def stop(self, farewell: str, seconds: float) -> None:
        """End the thread, dropping what is not yet written, then write `farewell`.

        Waits at most `seconds` for a slow terminal; a frame that was cut is cancelled first (CAN, ECMA-48).
        """
        self._stopping = True
        self.kick()
        self.join(seconds)
        if self._gone:
            return
        cancel = f"\x18{_END_SYNC}" if self._cut and self._sync else "\x18" if self._cut else ""
        if self.is_alive():
            return
        self._write((cancel + farewell).encode())
