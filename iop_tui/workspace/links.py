"""The links to this copy's carriers: what is remembered of each, and what follows from it for an exchange."""

from __future__ import annotations

from collections.abc import Iterable

from iop_tui.exchange.carrying import Budget
from iop_tui.exchange.mirror import Mirror
from iop_tui.exchange.remotes import places
from iop_tui.exchange.remotes.clients import Patience
from iop_tui.exchange.remotes.link import FAST, LinkMemory, smallest
from iop_tui.exchange.remotes.patient import Patient, Waits
from iop_tui.exchange.remotes.port import Remote
from iop_tui.kernel.clock import Clock
from iop_tui.kernel.rng import Rng

LINK = "link"


def memory(mirror: Mirror, place: str) -> LinkMemory:
    """What is known of the link to a carrier."""
    return LinkMemory.read(mirror.hint(place, LINK))


def patience(mirror: Mirror, place: str) -> Patience:
    """How long one request to a carrier may take: 15 s, and four times what its largest object took lately."""
    link = memory(mirror, place)
    return Patience(silence=link.seconds_for(2 * link.object_size()))


def patient(remote: Remote, mirror: Mirror, place: str, *, clock: Clock, rng: Rng, budget: Budget) -> Remote:
    """A carrier over a network with patience for its link; a folder or file as it is."""
    if not remote.capabilities().remote:
        return remote
    waits = Waits(clock, rng, budget.pause, budget.cancelled)
    return Patient(
        remote, link=memory(mirror, place), drawer=mirror, waits=waits, struggle=budget.struggle,
        remember=lambda data: mirror.keep_hint(place, LINK, data), place=place,
    )  # fmt: skip


def pack_size(mirror: Mirror, at: Iterable[str]) -> int:
    """About how large packs are to be that are sealed now: what the worst link to one of these carriers needs."""
    return smallest([memory(mirror, one).object_size() if places.parse(one).remote else FAST for one in at])
