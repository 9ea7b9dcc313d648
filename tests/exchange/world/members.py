"""Three administrators who change who holds what, each knowing what they know: every history up to a number of steps.

A step is a change by one of them, sealed as a pack that names what its author knew, or hearing everything that a
colleague knows. The packs are written by the program's own primitives and judged by its own order and resolver, over
databases in memory. Packs are named after what was done and what was known, so histories that differ only in the order
of what nobody noticed are one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import msgspec

from iop_tui.access import primitives, roles
from iop_tui.access.gate import PolicyGate
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import Target
from iop_tui.exchange.sealing import removes
from iop_tui.exchange.taking import _reordered
from iop_tui.kernel.canonical import encode
from iop_tui.kernel.clock import FixedClock
from iop_tui.kernel.rng import SeededRng
from iop_tui.kernel.secret import Secret
from iop_tui.store import revisions
from iop_tui.store.exchangelog import EPOCH, TAKEN, LogOrder
from iop_tui.store.members import acts, anew
from iop_tui.store.members.acts import UserCard, sign_card
from iop_tui.store.order import NO_PACK, PackEntry, frontier
from iop_tui.store.rows import ActRow
from iop_tui.store.session import Identity, Session
from iop_tui.store.views.view import View
from iop_tui.store.views.viewschema import SCHEMA
from iop_tui.store.work import Work
from iop_tui.vault import hpke, signing
from iop_tui.vault.digest import sha256

ADMINISTRATORS = (0, 1, 2)
SUBJECT = 3
"""Whom they give keys to and take them from: a counselor, who does nothing here."""
REALM, ROOT, START_MS = b"M" * 16, signing.from_seed(b"R" * 32), 1_790_000_000_000
PLACE = Target(b"P" * 16, Kind.MED, b"p" * 16)
BOTH = (roles.ADMINISTRATOR, roles.MEDICAL_DIRECTOR)
LESSER = (roles.FRONT_DESK,)
ACTIVE, REMOVED = "active", "removed"
CORE = ("give", "end", "rotate")
STRONG = (*CORE, "remove")
ALL = (*STRONG, "end colleague", "give colleague", "remove subject", "outgrow", "regain")
World = tuple[frozenset[bytes], frozenset[bytes], frozenset[bytes]]
"""What each administrator knows: names of packs."""


@dataclass(frozen=True)
class Pack:
    """A pack with its acts, whose they are, everything its author knew, and what was done, in words."""

    entry: PackEntry
    rows: tuple[ActRow, ...]
    author: int
    known: frozenset[bytes]
    told: str


class Log:
    """As much of a vault as membership asks for: acts in the order they came, and the packs they came in."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.state: dict[str, bytes] = {}
        self.position = SimpleNamespace(acts=0, revisions=0)
        self.order = LogOrder(self)  # type: ignore[arg-type]
        self.acts_since = self.order.acts_since
        self.entries: dict[bytes, PackEntry] = {}

    def read(self, query: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return self._db.execute(query, parameters).fetchall()

    def meta(self, key: str) -> bytes:
        """The id of what exists once per program, and here not at all."""
        return key.encode()[:16].ljust(16)

    def program_compartments(self) -> dict[bytes, str]:
        """None: what one person's record has is enough here."""
        return {}

    def revisions_of(self, compartment: bytes) -> Iterator[tuple[int, object]]:
        """None."""
        return iter(())

    def revision(self, identifier: bytes) -> None:
        """None."""

    def take(self, packs: Iterable[Pack]) -> None:
        """Take packs in as one portion, as an exchange does."""
        packs = list(packs)
        entries = self.entries | {pack.entry.hash: pack.entry for pack in packs}
        fresh = [row for pack in packs for row in pack.rows]
        if _reordered(SimpleNamespace(db=self), entries, fresh):  # type: ignore[arg-type]
            self.state[EPOCH] = (int.from_bytes(self.state.get(EPOCH, b""), "big") + 1).to_bytes(8, "big")
        self._db.executemany("INSERT INTO act (id, signed) VALUES (?, ?)", [(row.id, row.signed) for row in fresh])
        rows = [(TAKEN, encode(pack.entry)) for pack in packs]
        self._db.executemany("INSERT INTO exchange (kind, data) VALUES (?, ?)", rows)
        self.position.acts += len(fresh)
        self.entries = entries


_FREE: list[tuple[sqlite3.Connection, Any]] = []
"""Empty databases in memory, with their statements prepared: a thousand readers a second begin and end."""
_FILLED = ("meta", "quarantine", "late", *anew._MEMBERSHIP)


def _databases() -> tuple[sqlite3.Connection, Any]:
    if _FREE:
        return _FREE.pop()
    log = sqlite3.connect(":memory:", isolation_level=None)
    log.executescript("CREATE TABLE act (seq INTEGER PRIMARY KEY, id BLOB, signed BLOB);"
                      "CREATE TABLE exchange (seq INTEGER PRIMARY KEY, kind TEXT, data BLOB);")  # fmt: skip
    view = sqlite3.connect(":memory:", isolation_level=None, cached_statements=512)
    view.executescript(SCHEMA)
    return log, view


def name_of(user: int) -> bytes:
    """A user's id; their device has the same."""
    return bytes([65 + user]) * 16


@lru_cache(4)
def _identity(user: int) -> Identity:
    granted = (roles.COUNSELOR,) if user == SUBJECT else BOTH
    signer, box = signing.from_seed(bytes([user + 1]) * 32), Secret(bytes([user + 101]) * 32)
    return Identity(name_of(user), f"User {user}", granted, box, signer, Secret(bytes(32)))


@dataclass
class Reader:
    """A user's program: a log, a view, and a session over both."""

    user: int

    def __post_init__(self) -> None:
        self._both = _databases()
        self.log = Log(self._both[0])
        self.session = Session(
            realm=REALM, device=name_of(self.user), identity=_identity(self.user), db=self.log,  # type: ignore[arg-type]
            view=View(Path(), self._both[1], self._both[1]), clock=FixedClock(START_MS), rng=SeededRng(0), audit=None,  # type: ignore[arg-type]
            projector=None, gate=PolicyGate(), root_public=ROOT.public,  # type: ignore[arg-type]
        )  # fmt: skip

    def take(self, packs: Iterable[Pack]) -> Reader:
        """Take packs in as one portion and judge them."""
        self.log.take(packs)
        self.session.catch_up_acts()
        return self

    def live(self, user: int) -> tuple[bytes, ...]:
        """The live wraps of somebody."""
        query = "SELECT id FROM wrap WHERE recipient = ? AND revoked_ms = 0 ORDER BY id"
        return tuple(row[0] for row in self.session.view.rows(query, (name_of(user),)))

    def close(self) -> None:
        """Forget everything; the databases serve the next one."""
        log, view = self._both
        log.executescript("DELETE FROM act; DELETE FROM exchange;")
        for table in _FILLED:
            view.execute(f"DELETE FROM {table}")
        _FREE.append(self._both)


@contextmanager
def quick() -> Iterator[None]:
    """Seals are opened once and public keys computed once, for all readers. Nothing that is read differs."""
    opening, public = acts.open_keys, revisions.deposit_keys
    opened: dict[bytes, Any] = {}
    made: dict[bytes, Any] = {}

    def open_keys(seal: acts.Seal, *, realm: bytes, act: bytes, secret: Secret) -> Any:
        asked = seal.sealed + secret.reveal()
        if asked not in opened:
            opened[asked] = opening(seal, realm=realm, act=act, secret=secret)
        return opened[asked]

    def deposit_keys(key: Secret) -> Any:
        asked = key.reveal()
        if asked not in made:
            made[asked] = public(key)
        return made[asked]

    with mock.patch.object(acts, "open_keys", open_keys), mock.patch.object(revisions, "deposit_keys", deposit_keys):
        yield


class Model:
    """The histories of up to `steps` steps, and the packs they are made of."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self.kinds = kinds
        self.packs: dict[bytes, Pack] = {}
        self._moves: dict[tuple[int, frozenset[bytes]], list[bytes]] = {}
        first = self._make(0, "found", 0, frozenset())
        self.begin: World = (frozenset({first}),) * 3

    def histories(self, steps: int) -> Iterator[frozenset[bytes]]:
        """Every set of packs that up to so many steps make, once; causes are in it."""
        sets: set[frozenset[bytes]] = set()
        level, seen = [self.begin], {self.begin}
        for step in range(steps + 1):
            following: dict[World, None] = {}
            for world in level:
                there = frozenset().union(*world)
                if there not in sets:
                    sets.add(there)
                    yield there
                if step < steps:
                    following.update(dict.fromkeys(self._after(world, last=step + 1 == steps)))
            level = [world for world in following if world not in seen]
            seen.update(level)

    def script(self, *moves: tuple[int, str, int]) -> list[Pack]:
        """Changes that know nothing of each other but what their own author did or heard before: (who, what, whom);
        `hear` takes in what somebody knows.
        """
        known = dict(enumerate(self.begin))
        for who, what, whom in moves:
            known[who] |= known[whom] if what == "hear" else {self._make(who, what, whom, known[who])}
        return self.of(frozenset().union(*known.values()))

    def _after(self, world: World, *, last: bool) -> Iterator[World]:
        for who in ADMINISTRATORS:
            heard = () if last else (world[other] for other in ADMINISTRATORS if not world[other] <= world[who])
            for known in (*heard, *(frozenset({made}) for made in self.moves(who, world[who]))):
                yield tuple(old | known if at == who else old for at, old in enumerate(world))  # type: ignore[misc]

    def of(self, names: Iterable[bytes]) -> list[Pack]:
        """Packs by their names."""
        return [self.packs[name] for name in names]

    def moves(self, who: int, known: frozenset[bytes]) -> list[bytes]:
        """The packs that an administrator who knows this can write next."""
        if (who, known) not in self._moves:
            reader = Reader(who).take(self.of(sorted(known)))
            done = [self._make(who, what, whom, known) for what, whom in self._possible(reader)]
            self._moves[who, known] = done
            reader.close()
        return self._moves[who, known]

    def _possible(self, reader: Reader) -> list[tuple[str, int]]:
        """What somebody's program lets them do: nothing once it knows that they are removed or hold no key."""
        session, me = reader.session, reader.user
        if session.card(name_of(me)).status != ACTIVE:
            return []
        writes = session.writes(PLACE.id)
        found = [("rotate", me)] if writes else []
        for whom in (SUBJECT, *(other for other in ADMINISTRATORS if other != me)):
            live, card = reader.live(whom), session.card(name_of(whom))
            suffix = "" if whom == SUBJECT else " colleague"
            if live:
                found.append((f"end{suffix}", whom))
            elif writes and card.status == ACTIVE and card.roles != LESSER:
                found.append((f"give{suffix}", whom))
            if card.status == ACTIVE and whom == SUBJECT:
                found += [("regain" if card.roles == LESSER else "outgrow", whom), ("remove subject", whom)]
            elif card.status == ACTIVE:
                found.append(("remove", whom))
        return [(what, whom) for what, whom in found if what in self.kinds]

    def _make(self, who: int, what: str, whom: int, known: frozenset[bytes]) -> bytes:
        asked = f"{who} {what} {whom}".encode()
        name = sha256(asked, *sorted(known))
        if name in self.packs:
            return name
        reader = Reader(who).take(self.of(sorted(known)))
        reader.session.rng = SeededRng(int.from_bytes(name[:12], "big"))
        rows = tuple(_written(reader, what, whom))
        reader.close()
        lane = [pack.entry for pack in self.of(known) if pack.author == who]
        prev = max(lane, key=lambda entry: entry.n).hash if lane else NO_PACK
        seen = frontier(pack.entry for pack in self.of(known)) - {prev}
        entry = PackEntry(
            name, name_of(who), name_of(who), len(lane), prev, tuple(sorted(seen)), (who,), removes(rows, ROOT.public),
            tuple(row.id for row in rows), 0, 0,
        )  # fmt: skip
        self.packs[name] = Pack(entry, rows, who, known, f"{who} {what} {whom}")
        return name


def _written(reader: Reader, what: str, whom: int) -> list[ActRow]:
    session, work = reader.session, Work(START_MS)
    if what == "found":
        _found(session, work)
    elif what == "rotate":
        primitives.rotate(session, work, PLACE)
    elif what.startswith("give"):
        card = session.card(name_of(whom))
        to = primitives.Recipient(card.user, card.enc_public, card.roles[0])
        primitives.give_member(session, work, [PLACE], [to], act="assign")
    else:
        if what in ("remove", "remove subject", "outgrow", "regain"):
            _certify(session, work, whom, what)
        if what != "regain" and (live := reader.live(whom)):
            session.act(work, "revoke", revokes=live)
    return work.acts


def _found(session: Session, work: Work) -> None:
    """The program's users, and the compartment's first key with all administrators."""
    cards = []
    for user in (*ADMINISTRATORS, SUBJECT):
        one = _identity(user)
        public = hpke.public_of(one.enc_secret)
        cards.append(UserCard(one.user, one.name, one.roles, public, one.signer.public, ACTIVE, 1))
    session.act(work, "admit", cards=tuple(sign_card(card, ROOT) for card in cards))
    generation, key = session.new_generation(work, PLACE.id, 1)
    to = [primitives.Recipient(card.user, card.enc_public, card.roles[0]) for card in cards[:SUBJECT]]
    primitives._seal(session, work, "found", [(PLACE, 1, key)], to, "member", generations=(generation,))


def _certify(session: Session, work: Work, whom: int, what: str) -> None:
    """A card that removes somebody, or whose roles hold no key of this kind any more, or hold one again."""
    card = session.card(name_of(whom))
    fresh = msgspec.structs.replace(
        card, serial=card.serial + 1, status=REMOVED if what.startswith("remove") else card.status,
        roles={"outgrow": LESSER, "regain": _identity(whom).roles}.get(what, card.roles),
    )  # fmt: skip
    session.act(work, "certify", cards=(sign_card(fresh, ROOT),))
