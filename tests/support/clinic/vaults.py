"""A small program with people, staff and notes in a real vault, for any test: `program(tmp_path)`.

    small = program(tmp_path)
    with small.workspace("nadia") as ws: ...      # a real unlock, with the next one-time code
    small.people["ana"], small.users["tom"].secrets

Nadia founded it (individual therapist, medical director, administrator, privacy officer) and treats Ana and
Max; Tom treats Ben; Cleo treats couples; Sol is the counselor, Fay the front desk, Bill the biller, Abe the
auditor, Uma the supervisor. Ana and Ben are a couple in Cleo's care. All names are invented.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from iop_tui import slices, workspace
from iop_tui.access import charts, roles
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import put
from iop_tui.access.settle import settle
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.measures.model import Measure
from iop_tui.clinical.medications.model import Allergy, Medication
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.mental import MentalStatus
from iop_tui.clinical.notes.model import ProgressNote
from iop_tui.clinical.notes.telehealth import Telehealth
from iop_tui.clinical.people import service as people
from iop_tui.clinical.people.model import Person
from iop_tui.clinical.staff import service as staff
from iop_tui.kernel.clock import FixedClock, to_ms
from iop_tui.kernel.declare import Document
from iop_tui.kernel.rng import Rng, SeededRng
from iop_tui.vault import kdf, totp
from iop_tui.vault.slots import UserSecrets
from iop_tui.workspace import Environment, NewUser, Workspace
from tests.support.clinic.program import beside as going_on

if TYPE_CHECKING:
    import pytest

PHRASE = b"velvet orchard ninety lantern"
START = datetime(2026, 3, 12, 19, 0, tzinfo=UTC)
"""Thursday afternoon in the tests' time zone."""

STAFF = {
    "tom": ("Tom", (roles.INDIVIDUAL_THERAPIST,)),
    "cleo": ("Cleo", (roles.COUPLES_THERAPIST,)),
    "sol": ("Sol", (roles.COUNSELOR,)),
    "fay": ("Fay", (roles.FRONT_DESK,)),
    "bill": ("Bill", (roles.BILLER,)),
    "abe": ("Abe", (roles.AUDITOR,)),
    "uma": ("Uma", (roles.SUPERVISOR,)),
}


@dataclass(frozen=True)
class Member:
    """A user of the test program and what they know."""

    name: str
    secrets: UserSecrets
    new: NewUser
    phrase: bytes = PHRASE

    @property
    def user(self) -> bytes:
        """The user's id."""
        return self.new.user

    def typed(self) -> bytearray:
        """The passphrase as somebody types it."""
        return bytearray(self.phrase)


