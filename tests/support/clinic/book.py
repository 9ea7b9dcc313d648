"""The book that is kept over a random history of a program, and what must hold at every settled moment of it.

Three answers, computed apart: the rows of each user's view; every row of the vault tried with every key that only
this user's secrets open; and the matrix over the book. All agree.
"""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from iop_tui.access import policy, roles
from iop_tui.access.policy import Kind
from iop_tui.clinical.couples import api as couples_api
from iop_tui.workspace import Workspace
from tests.support.clinic.oracle import Log, SealedFact, Seen
from tests.support.clinic.program import Program, Staff, copied

IT, CT, DA = roles.INDIVIDUAL_THERAPIST, roles.COUPLES_THERAPIST, roles.COUNSELOR
MD, DESK, BILL, PO = roles.MEDICAL_DIRECTOR, roles.FRONT_DESK, roles.BILLER, roles.PRIVACY_OFFICER
CARE_KINDS = tuple(kind for kind in policy.PERSON_KINDS if kind not in (Kind.DIR, Kind.PAY))
B = TypeVar("B", bound="Book")


@dataclass
class Holding:
    """Who holds a compartment, and the how-manieth founding their keys descend from."""

    users: set[bytes] = field(default_factory=set)
    founding: int = 0


@dataclass
class Book:
    """A program and a book of everything that was done to it; `histories.History` is what is done."""

    program: Program
    people: list[bytes] = field(default_factory=list)
    team: dict[tuple[bytes, bytes], str] = field(default_factory=dict)
    direct: dict[bytes, set[bytes]] = field(default_factory=dict)
    couples: list[tuple[bytes, bytes, bytes, bytes]] = field(default_factory=list)
    shares: dict[bytes, tuple[set[bytes], int, bytes]] = field(default_factory=dict)
    holdings: dict[tuple[bytes, str], Holding] = field(default_factory=dict)
    foundings: dict[tuple[bytes, int], int] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    gone: list[tuple[Staff, int, bytes | None]] = field(default_factory=list)
    dissolved: set[bytes] = field(default_factory=set)
    covers: dict[tuple[bytes, bytes], int] = field(default_factory=dict)
    seen: Seen = field(default_factory=Seen)
    checks: int = 0
    _known: tuple[tuple[int, int], dict[bytes, SealedFact]] = ((0, 0), {})

    def fork(self, kind: type[B], folder: Path, seed: int) -> B:
        """This history going on in a copy of its vault, which is closed; the book is copied, too."""
        book = {
            item.name: copy.deepcopy(getattr(self, item.name))
            for item in dataclasses.fields(Book)
            if item.name not in ("program", "seen", "_known")
        }
        known = self.seen
        seen = Seen(list(known.acts), list(known.revisions), dict(known.by_id), known.last, dict(known.seals),
                    dict(known.rows), dict(known.pairs))  # fmt: skip
        return kind(copied(self.program, folder, seed=seed), **book, seen=seen)

    # -- who is who --------------------------------------------------------------------------

    def everybody(self, *wanted: str) -> list[Staff]:
        """Active users, or those with one of these roles."""
        active = [who for who in self.program.staff.values() if who.status == "active"]
        return [who for who in active if not wanted or set(wanted) & set(who.roles)]

    def treats(self, person: bytes, *wanted: str) -> list[Staff]:
        """Active members of a person's care team."""
        return [who for who in self.everybody() if self.team.get((person, who.user)) in (wanted or (IT, CT, DA, MD))]

    # -- settling, and the book that follows it ----------------------------------------------

    def settle(self) -> None:
        """Let every program do what it owes, then bring the book up to date."""
        over = self._cover_ends()
        self.program.settle(rounds=8, owed=self.owed)
        while late := self._cover_ends():  # settling takes some seconds, too
            over += late
            self.program.settle(rounds=8, owed=self.owed)
        for kind in policy.PROGRAM_KINDS:
            allowed = {who.user for who in self.program.staff.values() if policy.may_be_member(kind, who.roles)}
            self._hold(bytes(16), kind, allowed, allowed)
        for person in self.people:
            paid = {who.user for who in self.program.staff.values() if policy.may_be_member(Kind.PAY, who.roles)}
            self._hold(person, Kind.PAY, paid, paid)
            for kind in CARE_KINDS:
                team = {user: role for (whose, user), role in self.team.items() if whose == person}
                allowed = {user for user, role in team.items() if policy.may_be_member(kind, (role,))}
                first = {user for user, role in team.items() if role in policy.FIRST_MEMBERS[kind]}
                self._hold(person, kind, allowed, first)
        self._generations()
        for person, user in over:
            self._left(self.program.staff[user], person)

    def owed(self, ws: Workspace) -> object:
        """What a program owes besides keys."""
        return couples_api.carry_out(ws)

    def _cover_ends(self) -> list[tuple[bytes, bytes]]:
        """Who stood in for a colleague until now has no part any more: their keys end by themselves."""
        over = [place for place, end in self.covers.items() if end <= self.program.clock.now_ms()]
        for place in over:
            del self.covers[place]
            self._part_ends(*place)
        return over

    def _part_ends(self, person: bytes, user: bytes) -> None:
        self.team.pop((person, user), None)
        self.covers.pop((person, user), None)
        self.direct[person].discard(user)
        for kind in CARE_KINDS:
            self.holdings.get((person, kind), Holding()).users.discard(user)

    def _left(self, who: Staff, person: bytes) -> None:
        """From here on nothing new of this person opens for somebody who left, unless another office is theirs."""
        desk = who.user in self.holdings[(bytes(16), Kind.DESK)].users
        paid = who.user in self.holdings[(person, Kind.PAY)].users
        if not desk and not paid:
            self.gone.append((who, self.program.root.session.db.position.revisions, person))

    def _back_in(self, who: Staff, person: bytes) -> None:
        self.gone = [left for left in self.gone if (left[0].user, left[2]) != (who.user, person)]

    def _hold(self, person: bytes, kind: str, allowed: set[bytes], first: set[bytes]) -> None:
        active = {who.user for who in self.everybody()}
        present = {who.user for who in self.program.staff.values() if who.status != "removed"}
        holding = self.holdings.setdefault((person, kind), Holding())
        holding.users &= allowed & present
        if not holding.users and first & active:
            holding.founding += 1
            holding.users = first & active
        if holding.users & active:
            holding.users |= allowed & active

    def _generations(self) -> None:
        """Every key generation belongs to the founding that was current when it appeared."""
        facts = self.facts()
        for place in self.log().generations():
            kind, person = facts[place[0]].kind, facts[place[0]].person
            owner = bytes(16) if kind in policy.PROGRAM_KINDS else person
            holding = self.holdings.get((owner, kind))
            self.foundings.setdefault(place, holding.founding if holding else 0)

    def log(self) -> Log:
        """Every row as it lies in the vault now."""
        return Log.of(self.program.root.session.db, self.program.root.realm, self.seen)

    def facts(self) -> dict[bytes, SealedFact]:
        """What every compartment is, from the seals of everybody together."""
        log = self.log()
        at = (len(log.acts), len(self.program.staff))
        if self._known[0] != at:
            found: dict[bytes, SealedFact] = {}
            for who in self.program.staff.values():
                found.update(log.facts(who.user, who.secrets.enc_seed))
            self._known = (at, found)
        return self._known[1]

    # -- the policy's answer -----------------------------------------------------------------

    def foreseen(self, who: Staff, log: Log, facts: dict[bytes, SealedFact]) -> set[bytes]:
        """Ids of the rows this user may read, by matrix and book."""
        makers = log.generations()
        return {
            row[0]
            for row in log.revisions
            if self._may(who, facts[row[2]], row[2], (row[2], row[3]), makers[(row[2], row[3])])
        }

    def _may(self, who: Staff, fact: SealedFact, compartment: bytes, place: tuple[bytes, int], maker: bytes) -> bool:
        if fact.kind == Kind.SHARE:
            readers, until, author = self.shares[compartment]
            return who.user in readers | {author} and self.program.clock.now_ms() < until
        if not policy.may_be_member(fact.kind, who.roles):
            return False
        if fact.kind in (Kind.PSY, Kind.SAFE, Kind.JNT, Kind.HOLD):
            return maker == who.user
        if fact.kind == Kind.DIR:
            desk = self.holdings[(bytes(16), Kind.DESK)]
            return who.user in desk.users or who.user in self.direct[fact.person]
        owner = bytes(16) if fact.kind in policy.PROGRAM_KINDS else fact.person
        holding = self.holdings[(owner, fact.kind)]
        return who.user in holding.users and self.foundings[place] == holding.founding

    # -- what must hold ----------------------------------------------------------------------

    def check(self) -> None:
        """View, keys and policy agree for everybody; nobody who left reads anything new; the wall stands."""
        self.checks += 1
        log, facts = self.log(), self.facts()
        for who in self.everybody():
            ws = self.program.workspace(who)
            shown = {row[0] for row in ws.view.rows("SELECT id FROM version UNION SELECT id FROM signature")}
            keys = log.keys(who.user, who.secrets.enc_seed, self.program.clock.now_ms(), who.roles)
            opened = set(log.readable(keys))
            foreseen = self.foreseen(who, log, facts)
            label = f"{who.name} ({', '.join(who.roles)})"
            for rows, what in (
                (opened - foreseen, "decrypts more than the policy foresees"),
                (foreseen - opened, "lacks keys the policy foresees"),
                (shown ^ opened, "view and keys differ"),
            ):
                assert not rows, f"{label}: {what}: {describe(rows, log, facts)}"
            assert ws.view.rows("SELECT what, why FROM quarantine") == [], label
            self._wall(who, keys, facts)
        for who, mark, person in self.gone:
            later = dataclasses.replace(log, revisions=log.revisions[mark:])
            if person is not None:
                later.revisions = [row for row in later.revisions if facts[row[2]].person == person]
            if person is None or not self._back(who, person):
                kept = set(later.readable(log.keys(who.user, who.secrets.enc_seed, None)))
                assert describe(kept, log, facts) == [], f"{who.name} left and still decrypts what came later"

    def _back(self, who: Staff, person: bytes) -> bool:
        """Whether somebody who left is entitled to something of the person again, by whatever way."""
        desk = who.user in self.holdings[(bytes(16), Kind.DESK)].users | self.holdings[(person, Kind.PAY)].users
        shared = any(who.user in readers or who.user == author for readers, _, author in self.shares.values())
        return who.status == "active" and (desk or who.user in self.direct[person] or shared)

    def _wall(self, who: Staff, keys: dict[tuple[bytes, int], bytes], facts: dict[bytes, SealedFact]) -> None:
        held = {facts[place[0]].person for place in keys if facts[place[0]].kind in policy.WALLED_KINDS}
        for a, b, *_ in self.couples:
            assert not {a, b} <= held, f"{who.name} holds protected keys of both partners"


def describe(rows: set[bytes], log: Log, facts: dict[bytes, SealedFact]) -> list[tuple[str, int]]:
    """Rows as compartment kinds and generations, for a message a person can read."""
    return sorted((str(facts[row[2]].kind), row[3]) for row in log.revisions if row[0] in rows)
