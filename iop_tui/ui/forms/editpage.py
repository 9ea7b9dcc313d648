"""A page to write on: a form, a row of commands behind Esc, a journal at most one second behind the keyboard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

from textual.containers import Horizontal
from textual.widget import Widget

from iop_tui.kernel.declare import FieldInfo
from iop_tui.kernel.errors import DocumentInvalid
from iop_tui.ui.forms.draftpage import KEEP_SECONDS, CommandRow, DraftPage, Journal, when
from iop_tui.ui.forms.form import Form
from iop_tui.ui.frame.helpscreen import field_help
from iop_tui.ui.text.editor import NoteText
from iop_tui.ui.text.readview import ReadView

__all__ = ["KEEP_SECONDS", "CommandRow", "EditPage", "JournalForm", "when"]


class EditPage(DraftPage):
    """Base of the editors. Subclasses say how to keep, save, review and give up what the form holds."""

    DEFAULT_CSS = """
    EditPage .desk { height: 1fr; }
    EditPage .side { display: none; width: 44; height: 1fr; margin-left: 1; }
    EditPage.-wide .side { display: block; }
    """
    with_side: ClassVar[bool] = False

    def __init__(self, fields: Sequence[FieldInfo], values: Mapping[str, Any], *, today: date, first: str = "") -> None:
        super().__init__()
        self.form = self.make_form(fields, values, today)
        self._fields, self._first = fields, first
        self._last_field = first or fields[0].name

    def make_form(self, fields: Sequence[FieldInfo], values: Mapping[str, Any], today: date) -> Form:
        """Hook: the form."""
        return Form(fields, values, today=today)

    def content(self) -> Iterable[Widget]:
        """The form, beside it what helps to write, below it the command row."""
        side = ReadView(classes="side")
        side.can_focus = False
        yield Horizontal(self.form, *((side,) if self.with_side else ()), classes="desk")
        yield from self.command_row()

    def on_mount(self) -> None:
        """Start where there is something to write."""
        super().on_mount()
        if self._first:
            self.form.focus_field(self._first)

    # -- the journal -----------------------------------------------------------------------------

    def on_form_changed(self, event: Form.Changed) -> None:
        """Somebody typed: the journal follows."""
        event.stop()
        self.touched()

    def on_form_snapshot(self, event: Form.Snapshot) -> None:
        """A field was left: the journal comes soon anyway."""
        event.stop()

    async def keep_draft(self) -> None:
        """What the form holds goes to the journal."""
        await self.keep(self.form.values())

    # -- for subclasses --------------------------------------------------------------------------

    async def keep(self, values: dict[str, Any]) -> None:
        """Put what is typed into the journal."""

    async def save(self, values: dict[str, Any]) -> bool:
        """Store what is typed; whether the page is done with. Raises `IopError`."""
        del values
        return True

    # -- commands --------------------------------------------------------------------------------

    @property
    def written_in(self) -> str:
        """The field that has the focus, or had it before the command row."""
        return self._last_field

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

    async def save_draft(self) -> bool:
        """Save, if every field can be read."""
        return await self._save()

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

    def help_sections(self) -> Iterable[tuple[str, Iterable[tuple[str, str]]]]:
        """The fields, as the declaration explains them."""
        return (("Fields", field_help(self._fields)),)


class JournalForm(EditPage):
    """An editor whose form waits in a journal until it is saved or given up: subclasses name journal and slot, and say
    what goes into it.
    """

    journal: Journal
    _slot: bytes

    def slot(self) -> bytes:
        """The place in the journal."""
        return self._slot

    def held(self, values: dict[str, Any], at_ms: int) -> Any:
        """What goes into it, with the time it stands for."""

    async def keep(self, values: dict[str, Any]) -> None:
        """Seal what is typed into the journal of this copy."""
        held = self.held(values, self.desk.subject.clock.now_ms())
        await self.desk.keep(self.journal.keep, self.slot(), held)

    def keep_now(self, subject: Any) -> None:
        """The same, without waiting for a turn of the event loop."""
        self.journal.keep(subject, self.slot(), self.held(self.form.values(), subject.clock.now_ms()))
        self._kept_all = True

    def kept(self) -> None:
        """Say when."""
        self.shell.set_status("draft", f"unsaved text kept {when(self.desk.subject.clock.now_ms)}")
        self.shell.told(None)

    async def give_up(self) -> None:
        """Drop the journal's copy."""
        await self.desk.write(self.journal.give_up, self.slot())
        self.shell.set_status("draft", "")
