"""The links to this copy's carriers: what is remembered of each, and what follows from it for an exchange."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from iop_tui.exchange.carrying import Budget
from iop_tui.exchange.mirror import Mirror
from iop_tui.exchange.remotes import places
from iop_tui.exchange.remotes.clients import Patience
from iop_tui.exchange.remotes.link import FAST, LinkMemory, smallest
from iop_tui.exchange.remotes.parts import Drawer
from iop_tui.exchange.remotes.patient import Patient, Waits
from iop_tui.exchange.remotes.port import Remote
from iop_tui.kernel.clock import Clock
from iop_tui.kernel.rng import Rng

LINK, TRACES = "link", "traces"
_PAGE, _PAGE_BYTES = 60.0, 512 * 1024
"""Seconds at least, and bytes at most, of a page of a thousand names."""


@dataclass(frozen=True, slots=True)
class Traces:
    """Which temporary names of this copy may lie on a carrier: a hint beside the packs."""

    mirror: Mirror
    place: str

    def read(self) -> tuple[str, ...]:
        """How they begin."""
        return tuple(self.mirror.hint(self.place, TRACES).decode("ascii", "replace").split())

    def keep(self, found: tuple[str, ...]) -> None:
        """Remember that."""
        self.mirror.keep_hint(self.place, TRACES, " ".join(found).encode("ascii", "replace"))


def memory(mirror: Mirror, place: str) -> LinkMemory:
    """What is known of the link to a carrier."""
    return LinkMemory.read(mirror.hint(place, LINK))


def patience(mirror: Mirror, place: str) -> Patience:
    """How long one request to a carrier may take: 15 s, and four times what its largest object took lately; and the
    next page of a list.
    """
    link = memory(mirror, place)
    return Patience(silence=link.seconds_for(2 * link.object_size()), page=max(_PAGE, link.seconds_for(_PAGE_BYTES)))


def patient(remote: Remote, mirror: Mirror, place: str, *, clock: Clock, rng: Rng, budget: Budget) -> Remote:
    """A carrier over a network with patience for its link; a folder or file as it is."""
    if not remote.capabilities().remote:
        return remote
    waits = Waits(clock, rng, budget.pause, budget.cancelled)
    return Patient(
        remote, link=memory(mirror, place), drawer=mirror, waits=waits, struggle=budget.struggle,
        remember=lambda data: mirror.keep_hint(place, LINK, data), place=place,
    )  # fmt: skip


def unknown(remote: Remote, drawer: Drawer, *, clock: Clock, rng: Rng, budget: Budget) -> Remote:
    """The same for a carrier of which nothing is known and nothing remembered."""
    if not remote.capabilities().remote:
        return remote
    waits = Waits(clock, rng, budget.pause, budget.cancelled)
    return Patient(remote, link=LinkMemory(), drawer=drawer, waits=waits, struggle=budget.struggle)


def pack_size(mirror: Mirror, at: Iterable[str]) -> int:
    """About how large packs are to be that are sealed now: what the worst link to one of these carriers needs."""
    return smallest([memory(mirror, one).object_size() if places.parse(one).remote else FAST for one in at])
