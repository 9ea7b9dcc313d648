"""T6, CR-10: a partner's copy holds nothing of the other; the joint part follows the decision in force."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from iop_tui.clinical.attachments import api as attachments
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.couples import entries
from iop_tui.clinical.couples.model import HELD_NOTE, LIMITED, HeldNote, ReportFile, SafetyConcern
from iop_tui.clinical.couples.passing import concern, keep_report
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.records import api as records
from iop_tui.clinical.requests import api as requests
from iop_tui.clinical.requests.model import JointDecision, RecordRequest
from iop_tui.clinical.requests.service import DIRECTED, PERSON_ALONE
from iop_tui.clinical.safety.model import VIOLENCE_SCREEN, ViolenceScreen
from iop_tui.clinical.signing import service as signing
from iop_tui.kernel.errors import NoKey, NotFound, NotReady, RoleRefused, RuleRefused
from iop_tui.kernel.ids import show_id
from iop_tui.kernel.streamed import pieces_of
from tests.integration.couples.conftest import Clinic
from tests.support.clinic.couples import agree, hold_session, joint_release, plan_together
from tests.support.clinic.vaults import note, today

NAMES = ("Ana Quill", "Benjamin Odell")
CONTENT = "[J] JOINT-CANARY both.\n[A>] ASIDE-CANARY from A.\n[B>] BSIDE-CANARY from B."


def ask(clinic: Clinic, **more: Any) -> RecordRequest:
    """A request that may be answered."""
    values: dict[str, Any] = {
        "requester": "the person", "asked_on": today(clinic.nadia), "verified": "Driving license, in person",
        "channel": "Her own post box", "safety_talk": True, "recipient": "Ana Quill",
    }  # fmt: skip
    return RecordRequest(**(values | more))


def _record(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair, LIMITED)
    hold_session(cleo, pair, CONTENT)
    plan_together(cleo, pair, contact_rule="held for that partner", participation="PLAN-CANARY")
    for person, canary in ((pair.a, "HOLDA-CANARY"), (pair.b, "HOLDB-CANARY")):
        held = HeldNote(heard=today(cleo), category="a surprise", text=canary, urged=True)
        entries.save(cleo, person, HELD_NOTE, held)
        concern(cleo, person, SafetyConcern(noticed=today(cleo), alone=True, text=canary.replace("HOLD", "SAFE")))
    tom = clinic.ws("tom")
    saved = notes.save(tom, pair.b, note(today(tom), "BENOWN-CANARY"))
    notes.sign(tom, [saved.record])


def _text(prepared: requests.Prepared) -> str:
    return "\n".join(content.decode() for _, content in prepared.files)


def _decide(clinic: Clinic, decision: str, **more: str) -> None:
    values = {"decision": decision, "reason": "Asked by A, weighed.", "state_rule": "Example Code 1.2", **more}
    document = JointDecision(**values, decided_on=today(clinic.nadia))  # type: ignore[arg-type]
    requests.decide(clinic.ws("nadia"), clinic.pair.a, document)


def test_t6_a_copy_has_no_object_of_the_other_partner(clinic: Clinic) -> None:
    _record(clinic)
    pair = clinic.pair
    for name, own in (("nadia", "quarry walk"), ("cleo", "HOLDA-CANARY")):
        ws = clinic.ws(name)
        prepared = requests.prepare(ws, pair.a, ask(clinic))
        text, manifest = _text(prepared), prepared.as_json()
        assert own in text
        assert not [word for word in ("HOLDB", "SAFEA", "SAFEB", "BENOWN", "BSIDE", show_id(pair.b)) if word in text]
        assert manifest["other_partner_objects"] == 0
        assert set(manifest["compartments"]) <= {"IND", "MED", "CRISIS", "GRP", "PAY", "HOLD"}
        requests.finish(ws, prepared)
        assert [row.basis for row in disclosures.accounting(ws, pair.a).rows][-1] == "request by the person"
        assert not disclosures.accounting(ws, pair.b).rows or name == "nadia"
    written = json.loads(dict(prepared.files)["manifest.json"])
    assert written["withheld"][-1]["rule"] == "program rule CR-10"
    assert [len(item["sha256"]) for item in written["objects"]] == [64] * len(written["objects"])


def test_cr14_the_file_of_a_report_does_not_reach_whom_it_is_about(clinic: Clinic) -> None:
    """45 CFR 164.524(a)(2)(v): nothing in a copy, the same manifest lines as for anybody, refused when named."""
    pair = clinic.pair
    clinic.ws("nadia")
    before = requests.prepare(clinic.ws("nadia"), pair.a, ask(clinic))
    keep_report(clinic.ws("cleo"), pair.a, ReportFile(learned=today(clinic.nadia), text="REPORT-CANARY by Ben"))
    concern(clinic.ws("cleo"), pair.a, SafetyConcern(noticed=today(clinic.nadia), alone=True, text="TOLD-CANARY"))
    nadia = clinic.ws("nadia")
    after = requests.prepare(nadia, pair.a, ask(clinic))
    assert not [word for word in ("REPORT-CANARY", "TOLD-CANARY", "SAFE") if word in _text(after)]
    assert after.as_json() == before.as_json()
    record = next(line.id for line in records.lines(nadia, ("report_file",)))
    ground = consents.Ground(disclosures.REQUEST, consents.Recipient(name="Ana Quill"), "copy")
    with pytest.raises(RuleRefused) as refused:
        consents.release(nadia, nadia.work(), pair.a, [record], ground)
    assert refused.value.rule == "release.report_file"


def test_cr14_nor_does_a_file_that_was_attached_to_it(clinic: Clinic) -> None:
    """The form as it was sent names who spoke just as the file of the report does; also over another attachment."""
    pair = clinic.pair
    keep_report(clinic.ws("cleo"), pair.a, ReportFile(learned=today(clinic.nadia), text="As told by Ben"))
    nadia = clinic.ws("nadia")
    before, to = requests.prepare(nadia, pair.a, ask(clinic)), next(iter(records.lines(nadia, ("report_file",)))).id
    ground = consents.Ground(disclosures.REQUEST, consents.Recipient(name="Ana Quill"), "copy")
    for _ in range(2):
        order = attachments.Order(pair.a, "FORM-CANARY by Ben", "letter", today(nadia), place="SAFE", record=to)
        to = attachments.attach(nadia, order, io.BytesIO(b"FORM-CANARY")).record
        with pytest.raises(RuleRefused) as refused:
            consents.release(nadia, nadia.work(), pair.a, [to], ground)
        assert refused.value.rule == "release.report_file"
    after = requests.prepare(nadia, pair.a, ask(clinic))
    assert "FORM-CANARY" not in _files(after)
    assert after.as_json() == before.as_json()
    own = attachments.Order(pair.a, "Own letter", "letter", today(nadia), place="SAFE")
    attachments.attach(nadia, own, io.BytesIO(b"OWN-CANARY"))
    assert "OWN-CANARY" in _files(requests.prepare(nadia, pair.a, ask(clinic)))


def test_cr10_without_a_decision_both_sign_and_then_it_is_all_there(clinic: Clinic) -> None:
    _record(clinic)
    cleo, pair = clinic.ws("cleo"), clinic.pair
    alone = requests.prepare(cleo, pair.a, ask(clinic))
    assert (alone.joint, "JNT" in alone.as_json()["compartments"]) == ("both_signed", False)
    assert "JOINT-CANARY" not in _text(alone)
    joint_release(cleo, pair, "Ana Quill", NAMES)
    both = requests.prepare(cleo, pair.a, ask(clinic))
    for canary in ("JOINT-CANARY", "ASIDE-CANARY", "BSIDE-CANARY", "PLAN-CANARY"):
        assert canary in _text(both)
    assert "HOLDB-CANARY" not in _text(both)
    assert "consent.txt" in dict(both.files)
    with pytest.raises(RuleRefused) as refused:  # the authorization names its recipient
        requests.prepare(cleo, pair.a, ask(clinic, recipient="Somebody Else"))
    assert refused.value.rule == "release.request_recipient"


def _file(clinic: Clinic) -> bytes:
    """Something in the joint record, and something held for each partner; the joint one's record."""
    cleo, pair = clinic.ws("cleo"), clinic.pair
    for person, canary in ((pair.a, b"HOLDA-FILE-CANARY"), (pair.b, b"HOLDB-FILE-CANARY")):
        held = attachments.Order(person, "Told", "letter", today(cleo), place="HOLD")
        attachments.attach(cleo, held, io.BytesIO(canary))
    both = attachments.Order(pair.id, "Mediation report", "letter", today(cleo), "A mediator", place="JNT")
    return attachments.attach(cleo, both, io.BytesIO(b"JOINT-FILE-CANARY")).record


