"""CR-1 and CR-12 over random histories of linking, separating, agreeing in writing and assigning.

Nobody ever holds keys to the protected records of two people who are or were a couple, unless one of them agreed in
writing after the end; decided over the keys in every user's view, with book-keeping of the test's own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from iop_tui.access import roles
from iop_tui.access.policy import WALLED_KINDS
from iop_tui.clinical.couples import separation
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.people import service as people
from iop_tui.kernel.errors import Refused
from tests.integration.couples.conftest import Clinic
from tests.support.clinic.couples import copied, pair_of
from tests.support.clinic.vaults import Program, today

PEOPLE, STAFF = ("ana", "ben", "max", "hana"), ("nadia", "tom", "sol")
ROLE = {"nadia": roles.INDIVIDUAL_THERAPIST, "tom": roles.INDIVIDUAL_THERAPIST, "sol": roles.COUNSELOR}
_PERSON, _USER = st.sampled_from(PEOPLE), st.sampled_from(STAFF)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("link"), _PERSON, _PERSON), st.tuples(st.just("part"), _PERSON, st.just("")),
        st.tuples(st.just("assign"), _PERSON, _USER), st.tuples(st.just("agree"), _PERSON, _USER),
    ),
    min_size=3, max_size=9,
)  # fmt: skip


class Book:
    """What was done, as the test knows it."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        self.pairs: set[frozenset[bytes]] = {frozenset((clinic.pair.a, clinic.pair.b))}
        self.agreed: set[tuple[bytes, bytes]] = set()

    def do(self, step: tuple[str, str, str]) -> None:
        """One step, if the rules let it be."""
        clinic, (what, first, second) = self.clinic, step
        person = clinic.made.people[first]
        try:
            if what == "link":
                other = clinic.made.people[second]
                couples.link(clinic.ws("nadia"), person, other, clinic.made.users["cleo"].user)
                self.pairs.add(frozenset((person, other)))
            elif what == "part":
                separation.dissolve(clinic.ws("fay"), self._couple(person), trigger="partner A")
            elif what == "agree":
                user = clinic.made.users[second].user
                day = today(clinic.nadia)
                ws = clinic.ws("nadia")
                separation.clear_conflict(ws, self._couple(person), user, person, agreed_on=day, method="paper")
                self.agreed.add((user, person))
            else:
                people.assign(clinic.ws("nadia"), person, clinic.made.users[second].user, ROLE[second])
        except Refused:
            return

    def _couple(self, person: bytes) -> bytes:
        """The newest couple of a person; an id of nobody's where there is none."""
        lines = [line for line in couples.couples(self.clinic.ws("nadia")) if person in (line.a, line.b)]
        return lines[-1].id if lines else bytes(16)

    def check(self) -> None:
        """No user stands on both sides."""
        for name in (*STAFF, "cleo"):
            ws = self.clinic.ws(name)
            rows = ws.view.rows(
                "SELECT DISTINCT c.person, c.kind FROM compartment c JOIN keyring k ON k.compartment = c.id"
                " WHERE c.primitive = 'member'"
            )
            held = {bytes(person) for person, kind in rows if kind in WALLED_KINDS}
            for pair in self.pairs:
                if pair <= held:
                    assert any((ws.user.user, person) in self.agreed for person in pair), name


def test_cr12_nobody_stands_on_both_sides_of_a_couple_of_any_time(
    scale: Any, base: Program, tmp_path_factory: pytest.TempPathFactory
) -> None:
    @settings(
        max_examples=scale(1_000, 3), deadline=None, derandomize=True, database=None,
        phases=(Phase.explicit, Phase.generate), suppress_health_check=[HealthCheck.too_slow],
    )  # fmt: skip
    @given(STEPS)
    def histories(steps: list[tuple[str, str, str]]) -> None:
        place: Path = tmp_path_factory.mktemp("wall") / "vault"
        made = copied(base, place)
        root = made.unlock("nadia")
        clinic = Clinic(made, root, pair_of(made, root))
        try:
            book = Book(clinic)
            for step in steps:
                book.do(step)
            book.check()
        finally:
            clinic.close()

    histories()
