"""Moving packs between the mirror and a carrier, both ways, without a key: what one has and the other lacks.

Nothing is deleted for being absent somewhere. A pack whose bytes are not those its name promises stays where it is
on the carrier and is set aside here. Each pack is complete before the next one begins, so any end is a good end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from iop_tui.exchange import packs, polling
from iop_tui.exchange.chunks import PartsEstimate
from iop_tui.exchange.mirror import Mirror
from iop_tui.exchange.polling import Survey, survey
from iop_tui.exchange.remotes.patient import Struggle
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
    """What an exchange would move, in bytes: packs by name (a lane's name stands for packs whose names are not known
    yet), packs to be sealed first, what is `around` them, and what a bad link will move `again`.
    """

    receive: dict[str, int]
    send: dict[str, int]
    seal: tuple[int, ...] = ()
    around: int = 0
    again: int = 0
    parts: PartsEstimate = field(default_factory=PartsEstimate)

    @property
    def payload(self) -> int:
        """Bytes of packs and of attachments, both ways."""
        return sum(self.receive.values()) + sum(self.send.values()) + sum(self.seal) + self.parts.total

    @property
    def total(self) -> int:
        """Bytes both ways, with what is around them and what is moved again."""
        return self.payload + self.around + self.again


@dataclass(slots=True)
class Budget:
    """How many bytes may still be moved, and whether somebody asked to stop; how it goes on a bad link (`struggle`),
    and how to wait there.
    """

    limit: int | None = None
    cancelled: Callable[[], bool] | None = None
    progress: Progress | None = None
    spent: int = 0
    struggle: Struggle = field(default_factory=Struggle)
    pause: Callable[[float], None] = time.sleep

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


def estimate(mirror: Mirror, found: Survey) -> Estimate:
    """What each side lacks. Packs that will be sealed first are not in it."""
    here = mirror.listing()
    receive = {name: found.wanted[name] or packs.TARGET for name in found.wanted}
    for lane, (first, size) in found.ahead.items():
        folder = f"p/{packs.text(lane)}/"
        known = [name for name in here if name.startswith(folder) and int(name.split("/")[2][:8], 16) < first]
        if len(known) < first and (rest := size - sum(here[name] for name in known)) > 0:
            receive[folder] = rest
    return Estimate(receive, {name: here[name] for name in here if name not in found.holds or name in found.wants})


def pull(mirror: Mirror, remote: Remote, found: Survey, budget: Budget, moved: Moved) -> None:
    """Fetch what the mirror lacks. Raises `CarrierGone`, `MediumUnusable`, `DiskFull`, `Cancelled`."""
    here = set(mirror.listing())
    total = budget.spent + sum(found.wanted.values())
    todo = [name for name in found.wanted if name not in here]
    for name in todo:
        size = found.wanted[name] or packs.TARGET
        if not budget.takes(size):
            moved.left += 1
            moved.left_bytes += size
            continue
        data = remote.get(name)
        if data is None:
            moved.gone.append(name)
            _ask_for(remote, found, name)  # named or listed, and not there
            continue
        budget.add(len(data), max(total, budget.spent + len(data)))
        moved.received_bytes += len(data)
        if not packs.fits_name(name, data):
            mirror.set_aside(name, data, elsewhere=True)
            moved.damaged.append(name)
            found.holds.discard(name)
            _ask_for(remote, found, name)
            continue
        mirror.put(name, data)
        here.add(name)
        moved.received.append(name)
        found.holds.add(name)
        before = found.follow(name, data, here)
        if before is not None:
            todo.append(before)


def _ask_for(remote: Remote, found: Survey, name: str) -> None:
    """A pack is damaged, or not where it was said to be: whoever has it is asked to bring it again."""
    damaged = name not in found.holds
    if not damaged:
        found.absent(name)
    if damaged or found.reader is not None:
        remote.want(name)
        found.state.asked = tuple(sorted({*found.state.asked, name}))


def push(
    mirror: Mirror, remote: Remote, found: Survey, order: Sequence[str], budget: Budget, moved: Moved
) -> None:
    """Bring what the carrier lacks, or holds in another size: causes before what names them, as far as `order` says."""
    here = mirror.listing()
    rank = {name: number for number, name in enumerate(order)}
    lacking = [name for name in here if name not in found.holds or name in found.wants]
    total = budget.spent + sum(here[name] for name in lacking)
    full = False  # what names a pack that stayed stays, too
    for name in sorted(lacking, key=lambda one: (rank.get(one, len(rank)), one)):
        full = full or not budget.takes(here[name])
        if full:
            moved.left += 1
            moved.left_bytes += here[name]
            continue
        data = _sound(mirror, name)
        if data is None:
            continue
        remote.put(name, data)
        found.holds.add(name)
        budget.add(len(data), total)
        moved.sent_bytes += len(data)
        moved.sent.append(name)
        if name in found.wants:
            remote.granted(name)


def _sound(mirror: Mirror, name: str) -> bytes | None:
    """A pack of the mirror, or None where its file is damaged: it is set aside, and fetched or made again later."""
    data = mirror.get(name)
    if data is None:
        return None
    if packs.fits_name(name, data):
        return data
    mirror.set_aside(name, data)
    mirror.drop(name)
    return None


def carry(mirror: Mirror, remote: Remote, label: str, budget: Budget) -> Moved:
    """Both ways, applying nothing: needs no user, hence lists the carrier, for heads are sealed."""
    moved, found = Moved(), survey(mirror, remote, label)
    moved.gone = found.gone
    try:
        pull(mirror, remote, found, budget, moved)
        push(mirror, remote, found, (), budget, moved)
    finally:
        remember(mirror, label, found)
    return moved


def remember(mirror: Mirror, label: str, found: Survey) -> None:
    """Note what a carrier holds, also after a failure. Where that cannot be written it is noted the next time."""
    with suppress(MediumUnusable):
        polling.remember(mirror, label, found)
