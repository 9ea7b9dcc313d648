"""Processes of the program that start from one with its modules loaded: `-m tests.support.processes.preloaded SOCKET`.

A command costs half a second of imports and little else, and hundreds of them are run. Each is still a process of its
own: forked before anything was read or opened, in its own session, with its own descriptors, folder and environment,
and it ends as an interpreter ends. The one that forks has no thread, opens no vault, and ends with its standard input.
"""

from __future__ import annotations

import atexit
import functools
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

_SIZE = 1 << 20
_MODULES = (
    "iop_tui.cli", "iop_tui.shell.commands.entry", "iop_tui.shell.commands.failures", "iop_tui.shell.commands.output",
    "iop_tui.shell.commands.environment", "iop_tui.shell.commands.unlocking", "iop_tui.workspace", "iop_tui.slices",
)  # fmt: skip


class _Server:
    """The one of this test process, started when it is first needed."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="pre")
        self.place = str(Path(self._folder.name) / "s")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.processes.preloaded", self.place], cwd=Path(__file__).parents[3],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        if self._process.stdout is None or self._process.stdout.readline() != b"ready\n":
            raise AssertionError("the server of preloaded commands did not start")
        atexit.register(self.close)

    def close(self) -> None:
        """End it: it ends with its input."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(10)
        self._folder.cleanup()


_server = functools.cache(_Server)


def _ask(argv: Sequence[str], descriptors: Sequence[int], ahead: int = 0) -> tuple[socket.socket, int]:
    """Start `iop-tui ARGV` on stdin, stdout, stderr and others that keep their numbers, and close them here. Its clock
    runs `ahead` seconds before this one's.
    """
    end = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    end.connect(_server().place)
    numbers = [0, 1, 2, *descriptors[3:]]
    wish = {"argv": list(argv), "cwd": str(Path.cwd()), "env": dict(os.environ), "numbers": numbers,
            "ahead": ahead}  # fmt: skip
    socket.send_fds(end, [json.dumps(wish).encode()], list(descriptors))
    for descriptor in descriptors:
        os.close(descriptor)
    return end, int(end.recv(_SIZE))


def run(
    argv: Sequence[str], stdin: str, others: Sequence[int], timeout: float, ahead: int = 0
) -> tuple[int, str, str]:
    """A command to its end: exit code (below zero the signal), standard output, standard error. `others` are closed."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin.encode())
        given.seek(0)
        end, pid = _ask(argv, [*(os.dup(file.fileno()) for file in (given, out, err)), *others], ahead)
        with end:
            end.settimeout(timeout)
            try:
                code = int(end.recv(_SIZE))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
    return code, texts[0], texts[1]


@contextmanager
def started(argv: Sequence[str], others: Sequence[int]) -> Iterator[tuple[TextIO, TextIO]]:
    """A command that is talked to: its standard input and output. At the end its input ends, and it is waited for."""
    theirs_in, ours_in = os.pipe()
    ours_out, theirs_out = os.pipe()
    end, _ = _ask(argv, [theirs_in, theirs_out, os.open(os.devnull, os.O_WRONLY), *others])
    with end, os.fdopen(ours_out) as lines_out, os.fdopen(ours_in, "w") as lines_in:
        yield lines_in, lines_out
        lines_in.close()
        end.recv(_SIZE)


def main(place: str) -> int:
    """Serve until standard input ends. In a process of the program: its exit code."""
    _load()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(place)
        door.listen(16)
        os.write(1, b"ready\n")
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            ready, _, _ = select.select([door, 0], [], [])
            if 0 in ready:
                return 0
            end, _ = door.accept()
            if os.fork() == 0:
                break
            end.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return _attend(end)


def _load() -> None:
    import importlib

    for name in _MODULES:
        importlib.import_module(name)
    import iop_tui.shell.commands as commands

    for path in sorted(Path(commands.__path__[0]).rglob("*.py")):
        if path.stem != "__init__":
            importlib.import_module(
                ".".join((commands.__name__, *path.relative_to(commands.__path__[0]).with_suffix("").parts))
            )
    gc.collect()
    gc.freeze()


def _attend(end: socket.socket) -> int:
    data, descriptors, _, _ = socket.recv_fds(end, _SIZE, 16)
    wish = json.loads(data)
    child = os.fork()
    if child:
        for descriptor in descriptors:
            os.close(descriptor)
        end.send(str(child).encode())
        end.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())
        os._exit(0)
    end.close()
    return _become(wish, descriptors)


def _become(wish: dict[str, object], descriptors: list[int]) -> int:
    from iop_tui import cli

    os.setsid()
    # First out of the way of the numbers they are to have, then onto them.
    aside = [os.dup2(one, 200 + place) for place, one in enumerate(descriptors)]
    os.closerange(3, 200)
    for held, number in zip(aside, wish["numbers"], strict=True):  # type: ignore[call-overload]
        os.dup2(held, number)
        os.close(held)
    os.chdir(str(wish["cwd"]))
    os.environ.clear()
    os.environ.update(wish["env"])  # type: ignore[call-overload]
    sys.argv = ["iop-tui", *wish["argv"]]  # type: ignore[misc]
    if wish["ahead"]:
        _run_ahead(int(str(wish["ahead"])) * 1000)
    return cli.main()


def _run_ahead(by_ms: int) -> None:
    """Let the clock that the program injects show a later time, in this process alone."""
    from iop_tui.kernel.clock import SystemClock

    real = SystemClock.now_ms
    SystemClock.now_ms = lambda clock: real(clock) + by_ms  # type: ignore[method-assign]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
