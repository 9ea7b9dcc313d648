"""A carrier on a server, spoken with in a process of its own (`worker.py`): the program's side of it.

Every answer is bounded, in size by what the process may fill, in time by how long nothing new may come. A server that
goes beyond is named; the process is ended, and with it what it sent. A stop is heeded within seconds, whatever the
server does.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import select
import socket
import sys
import time
import weakref
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from iop_tui.exchange.names import LARGEST, is_head, is_part, parse_name
from iop_tui.exchange.remotes import failures, places, port
from iop_tui.exchange.remotes.apart import frames
from iop_tui.exchange.remotes.apart.frames import Asked, Failed, Opening
from iop_tui.exchange.remotes.clients import LONGEST, Patience
from iop_tui.exchange.remotes.credentials import Credentials
from iop_tui.exchange.remotes.failures import Endless, NoAnswer, Unable
from iop_tui.exchange.remotes.objects import fresh_trace
from iop_tui.exchange.remotes.places import Place
from iop_tui.exchange.remotes.port import Capabilities, Cut, Look
from iop_tui.kernel.errors import Cancelled, IopError
from iop_tui.kernel.rng import SystemRng

if TYPE_CHECKING:
    import subprocess

T = TypeVar("T")
MOST_MEMORY = 6 * LARGEST
"""Bytes: the largest object a few times over, for it is copied on its way, and everything else."""
_LISTS = frozenset({"listing", "names", "tags", "heads", "wants"})
_POLL_SECONDS = 0.1
_SENDS = frozenset({"put", "bring", "want"})
"""What sends to a temporary name first, on a web server."""
_GRACE = 3.0
"""Seconds that what is being moved may take to arrive after somebody asked to stop."""
_MOST_KEPT = 64
_TAKEN_SECONDS = 60.0
"""In which the process has taken a question whole: it waits for nothing else."""
_OVER = 60.0
"""Seconds beyond those of the library's own limit: then it does not heed it."""
# No bytecode files, no search path of its own: the child imports exactly what the parent would.
_FLAGS = ("-P", "-s", "-B", "-W", "ignore")
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from iop_tui.exchange.remotes.apart.worker import run; run(int(sys.argv[2]))"
)
_KEPT_OF_ENVIRONMENT = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Where this computer keeps the authorities it trusts. No proxy, no key and no server is taken from there."""
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
_PROXY_HINT = (
    " The environment of this computer names a proxy, which is not used by itself: if the network needs it, forget the"
    " carrier and add it again with `--proxy http://host:port`."
)
_KINDS: dict[str, type[IopError]] = {
    kind.code: kind
    for module in (port, failures)
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, IopError)
}


def _never() -> bool:
    return False


class Kept(Protocol):
    """Where it is kept which temporary names of this copy may lie on a server."""

    def read(self) -> tuple[str, ...]:
        """How they begin."""
        ...

    def keep(self, found: tuple[str, ...]) -> None:
        """Remember that."""
        ...


class _Forgotten:
    """For carriers nobody knows yet: what a session leaves is deleted at its end, or stays."""

    def read(self) -> tuple[str, ...]:
        return ()

    def keep(self, found: tuple[str, ...]) -> None:
        """Nothing."""


class ApartRemote:
    """See above. Opening asks what `ObjectRemote` asks. `cancelled`: whether somebody asked to stop. `kept`: temporary
    names are noted there before they are used, so that a later session deletes what one that ended badly left.

    Raises what every carrier does, `Endless`, and `Cancelled`.
    """

    def __init__(
        self, place: Place, credentials: Credentials | None, realm: bytes | None, *, able: Capabilities | None = None,
        ca: str = "", patience: Patience | None = None, cancelled: Callable[[], bool] | None = None,
        kept: Kept | None = None, proxy: str = "",
    ) -> None:  # fmt: skip
        self._proxy = proxy
        self._host, self._patience = place.host, patience or Patience()
        self._paged = place.kind == places.S3
        self._kept, self._present, self._noted = kept or _Forgotten(), fresh_trace(SystemRng()), False
        earlier = self._kept.read()
        if able is None and not self._paged:
            self._note()
        self._cancelled = cancelled or _never
        self._stop_at: float | None = None
        self._channel, self._child = _start()
        self._end = weakref.finalize(self, _ended, self._channel, self._child)
        access = credentials.pack() if credentials is not None else b""
        names = None if able is None else tuple(one.name for one in fields(able) if getattr(able, one.name))
        waits = self._patience.connect, self._patience.silence
        opening = Opening(place.text, access, realm, names, ca, *waits, MOST_MEMORY, self._present, earlier, proxy)
        self._able = self._answered(opening, Capabilities)

    def _note(self) -> None:
        if not self._noted:
            self._noted = True
            self._kept.keep((*self._kept.read(), self._present)[-_MOST_KEPT:])

    # -- asking --------------------------------------------------------------------------------

    def _ask(self, kind: Any, asked: Asked) -> Any:
        return self._answered(asked, kind)

    def _answered(self, question: Opening | Asked, kind: type[T]) -> T:
        """The answer to a question. Whatever ends the wait in between ends the process too: its answer would be taken
        for that of the next question.
        """
        if not self._end.alive:
            raise self._too_much()
        if isinstance(question, Asked) and (question.what == "probe" or (question.what in _SENDS and not self._paged)):
            self._note()
        whole = False
        try:
            frames.send(self._channel, frames.DONE, question)
            letter, body = self._frames(question)
            whole = True
        except (EOFError, OSError):
            raise self._too_much() from None
        finally:
            if not whole:
                self._end()
        try:
            if letter == frames.FAILED:
                raise self._explained(_failure(msgspec.msgpack.decode(body, type=Failed)))
            return msgspec.msgpack.decode(body, type=kind)
        except msgspec.MsgspecError:
            self._end()
            raise self._too_much() from None

    def _explained(self, error: IopError) -> IopError:
        """With the likely cause where this computer's way out is a proxy that nobody named here."""
        if isinstance(error, NoAnswer) and not self._proxy and any(os.environ.get(name) for name in _PROXIES):
            error.hint += _PROXY_HINT
        return error

    def _frames(self, question: Opening | Asked) -> tuple[bytes, bytearray]:
        """The last frame of an answer, as far as others go before it."""
        listing = isinstance(question, Asked) and question.what in _LISTS and self._paged
        longest = self._patience.page if listing else LONGEST + _OVER
        self._stop_at = None
        while True:
            head = frames.receive(self._channel, frames.HEAD, partial(self._wait, longest))
            size, letter = int.from_bytes(head[:-1], "big"), bytes(head[-1:])
            if size > frames.LONGEST:
                raise EOFError
            body = frames.receive(self._channel, size, partial(self._wait, longest))
            if letter != frames.GOES_ON:
                return letter, body

    def _wait(self, longest: float) -> None:
        """Until something comes. An answer that goes on does not put off a stop. Raises `Endless`, `Cancelled`."""
        until, came = time.monotonic() + longest, False
        while not came:
            came, now = bool(select.select([self._channel], [], [], _POLL_SECONDS)[0]), time.monotonic()
            if self._stop_at is None and self._cancelled():
                self._stop_at = now + _GRACE
            if self._stop_at is not None and now >= self._stop_at:
                raise Cancelled("Stopped. What was moved is safe; the rest follows next time.")
            if not came and now >= until:
                raise Endless(f"{self._host} gives an answer that does not come to an end.")

    def _too_much(self) -> Endless:
        return Endless(f"What {self._host} answers cannot be taken in: it is too much, or no answer at all.")

    # -- the carrier ---------------------------------------------------------------------------

    def capabilities(self) -> Capabilities:
        """What the server was seen to do."""
        return self._able

    def probe(self) -> Capabilities:
        """Try what the server can do, and remember it."""
        self._able = self._answered(Asked("probe"), Capabilities)
        return self._able

    def listing(self) -> dict[str, int]:
        """Names of packs and their sizes in bytes."""
        found = self._answered(Asked("listing"), dict[str, int])
        return {name: size for name, size in found.items() if parse_name(name) is not None and 0 <= size <= LARGEST}

    def names(self, folder: str, suffix: str = "") -> list[str]:
        """Names directly in a folder that end in a suffix, sorted."""
        return self._answered(Asked("names", folder, text=suffix), list[str])

    def get(self, name: str, start: int = 0) -> bytes | None:
        """The bytes behind a name from `start` on, or None. Raises `Cut` with what came."""
        found: bytes | None = self._ask(bytes | None, Asked("get", name, number=start))
        return found

    def look(self, name: str, tag: str = "") -> Look | None:
        """The bytes behind a short name and their tag; no bytes where they are still those of the tag."""
        found: Look | None = self._ask(Look | None, Asked("look", name, text=tag))
        return found

    def size(self, name: str) -> int | None:
        """The size the server tells, or None."""
        found: int | None = self._ask(int | None, Asked("size", name))
        return found

    def put(self, name: str, data: bytes) -> None:
        """Store bytes under a name and see that they arrived whole."""
        self._ask(None, Asked("put", name, data))

    def bring(self, name: str, data: bytes) -> bool:
        """Send bytes. Whether the answer proved that they arrived; else they are to be read back."""
        return self._answered(Asked("bring", name, data), bool)

    def swap(self, name: str, data: bytes, tag: str) -> str | None:
        """Store bytes where those there still have a tag; their new one, or None where somebody was first."""
        found: str | None = self._ask(str | None, Asked("swap", name, data, text=tag))
        return found

    def want(self, name: str) -> None:
        """Leave a note that something here is damaged or missing."""
        self._ask(None, Asked("want", name))

    def wants(self) -> set[str]:
        """What such notes name."""
        return {name for name in self._answered(Asked("wants"), set[str]) if parse_name(name) or is_part(name)}

    def granted(self, name: str) -> None:
        """Take such a note away."""
        self._ask(None, Asked("granted", name))

    def heads(self) -> list[str]:
        """Names of heads."""
        return [name for name in self._answered(Asked("heads"), list[str]) if is_head(name)]

    def tags(self, folder: str) -> dict[str, str]:
        """Names directly in a folder and the tag of each."""
        return self._answered(Asked("tags", folder), dict[str, str])

    def close(self) -> None:
        """Finish what is left to do there, and end the process."""
        if self._end.alive:
            with contextlib.suppress(Endless, Cancelled):
                left = tuple(self._answered(Asked("close"), list[str]))
                if self._noted or left != self._kept.read():
                    self._kept.keep(left)
        self._end()


def _start() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The process, and the channel to it."""
    import subprocess

    environment = {name: os.environ[name] for name in _KEPT_OF_ENVIRONMENT if name in os.environ}
    ours, theirs = socket.socketpair()
    ours.settimeout(_TAKEN_SECONDS)
    with theirs:
        path = json.dumps([os.path.abspath(each) for each in sys.path])
        child = subprocess.Popen(
            [sys.executable, *_FLAGS, "-c", _PROGRAM, path, str(theirs.fileno())], pass_fds=(theirs.fileno(),),
            env={"LC_ALL": "C.UTF-8", "TOKIO_WORKER_THREADS": "2", **environment}, cwd="/",
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    return ours, child


def _ended(channel: socket.socket, child: subprocess.Popen[bytes]) -> None:
    channel.close()
    child.kill()
    child.wait()


def _failure(failed: Failed) -> IopError:
    kind = _KINDS.get(failed.code, Unable)
    if issubclass(kind, Cut):
        return kind(failed.message, failed.hint, data=failed.data)
    return kind(failed.message, failed.hint)
