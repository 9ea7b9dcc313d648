"""One exchange with one carrier: fetch, seal, take in, seal, bring. Every step may be the last one.

What this device wrote is noted in the vault as a pack before its bytes exist anywhere; what others wrote lies in the
mirror before it is taken in. So a stop at any point leaves a state from which the next exchange goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from iop_tui.exchange import carrying, packs, sealing, taking
from iop_tui.exchange.carrying import Budget, Estimate, Moved
from iop_tui.exchange.ledger import Ledger
from iop_tui.exchange.mirror import Mirror
from iop_tui.exchange.remotes.port import Remote
from iop_tui.exchange.taking import Taken, Waiting
from iop_tui.kernel.errors import MediumUnusable
from iop_tui.store.order import PackEntry, canonical, past

T = TypeVar("T")
_HEAD_SALT = 32
PART_BYTES = 512 * 1024
"""Packs of about so many bytes are taken in during one turn: what somebody saves meanwhile waits no longer."""


class Turns:
    """Who writes the vault now. An exchange takes a turn for each step that writes; between two, others may.

    Here everything is done at once; a program with screens gives a subclass that hands `job` to its writing thread.
    """

    def take(self, job: Callable[[], T]) -> T:
        """Do a step that writes; what it returns. Raises what it raises."""
        return job()


@dataclass(slots=True)
class Report:
    """What an exchange did. `waiting` was not taken in; `missing` was named by others and brought by nobody."""

    moved: Moved
    taken: list[PackEntry] = field(default_factory=list)
    sealed: list[PackEntry] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    forks: list[tuple[bytes, int]] = field(default_factory=list)
    rivals: int = 0
    missing: int = 0
    restored: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """One device as this copy knows it. `step_ms`: the time of our newest pack it is known to have taken in."""

    device: bytes
    name: str
    status: str
    this: bool
    packs: int
    last_ms: int
    step_ms: int
    behind: int


def exchange(
    ledger: Ledger,
    mirror: Mirror,
    remote: Remote,
    label: str,
    *,
    budget: Budget | None = None,
    show: Callable[[], None] = lambda: None,
    follow: Callable[[], None] = lambda: None,
    turns: Turns | None = None,
) -> Report:
    """Exchange with a carrier. After each part that was taken in `show` brings the view up; `follow` does, between
    taking in and sealing, what the program owes. Only steps that write the vault are done in a turn of `turns`.

    Raises `CarrierGone`, `MediumUnusable`, `DiskFull`, `Cancelled`; what was done until then stays done.
    """
    clock, budget, turns = ledger.session.clock, budget or Budget(), turns or Turns()
    started = clock.monotonic()
    report = Report(Moved())
    restore_mirror(ledger, mirror)
    carrying.note_rollback(mirror, remote, label, report.moved)
    failure: MediumUnusable | None = None
    try:
        carrying.pull(mirror, remote, budget, report.moved)
    except MediumUnusable as error:
        failure = error  # what came until then is complete and is taken in all the same
    absorb(ledger, mirror, report, show, follow, turns, budget)
    if failure is not None:
        raise failure
    try:
        carrying.push(mirror, remote, order_of(ledger), budget, report.moved)
        put_head(ledger, remote)
    finally:
        carrying.remember_quietly(mirror, remote, label)
    report.seconds = clock.monotonic() - started
    return report


def absorb(
    ledger: Ledger, mirror: Mirror, report: Report, show: Callable[[], None], follow: Callable[[], None], turns: Turns,
    budget: Budget,
) -> None:  # fmt: skip
    """The part between fetching and bringing, which touches no carrier."""
    if taking.restored(ledger, mirror):
        sealing.new_lane(ledger)
        report.restored = True
    taken = Taken()
    for part in taking.ready(ledger, mirror, taken, PART_BYTES):
        budget.takes(0)
        turns.take(partial(_take, ledger, part, taken, report, show))
    note_taken(report, taken)
    turns.take(follow)
    report.sealed += turns.take(partial(sealing.seal_pending, ledger))
    restore_mirror(ledger, mirror)
    report.missing = len(ledger.missing())


def _take(
    ledger: Ledger, part: list[taking.Opened], taken: Taken, report: Report, show: Callable[[], None]
) -> None:
    """One turn. Own acts are sealed first, so that their pack claims to know no more than its writer did."""
    if sealing.pending_acts(ledger):
        report.sealed += sealing.seal_pending(ledger)
    taking.apply(ledger, part, taken)
    show()


def note_taken(report: Report, taken: Taken) -> None:
    """Add what was taken in to a report."""
    report.taken += taken.packs
    report.waiting = taken.waiting
    report.forks += taken.forks
    report.rivals += taken.rivals


def plan(ledger: Ledger, mirror: Mirror, remote: Remote) -> tuple[Estimate, int]:
    """What an exchange would move, and how many writes of this device would be sealed first. Changes nothing."""
    restore_mirror(ledger, mirror)
    return carrying.estimate(mirror, remote), sealing.pending(ledger)


def restore_mirror(ledger: Ledger, mirror: Mirror) -> None:
    """Write what the vault notes as sealed and the mirror lacks: after a crash, or when its folder was lost."""
    here = mirror.listing()
    for item in ledger.sealed:
        name = packs.name_of(item.entry.lane, item.entry.n, item.entry.hash)
        if here.get(name) != item.entry.size:
            mirror.put(name, sealing.remake(ledger, item))


def order_of(ledger: Ledger) -> list[str]:
    """Names of all known packs, causes first."""
    return [packs.name_of(entry.lane, entry.n, entry.hash) for entry in canonical(ledger.entries.values())]


def put_head(ledger: Ledger, remote: Remote) -> None:
    """Tell the carrier where this device's lane stands: a hint for others, which nothing depends on."""
    own = ledger.own_lane()
    if not own:
        return
    last, session = own[-1].entry, ledger.session
    number = max(ledger.transport.by_number)
    if number != own[-1].key:
        number = own[-1].key  # a newer key is used from the pack after the one that brings it
    head = packs.Head(last.device, last.lane, last.n, last.hash, len(ledger.entries), last.clock_ms)
    remote.put(
        packs.head_name(last.lane),
        packs.seal_head(
            head, session.realm, ledger.device.signer, key=ledger.transport.get(number), number=number,
            salt=session.rng.token(_HEAD_SALT),
        ),
    )  # fmt: skip


def device_lines(ledger: Ledger) -> list[DeviceLine]:
    """Every device of the program, with how far it has followed this one as far as that is known here."""
    own = [entry for entry in ledger.entries.values() if entry.device == ledger.device.device]
    lines = []
    for card in sorted(ledger.devices.cards.values(), key=lambda card: card.rank):
        theirs = [entry for entry in ledger.entries.values() if entry.device == card.device]
        seen = past([entry.hash for entry in theirs], ledger.entries)
        step = max((entry.clock_ms for entry in own if entry.hash in seen), default=0)
        behind = sum(entry.hash not in seen for entry in own)
        this = card.device == ledger.device.device
        last = max((entry.clock_ms for entry in theirs), default=0)
        lines.append(DeviceLine(card.device, card.name, card.status, this, len(theirs), last, step, behind))
    return lines
