"""The recovery contract's calendar: what was promised, day by day, done or not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from textual.widget import Widget

from iop_tui.clinical.joint import service as joint
from iop_tui.clinical.joint.service import DayLine
from iop_tui.clinical.signing import api as signing
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page
from iop_tui.workspace import Workspace

WEEKS = 6
DAYS: tuple[Column[DayLine], ...] = (
    Column("day", "Day", lambda row: Cell(f"{row.day:%a} {row.day.isoformat()}", "dim"), 14),
    Column("kept", "Done", lambda row: ", ".join(row.kept) or "-", 24, weight=2),
    Column("missed", "Not done", lambda row: Cell(", ".join(row.missed), "warn"), 18, weight=1),
    Column("remark", "", lambda row: Cell(row.remark, "dim"), 12, weight=1, priority=1),
)


def days(ws: Workspace, couple: bytes) -> list[DayLine]:
    """The last six weeks, newest first; days without an entry are there, too."""
    today = signing.today(ws)
    first = today - timedelta(days=7 * WEEKS - 1)
    known = {line.day: line for line in joint.calendar(ws, couple, first, today)}
    return [known.get(day, _open(day)) for day in (today - timedelta(days=back) for back in range(7 * WEEKS))]


def _open(day: date) -> DayLine:
    return DayLine(day, (), (), "")


class Contract(Page):
    """The calendar of one couple."""

    heading = "Recovery contract"
    places = ("contract", "back", "list")

    def __init__(self, couple: bytes, name: str) -> None:
        super().__init__()
        self._couple, self._whose = couple, name

    def content(self) -> Iterable[Widget]:
        """One list."""
        yield RecordList(DAYS, key=lambda row: row.day, empty="No days yet.")

    def on_mount(self) -> None:
        """Ask."""
        super().on_mount()
        self.retitle(f"{self.heading}: {self._whose}")
        self.query_one(RecordList).focus()
        self.reload()

    def concerns(self, result: Any) -> bool:
        """Whatever was written."""
        del result
        return True

    def reload(self) -> None:
        """Ask again."""
        self.start(self._reload, group="contract", exclusive=True)

    async def _reload(self) -> None:
        self.query_one(RecordList).set_rows(await self.desk.read(days, self._couple))

    def action_new_document(self) -> None:
        """Write down a day."""
        self.go("joint", self._couple, how="recovery_day")
