"""The writer, one commit at a time: all or nothing, in order, and an unknown outcome is looked up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import sqlcipher3.dbapi2 as sqlcipher

from iop_tui.kernel.canonical import decode
from iop_tui.kernel.errors import Cancelled, DiskFull, Unexpected, VaultDamaged
from iop_tui.kernel.rng import SeededRng
from iop_tui.kernel.secret import Secret
from iop_tui.store import check
from iop_tui.store.check import HeadState
from iop_tui.store.rows import ActRow, AuditHeader, FingerprintRow, RevisionRow, SessionRow, audit_hash, changes_digest
from iop_tui.store.vaultdb import Batch, Position, VaultDb
from iop_tui.store.writer import Writer

RNG = SeededRng(1)
KEY = Secret(bytes(32))


@pytest.fixture
def db(tmp_path: Path) -> Iterator[VaultDb]:
    database = VaultDb.create(tmp_path / "vault.db", KEY, b"d" * 16, {"vault_id": b"v" * 16})
    yield database
    database.close()


def revision(compartment: bytes = b"c" * 16) -> RevisionRow:
    return RevisionRow(RNG.token(16), RNG.token(16), compartment, 1, b"kind", False, RNG.token(64))


def batch(**more: Any) -> Batch:
    return Batch(b"s" * 16, 1000, [b"event"], **more)


# -- the writer ----------------------------------------------------------------------------


def test_jobs_run_one_at_a_time_in_the_order_given() -> None:
    writer, seen, running = Writer(), list[int](), threading.Lock()

    def job(number: int) -> int:
        assert running.acquire(blocking=False), "two jobs at once"
        time.sleep(0.001 if number % 3 else 0)
        seen.append(number)
        running.release()
        return number

    futures: list[Future[int]] = [writer.submit(lambda number=number: job(number)) for number in range(50)]  # type: ignore[misc]
    assert [future.result() for future in futures] == list(range(50)) == seen
    writer.close()


def test_errors_reach_who_waits_and_the_writer_goes_on() -> None:
    writer = Writer()
    with pytest.raises(ZeroDivisionError):
        writer.run(lambda: 1 // 0)
    assert writer.run(lambda: 1) == 1
    writer.close()


def test_a_job_may_ask_for_another_without_waiting_for_itself() -> None:
    writer = Writer()
    assert writer.run(lambda: writer.run(lambda: 2)) == 2
    writer.close()


def test_what_was_queued_is_finished_and_later_jobs_are_refused() -> None:
    writer, done = Writer(), list[int]()
    for number in range(5):
        writer.submit(lambda number=number: (time.sleep(0.002), done.append(number)))  # type: ignore[misc]
    writer.close()
    writer.close()
    assert done == list(range(5))
    with pytest.raises(Unexpected):
        writer.run(lambda: 1)


def test_a_cancelled_job_never_runs() -> None:
    writer, gate, ran = Writer(), threading.Event(), list[int]()
    writer.submit(gate.wait)
    future = writer.submit(lambda: ran.append(1))
    assert future.cancel()
    gate.set()
    writer.close()
    assert ran == []


# -- commits -------------------------------------------------------------------------------


def test_a_commit_appends_everything_and_moves_the_head(db: VaultDb) -> None:
    heads: list[Position] = []
    db.set_head_sink(heads.append)
    rows = [revision(), revision()]
    assert db.commit(batch(revisions=rows, state={"a": b"1"})) == (1, 2)
    assert db.commit(batch(acts=[ActRow(RNG.token(16), b"signed")])) == (3, 2)
    assert db.position == heads[-1]
    assert (db.position.audit_seq, db.position.revisions, db.position.acts) == (2, 2, 1)
    assert [row for _, row in db.revisions_since(0, 10)] == rows
    assert db.revision(rows[1].id) == rows[1]
    assert db.revision(bytes(16)) is None
    assert db.state == {"a": b"1"}


def test_the_chain_links_every_entry_to_the_one_before(db: VaultDb) -> None:
    rows = [revision(), revision()]
    db.commit(Batch(b"s" * 16, 5, [b"one", b"two", b"three"], revisions=rows))
    previous = bytes(32)
    stored = db.read("SELECT seq, header, sealed, hash FROM audit ORDER BY seq")
    for seq, raw, sealed, link in stored:
        header = decode(raw, AuditHeader)
        assert (header.seq, header.previous) == (seq, previous)
        assert audit_hash(raw, sealed) == link
        previous = link
    assert decode(stored[-1][1], AuditHeader).changes == changes_digest(row.digest() for row in rows)
    assert decode(stored[0][1], AuditHeader).changes == bytes(32)


def test_a_failing_batch_leaves_nothing(db: VaultDb) -> None:
    first = revision()
    db.commit(batch(revisions=[first]))
    before = db.position
    with pytest.raises(VaultDamaged):
        db.commit(batch(revisions=[revision(), first], acts=[ActRow(RNG.token(16), b"x")], state={"a": b"1"}))
    assert db.position == before
    assert db.state == {}
    assert db.read("SELECT count(*) FROM revision") == [(1,)]
    assert db.read("SELECT count(*) FROM act") == [(0,)]
    assert db.commit(batch(revisions=[revision()])) == (2, 2)


class Commits:
    """A connection whose next COMMIT says it failed: after it happened, or instead of it."""

    def __init__(self, real: Any, *, happened: bool, error: str = "disk I/O error") -> None:
        self._real, self._happened, self._error, self.armed = real, happened, error, True

    def execute(self, statement: str, *parameters: Any) -> Any:
        if statement == "COMMIT" and self.armed:
            self.armed = False
            if self._happened:
                self._real.execute(statement)
            raise sqlcipher.OperationalError(self._error)
        return self._real.execute(statement, *parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.mark.parametrize("happened", [True, False])
def test_an_error_from_commit_means_look_and_see(db: VaultDb, happened: bool) -> None:
    db._db = Commits(db._db, happened=happened)
    row = revision()
    if happened:
        db.commit(batch(revisions=[row]))
    else:
        with pytest.raises(Exception, match="disk"):
            db.commit(batch(revisions=[row]))
    assert (db.revision(row.id) == row) is happened
    assert db.commit(batch(revisions=[revision()]))[1] == db.read("SELECT count(*) FROM revision")[0][0]
    assert check.full(db, HeadState(db.position, 0)) == []


def test_a_full_disk_gives_up_the_ballast_and_the_batch_is_there_once(db: VaultDb) -> None:
    db._db = Commits(db._db, happened=False, error="database or disk is full")
    row = revision()
    assert db.commit(batch(revisions=[row])) == (1, 1)
    assert not (db.path.parent / "views" / "ballast").exists()
    db._db = Commits(db._db._real, happened=False, error="database or disk is full")
    with pytest.raises(DiskFull):
        db.commit(batch(revisions=[revision()]))


def test_a_full_disk_at_the_head_does_not_write_the_batch_twice(db: VaultDb) -> None:
    calls = list[int]()

    def sink(position: Position) -> None:
        calls.append(position.audit_seq)
        if len(calls) == 1:
            raise DiskFull("The disk is full.")

    db.set_head_sink(sink)
    db.commit(batch(revisions=[revision()]))
    assert calls == [1, 1]
    assert db.read("SELECT count(*) FROM revision") == [(1,)]


# -- journal -------------------------------------------------------------------------------


def test_the_journal_keeps_the_newest_text_of_each_slot(db: VaultDb) -> None:
    db.journal_put(b"u" * 16, b"a", b"one")
    db.journal_put(b"u" * 16, b"a", b"two")
    db.journal_put(b"u" * 16, b"b", b"three")
    db.journal_put(b"w" * 16, b"a", b"other")
    assert db.journal_of(b"u" * 16) == {b"a": b"two", b"b": b"three"}
    before = db.position
    db.journal_clear(b"u" * 16, b"b")
    assert db.position.journal != before.journal
    assert db.position.audit_seq == before.audit_seq
    db.commit(batch(clear_journal=[(b"u" * 16, b"a")]))
    assert db.journal_of(b"u" * 16) == {}
    assert db.journal_of(b"w" * 16) == {b"a": b"other"}


def test_position_and_state_are_the_same_after_opening_again(db: VaultDb, tmp_path: Path) -> None:
    db.commit(batch(revisions=[revision()], acts=[ActRow(RNG.token(16), b"x")], state={"k": b"v"}))
    db.commit(
        batch(
            sessions=[SessionRow(RNG.token(16), b"u" * 16, b"a", b"b")],
            fingerprints=[FingerprintRow(RNG.token(32), RNG.token(16))],
        )
    )
    db.journal_put(b"u" * 16, b"a", b"text")
    before, state, digest = db.position, db.state, db.facts_digest
    db.close()
    again = VaultDb.open(tmp_path / "vault.db", KEY, b"d" * 16)
    assert (again.position, again.state, again.facts_digest) == (before, state, digest)
    assert check.full(again, HeadState(before, 0)) == []
    again.close()


def test_known_fingerprints_are_found_in_any_number(db: VaultDb) -> None:
    rows = [FingerprintRow(RNG.token(32), RNG.token(16)) for _ in range(1200)]
    db.commit(batch(fingerprints=rows))
    asked = [row.mac for row in rows] + [RNG.token(32)]
    assert db.known_fingerprints(asked) == {row.mac: row.target for row in rows}
    assert db.known_fingerprints([]) == {}


@pytest.mark.parametrize("table", ["meta", "act", "revision", "audit", "audit_session", "fingerprint"])
def test_rows_cannot_be_changed_or_removed_by_mistake(db: VaultDb, table: str) -> None:
    db.commit(
        batch(
            revisions=[revision()],
            acts=[ActRow(RNG.token(16), b"x")],
            sessions=[SessionRow(RNG.token(16), b"u" * 16, b"a", b"b")],
            fingerprints=[FingerprintRow(RNG.token(32), RNG.token(16))],
        )
    )
    column = db.read(f"PRAGMA table_info({table})")[1][1]
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET {column} = {column}"):
        with pytest.raises(VaultDamaged):
            db.read(statement)


# -- long questions of the full check --------------------------------------------------------

_ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


def test_a_long_question_steps_aside_for_a_save(db: VaultDb) -> None:
    answers: list[object] = []
    asking = threading.Thread(target=lambda: answers.append(db.read_if_idle(_ENDLESS)))
    asking.start()
    assert db.commit(batch(revisions=[revision()])) == (1, 1)
    asking.join(30)
    assert answers == [None]
    assert db.read_if_idle("SELECT count(*) FROM revision") == [(1,)]


def test_the_check_asks_again_after_a_save_and_can_be_stopped(db: VaultDb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(VaultDb, "read_if_idle", _refusing(2, VaultDb.read_if_idle))
    db.commit(batch(revisions=[revision()]))
    asked: list[bool] = []

    def never() -> bool:
        asked.append(True)
        return False

    assert not [found for found in check.full(db, HeadState(db.position, 1000), cancelled=never) if found.alarm]
    assert len(asked) >= 2
    monkeypatch.setattr(VaultDb, "read_if_idle", _refusing(1_000_000, VaultDb.read_if_idle))
    with pytest.raises(Cancelled):
        check.full(db, HeadState(db.position, 1000), cancelled=lambda: True)


def _refusing(times: int, answer: Callable[[VaultDb, str], Any]) -> Callable[[VaultDb, str], Any]:
    left = [times]

    def ask(db: VaultDb, query: str) -> Any:
        left[0] -= 1
        return None if left[0] >= 0 else answer(db, query)

    return ask


def test_the_check_of_many_rows_reads_each_table_once(db: VaultDb, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(30):
        db.commit(batch(revisions=[revision() for _ in range(3)]))
    monkeypatch.setattr(check, "_STEP", 2)
    monkeypatch.setattr(check, "_PIECE", 7)
    rows: list[int] = []
    plain = VaultDb.read

    def counted(self: VaultDb, query: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        found = plain(self, query, parameters)
        rows.append(len(found) if "FROM revision WHERE seq >" in query else 0)
        return found

    monkeypatch.setattr(VaultDb, "read", counted)
    assert not [found for found in check.full(db, HeadState(db.position, 1000)) if found.alarm]
    assert sum(rows) == 90
