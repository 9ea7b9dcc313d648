"""In or out by line: whose words a joint line is (CR-10), which facts go out with a claim."""

from __future__ import annotations

import pytest

from iop_tui.access.asked import (
    CLAIM_FIELDS,
    COURT,
    PARTNER_A,
    PARTNER_B,
    PAYER,
    RECORD_POLICIES,
    UNMARKED,
    WHOLE,
    Line,
    asked,
)
from iop_tui.access.policy import Kind
from iop_tui.kernel.labeled import Speaker

OWN = "own_segments_only"


def inside(kind: str, line: Line, **more: object) -> dict[str, bool]:
    return {item.who: item.inside for item in asked(kind, line=line, **more)}  # type: ignore[arg-type]


@pytest.mark.parametrize(("speaker", "a", "b"), [
    (Speaker.JOINT, True, True), (Speaker.A_JOINT, True, False), (Speaker.A_ALONE, True, False),
    (Speaker.B_JOINT, False, True), (Speaker.B_ALONE, False, True), (Speaker.COLLATERAL, False, False),
    (Speaker.OBSERVATION, False, False), (UNMARKED, False, False),
])  # fmt: skip
def test_of_own_segments_each_partner_gets_joint_and_own_words_only(speaker: str, a: bool, b: bool) -> None:
    found = inside(Kind.JNT, Line("content", speaker), record_policy=OWN)
    assert (found[PARTNER_A], found[PARTNER_B], found[PAYER], found[COURT]) == (a, b, False, False)


@pytest.mark.parametrize("policy", [each for each in RECORD_POLICIES if each != OWN])
@pytest.mark.parametrize("speaker", [*Speaker, UNMARKED])
def test_under_every_other_policy_no_line_of_the_joint_record_goes_to_one_alone(policy: str, speaker: str) -> None:
    found = inside(Kind.JNT, Line("content", speaker), record_policy=policy)
    assert not found[PARTNER_A]
    assert not found[PARTNER_B]


@pytest.mark.parametrize("kind", [Kind.IND, Kind.MED, Kind.CRISIS])
@pytest.mark.parametrize("field", sorted(CLAIM_FIELDS))
def test_facts_of_the_claim_go_to_a_payer_and_words_do_not(kind: str, field: str) -> None:
    assert inside(kind, Line(field))[PAYER]
    assert not inside(kind, Line("presentation"))[PAYER]


@pytest.mark.parametrize("field", sorted(CLAIM_FIELDS))
def test_of_a_substance_use_record_even_those_need_the_consent(field: str) -> None:
    """42 CFR 2.31, 2.33."""
    assert not inside(Kind.SUD, Line(field))[PAYER]
    assert inside(Kind.SUD, Line(field), payer_consent=True)[PAYER]
    assert not inside(Kind.SUD, Line("presentation"), payer_consent=True)[PAYER]


def test_of_the_directory_a_claim_carries_name_and_birth_date_only() -> None:
    assert inside(Kind.DIR, Line("birth_date"))[PAYER]
    assert not inside(Kind.DIR, Line("safe_contact"))[PAYER]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_line_never_opens_more_than_the_rule_for_the_whole_but_to_payers(kind: str) -> None:
    whole = inside(kind, WHOLE)
    for speaker in ("", *Speaker):
        found = inside(kind, Line("presentation", speaker))
        assert all(whole[who] or not is_in for who, is_in in found.items())


def test_every_answer_names_its_rule_and_source() -> None:
    for kind in Kind:
        for line in (WHOLE, Line("start", Speaker.A_JOINT), Line("safe_contact", UNMARKED)):
            assert all(item.rule and item.source for item in asked(kind, record_policy=OWN, line=line))