def _files(prepared: requests.Prepared) -> str:
    """Every byte of a copy, files among it opened with the preparer's keys."""
    return b"\n".join(b"".join(pieces_of(content)) for _, content in prepared.files).decode()


def test_cr10_files_of_the_joint_record_go_by_the_joint_rule(clinic: Clinic) -> None:
    """By decryption: the whole record with both signatures or on an order, never with one partner's own segments, a
    summary or a denial; what is held for one partner goes to that partner alone; who keeps no joint record opens none.
    """
    _record(clinic)
    joint, cleo, pair = _file(clinic), clinic.ws("cleo"), clinic.pair
    for name in ("nadia", "tom"):
        with pytest.raises(NotFound):
            attachments.open_file(clinic.ws(name), joint)
    nadias = _files(requests.prepare(clinic.ws("nadia"), pair.a, ask(clinic)))
    assert not [word for word in ("JOINT-FILE", "HOLDA-FILE", "HOLDB-FILE", show_id(joint)) if word in nadias]

    def given() -> tuple[str, bool]:
        prepared = requests.prepare(clinic.ws("cleo"), pair.a, ask(clinic))
        copy = _files(prepared)
        assert "HOLDA-FILE-CANARY" in copy
        assert "HOLDB-FILE-CANARY" not in copy
        assert attachments.read(cleo, joint)[1].key not in copy
        assert prepared.foreign == 0
        return prepared.joint, "JOINT-FILE-CANARY" in copy and show_id(joint) in copy

    assert given() == ("both_signed", False)
    for decision in ("own_segments_only", "summary_if_agreed", "deny_with_reason"):
        _decide(clinic, decision)
        assert given() == (decision, False)
    _decide(clinic, "court_order", order="Example County 12-345, 2026-01-05")
    assert given() == ("court_order", True)
    _decide(clinic, "both_signed")
    joint_release(cleo, pair, "Ana Quill", NAMES)
    assert given() == ("both_signed", True)


