"""The order of the log is a function of the set of packs: of no order of arrival, of no clock."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iop_tui.store.order import NO_PACK, PackEntry, act_order, canonical, forks, frontier, missing, past
from iop_tui.vault.digest import sha256

DEVICES = 4


def pack(device: int, n: int, prev: PackEntry | None, seen: list[PackEntry], *, removes: bool = False, salt: int = 0,
         clock: int = 0) -> PackEntry:  # fmt: skip
    """A pack whose hash follows from its place, so that a history is reproducible."""
    name = sha256(f"{device}/{n}/{salt}".encode(), *(item.hash for item in seen))
    act = name[:16]
    return PackEntry(
        name, bytes([device] * 16), bytes([device] * 16), n, prev.hash if prev else NO_PACK,
        tuple(sorted(item.hash for item in seen)), (device,), removes, (act,), clock, 600,
    )  # fmt: skip


def history(seed: int, steps: int) -> list[PackEntry]:
    """Devices that write, and now and then take in what another one had by then."""
    rng = random.Random(seed)
    known: list[dict[bytes, PackEntry]] = [{} for _ in range(DEVICES)]
    own: list[list[PackEntry]] = [[] for _ in range(DEVICES)]
    for step in range(steps):
        device = rng.randrange(DEVICES)
        if rng.random() < 0.5:
            known[device] |= known[rng.randrange(DEVICES)]
        prev = own[device][-1] if own[device] else None
        heads = [known[device][one] for one in frontier(known[device].values()) if prev is None or one != prev.hash]
        made = pack(device, len(own[device]), prev, heads, removes=rng.random() < 0.15, salt=step)
        own[device].append(made)
        known[device][made.hash] = made
    return [item for lane in own for item in lane]


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_order_is_a_function_of_the_set(seed: int, steps: int) -> None:
    packs = history(seed, steps)
    expected = canonical(packs)
    shuffled = packs[:]
    random.Random(seed + 1).shuffle(shuffled)
    assert canonical(shuffled) == expected
    assert sorted(item.hash for item in expected) == sorted(item.hash for item in packs)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_causes_come_first(seed: int, steps: int) -> None:
    place = {item.hash: number for number, item in enumerate(canonical(history(seed, steps)))}
    for item in history(seed, steps):
        assert all(place[cause] < place[item.hash] for cause in item.parents)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 40))
def test_a_removal_comes_before_what_it_did_not_know(seed: int, steps: int) -> None:
    """A pack concurrent with a removal comes after it, unless another removal knew of it."""
    packs = history(seed, steps)
    known = {item.hash: item for item in packs}
    place = {item.hash: number for number, item in enumerate(canonical(packs))}
    removals = [item for item in packs if item.removes]
    for removal in removals:
        before = past([removal.hash], known)
        excused = {one for other in removals if other is not removal for one in past([other.hash], known)}
        late = [one for one in known if one not in before and one not in excused]
        assert all(place[one] > place[removal.hash] for one in late)


def test_clocks_change_nothing() -> None:
    packs = history(7, 30)
    moved = [
        PackEntry(p.hash, p.device, p.lane, p.n, p.prev, p.seen, p.rank, p.removes, p.acts, clock, p.size)
        for p, clock in zip(packs, itertools.cycle((0, 2**50, 17)), strict=False)
    ]
    assert [p.hash for p in canonical(moved)] == [p.hash for p in canonical(packs)]


def test_what_is_missing_is_named_and_a_fork_is_seen() -> None:
    one = pack(0, 0, None, [])
    two = pack(0, 1, one, [])
    twin = pack(0, 1, one, [], salt=9)
    assert missing([two]) == {one.hash}
    assert list(forks([one, two, twin])) == [(one.lane, 1)]
    assert act_order([two, one], [two.acts[0], one.acts[0], b"tail"]) == [one.acts[0], two.acts[0], b"tail"]


def _by_arrival(packs: list[PackEntry]) -> list[PackEntry]:
    return packs


def _by_clock(packs: list[PackEntry]) -> list[PackEntry]:
    return sorted(packs, key=lambda item: item.clock_ms)


def _without_anchors(packs: list[PackEntry]) -> list[PackEntry]:
    return canonical(
        [PackEntry(p.hash, p.device, p.lane, p.n, p.prev, p.seen, p.rank, False, p.acts, 0, p.size) for p in packs]
    )


def _without_causes(packs: list[PackEntry]) -> list[PackEntry]:
    return sorted(packs, key=lambda item: item.key)


def _holds(order: Callable[[list[PackEntry]], list[PackEntry]]) -> bool:
    """Whether an order has the properties above, over a number of histories."""
    for seed in range(40):
        packs = history(seed, 20)
        known = {item.hash: item for item in packs}
        found = order(packs)
        if [p.hash for p in order(packs[::-1])] != [p.hash for p in found]:
            return False
        place = {item.hash: number for number, item in enumerate(found)}
        if any(place[cause] > place[item.hash] for item in packs for cause in item.parents):
            return False
        removals = [item for item in packs if item.removes]
        if len(removals) == 1:
            before = past([removals[0].hash], known)
            if any(place[one] < place[removals[0].hash] for one in known if one not in before):
                return False
    return True


@pytest.mark.parametrize("mutant", [_by_arrival, _by_clock, _without_anchors, _without_causes])
def test_mutants_of_the_order_die(mutant: Any) -> None:
    assert _holds(canonical)
    assert not _holds(mutant)
