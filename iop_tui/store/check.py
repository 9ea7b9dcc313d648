"""Does this vault still say what it said? Head, counts and tail at unlock; every row in the full check.

SQLCipher's page authentication does not notice an old page, a cut log or an old file put back. The audit
chain does: each entry holds the previous hash and a digest over the rows that came with it, and a signed
head outside the database states how far the chain had come.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from iop_tui.kernel.canonical import decode
from iop_tui.kernel.clock import iso
from iop_tui.kernel.errors import Cancelled, IopError, VaultDamaged
from iop_tui.store.migrations import SCHEMA_QUERY, expected_schema
from iop_tui.store.rows import (
    EMPTY_DIGEST,
    ActRow,
    AuditHeader,
    ExchangeRow,
    FingerprintRow,
    RevisionRow,
    SessionRow,
    audit_hash,
    changes_digest,
)
from iop_tui.store.vaultdb import Position, VaultDb

_GENESIS = bytes(32)
_STEP = 500
_PIECE = 1_000
_NO_MORE = 1 << 63
_PAUSE_SECONDS = 0.5
_STOPPED = "The check was stopped; it starts again at the next unlock."


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """Something that does not fit. `alarm` is False for what an interrupted write leaves behind."""

    what: str
    where: str
    since: str = ""
    alarm: bool = True


@dataclass(frozen=True, slots=True)
class HeadState:
    """What the newest valid signed head states, and what was wrong around it."""

    position: Position | None
    at_ms: int
    problems: tuple[str, ...] = ()
    header: bytes = b""
    """The digest of the key slots that the head names."""


def quick(db: VaultDb, head: HeadState) -> list[CheckFinding]:
    """Head against counts, then the last entry, the mutable facts and the schema. Constant time; at every unlock."""
    found = [CheckFinding(problem, "vault.head", alarm=False) for problem in head.problems]
    here = db.position
    if head.position is None:
        if here.audit_seq > 1:
            found.append(CheckFinding("No signed head can be read", "vault.head"))
        return found + _schema(db)
    found += _against_head(db, head, here)
    found += _last_entry(db)
    return found + _schema(db)


def _against_head(db: VaultDb, head: HeadState, here: Position) -> list[CheckFinding]:
    stated = head.position
    since = iso(head.at_ms)
    if stated is None:
        return []
    if stated.audit_seq > here.audit_seq or stated.revisions > here.revisions or stated.acts > here.acts:
        return [
            CheckFinding(
                f"{stated.audit_seq - here.audit_seq} log entries are missing: the database is older than its"
                f" signed head",
                "vault.db",
                since,
            )
        ]
    row = db.read("SELECT hash FROM audit WHERE seq = ?", (stated.audit_seq,))
    if stated.audit_seq and (not row or bytes(row[0][0]) != stated.audit_hash):
        return [CheckFinding("The log was rewritten: it does not lead to its signed head", "vault.db", since)]
    ahead = _commits_after(db, stated.audit_seq)
    clean = _closed_cleanly(db)
    # The power may fail between the closing entry and its head, so one missing head is no alarm even then.
    if ahead > (1 if clean else 2):
        return [
            CheckFinding("The signed head is older than the database: vault.head was put back", "vault.head", since)
        ]
    if ahead:
        return [
            CheckFinding("The last save was interrupted before its head was written", "vault.head", since, alarm=False)
        ]
    if stated.journal != here.journal:
        return [
            CheckFinding("The unsaved drafts are not those of the signed head", "vault.db journal", since, alarm=clean)
        ]
    return []


def _commits_after(db: VaultDb, seq: int) -> int:
    """How many transactions the log is ahead of the head; only a transaction's last entry carries a state digest."""
    count = 0
    for (raw,) in db.read("SELECT header FROM audit WHERE seq > ? ORDER BY seq LIMIT 5000", (seq,)):
        try:
            count += decode(raw, AuditHeader).state != EMPTY_DIGEST
        except IopError:
            return 3
    return count


def _closed_cleanly(db: VaultDb) -> bool:
    rows = db.read("SELECT header FROM audit ORDER BY seq DESC LIMIT 1")
    try:
        return bool(rows) and decode(rows[0][0], AuditHeader).clean_close
    except IopError:
        return True


