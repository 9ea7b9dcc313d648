"""The chart's frame: header, tabs, one list. What stands behind a tab belongs to the slices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from textual import on
from textual.widget import Widget

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.measures import trends
from iop_tui.clinical.people import service as people
from iop_tui.clinical.people.screens import assign
from iop_tui.clinical.records import api as records
from iop_tui.shell.screens.chartparts import (
    NOT_IN_TIMELINE,
    NOT_YOURS,
    TABS,
    TEAM,
    Head,
    charts_here,
    head,
    head_lines,
    tab_line,
)
from iop_tui.shell.screens.todaydata import status_cell
from iop_tui.store.views.view import Changes
from iop_tui.ui.frame.bars import Lines
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.lists.sources import ThreadSource
from iop_tui.ui.page import Page
from iop_tui.ui.sparkline import sparkline
from iop_tui.workspace import Workspace

MEASURES = 2

COLUMNS: tuple[Column[records.RecordLine], ...] = (
    Column("date", "Date", lambda line: Cell(line.service_date or "no date", "dim"), 10),
    Column("what", "What", lambda line: Cell(line.label, "dim"), 19, priority=1),
    Column("title", "", lambda line: line.title, 28, weight=1),
    Column("author", "By", lambda line: Cell(line.author_name, "dim"), 16, priority=2),
)
TRENDS: tuple[Column[trends.Trend], ...] = (
    Column("date", "Last", lambda row: Cell(row.last_on, "dim"), 10),
    Column("name", "Measure", lambda row: row.instrument, 10, weight=1),
    Column("score", "Score", lambda row: f"{row.last:g}", 6, align="right"),
    Column("change", "Change", lambda row: f"{row.change:+g}" if row.change is not None else "", 6, align="right"),
    Column("trend", "Trend", lambda row: sparkline(row.values, 16, row.low, row.high), 16, align="right"),
    Column("count", "Taken", lambda row: Cell(f"{row.count} x", "dim"), 6, align="right", priority=1),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A colleague and their part in this person's care."""

    name: str
    role: str


COLLEAGUES: tuple[Column[Place], ...] = (
    Column("name", "Name", lambda row: row.name, 20, weight=1),
    Column("role", "Part", lambda row: row.role, 26, weight=1),
)


