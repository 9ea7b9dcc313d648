"""A person's scores over time on paper: the chart of the screen as SVG or PDF, with its row in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.api import Ground, Recipient
from iop_tui.clinical.disclosures.api import REQUEST
from iop_tui.clinical.measures import api as measures
from iop_tui.clinical.people import api as people
from iop_tui.clinical.staff import api as staff
from iop_tui.interchange.outfile import check_free, staged_file
from iop_tui.interchange.prints import type as typefaces
from iop_tui.interchange.prints.layout import Head
from iop_tui.interchange.prints.pdf import Paper
from iop_tui.interchange.prints.turning import headline
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.errors import Refused, Usage
from iop_tui.ui.trend.plot import BETTER, WORSE, Curve, PlotPoint, whole
from iop_tui.ui.trend.shapes import COLOURS, DASHES, Dot, Line, Shape, Words, shapes, svg
from iop_tui.workspace import Workspace

FORMS = ("pdf", "svg")
_PURPOSE = "copy for the person (45 CFR 164.524)"
_WIDTH, _HEIGHT = 720.0, 400.0
_POINT = 25.4 / 72
"""Millimetres of a point."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A chart that was written: its size in bytes and how many scores it shows."""

    size: int
    points: int


def chart_for_person(ws: Workspace, person: bytes, names: Sequence[str], form: str, out: Path) -> Printed:
    """The named scores as a picture for the person they are about.

    Raises `Usage` for another form, `Refused` without scores, `RuleRefused`, what `outfile` raises; then nothing is
    written.
    """
    if form not in FORMS:
        raise Usage(f"A chart is printed as {' or '.join(FORMS)}.")
    check_free(out)
    ws.session.catch_up()  # what ended since leaves the view first
    found = measures.series(ws, person, list(names))
    records = [point.record for each in found for point in each.points]
    if not records:
        raise Refused("There is no score to draw.", "Give the questionnaire first.")
    work = ws.work()
    name = people.header(ws, person).name
    consents.release(ws, work, person, records, Ground(REQUEST, Recipient(name=name), _PURPOSE, "print"))
    curves = [curve_of(each) for each in found]
    drawn = shapes(curves, whole(curves), _WIDTH, _HEIGHT)
    content = svg(drawn, name).encode() if form == "svg" else _pdf(ws, drawn, _head(ws, name, names))
    with staged_file(out, content) as publish:
        ws.session.note(work, "print", person=person, subject=records[-1], detail=f"chart {form}")
        ws.commit(work)
        publish()
    return Printed(len(content), len(records))


def curve_of(found: measures.Series) -> Curve:
    """A series as it is drawn; what was reliable is a mark."""
    points = tuple(
        PlotPoint(point.on, point.value, "" if point.change is None else
                  BETTER if point.change.direction == "better" else WORSE)
        for point in found.points
    )  # fmt: skip
    return Curve(found.name, points, found.low, found.high, found.bands, found.cut)


def _head(ws: Workspace, name: str, names: Sequence[str]) -> Head:
    day = local_date(ws.clock.now_ms()).isoformat()
    return Head(
        person=name, born="", program=staff.program_profile(ws).facility, label=f"Measures: {', '.join(names)}",
        state="", date=day, printed=f"Printed {day} by {ws.user.name}", reference="", signed=(), notices=(),
    )  # fmt: skip


def _pdf(ws: Workspace, drawn: Sequence[Shape], head: Head) -> bytes:
    paper = Paper(ws.clock.now_ms())
    paper.set_title(head.label)
    paper.head, paper.first_page = head, True
    paper.add_page(orientation="landscape")
    paper.say(head.label, size=16, bold=True)
    paper.say(headline(" · ".join(part for part in (head.person, head.program) if part)))
    left, top = paper.l_margin, paper.get_y() + 4
    for shape in drawn:
        _put(paper, shape, left, top)
    return bytes(paper.output())


def _put(paper: Paper, shape: Shape, left: float, top: float) -> None:
    if isinstance(shape, Words):
        paper.set_font(typefaces.MAIN, "", shape.size)
        text = typefaces.printable(shape.text)
        x = left + shape.x * _POINT - (paper.get_string_width(text) if shape.end else 0)
        paper.text(x, top + shape.y * _POINT, text)
        return
    paper.set_draw_color(COLOURS[shape.style])
    paper.set_line_width(0.3)
    if isinstance(shape, Line):
        dash = [float(part) * _POINT for part in DASHES.get(shape.style, "").split()]
        paper.set_dash_pattern(dash=dash[0] if dash else 0, gap=dash[1] if dash else 0)
        paper.line(left + shape.x1 * _POINT, top + shape.y1 * _POINT, left + shape.x2 * _POINT, top + shape.y2 * _POINT)
    elif isinstance(shape, Dot):
        paper.set_dash_pattern()
        paper.set_fill_color(COLOURS[shape.style] if shape.filled else "#ffffff")
        paper.circle(left + shape.x * _POINT, top + shape.y * _POINT, 1.0, style="DF")
