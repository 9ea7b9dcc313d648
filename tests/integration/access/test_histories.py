"""Random histories of a program: what services show, what keys decrypt and what the policy foresees are one set.

See `tests.support.clinic.book` for the three answers and `tests.support.clinic.histories` for what may happen.
Every prefix of a random history is a random history: where all are settled and compared, each counts as one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.clinic.histories import STEPS, History, run
from tests.support.clinic.program import memory_folder


def moves(steps: int, most: int) -> st.SearchStrategy[list[tuple[int, list[int]]]]:
    """Which steps are tried, and whom each of them picks."""
    step = st.tuples(st.integers(0, steps - 1), st.lists(st.integers(0, 97), min_size=4, max_size=6))
    return st.lists(step, min_size=8, max_size=most)


def play(count: int, folder: Path, *, every: bool, most: int) -> int:
    """Play some random histories; how many settled programs were compared."""
    compared = [0]

    @settings(
        max_examples=count, deadline=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(moves(len(STEPS), most))
    def holds(chosen: list[tuple[int, list[int]]]) -> None:
        compared[0] += run(folder, chosen, every=every, kind=History).checks - 1  # the beginning was made once

    holds()
    return compared[0]


def test_views_keys_and_policy_agree_after_random_histories(scale: Any, tmp_path: Path) -> None:
    with memory_folder(tmp_path) as folder:
        assert play(scale(400, 2), folder, every=False, most=24) >= scale(400, 2)


def test_views_keys_and_policy_agree_after_every_step(scale: Any, tmp_path: Path) -> None:
    with memory_folder(tmp_path) as folder:
        assert play(scale(60, 1), folder, every=True, most=24) >= scale(120, 1)
