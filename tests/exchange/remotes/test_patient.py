"""Bad links: an exchange over one that drops arrives, costs what the formula says, and stops in plain words."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.exchange import packs
from iop_tui.exchange.remotes import parts
from iop_tui.exchange.remotes.failures import Rewritten, Unable
from iop_tui.exchange.remotes.link import (
    FAST,
    KEPT,
    SLOW,
    USUAL,
    LinkMemory,
    download_bytes,
    upload_bytes,
)  # fmt: skip
from iop_tui.exchange.remotes.patient import TRIES, LinkLost, Patient, Struggle, Waits, promised
from iop_tui.exchange.remotes.port import CarrierGone, Cut
from iop_tui.kernel.errors import Cancelled, ReadOnlyMedium
from iop_tui.kernel.rng import SeededRng
from iop_tui.vault.digest import sha256
from tests.conftest import Scale
from tests.support.network.faulty import AROUND, MemoryRemote, Store, Wire

KIB = 1024


@dataclass
class Drawer:
    """Parts of downloads, as the mirror keeps them."""

    parts: dict[str, bytes] = field(default_factory=dict)

    def part(self, name: str) -> bytes:
        return self.parts.get(name, b"")

    def keep_part(self, name: str, data: bytes) -> None:
        self.parts[name] = data
        if not data:
            del self.parts[name]


def patient(
    remote: MemoryRemote, *, link: LinkMemory | None = None, drawer: Drawer | None = None, seed: int = 1,
    cancelled: Callable[[], bool] | None = None, place: str = "",
) -> Patient:  # fmt: skip
    clock = remote.wire.clock
    waits = Waits(clock, SeededRng(seed), clock.advance, cancelled)
    return Patient(
        remote, link=LinkMemory() if link is None else link, drawer=drawer or Drawer(), waits=waits,
        struggle=Struggle(), place=place,
    )  # fmt: skip


def objects(count: int, size: int, seed: int = 5) -> dict[str, bytes]:
    """So many packs of about a size."""
    made = [f"{seed} {n} ".encode().ljust(size, b"x") for n in range(count)]
    return {packs.name_of(b"l" * 16, n, sha256(data)): data for n, data in enumerate(made)}


def until_done(step: Callable[[], None], rounds: int = 200) -> int:
    """How often an exchange had to be begun again until a step got through."""
    for failed in range(rounds):
        try:
            step()
        except LinkLost:
            continue
        return failed
    raise AssertionError("never arrived")


def most(count: int, size: int, mean: float) -> float:
    """One and a half times the expected bytes of so many objects, and three standard deviations of their sum: how often
    each is tried is geometric.
    """
    return upload_bytes(size, AROUND, mean) * (1.5 * count + 3 * math.sqrt(count))


@given(mean=st.integers(8 * KIB, 200 * KIB), seed=st.integers(0, 2**32), truncates=st.booleans())
def test_every_object_arrives_and_costs_what_the_formula_says(mean: int, seed: int, truncates: bool) -> None:
    """At any mean of 8 KiB and more all objects get there and back."""
    link = LinkMemory([(10 * mean, 3_000_000, 10)])
    size = link.object_size()
    made = objects(20, size, seed)
    wire, store = Wire(mean=mean, seed=seed), Store()
    here = patient(MemoryRemote(store, wire, truncates=truncates), link=link)
    for name, data in made.items():
        until_done(lambda name=name, data=data: here.put(name, data))  # type: ignore[misc]
    assert store.files == made
    assert wire.bytes <= most(len(made), size, mean)
    sent, drawer = wire.bytes, Drawer()
    there = patient(MemoryRemote(store, wire), drawer=drawer)
    came: dict[str, bytes | None] = {}
    for name in made:
        until_done(lambda name=name: came.update({name: there.get(name)}))  # type: ignore[misc]
    assert came == made
    assert not drawer.parts
    assert wire.bytes - sent <= most(len(made), size, mean)


@pytest.mark.parametrize("mean", [8 * KIB, 100_000])
def test_many_objects_cost_at_most_half_more_than_the_formula_says(mean: int, scale: Scale) -> None:
    """Uploads of the size that suits the link: the formula itself, within 5 %, where the counts are large."""
    link, count, store = LinkMemory([(10 * mean, 3_000_000, 10)]), scale(6_000, 300), Store()
    size = link.object_size()
    wire = Wire(mean=mean, seed=7)
    here, data = patient(MemoryRemote(store, wire), link=link), bytes(size)
    for n in range(count):
        until_done(lambda n=n: here.put(f"h/{n}", data))  # type: ignore[misc]
    ratio = wire.bytes / (count * upload_bytes(size, AROUND, mean))
    assert ratio <= 1.5
    assert count < 1_000 or abs(ratio - 1) <= 0.05


@given(mean=st.integers(20 * KIB, 200 * KIB), seed=st.integers(0, 2**32))
def test_a_download_goes_on_where_it_was_cut(mean: int, seed: int) -> None:
    """Half a megabyte over a link that never lets it through at once costs little more than its size."""
    made = objects(1, 512 * KIB, seed)
    [(name, data)] = made.items()
    wire = Wire(mean=mean, seed=seed)
    there = patient(MemoryRemote(Store(dict(made)), wire))
    came: list[bytes | None] = []
    until_done(lambda: came.append(there.get(name)))
    assert came == [data]
    assert wire.bytes <= 1.15 * download_bytes(len(data), AROUND, mean)


def test_what_came_is_kept_for_the_next_exchange_and_only_the_rest_is_asked_for() -> None:
    made = objects(1, 100 * KIB)
    [(name, data)] = made.items()
    drawer = Drawer({name: data[: 60 * KIB]})
    wire = Wire()
    assert patient(MemoryRemote(Store(dict(made)), wire), drawer=drawer).get(name) == data
    assert wire.bytes == 40 * KIB + AROUND
    assert not drawer.parts


def test_a_part_that_is_not_the_beginning_of_the_whole_is_given_up() -> None:
    """What was kept is checked with the whole: wrong bytes are thrown away, and all is asked for once more."""
    made = objects(1, 10 * KIB)
    [(name, data)] = made.items()
    drawer = Drawer({name: b"\0" * KIB})
    assert patient(MemoryRemote(Store(dict(made))), drawer=drawer).get(name) == data
    assert not drawer.parts


def test_half_a_file_is_asked_for_once_more_and_then_handed_on_as_it_is() -> None:
    """A server that answers 200 with half of it: whoever asked sees that it does not fit its name."""
    made = objects(1, 10 * KIB)
    [(name, data)] = made.items()
    wire = Wire()
    found = patient(MemoryRemote(Store(dict(made), halves={name}), wire)).get(name)
    assert found == data[: 5 * KIB]
    assert promised(name, found) is False
    assert wire.bytes == 2 * (5 * KIB + AROUND)


@pytest.mark.parametrize(("answered", "tries"), [(False, 3), (True, TRIES)])
def test_a_link_that_is_down_ends_in_plain_words_after_bounded_tries(answered: bool, tries: int) -> None:
    """Soon where nothing was ever answered: most likely this computer is offline."""
    wire = Wire()
    here = patient(MemoryRemote(Store(), wire))
    if answered:
        here.put("h/x", b"x")
    wire.breaks_after(0)
    with pytest.raises(LinkLost, match=f"dropped {tries} times in a row") as told:
        here.put("h/y", b"y")
    assert "goes on where it stopped" in told.value.hint
    assert here.struggle.drops == tries
    assert 1 < wire.clock.monotonic() < (300 if answered else 5), "it waited between the tries, and not for ever"


def test_what_another_try_does_not_cure_is_not_tried_again() -> None:
    class Locked(MemoryRemote):
        asked = 0

        def put(self, name: str, data: bytes) -> None:
            self.asked += 1
            raise ReadOnlyMedium("The server does not let this account write.")

    remote = Locked(Store())
    with pytest.raises(ReadOnlyMedium):
        patient(remote).put("h/x", b"x")
    assert remote.asked == 1


def test_a_stop_ends_it_between_two_tries_and_within_a_wait() -> None:
    wire = Wire()
    wire.breaks_after(0)
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    with pytest.raises(Cancelled):
        patient(MemoryRemote(Store(), wire), cancelled=cancelled).put("h/x", b"x")
    assert wire.clock.monotonic() < 2


def test_back_off_grows_and_differs_between_devices() -> None:
    def waits(seed: int) -> list[float]:
        wire = Wire()
        found = []
        pauses = Waits(wire.clock, SeededRng(seed), wire.clock.advance)
        for failures in range(1, 10):
            before = wire.clock.monotonic()
            pauses.back_off(failures)
            found.append(wire.clock.monotonic() - before)
        return found

    one, other = waits(1), waits(2)
    assert one != other
    assert all(0.5 * full <= wait <= full for wait, full in zip(one, [1, 2, 4, 8, 16, 30, 30, 30, 30], strict=True))


def test_a_request_may_take_fifteen_seconds_and_four_times_what_the_rate_says() -> None:
    link = LinkMemory([(100_000, 10_000, 0)])
    assert link.rate == 10_000
    assert link.seconds_for(10_000) == 15 + 10_000 / 2_500
    assert LinkMemory().seconds_for(64 * KIB) > 90, "nobody knows this link: it may have 23 kbit/s"


def test_the_size_of_objects_follows_the_last_twenty_transfers() -> None:
    link = LinkMemory()
    assert link.object_size() == USUAL, "nobody knows this link"
    for _ in range(KEPT):
        link.add(20 * KIB, 1.0, 0)
    assert link.object_size() == USUAL, "little was moved without a drop"
    for _ in range(KEPT):
        link.add(64 * KIB, 1.0, 0)
    assert link.object_size() == FAST
    for _ in range(KEPT):
        link.add(64 * KIB, 1.0, 1)
    assert link.mean == 64 * KIB
    assert link.object_size() == SLOW
    for _ in range(KEPT - 4):
        link.add(64 * KIB, 1.0, 0)
    assert link.drops == 4
    assert link.object_size() == USUAL
    again = LinkMemory.read(link.store())
    assert again.transfers == link.transfers
    assert LinkMemory.read(b"something else").transfers == []


@pytest.mark.parametrize("mean", [20_000, 100_000, 400_000])
def test_the_mean_between_drops_is_learnt(mean: int) -> None:
    """By transfers alone: nobody tells how much of an upload passed before a drop."""
    moved = drops = 0
    for seed in range(20):
        link, wire = LinkMemory(), Wire(mean=mean, seed=seed)
        here = patient(MemoryRemote(Store(), wire), link=link)
        for name, data in objects(KEPT, min(mean // 4, FAST), seed).items():
            here.put(name, data)
        moved, drops = moved + link.moved, drops + link.drops
    assert 0.75 < moved / drops / mean < 1.33


def test_errors_that_are_tried_again_are_those_of_the_link() -> None:
    assert issubclass(Cut, CarrierGone)
    assert issubclass(LinkLost, CarrierGone)


class Unproven(MemoryRemote):
    """Takes what is sent, says nothing of it, and keeps something else."""

    def bring(self, name: str, data: bytes) -> bool:
        self.put(name, data[:-1] + b"?")
        return False


def test_what_was_sent_without_proof_is_read_back() -> None:
    for name, data in ({"h/x": b"head"} | objects(1, 100)).items():
        with pytest.raises(Rewritten, match="reads back as something else"):
            patient(Unproven(Store())).put(name, data)


# -- in parts ------------------------------------------------------------------------------


@given(mean=st.integers(8 * KIB, 60 * KIB), seed=st.integers(0, 2**32))
def test_what_is_too_large_for_the_link_goes_in_parts(mean: int, seed: int) -> None:
    """A quarter of a megabyte that was sealed for a better link: whole, it might arrive once in e^32 tries."""
    made = objects(1, 256 * KIB, seed)
    [(name, data)] = made.items()
    link, wire, store = LinkMemory([(10 * mean, 3_000_000, 10)]), Wire(mean=mean, seed=seed), Store()
    drawer = Drawer()
    part = link.object_size()
    until_done(lambda: patient(MemoryRemote(store, wire), link=link, drawer=drawer).put(name, data))
    assert len(store.files[name]) == parts.SIZE
    assert not drawer.parts
    assert wire.bytes <= most(-(-len(data) // part), part + 16, mean)
    came: list[bytes | None] = []
    other = Drawer()
    until_done(lambda: came.append(patient(MemoryRemote(store, wire), link=link, drawer=other).get(name)))
    assert came == [data]
    assert not other.parts
    reader = patient(MemoryRemote(store))
    assert reader.listing() == {name: len(data)}
    assert reader.size(name) == len(data)


def test_an_upload_in_parts_goes_on_behind_the_parts_that_are_there() -> None:
    made = objects(1, 160 * KIB)
    [(name, data)] = made.items()
    store, drawer = Store(), Drawer()
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 1

    link = LinkMemory([(20 * KIB, 1_000, 1)])
    wire = Wire(mean=300 * KIB, seed=1)
    with pytest.raises(Cancelled):
        patient(MemoryRemote(store, wire), link=link, drawer=drawer, cancelled=cancelled).put(name, data)
    before = len(store.files)
    assert 1 < before < 10
    wire = Wire()
    patient(MemoryRemote(store, wire), link=LinkMemory(list(link.transfers[:1])), drawer=drawer).put(name, data)
    assert wire.bytes == (10 - before) * (16 * KIB + 16 + AROUND) + parts.SIZE + AROUND


def test_how_far_an_upload_is_counts_for_one_carrier_alone() -> None:
    [(name, data)] = objects(1, 160 * KIB).items()
    link, drawer = LinkMemory([(20 * KIB, 1_000, 1)]), Drawer()
    wire, begun = Wire(), Store()
    one = patient(MemoryRemote(begun, wire), link=link, drawer=drawer, cancelled=lambda: True, place="one")
    wire.breaks_after(60 * KIB)
    with pytest.raises(Cancelled):
        one.put(name, data)
    assert len(begun.files) == 3
    assert drawer.parts
    store = Store()
    patient(MemoryRemote(store), link=LinkMemory([(20 * KIB, 1_000, 1)]), drawer=drawer, place="two").put(name, data)
    assert patient(MemoryRemote(store)).get(name) == data


@pytest.mark.parametrize("how", ["gone", "cut"])
def test_a_part_that_the_carrier_lost_is_not_taken_for_the_whole(how: str) -> None:
    made = objects(1, 100 * KIB)
    [(name, data)] = made.items()
    store, link = Store(), LinkMemory([(20 * KIB, 1_000, 1)])
    patient(MemoryRemote(store), link=link).put(name, data)
    lost = next(other for other in store.files if other.endswith("-0002"))
    if how == "gone":
        del store.files[lost]
    else:
        store.files[lost] = store.files[lost][:100]
    found = patient(MemoryRemote(store)).get(name)
    assert found is not None
    assert promised(name, found) is False


def test_what_parts_will_cost_is_what_they_cost() -> None:
    [(name, data)] = objects(1, 100 * KIB).items()
    link, wire = LinkMemory([(20 * KIB, 1_000, 1)]), Wire()
    patient(MemoryRemote(Store(), wire), link=link).put(name, data)
    pieces = parts.in_parts(len(data), SLOW)
    assert wire.bytes == sum(pieces) + AROUND * len(pieces)
    assert parts.in_parts(SLOW, SLOW) == [SLOW]


def test_a_download_in_parts_goes_on_behind_the_parts_of_an_earlier_exchange() -> None:
    [(name, data)] = objects(1, 160 * KIB).items()
    store, drawer = Store(), Drawer()
    patient(MemoryRemote(store), link=LinkMemory([(20 * KIB, 1_000, 1)])).put(name, data)
    wire = Wire()
    wire.breaks_after(90 * KIB)
    with pytest.raises(LinkLost):
        patient(MemoryRemote(store, wire), drawer=drawer).get(name)
    again = Wire()
    assert patient(MemoryRemote(store, again), drawer=drawer).get(name) == data
    assert again.bytes < 90 * KIB
    assert not drawer.parts


# -- a server that would fill memory and disk ----------------------------------------------


@pytest.mark.parametrize("plan", [parts.Plan(2**32 - 1, 2**16), parts.Plan(packs.LARGEST + 1, 2**16)])
def test_no_plan_promises_more_than_an_object_may_have(plan: parts.Plan) -> None:
    assert parts.Plan.read(plan.stored()) is None
    assert parts.Plan.read(parts.Plan(packs.LARGEST, 2**16).stored()) is not None


def test_a_part_holds_no_more_than_its_plan_says() -> None:
    [name] = objects(1, 160 * KIB)
    piece = bytes(64 * KIB)
    end = name.rpartition("-")[2]
    files = {name: parts.Plan(160 * KIB, 16 * KIB).stored()}
    files |= {f"x/{end}-{n:04x}": piece + sha256(piece)[:16] for n in range(10)}
    drawer = Drawer()
    assert patient(MemoryRemote(Store(files)), drawer=drawer).get(name) == files[name]
    assert not drawer.parts


class Endless(MemoryRemote):
    """Whatever is asked for: bytes, then a link that drops."""

    piece = bytes(8 * 1024 * KIB)
    given = 0

    def get(self, name: str, start: int = 0) -> bytes | None:
        self.given += len(self.piece)
        raise Cut("The connection ended inside an answer.", data=self.piece)


def test_bytes_without_end_are_given_up_and_not_kept() -> None:
    [name] = objects(1, 160 * KIB)
    remote, drawer = Endless(Store()), Drawer()
    with pytest.raises(Unable):
        patient(remote, drawer=drawer).get(name)
    assert remote.given <= packs.LARGEST + len(remote.piece)
    assert not drawer.parts
