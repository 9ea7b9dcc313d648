"""Random histories with authorizations, expiries, revocations and transfers: what each user decrypts is the policy.

The same three answers as in `test_histories`; the book here also follows what clients authorized and ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from iop_tui.access import policy, roles
from iop_tui.access.policy import Kind
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.queries import covered
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.turnover import api as turnover
from iop_tui.kernel.clock import day_start, local_date
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.revisions import Origin
from tests.integration.access.test_histories import CARE_KINDS, STEPS, History, run
from tests.support.oracle import SealedFact
from tests.support.program import Staff

IT, CT, DA = roles.INDIVIDUAL_THERAPIST, roles.COUPLES_THERAPIST, roles.COUNSELOR
Pick = Callable[[list[Any]], Any]


@dataclass
class Given:
    """What a client authorized: who reads, until when, under which founding of the record, and whether it ended."""

    person: bytes
    reader: bytes
    until: int
    founding: int
    revoked: bool = False


@dataclass
class ConsentHistory(History):
    """A history whose clients authorize and revoke, and whose caseloads move."""

    given: dict[bytes, Given] = field(default_factory=dict)
    copies: dict[bytes, bytes] = field(default_factory=dict)
    ended: set[bytes] = field(default_factory=set)

    # -- settling ----------------------------------------------------------------------------

    def settle(self) -> None:
        """As every program does after an unlock: keys first, then what was authorized."""
        super().settle()
        for who in self.everybody():
            self.program.tick()
            consents.keep_up(self.program.workspace(who))
        self._take_down()
        for compartment, identifier in self.copies.items():
            if not self._lasts(self.given[identifier]):
                self.ended.add(compartment)

    def _take_down(self) -> None:
        """Which share was made under which consent, from the ledgers of everybody together."""
        acts = {act[0]: [item[0] for item in act[7]] for act in self.log().acts}
        for who in self.everybody():
            for row in disclosures.rows(self.program.workspace(who)):
                if row.document.act:
                    for compartment in acts[parse_id(row.document.act)]:
                        self.copies.setdefault(compartment, parse_id(row.document.consent))

    def _executors(self, item: Given) -> list[Staff]:
        """Active members of the record that a consent is about, who see it."""
        holding = self.holdings[(item.person, Kind.IND)]
        if holding.founding != item.founding:
            return []
        return [who for who in self.everybody() if who.user in holding.users]

    def _entitled(self, item: Given) -> bool:
        """Whether the policy gives the reader something of this record by an authorization now."""
        reader = self.program.staff[item.reader]
        role = self.team.get((item.person, item.reader))
        return reader.status == "active" and role in (CT, DA) and role in reader.roles

    def _lasts(self, item: Given) -> bool:
        """Whether what was shared stays shared: where nobody is left who could end it, it stays until its date."""
        return not item.revoked and (self._entitled(item) or not self._executors(item))

    # -- the policy's answer -----------------------------------------------------------------

    def _may(self, who: Staff, fact: SealedFact, compartment: bytes, place: tuple[bytes, int], maker: bytes) -> bool:
        if compartment in self.copies:
            item = self.given[self.copies[compartment]]
            in_time = self.program.clock.now_ms() < item.until
            return who.user == item.reader and in_time and compartment not in self.ended
        return super()._may(who, fact, compartment, place, maker)

    def check(self) -> None:
        """Besides the sets: who is authorized has everything that is covered."""
        super().check()
        for identifier, item in self.given.items():
            executors = self._executors(item)
            in_force = not item.revoked and self.program.clock.now_ms() < item.until
            if not (executors and in_force and self._entitled(item)):
                continue
            ws = self.program.workspace(executors[0])
            line = consents.consent(ws, identifier)
            wanted = {piece.record for piece in covered(ws, line, line.compartment)}
            rows = self.program.workspace(self.program.staff[item.reader]).view.rows(
                "SELECT origin FROM record WHERE origin IS NOT NULL AND person = ?", (item.person,)
            )
            assert wanted <= {msgspec.msgpack.decode(row[0], type=Origin).record for row in rows}

    def _back(self, who: Staff, person: bytes) -> bool:
        return super()._back(who, person) or any(
            item.reader == who.user and item.person == person for item in self.given.values()
        )

    # -- steps -------------------------------------------------------------------------------

    def authorize(self, pick: Pick) -> None:
        """A client lets a colleague of their therapist read the progress notes."""
        person = pick(self.people)
        who, reader = pick(self.treats(person, IT)), pick(self.treats(person, CT, DA))
        self.program.tick()
        ws = self.program.workspace(who)
        ws._fresh_at = ws.clock.monotonic()
        today = local_date(ws.clock.now_ms())
        name = f"Person{self.people.index(person)} Example"
        signature = consents.ConsentSignature(
            person=show_id(person), signer="client", name=name, method="typed in person", witness="Somebody",
            signed_on=today,
        )  # fmt: skip
        until = today + timedelta(days=pick([1, 30]))
        made = consents.authorize(ws, consents.template(
            consents.INTERNAL, person=show_id(person), person_name=name, discloser=who.name, source="IND",
            recipients=(consents.Recipient(name=reader.name, user=show_id(reader.user)),), description="Notes",
            topics=("progress notes",), purpose="Care", covers_from=date(2020, 1, 1), covers_to=date(2030, 1, 1),
            expires_on=until, copy_given=True, signatures=(signature,),
        ))  # fmt: skip
        founding = self.holdings[(person, Kind.IND)].founding
        self.given[made.id] = Given(person, reader.user, day_start(until + timedelta(days=1)), founding)
        for share in made.shares:
            self.copies[share.compartment] = made.id

    def unlock_all(self, _pick: Pick) -> None:
        """Everybody's program does what it owes."""
        self.settle()

    def revoke(self, pick: Pick) -> None:
        """A client ends what they authorized, with whoever holds the record now."""
        identifier = pick([key for key, item in self.given.items() if not item.revoked])
        item = self.given[identifier]
        who = pick(self._executors(item))
        self.program.tick()
        consents.revoke(self.program.workspace(who), identifier)
        item.revoked = True
        self.ended |= {compartment for compartment, under in self.copies.items() if under == identifier}

    def transfer(self, pick: Pick) -> None:
        """A therapist's part moves to a colleague, in its three steps."""
        person, user = pick([key for key, role in self.team.items() if role == IT])
        frm, to = self.program.staff[user], pick(self.everybody(IT))
        if frm.status != "active" or (person, to.user) in self.team:
            return
        line = None
        for by in (self.program.founder, frm, self.program.founder):
            if line is None or not line.ended:  # at once where the giver has no key yet
                self.program.tick()
                ws = self.program.workspace(by)
                (line,) = turnover.transfer(ws, frm.user, to.user, persons=(person,), role=IT)
        assert line is not None
        assert line.ended, line
        del self.team[(person, frm.user)]
        self.direct[person].discard(frm.user)
        self.gone = [left for left in self.gone if (left[0].user, left[2]) != (to.user, person)]
        self.team[(person, to.user)] = IT
        self.direct[person].add(to.user)
        for kind in CARE_KINDS:
            holding = self.holdings.get((person, kind))
            if holding is not None and frm.user in holding.users and policy.may_be_member(kind, (IT,)):
                holding.users.add(to.user)
        self.settle()
        desk = frm.user in self.holdings[(bytes(16), Kind.DESK)].users
        paid = frm.user in self.holdings[(person, Kind.PAY)].users
        if not desk and not paid:
            self.gone.append((frm, self.program.root.session.db.position.revisions, person))


