"""An insider with the right key, and plain damage: every single change of a vault's files is reported.

Seeded: the seed of a failing edit stands in its message.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlcipher3.dbapi2 as sqlcipher

from iop_tui import workspace
from iop_tui.access import roles
from iop_tui.clinical.notes import service as notes
from iop_tui.kernel.errors import IopError, LockedOut, NeedsNewer, VaultDamaged, VaultMissing
from iop_tui.store.check import CheckFinding
from tests.support.clinic.program import Program, Staff, note, phrase, program

SEED = 20261121
TABLES = ("act", "revision", "audit", "audit_session", "fingerprint", "meta", "state", "journal")
NUMBERED = ("act", "revision", "audit", "audit_session", "fingerprint")


@dataclass
class Copies:
    """A closed vault, older copies of it after earlier clean closes, and one that was killed mid-session."""

    program: Program
    key: bytes
    user: Staff
    newest: Path
    older: list[Path]
    killed: Path
    last_entry: int = 0

    def fresh(self, folder: Path, source: Path | None = None) -> Path:
        """A copy to damage."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(source or self.newest, folder)
        return folder

    def unlock(self, path: Path) -> workspace.Workspace:
        """Open a copy."""
        code = self.program.code(self.user)
        return workspace.unlock(path, self.program.env, name=self.user.name, phrase=phrase(), code=code)

    def rows(self, path: Path) -> list[list[Any]]:
        """Everything that was appended up to the kill, as it reads now."""
        with closing(opened(path, self.key)) as db:
            last = self.last_entry
            tables = ("act", "revision", "audit_session", "fingerprint")
            found = [
                db.execute(f"SELECT * FROM {name} WHERE audit_seq <= ? ORDER BY seq", (last,)).fetchall()
                for name in tables
            ]
            return [*found, db.execute("SELECT * FROM audit WHERE seq <= ?", (last,)).fetchall()]

    def reports(self, path: Path) -> list[str]:
        """What an unlock and a full check say of a vault: the refusal, or the findings."""
        try:
            ws = self.unlock(path)
        except LockedOut:  # the record of failures is damaged: the longest wait applies, then the damage is named
            self.program.tick(16 * 60)
            ws = self.unlock(path)
        except (VaultDamaged, NeedsNewer) as error:
            return [error.message]
        try:
            return [finding.what for finding in ws.verify()]
        except VaultDamaged as error:
            return [error.message]
        finally:
            _let_go(ws)


def _let_go(ws: workspace.Workspace) -> None:
    """Close the files of a damaged vault without writing a closing entry."""
    for close in (ws.session.view.abandon, ws.session.db.close):
        try:
            close()
        except (IopError, sqlcipher.Error):
            continue


def _session(p: Program, clinician: Staff, person: bytes, records: list[bytes]) -> None:
    """Write, edit, sign, keep a draft."""
    ws = p.workspace(clinician)
    saved = notes.save(ws, person, note(f"entry{len(records)}"))
    notes.save(ws, person, note(f"edited{len(records)}"), record=saved.record)
    ws._fresh_at = ws.clock.monotonic()
    notes.sign(ws, [saved.record])
    records.append(saved.record)
    p.tick()
    notes.keep(ws, b"slot", notes.Unsaved(person, b"", {"presentation": "unfinished"}, p.clock.now_ms()))


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Copies:
    folder = tmp_path_factory.mktemp("integrity")
    p = program(folder, roles.INDIVIDUAL_THERAPIST, roles.MEDICAL_DIRECTOR, seed=3)
    me = p.founder
    p.add("Bo", roles.INDIVIDUAL_THERAPIST)
    p.settle()
    person = p.register(me, "Ana")
    p.assign(me, person, me, roles.INDIVIDUAL_THERAPIST)
    p.settle()
    work = p.root.work()
    from iop_tui.store.rows import FingerprintRow

    work.fingerprints += [FingerprintRow(p.root.rng.token(32), p.root.rng.token(16)) for _ in range(3)]
    p.root.session.note(work, "import")
    p.root.commit(work)
    key, records, older = p.vault_key(), [], []
    for index in range(3):
        _session(p, me, person, records)
        p.close()
        older.append(shutil.copytree(p.path, folder / f"older{index}"))
        p.unlock()
    _session(p, me, person, records)
    killed = shutil.copytree(p.path, folder / "killed")
    last = p.root.session.db.position.audit_seq
    _session(p, me, person, records)
    p.close()
    newest = shutil.copytree(p.path, folder / "newest")
    return Copies(p, key, me, newest, older, killed, last)


