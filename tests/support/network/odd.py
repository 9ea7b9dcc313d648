"""A server that answers as a test says: `with odd(answer) as server:`, plain or with TLS, on the loopback.

    def answer(asked: Asked) -> Said: return Said(307, headers={"Location": elsewhere})
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.network.servers import Certified

_METHODS = ("GET", "PUT", "HEAD", "DELETE", "POST", "PROPFIND", "MKCOL", "COPY", "MOVE")


@dataclass(frozen=True)
class Asked:
    """A request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Said:
    """An answer. With `promised` more bytes are announced than sent; then the connection ends. `silent` says nothing
    until the server ends; `endless` sends the body again and again until whoever asked hangs up.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    promised: int | None = None
    silent: bool = False
    endless: bool = False


@dataclass
class Odd:
    """The server: its address and what it was asked."""

    url: str
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def odd(answer: Callable[[Asked], Said], certified: Certified | None = None, host: str = "127.0.0.1") -> Iterator[Odd]:
    """Serve until the block ends. `host` is the name it is asked by."""
    ended = threading.Event()
    found = Odd("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            found.asked.append(asked)
            said = answer(asked)
            if said.silent:
                ended.wait()
                self.close_connection = True
                return
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            size = len(said.body) if said.promised is None else said.promised
            if said.endless:
                self.send_header("Transfer-Encoding", "chunked")
            else:
                self.send_header("Content-Length", str(size))
            self.end_headers()
            while said.endless and not ended.is_set():
                self.wfile.write(b"%x\r\n%b\r\n" % (len(said.body), said.body))
            if self.command != "HEAD":
                self.wfile.write(said.body)
            self.close_connection = said.promised is not None

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    for method in _METHODS:
        setattr(Handler, f"do_{method}", Handler._any)
    server = _Quiet(("127.0.0.1", 0), Handler)
    if certified is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certified.cert, certified.private)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    found.url = f"http{'s' if certified else ''}://{host}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what these tests are about."""
