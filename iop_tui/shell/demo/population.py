"""Admitting fictional people: directory, care teams, couples with the wall between partners, the chart's keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from iop_tui.access import chartkeys, charts, policy, roles, wall
from iop_tui.access.charts import CareMember, ChartMap
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import Recipient, Target, give_member, open_together, program_compartment, put
from iop_tui.access.settle import settle
from iop_tui.access.wall import CareFact, CoupleFact
from iop_tui.clinical.couples import service as couples_service
from iop_tui.clinical.people.model import PERSON, full_name
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.ids import show_id
from iop_tui.kernel.text import initials
from iop_tui.shell.demo.dice import Dice
from iop_tui.shell.demo.people import Crowd
from iop_tui.store.work import Work

if TYPE_CHECKING:
    from iop_tui.shell.demo.build import MovingClock, Staff

CHUNK = 25
_CARE_MEMBER = next(item for item in charts.TYPES if item.kind == "care_member")
_IT, _DA, _MD = roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR, roles.MEDICAL_DIRECTOR
_DESK_ROLES = frozenset({roles.FRONT_DESK, roles.MEDICAL_DIRECTOR, roles.PRIVACY_OFFICER, roles.BILLER})


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large a demo is: people, notes for each, weeks of history, couples, weeks between measures."""

    people: int
    notes: int
    weeks: int
    couples: int
    measure_every: int


@dataclass(slots=True)
class Client:
    """A fictional person: ids of the chart and who treats them."""

    id: bytes
    chart: ChartMap
    name: str
    number: int
    team: tuple[tuple[bytes, str], ...] = ()
    places: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def place(self, kind: Kind, role: str = "") -> bytes:
        """The compartment the chart reserves for a kind."""
        if (kind, role) not in self.places:
            self.places[(kind, role)] = charts.reserved_id(self.chart, kind, role)
        return self.places[(kind, role)]

    def member(self, role: str) -> bytes:
        """The team's user of a role; empty where there is none."""
        return next((user for user, held in self.team if held == role), b"")

    @property
    def therapist(self) -> bytes:
        """The individual therapist."""
        return self.member(_IT)


@dataclass(slots=True)
class KeyRing:
    """Compartment keys made so far. Authors take from it only what an act has sealed to them."""

    keys: dict[bytes, bytes] = field(default_factory=dict)
    publics: dict[bytes, bytes] = field(default_factory=dict)

    def keep(self, work: Work) -> None:
        """Remember what a write opened."""
        for (compartment, number), key in work.keys.items():
            self.keys[compartment] = key
            self.publics[compartment] = work.publics[(compartment, number)]

    def lend(self, work: Work, compartment: bytes, *, deposit: bool = False) -> None:
        """Make a compartment usable in a write, as a member or for deposits only."""
        work.latest[compartment] = 1
        work.publics[(compartment, 1)] = self.publics[compartment]
        if not deposit:
            work.keys[(compartment, 1)] = self.keys[compartment]