CONSENT_STEPS = (
    *STEPS, ConsentHistory.authorize, ConsentHistory.authorize, ConsentHistory.authorize, ConsentHistory.revoke,
    ConsentHistory.transfer, ConsentHistory.transfer, ConsentHistory.unlock_all,
)  # fmt: skip
# A team, a couple, notes and a first authorization, so that short histories have something to end.
START = [
    (2, [0, 0, 0, 0]), (2, [0, 1, 0, 0]), (22, []), (5, [0, 0, 0, 0]), (7, [0, 1, 0, 0]), (22, []), (16, [0, 0, 0, 1]),
]  # fmt: skip
MOVES = st.lists(
    st.tuples(st.integers(0, len(CONSENT_STEPS) - 1), st.lists(st.integers(0, 97), min_size=4, max_size=6)),
    min_size=6,
    max_size=16,
)


def test_every_user_decrypts_what_the_policy_and_the_clients_allow(
    scale: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    @settings(
        max_examples=scale(10_000, 2),
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(MOVES)
    def holds(moves: list[tuple[int, list[int]]]) -> None:
        run(
            tmp_path_factory.mktemp("consents"), [*START, *moves], every=False, kind=ConsentHistory,
            steps=CONSENT_STEPS,
        )  # fmt: skip

    holds()


def test_the_sets_agree_after_every_step(tmp_path_factory: pytest.TempPathFactory) -> None:
    """One fixed history with everything in it: authorized, used, transferred, revoked, expired."""
    moves = [*START, (5, [0, 0, 0, 0]), (20, [0, 0, 0]), (5, [0, 0, 0, 0]), (19, [0, 0]), (16, [0, 0, 0, 0]),
             (12, [1]), (16, [0, 0, 0, 1]), (8, [0, 0, 0]), (12, [2])]  # fmt: skip
    history = run(
        tmp_path_factory.mktemp("steps"), moves, every=True, kind=ConsentHistory, steps=CONSENT_STEPS
    )
    assert {"authorize", "transfer", "revoke", "wait"} <= set(history.told), history.told
