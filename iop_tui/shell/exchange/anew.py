"""One field written anew while versions are merged: a text, or a value of the field's own kind."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from iop_tui.kernel.declare import FieldInfo
from iop_tui.ui.forms.form import Form
from iop_tui.ui.frame.bars import Lines, Toned
from iop_tui.ui.text.editor import NoteText

_KEYS: list[Toned] = [("[F2]", "accent"), (" done     ", "text"), ("[Esc]", "accent"), (" back", "text")]
_BOX = """
    {name} {{ align: center middle; }}
    {name} .box {{ width: 72; max-width: 100%; height: {height}; max-height: 90%; padding: 1 2;
                  background: $kit-ground; border: solid $kit-accent; }}
    {name} NoteText {{ height: 1fr; margin-bottom: 1; }} {name} Form {{ height: auto; max-height: 12; }}
"""
_BINDINGS: list[BindingType] = [
    Binding("f2,ctrl+s", "done", show=False, priority=True), Binding("escape", "cancel", show=False, priority=True),
]  # fmt: skip


class TextAnew(ModalScreen[str | None]):
    """A text, begun with what the versions say. Result: the text, None for Esc."""

    DEFAULT_CSS = _BOX.format(name="TextAnew", height="16")
    BINDINGS: ClassVar[list[BindingType]] = _BINDINGS

    def __init__(self, label: str, text: str) -> None:
        super().__init__()
        self._label, self._text = label, text

    def compose(self) -> ComposeResult:
        """Label, text, keys."""
        with Vertical(classes="box"):
            yield Lines([[(self._label, "strong")], [("Both texts one after the other; make one of them.", "dim")], []])
            yield NoteText(self._text)
            yield Lines([_KEYS])

    def on_mount(self) -> None:
        """Write at once."""
        self.query_one(NoteText).focus()

    def action_done(self) -> None:
        """Take the text."""
        self.dismiss(self.query_one(NoteText).text)

    def action_cancel(self) -> None:
        """Leave it undecided."""
        self.dismiss(None)


class FieldAnew(ModalScreen[tuple[Any] | None]):
    """A value of a field. Result: the value in a tuple, None for Esc."""

    DEFAULT_CSS = _BOX.format(name="FieldAnew", height="auto")
    BINDINGS: ClassVar[list[BindingType]] = _BINDINGS

    def __init__(self, info: FieldInfo, today: date) -> None:
        super().__init__()
        self._info, self._today = info, today

    def compose(self) -> ComposeResult:
        """Label, field, keys."""
        with Vertical(classes="box"):
            yield Lines([[(f"{self._info.label}: neither version", "strong")], []])
            yield Form([self._info], {}, today=self._today)
            yield Lines([[], _KEYS])

    def on_mount(self) -> None:
        """Fill it in at once."""
        self.query_one(Form).focus_field(self._info.name)

    def action_done(self) -> None:
        """Take the value, if it can be read."""
        values = self.query_one(Form).check()
        if values is not None:
            self.dismiss((values.get(self._info.name),))

    def action_cancel(self) -> None:
        """Leave it undecided."""
        self.dismiss(None)
