"""What the person, the partner, a payer and a court would get: no part of the record has an unanswered question."""

from __future__ import annotations

import pytest

from iop_tui.access.asked import RECORD_POLICIES, asked
from iop_tui.access.policy import AUTHOR_KINDS, PERSON_KINDS, PROGRAM_KINDS, Kind

KINDS = (*PERSON_KINDS, *AUTHOR_KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_four_askers_get_an_answer_with_its_source(kind: Kind) -> None:
    found = asked(kind)
    assert [item.who for item in found] == ["the person, alone", "the partner, alone", "a payer", "a court"]
    assert all(item.rule.endswith(".") and item.source for item in found)


@pytest.mark.parametrize("kind", KINDS)
def test_cr10_the_partner_alone_never_gets_anything(kind: Kind) -> None:
    assert not next(item for item in asked(kind) if item.who == "the partner, alone").inside


@pytest.mark.parametrize("kind", [Kind.PSY, Kind.SAFE, Kind.HOLD])
def test_cr13_what_authors_keep_alone_never_reaches_a_payer(kind: Kind) -> None:
    assert not next(item for item in asked(kind, payer_consent=True) if item.who == "a payer").inside


@pytest.mark.parametrize("kind", KINDS)
def test_cr11_no_subpoena_alone_opens_anything(kind: Kind) -> None:
    assert not next(item for item in asked(kind) if item.who == "a court").inside


@pytest.mark.parametrize("policy", RECORD_POLICIES)
def test_the_joint_record_follows_the_agreement_and_treats_both_alike(policy: str) -> None:
    one, other, payer, court = asked(Kind.JNT, record_policy=policy)
    assert (one.inside, one.rule) == (other.inside, other.rule)
    assert one.inside == (policy == "own_segments_only")
    assert not payer.inside
    assert not court.inside


def test_an_unknown_policy_is_the_strictest() -> None:
    assert asked(Kind.JNT, record_policy="whatever") == asked(Kind.JNT)


@pytest.mark.parametrize("kind", PROGRAM_KINDS)
def test_the_programs_own_compartments_are_nobodys_record(kind: Kind) -> None:
    assert asked(kind) == ()
