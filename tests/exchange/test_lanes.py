"""The exchange alone, thousands of steps: everything that may happen to devices and carriers, and nothing is lost."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.exchange.lanes import Lanes

STEPS = 125
MEMORY = Path("/dev/shm")


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


def run(folder: Path, seed: int, steps: int) -> None:
    """A history from a seed; the seed and the story are told when something breaks."""
    world = Lanes(folder, seed)
    try:
        for _ in range(steps):
            world.step()
        world.settle()
        world.check()
    except BaseException as error:
        error.add_note(f"seed {seed}: {world.told}")
        raise
    finally:
        world.close()


@pytest.mark.nightly
def test_many(place: Path) -> None:
    """Some histories that rules of the exchange were seen to die in, each when it was taken out."""
    for number in range(6):
        folder = place / str(number)
        folder.mkdir()
        run(folder, number, STEPS)
        shutil.rmtree(folder)


def test_random_histories_of_the_exchange(place: Path, scale: Callable[[int, int], int]) -> None:
    """100,000 steps at night, 375 by default, in histories short enough to be told when one breaks."""
    for number in range(scale(800, 3)):
        folder = place / str(number)
        folder.mkdir()
        run(folder, number, STEPS)
        shutil.rmtree(folder)
