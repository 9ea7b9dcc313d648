"""Modals that ask for one thing in words: a line with its consequence, or a choice and a line together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from iop_tui.ui.forms.fields import ChoiceField, LineInput
from iop_tui.ui.frame.bars import Lines, Toned
from iop_tui.ui.text.cellfit import wrap

_WIDTH = 60
_CSS = """
    AskLine { align: center middle; }
    AskLine .box { width: 68; max-width: 100%; height: auto; max-height: 90%; padding: 1 2; background: $kit-ground;
                   border: solid $kit-accent; }
    AskLine Lines { height: auto; }
    AskLine ChoiceField { margin-bottom: 1; }
"""


class AskLine(ModalScreen[tuple[str, str] | None]):
    """One line of text, with a choice before it where `choices` are given. Result: (choice, text), None for Esc.

    Enter takes; with `needed`, an empty line (or an open choice) stays and says so.
    """

    DEFAULT_CSS = _CSS
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", show=False)]

    def __init__(
        self, title: str, consequence: str, label: str, *, value: str = "", choices: Sequence[str] = (),
        needed: bool = True, done: str = "done",
    ) -> None:  # fmt: skip
        super().__init__()
        self._title, self._consequence, self._label, self._done = title, consequence, label, done
        self._value, self._choices, self._needed = value, tuple(choices), needed

    def compose(self) -> ComposeResult:
        """Question, consequence, the inputs, the keys."""
        head: list[list[Toned]] = [[(self._title, "strong")], []]
        head += [[(line, "text")] for line in wrap(self._consequence, _WIDTH)] if self._consequence else []
        with Vertical(classes="box"):
            yield Lines([*head, []])
            if self._choices:
                yield ChoiceField(self._choices, title=self._title)
            yield Lines([[(self._label, "dim")]])
            yield LineInput(self._value)
            yield Lines([[]], id="wrong")
            yield Lines([[("[Enter]", "accent"), (f" {self._done}     ", "text"), ("[Tab]", "accent"),
                          (" next     ", "text"), ("[Esc]", "accent"), (" back", "text")]])  # fmt: skip

    def on_mount(self) -> None:
        """Type or choose at once."""
        (self.query_one(ChoiceField) if self._choices else self.query_one(LineInput)).focus()

    @on(Input.Submitted)
    def _taken(self, event: Input.Submitted) -> None:
        event.stop()
        choice = self.query_one(ChoiceField).value if self._choices else ""
        text = event.value.strip()
        if self._choices and not choice:
            self._refuse("Choose first: Tab goes to the choice, Right steps through it.")
        elif self._needed and not text:
            self._refuse("Write a few words first.")
        else:
            self.dismiss((choice, text))

    def _refuse(self, why: str) -> None:
        self.query_one("#wrong", Lines).show([[(f"! {why}", "danger")]])

    def action_cancel(self) -> None:
        """Leave everything as it is."""
        self.dismiss(None)
