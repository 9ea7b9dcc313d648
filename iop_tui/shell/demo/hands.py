"""More than one process for sealing and signing: helpers make, one writer appends, in the order of the jobs.

Helpers are forks that know what the generator knew and touch no database: they compute, write to a pipe and end.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, TypeVar

import msgspec

from iop_tui.kernel.errors import Unexpected

J = TypeVar("J")
_PIPE_BYTES = 1024 * 1024
_LENGTH = 4


class Sealed(msgspec.Struct, frozen=True, array_like=True):
    """A finished write on its way to the writer: how many notes it holds, when, sealed events, rows of revisions."""

    notes: int
    at_ms: int
    events: list[bytes]
    revisions: list[tuple[bytes, bytes, bytes, int, bytes, bool, bytes]]


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def made(jobs: Sequence[J], make: Callable[[J], Iterable[Sealed]], hands: int) -> Iterator[tuple[J, Sealed]]:
    """What `make` gives for every job, in the order of the jobs; with more than one hand, helpers make it."""
    if hands < 2:
        for job in jobs:
            for sealed in make(job):
                yield job, sealed
        return
    helpers = [_start(jobs[first::hands], make) for first in range(hands)]
    try:
        for number, job in enumerate(jobs):
            for sealed in _received(helpers[number % hands][1]):
                yield job, sealed
    finally:
        for process, pipe in helpers:
            pipe.close()
            os.waitpid(process, 0)


def _start(jobs: Sequence[J], make: Callable[[J], Iterable[Sealed]]) -> tuple[int, BinaryIO]:
    read, write = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    process = os.fork()
    if process == 0:
        code = 1
        try:
            os.close(read)
            _help(write, jobs, make)
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    return process, os.fdopen(read, "rb", _PIPE_BYTES)


def _help(write: int, jobs: Sequence[J], make: Callable[[J], Iterable[Sealed]]) -> None:
    with os.fdopen(write, "wb", _PIPE_BYTES) as out:
        for job in jobs:
            for sealed in make(job):
                raw = msgspec.msgpack.encode(sealed)
                out.write(len(raw).to_bytes(_LENGTH, "big") + raw)
            out.write(bytes(_LENGTH))
            out.flush()


def _received(pipe: BinaryIO) -> Iterator[Sealed]:
    """The writes of one job, up to its end mark."""
    while True:
        head = pipe.read(_LENGTH)
        if len(head) < _LENGTH:
            raise Unexpected(
                "A helper process ended before its work was done.", "Try again; the folder can be deleted."
            )
        size = int.from_bytes(head, "big")
        if not size:
            return
        yield msgspec.msgpack.decode(pipe.read(size), type=Sealed)
