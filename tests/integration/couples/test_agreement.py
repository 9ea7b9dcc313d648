"""CR-7 and CR-6 through the services: agreement first, its stamp on every entry for ever, partners' signatures."""

from __future__ import annotations

import pytest

from iop_tui.access import charts
from iop_tui.access.policy import Kind
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.couples import entries, passing, terms
from iop_tui.clinical.couples.model import AGREEMENT, HELD_NOTE, LIMITED, OPEN, SEPARATE, HeldNote, PartnerMessage
from iop_tui.clinical.joint import service as joint
from iop_tui.clinical.joint.model import (
    COUPLE_MEASURE,
    JOINT_NOTE,
    JOINT_PLAN,
    RECOVERY_DAY,
    CoupleMeasure,
    RecoveryDay,
)
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import service as signing
from iop_tui.kernel.errors import AlreadySigned, NoKey, NotFound, NotReady, Refused, RuleRefused
from tests.integration.couples.conftest import Clinic
from tests.support.clinic.couples import (
    A,
    B,
    agree,
    agreement,
    hold_session,
    joint_note,
    joint_plan,
    plan_together,
    signature,
)
from tests.support.clinic.vaults import today


def _doc(ws: object, record: bytes) -> object:
    return signing.opened_document(ws, record)[2]  # type: ignore[arg-type]


