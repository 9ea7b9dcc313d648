"""The small inputs of forms: a line, a choice, several choices, yes or no, a secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from iop_tui.kernel.text import clean, clean_line
from iop_tui.ui.dialogs import PickOne, PickSeveral
from iop_tui.ui.forms.keyruns import KeyRun
from iop_tui.ui.text.cellfit import fit, strip_of
from iop_tui.ui.text.editor import pasted
from iop_tui.ui.theme import tones

_MASK = "*"


class LineInput(Input):
    """One line of text. Everything typed or pasted is sanitised; line ends of a paste become blanks."""

    DEFAULT_CSS = """
    LineInput { background: $kit-field; color: $kit-text; }
    LineInput:focus { background: $kit-field; background-tint: transparent; }
    LineInput > .input--placeholder { color: $kit-dim; }
    LineInput:ansi > .input--cursor { background: ansi_default; color: ansi_default; text-style: reverse; }
    """

    def __init__(
        self, value: str = "", *, placeholder: str = "", max_length: int = 0, id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(clean_line(value), placeholder, compact=True, max_length=max_length, select_on_focus=False,
                         id=id, classes=classes)
        self.cursor_blink = False
        self.last_edit = ""
        """What the last change put in."""

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        pasted(self, clean_line(event.text), self._put_pasted)

    def action_paste(self) -> None:
        """What was copied inside the program."""
        pasted(self, clean_line(self.app.clipboard), self._put_pasted, inside=True)

    def _put_pasted(self, text: str) -> None:
        """In the place of the selection."""
        self.replace(text, *self.selection)

    def replace(self, text: str, start: int, end: int) -> None:
        """Every change by keys, paste or call goes through here, sanitised."""
        self.last_edit = clean(text).replace("\n", " ")
        super().replace(self.last_edit, start, end)

    def validate_value(self, value: str) -> str:
        """What is set directly is sanitised, too."""
        return clean(value).replace("\n", " ")


class ValueField(Widget, can_focus=True):
    """Base of one-line fields that are chosen, not typed.

    A printable key answers only by itself. In a run of keys that is no answer's own word it does not: the value from
    before comes back, the rest goes nowhere, and `Refused` says so. Ctrl+Z asks for the last answer back.
    """

    DEFAULT_CSS = "ValueField { height: 1; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+z", "take_back", show=False)]
    value: Any

    class About(Message):
        """Something about a field; `at` is when, in seconds of the events."""

        def __init__(self, field: ValueField, at: float = 0.0) -> None:
            super().__init__()
            self.field, self.at = field, at

        @property
        def control(self) -> ValueField:
            """The field."""
            return self.field

    class Changed(About):
        """Another value was chosen."""

    class Refused(About):
        """Words were typed or pasted; nothing was taken."""

    class BackAsked(About):
        """The last answer is to be taken back."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.run = KeyRun()
        self._before: Any = None

    def shown(self) -> str:
        """The value in words."""
        return ""

    def offered(self) -> str:
        """Which keys answer, as a message says it."""
        return "Enter to open it"

    def render_line(self, y: int) -> Strip:
        """The value; in the cursor's style while focused."""
        del y
        styles = tones(self.app.theme)
        style = styles.cursor if self.has_focus else styles.text
        text = self.shown()
        return strip_of([(fit(text, self.size.width), style)], self.size.width, style)

    def on_focus(self) -> None:
        """Show the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """Show the focus; a run of keys ends here."""
        self.run.end()
        self.refresh()

    def on_click(self) -> None:
        """A click chooses."""
        self.focus()
        self.choose()

    def choose(self) -> None:
        """Open the choice."""

    def set_value(self, value: Any) -> None:
        """Show another value."""
        if value != self.value:
            self.value = value
            self._changed()

    def _changed(self) -> None:
        self.refresh()
        self.post_message(self.Changed(self))

    def action_take_back(self) -> None:
        """Ask for the last answer back."""
        self.post_message(self.BackAsked(self))

    # -- keys that answer ------------------------------------------------------------------------

    def answer(self, letter: str, at: float) -> bool:
        """Hook: a printable key that came by itself, in lower case; whether it answers. `at` is when it came."""
        del letter, at
        return False

    def spell(self, word: str) -> bool:
        """Hook: keys that follow each other closely, in lower case; whether they begin an answer's own word."""
        del word
        return False

    def goes_on(self, letter: str) -> bool:
        """Hook: whether a key may follow closely on the answer of the field before."""
        del letter
        return False

    def on_key(self, event: events.Key) -> None:
        """A key by itself may answer; keys that make a word do not."""
        if not event.is_printable or event.character is None:
            self.run.end()
            return
        letter, at, before = event.character.lower(), event.time, self.value
        if self.run.swallows(at):
            event.stop()
            return
        word = self.run.word(letter, at)
        if (self.run.follows(at) and not self.goes_on(letter)) or (len(word) > 1 and not self.spell(word)):
            event.stop()
            self._refuse(at)
        elif len(word) > 1 or self.answer(letter, at):
            event.stop()
            self._before = before if self.run.answers(at) else self._before
        elif event.key not in self.screen.active_bindings:
            event.stop()
            self._refuse(at)

    def on_paste(self, event: events.Paste) -> None:
        """A pasted text is no answer."""
        event.stop()
        self.post_message(self.Refused(self, event.time))

    def _refuse(self, at: float) -> None:
        if self.run.answered(at):
            self.set_value(self._before)
        self.run.end()
        self.run.refuse(at)
        self.post_message(self.Refused(self, at))


