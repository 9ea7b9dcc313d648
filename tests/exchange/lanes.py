"""The exchange alone, fast: real packs, seals, signatures, order and vault databases; rows without a meaning.

`simulator.World` plays whole programs with charts and keys and takes a tenth of a second for a step. Here a step takes
milliseconds, so that thousands of steps fit into every run: devices that write acts and rows, exchange over carriers
that fail in every way, crash at any put or commit, are put back to older images, copied, lost, and decided about.

    world = Lanes(folder, seed); world.step() …; world.settle(); world.check()
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from iop_tui.exchange import cards, deciding, engine, keys, packs, taking
from iop_tui.exchange.cards import ACTIVE, LOST, DeviceCard
from iop_tui.exchange.deciding import Decision
from iop_tui.exchange.keys import DeviceKeys, TransportKeys
from iop_tui.exchange.ledger import Ledger
from iop_tui.kernel.clock import FixedClock
from iop_tui.kernel.errors import MediumUnusable
from iop_tui.kernel.rng import SeededRng
from iop_tui.kernel.secret import Secret
from iop_tui.store import vaultdb
from iop_tui.store.audit import AuditSession, Event
from iop_tui.store.exchangelog import DEVICE, KEY, LATE
from iop_tui.store.rows import ActRow, ExchangeRow, RevisionRow
from iop_tui.store.vaultdb import Batch, VaultDb
from iop_tui.store.work import Work
from iop_tui.vault import signing
from iop_tui.vault.digest import sha256

REALM, ROOT = b"L" * 16, signing.from_seed(b"R" * 32)
START_MS = 1_790_000_000_000
MOST = 6
REASON = "seen by a person"


class Crash(Exception):
    """The process ends here."""


class Fault(MediumUnusable):
    """A carrier fails."""


class Here:
    """The writer's queue without its thread: nobody else works on these vaults."""

    def __init__(self) -> None:
        self.closed = False

    def run(self, job: Callable[[], Any]) -> Any:
        """Do the job."""
        return job()

    def close(self) -> None:
        self.closed = True


