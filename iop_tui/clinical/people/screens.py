"""The caseload, registering a person, assigning a clinician."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from textual import on
from textual.widget import Widget
from textual.widgets import Input

from iop_tui.access import policy, roles
from iop_tui.clinical.people import service as people
from iop_tui.clinical.people.model import PERSON
from iop_tui.clinical.people.service import CaseloadLine
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import Severity
from iop_tui.ui.dialogs import PickOne
from iop_tui.ui.forms.editpage import JournalForm
from iop_tui.ui.forms.fields import LineInput
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.lists.sources import ThreadSource
from iop_tui.ui.page import Page
from iop_tui.ui.sparkline import sparkline
from iop_tui.workspace import Workspace, unsaved

EMPTY = "Nobody here yet. Press + to register a person; who is assigned to you appears here by itself."
NOBODY_YOURS = "No person's record is open to you; who is assigned to you appears here by itself."
BEING_READ = "What colleagues wrote is being read in; people appear here by themselves."
NO_MATCH = "Nobody of this name. Press Enter to search all records for it, Esc to see everybody."
ASSIGNABLE = (*policy.CARE_ROLES, roles.MEDICAL_DIRECTOR, roles.SUPERVISOR)
_PHQ9 = (0.0, 27.0)


def hours(minutes: int) -> str:
    """Minutes as hours and minutes; nothing for none."""
    return f"{minutes // 60}:{minutes % 60:02}" if minutes else ""


def risk(word: str) -> str | Cell:
    """Risk is a word and a symbol first, then a colour."""
    return Cell("! present", "danger") if word == "present" else Cell(word, "dim")


COLUMNS: tuple[Column[CaseloadLine], ...] = (
    Column("name", "Name", lambda line: line.name, 20, weight=3, sortable=True),
    Column("pronouns", "Pronouns", lambda line: Cell(line.pronouns, "dim"), 10, priority=5),
    Column("born", "Born", lambda line: Cell(line.birth_date, "dim"), 10, priority=4),
    Column("risk", "Risk", lambda line: risk(line.risk), 9),
    Column("hours", "Week", lambda line: hours(line.minutes_this_week), 5, align="right", priority=2),
    Column("last note", "Last note", lambda line: line.last_note, 10, priority=1, sortable=True),
    Column("trend", "PHQ-9", lambda line: _trend(line), 11, align="right", priority=3),
    Column(
        "drafts",
        "Drafts",
        lambda line: Cell(str(line.drafts), "warn") if line.drafts else "",
        6,
        align="right",
        sortable=True,
    ),
)


def _trend(line: CaseloadLine) -> str | Cell:
    if not line.trend:
        return ""
    return f"{sparkline(line.trend, people.TREND_LENGTH, *_PHQ9)} {line.trend[-1]:2.0f}"


class Caseload(Page):
    """Everybody this user knows of, one line each; `/` filters while one types."""

    heading = "Caseload"
    places = ("caseload", "back", "list")
    DEFAULT_CSS = """
    Caseload #filter { display: none; margin: 1 1 0 1; } Caseload #filter.-open { display: block; }
    Caseload RecordList { margin-top: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self._sort = "name"
        self._open_first = False

    def content(self) -> Iterable[Widget]:
        """The filter above the list."""
        field = LineInput(placeholder="Start of a name", id="filter")
        self.give_keys(field, "filter")
        yield field
        yield RecordList(COLUMNS, key=lambda line: line.id, empty=EMPTY)

    @property
    def people(self) -> RecordList[CaseloadLine]:
        """The list."""
        return self.query_one(RecordList)

    def on_mount(self) -> None:
        """Everybody, by name."""
        super().on_mount()
        self.people.set_sort("name", descending=False)
        self._ask(top=True)
        self.people.focus()

    def _ask(self, *, top: bool = False) -> None:
        ws: Workspace = self.desk.subject
        text, sort = self._text, self._sort

        def count() -> int:
            return people.caseload_count(ws, text) or (0 if text else len(people.registered(ws)))

        def rows(offset: int, limit: int) -> list[CaseloadLine]:
            found = people.caseload(ws, text=text, sort=sort, limit=limit, offset=offset)
            return found if found or text else people.registered(ws)[offset : offset + limit]

        nobody = EMPTY if people.may_register(ws) else NOBODY_YOURS
        being_read = bool(self.shell.parts.get("work", ("",))[0])
        self.people.empty = NO_MATCH if self._text else BEING_READ if being_read else nobody
        self.people.set_source(ThreadSource(count, rows, self.desk.readers), top=top)

    def reload(self) -> None:
        """The same rows again."""
        self.people.reload()

    def on_record_list_loaded(self, event: RecordList.Loaded) -> None:
        """How many; and open the one that was waited for."""
        count = event.record_list.count
        if self._open_first and event.record_list.up_to_date:
            self._open_first = False
            self.shell.release()
            self._open_or_search()
        self.retitle(context=f"{count:,} {'person' if count == 1 else 'people'}{' found' if self._text else ''}")

    def on_record_list_opened(self, event: RecordList.Opened) -> None:
        """The chart."""
        self.go("chart", event.row.id)

    # -- filter and sort -------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Type the start of a name."""
        field = self.query_one("#filter", LineInput)
        field.add_class("-open")
        field.focus()

    @on(Input.Changed, "#filter")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self._text:
            self._text = event.value
            self._ask(top=True)

    @on(Input.Submitted, "#filter")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if self.people.up_to_date:
            self._open_or_search()
        elif not self._open_first:
            self._open_first = True
            self.shell.hold()

    def _open_or_search(self) -> None:
        """The first of those who are left; never one from before the last letter."""
        row = self.people.row
        if row is not None:
            self.people.focus()
            self.go("chart", row.id)
        elif self._text.strip():
            self.go("search", how=self._text)

    def action_to_list(self) -> None:
        """Leave the filter as it is and go to the list."""
        self.people.focus()

    def action_clear_filter(self) -> None:
        """Everybody again."""
        field = self.query_one("#filter", LineInput)
        field.value = ""
        field.remove_class("-open")
        self.people.focus()

    def action_back(self) -> None:
        """A filter is cleared first."""
        if self._text:
            self.action_clear_filter()
        else:
            super().action_back()

    def on_record_list_sort_asked(self, event: RecordList.SortAsked) -> None:
        """Choose the order."""
        event.stop()
        options = [(key, key.capitalize()) for key in people.SORTS]
        self.app.push_screen(PickOne("Sort by", options, self._sort), self._sorted)

    def _sorted(self, key: str | None) -> None:
        if key is not None:
            self._sort = key
            self.people.set_sort(key, descending=key != "name")
            self._ask(top=True)

    # -- acts ------------------------------------------------------------------------------------

    def action_write_note(self) -> None:
        """A note about the person under the cursor."""
        row = self.people.row
        if row is not None:
            self.go("note", row.id)

    def action_bring_in(self) -> None:
        """Records from elsewhere."""
        self.go("moving")

    def action_export_all(self) -> None:
        """Everyone in this user's care."""
        self.go("exportall")

    def action_register(self) -> None:
        """A new person."""
        self.go("register")

    def action_assign(self) -> None:
        """A clinician for the person under the cursor."""
        row = self.people.row
        if row is not None:
            self.start(assign, self, row.id, row.name)


async def assign(page: Page, person: bytes, name: str) -> None:
    """Choose a colleague and their part; the services check the wall and the roles."""
    lines = await page.desk.read(staff.users)
    options = [
        (f"{line.id.hex()}|{role}", f"{line.name}, {role}")
        for line in lines
        if line.status == staff.ACTIVE
        for role in line.roles
        if role in ASSIGNABLE
    ]
    if not options:
        page.app.notify("There is no clinician yet. Add one: `iop-tui users add`.", severity="warning")
        return
    chosen = await page.app.push_screen_wait(PickOne(f"Assign to {name}", options))
    if chosen is None:
        return
    user, _, role = chosen.partition("|")
    await page.desk.write(people.assign, person, bytes.fromhex(user), role)
    page.app.notify("Assigned. Keys that others hold follow when their programs run next.")


class PersonEditor(JournalForm):
    """Register a person, or change the directory entry. What is typed is in the journal, as in every editor."""

    heading = "New person"
    places = ("entry", "form")
    journal = unsaved

    def __init__(self, ws: Workspace, person: bytes = b"", values: dict[str, Any] | None = None, *,
                 slot: bytes = b"", restored: bool = False) -> None:  # fmt: skip
        self._person, self._restored = person, restored
        self._slot = slot or ws.rng.token(16)
        super().__init__(PERSON.fields(), values or {}, today=local_date(ws.clock.now_ms()), first="given")

    @property
    def person_edited(self) -> bytes:
        """Whose entry it is; empty for somebody new."""
        return self._person

    def on_mount(self) -> None:
        """New or known."""
        super().on_mount()
        if self._person:
            self.retitle("Directory entry", "what the front desk sees")
        if self._restored:
            self.retitle(context="unsaved text restored")

    # -- the journal -----------------------------------------------------------------------------

    def held(self, values: dict[str, Any], at_ms: int) -> unsaved.Unsaved:
        """The fields, and what they belong to."""
        return unsaved.Unsaved(self._person, b"", {**values, unsaved.KIND: PERSON.kind}, at_ms)

    # -- saving ----------------------------------------------------------------------------------

    async def save(self, values: dict[str, Any]) -> bool:
        """Register, or store a new version."""
        document = PERSON.parse(values)
        refused = [item for item in people.findings(self.desk.subject, document) if item.severity is Severity.REFUSE]
        if refused:
            self.form.show_errors({item.field: item.message for item in refused})
            return False
        if self._person:
            await self.desk.write(people.change, self._person, document)
            await self._finished("Saved.")
            return True
        identifier, _ = await self.desk.write(people.register, document)
        await self._finished("Registered. Press a in the chart to assign a clinician.")
        self.go("chart", identifier, how="instead")
        return False

    async def _finished(self, message: str) -> None:
        self._done = True
        self.stored()
        await self.give_up()
        self.app.notify(message)


def entry_values(ws: Workspace, person: bytes) -> dict[str, Any]:
    """The directory entry as form values. Raises `NotFound`."""
    values: dict[str, Any] = msgspec.to_builtins(people.entry(ws, person))
    return values
