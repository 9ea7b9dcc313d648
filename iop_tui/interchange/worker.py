"""The reading process: a fresh interpreter without keys, without the terminal, without a writable file.

Started by `sandbox`. Open files arrive over a socket, frames leave over the same. Before the first byte is
read it gives up what reading does not need: it may not write files, start processes, dump core or grow
without bound. What a hostile file can break here is this process.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import socket
import sys
from typing import NoReturn

import msgspec

from iop_tui.interchange import items
from iop_tui.interchange.limits import ADDRESS_SPACE, CPU_SECONDS, Limits
from iop_tui.interchange.moving.options import Options
from iop_tui.interchange.reader import Source

_LENGTH = 4
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
EXIT_FAILED = 1
EXIT_TOO_MUCH = 3


class Announced(msgspec.Struct, frozen=True):
    """One file on its way: the name to show and its size in bytes. An empty name ends the list."""

    name: str
    size: int


class Opening(msgspec.Struct, frozen=True):
    """The first message: the limits of the run, and what was asked for."""

    limits: Limits
    options: Options = Options()


class TooMuchFrame(msgspec.Struct, frozen=True, tag="too_much"):
    """The last frame of a run that is too large as a whole."""

    reason: str


def _limit(kind: int, value: int) -> None:
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (value, value))


def drop_abilities() -> None:
    """Memory, time, files, processes, core dumps: all capped for good. What a platform lacks is skipped."""
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NPROC, 0)
    _limit(resource.RLIMIT_AS, ADDRESS_SPACE)
    _limit(resource.RLIMIT_CPU, CPU_SECONDS)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


class Line:
    """Length-prefixed messages, with at most one open file each, over one socket."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def receive(self) -> tuple[bytes, int]:
        """The next message and the descriptor that came with it (-1 for none)."""
        head, handed, _, _ = socket.recv_fds(self._channel, _LENGTH, 1)
        if len(head) < _LENGTH:
            raise EOFError
        body = b""
        wanted = int.from_bytes(head, "big")
        while len(body) < wanted:
            piece = self._channel.recv(wanted - len(body))
            if not piece:
                raise EOFError
            body += piece
        return body, handed[0] if handed else -1

    def send(self, body: bytes) -> None:
        """One message."""
        self._channel.sendall(len(body).to_bytes(_LENGTH, "big") + body)


def _receive_files(line: Line) -> tuple[list[Source], Opening]:
    first, _ = line.receive()
    opening = msgspec.msgpack.decode(first, type=Opening)
    sources: list[Source] = []
    while True:
        body, handed = line.receive()
        announced = msgspec.msgpack.decode(body, type=Announced)
        if not announced.name:
            return sources, opening
        sources.append(Source(len(sources), announced.name, handed, announced.size))


def main(descriptor: int) -> int:
    """Read what comes over the socket; the exit code says whether the run was complete."""
    drop_abilities()
    line = Line(socket.socket(fileno=descriptor))
    encoder = msgspec.msgpack.Encoder()
    sources, opening = _receive_files(line)
    # The mapping code is imported after the limits are in force.
    from iop_tui.interchange.fhir.passes import TooMuch
    from iop_tui.interchange.moving.dispatch import read_all

    try:
        read_all(sources, opening.limits, opening.options, lambda frame: line.send(encoder.encode(frame)))
    except TooMuch as reason:
        line.send(encoder.encode(TooMuchFrame(str(reason))))
        return EXIT_TOO_MUCH
    except MemoryError:
        return EXIT_TOO_MUCH
    line.send(encoder.encode(items.Done()))
    return 0


def run(descriptor: int) -> NoReturn:
    """`main`, and out at once: nothing of an interpreter's tidying up is wanted here."""
    code = EXIT_FAILED
    try:
        code = main(descriptor)
    except (BrokenPipeError, EOFError):
        pass  # the program has gone away
    finally:
        os._exit(code)
