"""Random histories with authorizations, expiries, revocations, separations, transfers and stand-ins: what each user
decrypts is what the policy and the clients allow.

As in `test_histories`; the book also follows what clients authorized and ended.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

from tests.support.clinic.authorizations import CONSENT_STEPS, ConsentHistory, move
from tests.support.clinic.histories import run
from tests.support.clinic.program import memory_folder

H = ConsentHistory
# A team, a couple, notes and a first authorization, so that short histories have something to end.
TEAM = [move(H.assign, 0, 0, 0, 0), move(H.assign, 0, 1, 0, 0), move(H.unlock_all)]
OWN = [move(H.write, 0, 0, 0, 0), move(H.link, 0, 1, 0, 0), move(H.unlock_all), move(H.authorize, 0, 0, 0, 1)]
JOINT = [move(H.meet), move(H.assign, 1, 0, 1, 0), move(H.unlock_all), move(H.authorize_joint, 0, 0, 1)]


def test_every_user_decrypts_what_the_policy_and_the_clients_allow(scale: Any, tmp_path: Path) -> None:
    """10,000 settled programs are compared nightly: after every step of some 600 random histories."""
    seed, compared, number = scale(int(time.time()), 20261122), 0, 0
    with memory_folder(tmp_path) as folder:
        while compared < scale(10_000, 8):
            rng = random.Random(f"{seed}-{number}")
            chosen = [
                (rng.randrange(len(CONSENT_STEPS)), [rng.randrange(98) for _ in range(5)])
                for _ in range(rng.randint(8, 24))
            ]
            story = [*TEAM, *OWN, *(JOINT if rng.random() < 0.5 else ()), *chosen]
            try:
                compared += run(folder, story, every=True, kind=H, steps=CONSENT_STEPS).checks
            except AssertionError as error:
                error.add_note(f"seed {seed}, history {number}")
                raise
            number += 1


def test_the_sets_agree_after_every_step(tmp_path: Path) -> None:
    """One fixed history with everything in it, in the order of a couple's way through the program."""
    story = [
        *TEAM, *OWN, *JOINT, move(H.hire, 0), move(H.hire, 0), move(H.write, 0, 0, 0, 0), move(H.stand_in, 0, 1, 0),
        move(H.write, 0, 0, 1, 0), move(H.wait, 1), move(H.write_joint, 0, 1), move(H.revoke, 0, 0),
        move(H.transfer, 0, 1, 0), move(H.write, 0, 0, 0, 0), move(H.authorize, 0, 0, 0, 0), move(H.dissolve, 0, 0),
        move(H.unlock_all), move(H.wait, 1), move(H.wait, 2), move(H.suspend, 2), move(H.remove, 2),
    ]  # fmt: skip
    with memory_folder(tmp_path) as folder:
        history = run(folder, story, every=True, kind=H, steps=CONSENT_STEPS)
    wanted = {"authorize", "authorize_joint", "transfer", "stand_in", "revoke", "dissolve", "wait", "suspend", "remove"}
    assert wanted <= set(history.told), history.told
    assert history.copies
    assert history.ended
