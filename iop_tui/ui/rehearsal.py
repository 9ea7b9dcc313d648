"""A page that is built and painted for nobody, while somebody types a passphrase.

What Textual does once per process (parsing rules, looking handlers and their signatures up, loading what it needs late)
is a third of what the first page costs. Nothing is open yet, and nothing reaches the terminal.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable

from textual.containers import Vertical
from textual.widget import Widget

from iop_tui.ui.frame.bars import Bar, Lines
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import DeskApp, Page

SIZE = (100, 30)


def rehearse(theme: str) -> None:
    """Build and paint one page with a list, in a theme. Raises what a real page would fail with."""
    hook = threading.excepthook
    stage = _Stage(theme=theme)
    try:
        asyncio.run(stage.run_async(headless=True, size=SIZE))
    finally:
        threading.excepthook = hook
    if stage.failure is not None:
        raise stage.failure


class _Stage(DeskApp):
    async def on_mount(self) -> None:
        await self.push_screen(_Empty())
        self.call_after_refresh(self.exit)


class _Empty(Page):
    heading = "Rehearsal"

    def content(self) -> Iterable[Widget]:
        columns = (Column[str]("what", "What", lambda row: Cell(row, "dim"), 10, weight=1),)
        yield Bar()
        yield Vertical(Lines([[("Lines", "accent")]]), RecordList(columns, key=lambda row: row.encode(), empty=""))
        yield Bar()

    def on_mount(self) -> None:
        """Rows, and the cursor on the first."""
        listing = self.query_one(RecordList)
        listing.set_rows(["one", "two", "three"])
        listing.focus()