def test_cr7_no_joint_note_before_both_signed(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    note = joint_note(today(cleo))
    with pytest.raises(RuleRefused) as refused:
        entries.save(cleo, pair.id, JOINT_NOTE, note)
    assert refused.value.rule == "couple.agreement"
    saved = entries.save(cleo, pair.id, AGREEMENT, agreement(today(cleo)))
    joint.sign(cleo, [saved.record])
    entries.record_signature(cleo, saved.record, signature(A, today(cleo)))
    with pytest.raises(RuleRefused):  # one signature is not both
        charting.save(cleo, pair.id, JOINT_NOTE, note)
    entries.record_signature(cleo, saved.record, signature(B, today(cleo)))
    stored = charting.save(cleo, pair.id, JOINT_NOTE, note)
    charting.sign(cleo, [stored.record])
    assert records.line_of(cleo, stored.record).status == "signed"


def test_cr7_a_refused_signature_is_none_and_nobody_signs_twice(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    saved = entries.save(cleo, pair.id, AGREEMENT, agreement(today(cleo)))
    with pytest.raises(Refused):  # the therapist signs first
        entries.record_signature(cleo, saved.record, signature(A, today(cleo)))
    joint.sign(cleo, [saved.record])
    entries.record_signature(cleo, saved.record, signature(A, today(cleo), outcome="refused"))
    entries.record_signature(cleo, saved.record, signature(B, today(cleo)))
    assert terms.in_force(cleo, terms.couple(cleo, pair.id)) is None
    with pytest.raises(RuleRefused) as refused:
        entries.record_signature(cleo, saved.record, signature(B, today(cleo)))
    assert refused.value.rule == "couple.signed_twice"
    with pytest.raises(NotReady):  # without a witness
        entries.record_signature(cleo, saved.record, signature(A, today(cleo), witness=""))


def test_t7_a_change_of_policy_relabels_nothing(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    first = agree(cleo, pair)
    old = hold_session(cleo, pair)
    draft = entries.save(cleo, pair.id, JOINT_NOTE, joint_note(today(cleo))).record
    clinic.made.clock.advance(60)
    second = agree(cleo, pair, LIMITED)
    fresh = hold_session(cleo, pair)
    assert (_doc(cleo, old).policy, _doc(cleo, old).agreement) == (SEPARATE, first.hex())  # type: ignore[attr-defined]
    assert (_doc(cleo, fresh).policy, _doc(cleo, fresh).agreement) == (LIMITED, second.hex())  # type: ignore[attr-defined]
    again = entries.save(cleo, pair.id, JOINT_NOTE, joint_note(today(cleo), plan="Other words."), record=draft)
    assert _doc(cleo, again.record).policy == SEPARATE  # type: ignore[attr-defined]
    forged = joint_note(today(cleo), policy=OPEN, agreement=second.hex())
    work = signing.save(cleo, pair.id, JOINT_NOTE, forged, record=draft)  # past the door: the signature refuses
    with pytest.raises(NotReady):
        charting.sign(cleo, [work.record])
    with pytest.raises(NotReady):
        signing.sign(cleo, [work.record])
    amended = signing.amend(
        cleo, old, joint_note(today(cleo), policy=LIMITED, agreement=second.hex()), reason="correction",
        explanation="Another policy.",
    )  # fmt: skip
    with pytest.raises(NotReady):
        charting.sign(cleo, [amended.record])


def test_cr7_separate_only_refuses_one_partner_contact(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair)
    held = HeldNote(heard=today(cleo), category="a surprise", text="HELD-CANARY", urged=True)
    with pytest.raises(RuleRefused) as refused:
        entries.save(cleo, pair.a, HELD_NOTE, held)
    assert refused.value.rule == "couple.cr7"
    with pytest.raises(NotReady) as unready:  # one partner alone is no joint session
        hold_session(cleo, pair, attended_b="absent")
    assert "absent" in unready.value.message
    message = PartnerMessage(received=today(cleo), channel="call", text="BOUNCED-CANARY", answered="Tell Nadia.")
    passing.pass_on(cleo, pair.a, message)
    assert not records.search(cleo, "BOUNCED-CANARY")
    nadia = clinic.ws("nadia")
    (hit,) = records.search(nadia, "BOUNCED-CANARY")
    assert (hit.person, hit.kind) == (pair.a, "partner_message")
    with pytest.raises(NotFound):
        records.read(cleo, hit.id)
    with pytest.raises(RuleRefused):
        passing.pass_on(nadia, pair.b, message)


def test_cr7_limited_secrets_hold_only_what_both_named(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair, LIMITED)
    for category, ready in (("something else", False), ("A surprise", True), ("an ongoing affair", True)):
        held = HeldNote(heard=today(cleo), category=category, text="said alone", urged=True)
        saved = charting.save(cleo, pair.a, HELD_NOTE, held)
        found = {item.code for item in saved.findings}
        assert ("category" in found) is not ready
        assert ("blocking" in found) is (category == "an ongoing affair")
        if ready:
            charting.sign(cleo, [saved.record])
        assert records.line_of(cleo, saved.record).compartment_kind == Kind.HOLD
    for name in ("nadia", "tom", "sol", "fay"):
        assert not records.search(clinic.ws(name), "alone")


def test_cr7_no_secrets_puts_it_into_the_joint_record_with_its_speaker(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair, OPEN)
    assert passing.contact_rule(cleo, pair.id).kind == "joint_note"
    record = hold_session(cleo, pair, "[A alone] Wants to move out for a while.", attended_b="absent")
    assert records.line_of(cleo, record).status == "signed"
    held = HeldNote(heard=today(cleo), category="any", text="no", urged=True)
    with pytest.raises(RuleRefused):
        entries.save(cleo, pair.a, HELD_NOTE, held)


def test_only_the_couples_therapist_writes_the_joint_record(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair)
    for name in ("nadia", "tom"):
        with pytest.raises((NoKey, NotFound, RuleRefused)):
            entries.save(clinic.ws(name), pair.id, JOINT_NOTE, joint_note(today(cleo)))
    saved = entries.save(cleo, pair.id, JOINT_NOTE, joint_note(today(cleo)))
    joint.sign(cleo, [saved.record])
    with pytest.raises(AlreadySigned):
        entries.save(cleo, pair.id, JOINT_NOTE, joint_note(today(cleo)), record=saved.record)


def test_cr20_a_joint_session_is_billed_to_one_partner_only(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair)
    hold_session(cleo, pair)
    bill = clinic.ws("bill")
    mine, other = (records.timeline(bill, person, kinds=("service_line",)) for person in (pair.a, pair.b))
    assert [line.title for line in mine].count("50 min 90847") == 1
    assert not [line for line in other if "90847" in line.title]
    assert charts.compartment_for(bill.session, pair.a, Kind.PAY)


def test_a_joint_plan_takes_terms_and_screening_dates_from_where_they_are(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair)
    day = today(cleo)
    passing.tell_screened(clinic.ws("nadia"), pair.a, day)
    passing.tell_screened(clinic.ws("tom"), pair.b, day)
    with pytest.raises(RuleRefused):  # nobody screens the other's partner, and the couples therapist screens nobody
        passing.tell_screened(clinic.ws("tom"), pair.a, day)
    cleo = clinic.ws("cleo")
    values = joint.new_plan(cleo, pair.id)
    assert (values["screened_a"], values["screened_b"]) == (day.isoformat(), day.isoformat())
    assert values["billing"] == A
    assert joint.owed(cleo, pair.id)[0].what == "Joint plan"
    plan_together(cleo, pair)
    assert joint.owed(cleo, pair.id)[0].what == "Joint plan review"
    clinic.made.clock.advance(86_400)
    cleo.confirm(clinic.made.users["cleo"].typed())
    for _ in range(8):
        hold_session(cleo, pair)
    assert joint.owed(cleo, pair.id)[0].rule == "8 joint sessions"
    saved = entries.save(cleo, pair.id, JOINT_PLAN, joint_plan(day, contact_rule="held for that partner"))
    assert "contact_rule" in {item.code for item in saved.findings}


def test_measures_are_one_partners_and_compared_only_when_asked_for(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair)
    day = today(cleo)
    for partner, name, score in ((A, "CSI-16", 38.0), (B, "CSI-16", 44.0), (A, "CSI-16", 40.0), (A, "DAS", 90.0)):
        measure = CoupleMeasure(instrument=name, partner=partner, taken=day, score=score)
        entries.save(cleo, pair.id, COUPLE_MEASURE, measure)
    assert [item.score for item in joint.measures(cleo, pair.id, B)] == [44.0]
    assert joint.differences(cleo, pair.id) == [("CSI-16", 4.0)]
    shown = " ".join(line.title for line in records.timeline(cleo, pair.id))
    assert "38" not in shown
    assert "44" not in shown


def test_the_contracts_calendar_shows_what_was_written_last(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair)
    day = today(cleo)
    for kept in (("meetings",), ("meetings", "daily statement")):
        clinic.made.clock.advance(1)
        entries.save(cleo, pair.id, RECOVERY_DAY, RecoveryDay(day=day, kept=kept))
    (line,) = joint.calendar(cleo, pair.id, day, day)
    assert line.kept == ("meetings", "daily statement")
    with pytest.raises(NotReady):  # what no signature will look at again is refused at once
        entries.save(cleo, pair.id, RECOVERY_DAY, RecoveryDay(day=day, remark="UDS positive"))
