"""Packets: sealed to one receiver, checked against their ground, opened by the age program of the distribution."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyrage
import pytest

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.api import HIPAA, Recipient
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.disclosures.api import OPERATIONS, REPORT, REQUEST
from iop_tui.clinical.notes.private import PSYCHOTHERAPY_NOTE, PsychotherapyNote
from iop_tui.interchange import packets
from iop_tui.interchange.packets import Order, Packet
from iop_tui.kernel.errors import DiskFull, NotFound, Refused, RuleRefused, Usage
from iop_tui.kernel.ids import show_id
from iop_tui.vault.age import NoRecipient
from iop_tui.vault.digest import sha256
from tests.support.clinic.consents import Clinic, opened, refused
from tests.support.clinic.vaults import Program, today


@pytest.fixture(scope="module")
def clinic(template: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """Everything here only adds to the ledger."""
    with opened(template, tmp_path_factory.mktemp("packets")) as found:
        yield found


@pytest.fixture(scope="module")
def consent(clinic: Clinic) -> bytes:
    """Ana lets Dr Lee have her progress notes."""
    return consents.authorize(clinic.ws("nadia"), clinic.outward(HIPAA, topics=("progress notes",))).id


@pytest.fixture(scope="module")
def key() -> Any:
    """The receiver's."""
    return pyrage.x25519.Identity.generate()


def order(clinic: Clinic, out: Path, **more: Any) -> Order:
    values: dict[str, Any] = {
        "person": clinic.made.people["ana"], "documents": (clinic.made.notes["ana0"],), "to": "passphrase", "out": out,
        "purpose": "Coordination of care", "recipient_kind": "provider",
    }  # fmt: skip
    return Order(**{**values, **more})


