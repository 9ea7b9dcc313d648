"""The files of one person's chart, or of a couple's joint record: what there is, what of it is on this device, and what
can be done with it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from textual import on
from textual.widget import Widget

from iop_tui.clinical.attachments import api as attachments
from iop_tui.clinical.attachments.api import AttachmentLine, Opened, Order
from iop_tui.clinical.people import api as people
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import service as signing
from iop_tui.clinical.signing.api import Home
from iop_tui.clinical.signing.model import VOID_REASONS
from iop_tui.exchange.carrying import Budget
from iop_tui.kernel.errors import Cancelled, Refused
from iop_tui.kernel.text import clean
from iop_tui.shell.attaching.form import AttachForm, begin
from iop_tui.shell.attaching.viewing import command_for
from iop_tui.shell.exchange import words
from iop_tui.store.views.view import Changes
from iop_tui.ui.ask import AskLine
from iop_tui.ui.dialogs import PickOne
from iop_tui.ui.frame.bars import Bar
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page
from iop_tui.ui.text.readview import ReadView
from iop_tui.workspace import Workspace, exchanging

if TYPE_CHECKING:
    from iop_tui.shell.app import IopApp

EMPTY = "No files yet. Press + to attach one."
READ_HERE = 1024 * 1024
"""So many bytes of a text file are shown here; more of it is for a program of its own."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What the page shows first. The subject is a person or a couple."""

    subject: bytes
    name: str
    lines: list[AttachmentLine]
    pinned: bool
    takes: bool
    """Whether this user may attach something here now."""


def begun(ws: Workspace, subject: bytes, name: str = "") -> Begun:
    """The attachments of a person, or of a couple by its name. Raises `NotFound`."""
    name = name or people.header(ws, subject).name
    pinned = subject in attachments.kept(ws).pinned
    takes = bool(attachments.open_places(ws, subject))
    return Begun(subject, name, attachments.lines(ws, subject), pinned, takes)


def _here(line: AttachmentLine) -> Cell:
    if not line.missing:
        return Cell("here", "text")
    if line.missing == line.parts:
        return Cell("elsewhere", "dim")
    return Cell(f"{line.parts - line.missing} of {line.parts}", "warn")


COLUMNS: tuple[Column[AttachmentLine], ...] = (
    Column("date", "Date", lambda line: Cell(line.record.service_date, "dim"), 10),
    Column("what", "What", lambda line: Cell(line.document.what, "dim"), 15, priority=1),
    Column("title", "Title", lambda line: line.document.title, 20, weight=3),
    Column("sender", "From", lambda line: Cell(line.document.sender, "dim"), 12, weight=1, priority=2),
    Column("kind", "Kind", lambda line: Cell(line.document.media_type.rpartition("/")[2], "dim"), 12, priority=3),
    Column("size", "Size", lambda line: Cell(words.size(line.document.size), "dim"), 8, align="right", priority=2),
    Column("here", "", _here, 9),
    Column("mark", "", lambda line: Cell(line.record.mark, "warn"), 4),
)


