"""The order of the log where several devices wrote it: a pure function of the set of packs.

Authority is decided by what came first in the log. Two devices append the same acts in different orders, so the
order that counts is not that of arrival: it is the causal order of the packs the acts travelled in, and where two
packs know nothing of each other, a fixed rule (PROTOCOL.md, "The order of acts").
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

import msgspec

NO_PACK = bytes(32)


class PackEntry(msgspec.Struct, frozen=True, array_like=True):
    """A pack that was taken in or sealed: its place among the others, and the acts it holds, in their order.

    `rank` is the place of its device among the devices; `removes` tells that it holds the removal of a user; `clock_ms`
    is its device's claim and decides nothing; `unknown` counts the sections this program could not read.
    """

    hash: bytes
    device: bytes
    lane: bytes
    n: int
    prev: bytes
    seen: tuple[bytes, ...]
    rank: tuple[int, ...]
    removes: bool
    acts: tuple[bytes, ...]
    clock_ms: int
    size: int
    unknown: int = 0

    @property
    def parents(self) -> tuple[bytes, ...]:
        """The packs its device had written or taken in before."""
        return self.seen if self.prev == NO_PACK else (self.prev, *self.seen)

    @property
    def key(self) -> tuple[tuple[int, ...], bytes, int, bytes, bytes]:
        """What decides between packs that know nothing of each other: no clock, nothing that can be tried out."""
        return self.rank, self.device, self.n, self.lane, self.hash


def canonical(packs: Iterable[PackEntry]) -> list[PackEntry]:
    """The packs in the order that counts: causes first; a removal before what it did not know; then by device.

    A pack named as cause that is not there counts as absent: when it comes, the order is made anew.
    """
    known = {pack.hash: pack for pack in packs}
    plain = _sorted(known.values(), set())
    anchors = [pack for pack in plain if pack.removes]
    if not anchors:
        return plain
    done: set[bytes] = set()
    order: list[PackEntry] = []
    for anchor in anchors:
        part = [known[one] for one in past([anchor.hash], known) if one not in done]
        order += _sorted(part, done)
        done.update(pack.hash for pack in part)
    return order + _sorted([pack for pack in plain if pack.hash not in done], done)


def _sorted(part: Iterable[PackEntry], done: set[bytes]) -> list[PackEntry]:
    """A topological order of a part whose other causes are done: the smallest key that is ready comes next."""
    members = {pack.hash: pack for pack in part}
    waits = {
        one: {cause for cause in pack.parents if cause in members and cause not in done}
        for one, pack in members.items()
    }
    follows: dict[bytes, list[bytes]] = {}
    for one, causes in waits.items():
        for cause in causes:
            follows.setdefault(cause, []).append(one)
    ready = [(members[one].key, one) for one, causes in waits.items() if not causes]
    heapq.heapify(ready)
    order = []
    while ready:
        _, one = heapq.heappop(ready)
        order.append(members[one])
        for later in follows.get(one, ()):
            waits[later].discard(one)
            if not waits[later]:
                heapq.heappush(ready, (members[later].key, later))
    return order


def past(heads: Iterable[bytes], known: dict[bytes, PackEntry]) -> set[bytes]:
    """These packs and everything they know of, as far as it is known here."""
    found: set[bytes] = set()
    todo = [one for one in heads if one in known]
    while todo:
        one = todo.pop()
        if one not in found:
            found.add(one)
            todo += [cause for cause in known[one].parents if cause in known]
    return found


def frontier(packs: Iterable[PackEntry]) -> set[bytes]:
    """The packs that no other pack knows of: whoever names these has named everything."""
    listed = list(packs)
    named = {cause for pack in listed for cause in pack.parents}
    return {pack.hash for pack in listed if pack.hash not in named}


def missing(packs: Iterable[PackEntry]) -> set[bytes]:
    """Packs that others name and nobody brought yet."""
    listed = list(packs)
    return {cause for pack in listed for cause in pack.parents} - {pack.hash for pack in listed}


def forks(packs: Iterable[PackEntry]) -> dict[tuple[bytes, int], list[PackEntry]]:
    """Places of a lane that hold more than one pack: its device was restored from a copy, or cloned."""
    places: dict[tuple[bytes, int], list[PackEntry]] = {}
    for pack in packs:
        places.setdefault((pack.lane, pack.n), []).append(pack)
    return {place: found for place, found in places.items() if len(found) > 1}


def act_order(packs: Iterable[PackEntry], arrived: Sequence[bytes]) -> list[bytes]:
    """All acts in the order that counts: those of packs in their order, then those no pack holds yet as they came."""
    present = set(arrived)
    order: dict[bytes, None] = {}
    for pack in canonical(packs):
        order.update(dict.fromkeys(act for act in pack.acts if act in present))
    order.update(dict.fromkeys(arrived))
    return list(order)
