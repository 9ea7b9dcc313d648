"""Today: what is due, with reason and the key that clears it; unsaved text first; what was written last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from textual import on
from textual.containers import Vertical
from textual.widget import Widget

from iop_tui.access.policy import Kind
from iop_tui.clinical.compliance import service as compliance
from iop_tui.clinical.notes.starting import UnsavedLine, unsaved
from iop_tui.clinical.people import service as people
from iop_tui.clinical.records import api as records
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.ids import show_id
from iop_tui.ui.bars import Bar, Lines, Toned
from iop_tui.ui.columns import Cell, Column
from iop_tui.ui.page import Page
from iop_tui.ui.recordlist import RecordList
from iop_tui.workspace import Workspace

RECENT = 30
NOTHING_DUE = "Nothing is due. Press c for your caseload, / to search."
NOBODY = "No people yet. Press c for the caseload, then + to register the first person."
BEING_READ = "What colleagues wrote is being read in; it appears here by itself."
_RULES = {
    "sign-within-3-business-days": "sign within 3 business days",
    "clinician-at-admission": "a clinician at admission",
    "recovery-kit": "a recovery kit that was tested",
    "keys-owed": "access by role",
    "conflict": "one version is the record",
}
_KEYS = {
    "sign": "Enter opens it, F8 signs",
    "assign": "Enter opens the chart, a assigns",
    "unsaved": "Enter goes on writing",
    "kit": "in a shell: iop-tui init --confirm",
    "complete": "g p, then o",
    "open": "Enter opens it",
}


@dataclass(frozen=True, slots=True)
class Task:
    """One line of Today."""

    key: str
    due: date
    what: str
    name: str
    why: str
    action: str
    person: bytes = b""
    record: bytes = b""
    slot: bytes = b""


@dataclass(frozen=True, slots=True)
class TodayData:
    """Everything the screen shows, asked for in one go."""

    today: date
    tasks: list[Task]
    recent: list[tuple[records.RecordLine, str]]
    people: int
    behind: bool = False


def gather(ws: Workspace) -> TodayData:
    """What Today shows. No record is opened for it."""
    today = local_date(ws.clock.now_ms())
    tasks = [_waiting(line, today) for line in unsaved(ws)] + [_due(line) for line in compliance.due(ws)]
    written = records.lines(ws, ("progress_note", "addendum"), author=ws.user.user, limit=RECENT)
    recent = [line for line in written if line.compartment_kind != Kind.SHARE]
    names = dict(
        ws.view.rows(
            "SELECT id, name FROM person WHERE id IN (SELECT person FROM record WHERE author = ?)", (ws.user.user,)
        )
    )
    return TodayData(
        today,
        tasks,
        [(line, names.get(line.person, "")) for line in recent],
        people.caseload_count(ws),
        bool(ws.behind()),
    )


def _waiting(line: UnsavedLine, today: date) -> Task:
    at = datetime.fromtimestamp(line.at_ms / 1000)
    word = "addendum" if line.kind == "addendum" else "note"
    return Task(
        line.slot.hex(),
        today,
        f"Unsaved {word}, {line.words} words",
        line.name,
        f"typed {at:%Y-%m-%d %H:%M}, not saved",
        "unsaved",
        line.person,
        line.record,
        line.slot,
    )


def _due(line: compliance.DueLine) -> Task:
    why = f"{_RULES.get(line.rule, line.rule.replace('-', ' '))}; {line.source}"
    key = f"{line.what}|{show_id(line.person) if line.person else ''}|{line.record.hex()}"
    return Task(key, line.due, line.what, line.name, why, line.action, line.person, line.record)


def _when(task: Task, today: date) -> Cell:
    days = (task.due - today).days
    if task.action == "unsaved":
        return Cell("! now", "warn")
    if days < 0:
        return Cell(f"! {-days} d late", "danger")
    if days == 0:
        return Cell("today", "warn")
    return Cell(task.due.isoformat(), "text")


class Today(Page):
    """The first screen."""

    heading = "Today"
    places = ("today", "find", "list")
    DEFAULT_CSS = """
    Today .body { height: 1fr; layout: vertical; }
    Today .tasks { height: 2fr; } Today .recent { height: 1fr; }
    Today .label { margin-top: 1; }
    Today.-wide .body { layout: horizontal; }
    Today.-wide .tasks { width: 3fr; height: 1fr; } Today.-wide .recent { width: 2fr; height: 1fr; padding-left: 2; }
    Today #hint { margin-top: 1; }
    """

    def __init__(self, first: TodayData | None = None) -> None:
        super().__init__()
        self._data = first
        self._today = first.today if first else date.min

    def content(self) -> Iterable[Widget]:
        """Two lists and what the first one's line means."""
        yield Vertical(
            Vertical(Lines([[("Due", "accent")]], id="due-label", classes="label"), self._tasks(), classes="tasks"),
            Vertical(Lines([[("Written last", "accent")]], classes="label"), self._recent(), classes="recent"),
            classes="body",
        )
        yield Bar(id="hint")

    def _tasks(self) -> RecordList[Task]:
        columns: tuple[Column[Task], ...] = (
            Column("due", "When", lambda task: _when(task, self._today), 10),
            Column("what", "What", lambda task: task.what, 22, weight=2),
            Column("name", "Who", lambda task: task.name, 16, weight=1),
        )
        return RecordList(
            columns,
            key=lambda task: task.key,
            id="tasks",
            header=False,
            empty=NOTHING_DUE,
        )

    def _recent(self) -> RecordList[tuple[records.RecordLine, str]]:
        columns: tuple[Column[tuple[records.RecordLine, str]], ...] = (
            Column("date", "Date", lambda row: Cell(row[0].service_date, "dim"), 10),
            Column("name", "Who", lambda row: row[1], 14, weight=1),
            Column("what", "What", lambda row: Cell(row[0].label, "dim"), 13, priority=1),
            Column("status", "", lambda row: status_cell(row[0]), 6),
        )
        return RecordList(
            columns,
            key=lambda row: row[0].id,
            id="recent",
            header=False,
            empty="Nothing written yet. Press c, choose a person, then n for a note.",
        )

    def on_mount(self) -> None:
        """Show what was gathered behind the prompt, or ask now."""
        super().on_mount()
        self.query_one("#tasks", RecordList).focus()
        if self._data is not None:
            self._show(self._data)
        else:
            self.reload()

    def reload(self) -> None:
        """Ask again."""
        self.start(self._ask, group="today", exclusive=True)

    async def _ask(self) -> None:
        self._show(await self.desk.read(gather))

    def _show(self, data: TodayData) -> None:
        self._today = data.today
        ws: Workspace = self.desk.subject
        self.retitle(context=f"{data.today:%A} {data.today.isoformat()}, {ws.user.name}")
        count = len(data.tasks)
        label: list[Toned] = [("Due", "accent"), (f"  {count}" if count else "", "dim")]
        self.query_one("#due-label", Lines).show([label])
        tasks = self.query_one("#tasks", RecordList)
        tasks.empty = BEING_READ if data.behind else NOTHING_DUE if data.people else NOBODY
        tasks.set_rows(data.tasks)
        self.query_one("#recent", RecordList).set_rows(data.recent)

    @on(RecordList.Highlighted, "#tasks")
    def _explain(self, event: RecordList.Highlighted) -> None:
        task: Task = event.row
        keys = (_KEYS.get(task.action, ""), "bar_key")
        self.query_one("#hint", Bar).show([keys, ("   ", "bar_dim"), (task.why, "bar_dim")])

    @on(RecordList.Highlighted, "#recent")
    def _written(self, event: RecordList.Highlighted) -> None:
        if self.query_one("#recent").has_focus:
            self.query_one("#hint", Bar).show([(event.row[0].title, "bar_dim")])

    @on(RecordList.Opened, "#tasks")
    def _open_task(self, event: RecordList.Opened) -> None:
        task: Task = event.row
        if task.action == "unsaved":
            self.go("unsaved", task.slot)
        elif task.action == "complete":
            self.go("people")
        elif task.record:
            self.go("record", task.record)
        elif task.person:
            self.go("chart", task.person)
        else:
            self.app.notify(f"{task.what}: {_KEYS.get(task.action, '')}.")

    @on(RecordList.Opened, "#recent")
    def _open_recent(self, event: RecordList.Opened) -> None:
        self.go("record", event.row[0].id)

    def action_write_note(self) -> None:
        """A note about the person of this line."""
        focused = self.focused
        row = focused.row if isinstance(focused, RecordList) else None
        person = row.person if isinstance(row, Task) else row[0].person if row else b""
        if person:
            self.go("note", person)
        else:
            self.app.notify("Choose a line with a person first, or press c for the caseload.")


def status_cell(line: records.RecordLine) -> Cell:
    """The state of a record, as lists show it."""
    if line.conflict:
        return Cell("! two", "danger")
    if line.compartment_kind == Kind.SHARE:
        return Cell("shared", "dim")
    return (
        Cell("draft", "warn") if line.status == "draft" else Cell("" if line.status == "kept" else line.status, "dim")
    )
