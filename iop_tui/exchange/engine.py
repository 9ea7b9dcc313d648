"""One exchange with one carrier: fetch, seal, take in, seal, bring. Every step may be the last one.

What this device wrote is noted in the vault as a pack before its bytes exist anywhere; what others wrote lies in the
mirror before it is taken in. So a stop at any point leaves a state from which the next exchange goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import takewhile
from typing import TypeVar

from iop_tui.exchange import carrying, heads, packs, polling, sealing, taking, witness
from iop_tui.exchange.carrying import Budget, Estimate, Moved
from iop_tui.exchange.chunks import MovedParts
from iop_tui.exchange.heads import Reader
from iop_tui.exchange.ledger import Ledger
from iop_tui.exchange.mirror import Mirror
from iop_tui.exchange.polling import Survey
from iop_tui.exchange.remotes.port import Remote
from iop_tui.exchange.taking import Taken, Waiting
from iop_tui.exchange.witness import Faces
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
    faces: Faces = field(default_factory=Faces)
    parts: MovedParts = field(default_factory=MovedParts)


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
    thorough: bool = False,
) -> Report:
    """Exchange with a carrier. After each part that was taken in `show` brings the view up; `follow` does, between
    taking in and sealing, what the program owes. Only steps that write the vault are done in a turn of `turns`.
    `thorough` lists the carrier whatever its heads say.

    Raises `CarrierGone`, `MediumUnusable`, `DiskFull`, `Cancelled`; what was done until then stays done.
    """
    clock, budget, turns = ledger.session.clock, budget or Budget(), turns or Turns()
    started = clock.monotonic()
    report = Report(Moved())
    restore_mirror(ledger, mirror)
    reader = Reader(ledger)
    found = polling.survey(mirror, remote, label, reader, now_ms=clock.now_ms(), thorough=thorough)
    report.faces = turns.take(partial(look_at, ledger, mirror, label, heads_of(reader, mirror, remote, label, found)))
    fetch = partial(_fetch, ledger, mirror, remote, report, show, follow, turns, budget)
    try:
        fetch(found)
        if found.unsettled(ledger.missing()):
            found = polling.listed(mirror, remote, found, clock.now_ms())
            fetch(found)
            found.unsettled(ledger.missing())
        carrying.push(mirror, remote, found, order_of(ledger), budget, report.moved)
        put_head(ledger, mirror, remote, label, found, whole=not report.moved.left)
    finally:
        carrying.remember(mirror, label, found)
    report.seconds = clock.monotonic() - started
    return report


def _fetch(
    ledger: Ledger, mirror: Mirror, remote: Remote, report: Report, show: Callable[[], None],
    follow: Callable[[], None], turns: Turns, budget: Budget, found: Survey,
) -> None:  # fmt: skip
    """Fetch and take in. What came before a failure is complete and is taken in all the same."""
    report.moved.gone = sorted({*report.moved.gone, *found.gone})
    failure: MediumUnusable | None = None
    try:
        carrying.pull(mirror, remote, found, budget, report.moved)
    except MediumUnusable as error:
        failure = error
    absorb(ledger, mirror, report, show, follow, turns, budget)
    if failure is not None:
        raise failure


def heads_of(reader: Reader, mirror: Mirror, remote: Remote, label: str, found: Survey) -> witness.Heads:
    """The heads a carrier shows: over a network those that were asked, every one where the carrier is here."""
    if not remote.capabilities().remote:
        return witness.shown(reader, remote)
    heads = witness.confirmed(reader, remote, mirror, label, found.heads)
    found.doubt = found.doubt or heads != found.heads
    return heads


def look_at(ledger: Ledger, mirror: Mirror, label: str, heads: witness.Heads) -> Faces:
    """What the heads of a carrier say of it; noted in the log where they contradict what is known."""
    faces, session = witness.compare(mirror, label, heads, ledger.devices.name), ledger.session
    if faces.back or faces.two:
        work = session.work()
        for action, items in (("exchange-rollback", faces.back), ("exchange-two-faces", faces.two)):
            for item in items:
                session.note(work, action, subject=item.lane, detail=f"{item.shown} of {item.given}")
        session.db.commit(session.sealed(work))
    witness.learn(mirror, label, heads)
    return faces


def absorb(
    ledger: Ledger, mirror: Mirror, report: Report, show: Callable[[], None], follow: Callable[[], None], turns: Turns,
    budget: Budget,
) -> None:  # fmt: skip
    """The part between fetching and bringing, which touches no carrier."""
    taken = Taken()
    parts = taking.ready(ledger, mirror, taken, PART_BYTES)
    if taking.restored(ledger, mirror):  # after that: a key that opens packs of the own lane may have come with them
        sealing.new_lane(ledger)
        report.restored = True
    for part in parts:
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


def plan(ledger: Ledger, mirror: Mirror, remote: Remote, label: str) -> tuple[Estimate, int]:
    """What an exchange would move, and how many writes of this device would be sealed first. Nothing is changed but
    what is remembered of the carrier's heads.
    """
    restore_mirror(ledger, mirror)
    found = polling.survey(mirror, remote, label, Reader(ledger), now_ms=ledger.session.clock.now_ms())
    if not found.listed:
        carrying.remember(mirror, label, found)
    estimate = carrying.estimate(mirror, found)
    return replace(estimate, seal=tuple(sealing.planned(ledger))), sealing.pending(ledger)


def restore_mirror(ledger: Ledger, mirror: Mirror) -> None:
    """Write what the vault notes as sealed and the mirror lacks: after a crash, or when its folder was lost."""
    here = mirror.listing()
    for item in ledger.sealed:
        name = pack_name(item.entry)
        if here.get(name) != item.entry.size:
            mirror.put(name, sealing.remake(ledger, item))


def order_of(ledger: Ledger) -> list[str]:
    """Names of all known packs, causes first."""
    return [pack_name(entry) for entry in canonical(ledger.entries.values())]


def pack_name(entry: PackEntry) -> str:
    """The name of a pack on every carrier."""
    return packs.name_of(entry.lane, entry.n, entry.hash)


def put_head(
    ledger: Ledger, mirror: Mirror, remote: Remote, label: str, found: Survey, *, whole: bool = True
) -> None:
    """Tell the carrier where this device's lane stands there: a hint for others, which nothing depends on. `whole`:
    nothing of it was left.
    """
    own = ledger.own_lane()
    there = [item.entry for item in takewhile(lambda item: pack_name(item.entry) in found.holds, own)]
    if not there:
        return
    last, session = there[-1], ledger.session
    number = max(ledger.transport.by_number)
    if number != own[-1].key:
        number = own[-1].key  # a newer key is used from the pack after the one that brings it
    head = heads.make(
        there, counter=session.db.position.audit_seq, known=len(ledger.entries), asks=found.asking(mirror),
        visits=witness.visits(mirror, label if whole else "", last.lane, last.n),
    )  # fmt: skip
    data = heads.seal(
        head, session.realm, ledger.device.signer, key=ledger.transport.get(number), number=number,
        salt=session.rng.token(_HEAD_SALT),
    )  # fmt: skip
    remote.put(packs.head_name(last.lane), data)
    found.told(head, data)
    polling.ring(remote, found, head)
    witness.note_visit(mirror, label, head, whole=whole)


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
