"""The text editor: plain text, soft wrap, undo and redo, a snapshot at most one second behind the keys."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.timer import Timer
from textual.widgets import TextArea
from textual.widgets.text_area import Edit, EditResult

from iop_tui.kernel.text import clean
from iop_tui.ui.keys import KIT

SNAPSHOT_SECONDS = 0.8


class NoteText(TextArea):
    """Free text. What is typed or pasted is sanitised; `Snapshot` carries the text for the journal.

    A snapshot comes at most `SNAPSHOT_SECONDS` after the first unsaved key, when the field loses
    focus, and from `snapshot()`; never once per key.
    """

    DEFAULT_CSS = """
    NoteText { background: $kit-ground; color: $kit-text; padding: 0 1; border: none; scrollbar-size-vertical: 1;
               scrollbar-color: $kit-dim; scrollbar-background: $kit-ground; scrollbar-color-hover: $kit-dim;
               scrollbar-background-hover: $kit-ground; scrollbar-color-active: $kit-dim;
               scrollbar-background-active: $kit-ground; }
    NoteText:focus { border: none; background-tint: transparent; }
    NoteText .text-area--cursor-line { background: $kit-ground; }
    NoteText .text-area--cursor { color: $input-cursor-foreground; background: $input-cursor-background;
                                  text-style: $input-cursor-text-style; }
    NoteText .text-area--selection { background: $kit-cursor; text-style: $kit-cursor-style; }
    NoteText .text-area--placeholder { color: $kit-dim; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*KIT.bindings("text")]

    class Snapshot(Message):
        """The text, for the journal."""

        def __init__(self, note_text: NoteText, text: str) -> None:
            super().__init__()
            self.note_text, self.text = note_text, text

        @property
        def control(self) -> NoteText:
            """The editor."""
            return self.note_text

    def __init__(
        self, text: str = "", *, placeholder: str = "", read_only: bool = False, id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(clean(text), language=None, theme="css", soft_wrap=True, tab_behavior="focus",
                         show_line_numbers=False, compact=True, highlight_cursor_line=False, read_only=read_only,
                         placeholder=clean(placeholder), id=id, classes=classes)
        self.cursor_blink = False
        self._pending: Timer | None = None

    def load(self, text: str) -> None:
        """Replace the whole text and forget the undo history; no snapshot follows."""
        self.load_text(text)
        self.call_after_refresh(self._forget_pending)

    def insert_phrase(self, text: str) -> None:
        """Insert a phrase at the cursor, undoable in one step."""
        self.insert(text, maintain_selection_offset=False)

    def snapshot(self) -> None:
        """Send the text now if it changed since the last snapshot."""
        if self._pending is not None:
            self._forget_pending()
            self.post_message(self.Snapshot(self, self.text))

    def word_count(self) -> int:
        """How many words there are."""
        return len(self.text.split())

    def on_text_area_changed(self) -> None:
        """Start the second; later keys do not restart it."""
        if self._pending is None:
            self._pending = self.set_timer(SNAPSHOT_SECONDS, self.snapshot)

    def on_blur(self) -> None:
        """Nothing stays behind in a field that was left."""
        self.snapshot()

    def _forget_pending(self) -> None:
        if self._pending is not None:
            self._pending.stop()
            self._pending = None

    def load_text(self, text: str) -> None:
        """Replace the whole text, sanitised."""
        super().load_text(clean(text))

    def edit(self, edit: Edit) -> EditResult:
        """Every change by keys, paste or call goes through here, sanitised."""
        edit.text = clean(edit.text)
        return super().edit(edit)

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()  # Textual would call the method of the base class once more
        await super()._on_paste(event)
