"""A page that holds a draft: a journal at most one second behind the keyboard, a row of commands behind Esc.

What is written, and with which widgets, is the subclass's: `EditPage` has one form, other editors a form and a tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from textual.timer import Timer
from textual.widget import Widget

from iop_tui.kernel.errors import IopError
from iop_tui.ui.bars import Bar
from iop_tui.ui.dialogs import Confirm
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

    commands: ClassVar[Sequence[tuple[str, str]]] = (("s", "save"), ("i", "go on"), ("d", "discard"), ("q", "leave"))
    promise: ClassVar[str] = "nothing is lost"

    def __init__(self) -> None:
        super().__init__()
        self._pending: Timer | None = None
        self._kept_all = True
        self._done = False

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
        if not self._done:
            self.start(self._keep, group="journal")

    async def _keep(self) -> None:
        self._kept_all = True
        try:
            await self.keep_draft()
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
        self.start(self.save_draft, group="save")

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
