"""A person's scores over time: the chart, the questionnaires that can be given, the clinic's own files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from textual import on
from textual.widget import Widget

from iop_tui.clinical.measures import library, series
from iop_tui.clinical.measures.change import BETTER as BETTER_WORD
from iop_tui.clinical.measures.screens.shelf import ask_and_load
from iop_tui.clinical.people import api as people
from iop_tui.store.views.view import Changes
from iop_tui.ui.dialogs import PickSeveral
from iop_tui.ui.frame.bars import Lines, Toned
from iop_tui.ui.frame.palette import Entry, Palette
from iop_tui.ui.page import Page
from iop_tui.ui.trend.chart import TrendChart
from iop_tui.ui.trend.plot import BETTER, WORSE, Curve, Mark, PlotPoint
from iop_tui.workspace import Workspace

MOST_CURVES = 4
EMPTY = "No scores yet. Press a to give a questionnaire; received ones appear here by themselves."


@dataclass(frozen=True, slots=True)
class Picture:
    """What the page shows: every score there is, the chosen ones as curves, the events."""

    name: str
    known: tuple[str, ...]
    chosen: tuple[str, ...]
    curves: tuple[Curve, ...]
    records: tuple[tuple[bytes, ...], ...]
    marks: tuple[Mark, ...]


def curve_of(found: series.Series) -> Curve:
    """A series as the kit draws it; what was reliable is a mark with its rule in words."""
    points = tuple(
        PlotPoint(
            point.on, point.value,
            "" if point.change is None else BETTER if point.change.direction == BETTER_WORD else WORSE,
            "" if point.change is None else
            f"{point.change.rule}, {point.change.direction} ({point.change.detail}; {point.change.source})",
        )
        for point in found.points
    )  # fmt: skip
    return Curve(found.name, points, found.low, found.high, found.bands, found.cut)


def picture(ws: Workspace, person: bytes, chosen: Sequence[str]) -> Picture:
    """The chosen scores, or the one that was taken most often. Raises `NotFound`."""
    known = tuple(series.names(ws, person))
    wanted = tuple(name for name in chosen if name in known) or known[:1]
    found = series.series(ws, person, wanted)
    events = series.events(ws, person)
    return Picture(
        people.header(ws, person).name, known, tuple(each.name for each in found),
        tuple(curve_of(each) for each in found), tuple(tuple(point.record for point in each.points) for each in found),
        tuple(Mark(event.on, event.letter, event.word) for event in events),
    )  # fmt: skip


class MeasureCharts(Page):
    """The chart, a cursor on it, and the keys to give, choose, load."""

    heading = "Measures"
    places = ("measures", "reader", "find")
    DEFAULT_CSS = "MeasureCharts TrendChart { margin: 1 0 0 0; } MeasureCharts Lines { margin: 0 0; }"

    def __init__(self, person: bytes, first: Picture) -> None:
        super().__init__()
        self.person, self._picture = person, first

    def content(self) -> Iterable[Widget]:
        """The chart; below it the other scores there are."""
        yield TrendChart(empty=EMPTY)
        yield Lines(id="known")

    @property
    def chart(self) -> TrendChart:
        """The chart."""
        return self.query_one(TrendChart)

    def on_mount(self) -> None:
        """Draw."""
        super().on_mount()
        self.chart.focus()
        self._show()

    def _show(self) -> None:
        data = self._picture
        self.retitle(f"Measures: {data.name}", ", ".join(data.chosen))
        self.chart.show(data.curves, data.marks)
        others = [name for name in data.known if name not in data.chosen]
        line: list[Toned] = [("Also  ", "dim"), (", ".join(others), "text")] if others else []
        self.query_one("#known", Lines).show([line])

    def concerns(self, result: Any) -> bool:
        """Only what changed this person, or access."""
        changes = getattr(result, "changes", result)
        return not isinstance(changes, Changes) or changes.access or self.person in changes.persons

    def reload(self) -> None:
        """Draw again."""
        self.start(self._reload, self._picture.chosen, group="chart", exclusive=True)

    async def _reload(self, chosen: Sequence[str]) -> None:
        self._picture = await self.desk.read(picture, self.person, chosen)
        self._show()

    # -- keys ------------------------------------------------------------------------------------

    def action_step(self, by: int) -> None:
        """The point before or after."""
        self.chart.step(by)

    def action_edge(self, last: int) -> None:
        """The first point, or the last."""
        self.chart.end(last > 0)

    def action_zoom(self, way: int) -> None:
        """Fewer days around the cursor, or more."""
        self.chart.zoom(0.5 if way > 0 else 2)

    @property
    def record_at_cursor(self) -> bytes:
        """The administration under the cursor; empty without any."""
        place = self.chart.place
        return self._picture.records[place[0]][place[1]] if place is not None else b""

    def action_open_point(self) -> None:
        """The administration under the cursor."""
        if self.record_at_cursor:
            self.go("record", self.record_at_cursor)

    def action_choose(self) -> None:
        """Which scores are drawn together."""
        options = [(name, name) for name in self._picture.known]
        if options:
            self.app.push_screen(
                PickSeveral(f"Draw together, at most {MOST_CURVES}", options, self._picture.chosen), self._chosen
            )

    def _chosen(self, names: tuple[str, ...] | None) -> None:
        if names is None:
            return
        if len(names) > MOST_CURVES:
            self.app.notify(f"At most {MOST_CURVES} together; the first {MOST_CURVES} are drawn.", severity="warning")
        self.start(self._reload, names[:MOST_CURVES], group="chart", exclusive=True)

    def action_print_chart(self) -> None:
        """The chart as a file for the person."""
        if self._picture.chosen:
            self.go("printchart", self.person, how="|".join(self._picture.chosen))

    def action_give(self) -> None:
        """Choose a questionnaire and give it."""
        self.start(self._give, group="give")

    async def _give(self) -> None:
        found = await self.desk.read(library.instruments)
        entries = [
            Entry(each.name, each.title if each.has_texts else f"{each.title} (questions from the clinic's form)",
                  action_id=each.id)
            for each in found.values() if each.items
        ]  # fmt: skip
        chosen = await self.app.push_screen_wait(
            Palette(entries, placeholder="Which questionnaire? Type a few letters", empty="None of that name.")
        )
        if chosen is not None:
            self.go("answer", self.person, how=chosen.action_id)

    def action_load(self) -> None:
        """Load a questionnaire of the clinic's."""
        self.start(ask_and_load, self, group="give")

    def action_shelf(self) -> None:
        """Every questionnaire of the program."""
        self.go("questionnaires")

    @on(TrendChart.Moved)
    def _moved(self, event: TrendChart.Moved) -> None:
        event.stop()
