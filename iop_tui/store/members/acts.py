"""The membership log: signed acts with one seal per recipient.

In the clear (inside the encrypted vault): who may open which opaque compartment generation. Person,
kind and key travel only inside the seals, so that the log shows a colleague nothing but random ids.
"""

from __future__ import annotations

import msgspec

from iop_tui.kernel.canonical import decode, encode, joined
from iop_tui.kernel.errors import VaultDamaged
from iop_tui.kernel.secret import Secret
from iop_tui.store.rows import ActRow
from iop_tui.vault import hpke, signing

SIGN_CONTEXT = "iop/act/1"
CARD_CONTEXT = "iop/card/1"
LARGEST = 2**53
"""No time, count or generation is larger: what a program of any language holds exactly."""


class Grant(msgspec.Struct, frozen=True, array_like=True):
    """One wrap: this recipient can open this generation of this compartment. Final once revoked."""

    id: bytes
    recipient: bytes
    compartment: bytes
    generation: int
    primitive: str
    not_after_ms: int = 0


class Generation(msgspec.Struct, frozen=True, array_like=True):
    """A new generation of a compartment key and the public key for deposits into it."""

    compartment: bytes
    number: int
    public: bytes


class Seal(msgspec.Struct, frozen=True, array_like=True):
    """A sealed list of `SealedKey` for one recipient."""

    recipient: bytes
    sealed: bytes


class SealedKey(msgspec.Struct, frozen=True, array_like=True):
    """What a recipient learns: the key, and what the compartment is."""

    grant: bytes
    compartment: bytes
    generation: int
    key: bytes
    kind: str
    person: bytes
    owner: bytes
    role: str
    purpose: str
    rule: str


class UserCard(msgspec.Struct, frozen=True, array_like=True):
    """A user as the program certifies them: keys, name, roles. Signed by the program's root key."""

    user: bytes
    name: str
    roles: tuple[str, ...]
    enc_public: bytes
    sig_public: bytes
    status: str
    serial: int


class SignedCard(msgspec.Struct, frozen=True, array_like=True):
    """A card and the root signature over it."""

    card: bytes
    signature: bytes


class Act(msgspec.Struct, frozen=True, array_like=True):
    """One entry of the membership log."""

    id: bytes
    realm: bytes
    kind: str
    author: bytes
    at_ms: int
    grants: tuple[Grant, ...] = ()
    revokes: tuple[bytes, ...] = ()
    generations: tuple[Generation, ...] = ()
    cards: tuple[SignedCard, ...] = ()
    seals: tuple[Seal, ...] = ()


class _SignedAct(msgspec.Struct, frozen=True, array_like=True):
    act: bytes
    signature: bytes


def sign(act: Act, signer: signing.SigningKey) -> ActRow:
    """The stored row of an act."""
    stored = encode(act)
    return ActRow(act.id, encode(_SignedAct(stored, signer.sign(SIGN_CONTEXT, stored))))


def read(row: ActRow) -> Act:
    """The act of a row, its signature not yet checked (its author may stand in a later row)."""
    act = decode(decode(row.signed, _SignedAct).act, Act)
    if act.id != row.id:
        raise VaultDamaged("An act does not match its place in the vault.")
    numbers = [act.at_ms, *(grant.not_after_ms for grant in act.grants), *(grant.generation for grant in act.grants)]
    numbers += [item.number for item in act.generations]
    if not all(0 <= number <= LARGEST for number in numbers):
        raise VaultDamaged("An act holds a number out of range.")
    return act


def verify(row: ActRow, public: bytes) -> None:
    """Raise `VaultDamaged` unless the author's signature fits the stored bytes."""
    signed = decode(row.signed, _SignedAct)
    signing.verify(public, SIGN_CONTEXT, signed.act, signed.signature)


def sign_card(card: UserCard, root: signing.SigningKey) -> SignedCard:
    """A user card certified by the program's root key."""
    stored = encode(card)
    return SignedCard(stored, root.sign(CARD_CONTEXT, stored))


def read_card(signed: SignedCard, root_public: bytes) -> UserCard:
    """The card, after its root signature was checked. Raises `VaultDamaged`."""
    signing.verify(root_public, CARD_CONTEXT, signed.card, signed.signature)
    return decode(signed.card, UserCard)


def _info(realm: bytes, act: bytes, recipient: bytes) -> bytes:
    return joined("iop/grant/1", realm, act, recipient)


def seal_keys(keys: tuple[SealedKey, ...], *, realm: bytes, act: bytes, recipient: bytes, public: bytes) -> Seal:
    """One HPKE seal (RFC 9180) for one recipient over a list of keys."""
    return Seal(recipient, hpke.seal(public, _info(realm, act, recipient), encode(keys)))


def open_keys(seal: Seal, *, realm: bytes, act: bytes, secret: Secret) -> tuple[SealedKey, ...]:
    """The keys sealed to this recipient. Raises `VaultDamaged` where the seal is not for this key or act."""
    return decode(hpke.open_(secret, _info(realm, act, seal.recipient), seal.sealed), tuple[SealedKey, ...])
