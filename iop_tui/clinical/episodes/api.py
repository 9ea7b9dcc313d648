"""What other slices may use of intake and discharge."""

from __future__ import annotations

from iop_tui.clinical.episodes.model import (
    CONTINUING_CARE_PLAN,
    DISCHARGE_SUMMARY,
    INTAKE_ASSESSMENT,
    ContinuingCarePlan,
    DischargeSummary,
    FinalStatus,
    IntakeAssessment,
    ServiceCount,
)

__all__ = [
    "CONTINUING_CARE_PLAN",
    "DISCHARGE_SUMMARY",
    "INTAKE_ASSESSMENT",
    "ContinuingCarePlan",
    "DischargeSummary",
    "FinalStatus",
    "IntakeAssessment",
    "ServiceCount",
]
