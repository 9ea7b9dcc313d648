"""Substances: the recovery timeline with its lapses, and the follow-back grid that is filled by keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import msgspec
from textual import events, on
from textual.strip import Strip
from textual.widget import Widget

from iop_tui.clinical.people import api as people
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.toxicology import followback as fb
from iop_tui.clinical.toxicology import service as toxicology
from iop_tui.clinical.toxicology.followback import FOLLOWBACK, Followback, Grid
from iop_tui.clinical.toxicology.lapses import Lapse, Timeline
from iop_tui.clinical.toxicology.words import SUBSTANCES
from iop_tui.kernel.declare import RuleContext, Severity
from iop_tui.kernel.errors import NotFound, NotReady
from iop_tui.store.views.view import Changes
from iop_tui.ui.dialogs import PickOne
from iop_tui.ui.forms.draftpage import JournalPage
from iop_tui.ui.frame.bars import Lines, Toned
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page
from iop_tui.ui.text.cellfit import strip_of
from iop_tui.ui.theme import tones
from iop_tui.workspace import Workspace, unsaved

MONTHS = 12
EMPTY = "No lapse is known. Press + to add one: it takes nothing from what was reached."
NOTHING = "Nothing says when to begin. A relapse plan names the last use; press + for a lapse."

# -- the recovery timeline ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """A lapse in the list."""

    record: bytes
    lapse: Lapse


@dataclass(frozen=True, slots=True)
class Recovery:
    """What the page shows."""

    name: str
    timeline: Timeline | None
    lapses: tuple[Row, ...]


def recovery(ws: Workspace, person: bytes) -> Recovery:
    """A person's recovery with its lapses, newest first. Raises `NotFound`."""
    found = tuple(Row(record, lapse) for record, lapse in reversed(toxicology.lapses(ws, person)))
    return Recovery(people.header(ws, person).name, toxicology.recovery(ws, person), found)


def summary_lines(found: Timeline | None) -> list[list[Toned]]:
    """What was reached: counts, milestones, a line per month."""
    if found is None:
        return [[(NOTHING, "dim")]]
    reached = ", ".join(f"{days} d" for days in found.milestones) or "the first day is today"
    lines: list[list[Toned]] = [
        [("Without use  ", "dim"), (f"{found.days_without} of {found.days_in_all} days", "strong"),
         (f"   now {found.current} days, longest {found.longest}", "text")],
        [("Reached  ", "dim"), (reached, "text")], [],
    ]  # fmt: skip
    return [*lines, *month_lines(found)]


def month_lines(found: Timeline) -> list[list[Toned]]:
    """One line per month, newest last: a dot for a day without use, # for a day with use."""
    months: dict[str, list[date]] = {}
    day = max(found.since, found.until - timedelta(days=31 * MONTHS))
    while day <= found.until:
        months.setdefault(f"{day:%Y-%m}", []).append(day)
        day += timedelta(days=1)
    lines: list[list[Toned]] = []
    for name, days in list(months.items())[-MONTHS:]:
        parts: list[Toned] = [(f"{name}  ", "dim"), (" " * (days[0].day - 1), "text")]
        for each in days:
            used = each in found.used
            tone = "warn" if used else "accent"
            if parts[-1][1] == tone:
                parts[-1] = (parts[-1][0] + ("#" if used else "."), tone)
            else:
                parts.append(("#" if used else ".", tone))
        lines.append([part for part in parts if part[0]])
    return lines


COLUMNS: tuple[Column[Row], ...] = (
    Column("on", "Day", lambda row: row.lapse.on.isoformat() if row.lapse.on else "", 10),
    Column("kind", "What", lambda row: row.lapse.kind, 14),
    Column("substances", "Substances", lambda row: ", ".join(row.lapse.substances), 20, weight=1),
    Column("step", "Step used", lambda row: _step(row.lapse), 24, weight=1, priority=1),
    Column("from", "Known from", lambda row: Cell(row.lapse.known_from, "dim"), 12, priority=2),
)


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _step(lapse: Lapse) -> str:
    said = {True: " (helped)", False: " (did not help)", None: ""}[lapse.step_worked]
    return f"{lapse.step_used}{said}" if lapse.step_used else ""


