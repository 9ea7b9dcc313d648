"""A trend in a few cells, in ASCII: terminals and fonts agree about these characters."""

from __future__ import annotations

from collections.abc import Sequence

LEVELS = "_.-=^"


def sparkline(values: Sequence[float | None], width: int, low: float | None = None, high: float | None = None) -> str:
    """The last `width` values as one character each, from low `_` to high `^`; a blank where there is none.

    `low` and `high` fix the scale (for example 0 and 27 for a questionnaire); without them the values do.
    """
    shown = list(values)[-width:] if width > 0 else []
    known = [value for value in shown if value is not None]
    if not known:
        return " " * width
    floor = min(known) if low is None else low
    span = (max(known) if high is None else high) - floor
    return "".join(_level(value, floor, span) for value in shown).rjust(width)


def _level(value: float | None, floor: float, span: float) -> str:
    if value is None:
        return " "
    share = (value - floor) / span if span > 0 else 0.5
    return LEVELS[max(0, min(int(share * len(LEVELS)), len(LEVELS) - 1))]