class Chart(Page):
    """One person: the header always, the records under tabs."""

    heading = "Chart"
    places = ("chart", "back", "find", "list")
    DEFAULT_CSS = """
    Chart #tabs { margin-top: 1; } Chart #head { margin-top: 1; }
    Chart .measures, Chart .team { display: none; } Chart .measures { height: 1fr; }
    Chart.-tab-2 .measures { display: block; max-height: 8; }
    Chart.-tab-7 .team { display: block; } Chart.-tab-7 .records { display: none; }
    """

    def __init__(self, person: bytes, data: Head) -> None:
        super().__init__()
        self.person = person
        self._head = data
        self._tab = 0
        self._late: frozenset[bytes] = frozenset()

    def _status(self, line: records.RecordLine) -> Cell:
        return status_cell(line, is_late=line.id in self._late)

    def content(self) -> Iterable[Widget]:
        """Header, tabs, the lists; only one or two are seen at a time."""
        yield Lines(id="head")
        yield Lines(id="tabs")
        yield RecordList(TRENDS, key=lambda row: row.instrument, classes="measures", id="trends", empty="")
        status = Column[records.RecordLine]("status", "", self._status, 12)
        yield RecordList((*COLUMNS, status), key=lambda line: line.id, classes="records", id="records")
        yield RecordList(
            COLLEAGUES, key=lambda row: (row.name, row.role), classes="team", id="team", empty=TABS[TEAM].empty
        )

    def on_mount(self) -> None:
        """The timeline."""
        super().on_mount()
        self._show_head()
        self._show_tab(0)

    def on_resize(self) -> None:
        """The header fits the width."""
        self._show_head()

    def _show_head(self) -> None:
        width = self.size.width or 80
        self.query_one("#head", Lines).show(head_lines(self._head, width))
        self.query_one("#tabs", Lines).show([tab_line(self._tab, width)])

    # -- tabs ------------------------------------------------------------------------------------

    def action_tab(self, number: int) -> None:
        """A tab by its number."""
        self._show_tab(number - 1)

    def action_step_tab(self, by: int) -> None:
        """The next tab, or the one before."""
        self._show_tab((self._tab + by) % len(TABS))

    def _show_tab(self, tab: int) -> None:
        self.remove_class(f"-tab-{self._tab}")
        self._tab = tab
        self.add_class(f"-tab-{tab}")
        self.query_one("#tabs", Lines).show([tab_line(tab, self.size.width or 80)])
        self._fill()
        self.query_one("#team" if tab == TEAM else "#records", RecordList).focus()

    def _fill(self, *, top: bool = True) -> None:
        if self._tab == TEAM:
            rows = [Place(name, role) for name, role in self._head.header.team]
            self.query_one("#team", RecordList).set_rows(rows)
            self.retitle(context=f"{len(rows)} in the team")
            return
        listing = self.query_one("#records", RecordList)
        listing.empty = TABS[self._tab].empty if charts_here(self._head) else NOT_YOURS
        listing.set_source(self._source(TABS[self._tab].kinds), top=top)
        if self._tab == MEASURES:
            self.start(self._show_trends, group="trends", exclusive=True)

    def _source(self, kinds: Sequence[str]) -> ThreadSource[records.RecordLine]:
        ws: Workspace = self.desk.subject
        wanted = tuple(kinds)
        count = partial(records.timeline_count, ws, self.person, kinds=wanted, without=NOT_IN_TIMELINE)

        def rows(offset: int, limit: int) -> list[records.RecordLine]:
            found = records.timeline(
                ws, self.person, kinds=wanted, without=NOT_IN_TIMELINE, limit=limit, offset=offset
            )
            self._late |= charting.late_marks(ws, found)
            return found

        return ThreadSource(count, rows, self.desk.readers)

    async def _show_trends(self) -> None:
        found = await self.desk.read(trends.trends, self.person)
        listing = self.query_one("#trends", RecordList)
        listing.styles.height = len(found) + 2 if found else 0
        listing.set_rows(found)

    # -- news ------------------------------------------------------------------------------------

    def concerns(self, result: Any) -> bool:
        """Only what changed this person, or access."""
        changes = getattr(result, "changes", result)
        return not isinstance(changes, Changes) or changes.access or self.person in changes.persons

    def reload(self) -> None:
        """Header and list again."""
        self.start(self._reload, group="head", exclusive=True)

    async def _reload(self) -> None:
        self._head = await self.desk.read(head, self.person)
        self._show_head()
        self._fill(top=False)

    # -- acts ------------------------------------------------------------------------------------

    @on(RecordList.Loaded, "#records")
    def _count(self, event: RecordList.Loaded) -> None:
        count = event.record_list.count
        if self._tab == TEAM:
            return
        self.retitle(context=f"{count:,} {'record' if count == 1 else 'records'}")

    @on(RecordList.Opened, "#records")
    def _open(self, event: RecordList.Opened) -> None:
        self.go("record", event.row.id)

    def action_write_note(self) -> None:
        """A note about this person."""
        self.go("note", self.person)

    def action_write_private(self) -> None:
        """A note for its author alone."""
        self.go("private", self.person)

    def action_new_document(self) -> None:
        """Any kind of document about this person."""
        self.go("document", self.person)

    def action_plan_session(self) -> None:
        """A time with this person."""
        self.go("newsession", self.person)

    def action_check(self) -> None:
        """What an auditor would find in this chart."""
        self.go("check", self.person)

    def action_measures(self) -> None:
        """Scores over time."""
        self.go("measures", self.person)

    @on(RecordList.Opened, "#trends")
    def _open_trend(self, event: RecordList.Opened) -> None:
        self.go("measures", self.person, how=event.row.instrument)

    def action_relapse_plan(self) -> None:
        """The relapse-prevention plan."""
        self.go("relapse", self.person)

    def action_drill(self) -> None:
        """The relapse plan walked with the client."""
        self.go("drill", self.person)

    def action_recovery(self) -> None:
        """Lapses and the time between them."""
        self.go("recovery", self.person)

    def action_open_plan(self) -> None:
        """The treatment plan."""
        self.go("plan", self.person)

    def action_edit_person(self) -> None:
        """The directory entry."""
        self.go("entry", self.person)

    def action_open_couple(self) -> None:
        """Both partners and what they share."""
        self.go("couple", self.person)

    def action_consents(self) -> None:
        """What the client authorized."""
        self.go("consents", self.person)

    def action_care_team(self) -> None:
        """Who is on it, by live keys."""
        self.go("careteam", self.person)

    def action_restrictions(self) -> None:
        """Whom the person asked us not to tell."""
        self.go("restrictions", self.person)

    def action_attachments(self) -> None:
        """The files of this chart."""
        self.go("attachments", self.person)

    def action_guides(self) -> None:
        """A guided sequence about this person."""
        self.go("guides", self.person)

    def action_bring_in(self) -> None:
        """A file about this person."""
        self.go("moving", self.person)

    def action_what_leaves(self) -> None:
        """A packet or an export of this person's record."""
        self.go("leaving", self.person)

    def action_assign(self) -> None:
        """A clinician for this person."""
        self.start(assign, self, self.person, self._head.header.name)

    def action_step_person(self, by: int) -> None:
        """The next person of the caseload."""
        self.start(self._step, by)

    async def _step(self, by: int) -> None:
        other = await self.desk.read(people.neighbour, self.person, by)
        if other is None:
            self.app.notify("There is nobody further in the caseload.")
        else:
            self.go("chart", other, how="instead")
