"""A small program for tests of the foundation: a real vault, a light key derivation, a clock moved by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
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
from iop_tui.kernel.clock import FixedClock
from iop_tui.kernel.rng import Rng, SeededRng
from iop_tui.vault import kdf, slots, totp
from iop_tui.workspace import Environment, NewUser, Workspace

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

    @property
    def founder(self) -> Staff:
        """The first user."""
        return next(iter(self.staff.values()))

    def tick(self, seconds: float = 1.0) -> None:
        """Move the clock, so that no two acts of a history happen at once."""
        self.clock.advance(seconds)

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
            found = self._workspaces[who.user] = self.root.beside(who.secrets, who.user)
        found.session.catch_up()
        roles = found.session.card(who.user).roles  # as after a new unlock
        found.session.identity = dataclasses.replace(found.session.identity, roles=roles)
        return found

    def settle(self, rounds: int = 4) -> None:
        """Let every active user's program do what it owes, until nothing changes."""
        for _ in range(rounds):
            before = self.root.session.db.position
            for who in list(self.staff.values()):
                if who.status == "active":
                    self.tick()
                    ws = self.workspace(who)
                    settle(ws.session, ws.registry)
                    for line, _ in staffing.owed(ws):
                        staff.complete(ws, line.id)
            if self.root.session.db.position == before:
                return
        raise AssertionError(f"settling does not come to rest within {rounds} rounds")

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
