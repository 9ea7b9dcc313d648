"""What happened in the demo program, week by week: notes, measures, medications; and what is still to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from iop_tui.access import roles
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import put, share, user_recipient
from iop_tui.clinical.measures.model import TYPES as MEASURES
from iop_tui.clinical.medications.model import TYPES as MEDICATIONS
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import PROGRESS_NOTE
from iop_tui.clinical.plans.model import TYPES as PLANS
from iop_tui.kernel.clock import day_start, local_date
from iop_tui.kernel.declare import Document, DocumentType
from iop_tui.shell.demo.dice import Dice
from iop_tui.shell.demo.hands import Sealed, made
from iop_tui.shell.demo.population import Client, Population
from iop_tui.shell.demo.texts import Writer
from iop_tui.store.rows import RevisionRow
from iop_tui.store.vaultdb import Batch
from iop_tui.store.work import Work

if TYPE_CHECKING:
    from iop_tui.shell.demo.build import MovingClock, Staff

_DAY_MS = 86_400_000
_EVENING_MS = 18 * 3_600_000
_BATCH = 2000
_KINDS: dict[str, DocumentType[Document]] = {item.kind: item for item in (*MEASURES, *MEDICATIONS, *PLANS)}
_HOMES = {roles.INDIVIDUAL_THERAPIST: Kind.IND, roles.COUNSELOR: Kind.SUD}
_DRAFT_DAYS = (1, 2, 6)
_SHARE_UP_TO = 500  # people; a share is read from its author's view, which takes minutes to build in a larger demo


@dataclass(frozen=True, slots=True)
class Part:
    """What one author writes in one role: about whom, and where it belongs."""

    number: int
    author: Staff
    role: str
    home: Kind
    clients: tuple[Client, ...]


class History:
    """Writes the weeks. Every author's part of a week is one transaction or a few."""

    def __init__(
        self,
        population: Population,
        seed: int,
        clock: MovingClock,
        now_ms: int,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.notes = 0
        self._population = population
        self._seed = seed
        self._dice = Dice(seed)
        self._writer = Writer(self._dice)
        self._clock = clock
        self._now_ms = now_ms
        self._progress = progress
        self._today = local_date(now_ms)
        self._monday = self._today - timedelta(days=self._today.weekday() + 7 * population.sizes.weeks)
        self._parts = self._divide()

    def _divide(self) -> list[Part]:
        found: list[Part] = []
        for role, home in _HOMES.items():
            for author in self._population.of_role(role):
                mine = tuple(client for client in self._population.people if client.member(role) == author.id)
                if mine:
                    found.append(Part(len(found), author, role, home, mine))
        return found

    def write(self, *, hands: int) -> None:
        """All weeks up to now, then what is open today. `hands`: how many processes seal."""
        total = len(self._population.people) * self._population.sizes.notes
        jobs = [(week, part) for week in range(self._population.sizes.weeks) for part in self._parts]
        for (_, part), sealed in made(jobs, self._sealed_week, hands):
            rows = [RevisionRow(*row) for row in sealed.revisions]
            session = part.author.session
            session.db.commit(Batch(session.audit.id, sealed.at_ms, sealed.events, revisions=rows))
            self.notes += sealed.notes
            if self._progress is not None:
                self._progress(self.notes, total)
        self._clock.set(self._now_ms - 3_600_000)
        self._open_ends()

    # -- one author's week -----------------------------------------------------------------

    def _sealed_week(self, job: tuple[int, Part]) -> Iterator[Sealed]:
        """The writes of one author in one week. Its dice follow from week and author, whoever throws them."""
        week, part = job
        friday = self._monday + timedelta(days=7 * week + 4)
        self._clock.set(day_start(friday) + _EVENING_MS + part.number * 60_000)
        self._dice = Dice((self._seed * 1000 + week) * 1000 + part.number)
        self._writer = Writer(self._dice)
        work, count = part.author.ws.work(), 0
        for client in part.clients:
            place = notes.Home(client.place(part.home), part.home, part.role)
            count += self._client_week(part.author, work, client, place, week)
            if len(work.revisions) >= _BATCH:
                yield _sealed(part.author, work, count)
                work, count = part.author.ws.work(), 0
        if work.events:
            yield _sealed(part.author, work, count)

    def _client_week(self, author: Staff, work: Work, client: Client, place: notes.Home, week: int) -> int:
        """One person's week; how many notes."""
        ring, billing = self._population.ring, client.place(Kind.PAY)
        ring.lend(work, place.compartment)
        ring.lend(work, billing, deposit=True)
        turns = list(self._turns(client, place.role, week))
        for turn in turns:
            note = self._writer.note(self._day(week, client.number + turn), client.number + turn)
            notes.add_signed(author.ws, work, client.id, note, place=place, billing=billing)
        if week == 0:
            self._first_week(author, work, client, place)
        if week % self._population.sizes.measure_every == 0:
            self._measures(author, work, client, place, week)
        return len(turns)

    def _turns(self, client: Client, role: str, week: int) -> Iterator[int]:
        """Which of the person's notes fall into this week and are this author's: every third is the counselor's."""
        sizes = self._population.sizes
        shared = bool(client.member(roles.COUNSELOR))
        first, last = (-(-sizes.notes * week // sizes.weeks), -(-sizes.notes * (week + 1) // sizes.weeks))
        for turn in range(first, last):
            if (role == roles.COUNSELOR) == (shared and turn % 3 == 2):
                yield turn

    def _day(self, week: int, offset: int) -> date:
        """Tuesday to Friday: what is signed on Friday evening is in time."""
        return self._monday + timedelta(days=7 * week + 1 + offset % 4)

    def _put(
        self, author: Staff, work: Work, client: Client, compartment: bytes, kind: str, document: Document
    ) -> None:
        put(author.session, work, compartment, _KINDS[kind], document, person=client.id, source="client in session")

    def _measures(self, author: Staff, work: Work, client: Client, place: notes.Home, week: int) -> None:
        names = ("PHQ-9", "GAD-7") if place.kind == Kind.IND else ("AUDIT-C",)
        for name in names:
            day = self._day(week, client.number)
            measure = self._writer.measure(name, day, week, self._population.sizes.weeks)
            self._put(author, work, client, place.compartment, "measure", measure)
        author.session.note(work, "write", person=client.id, category=place.kind, detail="measure")

    def _first_week(self, author: Staff, work: Work, client: Client, place: notes.Home) -> None:
        """What is known at admission."""
        dice, day = self._dice, self._day(0, 0)
        for_use = place.kind == Kind.SUD
        problem = self._writer.problem(day, use=for_use)
        self._put(author, work, client, place.compartment, "condition", problem)
        if not for_use:
            self._put(author, work, client, place.compartment, "received_plan", self._writer.plan(day, problem.text))
        medicines = client.place(Kind.MED)
        self._population.ring.lend(work, medicines)
        if not for_use or dice.chance(60):
            self._put(author, work, client, medicines, "medication", self._writer.medication(day, for_use=for_use))
        if not for_use and dice.chance(40):
            self._put(author, work, client, medicines, "allergy", self._writer.allergy(day))
        author.session.note(work, "write", person=client.id, category=place.kind, detail="admission")

    # -- today -----------------------------------------------------------------------------

    def _open_ends(self) -> None:
        """Unsigned notes of the last days, an addendum, a share: what Today shows."""
        for part in self._parts:
            self._drafts(part.author, part.clients, part.home)
        if len(self._population.people) <= _SHARE_UP_TO:
            self._share()

    def _drafts(self, author: Staff, mine: tuple[Client, ...], home: Kind) -> None:
        work = author.ws.work()
        for turn, days in enumerate(_DRAFT_DAYS):
            client = mine[turn % len(mine)]
            compartment = client.place(home)
            self._population.ring.lend(work, compartment)
            day = self._today - timedelta(days=days)
            note = self._writer.note(day, turn) if turn == 0 else self._writer.draft(day, turn)
            record, _ = put(
                author.session, work, compartment, PROGRESS_NOTE, note, person=client.id, source="client in session"
            )
            author.session.note(
                work, "write", person=client.id, category=home, subject=record, detail=PROGRESS_NOTE.kind
            )
            self.notes += 1
        author.session.append(work)

    def _share(self) -> None:
        """A therapist shares one note with a supervisor for thirty days."""
        author = self._population.of_role(roles.INDIVIDUAL_THERAPIST)[0]
        reader = next(person for person in self._population.crew.values() if person.member.roles == (roles.SUPERVISOR,))
        author.session.catch_up()
        row = author.ws.view.one(
            "SELECT leaf, person FROM record WHERE kind = 'progress_note' AND status = 'signed' AND author = ?"
            " ORDER BY service_date DESC, record LIMIT 1",
            (author.id,),
        )
        if row is None:
            return
        work = author.ws.work()
        given = user_recipient(author.session, reader.id, roles.SUPERVISOR)
        share(
            author.session,
            work,
            [row[0]],
            [given],
            purpose="supervision",
            not_after_ms=self._now_ms + 30 * _DAY_MS,
            person=row[1],
        )
        author.session.append(work)
        self._population.shared.setdefault(reader.id, set()).add(row[1])


def _sealed(author: Staff, work: Work, count: int) -> Sealed:
    batch = author.session.sealed(work)
    rows = [(r.id, r.record, r.compartment, r.generation, r.tag, r.deposit, r.sealed) for r in batch.revisions]
    return Sealed(count, batch.at_ms, batch.events, rows)
