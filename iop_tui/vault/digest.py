"""Hashes, message authentication and key derivation: the only place that imports `hashlib` and `hmac`.

SHA-256 (FIPS 180-4), HMAC-SHA-256 (RFC 2104), HKDF-SHA-256 (RFC 5869).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from iop_tui.kernel.canonical import joined

HASH_BYTES = 32


def sha256(*parts: bytes) -> bytes:
    """SHA-256 of the plain concatenation of `parts`; use `joined` where boundaries matter."""
    state = hashlib.sha256()
    for part in parts:
        state.update(part)
    return state.digest()


class Hasher:
    """SHA-256 of a stream."""

    def __init__(self) -> None:
        self._state = hashlib.sha256()
        self.size = 0

    def update(self, data: bytes) -> None:
        """Take more bytes."""
        self._state.update(data)
        self.size += len(data)

    def digest(self) -> bytes:
        """The hash of what came until now."""
        return self._state.digest()


def sha1(content: bytes) -> bytes:
    """SHA-1, for checksums a foreign format prescribes (FHIR R4 `Attachment.hash`): tells accidents, not attackers."""
    return hashlib.sha1(content, usedforsecurity=False).digest()


def md5(content: bytes) -> bytes:
    """MD5, which object stores tell of what they were sent (`ETag`): tells accidents, not attackers."""
    return hashlib.md5(content, usedforsecurity=False).digest()


def sha1_of(pieces: Iterable[bytes]) -> bytes:
    """SHA-1 of a stream, for the same purpose."""
    state = hashlib.sha1(usedforsecurity=False)
    for piece in pieces:
        state.update(piece)
    return state.digest()


def mac(key: bytes, context: str, message: bytes) -> bytes:
    """HMAC-SHA-256 over the length-prefixed context and message: 32 bytes."""
    return hmac.digest(key, joined(context, message), "sha256")


def same(left: bytes, right: bytes) -> bool:
    """Equality in constant time for values of equal length."""
    return hmac.compare_digest(left, right)


def derive(key: bytes, context: str, *ids: bytes, size: int = HASH_BYTES) -> bytes:
    """HKDF-SHA-256 with empty salt and info = joined(context, *ids); `size` bytes."""
    return hkdf(key, b"", joined(context, *ids), size)


def hkdf(ikm: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    """HKDF-SHA-256 (RFC 5869): extract, then expand to `size` bytes.

    One-shot `hmac.digest` calls: this runs once per record opened, and an object interface costs several times as much.
    """
    if not 0 < size <= 255 * HASH_BYTES:
        raise ValueError(f"HKDF-SHA-256 gives 1 to {255 * HASH_BYTES} bytes, not {size}")
    prk = hmac.digest(salt or bytes(HASH_BYTES), ikm, "sha256")
    block = hmac.digest(prk, info + b"\x01", "sha256")
    out = block
    counter = 1
    while len(out) < size:
        counter += 1
        block = hmac.digest(prk, block + info + bytes((counter,)), "sha256")
        out += block
    return out[:size]
