"""Projecting revisions into a view: the outcome depends on which there are, not on their order or repetition."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iop_tui.kernel.declare import Fact, PersonLine
from iop_tui.kernel.secret import Secret
from iop_tui.store.views.compare import DUMPS
from iop_tui.store.views.view import (
    Changes,
    Projected,
    ProjectedSignature,
    View,
    drop_compartments,
    put_revisions,
    put_signatures,
)

AUTHOR, OTHER, PERSON = b"a" * 16, b"o" * 16, b"p" * 16


def version(
    number: int, record: int, parents: tuple[int, ...] = (), *, compartment: int = 1, author: bytes = AUTHOR
) -> Projected:
    """A version whose every column follows from its number."""
    return Projected(
        bytes([number]) * 16, bytes([100 + record]) * 16, "note", PERSON, bytes([200 + compartment]) * 16, author,
        tuple(bytes([parent]) * 16 for parent in parents), 1000 + number, "draft", f"2026-01-{number:02}",
        f"title{number}", "", 1, f'{{"n": {number}}}'.encode(), f"word{number} common",
        (Fact("minutes", date(2026, 1, number), float(number)),),
    )  # fmt: skip


def signature(number: int, record: int, target: int, signer: bytes = AUTHOR, *, compartment: int = 1) -> Any:
    """A signature whose every column follows from its number."""
    return ProjectedSignature(
        bytes([number]) * 16, bytes([100 + record]) * 16, bytes([target]) * 16, signer, "author", 1000 + number, b"{}",
        bytes([200 + compartment]) * 16,
    )  # fmt: skip


# A record edited in a line, one with two leaves, one whose leaves met again, one of a single version.
GRAPH: tuple[Any, ...] = (
    version(1, 1), version(2, 1, (1,)), version(3, 1, (2,)),
    version(4, 2), version(5, 2, (4,)), version(6, 2, (4,)),
    version(7, 3), version(8, 3, (7,)), version(9, 3, (7,)), version(10, 3, (8, 9)),
    version(11, 4, compartment=2), signature(20, 1, 3), signature(21, 4, 11, compartment=2), signature(22, 2, 5, OTHER),
)  # fmt: skip


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder, made = tmp_path_factory.mktemp("views"), list[View]()

    def make() -> View:
        made.append(View.create(folder / f"{len(made)}.db", Secret(bytes(32))))
        return made[-1]

    yield make
    for view in made:
        view.close()


def put(view: View, items: list[Any]) -> Changes:
    """Project items in one transaction."""
    changes = Changes()

    def work(db: Any) -> None:
        put_revisions(db, [item for item in items if isinstance(item, Projected)], changes)
        put_signatures(db, [item for item in items if isinstance(item, ProjectedSignature)], changes)

    view.transaction(work)
    return changes


def dump(view: View) -> dict[str, Any]:
    """Every table without row numbers, and what full-text search finds."""
    found = {name: view.rows(query) for name, query in DUMPS.items()}
    for word in ("common", *(f"word{number}" for number in range(1, 12))):
        query = (
            "SELECT r.record FROM search JOIN record r ON r.id = search.rowid WHERE search MATCH ? ORDER BY r.record"
        )
        found[word] = view.rows(query, (word,))
    return found


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(GRAPH), st.lists(st.integers(1, len(GRAPH)), min_size=1, max_size=5))
def test_any_order_and_portion_gives_the_same_rows(views: Any, items: list[Any], portions: list[int]) -> None:
    expected, view, at = views.expected, views(), 0
    while at < len(items):
        put(view, items[at : at + portions[at % len(portions)]])
        at += portions[at % len(portions)]
    assert dump(view) == expected


@pytest.fixture(autouse=True)
def _expected(views: Any) -> None:
    if not hasattr(views, "expected"):
        view = views()
        put(view, list(GRAPH))
        views.expected = dump(view)


def test_putting_again_changes_nothing(views: Any) -> None:
    view = views()
    put(view, list(GRAPH))
    changes = put(view, [item for item in GRAPH if isinstance(item, Projected)])
    assert dump(view) == views.expected
    assert not changes.persons


def test_leaves_conflicts_and_signatures(views: Any) -> None:
    view = views()
    put(view, list(GRAPH))
    rows = view.rows("SELECT record, leaf, leaves, versions, status, title FROM record ORDER BY record")
    shown = [(row[0][0] - 100, row[1][0], *row[2:]) for row in rows]
    assert shown == [
        (1, 3, 1, 3, "signed", "title3"),
        (2, 6, 2, 3, "draft", "title6"),  # somebody else's signature locks nothing
        (3, 10, 1, 4, "draft", "title10"),
        (4, 11, 1, 1, "signed", "title11"),
    ]


def test_search_knows_the_newest_words_only(views: Any) -> None:
    view = views()
    put(view, list(GRAPH))
    for word, count in (("word1", 0), ("word3", 1), ("word5", 0), ("word6", 1), ("word10", 1), ("common", 4)):
        assert len(view.rows("SELECT rowid FROM search WHERE search MATCH ?", (word,))) == count, word


def test_a_lost_compartment_leaves_no_word(views: Any) -> None:
    view = views()
    put(view, list(GRAPH))
    changes = Changes()
    view.transaction(lambda db: drop_compartments(db, [bytes([201]) * 16], changes))
    assert {row[0] for row in view.rows("SELECT compartment FROM record")} == {bytes([202]) * 16}
    assert view.rows("SELECT body FROM searchtext") == [("word11 common",)]
    for table in ("version", "signature", "fact"):
        assert {row[0] for row in view.rows(f"SELECT record FROM {table}")} == {bytes([104]) * 16}
    assert view.rows("SELECT 1 FROM search WHERE search MATCH 'word3'") == []
    assert view.rows("SELECT 1 FROM edge") == []
    assert changes.access
    put(view, list(GRAPH))
    assert dump(view) == views.expected


def test_a_failing_transaction_leaves_nothing(views: Any) -> None:
    view = views()

    def work(db: Any) -> None:
        put_revisions(db, [version(1, 1)], Changes())
        raise RuntimeError

    with pytest.raises(RuntimeError):
        view.transaction(work)
    assert view.rows("SELECT 1 FROM record") == []


def test_a_person_is_listed_once_with_the_newest_name(views: Any) -> None:
    import dataclasses

    first = dataclasses.replace(version(1, 1), person_line=PersonLine("Old Name", "name old", "ON"))
    second = dataclasses.replace(version(2, 1, (1,)), person_line=PersonLine("New Name", "name new", "NN"))
    for items in ([first, second], [second, first], [second], [first, second, first]):
        view = views()
        for item in items:
            put(view, [item])
        assert view.rows("SELECT name, initials FROM person") == [("New Name", "NN")]


def test_a_view_of_another_key_or_version_is_not_opened(tmp_path: Path) -> None:
    from iop_tui.kernel.errors import VaultDamaged

    View.create(tmp_path / "v.db", Secret(bytes(32))).close()
    with pytest.raises(VaultDamaged):
        View.open(tmp_path / "v.db", Secret(b"x" * 32))
    view = View.open(tmp_path / "v.db", Secret(bytes(32)))
    view.transaction(lambda db: view.set_number(db, "schema", 9999))
    view.close()
    with pytest.raises(VaultDamaged):
        View.open(tmp_path / "v.db", Secret(bytes(32)))


def test_a_counter_read_while_a_transaction_ends_is_not_kept_as_it_was(
    views: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = views()

    def work(db: Any) -> None:
        view.set_number(db, "authority", 7)

    def slow(*_args: Any) -> None:
        view.transaction(work)  # another thread's, between the read and its use; the read saw nothing yet

    monkeypatch.setattr(view, "one", slow)
    assert view.number("authority") == 7
    assert view.number("authority") == 7
    assert views().serial != view.serial