class ChoiceField(ValueField):
    """One of several words: Left and Right step, a letter or a word's beginning jumps, Enter or Space opens a list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "step(1)", show=False), Binding("left", "step(-1)", show=False),
        Binding("enter,space", "choose", show=False), Binding("delete,backspace", "clear", show=False),
    ]

    def __init__(self, choices: Sequence[str], value: str = "", *, title: str = "", id: str | None = None) -> None:
        super().__init__(id=id)
        self.choices, self.value, self._title = tuple(choices), value, title

    def shown(self) -> str:
        """The value, between angles that say: there is more."""
        return f"< {self.value or 'choose'} >"

    def offered(self) -> str:
        """A letter, or the list."""
        return "one letter or the word itself, or Enter for the list"

    def action_step(self, by: int) -> None:
        """The next or previous choice; from nothing to the first or last."""
        if self.value in self.choices:
            self.set_value(self.choices[(self.choices.index(self.value) + by) % len(self.choices)])
        elif self.choices:
            self.set_value(self.choices[0 if by > 0 else -1])

    def action_clear(self) -> None:
        """Back to not answered."""
        self.set_value("")

    def action_choose(self) -> None:
        """Open the list."""
        self.choose()

    def choose(self) -> None:
        """Open the list."""
        options = [(choice, choice) for choice in self.choices]
        self.app.push_screen(PickOne(self._title, options, self.value), self._chosen)

    def _chosen(self, value: str | None) -> None:
        if value is not None:
            self.set_value(value)

    def answer(self, letter: str, at: float) -> bool:
        """A letter goes to the next choice that begins with it."""
        del at
        start = self.choices.index(self.value) + 1 if self.value in self.choices else 0
        order = [*self.choices[start:], *self.choices[:start]]
        found = next((choice for choice in order if choice.lower().startswith(letter)), None)
        if found is None or not letter.isalnum():
            return False
        self.set_value(found)
        return True

    def spell(self, word: str) -> bool:
        """The first letters of a choice, typed in one go, go to it."""
        found = next((choice for choice in self.choices if choice.lower().startswith(word)), None)
        if found is not None:
            self.set_value(found)
        return found is not None


class SeveralField(ValueField):
    """Any number of several words: Enter or Space opens the list with marks."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "choose", show=False)]

    def __init__(
        self, choices: Sequence[str], value: Sequence[str] = (), *, title: str = "", id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.choices, self.value, self._title = tuple(choices), tuple(value), title

    def shown(self) -> str:
        """The marked words."""
        return f"< {', '.join(self.value) or 'choose'} >"

    def set_value(self, value: Sequence[str]) -> None:
        """Show other values."""
        if tuple(value) != self.value:
            self.value = tuple(value)
            self._changed()

    def action_choose(self) -> None:
        """Open the list."""
        self.choose()

    def choose(self) -> None:
        """Open the list."""
        options = [(choice, choice) for choice in self.choices]
        self.app.push_screen(PickSeveral(self._title, options, self.value), self._chosen)

    def _chosen(self, value: tuple[str, ...] | None) -> None:
        if value is not None:
            self.set_value(value)


class YesNoField(ValueField):
    """Yes, no, or (where allowed) not answered: Space switches, `y` and `n` by themselves say it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,left,right", "choose", show=False), Binding("delete,backspace", "clear", show=False),
    ]

    def __init__(self, value: bool | None = None, *, optional: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self.value = value if optional or value is not None else False
        self._optional = optional

    def shown(self) -> str:
        """A box and a word."""
        return {True: "[x] yes", False: "[ ] no", None: "[-] not answered"}[self.value]

    def offered(self) -> str:
        """The two letters."""
        return "y or n by itself"

    def set_value(self, value: bool | None) -> None:
        """Show another value."""
        value = value if self._optional or value is not None else False
        if value is not self.value:
            self.value = value
            self._changed()

    def answer(self, letter: str, at: float) -> bool:
        """Yes, no, or the other one."""
        del at
        said = {"y": True, "n": False, " ": not self.value}
        if letter in said:
            self.set_value(said[letter])
        return letter in said

    def spell(self, word: str) -> bool:
        """The word itself."""
        said = {"yes"[: len(word)]: True, "no"[: len(word)]: False}
        if word in said:
            self.set_value(said[word])
        return word in said

    def action_clear(self) -> None:
        """Back to not answered, where that is allowed."""
        self.set_value(None)

    def action_choose(self) -> None:
        """The other value."""
        self.set_value(not self.value)

    def choose(self) -> None:
        """The other value."""
        self.action_choose()


class SecretInput(Widget, can_focus=True):
    """A passphrase or code: keys go into a byte buffer, only marks are drawn, nothing reactive holds it.

    `take` hands the buffer over and starts a new one; whoever takes it wipes it. The widget wipes what
    is left when it goes away.
    """

    DEFAULT_CSS = "SecretInput { height: 1; width: 1fr; }"

    class Submitted(Message):
        """Enter was pressed; call `take` on `secret_input`."""

        def __init__(self, secret_input: SecretInput) -> None:
            super().__init__()
            self.secret_input = secret_input

        @property
        def control(self) -> SecretInput:
            """The widget."""
            return self.secret_input

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._buffer = bytearray()

    def take(self) -> bytearray:
        """The UTF-8 bytes typed so far; the widget forgets them."""
        taken, self._buffer = self._buffer, bytearray()
        self.refresh()
        return taken

    def wipe(self) -> None:
        """Overwrite and forget what was typed."""
        self._buffer[:] = bytes(len(self._buffer))
        self._buffer = bytearray()
        self.refresh()

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Printable keys belong to the secret, whatever they are bound to elsewhere."""
        del key
        return character is not None and character.isprintable()

    def on_key(self, event: events.Key) -> None:
        """Collect keys; Backspace takes one away, Ctrl+U all."""
        if event.key == "enter":
            self.post_message(self.Submitted(self))
        elif event.key == "backspace":
            self._drop_last()
        elif event.key == "ctrl+u":
            self.wipe()
        elif event.is_printable and event.character:
            self._buffer += event.character.encode()
        else:
            return
        event.stop()
        event.prevent_default()
        self.refresh()

    def on_paste(self, event: events.Paste) -> None:
        """Take a pasted secret without its line ends."""
        event.stop()
        self._buffer += event.text.strip("\r\n").encode()
        self.refresh()

    def on_unmount(self) -> None:
        """Forget."""
        self._buffer[:] = bytes(len(self._buffer))

    def _drop_last(self) -> None:
        while self._buffer:
            byte = self._buffer[-1]
            self._buffer[-1] = 0
            del self._buffer[-1]
            if byte & 0xC0 != 0x80:
                return

    def render_line(self, y: int) -> Strip:
        """Marks, then the cursor."""
        del y
        styles = tones(self.app.theme)
        size = min(sum(byte & 0xC0 != 0x80 for byte in self._buffer), max(self.size.width - 1, 0))
        marks = Segment(_MASK * size, styles.text)
        cursor = Segment(" ", styles.cursor if self.has_focus else styles.text)
        rest = Segment(" " * max(self.size.width - size - 1, 0), styles.text)
        return Strip([marks, cursor, rest], self.size.width)
