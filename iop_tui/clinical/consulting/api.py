"""What other slices and the shell may use of consultations."""

from __future__ import annotations

from iop_tui.clinical.consulting.model import CONSULT_ANSWER, CONSULT_REQUEST
from iop_tui.clinical.consulting.service import (
    ANSWER,
    READERS,
    ask,
    conflicts,
    decline,
    due_lines,
    end_share,
    given,
    received,
    requests,
    show,
)

__all__ = [
    "ANSWER",
    "CONSULT_ANSWER",
    "CONSULT_REQUEST",
    "READERS",
    "ask",
    "conflicts",
    "decline",
    "due_lines",
    "end_share",
    "given",
    "received",
    "requests",
    "show",
]
