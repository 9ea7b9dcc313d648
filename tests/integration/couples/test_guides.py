"""CR-7, CR-10 to CR-14 as guides: left at any step, resumed there, refused where the rule says so, stored apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from iop_tui.clinical.couples import terms
from iop_tui.clinical.couples.model import LIMITED
from iop_tui.clinical.couples.model import OPEN as NO_SECRETS
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import service as signing
from iop_tui.clinical.wizards import catalog, engine, legal
from iop_tui.clinical.wizards import service as guides
from iop_tui.clinical.wizards.model import OPEN, WIZARD_STATE, WizardState
from iop_tui.clinical.wizards.service import Sitting
from iop_tui.kernel.errors import DocumentInvalid, NoKey, NotFound, NotReady, Refused, RuleRefused
from iop_tui.shell.couples import guidepage
from iop_tui.workspace import Workspace, unsaved
from tests.integration.couples.conftest import Clinic
from tests.support.clinic.couples import agree, hold_session
from tests.support.clinic.vaults import today


def walk(ws: Workspace, sitting: Sitting, *answers: dict[str, Any]) -> Sitting:
    """Answer steps one after the other, leaving and resuming the guide between them."""
    for values in answers:
        assert sitting.step is not None
        sitting = guides.answer(ws, sitting, dict(values))
        if sitting.step is not None:
            assert guides.resume(ws, sitting.record).step == sitting.step
    return sitting


def _contact(ws: Workspace, person: bytes, **more: Any) -> Sitting:
    first = {"received": today(ws).isoformat(), "channel": "call"}
    return walk(ws, guides.begin(ws, "contact", person), first, {"safety_matter": False, **more})


# -- CR-7 ----------------------------------------------------------------------------------


def test_cr7_contact_under_separate_only_is_passed_on_unread(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair)
    sitting = _contact(cleo, pair.a)
    assert sitting.step is not None
    assert "Take no content" in sitting.words
    done = walk(cleo, sitting, {"passed_text": "PASSED-CANARY", "passed_answer": "Tell Nadia, please."})
    assert done.step is None
    assert records.search(clinic.ws("nadia"), "PASSED-CANARY")[0].kind == "partner_message"
    assert not records.search(clinic.ws("tom"), "PASSED-CANARY")


def test_cr7_contact_under_limited_secrets_is_held_and_disclosure_urged(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair, LIMITED)
    sitting = _contact(cleo, pair.b)
    with pytest.raises(RuleRefused) as refused:
        walk(cleo, sitting, {"category": "a surprise", "held_text": "x", "urged": False})
    assert refused.value.rule == "couple.cr7"
    with pytest.raises(DocumentInvalid):
        walk(cleo, sitting, {"category": "whatever", "held_text": "x", "urged": True})
    assert guides.resume(cleo, sitting.record).step == sitting.step  # nothing was stored by a refusal
    walk(cleo, sitting, {"category": "an ongoing affair", "held_text": "HELD-CANARY", "urged": True})
    (line,) = records.lines(cleo, ("held_note",))
    assert (line.person, line.status, line.compartment_kind) == (pair.b, "draft", "HOLD")


def test_cr7_contact_under_no_secrets_becomes_a_joint_draft(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair, NO_SECRETS)
    walk(cleo, _contact(cleo, pair.b), {"shared_text": "Wants to leave.", "shared_urged": True})
    (line,) = records.lines(cleo, ("joint_note",))
    document = signing.opened_document(cleo, line.id)[2]
    assert (document.content, document.attended_a) == ("[B alone] Wants to leave.", "absent")  # type: ignore[attr-defined]


def test_cr7_safety_is_under_no_secrets_policy(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair, NO_SECRETS)
    first = {"received": today(cleo).isoformat(), "channel": "call"}
    sitting = walk(cleo, guides.begin(cleo, "contact", pair.a), first, {"safety_matter": True})
    concern = {"concern_alone": True, "concern_text": "DANGER-CANARY", "concern_done": "Called Nadia."}
    walk(cleo, sitting, concern)
    assert records.search(clinic.ws("nadia"), "DANGER-CANARY")[0].kind == "safety_concern"
    for name in ("tom", "sol", "fay", "uma"):
        assert not records.search(clinic.ws(name), "DANGER-CANARY")


# -- CR-13 ---------------------------------------------------------------------------------


def _screening(ws: Workspace, person: bytes, *, alone: bool = True) -> Sitting:
    first = {"asked": today(ws).isoformat(), "alone": alone, "code_word": "The parcel"}
    return walk(ws, guides.begin(ws, "violence", person), first)


def test_cr13_never_asked_when_somebody_may_hear(clinic: Clinic) -> None:
    nadia, pair = clinic.ws("nadia"), clinic.pair
    with pytest.raises(RuleRefused) as refused:
        _screening(nadia, pair.a, alone=False)
    assert refused.value.rule == "violence.not_alone"
    assert not guides.guides(nadia, pair.a)


def test_cr13_findings_stay_in_the_safety_compartment_and_the_partner_side_learns_a_date(clinic: Clinic) -> None:
    clinic.ws("cleo")
    nadia, pair = clinic.ws("nadia"), clinic.pair
    sitting = _screening(nadia, pair.a)
    with pytest.raises(RuleRefused):
        walk(nadia, sitting, {"hits": 3, "worry": False, "found": ""})
    sitting = walk(nadia, sitting, {"hits": 15, "worry": False, "found": "VIOLENCE-CANARY"})
    assert sitting.step is not None
    assert sitting.step.id == "danger"  # a positive screen is followed by what is done
    done = walk(
        nadia, sitting, {"danger": "High.", "action": "Advocate called."},
        {"safe_contact": "Mornings only", "hold_paper": False}, {}, {"tell_date": True, "code": "schedule"},
    )  # fmt: skip
    assert done.step is None
    for line in records.lines(nadia, ("violence_screen", WIZARD_STATE.kind)):
        assert line.compartment_kind == "SAFE"
    cleo = clinic.ws("cleo")
    assert terms.screenings(cleo, terms.couple(cleo, pair.id)) == {"partner A": today(nadia)}
    for name in ("cleo", "tom", "sol", "fay", "bill", "uma"):
        ws = clinic.ws(name)
        assert not records.search(ws, "VIOLENCE-CANARY")
        assert not records.lines(ws, ("violence_screen", WIZARD_STATE.kind))


def test_cr13_a_negative_screen_takes_the_same_steps_but_one(clinic: Clinic) -> None:
    tom, pair = clinic.ws("tom"), clinic.pair
    done = walk(
        tom, _screening(tom, pair.b), {"hits": 4, "worry": False}, {"hold_paper": True}, {}, {"tell_date": False},
    )  # fmt: skip
    assert done.state.outcome[-1] == "The date was not sent."
    with pytest.raises((NoKey, NotFound)):  # the couples therapist has no safety compartment of their own
        guides.begin(clinic.ws("cleo"), "violence", pair.b)


# -- CR-14, CR-11 --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("matter", "identifies", "ways"),
    [
        (legal.CHILD, True, (legal.INITIAL, legal.NOT_NOW)),
        (legal.ADULT, True, (legal.CONSENT, legal.UNIDENTIFIED, legal.ORDER, legal.CRIME, legal.EMERGENCY,
                             legal.NOT_NOW)),
        (legal.THREAT, True, (legal.CONSENT, legal.UNIDENTIFIED, legal.ORDER, legal.CRIME, legal.EMERGENCY,
                              legal.NOT_NOW)),
        (legal.ADULT, False, (legal.PERMITTED, legal.CONSENT, legal.NOT_NOW)),
    ],
)  # fmt: skip
def test_cr14_only_lawful_ways_are_offered(matter: str, identifies: bool, ways: tuple[str, ...]) -> None:
    answers = {"matter": matter, "identifies": "yes" if identifies else "no"}
    assert legal.lawful(answers, {}) == ways


def test_cr14_the_report_lies_apart_and_names_nobody_who_reported(clinic: Clinic) -> None:
    nadia, pair = clinic.ws("nadia"), clinic.pair
    day = today(nadia).isoformat()
    sitting = walk(nadia, guides.begin(nadia, "report", pair.a), {"matter": legal.ADULT, "learned": day},
                   {"identifies": True})  # fmt: skip
    with pytest.raises(DocumentInvalid):  # what HIPAA alone would allow
        walk(nadia, sitting, {"path": legal.PERMITTED})
    done = walk(
        nadia, sitting, {"path": legal.UNIDENTIFIED},
        {"agency": "County hotline", "reported": day, "reference": "77", "content": "REPORT-CANARY"}, {"told": False},
    )  # fmt: skip
    assert done.step is None
    found = {hit.kind for hit in records.search(nadia, "REPORT-CANARY")}
    assert found == {"report_file", WIZARD_STATE.kind}
    hits = records.search(nadia, "REPORT-CANARY")
    assert {records.line_of(nadia, hit.id).compartment_kind for hit in hits} == {"SAFE"}
    for name in ("cleo", "tom", "sol", "abe"):
        assert not records.search(clinic.ws(name), "REPORT-CANARY")


def test_cr11_a_reply_confirms_nobody(clinic: Clinic) -> None:
    tom, pair = clinic.ws("tom"), clinic.pair
    day = today(tom).isoformat()
    first = {"arrived": legal.ATTORNEY, "arrived_on": day, "sender": "Counsel LLP", "matter_no": "F 12/26",
             "answer_by": day}  # fmt: skip
    sitting = walk(tom, guides.begin(tom, "subpoena", pair.b), first, {"counsel_asked": True})
    assert sitting.step is not None
    options = sitting.step.asks[0].options(sitting.state.given(), sitting.facts)
    assert legal.COMPLY not in options  # an attorney's subpoena is not enough
    sitting = walk(tom, sitting, {"reply": legal.NEITHER})
    for word in ("Ben", "Odell", "Tom", "patient of"):
        assert word not in sitting.words
    with pytest.raises(RuleRefused):
        walk(tom, sitting, {"letter_read": False})
    assert walk(tom, sitting, {"letter_read": True}).step is None
    for arrived in legal.ARRIVED:
        for reply in legal.replies({"arrived": arrived}, {}):
            assert "is a patient of" not in legal.letter({"arrived": arrived, "reply": reply})


# -- CR-12, CR-10 --------------------------------------------------------------------------


def test_cr12_the_separation_guide_closes_the_record_then_waits_for_each_partner(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair)
    hold_session(cleo, pair)
    first = {"trigger": "court paper", "ended": today(cleo).isoformat(), "neutral_code": "other, neutral"}
    sitting = walk(cleo, guides.begin(cleo, "separation", pair.id), first, {"paper": "Family court 9"})
    with pytest.raises(RuleRefused):
        walk(cleo, sitting, {"agree": False})
    assert terms.couple(cleo, pair.id).ended is None
    sitting = walk(cleo, sitting, {"agree": True})
    assert terms.couple(cleo, pair.id).ended == today(cleo)
    with pytest.raises(Refused):  # what was done cannot be taken back
        guides.back(cleo, sitting)
    with pytest.raises(RuleRefused) as refused:
        walk(cleo, sitting, {"again_a": ["reminders"], "again_a_on": today(cleo).isoformat()})
    assert refused.value.rule == "couple.reconfirm"
    assert guides.guides(cleo, pair.id)[0].status == OPEN
    everything = list(catalog.GUIDES["separation"].step("partner_a").asks[0].options({}, {}))
    done = walk(
        cleo, guides.begin(cleo, "separation", pair.id),
        {"again_a": everything, "again_a_on": today(cleo).isoformat()},
        {"again_b": everything, "again_b_on": today(cleo).isoformat()}, {"understood": True}, {"custody": ""},
    )  # fmt: skip
    assert done.step is None


def test_cr10_the_request_guide_writes_the_copy_at_its_last_step(clinic: Clinic, tmp_path: Path) -> None:
    clinic.ws("cleo")
    nadia, pair = clinic.ws("nadia"), clinic.pair
    day = today(nadia).isoformat()
    first = {"requester": "the person", "asked_on": day, "verified": "License", "channel": "Her post box"}
    sitting = walk(nadia, guides.begin(nadia, "request", pair.a), first)
    with pytest.raises(RuleRefused):
        walk(nadia, sitting, {"safety_talk": False})
    decision = {"decision": "own_segments_only", "reason": "Weighed.", "state_rule": "Code 1.2", "order": ""}
    sitting = walk(nadia, sitting, {"safety_talk": True}, decision)
    with pytest.raises(Refused):  # a service writes no files
        guides.answer(nadia, sitting, {"recipient": "Ana Quill", "folder": str(tmp_path / "copy")})
    values = {"recipient": "Ana Quill", "folder": str(tmp_path / "copy")}
    done = guidepage.answer(nadia, sitting, values, nadia.rng.token(16))
    assert done.step is None
    assert (tmp_path / "copy" / "manifest.json").exists()
    assert not guides.guides(clinic.ws("tom"))


# -- the engine ----------------------------------------------------------------------------


def test_a_guide_is_its_authors_and_typed_answers_wait(clinic: Clinic) -> None:
    nadia, pair = clinic.ws("nadia"), clinic.pair
    sitting, typed = guidepage.sitting_of(nadia, "violence", pair.a)
    assert not typed
    slot = nadia.rng.token(16)
    kept = unsaved.Unsaved(pair.a, b"", {"code_word": "half", guidepage.GUIDE: "violence"}, 1)
    unsaved.keep(nadia, slot, kept)
    assert guidepage.sitting_of(nadia, "violence", pair.a)[1] == {"code_word": "half"}
    values = {"asked": today(nadia).isoformat(), "alone": True, "code_word": "half a word"}
    sitting = guidepage.answer(nadia, sitting, values, slot)
    assert not unsaved.kept(nadia)
    again = guides.back(nadia, sitting)
    assert again.step is not None
    assert engine.values(again.step, again.state)["code_word"] == "half a word"
    guides.give_up(nadia, again)
    assert guides.guides(nadia, pair.a)[0].status == "given up"
    with pytest.raises(Refused):
        guides.answer(nadia, guides.resume(nadia, again.record), values)


def test_a_changed_answer_drops_what_no_longer_applies() -> None:
    guide, state = catalog.GUIDES["report"], WizardState(guide="report")
    answers: tuple[tuple[str, dict[str, Any]], ...] = (
        ("matter", {"matter": legal.ADULT, "learned": "2026-01-01"}), ("part2", {"identifies": False}),
        ("path", {"path": legal.NOT_NOW}), ("why_not", {"reasons": "r", "consulted": "c"}),
    )  # fmt: skip
    for step, given in answers:
        state = engine.answered(guide, state, {}, guide.step(step), given)
    state = engine.answered(guide, state, {}, guide.step("path"), {"path": legal.PERMITTED})
    assert "why_not" not in state.done
    assert "reasons" not in state.given()
    current = engine.current(guide, state, {})
    assert current is not None
    assert current.id == "made"


@pytest.mark.parametrize("guide", sorted(catalog.GUIDES))
def test_every_question_has_a_name_of_its_own(guide: str) -> None:
    names = [ask.name for step in catalog.GUIDES[guide].steps for ask in step.asks]
    assert len(names) == len(set(names))
    assert all(catalog.GUIDES[guide].step(step.id) is step for step in catalog.GUIDES[guide].steps)


def test_unready_screens_are_refused_by_the_effect(clinic: Clinic) -> None:
    nadia, pair = clinic.ws("nadia"), clinic.pair
    ahead = {"asked": "2999-01-01", "alone": True, "code_word": ""}
    sitting = walk(nadia, guides.begin(nadia, "violence", pair.a), ahead, {"hits": 4, "worry": False},
                   {"hold_paper": True})  # fmt: skip
    with pytest.raises(NotReady):
        walk(nadia, sitting, {})
    assert not records.lines(nadia, ("violence_screen",))
