"""The text editor: plain text, soft wrap, undo and redo, a snapshot at most one second behind the keys.

What helps to write is given to it: shortcuts that expand, words to mark, offers behind a `#`. It knows none of them.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import TextArea
from textual.widgets.text_area import Edit, EditResult

from iop_tui.kernel.text import clean
from iop_tui.ui.keys import KIT
from iop_tui.ui.text.sparing import SparingTextArea
from iop_tui.ui.theme import tones

SNAPSHOT_SECONDS = 0.8
LONGEST_PASTE = 60_000
"""Characters of one paste: more is a document of its own, and a line of a megabyte would make every key wait."""
TRIGGER = "#"
_LINE_OF_GAPS = re.compile(r"\[[^\[\]\n]{1,60}\]")
_BEGINS = re.compile(r"(?:^|[\s(\[/])$")


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that may stand behind a `#`: what is inserted, and what the list shows."""

    key: str
    insert: str
    label: str


@dataclass(frozen=True, slots=True)
class Change:
    """Characters `start` to `stop` of a line become `text`; the cursor then stands `cursor` characters into it."""

    start: int
    stop: int
    text: str
    cursor: int


Expander = Callable[[str], Change | None]
"""What a blank or Tab behind a line so far does."""
Completer = Callable[[str], Sequence[Offer]]
"""What is offered for what was typed behind a `#`."""


@runtime_checkable
class Vetting(Protocol):
    """An app that has rules for pasted text."""

    def vets(self, screen: Any) -> bool:
        """Whether pastes on this screen are looked at."""
        ...

    def source_of(self, text: str) -> Any:
        """Where the text of the program's own clipboard was copied."""
        ...

    async def vetted(self, screen: Any, text: str, source: Any) -> str:
        """The text to insert. Raises where it may not be."""
        ...


PASTE = "paste"
"""The group of a page's work that looks at what was pasted."""


def pasted(widget: Widget, text: str, insert: Callable[[str], None], *, inside: bool = False) -> None:
    """Insert a pasted text, now or after the app has looked at where it came from and where it goes.

    The kit knows no rule: an app that is `Vetting` and vets the screen is asked. `inside`: it comes from the program's
    own clipboard.
    """
    app, screen = cast(Any, widget.app), widget.screen
    start = getattr(screen, "start", None)
    if start is None or not isinstance(app, Vetting) or not app.vets(screen):
        insert(text)
        return
    source = app.source_of(text) if inside else None

    async def look(call: Callable[[], Awaitable[str]]) -> None:
        insert(await call())

    start(look, partial(app.vetted, screen, text, source), group=PASTE)


