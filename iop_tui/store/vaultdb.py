"""The vault database: append what a use case brings in one transaction, then move the signed head.

Write order: BEGIN → rows → audit entries → COMMIT → signed head into its slot → acknowledge.
A head behind the log is what a crash leaves; a head ahead of the log is the alarm.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import sqlcipher3.dbapi2 as sqlcipher

from iop_tui.kernel.canonical import encode
from iop_tui.kernel.errors import DiskFull, IopError, VaultDamaged
from iop_tui.kernel.secret import Secret
from iop_tui.store import ballast, exchangelog, migrations
from iop_tui.store.database import Connection, open_database, released, translate, translated
from iop_tui.store.rows import (
    EMPTY_DIGEST,
    ActRow,
    AuditHeader,
    AuditRow,
    ExchangeRow,
    FingerprintRow,
    RevisionRow,
    SessionRow,
    audit_hash,
    changes_digest,
    journal_digest,
    state_digest,
)
from iop_tui.store.writer import Writer
from iop_tui.vault.digest import derive, sha256

T = TypeVar("T")
_GENESIS = bytes(32)
_LOOK_EVERY = 20_000
"""Steps of the database machine between two looks at who waits: a few milliseconds."""
_LATER = ("program:ONCALL",)
"""Facts that vaults of earlier programs lack: their value follows from the vault's id, on every copy alike."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far this copy of the vault has come: what the signed head states."""

    audit_seq: int
    audit_hash: bytes
    revisions: int
    acts: int
    journal: bytes


@dataclass(slots=True)
class Batch:
    """Everything one use case appends. `events` are sealed audit bodies, at least one."""

    session: bytes
    at_ms: int
    events: list[bytes] = field(default_factory=list)
    acts: list[ActRow] = field(default_factory=list)
    revisions: list[RevisionRow] = field(default_factory=list)
    sessions: list[SessionRow] = field(default_factory=list)
    fingerprints: list[FingerprintRow] = field(default_factory=list)
    state: dict[str, bytes] = field(default_factory=dict)
    clear_journal: list[tuple[bytes, bytes]] = field(default_factory=list)
    clean_close: bool = False
    exchange: list[ExchangeRow] = field(default_factory=list)


