"""A view depends on the acts in their order and on the set of revisions: on no order of these, on no portions."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from iop_tui.kernel.secret import Secret
from iop_tui.store.rows import ActRow, RevisionRow
from iop_tui.store.views.compare import DUMPS
from iop_tui.store.views.view import View
from tests.support.clinic.histories import STEPS, History, run
from tests.support.clinic.program import Staff

SEED = 20261121


class Shuffled:
    """The vault's revisions in another order, mixed otherwise with its acts: what a copy holds that got them later."""

    def __init__(self, db: Any, rng: random.Random) -> None:
        self._db = db
        self._acts: list[ActRow] = [row for _, row in db.acts_since(0)]
        self._revisions: list[RevisionRow] = [row for _, row in db.revisions_since(0, 1_000_000)]
        rng.shuffle(self._revisions)
        self.arrived = (0, 0)

    def arrive(self, acts: int, revisions: int) -> None:
        """That many rows are there now."""
        self.arrived = (min(acts, len(self._acts)), min(revisions, len(self._revisions)))

    @property
    def complete(self) -> bool:
        """Whether everything arrived."""
        return self.arrived == (len(self._acts), len(self._revisions))

    @property
    def position(self) -> Any:
        """The position of what arrived."""
        return replace(self._db.position, acts=self.arrived[0], revisions=self.arrived[1])

    def acts_since(self, seq: int) -> list[tuple[int, ActRow]]:
        """Acts, of which as many have arrived."""
        return list(enumerate(self._acts[: self.arrived[0]], 1))[seq:]

    def revisions_since(self, seq: int, limit: int) -> list[tuple[int, RevisionRow]]:
        """Revisions in their new order."""
        return list(enumerate(self._revisions[: self.arrived[1]], 1))[seq : seq + limit]

    def revisions_of(self, compartment: bytes) -> Iterator[tuple[int, RevisionRow]]:
        """Those of one compartment."""
        return ((seq, row) for seq, row in self.revisions_since(0, 1_000_000) if row.compartment == compartment)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


def dump(view: View) -> dict[str, Any]:
    """Every table as rows, without row numbers."""
    return {name: view.rows(query) for name, query in DUMPS.items()}


def shuffled_dump(history: History, who: Staff, path: Path, rng: random.Random) -> dict[str, Any]:
    """The view this user gets from the same rows in another order and other portions."""
    session = copy.copy(history.program.workspace(who).session)
    session._keys = {}
    rows = Shuffled(session.db, rng)
    session.db, session.view = rows, View.create(path, Secret(bytes(32)))  # type: ignore[assignment]
    try:
        while not rows.complete:
            rows.arrive(rows.arrived[0] + rng.randint(1, 40), rows.arrived[1] + rng.randint(1, 40))
            session.catch_up()
        return dump(session.view)
    finally:
        session.view.close()


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[History]]:
    found = []
    for seed in range(3):
        rng = random.Random(SEED + seed)
        moves = [(rng.randrange(len(STEPS)), [rng.randrange(98) for _ in range(6)]) for _ in range(20)]
        found.append(run(tmp_path_factory.mktemp("order"), moves, every=False, close=False, kind=History))
    yield found
    for history in found:
        history.program.close()


def test_any_order_gives_the_same_view(histories: list[History], scale: Any, tmp_path: Path) -> None:
    for number in range(scale(60, 2)):
        for index, history in enumerate(histories):
            for who in history.everybody():
                rng = random.Random(SEED + number)
                expected = dump(history.program.workspace(who).view)
                got = shuffled_dump(history, who, tmp_path / f"{number}-{index}-{who.user.hex()}.db", rng)
                differing = [name for name in expected if expected[name] != got[name]]
                assert differing == [], (
                    f"{who.name} {who.roles}, history {index}, order {SEED + number}: {history.told}"
                )


def test_a_view_built_at_once_equals_one_that_grew(histories: list[History]) -> None:
    for history in histories:
        for who in history.everybody():
            ws = history.program.workspace(who)
            before = dump(ws.view)
            ws.rebuild_view()
            assert dump(ws.view) == before, f"{who.name} {who.roles}: {history.told}"
