"""What a program owes after an unlock: keys, what clients authorized, what was handed over beforehand."""

from __future__ import annotations

from iop_tui.access.settle import settle
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.turnover import api as turnover
from iop_tui.store.views.view import Changes
from iop_tui.workspace import Workspace


def settle_all(ws: Workspace) -> Changes:
    """Do everything owed; the changes. Running it again does nothing."""
    changes = settle(ws.session)
    if turnover.succeed(ws):
        changes.merge(settle(ws.session))
        changes.access = True
    changes.merge(consents.keep_up(ws))
    changes.merge(turnover.keep_up(ws))
    changes.merge(couples.carry_out(ws))
    return changes
