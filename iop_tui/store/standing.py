"""The main file of an open vault, standing still while writes go on beside it.

In WAL mode the main file changes at checkpoints only. So: fold the log in, allow no checkpoint, copy the file, allow
them again. Meanwhile every write goes into the log beside it, and nobody waits for the copy.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from iop_tui.kernel.errors import MediumUnusable
from iop_tui.store.database import AUTO_CHECKPOINT, Connection
from iop_tui.store.vaultdb import Position, VaultDb

_PART = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Standing:
    """A vault as it stood at one moment: the end of its log, the bytes of `vault.head`, and its main file."""

    position: Position
    head: bytes
    _descriptor: int
    _size: int

    def database(self) -> Iterator[bytes]:
        """The main file, part by part; again from the start at each call."""
        at = 0
        while at < self._size:
            part = os.pread(self._descriptor, min(_PART, self._size - at), at)
            if not part:
                raise MediumUnusable("vault.db became shorter while it was copied.", "Check the disk.")
            at += len(part)
            yield part


@contextmanager
def standing(db: VaultDb, head: Path) -> Iterator[Standing]:
    """Let the main file stand still for the length of the block. Raises `MediumUnusable` where the log cannot be
    folded in now.
    """

    def begin(connection: Connection) -> Standing:
        if db.reader is None:
            # Opened once and closed with the database: closing any descriptor of the file drops SQLite's lock on it.
            db.reader = os.open(db.path, os.O_RDONLY | os.O_CLOEXEC)
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise MediumUnusable("The vault's log cannot be folded in now.", "The backup is tried again later.")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        return Standing(db.position, head.read_bytes(), db.reader, os.fstat(db.reader).st_size)

    found = db.alone(begin)
    try:
        yield found
    finally:
        if not db.writer.closed:
            db.alone(lambda connection: connection.execute(f"PRAGMA wal_autocheckpoint = {AUTO_CHECKPOINT}"))
