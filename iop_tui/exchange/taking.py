"""Taking packs in: open, verify, judge, order, apply; idempotent, in any order, in transactions of whole packs.

What cannot be believed or understood stays in the mirror, is offered to others as it came, and is told in plain
words. Rows that are here already are passed over; a row that bears the number of another one is kept beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from iop_tui.exchange import cards, keys, packs
from iop_tui.exchange.ledger import Ledger
from iop_tui.exchange.mirror import Mirror
from iop_tui.exchange.packs import Content, Pack
from iop_tui.exchange.sealing import removes
from iop_tui.kernel.canonical import encode
from iop_tui.kernel.errors import IopError, NeedsNewer, NotFound, VaultDamaged
from iop_tui.store import exchangelog
from iop_tui.store.exchangelog import AUDIT, DEVICE, EPOCH, FACTS, KEY, KEYSLOT, RIVAL, TAKEN
from iop_tui.store.order import PackEntry, act_order, canonical, forks
from iop_tui.store.rows import ActRow, ExchangeRow, RevisionRow
from iop_tui.store.session import Session
from iop_tui.store.vaultdb import Batch
from iop_tui.vault.digest import sha256
from iop_tui.vault.signing import BadSignature

_PART = 500
BATCH_BYTES = 4 * 1024 * 1024
"""Packs of about so many bytes make one transaction."""
NEWER, DAMAGED, FOREIGN, FORGED = "newer", "damaged", "foreign", "forged"
NO_DEVICE, NO_KEY, LATE = "no_device", "no_key", "late"
WORDS = {
    NEWER: "needs a newer version of iop-tui",
    DAMAGED: "is damaged",
    FOREIGN: "belongs to another program",
    FORGED: "was not signed by the device it names",
    NO_DEVICE: "is from a device this copy does not know yet",
    NO_KEY: "needs a key that has not come yet",
    LATE: "was written by a device after it was reported lost",
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A pack that was not taken in, and why: one of the codes above."""

    name: str
    why: str
    device: bytes = b""


@dataclass(frozen=True, slots=True)
class Opened:
    """A pack that may be taken in."""

    name: str
    entry: PackEntry
    content: Content


@dataclass(slots=True)
class Taken:
    """What taking in brought."""

    packs: list[PackEntry] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    forks: list[tuple[bytes, int]] = field(default_factory=list)
    rivals: int = 0
    rows: int = 0


def take(
    ledger: Ledger, mirror: Mirror, progress: Callable[[int, int], None] | None = None
) -> Taken:
    """Take in every pack of the mirror that can be. What was taken in is durable when it returns."""
    found = Taken()
    parts = ready(ledger, mirror, found)
    total, done = sum(map(len, parts)), 0
    for part in parts:
        apply(ledger, part, found)
        done += len(part)
        if progress is not None:
            progress(done, total)
    return found


def ready(ledger: Ledger, mirror: Mirror, found: Taken, size: int = BATCH_BYTES) -> list[list[Opened]]:
    """The packs of the mirror that may be taken in, opened and in order, in parts of about `size` bytes; what may not
    is noted in `found`. Nothing is written to the vault.
    """
    opened = _open_all(ledger, mirror, found)
    late = _late(ledger, opened, found)
    good = {item.entry.hash: item for item in opened if item.entry.hash not in late}
    order = [good[entry.hash] for entry in canonical([*ledger.entries.values(), *(i.entry for i in good.values())])
             if entry.hash in good]  # fmt: skip
    return list(_parts(order, size))


def restored(ledger: Ledger, mirror: Mirror) -> bool:
    """Whether packs of this device's own lane came from elsewhere: this vault was restored, or there are two of it."""
    own = {item.entry.hash for item in ledger.own_lane()}
    if any(entry.lane == ledger.lane and entry.hash not in own for entry in ledger.entries.values()):
        return True
    return any(_genuine(ledger, mirror, name) for name in _names(ledger, mirror) if _lane_of(name) == ledger.lane)


def _lane_of(name: str) -> bytes:
    place = packs.parse_name(name)
    return place.lane if place else b""


def _genuine(ledger: Ledger, mirror: Mirror, name: str) -> bool:
    try:
        _open(ledger, mirror, name)
    except IopError:
        return False  # a file of that name by somebody else moves nobody
    return True


def _names(ledger: Ledger, mirror: Mirror) -> list[str]:
    """Packs of the mirror that were not taken in."""
    here = {packs.name_of(entry.lane, entry.n, entry.hash) for entry in ledger.entries.values()}
    return [name for name in mirror.listing() if name not in here]


def not_taken(ledger: Ledger, mirror: Mirror) -> list[Waiting]:
    """The packs of the mirror that wait, and why; nothing is changed."""
    found = Taken()
    _late(ledger, _open_all(ledger, mirror, found), found)
    return found.waiting