class Attachments(Page):
    """A list of files; Enter shows the one under the cursor."""

    heading = "Attachments"
    places = ("attachments", "back", "find", "list")
    DEFAULT_CSS = "Attachments RecordList { margin-top: 1; }"

    def __init__(self, first: Begun) -> None:
        super().__init__()
        self.subject, self._begun = first.subject, first
        self._stop: threading.Event | None = None

    def content(self) -> Iterable[Widget]:
        """The list, then who has what is not here."""
        yield RecordList(COLUMNS, key=lambda line: line.record.id, empty=EMPTY)
        yield Bar(id="hint")

    def on_mount(self) -> None:
        """Show what there is."""
        super().on_mount()
        self.query_one(RecordList).focus()
        self._show()

    def _show(self) -> None:
        first = self._begun
        listing: RecordList[AttachmentLine] = self.query_one(RecordList)
        listing.empty = EMPTY if first.takes else records.protected_line()
        listing.set_rows(first.lines)
        self.retitle(f"Attachments: {first.name}", "all kept on this device" if first.pinned else "")
        lacking = sum(bool(line.missing) for line in first.lines)
        said = f" {lacking} of {len(first.lines)} not on this device: f fetches, p keeps all of them here. "
        shows = " Enter shows a file. " if first.lines else ""
        self.query_one("#hint", Bar).show([(said if lacking else shows, "bar_dim")])

    def concerns(self, result: Any) -> bool:
        """Only what changed this person, or access."""
        changes = getattr(result, "changes", result)
        return isinstance(changes, Changes) and (changes.access or self.subject in changes.persons)

    def reload(self) -> None:
        """The list again."""
        self.start(self._reload, group="attachments", exclusive=True)

    async def _reload(self) -> None:
        self._begun = await self.desk.read(begun, self.subject, self._begun.name)
        self._show()

    def _line(self) -> AttachmentLine | None:
        line: AttachmentLine | None = self.query_one(RecordList).row
        if line is None:
            self.app.notify("There is no file yet. Press + to attach one.", severity="warning")
        return line

    async def _ask(self, dialog: Any) -> Any:
        return await self.app.push_screen_wait(dialog)

    # -- in --------------------------------------------------------------------------------------

    def action_attach(self) -> None:
        """The form for a file."""
        self.start(self._form, group="form", exclusive=True)

    async def _form(self) -> None:
        if self._stop is not None:
            raise Refused("Something is being attached or fetched.", "Wait for its end, or stop it with c.")
        start = await self.desk.keep(begin, self.subject, self._begun.name)
        await self.app.push_screen(AttachForm(self.desk.subject, start, self._take))

    def _take(self, path: Path, order: Order, home: Home) -> None:
        self.start(self._take_in, path, order, home, group="attach")

    async def _take_in(self, path: Path, order: Order, home: Home) -> None:
        sealed = await self._long("attaching", partial(attachments.seal_file, self.desk.subject, order, home, path))
        done = await self.desk.write(attachments.finish, sealed)
        self.app.notify(f"Attached: {done.document.media_type}. {path.name} itself stays where it was, unsealed.")

    async def _long(self, what: str, work: Any) -> Any:
        """Work on a thread that nothing else waits for; how far it is stands in the status line, c stops it."""
        self._stop = stop = threading.Event()

        def show(done: int, total: int) -> None:
            self.app.call_from_thread(self.shell.set_status, "attach", f"{what} {100 * done // max(1, total)} %", "bar")

        try:
            return await asyncio.to_thread(work, progress=show, cancelled=stop.is_set)
        finally:
            self._stop = None
            self.shell.set_status("attach", "")

    def action_stop(self) -> None:
        """Stop what is being attached or fetched."""
        if self._stop is None:
            self.app.notify("Nothing is going on.")
        else:
            self._stop.set()

    # -- out -------------------------------------------------------------------------------------

    @on(RecordList.Opened)
    def _open(self, event: RecordList.Opened) -> None:
        event.stop()
        self.start(self._read, event.row, group="open")

    async def _read(self, line: AttachmentLine) -> None:
        kind = line.document.media_type
        if attachments.is_readable(kind):
            file = await self.desk.keep(attachments.open_file, line.record.id)
            text = await asyncio.to_thread(_text_of, file)
            await self.app.push_screen(TextPage(line.record.title, text))
            return
        app = cast("IopApp", self.app)
        command = command_for(app.config.viewers, kind)
        file = await self.desk.keep(attachments.open_file, line.record.id)
        app.viewing.show(command, file.pieces(), lambda error: app.call_from_thread(self.refused, error))
        self.app.notify(f"Handed to {command[0]}. It ends when you lock.")

    def action_about(self) -> None:
        """The record: what it is, from whom."""
        line = self._line()
        if line is not None:
            self.go("record", line.record.id)

    # -- here ------------------------------------------------------------------------------------

    def action_fetch(self) -> None:
        """The missing parts, now."""
        line = self._line()
        if line is not None:
            self.start(self._fetch, line, group="attach")

    async def _fetch(self, line: AttachmentLine) -> None:
        if not line.missing:
            self.app.notify("It is whole on this device.")
            return
        app = cast("IopApp", self.app)
        app.exchange.free()
        carriers = await self.desk.read(exchanging.remotes)
        if not carriers:
            raise Refused("This copy knows no carrier.", "g y shows the exchange: add one there.")
        names = [(one.name, f"{one.name}  {words.place(one.place)}") for one in carriers]
        chosen = names[0][0] if len(names) == 1 else await self._ask(PickOne("From which carrier?", names))
        if chosen is None:
            return
        file = await self.desk.keep(attachments.asked_for, line.record.id)
        place = next(one for one in carriers if one.name == chosen)

        def work(progress: Any, cancelled: Any) -> Any:
            budget = Budget(cancelled=cancelled, progress=progress)
            return exchanging.fetch_parts(self.desk.subject, place, file, budget=budget)

        try:
            moved = await self._long("fetching", work)
        except Cancelled as error:
            self.app.notify(error.message)
        else:
            left = len(file) - moved.received
            who = await self.desk.read(attachments.who_has, line.record.id)
            said = f"{left} parts are not there yet. {who} They come with the next exchanges."
            self.app.notify(said if left else "It is here.", severity="warning" if left else "information")
        await self.desk.write(attachments.tidy_here)
        await self._reload()

    def action_pin(self) -> None:
        """Keep all of this person here, or no longer."""
        self.start(self._pin, group="pin")

    async def _pin(self) -> None:
        keep = not self._begun.pinned
        await self.desk.keep(partial(attachments.pin, on=keep), self.subject)
        await self._reload()
        self.app.notify("Every exchange brings what is missing." if keep else "Fetched from now on when opened.")

    # -- withdrawing -----------------------------------------------------------------------------

    def action_withdraw(self) -> None:
        """With a reason; it stays readable."""
        line = self._line()
        if line is not None:
            self.start(self._withdraw, line, group="act")

    async def _withdraw(self, line: AttachmentLine) -> None:
        says = "It is marked as void, with your reason. Nothing is removed: what was attached stays readable."
        asked = AskLine("Withdraw this attachment?", says, "Why", choices=VOID_REASONS, done="withdraw")
        answer = await self._ask(asked)
        if answer is None:
            return
        await self.desk.write(signing.void, line.record.id, reason=answer[0], explanation=answer[1])
        self.app.notify("Withdrawn.")


def _text_of(file: Opened) -> str:
    found, size = [], 0
    for piece in file.pieces():
        found.append(piece)
        size += len(piece)
        if size > READ_HERE:
            break
    text = clean(b"".join(found)[:READ_HERE].decode("utf-8", "replace"))
    more = size > READ_HERE
    return f"{text}\n\nOnly the beginning is shown: iop-tui attachment show ID | less" if more else text


class TextPage(Page):
    """A text file, read here."""

    heading = "Attachment"
    places = ("back",)

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title, self._text = title, text

    def content(self) -> Iterable[Widget]:
        """The text."""
        yield ReadView()

    def on_mount(self) -> None:
        """Show it."""
        super().on_mount()
        self.retitle(self._title)
        view = self.query_one(ReadView)
        view.show((), [("", self._text, "text")])
        view.focus()
