"""The rows of a vault as values, and the digests that bind them into the audit chain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from iop_tui.kernel.canonical import encode
from iop_tui.vault.digest import sha256

EMPTY_DIGEST = bytes(32)


@dataclass(frozen=True, slots=True)
class RevisionRow:
    """A sealed revision as it lies in the vault and travels between devices."""

    id: bytes
    record: bytes
    compartment: bytes
    generation: int
    tag: bytes
    deposit: bool
    sealed: bytes

    def digest(self) -> bytes:
        """SHA-256 over every column."""
        return sha256(
            encode(
                (
                    "revision",
                    self.id,
                    self.record,
                    self.compartment,
                    self.generation,
                    self.tag,
                    self.deposit,
                    self.sealed,
                )
            )
        )


@dataclass(frozen=True, slots=True)
class ActRow:
    """A signed entry of the membership log."""

    id: bytes
    signed: bytes

    def digest(self) -> bytes:
        """SHA-256 over every column."""
        return sha256(encode(("act", self.id, self.signed)))


@dataclass(frozen=True, slots=True)
class SessionRow:
    """The key of one session's audit entries, sealed to the auditors and to the user."""

    id: bytes
    user: bytes
    for_auditors: bytes
    for_self: bytes

    def digest(self) -> bytes:
        """SHA-256 over every column."""
        return sha256(encode(("session", self.id, self.user, self.for_auditors, self.for_self)))


@dataclass(frozen=True, slots=True)
class FingerprintRow:
    """The keyed fingerprint of an imported item and what it became."""

    mac: bytes
    target: bytes

    def digest(self) -> bytes:
        """SHA-256 over every column."""
        return sha256(encode(("fingerprint", self.mac, self.target)))


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """What the exchange with other devices keeps: a pack that was taken in or sealed, a device's card, and so on."""

    kind: str
    id: bytes
    data: bytes

    def digest(self) -> bytes:
        """SHA-256 over every column."""
        return sha256(encode(("exchange", self.kind, self.id, self.data)))


class AuditHeader(msgspec.Struct, frozen=True, array_like=True):
    """The readable part of an audit entry: its place in the chain and the digest of what came with it."""

    seq: int
    at_ms: int
    device: bytes
    session: bytes
    previous: bytes
    changes: bytes
    state: bytes
    clean_close: bool


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An audit entry: header in the clear (inside the encrypted vault), body sealed to the auditors."""

    seq: int
    header: bytes
    sealed: bytes
    hash: bytes


def audit_hash(header: bytes, sealed: bytes) -> bytes:
    """The link of the chain: SHA-256 over the header (which names the previous hash) and the sealed body's digest."""
    return sha256(b"\x00", header, sha256(sealed))


def changes_digest(digests: Iterable[bytes]) -> bytes:
    """One digest over the rows that an audit entry brought, in order; zeros for none."""
    joined = b"".join(digests)
    return sha256(joined) if joined else EMPTY_DIGEST


def state_digest(state: Mapping[str, bytes], meta: Mapping[str, bytes]) -> bytes:
    """One digest over the small mutable facts and the unchanging ones."""
    return sha256(encode((tuple(sorted(state.items())), tuple(sorted(meta.items())))))


def journal_digest(entries: Mapping[tuple[bytes, bytes], bytes]) -> bytes:
    """One digest over the journal: (user, slot) -> SHA-256 of the sealed text."""
    return sha256(encode(tuple(sorted((user, slot, digest) for (user, slot), digest in entries.items()))))
