"""What a file would bring in, line by line, before anything is changed; then bringing it in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from textual import on
from textual.widget import Widget

from iop_tui.clinical.imports import calendars
from iop_tui.interchange.moving.options import PICKS
from iop_tui.shell.moving import looking
from iop_tui.shell.moving.looking import Line, Look
from iop_tui.shell.moving.mapping import MappingPage
from iop_tui.ui.dialogs import Confirm, PickOne, PickSeveral
from iop_tui.ui.frame.bars import Lines, Toned
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page
from iop_tui.ui.text.cellfit import wrap
from iop_tui.workspace import Workspace

_WIDTH = 76
NOTHING = "Nothing to tell line by line: everything is taken as it is."
_TONES = {"rejected": "danger", "created": "accent"}
COLUMNS: tuple[Column[Line], ...] = (
    Column("place", "Where", lambda line: Cell(line.place, "dim"), 18, weight=1),
    Column("outcome", "What", lambda line: Cell(line.outcome, _TONES.get(line.outcome, "text")), 10),
    Column("words", "Why", lambda line: line.words, 20, weight=3),
)


def whose_calendar(ws: Workspace, chosen: bytes = b"") -> PickOne:
    """The question whose calendar it is."""
    options = [(user.hex(), name) for user, name in calendars.clinicians(ws)]
    return PickOne("Whose calendar is it?", options, chosen.hex())


class ImportPage(Page):
    """A dry run as a page. F2 makes it real."""

    heading = "Bring in"
    places = ("moving", "back", "list")
    DEFAULT_CSS = "ImportPage #summary { margin: 1 0; } ImportPage #why { height: 3; margin: 1 0 0 0; }"

    def __init__(self, first: Look) -> None:
        super().__init__()
        self._look, self._done = first, False

    def content(self) -> Iterable[Widget]:
        """Counts, then the report, then the line under the cursor in full."""
        yield Lines(id="summary")
        yield RecordList(COLUMNS, key=lambda line: line.number, empty=NOTHING)
        yield Lines(id="why")

    def on_mount(self) -> None:
        """Show the look."""
        super().on_mount()
        self.query_one(RecordList).focus()
        self._show()

    def concerns(self, result: Any) -> bool:
        """Never: the report is of one moment."""
        del result
        return False

    def _show(self) -> None:
        found = self._look
        self.retitle(f"Bring in: {found.asked.path.name}", "done" if self._done else "nothing is changed yet")
        said: list[Toned] = [(found.summary, "strong")]
        more = [f"Column {heading} is {name}" for each in found.columns for heading, name in each.fields.items()]
        left = [f"{heading} is left out" for each in found.columns for heading in each.unused]
        told = "; ".join([*more, *left])
        picked = f"Picked: {', '.join(found.asked.pick)}" if found.asked.pick else "Documents stay whole; p picks parts"
        lines = [said, *([(line, "dim")] for line in wrap(told, _WIDTH) if told)]
        lines += [[(picked, "dim")]] if found.documents else []
        if found.calendar_of:
            told = f"Its lines wait for {found.calendar_of}, and nobody else reads them; w: another clinician"
            lines += [[(line, "dim")] for line in wrap(told, _WIDTH)]
        self.query_one("#summary", Lines).show(lines)
        self.query_one(RecordList).set_rows(found.lines, top=True)

    @on(RecordList.Highlighted)
    def _moved(self, event: RecordList.Highlighted) -> None:
        said = wrap(event.row.words, _WIDTH) if event.row.words else []
        self.query_one("#why", Lines).show([[(line, "text")] for line in said[:3]])

    # -- looking again ---------------------------------------------------------------------------

    async def _again(self, asked: looking.Asked) -> None:
        self.shell.set_status("moving", "reading …", "bar_accent")
        try:
            self._look = await self.desk.read(looking.look, asked)
        finally:
            self.shell.set_status("moving", "")
        self._show()

    def action_pick(self) -> None:
        """Which parts of C-CDA documents become records of their own."""
        if self._done or not self._look.documents:
            self.app.notify("Parts are picked from C-CDA documents, before they are taken in.")
        else:
            self.start(self._pick, group="save")

    async def _pick(self) -> None:
        options = [(part, part.capitalize()) for part in PICKS]
        chosen = await self.app.push_screen_wait(
            PickSeveral("Which parts become records?", options, self._look.asked.pick)
        )
        if chosen is not None:
            await self._again(replace(self._look.asked, pick=chosen))

    def action_columns(self) -> None:
        """What each column of a client list is."""
        if self._done or not self._look.columns:
            self.app.notify("Columns belong to client lists, before they are taken in.")
        else:
            first = self._look.columns[0]
            known = {**dict.fromkeys(first.unused, ""), **first.fields}
            self.app.push_screen(MappingPage(known, self._mapped))

    def _mapped(self, columns: dict[str, str]) -> None:
        self.start(self._again, self._look.asked.with_columns(columns), group="save")

    def action_whose(self) -> None:
        """For which clinician a calendar's lines wait."""
        if self._done or not self._look.calendar_of:
            self.app.notify("Only a calendar is somebody's, and before it is taken in.")
        else:
            self.start(self._whose, group="save")

    async def _whose(self) -> None:
        asked = self._look.asked
        question = await self.desk.read(whose_calendar, asked.clinician or self.desk.subject.user.user)
        chosen = await self.app.push_screen_wait(question)
        if chosen is not None:
            await self._again(replace(asked, clinician=bytes.fromhex(chosen)))

    # -- for good --------------------------------------------------------------------------------

    def action_take(self) -> None:
        """Bring it in."""
        if self._done:
            self.app.notify("It was taken in. Esc goes back.")
        elif not self._look.takes:
            self.app.notify("There is nothing new in it to take.")
        else:
            self.start(self._take, group="save")

    async def _take(self) -> None:
        said = "What is new is stored, what is known is left as it is. The same file again changes nothing."
        if not await self.app.push_screen_wait(Confirm("Bring it in?", said, label="bring it in")):
            return
        self.shell.set_status("moving", "bringing it in …", "bar_accent")
        try:
            self._look = await self.desk.write(looking.take, self._look.asked)
        finally:
            self.shell.set_status("moving", "")
        self._done = True
        self._show()
        self.app.notify("It was taken in.")
