"""What other slices may use of record requests."""

from __future__ import annotations

from iop_tui.clinical.requests.joint import decide, decided, joint_part
from iop_tui.clinical.requests.model import (
    CLOCK_DAYS,
    COURT_ORDER,
    DECISIONS,
    EXTENSION_DAYS,
    JOINT_DECISION,
    RECORD_REQUEST,
    REQUESTERS,
    THE_PERSON,
    JointDecision,
    RecordRequest,
)
from iop_tui.clinical.requests.service import Prepared, finish, home, prepare

__all__ = [
    "CLOCK_DAYS",
    "COURT_ORDER",
    "DECISIONS",
    "EXTENSION_DAYS",
    "JOINT_DECISION",
    "RECORD_REQUEST",
    "REQUESTERS",
    "THE_PERSON",
    "JointDecision",
    "Prepared",
    "RecordRequest",
    "decide",
    "decided",
    "finish",
    "home",
    "joint_part",
    "prepare",
]
