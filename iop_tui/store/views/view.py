"""A user's view: the readable projection of exactly what that user can open.

An SQLCipher file under a random key of its own, with relational tables and a full-text index. It never
holds a word from a compartment its user has no key for, so screens query it without any filter.
It is disposable: damaged or outdated, it is built anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import sqlcipher3.dbapi2 as sqlcipher

from iop_tui.kernel.declare import Fact, PersonLine
from iop_tui.kernel.errors import VaultDamaged
from iop_tui.kernel.secret import Secret
from iop_tui.store.database import Connection, open_database, translated
from iop_tui.store.members import believed
from iop_tui.store.views.viewschema import SCHEMA, SCHEMA_NUMBER
from iop_tui.vault.digest import sha256

T = TypeVar("T")
CACHE_KIB = 65_536
_SERIALS = count(1)


class ViewDamaged(VaultDamaged):
    """This user's view cannot be read; it is built anew from the vault, which is not concerned."""

    code = "view_damaged"
    default_hint = "Lock and unlock again: your view is built anew. Nothing is lost."


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        with translated(path):
            yield
    except ViewDamaged:
        raise
    except VaultDamaged as error:
        raise ViewDamaged(error.message) from None


@dataclass(frozen=True, slots=True)
class Projected:
    """One opened revision as the view keeps it."""

    id: bytes
    record: bytes
    kind: str
    person: bytes
    compartment: bytes
    author: bytes
    parents: tuple[bytes, ...]
    at_ms: int
    status: str
    service_date: str | None
    title: str
    source: str
    version: int
    doc: bytes
    text: str
    facts: tuple[Fact, ...] = ()
    person_line: PersonLine | None = None
    origin: bytes | None = None
    deposit: bool = False


@dataclass(frozen=True, slots=True)
class ProjectedSignature:
    """A signature over a revision of a record."""

    id: bytes
    record: bytes
    target: bytes
    signer: bytes
    meaning: str
    at_ms: int
    doc: bytes
    compartment: bytes


@dataclass(slots=True)
class Changes:
    """What a write changed: the screens that show these refresh."""

    records: set[bytes] = field(default_factory=set)
    persons: set[bytes] = field(default_factory=set)
    access: bool = False

    def merge(self, other: Changes) -> None:
        """Add what another write changed."""
        self.records |= other.records
        self.persons |= other.persons
        self.access = self.access or other.access


