"""Random histories of a program: what services show, what keys decrypt and what the policy foresees are one set.

Three answers, computed apart: the rows of each user's view; every row of the vault tried with every key that only
this user's secrets open; and the matrix over the history's own book-keeping. After every settled step all agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from iop_tui.access import chartkeys, charts, policy, primitives, roles
from iop_tui.access.policy import Kind
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import PROGRESS_NOTE
from iop_tui.clinical.staff import service as staff
from iop_tui.kernel.errors import NoKey, NotFound, Refused
from tests.support.oracle import Log, SealedFact
from tests.support.program import Program, Staff, note, program

IT, CT, DA = roles.INDIVIDUAL_THERAPIST, roles.COUPLES_THERAPIST, roles.COUNSELOR
MD, DESK, BILL, PO = roles.MEDICAL_DIRECTOR, roles.FRONT_DESK, roles.BILLER, roles.PRIVACY_OFFICER
HIRED = (
    (IT,),
    (IT,),
    (DA,),
    (CT,),
    (DESK,),
    (MD,),
    (BILL,),
    (roles.AUDITOR,),
    (roles.SUPERVISOR,),
    (IT, CT),
    (IT, DA),
    (roles.ADMINISTRATOR,),
    (MD, roles.SUPERVISOR),
    (DESK, BILL),
)
CARE_KINDS = tuple(kind for kind in policy.PERSON_KINDS if kind not in (Kind.DIR, Kind.PAY))
DAY = 24 * 3600


@dataclass
class Holding:
    """Who holds a compartment, and the how-manieth founding their keys descend from."""

    users: set[bytes] = field(default_factory=set)
    founding: int = 0


@dataclass
class History:
    """A program and a book of everything that was done to it."""

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
        self.program.settle(rounds=6)
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
        return Log.of(self.program.root.session.db, self.program.root.realm)

    def facts(self) -> dict[bytes, SealedFact]:
        """What every compartment is, from the seals of everybody together."""
        log, found = self.log(), {}
        for who in self.program.staff.values():
            found.update(log.facts(who.user, who.secrets.enc_seed))
        return found

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

    # -- steps -------------------------------------------------------------------------------

    def hire(self, pick: Callable[[list[Any]], Any]) -> None:
        """A new user with some allowed union of roles."""
        self.program.add(f"User {len(self.program.staff)}", *pick(list(HIRED)))

    def register(self, pick: Callable[[list[Any]], Any]) -> None:
        """A new person, by anybody who may register."""
        by = pick(self.everybody(DESK, MD, PO, IT, DA))
        person = self.program.register(by, f"Person{len(self.people)}")
        self.people.append(person)
        desk = by.user in self.holdings[(bytes(16), Kind.DESK)].users and policy.may_be_member(Kind.DESK, by.roles)
        self.direct[person] = set() if desk else {by.user}
        own = [role for role in by.roles if role in (IT, DA)]
        if own and not roles.ASSIGNERS & set(by.roles):
            self.team[(person, by.user)] = own[0]

    def assign(self, pick: Callable[[list[Any]], Any]) -> None:
        """Somebody becomes part of somebody's care; at most one of each part, so that nobody waits for a transfer."""
        person, role = pick(self.people), pick([IT, DA, MD])
        who, by = pick(self.everybody(role)), pick(self.everybody(DESK, PO))
        if (person, who.user) in self.team or any(p == person and r == role for (p, _), r in self.team.items()):
            return
        self.program.assign(by, person, who, role)
        self.gone = [left for left in self.gone if (left[0].user, left[2]) != (who.user, person)]
        self.team[(person, who.user)] = role
        self.direct[person].add(who.user)

    def link(self, pick: Callable[[list[Any]], Any]) -> None:
        """Two people become a couple."""
        a, b, therapist = pick(self.people), pick(self.people), pick(self.everybody(CT))
        if (a, therapist.user) in self.team or (b, therapist.user) in self.team:
            return
        self.program.tick()
        identifier, _ = couples.link(self.program.workspace(pick(self.everybody(DESK, PO))), a, b, therapist.user)
        self.couples.append((a, b, therapist.user, identifier))
        for person in (a, b):
            self.team[(person, therapist.user)] = CT
            self.direct[person].add(therapist.user)

    def end_care(self, pick: Callable[[list[Any]], Any]) -> None:
        """Somebody leaves somebody's care."""
        person, user = pick([key for key, role in self.team.items() if role != CT])
        who, by = self.program.staff[user], pick(self.everybody(DESK, PO))
        if who.status != "active":
            return
        self.program.tick()
        ws = self.program.workspace(by)
        work = ws.work()
        chartkeys.end_care(ws.session, work, person, user)
        ws.commit(work)
        del self.team[(person, user)]
        self.direct[person].discard(user)
        self.settle()
        desk = who.user in self.holdings[(bytes(16), Kind.DESK)].users
        paid = who.user in self.holdings[(person, Kind.PAY)].users
        if not desk and not paid:
            self.gone.append((who, self.program.root.session.db.position.revisions, person))

    def write(self, pick: Callable[[list[Any]], Any]) -> None:
        """A progress note, signed half of the time."""
        person = pick(self.people)
        who = pick(self.treats(person, IT, DA))
        self.program.tick()
        ws = self.program.workspace(who)
        saved = notes.save(ws, person, note(f"word{self.program.clock.now_ms()}"))
        if pick([True, False]):
            ws._fresh_at = ws.clock.monotonic()
            notes.sign(ws, [saved.record])

    def write_elsewhere(self, pick: Callable[[list[Any]], Any]) -> None:
        """An entry in any other compartment of a chart: as a member, or as a deposit."""
        person, kind = (
            pick(self.people),
            pick([Kind.MED, Kind.CRISIS, Kind.GRP, Kind.IND, Kind.SUD, Kind.DIR, Kind.PAY]),
        )
        readers = [who for who in self.everybody() if who.user in self.direct[person]]
        self._put(pick(readers), person, kind)

    def write_alone(self, pick: Callable[[list[Any]], Any]) -> None:
        """A psychotherapy note or a safety entry: the author's alone."""
        person = pick(self.people)
        who = pick(self.treats(person, IT, DA))
        self._put(who, person, pick([Kind.PSY, Kind.SAFE]), self.team[(person, who.user)])

    def _put(self, who: Staff, person: bytes, kind: str, role: str = "") -> None:
        self.program.tick()
        ws = self.program.workspace(who)
        work = ws.work()
        place = charts.compartment_for(ws.session, person, kind, role)
        primitives.put(ws.session, work, place, PROGRESS_NOTE, note(), person=person)
        ws.session.note(work, "write", person=person)
        ws.commit(work)

    def share(self, pick: Callable[[list[Any]], Any]) -> None:
        """A clinician shares one of their notes with a colleague until a date."""
        person = pick(self.people)
        who, reader = pick(self.treats(person, IT, DA)), pick(self.everybody())
        self.program.tick()
        ws = self.program.workspace(who)
        rows = ws.view.rows(
            "SELECT leaf FROM record WHERE kind = 'progress_note' AND author = ? AND person = ?", (who.user, person)
        )
        row, work = pick(rows), ws.work()
        until = work.at_ms + pick([1, 30]) * DAY * 1000
        made = primitives.share(
            ws.session,
            work,
            [row[0]],
            [primitives.user_recipient(ws.session, reader.user, reader.roles[0])],
            purpose="case consultation",
            not_after_ms=until,
            person=person,
        )
        ws.commit(work)
        self.shares[made.compartment] = ({reader.user}, until, who.user)
        if pick([True, False]):
            self.program.tick()
            work = ws.work()
            primitives.revoke(ws.session, work, made.act)
            ws.session.note(work, "revoke")
            ws.commit(work)
            self.shares[made.compartment] = (set(), until, who.user)

    def wait(self, pick: Callable[[list[Any]], Any]) -> None:
        """Days pass."""
        self.program.tick(pick([0.2, 2, 40]) * DAY)

    def suspend(self, pick: Callable[[list[Any]], Any]) -> None:
        """A user is suspended, or the suspension ends."""
        who = pick([w for w in list(self.program.staff.values())[1:] if w.status != "removed"])
        self.program.tick()
        if who.status == "active":
            staff.suspend(self.program.workspace(self.program.founder), who.user)
            who.status = "suspended"
        else:
            staff.resume(self.program.workspace(self.program.founder), who.user)
            who.status = "active"

    def remove(self, pick: Callable[[list[Any]], Any]) -> None:
        """A user leaves for good."""
        who = pick([w for w in list(self.program.staff.values())[1:] if w.status != "removed"])
        self.program.tick()
        staff.remove(self.program.workspace(self.program.founder), who.user)
        who.status = "removed"
        self._without(who, (), lambda role: True)
        for compartment, (readers, until, author) in self.shares.items():
            self.shares[compartment] = (readers - {who.user}, until, author)
        self.settle()
        self.gone.append((who, self.program.root.session.db.position.revisions, None))

    def change_roles(self, pick: Callable[[list[Any]], Any]) -> None:
        """A user gets other roles."""
        who = pick(self.everybody()[1:])
        fresh = pick(list(HIRED))
        self.program.tick()
        staff.set_roles(self.program.workspace(self.program.founder), who.user, fresh)
        who.roles = self.program.root.session.card(who.user).roles
        self._without(who, who.roles, lambda role: role not in who.roles)

    def _without(self, who: Staff, left: tuple[str, ...], lost: Callable[[str], bool]) -> None:
        for (person, user), role in list(self.team.items()):
            if user == who.user and lost(role):
                del self.team[(person, user)]
                self.direct[person].discard(user)
        if not left:
            for direct in self.direct.values():
                direct.discard(who.user)

    # -- what must hold ----------------------------------------------------------------------

    def check(self) -> None:
        """View, keys and policy agree for everybody; nobody who left reads anything new; the wall stands."""
        log, facts = self.log(), self.facts()
        for who in self.everybody():
            ws = self.program.workspace(who)
            shown = {row[0] for row in ws.view.rows("SELECT id FROM version UNION SELECT id FROM signature")}
            keys = log.keys(who.user, who.secrets.enc_seed, self.program.clock.now_ms(), who.roles)
            opened = set(log.readable(keys))
            foreseen = self.foreseen(who, log, facts)
            label = f"{who.name} ({', '.join(who.roles)})"
            assert describe(opened - foreseen, log, facts) == [], f"{label} decrypts more than the policy foresees"
            assert describe(foreseen - opened, log, facts) == [], f"{label} lacks keys the policy foresees"
            assert describe(shown ^ opened, log, facts) == [], f"{label}: view and keys differ"
            assert ws.view.rows("SELECT what, why FROM quarantine") == [], label
            self._wall(who, keys, facts)
        for who, mark, person in self.gone:
            later = Log(log.realm, log.acts, log.revisions[mark:])
            if person is not None:
                later.revisions = [row for row in later.revisions if facts[row[2]].person == person]
            if person is None or not self._back(who, person):
                kept = set(later.readable(log.keys(who.user, who.secrets.enc_seed, None)))
                assert describe(kept, log, facts) == [], f"{who.name} left and still decrypts what came later"

    def _back(self, who: Staff, person: bytes) -> bool:
        kinds = {Kind.PSY, Kind.SAFE, Kind.JNT, Kind.HOLD}
        active = who.status == "active"
        desk = who.user in self.holdings[(bytes(16), Kind.DESK)].users | self.holdings[(person, Kind.PAY)].users
        return (
            bool(kinds)
            and active
            and (
                desk
                or who.user in self.direct[person]
                or any(who.user in readers or who.user == author for readers, _, author in self.shares.values())
            )
        )

    def _wall(self, who: Staff, keys: dict[tuple[bytes, int], bytes], facts: dict[bytes, SealedFact]) -> None:
        held = {facts[place[0]].person for place in keys if facts[place[0]].kind in policy.WALLED_KINDS}
        for a, b, *_ in self.couples:
            assert not {a, b} <= held, f"{who.name} holds protected keys of both partners"


