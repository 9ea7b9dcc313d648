"""A virtual list: any number of rows, a few pages of them in memory, two lines repainted per key."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from iop_tui.kernel.errors import IopError
from iop_tui.ui.keys import KIT
from iop_tui.ui.lists.columns import Column, Layout, lay_out
from iop_tui.ui.lists.sources import PAGE, ListSource, Source
from iop_tui.ui.text.cellfit import fit, strip_of, wrap
from iop_tui.ui.theme import Tones, tones

R = TypeVar("R")
_PAGES_KEPT = 8
_WHEEL = 3


class RecordList(Widget, Generic[R], can_focus=True):
    """Rows of a `Source` under `columns`; `key(row)` identifies a row across reloads.

    Asks the source off the event loop; an answer to an outdated question is dropped. `empty` says
    what to do first. Keys come from the key table (`list.*`).
    """

    DEFAULT_CSS = "RecordList { height: 1fr; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [*KIT.bindings("list")]

    class About(Message):
        """Something about the list; each of its kinds is a message of its own, so that no handler takes another's."""

        def __init__(self, record_list: RecordList[Any]) -> None:
            super().__init__()
            self.record_list = record_list

        @property
        def control(self) -> RecordList[Any]:
            """The list."""
            return self.record_list

    class AboutRow(About):
        """Something about one row."""

        def __init__(self, record_list: RecordList[Any], row: Any) -> None:
            super().__init__(record_list)
            self.row = row

    class Opened(AboutRow):
        """Enter (or a second click) on a row."""

    class Highlighted(AboutRow):
        """The cursor is on another row, or the row under it was loaded."""

    class Selected(AboutRow):
        """The row was marked or unmarked; see `RecordList.selected`."""

    class SortAsked(About):
        """The person wants to choose a sort column (`s`)."""

    class Beyond(About):
        """The cursor was asked past the first row (`by` below zero) or the last one, as of a list next to this one."""

        def __init__(self, record_list: RecordList[Any], by: int) -> None:
            super().__init__(record_list)
            self.by = by

    class Loaded(About):
        """Rows arrived; `record_list.count` is known."""

    def __init__(
        self, columns: Sequence[Column[R]], *, key: Callable[[R], Hashable], empty: str = "Nothing here yet.",
        header: bool = True, selectable: bool = False, id: str | None = None, classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.columns, self._key, self.empty = tuple(columns), key, empty
        self._header, self._selectable = header, selectable
        self._source: Source[R] = ListSource(())
        self._request = self._answered = 0
        self._loaded = False
        self._pages: OrderedDict[int, Sequence[R]] = OrderedDict()
        self._asked: set[int] = set()
        self._keeps = False
        self.count = 0
        self.cursor = 0
        self._top = 0
        self.selected: set[Hashable] = set()
        self.sort: tuple[str, bool] | None = None
        self.failure = ""
        self.live = False
        """Draw the cursor as live without focus: for lists that are steered from a field."""
        self._columns_cache: tuple[int, Layout[R]] | None = None

    # -- content ---------------------------------------------------------------------------------

    def set_source(self, source: Source[R], *, top: bool = False) -> None:
        """Show another source. The cursor stays on its row where it is still near, unless `top`."""
        self._source = source
        if top:
            self.cursor = self._top = 0
        self.reload(keep=not top)

    def set_rows(self, rows: Sequence[R], *, top: bool = False) -> None:
        """Show rows that are in memory."""
        self.set_source(ListSource(rows), top=top)

    def set_columns(self, columns: Sequence[Column[R]]) -> None:
        """Show the rows under other columns."""
        if tuple(columns) != self.columns:
            self.columns, self._columns_cache = tuple(columns), None
            self.refresh()

    def reload(self, *, keep: bool = True) -> None:
        """Ask again; what is shown stays until the answer is there."""
        self._keeps = keep
        self._request += 1
        self._asked.clear()
        if self.is_attached:
            self.run_worker(self._load(self._request), group="records", exit_on_error=True)

    def on_mount(self) -> None:
        """Load what was set before."""
        self.reload()

    @property
    def up_to_date(self) -> bool:
        """Whether the rows are those of the last source that was set, not of one before."""
        return self._answered == self._request

    async def _load(self, request: int) -> None:
        try:
            count = await self._source.count()
            first = min(self._top, max(count - 1, 0)) // PAGE
            last = min(self._top + self._height, max(count - 1, 0)) // PAGE
            wanted = range(first, last + 1) if count else range(0)
            pages = {page: await self._source.rows(page * PAGE, PAGE) for page in wanted}
        except IopError as error:
            self._failed(request, error)
            return
        if request == self._request:
            self._answered = request
            self._adopt(count, pages)

    def _failed(self, request: int, error: IopError) -> None:
        if request == self._request:
            self._answered = request
            self.failure = f"{error.message} {error.hint}".strip()
            self.count, self._loaded = 0, True
            self._pages.clear()
            self.refresh()

    def _adopt(self, count: int, pages: dict[int, Sequence[R]]) -> None:
        under = self.row if self._keeps else None  # now: the cursor may have moved since the rows were asked for
        self._pages = OrderedDict(pages)
        self.count, self._loaded, self.failure = count, True, ""
        self.cursor = min(self.cursor, max(count - 1, 0))
        if under is not None:
            wanted = self._key(under)
            self.cursor = next((page * PAGE + place for page, rows in pages.items()
                                for place, row in enumerate(rows) if self._key(row) == wanted), self.cursor)
        self._show_cursor()
        self.refresh()
        self.post_message(self.Loaded(self))
        self._announce()

    async def _load_page(self, page: int, request: int) -> None:
        try:
            rows = await self._source.rows(page * PAGE, PAGE)
        except IopError as error:
            self._failed(request, error)
            return
        if request != self._request:
            return
        self._asked.discard(page)
        self._pages[page] = rows
        while len(self._pages) > _PAGES_KEPT:
            self._pages.popitem(last=False)
        self.refresh()
        if self.cursor // PAGE == page:
            self._announce()

    def row_at(self, index: int) -> R | None:
        """The row at an index when it is in memory; otherwise it is asked for and None returned."""
        if not 0 <= index < self.count:
            return None
        page, place = divmod(index, PAGE)
        rows = self._pages.get(page)
        if rows is None:
            if page not in self._asked:
                self._asked.add(page)
                self.run_worker(self._load_page(page, self._request), group="records-page")
            return None
        self._pages.move_to_end(page)
        return rows[place] if place < len(rows) else None

    @property
    def row(self) -> R | None:
        """The row under the cursor, when it is in memory."""
        return self.row_at(self.cursor)

    # -- moving ----------------------------------------------------------------------------------

    @property
    def _height(self) -> int:
        return max(self.size.height - (1 if self._header else 0), 1)

    def move_to(self, index: int) -> None:
        """Put the cursor on a row, scrolling by half a page at an edge."""
        index = max(0, min(index, self.count - 1))
        if index == self.cursor or not self.count:
            return
        before, self.cursor = self.cursor, index
        if self._show_cursor():
            self.refresh()
        else:
            self.refresh(self._region(before), self._region(index))
        self._announce()

    def _show_cursor(self) -> bool:
        """Scroll so that the cursor is visible; whether anything moved."""
        before, height, half = self._top, self._height, max(self._height // 2, 1)
        if self.cursor < self._top:
            self._top = min(self.cursor, max(self._top - half, 0))
        elif self.cursor >= self._top + height:
            self._top = max(self.cursor - height + 1, self._top + half)
        self._top = max(0, min(self._top, self.count - height))
        return self._top != before

    def _region(self, index: int) -> Region:
        return Region(0, index - self._top + (1 if self._header else 0), self.size.width, 1)

    def _announce(self) -> None:
        row = self.row
        if row is not None:
            self.post_message(self.Highlighted(self, row))

    def action_cursor(self, by: int) -> None:
        """Move by rows; by one past an end, say so."""
        before = self.cursor
        self.move_to(before + by)
        if self.cursor == before and abs(by) == 1:
            self.post_message(self.Beyond(self, by))

    def action_page(self, direction: int) -> None:
        """Move by a page: the page scrolls, the cursor keeps its line."""
        if not self.count:
            return
        height = self._height
        top = max(0, min(self._top + direction * height, self.count - height))
        moved = top != self._top
        self._top = top
        if moved:
            self.cursor = max(0, min(self.cursor + direction * height, self.count - 1))
            self._show_cursor()
            self.refresh()
            self._announce()
        else:
            self.move_to(0 if direction < 0 else self.count - 1)

    def action_edge(self, direction: int) -> None:
        """Go to the first or the last row."""
        self.move_to(0 if direction < 0 else self.count - 1)

    def action_open_row(self) -> None:
        """Open the row under the cursor."""
        row = self.row
        if row is not None:
            self.post_message(self.Opened(self, row))

    def action_select_row(self) -> None:
        """Mark or unmark the row and go on."""
        row = self.row
        if row is None or not self._selectable:
            return
        self.selected ^= {self._key(row)}
        self.refresh(self._region(self.cursor))
        self.post_message(self.Selected(self, row))
        self.move_to(self.cursor + 1)

    def action_sort_menu(self) -> None:
        """Ask for a sort column, when there are any."""
        if any(column.sortable for column in self.columns):
            self.post_message(self.SortAsked(self))

    def set_sort(self, column: str, *, descending: bool) -> None:
        """Show the sort mark; the caller sets a source in that order."""
        self.sort = (column, descending)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; a click on the cursor opens."""
        index = self._top + event.y - (1 if self._header else 0)
        if event.y < (1 if self._header else 0) or index >= self.count:
            return
        if index == self.cursor:
            self.action_open_row()
        else:
            self.move_to(index)

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_cursor(_WHEEL)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_cursor(-_WHEEL)

    # -- drawing ---------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._show_cursor()

    def on_focus(self) -> None:
        """Show the cursor as live."""
        self.refresh(self._region(self.cursor))

    def on_blur(self) -> None:
        """Show the cursor as parked."""
        self.refresh(self._region(self.cursor))

    def position(self) -> str:
        """`12 of 2,000`, for the title line."""
        return f"{self.cursor + 1:,} of {self.count:,}" if self.count else "none"

    def render_line(self, y: int) -> Strip:
        """One line; only lines in view are ever drawn."""
        styles = tones(self.app.theme)
        lead = "  " if self._selectable else " "
        layout = self._laid_out(len(lead))
        if self._header:
            if y == 0:
                return layout.header(styles, self.sort, lead)
            y -= 1
        if not self.count:
            return self._blank_line(y, styles)
        index = self._top + y
        row = self.row_at(index)
        if row is None:
            return strip_of([("  .." if index < self.count else "", styles.dim)], self.size.width, styles.text)
        if self._selectable and self._key(row) in self.selected:
            lead = "* "
        return layout.line(row, styles, cursor=index == self.cursor, focused=self.has_focus or self.live, lead=lead)

    def _laid_out(self, lead: int) -> Layout[R]:
        width = self.size.width
        if self._columns_cache is None or self._columns_cache[0] != width:
            self._columns_cache = (width, lay_out(self.columns, width, lead))
        return self._columns_cache[1]

    def _blank_line(self, y: int, styles: Tones) -> Strip:
        text = self.failure or (self.empty if self._loaded else "")
        lines = wrap(text, max(self.size.width - 4, 10))
        line = lines[y - 1] if 0 < y <= len(lines) else ""
        tone = styles.danger if self.failure else styles.dim
        text = fit(line, max(self.size.width - 2, 1))
        return strip_of([("  ", styles.text), (text, tone)], self.size.width, styles.text)