class NoteText(SparingTextArea):
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

    class Offering(Message):
        """What is offered behind the `#` now, and which of it is chosen; nothing when it is over."""

        def __init__(self, note_text: NoteText, offers: Sequence[Offer], chosen: int) -> None:
            super().__init__()
            self.note_text, self.offers, self.chosen = note_text, tuple(offers), chosen

        @property
        def control(self) -> NoteText:
            """The editor."""
            return self.note_text

    class Taken(Message):
        """An offer was taken; it stands in the text."""

        def __init__(self, note_text: NoteText, offer: Offer) -> None:
            super().__init__()
            self.note_text, self.offer = note_text, offer

        @property
        def control(self) -> NoteText:
            """The editor."""
            return self.note_text

    class Spent(Message):
        """Undo was asked for, and nothing typed here is left to undo."""

        def __init__(self, note_text: NoteText) -> None:
            super().__init__()
            self.note_text = note_text

        @property
        def control(self) -> NoteText:
            """The editor."""
            return self.note_text

    class PasteRefused(Message):
        """A paste was too long; nothing was pasted."""

        def __init__(self, note_text: NoteText, characters: int) -> None:
            super().__init__()
            self.note_text, self.characters = note_text, characters

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
        self.last_edit = ""
        """What the last change put in."""
        self.follower: Callable[[NoteText, float], None] | None = None
        """Told of every change and when it came, instead of a message that goes up."""
        self.expander: Expander | None = None
        self.completer: Completer | None = None
        self._pending: Timer | None = None
        self._marked: re.Pattern[str] | None = None
        self._begun: tuple[int, int] | None = None
        self._offers: tuple[Offer, ...] = ()
        self._chosen = 0

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

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Start the second; later keys do not restart it. A form is told at once, not through every container."""
        if self._pending is None:
            self._pending = self.set_timer(SNAPSHOT_SECONDS, self.snapshot)
        if self._begun is not None:
            self._offer()
        if self.follower is not None:
            event.stop()
            self.follower(self, event.time)

    def on_text_area_selection_changed(self, event: TextArea.SelectionChanged) -> None:
        """Nobody asks where the cursor goes: one message less on its way up through every container per key."""
        event.stop()

    def on_blur(self) -> None:
        """Nothing stays behind in a field that was left."""
        self._end_offers()
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
        edit.text = self.last_edit = clean(edit.text)
        return super().edit(edit)

    def action_undo(self) -> None:
        """Take typing back; where none is left, say so."""
        if self.history.undo_stack:
            super().action_undo()
        else:
            self.post_message(self.Spent(self))

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()  # Textual would call the method of the base class once more
        if len(event.text) > LONGEST_PASTE:
            self.post_message(self.PasteRefused(self, len(event.text)))
        elif not self.read_only:
            pasted(self, event.text, self._put_pasted)

    def action_paste(self) -> None:
        """What was copied inside the program."""
        if not self.read_only:
            pasted(self, self.app.clipboard, self._put_pasted, inside=True)

    def _put_pasted(self, text: str) -> None:
        """In the place of the selection, undoable in one step."""
        result = self._replace_via_keyboard(text, *self.selection)
        if result is not None:
            self.move_cursor(result.end_location)

    # -- marks -----------------------------------------------------------------------------------

    def mark_words(self, words: Collection[str]) -> None:
        """Underline these words wherever they stand, until told otherwise."""
        pattern = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
        marked = re.compile(rf"(?<!\w)(?:{pattern})(?!\w)") if words else None
        if marked != self._marked:
            self._marked = marked
            self._line_cache.clear()
            self.refresh()

    def looks(self) -> tuple[object, ...]:
        """Marked words, too, decide how a line looks."""
        return *super().looks(), self._marked

    def get_line(self, line_index: int) -> Text:
        """A line as it is drawn, with its marks."""
        line = super().get_line(line_index)
        if self._marked is not None:
            style = tones(self.app.theme).warn + Style(underline=True)
            for match in self._marked.finditer(line.plain):
                line.stylize(style, *match.span())
        return line

    # -- keys before the stock editor sees them --------------------------------------------------

    async def _on_key(self, event: events.Key) -> None:
        taken = self._offer_key(event) if self._offers else False
        if not taken and event.key in ("space", "tab") and not self.read_only:
            taken = self._expand(event.key)
        if not taken and event.key == "tab" and not self.read_only:
            taken = self.next_gap()
        if taken:
            event.stop()
            event.prevent_default()
        elif event.character == TRIGGER and self.completer is not None and not self.read_only:
            row, column = self.cursor_location
            if _BEGINS.search(self.document.get_line(row)[:column]):
                self._begun = (row, column)

    def _expand(self, key: str) -> bool:
        """Write a shortcut before the cursor out; whether the key has done its work by that."""
        if self.expander is None or not self.selection.is_empty:
            return False
        row, column = self.cursor_location
        change = self.expander(self.document.get_line(row)[:column])
        if change is None:
            return False
        inside = self._apply(change, row)
        return key == "tab" or inside

    def insert_change(self, text: str, cursor: int) -> None:
        """Insert a phrase at the cursor, which then stands `cursor` characters into it; a gap there is selected."""
        row, column = self.cursor_location
        self._apply(Change(column, column, text, cursor), row)

    def _apply(self, change: Change, row: int) -> bool:
        """Make a change in one step of undo; whether the cursor then stands inside the new text."""
        text = clean(change.text)
        self.history.checkpoint()
        self.replace(text, (row, change.start), (row, change.stop), maintain_selection_offset=False)
        self.move_cursor(_behind((row, change.start), text[: change.cursor]))
        if text[change.cursor : change.cursor + 1] == "[":
            self.next_gap()
        return change.cursor < len(text)

    def replace_word(self, word: str, by: str) -> None:
        """Write a word differently wherever it stands."""
        pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
        self.history.checkpoint()
        for row in range(self.document.line_count):
            for match in reversed(list(pattern.finditer(self.document.get_line(row)))):
                self.replace(by, (row, match.start()), (row, match.end()))

    def next_gap(self) -> bool:
        """Select the next `[gap]` behind the cursor, from the top again at the end; whether there is one."""
        row, column = self.cursor_location
        count = self.document.line_count
        for step in range(count + 1):
            at = (row + step) % count
            begin = column if step == 0 else 0
            match = _LINE_OF_GAPS.search(self.document.get_line(at), begin)
            if match is not None:
                self.move_cursor((at, match.start()))
                self.move_cursor((at, match.end()), select=True)
                return True
        return False

    # -- offers ----------------------------------------------------------------------------------

    def _typed(self) -> str | None:
        """What stands between the `#` and the cursor; None when the cursor left it."""
        if self._begun is None:
            return None
        row, column = self.cursor_location
        line = self.document.get_line(row)
        begun_row, begun = self._begun
        if row != begun_row or column <= begun or line[begun : begun + 1] != TRIGGER:
            return None
        return line[begun + 1 : column]

    def _offer(self) -> None:
        typed = self._typed()
        offers = tuple(self.completer(typed)) if typed is not None and self.completer is not None else ()
        if not offers:
            self._end_offers()
            return
        self._chosen = 0 if offers != self._offers else self._chosen
        self._offers = offers
        self.post_message(self.Offering(self, offers, self._chosen))

    def _end_offers(self) -> None:
        self._begun = None
        if self._offers:
            self._offers = ()
            self.post_message(self.Offering(self, (), 0))

    def _offer_key(self, event: events.Key) -> bool:
        """Whether a key was for the offers: arrows choose, Enter and Tab take, Esc ends."""
        if event.key in ("up", "down"):
            self._chosen = (self._chosen + (1 if event.key == "down" else -1)) % len(self._offers)
            self.post_message(self.Offering(self, self._offers, self._chosen))
            return True
        if event.key in ("enter", "tab"):
            self._take(self._offers[self._chosen])
            return True
        if event.key == "escape":
            self._end_offers()
            return True
        if event.key == "space" and (typed := self._typed()) and typed in [offer.insert for offer in self._offers]:
            self._take(next(offer for offer in self._offers if offer.insert == typed))
            return True
        return False

    def _take(self, offer: Offer) -> None:
        if self._begun is None:
            return
        row, begun = self._begun
        self._end_offers()
        self.history.checkpoint()
        end = self.cursor_location
        self.replace(f"{TRIGGER}{offer.insert} ", (row, begun), end, maintain_selection_offset=False)
        self.post_message(self.Taken(self, offer))


def _behind(start: tuple[int, int], text: str) -> tuple[int, int]:
    """The place in the document behind a text that begins at `start`."""
    lines = text.split("\n")
    return (start[0] + len(lines) - 1, len(lines[-1]) + (start[1] if len(lines) == 1 else 0))
