"""How the exchange stands: what waits for whom, what each carrier lacks, what does not fit. Nothing is moved."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from iop_tui.access import primitives, settle
from iop_tui.exchange import engine, sealing, taking
from iop_tui.exchange.carrying import Estimate
from iop_tui.exchange.chunks import Wishes
from iop_tui.exchange.engine import DeviceLine
from iop_tui.exchange.mirror import Last
from iop_tui.exchange.remotes import places
from iop_tui.exchange.remotes.link import LinkMemory
from iop_tui.kernel.errors import IopError
from iop_tui.workspace import exchanging, links
from iop_tui.workspace.exchanging import RemoteLine
from iop_tui.workspace.workspace import Workspace

_BYTES_PER_SECOND = 5_000_000
"""A slow stick, as long as no exchange was timed."""
_SECONDS_PER_PACK = 0.02
"""Three folders are synced for each pack; this and the rate only tell seconds from minutes."""
_TIMED_BYTES = 64 * 1024
"""Below that the time says nothing of the carrier's rate."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known without any carrier. `unpacked`: something was done here since the last pack; `changes`: what of it
    this user can open (nobody is told a number of what others keep alone); `waiting` counts packs that came and were
    not taken in, by (reason, device); `missing` were named by others and brought by nobody; `aside` were damaged and
    set aside; `rotations` parts of the record are owed a new key. `aside_full`: what comes damaged now is not kept any
    more.
    """

    begun: bool
    devices: tuple[DeviceLine, ...] = ()
    unpacked: bool = False
    changes: int = 0
    waiting: tuple[tuple[str, bytes, int], ...] = ()
    missing: int = 0
    aside: int = 0
    rotations: int = 0
    aside_full: bool = False


@dataclass(frozen=True, slots=True)
class CarrierState:
    """One carrier: how the last exchange went, and what the next one would move. `trouble` says why it cannot be used
    now; then there is no estimate.
    """

    line: RemoteLine
    last: Last | None
    estimate: Estimate | None = None
    seconds: float = 0.0
    trouble: str = ""

    @property
    def total(self) -> int:
        """Bytes both ways, with what is packed when it starts."""
        return self.estimate.total if self.estimate else 0


def standing(ws: Workspace) -> Standing:
    """How it stands here. Reads the vault and the mirror, no carrier."""
    if not exchanging.ready(ws):
        return Standing(False)
    found, here = exchanging.ledger(ws), exchanging.mirror(ws)
    waiting = Counter((item.why, item.device) for item in taking.not_taken(found, here))
    return Standing(
        True, tuple(engine.device_lines(found)), sealing.unpacked(found), sealing.pending_changes(found),
        tuple((why, device, count) for (why, device), count in sorted(waiting.items())),
        len(found.missing()), len(here.aside()), rotations_owed(ws), not here.room_aside(),
    )  # fmt: skip


def rotations_owed(ws: Workspace) -> int:
    """Parts of the record whose newest key somebody knows who may not any more, as far as this user holds them."""
    owed = settle.left_by_somebody(ws.session)
    return sum(primitives.rotation_owed(ws.session, target.id) for target in owed)


def carrier(ws: Workspace, line: RemoteLine, wishes: Wishes | None = None) -> CarrierState:
    """How it stands with one carrier. Asks the carrier, which may take as long as it likes. `wishes` of attachments."""
    here = exchanging.mirror(ws)
    last = here.last(line.place)
    try:
        estimate, _ = exchanging.plan(ws, line, wishes)
    except IopError as error:
        return CarrierState(line, last, trouble=error.message)
    return CarrierState(line, last, estimate, seconds_for(ws, line, estimate))


def seconds_for(ws: Workspace, line: RemoteLine, estimate: Estimate) -> float:
    """About how long what was estimated will take on a carrier."""
    here = exchanging.mirror(ws)
    link = links.memory(here, line.place) if places.parse(line.place).remote else None
    return seconds(estimate, here.last(line.place), link)


def seconds(estimate: Estimate, last: Last | None, link: LinkMemory | None) -> float:
    """About how long an exchange will take, by the rate of the carrier's link, or the carrier's the last time."""
    if link is not None:
        return estimate.total / link.rate
    timed = last is not None and last.moved_bytes >= _TIMED_BYTES and last.seconds > 0
    rate = last.moved_bytes / last.seconds if timed and last is not None else _BYTES_PER_SECOND
    packs = len(estimate.receive) + len(estimate.send) + len(estimate.seal)
    return estimate.total / rate + packs * _SECONDS_PER_PACK
