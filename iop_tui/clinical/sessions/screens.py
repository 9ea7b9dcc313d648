"""The schedule of the front desk and of the clinicians, and planning or moving a time on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import msgspec
from textual import on
from textual.widget import Widget

from iop_tui.clinical.sessions import calendar, desk, service
from iop_tui.clinical.sessions.calendar import Entry
from iop_tui.clinical.sessions.desk import AppointmentLine
from iop_tui.clinical.sessions.model import (
    APPOINTMENT,
    CANCELLED,
    NO_SHOW,
    SCHEDULED,
    SESSION_MODALITIES,
    Appointment,
)
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import Severity
from iop_tui.kernel.ids import show_id
from iop_tui.ui.dialogs import Confirm, PickOne
from iop_tui.ui.forms.editpage import JournalForm
from iop_tui.ui.frame.bars import Bar
from iop_tui.ui.frame.palette import Entry as PaletteEntry
from iop_tui.ui.frame.palette import Palette
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.listpage import ListPage
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.workspace import Workspace, unsaved

EMPTY = "Nothing is planned. Press + to plan a time; a chart's S does it for that person."
NO_LINES = "No line waits for you. `iop-tui import calendar.ics` takes in your calendar from another program."
NOBODY_OF_THE_NAME = "Nobody of that name is in your care. Press Esc to go back."
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Row:
    """A time, and the record of one's own session that it belongs to (empty for everybody else's)."""

    line: AppointmentLine
    session: bytes = b""
    with_day: bool = False


def rows(ws: Workspace, first: date, days: int, clinician: bytes) -> list[Row]:
    """The times of some days, of one clinician or of everybody this user knows of."""
    mine = service.own_blocks(ws)
    found = desk.appointments(ws, first, first + timedelta(days=days - 1), clinician=clinician)
    return [Row(line, mine.get(line.record, b""), days > 1) for line in found]


def _times(row: Row) -> str:
    found = row.line.appointment
    times = f"{found.start:%H:%M} to {found.stop:%H:%M}" if found.start and found.stop else "no time"
    return f"{found.date:%a %d} {times}" if row.with_day and found.date else times


def _state(row: Row) -> Cell:
    if row.line.conflict:
        return Cell("! two", "danger")
    return Cell("" if row.line.takes_place else row.line.appointment.status, "warn")


def _where(row: Row) -> Cell:
    found = row.line.appointment
    return Cell(f"{found.place}, {found.room}" if found.room else found.place, "dim")


COLUMNS: tuple[Column[Row], ...] = (
    Column("time", "Time", _times, 14),
    Column("name", "Who", lambda row: row.line.name, 16, weight=3),
    Column("with", "With", lambda row: row.line.appointment.clinician_name, 13, weight=2),
    Column("where", "Where", _where, 10, weight=2, priority=1),
    Column("state", "", _state, 9),
)
OF_A_WEEK = (Column[Row]("time", "Time", _times, 21), *COLUMNS[1:])


class Schedule(ListPage):
    """A day or a week of times: of everybody for the front desk, one's own for clinicians."""

    heading = "Schedule"
    places = ("schedule", "back", "find", "list")
    DEFAULT_CSS = "Schedule RecordList { margin-top: 1; }"

    def __init__(self, ws: Workspace) -> None:
        super().__init__()
        self._first = signing.today(ws)
        self._days = 1
        self._whose = b"" if desk.PLANNERS & set(ws.user.roles) else ws.user.user
        self._names: dict[bytes, str] = {ws.user.user: ws.user.name}

    def content(self) -> Iterable[Widget]:
        """The list and what it covers."""
        yield RecordList(COLUMNS, key=lambda row: row.line.record, empty=EMPTY)
        yield Bar(id="covers")

    async def fill(self) -> None:
        """The times, again."""
        found = await self.desk.read(rows, self._first, self._days, self._whose)
        listing: RecordList[Row] = self.query_one(RecordList)
        listing.set_columns(COLUMNS if self._days == 1 else OF_A_WEEK)
        listing.set_rows(found)
        last = self._first + timedelta(days=self._days - 1)
        span = f"{self._first:%A} {self._first}" if self._days == 1 else f"{self._first} to {last}"
        self.retitle(context=f"{span}, {self._names.get(self._whose, '') if self._whose else 'everybody'}")
        count = f"{len(found)} {'time' if len(found) == 1 else 'times'}"
        hint = "   [ and ] go to other days, w to the week"
        self.query_one("#covers", Bar).show([(count, "bar_key"), (hint, "bar_dim")])

    # -- which days, whose -----------------------------------------------------------------------

    def action_step_days(self, by: int) -> None:
        """The days before or after."""
        self._first += timedelta(days=by * self._days)
        self.reload()

    def action_week(self) -> None:
        """A week from its Monday, or the day again."""
        today = signing.today(self.desk.subject)
        if self._days == 1:
            self._first -= timedelta(days=self._first.weekday())
            self._days = _WEEK
        else:
            inside = self._first <= today < self._first + timedelta(days=_WEEK)
            self._first, self._days = (today if inside else self._first), 1
        self.reload()

    def action_now(self) -> None:
        """Today, or the week it lies in."""
        today = signing.today(self.desk.subject)
        self._first = today if self._days == 1 else today - timedelta(days=today.weekday())
        self.reload()

    def action_whose(self) -> None:
        """One clinician's times, or everybody's."""
        self.start(self._choose_whose, group="ask")

    async def _choose_whose(self) -> None:
        found = await self.desk.read(desk.everybody_planned_with)
        self._names |= found
        options = [("", "Everybody"), *((user.hex(), name) for user, name in found.items())]
        chosen = await self.app.push_screen_wait(PickOne("Whose times?", options, self._whose.hex()))
        if chosen is not None:
            self._whose = bytes.fromhex(chosen)
            self.reload()

    # -- acts ------------------------------------------------------------------------------------

    def action_calendar(self) -> None:
        """Lines of an imported calendar that wait for this user."""
        self.go("calendarlines")

    @property
    def _row(self) -> Row | None:
        row: Row | None = self.query_one(RecordList).row
        return row

    @on(RecordList.Opened)
    def _open(self, event: RecordList.Opened) -> None:
        self.go("chart", event.row.line.person)

    def action_plan(self) -> None:
        """A new time."""
        self.go("newtime", how=self._first.isoformat() if self._days == 1 else "")

    def action_move(self) -> None:
        """Another time or place; where two devices changed it, which of their versions stays."""
        row = self._row
        if row is not None and not self._torn(row):
            self.go("draft", row.session) if row.session else self.go("time", row.line.record)

    def _torn(self, row: Row) -> bool:
        """Whether somebody has to decide between versions first; then that is what opens."""
        if row.line.conflict:
            self.go("merge", row.line.record)
        return row.line.conflict

    def action_call_off(self) -> None:
        """Cancel the time; it stays on the schedule as cancelled."""
        self._became(CANCELLED, "Cancel this time?", "It stays here as cancelled. Nobody is told by the program.")

    def action_missed(self) -> None:
        """The person did not come."""
        self._became(NO_SHOW, "Mark it as a no-show?", "The person did not come and did not call.")

    def action_on_again(self) -> None:
        """It takes place after all."""
        self._became(SCHEDULED, "Put it back on?", "It counts as planned again.")

    def _became(self, status: str, question: str, consequence: str) -> None:
        row = self._row
        if row is None or self._torn(row):
            return
        if row.session:
            self.go("draft", row.session)  # one's own session says why, in its own record
        else:
            self.start(self._set, row, status, (question, consequence), group="save")

    async def _set(self, row: Row, status: str, words: tuple[str, str]) -> None:
        if await self.app.push_screen_wait(Confirm(*words)):
            await self.desk.write(desk.set_outcome, row.line.record, status)


