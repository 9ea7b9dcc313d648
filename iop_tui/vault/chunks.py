"""Large files in sealed parts of a few fixed sizes, each named by the hash of its sealed bytes.

    chunk    suite | salt 32 | commitment 32 | AES-256-GCM(payload)                     `envelope.seal_raw`
    key      random for each file and nowhere else; every chunk gets a key of its own from it by HKDF and its salt
    bound    realm, file, number: a chunk opens in its place and in no other
    name     SHA-256 of the chunk, 52 base32 characters

The payload of the last chunk is filled with zeros to the full size, and their number is rounded up (Padmé, at most
12 % more): who sees chunks learns one of three sizes and roughly how many. The same file sealed twice gives two sets
of chunks that have nothing in common, so nobody can ask for a file they know.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final

from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret
from iop_tui.vault import envelope
from iop_tui.vault.digest import sha256

SMALL: Final = 16 * 1024
NARROW: Final = 64 * 1024
WIDE: Final = 256 * 1024
SIZES: Final = (SMALL, NARROW, WIDE)
"""Sizes of sealed chunks in bytes: one small chunk for a short letter, narrow ones for bad links, wide ones where
every carrier is a disk."""
KEY_BYTES: Final = 32
HASH_BYTES: Final = 32
_CONTEXT: Final = "iop/chunk/1"
_NUMBER = 4
_NAME = re.compile(r"[a-z2-7]{51}[aq]")


def payload(size: int) -> int:
    """Bytes of a file in one chunk of a size."""
    return size - envelope.RAW_OVERHEAD


def size_for(length: int, *, wide: bool) -> int:
    """The size of the chunks of a file of `length` bytes or more: the smallest that holds it whole, else as asked."""
    whole = next((size for size in (SMALL, NARROW) if length <= payload(size)), 0)
    return whole or (WIDE if wide else NARROW)


def rounded(count: int) -> int:
    """How many chunks a file of `count` gets, filling included."""
    return envelope.padded_size(count, least=1)


@dataclass(frozen=True, slots=True)
class Blob:
    """The file that chunks belong to: realm and file ids (16 bytes), its key, the size of its chunks."""

    realm: bytes
    file: bytes
    key: Secret
    size: int

    def seal(self, number: int, content: bytes, rng: Rng) -> bytes:
        """Chunk `number` (from 0) with at most `payload(size)` bytes; an empty one is filling."""
        filled = content + bytes(payload(self.size) - len(content))
        return envelope.seal_raw(self.key, _CONTEXT, self._place(number), filled, rng)

    def open_(self, number: int, chunk: bytes) -> bytes:
        """The payload of a chunk, filling included. Raises `Tampered` in any other place, `NeedsNewer`."""
        return envelope.open_raw(self.key, _CONTEXT, self._place(number), chunk)

    def _place(self, number: int) -> tuple[bytes, ...]:
        return (self.realm, self.file, number.to_bytes(_NUMBER, "big"))


def name_of(chunk: bytes) -> str:
    """The name of a chunk."""
    return show_name(sha256(chunk))


def show_name(digest: bytes) -> str:
    """The name that stands for a hash of 32 bytes."""
    return base64.b32encode(digest).decode("ascii").rstrip("=").lower()


def is_name(text: str) -> bool:
    """Whether a text is the name of a chunk; the last of its 52 characters carries one bit."""
    return _NAME.fullmatch(text) is not None


def digest_of(name: str) -> bytes:
    """The hash behind a name that `is_name`."""
    return base64.b32decode(name.upper() + "====")


def fits(name: str, chunk: bytes) -> bool:
    """Whether bytes are those a name stands for."""
    return len(chunk) in SIZES and name_of(chunk) == name
