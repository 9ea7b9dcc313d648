"""Histories with what clients authorize and end: the book also follows every share that a consent made."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import msgspec

from iop_tui.access.policy import Kind
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.queries import covered
from iop_tui.clinical.couples import api as couples_api
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.kernel.clock import day_start, local_date
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.revisions import Origin
from iop_tui.workspace import Workspace
from tests.support.clinic.book import CT, DA, IT
from tests.support.clinic.couples import Pair, agree, hold_session
from tests.support.clinic.histories import STEPS, History, Pick
from tests.support.clinic.oracle import SealedFact
from tests.support.clinic.program import Staff


@dataclass
class Given:
    """What a client (or both partners: `couple`) authorized: who reads, until when, and under which founding of the
    record.
    """

    subject: bytes
    reader: bytes
    until: int
    founding: int = 0
    couple: tuple[bytes, bytes, bytes, bytes] | None = None
    revoked: bool = False


@dataclass
class ConsentHistory(History):
    """A history whose clients authorize and revoke."""

    given: dict[bytes, Given] = field(default_factory=dict)
    copies: dict[bytes, bytes] = field(default_factory=dict)
    ended: set[bytes] = field(default_factory=set)

    # -- settling ----------------------------------------------------------------------------

    def settle(self) -> None:
        """As every program does after an unlock: keys first, then what was authorized."""
        super().settle()
        self._take_down()
        for compartment, identifier in self.copies.items():
            if not self._lasts(self.given[identifier]):
                self.ended.add(compartment)

    def owed(self, ws: Workspace) -> object:
        """Besides keys: the end of joint work, what standing topics cover, what lost its ground."""
        return super().owed(ws), consents.keep_up(ws)

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
        if item.couple is not None:
            a, b, user, _ = item.couple
            who = self.program.staff[user]
            sees = CT in who.roles and all(user in self.direct[person] for person in (a, b))
            return [who] if who.status == "active" and sees else []
        holding = self.holdings[(item.subject, Kind.IND)]
        if holding.founding != item.founding:
            return []
        return [who for who in self.everybody() if who.user in holding.users]

    def _entitled(self, item: Given) -> bool:
        """Whether the policy gives the reader something of this record by an authorization now."""
        reader = self.program.staff[item.reader]
        if item.couple is not None:
            a, b, _, identifier = item.couple
            parts = {self.team.get((person, item.reader)) for person in (a, b)} & {IT, DA} & set(reader.roles)
            return reader.status == "active" and bool(parts) and identifier not in self.dissolved
        role = self.team.get((item.subject, item.reader))
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
            source = line.compartment if item.couple is None else self._joint(ws, item.couple)
            wanted = {piece.record for piece in covered(ws, line, source)}
            rows = self.program.workspace(self.program.staff[item.reader]).view.rows(
                "SELECT origin FROM record WHERE origin IS NOT NULL AND person = ?", (item.subject,)
            )
            assert wanted <= {msgspec.msgpack.decode(row[0], type=Origin).record for row in rows}

    def _joint(self, ws: Workspace, couple: tuple[bytes, bytes, bytes, bytes]) -> bytes:
        return couples_api.couple(ws, couple[3]).joint

    def _back(self, who: Staff, person: bytes) -> bool:
        return super()._back(who, person) or any(
            item.reader == who.user and (item.subject == person or person in (item.couple or ()))
            for item in self.given.values()
        )

    # -- steps -------------------------------------------------------------------------------

    def authorize(self, pick: Pick) -> None:
        """A client lets a colleague of their therapist read the progress notes."""
        person = pick(self.people)
        who, reader = pick(self.treats(person, IT)), pick(self.treats(person, CT, DA))
        ws = self._at_desk(who)
        until = local_date(ws.clock.now_ms()) + timedelta(days=pick([1, 30]))
        made = consents.authorize(ws, consents.template(
            consents.INTERNAL, person=show_id(person), person_name=self._name(person), discloser=who.name, source="IND",
            recipients=(consents.Recipient(name=reader.name, user=show_id(reader.user)),), description="Notes",
            topics=("progress notes",), purpose="Care", covers_from=date(2020, 1, 1), covers_to=date(2030, 1, 1),
            expires_on=until, copy_given=True, signatures=(self._signature(person),),
        ))  # fmt: skip
        founding = self.holdings[(person, Kind.IND)].founding
        self._given(made, Given(person, reader.user, day_start(until + timedelta(days=1)), founding))

    def meet(self, pick: Pick) -> None:
        """A joint session, after the agreement where there is none yet."""
        a, b, user, identifier = pick(self.couples)
        who = self.program.staff[user]
        if who.status != "active":
            raise LookupError
        ws, pair = self._at_desk(who), Pair(identifier, a, b)
        if couples_api.in_force(ws, couples_api.couple(ws, identifier)) is None:
            agree(ws, pair)
        hold_session(ws, pair)

    def authorize_joint(self, pick: Pick) -> None:
        """Both partners let the therapist or counselor of one of them read the joint sessions."""
        couple = pick(self.couples)
        a, b, user, identifier = couple
        who, reader = self.program.staff[user], pick([*self.treats(a, IT, DA), *self.treats(b, IT, DA)])
        if who.status != "active":
            raise LookupError
        ws = self._at_desk(who)
        until = local_date(ws.clock.now_ms()) + timedelta(days=pick([1, 30]))
        made = consents.authorize(ws, consents.template(
            consents.INTERNAL, person=show_id(identifier), person_name="Both", discloser=who.name, source="JNT",
            recipients=(consents.Recipient(name=reader.name, user=show_id(reader.user)),), description="Sessions",
            topics=("joint sessions",), purpose="Care", covers_from=date(2020, 1, 1), covers_to=date(2030, 1, 1),
            expires_on=until, copy_given=True, signatures=(self._signature(a), self._signature(b)),
        ))  # fmt: skip
        self._given(made, Given(identifier, reader.user, day_start(until + timedelta(days=1)), couple=couple))

    def _at_desk(self, who: Staff) -> Workspace:
        """Somebody's workspace a moment later, the passphrase just given."""
        self.program.tick()
        ws = self.program.workspace(who)
        ws._fresh_at = ws.clock.monotonic()
        return ws

    def _name(self, person: bytes) -> str:
        return f"Person{self.people.index(person)} Example"

    def _signature(self, person: bytes) -> consents.ConsentSignature:
        return consents.ConsentSignature(
            person=show_id(person), signer="client", name=self._name(person), method="typed in person",
            witness="Somebody", signed_on=local_date(self.program.clock.now_ms()),
        )  # fmt: skip

    def _given(self, made: consents.Authorized, item: Given) -> None:
        self.given[made.id] = item
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


CONSENT_STEPS = (
    *STEPS, ConsentHistory.authorize, ConsentHistory.authorize, ConsentHistory.authorize, ConsentHistory.revoke,
    ConsentHistory.meet, ConsentHistory.meet, ConsentHistory.authorize_joint, ConsentHistory.authorize_joint,
    ConsentHistory.transfer, ConsentHistory.stand_in, ConsentHistory.unlock_all,
)  # fmt: skip


def move(step: Any, *choices: int) -> tuple[int, list[int]]:
    """A step by name, with what it picks."""
    return CONSENT_STEPS.index(step), list(choices)