# -- lines of an imported calendar ----------------------------------------------------------


def _repeats(entry: Entry) -> Cell:
    line = entry.line
    if line.cancelled or line.all_day or not line.times:
        return Cell("cancelled" if line.cancelled else "no time", "warn")
    return Cell(f"{len(line.times)} {'time' if len(line.times) == 1 else 'times'}", "dim")


def _first_time(entry: Entry) -> str:
    line = entry.line
    day = line.day.isoformat() if line.day else ""
    return f"{calendar.local(line.times[0].start):%Y-%m-%d %H:%M}" if line.times else day


LINES: tuple[Column[Entry], ...] = (
    Column("first", "First", _first_time, 16),
    Column("times", "Times", _repeats, 10),
    Column("text", "Line", lambda entry: entry.line.text, 24, weight=2),
    Column("place", "Where", lambda entry: Cell(entry.line.place, "dim"), 10, weight=1, priority=1),
)


class CalendarLines(ListPage):
    """What an imported calendar says, word for word; whose sessions its lines are is decided here."""

    heading = "Calendar lines"
    places = ("calendarlines", "back", "list")
    DEFAULT_CSS = "CalendarLines RecordList { margin-top: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._found: list[Entry] = []

    def content(self) -> Iterable[Widget]:
        """The lines, and what the one under the cursor says besides."""
        yield RecordList(LINES, key=lambda entry: entry.record, empty=NO_LINES, selectable=True)
        yield Bar(id="details")

    async def fill(self) -> None:
        """The lines, again."""
        self._found = await self.desk.read(calendar.entries)
        self.query_one(RecordList).set_rows(self._found)
        self.retitle(context=f"{len(self._found)} to decide")

    @on(RecordList.Highlighted)
    def _moved(self, event: RecordList.Highlighted) -> None:
        line = event.row.line if event.row else None
        said = " · ".join(" ".join(text.split()) for text in (line.details, line.repeats) if text) if line else ""
        self.query_one("#details", Bar).show([(said, "bar_dim")])

    @on(RecordList.Opened)
    def _open(self, event: RecordList.Opened) -> None:
        del event
        self.action_match()

    def _chosen(self) -> list[bytes]:
        listing = self.query_one(RecordList)
        marked = [entry.record for entry in self._found if entry.record in listing.selected]
        return marked or ([listing.row.record] if listing.row else [])

    def action_match(self) -> None:
        """Plan the marked lines, or the one under the cursor, with one person."""
        if records := self._chosen():
            self.start(self._match, records, group="save")

    async def _match(self, records: list[bytes]) -> None:
        people = await self.desk.read(desk.in_my_care)
        entries = [PaletteEntry(name, born, action_id=person.hex()) for person, name, born in people]
        chosen = await self.app.push_screen_wait(
            Palette(entries, placeholder="Whose sessions? Type a few letters", empty=NOBODY_OF_THE_NAME)
        )
        if chosen is None:
            return
        modality = await self.app.push_screen_wait(
            PickOne(f"With {chosen.name}: where?", [(name, name.capitalize()) for name in SESSION_MODALITIES])
        )
        if modality is not None:
            person = bytes.fromhex(chosen.action_id)
            found = await self.desk.write(calendar.match, records, person, modality=modality)
            self.query_one(RecordList).selected = set()
            self.app.notify(f"{found.planned} planned with {chosen.name}; {found.past} are over, {found.known} were"
                            " planned before.")  # fmt: skip

    def action_aside(self) -> None:
        """Say that the marked lines are no sessions."""
        if records := self._chosen():
            self.start(self._aside, records, group="save")

    async def _aside(self, records: list[bytes]) -> None:
        count = f"{len(records)} lines" if len(records) > 1 else "this line"
        if await self.app.push_screen_wait(Confirm(f"Set {count} aside?", "They are no sessions.", label="set aside")):
            await self.desk.write(calendar.set_aside, records)
            self.query_one(RecordList).selected = set()


