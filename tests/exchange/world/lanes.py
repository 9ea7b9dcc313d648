"""The exchange alone, fast: real packs, seals, signatures, order and vault databases; rows without a meaning.

`simulator.World` plays whole programs with charts and keys. Here a step takes milliseconds, so that thousands of them
fit into every run: devices that write acts and rows, exchange over carriers that fail in every way, crash at any put or
commit, are put back to older images, copied, lost, and decided about.

    world = Lanes(folder, seed); world.step() …; world.settle(); lanechecks.check(world)
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from iop_tui.exchange import cards, deciding, engine, keys, packs, taking
from iop_tui.exchange.cards import ACTIVE, LOST, DeviceCard
from iop_tui.exchange.deciding import Decision
from iop_tui.exchange.keys import TransportKeys
from iop_tui.exchange.ledger import Ledger
from iop_tui.kernel.clock import FixedClock
from iop_tui.kernel.rng import SeededRng
from iop_tui.kernel.secret import Secret
from iop_tui.store.exchangelog import DEVICE, KEY, LATE
from iop_tui.store.rows import ActRow, ExchangeRow, RevisionRow
from iop_tui.store.vaultdb import Batch
from iop_tui.vault import signing
from iop_tui.vault.digest import sha256
from tests.exchange.world.nodes import REALM, ROOT, START_MS, Image, Node
from tests.exchange.world.shelf import Crash, Fault, Shelf

MOST = 6
ROUNDS = 8
REASON = "seen by a person"
YEAR = 365 * 86400


MOVES: tuple[tuple[int, str], ...] = (
    (40, "write"), (28, "sync"), (3, "crash"), (3, "truncate"), (3, "flip"), (3, "lose"), (1, "empty"), (1, "litter"),
    (3, "keep"), (3, "roll_back"), (1, "swap"), (2, "image"), (2, "restore"), (1, "clone"), (1, "clock"), (3, "faults"),
    (1, "end"), (1, "decide"), (1, "forge"), (1, "newer"),
)  # fmt: skip


class Lanes:
    """Devices and carriers of one program. `written`: who wrote a row, and its bytes; `at_risk`, `packs_at_risk`: rows
    and packs that only a device had which was put back to an older image, excused where nobody has them any more;
    `clocks`: years a clock may jump.
    """

    def __init__(
        self, folder: Path, seed: int, *, devices: int = 3, carriers: int = 3, clocks: tuple[int, ...] = (-10, 10)
    ) -> None:
        self.folder, self.dice, self.clocks = folder, random.Random(seed), clocks
        self.told: list[str] = []
        self.rate = 0.0
        self.carriers = [Shelf() for _ in range(carriers)]
        self.kept: list[tuple[int, Shelf]] = []
        self.nodes = [self._node(number, seed) for number in range(devices)]
        self.spare = self._node(devices, seed)
        self.cards = [node.card((0, number) if number else ()) for number, node in enumerate([*self.nodes, self.spare])]
        for node in self.nodes:
            node.found(self.cards)
        self.written: dict[bytes, tuple[int, bytes]] = {}
        self.at_risk: set[bytes] = set()
        self.packs_at_risk: set[str] = set()
        self.ended: set[bytes] = set()
        self.forged: set[bytes] = set()
        self.newer: set[str] = set()
        for carrier in self.carriers:
            carrier.fail = self._failure

    def _node(self, number: int, seed: int) -> Node:
        secret = Secret(sha256(b"device", bytes([number, seed % 251])))
        return Node(
            f"d{number}", self.folder / f"d{number}" / "vault.db", secret, sha256(b"id", bytes([number]))[:16],
            FixedClock(START_MS), SeededRng(seed * 64 + number),
        )  # fmt: skip

    # -- steps -----------------------------------------------------------------------------

    def step(self, moves: tuple[tuple[int, str], ...] = MOVES) -> None:
        """One random thing happens; nobody forgets by it."""
        name = self.dice.choices([move for _, move in moves], [weight for weight, _ in moves])[0]
        self.move(name, self.dice.choice(self.nodes))

    def move(self, name: str, node: Node) -> None:
        """One thing happens to a device."""
        self.told.append(f"{name} {node.name}")
        node.clock.advance(self.dice.choice((0, 1, 600)))
        getattr(self, f"do_{name}")(node)
        held = node.held()
        assert node.ever <= held, "a device forgot"
        node.ever = held

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
        by = self.nodes.index(node)
        self.written |= {row.id: (by, row.sealed) for row in work.revisions}
        self.written |= {row.id: (by, row.signed) for row in work.acts}

    def do_sync(self, node: Node) -> None:
        self.sync(node, self.dice.randrange(len(self.carriers)))

    def sync(self, node: Node, number: int) -> engine.Report | None:
        """One exchange; a failing carrier ends it. What a carrier held before and lacks now is told."""
        carrier, saw = self.carriers[number], node.saw.pop(number, set())
        gone = saw - set(carrier.listing())
        with suppress(Fault):
            report = engine.exchange(node.ledger(), node.mirror, carrier, str(number))  # type: ignore[arg-type]
            assert gone <= set(report.moved.gone), "a carrier went back and nobody said so"
            node.saw[number] = carrier.sound()
            return report
        return None

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

    def do_swap(self, node: Node) -> None:
        """Two sticks are taken for each other."""
        one, two = self.dice.sample(self.carriers, 2)
        one.files, two.files = two.files, one.files

    def do_forge(self, node: Node) -> None:
        """Somebody outside leaves a pack of another program, and one nobody signed."""
        carrier = self.dice.choice(self.carriers)
        if self.forged:
            return
        for key, number in ((Secret(b"X" * 32), 1), (Secret(b"T" * 32), 1)):
            body = packs.Body(packs.FORMAT, REALM, node.device, node.rng.token(16), 0, bytes(32), (), 0, (), ())
            data = packs.seal(body, signing.from_seed(b"X" * 32), key=key, number=number, salt=node.rng.token(32))
            carrier.files[packs.name_of(body.lane, 0, sha256(data))] = data
            self.forged.add(sha256(data))

    def do_newer(self, node: Node) -> None:
        """A device with a later version of the program leaves a pack in a form that nobody here can read."""
        if self.newer:
            return
        body = packs.Body(packs.FORMAT + 7, REALM, node.device, node.rng.token(16), 0, bytes(32), (), 0, (), ())
        data = packs.seal(body, node.keys().signer, key=Secret(b"T" * 32), number=1, salt=node.rng.token(32))
        name = packs.name_of(body.lane, 0, sha256(data))
        node.mirror.files[name] = data
        self.newer.add(name)

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
        saw = {number: set(names) for number, names in node.saw.items()}
        node.images.append(Image(place, node.mirror.copy(), list(node.alarms), saw))

    def do_restore(self, node: Node) -> None:
        """Put back to an older image of its disk, mirror included."""
        if node.images:
            node.close()
            image = self.dice.choice(node.images)
            others = {one for other in self.nodes if other is not node for one in other.held()}
            shutil.copy(image.place, node.place)
            self.packs_at_risk |= set(node.mirror.listing()) - set(image.mirror.listing())
            node.mirror, node.alarms = image.mirror.copy(), list(image.alarms)
            node.saw = {number: set(names) for number, names in image.saw.items()}
            self.at_risk |= set(self.written) - others - node.held()
            node.ever = set()

    def do_clone(self, node: Node) -> None:
        """Somebody copies a device to another machine, and both are used."""
        if len(self.nodes) < MOST:
            node.close()
            name = f"clone{len(self.told)}"
            place = self.folder / name / "vault.db"
            place.parent.mkdir()
            shutil.copy(node.place, place)
            clock, rng = FixedClock(node.clock.now_ms()), SeededRng(10_000 + len(self.told))
            copy = Node(name, place, node.seed, node.device, clock, rng, node.mirror.copy(), alarms=list(node.alarms))
            self.nodes.append(copy)

    def do_clock(self, node: Node) -> None:
        node.clock.advance(self.dice.choice(self.clocks) * YEAR)

    def do_faults(self, node: Node) -> None:
        self.rate = self.dice.choice((0.0, 0.0, 0.3))

    def do_end(self, node: Node) -> None:
        """A device is reported lost; what it does afterwards is late."""
        known = node.ledger()
        here = {other.device for other in self.nodes} - {node.device}
        active = [c for c in known.devices.cards.values() if c.status == ACTIVE and c.device in here]
        if self.ended or len(active) < 2:
            return
        self.end(node, self.dice.choice(active))

    def end(self, node: Node, lost: DeviceCard) -> None:
        """Report a device lost: its cut is what is known of it here; the others get a new transport key."""
        known = node.ledger()
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

    # -- the end ---------------------------------------------------------------------------

    def standing(self) -> list[Node]:
        """The devices that nobody ended: a lost one gets no further key."""
        return [node for node in self.nodes if node.device not in self.ended]

    def settle(self) -> None:
        """Faults stop; everybody meets everybody, and every late pack is accepted by a person, until all have all."""
        self.rate = 0.0
        for round_ in range(ROUNDS):
            for node in self.nodes:
                # What lies on one carrier only is fetched by the first device and brought to the one where all meet.
                for number in range(len(self.carriers) if round_ == 0 and node is self.nodes[0] else 1):
                    self.sync(node, number)
            if round_ == 1:
                self._accept_late()
            if round_ and (round_ > 1 or not self.ended) and self._at_rest():
                return
        raise AssertionError("the devices do not come to rest")

    def _accept_late(self) -> None:
        first = self.standing()[0]
        for item in taking.late_packs(first.ledger(), first.mirror):  # type: ignore[arg-type]
            self.decide(first, item.entry.hash, accepted=True)

    def _at_rest(self) -> bool:
        rows = self.standing()[0].held()
        if any(node.held() != rows for node in self.standing()):
            return False
        ledgers = [node.ledger() for node in self.standing()]
        return all(
            not self.withheld(ledger) and set(ledger.forks()) == set(ledgers[0].forks()) for ledger in ledgers
        )

    def withheld(self, ledger: Ledger) -> set[str]:
        """Packs that others name, that are not here, and that somebody still has, or that nothing excuses."""
        shelves = [*self.carriers, *(node.mirror for node in self.standing())]
        sound = {name for shelf in shelves for name in shelf.sound()}
        lost = {_check_of(name) for name in self.packs_at_risk - sound}
        return {packs.text(digest)[:26] for digest in ledger.missing()} - lost

    def close(self) -> None:
        """Close every file."""
        for node in [*self.nodes, self.spare]:
            node.close()

    def _failure(self) -> str:
        return self.dice.choice(("down", "cut", "lost answer")) if self.dice.random() < self.rate else ""

    def _damage(self, change: Callable[[bytes], bytes]) -> None:
        shelf = self.dice.choice(self.carriers)
        names = [name for name, data in shelf.files.items() if data]
        if names:
            name = self.dice.choice(sorted(names))
            shelf.files[name] = change(shelf.files[name])


def _check_of(name: str) -> str:
    found = packs.parse_name(name)
    return found.check if found is not None else ""


def _flipped(data: bytes, at: int, bit: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= bit
    return bytes(changed)