def describe(rows: set[bytes], log: Log, facts: dict[bytes, SealedFact]) -> list[tuple[str, int]]:
    """Rows as compartment kinds and generations, for a message a person can read."""
    return sorted((str(facts[row[2]].kind), row[3]) for row in log.revisions if row[0] in rows)


STEPS: tuple[Callable[[History, Callable[[list[Any]], Any]], None], ...] = (
    History.hire,
    History.register,
    History.assign,
    History.assign,
    History.assign,
    History.write,
    History.write,
    History.link,
    History.end_care,
    History.write_elsewhere,
    History.write_alone,
    History.share,
    History.wait,
    History.suspend,
    History.remove,
    History.change_roles,
)


Step = Callable[[Any, Callable[[list[Any]], Any]], None]


def _nth(index: int) -> Callable[[list[Any]], Any]:
    return lambda items: items[index % len(items)]


def run(
    folder: Path,
    moves: list[tuple[int, list[int]]],
    *,
    every: bool,
    close: bool = True,
    kind: type[History] = History,
    steps: Sequence[Step] = STEPS,
) -> History:
    """Play a history. A step that the program refuses, or that has nobody to act on, is a step not taken."""
    history = kind(program(folder, seed=len(moves)))
    try:
        for roles_of in ((DESK,), (IT,), (DA,), (CT,), (IT,), (MD,)):
            history.program.add(f"User {len(history.program.staff)}", *roles_of)
        history.settle()
        for index in range(2):
            history.register(_nth(index))
        history.settle()
        for step, choices in moves:
            left = iter(choices)

            def pick(items: list[Any], left: Any = left) -> Any:
                if not items:
                    raise LookupError
                return items[next(left, 0) % len(items)]

            try:
                steps[step % len(steps)](history, pick)
                history.told.append(steps[step % len(steps)].__name__)
            except (LookupError, NoKey, NotFound, Refused) as error:
                why = getattr(error, "rule", type(error).__name__)
                history.told.append(f"({steps[step % len(steps)].__name__}: {why})")
                continue
            if every:
                history.settle()
                history.check()
        history.settle()
        history.check()
        assert history.program.root.verify() == []
        return history
    finally:
        if close:
            history.program.close()


MOVES = st.lists(
    st.tuples(st.integers(0, len(STEPS) - 1), st.lists(st.integers(0, 97), min_size=4, max_size=6)),
    min_size=8,
    max_size=24,
)


def _examples(count: int, folders: pytest.TempPathFactory, *, every: bool) -> None:
    @settings(
        max_examples=count,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(MOVES)
    def holds(moves: list[tuple[int, list[int]]]) -> None:
        run(folders.mktemp("history"), moves, every=every)

    holds()


def test_views_keys_and_policy_agree_after_random_histories(
    scale: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _examples(scale(400, 5), tmp_path_factory, every=False)


def test_views_keys_and_policy_agree_after_every_step(scale: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    _examples(scale(60, 1), tmp_path_factory, every=True)
