"""Moving packs between the mirror and a carrier, both ways, without a key: what one has and the other lacks.

Nothing is deleted for being absent somewhere. A pack whose bytes are not those its name promises stays where it is
on the carrier and is set aside here. Each pack is complete before the next one begins, so any end is a good end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from iop_tui.exchange import packs
from iop_tui.exchange.mirror import Mirror
from iop_tui.exchange.remotes.port import Remote
from iop_tui.kernel.errors import Cancelled, MediumUnusable

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Moved:
    """What one exchange moved. `left` packs stayed because of a limit or an error, `left_bytes` their size."""

    received: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    received_bytes: int = 0
    sent_bytes: int = 0
    left: int = 0
    left_bytes: int = 0
    damaged: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All bytes moved."""
        return self.received_bytes + self.sent_bytes


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an exchange would move."""

    receive: dict[str, int]
    send: dict[str, int]

    @property
    def total(self) -> int:
        """Bytes both ways."""
        return sum(self.receive.values()) + sum(self.send.values())


@dataclass(slots=True)
class Budget:
    """How many bytes may still be moved, and whether somebody asked to stop."""

    limit: int | None = None
    cancelled: Callable[[], bool] | None = None
    progress: Progress | None = None
    spent: int = 0

    def takes(self, size: int) -> bool:
        """Whether a pack of this size still fits. Raises `Cancelled`."""
        if self.cancelled is not None and self.cancelled():
            raise Cancelled("Stopped. What was moved is safe; the rest follows next time.")
        return self.limit is None or self.spent + size <= self.limit

    def add(self, size: int, total: int) -> None:
        """Count bytes that were moved."""
        self.spent += size
        if self.progress is not None:
            self.progress(self.spent, total)


def estimate(mirror: Mirror, remote: Remote) -> Estimate:
    """What each side lacks. Packs that will be sealed first are not in it."""
    here, there = mirror.listing(), remote.listing()
    return Estimate(
        {name: size for name, size in there.items() if name not in here},
        {name: size for name, size in here.items() if there.get(name) != size},
    )


def pull(mirror: Mirror, remote: Remote, budget: Budget, moved: Moved) -> None:
    """Fetch what the mirror lacks. Raises `CarrierGone`, `MediumUnusable`, `DiskFull`, `Cancelled`."""
    here, there = mirror.listing(), remote.listing()
    wanted = {name: size for name, size in there.items() if name not in here}
    total = budget.spent + sum(wanted.values())
    for name, size in wanted.items():
        if not budget.takes(size):
            moved.left += 1
            moved.left_bytes += size
            continue
        data = remote.get(name)
        if data is None:
            continue  # listed, and gone when it was asked for: another time
        budget.add(len(data), total)
        moved.received_bytes += len(data)
        found = packs.parse_name(name)
        if found is None or not packs.fits(found, data):
            mirror.set_aside(name, data)
            moved.damaged.append(name)
            remote.want(name)
            continue
        mirror.put(name, data)
        moved.received.append(name)


def push(mirror: Mirror, remote: Remote, order: Sequence[str], budget: Budget, moved: Moved) -> None:
    """Bring what the carrier lacks, or holds in another size: causes before what names them, as far as `order` says."""
    here, there = mirror.listing(), remote.listing()
    rank = {name: number for number, name in enumerate(order)}
    wanted = remote.wants()
    lacking = [name for name, size in here.items() if there.get(name) != size or name in wanted]
    total = budget.spent + sum(here[name] for name in lacking)
    for name in sorted(lacking, key=lambda one: (rank.get(one, len(rank)), one)):
        if not budget.takes(here[name]):
            moved.left += 1
            moved.left_bytes += here[name]
            continue
        data = _sound(mirror, name)
        if data is None:
            continue
        remote.put(name, data)
        budget.add(len(data), total)
        moved.sent_bytes += len(data)
        moved.sent.append(name)
        if name in wanted:
            remote.granted(name)


def _sound(mirror: Mirror, name: str) -> bytes | None:
    """A pack of the mirror, or None where its file is damaged: it is set aside, and fetched or made again later."""
    data, found = mirror.get(name), packs.parse_name(name)
    if data is None or found is None:
        return None
    if packs.fits(found, data):
        return data
    mirror.set_aside(name, data)
    mirror.drop(name)
    return None


def note_rollback(mirror: Mirror, remote: Remote, label: str, moved: Moved) -> None:
    """Compare a carrier with what it held before: what is gone is told and, where it is here, brought again."""
    moved.gone = sorted(mirror.marks(label) - set(remote.listing()))


def remember(mirror: Mirror, remote: Remote, label: str) -> None:
    """Note what a carrier holds now, besides what it held."""
    mirror.mark(label, mirror.marks(label) | set(remote.listing()))


def carry(mirror: Mirror, remote: Remote, label: str, budget: Budget) -> Moved:
    """Both ways, applying nothing: needs no user."""
    moved = Moved()
    note_rollback(mirror, remote, label, moved)
    try:
        pull(mirror, remote, budget, moved)
        push(mirror, remote, (), budget, moved)
    except MediumUnusable:
        remember_quietly(mirror, remote, label)
        raise
    remember(mirror, remote, label)
    return moved


def remember_quietly(mirror: Mirror, remote: Remote, label: str) -> None:
    """The same after a failure: a carrier that went away is told once."""
    try:
        remember(mirror, remote, label)
    except MediumUnusable:
        return  # it is noted at the next exchange
