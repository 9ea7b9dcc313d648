"""What other slices may use of relapse-prevention plans."""

from __future__ import annotations

from iop_tui.clinical.relapse.checks import RELAPSE_DRILL, RELAPSE_PLAN, RELAPSE_REVIEW
from iop_tui.clinical.relapse.model import CHECK_INS, DAYS_OF, RelapsePlan
from iop_tui.clinical.relapse.service import Held, begin_review, current, due_of, keep_drill
from iop_tui.clinical.relapse.standing import Standing

__all__ = [
    "CHECK_INS",
    "DAYS_OF",
    "RELAPSE_DRILL",
    "RELAPSE_PLAN",
    "RELAPSE_REVIEW",
    "Held",
    "RelapsePlan",
    "Standing",
    "begin_review",
    "current",
    "due_of",
    "keep_drill",
]
