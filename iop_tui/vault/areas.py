"""Byte formats inside `vault.head`: header copies, signed heads, attempts. Pure: bytes in, values out.

    header copy   "IOPH" | version u8 | flags u8 (1 demo, 2 one user) | length u32 | body (canonical `Header`)
                  | SHA-256 of all before | zeros to n × 4096
    head slot     "IOPS" | version u8 | count u64 | length u32 | body (canonical `SignedHead`) | Ed25519 signature 64
                  | zeros to 4064 | SHA-256 of all before; an unwritten slot is all zeros
    attempts      "IOPA" | version u8 | 256 × (failures u32, last failure in ms u64) | zeros to 4064 | SHA-256

The signature is over joined("iop/head/1", count u64 ‖ body).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from iop_tui.kernel import canonical
from iop_tui.kernel.errors import NeedsNewer, VaultDamaged
from iop_tui.vault.digest import same, sha256
from iop_tui.vault.forms import Slot
from iop_tui.vault.glance import (
    AREA,
    FLAG_DEMO,
    FLAG_SINGLE_USER,
    HEAD_MAGIC,
    HEADER_FRAME,
    MAGIC,
    VERSION,
    checksum,
    close_area,
    damaged,
    damaged_copy,
    header_frames,
    open_area,
)

if TYPE_CHECKING:
    from iop_tui.vault.signing import SigningKey

FORMAT: Final = "IOPH"
BUCKETS: Final = 256
FAILURE_CAP: Final = 64
"""Failures are counted up to here; the wait is the longest long before."""

MAX_WAIT_MS: Final = 15 * 60 * 1000

_SIGNATURE_BYTES = 64
_HEAD_FRAME = struct.Struct(">4sBQI")
_ATTEMPTS_FRAME = struct.Struct(">4sB")
_ENTRY = struct.Struct(">IQ")
_HEAD_CONTEXT = "iop/head/1"


class Header(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, kw_only=True):
    """Identity of a vault and its key slots. `created_ms`: ms since 1970; `generation` grows with every change."""

    format: str = FORMAT
    version: int = VERSION
    vault_id: bytes
    demo: bool
    created_ms: int
    generation: int = 1
    slots: tuple[Slot, ...] = ()

    def with_slots(self, slots: tuple[Slot, ...]) -> Header:
        """The next generation, with these slots."""
        return msgspec.structs.replace(self, slots=slots, generation=self.generation + 1)

    def find(self, tag: bytes) -> tuple[Slot, ...]:
        """The slots of a user name's tag; empty when there is no such user."""
        return tuple(slot for slot in self.slots if same(slot.name_tag, tag))


class SignedHead(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, kw_only=True):
    """What this device vouches for after a commit: how far the log goes and what the key slots were.

    `seq`: the device's own counter; `audit_seq`, `audit_hash`: end of its audit chain; `revisions`, `acts`: counts;
    `journal_digest`, `header_digest`: 32 bytes or empty; `at_ms`: the machine's clock, a claim.
    """

    vault_id: bytes
    device_id: bytes
    seq: int
    audit_seq: int
    audit_hash: bytes
    revisions: int
    acts: int
    journal_digest: bytes
    header_digest: bytes
    at_ms: int


