"""Stored shapes of a key slot: no cryptography is imported here, so that the prompt can read `vault.head` at once."""

from __future__ import annotations

from typing import Final

import msgspec

SLOT_SUITE: Final = 0x01
"""Argon2id, HKDF-SHA-256, AES-256-GCM, HPKE with X25519."""

FACTOR_DEVICE_SECRET: Final = 0b01
"""Bit of `factor_set`: the key also needs the device secret in the operating system's keyring."""


class KdfProfile(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Cost of one derivation: memory in KiB, passes over it, parallel lanes."""

    memory_kib: int
    passes: int
    lanes: int


class KitPart(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The bundle once more, under the personal kit."""

    salt: bytes
    nonce: bytes
    ciphertext: bytes
    commit: bytes


class Slot(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One user's way in on one device, as stored in `vault.head`."""

    suite: int
    vault_id: bytes
    user_id: bytes
    device_id: bytes
    name_tag: bytes
    kdf_salt: bytes
    profile: KdfProfile
    kek_salt: bytes
    factor_set: int
    nonce: bytes
    ciphertext: bytes
    commit: bytes
    kit: KitPart | None
    vk_generation: int
    wrap: bytes

    @property
    def suspended(self) -> bool:
        """True when the vault key was taken away."""
        return not self.wrap

    @property
    def needs_device_secret(self) -> bool:
        """True when the passphrase alone does not open it."""
        return bool(self.factor_set & FACTOR_DEVICE_SECRET)
