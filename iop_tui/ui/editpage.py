"""A page to write on: a form, a row of commands behind Esc, a journal at most one second behind the keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

from textual.containers import Horizontal
from textual.timer import Timer
from textual.widget import Widget

from iop_tui.kernel.declare import FieldInfo
from iop_tui.kernel.errors import DocumentInvalid, IopError
from iop_tui.ui.bars import Bar
from iop_tui.ui.dialogs import Confirm
from iop_tui.ui.editor import NoteText
from iop_tui.ui.form import Form
from iop_tui.ui.helpscreen import field_help
from iop_tui.ui.page import Page
from iop_tui.ui.readview import ReadView

KEEP_SECONDS = 0.7
"""From a change to the journal: with the write itself less than a second."""


class CommandRow(Bar, can_focus=True):
    """What Esc leads to: one letter per command. Focus stands here instead of in the text."""

    DEFAULT_CSS = "CommandRow { display: none; } CommandRow.-open { display: block; }"

    def __init__(self, commands: Sequence[tuple[str, str]], promise: str) -> None:
        parts = [part for key, name in commands for part in ((key, "bar_key"), (f" {name}   ", "bar"))]
        super().__init__(parts, [(promise, "bar_dim")])

    def on_blur(self) -> None:
        """Closed whenever the focus goes elsewhere."""
        self.remove_class("-open")


class EditPage(Page):
    """Base of the editors. Subclasses say how to keep, save, review and give up what the form holds."""

    DEFAULT_CSS = """
    EditPage .desk { height: 1fr; }
    EditPage .side { display: none; width: 44; height: 1fr; margin-left: 1; }
    EditPage.-wide .side { display: block; }
    """
    commands: ClassVar[Sequence[tuple[str, str]]] = (("s", "save"), ("i", "go on"), ("d", "discard"), ("q", "leave"))
    promise: ClassVar[str] = "nothing is lost"
    with_side: ClassVar[bool] = False

    def __init__(self, fields: Sequence[FieldInfo], values: Mapping[str, Any], *, today: date, first: str = "") -> None:
        super().__init__()
        self.form = Form(fields, values, today=today)
        self._fields, self._first = fields, first
        self._pending: Timer | None = None
        self._kept_all = True
        self._done = False
        self._last_field = first or fields[0].name

    def content(self) -> Iterable[Widget]:
        """The form, beside it what helps to write, below it the command row."""
        side = ReadView(classes="side")
        side.can_focus = False
        yield Horizontal(self.form, *((side,) if self.with_side else ()), classes="desk")
        row = CommandRow(self.commands, self.promise)
        self.give_keys(row, "row")
        yield row

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what the command row of this editor offers."""
        del parameters
        return action != "review" or any(key == "r" for key, _ in self.commands)

    def on_mount(self) -> None:
        """Start where there is something to write."""
        super().on_mount()
        if self._first:
            self.form.focus_field(self._first)

    # -- the journal -----------------------------------------------------------------------------

    def on_form_changed(self, event: Form.Changed) -> None:
        """Somebody typed: the journal follows."""
        event.stop()
        self._kept_all = False
        if self._pending is None:
            self._pending = self.set_timer(KEEP_SECONDS, self._keep_now)

    def on_form_snapshot(self, event: Form.Snapshot) -> None:
        """A field was left: `_keep_now` comes soon anyway."""
        event.stop()

    def _keep_now(self) -> None:
        self._pending = None
        if not self._done:
            self.start(self._keep, group="journal")

    async def _keep(self) -> None:
        self._kept_all = True
        try:
            await self.keep(self.form.values())
        except BaseException:
            self._kept_all = False
            raise
        self.kept()

    def stored(self) -> None:
        """Everything typed is saved: nothing is owed to the journal."""
        if self._pending is not None:
            self._pending.stop()
            self._pending = None
        self._kept_all = True

    def kept(self) -> None:
        """The journal has everything: say so."""

    def unkept(self) -> bool:
        """Whether something typed is not in the journal yet."""
        return not self._kept_all and not self._done

    def keep_now(self, subject: Any) -> None:
        """Put what is typed into the journal at once: the process is about to end."""

    async def leaving(self) -> None:
        """Nothing typed stays behind."""
        if self.unkept():
            await self._keep()

    # -- for subclasses --------------------------------------------------------------------------

    async def keep(self, values: dict[str, Any]) -> None:
        """Put what is typed into the journal."""

    async def save(self, values: dict[str, Any]) -> bool:
        """Store what is typed; whether the page is done with. Raises `IopError`."""
        del values
        return True

    async def give_up(self) -> None:
        """Drop what is not saved."""

    # -- commands --------------------------------------------------------------------------------

    def action_command(self) -> None:
        """From the text to the command row; from there, back."""
        row = self.query_one(CommandRow)
        row.add_class("-open")
        row.focus(scroll_visible=False)

    def action_insert(self) -> None:
        """Back to the field that was left."""
        self.form.focus_field(self._last_field)

    def on_descendant_focus(self, event: Any) -> None:
        """Remember where to go on."""
        for row in self.form.rows:
            if row.binding.widget is event.widget:
                self._last_field = row.info.name
                if isinstance(event.widget, NoteText):
                    self.call_after_refresh(row.scroll_visible, animate=False, top=True)

    def action_save(self) -> None:
        """Save, if every field can be read."""
        self.start(self._save, group="save")

    async def _save(self) -> bool:
        values = self.form.check()
        if values is None:
            self.app.notify("Something cannot be read; see the marked field.", severity="warning")
            return False
        try:
            done = await self.save(values)
        except DocumentInvalid as error:
            self.form.show_errors({error.place: error.message})
            return False
        if done:
            self._done = True
            self.go("back")
        return True

    def action_leave(self) -> None:
        """Back; what is not saved waits in the journal."""
        self.go("back")

    def action_discard(self) -> None:
        """Throw away what is not saved, after a question."""
        self.app.push_screen(
            Confirm("Discard what is not saved?", self.discard_consequence(), label="discard"), self._discarded
        )

    def discard_consequence(self) -> str:
        """What the question says will be lost."""
        return "What was typed since the last save is gone for good."

    def _discarded(self, yes: bool | None) -> None:
        if yes:
            self._done = True
            self.start(self._give_up, group="save")

    async def _give_up(self) -> None:
        await self.give_up()
        self.go("back")

    def refused(self, error: IopError) -> None:
        """A refusal keeps the text and the page."""
        self._done = False
        super().refused(error)

    def help_sections(self) -> Iterable[tuple[str, Iterable[tuple[str, str]]]]:
        """The fields, as the declaration explains them."""
        return (("Fields", field_help(self._fields)),)


def when(clock: Callable[[], int]) -> str:
    """The local time of day of a clock in milliseconds, for status lines."""
    from datetime import datetime

    return datetime.fromtimestamp(clock() / 1000).strftime("%H:%M")