class View:
    """One user's open view: a connection for the projection and one for queries."""

    def __init__(self, path: Path, writing: Connection, reading: Connection) -> None:
        self.path = path
        self.serial = next(_SERIALS)
        self._writing = writing
        self._reading = reading
        self._numbers: dict[str, int] = {}
        self._unsaved: dict[str, int] = {}
        self._write_lock = threading.RLock()
        self._read_lock = threading.RLock()
        self._near: int | None = None

    @classmethod
    def create(cls, path: Path, key: Secret) -> View:
        """A new, empty view."""
        path.parent.mkdir(mode=0o700, exist_ok=True)
        connection = open_database(path, key, exclusive=False, create=True, cache_kib=CACHE_KIB)
        with translated(path):
            connection.executescript(SCHEMA)
            connection.execute("INSERT INTO meta VALUES ('schema', ?)", (SCHEMA_NUMBER,))
        return cls(path, connection, open_database(path, key, exclusive=False, cache_kib=CACHE_KIB))

    @classmethod
    def open(cls, path: Path, key: Secret) -> View:
        """An existing view. Raises `VaultDamaged` where it must be built anew."""
        connection = open_database(path, key, exclusive=False, cache_kib=CACHE_KIB)
        try:
            with translated(path):
                row = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
            if row is None or row[0] != SCHEMA_NUMBER:
                raise VaultDamaged("This view was built by another version.")
            return cls(path, connection, open_database(path, key, exclusive=False, cache_kib=CACHE_KIB))
        except BaseException:  # also a stop by the user: no keyed connection is left open
            connection.close()
            raise

    def close(self) -> None:
        """Close both connections."""
        with self._read_lock:
            self._reading.close()
        with self._write_lock, translated(self.path):
            try:
                self._writing.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlcipher.Error:
                # A full or damaged disk: the log stays beside the file and is folded in next time.
                pass
            self._writing.close()

    def abandon(self) -> None:
        """Close a view that is about to be removed, once nobody writes or reads in it any more; whatever it says does
        not matter.
        """
        for lock, connection in ((self._write_lock, self._writing), (self._read_lock, self._reading)):
            with lock:
                try:
                    connection.close()
                except sqlcipher.Error:
                    continue  # the file is damaged, and goes

    # -- reading ---------------------------------------------------------------------------

    def rows(self, query: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query. Call off the UI thread."""
        lock, connection = self._asked()
        with lock, _translated(self.path):
            found: list[tuple[Any, ...]] = connection.execute(query, parameters).fetchall()
            return found

    def one(self, query: str, parameters: tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        """The first row of a query, or None."""
        lock, connection = self._asked()
        with lock, _translated(self.path):
            row: tuple[Any, ...] | None = connection.execute(query, parameters).fetchone()
            return row

    def _asked(self) -> tuple[AbstractContextManager[bool], Connection]:
        """Which connection answers: what is not committed yet is never seen."""
        if self._near == threading.get_ident() and not self._writing.in_transaction:
            return self._write_lock, self._writing
        return self._read_lock, self._reading

    @contextmanager
    def near(self) -> Iterator[None]:
        """For a use case that writes: what this thread asks meanwhile is answered by the connection that writes.

        Each commit empties the other one's cache, so its next queries decrypt every page again. Nobody else writes
        until the end. While somebody else does already, the other connection answers as ever: nobody waits.
        """
        if not self._write_lock.acquire(blocking=False):
            yield
            return
        before, self._near = self._near, threading.get_ident()
        try:
            yield
        finally:
            self._near = before
            self._write_lock.release()

    def has_damaged_pages(self) -> bool:
        """Whether a page fails its authentication. Only the main file is covered, so the log is folded in first."""
        with self._write_lock, self._read_lock, _translated(self.path):
            self._writing.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return bool(self._writing.execute("PRAGMA cipher_integrity_check").fetchall())

    def interrupt(self) -> None:
        """Stop the query that runs now: a newer one replaces it."""
        self._reading.interrupt()

    def number(self, key: str) -> int:
        """A counter of the view as last committed, zero where unset."""
        known = self._numbers.get(key)
        if known is None:
            row = self.one("SELECT value FROM meta WHERE key = ?", (key,))
            # A transaction that ended meanwhile knows the newer value.
            known = self._numbers.setdefault(key, int(row[0]) if row else 0)
        return known

    # -- writing ---------------------------------------------------------------------------

    def transaction(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction of the view."""
        with self._write_lock, _translated(self.path):
            self._writing.execute("BEGIN IMMEDIATE")
            self._unsaved = {}
            try:
                result = work(self._writing)
            except BaseException:  # also a stop by the user: the transaction ends before it goes on
                self._writing.execute("ROLLBACK")
                raise
            self._writing.execute("COMMIT")
            self._numbers |= self._unsaved
            return result

    def set_number(self, connection: Connection, key: str, value: int) -> None:
        """Set a counter inside a transaction."""
        connection.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value)
        )
        self._unsaved[key] = value


def put_revisions(
    db: Connection, items: Iterable[Projected], changes: Changes, again: set[bytes] | None = None
) -> list[tuple[bytes, str]]:
    """Project opened revisions, in any order and any number of times; (id, reason) of those that may not be
    believed. `again` takes the records that came another time: see `leaves_unshown`.
    """
    fresh, others = _split_fresh(db, list(items))
    _insert_fresh(db, fresh)
    changed, refused = fresh, []
    for claimed in others:
        item = _own_number(db, claimed)
        reason = _impostor(db, item)
        if reason is not None:
            refused.append((item.id, reason))
        elif _insert_version(db, item):
            _refresh_record(db, item)
            changed.append(item)
            if again is not None:
                again.add(item.record)
    for item in changed:
        changes.records.add(item.record)
        if item.person:
            changes.persons.add(item.person)
    return refused


def _impostor(db: Connection, item: Projected) -> str | None:
    """Why a version of a known record is not one: see `believed.impostor`."""
    row = db.execute("SELECT author, status, kind FROM record WHERE record = ?", (item.record,)).fetchone()
    return None if row is None else believed.impostor(db, item, *row)


