"""Two versions side by side (below each other on narrow terminals), changed lines marked with a sign and a tone."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from textual.containers import VerticalScroll
from textual.strip import Strip
from textual.widget import Widget

from iop_tui.kernel.text import clean, clean_line
from iop_tui.ui.text.cellfit import fit, strip_of, wrap
from iop_tui.ui.theme import tones

_NARROW = 70


@dataclass(frozen=True, slots=True)
class Pair:
    """One aligned line: what it was, what it is; `changed` when they differ."""

    before: str
    after: str
    changed: bool


def aligned(before: str, after: str) -> list[Pair]:
    """Two texts line by line, equal lines opposite each other."""
    old, new = clean(before).split("\n"), clean(after).split("\n")
    pairs: list[Pair] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        for step in range(max(b - a, d - c)):
            left = old[a + step] if a + step < b else ""
            right = new[c + step] if c + step < d else ""
            pairs.append(Pair(left, right, kind != "equal"))
    return pairs


class DiffLines(Widget):
    """The lines of a comparison."""

    DEFAULT_CSS = "DiffLines { height: auto; width: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._titles = ("", "")
        self._pairs: list[Pair] = []
        self._rows: list[tuple[str, str, str]] = []
        self._rows_width = -1

    def set_pairs(self, titles: tuple[str, str], pairs: list[Pair]) -> None:
        """Show other texts."""
        self._titles, self._pairs, self._rows_width = (clean_line(titles[0]), clean_line(titles[1])), pairs, -1
        self.refresh(layout=True)

    def _laid_out(self, width: int) -> list[tuple[str, str, str]]:
        if width != self._rows_width:
            half = width if width < _NARROW else (width - 3) // 2
            self._rows = [(f" {self._titles[0]}", f" {self._titles[1]}", "strong")] if half < width else []
            for pair in self._pairs:
                self._rows += _rows(pair, half, stacked=half == width)
            self._rows_width = width
        return self._rows

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """As many lines as the texts need."""
        del container, viewport
        return max(len(self._laid_out(width)), 1)

    def render_line(self, y: int) -> Strip:
        """One line."""
        styles, width = tones(self.app.theme), self.size.width
        rows = self._laid_out(width)
        if y >= len(rows):
            return strip_of([], width, styles.text)
        left, right, tone = rows[y]
        if width < _NARROW:
            return strip_of([(left, styles.of(tone))], width, styles.text)
        half = (width - 3) // 2
        parts = [(fit_kept(left, half), styles.of(tone)), (" | ", styles.dim), (fit_kept(right, half), styles.of(tone))]
        return strip_of(parts, width, styles.text)


def fit_kept(text: str, width: int) -> str:
    """As `fit`, keeping blanks at the start."""
    lead = len(text) - len(text.lstrip(" "))
    return " " * lead + fit(text, max(width - lead, 1))


def _rows(pair: Pair, half: int, *, stacked: bool) -> list[tuple[str, str, str]]:
    tone = "warn" if pair.changed else "text"
    if stacked:
        if not pair.changed:
            return [(f"  {line}", "", tone) for line in wrap(pair.after, half - 2)]
        old = [(f"- {line}", "", "dim") for line in wrap(pair.before, half - 2)] if pair.before else []
        return old + ([(f"+ {line}", "", tone) for line in wrap(pair.after, half - 2)] if pair.after else [])
    mark = " * " if pair.changed else "   "
    left, right = wrap(pair.before, half - 3), wrap(pair.after, half - 3)
    size = max(len(left), len(right))
    return [(mark + (left[at] if at < len(left) else ""), mark + (right[at] if at < len(right) else ""), tone)
            for at in range(size)]


class DiffView(VerticalScroll, can_focus=True):
    """A scrollable comparison of fields: `show(("2026-03-01", "2026-03-09"), [(label, before, after), …])`."""

    DEFAULT_CSS = "DiffView { height: 1fr; width: 1fr; scrollbar-size-vertical: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines = DiffLines()

    def compose(self) -> Iterable[Widget]:
        """The lines."""
        yield self._lines

    def show(self, titles: tuple[str, str], fields: Iterable[tuple[str, str, str]]) -> None:
        """Compare (label, before, after) fields."""
        pairs: list[Pair] = []
        for label, before, after in fields:
            if before or after:
                pairs += [Pair(label.upper(), label.upper(), False), *aligned(before, after), Pair("", "", False)]
        self._lines.set_pairs(titles, pairs)
        self.scroll_home(animate=False)
