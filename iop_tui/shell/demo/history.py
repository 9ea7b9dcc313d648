"""What happened in the demo program, week by week: notes, measures, medications; and what is still to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

from iop_tui.access import charts, roles
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import put, share, user_recipient
from iop_tui.clinical.measures.model import TYPES as MEASURES
from iop_tui.clinical.medications.model import TYPES as MEDICATIONS
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import PROGRESS_NOTE
from iop_tui.clinical.plans.model import TYPES as PLANS
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import Document, DocumentType
from iop_tui.shell.demo.dice import Dice
from iop_tui.shell.demo.population import Client, Population
from iop_tui.shell.demo.texts import Writer
from iop_tui.store.work import Work

if TYPE_CHECKING:
    from iop_tui.shell.demo.build import MovingClock, Staff

_DAY_MS = 86_400_000
_BATCH = 2000
_KINDS: dict[str, DocumentType[Document]] = {item.kind: item for item in (*MEASURES, *MEDICATIONS, *PLANS)}
_HOMES = {roles.INDIVIDUAL_THERAPIST: Kind.IND, roles.COUNSELOR: Kind.SUD}
_DRAFT_DAYS = (1, 2, 6)


class History:
    """Writes the weeks. Every author's part of a week is one transaction or a few."""

    def __init__(
        self,
        population: Population,
        dice: Dice,
        clock: MovingClock,
        now_ms: int,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.notes = 0
        self._population = population
        self._dice = dice
        self._writer = Writer(dice)
        self._clock = clock
        self._now_ms = now_ms
        self._progress = progress
        self._today = local_date(now_ms)
        self._monday = self._today - timedelta(days=self._today.weekday() + 7 * population.sizes.weeks)

    def write(self) -> None:
        """All weeks up to now, then what is open today."""
        weeks, people = self._population.sizes.weeks, len(self._population.people)
        total = people * self._population.sizes.notes
        for week in range(weeks):
            self._clock.set(self._now_ms - (weeks - week) * 7 * _DAY_MS + 4 * _DAY_MS)
            for role, home in _HOMES.items():
                for author in self._population.of_role(role):
                    self._week(author, role, home, week)
            if self._progress is not None:
                self._progress(self.notes, total)
        self._clock.set(self._now_ms - 3_600_000)
        self._open_ends()

    # -- one author's week -----------------------------------------------------------------

    def _week(self, author: Staff, role: str, home: Kind, week: int) -> None:
        mine = [client for client in self._population.people if client.member(role) == author.id]
        work = author.ws.work()
        for client in mine:
            place = notes.Home(charts.reserved_id(client.chart, home), home, role)
            self._client_week(author, work, client, place, week)
            if len(work.revisions) >= _BATCH:
                author.session.append(work)
                work = author.ws.work()
        if work.events:
            author.session.append(work)

    def _client_week(self, author: Staff, work: Work, client: Client, place: notes.Home, week: int) -> None:
        ring, billing = self._population.ring, charts.reserved_id(client.chart, Kind.PAY)
        ring.lend(work, place.compartment)
        ring.lend(work, billing, deposit=True)
        for turn in self._turns(client, place.role, week):
            note = self._writer.note(self._day(week, client.number + turn), client.number + turn)
            notes.add_signed(author.ws, work, client.id, note, place=place, billing=billing)
            self.notes += 1
        if week == 0:
            self._first_week(author, work, client, place)
        if week % self._population.sizes.measure_every == 0:
            self._measures(author, work, client, place, week)

    def _turns(self, client: Client, role: str, week: int) -> Iterator[int]:
        """Which of the person's notes fall into this week and are this author's: every third is the counselor's."""
        sizes = self._population.sizes
        shared = bool(client.member(roles.COUNSELOR))
        first, last = (-(-sizes.notes * week // sizes.weeks), -(-sizes.notes * (week + 1) // sizes.weeks))
        for turn in range(first, last):
            if (role == roles.COUNSELOR) == (shared and turn % 3 == 2):
                yield turn

    def _day(self, week: int, offset: int) -> date:
        return self._monday + timedelta(days=7 * week + offset % 5)

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
        medicines = charts.reserved_id(client.chart, Kind.MED)
        self._population.ring.lend(work, medicines)
        if not for_use or dice.chance(60):
            self._put(author, work, client, medicines, "medication", self._writer.medication(day, for_use=for_use))
        if not for_use and dice.chance(40):
            self._put(author, work, client, medicines, "allergy", self._writer.allergy(day))
        author.session.note(work, "write", person=client.id, category=place.kind, detail="admission")

    # -- today -----------------------------------------------------------------------------

    def _open_ends(self) -> None:
        """Unsigned notes of the last days, an addendum, a share: what Today shows."""
        for role, home in _HOMES.items():
            for author in self._population.of_role(role):
                mine = [client for client in self._population.people if client.member(role) == author.id]
                if mine:
                    self._drafts(author, mine, home)
        self._share()

    def _drafts(self, author: Staff, mine: list[Client], home: Kind) -> None:
        work = author.ws.work()
        for turn, days in enumerate(_DRAFT_DAYS):
            client = mine[turn % len(mine)]
            compartment = charts.reserved_id(client.chart, home)
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
