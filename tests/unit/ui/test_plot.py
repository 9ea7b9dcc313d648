"""The trend picture: bands, marks, several series, events, zoom; and what a key on the chart costs."""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.geometry import Region

from iop_tui.ui.trend.chart import TrendChart
from iop_tui.ui.trend.plot import (
    BETTER,
    GLYPHS,
    WORSE,
    Curve,
    Mark,
    PlotPoint,
    Span,
    draw,
    frame,
    legend,
    whole,
    zoomed,
)

DAY = timedelta(days=1)
START = date(2026, 1, 5)
BANDS = ((0.0, "minimal"), (5.0, "mild"), (10.0, "moderate"), (15.0, "moderately severe"), (20.0, "severe"))


def curve(*values: float, step: int = 7, name: str = "PHQ-9", marks: str = "") -> Curve:
    """A curve of one value every `step` days; `marks` has one character per point, blank for none."""
    points = tuple(
        PlotPoint(START + at * step * DAY, value, marks[at:at + 1].strip()) for at, value in enumerate(values)
    )
    return Curve(name, points, 0, 27, BANDS, 10)


def text(curves: list[Curve], marks: list[Mark] | None = None, width: int = 78, height: int = 18) -> list[str]:
    """The picture as plain lines."""
    rows = draw(curves, marks or [], whole(curves, marks or []), width, height)
    return ["".join(part for part, _ in row) for row in rows]


def test_the_highest_value_stands_above_the_lowest() -> None:
    lines = text([curve(24, 12, 3)])
    here, span = frame(78, 18, [curve(1)]), whole([curve(24, 12, 3)])
    places = [here.left + (span.column(START + at * 7 * DAY, here.width) or 0) for at in range(3)]
    rows = [next(at for at, line in enumerate(lines) if line[place] == "o") for place in places]
    assert rows == sorted(rows)
    assert rows[0] < rows[2]


def test_bands_have_their_edge_and_name_and_the_cut_off_is_dashed() -> None:
    lines = text([curve(24, 12, 3)])
    body = "\n".join(lines)
    for edge, name in BANDS:
        assert name in body
        assert any(line.startswith(f"{edge:4g}") for line in lines)
    dashed = next(line for line in lines if line.startswith("  10"))
    assert "- - -" in dashed


def test_narrow_pictures_leave_the_names_of_bands_out() -> None:
    assert "moderate" not in "\n".join(text([curve(24, 12, 3)], width=60))
    assert frame(60, 18, [curve(1)]).names is False


def test_reliable_changes_are_marked_for_the_better_and_for_the_worse() -> None:
    body = "\n".join(text([curve(20, 12, 19, marks=f" {BETTER}{WORSE}")]))
    assert BETTER in body
    assert WORSE in body
    said = "".join(part for part, _ in legend([curve(20, 12, marks=f" {BETTER}")], [], 78))
    assert "better" in said
    assert "worse" in said


def test_several_series_share_one_scale_in_percent() -> None:
    other = Curve("GAD-7", curve(9, 8, 7).points, 0, 21)
    lines = text([curve(24, 12, 3), other])
    assert lines[0].startswith("100%")
    assert all(glyph in "".join(lines) for glyph in GLYPHS[:2])
    assert "x GAD-7 7" in "".join(part for part, _ in legend([curve(24, 12, 3), other], [], 78))


def test_events_stand_on_the_axis_at_their_day() -> None:
    marks = [Mark(START, "P", "plan"), Mark(START + 14 * DAY, "L", "lapse")]
    last = text([curve(24, 12, 3)], marks)[-1]
    assert last.index("P") == 5
    assert last.rstrip().endswith("L")


def test_the_axis_names_first_and_last_day_without_running_together() -> None:
    dates = text([curve(24, 12, 3)])[-2]
    assert "2026-01-05" in dates
    assert "2026-01-19" in dates
    for width in range(40, 140, 7):
        line = text([curve(*range(20))], width=width)[-2]
        assert all(len(word) == 10 for word in line.split())


def test_one_point_and_none_are_drawn() -> None:
    assert any("o" in line for line in text([curve(7)]))
    assert draw([], [], whole([]), 40, 10)


def test_several_points_in_one_column_show_their_range_and_the_last() -> None:
    many = Curve("x", tuple(PlotPoint(START + at * DAY, at % 28) for at in range(500)), 0, 27)
    body = "\n".join(text([many], width=60))
    assert ":" in body
    assert "o" in body


@given(
    st.lists(st.tuples(st.integers(0, 900), st.floats(-5, 40)), max_size=40), st.integers(9, 160), st.integers(4, 40),
    st.lists(st.integers(-50, 950), max_size=5),
)  # fmt: skip
def test_any_picture_has_its_size_and_plain_characters(
    points: list[tuple[int, float]], width: int, height: int, events: list[int]
) -> None:
    made = Curve("PHQ-9", tuple(PlotPoint(START + day * DAY, value) for day, value in sorted(points)), 0, 27, BANDS, 10)
    marks = [Mark(START + day * DAY, "L", "lapse") for day in events]
    rows = draw([made], marks, whole([made], marks), width, height)
    assert len(rows) == height
    for row in rows:
        line = "".join(part for part, _ in row)
        assert len(line) == width
        assert line.isascii()


@given(st.integers(1, 2000), st.integers(0, 2000), st.floats(0.1, 4))
def test_a_zoomed_span_lies_inside_and_holds_the_day(days: int, at: int, factor: float) -> None:
    limit = Span(START, START + days * DAY)
    around = START + min(at, days) * DAY
    span = zoomed(limit, around, factor, limit)
    assert limit.first <= span.first <= span.last <= limit.last
    assert span.first <= around <= span.last or span.days < 7


# -- the widget ----------------------------------------------------------------------------------

MANY = Curve("PHQ-9", tuple(PlotPoint(START + at * DAY, (at * 7) % 28) for at in range(500)), 0, 27, BANDS, 10)


class ChartApp(App[None]):
    """The chart alone."""

    CSS: ClassVar[str] = "Screen { overflow: hidden; }"

    def compose(self) -> ComposeResult:
        """The chart."""
        yield TrendChart()


async def test_five_hundred_points_a_cursor_key_repaints_two_lines() -> None:
    app = ChartApp()
    async with app.run_test(size=(100, 30)) as pilot:
        chart = app.query_one(TrendChart)
        chart.show([MANY])
        await pilot.pause()
        drawn = chart._picture
        regions: list[int] = []
        refresh = chart.refresh

        def noted(*areas: Region, **more: bool) -> TrendChart:
            regions.extend(area.height for area in areas)
            return refresh(*areas, **more)

        chart.refresh = noted  # type: ignore[method-assign]
        for _ in range(20):
            chart.step(-1)
        await pilot.pause()
        assert regions == [2] * 20
        assert chart._picture is drawn
        assert chart.readout().startswith("2027-04-29: PHQ-9")
        chart.zoom(0.5)
        assert chart.span.days < 300
        chart.end(last=False)
        assert chart.place == (0, 0)


def test_five_hundred_points_are_drawn_in_a_few_milliseconds() -> None:
    """Drawn once per size or span; the bound is wide, for machines that do other things as well."""
    best = min(_seconds() for _ in range(5))
    assert best < 0.05, f"{best * 1000:.1f} ms"


def _seconds() -> float:
    start = time.process_time()
    draw([MANY], [], whole([MANY]), 100, 27)
    return time.process_time() - start
