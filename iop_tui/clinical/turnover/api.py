"""What other slices and the shell may use of turnover."""

from __future__ import annotations

from iop_tui.clinical.turnover.notices import Notice, notices
from iop_tui.clinical.turnover.service import (
    TransferLine,
    caseload_left,
    hand_overs_waiting,
    refuse_leaving,
    transfer,
)
from iop_tui.clinical.turnover.succession import Taken, approve, keep_up, name_successor, succeed, unnamed

__all__ = [
    "Notice",
    "Taken",
    "TransferLine",
    "approve",
    "caseload_left",
    "hand_overs_waiting",
    "keep_up",
    "name_successor",
    "notices",
    "refuse_leaving",
    "succeed",
    "transfer",
    "unnamed",
]
