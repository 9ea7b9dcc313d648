"""What other slices and the shell may use of turnover."""

from __future__ import annotations

from iop_tui.clinical.turnover.leaving import announce, leavers, take_back
from iop_tui.clinical.turnover.notices import Notice, notices
from iop_tui.clinical.turnover.owed import HAND_OVER, SUCCESSION, TRANSFER, due_lines
from iop_tui.clinical.turnover.planning import open_transfers, plan
from iop_tui.clinical.turnover.service import (
    TransferLine,
    caseload_left,
    hand_overs_waiting,
    refuse_leaving,
    transfer,
)
from iop_tui.clinical.turnover.succession import Taken, approve, keep_up, name_successor, succeed, unnamed
from iop_tui.clinical.turnover.team import TeamLine, care_team, end_part

__all__ = [
    "HAND_OVER",
    "SUCCESSION",
    "TRANSFER",
    "Notice",
    "Taken",
    "TeamLine",
    "TransferLine",
    "announce",
    "approve",
    "care_team",
    "caseload_left",
    "due_lines",
    "end_part",
    "hand_overs_waiting",
    "keep_up",
    "leavers",
    "name_successor",
    "notices",
    "open_transfers",
    "plan",
    "refuse_leaving",
    "succeed",
    "take_back",
    "transfer",
    "unnamed",
]
