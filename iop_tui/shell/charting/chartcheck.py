"""What an auditor would find: the check of one chart, or of all of one's own with progress, stopped by leaving."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import partial

from textual import on
from textual.widget import Widget

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.charting.service import AuditFinding
from iop_tui.kernel.errors import Cancelled
from iop_tui.shell.charting.ways import session_wish
from iop_tui.ui.frame.bars import Bar
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page
from iop_tui.workspace import Workspace

CLEAN = "Nothing: an auditor would find this complete."
LOOKING = "Looking. Leave at any time; nothing is changed by looking."
EVERY = 5
CURES = {"intake": "intake_assessment", "no_risk": "risk_assessment"}
"""What a missing document is: Enter begins it, or goes on with it."""
COLUMNS: tuple[Column[AuditFinding], ...] = (
    Column("name", "Who", lambda row: row.name, 16, weight=1),
    Column("message", "What an auditor would write", lambda row: row.message, 40, weight=3),
    Column("source", "By", lambda row: Cell(row.source, "dim"), 20, weight=1, priority=1),
)


def _check(
    ws: Workspace, person: bytes, said: Callable[[int, int], None], cancelled: Callable[[], bool]
) -> list[AuditFinding]:
    return charting.check_chart(ws, person) if person else charting.check_all(ws, said, cancelled)


class ChartCheck(Page):
    """The findings of one chart, or of all."""

    heading = "Chart check"
    places = ("back", "find", "list")
    DEFAULT_CSS = "ChartCheck RecordList { margin-top: 1; }"

    def __init__(self, person: bytes = b"", name: str = "") -> None:
        super().__init__()
        self._person, self._name = person, name
        self._stopped = threading.Event()

    def content(self) -> Iterable[Widget]:
        """The findings; below them what the line under the cursor means in full."""
        columns = COLUMNS[1:] if self._person else COLUMNS
        yield RecordList(columns, key=lambda row: (row.person, row.code, row.message, row.record), empty=LOOKING)
        yield Bar(id="hint")

    def on_mount(self) -> None:
        """Look at once."""
        super().on_mount()
        self.query_one(RecordList).focus()
        self.reload()

    def reload(self) -> None:
        """Look again."""
        self._stopped.set()
        self._stopped = threading.Event()
        self.start(self._look, self._stopped, group="check", exclusive=True)

    async def _look(self, stopped: threading.Event) -> None:
        self.retitle(context=self._name or "all of your charts")
        listing = self.query_one(RecordList)
        try:
            found = await self.desk.read(_check, self._person, partial(self._said, stopped), stopped.is_set)
        except Cancelled:
            return
        listing.empty = CLEAN
        listing.set_rows(found)
        where = self._name or "all of your charts"
        self.retitle(context=f"{where}: {len(found)} {'finding' if len(found) == 1 else 'findings'}")

    def _said(self, stopped: threading.Event, done: int, total: int) -> None:
        if (done % EVERY == 0 or done == total) and not stopped.is_set():
            self.app.call_from_thread(self.retitle, None, f"{done} of {total} charts")

    async def leaving(self) -> None:
        """The look ends with the page."""
        self._stopped.set()

    @on(RecordList.Highlighted)
    def _explain(self, event: RecordList.Highlighted) -> None:
        row: AuditFinding = event.row
        self.query_one("#hint", Bar).show([(row.message, "bar"), (f"   {row.source}", "bar_dim")])

    @on(RecordList.Opened)
    def _open(self, event: RecordList.Opened) -> None:
        row: AuditFinding = event.row
        if row.code == "no_plan":
            self.go("plan", row.person)
        elif row.code == "no_note":
            self.go("note", row.person, how=session_wish(row.record))
        elif row.code in CURES:
            self.go("document", row.person, how=CURES[row.code])
        elif row.record:
            self.go("record", row.record)
        else:
            self.go("chart", row.person)
