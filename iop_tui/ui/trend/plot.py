"""Trends as cells: curves over days with bands, marks and events on the axis. Plain characters, no Textual.

Everything is ASCII: fonts and terminals agree about it. Tones only repeat what a character already says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

GLYPHS = "ox+#"
BETTER, WORSE = "*", "!"
"""Points that differ reliably from those before: for the better, for the worse."""
_TONES = ("accent", "strong", "warn", "text")
GUTTER = 5
BAND_NAMES = 19
AXIS_ROWS = 3
Toned = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PlotPoint:
    """One value on a day; `mark` is `BETTER`, `WORSE` or empty; `note` says more in words."""

    day: date
    value: float
    mark: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """One series, oldest first, with the scale it lives on."""

    name: str
    points: tuple[PlotPoint, ...]
    low: float | None = None
    high: float | None = None
    bands: tuple[tuple[float, str], ...] = ()
    cut: float | None = None

    @property
    def scale(self) -> tuple[float, float]:
        """Lowest and highest value of the axis; never empty."""
        values = [point.value for point in self.points] or [0.0]
        low = min(values) if self.low is None else self.low
        high = max(values) if self.high is None else self.high
        return (low, high) if high > low else (low - 1, high + 1)


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened on a day, as one letter on the axis."""

    day: date
    letter: str
    word: str


@dataclass(frozen=True, slots=True)
class Span:
    """The days a picture shows, first and last included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days lie between first and last."""
        return max((self.last - self.first).days, 1)

    def column(self, day: date, width: int) -> int | None:
        """The column of a day, or None outside."""
        if not self.first <= day <= self.last:
            return None
        return round((day - self.first).days / self.days * (width - 1))


def whole(curves: Sequence[Curve], marks: Sequence[Mark] = ()) -> Span:
    """The span from the first to the last point; a day on each side where there is only one."""
    days = [point.day for curve in curves for point in curve.points] or [mark.day for mark in marks]
    if not days:
        return Span(date(2000, 1, 1), date(2000, 1, 2))
    first, last = min(days), max(days)
    return Span(first, last) if first < last else Span(first - timedelta(days=1), last + timedelta(days=1))


