"""Random histories of a program: people, roles, care, couples and their end, shares, turnover, stand-ins, absence.

    history = run(folder, moves, every=True)     # settled and checked after every move
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from iop_tui.access import chartkeys, charts, policy, primitives, roles
from iop_tui.access.policy import Kind
from iop_tui.clinical.couples import api as couples_api
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.couples.model import TRIGGERS
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import PROGRESS_NOTE
from iop_tui.clinical.staff import service as staff
from iop_tui.clinical.turnover import api as turnover
from iop_tui.kernel.clock import day_start, local_date
from iop_tui.kernel.errors import NoKey, NotFound, Refused
from iop_tui.kernel.ids import parse_id
from tests.support.clinic.book import BILL, CARE_KINDS, CT, DA, DESK, IT, MD, PO, Book
from tests.support.clinic.program import Staff, note, program

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
Pick = Callable[[list[Any]], Any]
H = TypeVar("H", bound="History")
DAY = 24 * 3600


@dataclass
class History(Book):
    """What may happen in a program. A step picks whom it concerns; `LookupError`: nobody is there for it."""

    def hire(self, pick: Pick) -> None:
        """A new user with some allowed union of roles."""
        self.program.add(f"User {len(self.program.staff)}", *pick(list(HIRED)))

    def register(self, pick: Pick) -> None:
        """A new person, by anybody who may register."""
        by = pick(self.everybody(DESK, MD, PO, IT, DA))
        person = self.program.register(by, f"Person{len(self.people)}")
        self.people.append(person)
        desk = by.user in self.holdings[(bytes(16), Kind.DESK)].users and policy.may_be_member(Kind.DESK, by.roles)
        self.direct[person] = set() if desk else {by.user}
        own = [role for role in by.roles if role in (IT, DA)]
        if own and not roles.ASSIGNERS & set(by.roles):
            self.team[(person, by.user)] = own[0]

    def assign(self, pick: Pick) -> None:
        """Somebody becomes part of somebody's care; at most one of each part, so that nobody waits for a transfer."""
        person, role = pick(self.people), pick([IT, DA, MD])
        who, by = pick(self.everybody(role)), pick(self.everybody(DESK, PO))
        if (person, who.user) in self.team or any(p == person and r == role for (p, _), r in self.team.items()):
            return
        self.program.assign(by, person, who, role)
        self._back_in(who, person)
        self.team[(person, who.user)] = role
        self.direct[person].add(who.user)

    def link(self, pick: Pick) -> None:
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

    def end_care(self, pick: Pick) -> None:
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
        self.covers.pop((person, user), None)
        self.direct[person].discard(user)
        self.settle()
        self._left(who, person)

    def dissolve(self, pick: Pick) -> None:
        """Joint work ends, by the couples therapist or by who assigns; what was written stays with its author."""
        *_, therapist, identifier = pick([item for item in self.couples if item[3] not in self.dissolved])
        who = self.program.staff[therapist]
        own = [who] if who.status == "active" else []
        self.program.tick()
        by = self.program.workspace(pick([*own, *self.everybody(DESK, PO)]))
        couples_api.dissolve(by, identifier, trigger=TRIGGERS[0])
        self.dissolved.add(identifier)

    def write_joint(self, pick: Pick) -> None:
        """The couples therapist writes in the joint record, or holds something for one partner."""
        a, b, therapist, identifier = pick(self.couples)
        who = self.program.staff[therapist]
        if who.status != "active":
            return
        ws = self.program.workspace(who)
        link = charts.couple_links(ws.session).get(identifier)
        if link is None:
            return
        self.program.tick()
        place, person = pick([(link.joint, identifier), (link.hold_a, a), (link.hold_b, b)])
        work = ws.work()
        primitives.put(ws.session, work, parse_id(place), PROGRESS_NOTE, note(), person=person)
        ws.session.note(work, "write", person=person)
        ws.commit(work)

    def transfer(self, pick: Pick) -> None:
        """A therapist's or counselor's part moves to a colleague, in its three steps."""
        person, frm, to = self._movers(pick)
        role = self.team[(person, frm.user)]
        line = None
        for by in (self.program.founder, frm, self.program.founder):
            if line is None or not line.ended:  # at once where the giver has no key yet
                self.program.tick()
                (line,) = turnover.transfer(self.program.workspace(by), frm.user, to.user, persons=(person,), role=role)
        assert line is not None
        assert line.ended, line
        self._takes_over(person, frm, to, role)
        del self.team[(person, frm.user)]
        self.direct[person].discard(frm.user)
        self.settle()
        self._left(frm, person)

    def stand_in(self, pick: Pick) -> None:
        """A colleague stands in until a day; nothing needs to be done for the keys to end."""
        person, frm, to = self._movers(pick)
        role = self.team[(person, frm.user)]
        until = local_date(self.program.clock.now_ms()) + timedelta(days=pick([1, 30]))
        lines = []
        for by in (self.program.founder, frm):
            self.program.tick()
            ws = self.program.workspace(by)
            lines = turnover.transfer(ws, frm.user, to.user, persons=(person,), role=role, until=until)
        assert [line.handed_over for line in lines] == [True], lines
        self._takes_over(person, frm, to, role)
        self.covers[(person, to.user)] = day_start(until)

    def _movers(self, pick: Pick) -> tuple[bytes, Staff, Staff]:
        lasting = [key for key, role in self.team.items() if role in (IT, DA) and key not in self.covers]
        person, user = pick(lasting)
        frm = self.program.staff[user]
        role = self.team[(person, user)]
        to = pick([who for who in self.everybody(role) if (person, who.user) not in self.team])
        alone = [one for (whose, _), one in self.team.items() if whose == person and one == role]
        if frm.status != "active" or len(alone) > 1:
            raise LookupError
        return person, frm, to

    def _takes_over(self, person: bytes, frm: Staff, to: Staff, role: str) -> None:
        self._back_in(to, person)
        self.team[(person, to.user)] = role
        self.direct[person].add(to.user)
        for kind in CARE_KINDS:
            holding = self.holdings.get((person, kind))
            if holding is not None and frm.user in holding.users and policy.may_be_member(kind, (role,)):
                holding.users.add(to.user)

    def write(self, pick: Pick) -> None:
        """A progress note, signed half of the time."""
        person = pick(self.people)
        who = pick(self.treats(person, IT, DA))
        self.program.tick()
        ws = self.program.workspace(who)
        saved = notes.save(ws, person, note(f"word{self.program.clock.now_ms()}"))
        if pick([True, False]):
            ws._fresh_at = ws.clock.monotonic()
            notes.sign(ws, [saved.record])

    def write_elsewhere(self, pick: Pick) -> None:
        """An entry in any other compartment of a chart: as a member, or as a deposit."""
        person, kind = (
            pick(self.people),
            pick([Kind.MED, Kind.CRISIS, Kind.GRP, Kind.IND, Kind.SUD, Kind.DIR, Kind.PAY]),
        )
        readers = [who for who in self.everybody() if who.user in self.direct[person]]
        self._put(pick(readers), person, kind)

    def write_alone(self, pick: Pick) -> None:
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

    def share(self, pick: Pick) -> None:
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

    def wait(self, pick: Pick) -> None:
        """Days pass."""
        self.program.tick(pick([0.2, 2, 40]) * DAY)

    def suspend(self, pick: Pick) -> None:
        """A user is suspended, or the suspension ends."""
        who = pick([w for w in list(self.program.staff.values())[1:] if w.status != "removed"])
        self.program.tick()
        if who.status == "active":
            staff.suspend(self.program.workspace(self.program.founder), who.user)
            who.status = "suspended"
        else:
            staff.resume(self.program.workspace(self.program.founder), who.user)
            who.status = "active"

    def remove(self, pick: Pick) -> None:
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

    def change_roles(self, pick: Pick) -> None:
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
                self.covers.pop((person, user), None)
                self.direct[person].discard(user)
        if not left:
            for direct in self.direct.values():
                direct.discard(who.user)


