"""What other slices may use of rule packs and due items."""

from __future__ import annotations

from iop_tui.clinical.compliance.calendars import add_business_days
from iop_tui.clinical.compliance.packs import in_force, shipped
from iop_tui.clinical.compliance.rules import Case, Due, Pack, age_tag, code_times, due, hours_band
from iop_tui.clinical.compliance.service import DueLine
from iop_tui.clinical.compliance.service import due as due_lines

__all__ = [
    "Case",
    "Due",
    "DueLine",
    "Pack",
    "add_business_days",
    "age_tag",
    "code_times",
    "due",
    "due_lines",
    "hours_band",
    "in_force",
    "shipped",
]
