"""`vault.head` at a glance: is it there and whole, is it a demo, is there one user? For the prompt's first line.

Imports next to nothing: the card is drawn before the program can afford its libraries, and damage must
be reported before any secret is asked for. `areas.py` and `headfile.py` build on the same functions.
"""

from __future__ import annotations

import hashlib
import os
import struct

AREA = 4096
HASH_BYTES = 32
VERSION = 1
MAGIC = b"IOPH"
HEAD_MAGIC = b"IOPS"
FLAG_DEMO = 0b01
FLAG_SINGLE_USER = 0b10
FIXED = 3 * AREA
"""Where the header copies begin: behind two head slots and the attempts area."""

MAX_FILE = 16 * 1024 * 1024
HEADER_FRAME = struct.Struct(">4sBBI")
RESTORE = "Restore vault.head from the newest verified backup. `iop-tui doctor` shows what is intact."


class Glance:
    """What the prompt may know without a secret."""

    __slots__ = ("demo", "single_user")

    def __init__(self, demo: bool, single_user: bool) -> None:
        self.demo = demo
        self.single_user = single_user


def glance(path: str | os.PathLike[str]) -> Glance:
    """Check sizes, checksums and versions of `vault.head`. About a millisecond.

    Raises `VaultMissing`, `VaultDamaged` naming the part, `NeedsNewer`, `MediumUnusable`: what `headfile.read` would.
    """
    data = load(path)
    first, second = header_frames(data[FIXED:])
    if first is None or second is None:
        raise damaged_copy(1 if first is None else 2)
    slots = (data[:AREA], data[AREA:2 * AREA])
    if any(map(any, slots)) and all(open_area(slot) is None for slot in slots):
        raise damaged("No signed head of vault.head is intact.")
    flags = HEADER_FRAME.unpack_from(first)[2]
    return Glance(bool(flags & FLAG_DEMO), bool(flags & FLAG_SINGLE_USER))


def load(path: str | os.PathLike[str]) -> bytes:
    """The whole file, after a check of its size."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if not FIXED + 2 * AREA <= size <= MAX_FILE or (size - FIXED) % (2 * AREA):
                raise damaged(f"vault.head has {size} bytes, which no vault has: it was cut or overwritten.")
            return file.read(size)
    except OSError as error:
        raise _unreadable(error) from error


def header_frames(data: bytes) -> tuple[bytes | None, bytes | None]:
    """Both header copies up to their checksum; None for a damaged one.

    Raises `VaultDamaged` when both are damaged or they contradict each other, `NeedsNewer`.
    """
    half = len(data) // 2
    first, second = header_frame(data[:half]), header_frame(data[half:])
    if first is None and second is None:
        raise damaged("Both header copies of vault.head are damaged.")
    if first is not None and second is not None and first != second:
        raise damaged("The two header copies of vault.head contradict each other.")
    return first, second


def header_frame(copy: bytes) -> bytes | None:
    """One header copy without checksum and padding, or None when it is damaged. Raises `NeedsNewer`."""
    if len(copy) < HEADER_FRAME.size + HASH_BYTES:
        return None
    magic, version, _flags, length = HEADER_FRAME.unpack_from(copy)
    end = HEADER_FRAME.size + length
    if magic != MAGIC or end + HASH_BYTES > len(copy):
        return None
    if checksum(copy[:end]) != copy[end:end + HASH_BYTES] or any(copy[end + HASH_BYTES:]):
        return None
    if version != VERSION:
        from iop_tui.kernel.errors import NeedsNewer

        raise NeedsNewer("vault.head was written by a newer version of iop-tui.")
    return copy[:end]


def open_area(data: bytes) -> bytes | None:
    """The content of a 4 KiB area, or None when its checksum does not fit."""
    content = data[:AREA - HASH_BYTES]
    return content if len(data) == AREA and checksum(content) == data[AREA - HASH_BYTES:] else None


def close_area(content: bytes) -> bytes:
    """4 KiB: content, zeros, checksum."""
    room = AREA - HASH_BYTES
    if len(content) > room:
        raise ValueError("does not fit into one area of vault.head")
    padded = content + bytes(room - len(content))
    return padded + checksum(padded)


def checksum(data: bytes) -> bytes:
    """SHA-256, here against damage only."""
    return hashlib.sha256(data).digest()


def damaged(sentence: str) -> Exception:
    """A `VaultDamaged` with the way back."""
    from iop_tui.kernel.errors import VaultDamaged

    return VaultDamaged(sentence, RESTORE)


def damaged_copy(number: int) -> Exception:
    """A `VaultDamaged` that says which header copy is intact."""
    from iop_tui.kernel.errors import VaultDamaged

    return VaultDamaged(
        f"Header copy {number} of vault.head is damaged; copy {3 - number} is intact.",
        "`iop-tui doctor` shows how to repair it from the intact copy. Copy the whole vault folder first.",
    )


def _unreadable(error: OSError) -> Exception:
    from iop_tui.kernel.errors import MediumUnusable, VaultMissing

    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return VaultMissing(
            "There is no vault here: vault.head is missing.",
            "Check --vault or IOP_TUI_VAULT. `iop-tui init` makes a new vault; a backup brings an old one back.",
        )
    return MediumUnusable(f"vault.head cannot be read ({os.strerror(error.errno or 0)}).")
