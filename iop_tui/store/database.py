"""Opening an SQLCipher file in the one order that is safe, and naming what can go wrong.

Order and settings: SQLCipher API documentation; each was chosen after measuring what a wrong one
leaves behind (key copies, plaintext files, rows lost at a power cut).
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import sqlcipher3.dbapi2 as sqlcipher

from iop_tui.kernel.errors import (
    DiskFull,
    IopError,
    MediumUnusable,
    ReadOnlyMedium,
    Unexpected,
    VaultDamaged,
    VaultInUse,
    VaultMissing,
)
from iop_tui.kernel.secret import Secret
from iop_tui.store.memory import limit_locked_memory

_held: set[Path] = set()
"""Vault files this process holds. Nobody here may open and close one of them beside SQLite: by POSIX (fcntl,
"Advisory record locking") closing any descriptor of a file drops every lock the process has on it."""
Connection: TypeAlias = Any
"""An open SQLCipher connection (`sqlcipher3.dbapi2.Connection`; the library ships no types)."""
KEY_BYTES = 32
AUTO_CHECKPOINT = 4000
"""Pages in the log beside a file from which SQLite folds it in by itself."""
_PLAIN_HEADER = b"SQLite format 3\x00"
# SQLite's own lock bytes (https://sqlite.org/src/file/src/os.h, PENDING_BYTE and the 512 after it).
_LOCK_START, _LOCK_LENGTH = 0x40000000, 512
_DENIED_PRAGMAS = frozenset(
    {
        "key",
        "rekey",
        "temp_store",
        "temp_store_directory",
        "journal_mode",
        "mmap_size",
        "writable_schema",
        "synchronous",
        "locking_mode",
        "trusted_schema",
    }
)


def open_database(
    path: Path, key: Secret, *, exclusive: bool, create: bool = False, cache_kib: int = 16_384
) -> Connection:
    """An open, checked SQLCipher connection.

    `exclusive` takes the whole file for this process (the vault); views allow a second
    connection. Raises `VaultMissing`, `VaultDamaged`, `VaultInUse`, `ReadOnlyMedium`, `DiskFull`.
    """
    limit_locked_memory()
    if len(key) != KEY_BYTES:
        raise Unexpected("A database key must have exactly 32 bytes.")
    if not create and not path.is_file():
        raise VaultMissing(f"{path.name} is missing.")
    if not create and path.stat().st_size == 0:
        raise VaultDamaged(f"{path.name} is empty.")
    if not os.access(path.parent if create else path, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise ReadOnlyMedium(
            f"The folder of {path.name} cannot be written.", "Copy the vault to a disk that can be written."
        )
    if exclusive:
        refuse_if_in_use(path)
    if not create and path.resolve() not in _held:
        _refuse_plaintext(path)
    os.umask(0o077)
    with translated(path):
        connection = sqlcipher.connect(str(path), isolation_level=None, check_same_thread=False, timeout=0.2)
        try:
            _prepare(connection, key, exclusive=exclusive, cache_kib=cache_kib)
        except BaseException:  # also a stop by the user: no keyed connection is left open
            connection.close()
            raise
    if exclusive:
        _held.add(path.resolve())
    return connection


def released(path: Path) -> None:
    """This process closed its exclusive connection to `path`."""
    _held.discard(path.resolve())


def _prepare(connection: Connection, key: Secret, *, exclusive: bool, cache_kib: int) -> None:
    run = connection.execute
    run("PRAGMA cipher_log_level = NONE")
    run("PRAGMA cipher_memory_security = ON")
    hexed = bytearray(b"x'" + key.reveal().hex().encode() + b"'")
    connection.set_key(hexed)
    hexed[:] = bytes(len(hexed))
    if exclusive:
        run("PRAGMA locking_mode = EXCLUSIVE")
    if run("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        raise ReadOnlyMedium("The vault's folder cannot be written.", "Copy the vault to a disk that can be written.")
    run(f"PRAGMA synchronous = {'FULL' if exclusive else 'NORMAL'}")
    run("PRAGMA fullfsync = ON")
    run("PRAGMA checkpoint_fullfsync = ON")
    for name, allowed in (
        ("temp_store", {0, 2}),
        ("mmap_size", {0}),
        ("cipher_plaintext_header_size", {"0"}),
        ("cipher_page_size", {"4096"}),
        ("cipher_use_hmac", {"1"}),
    ):
        row = run(f"PRAGMA {name}").fetchone()
        if row is not None and row[0] not in allowed:
            raise Unexpected(f"The database library is not configured safely ({name}).", "Install iop-tui again.")
    run("PRAGMA trusted_schema = OFF")
    run("PRAGMA foreign_keys = ON")
    run("PRAGMA cell_size_check = ON")
    run(f"PRAGMA cache_size = -{cache_kib}")
    run(f"PRAGMA wal_autocheckpoint = {AUTO_CHECKPOINT}")
    run("SELECT count(*) FROM sqlite_master").fetchone()
    if exclusive:
        run("BEGIN IMMEDIATE")
        run("COMMIT")
    connection.set_authorizer(_authorize)


def _authorize(action: int, first: str | None, second: str | None, *_: object) -> int:
    if action in (sqlcipher.SQLITE_ATTACH, sqlcipher.SQLITE_DETACH):
        return int(sqlcipher.SQLITE_DENY)
    if action == sqlcipher.SQLITE_PRAGMA and first is not None:
        name = first.lower()
        if second is not None and (
            name in _DENIED_PRAGMAS or (name.startswith("cipher_") and name != "cipher_integrity_check")
        ):
            return int(sqlcipher.SQLITE_DENY)
    if action == sqlcipher.SQLITE_FUNCTION and second == "load_extension":
        return int(sqlcipher.SQLITE_DENY)
    return int(sqlcipher.SQLITE_OK)


def _refuse_plaintext(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(16) == _PLAIN_HEADER:
            raise VaultDamaged(f"{path.name} is not encrypted; it was replaced.")


def lock_owner(path: Path) -> int | None:
    """The process id that holds SQLite's lock on `path`, or None."""
    if path.resolve() in _held:
        return os.getpid()
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        # struct flock on Linux 64 bit: type, whence, start, length, pid
        asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, _LOCK_START, _LOCK_LENGTH, 0)
        answer = struct.unpack("hhqqi4x", fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    except (OSError, struct.error):
        return None
    finally:
        os.close(descriptor)
    return None if answer[0] == fcntl.F_UNLCK else answer[4]


def refuse_if_in_use(path: Path) -> None:
    """Raise `VaultInUse` naming the process, where another one holds the vault."""
    owner = lock_owner(path)
    if owner is not None and owner != os.getpid():
        raise VaultInUse(f"This vault is open in another session (process {owner}).")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Database and system errors as plain sentences; everything else passes."""
    try:
        yield
    except sqlcipher.Error as error:
        raise translate(error, path) from None
    except OSError as error:
        raise from_os_error(error, path) from None


def translate(error: Exception, path: Path) -> IopError:
    """The plain-sentence error for a database error. The original text never carries data here: only its class is
    used.
    """
    text = str(error).lower()
    if "locked" in text or "busy" in text:
        owner = lock_owner(path)
        who = f" (process {owner})" if owner else ""
        return VaultInUse(f"This vault is open in another session{who}.")
    if "full" in text:
        return DiskFull("The disk is full.")
    if "readonly" in text or "read-only" in text or "unable to open" in text:
        return ReadOnlyMedium(f"{path.name} cannot be written here.", "Copy the vault to a disk that can be written.")
    if "disk i/o" in text:
        return MediumUnusable("The disk reported an error.", "Check the disk; then run `iop-tui verify`.")
    if isinstance(error, sqlcipher.DatabaseError) and (
        "not a database" in text or "malformed" in text or "encrypted" in text
    ):
        return VaultDamaged(f"{path.name} is damaged or was replaced.")
    return VaultDamaged(f"{path.name} could not be read ({type(error).__name__}).")


def from_os_error(error: OSError, path: Path) -> IopError:
    """The plain-sentence error for an operating-system error."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull("The disk is full.")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return ReadOnlyMedium(f"{path.name} cannot be written or read here.", "Check the folder's permissions.")
    if error.errno == errno.ENOENT:
        return VaultMissing(f"{path.name} is missing.")
    return MediumUnusable(f"{path.name} cannot be used ({os.strerror(error.errno or 0)}).")