def inside(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def made(clinic: Clinic, what: Order) -> Packet:
    return packets.make(clinic.ws("nadia"), what)


def test_documents_data_notice_and_consent_travel_together(
    clinic: Clinic, consent: bytes, key: Any, tmp_path: Path
) -> None:
    out = tmp_path / "lee.age"
    before = len(disclosures.accounting(clinic.ws("nadia"), clinic.made.people["ana"]).rows)
    packet = made(clinic, order(clinic, out, consent=consent, to=str(key.to_public())))
    sealed = out.read_bytes()
    assert (packet.size, packet.sha256) == (len(sealed), sha256(sealed).hex())
    assert b"quarry" not in sealed
    found = inside(pyrage.decrypt(sealed, [key]))
    assert found["documents.pdf"].startswith(b"%PDF-")
    assert b"quarry walk" in found["documents.md"]
    assert b"Dr Lee" in found["CONSENT.txt"]
    assert found["NOTICE.txt"].strip()
    document = json.loads(found["data/DocumentReference.ndjson"])
    assert document["resourceType"] == "DocumentReference"
    for each in json.loads(found["manifest.json"])["files"]:
        assert sha256(found[each["name"]]).hex() == each["sha256"]
    rows = disclosures.accounting(clinic.ws("nadia"), clinic.made.people["ana"]).rows
    assert len(rows) == before + 1
    assert (rows[-1].recipient, rows[-1].method, rows[-1].basis) == ("Dr Lee", "packet", "consent")


def test_six_words_are_made_and_shown_once(
    clinic: Clinic, consent: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[str] = []

    def quick(content: bytes, passphrase: str) -> bytes:
        used.append(passphrase)
        return b"sealed" + content[:0]

    with monkeypatch.context() as patch:
        patch.setattr("iop_tui.vault.age.encrypt_with_passphrase", quick)
        packet = made(clinic, order(clinic, tmp_path / "words.age", consent=consent))
        told = made(clinic, order(clinic, tmp_path / "own.age", consent=consent, passphrase="their own long words"))
    assert used == [packet.passphrase, "their own long words"]
    assert len(packet.passphrase.split("-")) >= 6
    assert told.passphrase == "", "what the receiver chose is not shown again"


@pytest.mark.nightly  # age makes each guess, and each packet, cost a second or more
def test_six_words_open_it(clinic: Clinic, consent: bytes, tmp_path: Path) -> None:
    packet = made(clinic, order(clinic, tmp_path / "words.age", consent=consent))
    assert len(packet.passphrase.split("-")) >= 6
    found = inside(pyrage.passphrase.decrypt((tmp_path / "words.age").read_bytes(), packet.passphrase))
    assert "documents.pdf" in found


@pytest.mark.tools
def test_the_age_program_opens_it(clinic: Clinic, consent: bytes, tmp_path: Path) -> None:
    """Fails, not skips, where the program is missing: what others must be able to open is not assumed."""
    assert shutil.which("age"), "install the distribution's age"
    for kind in ("age", "ssh"):
        secret = tmp_path / f"{kind}.key"
        public = _new_key(kind, secret)
        made(clinic, order(clinic, tmp_path / f"{kind}.out", consent=consent, to=public))
        done = subprocess.run(
            ["age", "-d", "-i", str(secret), str(tmp_path / f"{kind}.out")], capture_output=True, check=True
        )
        assert b"quarry walk" in inside(done.stdout)["documents.md"]


def _new_key(kind: str, secret: Path) -> str:
    if kind == "age":
        identity = pyrage.x25519.Identity.generate()
        secret.write_text(f"{identity}\n")
        return str(identity.to_public())
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    secret.write_bytes(private.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption()))
    secret.chmod(0o600)
    public = private.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
    return f"{public.decode()} somebody@example"


@pytest.mark.parametrize(
    "to", ["", "hello", "age1qqq", "age1" + "q" * 58, "ssh-rsa x", "AGE-SECRET-KEY-1QQQ", "x" * 10_000]
)
def test_a_recipient_that_is_none_is_refused(clinic: Clinic, consent: bytes, tmp_path: Path, to: str) -> None:
    with pytest.raises(NoRecipient) as caught:
        made(clinic, order(clinic, tmp_path / "no.age", consent=consent, to=to))
    assert caught.value.exit_code == 8
    assert not list(tmp_path.iterdir())


def test_no_consent_no_packet(clinic: Clinic, tmp_path: Path) -> None:
    with refused("release.no_consent"):
        made(clinic, order(clinic, tmp_path / "no.age", recipient=Recipient(name="Dr Lee")))
    with pytest.raises(NotFound):
        made(clinic, order(clinic, tmp_path / "no.age", consent=bytes(16)))
    with pytest.raises(Usage):
        made(clinic, order(clinic, tmp_path / "no.age"))
    assert not list(tmp_path.iterdir())


def test_a_consent_for_somebody_else_and_one_that_ended(clinic: Clinic, tmp_path: Path) -> None:
    nadia = clinic.ws("nadia")
    given = consents.authorize(nadia, clinic.outward(HIPAA, to="Dr Moss", topics=("progress notes",))).id
    with refused("release.other_recipient"):
        made(clinic, order(clinic, tmp_path / "no.age", consent=given, recipient=Recipient(name="Dr Lee")))
    consents.revoke(clinic.ws("nadia"), given)
    with refused("release.consent_revoked"):
        made(clinic, order(clinic, tmp_path / "no.age", consent=given, recipient=Recipient(name="Dr Moss")))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("purpose", ["Utilization review", "payment", "claim 77", "prior authorization"])
def test_t8_a_psychotherapy_note_in_a_payers_packet_is_a_hard_error(
    clinic: Clinic, consent: bytes, tmp_path: Path, purpose: str
) -> None:
    """T8, 45 CFR 164.508(a)(2): whatever the consent says."""
    nadia = clinic.ws("nadia")
    note = PsychotherapyNote(written_on=today(nadia), session="s", text="mine alone")
    private = charting.save(nadia, clinic.made.people["ana"], PSYCHOTHERAPY_NOTE, note).record
    both = (clinic.made.notes["ana0"], private)
    with refused("packet.private_note"):
        made(clinic, order(clinic, tmp_path / "ur.age", documents=both, consent=consent, purpose=purpose))
    with refused("packet.private_note"):
        made(clinic, order(clinic, tmp_path / "ur.age", documents=both, basis=OPERATIONS, purpose="x",
                           recipient=Recipient(name="Payer")))  # fmt: skip
    assert not list(tmp_path.iterdir())


def test_a_payer_is_said_and_gets_no_private_note(clinic: Clinic, tmp_path: Path) -> None:
    """Its own authorization does not help, and no word in the purpose is needed."""
    nadia = clinic.ws("nadia")
    note = PsychotherapyNote(written_on=today(nadia), session="s", text="mine alone")
    private = charting.save(nadia, clinic.made.people["ana"], PSYCHOTHERAPY_NOTE, note).record
    given = consents.authorize(nadia, clinic.outward(
        consents.NOTES, to="Blue Field", source="PSY", records=(show_id(private),),
        categories=(consents.PSYCHOTHERAPY,), purpose="Review of sessions",
    )).id  # fmt: skip
    asked = order(clinic, tmp_path / "no.age", documents=(private,), consent=given, purpose="Review of sessions")
    with refused("packet.private_note"):
        made(clinic, replace(asked, recipient_kind="payer"))
    with refused("packet.private_note"):
        made(clinic, replace(asked, basis=REPORT, consent=None, recipient=Recipient(name="Hotline")))
    with refused("packet.private_note"):
        made(clinic, replace(asked, recipient_kind=""))  # not said: judged as if a payer received it
    for kind in ("Payer", "doctor"):
        with pytest.raises(Usage):
            made(clinic, replace(asked, recipient_kind=kind))
    assert not list(tmp_path.iterdir())


def test_a_private_note_needs_its_own_authorization(clinic: Clinic, consent: bytes, tmp_path: Path) -> None:
    nadia = clinic.ws("nadia")
    note = PsychotherapyNote(written_on=today(nadia), session="s", text="mine alone")
    private = charting.save(nadia, clinic.made.people["ana"], PSYCHOTHERAPY_NOTE, note).record
    with pytest.raises((RuleRefused, Refused)):
        made(clinic, order(clinic, tmp_path / "no.age", documents=(private,), consent=consent))
    with pytest.raises((RuleRefused, Refused)):
        made(clinic, order(clinic, tmp_path / "no.age", documents=(private,), basis=REQUEST,
                           recipient=Recipient(name="Ana Quill")))  # fmt: skip
    assert not list(tmp_path.iterdir())


def test_drafts_and_other_peoples_records_stay(clinic: Clinic, consent: bytes, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="draft"):
        made(clinic, order(clinic, tmp_path / "no.age", documents=(clinic.made.notes["draft"],), consent=consent))
    with pytest.raises(NotFound):
        made(clinic, order(clinic, tmp_path / "no.age", documents=(clinic.made.notes["ben0"],), consent=consent))
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_no_file_and_no_row(
    clinic: Clinic, consent: bytes, key: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = clinic.made.people["ana"]
    before = len(disclosures.accounting(clinic.ws("nadia"), ana).rows)

    def full(_handle: int, _content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("iop_tui.interchange.outfile.os.write", full)
        with pytest.raises(DiskFull):
            made(clinic, order(clinic, tmp_path / "no.age", consent=consent, to=str(key.to_public())))
    assert not list(tmp_path.iterdir())
    assert len(disclosures.accounting(clinic.ws("nadia"), ana).rows) == before
