"""What other slices may use of clinical risk and safety plans."""

from __future__ import annotations

from iop_tui.clinical.safety.model import (
    LEVELS,
    RAISED,
    RISK_ASSESSMENT,
    VIOLENCE_SCREEN,
    RiskAssessment,
    ViolenceScreen,
    needs_supervisor,
)
from iop_tui.clinical.safety.plan import SAFETY_PLAN, SafetyPlan, begun, partner_copy
from iop_tui.clinical.safety.service import Held, copy_for_partner, current, due_of, needed

__all__ = [
    "LEVELS",
    "RAISED",
    "RISK_ASSESSMENT",
    "SAFETY_PLAN",
    "VIOLENCE_SCREEN",
    "Held",
    "RiskAssessment",
    "SafetyPlan",
    "ViolenceScreen",
    "begun",
    "copy_for_partner",
    "current",
    "due_of",
    "needed",
    "needs_supervisor",
    "partner_copy",
]
