"""CR-3, T3: two runs that differ only in what one clinician keeps alone about A look the same to everybody else.

Both run on copies of one vault (`tests.support.clinic.twins`). A step in which the author keeps something ends one pair
of runs and begins the next: the pair is compared by every decrypted row of every other user's view, the rows they have
keys for and their sealed sizes, the size of their view, and one screen, list, search or copy of one user in turn.
At the end all screens, copies and audit reports of all users are compared, and the files, too.

Nightly all users are compared after every step, and everything after each step that happens in both; by default half
of the users at a time.
"""

from __future__ import annotations

import random
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from iop_tui.clinical.couples.model import LIMITED
from iop_tui.kernel.rng import SeededRng
from tests.support.clinic.couples import agree, copied, hold_session, pair_of
from tests.support.clinic.program import memory_folder
from tests.support.clinic.twins import EXISTS, STAFF, twins
from tests.support.clinic.vaults import Program, leave, refresh


@pytest.fixture(scope="module")
def ready(base: Program, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The small program with an agreement and a joint session, after everybody unlocked once; closed."""
    made = copied(base, tmp_path_factory.mktemp("twins") / "vault")
    made = replace(made, env=replace(made.env, rng=SeededRng(11)))  # copies of it draw from another stream
    root = made.unlock("nadia")
    others = {name: made.beside(root, name) for name in STAFF if name != "nadia"}
    agree(others["cleo"], pair_of(made, root), LIMITED)
    hold_session(others["cleo"], pair_of(made, root))
    for _ in range(2):
        for ws in (root, *others.values()):
            refresh(ws)
    for ws in others.values():
        leave(ws)
    root.close()
    return made


def test_t3_cr3_nobody_can_tell_what_is_kept_alone(scale: Any, ready: Program, tmp_path: Path) -> None:
    """10,000 pairs of runs nightly, 500 by default."""
    authors, seed, pairs, everything = sorted(EXISTS), scale(int(time.time()), 20261122), 0, scale(True, False)
    with memory_folder(tmp_path) as folder:
        for number in range(scale(60, 3)):
            rng, author = random.Random(f"{seed}-{number}"), authors[number % len(authors)]
            with twins(ready, folder / f"pair{number}", author, f"seed {seed}, history {number}") as both:
                for part in range(3):
                    for _ in range(56):
                        both.keep(rng.randrange(1_000), rng.randint(1, 9), rng.randrange(400))
                        both.compare(whole=False, everyone=everything)
                        pairs += 1
                    both.both(rng.randrange(1_000), rng.randint(1, 9))
                    both.compare(whole=everything or part == 2, everyone=True)
                assert both.noticed(), "the author sees it"
    assert pairs >= scale(10_000, 500)
