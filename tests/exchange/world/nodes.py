"""A device of the simulated exchange: its vault file, its mirror, its keys, and what it told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from iop_tui.exchange import cards, keys
from iop_tui.exchange.cards import ACTIVE, DeviceCard
from iop_tui.exchange.keys import DeviceKeys, TransportKeys
from iop_tui.exchange.ledger import Ledger
from iop_tui.kernel.clock import FixedClock
from iop_tui.kernel.rng import SeededRng
from iop_tui.kernel.secret import Secret
from iop_tui.store.audit import AuditSession, Event
from iop_tui.store.exchangelog import DEVICE
from iop_tui.store.rows import ExchangeRow
from iop_tui.store.vaultdb import Batch, VaultDb
from iop_tui.store.work import Work
from iop_tui.vault import signing
from tests.exchange.world.shelf import Shelf

REALM, ROOT = b"L" * 16, signing.from_seed(b"R" * 32)
START_MS = 1_790_000_000_000
_KEY = Secret(b"K" * 32)
Alarm = tuple[bytes, str]


class Bare:
    """What the exchange asks of a session, without a user."""

    def __init__(self, db: VaultDb, device: bytes, clock: FixedClock, rng: SeededRng) -> None:
        self.db, self.device, self.clock, self.rng = db, device, clock, rng
        self.realm, self.root_public = REALM, ROOT.public
        self.audit = AuditSession(REALM, b"u" * 16, device, rng)
        self.alarms: list[Alarm] = []

    def work(self) -> Work:
        return Work(self.clock.now_ms())

    def note(self, work: Work, action: str, *, subject: bytes = b"", detail: str = "", **_: object) -> None:
        work.events.append(Event(action, b"u" * 16, self.device, work.at_ms, b"", "", subject, detail))

    def sealed(self, work: Work) -> Batch:
        events = [self.audit.seal(event) for event in work.events]
        self.alarms = [(event.subject, event.detail) for event in work.events if event.action == "exchange-fork"]
        return Batch(self.audit.id, work.at_ms, events, work.acts, work.revisions, state=work.state)


@dataclass
class Image:
    """A device's disk at some time, with what it had told by then and had seen on each carrier."""

    place: Path
    mirror: Shelf
    alarms: list[Alarm]
    saw: dict[int, set[str]]


@dataclass
class Node:
    """A device. `ever`: rows it had; `alarms`: forks it told; `saw`: the packs each carrier held when they last met."""

    name: str
    place: Path
    seed: Secret
    device: bytes
    clock: FixedClock
    rng: SeededRng
    mirror: Shelf = field(default_factory=Shelf)
    images: list[Image] = field(default_factory=list)
    ever: set[bytes] = field(default_factory=set)
    alarms: list[Alarm] = field(default_factory=list)
    saw: dict[int, set[str]] = field(default_factory=dict)
    session: Bare | None = None

    def open(self) -> Bare:
        """Its vault, as it was left."""
        if self.session is None:
            self._begin(VaultDb.open(self.place, _KEY, self.device))
        assert self.session is not None
        return self.session

    def _begin(self, db: VaultDb) -> None:
        self.session = session = Bare(db, self.device, self.clock, self.rng)
        commit: Callable[[Batch], tuple[int, int]] = db.commit

        def told(batch: Batch) -> tuple[int, int]:
            found = commit(batch)
            self.alarms += session.alarms  # an alarm stands in the log, with what it tells of
            session.alarms = []
            return found

        db.commit = told  # type: ignore[method-assign]

    def close(self) -> None:
        if self.session is not None:
            self.session.db.close()
            self.session = None

    def ledger(self) -> Ledger:
        return Ledger.read(self.open(), self.keys())  # type: ignore[arg-type]

    def keys(self) -> DeviceKeys:
        """Its signing and box keys."""
        return DeviceKeys.of(self.device, self.seed)

    def held(self) -> set[bytes]:
        """The rows it has."""
        return {bytes(row[0]) for row in self.open().db.read("SELECT id FROM revision UNION ALL SELECT id FROM act")}

    def rows(self) -> dict[bytes, bytes]:
        """The rows it has, with their bytes."""
        query = "SELECT id, sealed FROM revision UNION ALL SELECT id, signed FROM act"
        return {bytes(row[0]): bytes(row[1]) for row in self.open().db.read(query)}

    def card(self, rank: tuple[int, ...]) -> ExchangeRow:
        """Its certified card, as a row."""
        own = self.keys()
        card = DeviceCard(self.device, self.name, own.signer.public, own.box.public, rank, ACTIVE, 1, START_MS)
        data = cards.sign(card, ROOT)
        return ExchangeRow(DEVICE, cards.identity(data), data)

    def found(self, known: list[ExchangeRow]) -> None:
        """Make its vault, with the cards of the program's devices and the first transport key."""
        self.place.parent.mkdir(parents=True)
        self._begin(VaultDb.create(self.place, _KEY, self.device, {"vault_id": REALM, "device": self.device}))
        session = self.open()
        work = session.work()
        work.state[keys.STATE] = TransportKeys({keys.FIRST: Secret(b"T" * 32)}).store()
        session.note(work, "begin")
        batch = session.sealed(work)
        batch.exchange += known
        session.db.commit(batch)
