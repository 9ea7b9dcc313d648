"""A small program for tests of the foundation: a real vault, a light key derivation, a clock moved by hand."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any

from iop_tui import slices, workspace
from iop_tui.access.settle import settle
from iop_tui.clinical.notes.mental import MentalStatus
from iop_tui.clinical.notes.model import ProgressNote
from iop_tui.clinical.notes.telehealth import Telehealth
from iop_tui.clinical.people import service as people
from iop_tui.clinical.people.model import Person
from iop_tui.clinical.staff import api as staffing
from iop_tui.clinical.staff import service as staff
from iop_tui.kernel.clock import FixedClock, local_date
from iop_tui.kernel.rng import Rng, SeededRng
from iop_tui.vault import kdf, slots, totp
from iop_tui.workspace import Environment, NewUser, Workspace
from iop_tui.workspace.sessions import begin, open_session
from iop_tui.workspace.viewplaces import state_key

START_MS = 1_790_000_000_000
PHRASE = b"velvet orchard ninety lantern"
FOUNDER = "Nadia Founder"


def phrase() -> bytearray:
    """A fresh buffer of the passphrase everybody here uses (unlocking may wipe it)."""
    return bytearray(PHRASE)


@dataclass
class Staff:
    """A user of the program as the test knows them: everything they ever held."""

    name: str
    user: bytes
    roles: tuple[str, ...]
    secrets: slots.UserSecrets
    kit: str
    status: str = "active"


@dataclass
class Program:
    """An open vault, everybody's workspace on it, and the clock."""

    path: Path
    env: Environment
    clock: FixedClock
    root: Workspace
    staff: dict[bytes, Staff]
    _workspaces: dict[bytes, Workspace] = field(default_factory=dict)
    _at_rest: dict[bytes, tuple[Any, ...]] = field(default_factory=dict)
    _leaps: int = 0

    @property
    def founder(self) -> Staff:
        """The first user."""
        return next(iter(self.staff.values()))

    def tick(self, seconds: float = 1.0) -> None:
        """Move the clock, so that no two acts of a history happen at once."""
        self.clock.advance(seconds)
        self._leaps += seconds > 60

    def add(self, name: str, *user_roles: str) -> Staff:
        """Admit a user."""
        self.tick()
        new = staff.add_user(self.workspace(self.founder), name=name, user_roles=user_roles, phrase=phrase())
        found = _staff(name, self.root.session.card(new.user).roles, new)
        self.staff[found.user] = found
        return found

    def workspace(self, who: Staff) -> Workspace:
        """That user's workspace, brought to the end of the log."""
        if who.user == self.founder.user:
            self.root.session.catch_up()
            return self.root
        found = self._workspaces.get(who.user)
        if found is None:
            found = self._workspaces[who.user] = beside(self.root, who.secrets, who.user)
        found.session.catch_up()
        roles = found.session.card(who.user).roles  # as after a new unlock
        found.session.identity = dataclasses.replace(found.session.identity, roles=roles)
        return found

    def settle(self, rounds: int = 4, owed: Callable[[Workspace], object] | None = None) -> None:
        """Let every active user's program do what it owes (`owed`, besides keys), until nothing changes.

        Who owed nothing is asked again only when something was written since, or days have passed.
        """
        for _ in range(rounds):
            before = self.root.session.db.position
            for who in list(self.staff.values()):
                here = self._here()
                if who.status != "active" or self._at_rest.get(who.user) == here:
                    continue
                self.tick()
                ws = self.workspace(who)
                settle(ws.session, ws.registry)
                for line, _ in staffing.owed(ws):
                    staff.complete(ws, line.id)
                if owed is not None:
                    owed(ws)
                if self._here() == here:
                    self._at_rest[who.user] = here
            if self.root.session.db.position == before:
                return
        raise AssertionError(f"settling does not come to rest within {rounds} rounds")

    def _here(self) -> tuple[Any, ...]:
        """Everything that what is owed depends on: the log, the day, and how often the clock leapt."""
        return self.root.session.db.position, local_date(self.clock.now_ms()), self._leaps

    def register(self, by: Staff, given: str, family: str = "Example") -> bytes:
        """Register a person."""
        self.tick()
        person, _ = people.register(self.workspace(by), Person(given=given, family=family, safe_contact="mornings"))
        return person

    def assign(self, by: Staff, person: bytes, who: Staff, role: str) -> None:
        """Make a user part of a person's care."""
        self.tick()
        people.assign(self.workspace(by), person, who.user, role)

    def code(self, who: Staff) -> str:
        """The next one-time code of a user; moves the clock to its step."""
        self.tick(totp.STEP_SECONDS)
        return totp.code_at(who.secrets.totp_seed, self.clock.now_ms() // 1000)

    def close(self, **options: Any) -> None:
        """Close every workspace."""
        for ws in self._workspaces.values():
            ws.close()
        self._workspaces.clear()
        self.root.close(**options)

    def unlock(self, who: Staff | None = None, **options: Any) -> Workspace:
        """Open the vault again as a user; this is then the program's main workspace."""
        who = who or self.founder
        self.root = workspace.unlock(
            self.path, self.env, name=who.name, phrase=phrase(), code=self.code(who), **options
        )
        return self.root

    def vault_key(self) -> bytes:
        """The database key of this copy, for tests that play the insider."""
        return self.root.vault_keys().vault_key.reveal()


def _staff(name: str, user_roles: tuple[str, ...], new: NewUser) -> Staff:
    return Staff(name, new.user, user_roles, new.secrets, new.kit)


def environment(clock: FixedClock | None = None, rng: Rng | None = None, **options: Any) -> Environment:
    """What tests inject: light key derivation, a clock that stands still, a seeded stream where asked."""
    clock = clock or FixedClock(START_MS)
    rest: dict[str, Any] = {"rng": rng} if rng is not None else {}
    return Environment(types=slices.TYPES, clock=clock, code_clock=clock, kdf=kdf.LightKdf(), **rest, **options)


def program(folder: Path, *user_roles: str, name: str = FOUNDER, seed: int | None = None) -> Program:
    """A new vault in `folder`/vault with its first user (administrator and privacy officer besides `user_roles`)."""
    clock = FixedClock(START_MS)
    env = environment(clock, SeededRng(seed) if seed is not None else None)
    path = folder / "vault"
    ws, new = workspace.create(path, env, name=name, user_roles=user_roles, phrase=phrase())
    first = _staff(name, ws.user.roles, new)
    return Program(path, env, clock, ws, {first.user: first})


def beside(root: Workspace, secrets: slots.UserSecrets, user: bytes) -> Workspace:
    """A user's workspace on an open vault, going on with the view they have on disk."""
    own = root.session
    place = own.db.state.get(state_key("view", user))
    if place is None:
        return root.beside(secrets, user)
    session = open_session(root.env, own.db, own.realm, own.device, secrets, user, place, root.path)
    begin(session, None, "unlock")
    guest = Workspace(root.path, root.env, session, None, [], root.demo, secrets.totp_seed)
    guest._beside = True  # closing it leaves the vault open
    return guest


def copied(made: Program, folder: Path, *, seed: int | None = None) -> Program:
    """A copy of a closed program, open again: with everybody's views, a clock and a random stream of its own."""
    shutil.copytree(made.path, folder / "vault")
    clock = FixedClock(made.clock.now_ms())
    env = environment(clock, SeededRng(seed) if seed is not None else None)
    found = Program(folder / "vault", env, clock, made.root, {u: dataclasses.replace(w) for u, w in made.staff.items()})
    found.unlock()
    return found


@contextmanager
def memory_folder(otherwise: Path) -> Iterator[Path]:
    """A folder in memory for many small vaults in a row, gone afterwards: `otherwise` where there is none.

    Nothing that depends on a disk is tested in it.
    """
    shared = Path("/dev/shm")
    roomy = shared.is_dir() and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > 1 << 30
    folder = Path(tempfile.mkdtemp(prefix="iop-test-", dir=shared if roomy else otherwise))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


TELEHEALTH = Telehealth(
    identity="known to the clinician", location="home", state="KS", callback="555-0101", consent_on_file=True,
    present="nobody", private=True,
)  # fmt: skip


def note(word: str = "steady", day: date = date(2026, 9, 20), **more: Any) -> ProgressNote:
    """A progress note that is ready to be signed; `word` stands in its text."""
    base = ProgressNote(
        service_date=day,
        start=time(10),
        stop=time(10, 50),
        modality="video",
        telehealth=TELEHEALTH,
        objectives=("1.1",),
        presentation=f"{word} reports better sleep",
        mental_status=MentalStatus(summary="all normal"),
        methods=("CBT",),
        intervention="used a thought record",
        response="engaged",
        progress="moderate",
        risk="denied",
        partner_violence="not asked today",
        plan="practise daily",
    )
    return base if not more else _changed(base, more)


def _changed(base: ProgressNote, more: dict[str, Any]) -> ProgressNote:
    import msgspec

    return msgspec.structs.replace(base, **more)


Make = Callable[..., Program]
