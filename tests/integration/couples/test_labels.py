"""T4, CR-5: labeled copies and unlabeled pastes; with an authorization its id stands in the text and in the log."""

from __future__ import annotations

import pytest

from iop_tui.access import roles
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.compliance import service as compliance
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.couples import entries, pasting, terms
from iop_tui.clinical.couples.model import HELD_NOTE, LIMITED, HeldNote
from iop_tui.clinical.couples.pasting import Place
from iop_tui.clinical.joint.model import JOINT_NOTE
from iop_tui.clinical.people import service as people
from iop_tui.clinical.records import api as records
from iop_tui.kernel.errors import NotReady, RuleRefused
from iop_tui.kernel.ids import show_id
from iop_tui.kernel.labeled import Clip
from tests.integration.couples.conftest import Clinic
from tests.support.clinic.couples import agree, hold_session, internal, joint_note
from tests.support.clinic.vaults import today

SAID = "Craving after a quarrel; used urge surfing, and did not tell anybody at home about the second bottle."


def _held(clinic: Clinic) -> bytes:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair, LIMITED)
    note = HeldNote(heard=today(cleo), category="a surprise", text=SAID, urged=True)
    return entries.save(cleo, pair.a, HELD_NOTE, note).record


def test_t4_pasting_what_a_said_alone_into_the_joint_record_is_refused(clinic: Clinic) -> None:
    record = _held(clinic)
    cleo, pair = clinic.ws("cleo"), clinic.pair
    label = pasting.label_of(cleo, record)
    assert (label.person, label.kind, label.speaker) == (pair.a, "HOLD", "A alone")
    for place in (Place(pair.id, "JNT"), Place(pair.b, "HOLD")):
        with pytest.raises(RuleRefused) as refused:
            pasting.vet(cleo, place, Clip("quarrel", label))  # one labeled word is enough
        assert refused.value.rule == "couple.paste"
    assert pasting.vet(cleo, Place(pair.a, "HOLD"), Clip("quarrel", label)).text == "quarrel"
    seen = [line for line in compliance.audit_report(cleo) if line.action == "refused"]
    assert seen[-1].detail == "paste: couple.paste"


def test_t4_with_an_authorization_the_id_is_recorded_and_logged(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair)
    nadia = clinic.ws("nadia")
    recipient = consents.Recipient(name="Cleo", user=show_id(clinic.made.users["cleo"].user))
    both = (recipient, consents.Recipient(name=consents.JOINT_RECORD))
    consent = internal(nadia, pair.a, "Ana Quill", recipient, recipients=both)
    cleo = clinic.ws("cleo")
    shared = next(line for line in records.timeline(cleo, pair.a, kinds=("progress_note",)))
    clip = Clip("Craving after a quarrel", pasting.label_of(cleo, shared.id))
    with pytest.raises(RuleRefused):
        pasting.vet(cleo, Place(pair.b, "HOLD"), clip)  # never into the other's, whatever was authorized
    pasted = pasting.vet(cleo, Place(pair.id, "JNT"), clip)
    assert pasted.text == f"[A alone xc:{show_id(consent)}] Craving after a quarrel"
    (event,) = [line for line in compliance.audit_report(cleo) if line.action == "paste"]
    assert event.subject == consent
    saved = charting.save(cleo, pair.id, JOINT_NOTE, joint_note(today(cleo), pasted.text))
    charting.sign(cleo, [saved.record])
    consents.revoke(clinic.ws("nadia"), consent)  # from now on refused; what was written stays
    cleo = clinic.ws("cleo")
    again = charting.save(cleo, pair.id, JOINT_NOTE, joint_note(today(cleo), pasted.text))
    with pytest.raises(NotReady):
        charting.sign(cleo, [again.record])


def test_cr5_what_was_shared_to_be_read_is_not_pasted(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair)
    recipient = consents.Recipient(name="Cleo", user=show_id(clinic.made.users["cleo"].user))
    consent = internal(clinic.ws("nadia"), pair.a, "Ana Quill", recipient)
    cleo = clinic.ws("cleo")
    shared = next(line for line in records.timeline(cleo, pair.a, kinds=("progress_note",)))
    clip = Clip("Craving after a quarrel", pasting.label_of(cleo, shared.id))
    for place in (Place(pair.id, "JNT"), Place(pair.b, "HOLD")):
        with pytest.raises(RuleRefused):
            pasting.vet(cleo, place, clip)
    assert show_id(consent) not in entries.authorizations(cleo, terms.couple(cleo, pair.id))


def test_cr5_a_terminal_paste_is_compared_with_what_is_restricted(clinic: Clinic) -> None:
    _held(clinic)
    cleo, pair = clinic.ws("cleo"), clinic.pair
    joint = Place(pair.id, "JNT")
    with pytest.raises(RuleRefused):
        pasting.vet_unlabeled(cleo, joint, "CRAVING after a quarrel -- used urge\nsurfing and did not tell anybody!")
    with pytest.raises(RuleRefused):
        pasting.vet_unlabeled(cleo, Place(pair.b, "HOLD"), SAID)
    for innocent in ("craving after a quarrel used urge", "A quite different sentence about the week they had."):
        assert pasting.vet_unlabeled(cleo, joint, innocent).text == innocent
    assert pasting.vet_unlabeled(cleo, Place(pair.a, "HOLD"), SAID).text == SAID  # their own


def test_cr5_text_opened_in_this_session_does_not_reach_another_chart(clinic: Clinic) -> None:
    nadia, pair = clinic.ws("nadia"), clinic.pair
    people.assign(nadia, clinic.made.people["hana"], nadia.user.user, roles.INDIVIDUAL_THERAPIST)
    nadia = clinic.ws("nadia")
    text = "Reports sleeping better since the quarry walk."
    place = Place(clinic.made.people["max"], "IND")
    longer = f"{text} {text}"
    assert pasting.vet_unlabeled(nadia, place, longer).text == longer  # not opened yet
    records.read(nadia, clinic.made.notes["ana0"])
    with pytest.raises(RuleRefused):
        pasting.vet_unlabeled(nadia, place, longer)
    assert pasting.vet_unlabeled(nadia, Place(pair.a, "IND"), longer).text == longer


def test_cr6_unlabeled_paragraphs_are_not_signed(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair)
    for content in ("No mark at all.", "[J] Fine.\n[A alone] Not here.", "[B alone xc:" + "a" * 26 + "] Invented id."):
        with pytest.raises(NotReady):
            hold_session(cleo, pair, content)
