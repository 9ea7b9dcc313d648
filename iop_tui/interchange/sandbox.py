"""The program's side of the reading process: start it, hand it open files, take typed frames, end it.

Received files are parsed in a process of their own (`worker`), never in the one that holds keys. Nothing is
written to disk in between; the child gets descriptors, not paths, and a clean environment. A child that
dies or talks nonsense is an `InputRejected`, not a crash.
"""

from __future__ import annotations

import json
import os
import select
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

import msgspec

from iop_tui.interchange import items
from iop_tui.interchange.limits import DEFAULT, MIB, Limits
from iop_tui.interchange.moving.options import NOTHING_ASKED, Options
from iop_tui.interchange.worker import EXIT_TOO_MUCH, Announced, Opening, TooMuchFrame
from iop_tui.kernel.errors import Cancelled, InputRejected

_POLL_SECONDS = 0.1
_LONGEST_FRAME = 64 * MIB
_PIECE = 1 * MIB
_LENGTH = 4
# No bytecode files, no search path of its own: the child imports exactly what the parent would.
_FLAGS = ("-P", "-s", "-B", "-W", "ignore")
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from iop_tui.interchange.worker import run; run(int(sys.argv[2]))"
)


class OpenFile(msgspec.Struct, frozen=True):
    """A file to be read: the name to show, an open descriptor (owned by the caller), its size in bytes."""

    name: str
    fd: int
    size: int


def _never() -> bool:
    return False


def _import_path() -> str:
    return json.dumps([os.path.abspath(each) for each in sys.path])


class Sandbox:
    """One run in one child. Iterate over `frames()`; leaving the context ends the child in any case."""

    def __init__(
        self, files: list[OpenFile], *, limits: Limits = DEFAULT, options: Options = NOTHING_ASKED,
        cancelled: Callable[[], bool] = _never,
    ) -> None:
        self._files = files
        self._opening = Opening(limits, options)
        self._cancelled = cancelled
        self._current = ""
        ours, theirs = socket.socketpair()
        self._channel = ours
        with theirs:
            self._child = subprocess.Popen(
                [sys.executable, *_FLAGS, "-c", _PROGRAM, _import_path(), str(theirs.fileno())],
                pass_fds=(theirs.fileno(),), env={"LC_ALL": "C.UTF-8"}, cwd="/",
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child, whatever it is doing."""
        self._channel.close()
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()

    def _send(self, message: msgspec.Struct, descriptor: int = -1) -> None:
        body = msgspec.msgpack.encode(message)
        handed = [descriptor] if descriptor >= 0 else []
        socket.send_fds(self._channel, [len(body).to_bytes(_LENGTH, "big")], handed)
        self._channel.sendall(body)

    def _hand_over(self) -> None:
        try:
            self._send(self._opening)
            for each in self._files:
                self._send(Announced(each.name, each.size), each.fd)
            self._send(Announced("", 0))
        except OSError:
            raise self._died() from None

    def frames(self) -> Iterator[items.Frame]:
        """All frames until the run is complete. Raises `InputRejected` if the child fails, `Cancelled`."""
        self._hand_over()
        decoder = msgspec.msgpack.Decoder(items.Frame | TooMuchFrame)
        for body in self._bodies():
            try:
                frame = decoder.decode(body)
            except msgspec.MsgspecError:
                raise self._died() from None
            if isinstance(frame, TooMuchFrame):
                raise InputRejected(frame.reason, file=self._current)
            if isinstance(frame, items.Step):
                self._current = frame.progress.file
            yield frame
            if isinstance(frame, items.Done):
                return
        raise self._died()

    def _bodies(self) -> Iterator[bytes]:
        waiting = bytearray()
        while piece := self._receive():
            waiting += piece
            start = 0
            while len(waiting) - start >= _LENGTH:
                size = int.from_bytes(waiting[start : start + _LENGTH], "big")
                if size > _LONGEST_FRAME:
                    raise self._died()
                if len(waiting) - start - _LENGTH < size:
                    break
                yield bytes(waiting[start + _LENGTH : start + _LENGTH + size])
                start += _LENGTH + size
            del waiting[:start]

    def _receive(self) -> bytes:
        while True:
            if self._cancelled():
                raise Cancelled("The import was cancelled.", "What was stored stays; import again to go on.")
            ready, _, _ = select.select([self._channel], [], [], _POLL_SECONDS)
            if ready:
                try:
                    return self._channel.recv(_PIECE)
                except ConnectionError:
                    return b""

    def _died(self) -> InputRejected:
        self._channel.close()
        try:
            code = self._child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = self._child.wait()
        too_much = code == EXIT_TOO_MUCH or code < 0
        reason = "needed more memory or time than is allowed" if too_much else "could not be read"
        return InputRejected(
            f"The files {reason}; reading was stopped.", "Import the files one at a time to find the one to blame.",
            file=self._current,
        )


def open_regular(path: Path) -> tuple[int, int]:
    """A descriptor for reading and the size. Raises `InputRejected` for what is no ordinary file, `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise InputRejected("It is no ordinary file.")
    return descriptor, found.st_size
