"""The process beside the program: opens one carrier on a server and answers questions about it, one at a time.

Started by `carrier.py` with a clean environment. It holds no key of the vault, only what the server asks for. It ends
when the program does, and ends itself when what a server sends fills more memory than any object needs.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeVar

import msgspec

from iop_tui.exchange.remotes import places
from iop_tui.exchange.remotes.apart import frames
from iop_tui.exchange.remotes.apart.frames import Asked, Failed, Opening
from iop_tui.exchange.remotes.clients import Patience
from iop_tui.exchange.remotes.credentials import Credentials
from iop_tui.exchange.remotes.objects import ObjectRemote, Traces
from iop_tui.exchange.remotes.port import Capabilities, Cut
from iop_tui.exchange.remotes.s3 import S3Remote
from iop_tui.exchange.remotes.webdav import WebDavRemote
from iop_tui.kernel.errors import IopError
from iop_tui.kernel.rng import SystemRng

_LOOK_SECONDS = 0.05
_PAGE = resource.getpagesize()
_UNIT = 1 if sys.platform == "darwin" else 1024
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_EXIT_FAILED = 1
T = TypeVar("T", Opening, Asked)
R = TypeVar("R")

_ACTS: dict[str, Callable[[ObjectRemote, Asked], object]] = {
    "capabilities": lambda remote, asked: remote.capabilities(),
    "listing": lambda remote, asked: remote.listing(),
    "names": lambda remote, asked: remote.names(asked.name, asked.text),
    "get": lambda remote, asked: remote.get(asked.name, asked.number),
    "look": lambda remote, asked: remote.look(asked.name, asked.text),
    "size": lambda remote, asked: remote.size(asked.name),
    "put": lambda remote, asked: remote.put(asked.name, asked.data),
    "bring": lambda remote, asked: remote.bring(asked.name, asked.data),
    "swap": lambda remote, asked: remote.swap(asked.name, asked.data, asked.text),
    "want": lambda remote, asked: remote.want(asked.name),
    "wants": lambda remote, asked: remote.wants(),
    "granted": lambda remote, asked: remote.granted(asked.name),
    "heads": lambda remote, asked: remote.heads(),
    "tags": lambda remote, asked: remote.tags(asked.name),
    "probe": lambda remote, asked: remote.probe(),
    "close": lambda remote, asked: _closed(remote),
}


def _closed(remote: ObjectRemote) -> list[str]:
    remote.close()
    return remote.traces()


def drop_abilities() -> None:
    """No core dump, no written file, no other program looking in. What a platform lacks is skipped."""
    for kind in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program, which ends this process itself
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def memory() -> int:
    """Bytes of memory this process has in use now (Linux), or had at most (elsewhere)."""
    if sys.platform == "linux":
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


def _watch(parent: int, more: int) -> None:
    """End the process where it grew too much or its program has gone: an answer may never come to its end."""
    most = memory() + more
    while memory() <= most:
        if os.getppid() != parent:
            os._exit(_EXIT_FAILED)
        time.sleep(_LOOK_SECONDS)
    os._exit(frames.EXIT_TOO_MUCH)


def _opened(opening: Opening) -> ObjectRemote:
    place = places.parse(opening.place)
    kind = S3Remote if place.kind == places.S3 else WebDavRemote
    known = {field.name for field in fields(Capabilities)}
    able = None if opening.able is None else Capabilities(**{name: True for name in opening.able if name in known})
    return kind(
        place, Credentials.unpack(opening.access) if opening.access else None, opening.realm, SystemRng(), able=able,
        ca=opening.ca, patience=Patience(opening.connect, opening.silence),
        traces=Traces(opening.present, opening.earlier), proxy=opening.proxy,
    )  # fmt: skip


class _Line:
    """Questions come, answers go; `heard` tells in between that an answer goes on."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._told = 0.0

    def next(self, kind: type[T]) -> T:
        head = frames.receive(self._channel, frames.HEAD)
        body = frames.receive(self._channel, int.from_bytes(head[:-1], "big"))
        return msgspec.msgpack.decode(body, type=kind)

    def heard(self) -> None:
        now = time.monotonic()
        if now - self._told >= 1:
            self._told = now
            frames.send(self._channel, frames.GOES_ON, None)

    def answer(self, act: Callable[[], R], shown: Callable[[R], object]) -> R | None:
        """Do what was asked and answer `shown` of it; what came of it, or None where it failed."""
        self._told = time.monotonic()
        try:
            value = act()
        except IopError as error:
            data = error.data if isinstance(error, Cut) else b""
            frames.send(self._channel, frames.FAILED, Failed(error.code, error.message, error.hint, data))
            return None
        frames.send(self._channel, frames.DONE, shown(value))
        return value


def main(descriptor: int) -> None:
    """Answer until the program has no more questions."""
    drop_abilities()
    line = _Line(socket.socket(fileno=descriptor))
    opening = line.next(Opening)
    threading.Thread(target=_watch, args=(os.getppid(), opening.memory), daemon=True).start()
    remote = line.answer(partial(_opened, opening), lambda remote: remote.capabilities())
    if remote is None:
        return
    remote.heard = line.heard
    while True:
        asked = line.next(Asked)
        line.answer(partial(_ACTS[asked.what], remote, asked), lambda value: value)


def run(descriptor: int) -> NoReturn:
    """`main`, and out at once: nothing of an interpreter's tidying up is wanted here."""
    try:
        main(descriptor)
    except (BrokenPipeError, ConnectionResetError, EOFError):
        pass  # the program has gone away, or has no more questions
    finally:
        os._exit(_EXIT_FAILED)
