"""A bad link on this machine: a TCP proxy with a bandwidth, a latency and a number of bytes until the next drop.

    with Link("127.0.0.1", server.port, mean=100_000, bandwidth=2_900, latency=0.3, seed=7) as link:
        ... use http://127.0.0.1:{link.port} instead of the server ...
        link.up, link.down, link.drops, link.connections, link.seconds

Every connection has its own budget of bytes, exponential with `mean` (both ways together, as they pass the socket);
when it is spent, what still fits is passed on and both ends see the connection close. Time is counted, not waited
for: `seconds` is what a real link would have taken. `pace` makes real waits of it (1.0: as long as the real one).
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType

from iop_tui.kernel.clock import FixedClock

CHUNK = 4096
_ENDED = (OSError, ValueError)
"""What a socket that the other direction closed gives."""


class LinkClock(FixedClock):
    """The time of a link: what passed on it, and what somebody waited (`advance`)."""

    def __init__(self, link: Link, at_ms: int = 1_800_000_000_000) -> None:
        super().__init__(at_ms)
        self._link = link

    def now_ms(self) -> int:
        return super().now_ms() + int(self._link.seconds * 1000)

    def monotonic(self) -> float:
        return super().monotonic() + self._link.seconds


class Link:
    """See above. `bandwidth` in bytes a second each way, `latency` in seconds one way, `mean` in bytes between drops
    (None: never drops), `cuts` exact budgets of the first connections, after which `mean` counts.
    """

    def __init__(
        self, host: str, port: int, *, bandwidth: float | None = None, latency: float = 0.0, mean: float | None = None,
        cuts: Iterable[int] = (), seed: int = 0, pace: float = 0.0,
    ) -> None:  # fmt: skip
        self._server = (host, port)
        self.bandwidth, self.latency, self.mean, self.pace = bandwidth, latency, mean, pace
        self._cuts = list(cuts)
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self._stopping = False
        self.seconds = 0.0
        self.broken = False
        """While true, every new connection is closed at once."""
        self.reset()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._spawn(self._accept)

    def reset(self) -> None:
        """Begin to count anew; open connections keep their budgets, and time goes on."""
        self.up = self.down = self.drops = self.connections = 0

    @property
    def total(self) -> int:
        """What passed the socket, both ways."""
        return self.up + self.down

    def __enter__(self) -> Link:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def cut(self) -> None:
        """Drop every connection that is open now; not counted among `drops`."""
        with self._lock:
            found = list(self._open)
        for one in found:
            _shut(one)

    def close(self) -> None:
        """End all connections and threads."""
        self._stopping = True
        _shut(self._listener)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(10)

    # -- threads -------------------------------------------------------------------------------

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping:
            try:
                client, _ = self._listener.accept()
            except _ENDED:
                return
            if self.broken or self._stopping:
                client.close()
                continue
            try:
                server = socket.create_connection(self._server, 10)
            except OSError:
                client.close()
                continue
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                one.settimeout(None)
            pair = _Pair(self._budget())
            with self._lock:
                self.connections += 1
                self._open |= {client, server}
            self._pass_time(2 * self.latency)
            self._spawn(self._pump, pair, client, server, True)
            self._spawn(self._pump, pair, server, client, False)

    def _budget(self) -> float:
        if self._cuts:
            return self._cuts.pop(0)
        return self._random.expovariate(1 / self.mean) if self.mean else float("inf")

    def _pump(self, pair: _Pair, source: socket.socket, target: socket.socket, up: bool) -> None:
        try:
            while data := source.recv(CHUNK):
                part = self._admitted(pair, data, up)
                target.sendall(part)
                if len(part) < len(data):
                    break
            else:
                pair.quiet = True
                target.shutdown(socket.SHUT_WR)
        except _ENDED:
            pass  # the other direction ended it
        finally:
            self._finish(pair, source, target)

    def _finish(self, pair: _Pair, *ends: socket.socket) -> None:
        """The first direction that ends for good ends both; the last one closes the sockets."""
        with self._lock:
            pair.ended += 1
            last = pair.ended == 2
            if last:
                self._open -= set(ends)
        for one in ends:
            if last:
                one.close()
            elif not pair.quiet or pair.dropped:
                _shut(one)

    def _admitted(self, pair: _Pair, data: bytes, up: bool) -> bytes:
        """What still passes of it; counted."""
        with self._lock:
            part = data[: int(min(len(data), max(0.0, pair.left)))]
            pair.left -= len(part)
            if len(part) < len(data) and not pair.dropped:
                pair.dropped = True
                self.drops += 1
            turned, pair.up = pair.up is not up, up
            if up:
                self.up += len(part)
            else:
                self.down += len(part)
        self._pass_time((self.latency if turned else 0.0) + (len(part) / self.bandwidth if self.bandwidth else 0.0))
        return part

    def _pass_time(self, seconds: float) -> None:
        with self._lock:
            self.seconds += seconds
        if self.pace and seconds:
            time.sleep(seconds * self.pace)


class _Pair:
    """One connection: what may still pass, and which way the last bytes went."""

    def __init__(self, left: float) -> None:
        self.left = left
        self.up: bool | None = None
        self.dropped = False
        self.quiet = False
        """One side has said all it wants to say; the other one may still answer."""
        self.ended = 0


def _shut(one: socket.socket) -> None:
    with suppress(OSError):  # the other direction did it
        one.shutdown(socket.SHUT_RDWR)
