"""Parts of attachments between this copy and a carrier: behind everything else, one by one, without a key.

    cwx1/b/<first two characters>/<name>      a part under the hash of its bytes

What is here and a carrier lacks is brought; what somebody here asked for is fetched. A part is whole at its place or
not there, on both sides, so any stop is a good end and the next exchange goes on with the next part. Who asks in vain
leaves a note on the carrier; whoever has that part looks again at everything they believed to be there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from iop_tui.exchange.names import PARTS, is_part, part_name
from iop_tui.exchange.remotes.port import Remote
from iop_tui.store.chunks import ChunkStore
from iop_tui.store.database import translated
from iop_tui.vault import chunks
from iop_tui.vault.digest import sha256

if TYPE_CHECKING:
    from iop_tui.exchange.carrying import Budget

_SEEN = "seen"
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


@dataclass(slots=True)
class Wishes:
    """What the copy's user wants of a carrier: `wanted()` gives, file by file, the parts to fetch and their sizes in
    bytes, `order()` the files they know as lists of parts, in the order they are to be sent. Both are asked once, and
    only where there is something to do. `everything` fetches every part a disk holds, for copies that carry for others.
    `most`: bring only whole files, the newest first, that many bytes in all.
    """

    wanted: Callable[[], list[dict[str, int]]] = list
    order: Callable[[], list[list[str]]] = list
    everything: bool = False
    most: int | None = None


@dataclass(slots=True)
class MovedParts:
    """What an exchange moved of attachments. `left` parts stayed because of a limit; of `absent` ones files wait."""

    received: int = 0
    sent: int = 0
    received_bytes: int = 0
    sent_bytes: int = 0
    left: int = 0
    left_bytes: int = 0
    absent: int = 0
    damaged: list[str] = field(default_factory=list)


def remote_name(name: str) -> str:
    """Where a part lies on a carrier."""
    return part_name(name)


def is_remote_name(name: str) -> bool:
    """Whether a name on a carrier is that of a part."""
    return is_part(name)


class Seen:
    """The parts a carrier was seen to hold: a note beside the parts, so that nothing is asked or sent twice over a
    network. On disks it is not needed: what lies there is looked at.
    """

    def __init__(self, store: ChunkStore, label: str) -> None:
        self._place = store.root / _SEEN / chunks.show_name(sha256(b"cwx/seen", label.encode()))[:12]
        with translated(self._place):
            text = self._place.read_text("ascii", "replace") if self._place.exists() else ""
        self.names = {name for name in text.split() if chunks.is_name(name)}

    def add(self, name: str) -> None:
        """Note a part. A line that is lost or cut costs one question at the next exchange."""
        if name not in self.names:
            self.names.add(name)
            self._write([name], "a")

    def forget(self) -> None:
        """Believe nothing of the carrier any more."""
        if self.names:
            self.names.clear()
            self._write([], "w")

    def _write(self, names: list[str], mode: str) -> None:
        with translated(self._place):
            self._place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with Path(self._place).open(mode, encoding="ascii") as file:
                file.writelines(f"{name}\n" for name in names)


# -- one exchange --------------------------------------------------------------------------


def exchange(
    store: ChunkStore, remote: Remote, label: str, wishes: Wishes, budget: Budget, moved: MovedParts
) -> None:
    """Fetch what was asked for, then bring what the carrier lacks. `moved` tells what was done also where it raises:
    `CarrierGone`, `MediumUnusable`, `DiskFull`, `Cancelled`.
    """
    seen = Seen(store, label)
    fetch(store, remote, seen, _wanted(store, remote, wishes), budget, moved)
    send(store, remote, seen, wishes, budget, moved)


def _wanted(store: ChunkStore, remote: Remote, wishes: Wishes) -> list[dict[str, int]]:
    found = wishes.wanted()
    if wishes.everything:
        known = {*store.names(), *(name for file in found for name in file)}
        found = [*found, *({name: chunks.NARROW} for name in listed(remote) if name not in known)]
    return found


def listed(remote: Remote) -> list[str]:
    """Every part a disk holds. Over a network nothing is listed: that would cost more than it brings."""
    if remote.capabilities().remote:
        return []
    folders = (f"{PARTS}/{one}{other}" for one in _LETTERS for other in _LETTERS)
    names = (name for folder in folders for name in remote.names(folder))
    return [name.rpartition("/")[2] for name in names if is_remote_name(name)]


def fetch(
    store: ChunkStore, remote: Remote, seen: Seen, wanted: list[dict[str, int]], budget: Budget, moved: MovedParts
) -> None:
    """Fetch parts that are not here. What a carrier has under a name and is not that part is left there and told."""
    total = budget.spent + sum(sum(file.values()) for file in wanted)
    network, asked = remote.capabilities().remote, False
    for file in wanted:
        for name, size in file.items():
            if not budget.takes(size):
                moved.left += 1
                moved.left_bytes += size
            elif not _fetch_one(store, remote, seen, name, total, budget, moved):
                if not asked or name in moved.damaged:
                    remote.want(remote_name(name))
                    asked = True
                if network and name not in moved.damaged:
                    break  # parts come in order: what lies behind a part that is missing is not there yet either


def _fetch_one(
    store: ChunkStore, remote: Remote, seen: Seen, name: str, total: int, budget: Budget, moved: MovedParts
) -> bool:
    """Whether the part is here now."""
    data = remote.get(remote_name(name))
    if data is None:
        moved.absent += 1
        return False
    budget.add(len(data), total)
    moved.received_bytes += len(data)
    if not chunks.fits(name, data):
        moved.damaged.append(name)
        return False
    store.put(name, data)
    seen.add(name)
    moved.received += 1
    return True


def send(
    store: ChunkStore, remote: Remote, seen: Seen, wishes: Wishes, budget: Budget, moved: MovedParts
) -> None:
    """Bring the parts that are here and that the carrier is not known to hold, or that somebody missed there."""
    here = store.names()
    if not here:
        return
    missed = _asked(remote) & set(here)
    if missed:
        seen.forget()
    lacking = _lacking(here, remote, seen, missed)
    files = wishes.order() if lacking else []
    if wishes.most is not None:
        lacking = _fitting(files, lacking, here, wishes.most)
    rank = {name: number for number, name in enumerate(name for file in files for name in file)}
    total = budget.spent + sum(lacking.values())
    for name in sorted(lacking, key=lambda one: (rank.get(one, len(rank)), one)):
        if not budget.takes(lacking[name]):
            moved.left += 1
            moved.left_bytes += lacking[name]
        elif name not in missed and remote.size(remote_name(name)) == lacking[name]:
            seen.add(name)  # it came there by somebody else, or by a try of ours whose answer was lost
        else:
            _send_one(store, remote, name, total, budget, moved)
            seen.add(name)
        if name in missed and name in seen.names:
            remote.granted(remote_name(name))


def _asked(remote: Remote) -> set[str]:
    return {name.rpartition("/")[2] for name in remote.wants() if is_remote_name(name)}


def _lacking(here: dict[str, int], remote: Remote, seen: Seen, missed: set[str]) -> dict[str, int]:
    """Over a network nothing is asked of what was seen there; a disk is looked at."""
    if remote.capabilities().remote:
        return {name: size for name, size in here.items() if name not in seen.names}
    return {name: size for name, size in here.items() if name in missed or remote.size(remote_name(name)) != size}


def _fitting(files: list[list[str]], lacking: dict[str, int], here: dict[str, int], most: int) -> dict[str, int]:
    """What lacks of the newest files that fit whole; what is there already counts too."""
    left, found = most, dict[str, int]()
    for file in reversed(files):
        size = sum(here.get(name, 0) for name in file)
        if size <= left and all(name in here for name in file):
            left -= size
            found |= {name: lacking[name] for name in file if name in lacking}
    return found


def _send_one(
    store: ChunkStore, remote: Remote, name: str, total: int, budget: Budget, moved: MovedParts
) -> None:
    data = store.sound(name)
    if data is None:
        return
    remote.put(remote_name(name), data)
    budget.add(len(data), total)
    moved.sent += 1
    moved.sent_bytes += len(data)


@dataclass(frozen=True, slots=True)
class PartsEstimate:
    """What an exchange would move of attachments: sizes of parts in bytes, each way; `notes`: notes are looked for."""

    receive: tuple[int, ...] = ()
    send: tuple[int, ...] = ()
    notes: bool = False

    @property
    def total(self) -> int:
        """Bytes both ways."""
        return sum(self.receive) + sum(self.send)


def estimate(store: ChunkStore, remote: Remote, label: str, wishes: Wishes) -> PartsEstimate:
    """What an exchange would move. Over a network nothing is asked: what was not seen there counts as lacking."""
    here = store.names()
    send = _lacking(here, remote, Seen(store, label), set())
    wanted = (size for file in _wanted(store, remote, wishes) for size in file.values())
    return PartsEstimate(tuple(wanted), tuple(send.values()), bool(here))