def opened(path: Path, key: bytes) -> Any:
    """The database as somebody with the vault key opens it with their own tool, its triggers dropped."""
    connection = sqlcipher.connect(str(path / "vault.db"), isolation_level=None)
    connection.set_key(bytearray(b"x'" + key.hex().encode() + b"'"))
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    return connection


def restore_triggers(connection: Any) -> None:
    """Put the triggers back, so that only the edit itself is left to be found."""
    from iop_tui.store.migrations import released

    for step in released():
        for line in step.sql.splitlines():
            if line.startswith("CREATE TRIGGER"):
                connection.execute(line)


# -- edits with the right key --------------------------------------------------------------


def _columns(db: Any, table: str) -> list[str]:
    return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]


def _changed(value: Any, rng: random.Random) -> Any:
    if isinstance(value, bytes):
        if not value:
            return b"\x01"
        at = rng.randrange(len(value))
        return value[:at] + bytes([value[at] ^ (1 << rng.randrange(8))]) + value[at + 1 :]
    if isinstance(value, int):
        return value + rng.choice([-1, 1, 1000])
    return str(value) + "x"


def _row(db: Any, table: str, rng: random.Random) -> tuple[int, list[str], tuple[Any, ...]] | None:
    columns = _columns(db, table)
    rows = db.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
    if not rows:
        return None
    at = rng.randrange(len(rows))
    return at, columns, rows[at]


