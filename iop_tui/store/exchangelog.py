"""What the vault keeps of its exchange with other devices, and the order of the log that follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from iop_tui.kernel.canonical import decode
from iop_tui.store.order import PackEntry, act_order
from iop_tui.store.rows import ActRow

if TYPE_CHECKING:
    from iop_tui.store.vaultdb import VaultDb

TAKEN, SEALED, DEVICE, AUDIT, KEYSLOT, KEY = "taken", "sealed", "device", "audit", "keyslot", "key"
RIVAL = "rival"
"""Kinds of exchange rows: a pack that was taken in, one that was sealed here, a device's certified card, the audit
entries another device wrote (by pack), a user's key slot from another device, a new transport key for the devices; and
(`RIVAL`) a row that bears the number of another one."""
LATE, RECOVERY, ACCOUNT = "late", "recovery", "account"
FACTS = (LATE, RECOVERY, ACCOUNT)
"""Rows that travel as they are under one section: what a person decided of late work, sets of recovery shares, and the
accounts under them. Each says by whom it is certified; nothing is believed for having come."""
EPOCH = "exchange:epoch"
"""State entry: how often a pack changed the order of acts that were here before it."""
_PART = 500


class _First(msgspec.Struct, frozen=True, array_like=True):
    """A pack of format 1 as it was noted when there was no other."""

    entry: PackEntry
    key: int
    salt: bytes
    revisions: int
    acts: int
    sessions: int
    fingerprints: int
    audit: int
    exchange: int


class Sealed(_First, frozen=True, array_like=True):
    """A pack sealed here: its entry and what makes its bytes again. Row numbers are the last ones it holds."""

    format: int = 1

    @classmethod
    def read(cls, data: bytes) -> Sealed:
        """From its row. Raises `VaultDamaged`."""
        if data[:1] == _OF_FIRST:
            return cls(*msgspec.structs.astuple(decode(data, _First)))
        return decode(data, cls)


_OF_FIRST = bytes((0x90 + len(msgspec.structs.fields(_First)),))
"""How the canonical form of the first one begins: an array of nine."""


class LogOrder:
    """The places of acts in the log: 1, 2, … in the order that counts. Without packs that is the order of arrival."""

    def __init__(self, db: VaultDb) -> None:
        self._db = db
        self._at = (-1, -1)
        self._places: dict[bytes, int] = {}

    def places(self) -> dict[bytes, int]:
        """The place of every act."""
        (last,) = self._db.read("SELECT coalesce(max(seq), 0) FROM exchange")[0]
        at = (self._db.position.acts, int(last))
        if at != self._at:
            arrived = [bytes(row[0]) for row in self._db.read("SELECT id FROM act ORDER BY seq")]
            order = act_order(packs(self._db), arrived)
            self._places, self._at = {act: place for place, act in enumerate(order, 1)}, at
        return self._places

    def place(self, act: bytes) -> int:
        """The place of one act that is in the vault."""
        return self.places()[act]

    def acts_since(self, place: int) -> list[tuple[int, ActRow]]:
        """All acts after a place, in order."""
        if not self._db.read("SELECT 1 FROM exchange WHERE kind IN (?, ?) LIMIT 1", (TAKEN, SEALED)):
            rows = self._db.read("SELECT seq, id, signed FROM act WHERE seq > ? ORDER BY seq", (place,))
            return [(row[0], ActRow(row[1], row[2])) for row in rows]
        wanted = [act for act, at in self.places().items() if at > place]
        signed: dict[bytes, bytes] = {}
        for start in range(0, len(wanted), _PART):
            part = wanted[start : start + _PART]
            marks = ",".join("?" * len(part))
            signed.update(self._db.read(f"SELECT id, signed FROM act WHERE id IN ({marks})", tuple(part)))
        return [(self._places[act], ActRow(act, signed[act])) for act in wanted]


def packs(db: VaultDb) -> list[PackEntry]:
    """Every pack that was taken in or sealed here, in the order of that."""
    return [entry for entry, _ in entries(db)]


def entries(db: VaultDb) -> list[tuple[PackEntry, Sealed | None]]:
    """The same, with what makes the bytes of those sealed here."""
    found: list[tuple[PackEntry, Sealed | None]] = []
    for kind, data in db.read("SELECT kind, data FROM exchange WHERE kind IN (?, ?) ORDER BY seq", (TAKEN, SEALED)):
        if kind == SEALED:
            sealed = Sealed.read(data)
            found.append((sealed.entry, sealed))
        else:
            found.append((decode(data, PackEntry), None))
    return found


def epoch(db: VaultDb) -> int:
    """How often the order of older acts changed: a view of another epoch takes its membership in anew."""
    return int.from_bytes(db.state.get(EPOCH, b""), "big")
