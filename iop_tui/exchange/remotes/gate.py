"""The only way out for a carrier behind TLS: to the host and port of its place, and nowhere else.

The library follows redirects by itself and asks nobody. So it is told to send everything through a proxy on this
computer, which opens a way to one host and port and refuses the rest before a byte of it leaves: a redirect to another
server, or to another port of the same one, ends here. Bytes pass as they are: TLS is between library and server, also
where the way leads over the proxy of a network.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from urllib.parse import urlsplit

from iop_tui.exchange.remotes.failures import NameUnknown, NoAnswer, ProxyRefused, Redirected
from iop_tui.exchange.remotes.places import Place, parse_proxy
from iop_tui.kernel.errors import IopError
from iop_tui.kernel.rng import SystemRng

_PIECE = 64 * 1024
_LONGEST_HEAD = 16 * 1024
_HERE = "127.0.0.1"
_TLS_PORT = 443


class Gate:
    """A way to the server of a place, for whoever knows `url`; over a `proxy` (http://host:port) where one is given.
    `failure` is why the last way was not opened.
    """

    def __init__(self, place: Place, connect: float, proxy: str = "") -> None:
        found = urlsplit(place.origin)
        self._host, self._port, self._connect = place.host, found.port or _TLS_PORT, connect
        self._shown = f"[{place.host}]" if ":" in place.host else place.host
        self._proxy = parse_proxy(proxy) if proxy else None
        secret = SystemRng().token(16).hex()
        self._word = base64.b64encode(f"cwx:{secret}".encode())
        self._listener = socket.create_server((_HERE, 0))
        self._closed = False
        self.failure: IopError | None = None
        self.url = f"http://cwx:{secret}@{_HERE}:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """No new way is opened; those that are open end with the library's connections."""
        if not self._closed:
            self._closed = True
            with contextlib.suppress(OSError), socket.create_connection(self._listener.getsockname()):
                pass  # it waits for somebody to come

    def _listen(self) -> None:
        with self._listener:
            while True:
                client, _ = self._listener.accept()
                if self._closed:
                    client.close()
                    return
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            server = self._opened(client)
            if server is None:
                return
            with server:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                up = threading.Thread(target=_pass_on, args=(client, server), daemon=True)
                up.start()
                _pass_on(server, client)
                up.join()

    def _opened(self, client: socket.socket) -> socket.socket | None:
        """A connection to the server, where that is what was asked for."""
        head = _head(client)
        request, *headers = head.split(b"\r\n")
        if not any(self._word in line for line in headers if line.lower().startswith(b"proxy-authorization:")):
            client.sendall(b"HTTP/1.1 407 No\r\n\r\n")  # some other program of this computer
            return None
        wanted = f"CONNECT {self._shown}:{self._port} ".encode().lower()
        if not request.lower().startswith(wanted):
            self.failure = Redirected(f"{self._host} sends to another place; nothing was sent there.")
        else:
            try:
                if self._proxy is not None:
                    return _through(self._proxy, f"{self._shown}:{self._port}", self._connect)
                return _connected(self._host, self._port, self._connect)
            except IopError as error:
                self.failure = error
        client.sendall(b"HTTP/1.1 403 No\r\n\r\n")
        return None


def _through(proxy: tuple[str, int], wanted: str, seconds: float) -> socket.socket:
    """A connection that a proxy has opened (RFC 9110, 9.3.6)."""
    shown = f"The proxy {proxy[0]}:{proxy[1]}"
    try:
        server = _connected(*proxy, seconds)
    except NoAnswer:
        raise NoAnswer(f"{shown} cannot be reached.") from None
    server.settimeout(seconds)
    try:
        server.sendall(f"CONNECT {wanted} HTTP/1.1\r\nHost: {wanted}\r\n\r\n".encode())
        said = _line(server).split()
    except OSError:
        said = []
    if len(said) > 1 and said[1].startswith(b"2"):
        server.settimeout(None)
        return server
    server.close()
    if len(said) < 2:
        raise NoAnswer(f"{shown} does not answer as a proxy does.")
    why = "asks for a password" if said[1] == b"407" else "does not let this carrier pass"
    raise ProxyRefused(f"{shown} {why} (answer {said[1].decode('ascii', 'replace')}).")


def _line(server: socket.socket) -> bytes:
    """The first line of an answer's head, and not a byte of what is behind the head."""
    found = b""
    while not found.endswith(b"\r\n\r\n") and len(found) < _LONGEST_HEAD:
        came = server.recv(1)
        if not came:
            break
        found += came
    return found.partition(b"\r\n")[0]


def _connected(host: str, port: int, seconds: float) -> socket.socket:
    try:
        server = socket.create_connection((host, port), timeout=seconds)
    except (socket.gaierror, UnicodeError):
        raise NameUnknown(f"The name {host} leads nowhere.") from None
    except TimeoutError:
        raise NoAnswer(f"{host} does not answer.") from None
    except OSError:
        raise NoAnswer(f"{host} cannot be reached.") from None
    server.settimeout(None)
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return server


def _head(client: socket.socket) -> bytes:
    """What comes up to an empty line; whatever is longer is no request of the library."""
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    found = b""
    while b"\r\n\r\n" not in found and len(found) < _LONGEST_HEAD:
        came = client.recv(_PIECE)
        if not came:
            break
        found += came
    return found


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    """Bytes from one side to the other until one of them ends; what came before arrives before the end does."""
    with contextlib.suppress(OSError):
        while came := source.recv(_PIECE):
            sink.sendall(came)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
