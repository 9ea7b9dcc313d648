"""What other slices may use of break-glass."""

from __future__ import annotations

from iop_tui.clinical.emergency.model import CATEGORIES, EMERGENCY_ACCESS, EMERGENCY_REVIEW, VERDICTS
from iop_tui.clinical.emergency.service import (
    AccessLine,
    Card,
    Wish,
    accesses,
    break_glass,
    due_lines,
    lasting,
    may_ask,
    of_the_team,
    on_call,
    open_again,
    ready,
    review,
)

__all__ = [
    "CATEGORIES",
    "EMERGENCY_ACCESS",
    "EMERGENCY_REVIEW",
    "VERDICTS",
    "AccessLine",
    "Card",
    "Wish",
    "accesses",
    "break_glass",
    "due_lines",
    "lasting",
    "may_ask",
    "of_the_team",
    "on_call",
    "open_again",
    "ready",
    "review",
]
