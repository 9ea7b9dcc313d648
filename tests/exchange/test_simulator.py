"""Everything that may happen, in any order, and nothing is lost: whole programs with charts, keys and views.

Which check asserts which invariant stands in `test_lanes`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.exchange.test_lanes import place
from tests.exchange.world import worldcheck
from tests.exchange.world.shelf import light
from tests.exchange.world.simulator import World
from tests.exchange.world.stations import Founded

__all__ = ["place"]
STEPS = 125


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Founded:
    """Three devices that have met, made once."""
    with light():
        return Founded.make(tmp_path_factory.mktemp("founded"), 3)


def run(folder: Path, founded: Founded, seed: int, steps: int) -> None:
    """A history from a seed; the seed and the story are told when something breaks."""
    place = folder / str(seed)
    place.mkdir()
    with light():
        world = World(place, seed, founded)
        try:
            for _ in range(steps):
                world.step()
            world.settle()
            worldcheck.check(world)
        except BaseException as error:  # whatever failed is told with its seed
            error.add_note(f"seed {seed}: {world.told}")
            raise
        finally:
            world.close()
            shutil.rmtree(place)


def test_random_histories(place: Path, founded: Founded, scale: Callable[[int, int], int]) -> None:
    """100,000 steps at night, in histories short enough to be told when one breaks; a short one by default."""
    for number in range(scale(800, 1)):
        run(place, founded, number, scale(STEPS, 25))
