"""The bytes of a pack: sealed rows verbatim, under one outer seal, padded, named by their hash. Pure.

    file    "CWX1" | key number u32 | sealed(TK, body)      sealed: `vault.envelope.seal_raw`, its salt is an argument
    inner   u32 length | canonical(signed body) | zeros to the Padmé size
    name    p/<lane>/<n, 8 hex digits>-<first 26 base32 characters of SHA-256(file)>

Everything about the fields and what is believed is in PROTOCOL.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import msgspec

from iop_tui.exchange.names import (
    LARGEST,
    Name,
    head_lane,
    head_name,
    is_head,
    name_of,
    parse_name,
    text,
)
from iop_tui.exchange.packing import (
    FIRST,
    PRESENT,
    AuditPart,
    Entry,
    audit_section,
    read_audit,
    read_rows,
    rows_section,
)
from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import NeedsNewer, VaultDamaged
from iop_tui.kernel.secret import Secret
from iop_tui.store.rows import ActRow, FingerprintRow, RevisionRow, SessionRow
from iop_tui.vault import envelope, signing
from iop_tui.vault.digest import sha256

__all__ = [
    "FORMAT", "LARGEST", "AuditPart", "Body", "Content", "Entry", "Name", "Pack", "content", "head_lane", "head_name",
    "is_head", "name_of", "open_pack", "parse_name", "seal", "text",
]  # fmt: skip

T = TypeVar("T")
MAGIC = b"CWX1"
FORMAT = PRESENT
SIGN_CONTEXT = "cwx/pack/1"
TARGET = 64 * 1024
HEADER = len(MAGIC) + 4
"""Bytes before the outer seal."""
_ID, _HASH, _TAG = 16, 32, 4
_LARGEST_NUMBER = 2**53


class Foreign(VaultDamaged):
    """A file that is no pack of this program: another program's, or none at all."""

    code = "foreign_pack"


class Body(msgspec.Struct, frozen=True, array_like=True):
    """What a pack says: its place in its lane, what its device had taken in, and named sections."""

    format: int
    realm: bytes
    device: bytes
    lane: bytes
    n: int
    prev: bytes
    seen: tuple[bytes, ...]
    clock_ms: int
    streams: tuple[bytes, ...]
    sections: tuple[tuple[str, bytes], ...]

    def section(self, name: str) -> bytes:
        """The bytes of a section, empty where there is none."""
        return next((data for found, data in self.sections if found == name), b"")


class _Signed(msgspec.Struct, frozen=True, array_like=True):
    body: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack that was opened; its signature is not yet checked."""

    hash: bytes
    body: Body
    stored: bytes
    signature: bytes
    size: int

    def verify(self, public: bytes) -> None:
        """Raise `BadSignature` unless its device signed it."""
        signing.verify(public, SIGN_CONTEXT, self.stored, self.signature)


@dataclass(frozen=True, slots=True)
class Content:
    """The rows of a pack, and the names of the sections this program does not know."""

    acts: tuple[ActRow, ...]
    revisions: tuple[RevisionRow, ...]
    sessions: tuple[SessionRow, ...]
    fingerprints: tuple[FingerprintRow, ...]
    devices: tuple[bytes, ...]
    keyslots: tuple[tuple[bytes, bytes], ...]
    keys: tuple[bytes, ...]
    facts: tuple[tuple[str, bytes], ...]
    audit: AuditPart | None
    unknown: tuple[str, ...]


class _Salt:
    """The salt of a seal as the argument that `seal_raw` asks its randomness for."""

    def __init__(self, salt: bytes) -> None:
        self._salt = salt

    def token(self, size: int) -> bytes:
        """The salt. Raises `VaultDamaged` for another size."""
        if len(self._salt) != size:
            raise VaultDamaged("A pack's salt has the wrong length.")
        return self._salt


def padme(size: int) -> int:
    """The Padmé size (Nikitin et al., PoPETs 2019): at most 12 % more, O(log log n) bits told; at least 512."""
    if size <= 512:
        return 512
    exponent = size.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (size + mask) & ~mask


def fits(name: Name, data: bytes) -> bool:
    """Whether bytes are the ones their name promises: a cut or changed file is not."""
    return text(sha256(data))[:26] == name.check


def fits_name(path: str, data: bytes) -> bool:
    """The same for a name as it stands on a carrier."""
    name = parse_name(path)
    return name is not None and fits(name, data)


def seal(body: Body, signer: signing.SigningKey, *, key: Secret, number: int, salt: bytes) -> bytes:
    """The bytes of a pack: the same arguments give the same bytes, so that it can be made again from its rows."""
    stored = encode(body)
    signed = encode(_Signed(stored, signer.sign(SIGN_CONTEXT, stored)))
    inner = len(signed).to_bytes(4, "big") + signed
    inner += bytes(padme(len(inner)) - len(inner))
    return sealed_file(SIGN_CONTEXT, body.realm, inner, key=key, number=number, salt=salt)


def sealed_file(context: str, realm: bytes, inner: bytes, *, key: Secret, number: int, salt: bytes) -> bytes:
    """The bytes of a file whose outer seal a transport key opens: a pack or a head."""
    return _outer(number) + envelope.seal_raw(key, context, place(realm, number), inner, _Salt(salt))


def place(realm: bytes, number: int) -> tuple[bytes, bytes]:
    """Where such a seal belongs: to the program, and to the number of its key."""
    return realm, _outer(number)


def sealed_size(body: Body) -> int:
    """How many bytes `seal` would make of a body."""
    signed = encode(_Signed(encode(body), bytes(signing.SIGNATURE_BYTES)))
    return HEADER + envelope.RAW_OVERHEAD + padme(4 + len(signed))


def _outer(number: int) -> bytes:
    return MAGIC + number.to_bytes(4, "big")


def key_number(data: bytes) -> int:
    """Which of the program's transport keys a pack needs. Raises `Foreign`, or `NeedsNewer` for a later protocol."""
    if len(data) < HEADER or data[:3] != MAGIC[:3]:
        raise Foreign("This file is no pack of an exchange.")
    if data[:4] != MAGIC:
        raise NeedsNewer("A pack was made by a newer version of iop-tui.", "Update iop-tui; the pack is kept.")
    return int.from_bytes(data[4:HEADER], "big")


