"""The virtual list: few rows in memory, stale answers dropped, two lines per key, straight columns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen

from iop_tui.kernel.errors import MediumUnusable
from iop_tui.ui.app import KitApp
from iop_tui.ui.lists.columns import Column, lay_out
from iop_tui.ui.lists.recordlist import RecordList
from tests.tui.kit.support import COLUMNS, Row, wait_until


class Counting:
    """A source that counts what it is asked and may be held back."""

    def __init__(self, total: int, first: int = 0) -> None:
        self.total, self.first = total, first
        self.asked: list[tuple[int, int]] = []
        self.gate: asyncio.Event | None = None

    async def count(self) -> int:
        return self.total

    async def rows(self, offset: int, limit: int) -> Sequence[Row]:
        self.asked.append((offset, limit))
        if self.gate is not None:
            await self.gate.wait()
        return [Row(number + self.first) for number in range(offset, min(offset + limit, self.total))]


class Failing(Counting):
    async def count(self) -> int:
        raise MediumUnusable("The disk does not answer.", "Plug it in again.")


class ListApp(KitApp):
    def __init__(self, source: Any, **options: Any) -> None:
        super().__init__()
        self.source, self.options = source, options
        self.events: list[tuple[str, int]] = []

    def compose(self) -> ComposeResult:
        yield RecordList(COLUMNS, key=lambda row: row.number, empty="No people yet. Press n to admit one.",
                         **self.options)

    def on_mount(self) -> None:
        rows = self.query_one(RecordList)
        rows.set_source(self.source)
        rows.focus()

    def on_record_list_beyond(self, event: RecordList.Beyond) -> None:
        self.events.append(("beyond", event.by))

    def on_record_list_opened(self, event: RecordList.Opened) -> None:
        self.events.append(("opened", event.row.number))

    def on_record_list_selected(self, event: RecordList.Selected) -> None:
        self.events.append(("selected", event.row.number))


async def loaded(pilot: Pilot[Any], total: int) -> RecordList[Row]:
    rows: RecordList[Row] = pilot.app.screen.query_one(RecordList)
    await wait_until(pilot, lambda: rows.count == total and (rows.row is not None or not total))
    return rows


def lines(screen: Screen[Any]) -> list[str]:
    rows = screen.query_one(RecordList)
    return [rows.render_line(y).text for y in range(rows.size.height)]


async def test_a_hundred_thousand_rows_ask_for_a_few_pages_only() -> None:
    source = Counting(100_000)
    async with ListApp(source).run_test(size=(80, 24)) as pilot:
        rows = await loaded(pilot, 100_000)
        await pilot.press("end")
        await wait_until(pilot, lambda: rows.row is not None)
        assert rows.row == Row(99_999)
        await pilot.press("pageup", "home", "pagedown", "down", "j", "k", "up")
        await wait_until(pilot, lambda: rows.row is not None)
        assert len(source.asked) <= 8
        assert all(limit == 100 for _, limit in source.asked)


async def test_columns_stay_straight_whatever_the_name() -> None:
    async with ListApp(Counting(24)).run_test(size=(80, 30)) as pilot:
        await loaded(pilot, 24)
        shown = lines(pilot.app.screen)
        assert {cell_len(line) for line in shown} == {80}
        places = {cell_len(line[:line.index("2026-03")]) for line in shown if "2026-03" in line}
        assert len(places) == 1
        assert not any("\x1b" in line or "\t" in line for line in shown)
        assert any("[b]not bold[/b]" in line for line in shown)


@pytest.mark.parametrize(("width", "hidden"), [(80, ()), (60, ()), (44, ("Hours",)), (34, ("Hours", "Last seen"))])
async def test_columns_give_way_by_priority(width: int, hidden: tuple[str, ...]) -> None:
    async with ListApp(Counting(3)).run_test(size=(width, 20)) as pilot:
        await loaded(pilot, 3)
        header = lines(pilot.app.screen)[0]
        assert [title for title in ("Name", "Risk", "Last seen", "Hours") if title not in header] == sorted(
            hidden, key=["Last seen", "Hours"].index)


@pytest.mark.parametrize("lead", [0, 2])
def test_columns_that_stay_fit_every_width(lead: int) -> None:
    """None is cut by the edge of the list; the flexible ones give way before a date or a number does."""
    columns = (
        Column[str]("date", "Date", str, 10), Column[str]("who", "Who", str, 20, weight=2),
        Column[str]("what", "What", str, 20, weight=3), Column[str]("until", "Until", str, 12, priority=1),
        Column[str]("more", "More", str, 18, priority=2),
    )  # fmt: skip
    for width in range(40, 140):
        shown = {column.key: size for column, size in lay_out(columns, width, lead).columns}
        assert sum(shown.values()) + 2 * (len(shown) - 1) <= width - lead - 1
        assert shown["date"] == 10
        assert {"date", "who", "what"} <= set(shown)
    assert set(shown) == {"date", "who", "what", "until", "more"}


async def test_an_answer_to_an_old_question_is_dropped() -> None:
    slow, quick = Counting(50), Counting(3, first=1000)
    slow.gate = asyncio.Event()
    async with ListApp(slow).run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: bool(slow.asked))
        rows: RecordList[Row] = pilot.app.screen.query_one(RecordList)
        rows.set_source(quick, top=True)
        await wait_until(pilot, lambda: rows.count == 3)
        slow.gate.set()
        await pilot.pause()
        assert rows.count == 3
        assert rows.row == Row(1000)


async def test_reload_keeps_the_cursor_on_its_row() -> None:
    async with ListApp(Counting(50)).run_test(size=(80, 24)) as pilot:
        rows = await loaded(pilot, 50)
        rows.move_to(5)
        rows.set_rows([Row(number) for number in range(3, 50)])
        await wait_until(pilot, lambda: rows.count == 47)
        assert rows.row == Row(5)
        rows.set_rows([Row(7)])
        await wait_until(pilot, lambda: rows.count == 1)
        assert rows.cursor == 0


async def test_a_key_between_a_reload_and_its_answer_counts() -> None:
    """Whoever decides line by line would otherwise decide the last line twice."""
    async with ListApp(Counting(50)).run_test(size=(80, 24)) as pilot:
        rows = await loaded(pilot, 50)
        rows.move_to(5)
        rows.set_rows([Row(number) for number in range(3, 50)])
        rows.move_to(7)
        await wait_until(pilot, lambda: rows.count == 47)
        assert rows.row == Row(7)


async def test_empty_and_failing_lists_say_what_to_do() -> None:
    async with ListApp(Counting(0)).run_test(size=(80, 24)) as pilot:
        rows = pilot.app.screen.query_one(RecordList)
        await wait_until(pilot, lambda: "No people yet. Press n" in "".join(lines(pilot.app.screen)))
        await pilot.press("down", "enter", "end", "space", "pagedown")
        assert rows.cursor == 0
    async with ListApp(Failing(1)).run_test(size=(80, 24)) as pilot:
        said = "The disk does not answer. Plug it in again."
        await wait_until(pilot, lambda: said in "".join(lines(pilot.app.screen)))


async def test_open_select_and_click() -> None:
    app = ListApp(Counting(10), selectable=True)
    async with app.run_test(size=(80, 24)) as pilot:
        rows = await loaded(pilot, 10)
        await pilot.press("space", "enter")
        await pilot.click(RecordList, offset=(3, 5))
        assert rows.cursor == 4
        await pilot.click(RecordList, offset=(3, 5))
        await pilot.pause()
        assert app.events == [("selected", 0), ("opened", 1), ("opened", 4)]
        assert rows.selected == {0}
        assert lines(app.screen)[1].startswith("* ")


async def test_the_edge_scrolls_half_a_page() -> None:
    async with ListApp(Counting(100)).run_test(size=(80, 21)) as pilot:
        rows = await loaded(pilot, 100)
        for _ in range(20):
            await pilot.press("down")
        assert (rows.cursor, rows._top) == (20, 10)
        for _ in range(11):
            await pilot.press("up")
        assert (rows.cursor, rows._top) == (9, 0)


async def test_a_key_repaints_two_lines() -> None:
    async with ListApp(Counting(100)).run_test(size=(80, 24)) as pilot:
        rows = await loaded(pilot, 100)
        await pilot.pause()
        drawn: list[int] = []
        original = rows.render_line
        rows.render_line = lambda y: (drawn.append(y), original(y))[1]  # type: ignore[method-assign]
        await pilot.press("down")
        await pilot.pause()
        assert sorted(drawn) == [1, 2]


async def test_past_an_end_it_says_so_and_marking_the_last_row_does_not() -> None:
    app = ListApp(Counting(2), selectable=True)
    async with app.run_test(size=(80, 24)) as pilot:
        rows = app.query_one(RecordList)
        await wait_until(pilot, lambda: rows.row is not None)
        await pilot.press("down")
        assert app.events.count(("beyond", 1)) == 0
        await pilot.press("space", "pagedown", "end")
        assert ("beyond", 1) not in app.events
        await pilot.press("down", "up", "up")
        await pilot.pause()
        assert [event for event in app.events if event[0] == "beyond"] == [("beyond", 1), ("beyond", -1)]
