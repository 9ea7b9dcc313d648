"""The audit report: everything for privacy officer and auditor, their own events for everybody else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from textual import on
from textual.widget import Widget

from iop_tui.clinical.compliance import service as compliance
from iop_tui.kernel.clock import local_date
from iop_tui.ui.frame.bars import Bar
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page
from iop_tui.workspace import Workspace

SPANS = ((7, "the last 7 days"), (31, "the last month"), (366, "the last year"), (0, "everything"))


@dataclass(frozen=True, slots=True)
class Event:
    """One event, with the person's name where this user may know it."""

    line: compliance.EventLine
    name: str
    what: str
    """Which part of a record and what of it, in words."""


def events(ws: Workspace, days: int) -> list[Event]:
    """Events of the last days (0: all), newest first. The report itself is logged."""
    start = local_date(ws.clock.now_ms()) - timedelta(days=days) if days else None
    names = dict(ws.view.rows("SELECT id, name FROM person"))
    found = reversed(compliance.audit_report(ws, start=start))
    return [Event(line, names.get(line.person, ""), _what(ws, line)) for line in found]


def _what(ws: Workspace, line: compliance.EventLine) -> str:
    kind = ws.registry.get(line.detail)
    return " ".join(part for part in (line.category, kind.label if kind else line.detail) if part)


COLUMNS: tuple[Column[Event], ...] = (
    Column("at", "When (UTC)", lambda row: Cell(row.line.at.replace("T", " ").rstrip("Z"), "dim"), 19),
    Column("user", "Who", lambda row: row.line.user_name, 12, weight=2),
    Column("action", "Did", lambda row: row.line.action, 11, weight=1),
    Column("name", "About", lambda row: row.name, 15, weight=2),
    Column("detail", "What", lambda row: Cell(row.what, "dim"), 12, weight=3, priority=1),
)


class AuditLog(Page):
    """What was done, newest first."""

    heading = "Audit"
    places = ("audit", "back", "find", "list")
    DEFAULT_CSS = "AuditLog RecordList { margin-top: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._span, self._covers = 0, ""

    def content(self) -> Iterable[Widget]:
        """The list and what it covers."""
        yield RecordList(COLUMNS, key=lambda row: row.line.seq, empty="Nothing happened in this time.")
        yield Bar(id="covers")

    def on_mount(self) -> None:
        """The last week."""
        super().on_mount()
        self.query_one(RecordList).focus()
        self._ask()

    def reload(self) -> None:
        """Not by itself: every look at the log is an event of the log."""

    def _ask(self) -> None:
        self.start(self._show, group="audit", exclusive=True)

    async def _show(self) -> None:
        days, label = SPANS[self._span]
        found = await self.desk.keep(events, days)
        self.query_one(RecordList).set_rows(found, top=True)
        whole = any(row.line.user != self.desk.subject.user.user for row in found)
        self.retitle(context=f"{len(found):,} events, {label}")
        self._covers = "Everybody's events" if whole else "Your own events"
        self._tell(self.query_one(RecordList).row)

    @on(RecordList.Highlighted)
    def _moved(self, event: RecordList.Highlighted) -> None:
        self._tell(event.row)

    def _tell(self, row: Event | None) -> None:
        """The event under the cursor, uncut; whose events these are."""
        said = ", ".join(part for part in (row.line.action, row.name, row.what) if part) if row else ""
        self.query_one("#covers", Bar).show([(said, "bar_key")], [(self._covers, "bar_dim")])

    @on(RecordList.Opened)
    def _open(self, event: RecordList.Opened) -> None:
        """The chart of the person the event is about, for who knows them."""
        if event.row.name:
            self.go("chart", event.row.line.person)
        else:
            self.app.notify("This event is about nobody whose chart you can open.")

    def action_further_back(self) -> None:
        """A longer time."""
        self._span = (self._span + 1) % len(SPANS)
        self._ask()
