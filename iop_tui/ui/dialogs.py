"""Modals for decisions: confirm, pick one, pick several, which key follows, messages.

They are one level deep, leave the picture behind them untouched (few bytes) and end with Esc.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Static

from iop_tui.kernel.text import clean, clean_line
from iop_tui.ui.frame.bars import Bar
from iop_tui.ui.keys import Action, show_key
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList

_BOX = """
    .box { width: auto; min-width: 40; max-width: 90%; height: auto; max-height: 90%; padding: 1 2;
           background: $kit-ground; border: solid $kit-accent; }
    .box > .title { text-style: bold; width: auto; max-width: 100%; }
    .box > .hint { color: $kit-dim; margin-top: 1; width: auto; }
    RecordList { width: 50; max-width: 100%; }
"""


def _css(name: str, more: str = "", align: str = "center middle") -> str:
    return f"{name} {{ align: {align}; {_BOX} {more} }}"


_BACK = Binding("escape", "cancel", "Back", show=False)


class Confirm(ModalScreen[bool]):
    """A question that states the consequence. Enter and Esc cancel; only `key` confirms.

    The key must differ from the one that opened the dialog, so that a held key decides nothing.
    """

    DEFAULT_CSS = _css("Confirm", ".consequence { width: 60; max-width: 100%; margin-top: 1; }")
    BINDINGS: ClassVar[list[BindingType]] = [_BACK, Binding("enter", "cancel", show=False)]

    def __init__(self, question: str, consequence: str, *, key: str = "y", label: str = "yes") -> None:
        super().__init__()
        self._question, self._consequence, self._key, self._label = question, consequence, key, label

    def compose(self) -> ComposeResult:
        """Question, consequence, the two keys."""
        with Vertical(classes="box"):
            yield Static(clean_line(self._question), classes="title", markup=False)
            yield Static(clean(self._consequence), classes="consequence", markup=False)
            yield ConfirmKeys(show_key(self._key), self._label)

    def on_key(self, event: Key) -> None:
        """Confirm with the one key."""
        if self._key in (event.key, event.character):
            event.stop()
            self.dismiss(True)

    def action_cancel(self) -> None:
        """Leave everything as it is."""
        self.dismiss(False)


class ConfirmKeys(Bar):
    """Cancel, where the focus is, and the other key."""

    DEFAULT_CSS = "ConfirmKeys { margin-top: 1; }"
    ground = "text"

    def __init__(self, key: str, label: str) -> None:
        super().__init__([("[ Cancel ]", "cursor"), ("   ", "text"), (key, "strong"), (f" {label}", "text")])


class PickOne(ModalScreen[str | None]):
    """Choose one of a few: arrows or first letters, Enter takes, Esc leaves. Result: the option's key."""

    DEFAULT_CSS = _css("PickOne")
    BINDINGS: ClassVar[list[BindingType]] = [_BACK]

    def __init__(self, title: str, options: Sequence[tuple[str, str]], current: str = "") -> None:
        """`options` are (key, label) pairs."""
        super().__init__()
        self._title, self._options, self._current = title, list(options), current

    def compose(self) -> ComposeResult:
        """Title and options."""
        with Vertical(classes="box"):
            yield Static(clean_line(self._title), classes="title", markup=False)
            yield self._list()

    def _list(self) -> RecordList[tuple[str, str]]:
        column: Column[tuple[str, str]] = Column("label", "", lambda option: self._label(option), 20, weight=1)
        return RecordList([column], key=lambda option: option[0], header=False)

    def _label(self, option: tuple[str, str]) -> str | Cell:
        return Cell(option[1], "accent") if option[0] == self._current else option[1]

    def on_mount(self) -> None:
        """Start on the current choice."""
        rows = self.query_one(RecordList)
        rows.styles.height = min(max(len(self._options), 1), 14)
        rows.set_rows(self._options)
        rows.focus()

    def on_record_list_loaded(self, event: RecordList.Loaded) -> None:
        """Put the cursor on what is chosen now."""
        place = next((at for at, option in enumerate(self._options) if option[0] == self._current), 0)
        event.record_list.move_to(place)

    def on_record_list_opened(self, event: RecordList.Opened) -> None:
        """Take the row."""
        event.stop()
        self._take(event.row[0])

    def _take(self, key: str) -> None:
        self.dismiss(key)

    def on_key(self, event: Key) -> None:
        """A letter goes to the next option that begins with it."""
        letter = (event.character or "").lower()
        if not letter.isalnum():
            return
        rows = self.query_one(RecordList)
        count = len(self._options)
        order = ((rows.cursor + step) % count for step in range(1, count + 1)) if count else ()
        place = next((at for at in order if self._options[at][1].lower().startswith(letter)), None)
        if place is not None:
            event.stop()
            rows.move_to(place)

    def action_cancel(self) -> None:
        """Choose nothing."""
        self.dismiss(None)


