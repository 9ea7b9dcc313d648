"""What other slices may use of problems, goals and plans."""

from __future__ import annotations

from iop_tui.clinical.plans.model import Coded

__all__ = ["Coded"]
