"""What things are called on a carrier, and how large they can be. Pure and light: the process that speaks with a server
knows no more of an exchange.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from functools import lru_cache

LARGEST = 64 * 1024 * 1024
"""Bytes of the largest object."""
ROOT = "cwx1"
PARTS = "b"
"""The folder of parts of attachments."""
_PREFIX = 2
_NAMES = 1 << 16
"""Names and ids that are kept in both forms: every exchange asks for all of them several times."""
_NAME = re.compile(r"p/([a-z2-7]{26})/([0-9a-f]{8})-([a-z2-7]{26})")
_HEAD_NAME = re.compile(r"h/([a-z2-7]{26})")
_PART_NAME = re.compile(r"b/([a-z2-7]{2})/(\1[a-z2-7]{49}[aq])")
_SHORT, _LONG = 16 * 1024, 4 * 1024 * 1024
_MOST = {"h": _SHORT, "board": _SHORT, "w": _SHORT, "realm": _SHORT, "e": _LONG, "b": _LONG, "x": _LONG}
"""Bytes of what lies in a folder, or has such a name; a pack may be the largest."""


@dataclass(frozen=True, slots=True)
class Name:
    """What the name of a pack says: lane, number in it, and the hash its bytes must have."""

    lane: bytes
    n: int
    check: str
    path: str


@lru_cache(maxsize=_NAMES)
def text(value: bytes) -> str:
    """Lower-case base32 without padding (RFC 4648)."""
    return base64.b32encode(value).decode("ascii").rstrip("=").lower()


@lru_cache(maxsize=_NAMES)
def name_of(lane: bytes, n: int, digest: bytes) -> str:
    """The name of a pack on every carrier."""
    return f"p/{text(lane)}/{n:08x}-{text(digest)[:26]}"


def head_name(lane: bytes) -> str:
    """The name of a lane's head: the only name whose bytes change."""
    return f"h/{text(lane)}"


def head_lane(name: str) -> bytes:
    """The lane that the name of a head stands for."""
    return base64.b32decode(name.rpartition("/")[2].upper() + "======")


@lru_cache(maxsize=_NAMES)
def parse_name(path: str) -> Name | None:
    """What a name says, or None where it is no pack's."""
    found = _NAME.fullmatch(path)
    if found is None:
        return None
    return Name(base64.b32decode(found[1].upper() + "======"), int(found[2], 16), found[3], path)


def is_head(path: str) -> bool:
    """Whether a name is a head's."""
    return _HEAD_NAME.fullmatch(path) is not None


def part_name(name: str) -> str:
    """Where a part of an attachment lies on a carrier."""
    return f"{PARTS}/{name[:_PREFIX]}/{name}"


def is_part(path: str) -> bool:
    """Whether a name on a carrier is that of a part of an attachment."""
    return _PART_NAME.fullmatch(path) is not None


def most(path: str) -> int:
    """The most bytes that anything of this name has; whoever reads goes no further."""
    return _MOST.get(path.partition("/")[0], LARGEST)
