"""What a person can read who holds the vault's file and their own secrets, and nothing else.

Shares no code with the store's reading path: rows are parsed as plain MessagePack lists, and only the sealed
boxes (HPKE, the envelope) are opened with the vault's own primitives, which have their own vectors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from iop_tui.access.policy import MATRIX
from iop_tui.kernel.errors import IopError
from iop_tui.kernel.secret import Secret
from iop_tui.vault import envelope, hpke
from iop_tui.vault.digest import derive, sha256

MEMBERS = {rule.kind: [role for role, cell in rule.cells.items() if cell in ("F", "R")] for rule in MATRIX}
"""Kind -> roles that may hold its key, read from the matrix' cells alone."""


def _joined(*parts: bytes | str | int) -> bytes:
    out = b""
    for part in parts:
        raw = part.to_bytes(8, "big") if isinstance(part, int) else part.encode() if isinstance(part, str) else part
        out += len(raw).to_bytes(4, "big") + raw
    return out


@dataclass(frozen=True)
class Row:
    """A revision row and what it turned out to be."""

    id: bytes
    record: bytes
    kind: str
    person: bytes
    compartment: bytes
    payload: bytes


@dataclass(frozen=True)
class SealedFact:
    """What the seals say a compartment is."""

    kind: str
    person: bytes
    owner: bytes


Seal = list[list[Any]]


@dataclass
class Seen:
    """What was read and opened before: rows are never changed, and a key opens the same row for ever.

    Everything here was computed by this module from rows of the vault; only doing it again is spared.
    """

    acts: list[list[Any]] = field(default_factory=list)
    revisions: list[tuple[Any, ...]] = field(default_factory=list)
    by_id: dict[bytes, tuple[Any, ...]] = field(default_factory=dict)
    last: tuple[int, int] = (0, 0)
    seals: dict[tuple[bytes, bytes, bytes], Seal] = field(default_factory=dict)
    rows: dict[tuple[bytes, bytes], Row | None] = field(default_factory=dict)
    pairs: dict[bytes, Secret] = field(default_factory=dict)

    def pair(self, key: bytes) -> Secret:
        """The deposit key pair's secret that follows from a compartment's key."""
        if key not in self.pairs:
            self.pairs[key] = hpke.from_seed(derive(key, "iop/deposit-key/1")).secret
        return self.pairs[key]

    def read(self, db: Any) -> None:
        """Take in the rows that came since."""
        act, revision = self.last
        for seq, signed in db.read("SELECT seq, signed FROM act WHERE seq > ? ORDER BY seq", (act,)):
            self.acts.append(msgspec.msgpack.decode(msgspec.msgpack.decode(signed)[0]))
            act = seq
        for seq, *row in db.read(
            "SELECT seq, id, record, compartment, generation, tag, deposit, sealed FROM revision WHERE seq > ?"
            " ORDER BY seq",
            (revision,),
        ):
            self.revisions.append(tuple(row))
            self.by_id[row[0]] = tuple(row)
            revision = seq
        self.last = (act, revision)


