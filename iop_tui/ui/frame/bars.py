"""One-line bars: text left and right, drawn as one strip, repainted only when the text changed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len
from textual.events import Resize
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from iop_tui.kernel.text import clean_line
from iop_tui.ui.text.cellfit import Part, fit, strip_of
from iop_tui.ui.theme import Tones, tones

Toned = tuple[str, str]
"""A text and the name of its tone (a field of `theme.Tones`)."""


class Bar(Widget):
    """A line that shows `left` and `right` parts; the left side is cut when both do not fit."""

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; }"
    ground = "bar"

    def __init__(
        self, left: Sequence[Toned] = (), right: Sequence[Toned] = (), *, id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._left, self._right = _cleaned(left), _cleaned(right)

    def show(self, left: Sequence[Toned] | None = None, right: Sequence[Toned] | None = None) -> None:
        """Show other parts; None keeps a side. Nothing is repainted when nothing changed."""
        new_left = self._left if left is None else _cleaned(left)
        new_right = self._right if right is None else _cleaned(right)
        if (new_left, new_right) != (self._left, self._right):
            self._left, self._right = new_left, new_right
            self.refresh()

    def plain(self) -> str:
        """What the bar says, without colours."""
        return "".join(text for text, _ in (*self._left, *self._right))

    def tones(self) -> Tones:
        """The styles of the current theme."""
        return tones(self.app.theme)

    def render_line(self, y: int) -> Strip:
        """The line itself."""
        del y
        styles, width = self.tones(), self.size.width
        ground = styles.of(self.ground)
        right = [(text, styles.of(tone)) for text, tone in self._right]
        right_width = sum(cell_len(text) for text, _ in right)
        room = max(width - right_width - (2 if right else 1), 0)
        parts: list[Part] = [(" ", ground)]
        parts += self._left_parts(styles, room - (1 if right else 0))
        used = sum(cell_len(text) for text, _ in parts)
        parts.append((" " * max(width - used - right_width - 1, 0 if not right else 1), ground))
        return strip_of([*parts, *right], width, ground)

    def _left_parts(self, styles: Tones, room: int) -> list[Part]:
        parts: list[Part] = []
        for text, tone in self._left:
            size = cell_len(text)
            if size > room:
                if room > 2:
                    parts.append((fit(text, room) if text.strip() else " " * room, styles.of(tone)))
                break
            parts.append((text, styles.of(tone)))
            room -= size
        return parts


class TallBar(Bar):
    """A bar whose left side goes on in further lines where one is too narrow for it, up to `most`."""

    most = 2

    def __init__(
        self, left: Sequence[Toned] = (), right: Sequence[Toned] = (), *, id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(left, right, id=id, classes=classes)
        self._lines: list[list[Toned]] = []

    def show(self, left: Sequence[Toned] | None = None, right: Sequence[Toned] | None = None) -> None:
        """As every bar, and as high as it needs to be."""
        super().show(left, right)
        self._lay()

    def on_resize(self, event: Resize) -> None:
        """As high as the width asks for."""
        del event
        self._lay()

    def is_tall(self) -> bool:
        """Hook: whether what is shown now may take further lines."""
        return True

    def _lay(self) -> None:
        room = self.size.width - sum(cell_len(text) for text, _ in self._right) - (3 if self._right else 2)
        lines = wrapped(self._left, room) if self.is_tall() and room > 0 else []
        if lines != self._lines:
            self._lines = lines
            self.styles.height = min(max(len(lines), 1), self.most)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """A line; the last one is cut where there is still more."""
        if len(self._lines) < 2:
            return super().render_line(y)
        styles, width = self.tones(), self.size.width
        ground, room = styles.of(self.ground), self.size.width - 2
        rest = [part for line in self._lines[y:] for part in (*line, (" ", "bar"))]
        shown = rest if y == self.most - 1 else self._lines[y] if y < len(self._lines) else []
        right = [(text, styles.of(tone)) for text, tone in self._right] if y == 0 else []
        room -= sum(cell_len(text) for text, _ in right)
        parts: list[Part] = [(" ", ground)]
        for text, tone in shown:
            piece = text if cell_len(text) <= room else fit(text, room)
            parts.append((piece, styles.of(tone)))
            room -= cell_len(piece)
            if room <= 0:
                break
        return strip_of([*parts, (" " * max(room, 0), ground), *right], width, ground)


def wrapped(parts: Sequence[Toned], width: int) -> list[list[Toned]]:
    """Parts as lines of at most `width` cells, broken at blanks; every piece keeps its tone."""
    lines, used = [list[Toned]()], 0
    for text, tone in parts:
        for word in re.findall(r" *[^ ]+| +$", text):
            bare = word.lstrip(" ")
            if used and used + cell_len(word) > width:
                lines.append([(bare, tone)] if bare else [])
                used = cell_len(bare)
            else:
                lines[-1].append((word, tone))
                used += cell_len(word)
    return lines


class Lines(Widget):
    """A block of lines of (text, tone) parts, as high as it has lines; each line is cut at the right edge."""

    DEFAULT_CSS = "Lines { height: auto; width: 1fr; }"

    def __init__(
        self, lines: Sequence[Sequence[Toned]] = (), *, id: str | None = None, classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._shown = [_cleaned(line) for line in lines]

    def show(self, lines: Sequence[Sequence[Toned]]) -> None:
        """Show other lines; only those that changed are repainted."""
        new = [_cleaned(line) for line in lines]
        if new == self._shown:
            return
        resized, old, self._shown = len(new) != len(self._shown), self._shown, new
        if resized:
            self.refresh(layout=True)
            return
        for y, (line, before) in enumerate(zip(new, old, strict=True)):
            if line != before:
                self.refresh(Region(0, y, self.size.width, 1))

    def plain(self) -> str:
        """What the lines say, without colours."""
        return "\n".join("".join(text for text, _ in line) for line in self._shown)

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """As many lines as there are."""
        del container, viewport, width
        return len(self._shown)

    def render_line(self, y: int) -> Strip:
        """One line."""
        styles, width = tones(self.app.theme), self.size.width
        parts: list[Part] = [(" ", styles.text)]
        room = width - 2
        for text, tone in self._shown[y] if y < len(self._shown) else ():
            size = cell_len(text)
            if size > room:
                if room > 4:
                    parts.append((fit(text, room), styles.of(tone)))
                break
            parts.append((text, styles.of(tone)))
            room -= size
        return strip_of(parts, width, styles.text)


def _cleaned(parts: Sequence[Toned]) -> tuple[Toned, ...]:
    return tuple((_keep_edges(text), tone) for text, tone in parts if text)


def _keep_edges(text: str) -> str:
    """Sanitised, with blanks at both ends kept: they separate parts."""
    body = clean_line(text)
    if not body:
        return " " * min(len(text), 8)
    lead = len(text) - len(text.lstrip(" "))
    tail = len(text) - len(text.rstrip(" "))
    return " " * lead + body + " " * tail
