"""Private keys of the age format, and files that are sealed and opened in a stream.

An identity is 32 bytes in Bech32 (BIP-173) with the prefix `age-secret-key-`, as age-encryption.org/v1 says. Here it
comes from recovery shares, or from a file its owner made with `age-keygen`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, Protocol

import pyrage

from iop_tui.kernel.errors import VaultDamaged, WrongSecrets
from iop_tui.kernel.secret import Secret
from iop_tui.vault.age import NoRecipient, Recipient

MAGIC = b"age-encryption.org/v1\n"
"""What a sealed file begins with."""
_PREFIX = "age-secret-key-"
_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECK = 6
_KEY_BYTES = 32


class NotForThisKey(WrongSecrets):
    """A sealed file was not made for any of the keys at hand."""

    code = "not_for_this_key"
    default_hint = "Give recovery shares of the newest set, or --identity with the key file of a named recipient."


class Reader(Protocol):
    """Where the bytes come from."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes, none at the end."""


class Writer(Protocol):
    """Where the bytes go."""

    def write(self, data: bytes, /) -> int:
        """Take the bytes; how many."""


def identity(seed: Secret) -> str:
    """The private key whose 32 bytes these are, as text."""
    raw = seed.reveal()
    if len(raw) != _KEY_BYTES:
        raise ValueError(f"an age identity has {_KEY_BYTES} bytes")
    groups = _five(raw)
    return (_PREFIX + "1" + "".join(_ALPHABET[value] for value in groups + _checksum(groups))).upper()


def public(private: str) -> str:
    """The recipient of an identity. Raises `NotForThisKey` for text that is none."""
    return str(_identity(private).to_public())


def keys_of(text: str) -> list[str]:
    """The identities in a key file as `age-keygen` writes it. Raises `NotForThisKey` where there is none."""
    lines = [line.strip() for line in text.splitlines()]
    found = [line for line in lines if line.upper().startswith("AGE-SECRET-KEY-")]
    if not found:
        raise NotForThisKey("This file holds no private age key.")
    for line in found:
        _identity(line)
    return found


def seal(source: Reader, target: Writer, recipients: Sequence[Recipient]) -> None:
    """Encrypt a stream to these recipients. Raises `NoRecipient` for none."""
    if not recipients:
        raise NoRecipient("Nobody was named to encrypt to.")
    keys = [
        pyrage.ssh.Recipient.from_str(one.text) if one.kind == "ssh" else pyrage.x25519.Recipient.from_str(one.text)
        for one in recipients
    ]
    pyrage.encrypt_io(source, target, keys)


def open_(source: BinaryIO, target: Writer, identities: Sequence[str]) -> None:
    """Decrypt a stream. Raises `NotForThisKey`, or `VaultDamaged` where the file is cut or changed.

    What was written until then is authentic part by part and not complete: the caller drops it.
    """
    try:
        pyrage.decrypt_io(source, target, [_identity(text) for text in identities])
    except pyrage.DecryptError as error:
        if "matching keys" in str(error):
            raise NotForThisKey("This file is sealed to other keys than these.") from None
        raise VaultDamaged("The sealed file is cut or damaged.", "Take another one.") from None
    except OSError as error:
        if error.errno is not None:
            raise  # a disk, not the file's content
        raise VaultDamaged("The sealed file is cut or damaged.", "Take another one.") from None


def _identity(text: str) -> pyrage.x25519.Identity:
    try:
        return pyrage.x25519.Identity.from_str(text.strip().upper())
    except pyrage.IdentityError:
        raise NotForThisKey("A private age key has a typing mistake.") from None


def _five(raw: bytes) -> list[int]:
    """Groups of five bits, the last one filled with zeros."""
    bits = int.from_bytes(raw, "big") << (-8 * len(raw) % 5)
    count = -(-8 * len(raw) // 5)
    return [bits >> 5 * place & 31 for place in reversed(range(count))]


def _checksum(groups: list[int]) -> list[int]:
    """The Bech32 checksum of BIP-173."""
    prefix = [ord(char) >> 5 for char in _PREFIX] + [0] + [ord(char) & 31 for char in _PREFIX]
    number = 1
    for value in [*prefix, *groups, *[0] * _CHECK]:
        top = number >> 25
        number = (number & 0x1FFFFFF) << 5 ^ value
        for place, part in enumerate(_GENERATOR):
            number ^= part if top >> place & 1 else 0
    return [(number ^ 1) >> 5 * (_CHECK - 1 - place) & 31 for place in range(_CHECK)]