def late_packs(ledger: Ledger, mirror: Mirror) -> list[Opened]:
    """The packs kept aside because their device was cut off before, in order; nothing is changed."""
    found = Taken()
    opened = _open_all(ledger, mirror, found)
    late = {item.entry.hash: item for item in opened if item.entry.hash in _late(ledger, opened, found)}
    return [late[entry.hash] for entry in canonical(item.entry for item in late.values())]


def _late(ledger: Ledger, opened: list[Opened], found: Taken) -> set[bytes]:
    """Which packs are kept aside. Those a person filed as not accepted are told no more."""
    entries = [*ledger.entries.values(), *(item.entry for item in opened)]
    late = cards.late(entries, ledger.devices, ledger.accepted())
    found.waiting += [
        Waiting(item.name, LATE, item.entry.device)
        for item in opened
        if item.entry.hash in late and item.entry.hash not in ledger.decisions
    ]
    return late


# -- opening -------------------------------------------------------------------------------


def _open_all(ledger: Ledger, mirror: Mirror, found: Taken) -> list[Opened]:
    """Every pack that is not here yet. A device or key that one of them brings may open others: until none is left."""
    todo = _names(ledger, mirror)
    opened: list[Opened] = []
    moved = True
    while moved:
        moved, waiting = False, []
        for name in todo:
            try:
                item = _open(ledger, mirror, name)
            except IopError as error:
                waiting.append(Waiting(name, _why(error)))
                continue
            opened.append(item)
            moved = True
        todo = [item.name for item in waiting if item.why in (NO_DEVICE, NO_KEY)]
        found.waiting = [item for item in found.waiting if item.why not in (NO_DEVICE, NO_KEY)] + waiting
    return opened


class _NoDevice(NotFound):
    code = "no_device"


class _NoTransportKey(NotFound):
    code = "no_transport_key"


def _why(error: IopError) -> str:
    for kind, why in (
        (_NoDevice, NO_DEVICE), (_NoTransportKey, NO_KEY), (NeedsNewer, NEWER), (packs.Foreign, FOREIGN),
        (BadSignature, FORGED),
    ):  # fmt: skip
        if isinstance(error, kind):
            return why
    return DAMAGED


def _open(ledger: Ledger, mirror: Mirror, name: str) -> Opened:
    data, place = mirror.get(name), packs.parse_name(name)
    if data is None or place is None:
        raise VaultDamaged("A pack is not there any more.")
    if not packs.fits(place, data):
        mirror.set_aside(name, data)
        mirror.drop(name)
        raise VaultDamaged("A pack is damaged.")
    try:
        key = ledger.transport.get(packs.key_number(data))
    except NotFound:
        raise _NoTransportKey from None
    pack = packs.open_pack(data, ledger.session.realm, key)
    if (pack.body.lane, pack.body.n) != (place.lane, place.n):
        raise VaultDamaged("A pack does not stand at its place.")
    content = packs.content(pack.body)
    _learn(ledger, content)
    card = ledger.devices.cards.get(pack.body.device)
    if card is None:
        raise _NoDevice
    pack.verify(card.sig_public)
    return Opened(name, _entry(ledger, pack, content, card.rank), content)


def _entry(ledger: Ledger, pack: Pack, content: Content, rank: tuple[int, ...]) -> PackEntry:
    body = pack.body
    return PackEntry(
        pack.hash, body.device, body.lane, body.n, body.prev, body.seen, rank,
        removes(content.acts, ledger.session.root_public), tuple(row.id for row in content.acts), body.clock_ms,
        pack.size, len(content.unknown),
    )  # fmt: skip


def _learn(ledger: Ledger, content: Content) -> None:
    """Devices and transport keys count by the root's signature alone, whoever brings them."""
    session = ledger.session
    ledger.learn(content.devices)
    ledger.learn_decisions(data for kind, data in content.facts if kind == exchangelog.LATE)
    if content.keys:
        ledger.transport = keys.learn(
            ledger.transport, content.keys, session.realm, ledger.device, session.root_public
        )


# -- applying ------------------------------------------------------------------------------


def _parts(order: list[Opened], most: int) -> Iterable[list[Opened]]:
    part: list[Opened] = []
    size = 0
    for item in order:
        part.append(item)
        size += item.entry.size
        if size >= most:
            yield part
            part, size = [], 0
    if part:
        yield part


