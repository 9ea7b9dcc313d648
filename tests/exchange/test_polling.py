"""Over a network nothing is listed in the normal case, and whatever does not fit is noticed all the same."""

from __future__ import annotations

import inspect
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iop_tui.exchange import carrying, engine, heads, packs, polling
from iop_tui.exchange.carrying import Budget
from iop_tui.kernel.errors import IopError
from iop_tui.vault.digest import md5
from tests.exchange.world import lanechecks
from tests.exchange.world.buckets import WEEK, Bucket, Polled, bucket
from tests.exchange.world.nodes import Node
from tests.exchange.world.shelf import light

MEMORY = Path("/dev/shm")
STEPS = 100


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    folder = MEMORY / f"polling-{os.getpid()}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def met_already(folder: Path, carrier: Bucket) -> Polled:
    """Three devices that have met over one carrier, and know its heads."""
    folder.mkdir(exist_ok=True)
    found = Polled(folder, 5, carriers=1)
    found.carriers = [carrier]
    for _ in range(2):
        for node in found.nodes:
            found.move("write", node)
            found.sync(node, 0)
    for node in found.nodes:
        node.clock.advance(2 * 3600)
        found.sync(node, 0)
    carrier.take()
    return found


KINDS = ((True, True), (True, False), (False, False))
"""`brief`, `swaps`: a bucket with a board, one without, a web server."""


@pytest.fixture(params=KINDS, ids=["board", "bucket", "web server"])
def world(place: Path, request: pytest.FixtureRequest) -> Iterator[Polled]:
    """See `met_already`."""
    with light():
        found = met_already(place, Bucket(brief=request.param[0], swaps=request.param[1]))
        yield found
        found.close()


def met(world: Polled, *nodes: Node) -> engine.Report:
    """Each exchanges in turn; the last report."""
    reports = [world.sync(node, 0) for node in nodes]
    assert reports[-1] is not None
    return reports[-1]


def listings(world: Polled) -> list[str]:
    return [one for one in bucket(world).take() if one == "list" or one.startswith("names p/")]


def same(world: Polled) -> bool:
    return len({frozenset(node.held()) for node in world.nodes}) == 1


def newest(world: Polled, node: Node) -> str:
    return engine.pack_name(node.ledger().own_lane()[-1].entry)


def test_the_normal_case_lists_nothing(world: Polled) -> None:
    """Twelve rounds of writing and exchanging: every pack is fetched by the name a head told."""
    for _ in range(4):
        for node in world.nodes:
            world.move("write", node)
            met(world, node)
    met(world, *world.nodes)
    assert not listings(world)
    assert same(world)


def test_nothing_new_costs_three_requests_or_one_a_head(world: Polled) -> None:
    met(world, *world.nodes, world.nodes[0])
    bucket(world).take()
    met(world, world.nodes[0])
    kinds = [one.split("/")[0] for one in bucket(world).take()]
    expected = ["tags h", "put p", "put h"] if bucket(world).brief else [*["look h"] * 3, "put p", "put h"]
    assert kinds == (["look board", "put p", "put h", "swap board"] if bucket(world).swaps else expected)


def test_who_is_far_behind_follows_the_packs_themselves(world: Polled) -> None:
    one, two, _ = world.nodes
    for _ in range(heads.KEPT + 12):
        world.move("write", one)
        met(world, one)
    bucket(world).take()
    found = polling.survey(two.mirror, bucket(world), "0", heads.Reader(two.ledger()), now_ms=two.clock.now_ms())  # type: ignore[arg-type]
    estimate = carrying.estimate(two.mirror, found)  # type: ignore[arg-type]
    report = met(world, two)
    assert not listings(world)
    assert one.held() <= two.held()
    assert len(report.moved.received) > heads.KEPT + 12
    assert sum(estimate.receive.values()) == report.moved.received_bytes


def test_a_stop_on_the_way_back_is_taken_up_again(world: Polled) -> None:
    """Some packs in the middle of the way are missing here: the next exchange goes on from there, without a list."""
    one, two, _ = world.nodes
    for _ in range(heads.KEPT + 12):
        world.move("write", one)
        met(world, one)
    size = bucket(world).listing()[newest(world, one)]
    budget = Stopping(after=(heads.KEPT + 5) * size)
    with pytest.raises(AssertionError, match="stopped"):
        engine.exchange(two.ledger(), two.mirror, bucket(world), "0", budget=budget)  # type: ignore[arg-type]
    assert 0 < len(two.mirror.listing()) < len(bucket(world).listing())
    bucket(world).take()
    met(world, two)
    assert not listings(world)
    assert one.held() <= two.held()


