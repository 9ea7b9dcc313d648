"""Everything that may happen, in any order, and nothing is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.exchange.simulator import World


def run(folder: Path, seed: int, steps: int) -> None:
    """A history from a seed; the seed and the story are told when something breaks."""
    world = World(folder, seed)
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


def test_random_histories(tmp_path: Path, scale: Callable[[int, int], int]) -> None:
    """100,000 steps at night, in histories short enough to be told when one breaks; a short one by default."""
    for number in range(scale(833, 1)):
        folder = tmp_path / str(number)
        folder.mkdir()
        run(folder, number, scale(120, 25))
        shutil.rmtree(folder)