class RecoveryPage(Page):
    """The timeline and the lapses under it."""

    heading = "Recovery"
    places = ("recovery", "back", "find", "list")
    DEFAULT_CSS = "RecoveryPage #summary { margin: 1 0; }"

    def __init__(self, person: bytes, first: Recovery) -> None:
        super().__init__()
        self.person, self._data = person, first

    def content(self) -> Iterable[Widget]:
        """Counts and months, then the list."""
        yield Lines(id="summary")
        yield RecordList(COLUMNS, key=lambda row: row.record, empty=EMPTY)

    def on_mount(self) -> None:
        """Show what is known."""
        super().on_mount()
        self.query_one(RecordList).focus()
        self._show()

    def _show(self) -> None:
        self.retitle(f"Recovery: {self._data.name}", _counted(len(self._data.lapses), "lapse"))
        self.query_one("#summary", Lines).show(summary_lines(self._data.timeline))
        self.query_one(RecordList).set_rows(self._data.lapses)

    def concerns(self, result: Any) -> bool:
        """Only what changed this person, or access."""
        changes = getattr(result, "changes", result)
        return not isinstance(changes, Changes) or changes.access or self.person in changes.persons

    def reload(self) -> None:
        """Ask again."""
        self.start(self._reload, group="recovery", exclusive=True)

    async def _reload(self) -> None:
        self._data = await self.desk.read(recovery, self.person)
        self._show()

    @on(RecordList.Opened)
    def _open(self, event: RecordList.Opened) -> None:
        self.go("record", event.row.record)

    def action_add_lapse(self) -> None:
        """A lapse: added, never taking anything away."""
        self.go("document", self.person, how="lapse")

    def action_followback(self) -> None:
        """Use day by day."""
        self.go("followback", self.person)

    def action_screen_test(self) -> None:
        """A drug screen."""
        self.go("document", self.person, how="drug_screen")


# -- the follow-back grid ------------------------------------------------------------------------

KIND = FOLLOWBACK.kind
CELL = 8
PERIODS = (("30", "Last 30 days"), ("60", "Last 60 days"), ("90", "Last 90 days"), ("180", "Last 180 days"))
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_KEYS = (
    ("0-9", "amount"), ("Space", "none, day before"), ("w", "as a week later"), ("f", "rest 0"), ("Del", "unknown"),
)  # fmt: skip
HELP: list[Toned] = [part for key, said in _KEYS for part in ((key, "accent"), (f" {said}  ", "dim"))]


@dataclass(frozen=True, slots=True)
class Start:
    """A grid to fill: whose, which record, which slot, what it is about, what is known."""

    person: bytes
    name: str
    record: bytes
    slot: bytes
    document: Followback
    grid: Grid
    restored_at_ms: int = 0


def begin(ws: Workspace, person: bytes) -> Start:
    """A new follow-back of the last thirty days; substance and unit as last time."""
    before = toxicology.followbacks(ws, person)
    known = before[-1][1] if before else Followback(substance="alcohol", unit=fb.UNITS[0])
    today = signing.today(ws)
    first = today - timedelta(days=29)
    document = Followback(
        substance=known.substance, unit=known.unit, method=known.method or fb.METHODS[0], first=first, last=today
    )
    return Start(person, people.header(ws, person).name, b"", ws.rng.token(16), document, fb.grid(first, today))


def draft(ws: Workspace, record: bytes) -> Start:
    """A kept follow-back to go on with. Raises `NotFound`, `Refused`."""
    opened, _, document = signing.opened_document(ws, record, signing.open_leaf(ws, record))
    if not isinstance(document, Followback) or document.first is None or document.last is None:
        raise NotFound
    person = opened.body.person
    here = fb.grid(document.first, document.last, {each.on: each.amount for each in document.days})
    return Start(person, people.header(ws, person).name, record, record, document, here)


