"""What other slices may use of the joint record."""

from __future__ import annotations

from iop_tui.clinical.joint.model import (
    COUPLE_MEASURE,
    JOINT_CLOSING,
    JOINT_NOTE,
    JOINT_PLAN,
    RECOVERY_DAY,
    CoupleMeasure,
    JointClosing,
    JointNote,
    JointPlan,
    RecoveryDay,
)
from iop_tui.clinical.joint.service import after_signing, due_lines, entries, owed, sign

__all__ = [
    "COUPLE_MEASURE", "JOINT_CLOSING", "JOINT_NOTE", "JOINT_PLAN", "RECOVERY_DAY", "CoupleMeasure", "JointClosing",
    "JointNote", "JointPlan", "RecoveryDay", "after_signing", "due_lines", "entries", "owed", "sign",
]  # fmt: skip