@dataclass
class Log:
    """Every row of a vault, as anybody who can open the file sees it."""

    realm: bytes
    acts: list[list[Any]]
    revisions: list[tuple[Any, ...]]
    seen: Seen = field(default_factory=Seen)
    revoked: set[bytes] = field(default_factory=set)
    ends: dict[bytes, int] = field(default_factory=dict)
    sealed: dict[bytes, list[tuple[bytes, bytes]]] = field(default_factory=dict)
    glass: set[bytes] = field(default_factory=set)
    """Grants sealed for an emergency, which a program opens only after an act that says so."""

    @classmethod
    def of(cls, db: Any, realm: bytes, seen: Seen | None = None) -> Log:
        """All rows of an open `VaultDb`; with `seen`, what was opened before is not opened again."""
        seen = seen or Seen()
        seen.read(db)
        log = cls(realm, list(seen.acts), list(seen.revisions), seen)
        for act in log.acts:
            log.revoked.update(act[6])
            log.ends.update({grant[0]: grant[5] for grant in act[5] if grant[5]})
            log.glass.update(grant[0] for grant in act[5] if grant[4] == "emergency")
            for recipient, sealed in act[9]:
                log.sealed.setdefault(recipient, []).append((act[0], sealed))
        return log

    def generations(self) -> dict[tuple[bytes, int], bytes]:
        """(compartment, generation) -> who made it."""
        made: dict[tuple[bytes, int], bytes] = {}
        for act in self.acts:
            for compartment, number, _ in act[7]:
                made.setdefault((compartment, number), act[3])
        return made

    def facts(self, user: bytes, enc_seed: Secret) -> dict[bytes, SealedFact]:
        """Compartment -> what it is, from every seal this user can open."""
        return self._unsealed(user, enc_seed, None, None)[1]

    def keys(
        self, user: bytes, enc_seed: Secret, now_ms: int | None, roles: tuple[str, ...] | None = None, *,
        glass: bool = False,
    ) -> dict[tuple[bytes, int], bytes]:
        """(compartment, generation) -> key that `user` can open: directly, or through a compartment they can open.
        With `glass` also what is sealed for an emergency, as a program does that skips the act.

        With `now_ms` as an honest program does it: revoked and ended wraps do not count, nor keys of kinds that
        the matrix does not give to `roles`. Without: everything they ever got.
        """
        return self._unsealed(user, enc_seed, now_ms, roles, glass=glass)[0]

    def _unsealed(
        self, user: bytes, enc_seed: Secret, now_ms: int | None, roles: tuple[str, ...] | None, *, glass: bool = False
    ) -> tuple[dict[tuple[bytes, int], bytes], dict[bytes, SealedFact]]:
        found: dict[tuple[bytes, int], bytes] = {}
        facts: dict[bytes, SealedFact] = {}
        openers, tried = [(user, enc_seed)], set()
        while openers:
            recipient, secret = openers.pop()
            for act, sealed in self.sealed.get(recipient, ()):
                for grant, compartment, generation, key, kind, person, owner, *_ in self._open(
                    act, recipient, sealed, secret
                ):
                    facts[compartment] = SealedFact(kind, person, owner)
                    if roles is not None and kind != "SHARE" and not set(MEMBERS[kind]) & set(roles):
                        continue
                    if grant in self.glass and not glass:
                        continue
                    ended = self.ends.get(grant, 0)
                    if now_ms is None or (grant not in self.revoked and not (ended and ended <= now_ms)):
                        found[(compartment, generation)] = key
                        if (compartment, key) not in tried:
                            tried.add((compartment, key))
                            openers.append((compartment, self.seen.pair(key)))
        return found, facts

    def _open(self, act: bytes, recipient: bytes, sealed: bytes, secret: Secret) -> Seal:
        """The keys in a seal, none where this secret does not open it."""
        place = (act, recipient, secret.reveal())
        known = self.seen.seals.get(place)
        if known is None:
            try:
                opened = hpke.open_(secret, _joined("iop/grant/1", self.realm, act, recipient), sealed)
            except IopError:
                known = []
            else:
                known = msgspec.msgpack.decode(opened)
            self.seen.seals[place] = known
        return known

    def readable(self, keys: dict[tuple[bytes, int], bytes]) -> dict[bytes, Row]:
        """Revision id -> row, for every row that any of these keys opens; a key is tried on its whole compartment."""
        tried: dict[bytes, set[bytes]] = {}
        for (compartment, _), key in keys.items():
            tried.setdefault(compartment, set()).add(key)
        found = {}
        for row in self.revisions:
            for key in tried.get(row[2], ()):
                opened = self._decrypt(row, key)
                if opened is not None:
                    found[row[0]] = opened
        return found

    def _decrypt(self, row: tuple[Any, ...], raw: bytes) -> Row | None:
        place = (row[0], raw)
        if place not in self.seen.rows:
            self.seen.rows[place] = self._decrypted(row, raw)
        return self.seen.rows[place]

    def _decrypted(self, row: tuple[Any, ...], raw: bytes) -> Row | None:
        identifier, record, compartment, *_ = row
        try:
            packed = self._packed(row, raw)
        except IopError:
            return None
        stored, _ = msgspec.msgpack.decode(packed)
        assert sha256(stored)[:16] == identifier
        body = msgspec.msgpack.decode(stored)
        return Row(identifier, record, body[3], body[2], compartment, body[10])

    def _packed(self, row: tuple[Any, ...], raw: bytes) -> bytes:
        """What a row holds; a version that is stored against an earlier one needs that, under the same key."""
        identifier, record, compartment, generation, tag, deposit, sealed = row
        binding = envelope.Binding(self.realm, compartment, generation, tag, record, identifier)
        key = Secret(raw)
        if deposit:
            capsule, sealed = msgspec.msgpack.decode(sealed)
            info = _joined("iop/deposit/1", self.realm, compartment, generation, identifier)
            key = Secret(hpke.open_(self.seen.pair(raw), info, capsule))
        return envelope.open_(key, binding, sealed, lambda base: self._packed(self.seen.by_id[base], raw))
