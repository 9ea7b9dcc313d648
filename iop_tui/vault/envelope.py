"""The envelope around every record revision: compress, pad, encrypt under a key of its own, bind its meaning.

    r         32 random bytes per ciphertext
    K‖N‖C     HKDF-SHA-256(ikm = compartment key, salt = r, info = "iop/rec/1", 32 + 12 + 32 bytes)
    pt        u32 length of the frame | frame (`coding`) | zeros up to the padded size
    ct        AES-256-GCM(K, N, pt, aad)
    head      suite u8 | coding u8 | with coding 2 the id of the base, 16 bytes
    aad       joined("iop/rec/1", head, realm, compartment, generation, kind tag, record, revision)
    blob      head | r | C | ct

A fresh key per ciphertext leaves no nonce to count or to repeat after a restored backup. C commits to
the key, so no blob opens under two keys (AES-GCM alone does not promise that); it is compared in
constant time before anything is decrypted. The associated data makes a blob useless in any other place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from iop_tui.kernel.canonical import joined
from iop_tui.kernel.errors import InputRejected, NeedsNewer, VaultDamaged
from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret
from iop_tui.vault import coding
from iop_tui.vault.coding import AGAINST, BASE_BYTES, Base
from iop_tui.vault.digest import hkdf, mac, same

SUITE: Final = 0x01
KEY_BYTES = 32
MAX_PLAINTEXT = 64 * 1024 * 1024
"""Largest plaintext that is sealed or opened: 64 MiB. Larger attachments are cut into parts."""

_RECORD = "iop/rec/1"
_RAW = "iop/raw/1"
_RECORD_INFO = joined(_RECORD)
_RAW_INFO = joined(_RAW)
_R, _K, _N, _C, _TAG = 32, 32, 12, 32, 16
_LENGTH = 4
_LEAST, _LEAST_AGAINST = 256, 128
RECORD_OVERHEAD = 2 + _R + _C + _TAG
RAW_OVERHEAD = 1 + _R + _C + _TAG


class Tampered(VaultDamaged):
    """A sealed object does not open in its place: changed, moved, or sealed under another key."""

    code = "tampered"


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a sealed revision belongs; it opens nowhere else.

    `realm`, `compartment`, `record`, `revision`: ids (16 bytes); `kind_tag`: see `kind_tag`; `generation`: 1, 2, ….
    """

    realm: bytes
    compartment: bytes
    generation: int
    kind_tag: bytes
    record: bytes
    revision: bytes

    def _associated(self, head: bytes) -> bytes:
        return joined(
            _RECORD, head, self.realm, self.compartment, self.generation, self.kind_tag, self.record, self.revision,
        )


def kind_tag(key: Secret | bytes, kind: str) -> bytes:
    """Four bytes that stand for a document kind inside one compartment and mean nothing without its key."""
    return mac(_raw(key), "iop/kind/1", kind.encode())[:4]


def seal(key: Secret | bytes, binding: Binding, plaintext: bytes, rng: Rng, base: Base | None = None) -> bytes:
    """The sealed blob of a record revision, stored against `base` where that saves much; the base must be sealed under
    the same key and be no such version itself. Raises `InputRejected` above `MAX_PLAINTEXT`.
    """
    if len(plaintext) > MAX_PLAINTEXT:
        raise InputRejected(f"An entry of more than {MAX_PLAINTEXT // 2**20} MiB cannot be stored.")
    used, frame = coding.compress(plaintext, base)
    head = bytes((SUITE, used)) + (base.revision if base is not None and used == AGAINST else b"")
    body = len(frame).to_bytes(_LENGTH, "big") + frame
    body += bytes(padded_size(len(body), _LEAST_AGAINST if used == AGAINST else _LEAST) - len(body))
    salt = rng.token(_R)
    encryption, nonce, commitment = _keys(_raw(key), salt, _RECORD_INFO)
    return b"".join((head, salt, commitment, encryption.encrypt(nonce, body, binding._associated(head))))


def base_of(blob: bytes) -> bytes:
    """The id of the version a blob is stored against, empty where it stands alone. Needs no key."""
    return blob[2 : 2 + BASE_BYTES] if blob[:2] == bytes((SUITE, AGAINST)) else b""


