"""`vault.head`: key slots and signed heads, the only file of a vault that is not encrypted.

    offset 0       head slot A    4096 bytes   written in place, in turn
           4096    head slot B    4096
           8192    attempts       4096         failures of the prompt, written in place
           12288   header copy 1  n × 4096     key slots; both copies equal
           …       header copy 2  n × 4096

The file is replaced as a whole (temporary file, fsync, rename, fsync of the folder) when the header
changes, and written in place where a signed head or a failure is noted. Everything has a SHA-256
against damage; what an attacker could forge (the whole file) is caught by the signatures of the
heads, by the key slots' own seals, and by `header_digest` inside the signed head.

`areas.py` holds the byte formats, this module the file.
"""

from __future__ import annotations

import errno
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from iop_tui.kernel.errors import (
    DiskFull,
    MediumUnusable,
    ReadOnlyMedium,
    Refused,
    VaultDamaged,
)
from iop_tui.vault import areas
from iop_tui.vault.areas import (
    FAILURE_CAP,
    Failures,
    Header,
    SignedHead,
    StoredHead,
    delay_ms,
    header_digest,
    verify_head,
    wait_ms,
)
from iop_tui.vault.glance import AREA, FIXED, load

if TYPE_CHECKING:
    from iop_tui.vault.signing import SigningKey

__all__ = [
    "NAME", "Failures", "HeadFile", "HeadWriter", "Header", "SignedHead", "StoredHead", "clear_failures", "create",
    "delay_ms", "failures", "header_digest", "note_failure", "read", "repair", "restart_wait", "verify_head", "wait_ms",
    "write_header",
]

NAME = "vault.head"
_SLOTS = 2
_ATTEMPTS_AT = 2 * AREA
_MODE = 0o600

_lock = threading.RLock()


@dataclass(frozen=True, slots=True)
class HeadFile:
    """What `read` found: the header, the stored heads (newest first) and damage that does not stop an unlock."""

    header: Header
    heads: tuple[StoredHead, ...]
    problems: tuple[str, ...]

    @property
    def newest(self) -> StoredHead | None:
        """The head written last, or None in a vault that never wrote one. Its signature is not yet verified."""
        return self.heads[0] if self.heads else None


def read(path: Path) -> HeadFile:
    """Parse and check the file. Asks for no secret and verifies no signature (`areas.verify_head` does).

    Raises `VaultMissing`, `VaultDamaged` (naming the part), `NeedsNewer`, `MediumUnusable`.
    One torn head slot and a damaged attempts area are tolerated and reported in `problems`.
    """
    data = load(path)
    header = areas.parse_header(data[FIXED:])
    heads, problems = areas.parse_heads(data[:AREA], data[AREA:2 * AREA], header.vault_id)
    attempts = areas.parse_attempts(data[_ATTEMPTS_AT:FIXED])
    if attempts is None:
        problems = (*problems, "The record of failed unlocks in vault.head is damaged; the longest wait applies.")
    return HeadFile(header, heads, problems)


def create(path: Path, header: Header) -> None:
    """The first `vault.head` of a new vault. Raises `Refused` when there is one already."""
    with _lock:
        if path.exists():
            raise Refused("There is a vault here already.", "Choose another folder with --vault.")
        _replace(path, bytes(2 * AREA) + areas.pack_attempts(areas.no_attempts()) + areas.pack_header(header))


def write_header(path: Path, header: Header) -> None:
    """Replace the header, keeping signed heads and attempts; durable when it returns.

    Raises `VaultDamaged` unless the generation is higher than the stored one (or the header is the same).
    """
    with _lock:
        data = load(path)
        current = areas.parse_header(data[FIXED:])
        if header.vault_id != current.vault_id:
            raise VaultDamaged("The new key slots belong to another vault than vault.head.")
        if header.generation <= current.generation and header != current:
            raise VaultDamaged(
                f"vault.head is at generation {current.generation}; generation {header.generation} would undo changes.",
                "Lock and unlock again, then repeat what you did.",
            )
        _replace(path, data[:FIXED] + areas.pack_header(header))


def repair(path: Path) -> str:
    """Rewrite a damaged header copy from the intact one; a sentence on what was done.

    Raises `VaultDamaged` when neither copy is intact or both are and contradict each other.
    """
    with _lock:
        data = load(path)
        header, damaged = areas.intact_header(data[FIXED:])
        if damaged is None:
            return "Both header copies of vault.head are intact; nothing was changed."
        _replace(path, data[:FIXED] + areas.pack_header(header))
        return f"Header copy {damaged} of vault.head was rewritten from copy {3 - damaged}."


def failures(path: Path, tag: bytes) -> Failures:
    """Failed unlocks since the last success for a name tag (see `slots.name_tag`), existing user or not.

    Counted per bucket of names, so that an unknown name waits exactly as a known one does. When the area is
    damaged the longest wait applies, counted from the file's last change.
    """
    attempts, fallback = _attempts(path)
    return fallback if attempts is None else attempts[areas.bucket(tag)]