@pytest.mark.nightly
def test_cr10_what_both_signed_for_some_topics_lets_go_of_those_and_says_so(clinic: Clinic) -> None:
    """A joint authorization that names topics is no refusal of the whole request: what it does not cover stays."""
    _record(clinic)
    cleo, pair = clinic.ws("cleo"), clinic.pair
    _file(clinic)
    joint_release(cleo, pair, "Ana Quill", NAMES, topics=("joint plan",))
    prepared = requests.prepare(cleo, pair.a, ask(clinic))
    copy = _files(prepared)
    assert "PLAN-CANARY" in copy
    assert not [word for word in ("JOINT-FILE-CANARY", "JOINT-CANARY") if word in copy]
    assert ("What both signed does not cover all of the joint record.", "AAMFT Code of Ethics 2.3") in prepared.withheld


def test_cr10_what_both_signed_for_somebody_else_stands_in_nobodys_way(clinic: Clinic) -> None:
    """A's own part goes to A (45 CFR 164.524); of the joint record nothing, since both signed for another recipient."""
    _record(clinic)
    cleo, pair = clinic.ws("cleo"), clinic.pair
    joint_release(cleo, pair, "Dr Lee", NAMES)
    copy = requests.prepare(cleo, pair.a, ask(clinic))
    assert "HOLDA-CANARY" in _text(copy)
    assert "JOINT-CANARY" not in _text(copy)
    assert ("What both signed about the joint record names another recipient.", "AAMFT Code of Ethics 2.3") in (
        copy.withheld
    )


@pytest.mark.parametrize("who", ["Benjamin Odell", "An Attorney", "Ana", "Quill", "  "])
def test_164_524_c_3_ii_a_request_to_send_to_another_needs_what_the_person_signed(clinic: Clinic, who: str) -> None:
    nadia, pair = clinic.ws("nadia"), clinic.pair
    rows = len(disclosures.accounting(nadia, pair.a).rows)
    if not who.strip():
        assert requests.prepare(nadia, pair.a, ask(clinic, recipient=who)).under == {}
        return
    with pytest.raises(RuleRefused) as refused:
        requests.prepare(nadia, pair.a, ask(clinic, recipient=who))
    assert refused.value.rule == "release.request_recipient"
    assert "164.524(c)(3)(ii)" in refused.value.hint
    assert len(disclosures.accounting(nadia, pair.a).rows) == rows


