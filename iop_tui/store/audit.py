"""Audit events: who did what to which data, in the same transaction as the change.

The fields are those of ASTM E2147-18 §7: time, patient, device, user, action, category of data.
Bodies are sealed under a key of the session, and that key once to the auditors (HPKE) and once to the
user: everybody can append, auditors can read, anyone can read their own.
"""

from __future__ import annotations

import msgspec

from iop_tui.kernel.canonical import decode, encode, joined
from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret
from iop_tui.store.rows import SessionRow
from iop_tui.vault import envelope, hpke

_CONTEXT = "iop/audit/1"


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


def _session_info(realm: bytes, session: bytes, user: bytes) -> bytes:
    return joined("iop/audit-session/1", realm, session, user)


class AuditSession:
    """The key of one session's events."""

    def __init__(self, realm: bytes, user: bytes, device: bytes, rng: Rng) -> None:
        self.id = rng.token(16)
        self.user = user
        self.device = device
        self._realm = realm
        self._rng = rng
        self._key = Secret(rng.token(32))

    def row(self, auditors_public: bytes, self_key: Secret) -> SessionRow:
        """The session key, sealed to the auditors' public key and under the user's own key."""
        info = _session_info(self._realm, self.id, self.user)
        return SessionRow(
            self.id,
            self.user,
            hpke.seal(auditors_public, info, self._key.reveal()),
            envelope.seal_raw(self_key, _CONTEXT, (self._realm, self.id, self.user), self._key.reveal(), self._rng),
        )

    def seal(self, event: Event) -> bytes:
        """The sealed body of an event."""
        return envelope.seal_raw(self._key, _CONTEXT, (self._realm, self.id), encode(event), self._rng)


def session_key_for_auditor(row: SessionRow, realm: bytes, secret: Secret) -> Secret:
    """The session key opened with the auditors' private key."""
    return Secret(hpke.open_(secret, _session_info(realm, row.id, row.user), row.for_auditors))


def session_key_for_self(row: SessionRow, realm: bytes, self_key: Secret) -> Secret:
    """The session key opened with the user's own key."""
    return Secret(envelope.open_raw(self_key, _CONTEXT, (realm, row.id, row.user), row.for_self))


def open_event(sealed: bytes, realm: bytes, session: bytes, key: Secret) -> Event:
    """The event behind a sealed body."""
    return decode(envelope.open_raw(key, _CONTEXT, (realm, session), sealed), Event)
