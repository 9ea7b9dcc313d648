"""Answers by one key each: the choices stand in the line, each with its key; a key answers and leads on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from iop_tui.ui.cellfit import Part, fit, strip_of
from iop_tui.ui.fields import ValueField
from iop_tui.ui.theme import tones


def keys_for(choices: Sequence[str]) -> tuple[str, ...]:
    """One key per choice: the first letter of its words that no earlier choice took, a digit where none is left."""
    taken: list[str] = []
    for place, choice in enumerate(choices, 1):
        letters = [letter for letter in choice.lower() if letter.isascii() and letter.isalpha()]
        taken.append(next((letter for letter in letters if letter not in taken), str(place)))
    return tuple(taken)


class AnswerField(ValueField):
    """One of a few words, each chosen by its own key; `Answered` follows, so that a form goes on to the next field.

    Left and Right step without going on; Backspace takes the answer back.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "step(1)", show=False), Binding("left", "step(-1)", show=False),
        Binding("delete,backspace", "clear", show=False),
    ]

    class Answered(Message):
        """A key answered; the field has its value."""

        def __init__(self, field: AnswerField) -> None:
            super().__init__()
            self.field = field

        @property
        def control(self) -> AnswerField:
            """The field."""
            return self.field

    def __init__(self, choices: Sequence[str], value: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.choices, self.value = tuple(choices), value
        self.keys = keys_for(self.choices)

    def shown(self) -> str:
        """The value in words."""
        return self.value or "not answered"

    def set_value(self, value: str) -> None:
        """Show another value."""
        if value != self.value:
            self.value = value
            self._changed()

    def action_step(self, by: int) -> None:
        """The next or previous choice; from nothing to the first or last."""
        if self.value in self.choices:
            self.set_value(self.choices[(self.choices.index(self.value) + by) % len(self.choices)])
        else:
            self.set_value(self.choices[0 if by > 0 else -1])

    def action_clear(self) -> None:
        """Back to not answered."""
        self.set_value("")

    def choose(self) -> None:
        """A click steps on."""
        self.action_step(1)

    def on_key(self, event: events.Key) -> None:
        """The key of a choice answers; Enter confirms an answer that stands."""
        letter = (event.character or "").lower()
        if letter and letter in self.keys:
            event.stop()
            self.set_value(self.choices[self.keys.index(letter)])
            self.post_message(self.Answered(self))
        elif event.key == "enter" and self.value:
            event.stop()
            self.post_message(self.Answered(self))

    def render_line(self, y: int) -> Strip:
        """The answer; with the focus all of them, the key of each in brackets."""
        del y
        styles, width = tones(self.app.theme), self.size.width
        if not self.has_focus:
            style = styles.text if self.value else styles.dim
            return strip_of([(fit(self.shown(), width), style)], width, styles.text)
        parts: list[Part] = []
        for choice, key in zip(self.choices, self.keys, strict=True):
            chosen = choice == self.value
            parts += [(_with_key(choice, key), styles.cursor if chosen else styles.text), (" ", styles.text)]
        return strip_of(parts, width, styles.text)


def _with_key(choice: str, key: str) -> str:
    """`m[o]derate`; a digit stands before the word."""
    at = choice.lower().find(key)
    return f"{choice[:at]}[{choice[at]}]{choice[at + 1:]}" if at >= 0 else f"[{key}]{choice}"
