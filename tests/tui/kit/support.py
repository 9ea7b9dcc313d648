"""Doubles and helpers for kit tests: a driver that records both streams, a screen model, a small app."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import pyte
from msgspec import Meta
from textual.app import ComposeResult
from textual.driver import Driver
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot
from textual.screen import Screen

from iop_tui.kernel.declare import Document, F, Widget, fields_of
from iop_tui.ui.app import KitApp
from iop_tui.ui.dialogs import Confirm, PickOne
from iop_tui.ui.forms.form import Form
from iop_tui.ui.frame.footer import FooterLine
from iop_tui.ui.frame.statusline import StatusLine
from iop_tui.ui.frame.titleline import TitleLine
from iop_tui.ui.keys import KIT, Action
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.lists.sources import ThreadSource
from iop_tui.ui.terminal.cells import Canvas
from iop_tui.ui.text.editor import NoteText

NAMES = ("Ann Example", "José Muñoz", "佐藤 花子", "محمد علي", "Zoë Брин", "Nguyễn Thị Ánh", "김민준", "e\u0301lan",
         "Max 👍 Müller", "[b]not bold[/b]", "tab\there", "esc\x1b[31mred")


async def wait_until(pilot: Pilot[Any], condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Let the app work until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the condition never held")
        await pilot.pause()
        await asyncio.sleep(0.005)


class Model:
    """A terminal of pyte's."""

    def __init__(self, width: int, height: int) -> None:
        self.screen = pyte.Screen(width, height)
        self.stream = pyte.Stream(self.screen)

    def feed(self, data: str) -> None:
        self.stream.feed(data)

    def cells(self) -> list[list[tuple[Any, ...]]]:
        """Every cell as (text, looks); of a blank only what can be seen."""
        rows = range(self.screen.lines)
        return [[_seen(self.screen.buffer[y][x]) for x in range(self.screen.columns)] for y in rows]

    def text(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]


def _seen(char: Any) -> tuple[Any, ...]:
    visible_on_blank = char.reverse or char.underscore or char.strikethrough
    if char.data == " " and not visible_on_blank:
        return (" ", char.bg)
    return (char.data, char.fg, char.bg, char.bold, char.italics, char.underscore, char.strikethrough, char.reverse)


class Recorder(HeadlessDriver):
    """Takes what Textual writes, as it is and through the canvas."""

    canvas: Canvas
    raw: Model
    lean: Model
    raw_bytes = 0
    lean_bytes = 0

    def prepare(self, width: int, height: int) -> None:
        self.canvas = Canvas(width, height)
        self.raw, self.lean = Model(width, height), Model(width, height)

    def prepare_resize(self, width: int, height: int) -> None:
        """The terminal changed size: both screens are wiped, the canvas knows nothing."""
        self.canvas.resize(width, height)
        self.raw, self.lean = Model(width, height), Model(width, height)

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        self.raw.feed(data.replace("\n", "\r\n"))
        self.raw_bytes += len(data.encode())
        self.canvas.feed(data)

    def settle(self) -> int:
        """Send the difference; how many bytes it took."""
        out = self.canvas.take()
        self.lean.feed(out)
        self.lean_bytes += len(out.encode())
        return len(out.encode())


@dataclass(frozen=True)
class Row:
    number: int

    @property
    def name(self) -> str:
        return f"{NAMES[self.number % len(NAMES)]} {self.number}"


COLUMNS: tuple[Column[Row], ...] = (
    Column("name", "Name", lambda row: row.name, 20, weight=2, sortable=True),
    Column("risk", "Risk", lambda row: Cell("! high" if row.number % 4 == 3 else "low",
                                            "danger" if row.number % 4 == 3 else "text"), 8),
    Column("seen", "Last seen", lambda row: Cell(f"2026-03-{row.number % 28 + 1:02}", "dim"), 10, priority=1),
    Column("hours", "Hours", lambda row: f"{row.number % 10}.5", 5, align="right", priority=2),
)


