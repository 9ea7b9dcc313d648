"""What the program and the process beside it say to each other: frames of 4 bytes of length, a kind, and a body.

The program asks (`Opening` once, then `Asked`), one question at a time. The answer is any number of `GOES_ON` and then
`DONE` with a value or `FAILED` with a failure.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import msgspec

from iop_tui.exchange import names

GOES_ON, DONE, FAILED = b"g", b"d", b"f"
HEAD = 5
LONGEST = names.LARGEST + 64 * 1024 * 1024
"""Bytes of a frame: the largest object, or the longest list."""
EXIT_TOO_MUCH = 3


class Opening(msgspec.Struct, frozen=True):
    """Which carrier: its place as text, what its server asks for (packed, empty for nothing), the program it belongs
    to, what its server was seen to do (names of `Capabilities`, None where it was not tried), the authority it is under
    (PEM), seconds to connect and of silence, bytes the process may come to fill, temporary names (`Traces`), a proxy.
    """

    place: str
    access: bytes
    realm: bytes | None
    able: tuple[str, ...] | None
    ca: str
    connect: float
    silence: float
    memory: int
    present: str
    earlier: tuple[str, ...]
    proxy: str


class Asked(msgspec.Struct, frozen=True):
    """A method of a carrier and its arguments, as far as it has them."""

    what: str
    name: str = ""
    data: bytes = b""
    number: int = 0
    text: str = ""


class Failed(msgspec.Struct, frozen=True):
    """A failure by its code and its words; `data` is what came before the connection broke off."""

    code: str
    message: str
    hint: str
    data: bytes = b""


def send(channel: socket.socket, kind: bytes, value: Any) -> None:
    """One frame."""
    body = msgspec.msgpack.encode(value)
    channel.sendall(len(body).to_bytes(HEAD - 1, "big") + kind)
    channel.sendall(body)


def receive(channel: socket.socket, size: int, wait: Callable[[], None] = lambda: None) -> bytearray:
    """So many bytes; `wait` returns when there are some, or raises. Raises `EOFError` where the other side has gone."""
    found = bytearray(size)
    view, at = memoryview(found), 0
    while at < size:
        wait()
        came = channel.recv_into(view[at:])
        if not came:
            raise EOFError
        at += came
    return found
