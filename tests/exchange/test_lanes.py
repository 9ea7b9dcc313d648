"""The exchange alone, thousands of steps: everything that may happen to devices and carriers, and nothing is lost.

Which check asserts which invariant of the protocol (steps here and in `simulator`, unless another test is named):

    I1  durability       `Lanes.move`, `World.step`: after every step a device holds what it ever held; `test_kills`
    I2  convergence      `settle` comes to rest; `check`: equal rows, order and views
    I3  no silent loss   `check_rows`, `check_revisions`: all is there or excused; `check_readable`: and is read
    I4  integrity        `check_rows`: every row in its writer's bytes; `check_order`: nothing forged; `test_packs`
    I5  any order        `check_newcomer`: the same packs shuffled, in portions and twice give the same; `do_crash`
    I6  forks            `check_alarms`: each device tells each fork once and loses nothing; the scripts below
    I7  rollback         `Lanes.sync`: what a carrier held and lacks now is told; I1: no state moves back
    I8  confinement      `check_keys`: no key is owed after an access ended; `tests/integration/access` for the roles
    I9  cut              `check_cut`, `check_rows`: late packs wait; a person's acceptance takes all of them in
    I10 no inference     `test_packs` (sizes, streams), `test_private_entries` (none causes a pack)
    I11 progress         `settle` ends after a bounded number of meetings; `remotes/test_bad_links`
    I12 no clock         `test_clocks_decide_nothing`; `do_clock` in every history
    I13 absence          `do_empty`, `do_lose`, `do_swap`, `do_roll_back` under I1
    I14 newer programs   `check_newer`: kept, offered on by everybody, told; `test_packs` for parts of a pack
    I15 membership       `check_order`, `check_newcomer`: a function of the set of packs; `check_views`: so is what
                         follows from it, also built anew; `test_membership` for every small history; `test_order`
                         and `test_settling` for the hard cases

That each check can fail: `test_checks`; that each rule is missed when it is taken out: `test_mutants`, `test_polling`,
`test_membership`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.exchange.world import lanechecks
from tests.exchange.world.lanes import Lanes
from tests.exchange.world.shelf import light

STEPS = 125
MEMORY = Path("/dev/shm")
CALM = ((30, "write"), (40, "sync"), (4, "clock"))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder that forgets: what is tried here is the exchange, not the disk."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    folder = MEMORY / f"lanes-{os.getpid()}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def run(folder: Path, seed: int, steps: int, play: Callable[[Lanes], None] = lambda world: None) -> Lanes:
    """A history from a seed, with a script in its middle; the seed and the story are told when something breaks."""
    place = folder / str(seed)
    place.mkdir()
    with light():
        world = Lanes(place, seed)
        try:
            for number in range(steps):
                if number == steps // 2:
                    play(world)
                world.step()
            world.settle()
            lanechecks.check(world)
        except BaseException as error:  # whatever failed is told with its seed
            error.add_note(f"seed {seed}: {world.told}")
            raise
        finally:
            world.close()
            shutil.rmtree(place)
    return world


@pytest.mark.nightly
def test_many(place: Path) -> None:
    """Some histories that rules of the exchange were seen to die in, each when it was taken out."""
    for number in range(12):
        run(place, number, STEPS)


def test_random_histories_of_the_exchange(place: Path, scale: Callable[[int, int], int]) -> None:
    """100,000 steps at night, 5,000 by default, in histories short enough to be told when one breaks."""
    for number in range(scale(800, 40)):
        run(place, number, STEPS)


def restored_and_pushed(world: Lanes) -> None:
    """A device goes back to an older image, writes, and brings that before it has heard of anything."""
    one, two = world.nodes[0], world.nodes[1]
    for name in ("image", "write", "sync", "write", "sync", "restore", "write", "sync"):
        world.move(name, one)
    world.move("sync", two)


def restored_twice(world: Lanes) -> None:
    """The same image serves twice, with a push after each time: three pasts of one device."""
    one = world.nodes[1]
    world.move("image", one)
    for _ in range(2):
        for name in ("write", "sync", "restore", "write", "sync"):
            world.move(name, one)


def cloned_and_both_write(world: Lanes) -> None:
    """Two machines go on as one device, and a third hears of both."""
    world.move("clone", world.nodes[0])
    for node in (world.nodes[0], world.nodes[-1], world.nodes[1]):
        world.move("write", node)
        world.move("sync", node)


def lost_while_cloned(world: Lanes) -> None:
    """A device is reported lost while the copy of another one writes: the new key comes with the copy's packs."""
    world.move("clone", world.nodes[0])
    world.move("end", world.nodes[1])
    world.move("write", world.nodes[1])
    for node in (world.nodes[1], world.nodes[-1], world.nodes[-1]):
        for number in range(len(world.carriers)):
            world.sync(node, number)
        world.move("write", node)
    for number in range(len(world.carriers)):
        world.sync(world.nodes[-1], number)
    world.move("write", world.nodes[0])
    world.sync(world.nodes[0], 0)


def crashed_and_restored(world: Lanes) -> None:
    """A device ends in the middle of an exchange, is put back to before it, and pushes."""
    one = world.nodes[2]
    for name in ("write", "image", "write", "crash", "sync", "restore", "write", "crash", "write", "sync"):
        world.move(name, one)


SCRIPTS = (restored_and_pushed, restored_twice, cloned_and_both_write, lost_while_cloned, crashed_and_restored)


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.__name__ for script in SCRIPTS])
def test_directed_scripts(place: Path, script: Callable[[Lanes], None], scale: Callable[[int, int], int]) -> None:
    """What random histories meet rarely, in the middle of random ones: 50 each at night."""
    for number in range(scale(50, 1)):
        run(place, 5000 + number, 30, script)


def test_a_copied_device_notices_itself_under_a_new_key(place: Path) -> None:
    """The copy's packs and the key that opens them come in one exchange: the device still begins another lane."""
    with light():
        world = Lanes(place, 3)
        one, two, three = world.nodes
        for node in (one, two, three, one, two):
            world.move("write", node)
            world.sync(node, 0)
        world.move("clone", one)
        copy = world.nodes[-1]
        world.end(two, two.ledger().devices.cards[three.device])
        for node in (two, copy, two):
            world.sync(node, 0)
        world.move("write", copy)
        world.sync(copy, 0)
        world.move("write", one)
        report = world.sync(one, 0)
        assert report is not None
        assert report.restored
        assert not one.ledger().forks()
        world.close()


def test_clocks_decide_nothing(place: Path) -> None:
    """The same history with clocks that are right and with clocks ten years off: the same rows in the same order."""
    found: list[list[tuple[set[bytes], list[bytes]]]] = []
    for clocks in ((0,), (-10, 10)):
        folder = place / str(len(found))
        folder.mkdir()
        with light():
            world = Lanes(folder, 77, clocks=clocks)
            for _ in range(60):
                world.step(CALM)
            world.settle()
            found.append([(node.held(), list(node.open().db.order.places())) for node in world.nodes])
            world.close()
    assert found[0] == found[1]
