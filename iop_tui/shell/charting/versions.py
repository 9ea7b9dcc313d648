"""The versions of a record: what was changed when, by whom, side by side with what stood before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from textual import on
from textual.widget import Widget

from iop_tui.clinical.signing import versions as history
from iop_tui.clinical.signing.versions import VersionLine
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page
from iop_tui.ui.text.diffview import DiffView

SHOWN = 8
COLUMNS: tuple[Column[VersionLine], ...] = (
    Column("at", "When", lambda row: Cell(f"{datetime.fromtimestamp(row.at_ms / 1000):%Y-%m-%d %H:%M}", "dim"), 16),
    Column("what", "What", lambda row: row.title, 24, weight=2),
    Column("author", "By", lambda row: Cell(row.author_name, "dim"), 14, weight=1, priority=1),
    Column("state", "", lambda row: Cell(row.state, "warn" if row.state == history.DRAFT else "dim"), 7),
)


class Versions(Page):
    """A list of what happened, below it the comparison of the line under the cursor."""

    heading = "Versions"
    places = ("reader", "back", "list")
    DEFAULT_CSS = "Versions RecordList { margin-top: 1; } Versions DiffView { margin: 1 1 0 1; }"

    def __init__(self, label: str, name: str, lines: list[VersionLine]) -> None:
        super().__init__()
        self._label, self._name, self._lines = label, name, lines

    def content(self) -> Iterable[Widget]:
        """The list and the comparison."""
        yield RecordList(COLUMNS, key=lambda row: (row.record, row.revision))
        yield DiffView()

    def on_mount(self) -> None:
        """The newest first under the cursor."""
        super().on_mount()
        count = len(self._lines)
        self.retitle(f"Versions: {self._label}", f"{self._name}, {count} {'entry' if count == 1 else 'entries'}")
        listing = self.query_one(RecordList)
        listing.styles.height = min(count, SHOWN) + 1
        listing.set_rows(self._lines)
        listing.focus()

    @on(RecordList.Loaded)
    def _newest(self, event: RecordList.Loaded) -> None:
        event.record_list.move_to(len(self._lines) - 1)

    @on(RecordList.Highlighted)
    def _compare(self, event: RecordList.Highlighted) -> None:
        self.start(self._show, self._lines.index(event.row), group="compare", exclusive=True)

    async def _show(self, place: int) -> None:
        titles, fields = await self.desk.read(history.compared, self._lines, place)
        if not fields:
            fields = [("Nothing differs", "", "The text is the same as before.")]
        self.query_one(DiffView).show(titles, fields)

    @on(RecordList.Opened)
    def _open(self, event: RecordList.Opened) -> None:
        if event.row.record != self._lines[0].record:
            self.go("record", event.row.record)
        else:
            self.query_one(DiffView).focus()