class PickSeveral(ModalScreen[tuple[str, ...] | None]):
    """Choose any number: Space marks, Enter takes, Esc leaves. Result: the keys in the order of the options."""

    DEFAULT_CSS = _css("PickSeveral")
    BINDINGS: ClassVar[list[BindingType]] = [_BACK]

    def __init__(self, title: str, options: Sequence[tuple[str, str]], chosen: Sequence[str] = ()) -> None:
        super().__init__()
        self._title, self._options, self._chosen = title, list(options), set(chosen)

    def compose(self) -> ComposeResult:
        """Title, options with marks, the two keys."""
        column: Column[tuple[str, str]] = Column("label", "", lambda option: option[1], 20, weight=1)
        with Vertical(classes="box"):
            yield Static(clean_line(self._title), classes="title", markup=False)
            yield RecordList([column], key=lambda option: option[0], header=False, selectable=True)
            yield Static("[Space] mark     [Enter] done", classes="hint", markup=False)

    def on_mount(self) -> None:
        """Start with the marks that are set."""
        rows = self.query_one(RecordList)
        rows.styles.height = min(max(len(self._options), 1), 14)
        rows.selected = set(self._chosen)
        rows.set_rows(self._options)
        rows.focus()

    def on_record_list_opened(self, event: RecordList.Opened) -> None:
        """Take what is marked."""
        event.stop()
        marked = event.record_list.selected
        self.dismiss(tuple(key for key, _ in self._options if key in marked))

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss(None)


class WhichKey(ModalScreen[str | None]):
    """After the first of two strokes: what may follow, at once. Result: the action's id."""

    DEFAULT_CSS = _css("WhichKey", ".box { margin-bottom: 2; padding: 0 2 0 0; }", "left bottom")
    BINDINGS: ClassVar[list[BindingType]] = [_BACK]

    def __init__(self, prefix: str, following: Sequence[tuple[str, Action]]) -> None:
        super().__init__()
        self._prefix, self._following = prefix, following

    def compose(self) -> ComposeResult:
        """One line per key."""
        lines = [f"{show_key(second):>3}  {action.name}" for second, action in self._following]
        with Vertical(classes="box"):
            yield Static(Content("\n".join(lines)), markup=False)

    def on_key(self, event: Key) -> None:
        """Run what the key stands for; any other key goes back."""
        event.stop()
        event.prevent_default()
        self.dismiss(next((action.id for second, action in self._following if second == event.key), None))

    def action_cancel(self) -> None:
        """Go back."""
        self.dismiss(None)


class MessageList(ModalScreen[None]):
    """What was reported in this session, newest first."""

    DEFAULT_CSS = _css("MessageList", "RecordList { width: 70; height: 15; }")
    BINDINGS: ClassVar[list[BindingType]] = [_BACK]

    def __init__(self, messages: Sequence[tuple[str, str]]) -> None:
        """(severity, text) pairs."""
        super().__init__()
        self._messages = list(enumerate(reversed(messages)))

    def compose(self) -> ComposeResult:
        """Title and messages."""
        column: Column[tuple[int, tuple[str, str]]] = Column("text", "", _message_cell, 30, weight=1)
        with Vertical(classes="box"):
            yield Static("Messages", classes="title", markup=False)
            yield RecordList([column], key=lambda row: row[0], header=False, empty="Nothing was reported yet.")

    def on_mount(self) -> None:
        """Show them."""
        rows = self.query_one(RecordList)
        rows.set_rows(self._messages)
        rows.focus()

    def action_cancel(self) -> None:
        """Go back."""
        self.dismiss(None)


def _message_cell(row: tuple[int, tuple[str, str]]) -> Cell:
    severity, text = row[1]
    tone = {"warning": "warn", "error": "danger"}.get(severity, "text")
    return Cell(("! " if tone != "text" else "") + text, tone)
