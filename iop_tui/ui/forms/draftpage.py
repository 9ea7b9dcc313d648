"""A page that holds a draft: a journal at most one second behind the keyboard, a row of commands behind Esc.

What is written, and with which widgets, is the subclass's: `EditPage` has one form, other editors a form and a tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Protocol

from textual.timer import Timer
from textual.widget import Widget

from iop_tui.kernel.errors import IopError
from iop_tui.ui.dialogs import Confirm
from iop_tui.ui.frame.bars import Bar
from iop_tui.ui.page import Page

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


class DraftPage(Page):
    """Base of everything one writes on. Subclasses say how to keep, save, review and give up what they hold."""

    always: ClassVar[tuple[str, ...]] = ("who",)
    """Places that every page to write on is, beside its own."""
    commands: ClassVar[Sequence[tuple[str, str]]] = (("s", "save"), ("i", "go on"), ("d", "discard"), ("q", "leave"))
    promise: ClassVar[str] = "nothing is lost"

    def __init_subclass__(cls, **options: Any) -> None:
        """No editor can forget the keys that every editor has."""
        super().__init_subclass__(**options)
        cls.places = tuple(dict.fromkeys((*cls.places, *cls.always)))

    def __init__(self) -> None:
        super().__init__()
        self._pending: Timer | None = None
        self._kept_all = True
        self._done = self._saving = False

    def command_row(self) -> Iterable[Widget]:
        """The row behind Esc; the last thing of the content."""
        row = CommandRow(self.commands, self.promise)
        self.give_keys(row, "row")
        yield row

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what the command row of this editor offers."""
        del parameters
        return action != "review" or any(key == "r" for key, _ in self.commands)

    # -- the journal -----------------------------------------------------------------------------

    def touched(self) -> None:
        """Something was typed or changed: the journal follows."""
        self._kept_all = False
        if self._pending is None:
            self._pending = self.set_timer(KEEP_SECONDS, self._keep_now)

    def _keep_now(self) -> None:
        self._pending = None
        if self._saving:  # the journal would outlive what is being stored
            self._pending = self.set_timer(KEEP_SECONDS, self._keep_now)
        elif not self._done:
            self.start(self._keep, group="journal")

    async def _keep(self) -> None:
        self._kept_all = True
        try:
            await self.keep_draft()
        except BaseException:  # a keep that was stopped is not kept: the next one writes again
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

    async def keep_draft(self) -> None:
        """Put what is typed into the journal."""

    async def save_draft(self) -> bool:
        """Store what is typed; whether it could be read. Raises `IopError`."""
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
        """Back to where one was writing."""

    def action_save(self) -> None:
        """Save, if everything can be read."""
        self.start(self._save_now, group="save")

    async def _save_now(self) -> None:
        self._saving = True
        try:
            await self.save_draft()
        finally:
            self._saving = False

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


def when(clock: Callable[[], int]) -> str:
    """The local time of day of a clock in milliseconds, for status lines."""
    from datetime import datetime

    return datetime.fromtimestamp(clock() / 1000).strftime("%H:%M")


class Journal(Protocol):
    """Where unsaved work waits: the services that take and drop one slot of it."""

    def keep(self, subject: Any, slot: bytes, held: Any, /) -> Any:
        """Put what is held into a slot."""

    def give_up(self, subject: Any, slot: bytes, /) -> Any:
        """Empty a slot."""


class JournalPage(DraftPage):
    """Subclasses name the journal, what they hold now and what to call it; `begun.slot` is their place in it."""

    journal: Journal
    holds: ClassVar[str] = "work"
    begun: Any

    def held(self, at_ms: int) -> Any:
        """What goes into it, with the time it stands for."""

    async def keep_draft(self) -> None:
        """Seal what is held into the journal of this copy."""
        now = self.desk.subject.clock.now_ms()
        await self.desk.keep(self.journal.keep, self.begun.slot, self.held(now))

    def keep_now(self, subject: Any) -> None:
        """The same, without waiting for a turn of the event loop."""
        self.journal.keep(subject, self.begun.slot, self.held(subject.clock.now_ms()))
        self._kept_all = True

    def kept(self) -> None:
        """Say when."""
        self.shell.set_status("draft", f"unsaved {self.holds} kept {when(self.desk.subject.clock.now_ms)}")
        self.shell.told(None)

    async def give_up(self) -> None:
        """Drop the journal's copy."""
        await self.desk.write(self.journal.give_up, self.begun.slot)
        self.shell.set_status("draft", "")

    def finished(self) -> None:
        """What was held is stored now: nothing is owed to the journal any more."""
        self.stored()
        self._done = True
        self.shell.set_status("draft", "")
