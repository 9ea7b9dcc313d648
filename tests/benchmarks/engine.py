"""Budgets below the screens: queries, saving and signing, rebuilding the view."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date
from datetime import time as clock_time
from pathlib import Path
from typing import Any

import sqlcipher3.dbapi2 as sqlcipher

from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.mental import MentalStatus
from iop_tui.clinical.notes.model import ProgressNote
from iop_tui.clinical.people import service as people
from iop_tui.clinical.records import api as records
from iop_tui.kernel.errors import NoKey
from iop_tui.store.views.view import CACHE_KIB
from iop_tui.store.views.viewschema import SCHEMA
from iop_tui.workspace import Workspace
from tests.benchmarks.budget import Budget, median, p99
from tests.benchmarks.demo import Demo

ROUNDS, SAVES = 15, 40
Query = tuple[str, tuple[Any, ...]]


# -- queries -------------------------------------------------------------------------------


def _plain_copy(ws: Workspace, path: Path) -> sqlcipher.Connection:
    """The view's tables in a database without a key, on the same build of the library."""
    path.unlink(missing_ok=True)
    plain = sqlcipher.connect(str(path), isolation_level=None)
    plain.executescript(SCHEMA)
    plain.execute("BEGIN")
    tables = ws.view.rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'search%'")
    for (table,) in [*tables, ("searchtext",)]:
        rows = ws.view.rows(f"SELECT * FROM {table}")
        if rows:
            plain.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(rows[0]))})", rows)
    plain.execute("INSERT INTO search (search) VALUES ('rebuild')")
    plain.execute("COMMIT")
    plain.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    return plain


def _recorded(ws: Workspace, use: Callable[[], object]) -> list[Query]:
    """The queries that a use case puts to the view."""
    asked: list[Query] = []
    rows, one = ws.view.rows, ws.view.one

    def recording(original: Callable[..., Any]) -> Callable[..., Any]:
        def ask(query: str, parameters: tuple[Any, ...] = ()) -> Any:
            asked.append((query, parameters))
            return original(query, parameters)

        return ask

    ws.view.rows, ws.view.one = recording(rows), recording(one)  # type: ignore[method-assign]
    try:
        use()
    finally:
        ws.view.rows, ws.view.one = rows, one  # type: ignore[method-assign]
    return asked


def _seconds(asked: list[Query], rows: Callable[[str, tuple[Any, ...]], object]) -> float:
    at = time.perf_counter()
    for query, parameters in asked:
        rows(query, parameters)
    return time.perf_counter() - at


def _uses(ws: Workspace) -> dict[str, Callable[[], object]]:
    everyone = people.caseload(ws)
    person = everyone[len(everyone) // 2].id
    return {
        "caseload": lambda: people.caseload(ws),
        "timeline": lambda: records.timeline(ws, person),
        "notes, newest first": lambda: records.lines(ws, ("progress_note",), limit=100),
        "notes, far page": lambda: records.lines(ws, ("progress_note",), limit=100, offset=5_000),
        "search, common word": lambda: records.search(ws, "session"),
        "search, two words": lambda: records.search(ws, "sleep better"),
        "search, unfinished word": lambda: records.search(ws, "slee"),
    }


def queries(demo: Demo, folder: Path) -> Iterator[Budget]:
    """Lists and search over the view against the same queries on a copy without a key, both warm."""
    ws = demo.open(demo.copy(folder / "queries"))
    plain = _plain_copy(ws, folder / "plain.db")
    for name, use in _uses(ws).items():
        asked = _recorded(ws, use)
        ours, theirs = list[float](), list[float]()
        for turn in range(ROUNDS + 2):
            pair = _seconds(asked, ws.view.rows), _seconds(asked, lambda q, p: plain.execute(q, p).fetchall())
            if turn >= 2:
                ours.append(pair[0])
                theirs.append(pair[1])
        note = f"{demo.notes:,} notes in the vault"
        yield Budget(f"query: {name}", median(ours) * 1000, "ms", 1.5, median(theirs) * 1000, note)
    plain.close()
    ws.close()


# -- writing -------------------------------------------------------------------------------


def _note(number: int) -> ProgressNote:
    words = f"Session {number}. " + "The client reported steadier sleep and fewer arguments. Homework was done. " * 8
    return ProgressNote(
        service_date=date(2026, 1, 5), start=clock_time(10), stop=clock_time(10, 50), modality="in person",
        location="Clinic", presentation=words, mental_status=MentalStatus(summary="all normal"), methods=("CBT",),
        intervention="Reviewed the plan with the client.", response="Engaged.", progress="moderate", risk="denied",
        partner_violence="not asked today", plan="Continue.", objectives=("1.1.1",),
    )  # fmt: skip


def bare_database(path: Path) -> sqlcipher.Connection:
    """A database that keeps every commit, with one table `t` and nothing else."""
    path.unlink(missing_ok=True)
    database = sqlcipher.connect(str(path), isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB)")
    return database


def timed(use: Callable[[], object]) -> float:
    """Seconds of one call."""
    at = time.perf_counter()
    use()
    return time.perf_counter() - at


def writes_about(ws: Workspace, person: bytes) -> bool:
    """Whether this user charts about a person."""
    try:
        notes.home(ws, person)
    except NoKey:
        return False
    return True


def _written(ws: Workspace, bare: sqlcipher.Connection) -> tuple[list[float], list[float], list[float]]:
    """Seconds of bare commits, saves and signatures, in turn, so that a slow moment of the disk hits all."""
    person = next(item.id for item in people.caseload(ws) if writes_about(ws, item.id))
    commits, saves, signs = list[float](), list[float](), list[float]()
    for number in range(SAVES):
        commits.append(timed(lambda: bare.execute("INSERT INTO t (b) VALUES (zeroblob(1500))")))
        at = time.perf_counter()
        saved = notes.save(ws, person, _note(number))
        saves.append(time.perf_counter() - at)
        signs.append(timed(lambda record=saved.record: notes.sign(ws, [record])))  # type: ignore[misc]
    return commits, saves, signs


def writing(demo: Demo, folder: Path) -> Iterator[Budget]:
    """A save and a signature against one bare durable commit on the same disk."""
    vault = demo.copy(folder / "writing")
    ws = demo.open(vault)
    bare = bare_database(vault / "bare.sqlite")
    commits, saves, signs = _written(ws, bare)
    base = median(commits) * 1000
    for name, values in (("save", saves), ("sign", signs)):
        yield Budget(name, median(values) * 1000, "ms", 4.0, base, "of one bare FULL commit")
        yield Budget(f"{name}, p99", p99(values) * 1000, "ms", 25)
    bare.close()
    ws.close()


def rebuilding(demo: Demo, folder: Path) -> Iterator[Budget]:
    """A new view, counted for 10,000 revisions that this user can read.

    Below 2,000 the fixed cost of a new file would be multiplied; then the seconds count as they are.
    """
    ws = demo.open(demo.copy(folder / "rebuilding"))
    seconds = timed(ws.rebuild_view)
    row = ws.view.one("SELECT count(*) FROM version")
    read = int(row[0]) if row else 0
    note = f"{read:,} read of {ws.session.db.position.revisions:,} in {seconds:.2f} s"
    ws.close()
    scaled = seconds * 10_000 / read if read >= 2_000 else seconds
    yield Budget("view rebuild, per 10,000 revisions", scaled, "s", 3.0, note=note)
