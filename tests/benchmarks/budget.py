"""What a row of the table of budgets is, and how it is printed."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """One measured value against its limit. `baseline` is 0 where the limit is absolute."""

    what: str
    measured: float
    unit: str
    limit: float
    baseline: float = 0.0
    note: str = ""

    @property
    def compared(self) -> float:
        """What the limit applies to: the ratio to the baseline, or the value itself."""
        return self.measured / self.baseline if self.baseline else self.measured

    @property
    def met(self) -> bool:
        """Whether the budget holds."""
        return self.compared <= self.limit


def median(values: Iterable[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def p99(values: Sequence[float]) -> float:
    """The value that one in a hundred exceeds; of few values the largest."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(rows: Iterable[Budget]) -> str:
    """The rows as aligned text."""
    lines = [("", "what", "measured", "baseline", "ratio", "budget", "")]
    for row in rows:
        ratio = f"{row.compared:.2f}×" if row.baseline else ""
        limit = f"≤ {row.limit:g} ×" if row.baseline else f"≤ {row.limit:,g} {row.unit}"
        baseline = f"{_number(row.baseline)} {row.unit}" if row.baseline else ""
        verdict = "ok" if row.met else "OVER"
        lines.append((verdict, row.what, f"{_number(row.measured)} {row.unit}", baseline, ratio, limit, row.note))
    widths = [max(len(line[column]) for line in lines) for column in range(7)]
    padded = (zip(line, widths, strict=True) for line in lines)
    return "\n".join("  ".join(cell.ljust(width) for cell, width in line).rstrip() for line in padded)