def note_failure(path: Path, tag: bytes, now_ms: int) -> Failures:
    """Count one more failure at `now_ms`; on a medium that cannot be written the count is returned, not kept."""
    with _lock:
        attempts, fallback = _attempts(path)
        entries = [fallback] * areas.BUCKETS if attempts is None else list(attempts)
        at = areas.bucket(tag)
        entries[at] = Failures(min(entries[at].count + 1, FAILURE_CAP), now_ms)
        _write_attempts(path, tuple(entries))
        return entries[at]


def restart_wait(path: Path, tag: bytes, now_ms: int) -> Failures:
    """Count the wait from `now_ms` where the last failure lies in the future: the clock was set back since.

    Without this a single failure under a clock that ran ten years ahead would keep everybody out for ten years.
    """
    with _lock:
        attempts, fallback = _attempts(path)
        found = fallback if attempts is None else attempts[areas.bucket(tag)]
        if found.last_ms <= now_ms:
            return found
        if attempts is None:
            # The damage stays as it is, for the unlock to name; the wait counts from the file's last change.
            try:
                os.utime(path, ns=(now_ms * 1_000_000, now_ms * 1_000_000))
            except OSError:
                return found  # a medium that cannot be written: nothing can be unlocked for work on it anyway
        else:
            entries = list(attempts)
            entries[areas.bucket(tag)] = Failures(found.count, now_ms)
            _write_attempts(path, tuple(entries))
        return Failures(found.count, now_ms)


def clear_failures(path: Path, tag: bytes) -> None:
    """Forget the failures of a name after a successful unlock."""
    with _lock:
        attempts, fallback = _attempts(path)
        entries = [fallback] * areas.BUCKETS if attempts is None else list(attempts)
        at = areas.bucket(tag)
        if attempts is None or entries[at].count:
            entries[at] = Failures(0, 0)
            _write_attempts(path, tuple(entries))


class HeadWriter:
    """Writes signed heads in place, the two slots in turn: a torn write can only hurt the older one.

    Keeps the file open; follows it when `write_header` replaced it. Use from the store's writer thread.
    """

    def __init__(self, path: Path, signer: SigningKey) -> None:
        self._path = path
        self._signer = signer
        self._fd = -1
        self._inode = (0, 0)
        newest = read(path).newest
        self._count = newest.count if newest else 0

    def write(self, head: SignedHead) -> StoredHead:
        """Sign and store; durable when it returns. Raises `MediumUnusable`, `ReadOnlyMedium`, `DiskFull`."""
        stored = areas.sign_head(head, self._count + 1, self._signer)
        frame = areas.pack_head(stored)
        with _lock:
            try:
                self._follow()
                _write_all(self._fd, frame, (stored.count % _SLOTS) * AREA)
                _flush(self._fd)
            except OSError as error:
                raise medium(error, "The signed head could not be written to vault.head.") from error
        self._count = stored.count
        return stored

    def close(self) -> None:
        """Close the file; the next `write` would open it again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd, self._inode = -1, (0, 0)

    def _follow(self) -> None:
        status = os.stat(self._path)
        if self._inode != (status.st_dev, status.st_ino):
            self.close()
            self._fd = os.open(self._path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            self._inode = (status.st_dev, status.st_ino)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        self.close()


def medium(error: OSError, sentence: str) -> MediumUnusable:
    """The typed error for an operating system's error on the vault's medium."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"{sentence} The disk is full.")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return ReadOnlyMedium(f"{sentence} The medium cannot be written.")
    return MediumUnusable(f"{sentence} ({os.strerror(error.errno or errno.EIO)})", "Check the disk; nothing was lost.")


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(path.name + ".new")
    try:
        temporary.unlink(missing_ok=True)
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        try:
            _write_all(fd, data, 0)
            os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise medium(error, "The change of vault.head could not be made safe.") from error


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_all(fd: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, at)
        view, at = view[written:], at + written


def _flush(fd: int) -> None:
    # macOS has no fdatasync; sizes never change here, so data is all that matters.
    getattr(os, "fdatasync", os.fsync)(fd)


def _attempts(path: Path) -> tuple[tuple[Failures, ...] | None, Failures]:
    data = load(path)
    changed_ms = path.stat().st_mtime_ns // 1_000_000
    return areas.parse_attempts(data[_ATTEMPTS_AT:FIXED]), Failures(FAILURE_CAP, changed_ms)


def _write_attempts(path: Path, entries: tuple[Failures, ...]) -> None:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return  # A medium that cannot be written keeps no count; it cannot be changed by guessing either.
    try:
        _write_all(fd, areas.pack_attempts(entries), _ATTEMPTS_AT)
        _flush(fd)
    except OSError:
        return  # As above: an unlock never fails because a failure could not be counted.
    finally:
        os.close(fd)