def _where(columns: list[str], row: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    return " AND ".join(f"{column} IS ?" for column in columns), row


def update(db: Any, table: str, rng: random.Random) -> bool:
    """One column of one row."""
    found = _row(db, table, rng)
    if found is None:
        return False
    _, columns, row = found
    at = rng.randrange(len(columns))
    where, values = _where(columns, row)
    try:
        db.execute(f"UPDATE {table} SET {columns[at]} = ? WHERE {where}", (_changed(row[at], rng), *values))
    except sqlcipher.IntegrityError:
        return False
    return True


def delete(db: Any, table: str, rng: random.Random) -> bool:
    """One row."""
    found = _row(db, table, rng)
    if found is None:
        return False
    where, values = _where(found[1], found[2])
    db.execute(f"DELETE FROM {table} WHERE {where}", values)
    return True


def insert(db: Any, table: str, rng: random.Random) -> bool:
    """One more row, like one that is there."""
    found = _row(db, table, rng)
    if found is None:
        return False
    _, columns, row = found
    values = dict(zip(columns, row, strict=True))
    for name in ("id", "mac", "key", "slot", "hash"):
        if name in values:
            values[name] = _changed(values[name], rng)
    if table in NUMBERED:
        values["seq"] = db.execute(f"SELECT max(seq) + 1 FROM {table}").fetchone()[0]
    marks = ", ".join("?" * len(columns))
    try:
        db.execute(f"INSERT INTO {table} VALUES ({marks})", tuple(values[name] for name in columns))
    except sqlcipher.IntegrityError:
        return False
    return True


def swap(db: Any, table: str, rng: random.Random) -> bool:
    """Two rows change places."""
    if table not in NUMBERED:
        return False
    top = db.execute(f"SELECT max(seq) FROM {table}").fetchone()[0] or 0
    if top < 2:
        return False
    a, b = rng.sample(range(1, top + 1), 2)
    for before, after in ((a, -1), (b, a), (-1, b)):
        db.execute(f"UPDATE {table} SET seq = ? WHERE seq = ?", (after, before))
    return True


EDITS: tuple[Callable[[Any, str, random.Random], bool], ...] = (update, delete, insert, swap)


def test_every_edit_with_the_right_key_is_reported(copies: Copies, scale: Any, tmp_path: Path) -> None:
    done = 0
    for number in range(10 * scale(400, 30)):
        rng = random.Random(SEED + number)
        edit, table = EDITS[number % len(EDITS)], TABLES[(number // len(EDITS)) % len(TABLES)]
        path = copies.fresh(tmp_path / "edited")
        with closing(opened(path, copies.key)) as db:
            made = edit(db, table, rng)
            restore_triggers(db)
        if made:
            assert copies.reports(path), f"{edit.__name__} in {table} is not reported (seed {SEED + number})"
            done += 1
        if done >= scale(400, 30):
            return
    pytest.fail("not enough edits could be made")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
@pytest.mark.nightly
def test_every_kind_of_edit_in_every_table_is_reported(copies: Copies, tmp_path: Path, table: str, edit: Any) -> None:
    for number in range(4):
        path = copies.fresh(tmp_path / "edited")
        with closing(opened(path, copies.key)) as db:
            made = edit(db, table, random.Random(SEED + number))
            restore_triggers(db)
        assert not made or copies.reports(path), f"{edit.__name__} in {table} (seed {SEED + number})"


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER revision_no_delete",
        "CREATE TRIGGER quiet AFTER INSERT ON revision BEGIN DELETE FROM journal; END",
        "CREATE TABLE extra (a)",
        "CREATE VIEW v AS SELECT * FROM act",
        "PRAGMA user_version = 0",
        "PRAGMA user_version = 99",
        "INSERT INTO meta VALUES ('note', x'00')",
    ],
)
def test_changes_of_the_tables_themselves_are_reported(copies: Copies, tmp_path: Path, statement: str) -> None:
    path = copies.fresh(tmp_path / "edited")
    with closing(opened(path, copies.key)) as db:
        restore_triggers(db)
        db.execute(statement)
    assert copies.reports(path)


# -- damage without a key ------------------------------------------------------------------


def _view_file(path: Path) -> Path:
    return max((path / "views").glob("*.db"), key=lambda item: item.stat().st_size)


def _files(path: Path) -> list[Path]:
    found = [path / "vault.db", path / "vault.head"]
    if (wal := path / "vault.db-wal").exists() and wal.stat().st_size:
        found.append(wal)
    return found


def _live_wal(data: bytes) -> int:
    """Bytes of a write-ahead log that belong to its current run: frames whose salts are those of its header."""
    page = int.from_bytes(data[8:12], "big")
    at = 32
    while at + 24 + page <= len(data) and data[at + 8 : at + 16] == data[16:24]:
        at += 24 + page
    return at


def flip(path: Path, rng: random.Random) -> None:
    """One bit of one file."""
    data = bytearray(path.read_bytes())
    size = _live_wal(bytes(data)) if path.name.endswith("-wal") else len(data)
    at = rng.randrange(size)
    data[at] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def cut(path: Path, rng: random.Random) -> None:
    """A file that ends early."""
    data = path.read_bytes()
    size = _live_wal(data) if path.name.endswith("-wal") else len(data)
    path.write_bytes(data[: rng.randrange(size)])


@pytest.mark.parametrize("damage", [flip, cut], ids=["flip", "cut"])
@pytest.mark.parametrize("state", ["newest", "killed"])
def test_damage_of_any_file_is_reported(copies: Copies, scale: Any, tmp_path: Path, damage: Any, state: str) -> None:
    source = getattr(copies, state)
    for number in range(scale(100, 5)):
        rng = random.Random(SEED + number)
        path = copies.fresh(tmp_path / "damaged", source)
        files = _files(path)
        target = files[number % len(files)]
        damage(target, rng)
        if copies.reports(path):
            continue
        # A page of the main file that the write-ahead log holds anew was never read, and is whole again now.
        assert state == "killed", f"{damage.__name__} of {target.name} is not reported (seed {SEED + number})"
        assert target.name == "vault.db"
        assert copies.rows(path) == copies.rows(copies.fresh(tmp_path / "reference", copies.killed))


@pytest.mark.parametrize("damage", [flip, cut], ids=["flip", "cut"])
def test_a_damaged_view_is_reported_or_built_anew(copies: Copies, scale: Any, tmp_path: Path, damage: Any) -> None:
    for number in range(scale(50, 4)):
        path = copies.fresh(tmp_path / "damaged")
        damage(_view_file(path), random.Random(SEED + number))
        assert copies.reports(path), f"seed {SEED + number}"


@pytest.mark.parametrize("name", ["vault.db", "vault.head", "views"])
def test_a_missing_file_is_reported(copies: Copies, tmp_path: Path, name: str) -> None:
    path = copies.fresh(tmp_path / "damaged")
    shutil.rmtree(path / name) if name == "views" else (path / name).unlink()
    if name == "views":
        assert any("built anew" in text for text in copies.reports(path))
    else:
        with pytest.raises(VaultMissing):
            workspace.unlock(path, copies.program.env, name=copies.user.name, phrase=phrase(), code="000000")


@pytest.mark.parametrize("age", [0, 1, 2])
@pytest.mark.parametrize("name", ["vault.db", "vault.head", "views"])
def test_an_older_copy_of_one_file_is_reported(copies: Copies, tmp_path: Path, name: str, age: int) -> None:
    path = copies.fresh(tmp_path / "replayed")
    if name == "views":
        ours, theirs = _view_file(path), _view_file(copies.older[age])
        shutil.copy(theirs, ours)
    else:
        shutil.copy(copies.older[age] / name, path / name)
    assert copies.reports(path), f"{name}, {3 - age} sessions older"


def test_a_replay_is_told_from_what_a_kill_leaves(copies: Copies, tmp_path: Path) -> None:
    """Killed in the middle: opens, at most remarks, no alarm."""
    path = copies.fresh(tmp_path / "killed", copies.killed)
    ws = copies.unlock(path)
    assert [finding for finding in ws.verify() if finding.alarm] == []
    ws.close()


def test_normal_use_raises_no_alarm(copies: Copies, tmp_path: Path) -> None:
    path = copies.fresh(tmp_path / "used")
    for _ in range(3):
        ws = copies.unlock(path)
        assert ws.verify() == []
        ws.close()


def test_looking_into_an_older_vault_writes_nothing(copies: Copies, tmp_path: Path) -> None:
    """A vault that is older than its head opens for inspection only, and says since when."""
    path = copies.fresh(tmp_path / "replayed")
    shutil.copy(copies.older[0] / "vault.db", path / "vault.db")
    with pytest.raises(VaultDamaged, match="older than its signed head"):
        copies.unlock(path)
    code = copies.program.code(copies.user)
    ws = workspace.unlock(path, copies.program.env, name=copies.user.name, phrase=phrase(), code=code, inspect=True)
    position = ws.session.db.position
    assert any(finding.alarm and finding.since for finding in ws.findings)
    ws.close()
    assert ws.session.db.position == position


def test_a_whole_folder_put_back_is_reported_where_an_anchor_is_newer(
    copies: Copies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dataclasses

    from iop_tui.vault import keystore

    kept: dict[tuple[bytes, bytes], bytes] = {}
    monkeypatch.setattr(keystore, "available", lambda: "test")
    monkeypatch.setattr(keystore, "store_anchor", lambda vault, device, data: kept.update({(vault, device): data}))
    monkeypatch.setattr(keystore, "load_anchor", lambda vault, device: kept.get((vault, device)))
    env = dataclasses.replace(copies.program.env, use_keyring=True)
    path = copies.fresh(tmp_path / "whole")

    def unlock() -> workspace.Workspace:
        code = copies.program.code(copies.user)
        return workspace.unlock(path, env, name=copies.user.name, phrase=phrase(), code=code)

    ws = unlock()
    ws.close()
    assert kept
    copies.fresh(path)
    with pytest.raises(VaultDamaged, match="put back to an older state"):
        unlock()


def test_findings_are_sentences_without_a_word_of_a_record(copies: Copies, tmp_path: Path) -> None:
    path = copies.fresh(tmp_path / "edited")
    with closing(opened(path, copies.key)) as db:
        delete(db, "revision", random.Random(SEED))
        restore_triggers(db)
    found = copies.reports(path)
    assert found
    assert not any("entry" in text and "entries" not in text and "log entry" not in text for text in found)
    assert isinstance(CheckFinding("x", "y").alarm, bool)
