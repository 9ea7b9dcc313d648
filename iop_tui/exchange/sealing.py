"""Sealing what this device wrote into packs, and making the bytes of such a pack again from the vault.

The vault notes a pack before its bytes are anywhere: a crash in between loses nothing, since the same rows, key,
salt and signature give the same bytes. Nothing that came from another device is ever sealed again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from iop_tui.exchange import cards, keys, packs
from iop_tui.exchange.ledger import LANE, Ledger, stored
from iop_tui.exchange.packs import AuditPart, Body, Entry
from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import IopError, VaultDamaged
from iop_tui.store.exchangelog import DEVICE, FACTS, KEY, KEYSLOT, SEALED, TAKEN, Sealed
from iop_tui.store.members import acts
from iop_tui.store.order import NO_PACK, PackEntry, frontier
from iop_tui.store.revisions import base_of
from iop_tui.store.rows import EMPTY_DIGEST, ActRow, AuditHeader, ExchangeRow, FingerprintRow, RevisionRow, SessionRow
from iop_tui.store.session import Session
from iop_tui.vault.digest import sha256

_SALT = 32
_PER_COMMIT = 16
_GENESIS = bytes(32)
REMOVED = "removed"
_NOT_TAKEN = f"audit_seq NOT IN (SELECT audit_seq FROM exchange WHERE kind = '{TAKEN}')"


@dataclass(frozen=True, slots=True)
class Ends:
    """The last row of each table that a pack holds."""

    revisions: int = 0
    acts: int = 0
    sessions: int = 0
    fingerprints: int = 0
    audit: int = 0
    exchange: int = 0

    @classmethod
    def of(cls, sealed: Sealed) -> Ends:
        """Those of a pack that was sealed."""
        return cls(
            sealed.revisions, sealed.acts, sealed.sessions, sealed.fingerprints, sealed.audit, sealed.exchange
        )


def pending(ledger: Ledger) -> int:
    """How many audit entries wait to be sealed: each write has one."""
    return ledger.session.db.position.audit_seq - _start(ledger).audit


def unpacked(ledger: Ledger) -> bool:
    """Whether anything was done here since the last pack: unlocking and reading count, and the entry that tells of the
    pack itself does not.
    """
    return pending(ledger) > 1


def pending_changes(ledger: Ledger) -> int:
    """How many revisions and acts wait to be sealed, as far as this user can open them: a number that counted what
    colleagues keep alone would tell that there is something (program rule CR-3).
    """
    session, start = ledger.session, _start(ledger)
    ((count,),) = session.db.read(f"SELECT count(*) FROM act WHERE seq > ? AND {_NOT_TAKEN}", (start.acts,))
    query = f"SELECT compartment, count(*) FROM revision WHERE seq > ? AND {_NOT_TAKEN} GROUP BY compartment"
    written = session.db.read(query, (start.revisions,))
    return int(count) + sum(int(rows) for compartment, rows in written if session.holds(bytes(compartment)))


def pending_acts(ledger: Ledger) -> bool:
    """Whether acts wait: then they are sealed before anything is taken in, so that they claim to know no more than
    they did.
    """
    query = f"SELECT 1 FROM act WHERE seq > ? AND {_NOT_TAKEN} LIMIT 1"
    return bool(ledger.session.db.read(query, (_start(ledger).acts,)))


def seal_pending(ledger: Ledger) -> list[PackEntry]:
    """Seal everything this device wrote since its last pack; the new packs. Durable when it returns."""
    session, made = ledger.session, []
    last = session.db.position.audit_seq
    batch: list[Sealed] = []
    for end in _bounds(session, _start(ledger), last, ledger.target):
        sealed = _next(ledger, _start(ledger), end)
        ledger.sealed.append(sealed)
        ledger.entries[sealed.entry.hash] = sealed.entry
        batch.append(sealed)
        made.append(sealed.entry)
        if len(batch) == _PER_COMMIT:
            _commit(ledger, batch)
            batch = []
    if batch:
        _commit(ledger, batch)
    return made


def planned(ledger: Ledger) -> list[int]:
    """The sizes in bytes of the packs that `seal_pending` would make now. Nothing is sealed."""
    session, start, own = ledger.session, _start(ledger), ledger.own_lane()
    number, found = len(own), []
    seen = tuple(frontier(ledger.entries.values()) - ({own[-1].entry.hash} if own else set()))
    for last in _bounds(session, start, session.db.position.audit_seq, ledger.target):
        end = _ends(session, start, last)
        entry = PackEntry(
            NO_PACK, session.device, ledger.lane or bytes(16), number, NO_PACK, seen, (), False, (),
            max(0, session.clock.now_ms()), 0,
        )  # fmt: skip
        found.append(packs.sealed_size(_body(ledger, entry, start, end, packs.FORMAT)))
        start, number, seen = end, number + 1, ()
    return found


def new_lane(ledger: Ledger) -> None:
    """Begin a lane: the first one, or another after this vault was restored or copied. It counts with its first
    pack.
    """
    ledger.lane = ledger.session.rng.token(16)


def remake(ledger: Ledger, sealed: Sealed) -> bytes:
    """The bytes of a pack that was sealed here. Raises `VaultDamaged` where they are not what they were."""
    place = ledger.sealed.index(sealed)
    start = Ends.of(ledger.sealed[place - 1]) if place else Ends()
    data = _bytes(ledger, sealed.entry, start, Ends.of(sealed), sealed.key, sealed.salt, sealed.format)
    if sha256(data) != sealed.entry.hash:
        raise VaultDamaged("A pack cannot be made again as it was.")
    return data


def intact(ledger: Ledger, sealed: Sealed) -> bool:
    """Whether a pack that was sealed here can be made again as it was: a question for the complete check."""
    try:
        remake(ledger, sealed)
    except IopError:
        return False
    return True


def removes(rows: tuple[ActRow, ...], root_public: bytes) -> bool:
    """Whether acts hold a certified removal of a user: such a pack comes before what it did not know."""
    for row in rows:
        try:
            certified = [acts.read_card(card, root_public) for card in acts.read(row).cards]
        except IopError:
            continue  # what cannot be read removes nobody
        if any(card.status == REMOVED for card in certified):
            return True
    return False


# -- one pack ------------------------------------------------------------------------------


def _start(ledger: Ledger) -> Ends:
    return Ends.of(ledger.sealed[-1]) if ledger.sealed else Ends()


def _commit(ledger: Ledger, made: list[Sealed]) -> None:
    session, work = ledger.session, ledger.session.work()
    session.note(work, "exchange-seal", detail=f"{len(made)} packs")
    batch = session.sealed(work)
    batch.exchange += [ExchangeRow(SEALED, item.entry.hash, encode(item)) for item in made]
    # The key a pack is sealed under may have come with packs that are not taken in yet: it is kept with the pack.
    batch.state = {**batch.state, LANE: ledger.lane, keys.STATE: ledger.transport.store()}
    session.db.commit(batch)


def _next(ledger: Ledger, start: Ends, last: int) -> Sealed:
    session = ledger.session
    if not ledger.lane:
        new_lane(ledger)
    end = _ends(session, start, last)
    own = ledger.own_lane()
    prev = own[-1].entry if own else None
    heads = frontier(ledger.entries.values()) - ({prev.hash} if prev else set())
    rows = _acts(session, start, end)
    number, salt = _key_number(ledger, start), session.rng.token(_SALT)
    entry = PackEntry(
        NO_PACK, session.device, ledger.lane, prev.n + 1 if prev else 0, prev.hash if prev else NO_PACK,
        tuple(sorted(heads)), ledger.own_card().rank, removes(rows, session.root_public),
        tuple(row.id for row in rows), max(0, session.clock.now_ms()), 0,
    )  # fmt: skip
    data = _bytes(ledger, entry, start, end, number, salt, packs.FORMAT)
    entry = _with_hash(entry, data)
    return Sealed(
        entry, number, salt, end.revisions, end.acts, end.sessions, end.fingerprints, end.audit, end.exchange,
        packs.FORMAT,
    )  # fmt: skip


def _with_hash(entry: PackEntry, data: bytes) -> PackEntry:
    return PackEntry(
        sha256(data), entry.device, entry.lane, entry.n, entry.prev, entry.seen, entry.rank, entry.removes,
        entry.acts, entry.clock_ms, len(data), entry.unknown,
    )  # fmt: skip


def _key_number(ledger: Ledger, start: Ends) -> int:
    """The newest transport key that every device can have by now: one made since the last pack travels first."""
    rows = ledger.session.db.read(
        f"SELECT data FROM exchange WHERE kind = ? AND seq > ? AND {_NOT_TAKEN}", (KEY, start.exchange)
    )
    travelling = {keys.number_of(bytes(row[0])) for row in rows}
    known = ledger.transport.by_number
    return max((number for number in known if number not in travelling), default=keys.FIRST)


def _bytes(
    ledger: Ledger, entry: PackEntry, start: Ends, end: Ends, number: int, salt: bytes, format_: int
) -> bytes:
    body = _body(ledger, entry, start, end, format_)
    return packs.seal(body, ledger.device.signer, key=ledger.transport.get(number), number=number, salt=salt)


def _body(ledger: Ledger, entry: PackEntry, start: Ends, end: Ends, format_: int) -> Body:
    session = ledger.session
    devices = _data(session, DEVICE, start, end)
    if entry.n == 0:
        devices = tuple(dict.fromkeys((*devices, own_stored_card(ledger))))
    streams, sections = packs.sections(
        acts=_acts(session, start, end),
        revisions=_revisions(session, start, end),
        sessions=_sessions(session, start, end),
        fingerprints=_fingerprints(session, start, end),
        devices=devices,
        keyslots=tuple((data[:16], data[16:]) for data in _data(session, KEYSLOT, start, end)),
        keys=_data(session, KEY, start, end),
        facts=_facts(session, start, end),
        audit=_audit(session, start, end),
        format_=format_,
    )
    return Body(
        format_, session.realm, entry.device, entry.lane, entry.n, entry.prev, entry.seen, entry.clock_ms,
        streams, sections,
    )  # fmt: skip


def own_stored_card(ledger: Ledger) -> bytes:
    """The first certified card of this device, as it is stored."""
    for data in stored(ledger.session, DEVICE):
        try:
            card = cards.read(data, ledger.session.root_public)
        except IopError:
            continue  # not certified by this program
        if card.device == ledger.device.device:
            return data
    raise VaultDamaged("This device's card is missing.")


# -- rows of a range -----------------------------------------------------------------------


def _bounds(session: Session, start: Ends, last: int, target: int) -> Iterator[int]:
    """Audit entries after which a pack ends: whole writes, at most about `target` bytes unless one write is larger."""
    weights = _weights(session, start)
    size = write = end = 0
    for seq, raw in session.db.read(
        "SELECT seq, header FROM audit WHERE seq > ? AND seq <= ? ORDER BY seq", (start.audit, last)
    ):
        write += weights.get(seq, 0) + len(raw)
        if seq != last and decode(bytes(raw), AuditHeader).state == EMPTY_DIGEST:
            continue  # the write goes on
        if end and size + write > target:
            yield end
            size = 0
        size, write, end = size + write, 0, seq
    if end:
        yield end


def _weights(session: Session, start: Ends) -> dict[int, int]:
    found: dict[int, int] = {}
    for table, column, after in (("revision", "sealed", start.revisions), ("act", "signed", start.acts)):
        query = f"SELECT audit_seq, sum(length({column})) FROM {table} WHERE seq > ? AND {_NOT_TAKEN} GROUP BY 1"
        for seq, size in session.db.read(query, (after,)):
            found[seq] = found.get(seq, 0) + size
    return found


def _ends(session: Session, start: Ends, last: int) -> Ends:
    def end(table: str, after: int) -> int:
        query = f"SELECT coalesce(max(seq), ?) FROM {table} WHERE seq > ? AND audit_seq <= ?"
        return int(session.db.read(query, (after, after, last))[0][0])

    return Ends(
        end("revision", start.revisions),
        end("act", start.acts),
        end("audit_session", start.sessions),
        end("fingerprint", start.fingerprints),
        last,
        end("exchange", start.exchange),
    )


def _acts(session: Session, start: Ends, end: Ends) -> tuple[ActRow, ...]:
    query = f"SELECT id, signed FROM act WHERE seq > ? AND seq <= ? AND {_NOT_TAKEN} ORDER BY seq"
    return tuple(ActRow(*row) for row in session.db.read(query, (start.acts, end.acts)))


def _revisions(session: Session, start: Ends, end: Ends) -> tuple[RevisionRow, ...]:
    query = (
        "SELECT id, record, compartment, generation, tag, deposit, sealed FROM revision WHERE seq > ? AND seq <= ?"
        f" AND {_NOT_TAKEN} ORDER BY seq"
    )
    rows = session.db.read(query, (start.revisions, end.revisions))
    found = tuple(RevisionRow(r[0], r[1], r[2], r[3], r[4], bool(r[5]), r[6]) for r in rows)
    return (*_bases(session, found), *found)


def _bases(session: Session, rows: tuple[RevisionRow, ...]) -> list[RevisionRow]:
    """Versions that some of these are stored against and that are not among them: a pack is read without another."""
    here = {row.id for row in rows}
    wanted = dict.fromkeys(name for name in map(base_of, rows) if name and name not in here)
    found = [session.db.revision(name) for name in wanted]
    if None in found:
        raise VaultDamaged("A version lacks the one it is stored against.")
    return [row for row in found if row is not None]


def _sessions(session: Session, start: Ends, end: Ends) -> tuple[SessionRow, ...]:
    query = (
        "SELECT id, user, for_auditors, for_self FROM audit_session WHERE seq > ? AND seq <= ?"
        f" AND {_NOT_TAKEN} ORDER BY seq"
    )
    return tuple(SessionRow(*row) for row in session.db.read(query, (start.sessions, end.sessions)))


def _fingerprints(session: Session, start: Ends, end: Ends) -> tuple[FingerprintRow, ...]:
    query = f"SELECT mac, target FROM fingerprint WHERE seq > ? AND seq <= ? AND {_NOT_TAKEN} ORDER BY seq"
    return tuple(FingerprintRow(*row) for row in session.db.read(query, (start.fingerprints, end.fingerprints)))


def _data(session: Session, kind: str, start: Ends, end: Ends) -> tuple[bytes, ...]:
    query = f"SELECT data FROM exchange WHERE kind = ? AND seq > ? AND seq <= ? AND {_NOT_TAKEN} ORDER BY seq"
    return tuple(bytes(row[0]) for row in session.db.read(query, (kind, start.exchange, end.exchange)))


def _facts(session: Session, start: Ends, end: Ends) -> tuple[tuple[str, bytes], ...]:
    query = (
        f"SELECT kind, data FROM exchange WHERE kind IN ({','.join('?' * len(FACTS))}) AND seq > ? AND seq <= ?"
        f" AND {_NOT_TAKEN} ORDER BY seq"
    )
    return tuple((str(row[0]), bytes(row[1])) for row in session.db.read(query, (*FACTS, start.exchange, end.exchange)))


def _audit(session: Session, start: Ends, end: Ends) -> AuditPart | None:
    rows = session.db.read(
        "SELECT seq, header, sealed FROM audit WHERE seq > ? AND seq <= ? ORDER BY seq", (start.audit, end.audit)
    )
    if not rows:
        return None
    headers = [decode(bytes(row[1]), AuditHeader) for row in rows]
    entries = tuple(
        Entry(h.at_ms, h.session, h.changes, h.state, h.clean_close, bytes(row[2]))
        for h, row in zip(headers, rows, strict=True)
    )
    return AuditPart(headers[0].seq, headers[0].previous, entries)