def open_pack(data: bytes, realm: bytes, key: Secret) -> Pack:
    """A pack opened with the transport key. Raises `Tampered`, `Foreign`, `NeedsNewer`, `VaultDamaged`."""
    number = key_number(data)
    inner = envelope.open_raw(key, SIGN_CONTEXT, place(realm, number), data[HEADER:])
    size = int.from_bytes(inner[:4], "big")
    if len(inner) < 4 + size or any(inner[4 + size :]) or len(inner) != padme(4 + size):
        raise VaultDamaged("A pack is padded in a way that this program never does.")
    signed = decode(inner[4 : 4 + size], _Signed)
    body = decode(signed.body, Body)
    if not FIRST <= body.format <= FORMAT:
        raise NeedsNewer("A pack was made by a newer version of iop-tui.", "Update iop-tui; the pack is kept.")
    if body.realm != realm:
        raise Foreign("A pack belongs to another program.")
    return Pack(sha256(data), body, signed.body, signed.signature, len(data))


def sections(
    *,
    acts: tuple[ActRow, ...] = (),
    revisions: tuple[RevisionRow, ...] = (),
    sessions: tuple[SessionRow, ...] = (),
    fingerprints: tuple[FingerprintRow, ...] = (),
    devices: tuple[bytes, ...] = (),
    keyslots: tuple[tuple[bytes, bytes], ...] = (),
    keys: tuple[bytes, ...] = (),
    facts: tuple[tuple[str, bytes], ...] = (),
    audit: AuditPart | None = None,
    format_: int = FORMAT,
) -> tuple[tuple[bytes, ...], tuple[tuple[str, bytes], ...]]:
    """Streams and sections of a body, in a fixed order; what is empty is left out."""
    streams = tuple(sorted({row.compartment for row in revisions}))
    made = [
        ("devices", _encoded(devices)),
        ("acts", _encoded(tuple((row.id, row.signed) for row in acts))),
        ("rows", rows_section(revisions, streams, format_)),
        ("sessions", _encoded(tuple((s.id, s.user, s.for_auditors, s.for_self) for s in sessions))),
        ("prints", _encoded(tuple((f.mac, f.target) for f in fingerprints))),
        ("keyslots", _encoded(keyslots)),
        ("keys", _encoded(keys)),
        ("facts", _encoded(facts)),
        ("audit", audit_section(audit, format_, revisions)),
    ]
    return streams, tuple((name, data) for name, data in made if data)


def _encoded(rows: tuple[object, ...]) -> bytes:
    return encode(rows) if rows else b""


_KNOWN = frozenset({"devices", "acts", "rows", "sessions", "prints", "keyslots", "keys", "facts", "audit"})


def content(body: Body) -> Content:
    """The rows of a body. Raises `VaultDamaged` where a known section is not what it should be."""
    found = _content(body)
    _check(body, found)
    return found


def _check(body: Body, found: Content) -> None:
    """Sizes that the vault's tables insist on, before anything is written."""
    ids = [body.device, body.lane, *body.streams, *(row.id for row in found.acts)]
    ids += [part for row in found.revisions for part in (row.id, row.record)]
    ids += [part for row in found.sessions for part in (row.id, row.user)] + [user for user, _ in found.keyslots]
    ids += [row.target for row in found.fingerprints]
    hashes = [*body.seen, body.prev, *(row.mac for row in found.fingerprints)]
    fits = all(len(one) == _ID for one in ids) and all(len(one) == _HASH for one in hashes)
    fits = fits and all(len(row.tag) == _TAG and 0 <= row.generation <= _LARGEST_NUMBER for row in found.revisions)
    if not fits or not (0 <= body.n < 2**32 and 0 <= body.clock_ms <= _LARGEST_NUMBER):
        raise VaultDamaged("A pack holds a row that no vault would take.")


def _content(body: Body) -> Content:
    revisions = read_rows(body.section("rows"), body.streams, body.format)
    return Content(
        tuple(ActRow(*row) for row in _part(body, "acts", tuple[tuple[bytes, bytes], ...], ())),
        revisions,
        tuple(SessionRow(*row) for row in _part(body, "sessions", tuple[tuple[bytes, bytes, bytes, bytes], ...], ())),
        tuple(FingerprintRow(*row) for row in _part(body, "prints", tuple[tuple[bytes, bytes], ...], ())),
        _part(body, "devices", tuple[bytes, ...], ()),
        _part(body, "keyslots", tuple[tuple[bytes, bytes], ...], ()),
        _part(body, "keys", tuple[bytes, ...], ()),
        _part(body, "facts", tuple[tuple[str, bytes], ...], ()),
        read_audit(body.section("audit"), body.format, revisions),
        tuple(name for name, _ in body.sections if name not in _KNOWN),
    )


def _part(body: Body, name: str, kind: type[T], empty: T) -> T:
    data = body.section(name)
    return decode(data, kind) if data else empty