class Shelf:
    """A carrier, or a mirror, in memory. `fail` is asked before each put."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.wanted: set[str] = set()
        self.fail: Callable[[], str] = lambda: ""
        self._marks: dict[str, set[str]] = {}

    def copy(self) -> Shelf:
        """As it stands now."""
        found = Shelf()
        found.files, found.wanted = dict(self.files), set(self.wanted)
        found._marks = {name: set(marks) for name, marks in self._marks.items()}
        return found

    def listing(self) -> dict[str, int]:
        return {name: len(data) for name, data in self.files.items() if packs.parse_name(name) is not None}

    def get(self, name: str) -> bytes | None:
        return self.files.get(name)

    def put(self, name: str, data: bytes) -> None:
        how = self.fail()
        if how == "cut":
            self.files[name] = data[: len(data) // 2]
        elif how == "lost answer":
            self.files[name] = data
        if how == "crash":
            raise Crash
        if how:
            raise Fault("The carrier failed.")
        self.files[name] = data

    def want(self, name: str) -> None:
        self.wanted.add(name)

    def wants(self) -> set[str]:
        return set(self.wanted)

    def granted(self, name: str) -> None:
        self.wanted.discard(name)

    def heads(self) -> list[str]:
        return sorted(name for name in self.files if packs.is_head(name))

    def close(self) -> None:
        """Nothing."""

    # -- what a mirror can besides

    def set_aside(self, name: str, data: bytes) -> None:
        """Kept elsewhere."""

    def drop(self, name: str) -> None:
        self.files.pop(name, None)

    def marks(self, remote: str) -> set[str]:
        return set(self._marks.get(remote, ()))

    def mark(self, remote: str, names: set[str]) -> None:
        self._marks[remote] = set(names)


class Bare:
    """What the exchange asks of a session, without a user."""

    def __init__(self, db: VaultDb, device: bytes, clock: FixedClock, rng: SeededRng) -> None:
        self.db, self.device, self.clock, self.rng = db, device, clock, rng
        self.realm, self.root_public = REALM, ROOT.public
        self.audit = AuditSession(REALM, b"u" * 16, device, rng)

    def work(self) -> Work:
        return Work(self.clock.now_ms())

    def note(self, work: Work, action: str, *, subject: bytes = b"", detail: str = "", **_: object) -> None:
        work.events.append(Event(action, b"u" * 16, self.device, work.at_ms, b"", "", subject, detail))

    def sealed(self, work: Work) -> Batch:
        events = [self.audit.seal(event) for event in work.events]
        return Batch(self.audit.id, work.at_ms, events, work.acts, work.revisions, state=work.state)


@dataclass
class Node:
    """A device: its file, its mirror, its keys."""

    name: str
    place: Path
    seed: Secret
    device: bytes
    clock: FixedClock
    rng: SeededRng
    mirror: Shelf = field(default_factory=Shelf)
    images: list[tuple[Path, Shelf]] = field(default_factory=list)
    ever: set[bytes] = field(default_factory=set)
    session: Bare | None = None

    def open(self) -> Bare:
        """Its vault, as it was left."""
        if self.session is None:
            db = opened(lambda: VaultDb.open(self.place, _KEY, self.device))
            self.session = Bare(db, self.device, self.clock, self.rng)
        return self.session

    def close(self) -> None:
        if self.session is not None:
            self.session.db.close()
            self.session = None

    def ledger(self) -> Ledger:
        return Ledger.read(self.open(), DeviceKeys.of(self.device, self.seed))  # type: ignore[arg-type]

    def held(self) -> set[bytes]:
        """The rows it has."""
        return {bytes(row[0]) for row in self.open().db.read("SELECT id FROM revision UNION SELECT id FROM act")}


_KEY = Secret(b"K" * 32)


def opened(make: Callable[[], VaultDb]) -> VaultDb:
    """A vault whose jobs are done where they are asked for."""
    writer = vaultdb.Writer
    vaultdb.Writer = Here  # type: ignore[misc,assignment]
    try:
        return make()
    finally:
        vaultdb.Writer = writer  # type: ignore[misc]


MOVES: tuple[tuple[int, str], ...] = (
    (34, "write"), (34, "sync"), (3, "crash"), (3, "truncate"), (3, "flip"), (3, "lose"), (1, "empty"), (1, "litter"),
    (3, "keep"), (3, "roll_back"), (2, "image"), (2, "restore"), (1, "clone"), (1, "clock"), (3, "faults"),
    (1, "end"), (1, "decide"), (1, "forge"),
)  # fmt: skip


class Lanes:
    """Devices and carriers of one program."""

    def __init__(self, folder: Path, seed: int, *, devices: int = 3, carriers: int = 2) -> None:
        self.folder, self.dice = folder, random.Random(seed)
        self.told: list[str] = []
        self.rate = 0.0
        self.carriers = [Shelf() for _ in range(carriers)]
        self.kept: list[tuple[int, Shelf]] = []
        self.nodes = [self._node(number, seed) for number in range(devices)]
        rows = [self._card(node, number) for number, node in enumerate(self.nodes)]
        for node in self.nodes:
            self._begin(node, rows)
        self.written: dict[bytes, int] = {}
        self.at_risk: set[bytes] = set()
        self.ended: set[bytes] = set()
        self.accepted: set[bytes] = set()
        self.forged: set[bytes] = set()
        for carrier in self.carriers:
            carrier.fail = self._failure

    def _node(self, number: int, seed: int) -> Node:
        secret = Secret(sha256(b"device", bytes([number, seed % 251])))
        return Node(
            f"d{number}", self.folder / f"d{number}" / "vault.db", secret, sha256(b"id", bytes([number]))[:16],
            FixedClock(START_MS), SeededRng(seed * 64 + number),
        )  # fmt: skip

    @staticmethod
    def _card(node: Node, number: int) -> ExchangeRow:
        own = DeviceKeys.of(node.device, node.seed)
        rank = () if number == 0 else (0, number)
        card = DeviceCard(node.device, node.name, own.signer.public, own.box.public, rank, ACTIVE, 1, START_MS)
        data = cards.sign(card, ROOT)
        return ExchangeRow(DEVICE, cards.identity(data), data)

    def _begin(self, node: Node, rows: list[ExchangeRow]) -> None:
        node.place.parent.mkdir(parents=True)
        facts = {"vault_id": REALM, "device": node.device}
        db = opened(lambda: VaultDb.create(node.place, _KEY, node.device, facts))
        (node.place.parent / "views" / "ballast").unlink(missing_ok=True)
        node.session = Bare(db, node.device, node.clock, node.rng)
        work = node.session.work()
        work.state[keys.STATE] = TransportKeys({keys.FIRST: Secret(b"T" * 32)}).store()
        node.session.note(work, "begin")
        batch = node.session.sealed(work)
        batch.exchange += rows
        db.commit(batch)

    # -- steps -----------------------------------------------------------------------------

    def step(self) -> None:
        """One random thing happens."""
        name = self.dice.choices([move for _, move in MOVES], [weight for weight, _ in MOVES])[0]
        node = self.dice.choice(self.nodes)
        self.told.append(f"{name} {node.name}")
        node.clock.advance(self.dice.choice((0, 1, 600)))
        getattr(self, f"do_{name}")(node)

    def do_write(self, node: Node) -> None:
        session = node.open()
        work = session.work()
        for _ in range(self.dice.choice((1, 1, 1, 3))):
            record = bytes([self.dice.randrange(40)]) * 16
            blob = session.rng.token(self.dice.choice((60, 200)))
            work.revisions.append(RevisionRow(session.rng.token(16), record, record, 1, b"kind", True, blob))
        if self.dice.random() < 0.3:
            work.acts.append(ActRow(session.rng.token(16), session.rng.token(80)))
        session.note(work, "write")
        session.db.commit(session.sealed(work))
        self.written.update(dict.fromkeys([row.id for row in (*work.revisions, *work.acts)], self.nodes.index(node)))

    def do_sync(self, node: Node) -> None:
        self.sync(node, self.dice.randrange(len(self.carriers)))

    def sync(self, node: Node, number: int) -> engine.Report | None:
        """One exchange; a failing carrier ends it."""
        report = None
        with suppress(Fault):
            report = engine.exchange(node.ledger(), node.mirror, self.carriers[number], str(number))  # type: ignore[arg-type]
        node.ever |= node.held()
        return report

    def do_crash(self, node: Node) -> None:
        """The process ends at some put or commit of an exchange."""
        db, left = node.open().db, self.dice.randrange(1, 10)
        commit, before = db.commit, self.dice.random() < 0.5

        def counted() -> str:
            nonlocal left
            left -= 1
            return "crash" if left == 0 else ""

        def dying(batch: Batch) -> tuple[int, int]:
            if before and counted():
                raise Crash
            found = commit(batch)
            if not before and counted():
                raise Crash
            return found

        carrier = self.dice.choice(self.carriers)
        db.commit = dying  # type: ignore[method-assign]
        carrier.fail = node.mirror.fail = counted
        with suppress(Crash, Fault):
            engine.exchange(node.ledger(), node.mirror, carrier, "crash")  # type: ignore[arg-type]
        carrier.fail, node.mirror.fail = self._failure, lambda: ""
        db.commit = commit  # type: ignore[method-assign]
        node.close()

    def do_truncate(self, node: Node) -> None:
        self._damage(lambda data: data[: self.dice.randrange(len(data))])

    def do_flip(self, node: Node) -> None:
        at, bit = self.dice.random(), 1 << self.dice.randrange(8)
        self._damage(lambda data: _flipped(data, int(at * len(data)), bit))

    def do_lose(self, node: Node) -> None:
        shelf = self.dice.choice([*self.carriers, node.mirror])
        if shelf.files:
            del shelf.files[self.dice.choice(sorted(shelf.files))]

    def do_empty(self, node: Node) -> None:
        self.dice.choice(self.carriers).files.clear()

    def do_litter(self, node: Node) -> None:
        self.dice.choice(self.carriers).files["p/holiday.jpg"] = b"nothing of ours"

    def do_forge(self, node: Node) -> None:
        """Somebody outside leaves a pack of another program, and one nobody signed."""
        carrier = self.dice.choice(self.carriers)
        for key, number in ((Secret(b"X" * 32), 1), (Secret(b"T" * 32), 1)):
            body = packs.Body(packs.FORMAT, REALM, node.device, node.rng.token(16), 0, bytes(32), (), 0, (), ())
            data = packs.seal(body, signing.from_seed(b"X" * 32), key=key, number=number, salt=node.rng.token(32))
            carrier.files[packs.name_of(body.lane, 0, sha256(data))] = data
            self.forged.add(sha256(data))

    def do_keep(self, node: Node) -> None:
        number = self.dice.randrange(len(self.carriers))
        self.kept.append((number, self.carriers[number].copy()))

    def do_roll_back(self, node: Node) -> None:
        if self.kept:
            number, shelf = self.dice.choice(self.kept)
            self.carriers[number].files = dict(shelf.files)

    def do_image(self, node: Node) -> None:
        node.close()
        place = self.folder / f"image{len(self.told)}"
        shutil.copy(node.place, place)
        node.images.append((place, node.mirror.copy()))

    def do_restore(self, node: Node) -> None:
        """Put back to an older image of its disk, mirror included."""
        if node.images:
            node.close()
            place, mirror = self.dice.choice(node.images)
            others = {one for other in self.nodes if other is not node for one in other.held()}
            shutil.copy(place, node.place)
            node.mirror = mirror.copy()
            self.at_risk |= set(self.written) - others - node.held()
            node.ever = node.held()

    def do_clone(self, node: Node) -> None:
        """Somebody copies a device to another machine, and both are used."""
        if len(self.nodes) < MOST:
            node.close()
            place = self.folder / f"clone{len(self.told)}" / "vault.db"
            place.parent.mkdir()
            shutil.copy(node.place, place)
            clock, rng = FixedClock(node.clock.now_ms()), SeededRng(10_000 + len(self.told))
            self.nodes.append(
                Node(f"clone{len(self.told)}", place, node.seed, node.device, clock, rng, node.mirror.copy())
            )

    def do_clock(self, node: Node) -> None:
        node.clock.advance(self.dice.choice((-10, 10)) * 365 * 86400)

    def do_faults(self, node: Node) -> None:
        self.rate = self.dice.choice((0.0, 0.0, 0.3))

    def do_end(self, node: Node) -> None:
        """A device is reported lost; what it does afterwards is late."""
        known = node.ledger()
        active = [c for c in known.devices.cards.values() if c.status == ACTIVE and c.device != node.device]
        if len(self.ended) >= 1 or len(active) < 2 or node.device in self.ended:
            return
        lost = self.dice.choice(active)
        theirs = [entry for entry in known.entries.values() if entry.device == lost.device]
        named = {cause for entry in theirs for cause in entry.parents}
        cut = tuple(sorted(entry.hash for entry in theirs if entry.hash not in named))
        card = msgspec.structs.replace(lost, status=LOST, serial=2, at_ms=node.clock.now_ms(), cut=cut)
        data = cards.sign(card, ROOT)
        known.learn([data])
        fresh = max(known.transport.by_number) + 1
        transport = TransportKeys({**known.transport.by_number, fresh: keys.fresh(node.rng)})
        key = keys.make(REALM, fresh, transport.get(fresh), known.devices, ROOT)
        session = node.open()
        work = session.work()
        work.state[keys.STATE] = transport.store()
        session.note(work, "lost")
        batch = session.sealed(work)
        batch.exchange += [ExchangeRow(DEVICE, cards.identity(data), data), ExchangeRow(KEY, keys.identity(key), key)]
        session.db.commit(batch)
        self.ended.add(lost.device)

    def do_decide(self, node: Node) -> None:
        """A person decides of late work that is here."""
        late = taking.late_packs(node.ledger(), node.mirror)  # type: ignore[arg-type]
        if late and node.device not in self.ended:
            self.decide(node, self.dice.choice(late).entry.hash, self.dice.random() < 0.5)

    def decide(self, node: Node, pack: bytes, accepted: bool) -> None:
        """Accept or file a pack."""
        data = deciding.sign(Decision(REALM, pack, accepted, REASON, b"u" * 16, START_MS), ROOT)
        session = node.open()
        work = session.work()
        session.note(work, "decide")
        batch = session.sealed(work)
        identifier = sha256(data)[:16]
        if not session.db.read("SELECT 1 FROM exchange WHERE kind = ? AND id = ?", (LATE, identifier)):
            batch.exchange.append(ExchangeRow(LATE, identifier, data))
        session.db.commit(batch)
        self.accepted |= {pack} if accepted else set()

    # -- the end ---------------------------------------------------------------------------

    def standing(self) -> list[Node]:
        """The devices that nobody ended: a lost one gets no further key."""
        return [node for node in self.nodes if node.device not in self.ended]

    def settle(self) -> None:
        """Faults stop; everybody meets everybody, and every late pack is accepted by a person."""
        self.rate = 0.0
        for round_ in range(5):
            for node in self.nodes:
                for number in range(len(self.carriers)):
                    self.sync(node, number)
            if round_ == 1:
                first = self.standing()[0]
                for item in taking.late_packs(first.ledger(), first.mirror):  # type: ignore[arg-type]
                    self.decide(first, item.entry.hash, accepted=True)

    def check(self) -> None:
        """The invariants: durability, convergence, order, forks, rollback, cut, nothing forged taken in."""
        nodes = self.standing()
        held = [node.held() for node in nodes]
        everywhere = {one for node in self.nodes for one in node.held()}
        excused = self.at_risk - held[0] - self._carried()
        lost_only = {one for one, at in self.written.items() if self.nodes[at].device in self.ended}
        for node, rows in zip(nodes, held, strict=True):
            assert node.ever <= rows, "a device forgot"
            assert rows == held[0], f"devices hold different rows: {len(rows ^ held[0])}"
            assert rows <= set(self.written), "a row nobody wrote"
            missing = set(self.written) - rows - excused - lost_only
            assert not missing, f"{len(missing)} rows are lost"
        assert lost_only & everywhere - held[0] - excused <= everywhere
        self._check_order([node.ledger() for node in nodes])

    def _check_order(self, ledgers: list[Ledger]) -> None:
        first = ledgers[0]
        order = list(first.session.db.order.places())
        for ledger in ledgers:
            assert ledger.missing() == set(), "packs are named and nobody brought them"
            assert not self.forged & set(ledger.entries), "a pack that nobody signed was taken in"
            assert set(ledger.forks()) == set(first.forks()), "a fork that not everybody tells"
            assert list(ledger.session.db.order.places()) == order, "acts stand in different orders"
        for item in first.sealed:
            assert engine.sealing.intact(first, item), "a pack cannot be made again"

    def close(self) -> None:
        """Close every file."""
        for node in self.nodes:
            node.close()

    def _carried(self) -> set[bytes]:
        """Rows in packs that are somewhere and that the first standing device may open."""
        known, found = self.standing()[0].ledger(), set()
        for shelf in [*self.carriers, *(node.mirror for node in self.nodes)]:
            for name, data in shelf.files.items():
                if packs.parse_name(name) is not None and packs.fits_name(name, data):
                    with suppress(Exception):
                        pack = packs.open_pack(data, REALM, known.transport.get(packs.key_number(data)))
                        inner = packs.content(pack.body)
                        found |= {row.id for row in (*inner.revisions, *inner.acts)}
        return found

    def _failure(self) -> str:
        return self.dice.choice(("down", "cut", "lost answer")) if self.dice.random() < self.rate else ""

    def _damage(self, change: Callable[[bytes], bytes]) -> None:
        shelf = self.dice.choice(self.carriers)
        names = [name for name, data in shelf.files.items() if data]
        if names:
            name = self.dice.choice(sorted(names))
            shelf.files[name] = change(shelf.files[name])


def _flipped(data: bytes, at: int, bit: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= bit
    return bytes(changed)
