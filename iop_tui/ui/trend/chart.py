"""The trend chart: a picture of `plot` with a cursor that goes from point to point and says what it stands on."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from iop_tui.ui.text.cellfit import fit, strip_of
from iop_tui.ui.theme import tones
from iop_tui.ui.trend.plot import GUTTER, Curve, Mark, PlotPoint, Span, draw, frame, legend, whole, zoomed

HEAD, FOOT = 1, 2
"""Rows above the picture (legend) and below it (where the cursor is, what it stands on)."""


class TrendChart(Widget, can_focus=True):
    """Curves over time. The picture is drawn once per size, span or data; a cursor key repaints two lines."""

    DEFAULT_CSS = "TrendChart { height: 1fr; width: 1fr; min-height: 9; }"

    class Moved(Message):
        """The cursor stands on another point; `place` is (number of the curve, number of the point)."""

        def __init__(self, chart: TrendChart) -> None:
            super().__init__()
            self.chart = chart

        @property
        def control(self) -> TrendChart:
            """The chart."""
            return self.chart

    def __init__(self, *, empty: str = "Nothing to draw yet.", id: str | None = None) -> None:
        super().__init__(id=id)
        self._curves: tuple[Curve, ...] = ()
        self._marks: tuple[Mark, ...] = ()
        self._order: list[tuple[int, int]] = []
        self._at = 0
        self._span = self._limit = whole(())
        self._picture: tuple[tuple[int, int], list[list[tuple[str, str]]]] | None = None
        self._empty = empty

    # -- content ---------------------------------------------------------------------------------

    def show(self, curves: Sequence[Curve], marks: Sequence[Mark] = ()) -> None:
        """Show other curves; the cursor goes to the newest point."""
        self._curves = tuple(curve for curve in curves if curve.points)
        self._marks = tuple(marks)
        places = [(number, at) for number, curve in enumerate(self._curves) for at in range(len(curve.points))]
        self._order = sorted(places, key=lambda place: (self._point(place).day, place))
        self._at = max(len(self._order) - 1, 0)
        self._limit = whole(self._curves, self._marks)
        self._span = self._limit
        self._repaint()

    def _point(self, place: tuple[int, int]) -> PlotPoint:
        return self._curves[place[0]].points[place[1]]

    @property
    def place(self) -> tuple[int, int] | None:
        """Curve and point under the cursor; None without points."""
        return self._order[self._at] if self._order else None

    @property
    def span(self) -> Span:
        """The days that are shown."""
        return self._span

    def readout(self) -> str:
        """What the cursor stands on, in words."""
        if self.place is None:
            return self._empty
        curve, point = self._curves[self.place[0]], self._point(self.place)
        band = next((name for lowest, name in reversed(curve.bands) if point.value >= lowest), "")
        rest = [f"{curve.name} {point.value:g}", band, point.note]
        return f"{point.day.isoformat()}: {', '.join(part for part in rest if part)}"

    # -- moving ----------------------------------------------------------------------------------

    def step(self, by: int) -> None:
        """To a later (or earlier) point."""
        self._move(self._at + by)

    def end(self, last: bool) -> None:
        """To the newest point, or the oldest."""
        self._move(len(self._order) - 1 if last else 0)

    def _move(self, wanted: int) -> None:
        at = max(0, min(wanted, len(self._order) - 1))
        if not self._order or at == self._at:
            return
        self._at = at
        day = self._point(self._order[at]).day
        if self._span.column(day, 100) is None:
            self._span = zoomed(Span(self._span.first, self._span.last), day, 1, self._limit)
            self._repaint()
        else:
            self._refresh_foot()
        self.post_message(self.Moved(self))

    def zoom(self, factor: float) -> None:
        """Fewer days around the cursor (below 1) or more."""
        if self.place is None:
            return
        span = zoomed(self._span, self._point(self.place).day, factor, self._limit)
        if span != self._span:
            self._span = span
            self._repaint()

    # -- drawing ---------------------------------------------------------------------------------

    def _repaint(self) -> None:
        self._picture = None
        self.refresh()

    def _refresh_foot(self) -> None:
        self.refresh(Region(0, max(self.size.height - FOOT, 0), self.size.width, FOOT))

    def _rows(self) -> list[list[tuple[str, str]]]:
        """The picture, drawn again only for another size: everything else that changes it calls `_repaint`."""
        size = (self.size.width - 1, self.size.height - HEAD - FOOT)
        if self._picture is None or self._picture[0] != size:
            rows = draw(self._curves, self._marks, self._span, *size) if self._curves else []
            self._picture = (size, rows)
        return self._picture[1]

    def render_line(self, y: int) -> Strip:
        """Legend, a line of the picture, the cursor, the readout."""
        styles, width, height = tones(self.app.theme), self.size.width, self.size.height
        if y == 0:
            shown = [mark for mark in self._marks if self._span.column(mark.day, 2) is not None]
            parts = legend(self._curves, shown, width - 2)
        elif y == height - 1:
            parts = [(fit(self.readout(), width - 2), "strong" if self.place else "dim")]
        elif y == height - FOOT:
            parts = self._pointer(width)
        else:
            rows = self._rows()
            parts = rows[y - HEAD] if y - HEAD < len(rows) else []
        return strip_of([(" ", styles.text), *((text, styles.of(tone)) for text, tone in parts)], width, styles.text)

    def _pointer(self, width: int) -> list[tuple[str, str]]:
        if self.place is None:
            return []
        here = frame(width - 1, self.size.height - HEAD - FOOT, self._curves)
        column = self._span.column(self._point(self.place).day, here.width)
        return [(" " * (GUTTER + column) + "^", "strong")] if column is not None else []
