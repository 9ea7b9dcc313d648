"""Seals for many small objects under one key: 33 bytes more than what is sealed, where the envelope takes 81.

    siv   first 16 bytes of HMAC-SHA-256(derived MAC key, context ‖ ids ‖ plaintext)
    K‖N   HKDF-SHA-256(ikm = key, salt = siv, info = "iop/short/1", 32 + 12 bytes)
    seal  0x02 | siv | AES-256-GCM(K, N, plaintext, context ‖ ids)

Key and nonce follow from the content (as in RFC 5297): a program that was put back to an older state repeats none with
another content. The siv is checked after opening and commits to the key. Equal objects under one key and equal ids give
equal seals, so the caller numbers what it seals.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from iop_tui.kernel.canonical import joined
from iop_tui.kernel.secret import Secret
from iop_tui.vault.digest import derive, hkdf, mac, same
from iop_tui.vault.envelope import Tampered

SUITE: Final = 0x02
OVERHEAD = 1 + 16 + 16
_SIV, _KEY, _NONCE = 16, 32, 12
_INFO = joined("iop/short/1")


def is_short(sealed: bytes) -> bool:
    """Whether a seal is one of these."""
    return sealed[:1] == bytes((SUITE,))


def seal(key: Secret, context: str, ids: tuple[bytes, ...], plaintext: bytes) -> bytes:
    """Seal a small object; `context` and `ids` say what and whose it is."""
    place = joined(context, *ids)
    siv = _siv(key, place, plaintext)
    cipher, nonce = _cipher(key, siv)
    return bytes((SUITE,)) + siv + cipher.encrypt(nonce, plaintext, place)


def open_(key: Secret, context: str, ids: tuple[bytes, ...], sealed: bytes) -> bytes:
    """The object. Raises `Tampered` for another key, place or content."""
    if len(sealed) < OVERHEAD or not is_short(sealed):
        raise Tampered("A sealed object is cut short.")
    siv, place = sealed[1 : 1 + _SIV], joined(context, *ids)
    cipher, nonce = _cipher(key, siv)
    try:
        plaintext = cipher.decrypt(nonce, sealed[1 + _SIV :], place)
    except InvalidTag:
        raise Tampered("A sealed object was changed or moved.") from None
    if not same(siv, _siv(key, place, plaintext)):
        raise Tampered("A sealed object does not fit its key.")
    return plaintext


def _siv(key: Secret, place: bytes, plaintext: bytes) -> bytes:
    return mac(derive(key.reveal(), "iop/short-mac/1"), "iop/short/1", joined(place, plaintext))[:_SIV]


def _cipher(key: Secret, siv: bytes) -> tuple[AESGCM, bytes]:
    stream = hkdf(key.reveal(), siv, _INFO, _KEY + _NONCE)
    return AESGCM(stream[:_KEY]), stream[_KEY:]