def apply(ledger: Ledger, part: list[Opened], found: Taken) -> None:
    """Take one part of `ready` in, in one transaction."""
    session, work = ledger.session, ledger.session.work()
    before = set(ledger.forks())
    entries = {**ledger.entries, **{item.entry.hash: item.entry for item in part}}
    new_forks = sorted(set(forks(entries.values())) - before)
    session.note(work, "exchange-take", detail=f"{len(part)} packs")
    for lane, n in new_forks:
        session.note(work, "exchange-fork", subject=lane, detail=str(n))
    batch = session.sealed(work)
    for item in part:
        _add(session, batch, item, found)
    batch.state = {**batch.state, keys.STATE: ledger.transport.store()}
    if _reordered(session, entries, batch.acts):
        batch.state[EPOCH] = (exchangelog.epoch(session.db) + 1).to_bytes(8, "big")
    session.db.commit(batch)
    ledger.entries = entries
    found.packs += [item.entry for item in part]
    found.forks += new_forks
    found.rows += len(batch.revisions) + len(batch.acts)


def _reordered(session: Session, entries: dict[bytes, PackEntry], fresh: list[ActRow]) -> bool:
    """Whether acts that are here already get other places."""
    known = list(session.db.order.places())
    arrived = [bytes(row[0]) for row in session.db.read("SELECT id FROM act ORDER BY seq")]
    order = act_order(entries.values(), arrived + [row.id for row in fresh])
    return order[: len(known)] != known


def _add(session: Session, batch: Batch, item: Opened, found: Taken) -> None:
    content = item.content
    _add_acts(session, batch, content.acts, found)
    _add_revisions(session, batch, content.revisions, found)
    known = _present(session, "audit_session", "id", [row.id for row in content.sessions])
    known |= {row.id for row in batch.sessions}
    batch.sessions += [row for row in content.sessions if row.id not in known]
    known = _present(session, "fingerprint", "mac", [row.mac for row in content.fingerprints])
    known |= {row.mac for row in batch.fingerprints}
    batch.fingerprints += [row for row in content.fingerprints if row.mac not in known]
    rows = [ExchangeRow(TAKEN, item.entry.hash, encode(item.entry))]
    rows += [ExchangeRow(DEVICE, cards.identity(data), data) for data in content.devices]
    rows += [ExchangeRow(KEY, keys.identity(data), data) for data in content.keys]
    rows += [ExchangeRow(KEYSLOT, user, user + data) for user, data in content.keyslots]
    rows += [ExchangeRow(kind, sha256(data)[:16], data) for kind, data in content.facts if kind in FACTS]
    if content.audit is not None:
        rows.append(ExchangeRow(AUDIT, item.entry.hash, encode((item.entry.device, content.audit))))
    for row in rows:
        _add_exchange(session, batch, row)


def _add_exchange(session: Session, batch: Batch, row: ExchangeRow) -> None:
    there = session.db.read("SELECT 1 FROM exchange WHERE kind = ? AND id = ?", (row.kind, row.id))
    if not there and all((other.kind, other.id) != (row.kind, row.id) for other in batch.exchange):
        batch.exchange.append(row)


def _present(session: Session, table: str, column: str, ids: list[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    for start in range(0, len(ids), _PART):
        part = ids[start : start + _PART]
        marks = ",".join("?" * len(part))
        rows = session.db.read(f"SELECT {column} FROM {table} WHERE {column} IN ({marks})", tuple(part))
        found.update(bytes(row[0]) for row in rows)
    return found


def _add_acts(session: Session, batch: Batch, rows: tuple[ActRow, ...], found: Taken) -> None:
    here = {row.id: row for row in batch.acts}
    for start in range(0, len(rows), _PART):
        part = rows[start : start + _PART]
        marks = ",".join("?" * len(part))
        query = f"SELECT id, signed FROM act WHERE id IN ({marks})"
        here |= {row[0]: ActRow(row[0], row[1]) for row in session.db.read(query, tuple(row.id for row in part))}
    for act in rows:
        if act.id not in here:
            batch.acts.append(act)
            here[act.id] = act
        elif here[act.id] != act:
            _rival(session, batch, act.digest(), encode(("act", act.id, act.signed)), found)


def _add_revisions(session: Session, batch: Batch, rows: tuple[RevisionRow, ...], found: Taken) -> None:
    here = {row.id: row.digest() for row in batch.revisions}
    for identifier in _present(session, "revision", "id", [row.id for row in rows]):
        row = session.db.revision(identifier)
        if row is not None:
            here[identifier] = row.digest()
    for fresh in rows:
        if fresh.id not in here:
            batch.revisions.append(fresh)
            here[fresh.id] = fresh.digest()
        elif here[fresh.id] != fresh.digest():
            stored = encode(("revision", fresh.id, fresh.record, fresh.compartment, fresh.generation, fresh.tag,
                             fresh.deposit, fresh.sealed))  # fmt: skip
            _rival(session, batch, fresh.digest(), stored, found)


def _rival(session: Session, batch: Batch, identifier: bytes, data: bytes, found: Taken) -> None:
    _add_exchange(session, batch, ExchangeRow(RIVAL, identifier[:16], data))
    found.rivals += 1