@dataclass
class Program:
    """A vault with people in it, and everything needed to open it as anybody."""

    path: Path
    env: Environment
    clock: FixedClock
    code_clock: FixedClock
    founder: Member
    users: dict[str, Member] = field(default_factory=dict)
    people: dict[str, bytes] = field(default_factory=dict)
    notes: dict[str, bytes] = field(default_factory=dict)
    _besides: dict[str, Workspace] = field(default_factory=dict, init=False)

    def code(self, name: str) -> str:
        """A code that was not used yet: the codes' clock goes on by a minute."""
        self.code_clock.advance(60)
        return totp.code_at(self.users[name].secrets.totp_seed, self.code_clock.now_ms() // 1000)

    def unlock(self, name: str, *, catch_up: bool = True, inspect: bool = False) -> Workspace:
        """A real unlock. The caller closes it."""
        member = self.users[name]
        ws = workspace.unlock(
            self.path,
            self.env,
            name=member.name,
            phrase=member.typed(),
            code=self.code(name),
            catch_up=catch_up,
            inspect=inspect,
        )
        if catch_up and not inspect:
            settle(ws.session)
        return ws

    @contextmanager
    def workspace(self, name: str = "nadia") -> Iterator[Workspace]:
        """A real unlock for the length of a block."""
        ws = self.unlock(name)
        try:
            yield ws
        finally:
            ws.close()

    def beside(self, ws: Workspace, name: str) -> Workspace:
        """Another user's workspace on the same open vault, caught up and settled.

        It goes on with the view the user has on disk, unless an earlier workspace of theirs was not left.
        """
        member, earlier = self.users[name], self._besides.get(name)
        open_already = (earlier is not None and not earlier._closed) or ws.user.user == member.user
        other = (ws.beside if open_already else partial(going_on, ws))(member.secrets, member.user)
        self._besides[name] = other
        refresh(other)
        return other


def leave(ws: Workspace) -> None:
    """Close a workspace that `beside` gave: its view only, the vault stays open."""
    ws._closed = True
    ws.session.view.close()


def refresh(ws: Workspace) -> None:
    """Take in what colleagues did, then what a program owes after it."""
    ws.session.catch_up()
    settle(ws.session)


def empty(path: Path, *, seed: int = 1, rng: Rng | None = None, demo: bool = False) -> tuple[Program, Workspace]:
    """A new vault with Nadia alone; the open workspace is the caller's to close."""
    clock, codes = FixedClock(to_ms(START)), FixedClock(to_ms(START))
    env = Environment(types=slices.TYPES, clock=clock, code_clock=codes, rng=rng or SeededRng(seed), kdf=kdf.LightKdf())
    ws, new = workspace.create(
        path,
        env,
        name="Nadia",
        user_roles=(roles.INDIVIDUAL_THERAPIST, roles.MEDICAL_DIRECTOR),
        phrase=bytearray(PHRASE),
        demo=demo,
    )
    founder = Member("Nadia", new.secrets, new)
    settle(ws.session)
    return Program(path, env, clock, codes, founder, {"nadia": founder}), ws


def program(tmp_path: Path, *, seed: int = 1, rng: Rng | None = None, demo: bool = False) -> Program:
    """The small program described above, closed cleanly. Takes about a second."""
    made, ws = empty(tmp_path / "vault", seed=seed, rng=rng, demo=demo)
    try:
        hire(made, ws)
        admit(made, ws)
        treat(made, ws)
        staff.confirm_kit(ws, made.founder.new.kit)
    finally:
        ws.close()
    return made


_MADE: dict[str, Program] = {}


def fresh(factory: pytest.TempPathFactory) -> Program:
    """The small program, made once for all tests of a process and never opened itself: they open `copied` ones.

    A copy takes a hundredth of what making one takes.
    """
    if "fresh" not in _MADE:
        _MADE["fresh"] = program(factory.mktemp("fresh"))
    return _MADE["fresh"]


def template(factory: pytest.TempPathFactory) -> Program:
    """The same after everybody's first day: `beside` goes on with their views, a fifth of the work of building one."""
    if "template" not in _MADE:
        made = copied(fresh(factory), factory.mktemp("template"))
        with made.workspace() as ws:
            for name in STAFF:
                leave(made.beside(ws, name))
        _MADE["template"] = made
    return _MADE["template"]


def hire(made: Program, ws: Workspace) -> None:
    """Everybody else who works here."""
    for key, (name, granted) in STAFF.items():
        new = staff.add_user(ws, name=name, user_roles=granted, phrase=bytearray(PHRASE))
        made.users[key] = Member(name, new.secrets, new)
    settle(ws.session)


PERSONS = {
    "ana": Person(
        given="Ana",
        family="Quill",
        pronouns="she/her",
        birth_date=date(1988, 4, 2),
        phone="555-0101",
        safe_contact="Text only, never call; not before 9:00",
    ),
    "ben": Person(
        given="Benjamin",
        preferred_name="Ben",
        family="Odell",
        pronouns="he/him",
        birth_date=date(1985, 9, 30),
        safe_contact="Voice mail is fine",
    ),
    "max": Person(given="Max", family="Brandt", pronouns="they/them", birth_date=date(1999, 12, 1)),
    "hana": Person(
        given="花子", family="佐藤", preferred_name="Hana", birth_date=date(1979, 6, 17), safe_contact="E-mail only"
    ),
}
_CARE = {
    "ana": ("nadia", roles.INDIVIDUAL_THERAPIST),
    "ben": ("tom", roles.INDIVIDUAL_THERAPIST),
    "max": ("nadia", roles.INDIVIDUAL_THERAPIST),
}


def admit(made: Program, ws: Workspace) -> None:
    """Register the people, give them clinicians, link Ana and Ben. Hana is not assigned yet."""
    for key, person in PERSONS.items():
        made.people[key], _ = people.register(ws, person)
    for key, (who, role) in _CARE.items():
        people.assign(ws, made.people[key], made.users[who].user, role)
    people.assign(ws, made.people["ana"], made.users["sol"].user, roles.COUNSELOR)
    couples.link(ws, made.people["ana"], made.people["ben"], made.users["cleo"].user)
    settle(ws.session)


TELEHEALTH = Telehealth(
    identity="known to the clinician", location="At home", state="KS", callback="555-0101", consent_on_file=True,
    present="nobody", private=True,
)  # fmt: skip


def note(day: date, presentation: str, **more: object) -> ProgressNote:
    """A progress note that may be signed."""
    values: dict[str, object] = {
        "service_date": day,
        "start": time(10),
        "stop": time(10, 50),
        "modality": "video",
        "telehealth": TELEHEALTH,
        "presentation": presentation,
        "mental_status": MentalStatus(summary="all normal"),
        "methods": ("CBT",),
        "objectives": ("1.2.1",),
        "intervention": "Used cognitive restructuring and rehearsed refusal skills.",
        "response": "Engaged; could name two alternatives.",
        "progress": "moderate",
        "risk": "denied",
        "partner_violence": "not asked today",
        "plan": "Sleep diary until the next session.",
        **more,
    }
    return ProgressNote(**values)  # type: ignore[arg-type]


def today(ws: Workspace) -> date:
    """The workspace's date."""
    return datetime.fromtimestamp(ws.clock.now_ms() / 1000).date()


def treat(made: Program, ws: Workspace) -> None:
    """Signed notes, a draft, measures, a medication and an allergy."""
    day = today(ws)
    ana, ben = made.people["ana"], made.people["ben"]
    texts = (
        "Reports sleeping better since the quarry walk.",
        "Craving after a quarrel; used urge surfing.",
        "First week without alcohol.",
    )
    for index, text in enumerate(texts):
        saved = notes.save(ws, ana, note(day - timedelta(days=2 + 7 * index), text))
        notes.sign(ws, [saved.record])
        made.notes[f"ana{index}"] = saved.record
    made.notes["draft"] = notes.save(
        ws, made.people["max"], note(day - timedelta(days=1), "Missed the bus, joined late.", plan="")
    ).record
    kinds = {item.kind: item for item in slices.TYPES}
    for weeks, score in ((8, 19.0), (4, 14.0), (0, 9.0)):
        keep(
            ws,
            ana,
            kinds["measure"],
            Measure(
                instrument="PHQ-9",
                taken=day - timedelta(weeks=weeks, days=2),
                score=score,
                lowest=0,
                highest=27,
                band="moderate" if score < 15 else "moderately severe",
            ),
        )
    keep(
        ws,
        ana,
        kinds["medication"],
        Medication(text="Naltrexone 50 mg", status="active", started=day - timedelta(days=40)),
    )
    keep(ws, ana, kinds["allergy"], Allergy(text="Penicillin", criticality="high", recorded=day - timedelta(days=60)))
    tom = made.beside(ws, "tom")
    saved = notes.save(tom, ben, note(day - timedelta(days=3), "Spoke about trust and the quarry accident."))
    notes.sign(tom, [saved.record])
    made.notes["ben0"] = saved.record
    leave(tom)
    refresh(ws)


def keep(ws: Workspace, person: bytes, kind: object, document: Document) -> bytes:
    """Store a document where its kind belongs; the record's id."""
    work = ws.work()
    place = charts.compartment_for(ws.session, person, getattr(kind, "compartment", Kind.IND))
    record, _ = put(ws.session, work, place, kind, document, person=person, source="client in session")  # type: ignore[arg-type]
    ws.session.note(work, "write", person=person, subject=record)
    ws.commit(work)
    return record


def real_time(made: Program) -> Program:
    """The same program with the machine's clocks, for processes of their own."""
    from iop_tui.kernel.clock import SystemClock

    return replace(made, env=replace(made.env, clock=SystemClock(), code_clock=SystemClock()))


def copied(made: Program, folder: Path) -> Program:
    """A closed program's copy with clocks of its own: making one anew takes ten times as long."""
    shutil.copytree(made.path, folder / "vault")
    clock, codes = FixedClock(made.clock.now_ms()), FixedClock(made.code_clock.now_ms())
    env = replace(made.env, clock=clock, code_clock=codes)
    return replace(
        made, path=folder / "vault", env=env, clock=clock, code_clock=codes, users=dict(made.users),
        people=dict(made.people), notes=dict(made.notes),
    )  # fmt: skip