class Visit(Document, frozen=True, kw_only=True):
    """A document with one field of each type."""

    day: Annotated[date | None, F("Service date", help="The day of the session.", required=True)] = None
    minutes: Annotated[Annotated[int, Meta(ge=1, le=600)] | None, F("Length", unit="min")] = None
    kind: Annotated[str, F("Session type", choices=("individual", "group", "couple"), required=True)] = ""
    video: Annotated[bool, F("By video")] = False
    craving: Annotated[bool | None, F("Craving reported")] = None
    present: Annotated[tuple[str, ...], F("Present", choices=("client", "partner", "parent"))] = ()
    topic: Annotated[str, F("Topic", widget=Widget.LINE)] = ""
    note: Annotated[str, F("What happened, what was said, and the response", required=True)] = ""
    steps: Annotated[tuple[str, ...], F("Next steps")] = ()
    weight: Annotated[float | None, F("Weight", unit="kg")] = None


FIELDS = fields_of(Visit)
TODAY = date(2026, 3, 9)

TABLE = KIT.plus((
    Action("go.note", ("g n",), "Note", "everywhere", "Write.", group="Go", run="go('note')"),
    Action("go.form", ("g f",), "Form", "everywhere", "A form.", group="Go", run="go('form')"),
    Action("people.discard", ("d",), "Discard", "people", footer=70),
    Action("screen.back", ("escape",), "Back", "page", footer=50),
))


class Page(Screen[None]):
    """Base of the test screens."""

    BINDINGS = TABLE.bindings("page")
    places = ("page",)

    def content(self) -> Iterable[Any]:
        raise AssertionError

    def compose(self) -> ComposeResult:
        yield TitleLine("Title", "context")
        yield from self.content()
        yield StatusLine()
        yield FooterLine()

    def action_back(self) -> None:
        self.app.pop_screen()


class People(Page):
    BINDINGS = TABLE.bindings("people")
    places = ("people", "list")
    total = 2_000
    columns = COLUMNS

    def content(self) -> Iterable[Any]:
        yield RecordList(self.columns, key=lambda row: row.number, empty="No people yet. Press n to admit one.")

    def on_mount(self) -> None:
        rows = self.query_one(RecordList)
        rows.set_source(ThreadSource(lambda: self.total, self.page))

    def page(self, offset: int, limit: int) -> list[Row]:
        return [Row(number) for number in range(offset, min(offset + limit, self.total))]

    def on_record_list_highlighted(self, event: RecordList.Highlighted) -> None:
        self.query_one(TitleLine).set_context(event.record_list.position())

    def on_record_list_sort_asked(self, event: RecordList.SortAsked) -> None:
        self.app.push_screen(PickOne("Sort by", [(each.key, each.title) for each in COLUMNS]))

    def action_discard(self) -> None:
        self.app.push_screen(Confirm("Discard?", "The draft is gone for good."), self.decided)

    def decided(self, yes: bool | None) -> None:
        self.app.notify("Discarded." if yes else "Kept.")


class NotePage(Page):
    def content(self) -> Iterable[Any]:
        yield NoteText("\n".join(f"Line {number}, with words to read and to wrap." for number in range(200)))


class FormPage(Page):
    places = ("page", "form")

    def content(self) -> Iterable[Any]:
        yield Form(FIELDS, {"note": "Came on time."}, today=TODAY)


class KitTestApp(KitApp):
    """The screens above; with `recorder` what is written is recorded."""

    keys = TABLE
    BINDINGS = TABLE.bindings("everywhere")

    def __init__(self, *, recorder: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.recorder: Recorder | None = None
        self._record = recorder

    def _build_driver(self, headless: bool, inline: bool, mouse: bool, size: tuple[int, int] | None) -> Driver:
        if not self._record or size is None:
            return super()._build_driver(headless, inline, mouse, size)
        self.recorder = Recorder(self, debug=False, mouse=mouse, size=size)
        self.recorder.prepare(*size)
        return self.recorder

    def on_mount(self) -> None:
        self.push_screen(People())

    def action_go(self, where: str) -> None:
        self.push_screen(NotePage() if where == "note" else FormPage())