def test_164_524_c_3_ii_on_a_signed_direction_goes_what_it_covers_and_no_more(clinic: Clinic) -> None:
    """Topics and dates of the authorization decide; it travels along, and the ledger names it as the ground."""
    nadia, pair = clinic.ws("nadia"), clinic.pair
    saved = notes.save(nadia, pair.a, note(today(nadia) - timedelta(days=90), "OLDER-CANARY"))
    notes.sign(nadia, [saved.record])
    form = directed(clinic, pair.a, "An Attorney", covers_from=today(nadia) - timedelta(days=30))
    given = consents.authorize(nadia, form)
    copy = requests.prepare(nadia, pair.a, ask(clinic, recipient="an attorney"))
    assert set(copy.under.values()) == {given.id}
    assert "OLDER-CANARY" not in _text(copy)
    assert {item.kind for item in copy.items} == {"progress_note"}
    assert {"consent.txt", "notice.txt"} <= set(dict(copy.files))
    assert DIRECTED in copy.withheld
    requests.finish(nadia, copy)
    row = disclosures.accounting(nadia, pair.a).rows[-1]
    assert (row.recipient, row.basis, row.consent) == ("an attorney", "consent", show_id(given.id))
    consents.revoke(nadia, given.id)
    with pytest.raises(RuleRefused):
        requests.prepare(nadia, pair.a, ask(clinic, recipient="An Attorney"))


def test_cr10_a_decision_for_a_partner_lets_nothing_go_to_somebody_else(clinic: Clinic) -> None:
    _record(clinic)
    cleo, pair = clinic.ws("cleo"), clinic.pair
    for decision in ("own_segments_only", "summary_if_agreed"):
        clinic.made.clock.advance(1)
        _decide(clinic, decision)
        own = requests.joint_part(clinic.ws("cleo"), pair.a, "Ana Quill")
        assert own is not None
        assert own.parts
        part = requests.joint_part(clinic.ws("cleo"), pair.a, "An Attorney", elsewhere=True)
        assert part is not None
        assert (part.parts, part.rule) == ((), "45 CFR 164.524(c)(3)(ii)")
        with pytest.raises(RuleRefused):
            requests.prepare(cleo, pair.a, ask(clinic, recipient="An Attorney"))


def test_164_502_g_who_asks_in_the_persons_place_gets_the_copy_but_nothing_kept_apart(clinic: Clinic) -> None:
    """CR-10, 4: what lies in HOLD and SAFE goes to the person alone, on their own request; the copy says so to all."""
    _record(clinic)
    cleo, nadia, pair = clinic.ws("cleo"), clinic.ws("nadia"), clinic.pair
    screen = ViolenceScreen(asked=today(nadia), alone=True, hits=19, findings="SCREEN-CANARY", danger_assessment="d",
                            action="a")  # fmt: skip
    saved = signing.save(nadia, pair.a, VIOLENCE_SCREEN, screen)
    assert "SCREEN-CANARY" in _text(requests.prepare(nadia, pair.a, ask(clinic)))
    guardian = {"requester": "guardian", "authority": "Order 12, county court", "asker": "Gus Quill", "recipient": ""}
    copy = requests.prepare(nadia, pair.a, ask(clinic, **guardian))
    assert "quarry walk" in _text(copy)
    assert "SCREEN-CANARY" not in _text(copy)
    assert PERSON_ALONE in copy.withheld
    requests.finish(nadia, copy)
    row = disclosures.accounting(nadia, pair.a).rows[-1]
    assert (row.recipient, row.basis) == ("Gus Quill", "request by the person")
    assert "guardian Gus Quill: Order 12, county court" in row.purpose
    assert not requests.prepare(cleo, pair.a, ask(clinic, **guardian)).items  # all that Cleo keeps of hers is apart
    ground = consents.Ground(disclosures.REQUEST, consents.Recipient(name="Gus Quill"), "copy", authority="Order 12")
    with pytest.raises(RuleRefused) as refused:
        consents.release(nadia, nadia.work(), pair.a, [saved.record], ground)
    assert refused.value.rule == "release.person_alone"
    for bad in ({"recipient": "An Attorney"}, {"asker": "Benjamin Odell", "recipient": "Benjamin Odell"}):
        with pytest.raises(RuleRefused):
            requests.prepare(cleo if "asker" in bad else nadia, pair.a, ask(clinic, **(guardian | bad)))
    with pytest.raises(NotReady):
        requests.prepare(nadia, pair.a, ask(clinic, **(guardian | {"asker": ""})))


def directed(clinic: Clinic, person: bytes, to: str, **more: Any) -> consents.Consent:
    """A person's signed authorization that what it names goes to somebody outside."""
    now = today(clinic.nadia)
    signed = consents.ConsentSignature(
        person=show_id(person), signer="client", name="Ana Quill", method="typed in person", witness="Fay",
        signed_on=now,
    )  # fmt: skip
    values: dict[str, Any] = {
        "person": show_id(person), "person_name": "Ana Quill", "discloser": "Nadia", "source": "IND",
        "recipients": (consents.Recipient(name=to, address="1 Main St"),), "topics": ("progress notes",),
        "description": "Progress notes", "purpose": "as asked", "expires_on": now + timedelta(days=60),
        "signatures": (signed,), "copy_given": True,
    }  # fmt: skip
    return consents.template(consents.HIPAA, **(values | more))


