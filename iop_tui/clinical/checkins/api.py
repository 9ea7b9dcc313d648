"""What other slices may use of check-ins."""

from __future__ import annotations

from iop_tui.clinical.checkins.model import CHECK_IN, SCHEDULE
from iop_tui.clinical.checkins.service import Held, begin_check_in, begin_schedule, current, due_lines

__all__ = ["CHECK_IN", "SCHEDULE", "Held", "begin_check_in", "begin_schedule", "current", "due_lines"]
