"""Devices of a program: certified by the program's root key, as users are.

A card says who signs for a device, how its packs rank beside others that know nothing of them, and whether it is
still trusted. A device that was lost is cut off: its last accepted packs are named, and what it wrote beyond them
is kept aside unless a device in good standing had taken it in. Which card counts depends on the set of cards alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import IopError
from iop_tui.kernel.secret import Secret
from iop_tui.store.order import PackEntry, past
from iop_tui.vault import hpke, signing
from iop_tui.vault.digest import derive, sha256

CONTEXT = "iop/device/1"
ACTIVE, RETIRED, LOST = "active", "retired", "lost"


class DeviceCard(msgspec.Struct, frozen=True, array_like=True):
    """One device as the program certifies it. `cut`: the last packs of a lost one that are accepted, by hash."""

    device: bytes
    name: str
    sig_public: bytes
    enc_public: bytes
    rank: tuple[int, ...]
    status: str
    serial: int
    at_ms: int
    cut: tuple[bytes, ...] = ()


class SignedDevice(msgspec.Struct, frozen=True, array_like=True):
    """A card and the root signature over it."""

    card: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Devices:
    """The cards that count, by device."""

    cards: dict[bytes, DeviceCard]

    def name(self, device: bytes) -> str:
        """The name of a device for people."""
        card = self.cards.get(device)
        return card.name if card else "an unknown device"


def sign(card: DeviceCard, root: signing.SigningKey) -> bytes:
    """The stored form of a certified card."""
    stored = encode(card)
    return encode(SignedDevice(stored, root.sign(CONTEXT, stored)))


def read(data: bytes, root_public: bytes) -> DeviceCard:
    """A card whose root signature fits. Raises `VaultDamaged`."""
    signed = decode(data, SignedDevice)
    signing.verify(root_public, CONTEXT, signed.card, signed.signature)
    return decode(signed.card, DeviceCard)


def identity(data: bytes) -> bytes:
    """The id of a stored card."""
    return sha256(data)[:16]


def box_keys(device_seed: Secret) -> hpke.KeyPair:
    """The pair that things are sealed to for a device, derived from its signing seed."""
    return hpke.from_seed(derive(device_seed.reveal(), "iop/device-box/1"))


def directory(stored: Iterable[bytes], root_public: bytes) -> Devices:
    """The cards that count among these: an end is final, then the higher serial, then the smaller hash."""
    found: dict[bytes, tuple[tuple[bool, int, bytes], DeviceCard]] = {}
    for data in stored:
        try:
            card = read(data, root_public)
        except IopError:
            continue  # not certified by this program: it says nothing
        weight = (card.status != ACTIVE, card.serial, bytes(255 - byte for byte in sha256(data)))
        if card.device not in found or weight > found[card.device][0]:
            found[card.device] = (weight, card)
    return Devices({device: card for device, (_, card) in found.items()})


def late(packs: Iterable[PackEntry], devices: Devices, decided: Iterable[bytes] = ()) -> set[bytes]:
    """Packs that are kept aside: beyond the cut of a lost device, in nobody else's past, and not among those `decided`
    by a person or before one of them.
    """
    known = {pack.hash: pack for pack in packs}
    lost = {device for device, card in devices.cards.items() if card.status == LOST}
    if not lost:
        return set()
    vouched = [pack.hash for pack in known.values() if pack.device not in lost]
    cuts = [one for device in lost for one in devices.cards[device].cut]
    accepted = past([*vouched, *cuts, *decided], known)
    return {pack.hash for pack in known.values() if pack.device in lost} - accepted