@dataclass(frozen=True, slots=True)
class StoredHead:
    """A signed head as found in the file; `count` numbers the writes of this file. Verify before believing it."""

    count: int
    head: SignedHead
    signature: bytes


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed unlocks in a row, and when the last one was (ms since 1970)."""

    count: int
    last_ms: int


def header_digest(header: Header) -> bytes:
    """32 bytes that change with every change of identity or key slots; goes into the signed head."""
    return sha256(canonical.encode(header))


def pack_header(header: Header) -> bytes:
    """Both copies of the header, padded."""
    body = canonical.encode(header)
    frame = HEADER_FRAME.pack(MAGIC, VERSION, _flags(header), len(body)) + body
    frame += checksum(frame)
    return 2 * (frame + bytes(-len(frame) % AREA))


def parse_header(data: bytes) -> Header:
    """The header from both copies. Raises `VaultDamaged` naming the copy that is intact, `NeedsNewer`."""
    header, broken = intact_header(data)
    if broken is not None:
        raise damaged_copy(broken)
    return header


def intact_header(data: bytes) -> tuple[Header, int | None]:
    """An intact header and the number (1, 2) of the damaged copy, if any.

    Raises `VaultDamaged` when neither is intact or they contradict each other, `NeedsNewer`.
    """
    first, second = header_frames(data)
    header = _decode_header(first or second or b"")
    return header, 1 if first is None else 2 if second is None else None


def _decode_header(frame: bytes) -> Header:
    header = canonical.decode(frame[HEADER_FRAME.size:], Header)
    flags = HEADER_FRAME.unpack_from(frame)[2]
    if header.format != FORMAT or header.version != VERSION or len(header.vault_id) != 16 or flags != _flags(header):
        raise damaged("The header of vault.head does not describe a vault.")
    if any(slot.vault_id != header.vault_id for slot in header.slots):
        raise damaged("vault.head contains a key slot of another vault.")
    return header


def _flags(header: Header) -> int:
    single = len({slot.name_tag for slot in header.slots}) == 1
    return FLAG_DEMO * header.demo | FLAG_SINGLE_USER * single


def sign_head(head: SignedHead, count: int, signer: SigningKey) -> StoredHead:
    """A head signed by the device, as write number `count` of this file."""
    return StoredHead(count, head, signer.sign(_HEAD_CONTEXT, _signed_bytes(count, head)))


def verify_head(stored: StoredHead, device_public: bytes) -> SignedHead:
    """The head, if the device signed it. Raises `signing.BadSignature`."""
    from iop_tui.vault import (
        signing,  # here: the prompt reads this file before it can afford the import
    )

    signing.verify(device_public, _HEAD_CONTEXT, _signed_bytes(stored.count, stored.head), stored.signature)
    return stored.head


def pack_head(stored: StoredHead) -> bytes:
    """4096 bytes for a head slot."""
    body = canonical.encode(stored.head)
    frame = _HEAD_FRAME.pack(HEAD_MAGIC, VERSION, stored.count, len(body)) + body + stored.signature
    return close_area(frame)


def parse_heads(slot_a: bytes, slot_b: bytes, vault_id: bytes) -> tuple[tuple[StoredHead, ...], tuple[str, ...]]:
    """The stored heads, newest first, and what is wrong with them.

    One torn slot is reported. Raises `VaultDamaged` when both are damaged or belong to another vault.
    """
    found: list[StoredHead] = []
    problems: list[str] = []
    blank = 0
    for name, data, parity in (("A", slot_a, 0), ("B", slot_b, 1)):
        if not any(data):
            blank += 1
            continue
        stored = _parse_head(data)
        if stored is None or stored.count % 2 != parity:
            problems.append(f"Head slot {name} of vault.head is damaged: a write was cut off, or the file was changed.")
        elif stored.head.vault_id != vault_id:
            raise damaged(f"Head slot {name} of vault.head belongs to another vault.")
        else:
            found.append(stored)
    if not found and problems:
        raise damaged("No signed head of vault.head is intact.")
    found.sort(key=lambda stored: -stored.count)
    return tuple(found), (*problems, *_sequence_problems(found, blank))


def _sequence_problems(found: list[StoredHead], blank: int) -> tuple[str, ...]:
    if len(found) == 2 and found[0].count != found[1].count + 1:
        return ("The two signed heads of vault.head do not follow each other: an older one was put back.",)
    if len(found) == 1 and blank and found[0].count != 1:
        return ("One signed head of vault.head was erased.",)
    return ()


def _parse_head(data: bytes) -> StoredHead | None:
    frame = open_area(data)
    if frame is None:
        return None
    magic, version, count, length = _HEAD_FRAME.unpack_from(frame)
    end = _HEAD_FRAME.size + length
    if magic != HEAD_MAGIC or end + _SIGNATURE_BYTES > len(frame) or any(frame[end + _SIGNATURE_BYTES:]):
        return None
    if version != VERSION:
        raise NeedsNewer("A signed head in vault.head was written by a newer version of iop-tui.")
    try:
        head = canonical.decode(frame[_HEAD_FRAME.size:end], SignedHead)
    except VaultDamaged:
        return None
    return StoredHead(count, head, frame[end:end + _SIGNATURE_BYTES])


def _signed_bytes(count: int, head: SignedHead) -> bytes:
    return count.to_bytes(8, "big") + canonical.encode(head)


def no_attempts() -> tuple[Failures, ...]:
    """The attempts of a new vault."""
    return (Failures(0, 0),) * BUCKETS


def pack_attempts(entries: tuple[Failures, ...]) -> bytes:
    """4096 bytes for the attempts area."""
    frame = _ATTEMPTS_FRAME.pack(b"IOPA", VERSION)
    return close_area(frame + b"".join(_ENTRY.pack(entry.count, max(entry.last_ms, 0)) for entry in entries))


def parse_attempts(data: bytes) -> tuple[Failures, ...] | None:
    """The attempts, or None when the area is damaged: the caller then applies the longest wait."""
    frame = open_area(data)
    end = _ATTEMPTS_FRAME.size + BUCKETS * _ENTRY.size
    if frame is None or _ATTEMPTS_FRAME.unpack_from(frame) != (b"IOPA", VERSION) or any(frame[end:]):
        return None
    return tuple(Failures(*entry) for entry in _ENTRY.iter_unpack(frame[_ATTEMPTS_FRAME.size:end]))


def bucket(tag: bytes) -> int:
    """The attempts bucket of a name tag."""
    return tag[0]


def delay_ms(count: int) -> int:
    """The wait after `count` failures in a row: 1 s, 2 s, 4 s … at most 15 min (NIST SP 800-63B-4, 3.2.2)."""
    return 0 if count <= 0 else min(1000 << min(count - 1, 20), MAX_WAIT_MS)


def wait_ms(failures: Failures, now_ms: int) -> int:
    """Milliseconds still to wait at `now_ms`. A clock set back makes it the whole wait, never longer."""
    total = delay_ms(failures.count)
    passed = now_ms - failures.last_ms
    return total if passed < 0 else max(0, total - passed)
