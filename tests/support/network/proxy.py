"""The proxy of a network, on the loopback: `with proxy() as found:` opens ways (CONNECT) and writes down to where.

`answer` is the status it gives; `to` is where every way leads, for one that looks into what passes.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """A running proxy: its address, and what it was asked."""

    url: str = ""
    asked: list[str] = field(default_factory=list)


@contextmanager
def proxy(answer: int = 200, to: tuple[str, int] | None = None) -> Iterator[Proxy]:
    """Serve until the block ends."""
    listener, found, open_ = socket.create_server(("127.0.0.1", 0)), Proxy(), set[socket.socket]()
    found.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def serve(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1)
            found.asked.append(head.split(b"\r\n")[0].decode())
            client.sendall(f"HTTP/1.1 {answer} As told\r\nVia: 1.1 here\r\n\r\n".encode())
            if answer != 200:
                return
            host, _, port = found.asked[-1].split()[1].rpartition(":")
            with socket.create_connection(to or (host, int(port))) as server:
                open_.add(server)
                up = threading.Thread(target=_pass_on, args=(client, server))
                up.start()
                _pass_on(server, client)
                up.join()

    def listen() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                open_.add(client)
                threads.append(threading.Thread(target=serve, args=(client,)))
                threads[-1].start()

    threads = [threading.Thread(target=listen)]
    threads[0].start()
    try:
        yield found
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for one in list(open_):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while came := source.recv(65536):
            sink.sendall(came)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