class Population:
    """The people of a demo program and their care."""

    def __init__(self, crew: Sequence[Staff], dice: Dice, sizes: Sizes, clock: MovingClock, now_ms: int) -> None:
        self.crew = {person.id: person for person in crew}
        self.sizes = sizes
        self.people: list[Client] = []
        self.by_id: dict[bytes, Client] = {}
        self.couples: list[CoupleFact] = []
        self.shared: dict[bytes, set[bytes]] = {}
        self.ring = KeyRing()
        self._dice = dice
        self._clock = clock
        self._crowd = Crowd(dice, local_date(now_ms))
        self._facts: list[CareFact] = []

    # -- who works here --------------------------------------------------------------------

    def of_role(self, role: str) -> list[Staff]:
        """Users who hold a role."""
        return [person for person in self.crew.values() if role in person.member.roles]

    def _recipient(self, user: bytes, role: str) -> Recipient:
        return Recipient(user, self.crew[user].new.secrets.enc_public(), role)

    # -- admission -------------------------------------------------------------------------

    def admit(self) -> None:
        """Register everybody, couples first, assign teams, open every compartment that teams open."""
        paired = 2 * self.sizes.couples
        self._register(range(paired))
        self._link()
        self._register(range(paired, self.sizes.people))
        for person in self.of_role(_IT):
            self._open_charts(person, _IT, (Kind.IND, Kind.MED, Kind.CRISIS, Kind.GRP))
        for person in self.of_role(_DA):
            self._open_charts(person, _DA, (Kind.SUD,))
        self._open_billing()

    def _register(self, numbers: Iterable[int]) -> None:
        waiting = list(numbers)
        desk = self.of_role(roles.FRONT_DESK)[0]
        for start in range(0, len(waiting), CHUNK):
            work = desk.ws.work()
            for number in waiting[start : start + CHUNK]:
                self._register_one(desk, work, number)
            self.ring.keep(work)
            desk.session.append(work)
            self._clock.set(self._clock.now_ms() + 60_000)

    def _register_one(self, desk: Staff, work: Work, number: int) -> None:
        person = self._crowd.person()
        identifier = desk.ws.rng.token(16)
        chart = chartkeys.open_chart(desk.session, work, identifier, initials(f"{person.given} {person.family}"))
        directory = charts.reserved_id(chart, Kind.DIR)
        put(desk.session, work, directory, PERSON, person, person=identifier)
        desk.session.note(work, "register", person=identifier, category=Kind.DIR)
        client = Client(identifier, chart, full_name(person), number)
        client.team = self._team(client)
        self.people.append(client)
        self.by_id[identifier] = client
        if client.team:
            self._assign(desk, work, client, directory)

    def _team(self, client: Client) -> tuple[tuple[bytes, str], ...]:
        """Partners of a couple come one after the other, so neighbours never share a clinician."""
        number = client.number
        if number == self.sizes.people - 1:
            return ()  # somebody who was registered and waits for a clinician
        team = [(_pick(self.of_role(_IT), number).id, _IT)]
        if number % 4 < 2 and number % 5 != 4:
            team.append((_pick(self.of_role(_DA), number).id, _DA))
        other_partner = number < 2 * self.sizes.couples and number % 2 == 1  # the director treats one partner at most
        if (self.sizes.people > 12 or number % 2 == 0) and not other_partner:
            team.append((self.of_role(_MD)[0].id, _MD))
        return tuple(team)

    def _assign(self, desk: Staff, work: Work, client: Client, directory: bytes) -> None:
        since = local_date(self._clock.now_ms())
        target = Target(directory, Kind.DIR, client.id)
        give_member(desk.session, work, [target], [self._recipient(*item) for item in client.team], act="assign")
        for user, role in client.team:
            self._check_wall(user, client.id, role)
            self._note_member(desk, work, client.id, directory, user, role, since)
            self._facts.append(CareFact(user, client.id, role))

    def _check_wall(self, user: bytes, person: bytes, role: str) -> None:
        facts = [fact for fact in self._facts if fact.user == user] if self.couples else []
        wall.check_assignment(CareFact(user, person, role), facts, self.couples)

    def _note_member(
        self, desk: Staff, work: Work, person: bytes, directory: bytes, user: bytes, role: str, since: date
    ) -> None:
        member = CareMember(user=show_id(user), name=self.crew[user].member.name, role=role, since=since)
        put(desk.session, work, directory, _CARE_MEMBER, member, person=person)
        put(desk.session, work, program_compartment(desk.session, Kind.REG), _CARE_MEMBER, member, person=person)
        desk.session.note(work, "assign", person=person, category=Kind.DIR, subject=user, detail=role)

    def _link(self) -> None:
        """The service itself links, with its wall check, from what the front desk's view shows."""
        desk, therapists = self.of_role(roles.FRONT_DESK)[0], self.of_role(roles.COUPLES_THERAPIST)
        desk.session.catch_up()
        for number in range(self.sizes.couples):
            a, b = self.people[2 * number], self.people[2 * number + 1]
            therapist = therapists[number % len(therapists)]
            couple, _ = couples_service.link(desk.ws, a.id, b.id, therapist.id)
            self.couples.append(CoupleFact(couple, a.id, b.id, therapist.id))
        for therapist in therapists:
            therapist.session.catch_up()
            settle(therapist.session)

    # -- the chart's keys ------------------------------------------------------------------

    def _open_charts(self, author: Staff, role: str, kinds: tuple[Kind, ...]) -> None:
        mine = [client for client in self.people if client.member(role) == author.id]
        for start in range(0, len(mine), CHUNK):
            work = author.ws.work()
            for client in mine[start : start + CHUNK]:
                given = [(self._target(client, kind), self._colleagues(client, kind, author.id)) for kind in kinds]
                alone = [Target(client.place(kind, role), kind, client.id, author.id)
                         for kind in (Kind.PSY, Kind.SAFE)]  # fmt: skip
                given += [(target, []) for target in alone]
                open_together(author.session, work, given, act="open-compartment")
                author.session.note(work, "settle", person=client.id, detail="first_keys")
            self.ring.keep(work)
            author.session.append(work)

    @staticmethod
    def _target(client: Client, kind: Kind) -> Target:
        return Target(client.place(kind), kind, client.id)

    def _colleagues(self, client: Client, kind: Kind, author: bytes) -> list[Recipient]:
        """The rest of the team, as far as the policy lets them be members."""
        return [
            self._recipient(user, role)
            for user, role in client.team
            if user != author and policy.may_be_member(kind, (role,))
        ]

    def _open_billing(self) -> None:
        billers = self.of_role(roles.BILLER)
        others = [*billers[1:], *self.of_role(roles.PRIVACY_OFFICER)]
        recipients = [
            self._recipient(person.id, person.member.roles[0]) for person in others if person is not billers[0]
        ]
        for start in range(0, len(self.people), CHUNK):
            work = billers[0].ws.work()
            given = [(self._target(client, Kind.PAY), recipients) for client in self.people[start : start + CHUNK]]
            open_together(billers[0].session, work, given, act="open-compartment")
            billers[0].session.note(work, "settle", detail="first_keys")
            self.ring.keep(work)
            billers[0].session.append(work)

    # -- who sees whom ---------------------------------------------------------------------

    def seen_by(self, user: bytes, held: tuple[str, ...]) -> list[bytes]:
        """People whose directory entry or records a user can open."""
        if _DESK_ROLES & set(held):
            return [client.id for client in self.people]
        treated = {client.id for client in self.people if user in {member for member, _ in client.team}}
        for couple in self.couples:
            if couple.therapist == user:
                treated |= {couple.a, couple.b}
        treated |= self.shared.get(user, set())
        return [client.id for client in self.people if client.id in treated]


def _pick(choices: Sequence[Staff], number: int) -> Staff:
    return choices[number % len(choices)]
