"""The sealed bodies of audit events: short, bound to their entry, and those of earlier versions are read for ever."""

from __future__ import annotations

import pytest

from iop_tui.kernel.canonical import encode
from iop_tui.kernel.errors import NeedsNewer, VaultDamaged
from iop_tui.kernel.rng import SeededRng
from iop_tui.kernel.secret import Secret
from iop_tui.store import audit, auditwords
from iop_tui.store.audit import AuditSession, Event, open_event
from iop_tui.store.rows import AuditHeader
from iop_tui.vault import shortseal
from iop_tui.vault.digest import sha256

REALM, USER, DEVICE = b"r" * 16, b"u" * 16, b"d" * 16
EVENT = Event("write", USER, DEVICE, 1000, b"p" * 16, "IND", b"s" * 16, "progress_note")
FIRST_SHORT = (
    "020f3732c713f750df7194c948d97c5f55c3000c9c0539b0522c4abe12e904796a859cad9b9cf54e1b3302985792efd1befc755c2b248c68"
    "c4ecc517ec173bcc93e4d22225a09eb0c4c88f32eea05c9a3233b4f66cca8fcb97c3502cd4bec1"
)


def header(session: bytes, at_ms: int = 1000) -> AuditHeader:
    return AuditHeader(7, at_ms, DEVICE, session, bytes(32), bytes(32), bytes(32), False)


def test_an_event_of_an_earlier_version_is_read() -> None:
    key = Secret(bytes.fromhex("720d056b55c740a78176fcb2587891eb893f2ef21c2b7f061c8a1d407622908b"))
    where = header(bytes.fromhex("4173a87f0f3b127f123ca7950d9c75c7"))
    assert open_event(bytes.fromhex(FIRST_SHORT), REALM, where, USER, key) == EVENT


def test_an_event_takes_at_most_60_bytes_and_opens_in_its_entry_only() -> None:
    session = AuditSession(REALM, USER, DEVICE, SeededRng(5))
    sealed = session.seal(EVENT)
    assert len(sealed) <= 60
    assert open_event(sealed, REALM, header(session.id), USER, session._key) == EVENT
    with pytest.raises(VaultDamaged):
        open_event(sealed, REALM, header(session.id, 1001), USER, session._key)
    again = session.seal(EVENT)
    assert again != sealed  # each event has its number


def test_a_word_without_a_number_is_written_as_it_is() -> None:
    session = AuditSession(REALM, USER, DEVICE, SeededRng(6))
    told = Event("sparkle", USER, DEVICE, 1000, b"", "", b"", "38 packs")
    assert open_event(session.seal(told), REALM, header(session.id), USER, session._key) == told


def test_a_number_of_a_later_version_is_named() -> None:
    session = AuditSession(REALM, USER, DEVICE, SeededRng(7))
    body = encode((1, len(auditwords.WORDS), b"", "", b"", ""))
    ids = audit._short_ids(REALM, session.id, DEVICE, 1000)
    sealed = shortseal.seal(session._key, audit._CODED_CONTEXT, ids, body)
    with pytest.raises(NeedsNewer):
        open_event(sealed, REALM, header(session.id), USER, session._key)


def test_words_keep_their_numbers() -> None:
    """New words stand at the end; then only the length here changes, and the digest of what was there before stays."""
    assert len(set(auditwords.WORDS)) == len(auditwords.WORDS)
    assert sha256("|".join(auditwords.WORDS[:179]).encode()).hex()[:16] == "6901306c163fba13"
    assert [auditwords.word(auditwords.number(word)) for word in auditwords.WORDS] == list(auditwords.WORDS)
