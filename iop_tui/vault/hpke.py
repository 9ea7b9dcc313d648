"""Sealing to a public key: HPKE base mode (RFC 9180) with X25519, HKDF-SHA-256 and AES-256-GCM.

Anyone can seal; only the holder of the secret key opens, and only with the same `info`, which
carries the meaning of the seal. Base mode says nothing of the sender: acts and deposits are signed.

Format: suite byte 0x01 | encapsulated key (32) | ciphertext and tag.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from iop_tui.kernel.errors import NeedsNewer, VaultDamaged
from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret

SUITE_X25519: Final = 0x01
KEY_BYTES = 32
OVERHEAD = 1 + 32 + 16
"""Bytes a seal adds to its plaintext."""

_suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class WrongKey(VaultDamaged):
    """A seal does not open with this key and meaning: not ours, moved, or damaged."""

    code = "wrong_key"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An X25519 pair; `secret` is 32 bytes, `public` 32 bytes."""

    secret: Secret
    public: bytes


def generate(rng: Rng) -> KeyPair:
    """A new pair from 32 random bytes."""
    return from_seed(rng.token(KEY_BYTES))


def from_seed(seed: bytes) -> KeyPair:
    """The pair whose private key is `seed` (32 bytes; clamping is X25519's own, RFC 7748)."""
    secret = Secret(seed)
    return KeyPair(secret, public_of(secret))


def public_of(secret: Secret) -> bytes:
    """The 32-byte public key of a secret key."""
    return _private(secret).public_key().public_bytes_raw()


def seal(public: bytes, info: bytes, plaintext: bytes) -> bytes:
    """Seal to a public key. Raises `WrongKey` for bytes that are no usable public key."""
    try:
        sealed = _suite.encrypt(plaintext, X25519PublicKey.from_public_bytes(public), info)
    except ValueError as error:
        raise WrongKey("A stored public key cannot be used.") from error
    return bytes((SUITE_X25519,)) + sealed


def open_(secret: Secret, info: bytes, sealed: bytes) -> bytes:
    """The plaintext of a seal. Raises `WrongKey`, or `NeedsNewer` for an unknown suite."""
    if len(sealed) < OVERHEAD:
        raise WrongKey("A sealed key is too short to be one.")
    if sealed[0] != SUITE_X25519:
        raise NeedsNewer("A sealed key uses a method that this version of iop-tui does not know.")
    try:
        return _suite.decrypt(sealed[1:], _private(secret), info)
    except (InvalidTag, ValueError) as error:
        raise WrongKey("A sealed key cannot be opened with this user's key.") from error


def _private(secret: Secret) -> X25519PrivateKey:
    if len(secret) != KEY_BYTES:
        raise WrongKey("A stored secret key has the wrong length.")
    return X25519PrivateKey.from_private_bytes(secret.reveal())