class Stopping(Budget):
    """Somebody pulls the plug after so many bytes."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._after = after

    def takes(self, size: int) -> bool:
        assert self.spent < self._after, "stopped"
        return super().takes(size)


def test_a_carrier_that_went_back_is_told_at_once_and_filled_again(world: Polled) -> None:
    """By each device that has put a head there since: its own head is not the one it put."""
    kept = dict(bucket(world).files)
    for node in world.nodes:
        world.move("write", node)
        met(world, node)
    met(world, *world.nodes, world.nodes[0])
    lost = set(bucket(world).listing()) - set(kept)
    bucket(world).files = dict(kept)
    bucket(world).take()
    report = met(world, world.nodes[0])
    assert "list" in bucket(world).take()
    assert lost <= set(report.moved.gone)
    assert lost <= set(bucket(world).listing())
    assert met(world, *world.nodes).moved.gone == []
    assert same(world)


def test_an_empty_carrier_takes_nothing_from_anybody(world: Polled) -> None:
    met(world, world.nodes[1])
    held = set(bucket(world).listing())
    bucket(world).files.clear()
    report = met(world, world.nodes[1])
    assert set(report.moved.gone) == held
    assert held <= set(bucket(world).listing())
    met(world, *world.nodes)
    assert same(world)


def test_a_lost_pack_is_missed_by_whoever_needs_it_and_brought_again_by_who_has_it(world: Polled) -> None:
    one, two, _ = world.nodes
    world.move("write", one)
    met(world, one)
    lost = newest(world, one)
    del bucket(world).files[lost]
    bucket(world).take()
    met(world, two)
    asked = bucket(world).take()
    assert asked.count("list") == 1
    assert f"want {lost}" in asked
    met(world, two)
    assert "list" not in bucket(world).take(), "the same question is not asked twice"
    met(world, one)
    asked = bucket(world).take()
    assert f"put {lost}" in asked
    assert "list" not in asked
    met(world, two)
    assert two.held() >= one.held()


def test_a_pack_that_everybody_has_is_missed_within_a_week(world: Polled) -> None:
    one = world.nodes[0]
    lost = next(name for name in bucket(world).listing() if name != newest(world, one))
    del bucket(world).files[lost]
    met(world, one)
    assert lost not in bucket(world).files
    one.clock.advance(WEEK)
    assert met(world, one).moved.gone == [lost]
    assert lost in bucket(world).files


def test_somebody_may_ask_for_a_listing(world: Polled) -> None:
    one = world.nodes[0]
    lost = next(name for name in bucket(world).listing() if name != newest(world, one))
    del bucket(world).files[lost]
    report = engine.exchange(one.ledger(), one.mirror, bucket(world), "0", thorough=True)  # type: ignore[arg-type]
    assert report.moved.gone == [lost]


@pytest.mark.parametrize("how", ["torn", "forged", "another's", "missing", "old"])
def test_heads_are_hints(world: Polled, how: str) -> None:
    """Whatever becomes of a head, its packs arrive, and nothing is lost or taken back."""
    one, two, three = world.nodes
    name = packs.head_name(one.ledger().lane)
    before = bucket(world).files[name]
    world.move("write", one)
    met(world, one)
    good = bucket(world).files[name]
    other = bucket(world).files[packs.head_name(three.ledger().lane)]
    changed = {"torn": good[:300], "forged": good[:-1] + bytes([good[-1] ^ 1]), "another's": other, "old": before}
    if how == "missing":
        del bucket(world).files[name]
    else:
        bucket(world).files[name] = changed[how]
    held = two.held()
    met(world, two)
    assert held <= two.held()
    two.clock.advance(WEEK)  # an old head that was the last one seen says nothing; the weekly listing does
    met(world, two)
    assert one.held() <= two.held()
    met(world, one, two)
    listings(world)
    met(world, two)
    assert not listings(world), "the next head mends it"


def test_what_another_carrier_brought_is_asked_for_before_it_is_sent(world: Polled) -> None:
    """Packs of others that may be there already: a question each, no listing, and no second upload."""
    one, two, _ = world.nodes
    for _ in range(2):  # what two knows of this carrier is more than what it has to ask
        met(world, *world.nodes)
    world.carriers.append(Bucket(brief=True))
    for _ in range(heads.KEPT + 3):
        world.move("write", one)
        met(world, one)
    world.sync(one, 1)
    world.sync(two, 1)
    bucket(world).take()
    met(world, two)
    asked = bucket(world).take()
    lane = packs.text(one.ledger().lane)
    assert [name for name in asked if name.startswith(f"size p/{lane}")]
    brought = [name for name in asked if name.startswith(f"put p/{lane}")]
    assert brought == [f"put {newest(world, one)}"], "only what was sealed for the other carrier is not here yet"
    assert "list" not in asked


def test_packs_of_a_copied_device_are_found_although_no_head_leads_to_them(world: Polled) -> None:
    """Two packs with one number: the head names one of them, `seen` of others the other one; then it is listed."""
    one, two, three = world.nodes
    world.move("clone", one)
    copy = world.nodes[-1]
    for node in (one, copy):
        world.move("write", node)
    world.carriers.append(Bucket(brief=True))
    world.sync(one, 0)
    world.sync(copy, 1)  # neither has heard of the other
    world.sync(three, 1)
    bucket(world).take()
    for _ in range(2):
        for node in (three, two, one, copy):
            world.sync(node, 0)
    assert "list" in bucket(world).take()
    assert not any(node.ledger().missing() for node in world.nodes)
    world.settle()
    lanechecks.check(world)


def test_a_head_names_only_what_was_brought(world: Polled) -> None:
    """A limit stops in the middle: nobody is led to packs that are not there."""
    one, two, _ = world.nodes
    for _ in range(3):
        world.move("write", one)
    engine.exchange(one.ledger(), one.mirror, bucket(world), "0", budget=Budget(limit=10))  # type: ignore[arg-type]
    bucket(world).take()
    report = met(world, two)
    asked = bucket(world).take()
    assert not [name for name in asked if name.startswith("want")]
    assert "list" not in asked
    assert report.missing == 0
    met(world, one, two)
    assert one.held() <= two.held()


def test_without_a_key_the_carrier_is_listed(world: Polled) -> None:
    one, two, _ = world.nodes
    world.move("write", one)
    met(world, one)
    bucket(world).take()
    moved = carrying.carry(two.mirror, bucket(world), "0", Budget())  # type: ignore[arg-type]
    assert moved.received
    assert "list" in bucket(world).take()


def test_what_is_remembered_of_a_carrier_may_be_lost_or_of_another_version(world: Polled) -> None:
    one = world.nodes[0]
    for data in (b"", b"\x93\x01\x02\x03", b"nothing of ours"):
        one.mirror.keep_hint("0", "poll", data)
        bucket(world).take()
        met(world, one)
        assert "list" in bucket(world).take()


def test_a_clock_that_goes_back_costs_a_listing_and_nothing_else(world: Polled) -> None:
    one = world.nodes[0]
    one.clock.advance(-400 * 86400)
    met(world, one)
    assert listings(world)
    met(world, one)
    assert not listings(world)


def test_random_histories_over_a_network(place: Path, scale: Callable[[int, int], int]) -> None:
    """Everything that may happen to devices and carriers, and carriers are polled: 40,000 steps at night."""
    for seed in range(scale(400, 2)):
        folder = place / str(seed)
        folder.mkdir()
        with light():
            world = Polled(folder, seed)
            try:
                for _ in range(STEPS):
                    world.step()
                world.settle()
                lanechecks.check(world)
            except BaseException as error:  # whatever failed is told with its seed
                error.add_note(f"seed {seed}: {world.told}")
                raise
            finally:
                world.close()
                shutil.rmtree(folder)


# -- the board -----------------------------------------------------------------------------


@pytest.fixture
def told(place: Path) -> Iterator[Polled]:
    """The same over a carrier with a board."""
    with light():
        found = met_already(place, Bucket(brief=True, swaps=True))
        found.sync(found.nodes[0], 0)
        bucket(found).take()
        yield found
        found.close()


def test_what_two_devices_tell_at_once_is_missed_by_nobody(told: Polled) -> None:
    """One looks, the other writes and tells, the first one tells: both are on the board, and both are noticed."""
    one, two, three = told.nodes
    met(told, *told.nodes, *told.nodes)

    def meanwhile() -> None:
        bucket(told).between = lambda: None
        told.move("write", two)
        met(told, two)

    told.move("write", one)
    bucket(told).between = meanwhile
    bucket(told).take()
    met(told, one)
    met(told, three)
    met(told, one)
    met(told, two)
    assert "tags h" not in bucket(told).take()
    assert one.held() == two.held() == three.held()


@pytest.mark.parametrize("how", ["gone", "noise", "older", "long ago"])
def test_the_board_is_a_hint(told: Polled, how: str) -> None:
    """Whatever becomes of it, the heads are listed instead, and the next who tells mends it."""
    one, two, three = told.nodes
    older = bucket(told).files["board"]
    for _ in range(30 if how == "long ago" else 1):
        told.move("write", one)
        met(told, one)
    changed = {"noise": b"\x07" * 31, "older": older[12:], "long ago": bucket(told).files["board"]}
    if how == "gone":
        del bucket(told).files["board"]
    else:
        bucket(told).files["board"] = changed[how]
    bucket(told).take()
    met(told, two)
    assert how == "older" or "tags h" in bucket(told).take()
    if how == "older":  # it ends before what is new: as a board that stands still, below
        two.clock.advance(25 * 3600)
        met(told, two)
    assert one.held() <= two.held()
    told.move("write", two)
    met(told, two, three, one, two, three)
    bucket(told).take()
    met(told, one)
    assert "tags h" not in bucket(told).take()
    assert same(told)


def test_a_board_that_stands_still_hides_news_for_a_day_at_most(told: Polled) -> None:
    """A carrier that shows an old board: as if nobody had come since. Once a day the heads are listed all the same."""
    one, two, _ = told.nodes
    met(told, two)
    still = bucket(told).files["board"]
    told.move("write", one)
    met(told, one)
    bucket(told).files["board"] = still
    met(told, two)
    two.clock.advance(25 * 3600)
    met(told, two)
    assert one.held() <= two.held()


def test_an_answer_that_was_lost_is_no_rival(told: Polled) -> None:
    """The board was written, the answer did not come, and the next try finds its own words."""
    one = told.nodes[0]
    carrier = bucket(told)
    swap = carrier.swap
    carrier.swap = lambda name, data, tag: swap(name, data, tag) and None  # type: ignore[method-assign]
    met(told, one)
    assert carrier.take().count("swap board") == 1
    met(told, one)
    assert "tags h" not in carrier.take()


# -- each rule has a mutant that dies ------------------------------------------------------


def _stubborn(carrier: Bucket, name: str, data: bytes, tag: str) -> str:
    """The board is written over, whoever wrote meanwhile."""
    carrier.between()
    carrier.put(name, data)
    return md5(data).hex()


MUTANTS: dict[str, tuple[object, str, object, Callable[..., None]]] = {
    "a head that went back is no doubt": (
        polling, "went_back", lambda *_: False, test_a_carrier_that_went_back_is_told_at_once_and_filled_again,
    ),
    "what is not there is no doubt": (
        polling.Survey, "absent", lambda *_: None,
        test_a_lost_pack_is_missed_by_whoever_needs_it_and_brought_again_by_who_has_it,
    ),
    "what others name raises no question": (
        polling.Survey, "unsettled", lambda *_: False,
        test_packs_of_a_copied_device_are_found_although_no_head_leads_to_them,
    ),
    "nobody follows the packs": (
        polling.Survey, "follow", lambda *_: None, test_who_is_far_behind_follows_the_packs_themselves,
    ),
    "holes are not seen": (polling, "_holes", lambda *_: None, test_a_stop_on_the_way_back_is_taken_up_again),
    "packs of others are brought without a question": (
        polling, "_unsure", lambda *_: None, test_what_another_carrier_brought_is_asked_for_before_it_is_sent,
    ),
    "nothing is ever listed": (
        polling.State, "due", lambda *_: False, test_a_pack_that_everybody_has_is_missed_within_a_week,
    ),
    "a head names what was not brought": (
        engine, "takewhile", lambda _, own: own, test_a_head_names_only_what_was_brought,
    ),
    "the board is written over": (Bucket, "swap", _stubborn, test_what_two_devices_tell_at_once_is_missed_by_nobody),
    "the board is believed for ever": (
        polling, "SWEEP_EVERY_MS", 10**15, test_a_board_that_stands_still_hides_news_for_a_day_at_most,
    ),
}  # fmt: skip


@pytest.mark.nightly
@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_die(name: str, monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """With a rule taken out, the test that names it fails, over at least one kind of carrier."""
    target, attribute, value, test = MUTANTS[name]
    died = []
    kinds = KINDS if "world" in inspect.signature(test).parameters else KINDS[:1]
    for number, (brief, swaps) in enumerate(kinds):
        with light():
            found = met_already(place / str(number), Bucket(brief=brief, swaps=swaps))
            with monkeypatch.context() as changed:
                changed.setattr(target, attribute, value)
                try:
                    test(found)
                except (AssertionError, IopError):
                    died.append(number)
            found.close()
    assert died
