"""Seals for many small objects under one key: 17 bytes more than what is sealed, where the envelope takes 81.

    siv   first 16 bytes of HMAC-SHA-256(derived MAC key, context ‖ ids ‖ plaintext)
    K‖N   HKDF-SHA-256(ikm = key, salt = siv, info = "iop/short/2", 32 + 16 bytes)
    seal  0x03 | siv | AES-256-CTR(K, N, plaintext)

Key and counter follow from the content (the construction of RFC 5297, with HMAC-SHA-256): a program that was put back
to an older state repeats none with another content. The siv authenticates content, context and ids and commits to the
key. Equal objects under one key and equal ids give equal seals, so the caller numbers what it seals.

The first form, still read, has 16 bytes more that say nothing the siv does not say:

    seal  0x02 | siv | AES-256-GCM(K, N, plaintext, context ‖ ids)      info = "iop/short/1", N of 12 bytes
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from iop_tui.kernel.canonical import joined
from iop_tui.kernel.secret import Secret
from iop_tui.vault.digest import derive, hkdf, mac, same
from iop_tui.vault.envelope import Tampered

FIRST: Final = 0x02
SUITE: Final = 0x03
OVERHEAD = 1 + 16
_SIV, _KEY, _NONCE, _COUNTER = 16, 32, 12, 16
_FIRST_INFO, _INFO = joined("iop/short/1"), joined("iop/short/2")


def is_short(sealed: bytes) -> bool:
    """Whether a seal is one of these."""
    return sealed[:1] in (bytes((FIRST,)), bytes((SUITE,)))


def seal(key: Secret, context: str, ids: tuple[bytes, ...], plaintext: bytes) -> bytes:
    """Seal a small object; `context` and `ids` say what and whose it is."""
    place = joined(context, *ids)
    siv = _siv(key, place, plaintext)
    return bytes((SUITE,)) + siv + _stream(key, siv, plaintext)


def open_(key: Secret, context: str, ids: tuple[bytes, ...], sealed: bytes) -> bytes:
    """The object. Raises `Tampered` for another key, place or content."""
    if len(sealed) < OVERHEAD or not is_short(sealed):
        raise Tampered("A sealed object is cut short.")
    siv, place = sealed[1 : 1 + _SIV], joined(context, *ids)
    body = sealed[1 + _SIV :]
    plaintext = _stream(key, siv, body) if sealed[0] == SUITE else _opened_first(key, siv, body, place)
    if not same(siv, _siv(key, place, plaintext)):
        raise Tampered("A sealed object does not fit its key.")
    return plaintext


def _siv(key: Secret, place: bytes, plaintext: bytes) -> bytes:
    return mac(derive(key.reveal(), "iop/short-mac/1"), "iop/short/1", joined(place, plaintext))[:_SIV]


def _stream(key: Secret, siv: bytes, data: bytes) -> bytes:
    """Encrypts, and decrypts."""
    stream = hkdf(key.reveal(), siv, _INFO, _KEY + _COUNTER)
    cipher = Cipher(algorithms.AES(stream[:_KEY]), modes.CTR(stream[_KEY:])).encryptor()
    return cipher.update(data) + cipher.finalize()


def _opened_first(key: Secret, siv: bytes, body: bytes, place: bytes) -> bytes:
    stream = hkdf(key.reveal(), siv, _FIRST_INFO, _KEY + _NONCE)
    try:
        return AESGCM(stream[:_KEY]).decrypt(stream[_KEY:], body, place)
    except InvalidTag:
        raise Tampered("A sealed object was changed or moved.") from None
