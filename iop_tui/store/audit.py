"""Audit events: who did what to which data, in the same transaction as the change.

The fields are those of ASTM E2147-18 §7: time, patient, device, user, action, category of data.
Bodies are sealed under a key of the session, and that key once to the auditors (HPKE) and once to the
user: everybody can append, auditors can read, anyone can read their own. The key travels with the user's
signature, so that nobody opens a session in a colleague's name.

An event is most of what a write costs on a slow carrier. So its body says only what neither its session (user) nor its
entry (time, device) says already; these are bound by the seal.
"""

from __future__ import annotations

import msgspec

from iop_tui.kernel.canonical import decode, encode, joined
from iop_tui.kernel.errors import NeedsNewer, VaultDamaged
from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret
from iop_tui.store import auditwords
from iop_tui.store.rows import AuditHeader, SessionRow
from iop_tui.vault import envelope, hpke, shortseal, signing
from iop_tui.vault.digest import sha256

_CONTEXT = "iop/audit/1"
_SHORT_CONTEXT = "iop/audit/2"
_CODED_CONTEXT = "iop/audit/3"
_SESSION_CONTEXT = "iop/audit-session/1"
_KEY_BYTES = 32


class Event(msgspec.Struct, frozen=True, array_like=True):
    """One audited action. `detail` holds ids and codes, never a word of a record."""

    action: str
    user: bytes
    device: bytes
    at_ms: int
    person: bytes = b""
    category: str = ""
    subject: bytes = b""
    detail: str = ""


class _Short(msgspec.Struct, frozen=True, array_like=True):
    """An event without user, device and time; `number` counts the events of its session."""

    number: int
    action: str
    person: bytes
    category: str
    subject: bytes
    detail: str


class _Coded(msgspec.Struct, frozen=True, array_like=True):
    """The same with words by their numbers (`auditwords`)."""

    number: int
    action: int | str
    person: bytes
    category: int | str
    subject: bytes
    detail: int | str


def _session_info(realm: bytes, session: bytes, user: bytes) -> bytes:
    return joined(_SESSION_CONTEXT, realm, session, user)


def _signed(realm: bytes, session: bytes, user: bytes, key: bytes) -> bytes:
    return joined(realm, session, user, sha256(key))


class AuditSession:
    """The key of one session's events."""

    def __init__(self, realm: bytes, user: bytes, device: bytes, rng: Rng) -> None:
        self.id = rng.token(16)
        self.user = user
        self.device = device
        self._realm = realm
        self._rng = rng
        self._key = Secret(rng.token(32))
        self._count = 0

    def row(self, auditors_public: bytes, self_key: Secret, signer: signing.SigningKey) -> SessionRow:
        """The session key with its user's signature, sealed to the auditors' public key and under the user's own."""
        info, key = _session_info(self._realm, self.id, self.user), self._key.reveal()
        signed = key + signer.sign(_SESSION_CONTEXT, _signed(self._realm, self.id, self.user, key))
        return SessionRow(
            self.id,
            self.user,
            hpke.seal(auditors_public, info, signed),
            envelope.seal_raw(self_key, _CONTEXT, (self._realm, self.id, self.user), signed, self._rng),
        )

    def seal(self, event: Event) -> bytes:
        """The sealed body of an event, short where it is one of this session's user and device."""
        if (event.user, event.device) != (self.user, self.device):
            return envelope.seal_raw(self._key, _CONTEXT, (self._realm, self.id), encode(event), self._rng)
        self._count += 1
        action, category, detail = map(auditwords.number, (event.action, event.category, event.detail))
        body = _Coded(self._count, action, event.person, category, event.subject, detail)
        ids = _short_ids(self._realm, self.id, event.device, event.at_ms)
        return shortseal.seal(self._key, _CODED_CONTEXT, ids, encode(body))


def session_key_for_auditor(row: SessionRow, realm: bytes, secret: Secret, user_public: bytes) -> Secret:
    """The session key opened with the auditors' private key. Raises `BadSignature` where its user did not sign it."""
    signed = hpke.open_(secret, _session_info(realm, row.id, row.user), row.for_auditors)
    return _verified(row, realm, signed, user_public)


def session_key_for_self(row: SessionRow, realm: bytes, self_key: Secret, user_public: bytes) -> Secret:
    """The session key opened with the user's own key. Raises `BadSignature` where its user did not sign it."""
    signed = envelope.open_raw(self_key, _CONTEXT, (realm, row.id, row.user), row.for_self)
    return _verified(row, realm, signed, user_public)


def _verified(row: SessionRow, realm: bytes, signed: bytes, user_public: bytes) -> Secret:
    key, signature = signed[:_KEY_BYTES], signed[_KEY_BYTES:]
    if len(signed) != _KEY_BYTES + signing.SIGNATURE_BYTES:
        raise VaultDamaged("A session of the log lacks its user's signature.")
    signing.verify(user_public, _SESSION_CONTEXT, _signed(realm, row.id, row.user, key), signature)
    return Secret(key)


def _short_ids(realm: bytes, session: bytes, device: bytes, at_ms: int) -> tuple[bytes, ...]:
    return realm, session, device, at_ms.to_bytes(8, "big", signed=True)


def open_event(sealed: bytes, realm: bytes, header: AuditHeader, user: bytes, key: Secret) -> Event:
    """The event behind the sealed body of an entry; `user` is the one of its session."""
    if not shortseal.is_short(sealed):
        return decode(envelope.open_raw(key, _CONTEXT, (realm, header.session), sealed), Event)
    ids = _short_ids(realm, header.session, header.device, header.at_ms)
    body = _first_short(sealed, ids, key) if sealed[0] == shortseal.FIRST else _coded(sealed, ids, key)
    return Event(
        body.action, user, header.device, header.at_ms, body.person, body.category, body.subject, body.detail
    )


def _first_short(sealed: bytes, ids: tuple[bytes, ...], key: Secret) -> _Short:
    return decode(shortseal.open_(key, _SHORT_CONTEXT, ids, sealed), _Short)


def _coded(sealed: bytes, ids: tuple[bytes, ...], key: Secret) -> _Short:
    body = decode(shortseal.open_(key, _CODED_CONTEXT, ids, sealed), _Coded)
    try:
        action, category, detail = map(auditwords.word, (body.action, body.category, body.detail))
    except IndexError:
        raise NeedsNewer("An entry of the log says what only a newer version of iop-tui knows.") from None
    return _Short(body.number, action, body.person, category, body.subject, detail)
