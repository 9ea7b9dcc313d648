"""A virtual outline: a tree as lines, any number of them, drawn one by one; two lines are repainted per key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from rich.cells import cell_len
from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from iop_tui.kernel.text import clean_line
from iop_tui.ui.keys import KIT
from iop_tui.ui.text.cellfit import Part, fit, strip_of
from iop_tui.ui.theme import Tones, tones

_WHEEL = 3
_INDENT = 2
_ROOM = 24
"""Cells the words keep before the tail of a line is left out."""


class OutlineRow(Protocol):
    """What the outline needs to know of a line. `key` names it, `parent` the line it stands below.

    `mark` stands at the edge, `label` (a number, or a name in a column of `label_width` cells) before the words,
    `tail` at the end. A `gap` is an empty line that the cursor passes over.
    """

    @property
    def key(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def label_width(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def depth(self) -> int: ...
    @property
    def tail(self) -> str: ...
    @property
    def mark(self) -> str: ...
    @property
    def tone(self) -> str: ...
    @property
    def tail_tone(self) -> str: ...
    @property
    def parent(self) -> str: ...
    @property
    def children(self) -> bool: ...
    @property
    def folded(self) -> bool: ...
    @property
    def gap(self) -> bool: ...


class OutlineList(Widget, can_focus=True):
    """Lines of a tree. Keys come from the key table (`outline.*`); the owner says which lines there are."""

    DEFAULT_CSS = "OutlineList { height: 1fr; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [*KIT.bindings("outline")]

    class About(Message):
        """Something about a line; each of its kinds is a message of its own."""

        def __init__(self, outline: OutlineList, key: str) -> None:
            super().__init__()
            self.outline, self.key = outline, key

        @property
        def control(self) -> OutlineList:
            """The outline."""
            return self.outline

    class Opened(About):
        """Enter (or a second click) on a line."""

    class Moved(About):
        """The cursor stands on another line."""

    class FoldAsked(About):
        """The line is to be folded or unfolded; the owner sets other rows."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.rows: Sequence[OutlineRow] = ()
        self.cursor = 0
        self._top = 0

    # -- content ---------------------------------------------------------------------------------

    def show(self, rows: Sequence[OutlineRow], key: str = "") -> None:
        """Other lines. The cursor goes to `key`, else stays on its line, else near it."""
        wanted = key or self.key
        before, self.rows = self.rows, rows
        here = self._index(wanted)
        at = min(self.cursor, max(len(rows) - 1, 0)) if here is None else here
        moved, self.cursor = at != self.cursor, at
        if rows and rows[at].gap:
            self.cursor = self._past_gaps(at, 1)
        scrolled = self._show_cursor()
        if scrolled or moved or len(before) != len(rows):
            self.refresh()
        else:
            changed = [place for place, (old, new) in enumerate(zip(before, rows, strict=True)) if old != new]
            if changed:
                self.refresh(*(self._region(place) for place in changed))
        if self.key != wanted or moved:
            self.post_message(self.Moved(self, self.key))

    def _index(self, key: str) -> int | None:
        return next((place for place, row in enumerate(self.rows) if row.key == key), None)

    @property
    def row(self) -> OutlineRow | None:
        """The line under the cursor."""
        return self.rows[self.cursor] if self.rows else None

    @property
    def key(self) -> str:
        """The key of the line under the cursor; empty without lines."""
        return self.rows[self.cursor].key if self.cursor < len(self.rows) else ""

    # -- moving ----------------------------------------------------------------------------------

    def go_to(self, key: str) -> None:
        """Put the cursor on a line, where it is shown."""
        place = self._index(key)
        if place is not None:
            self._move(place, 1)

    def _past_gaps(self, place: int, step: int) -> int:
        inside = range(len(self.rows))
        while place in inside and self.rows[place].gap:
            place += step
        return place if place in inside else self.cursor

    def _move(self, place: int, step: int) -> None:
        if not self.rows:
            return
        place = self._past_gaps(max(0, min(place, len(self.rows) - 1)), step)
        if place == self.cursor:
            return
        before, self.cursor = self.cursor, place
        if self._show_cursor():
            self.refresh()
        else:
            self.refresh(self._region(before), self._region(place))
        self.post_message(self.Moved(self, self.key))

    def _show_cursor(self) -> bool:
        """Scroll by half a page where the cursor would be out of sight; whether anything moved."""
        before, height = self._top, max(self.size.height, 1)
        half = max(height // 2, 1)
        if self.cursor < self._top:
            self._top = min(self.cursor, max(self._top - half, 0))
        elif self.cursor >= self._top + height:
            self._top = max(self.cursor - height + 1, self._top + half)
        self._top = max(0, min(self._top, len(self.rows) - height))
        return self._top != before

    def _region(self, place: int) -> Region:
        return Region(0, place - self._top, self.size.width, 1)

    def action_cursor(self, by: int) -> None:
        """Move by lines."""
        self._move(self.cursor + by, 1 if by > 0 else -1)

    def action_page(self, direction: int) -> None:
        """Move by a page."""
        self._move(self.cursor + direction * max(self.size.height, 1), -direction)

    def action_edge(self, direction: int) -> None:
        """To the first or the last line."""
        self._move(0 if direction < 0 else len(self.rows) - 1, -direction)

    def action_inward(self) -> None:
        """Unfold; from there to the first part."""
        row = self.row
        if row is None or not row.children:
            return
        if row.folded:
            self.post_message(self.FoldAsked(self, row.key))
        else:
            self.action_cursor(1)

    def action_outward(self) -> None:
        """To the whole that the line is part of."""
        row = self.row
        if row is not None and row.parent:
            self.go_to(row.parent)

    def action_fold(self) -> None:
        """Hide or show what stands below."""
        row = self.row
        if row is not None and row.children:
            self.post_message(self.FoldAsked(self, row.key))

    def action_open_row(self) -> None:
        """Open the line under the cursor."""
        if self.key:
            self.post_message(self.Opened(self, self.key))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; a click on the cursor opens."""
        place = self._top + event.y
        if place == self.cursor:
            self.action_open_row()
        elif place < len(self.rows) and not self.rows[place].gap:
            self._move(place, 1)

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_cursor(_WHEEL)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_cursor(-_WHEEL)

    # -- drawing ---------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._show_cursor()

    def on_focus(self) -> None:
        """Show the cursor as live."""
        self.refresh(self._region(self.cursor))

    def on_blur(self) -> None:
        """Show the cursor as parked."""
        self.refresh(self._region(self.cursor))

    def render_line(self, y: int) -> Strip:
        """One line; only lines in view are ever drawn."""
        styles, width, place = tones(self.app.theme), self.size.width, self._top + y
        if place >= len(self.rows) or self.rows[place].gap:
            return strip_of([], width, styles.text)
        parts = _line(self.rows[place], styles, width)
        if place != self.cursor:
            return strip_of(parts, width, styles.text)
        ground = styles.cursor if self.has_focus else styles.cursor_blurred
        return strip_of([("".join(text for text, _ in parts), ground)], width, ground)


def _line(row: OutlineRow, styles: Tones, width: int) -> list[Part]:
    label = fit(row.label, row.label_width) if row.label_width else clean_line(row.label)
    lead = " " * (_INDENT * row.depth) + ("+ " if row.folded else "")
    if row.mark:
        loud = styles.danger if row.mark == "!" else styles.warn
        parts: list[Part] = [(f" {row.mark}", loud), (f" {lead}{label} ", styles.dim)]
    else:
        parts = [(f"   {lead}{label} ", styles.dim)]
    used = sum(cell_len(text) for text, _ in parts)
    tail = clean_line(row.tail)
    room = width - used - 1
    size = cell_len(tail)
    if tail and room - size - 2 < min(_ROOM, cell_len(row.text)):
        tail, size = "", 0
    words = fit(row.text, max(room - (size + 2 if tail else 0), 1))
    plain = words.rstrip(" ")
    parts += [(plain, styles.of(row.tone)), (" " * (cell_len(words) - cell_len(plain)), styles.text)]
    return [*parts, (f"  {tail}", styles.of(row.tail_tone))] if tail else parts
