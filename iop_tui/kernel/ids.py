"""Identifiers: 16 random bytes, shown as 26 lower-case base32 characters.

Base32 (RFC 4648) without padding survives case folding, file names and reading aloud.
"""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache

from iop_tui.kernel.errors import NotFound

ID_BYTES = 16
TEXT_LENGTH = 26
_REMEMBERED = 1 << 16
"""Identifiers whose printed form is remembered: base32 is slow, and lists print the same few thousand over and over."""


def show_id(value: bytes) -> str:
    """The printed form of an identifier: 26 characters for 16 bytes."""
    return _shown(bytes(value))


@lru_cache(maxsize=_REMEMBERED)
def _shown(value: bytes) -> str:
    return base64.b32encode(value).decode("ascii").rstrip("=").lower()


def parse_id(text: str) -> bytes:
    """The 16 bytes behind a printed identifier.

    Raises `NotFound` for anything else: a malformed id and an unknown id must look the same.
    """
    return _parsed(text)


@lru_cache(maxsize=_REMEMBERED)
def _parsed(text: str) -> bytes:
    cleaned = text.strip().upper()
    if len(cleaned) != TEXT_LENGTH:
        raise NotFound
    try:
        value = base64.b32decode(cleaned + "======")
    except (binascii.Error, ValueError):
        raise NotFound from None
    if show_id(value) != cleaned.lower():
        raise NotFound
    return value
