"""The trend picture as shapes for paper: lines, dots, words. What is drawn is what `plot` draws in cells. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

from iop_tui.ui.trend.plot import BETTER, Curve, Span

GRID, CUT, AXIS, BETTER_STYLE, WORSE_STYLE = "grid", "cut", "axis", "better", "worse"
COLOURS = {
    GRID: "#c8c8c8", CUT: "#a06000", AXIS: "#404040", BETTER_STYLE: "#004f9f", WORSE_STYLE: "#b03000",
    "0": "#0060b0", "1": "#404040", "2": "#a06000", "3": "#606060",
}  # fmt: skip
"""Blue and orange, and every series its own dash: paper is copied in black and white."""
DASHES = {GRID: "1 3", CUT: "6 4", "1": "8 3", "2": "2 3", "3": "8 3 2 3"}
LEFT, RIGHT, TOP, BOTTOM = 46.0, 130.0, 34.0, 30.0
SMALL, BODY = 9.0, 11.0


@dataclass(frozen=True, slots=True)
class Line:
    """From point to point."""

    x1: float
    y1: float
    x2: float
    y2: float
    style: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a curve; `filled` ones differ reliably from those before."""

    x: float
    y: float
    style: str
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A text at a baseline; `end` puts its last letter there."""

    x: float
    y: float
    text: str
    size: float = SMALL
    end: bool = False


Shape = Line | Dot | Words


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the plot lies on a sheet of a size, and which days it shows."""

    width: float
    height: float
    span: Span

    def x(self, day: date) -> float:
        """Across."""
        share = (day - self.span.first).days / self.span.days
        return LEFT + share * (self.width - LEFT - RIGHT)

    def y(self, value: float, scale: tuple[float, float]) -> float:
        """Down."""
        share = (min(max(value, scale[0]), scale[1]) - scale[0]) / (scale[1] - scale[0])
        return self.height - BOTTOM - share * (self.height - TOP - BOTTOM)


def shapes(curves: Sequence[Curve], span: Span, width: float = 720, height: float = 400) -> list[Shape]:
    """Everything on the sheet, in points from the upper left corner.

    No events: they tell of plans, lapses and medication, which is more than the scores somebody asked for.
    """
    here = _Frame(width, height, span)
    return [*_ruler(here, curves), *_axis(here), *_curves(here, curves), *_legend(curves)]


def _ruler(here: _Frame, curves: Sequence[Curve]) -> Iterator[Shape]:
    end = here.width - RIGHT
    if len(curves) != 1:
        for share in (0, 50, 100):
            y = here.y(share, (0, 100))
            yield Line(LEFT, y, end, y, GRID)
            yield Words(LEFT - 6, y + 3, f"{share} %", end=True)
        return
    (curve,) = curves
    edges = dict(curve.bands) or {curve.scale[0]: ""}
    for value, name in {**edges, curve.scale[1]: edges.get(curve.scale[1], "")}.items():
        y = here.y(value, curve.scale)
        yield Line(LEFT, y, end, y, GRID)
        yield Words(LEFT - 6, y + 3, f"{value:g}", end=True)
        if name:
            yield Words(end + 8, y - 4, name)
    if curve.cut is not None:
        y = here.y(curve.cut, curve.scale)
        yield Line(LEFT, y, end, y, CUT)


def _axis(here: _Frame) -> Iterator[Shape]:
    base = here.height - BOTTOM
    yield Line(LEFT, base, here.width - RIGHT, base, AXIS)
    for step in range(6):
        day = here.span.first + timedelta(days=round(here.span.days * step / 5))
        yield Line(here.x(day), base, here.x(day), base + 4, AXIS)
        yield Words(here.x(day) - 24, base + 16, day.isoformat())


def _curves(here: _Frame, curves: Sequence[Curve]) -> Iterator[Shape]:
    for number, curve in enumerate(curves):
        style = str(number % 4)
        placed = [
            (here.x(point.day), here.y(point.value, curve.scale), point)
            for point in curve.points if here.span.column(point.day, 2) is not None
        ]
        for (x1, y1, _), (x2, y2, _) in pairwise(placed):
            yield Line(x1, y1, x2, y2, style)
        for x, y, point in placed:
            mark = BETTER_STYLE if point.mark == BETTER else WORSE_STYLE
            yield Dot(x, y, mark if point.mark else style, bool(point.mark))
            if point.mark:
                yield Words(x + 5, y - 5, point.mark, BODY)


def _legend(curves: Sequence[Curve]) -> Iterator[Shape]:
    at = LEFT
    for number, curve in enumerate(curves):
        text = f"{curve.name}: {curve.points[-1].value:g}" if curve.points else curve.name
        yield Line(at, 16, at + 24, 16, str(number % 4))
        yield Words(at + 30, 20, text, BODY)
        at += 50 + 6.2 * len(text)
    if any(point.mark for curve in curves for point in curve.points):
        yield Words(at, 20, "* reliably better   ! reliably worse")


def svg(found: Sequence[Shape], title: str, width: float = 720, height: float = 400) -> str:
    """The shapes as an SVG document of its own: no script, no link, no font from elsewhere."""
    body = "\n".join(_element(shape) for shape in found)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" font-family="sans-serif">\n<title>{escape(title)}</title>\n'
        f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _element(shape: Shape) -> str:
    if isinstance(shape, Line):
        dash = f' stroke-dasharray="{DASHES[shape.style]}"' if shape.style in DASHES else ""
        return (
            f'<line x1="{shape.x1:.1f}" y1="{shape.y1:.1f}" x2="{shape.x2:.1f}" y2="{shape.y2:.1f}" '
            f'stroke="{COLOURS[shape.style]}" stroke-width="1.2"{dash}/>'
        )
    if isinstance(shape, Dot):
        colour = COLOURS[shape.style]
        fill = colour if shape.filled else "#ffffff"
        return f'<circle cx="{shape.x:.1f}" cy="{shape.y:.1f}" r="3" fill="{fill}" stroke="{colour}"/>'
    anchor = ' text-anchor="end"' if shape.end else ""
    return (
        f'<text x="{shape.x:.1f}" y="{shape.y:.1f}" font-size={quoteattr(f"{shape.size:g}")}{anchor}>'
        f"{escape(shape.text)}</text>"
    )