Step = Callable[[Any, Pick], None]
STEPS: tuple[Step, ...] = (
    History.hire,
    History.register,
    History.assign,
    History.assign,
    History.assign,
    History.write,
    History.write,
    History.link,
    History.link,
    History.end_care,
    History.write_elsewhere,
    History.write_alone,
    History.write_joint,
    History.share,
    History.wait,
    History.suspend,
    History.remove,
    History.change_roles,
    History.dissolve,
    History.transfer,
    History.stand_in,
)


def _nth(index: int) -> Pick:
    return lambda items: items[index % len(items)]


@lru_cache(1)
def beginning() -> History:
    """A settled program of seven with two people, made and checked once in a process, and closed: see `fork`."""
    folder = Path(tempfile.mkdtemp(prefix="iop-beginning-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    history = History(program(folder, seed=0))
    for roles_of in ((DESK,), (IT,), (DA,), (CT,), (IT,), (MD,)):
        history.program.add(f"User {len(history.program.staff)}", *roles_of)
    history.settle()
    for index in range(2):
        history.register(_nth(index))
    history.settle()
    history.check()
    history.program.close()
    return history


def run(
    folder: Path,
    moves: Sequence[tuple[int, list[int]]],
    *,
    every: bool,
    close: bool = True,
    kind: type[H],
    steps: Sequence[Step] = STEPS,
) -> H:
    """Play a history. A step that the program refuses, or that has nobody to act on, is a step not taken."""
    history = beginning().fork(kind, folder, seed=1_000_000 + len(moves))
    try:
        for step, choices in moves:
            if _taken(history, steps[step % len(steps)], iter(choices)) and every:
                history.settle()
                history.check()
        history.settle()
        history.check()
        assert history.program.root.verify() == []
        return history
    finally:
        if close:
            history.program.close()
            shutil.rmtree(folder / "vault")


def _taken(history: History, step: Step, left: Iterator[int]) -> bool:
    def pick(items: list[Any]) -> Any:
        if not items:
            raise LookupError
        return items[next(left, 0) % len(items)]

    try:
        step(history, pick)
    except (LookupError, NoKey, NotFound, Refused) as error:
        history.told.append(f"({step.__name__}: {getattr(error, 'rule', type(error).__name__)})")
        return False
    history.told.append(step.__name__)
    return True
