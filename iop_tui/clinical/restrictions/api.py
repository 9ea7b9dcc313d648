"""What other slices may use of restrictions."""

from __future__ import annotations

from iop_tui.clinical.restrictions.model import (
    BY_PROGRAM,
    BY_WORD,
    DECISION,
    ENDINGS,
    GROUNDS,
    IN_WRITING,
    NAMED,
    RESTRICTION,
    SELF_PAID,
    Restriction,
)
from iop_tui.clinical.restrictions.service import (
    BEFORE_ONLY,
    DECIDE,
    IN_FORCE,
    WAITS,
    RestrictionLine,
    against,
    decide,
    due_lines,
    end,
    lines,
    record,
)

__all__ = [
    "BEFORE_ONLY",
    "BY_PROGRAM",
    "BY_WORD",
    "DECIDE",
    "DECISION",
    "ENDINGS",
    "GROUNDS",
    "IN_FORCE",
    "IN_WRITING",
    "NAMED",
    "RESTRICTION",
    "SELF_PAID",
    "WAITS",
    "Restriction",
    "RestrictionLine",
    "against",
    "decide",
    "due_lines",
    "end",
    "lines",
    "record",
]
