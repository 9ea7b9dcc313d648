"""2.2, CR-4 to CR-7, CR-13: what the joint plan, note and agreement need, and what must not stand in them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from iop_tui.clinical.couples.model import (
    AGREEMENT,
    CONTACT_RULES,
    LIMITED,
    OPEN,
    PARTNER_SIGNATURE,
    POLICIES,
    SCREENING_DONE,
    SEPARATE,
    CouplesAgreement,
    ScreeningDone,
)
from iop_tui.clinical.joint.linter import lint
from iop_tui.clinical.joint.model import (
    COUPLE_MEASURE,
    JOINT_NOTE,
    JOINT_PLAN,
    RECOVERY_DAY,
    CoupleMeasure,
    RecoveryDay,
    SharedGoal,
)
from iop_tui.kernel.declare import Document, DocumentType, RuleContext, Severity, fields_of, is_empty
from tests.support.clinic.couples import agreement, joint_note, joint_plan, signature

TODAY = date(2026, 3, 12)
STAMP = (SEPARATE, "ab" * 16)
WITHOUT = msgspec.structs.replace


def refused(kind: DocumentType[Any], document: Document, **facts: Any) -> set[str]:
    """Codes that stand against a signature."""
    known = {"stamp": STAMP, "terms": agreement(TODAY), **facts}
    found = kind.findings(document, RuleContext(TODAY, known))
    return {item.code for item in found if item.severity is Severity.REFUSE}


def stamped(document: Document) -> Any:
    """With the stamp the facts expect."""
    return WITHOUT(document, policy=STAMP[0], agreement=STAMP[1])


PLAN, NOTE = stamped(joint_plan(TODAY)), stamped(joint_note(TODAY))


def test_complete_documents_are_ready() -> None:
    assert not refused(JOINT_PLAN, PLAN)
    assert not refused(JOINT_NOTE, NOTE)
    for policy in POLICIES:
        assert not refused(AGREEMENT, agreement(TODAY, policy))
    assert not refused(PARTNER_SIGNATURE, WITHOUT(signature("partner A", TODAY), record="aa", record_sha256="ab" * 32))


@pytest.mark.parametrize(
    ("kind", "document"), [(JOINT_PLAN, PLAN), (JOINT_NOTE, NOTE), (AGREEMENT, agreement(TODAY, LIMITED))]
)
def test_every_required_element_is_required(kind: DocumentType[Any], document: Document) -> None:
    for info in kind.fields():
        if info.required:
            empty: Any = () if isinstance(getattr(document, info.name), tuple) else (
                "" if isinstance(getattr(document, info.name), str) else None)  # fmt: skip
            assert is_empty(empty)
            assert "required" in refused(kind, WITHOUT(document, **{info.name: empty})), info.name


def test_cr7_each_policy_has_its_contact_rule() -> None:
    for policy in POLICIES:
        wrong = [rule for rule in CONTACT_RULES if rule != agreement(TODAY, policy).contact_rule]
        for rule in wrong:
            assert "contact_rule" in refused(AGREEMENT, agreement(TODAY, policy, contact_rule=rule))
    for name in ("held_categories", "blocking_categories", "deadline_sessions", "may_end"):
        empty: Any = () if name.endswith("categories") else None
        assert name in refused(AGREEMENT, agreement(TODAY, LIMITED, **{name: empty}))
    for policy in (SEPARATE, OPEN):
        assert "held" in refused(AGREEMENT, agreement(TODAY, policy, held_categories=("x",)))


@pytest.mark.parametrize("name", ["not_recorded", "exceptions", "individual_care"])
def test_no_agreement_gives_these_up(name: str) -> None:
    assert name in refused(AGREEMENT, agreement(TODAY, **{name: False}))


def test_cr7_nothing_is_signed_without_an_agreement_or_with_another_stamp() -> None:
    found = JOINT_NOTE.findings(NOTE, RuleContext(TODAY))
    assert "agreement" in {item.code for item in found if item.severity is Severity.REFUSE}
    for other in (WITHOUT(NOTE, policy=OPEN), WITHOUT(NOTE, agreement="cd" * 16), joint_note(TODAY)):
        assert "stamp" in refused(JOINT_NOTE, other)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[A>] Her F10.20 came up.", "diagnosis_code"), ("[J] F14 in partial remission", "diagnosis_code"),
        ("[B>] UDS on Monday was positive.", "screen_result"),
        ("[J] The urine test came back negative", "screen_result"),
        ("[J] BAC .08 at noon", "screen_result"), ("[A>] PHQ-9: 17 last week", "score"), ("[J] HITS: 14", "score"),
    ],
)  # fmt: skip
def test_2_2_structured_content_of_one_partner_is_refused(text: str, code: str) -> None:
    assert code in refused(JOINT_NOTE, WITHOUT(NOTE, content=text))
    plan = WITHOUT(PLAN, participation=text)
    assert code in refused(JOINT_PLAN, plan)
    goal = WITHOUT(PLAN.goals[0], text=text)
    assert code in refused(JOINT_PLAN, WITHOUT(PLAN, goals=(goal,)))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("She was diagnosed last year.", "diagnosis"), ("He skipped the drug screen.", "screen"),
        ("As he said in his individual session, he left.", "individual_source"),
        ("Her therapist says she is ready.", "individual_source"),
        ("She told me alone that she left.", "individual_source"),
        ("childhood trauma came up", "trauma"), ("about the affair", "affair"), ("a restraining order", "safety"),
    ],
)  # fmt: skip
def test_2_2_words_make_people_look_twice(text: str, code: str) -> None:
    assert code in {item.code for item in lint("content", text) if item.severity is Severity.WARN}
    assert not [item for item in lint("content", text) if item.severity is Severity.REFUSE]


@pytest.mark.parametrize(
    "text", ["We talked about trust at 7 pm.", "[J] They walked 10 km.", "Session 14 of 20, B1 level German class",
             "A positive week", "Plan B is to call", "He hits 14 balls"],
)  # fmt: skip
def test_ordinary_words_pass(text: str) -> None:
    assert not lint("content", text)


def test_2_2_a_collateral_is_no_couples_plan() -> None:
    assert "collateral" in refused(JOINT_PLAN, WITHOUT(PLAN, role_b="collateral"))


def test_2_2_reviews_come_within_thirty_days() -> None:
    for days in (-1, 0, 31):
        assert "review" in refused(JOINT_PLAN, WITHOUT(PLAN, next_review=TODAY + timedelta(days=days)))


def test_2_2_goals_have_measurable_objectives() -> None:
    goal = PLAN.goals[0]
    for name in ("text", "baseline", "measure", "target", "target_date"):
        empty: Any = None if name == "target_date" else ""
        bad = WITHOUT(goal, objectives=(WITHOUT(goal.objectives[0], **{name: empty}),))
        assert "objective" in refused(JOINT_PLAN, WITHOUT(PLAN, goals=(bad,)))
    for bad in (SharedGoal(problem="p", text="t"), WITHOUT(goal, problem=""), WITHOUT(goal, text=" ")):
        assert "goal" in refused(JOINT_PLAN, WITHOUT(PLAN, goals=(bad,)))


def test_cr7_the_plan_repeats_what_was_agreed() -> None:
    assert "contact_rule" in refused(JOINT_PLAN, WITHOUT(PLAN, contact_rule=CONTACT_RULES[1]))
    assert "billing" in refused(JOINT_PLAN, WITHOUT(PLAN, billing="partner B"))


def test_cr6_the_note_shows_who_was_there_and_how_far_goals_are() -> None:
    assert "attendance" in refused(JOINT_NOTE, WITHOUT(NOTE, attended_a="absent"))
    assert "attendance" in refused(JOINT_NOTE, WITHOUT(NOTE, attended_a="absent", attended_b="absent"))
    assert "times" in refused(JOINT_NOTE, WITHOUT(NOTE, stop=NOTE.start))
    assert "progress" in refused(JOINT_NOTE, WITHOUT(NOTE, progress=("went well",)))
    assert "risk_action" in refused(JOINT_NOTE, WITHOUT(NOTE, risk="voiced: acted on"))
    assert "future" in refused(JOINT_NOTE, WITHOUT(NOTE, service_date=TODAY + timedelta(days=1)))


def test_cr13_a_screening_date_is_all_there_is() -> None:
    assert [info.name for info in fields_of(ScreeningDone)] == ["partner", "done"]
    assert not SCREENING_DONE.search_text(ScreeningDone(partner="partner A", done=TODAY)).strip()


def test_contract_days_and_measures_are_checked() -> None:
    day = stamped(RecoveryDay(day=TODAY, kept=("meetings",), missed=("meetings",)))
    assert "both" in refused(RECOVERY_DAY, day)
    measure = stamped(CoupleMeasure(instrument="CSI-16", partner="partner A", taken=TODAY, score=90, highest=81))
    assert "range" in refused(COUPLE_MEASURE, measure)


@pytest.mark.parametrize(
    ("more", "code"),
    [({"witness": " "}, "witness"), ({"method": "paper, scanned"}, "attachment"),
     ({"signed_on": TODAY + timedelta(days=1)}, "future")],
)  # fmt: skip
def test_a_partners_signature_is_believed_only_with_its_proof(more: dict[str, Any], code: str) -> None:
    assert code in refused(PARTNER_SIGNATURE, signature("partner A", more.pop("signed_on", TODAY), **more))


def test_an_agreement_reads_back() -> None:
    document = agreement(TODAY, LIMITED)
    assert AGREEMENT.decode(AGREEMENT.encode(document), 1) == document
    assert isinstance(document, CouplesAgreement)
