"""Builds a demo vault through the program's own primitives: every key is sealed to somebody, every note is signed.

Only the order is special: all users work in one process on one open vault, writes are gathered into larger
transactions, and views are brought to the end of the log once at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from iop_tui.access.settle import settle
from iop_tui.clinical.staff import api as staff_api
from iop_tui.clinical.staff import service as staff
from iop_tui.kernel.clock import Clock
from iop_tui.kernel.ids import show_id
from iop_tui.shell.demo import carework, couplework, daywork, secrets
from iop_tui.shell.demo.cast import Member, cast
from iop_tui.shell.demo.dice import Dice
from iop_tui.shell.demo.hands import processors
from iop_tui.shell.demo.history import History
from iop_tui.shell.demo.population import Population, Sizes
from iop_tui.store.session import Session
from iop_tui.vault.slots import UserSecrets
from iop_tui.workspace import Environment, NewUser, Workspace, create

SIZES = {
    "small": Sizes(people=12, notes=12, weeks=12, couples=2, measure_every=2),
    "clinic": Sizes(people=200, notes=50, weeks=26, couples=20, measure_every=2),
    "large": Sizes(people=2000, notes=50, weeks=26, couples=100, measure_every=4),
}
_DAY_MS = 86_400_000
Progress = Callable[[int, int], None]


class MovingClock:
    """The demo program's calendar while its history is written."""

    def __init__(self, real: Clock) -> None:
        self._real = real
        self._at_ms = real.now_ms()

    def now_ms(self) -> int:
        """The time the history has come to."""
        return self._at_ms

    def monotonic(self) -> float:
        """Real seconds."""
        return self._real.monotonic()

    def set(self, at_ms: int) -> None:
        """Go to a time."""
        self._at_ms = at_ms


@dataclass(slots=True)
class Staff:
    """A user of the demo with an open workspace of their own."""

    member: Member
    new: NewUser
    ws: Workspace

    @property
    def session(self) -> Session:
        """The user's session."""
        return self.ws.session

    @property
    def id(self) -> bytes:
        """The user's id."""
        return self.new.user


@dataclass(slots=True)
class Built:
    """A finished demo: what the command prints."""

    vault: Path
    people: int
    notes: int
    users: list[dict[str, object]] = field(default_factory=list)
    couples: list[dict[str, object]] = field(default_factory=list)


def build(folder: Path, env: Environment, *, size: str, seed: int, progress: Progress | None = None) -> Built:
    """Make the vault, its users, its people and their history. Raises `Refused` where there is a vault already."""
    now = env.clock.now_ms()
    clock = MovingClock(env.clock)
    sizes = SIZES[size]
    clock.set(now - (sizes.weeks * 7 + 21) * _DAY_MS)
    crew, founder = _found(folder, _with_clock(env, clock), size)
    try:
        clock.set(now - (sizes.weeks * 7 + 14) * _DAY_MS)
        population = Population(crew, Dice(seed), sizes, clock, now)
        population.admit()
        history = History(population, seed + 1, clock, now, progress)
        history.write(hands=1 if size == "small" else processors())
        clock.set(now)
        if size == "small":
            first = population.couples[0]
            couplework.write(next(person.ws for person in crew if person.id == first.therapist), first.id)
            carework.write(person.ws for person in crew)
            daywork.write(founder, [person.ws for person in crew])
        _finish(crew, size)
        return _report(folder, crew, population, history)
    finally:
        for person in crew[1:]:
            person.session.view.close()
        founder.close()


def _with_clock(env: Environment, clock: Clock) -> Environment:
    return Environment(types=env.types, clock=clock, code_clock=env.code_clock, rng=env.rng, kdf=env.kdf)


def _found(folder: Path, env: Environment, size: str) -> tuple[list[Staff], Workspace]:
    """The vault and everyone who works there, each with a tested kit and the keys their roles are owed."""
    realm = env.rng.token(16)
    first, *others = cast(size)

    def own(name: str) -> tuple[bytearray, UserSecrets]:
        return secrets.passphrase(realm, name), secrets.user_secrets(realm, name, env.rng)

    phrase, fresh = own(first.name)
    founder, new = create(
        folder, env, name=first.name, user_roles=first.roles, phrase=phrase, demo=True, realm=realm, secrets=fresh
    )
    crew = [Staff(first, new, founder)]
    for member in others:
        phrase, fresh = own(member.name)
        added = staff.add_user(founder, name=member.name, user_roles=member.roles, phrase=phrase, secrets=fresh)
        crew.append(Staff(member, added, founder.beside(fresh, added.user)))
    for person in crew:
        person.session.catch_up()
        settle(person.session)
        staff.confirm_kit(person.ws, person.new.kit)
    _complete(crew)
    return crew, founder


def _complete(crew: list[Staff]) -> None:
    """Program-wide keys that only a colleague of the same role could give: a second medical director's intake."""
    for giver in crew:
        giver.session.catch_up()
        for line, _ in staff_api.owed(giver.ws):
            staff.complete(giver.ws, line.id)
    for person in crew:
        person.session.catch_up()


def _finish(crew: list[Staff], size: str) -> None:
    """Views to the end of the log, so that the first unlock is quick; most of larger demos grow at the unlock."""
    for person in crew if size == "small" else crew[1:2]:
        person.session.catch_up()


def _report(folder: Path, crew: list[Staff], population: Population, history: History) -> Built:
    names = {person.id: person.member.name for person in crew}
    built = Built(folder, len(population.people), history.notes)
    for person in crew:
        phrase = secrets.passphrase(person.ws.realm, person.member.name).decode()
        held = person.member.roles
        built.users.append({
            "name": person.member.name, "roles": list(held), "passphrase": phrase,
            "totp_uri": person.new.totp_uri, "sees": [show_id(item) for item in population.seen_by(person.id, held)],
        })  # fmt: skip
    for couple in population.couples:
        a, b = population.by_id[couple.a], population.by_id[couple.b]
        built.couples.append({
            "id": show_id(couple.id), "a": show_id(couple.a), "b": show_id(couple.b),
            "couples_therapist": names[couple.therapist],
            "individual_therapist_a": names[a.therapist], "individual_therapist_b": names[b.therapist],
        })  # fmt: skip
    return built