class VaultDb:
    """One open vault database. All access runs on its writer thread."""

    def __init__(self, path: Path, connection: Connection, device: bytes) -> None:
        self.path = path
        self.writer = Writer()
        self._db = connection
        self._device = device
        self._head: Callable[[Position], None] | None = None
        self._state: dict[str, bytes] = {}
        self._meta: dict[str, bytes] = {}
        self._journal: dict[tuple[bytes, bytes], bytes] = {}
        self._position = Position(0, _GENESIS, 0, 0, EMPTY_DIGEST)
        self.order = exchangelog.LogOrder(self)
        self.reader: int | None = None
        """A descriptor of the file for copies of it (`store.standing`), closed after the database: see `database`."""
        self.damaged = False
        """Whether damage was met; such a file is not written any more."""

    @classmethod
    def create(cls, path: Path, key: Secret, device: bytes, meta: dict[str, bytes]) -> VaultDb:
        """A new vault database with all migrations applied and its unchanging facts written."""
        connection = open_database(path, key, exclusive=True, create=True)
        database = cls(path, connection, device)
        try:
            database.writer.run(lambda: database._create(meta))
        except BaseException:  # also a stop by the user: the lock of the vault must not outlive it
            database.close()
            raise
        return database

    @classmethod
    def open(cls, path: Path, key: Secret, device: bytes) -> VaultDb:
        """The existing vault database, migrated forward where needed. Raises `NeedsNewer` before touching a newer
        one.
        """
        connection = open_database(path, key, exclusive=True)
        database = cls(path, connection, device)
        try:
            database.writer.run(database._load)
        except BaseException:  # also a stop by the user: the lock of the vault must not outlive it
            database.close()
            raise
        return database

    def close(self) -> None:
        """Finish queued work, fold the log into the main file, close. A second call does nothing."""
        if self.writer.closed:
            return

        def end() -> None:
            try:
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlcipher.Error:
                # A full or vanished disk: the log stays beside the file and is folded in next time.
                return

        self.writer.run(end)
        self.writer.run(self._db.close)
        self.writer.close()
        if self.reader is not None:
            os.close(self.reader)
        released(self.path)

    # -- reading ---------------------------------------------------------------------------

    @property
    def position(self) -> Position:
        """Where the log stands after the last commit."""
        return self._position

    @property
    def state(self) -> dict[str, bytes]:
        """A copy of the small mutable facts."""
        return dict(self._state)

    @property
    def facts(self) -> dict[str, bytes]:
        """A copy of the unchanging facts."""
        return dict(self._meta)

    @property
    def facts_digest(self) -> bytes:
        """The digest of the small facts as they stand, which the last audit entry must name."""
        return state_digest(self._state, self._meta)

    def read(self, query: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query, read on the writer's thread."""
        return self.writer.run(lambda: self._query(query, parameters))

    def read_if_idle(self, query: str) -> list[tuple[Any, ...]] | None:
        """Rows of a long query; `None` where it was given up because another job waits for the writer."""
        return self.writer.run(lambda: self._query_if_idle(query))

    def meta(self, key: str) -> bytes:
        """An unchanging fact. Raises `VaultDamaged` where it is missing."""
        known = self._meta.get(key)
        if known is None:
            rows = self.read("SELECT value FROM meta WHERE key = ?", (key,))
            if not rows:
                return _following(self, key)
            known = self._meta[key] = bytes(rows[0][0])
        return known

    def program_compartments(self) -> dict[bytes, str]:
        """The ids of the compartments that exist once per program, with their kinds."""
        rows = self.read("SELECT key, value FROM meta WHERE key LIKE 'program:%'")
        facts = {str(key): bytes(value) for key, value in rows}
        return {value: key.partition(":")[2] for key, value in _with_later(self, facts).items()}

    def revisions_since(self, seq: int, limit: int) -> list[tuple[int, RevisionRow]]:
        """Up to `limit` revisions after vault sequence `seq`, in order."""
        rows = self.read(
            "SELECT seq, id, record, compartment, generation, tag, deposit, sealed FROM revision"
            " WHERE seq > ? ORDER BY seq LIMIT ?",
            (seq, limit),
        )
        return [(row[0], _revision_row(row[1:])) for row in rows]

    def revisions_of(self, compartment: bytes) -> Iterator[tuple[int, RevisionRow]]:
        """All revisions of one compartment, in order."""
        rows = self.read(
            "SELECT seq, id, record, compartment, generation, tag, deposit, sealed FROM revision"
            " WHERE compartment = ? ORDER BY seq",
            (compartment,),
        )
        for row in rows:
            yield row[0], _revision_row(row[1:])

    def revision(self, identifier: bytes) -> RevisionRow | None:
        """One revision row by its id, or None."""
        rows = self.read(
            "SELECT id, record, compartment, generation, tag, deposit, sealed FROM revision WHERE id = ?",
            (identifier,),
        )
        return _revision_row(rows[0]) if rows else None

    def acts_since(self, seq: int) -> list[tuple[int, ActRow]]:
        """All acts after a place in the log, with their places: see `exchangelog.LogOrder`."""
        return self.order.acts_since(seq)

    def known_fingerprints(self, macs: list[bytes]) -> dict[bytes, bytes]:
        """Which of these keyed fingerprints were taken before, and what they became."""
        found: dict[bytes, bytes] = {}
        for start in range(0, len(macs), 500):
            part = macs[start : start + 500]
            marks = ",".join("?" * len(part))
            found.update(self.read(f"SELECT mac, target FROM fingerprint WHERE mac IN ({marks})", tuple(part)))
        return found

    def alone(self, work: Callable[[Connection], T]) -> T:
        """Run something on the writer's thread with nothing else in between."""

        def run() -> T:
            with translated(self.path):
                return work(self._db)

        return self.writer.run(run)

    # -- writing ---------------------------------------------------------------------------

    def set_head_sink(self, sink: Callable[[Position], None]) -> None:
        """Where the signed head goes after each commit."""
        self._head = sink

    def commit(self, batch: Batch) -> tuple[int, int]:
        """Append a batch in one transaction and move the head; (first, last) revision sequence, last < first: none.

        Raises `DiskFull`, `MediumUnusable`; then nothing of the batch is in the vault.
        """
        return self.writer.run(lambda: self._commit(batch))

    def start(self, batch: Batch) -> tuple[Future[tuple[int, int]], Future[None]]:
        """Append a batch as `commit` does, without waiting for it: the first future has its place in the log and is
        done once the transaction is durable, the second once the head has moved, too. Both raise what `commit` does.
        """
        return self.writer.submit_two(
            lambda: self._with_ballast(lambda: self._commit_once(batch)), lambda: self._with_ballast(self._move_head)
        )

    def journal_put(self, user: bytes, slot: bytes, sealed: bytes) -> None:
        """Replace one journal entry."""
        self.writer.run(lambda: self._journal_write(user, slot, sealed))

    def journal_clear(self, user: bytes, slot: bytes) -> None:
        """Drop one journal entry: its text was saved or given up by its author."""
        self.writer.run(lambda: self._journal_write(user, slot, None))

    def journal_of(self, user: bytes) -> dict[bytes, bytes]:
        """Slot -> sealed text of one user's journal."""
        return dict(self.read("SELECT slot, sealed FROM journal WHERE user = ?", (user,)))

    # -- on the writer's thread ------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            with translated(self.path):
                yield
        except VaultDamaged:
            self.damaged = True
            raise

    def _query(self, query: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._reading():
            found: list[tuple[Any, ...]] = self._db.execute(query, parameters).fetchall()
            return found

    def _query_if_idle(self, query: str) -> list[tuple[Any, ...]] | None:
        self._db.set_progress_handler(lambda: int(self.writer.waited_for), _LOOK_EVERY)
        try:
            with self._reading():
                try:
                    found: list[tuple[Any, ...]] = self._db.execute(query).fetchall()
                except sqlcipher.OperationalError:
                    if not self.writer.waited_for:
                        raise
                    return None
        finally:
            self._db.set_progress_handler(None, 0)
        return found

    def _create(self, meta: dict[str, bytes]) -> None:
        with translated(self.path):
            self._migrate(0)
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT INTO meta VALUES (?, ?)", sorted(meta.items()))
            self._db.execute("COMMIT")
        self._meta = dict(meta)
        ballast.keep(self.path)

    def _migrate(self, version: int) -> None:
        for step in migrations.pending(version):
            self._db.executescript(f"BEGIN IMMEDIATE;\n{step.sql}\nPRAGMA user_version = {step.number};\nCOMMIT;")

    def _load(self) -> None:
        version = self._query("PRAGMA user_version")[0][0]
        with translated(self.path):
            self._migrate(version)
        self._meta = dict(self._query("SELECT key, value FROM meta"))
        self._device = self._meta.get("device", self._device)
        self._state = dict(self._query("SELECT key, value FROM state"))
        self._journal = {
            (row[0], row[1]): sha256(row[2]) for row in self._query("SELECT user, slot, sealed FROM journal")
        }
        last = self._query("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
        seq, chain = last[0] if last else (0, _GENESIS)
        self._position = Position(
            seq, chain, self._count("revision"), self._count("act"), journal_digest(self._journal)
        )

    def _count(self, table: str) -> int:
        return int(self._query(f"SELECT coalesce(max(seq), 0) FROM {table}")[0][0])

    def _commit(self, batch: Batch) -> tuple[int, int]:
        found = self._with_ballast(lambda: self._commit_once(batch))
        self._with_ballast(self._move_head)
        return found

    def _with_ballast(self, step: Callable[[], T]) -> T:
        """Do a step; where the disk is full, give the ballast up and do it once more."""
        try:
            return step()
        except DiskFull:
            if not ballast.give_up(self.path):
                raise
            return step()

    def _move_head(self) -> None:
        if self._head is not None:
            self._head(self._position)

    def _commit_once(self, batch: Batch) -> tuple[int, int]:
        position = self._position
        first = position.revisions + 1
        state = {**self._state, **batch.state}
        journal = {key: value for key, value in self._journal.items() if key not in set(batch.clear_journal)}
        audit = self._audit_rows(batch, state)
        last = audit[-1].seq
        try:
            self._db.execute("BEGIN IMMEDIATE")
            _insert(self._db, self._position, batch, last)
            self._db.executemany(
                "INSERT INTO audit VALUES (?, ?, ?, ?)", [(a.seq, a.header, a.sealed, a.hash) for a in audit]
            )
            self._db.execute("COMMIT")
        except sqlcipher.Error as error:
            self._settle(error, audit[-1])
        self._state, self._journal = state, journal
        self._position = Position(
            last,
            audit[-1].hash,
            position.revisions + len(batch.revisions),
            position.acts + len(batch.acts),
            journal_digest(journal),
        )
        return first, self._position.revisions

    def _settle(self, error: Exception, last: AuditRow) -> None:
        """An error from COMMIT means "unknown": look whether the transaction is there before giving up."""
        failure = translate(error, self.path)
        if self._db.in_transaction:
            try:
                self._db.execute("ROLLBACK")
            except sqlcipher.Error:
                raise failure from None
        try:
            found = self._query("SELECT hash FROM audit WHERE seq = ?", (last.seq,))
        except IopError:
            raise failure from None
        if not found or bytes(found[0][0]) != last.hash:
            raise failure from None

    def _audit_rows(self, batch: Batch, state: dict[str, bytes]) -> list[AuditRow]:
        rows: list[AuditRow] = []
        seq, previous = self._position.audit_seq, self._position.audit_hash
        brought = (batch.acts, batch.revisions, batch.sessions, batch.fingerprints, batch.exchange)
        digests = changes_digest(row.digest() for group in brought for row in group)
        for index, sealed in enumerate(batch.events):
            final = index == len(batch.events) - 1
            header = encode(
                AuditHeader(
                    seq + index + 1,
                    batch.at_ms,
                    self._device,
                    batch.session,
                    previous,
                    digests if final else EMPTY_DIGEST,
                    state_digest(state, self._meta) if final else EMPTY_DIGEST,
                    batch.clean_close and final,
                )
            )
            previous = audit_hash(header, sealed)
            rows.append(AuditRow(seq + index + 1, header, sealed, previous))
        return rows

    def _journal_write(self, user: bytes, slot: bytes, sealed: bytes | None) -> None:
        with translated(self.path):
            if sealed is None:
                self._db.execute("DELETE FROM journal WHERE user = ? AND slot = ?", (user, slot))
                self._journal.pop((user, slot), None)
            else:
                self._db.execute(
                    "INSERT INTO journal VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET sealed = excluded.sealed",
                    (user, slot, sealed),
                )
                self._journal[(user, slot)] = sha256(sealed)
        self._position = Position(
            self._position.audit_seq,
            self._position.audit_hash,
            self._position.revisions,
            self._position.acts,
            journal_digest(self._journal),
        )
        if self._head is not None:
            self._head(self._position)


def _revision_row(row: tuple[Any, ...]) -> RevisionRow:
    return RevisionRow(row[0], row[1], row[2], row[3], row[4], bool(row[5]), row[6])


def _following(db: VaultDb, key: str) -> bytes:
    """A fact that is not stored: it follows from the vault's id where vaults of earlier programs lack it. Raises
    `VaultDamaged` for any other.
    """
    if key not in _LATER:
        raise VaultDamaged(f"vault.db lacks its {key}.")
    return derive(db.meta("vault_id"), "iop/program/1", key.encode(), size=16)


def _with_later(db: VaultDb, facts: dict[str, bytes]) -> dict[str, bytes]:
    """Stored facts of the program with those that a later program added; none where there is no program."""
    return facts | {key: db.meta(key) for key in _LATER if facts and key not in facts}


def _insert(db: Connection, position: Position, batch: Batch, audit_seq: int) -> None:
    """All rows of a batch behind the place in the log that was reached; inside the transaction of the caller."""
    run = db.executemany
    run(
        "INSERT INTO act VALUES (?, ?, ?, ?)",
        [(position.acts + n, a.id, a.signed, audit_seq) for n, a in enumerate(batch.acts, 1)],
    )
    run(
        "INSERT INTO revision VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (position.revisions + n, r.id, r.record, r.compartment, r.generation, r.tag, int(r.deposit), r.sealed,
             audit_seq)
            for n, r in enumerate(batch.revisions, 1)
        ],
    )
    run(
        "INSERT INTO audit_session (id, user, for_auditors, for_self, audit_seq) VALUES (?, ?, ?, ?, ?)",
        [(s.id, s.user, s.for_auditors, s.for_self, audit_seq) for s in batch.sessions],
    )
    run(
        "INSERT INTO fingerprint (mac, target, audit_seq) VALUES (?, ?, ?)",
        [(f.mac, f.target, audit_seq) for f in batch.fingerprints],
    )
    run(
        "INSERT INTO exchange (kind, id, data, audit_seq) VALUES (?, ?, ?, ?)",
        [(e.kind, e.id, e.data, audit_seq) for e in batch.exchange],
    )
    run(
        "INSERT INTO state VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        sorted(batch.state.items()),
    )
    run("DELETE FROM journal WHERE user = ? AND slot = ?", batch.clear_journal)
