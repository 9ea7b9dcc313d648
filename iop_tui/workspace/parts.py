"""The last step of an exchange: attachments, part by part, behind packs and heads."""

from __future__ import annotations

from dataclasses import replace

from iop_tui.exchange import chunks
from iop_tui.exchange.carrying import Budget
from iop_tui.exchange.chunks import MovedParts, PartsEstimate, Wishes
from iop_tui.exchange.engine import Turns
from iop_tui.exchange.remotes.bundle import BundleRemote
from iop_tui.exchange.remotes.port import Remote
from iop_tui.store.chunks import ChunkStore
from iop_tui.workspace.workspace import Workspace

FILE_PARTS, FILE_ASKED = 4 * 2**20, 32 * 2**20
"""How many bytes of attachments a `.cwx` file gets: by itself, as it has to pass through the mail; and where all were
asked for.
"""


def exchange(
    ws: Workspace, remote: Remote, label: str, wishes: Wishes, moved: MovedParts, *, budget: Budget, turns: Turns
) -> None:
    """Fetch what the user wants, then bring what the carrier lacks. What the user wants is looked up in a turn.

    Raises `CarrierGone`, `MediumUnusable`, `DiskFull`, `Cancelled`; what was moved until then stays so.
    """
    asked = replace(wishes, wanted=lambda: turns.take(wishes.wanted), order=lambda: turns.take(wishes.order))
    if isinstance(remote, BundleRemote):
        asked.most = FILE_ASKED if wishes.everything else FILE_PARTS
    chunks.exchange(ChunkStore(ws.path, ws.rng), remote, label, asked, budget, moved)


def estimate(ws: Workspace, remote: Remote, label: str, wishes: Wishes) -> PartsEstimate:
    """What that step would move. Of a file for the mail only what fits is counted."""
    found = chunks.estimate(ChunkStore(ws.path, ws.rng), remote, label, wishes)
    if isinstance(remote, BundleRemote):
        most = FILE_ASKED if wishes.everything else FILE_PARTS
        return replace(found, send=found.send if sum(found.send) <= most else ())
    return found