def _own_number(db: Connection, item: Projected) -> Projected:
    """A version under the number its record has in this view. A record stays in its compartment. Numbers are random, so
    one that is taken in another was taken on purpose: both records are shown, a deposit or the later one under a number
    of its own.
    """
    number = item.record
    while (row := _other_place(db, number, item.compartment)) is not None:
        if row[1] and not item.deposit:
            _renumber(db, number, _elsewhere(row[0], number), row[0])
        else:
            db.execute(
                "UPDATE signature SET record = ? WHERE record = ? AND compartment = ?",
                (_elsewhere(item.compartment, number), number, item.compartment),
            )
            number = _elsewhere(item.compartment, number)
    return item if number == item.record else replace(item, record=number)


def _other_place(db: Connection, number: bytes, compartment: bytes) -> tuple[bytes, int] | None:
    """The compartment of the record of this number, and whether it is a deposit, where it is not in this one."""
    row: tuple[bytes, int] | None = db.execute(
        "SELECT compartment, deposit FROM record WHERE record = ? AND compartment != ?", (number, compartment)
    ).fetchone()
    return row


def _elsewhere(compartment: bytes, number: bytes) -> bytes:
    return sha256(b"iop/number/1", compartment, number)[:16]


def _renumber(db: Connection, old: bytes, new: bytes, compartment: bytes) -> None:
    db.execute("UPDATE record SET record = ? WHERE record = ?", (new, old))
    for table in ("version", "fact", "person"):
        db.execute(f"UPDATE {table} SET record = ? WHERE record = ?", (new, old))
    db.execute("UPDATE signature SET record = ? WHERE record = ? AND compartment = ?", (new, old, compartment))


def _split_fresh(db: Connection, items: list[Projected]) -> tuple[list[Projected], list[Projected]]:
    """First versions of records the view has never heard of, and everything else; the former need no questions
    asked.
    """
    counts: dict[bytes, int] = {}
    for item in items:
        counts[item.record] = counts.get(item.record, 0) + 1
    known = {record for record, count in counts.items() if count > 1}
    records = [record for record in counts if record not in known]
    for part in _parts(records):
        marks = ",".join("?" * len(part))
        for table in ("record", "signature"):
            known.update(row[0] for row in db.execute(f"SELECT record FROM {table} WHERE record IN ({marks})", part))
    awaited = {row[0] for part in _parts([item.id for item in items]) for row in _awaited(db, part)}
    fresh: list[Projected] = []
    others: list[Projected] = []
    for item in items:
        asked = item.record in known or item.parents or item.person_line or item.id in awaited
        (others if asked else fresh).append(item)
    return fresh, others


def _parts(ids: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(ids), 500):
        yield ids[start : start + 500]


def _awaited(db: Connection, ids: list[bytes]) -> list[tuple[bytes]]:
    """Those of these versions that a later version, seen before them, names as its parent."""
    found: list[tuple[bytes]] = db.execute(
        f"SELECT parent FROM edge WHERE parent IN ({','.join('?' * len(ids))})", ids
    ).fetchall()
    return found


_INSERT_RECORD = (
    "INSERT INTO record (id, record, kind, person, compartment, author, leaf, leaves, versions, status, service_date,"
    " created_ms, changed_ms, title, source, version, doc, origin, deposit)"
    " VALUES (?,?,?,?,?,?,?,1,1,?,?,?,?,?,?,?,?,?,?)"
)


def _record_values(number: int | None, item: Projected, status: str) -> tuple[Any, ...]:
    return (
        *(number, item.record, item.kind, item.person, item.compartment, item.author, item.id, status),
        *(item.service_date, item.at_ms, item.at_ms, item.title, item.source, item.version, item.doc, item.origin),
        int(item.deposit),
    )


def _insert_fresh(db: Connection, items: list[Projected]) -> None:
    if not items:
        return
    first = db.execute("SELECT coalesce(max(id), 0) + 1 FROM record").fetchone()[0]
    numbered = list(enumerate(items, first))
    db.executemany("INSERT INTO version VALUES (?, ?, ?, ?, 1)", [(i.id, i.record, i.at_ms, i.author) for i in items])
    db.executemany(_INSERT_RECORD, [_record_values(n, i, i.status) for n, i in numbered])
    texts = [(n, i.text) for n, i in numbered if i.text]
    db.executemany("INSERT INTO searchtext VALUES (?, ?)", texts)
    db.executemany("INSERT INTO search (rowid, body) VALUES (?, ?)", texts)
    db.executemany(
        "INSERT OR REPLACE INTO fact VALUES (?, ?, ?, ?, ?)",
        [(i.person, fact.key, fact.on.isoformat(), fact.value, i.record) for i in items for fact in i.facts],
    )


