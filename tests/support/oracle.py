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


@dataclass
class Log:
    """Every row of a vault, as anybody who can open the file sees it."""

    realm: bytes
    acts: list[list[Any]]
    revisions: list[tuple[Any, ...]]
    revoked: set[bytes] = field(default_factory=set)
    ends: dict[bytes, int] = field(default_factory=dict)
    _facts: dict[bytes, SealedFact] = field(default_factory=dict)
    _roles: tuple[str, ...] | None = None

    @classmethod
    def of(cls, db: Any, realm: bytes) -> Log:
        """All rows of an open `VaultDb`."""
        acts = [
            msgspec.msgpack.decode(msgspec.msgpack.decode(row[0])[0])
            for row in db.read("SELECT signed FROM act ORDER BY seq")
        ]
        revisions = db.read(
            "SELECT id, record, compartment, generation, tag, deposit, sealed FROM revision ORDER BY seq"
        )
        log = cls(realm, acts, revisions)
        for act in acts:
            log.revoked.update(act[6])
            log.ends.update({grant[0]: grant[5] for grant in act[5] if grant[5]})
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
        self._facts = {}
        self.keys(user, enc_seed, None)
        return self._facts

    def keys(
        self, user: bytes, enc_seed: Secret, now_ms: int | None, roles: tuple[str, ...] | None = None
    ) -> dict[tuple[bytes, int], bytes]:
        """(compartment, generation) -> key that `user` can open: directly, or through a compartment they can open.

        With `now_ms` as an honest program does it: revoked and ended wraps do not count, nor keys of kinds that
        the matrix does not give to `roles`. Without: everything they ever got.
        """
        self._roles = roles
        found: dict[tuple[bytes, int], bytes] = {}
        openers: dict[bytes, list[Secret]] = {user: [enc_seed]}
        while True:
            before = len(found)
            for act in self.acts:
                for recipient, sealed in act[9]:
                    for secret in openers.get(recipient, []):
                        self._open(act[0], recipient, sealed, secret, now_ms, found)
            for compartment, _ in found:
                openers.setdefault(compartment, [])
            for compartment in list(openers):
                if compartment != user:
                    openers[compartment] = [_pair(key) for (held, _), key in found.items() if held == compartment]
            if len(found) == before:
                return found

    def _open(
        self,
        act: bytes,
        recipient: bytes,
        sealed: bytes,
        secret: Secret,
        now_ms: int | None,
        found: dict[tuple[bytes, int], bytes],
    ) -> None:
        try:
            opened = hpke.open_(secret, _joined("iop/grant/1", self.realm, act, recipient), sealed)
        except IopError:
            return
        for grant, compartment, generation, key, kind, person, owner, *_ in msgspec.msgpack.decode(opened):
            self._facts[compartment] = SealedFact(kind, person, owner)
            ended = self.ends.get(grant, 0)
            if self._roles is not None and kind != "SHARE" and not set(MEMBERS[kind]) & set(self._roles):
                continue
            if now_ms is None or (grant not in self.revoked and not (ended and ended <= now_ms)):
                found[(compartment, generation)] = key

    def readable(self, keys: dict[tuple[bytes, int], bytes]) -> dict[bytes, Row]:
        """Revision id -> row, for every row that any of these keys opens; a key is tried on its whole compartment."""
        found = {}
        for row in self.revisions:
            for (compartment, _), key in keys.items():
                if compartment == row[2]:
                    opened = self._decrypt(row, Secret(key))
                    if opened is not None:
                        found[row[0]] = opened
        return found

    def _decrypt(self, row: tuple[Any, ...], key: Secret) -> Row | None:
        identifier, record, compartment, generation, tag, deposit, sealed = row
        binding = envelope.Binding(self.realm, compartment, generation, tag, record, identifier)
        try:
            if deposit:
                capsule, sealed = msgspec.msgpack.decode(sealed)
                info = _joined("iop/deposit/1", self.realm, compartment, generation, identifier)
                key = Secret(hpke.open_(_pair(key.reveal()), info, capsule))
            packed = envelope.open_(key, binding, sealed)
        except IopError:
            return None
        stored, _ = msgspec.msgpack.decode(packed)
        assert sha256(stored)[:16] == identifier
        body = msgspec.msgpack.decode(stored)
        return Row(identifier, record, body[3], body[2], compartment, body[10])


def _pair(key: bytes) -> Secret:
    return hpke.from_seed(derive(key, "iop/deposit-key/1")).secret
