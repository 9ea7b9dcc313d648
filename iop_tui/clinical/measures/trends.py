"""Scores over time, from the facts of the view. Headless."""

from __future__ import annotations

from dataclasses import dataclass

from iop_tui.clinical.measures.instruments import score_named
from iop_tui.workspace import Workspace

SHOWN = 16
_NOT_MEASURES = "minutes"


@dataclass(frozen=True, slots=True)
class Trend:
    """One instrument over time, oldest first; `change` against the score before the last."""

    instrument: str
    values: tuple[float, ...]
    last: float
    last_on: str
    change: float | None
    count: int
    low: float | None
    high: float | None


def trends(ws: Workspace, person: bytes) -> list[Trend]:
    """Every measure of a person this user may read, by name."""
    rows = ws.view.rows(
        "SELECT DISTINCT key, on_date, value FROM fact WHERE person = ? AND key <> ? ORDER BY key, on_date",
        (person, _NOT_MEASURES),
    )
    grouped: dict[str, list[tuple[str, float]]] = {}
    for key, day, value in rows:
        grouped.setdefault(key, []).append((day, float(value)))
    return [_trend(key, points) for key, points in sorted(grouped.items())]


def _trend(key: str, points: list[tuple[str, float]]) -> Trend:
    values = tuple(value for _, value in points)
    known = score_named(key)
    low, high = (known.low, known.high) if known else (None, None)
    change = values[-1] - values[-2] if len(values) > 1 else None
    return Trend(key, values[-SHOWN:], values[-1], points[-1][0], change, len(values), low, high)
