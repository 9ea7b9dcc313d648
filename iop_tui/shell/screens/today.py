"""Today: the schedule of the day, what is due with reason and the key that clears it, what was written last."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import date, time
from typing import Any

from textual import on
from textual.containers import Vertical
from textual.events import DescendantFocus
from textual.widget import Widget

from iop_tui.access import roles
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.people import service as people
from iop_tui.clinical.records import api as records
from iop_tui.clinical.sessions import service as sessions
from iop_tui.shell.charting.ways import session_wish
from iop_tui.shell.screens.todaydata import KEYS, Task, TodayData, gather, gather_all, state, status_cell, when
from iop_tui.store.views.view import Changes
from iop_tui.ui.frame.bars import Bar, Lines, Toned
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page
from iop_tui.workspace import Workspace

__all__ = ["Today", "TodayData", "gather", "status_cell"]
NOTHING_DUE = "Nothing is due. Press c for your caseload, / to search."
NOBODY = "No people yet. Press c for the caseload, then + to register the first person."
NOT_YOURS = "No person's record is open to you. Press g to see where you can go."
NOTHING_WRITTEN = "Nothing written yet."
BEING_READ = "What colleagues wrote is being read in; it appears here by itself."
LOOKING = "  looking through the charts"
SESSIONS_SHOWN = 7
LISTS = ("sessions", "tasks", "recent")
"""The lists by id, from top to bottom."""


class Today(Page):
    """The first screen."""

    heading = "Today"
    places = ("today", "find", "list")
    DEFAULT_CSS = """
    Today .body { height: 1fr; layout: vertical; }
    Today .left { height: 3fr; } Today .recent { height: 1fr; }
    Today .tasks { height: 1fr; } Today .schedule { height: auto; } Today .schedule.-none { display: none; }
    Today .label { margin-top: 1; }
    Today.-wide .body { layout: horizontal; }
    Today.-wide .left { width: 3fr; height: 1fr; } Today.-wide .recent { width: 2fr; height: 1fr; padding-left: 2; }
    Today #hint { margin-top: 1; } Today #backup.-none { display: none; }
    """

    def __init__(self, first: TodayData | None = None) -> None:
        super().__init__()
        self._data = first
        self._today, self._at = (first.today, first.at) if first else (date.min, time.min)
        self._late: frozenset[bytes] = first.late if first else frozenset()
        self._ledger = charting.Ledger()
        self._stop = threading.Event()

    # -- building --------------------------------------------------------------------------------

    def content(self) -> Iterable[Widget]:
        """What is wrong with the backups, three lists, and what the line under the cursor means."""
        yield Bar(id="backup", classes="-none")
        yield Vertical(
            Vertical(
                Vertical(Lines([[("Sessions", "accent")]], classes="label"), self._schedule(),
                         classes="schedule -none"),
                Vertical(Lines([[("Due", "accent")]], id="due-label", classes="label"), self._tasks(), classes="tasks"),
                classes="left",
            ),
            Vertical(Lines([[("Written last", "accent")]], classes="label"), self._recent(), classes="recent"),
            classes="body",
        )  # fmt: skip
        yield Bar(id="hint")

    def _schedule(self) -> RecordList[sessions.SessionLine]:
        columns: tuple[Column[sessions.SessionLine], ...] = (
            Column("time", "Time", lambda row: _times(row), 14),
            Column("name", "Who", lambda row: row.name, 16, weight=2),
            Column("what", "What", lambda row: Cell(_what(row), "dim"), 18, weight=1, priority=1),
            Column("state", "", lambda row: state(row, self._at), 13),
        )  # fmt: skip
        return RecordList(columns, key=lambda row: row.record, id="sessions", header=False, empty="")

    def _tasks(self) -> RecordList[Task]:
        columns: tuple[Column[Task], ...] = (
            Column("due", "When", lambda task: when(task, self._today), 11),
            Column("what", "What", lambda task: task.what, 28, weight=3),
            Column("name", "Who", lambda task: task.name, 16, weight=2),
        )
        return RecordList(
            columns,
            key=lambda task: task.key,
            id="tasks",
            header=False,
            empty=NOTHING_DUE,
            selectable=True,
        )

    def _recent(self) -> RecordList[tuple[records.RecordLine, str]]:
        columns: tuple[Column[tuple[records.RecordLine, str]], ...] = (
            Column("date", "Date", lambda row: Cell(row[0].service_date, "dim"), 10),
            Column("name", "Who", lambda row: row[1], 14, weight=1),
            Column("what", "What", lambda row: Cell(row[0].label, "dim"), 13, weight=1, priority=1),
            Column("status", "", lambda row: status_cell(row[0], is_late=row[0].id in self._late), 12),
        )
        return RecordList(
            columns,
            key=lambda row: row[0].id,
            id="recent",
            header=False,
            empty=NOTHING_WRITTEN,
        )

    def on_mount(self) -> None:
        """Show what was gathered behind the prompt, then look into the charts."""
        super().on_mount()
        self.query_one("#tasks", RecordList).focus()
        if self._data is not None:
            self._show(self._data, LOOKING)
        self.call_after_refresh(self.reload)

    # -- news ------------------------------------------------------------------------------------

    def _news(self, result: Any) -> None:
        changes = getattr(result, "changes", result)
        if isinstance(changes, Changes) and not changes.access:
            self._ledger.forget(changes.persons)
        elif changes is not None:
            self._ledger.forget()
        super()._news(result)

    def reload(self) -> None:
        """Ask again."""
        self.start(self._ask, group="today", exclusive=True)

    async def _ask(self) -> None:
        if self._data is None:
            self._show(await self.desk.read(gather, self._ledger), LOOKING)
        self._stop.set()
        self._stop = threading.Event()
        self._show(await self.desk.read(gather_all, self._ledger, self._stop.is_set))

    def on_unmount(self) -> None:
        """The program ends: no chart is looked into any more."""
        self._stop.set()

    def _show(self, data: TodayData, note: str = "") -> None:
        self._data, self._today, self._at, self._late = data, data.today, data.at, data.late
        ws: Workspace = self.desk.subject
        self.retitle(context=f"{data.today:%A} {data.today.isoformat()}, {ws.user.name}")
        count = len(data.tasks)
        label: list[Toned] = [("Due", "accent"), (f"  {count}" if count else "", "dim"), (note, "dim")]
        self.query_one("#due-label", Lines).show([label])
        tasks = self.query_one("#tasks", RecordList)
        nobody = NOBODY if people.may_register(ws) else NOT_YOURS
        tasks.empty = BEING_READ if data.behind else NOTHING_DUE if data.people else nobody
        tasks.set_rows(data.tasks, top=tasks.cursor == 0)
        recent = self.query_one("#recent", RecordList)
        writes = bool(roles.CLINICIANS & set(ws.user.roles))
        recent.empty = f"{NOTHING_WRITTEN} Press c, choose a person, then n for a note." if writes else NOTHING_WRITTEN
        recent.set_rows(data.recent)
        self._show_schedule(data.schedule)
        self._warn(*data.backup)

    def _warn(self, text: str, serious: bool) -> None:
        """One line while the newest verified backup is old."""
        bar = self.query_one("#backup", Bar)
        bar.set_class(not text, "-none")
        bar.show([(text, "bar_danger" if serious else "bar_accent")])

    def _show_schedule(self, schedule: Sequence[sessions.SessionLine]) -> None:
        self.query_one(".schedule").set_class(not schedule, "-none")
        listing = self.query_one("#sessions", RecordList)
        listing.styles.height = min(len(schedule), SESSIONS_SHOWN)
        listing.set_rows(list(schedule))

    # -- from list to list -----------------------------------------------------------------------

    def _lists(self) -> list[RecordList[Any]]:
        """The lists from top to bottom that have rows."""
        found: list[RecordList[Any]] = [self.query_one(f"#{name}", RecordList) for name in LISTS]
        return [listing for listing in found if listing.count]

    @on(RecordList.Beyond)
    def _go_beyond(self, event: RecordList.Beyond) -> None:
        """Up past the first row is the list above, Down past the last row the one below."""
        lists = self._lists()
        at = lists.index(event.record_list) + event.by if event.record_list in lists else -1
        if 0 <= at < len(lists):
            lists[at].move_to(0 if event.by > 0 else lists[at].count - 1)
            lists[at].focus()

    def action_step_list(self, by: int) -> None:
        """To the next or previous list, around the ends."""
        lists = self._lists()
        here = next((place for place, listing in enumerate(lists) if listing.has_focus), -1 if by > 0 else 0)
        if lists:
            lists[(here + by) % len(lists)].focus()

    # -- what a line means -----------------------------------------------------------------------

    @on(RecordList.Highlighted)
    def _moved(self, event: RecordList.Highlighted) -> None:
        if event.record_list.has_focus:
            self._explain(event.row)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """The line under the cursor of the list that is entered."""
        if isinstance(event.widget, RecordList):
            self._explain(event.widget.row)

    def _explain(self, row: object) -> None:
        hint = self.query_one("#hint", Bar)
        if isinstance(row, Task):
            hint.show([(KEYS.get(row.action, ""), "bar_key"), ("   ", "bar_dim"), (row.why, "bar_dim")])
        elif isinstance(row, sessions.SessionLine):
            what = "Enter opens the note" if row.note else "Enter or n writes the note"
            what = "Enter opens the couple" if row.couple and not row.note else what
            hint.show([(f"{what}, e {'says what became of it' if row.by_desk else 'changes the session'}", "bar_key")])
        elif isinstance(row, tuple):
            hint.show([(row[0].title, "bar_dim")])
        else:
            hint.show([])

    # -- opening ---------------------------------------------------------------------------------

    @on(RecordList.Opened, "#tasks")
    def _open_task(self, event: RecordList.Opened) -> None:
        self._clear(event.row)

    def _clear(self, task: Task) -> None:
        """Open what clears a line."""
        person, record, action = task.person, task.record, task.action
        if action == "unsaved":
            self.go("unsaved", task.slot)
        elif action in ("complete", "licence", "kit"):
            self.go("people")
        elif action == "write":
            self.go("note", person, how=session_wish(record))
        elif action in _PLACES:
            self.go(_PLACES[action], person)
        elif action in _KINDS:
            self.go("document", person, how=_KINDS[action])
        elif action in ("turnover", "succession", "reviews"):
            self.go(action)
        elif action in ("cosign", "amend", "clientsign", "glassreview", "merge", "transfergo"):
            self.go(action, record)
        elif action == "twice":
            self.go("twicepair", person, record)
        elif record:
            self.go("record", record)
        elif person:
            self.go("chart", person)
        else:
            self.app.notify(f"{task.what}: {KEYS.get(action, task.why)}.")

    @on(RecordList.Opened, "#recent")
    def _open_recent(self, event: RecordList.Opened) -> None:
        self.go("record", event.row[0].id)

    @on(RecordList.Opened, "#sessions")
    def _open_session(self, event: RecordList.Opened) -> None:
        self._note_of(event.row)

    def _note_of(self, line: sessions.SessionLine) -> None:
        if line.note:
            self.go("record", line.note)
        elif line.couple:
            self.go("couple", line.person)
        else:
            self.go("note", line.person, how=session_wish(line.record))

    # -- acts ------------------------------------------------------------------------------------

    def action_write_note(self) -> None:
        """A note about the person of this line; of a session with its times."""
        focused = self.focused
        row = focused.row if isinstance(focused, RecordList) else None
        if isinstance(row, sessions.SessionLine):
            self._note_of(row)
        elif isinstance(row, Task) and row.action == "write":
            self._clear(row)
        elif person := (row.person if isinstance(row, Task) else row[0].person if row else b""):
            self.go("note", person)
        else:
            self.app.notify("Choose a line with a person first, or press c for the caseload.")

    def action_change_session(self) -> None:
        """What became of the session under the cursor."""
        row = self.query_one("#sessions", RecordList).row
        task = self.query_one("#tasks", RecordList).row
        if isinstance(task, Task) and task.action == "write" and self.query_one("#tasks").has_focus:
            self.go("session", task.record)
        elif row is not None:
            self.go("session", row.record)
        else:
            self.app.notify("There is no session here. S in a chart plans one.")

    def action_sign_marked(self) -> None:
        """Sign the marked documents in one act, or the one under the cursor."""
        listing = self.query_one("#tasks", RecordList)
        rows: list[Task] = self._data.tasks if self._data else []
        chosen = [task for task in rows if task.key in listing.selected and task.action == "sign"]
        if not chosen and isinstance(listing.row, Task) and listing.row.action == "sign":
            chosen = [listing.row]
        if chosen:
            self.start(self._sign, chosen, group="save")
        else:
            self.app.notify("Mark what is to be signed with Space, then press F8.")

    async def _sign(self, chosen: Sequence[Task]) -> None:
        from iop_tui.shell.charting.signing import review_and_sign

        names = [(task.record, f"{task.what.removeprefix('Sign the ')}, {task.name}") for task in chosen]
        if await review_and_sign(self, names):
            self.query_one("#tasks", RecordList).selected = set()

    def action_check_all(self) -> None:
        """What an auditor would find in all of one's charts."""
        self.go("check")

    def action_reminders(self) -> None:
        """The dates as a calendar file."""
        from iop_tui.shell.charting.reminding import write_reminders

        self.start(write_reminders, self, group="save")


_PLACES = {
    "plan": "plan", "review": "planreview", "certify": "plan", "measure": "measures", "safety-plan": "safetyplan",
    "drill": "drill", "check-in": "checkin", "couple": "couple", "restrictions": "restrictions",
}  # fmt: skip
_KINDS = {
    "relapse-review": "relapse_review", "risk": "risk_assessment", "continuing care": "continuing_care_plan",
    "discharge": "discharge_summary",
}  # fmt: skip


def _what(line: sessions.SessionLine) -> str:
    """What the clinician planned; of a time that was planned for them, what the schedule knows."""
    kind = "joint work" if line.couple else "planned" if line.by_desk else line.session.kind
    return f"{kind}, {line.session.modality}"


def _times(line: sessions.SessionLine) -> str:
    start, stop = line.session.start, line.session.stop
    return f"{start:%H:%M} to {stop:%H:%M}" if start and stop else "no time"
