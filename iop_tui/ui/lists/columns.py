"""Columns of a list: which fit, how wide, and how a row becomes a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.style import Style
from textual.strip import Strip

from iop_tui.ui.text.cellfit import fit, strip_of
from iop_tui.ui.theme import Tones

R = TypeVar("R")
GAP = 2
NARROWEST = 6
"""A column is cut to no less than this many cells."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A text with a tone: a field name of `theme.Tones` (`dim`, `accent`, `warn`, `danger`, `strong`)."""

    text: str
    tone: str = "text"
    marks: tuple[tuple[int, int], ...] = ()
    """Ranges of characters of a left-aligned text that are shown as matched."""


@dataclass(frozen=True)
class Column(Generic[R]):
    """One column. `width` cells, or a flexible column that grows from that width with `weight` above zero, and gives
    way first where even the columns that stay do not fit.

    `priority`: columns with higher numbers go first when the terminal is narrow; 0 always stays.
    Numbers align right. `sortable` columns appear in the sort menu.
    """

    key: str
    title: str
    value: Callable[[R], str | Cell]
    width: int = 10
    weight: int = 0
    align: str = "left"
    priority: int = 0
    sortable: bool = False


@dataclass(frozen=True)
class Layout(Generic[R]):
    """The columns that fit a width, with their widths."""

    columns: tuple[tuple[Column[R], int], ...]
    width: int

    def line(self, row: R, tones: Tones, *, cursor: bool, focused: bool, lead: str = "") -> Strip:
        """A row as one line; the row under the cursor is in one style."""
        ground = tones.text
        if cursor:
            ground = tones.cursor if focused else tones.cursor_blurred
        parts = [(lead, ground)] if lead else []
        for position, (column, width) in enumerate(self.columns):
            value = column.value(row)
            text, tone = (value.text, value.tone) if isinstance(value, Cell) else (value, "text")
            gap = " " * GAP if position else ""
            style = ground if cursor else tones.of(tone)
            if gap and style is not ground:
                parts.append((gap, ground))
                gap = ""
            shown = fit(text, width, column.align)
            words = shown.rstrip(" ")
            marks = value.marks if isinstance(value, Cell) and not cursor else ()
            marked = [(gap, style), *_marked(words, text, marks, style, tones.mark)]
            parts += marked if marks else [(gap + words, style)]
            parts.append((" " * (len(shown) - len(words)), ground))
        return strip_of(parts, self.width, ground)

    def header(self, tones: Tones, sort: tuple[str, bool] | None, lead: str = "") -> Strip:
        """The titles; `^` and `v` mark the sorted column, ascending and descending."""
        text = lead
        for position, (column, width) in enumerate(self.columns):
            mark = (" v" if sort[1] else " ^") if sort and sort[0] == column.key else ""
            text += (" " * GAP if position else "") + fit(column.title + mark, width, column.align)
        return strip_of([(text, tones.dim)], self.width, tones.dim)


def _marked(
    shown: str, text: str, marks: Sequence[tuple[int, int]], plain: Style, mark: Style,
) -> list[tuple[str, Style]]:
    """The shown text in pieces; where sanitising or cutting moved characters, nothing is marked beyond that place."""
    good = next((at for at, (a, b) in enumerate(zip(shown, text, strict=False)) if a != b), min(len(shown), len(text)))
    parts, at = list[tuple[str, Style]](), 0
    for start, end in marks:
        start, end = max(start, at), min(end, good)
        if start < end:
            parts += [(shown[at:start], plain), (shown[start:end], mark)]
            at = end
    return [*parts, (shown[at:], plain)]


def lay_out(columns: Sequence[Column[R]], width: int, lead: int = 0) -> Layout[R]:
    """Drop the columns that do not fit, then give what is left to the flexible ones by weight; where those that stay
    are still too wide together, the widest become narrower, the flexible ones before the others.
    """
    kept, lead = list(columns), lead + 1
    while len(kept) > 1 and _needed(kept) > width - lead and max(column.priority for column in kept) > 0:
        kept.remove(max(reversed(kept), key=lambda column: column.priority))
    spare = max(width - lead - _needed(kept), 0)
    weights = sum(column.weight for column in kept)
    widths = [column.width + (spare * column.weight // weights if weights else 0) for column in kept]
    _narrow(kept, widths, _needed(kept) - (width - lead))
    return Layout(tuple(zip(kept, widths, strict=True)), width)


def _narrow(columns: Sequence[Column[R]], widths: list[int], over: int) -> None:
    for places in ([at for at, column in enumerate(columns) if column.weight], list(range(len(columns)))):
        while over > 0 and places and max(widths[at] for at in places) > NARROWEST:
            widths[max(places, key=lambda at: widths[at])] -= 1
            over -= 1


def _needed(columns: Sequence[Column[R]]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)