def open_(
    key: Secret | bytes, binding: Binding, blob: bytes, base: Callable[[bytes], bytes] | None = None
) -> bytes:
    """The plaintext of a record revision. `base` gives the plaintext of the version with an id.

    Raises `Tampered` when key, place or content do not fit, `NeedsNewer` for an unknown suite or coding.
    """
    _check_suite(blob, RECORD_OVERHEAD)
    if blob[1] > AGAINST:
        raise NeedsNewer("A record was compressed in a way that this version of iop-tui does not know.")
    name = base_of(blob)
    start = 2 + len(name)
    _check_suite(blob, RECORD_OVERHEAD + len(name))
    body = _decrypt(_raw(key), blob, start, _RECORD_INFO, binding._associated(blob[:start]))
    known = Base(name, base(name)) if name and base is not None else None
    return _decompress(blob[1], body, known)


def seal_raw(key: Secret | bytes, context: str, ids: tuple[bytes, ...], plaintext: bytes, rng: Rng) -> bytes:
    """Seal a small object that is no record (keys, journal, audit bodies): not compressed, not padded.

    `context` and `ids` say what and whose it is; the blob opens with exactly the same. Format: suite | r | C | ct.
    """
    salt = rng.token(_R)
    encryption, nonce, commitment = _keys(_raw(key), salt, _RAW_INFO)
    ciphertext = encryption.encrypt(nonce, plaintext, joined(_RAW, context, *ids))
    return b"".join((bytes((SUITE,)), salt, commitment, ciphertext))


def open_raw(key: Secret | bytes, context: str, ids: tuple[bytes, ...], blob: bytes) -> bytes:
    """The plaintext behind `seal_raw`. Raises `Tampered`, or `NeedsNewer` for an unknown suite."""
    _check_suite(blob, RAW_OVERHEAD)
    return _decrypt(_raw(key), blob, 1, _RAW_INFO, joined(_RAW, context, *ids))


def padded_size(size: int, least: int = _LEAST) -> int:
    """The size that `size` bytes are padded to: Padmé (Nikitin et al., PoPETs 2019: at most 12 % larger, O(log log n)
    bits leaked), and at least `least`, a power of two.
    """
    if size <= least:
        return least
    exponent = size.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (size + mask) & ~mask


def _raw(key: Secret | bytes) -> bytes:
    raw = key.reveal() if isinstance(key, Secret) else key
    if len(raw) != KEY_BYTES:
        raise ValueError(f"a sealing key has {KEY_BYTES} bytes, not {len(raw)}")
    return raw


def _keys(key: bytes, salt: bytes, info: bytes) -> tuple[AESGCM, bytes, bytes]:
    stream = hkdf(key, salt, info, _K + _N + _C)
    return AESGCM(stream[:_K]), stream[_K:_K + _N], stream[_K + _N:]


def _check_suite(blob: bytes, least: int) -> None:
    if len(blob) < least:
        raise Tampered("A sealed object is cut short.")
    if blob[0] != SUITE:
        raise NeedsNewer("A record was sealed by a method that this version of iop-tui does not know.")


def _decrypt(key: bytes, blob: bytes, at: int, info: bytes, associated: bytes) -> bytes:
    salt = blob[at:at + _R]
    encryption, nonce, commitment = _keys(key, salt, info)
    if not same(commitment, blob[at + _R:at + _R + _C]):
        raise Tampered("A sealed object does not fit the key of its compartment.")
    try:
        return encryption.decrypt(nonce, blob[at + _R + _C:], associated)
    except InvalidTag as error:
        raise Tampered("A sealed object was changed or moved.") from error


def _decompress(used: int, body: bytes, base: Base | None) -> bytes:
    size = int.from_bytes(body[:_LENGTH], "big")
    frame = body[_LENGTH:_LENGTH + size]
    if len(frame) != size or any(body[_LENGTH + size:]):
        raise Tampered("A sealed object is padded in a way that this program never does.")
    try:
        return coding.decompress(used, frame, MAX_PLAINTEXT, base)
    except coding.NotCompressed as error:
        raise Tampered(error.message) from error
