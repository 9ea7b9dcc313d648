"""What other slices may use of clinical risk."""

from __future__ import annotations

from iop_tui.clinical.safety.model import LEVELS, RAISED, RISK_ASSESSMENT, RiskAssessment, needs_supervisor

__all__ = ["LEVELS", "RAISED", "RISK_ASSESSMENT", "RiskAssessment", "needs_supervisor"]
