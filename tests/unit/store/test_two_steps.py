"""A write is projected while the disk flushes it: the writer tells of its first step early, and a view asked by who
writes answers from the connection that writes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iop_tui.kernel.errors import Unexpected
from iop_tui.kernel.secret import Secret
from iop_tui.store.views.view import View
from iop_tui.store.writer import Writer


@pytest.fixture
def view(tmp_path: Path) -> Iterator[View]:
    made = View.create(tmp_path / "view.db", Secret(bytes(32)))
    yield made
    made.close()


def test_the_first_step_is_told_before_the_second_is_done() -> None:
    writer, gate, seen = Writer(), threading.Event(), list[str]()

    def second() -> None:
        gate.wait()
        seen.append("second")

    placed, done = writer.submit_two(lambda: 7, second)
    later = writer.submit(lambda: seen.append("later"))
    assert placed.result() == 7
    assert not done.done()
    assert seen == []
    gate.set()
    done.result()
    later.result()
    assert seen == ["second", "later"]
    writer.close()


def test_an_error_of_the_first_step_is_in_both_and_the_second_never_runs() -> None:
    writer, seen = Writer(), list[int]()
    placed, done = writer.submit_two(lambda: 1 // 0, lambda: seen.append(1))
    for future in (placed, done):
        with pytest.raises(ZeroDivisionError):
            future.result()
    assert seen == []
    writer.close()


def test_an_error_of_the_second_step_leaves_the_first_ones_answer() -> None:
    writer = Writer()
    placed, done = writer.submit_two(lambda: 7, lambda: 1 // 0)
    assert placed.result() == 7
    with pytest.raises(ZeroDivisionError):
        done.result()
    writer.close()


def test_a_closed_writer_refuses_both_steps() -> None:
    writer = Writer()
    writer.close()
    for future in writer.submit_two(lambda: 7, lambda: None):
        with pytest.raises(Unexpected):
            future.result()


def put(view: View, key: str, value: int) -> None:
    view.transaction(lambda db: view.set_number(db, key, value))


def answered_by(view: View, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which connection answers from now on, query by query."""
    asked = list[str]()

    class Noting:
        def __init__(self, connection: Any, name: str) -> None:
            self.connection, self.name = connection, name

        def execute(self, *args: Any) -> Any:
            asked.append(self.name)
            return self.connection.execute(*args)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.connection, name)

    for name in ("_writing", "_reading"):
        monkeypatch.setattr(view, name, Noting(getattr(view, name), name))
    return asked


def test_who_writes_is_answered_by_the_connection_that_writes(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    put(view, "a", 1)
    asked = answered_by(view, monkeypatch)
    query = "SELECT value FROM meta WHERE key = 'a'"
    elsewhere = list[Any]()
    with view.near():
        with view.near():
            assert view.one(query) == (1,)
        assert view.rows(query) == [(1,)]
        other = threading.Thread(target=lambda: elsewhere.append(view.one(query)))
        other.start()
        other.join()
    assert view.one(query) == (1,)
    assert asked == ["_writing", "_writing", "_reading", "_reading"]
    assert elsewhere == [(1,)]


def test_what_is_not_committed_is_not_seen_by_who_writes_either(view: View) -> None:
    put(view, "a", 1)

    def work(db: Any) -> None:
        view.set_number(db, "a", 2)
        assert view.one("SELECT value FROM meta WHERE key = 'a'") == (1,)
        raise RuntimeError

    with view.near():
        with pytest.raises(RuntimeError):
            view.transaction(work)
        assert view.one("SELECT value FROM meta WHERE key = 'a'") == (1,)


def test_nobody_else_writes_while_somebody_is_near(view: View) -> None:
    order = list[str]()

    def write() -> None:
        put(view, "a", 2)
        order.append("other")

    other = threading.Thread(target=write)
    with view.near():
        other.start()
        put(view, "a", 1)
        order.append("near")
    other.join()
    assert order == ["near", "other"]
    assert view.number("a") == 2


def test_who_asks_never_waits_for_another_write(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    put(view, "a", 1)
    writing, gate = threading.Event(), threading.Event()

    def slow(db: Any) -> None:
        view.set_number(db, "a", 2)
        writing.set()
        gate.wait()

    other = threading.Thread(target=view.transaction, args=(slow,))
    other.start()
    writing.wait()
    asked = answered_by(view, monkeypatch)
    with view.near():
        assert view.one("SELECT value FROM meta WHERE key = 'a'") == (1,)
    gate.set()
    other.join()
    assert asked[0] == "_reading"
    assert view.one("SELECT value FROM meta WHERE key = 'a'") == (2,)


def test_a_view_is_taken_away_only_when_nobody_is_in_it(tmp_path: Path) -> None:
    view = View.create(tmp_path / "old.db", Secret(bytes(32)))
    put(view, "a", 1)
    taking, gone = threading.Event(), threading.Event()

    def take() -> None:
        taking.set()
        view.abandon()
        gone.set()

    other = threading.Thread(target=take)
    with view.near():
        other.start()
        taking.wait()
        for _ in range(100):
            assert view.one("SELECT value FROM meta WHERE key = 'a'") == (1,)
        assert not gone.is_set()
    other.join()
    assert gone.is_set()