def _last_entry(db: VaultDb) -> list[CheckFinding]:
    rows = db.read("SELECT seq, header, sealed, hash FROM audit ORDER BY seq DESC LIMIT 1")
    if not rows:
        return []
    seq, raw, sealed, stored = rows[0]
    try:
        header = decode(raw, AuditHeader)
    except IopError:
        return [CheckFinding("A log entry cannot be read", f"vault.db audit {seq}")]
    found = []
    if audit_hash(raw, sealed) != stored or header.seq != seq:
        found.append(CheckFinding("A log entry was changed", f"vault.db audit {seq}", iso(header.at_ms)))
    if header.state != db.facts_digest:
        found.append(
            CheckFinding("Settings of the vault were changed outside the program", "vault.db state", iso(header.at_ms))
        )
    return found


def full(
    db: VaultDb,
    head: HeadState,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[CheckFinding]:
    """Every entry of the chain and every row it covers, and the pages themselves. Raises `Cancelled`.

    Where a page is so damaged that the database refuses to read on, what was found up to there is the answer.
    """
    found = quick(db, head)
    try:
        for item in chain(_pages(db, cancelled), _chain(db, progress, cancelled)):
            found.append(item)  # one by one: what is found before the database refuses is kept
    except VaultDamaged as error:
        found.append(CheckFinding(error.message.rstrip("."), "vault.db"))
    return found


def _pages(db: VaultDb, cancelled: Callable[[], bool] | None) -> Iterator[CheckFinding]:
    # Only the main file is covered by the page check, so the log is folded in first.
    db.read("PRAGMA wal_checkpoint(TRUNCATE)")
    for (text,) in db.read("PRAGMA cipher_integrity_check"):
        db.damaged = True
        page = text.rpartition("page ")[2]
        yield CheckFinding("A page fails its authentication", f"vault.db page {page}" if page.isdigit() else "vault.db")
    for (text,) in _between_saves(db, "PRAGMA integrity_check(10)", cancelled):
        if text != "ok":
            db.damaged = True
            yield CheckFinding("The database structure is damaged", "vault.db")


def _between_saves(
    db: VaultDb, query: str, cancelled: Callable[[], bool] | None
) -> list[tuple[Any, ...]]:
    """Rows of a query that takes many seconds on a large vault: begun again whenever somebody wants to save."""
    while (rows := db.read_if_idle(query)) is None:
        if cancelled is not None and cancelled():
            raise Cancelled(_STOPPED)
        time.sleep(_PAUSE_SECONDS)
    return rows


def _schema(db: VaultDb) -> list[CheckFinding]:
    """Tables, indexes and triggers against those the migrations make."""
    if db.read(SCHEMA_QUERY) == expected_schema():
        return []
    return [CheckFinding("Tables or triggers were changed outside the program", "vault.db")]


def _chain(
    db: VaultDb,
    progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> Iterator[CheckFinding]:
    covered = _Covered(db)
    previous, expected, total = _GENESIS, 1, db.position.audit_seq
    while True:
        if cancelled is not None and cancelled():
            raise Cancelled(_STOPPED)
        rows = db.read(
            "SELECT seq, header, sealed, hash FROM audit WHERE seq >= ? ORDER BY seq LIMIT ?", (expected, _STEP)
        )
        if not rows:
            break
        digests = covered.up_to(rows[-1][0])
        for seq, raw, sealed, stored in rows:
            yield from _entry(seq, raw, sealed, stored, expected, previous, digests.pop(seq, []))
            previous, expected = bytes(stored), seq + 1
        for seq in digests:
            yield CheckFinding("Rows belong to a log entry that is missing", f"vault.db audit {seq}")
        if progress is not None:
            progress(expected - 1, total)
    yield from covered.beyond(expected)


def _entry(
    seq: int,
    raw: bytes,
    sealed: bytes,
    stored: bytes,
    expected: int,
    previous: bytes,
    digests: list[bytes],
) -> Iterator[CheckFinding]:
    where = f"vault.db audit {seq}"
    try:
        header = decode(raw, AuditHeader)
    except IopError:
        yield CheckFinding("A log entry cannot be read", where)
        return
    since = iso(header.at_ms)
    if seq != expected:
        yield CheckFinding(f"{seq - expected} log entries are missing before this one", where, since)
    if header.seq != seq or header.previous != previous or audit_hash(raw, sealed) != stored:
        yield CheckFinding("The chain of log entries is broken", where, since)
    if changes_digest(digests) != header.changes:
        yield CheckFinding("Records were added, changed or removed outside the program", where, since)


class _Covered:
    """Row digests grouped by the audit entry that brought them, in the order they were digested.

    Every table is read once, in pieces, somewhat ahead of the log: asking for the rows of each stretch of the log
    would walk over all later rows each time.
    """

    _TABLES: tuple[tuple[str, str, Callable[[tuple[Any, ...]], bytes]], ...] = (
        ("act", "id, signed", lambda r: ActRow(r[0], r[1]).digest()),
        (
            "revision",
            "id, record, compartment, generation, tag, deposit, sealed",
            lambda r: RevisionRow(r[0], r[1], r[2], r[3], r[4], bool(r[5]), r[6]).digest(),
        ),
        ("audit_session", "id, user, for_auditors, for_self", lambda r: SessionRow(r[0], r[1], r[2], r[3]).digest()),
        ("fingerprint", "mac, target", lambda r: FingerprintRow(r[0], r[1]).digest()),
        ("exchange", "kind, id, data", lambda r: ExchangeRow(r[0], r[1], r[2]).digest()),
    )

    def __init__(self, db: VaultDb) -> None:
        self._db = db
        self._after = {name: 0 for name, _, _ in self._TABLES}
        self._latest = {name: 0 for name, _, _ in self._TABLES}
        self._ahead = {name: 0 for name, _, _ in self._TABLES}
        self._waiting: dict[str, dict[int, list[bytes]]] = {name: {} for name, _, _ in self._TABLES}
        self._unordered: set[str] = set()

    def up_to(self, last: int) -> dict[int, list[bytes]]:
        """Digests of all rows brought by entries up to `last` that were not handed out before."""
        grouped: dict[int, list[bytes]] = {}
        for name, columns, digest in self._TABLES:
            while self._ahead[name] <= last:
                self._read_piece(name, columns, digest)
            waiting = self._waiting[name]
            for entry in [each for each in waiting if each <= last]:
                grouped.setdefault(entry, []).extend(waiting.pop(entry))
        return grouped

    def _read_piece(self, name: str, columns: str, digest: Callable[[tuple[Any, ...]], bytes]) -> None:
        rows = self._db.read(
            f"SELECT seq, audit_seq, {columns} FROM {name} WHERE seq > ? ORDER BY seq LIMIT {_PIECE}",
            (self._after[name],),
        )
        for row in rows:
            self._waiting[name].setdefault(row[1], []).append(digest(row[2:]))
            if row[1] < self._latest[name]:
                self._unordered.add(name)
            self._latest[name] = row[1]
        # Of the smallest number in the piece, so that one row with a false number does not end the reading.
        self._ahead[name] = min(row[1] for row in rows) if rows else _NO_MORE
        self._after[name] = rows[-1][0] if rows else self._after[name]

    def beyond(self, expected: int) -> Iterator[CheckFinding]:
        """Rows that claim an entry after the end of the log, or that lie out of order."""
        for name, _, _ in self._TABLES:
            count = self._db.read(f"SELECT count(*) FROM {name}")[0][0]
            top = self._db.read(f"SELECT coalesce(max(seq), 0) FROM {name}")[0][0]
            if count != top:
                yield CheckFinding("Rows are missing", f"vault.db {name}")
            if self._db.read(f"SELECT 1 FROM {name} WHERE audit_seq >= ? OR audit_seq < 1 LIMIT 1", (expected,)):
                yield CheckFinding("Rows belong to no log entry", f"vault.db {name}")
            if name in self._unordered:
                yield CheckFinding("Rows do not stand in the order they were written", f"vault.db {name}")
