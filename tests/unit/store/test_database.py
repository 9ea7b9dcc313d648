"""Opening a database: the safe order, what is refused, and the lock that holds."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlcipher3.dbapi2 as sqlcipher

from iop_tui.kernel.errors import (
    DiskFull,
    MediumUnusable,
    NeedsNewer,
    ReadOnlyMedium,
    Unexpected,
    VaultDamaged,
    VaultInUse,
    VaultMissing,
)
from iop_tui.kernel.secret import Secret
from iop_tui.store import migrations
from iop_tui.store.database import from_os_error, lock_owner, open_database, released, translate

KEY = Secret(bytes(range(32)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


@pytest.fixture
def database(path: Path) -> Iterator[Any]:
    connection = open_database(path, KEY, exclusive=True, create=True)
    connection.execute("CREATE TABLE word (text)")
    connection.execute("INSERT INTO word VALUES ('canaryzqx')")
    yield connection
    connection.close()
    released(path)


def test_a_key_of_another_length_is_refused(path: Path) -> None:
    for size in (0, 2, 31, 33, 48):
        with pytest.raises(Unexpected):
            open_database(path, Secret(bytes(size)), exclusive=True, create=True)
    assert not path.exists()


def test_settings_are_those_that_lose_nothing(database: Any) -> None:
    expected = {
        "journal_mode": "wal",
        "synchronous": 2,
        "locking_mode": "exclusive",
        "foreign_keys": 1,
        "trusted_schema": 0,
    }
    assert {name: database.execute(f"PRAGMA {name}").fetchone()[0] for name in expected} == expected
    assert database.execute("PRAGMA cipher_use_hmac").fetchone()[0] == "1"


def test_nothing_lies_readable_and_nobody_else_may_read(database: Any, path: Path) -> None:
    for file in path.parent.iterdir():
        assert b"canaryzqx" not in file.read_bytes() if file != path else True
        assert file.stat().st_mode & 0o077 == 0
    assert not (path.parent / "vault.db-shm").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "ATTACH DATABASE 'other.db' AS other",
        "PRAGMA key = 'x'",
        "PRAGMA rekey = 'x'",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA synchronous = OFF",
        "PRAGMA locking_mode = NORMAL",
        "PRAGMA cipher_use_hmac = OFF",
        "PRAGMA writable_schema = ON",
        "SELECT load_extension('x')",
    ],
)
def test_dangerous_statements_are_denied(database: Any, statement: str) -> None:
    with pytest.raises(sqlcipher.DatabaseError):
        database.execute(statement)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, VaultMissing),
        (b"", VaultDamaged),
        (b"SQLite format 3\x00" + bytes(4080), VaultDamaged),
        (os.urandom(8192), VaultDamaged),
    ],
    ids=["missing", "empty", "plaintext", "noise"],
)
def test_what_is_no_vault_is_refused(path: Path, content: bytes | None, error: type[Exception]) -> None:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error):
        open_database(path, KEY, exclusive=True)
    released(path)


def test_a_plaintext_database_in_its_place_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("CREATE TABLE a (b)")
    with pytest.raises(VaultDamaged, match="not encrypted"):
        open_database(path, KEY, exclusive=True)


def test_another_key_looks_like_damage(database: Any, path: Path) -> None:
    database.close()
    released(path)
    with pytest.raises(VaultDamaged):
        open_database(path, Secret(bytes(32)), exclusive=True)


_OPENS = """
import sys
from pathlib import Path
from iop_tui.kernel.errors import VaultInUse
from iop_tui.kernel.secret import Secret
from iop_tui.store.database import open_database, lock_owner
print(lock_owner(Path(sys.argv[1])))
try:
    open_database(Path(sys.argv[1]), Secret(bytes(range(32))), exclusive=True)
    print("opened")
except VaultInUse as error:
    print(error.message)
"""


def test_the_lock_holds_whatever_this_process_does_beside_it(database: Any, path: Path) -> None:
    """Closing any other descriptor of the file would drop a POSIX lock: nothing of ours may do that."""
    database.execute("INSERT INTO word VALUES ('more')")
    assert lock_owner(path) == os.getpid()
    with pytest.raises(VaultInUse):
        open_database(path, KEY, exclusive=True)
    done = subprocess.run(
        [sys.executable, "-c", _OPENS, str(path)], capture_output=True, text=True, timeout=60, check=True
    )
    owner, said = done.stdout.splitlines()
    assert owner == str(os.getpid())
    assert said == f"This vault is open in another session (process {os.getpid()})."


def test_the_lock_is_gone_with_the_process(path: Path) -> None:
    script = _OPENS.replace("exclusive=True)", "exclusive=True, create=True)") + "\nimport os; os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, timeout=60, check=False)
    assert lock_owner(path) is None


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("database is locked", VaultInUse),
        ("database or disk is full", DiskFull),
        ("attempt to write a readonly database", ReadOnlyMedium),
        ("unable to open database file", ReadOnlyMedium),
        ("disk I/O error", MediumUnusable),
        ("file is not a database", VaultDamaged),
        ("database disk image is malformed", VaultDamaged),
        ("something new with canaryzqx", VaultDamaged),
    ],
)
def test_database_errors_become_plain_sentences(text: str, error: type[Exception]) -> None:
    found = translate(sqlcipher.OperationalError(text), Path("/secret/place/vault.db"))
    assert type(found) is error
    assert "canaryzqx" not in found.message
    assert "/secret" not in found.message


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (28, DiskFull),
        (122, DiskFull),
        (30, ReadOnlyMedium),
        (13, ReadOnlyMedium),
        (2, VaultMissing),
        (5, MediumUnusable),
    ],
)
def test_system_errors_become_plain_sentences(code: int, error: type[Exception]) -> None:
    assert type(from_os_error(OSError(code, "x"), Path("vault.db"))) is error


def test_migrations_are_numbered_and_a_newer_vault_is_left_alone() -> None:
    known = migrations.released()
    assert [item.number for item in known] == list(range(1, len(known) + 1))
    assert migrations.pending(len(known)) == ()
    assert migrations.pending(0) == known
    with pytest.raises(NeedsNewer):
        migrations.pending(len(known) + 1)
