"""Answers by one digit each: the choices stand in the line, numbered; a digit answers and leads on.

Letters are for words and answer nothing here: what is typed by mistake can never become an answer of the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.strip import Strip

from iop_tui.ui.forms.fields import ValueField
from iop_tui.ui.text.cellfit import Part, fit, strip_of
from iop_tui.ui.theme import tones

DIGITS = "123456789"


def keys_for(choices: Sequence[str]) -> tuple[str, ...]:
    """One digit per choice, in order; none from the tenth on, which the arrows reach."""
    return tuple(DIGITS[place] if place < len(DIGITS) else "" for place in range(len(choices)))


class AnswerField(ValueField):
    """One of a few words, each chosen by its digit; `Answered` follows, so that a form goes on to the next field.

    Left and Right step without going on; Backspace takes the answer back.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "step(1)", show=False), Binding("left", "step(-1)", show=False),
        Binding("delete,backspace", "clear", show=False), Binding("enter", "confirm", show=False),
    ]

    class Answered(ValueField.About):
        """A digit answered, at a time (0 where an answer that stood was confirmed); the field has its value."""

    def __init__(self, choices: Sequence[str], value: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.choices, self.value = tuple(choices), value
        self.keys = keys_for(self.choices)

    def offered(self) -> str:
        """`1 or 2`, `1 to 5`."""
        last = max((key for key in self.keys if key), default="1")
        return f"1 {'or' if last == '2' else 'to'} {last}"

    def shown(self) -> str:
        """The value in words."""
        return self.value or "not answered"

    def action_step(self, by: int) -> None:
        """The next or previous choice; from nothing to the first or last."""
        if self.value in self.choices:
            self.set_value(self.choices[(self.choices.index(self.value) + by) % len(self.choices)])
        else:
            self.set_value(self.choices[0 if by > 0 else -1])

    def action_clear(self) -> None:
        """Back to not answered."""
        self.set_value("")

    def action_confirm(self) -> None:
        """An answer that stands leads on."""
        if self.value:
            self.post_message(self.Answered(self))

    def choose(self) -> None:
        """A click steps on."""
        self.action_step(1)

    def goes_on(self, letter: str) -> bool:
        """Answers may follow each other as fast as somebody types them."""
        return letter in self.keys

    def answer(self, letter: str, at: float) -> bool:
        """The digit of a choice answers and leads on."""
        if letter not in self.keys:
            return False
        self.set_value(self.choices[self.keys.index(letter)])
        self.post_message(self.Answered(self, at))
        return True

    def render_line(self, y: int) -> Strip:
        """The answer; with the focus all of them, the digit of each before it."""
        del y
        styles, width = tones(self.app.theme), self.size.width
        if not self.has_focus:
            style = styles.text if self.value else styles.dim
            return strip_of([(fit(self.shown(), width), style)], width, styles.text)
        parts: list[Part] = []
        for choice, key in zip(self.choices, self.keys, strict=True):
            chosen = choice == self.value
            parts += [(key, styles.accent), (" " if key else "", styles.text)]
            parts += [(choice, styles.cursor if chosen else styles.text), (" ", styles.text)]
        return strip_of(parts, width, styles.text)
