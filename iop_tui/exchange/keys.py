"""What a device needs for an exchange: its signing key, its box, and the program's transport keys.

A transport key opens the outer seal of packs and no record. When a device is lost the program makes a new one,
sealed to each device that stays; it travels in a pack under the old key and is used from the next pack on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from iop_tui.exchange.cards import ACTIVE, Devices, box_keys
from iop_tui.kernel.canonical import decode, encode, joined
from iop_tui.kernel.errors import IopError, NotFound
from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret
from iop_tui.vault import hpke, signing
from iop_tui.vault.digest import sha256

CONTEXT = "iop/transport/1"
STATE = "exchange:keys"
FIRST = 1


class TransportKey(msgspec.Struct, frozen=True, array_like=True):
    """A transport key, sealed to every device that may have it."""

    realm: bytes
    number: int
    seals: tuple[tuple[bytes, bytes], ...]


class _Signed(msgspec.Struct, frozen=True, array_like=True):
    key: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class DeviceKeys:
    """The secrets of this device, derived from its seed."""

    device: bytes
    signer: signing.SigningKey
    box: hpke.KeyPair

    @classmethod
    def of(cls, device: bytes, seed: Secret) -> DeviceKeys:
        """From the device's signing seed."""
        return cls(device, signing.from_seed(seed.reveal()), box_keys(seed))


@dataclass(frozen=True, slots=True)
class TransportKeys:
    """The program's transport keys by number."""

    by_number: dict[int, Secret]

    def get(self, number: int) -> Secret:
        """One key. Raises `NotFound` where this device has not got it (yet)."""
        found = self.by_number.get(number)
        if found is None:
            raise NotFound("Exchange again: the newer key may be in a pack that is still to come.")
        return found

    def store(self) -> bytes:
        """The form kept in the vault's state."""
        return encode(tuple((number, key.reveal()) for number, key in sorted(self.by_number.items())))


def load(raw: bytes) -> TransportKeys:
    """From the vault's state. Raises `VaultDamaged`."""
    found = decode(raw, tuple[tuple[int, bytes], ...]) if raw else ()
    return TransportKeys({number: Secret(key) for number, key in found})


def make(realm: bytes, number: int, key: Secret, devices: Devices, root: signing.SigningKey) -> bytes:
    """The stored form of a new transport key for every device that stays."""
    seals = tuple(
        (card.device, hpke.seal(card.enc_public, _info(realm, number, card.device), key.reveal()))
        for card in sorted(devices.cards.values(), key=lambda card: card.device)
        if card.status == ACTIVE
    )
    stored = encode(TransportKey(realm, number, seals))
    return encode(_Signed(stored, root.sign(CONTEXT, stored)))


def learn(
    known: TransportKeys, stored: Iterable[bytes], realm: bytes, keys: DeviceKeys, root_public: bytes
) -> TransportKeys:
    """The keys known, and those among these that are certified and sealed to this device."""
    found = dict(known.by_number)
    for data in stored:
        try:
            number, key = _open(data, realm, keys, root_public)
        except IopError:
            continue  # not certified by this program, or not for this device
        found.setdefault(number, key)
    return TransportKeys(found)


def number_of(data: bytes) -> int:
    """The number of a stored transport key. Raises `VaultDamaged`."""
    return decode(decode(data, _Signed).key, TransportKey).number


def identity(data: bytes) -> bytes:
    """The id of a stored transport key."""
    return sha256(data)[:16]


def fresh(rng: Rng) -> Secret:
    """32 random bytes."""
    return Secret(rng.token(32))


def _open(data: bytes, realm: bytes, keys: DeviceKeys, root_public: bytes) -> tuple[int, Secret]:
    signed = decode(data, _Signed)
    signing.verify(root_public, CONTEXT, signed.key, signed.signature)
    found = decode(signed.key, TransportKey)
    sealed = dict(found.seals).get(keys.device)
    if found.realm != realm or sealed is None:
        raise NotFound
    return found.number, Secret(hpke.open_(keys.box.secret, _info(realm, found.number, keys.device), sealed))


def _info(realm: bytes, number: int, device: bytes) -> bytes:
    return joined(CONTEXT, realm, number, device)