DECIDED: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("own_segments_only", ("JOINT-CANARY", "ASIDE-CANARY"), ("BSIDE-CANARY", "PLAN-CANARY")),
    ("summary_if_agreed", ("attended_a",), ("JOINT-CANARY", "ASIDE-CANARY", "BSIDE-CANARY", "attended_b")),
    ("deny_with_reason", (), ("JOINT-CANARY", "ASIDE-CANARY", "BSIDE-CANARY", "PLAN-CANARY")),
    ("court_order", ("JOINT-CANARY", "ASIDE-CANARY", "BSIDE-CANARY", "PLAN-CANARY"), ()),
)


def test_cr10_the_joint_part_obeys_the_newest_decision(clinic: Clinic) -> None:
    _record(clinic)
    for decision, inside, outside in DECIDED:
        clinic.made.clock.advance(1)
        _decide(clinic, decision, order="Family court 7, 2026-03-01" if decision == "court_order" else "")
        prepared = requests.prepare(clinic.ws("cleo"), clinic.pair.a, ask(clinic))
        text = _text(prepared)
        assert prepared.joint == decision
        assert all(canary in text for canary in inside)
        assert not [canary for canary in outside if canary in text]
    for_b = requests.prepare(clinic.ws("cleo"), clinic.pair.b, ask(clinic, recipient="Benjamin Odell"))
    assert for_b.joint == "both_signed"  # a decision is one partner's


def test_cr10_only_the_privacy_officer_decides_and_an_order_is_named(clinic: Clinic) -> None:
    _record(clinic)
    with pytest.raises(NotReady):
        _decide(clinic, "court_order")
    document = JointDecision(decision="court_order", reason="r", state_rule="s", order="o")
    for name in ("cleo", "tom", "fay"):
        with pytest.raises((RoleRefused, NotReady)):
            requests.decide(clinic.ws(name), clinic.pair.a, document)
    with pytest.raises(NotReady):  # no reason, no rule
        requests.decide(clinic.ws("nadia"), clinic.pair.a, JointDecision(decision="deny_with_reason"))
    assert requests.decided(clinic.ws("cleo"), clinic.pair.a).decision == "both_signed"


def test_a_request_in_somebody_elses_name_is_refused(clinic: Clinic) -> None:
    _record(clinic)
    nadia, pair = clinic.ws("nadia"), clinic.pair
    for other in (pair.b, clinic.made.people["max"]):
        bad = ask(clinic, requester_id=show_id(other))
        with pytest.raises(RuleRefused) as refused:
            requests.prepare(nadia, pair.a, bad)
        assert refused.value.rule == "request.someone_else"
    for bad in (ask(clinic, requester="guardian"), ask(clinic, safety_talk=False), ask(clinic, verified="")):
        with pytest.raises(NotReady):
            requests.prepare(nadia, pair.a, bad)
    for name in ("tom", "fay", "abe"):
        with pytest.raises((NoKey, NotFound)):
            requests.prepare(clinic.ws(name), pair.a, ask(clinic))


def test_cr10_a_declared_request_reads_back(clinic: Clinic) -> None:
    assert requests.RECORD_REQUEST.parse(msgspec.to_builtins(ask(clinic, person="x"))).due is not None


def test_t3_a_safety_entry_changes_no_byte_of_a_joint_copy(clinic: Clinic) -> None:
    _record(clinic)
    _decide(clinic, "court_order", order="Family court 7")
    before = requests.prepare(clinic.ws("cleo"), clinic.pair.b, ask(clinic, recipient="Benjamin Odell")).files
    joint_before = requests.prepare(clinic.ws("cleo"), clinic.pair.a, ask(clinic)).files
    nadia = clinic.ws("nadia")
    screen = ViolenceScreen(asked=today(nadia), alone=True, hits=19, findings="x " * 400, danger_assessment="d",
                            action="a")  # fmt: skip
    signing.save(nadia, clinic.pair.a, VIOLENCE_SCREEN, screen)
    assert requests.prepare(clinic.ws("cleo"), clinic.pair.b, ask(clinic, recipient="Benjamin Odell")).files == before
    assert requests.prepare(clinic.ws("cleo"), clinic.pair.a, ask(clinic)).files == joint_before
