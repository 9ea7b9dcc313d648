"""A chart of five hundred points by itself, with the program's own driver: `python -m tests.benchmarks.trend`."""

from __future__ import annotations

from datetime import date, timedelta
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from iop_tui.ui.app import KitApp
from iop_tui.ui.trend.chart import TrendChart
from iop_tui.ui.trend.plot import Curve, PlotPoint

POINTS = 500
READY = "PHQ-9"
_START = date(2026, 1, 5)


class Trend(KitApp):
    """The chart with its cursor keys and nothing else."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False), Binding("plus", "zoom(2.0)", show=False),
        Binding("minus", "zoom(0.5)", show=False),
    ]  # fmt: skip

    def compose(self) -> ComposeResult:
        """The chart."""
        yield TrendChart()

    def on_mount(self) -> None:
        """Five hundred days of one score."""
        points = tuple(PlotPoint(_START + timedelta(days=at), (at * 7) % 28) for at in range(POINTS))
        chart = self.query_one(TrendChart)
        chart.show([Curve(READY, points, 0, 27, ((0, "minimal"), (10, "moderate"), (20, "severe")), 10)])
        chart.focus()

    def action_step(self, by: int) -> None:
        """The next point."""
        self.query_one(TrendChart).step(by)

    def action_zoom(self, factor: float) -> None:
        """Fewer or more days: the whole picture is drawn anew."""
        self.query_one(TrendChart).zoom(factor)


if __name__ == "__main__":
    Trend(theme="dark").run()
