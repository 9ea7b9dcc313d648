"""The screens of turnover: who is on a care team, caseload transfer, succession, and what waits of these."""

from iop_tui.clinical.turnover.screens.caseload import TransferPage, begun, fresh
from iop_tui.clinical.turnover.screens.home import Turnover
from iop_tui.clinical.turnover.screens.succession import SuccessionPage
from iop_tui.clinical.turnover.screens.team import CareTeam

__all__ = ["CareTeam", "SuccessionPage", "TransferPage", "Turnover", "begun", "fresh"]
