"""Signing any kind of document, and what may follow a signature: amendment, void, the client's signature, proof."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import PROGRESS_NOTE, ProgressNote
from iop_tui.clinical.plans import service as plans
from iop_tui.clinical.plans.documents import TREATMENT_PLAN
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import export
from iop_tui.clinical.signing import service as signing
from iop_tui.clinical.signing.model import ClientSignature
from iop_tui.kernel.errors import AlreadySigned, DocumentInvalid, NoKey, NotReady, Refused
from iop_tui.workspace import Workspace
from tests.integration.charting.conftest import Open
from tests.support.clinic.plans import plan
from tests.support.clinic.vaults import Program, note, today

ROOT = Path(__file__).resolve().parents[3]
WITHOUT = msgspec.structs.replace


def signed_note(ws: Workspace, made: Program, text: str, days: int = 1) -> bytes:
    day = today(ws) - timedelta(days=days)
    own = {"response": f"Spoke freely of this: {text}.", "plan": f"Go on with this: {text}."}
    saved = notes.save(ws, made.people["ana"], note(day, text, **own))
    notes.sign(ws, [saved.record])
    return saved.record


def status(ws: Workspace, record: bytes) -> str:
    return records.line_of(ws, record).status


def test_several_kinds_in_one_act_or_none(made: Program, ws: Workspace) -> None:
    ana = made.people["ana"]
    good = plans.save(ws, ana, plan(1, 1, 1, hours=0.75, hours_reason="Test"))
    bad = plans.save(ws, ana, plan(1, 1, 1, participation=""))
    with pytest.raises(NotReady, match="How the client took part is missing"):
        charting.sign(ws, [good.record, bad.record])
    assert (status(ws, good.record), status(ws, bad.record)) == ("draft", "draft")
    charting.sign(ws, [good.record])
    assert status(ws, good.record) == "signed"
    signatures = records.signatures(ws, good.record)
    assert [(item.name, item.role) for item in signatures] == [("Nadia", "individual therapist")]
    assert [item.meaning for item in signatures] == ["author"]
    with pytest.raises(AlreadySigned):
        plans.save(ws, ana, plan(1, 1, 1), record=good.record)
    with pytest.raises(AlreadySigned):
        charting.sign(ws, [good.record])
    signing.void(ws, bad.record, reason="duplicate", explanation="Made twice.")
    signing.void(ws, good.record, reason="entered in error", explanation="A test.")


def test_texts_are_sanitised_and_constraints_checked_on_the_way_in(made: Program, ws: Workspace) -> None:
    ana = made.people["ana"]
    value = note(today(ws), "Slept\x1b[31m badly\u202e", location="home\x07")
    saved = signing.save(ws, ana, PROGRESS_NOTE, value)
    _, _, stored = signing.opened_document(ws, saved.record)
    assert isinstance(stored, ProgressNote)
    assert (stored.presentation, stored.location) == ("Slept[31m badly", "home")
    with pytest.raises(DocumentInvalid) as failure:
        signing.save(ws, ana, PROGRESS_NOTE, WITHOUT(value, location="x" * 201))
    assert failure.value.place == "$.location"
    signing.void(ws, saved.record, reason="entered in error", explanation="A test.")


def test_only_who_charts_saves_and_only_the_author_goes_on(made: Program, ws: Workspace, beside: Open) -> None:
    bill, tom = beside("bill"), beside("tom")
    ana = made.people["ana"]
    for other in (bill, tom):
        with pytest.raises((NoKey, Refused)):
            signing.save(other, ana, TREATMENT_PLAN, plan(1, 1, 1))
    record = notes.save(ws, ana, note(today(ws), "Draft of Nadia")).record
    with pytest.raises(Refused):
        signing.save(tom, ana, PROGRESS_NOTE, note(today(ws), "x"), record=record)
    signing.void(ws, record, reason="entered in error", explanation="A test.")


# -- amendments ----------------------------------------------------------------------------


def test_an_amendment_keeps_the_signed_text_and_shows_both(made: Program, ws: Workspace) -> None:
    record = signed_note(ws, made, "Slept four hours")
    _, _, before = signing.opened_document(ws, record)
    corrected = WITHOUT(before, presentation="Slept five hours")
    saved = signing.amend(ws, record, corrected, reason="correction", explanation="Misheard.")
    assert signing.current(ws, record) == before, "an unsigned amendment changes nothing"
    charting.sign(ws, [saved.record])
    assert signing.current(ws, record) == corrected
    assert signing.opened_document(ws, record)[2] == before
    assert [line.id for line in signing.amendments(ws, record)] == [saved.record]
    _, _, amendment = signing.opened_document(ws, saved.record)
    changes = [(item.label, item.before, item.after) for item in amendment.changes]  # type: ignore[attr-defined]
    assert changes == [("Presentation", "Slept four hours", "Slept five hours")]
    again = signing.amend(ws, record, WITHOUT(corrected, plan="Call on Friday."), reason="other", explanation="More.")
    charting.sign(ws, [again.record])
    now = signing.current(ws, record)
    assert isinstance(now, ProgressNote)
    assert (now.presentation, now.plan) == ("Slept five hours", "Call on Friday.")


def test_an_amendment_is_held_to_the_rules_of_its_document(made: Program, ws: Workspace) -> None:
    record = signed_note(ws, made, "Denied cravings", days=3)
    _, _, before = signing.opened_document(ws, record)
    with pytest.raises(Refused, match="Nothing was changed"):
        signing.amend(ws, record, before, reason="correction", explanation="x")
    worse = signing.amend(ws, record, WITHOUT(before, risk="present"), reason="correction", explanation="x")
    with pytest.raises(NotReady, match="say what was done"):
        charting.sign(ws, [worse.record])
    better = WITHOUT(before, risk="present", risk_action="Called the on-call line.", risk_present=("overdose",),
                     supervisor_notice="Uma, the same day")  # fmt: skip
    signing.amend(ws, record, better, reason="correction", explanation="x", amendment=worse.record)
    charting.sign(ws, [worse.record])
    assert signing.current(ws, record) == better


def test_only_the_author_amends_only_what_is_signed(made: Program, ws: Workspace, beside: Open) -> None:
    draft = notes.save(ws, made.people["ana"], note(today(ws), "Draft")).record
    _, _, document = signing.opened_document(ws, draft)
    with pytest.raises(Refused, match="Only a signed document"):
        signing.amend(ws, draft, document, reason="correction", explanation="x")
    tom = beside("tom")
    _, _, theirs = signing.opened_document(tom, made.notes["ben0"])
    changed = WITHOUT(theirs, plan="Something else")
    with pytest.raises(Refused):
        signing.amend(ws, made.notes["ben0"], changed, reason="correction", explanation="x")
    signing.void(ws, draft, reason="entered in error", explanation="A test.")


# -- void ----------------------------------------------------------------------------------


def test_a_void_needs_reason_and_words_and_deletes_nothing(made: Program, ws: Workspace, beside: Open) -> None:
    record = signed_note(ws, made, "Wrong chart", days=4)
    for reason, words in (("", "x"), ("duplicate", " ")):
        with pytest.raises(NotReady):
            signing.void(ws, record, reason=reason, explanation=words.strip())
    with pytest.raises(DocumentInvalid):
        signing.void(ws, record, reason="because", explanation="x")
    before = signing.opened_document(ws, record)[2]
    signing.void(ws, record, reason="wrong person", explanation="Belongs to another chart.")
    assert signing.voided(ws, made.people["ana"])[record] == "wrong person"
    assert signing.opened_document(ws, record)[2] == before
    with pytest.raises(Refused, match="void already"):
        signing.void(ws, record, reason="duplicate", explanation="again")
    with pytest.raises(Refused):
        signing.void(beside("tom"), made.notes["ana0"], reason="duplicate", explanation="x")
    with pytest.raises(Refused):
        signing.void(ws, made.notes["ben0"], reason="duplicate", explanation="x")


def test_after_five_minutes_a_void_asks_for_the_passphrase(made: Program, ws: Workspace) -> None:
    record = signed_note(ws, made, "Old session", days=5)
    made.clock.advance(301)
    with pytest.raises(Refused, match="passphrase"):
        signing.void(ws, record, reason="duplicate", explanation="x")
    ws.confirm(made.users["nadia"].typed())
    signing.void(ws, record, reason="duplicate", explanation="x")


# -- the client's signature ----------------------------------------------------------------

GOOD = ClientSignature(signer="client", name="Ana Quill", method="typed in person", witness="Fay")
DIGEST = "ab" * 32
NEEDS = {
    "witness": WITHOUT(GOOD, witness=""),
    "witness by video": WITHOUT(GOOD, method="verbal by video", witness=""),
    "authority": WITHOUT(GOOD, signer="guardian"),
    "attachment": WITHOUT(GOOD, method="paper, scanned"),
    "packet": WITHOUT(GOOD, method="returned packet"),
    "name": WITHOUT(GOOD, name=""),
    "method": WITHOUT(GOOD, method=""),
}


@pytest.mark.parametrize("lacking", NEEDS)
def test_each_method_of_signing_needs_its_proof(made: Program, ws: Workspace, lacking: str) -> None:
    with pytest.raises(NotReady):
        signing.record_client_signature(ws, made.notes["ana0"], WITHOUT(NEEDS[lacking], signed_on=today(ws)))


def test_the_clients_signature_is_recorded_with_the_digest_of_what_was_signed(made: Program, ws: Workspace) -> None:
    record = made.notes["ana1"]
    ways = (
        WITHOUT(GOOD, signed_on=today(ws)),
        WITHOUT(GOOD, signed_on=today(ws), signer="guardian", authority="Letters of guardianship"),
        WITHOUT(GOOD, signed_on=today(ws), method="paper, scanned", witness="", attachment_sha256=DIGEST),
    )
    for way in ways:
        signing.record_client_signature(ws, record, way)
    found = signing.client_signatures(ws, record)
    assert [item.method for item in found] == [way.method for way in ways]
    stored = ws.session.open_revision(signing.leaf_of(ws, record)).stored
    assert {item.record_sha256 for item in found} == {signing.sha256(stored).hex()}
    draft = notes.save(ws, made.people["ana"], note(today(ws), "Draft")).record
    with pytest.raises(Refused, match="Only a signed document"):
        signing.record_client_signature(ws, draft, ways[0])


# -- outside the program -------------------------------------------------------------------


def verify(path: Path, proof: object) -> subprocess.CompletedProcess[str]:
    path.write_text(json.dumps(proof), "utf-8")
    script = ROOT / "docs" / "verify_signed.py"
    return subprocess.run([sys.executable, "-I", script, path], capture_output=True, text=True, check=False)


def test_a_signed_note_verifies_outside_the_program(made: Program, ws: Workspace, tmp_path: Path) -> None:
    record = signed_note(ws, made, "Slept — 七 hours", days=6)
    _, _, document = signing.opened_document(ws, record)
    amended = signing.amend(ws, record, WITHOUT(document, plan="Other."), reason="correction", explanation="x")
    charting.sign(ws, [amended.record])
    proof = export.proof(ws, [record, made.notes["ana0"]])
    done = verify(tmp_path / "proof.json", proof)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("valid") == 3
    assert "author: Nadia, individual therapist" in done.stdout
    assert len((ROOT / "docs" / "verify_signed.py").read_text().splitlines()) <= 60


CHANGES = (
    ("stored", lambda text: text[:-8] + ("A" if text[-8] != "A" else "B") + text[-7:]),
    ("text", lambda text: text.replace("Slept", "Swept")),
    ("author", lambda text: "00" * 16),
)


@pytest.mark.parametrize("case", range(7))
def test_any_change_to_the_proof_shows(made: Program, ws: Workspace, tmp_path: Path, case: int) -> None:
    proof = json.loads(json.dumps(export.proof(ws, [made.notes["ana0"]])))
    document = proof["documents"][0]
    signature = document["signatures"][0]
    if case < 3:
        name, change = CHANGES[case]
        document[name] = change(document[name].replace("Reports", "Slept") if name == "text" else document[name])
    elif case == 3:
        signature["signed_at"] = "2020-01-01T00:00:00Z"
    elif case == 4:
        signature["role"] = "supervisor"
    elif case == 5:
        proof["keys"][0]["ed25519"] = "11" * 32
    else:
        document["written"]["signature"] = "00" * 64
    assert verify(tmp_path / "proof.json", proof).returncode == 1


def test_unsigned_documents_have_no_proof(made: Program, ws: Workspace) -> None:
    draft = notes.save(ws, made.people["ana"], note(today(ws), "Draft")).record
    with pytest.raises(Refused, match="Only signed"):
        export.proof(ws, [draft])
