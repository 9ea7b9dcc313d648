"""Signatures: Ed25519 (RFC 8032) over the length-prefixed context and message.

The context names what is signed, so that a signature of one kind can never be shown as another.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from iop_tui.kernel.canonical import joined
from iop_tui.kernel.errors import VaultDamaged
from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret

SEED_BYTES = 32
SIGNATURE_BYTES = 64


class BadSignature(VaultDamaged):
    """A signature does not fit its text, its context or its signer."""

    code = "bad_signature"


class SigningKey:
    """An Ed25519 key; `seed` is the 32-byte private half, `public` the 32-byte public half."""

    __slots__ = ("_key", "public", "seed")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise VaultDamaged("A stored signing key has the wrong length.")
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.seed = Secret(seed)
        self.public: bytes = self._key.public_key().public_bytes_raw()

    def sign(self, context: str, message: bytes) -> bytes:
        """64 bytes of signature over joined(context, message)."""
        return self._key.sign(joined(context, message))

    def __repr__(self) -> str:
        return "<signing key>"


def generate(rng: Rng) -> SigningKey:
    """A new key from 32 random bytes."""
    return from_seed(rng.token(SEED_BYTES))


def from_seed(seed: bytes) -> SigningKey:
    """The key with this 32-byte seed."""
    return SigningKey(seed)


def verify(public: bytes, context: str, message: bytes, signature: bytes) -> None:
    """Raise `BadSignature` unless `signature` is the signer's over this context and message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, joined(context, message))
    except (InvalidSignature, ValueError) as error:
        raise BadSignature("A signature does not fit the text it stands under.") from error
