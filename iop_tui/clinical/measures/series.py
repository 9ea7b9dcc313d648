"""Scores over time as charts need them: points, bands, the changes that are more than chance, events on the axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from iop_tui.clinical.measures.change import Change, marked
from iop_tui.clinical.measures.definition import Definition, Score
from iop_tui.clinical.measures.library import instruments
from iop_tui.clinical.records import api as records
from iop_tui.workspace import Workspace

EVENTS: dict[str, tuple[str, str]] = {
    "treatment_plan": ("P", "plan"),
    "relapse_plan": ("R", "relapse plan"),
    "safety_plan": ("S", "safety plan"),
    "lapse": ("L", "lapse"),
    "medication": ("M", "medication"),
    "discharge_summary": ("D", "discharge"),
}
"""Kinds of record that charts mark on the axis: letter and word."""
MOST_EVENTS = 200


@dataclass(frozen=True, slots=True)
class Point:
    """One score on a day; `change` is set where it differs reliably from the last such point (or the first)."""

    on: date
    value: float
    record: bytes
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """One score over time, oldest first."""

    name: str
    points: tuple[Point, ...]
    low: float | None
    high: float | None
    bands: tuple[tuple[float, str], ...] = ()
    cut: float | None = None
    better: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, for the axis."""

    on: date
    letter: str
    word: str
    record: bytes


def names(ws: Workspace, person: bytes) -> list[str]:
    """The scores a person has: those taken most often first, of equals the longer scale."""
    rows = ws.view.rows(
        "SELECT key, count(DISTINCT on_date) FROM fact WHERE person = ? AND key <> 'minutes' GROUP BY key", (person,)
    )
    known = scores_by_name(instruments(ws))
    reach = {name: score.high - score.low for name, (_, score) in known.items()}
    counts = {str(name): int(count) for name, count in rows}
    return sorted(counts, key=lambda name: (-counts[name], -reach.get(name, 0), name))


def series(ws: Workspace, person: bytes, wanted: Sequence[str]) -> list[Series]:
    """The named scores of a person over time, in the order asked for.

    The same score on the same day is one point: records that were received or shared lie in two places.
    """
    marks = ",".join("?" * len(wanted))
    rows = ws.view.rows(
        f"SELECT key, on_date, value, min(record) FROM fact WHERE person = ? AND key IN ({marks})"
        " GROUP BY key, on_date, value ORDER BY on_date, min(record)",
        (person, *wanted),
    )
    grouped: dict[str, list[Point]] = {name: [] for name in wanted}
    for key, day, value, record in rows:
        grouped[key].append(Point(date.fromisoformat(day), float(value), bytes(record)))
    known = scores_by_name(instruments(ws))
    return [made(name, points, known.get(name)) for name, points in grouped.items() if points]


def scores_by_name(definitions: Mapping[str, Definition]) -> dict[str, tuple[Definition, Score]]:
    """Every score by its name; an instrument's own total wins over another's score of the same name."""
    found: dict[str, tuple[Definition, Score]] = {}
    for definition in definitions.values():
        for score in definition.scores:
            if score.name == definition.name or score.name not in found:
                found[score.name] = (definition, score)
    return found


def made(name: str, points: Sequence[Point], known: tuple[Definition, Score] | None) -> Series:
    """One series with what its instrument knows of it."""
    if known is None:
        return Series(name, tuple(points), None, None)
    definition, score = known
    cut = score.positive_from if score.positive_from is not None else score.positive_below
    return Series(
        name, tuple(_with_changes(definition, score, points)), score.low, score.high,
        tuple((band.lowest, band.name) for band in score.bands), cut, score.better,
    )  # fmt: skip


def _with_changes(definition: Definition, score: Score, points: Sequence[Point]) -> list[Point]:
    """Each point against the last that differed reliably; the first one is where it begins."""
    found: list[Point] = []
    anchor: float | None = None
    for point in points:
        change = marked(definition, score.id, anchor, point.value) if anchor is not None else None
        if anchor is None or change is not None:
            anchor = point.value
        found.append(Point(point.on, point.value, point.record, change))
    return found


def events(ws: Workspace, person: bytes) -> list[Event]:
    """What a chart marks below its axis, oldest first; drafts are left out."""
    lines = records.timeline(ws, person, kinds=tuple(EVENTS), limit=MOST_EVENTS)
    found = [
        Event(date.fromisoformat(line.service_date), *EVENTS[line.kind], line.id)
        for line in reversed(lines)
        if line.service_date and line.status != "draft"
    ]
    return sorted(found, key=lambda event: event.on)
