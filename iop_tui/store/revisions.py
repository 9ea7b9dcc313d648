"""Sealed, immutable versions of records.

The canonical body begins with 16 random bytes, so that its hash, the revision id, says nothing about
its content. The author signs the stored bytes. A member's revision is sealed under the compartment
key; a deposit under a fresh key that only the compartment's members can open.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from iop_tui.kernel.canonical import decode, encode, joined
from iop_tui.kernel.errors import VaultDamaged
from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret
from iop_tui.store.members.acts import LARGEST
from iop_tui.store.rows import RevisionRow
from iop_tui.vault import envelope, hpke, signing
from iop_tui.vault.coding import Base
from iop_tui.vault.digest import derive, sha256

SIGN_CONTEXT = "iop/rev/1"
_DEPOSIT_TAG = bytes(4)
_KEY = 32


class Origin(msgspec.Struct, frozen=True, array_like=True):
    """Where shared content came from: the revision it repeats and the label it carried there."""

    record: bytes
    revision: bytes
    compartment_kind: str
    author: bytes
    at_ms: int


class Body(msgspec.Struct, frozen=True, array_like=True):
    """What a revision says. `payload` is the declared document, `received` a verbatim import beside it."""

    blind: bytes
    record: bytes
    person: bytes
    kind: str
    version: int
    parents: tuple[bytes, ...]
    author: bytes
    device: bytes
    at_ms: int
    source: str
    payload: bytes
    received: bytes = b""
    origin: Origin | None = None

    def digest(self) -> bytes:
        """SHA-256 of the stored bytes: what a clinical signature is about."""
        return sha256(encode(self))


class _Signed(msgspec.Struct, frozen=True, array_like=True):
    body: bytes
    signature: bytes


class Opened(msgspec.Struct, frozen=True):
    """An opened revision: its id, what it says, the bytes that were signed and the signature."""

    id: bytes
    compartment: bytes
    generation: int
    body: Body
    stored: bytes
    signature: bytes

    def verify(self, public: bytes) -> None:
        """Raise `VaultDamaged` unless the author's signature fits the stored bytes."""
        signing.verify(public, SIGN_CONTEXT, self.stored, self.signature)


def revision_id(stored: bytes) -> bytes:
    """The id of a revision: the first 16 bytes of SHA-256 over its stored bytes."""
    return sha256(stored)[:16]


def _pack(body: Body, signer: signing.SigningKey) -> tuple[bytes, bytes]:
    stored = encode(body)
    return revision_id(stored), encode(_Signed(stored, signer.sign(SIGN_CONTEXT, stored)))


def seal_member(
    body: Body,
    *,
    realm: bytes,
    compartment: bytes,
    generation: int,
    key: Secret,
    signer: signing.SigningKey,
    rng: Rng,
    base: Base | None = None,
) -> RevisionRow:
    """A revision sealed under the compartment key its author holds; stored against `base` where that saves much."""
    identifier, packed = _pack(body, signer)
    tag = envelope.kind_tag(key, body.kind)
    binding = envelope.Binding(realm, compartment, generation, tag, body.record, identifier)
    return RevisionRow(
        identifier, body.record, compartment, generation, tag, False, envelope.seal(key, binding, packed, rng, base)
    )


def _deposit_info(realm: bytes, compartment: bytes, generation: int, identifier: bytes) -> bytes:
    return joined("iop/deposit/1", realm, compartment, generation, identifier)


def seal_deposit(
    body: Body,
    *,
    realm: bytes,
    compartment: bytes,
    generation: int,
    public: bytes,
    signer: signing.SigningKey,
    rng: Rng,
) -> RevisionRow:
    """A revision its author can write and never read again: sealed to the generation's public key."""
    identifier, packed = _pack(body, signer)
    once = Secret(rng.token(_KEY))
    binding = envelope.Binding(realm, compartment, generation, _DEPOSIT_TAG, body.record, identifier)
    capsule = hpke.seal(public, _deposit_info(realm, compartment, generation, identifier), once.reveal())
    sealed = encode((capsule, envelope.seal(once, binding, packed, rng)))
    once.wipe()
    return RevisionRow(identifier, body.record, compartment, generation, _DEPOSIT_TAG, True, sealed)


Rows = Callable[[bytes], RevisionRow | None]
"""Where a row is found by its id."""


def base_of(row: RevisionRow) -> bytes:
    """The id of the version a row is stored against, empty where it stands alone. Needs no key."""
    return b"" if row.deposit else envelope.base_of(row.sealed)


def base_for(row: RevisionRow, *, realm: bytes, key: Secret, device: bytes) -> Base | None:
    """A row as the base of a later version of its record, if this device wrote it. Raises what `open_row` raises."""
    packed = _unsealed(row, realm, key)
    body = decode(decode(packed, _Signed).body, Body)
    return Base(row.id, packed) if body.device == device else None


def _unsealed(row: RevisionRow, realm: bytes, key: Secret, rows: Rows | None = None) -> bytes:
    binding = envelope.Binding(realm, row.compartment, row.generation, row.tag, row.record, row.id)

    def content(identifier: bytes) -> bytes:
        base = rows(identifier) if rows is not None else None
        place = (row.compartment, row.generation, row.record, False)
        if base is None or (base.compartment, base.generation, base.record, base.deposit) != place or base_of(base):
            raise VaultDamaged("A version lacks the one it is stored against.")
        return _unsealed(base, realm, key)

    return envelope.open_(key, binding, row.sealed, content)


def open_row(row: RevisionRow, *, realm: bytes, key: Secret, rows: Rows | None = None) -> Opened:
    """The content of a row under the compartment key of its generation. `rows` finds the version it is stored against.

    Raises `VaultDamaged` for anything that is not exactly what was sealed for this place.
    """
    if row.deposit:
        binding = envelope.Binding(realm, row.compartment, row.generation, row.tag, row.record, row.id)
        capsule, blob = decode(row.sealed, tuple[bytes, bytes])
        info = _deposit_info(realm, row.compartment, row.generation, row.id)
        content_key = Secret(hpke.open_(deposit_keys(key).secret, info, capsule))
        packed = envelope.open_(content_key, binding, blob)
    else:
        packed = _unsealed(row, realm, key, rows)
    signed = decode(packed, _Signed)
    body = decode(signed.body, Body)
    if not (0 <= body.at_ms <= LARGEST and 0 <= body.version <= LARGEST):
        raise VaultDamaged("A stored revision holds a number out of range.")
    if revision_id(signed.body) != row.id or body.record != row.record:
        raise VaultDamaged("A stored revision does not match its place in the vault.")
    if not row.deposit and envelope.kind_tag(key, body.kind) != row.tag:
        raise VaultDamaged("A stored revision does not match its kind.")
    return Opened(row.id, row.compartment, row.generation, body, signed.body, signed.signature)


def deposit_keys(key: Secret) -> hpke.KeyPair:
    """The X25519 pair of a compartment generation, derived from its key."""
    return hpke.from_seed(derive(key.reveal(), "iop/deposit-key/1"))