def zoomed(span: Span, around: date, factor: float, limit: Span) -> Span:
    """A shorter (factor below 1) or longer span around a day, inside `limit`; never shorter than a week."""
    days = max(round(span.days * factor), 7)
    if days >= limit.days:
        return limit
    first = around - timedelta(days=days // 2)
    first = max(limit.first, min(first, limit.last - timedelta(days=days)))
    return Span(first, first + timedelta(days=days))


class _Canvas:
    """Characters and tones of a picture; drawing outside of it does nothing."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._cells = [[" "] * width for _ in range(height)]
        self._tones = [["text"] * width for _ in range(height)]

    def put(self, x: int, y: int, text: str, tone: str, *, over: bool = True) -> None:
        """Text from a cell on; with `over=False` only onto blanks."""
        for step, character in enumerate(text):
            at = x + step
            if 0 <= at < self.width and 0 <= y < self.height and (over or self._cells[y][at] == " "):
                self._cells[y][at], self._tones[y][at] = character, tone

    def rows(self) -> list[list[Toned]]:
        """Each line as runs of one tone."""
        return [_runs(cells, tones) for cells, tones in zip(self._cells, self._tones, strict=True)]


def _runs(cells: list[str], tones: list[str]) -> list[Toned]:
    runs: list[Toned] = []
    for character, tone in zip(cells, tones, strict=True):
        if runs and (runs[-1][1] == tone or character == " "):
            runs[-1] = (runs[-1][0] + character, runs[-1][1])
        else:
            runs.append((character, tone))
    return runs


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the plot lies in a picture: left edge, width and height of the plot itself, names of bands or not."""

    left: int
    width: int
    height: int
    names: bool

    def row(self, value: float, scale: tuple[float, float]) -> int:
        """The row of a value on a scale, top is 0; values outside stick to the edge."""
        low, high = scale
        share = (value - low) / (high - low)
        return max(0, min(self.height - 1, round((1 - share) * (self.height - 1))))


def frame(width: int, height: int, curves: Sequence[Curve]) -> Frame:
    """The frame that fits a picture of cells."""
    names = width >= 70 and len(curves) == 1 and bool(curves[0].bands)
    return Frame(GUTTER, max(width - GUTTER - (BAND_NAMES if names else 0), 8), max(height - AXIS_ROWS, 3), names)


def draw(curves: Sequence[Curve], marks: Sequence[Mark], span: Span, width: int, height: int) -> list[list[Toned]]:
    """The picture as lines of (text, tone): plot, axis, dates, events. One curve keeps its own scale, several share
    one from 0 to 100 percent of each.
    """
    here, canvas = frame(width, height, curves), _Canvas(width, height)
    if len(curves) == 1:
        _ruler(canvas, here, curves[0])
    else:
        for share in (0, 50, 100):
            row = here.row(share, (0, 100))
            canvas.put(0, row, f"{share:3d}%", "dim")
            canvas.put(here.left, row, "." * here.width, "dim")
    for number, curve in enumerate(curves):
        _curve(canvas, here, curve, span, number)
    _axis(canvas, here, span)
    _events(canvas, here, marks, span)
    return canvas.rows()


def _ruler(canvas: _Canvas, here: Frame, curve: Curve) -> None:
    """Band edges with their lowest value and name, the cut-off, the ends of the scale."""
    low, high = curve.scale
    edges = [(value, name) for value, name in curve.bands] or [(low, "")]
    for value, name in edges:
        row = here.row(value, (low, high))
        canvas.put(0, row, f"{value:4g}", "dim")
        canvas.put(here.left, row, ". " * (here.width // 2), "dim")
        if here.names and name:
            canvas.put(here.left + here.width + 1, max(row - 1, 0), name[: BAND_NAMES - 1], "dim")
    canvas.put(0, here.row(high, (low, high)), f"{high:4g}", "dim")
    canvas.put(0, here.row(low, (low, high)), f"{low:4g}", "dim")
    if curve.cut is not None:
        row = here.row(curve.cut, (low, high))
        canvas.put(0, row, f"{curve.cut:4g}", "warn")
        canvas.put(here.left, row, "- " * (here.width // 2), "warn")


def _curve(canvas: _Canvas, here: Frame, curve: Curve, span: Span, number: int) -> None:
    """Points and what lies between them; of several in one column the last one stands, on a line of their range."""
    glyph, tone = GLYPHS[number % len(GLYPHS)], _TONES[number % len(_TONES)]
    columns: dict[int, list[tuple[int, str]]] = {}
    for point in curve.points:
        column = span.column(point.day, here.width)
        if column is not None:
            columns.setdefault(here.left + column, []).append((here.row(point.value, curve.scale), point.mark))
    for (x, placed), (to_x, following) in pairwise(sorted(columns.items())):
        _line(canvas, (x, placed[-1][0]), (to_x, following[0][0]), tone)
    for x, placed in columns.items():
        rows = [row for row, _ in placed]
        for row in range(min(rows), max(rows) + 1):
            canvas.put(x, row, ":", tone)
        canvas.put(x, rows[-1], glyph, tone)
    for x, placed in columns.items():
        for row, mark in placed:
            if mark:
                canvas.put(x, row, mark, "strong" if mark == BETTER else "danger")


def _line(canvas: _Canvas, start: tuple[int, int], end: tuple[int, int], tone: str) -> None:
    """Cells between two points, the points themselves left out."""
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
    for step in range(1, steps):
        x = start[0] + round((end[0] - start[0]) * step / steps)
        y = start[1] + round((end[1] - start[1]) * step / steps)
        canvas.put(x, y, ":" if end[0] == start[0] else "'", tone)


def _axis(canvas: _Canvas, here: Frame, span: Span) -> None:
    row = here.height
    canvas.put(here.left - 1, row, "+" + "-" * here.width, "dim")
    count = max(min(here.width // 15, 6), 1)
    free = 0
    for step in range(count + 1):
        day = span.first + timedelta(days=round(span.days * step / count))
        column = span.column(day, here.width)
        if column is None:
            continue
        canvas.put(here.left + column, row, "+", "dim")
        place = min(max(here.left + column - 4, 0), here.left + here.width - 10)
        if place >= free and (step < count or here.width >= 24):
            canvas.put(place, row + 1, day.isoformat(), "dim")
            free = place + 11


def _events(canvas: _Canvas, here: Frame, marks: Sequence[Mark], span: Span) -> None:
    """One letter per event; where two fall together the later letter stands, in the warning tone."""
    taken: set[int] = set()
    for mark in marks:
        column = span.column(mark.day, here.width)
        if column is not None:
            canvas.put(here.left + column, here.height + 2, mark.letter, "warn" if column in taken else "accent")
            taken.add(column)


def legend(curves: Sequence[Curve], marks: Sequence[Mark], width: int) -> list[Toned]:
    """One line: each curve's sign, name and last value; the letters of the events; what the marks mean.

    Where `width` cells are too few, what the signs mean is said shorter, then the events by their letters only.
    """
    words = dict.fromkeys((mark.letter, mark.word) for mark in marks)
    said = _legend(curves, words, " (reliable)   ")
    for shorter in (words, dict.fromkeys((mark.letter, "") for mark in marks)):
        if sum(len(text) for text, _ in said) > width:
            said = _legend(curves, shorter, "   ")
    return said


def _legend(curves: Sequence[Curve], words: Iterable[tuple[str, str]], reliable: str) -> list[Toned]:
    parts: list[Toned] = []
    for number, curve in enumerate(curves):
        last = f" {curve.points[-1].value:g}" if curve.points else ""
        parts += [(GLYPHS[number % len(GLYPHS)], _TONES[number % len(_TONES)]), (f" {curve.name}{last}   ", "text")]
    if any(point.mark for curve in curves for point in curve.points):
        parts += [(f"{BETTER} better ", "strong"), (f"{WORSE} worse", "danger"), (reliable, "dim")]
    return [*parts, *((f"{letter} {word}  " if word else f"{letter} ", "dim") for letter, word in words)]