def _insert_version(db: Connection, item: Projected) -> bool:
    child = db.execute(
        "SELECT 1 FROM edge e JOIN version v ON v.id = e.child WHERE e.parent = ? AND v.record = ? LIMIT 1",
        (item.id, item.record),
    ).fetchone()
    try:
        db.execute(
            "INSERT INTO version VALUES (?, ?, ?, ?, ?)",
            (item.id, item.record, item.at_ms, item.author, int(child is None)),
        )
    except sqlcipher.IntegrityError:
        return False
    for parent in item.parents:
        db.execute("INSERT OR IGNORE INTO edge VALUES (?, ?)", (parent, item.id))
        db.execute("UPDATE version SET leaf = 0 WHERE id = ? AND record = ?", (parent, item.record))
    return True


def _refresh_record(db: Connection, item: Projected) -> None:
    old = db.execute("SELECT id, leaf, created_ms FROM record WHERE record = ?", (item.record,)).fetchone()
    target = _signed_version(db, item.record, item.author, item.compartment)
    if old is None:
        status = "signed" if target is not None else item.status
        cursor = db.execute(_INSERT_RECORD, _record_values(None, item, status))
        _put_text(db, cursor.lastrowid, None, item)
        return
    rowid, shown, created = old
    leaves = db.execute(
        "SELECT id FROM version WHERE record = ? AND leaf = 1 ORDER BY at_ms DESC, id DESC", (item.record,)
    ).fetchall()
    versions = db.execute("SELECT count(*) FROM version WHERE record = ?", (item.record,)).fetchone()[0]
    # What was signed is what is shown, whatever else another device wrote meanwhile.
    best = target or (leaves[0][0] if leaves else shown)
    if best == item.id:
        _show_version(db, rowid, item, "signed" if target is not None else item.status)
    db.execute(
        "UPDATE record SET leaves = ?, versions = ?, created_ms = ? WHERE id = ?",
        (max(1, len(leaves)), versions, min(created, item.at_ms), rowid),
    )


def _signed_version(db: Connection, record: bytes, author: bytes, compartment: bytes) -> bytes | None:
    """The version its author signed, or None."""
    row = db.execute(
        "SELECT target FROM signature WHERE record = ? AND meaning = 'author' AND signer = ? AND compartment = ?"
        " ORDER BY at_ms, id"
        " LIMIT 1",
        (record, author, compartment),
    ).fetchone()
    return bytes(row[0]) if row else None


def _show_version(db: Connection, rowid: int, item: Projected, status: str) -> None:
    db.execute(
        "UPDATE record SET leaf = ?, status = ?, service_date = ?, changed_ms = ?, title = ?, source = ?, version = ?,"
        " doc = ?, author = ? WHERE id = ?",
        (
            item.id,
            status,
            item.service_date,
            item.at_ms,
            item.title,
            item.source,
            item.version,
            item.doc,
            item.author,
            rowid,
        ),
    )
    _put_text(db, rowid, rowid, item)


def _put_text(db: Connection, rowid: int, replaced: int | None, item: Projected) -> None:
    if replaced is not None:
        old = db.execute("SELECT body FROM searchtext WHERE id = ?", (rowid,)).fetchone()
        if old is not None:
            db.execute("INSERT INTO search (search, rowid, body) VALUES ('delete', ?, ?)", (rowid, old[0]))
        db.execute("DELETE FROM fact WHERE record = ?", (item.record,))
    if item.text:
        db.execute("INSERT OR REPLACE INTO searchtext VALUES (?, ?)", (rowid, item.text))
        db.execute("INSERT INTO search (rowid, body) VALUES (?, ?)", (rowid, item.text))
    elif replaced is not None:
        db.execute("DELETE FROM searchtext WHERE id = ?", (rowid,))
    for fact in item.facts:
        db.execute(
            "INSERT OR REPLACE INTO fact VALUES (?, ?, ?, ?, ?)",
            (item.person, fact.key, fact.on.isoformat(), fact.value, item.record),
        )
    line = item.person_line
    if line is not None:
        db.execute(
            "INSERT OR REPLACE INTO person VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                item.person,
                line.name,
                line.sort_key,
                line.initials,
                line.birth_date.isoformat() if line.birth_date else None,
                line.pronouns,
                line.safe_contact,
                int(line.deceased),
                item.record,
            ),
        )