def restored(ws: Workspace, slot: bytes) -> Start:
    """A grid that was not kept yet. Raises `NotFound` where it was kept or given up."""
    kept = unsaved.kept(ws).get(slot)
    if kept is None:
        raise NotFound
    document = FOLLOWBACK.parse({name: value for name, value in kept.fields.items() if not name.startswith("$")})
    if document.first is None or document.last is None:
        raise NotFound
    here = fb.grid(document.first, document.last, {each.on: each.amount for each in document.days})
    name = people.header(ws, kept.person).name
    return Start(kept.person, name, kept.record, slot, document, here, kept.at_ms)


def keep_grid(ws: Workspace, start: Start, document: Followback) -> signing.Saved:
    """Keep a follow-back. Raises `NotReady` where a rule refuses."""
    context = RuleContext(signing.today(ws), toxicology.facts(ws, start.person, KIND))
    refused = [item for item in FOLLOWBACK.findings(document, context) if item.severity is Severity.REFUSE]
    if refused:
        raise NotReady(refused[0].message, "Fill the days in, then save again.")
    return signing.save(ws, start.person, FOLLOWBACK, document, record=start.record or None, slot=start.slot)


class Calendar(Widget, can_focus=True):
    """Weeks as rows, days as cells; the cursor is the day that is asked for."""

    DEFAULT_CSS = "Calendar { height: 1fr; width: 1fr; }"

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.grid = grid

    def show(self, grid: Grid) -> None:
        """Another state."""
        self.grid = grid
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The weekdays, then one week per line; scrolled so that the cursor is seen."""
        styles, width, grid = tones(self.app.theme), self.size.width, self.grid
        weeks = grid.weeks
        at = next((place for place, monday in enumerate(weeks) if grid.at < monday + fb.WEEK), 0)
        room = max(self.size.height - 1, 1)
        top = max(0, min(at - room // 2, len(weeks) - room))
        if y == 0:
            parts = [(" " * 9, "dim"), *((f"{name:>{CELL}}", "dim") for name in _DAYS)]
        elif top + y - 1 < len(weeks):
            parts = self._week(weeks[top + y - 1])
        else:
            parts = []
        return strip_of([(text, styles.of(tone)) for text, tone in parts], width, styles.text)

    def _week(self, monday: date) -> list[Toned]:
        parts: list[Toned] = [(f" {monday:%m-%d}   ", "dim")]
        for step in range(7):
            day = monday + timedelta(days=step)
            parts += [("  ", "text"), self._day(day)]
        return parts

    def _day(self, day: date) -> Toned:
        grid, width = self.grid, CELL - 2
        if not grid.first <= day <= grid.last:
            return " " * width, "text"
        amount = grid.amounts.get(day)
        shown = "?" if amount is None else "." if amount == 0 else f"{amount:g}"
        if day == grid.at:
            return f"{grid.typed or shown:>{width}}", "cursor"
        return f"{shown:>{width}}", "dim" if amount is None else "text" if amount == 0 else "warn"


class FollowbackPage(JournalPage):
    """The grid, what it comes to, and the keys."""

    heading = "Follow-back"
    journal = unsaved
    holds = "days"
    places = ("followback",)
    commands = (("s", "keep"), ("i", "go on"), ("d", "discard"), ("q", "leave"))
    DEFAULT_CSS = "FollowbackPage Lines { margin: 1 0 0 0; }"

    def __init__(self, start: Start) -> None:
        super().__init__()
        self.begun, self.person = start, start.person
        self._document = start.document
        self._calendar = Calendar(start.grid)

    def content(self) -> Iterable[Widget]:
        """Counts, the calendar, the keys, the command row."""
        yield Lines(id="counts")
        yield self._calendar
        yield Lines([HELP])
        yield from self.command_row()

    def on_mount(self) -> None:
        """Fill in at once."""
        super().on_mount()
        self._calendar.focus()
        self._show(self.begun.grid)

    def _show(self, grid: Grid) -> None:
        self._calendar.show(grid)
        document = self.document()
        found = fb.summary(document)
        share = "" if found.without_percent is None else f"   {found.without_percent:g} % without"
        heavy = f"   {found.heavy} heavy" if document.unit == fb.UNITS[0] else ""
        self.query_one("#counts", Lines).show([[
            (f"{found.used} days of use", "strong"), (f"   {found.known} of {found.days} days remembered", "text"),
            (f"{share}{heavy}   {grid.at:%A %Y-%m-%d}", "dim"),
        ]])  # fmt: skip
        stage = "unsaved days restored" if self.begun.restored_at_ms else f"{document.unit}, {document.method}"
        self.retitle(f"Follow-back, {document.substance}: {self.begun.name}", stage)

    def document(self) -> Followback:
        """What the page holds now."""
        return msgspec.structs.replace(
            self._document, first=self._calendar.grid.first, last=self._calendar.grid.last,
            days=fb.days_of(self._calendar.grid),
        )  # fmt: skip

    # -- keys ------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Digits, days, patterns; everything else is the page's."""
        if self.focused is not self._calendar:
            return
        moved = _pressed(self._calendar.grid, event.key, event.character or "")
        if moved is not None:
            event.stop()
            self._show(moved)
            self.touched()

    def action_insert(self) -> None:
        """Back to the days."""
        self._calendar.focus()

    def action_substance(self) -> None:
        """What is counted."""
        options = [(name, name) for name in SUBSTANCES]
        self.app.push_screen(PickOne("Substance", options, self._document.substance), self._chosen_substance)

    def _chosen_substance(self, name: str | None) -> None:
        if name:
            self._document = msgspec.structs.replace(self._document, substance=name)
            options = [(unit, unit) for unit in fb.UNITS]
            self.app.push_screen(PickOne("Counted in", options, self._document.unit), self._chosen_unit)

    def _chosen_unit(self, unit: str | None) -> None:
        self._document = msgspec.structs.replace(self._document, unit=unit or self._document.unit)
        self._show(self._calendar.grid)
        self.touched()

    def action_period(self) -> None:
        """How far back."""
        self.app.push_screen(PickOne("How far back?", PERIODS), self._chosen_period)

    def _chosen_period(self, days: str | None) -> None:
        if days:
            here = fb.taken(self._calendar.grid)
            first = here.last - timedelta(days=int(days) - 1)
            self._show(replace(fb.grid(first, here.last, here.amounts), at=max(first, here.at)))
            self.touched()

    # -- the journal, the end --------------------------------------------------------------------

    def held(self, at_ms: int) -> unsaved.Unsaved:
        """What goes into the journal."""
        fields: dict[str, object] = {**msgspec.to_builtins(self.document()), unsaved.KIND: KIND}
        return unsaved.Unsaved(self.begun.person, self.begun.record, fields, at_ms)

    async def save_draft(self) -> bool:
        """Keep the follow-back."""
        saved = await self.desk.write(keep_grid, self.begun, self.document())
        self.finished()
        self.app.notify(" ".join(["Kept.", *(item.message for item in saved.findings)]))
        self.go("back")
        return True


def _pressed(grid: Grid, key: str, character: str) -> Grid | None:
    """The grid after a key; None for a key that is not the grid's."""
    steps = {"left": -1, "right": 1, "up": -7, "down": 7, "enter": -1}
    if key in steps:
        return fb.move(grid, steps[key])
    if key == "space":
        return fb.move(fb.put(grid, 0), -1)
    if key in ("delete", "backspace"):
        return fb.put(grid, None)
    if character == "w":
        return fb.move(fb.week_before(grid), -1)
    if character == "f":
        return fb.fill(grid)
    if character.isdecimal() or character == ".":
        return fb.digit(grid, character)
    return None