class TimeEditor(JournalForm):
    """A time on the schedule. What is typed is in the journal, as in every editor."""

    heading = "Time"
    places = ("entry", "form")
    journal = unsaved

    def __init__(
        self, ws: Workspace, person: bytes, values: dict[str, Any], *, record: bytes = b"", slot: bytes = b""
    ) -> None:
        self._person, self._record, self._base = person, record, values
        self._slot = slot or ws.rng.token(16)
        row = ws.view.one("SELECT name FROM person WHERE id = ?", (person,))
        self._whom = str(row[0]) if row else ""
        super().__init__(APPOINTMENT.fields(), values, today=signing.today(ws), first="date")

    def on_mount(self) -> None:
        """With whom."""
        super().on_mount()
        self.retitle(f"Time: {self._whom}", f"with {self._base.get('clinician_name') or 'a clinician'}")

    @property
    def person(self) -> bytes:
        """With whom the time is."""
        return self._person

    # -- the journal -----------------------------------------------------------------------------

    def held(self, values: dict[str, Any], at_ms: int) -> unsaved.Unsaved:
        """The fields, and what they belong to."""
        fields = {**self._base, **values, unsaved.KIND: APPOINTMENT.kind}
        return unsaved.Unsaved(self._person, self._record, fields, at_ms)

    # -- saving ----------------------------------------------------------------------------------

    async def save(self, values: dict[str, Any]) -> bool:
        """Plan or move it; what else lies there is said, not refused."""
        document = APPOINTMENT.parse({**self._base, **values})
        found = await self.desk.read(desk.findings, self._person, document, self._record)
        refused = {item.field: item.message for item in found if item.severity is Severity.REFUSE}
        if refused:
            self.form.show_errors(refused)
            return False
        await self.desk.write(desk.plan, self._person, document, record=self._record or None, slot=self._slot)
        self._done = True
        self.stored()
        self.shell.set_status("draft", "")
        said = [item.message for item in found if item.severity is Severity.WARN]
        self.app.notify(" ".join(("Saved.", *said)), severity="warning" if said else "information")
        return True


def new_values(ws: Workspace, person: bytes, clinician: bytes, on: str) -> dict[str, Any]:
    """A new time as form values."""
    name = dict(desk.clinicians(ws, person)).get(clinician, "")
    begun = Appointment(clinician=show_id(clinician), clinician_name=name)
    values: dict[str, Any] = {**msgspec.to_builtins(begun), "date": on or None}
    return values


def known_values(ws: Workspace, record: bytes) -> tuple[bytes, dict[str, Any]]:
    """A time as form values, and whose it is. Raises `NotFound`."""
    line = desk.appointment_of(ws, record)
    values: dict[str, Any] = msgspec.to_builtins(line.appointment)
    return line.person, values