def put_signatures(db: Connection, items: Iterable[ProjectedSignature], changes: Changes) -> set[bytes]:
    """Project signatures; the author's signature locks the record it stands on. The records they stand on."""
    signed = set()
    for claimed in items:
        item = _of_own_record(db, claimed)
        signed.add(item.record)
        db.execute(
            "INSERT OR IGNORE INTO signature VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (item.id, item.record, item.target, item.signer, item.meaning, item.at_ms, item.doc, item.compartment),
        )
        if item.meaning == "author":
            db.execute(
                "UPDATE record SET status = 'signed', changed_ms = max(changed_ms, ?) WHERE record = ? AND author = ?"
                " AND compartment = ?",
                (item.at_ms, item.record, item.signer, item.compartment),
            )
        changes.records.add(item.record)
    return signed


def _of_own_record(db: Connection, item: ProjectedSignature) -> ProjectedSignature:
    """A signature with the number its record has in this view: it stands on a record of its own compartment."""
    number = item.record
    while _other_place(db, number, item.compartment) is not None:
        number = _elsewhere(item.compartment, number)
    return item if number == item.record else replace(item, record=number)


def signed_unshown(db: Connection, records: Iterable[bytes]) -> list[bytes]:
    """Signed versions of these records behind which another one is shown: it was written elsewhere meanwhile."""
    found: list[bytes] = []
    for record in records:
        rows = db.execute("SELECT leaf, author, compartment FROM record WHERE record = ?", (record,)).fetchall()
        for leaf, author, place in rows:
            target = _signed_version(db, record, author, place)
            known = db.execute("SELECT 1 FROM version WHERE id = ? AND record = ?", (target, record)).fetchone()
            if target is not None and target != leaf and known is not None:
                found.append(target)
    return found


def leaves_unshown(db: Connection, records: Iterable[bytes]) -> list[bytes]:
    """The newest leaves of these records behind which another version is shown: one that was dated later and has been
    superseded since, because a clock went back.
    """
    found: list[bytes] = []
    for record in sorted(records):
        row = db.execute(
            "SELECT r.leaf, r.author, r.compartment, (SELECT v.id FROM version v WHERE v.record = r.record AND"
            " v.leaf = 1 ORDER BY v.at_ms DESC, v.id DESC LIMIT 1) FROM record r WHERE r.record = ?",
            (record,),
        ).fetchone()
        if row is not None and row[3] not in (None, row[0]) and _signed_version(db, record, row[1], row[2]) is None:
            found.append(bytes(row[3]))
    return found


def show_version(db: Connection, item: Projected, status: str) -> None:
    """Show a version that is known already."""
    item = _own_number(db, item)
    for (rowid,) in db.execute("SELECT id FROM record WHERE record = ?", (item.record,)).fetchall():
        _show_version(db, rowid, item, status)


def drop_record(db: Connection, record: bytes) -> None:
    """Take one record out of the view, with everything that was drawn from it."""
    for (rowid,) in db.execute("SELECT id FROM record WHERE record = ?", (record,)).fetchall():
        text = db.execute("SELECT body FROM searchtext WHERE id = ?", (rowid,)).fetchone()
        if text is not None:
            db.execute("INSERT INTO search (search, rowid, body) VALUES ('delete', ?, ?)", (rowid, text[0]))
        for statement in ("DELETE FROM searchtext WHERE id = ?", "DELETE FROM record WHERE id = ?"):
            db.execute(statement, (rowid,))
    for table in ("fact", "signature", "person"):
        db.execute(f"DELETE FROM {table} WHERE record = ?", (record,))
    db.execute("DELETE FROM edge WHERE child IN (SELECT id FROM version WHERE record = ?)", (record,))
    db.execute("DELETE FROM version WHERE record = ?", (record,))


def drop_compartments(db: Connection, compartments: Iterable[bytes], changes: Changes) -> None:
    """Take everything of these compartments out of the view at once: the key is gone."""
    for compartment in compartments:
        rows = db.execute("SELECT record, person FROM record WHERE compartment = ?", (compartment,)).fetchall()
        for record, person in rows:
            drop_record(db, record)
            changes.records.add(record)
            changes.persons.add(person)
        db.execute("DELETE FROM keyring WHERE compartment = ?", (compartment,))
        db.execute("DELETE FROM compartment WHERE id = ?", (compartment,))
    changes.access = True
