"""One canonical byte form for everything that is hashed, signed or bound.

MessagePack with structs as arrays, encoded by msgspec. `decode` refuses a byte string that
does not encode back to itself, so that no value has two accepted encodings.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from iop_tui.kernel.errors import VaultDamaged

T = TypeVar("T")

_encoder = msgspec.msgpack.Encoder(order="deterministic")


def encode(value: Any) -> bytes:
    """The canonical bytes of a value made of structs, tuples, strings, bytes, integers and None."""
    return _encoder.encode(value)


def decode(data: bytes, kind: type[T]) -> T:
    """The value behind canonical bytes. Raises `VaultDamaged` for anything not canonical."""
    try:
        value = msgspec.msgpack.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise VaultDamaged(f"A stored {kind.__name__} cannot be decoded.") from error
    if _encoder.encode(value) != data:
        raise VaultDamaged(f"A stored {kind.__name__} is not in canonical form.")
    return value


def joined(*parts: bytes | str | int) -> bytes:
    """Length-prefixed concatenation for contexts and associated data: u32 big-endian length, then bytes.

    Integers are written as 8 bytes big-endian, strings as UTF-8.
    """
    out = bytearray()
    for part in parts:
        raw = part.to_bytes(8, "big") if isinstance(part, int) else part.encode() if isinstance(part, str) else part
        out += len(raw).to_bytes(4, "big")
        out += raw
    return bytes(out)
