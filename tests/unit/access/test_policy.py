"""The matrix, the roles and the wall: pure tables and pure functions."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.access import policy, roles
from iop_tui.access.gate import PolicyGate
from iop_tui.access.policy import Cell, Kind
from iop_tui.access.wall import CareFact, CoupleFact, check_assignment, check_link, suspended
from iop_tui.kernel.errors import RoleRefused, RuleRefused, Unexpected, WallRefused
from iop_tui.store.members.acts import SealedKey, UserCard

A, B, C = b"a" * 16, b"b" * 16, b"c" * 16
TIM, TOM, CLEO = b"tim" + bytes(13), b"tom" + bytes(13), b"cleo" + bytes(12)
IT, CT, DA = roles.INDIVIDUAL_THERAPIST, roles.COUPLES_THERAPIST, roles.COUNSELOR


# -- matrix --------------------------------------------------------------------------------


def test_every_kind_has_one_row_with_a_source() -> None:
    kinds = [rule.kind for rule in policy.MATRIX]
    assert sorted(kinds) == sorted(set(Kind) - {Kind.SHARE})
    assert all(rule.source for rule in policy.MATRIX)


@pytest.mark.parametrize("rule", policy.MATRIX, ids=lambda rule: rule.kind)
def test_rows_name_known_roles_and_cells(rule: policy.Rule) -> None:
    assert set(rule.cells) <= set(roles.ROLES)
    assert set(rule.cells.values()) <= set(Cell)


# The cells that give a key, as the clinic's rules state them. A change of the matrix must change this too.
MEMBERS = {
    "DIR": {IT, CT, DA, "medical director", "biller", "front desk", "privacy officer"},
    "IND": {IT, "medical director"},
    "SUD": {DA, "medical director"},
    "PSY": {IT, CT, DA},
    "MED": {IT, DA, "medical director"},
    "CRISIS": {IT, DA, "medical director"},
    "PAY": {"biller", "privacy officer"},
    "GRP": {IT, DA, "medical director"},
    "SAFE": {IT, CT, DA},
    "JNT": {CT},
    "HOLD": {CT},
    "ORG": {"administrator"},
    "AUD": {"auditor", "privacy officer"},
    "INTAKE": {"medical director", "privacy officer"},
    "ONCALL": {IT, CT, DA, "medical director"},
}


@pytest.mark.parametrize("kind", MEMBERS)
@pytest.mark.parametrize("role", roles.ROLES)
def test_who_may_hold_a_key(kind: str, role: str) -> None:
    assert policy.may_be_member(kind, (role,)) is (role in MEMBERS[kind])


def test_the_administrator_and_the_auditor_hold_no_clinical_key() -> None:
    for kind in (*policy.PERSON_KINDS, *policy.AUTHOR_KINDS, Kind.JNT):
        assert not policy.may_be_member(kind, (roles.ADMINISTRATOR, roles.AUDITOR))


def test_who_makes_a_first_key_may_hold_it() -> None:
    for kind, makers in policy.FIRST_MEMBERS.items():
        assert all(policy.may_be_member(kind, (role,)) for role in makers)


@given(st.sampled_from(sorted(MEMBERS)), st.sets(st.sampled_from(roles.ROLES), min_size=1))
def test_a_union_may_what_one_of_its_roles_may(kind: str, union: set[str]) -> None:
    assert policy.may_be_member(kind, tuple(union)) is any(policy.may_be_member(kind, (role,)) for role in union)


def test_an_unknown_kind_has_no_policy() -> None:
    with pytest.raises(Unexpected):
        policy.rule("XYZ")
    assert not policy.may_be_member(Kind.SHARE, roles.ROLES)
    assert policy.cell("IND", "nobody") is Cell.NOTHING


# -- roles ---------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(roles.ROLES), min_size=1))
def test_roles_come_in_one_order_and_excluded_pairs_are_refused(wanted: list[str]) -> None:
    excluded = any({item.first, item.second} <= set(wanted) for item in roles.EXCLUSIONS)
    if excluded:
        with pytest.raises(RoleRefused):
            roles.check(tuple(wanted))
    else:
        assert roles.check(tuple(wanted)) == tuple(role for role in roles.ROLES if role in wanted)


@pytest.mark.parametrize("wanted", [(), ("nurse",), ("auditor", "administrator"), ("auditor", IT), ("Administrator",)])
def test_roles_that_are_refused(wanted: tuple[str, ...]) -> None:
    with pytest.raises(RoleRefused) as caught:
        roles.check(wanted)
    assert caught.value.message


def test_allowed_unions_say_what_they_make_impossible() -> None:
    assert roles.consequences((IT, CT)) == ("They cannot treat a couple and one of its partners.",)
    assert roles.consequences((IT,)) == ()
    for union in roles.UNIONS:
        assert roles.check(tuple(union.roles))


# -- the wall ------------------------------------------------------------------------------

COUPLE = CoupleFact(b"pair", A, B, CLEO)


@pytest.mark.parametrize(
    ("new", "team", "refused"),
    [
        (CareFact(TIM, B, IT), [CareFact(TIM, A, IT)], True),
        (CareFact(TIM, B, DA), [CareFact(TIM, A, IT)], True),
        (CareFact(CLEO, A, IT), [], True),
        (CareFact(CLEO, B, DA), [], True),
        (CareFact(TIM, B, IT), [CareFact(TOM, A, IT)], False),
        (CareFact(TIM, A, DA), [CareFact(TIM, A, IT)], False),
        (CareFact(TIM, C, IT), [CareFact(TIM, A, IT)], False),
        (CareFact(CLEO, C, IT), [], False),
        (CareFact(TIM, B, roles.MEDICAL_DIRECTOR), [CareFact(TIM, A, roles.MEDICAL_DIRECTOR)], True),
    ],
)
def test_assignments_against_the_wall(new: CareFact, team: list[CareFact], refused: bool) -> None:
    if refused:
        with pytest.raises(WallRefused):
            check_assignment(new, team, [COUPLE])
    else:
        check_assignment(new, team, [COUPLE])


@pytest.mark.parametrize(
    ("a", "b", "therapist", "team", "refused"),
    [
        (A, B, CLEO, [CareFact(TIM, A, IT), CareFact(TIM, B, DA)], True),
        (A, B, CLEO, [CareFact(CLEO, A, IT)], True),
        (A, B, CLEO, [CareFact(CLEO, B, DA)], True),
        (A, A, CLEO, [], True),
        (A, B, CLEO, [CareFact(TIM, A, IT), CareFact(TOM, B, IT)], False),
        (A, B, CLEO, [CareFact(CLEO, C, IT)], False),
    ],
)
def test_links_against_the_wall(a: bytes, b: bytes, therapist: bytes, team: list[CareFact], refused: bool) -> None:
    if refused:
        with pytest.raises((WallRefused, RuleRefused)):
            check_link(a, b, therapist, team)
    else:
        check_link(a, b, therapist, team)


FACTS = st.lists(
    st.builds(
        CareFact, st.sampled_from([TIM, TOM, CLEO]), st.sampled_from([A, B, C]), st.sampled_from([IT, DA, CT]),
        st.integers(0, 5), st.binary(min_size=2, max_size=2),
    ),
    max_size=6, unique_by=lambda fact: fact.id,
)  # fmt: skip
COUPLES = st.lists(
    st.builds(
        CoupleFact, st.binary(min_size=2, max_size=2), st.just(A), st.just(B), st.sampled_from([CLEO, TOM]),
        st.integers(0, 5),
    ),
    max_size=2, unique_by=lambda couple: couple.id,
)  # fmt: skip


@given(FACTS, COUPLES, st.randoms(use_true_random=False))
def test_who_loses_when_copies_meet_does_not_depend_on_order(team: list[Any], couples: list[Any], rng: Any) -> None:
    expected = set(suspended(team, couples))
    rng.shuffle(team)
    rng.shuffle(couples)
    assert set(suspended(team, couples)) == expected


@given(FACTS, COUPLES)
def test_what_is_left_stands_on_one_side_of_every_wall(team: list[CareFact], couples: list[CoupleFact]) -> None:
    lost = set(suspended(team, couples))
    kept = [fact for fact in team if fact.id not in lost and fact.role in (IT, DA)]
    for couple, one, two in itertools.product(couples, kept, kept):
        assert not (one.user == two.user and {one.person, two.person} == {couple.a, couple.b})
        assert not (one.user == couple.therapist and one.person in (couple.a, couple.b))


@given(FACTS, COUPLES)
def test_only_facts_that_break_the_wall_are_suspended(team: list[CareFact], couples: list[CoupleFact]) -> None:
    kept = [fact for fact in team if fact.id not in set(suspended(team, couples))]
    assert suspended(kept, couples) == ()


# -- the gate ------------------------------------------------------------------------------


def _card(user: bytes, *held: str) -> UserCard:
    return UserCard(user, "x", held, b"", b"", "active", 1)


def _key(kind: str) -> SealedKey:
    return SealedKey(b"", b"", 1, b"", kind, A, b"", "", "", "")


@pytest.mark.parametrize("kind", sorted(MEMBERS))
@pytest.mark.parametrize("role", roles.ROLES)
def test_a_key_is_taken_only_by_who_may_hold_it(kind: str, role: str) -> None:
    giver = _card(TOM, *roles.ROLES)
    refused = PolicyGate().refuses(_key(kind), giver, _card(TIM, role), "member")
    assert (refused is None) is (role in MEMBERS[kind] and kind not in policy.AUTHOR_KINDS)
    own = PolicyGate().refuses(_key(kind), _card(TIM, role), _card(TIM, role), "member")
    assert (own is None) is (role in MEMBERS[kind])


@pytest.mark.parametrize("role", roles.ROLES)
def test_a_key_is_taken_only_from_who_may_hold_it(role: str) -> None:
    refused = PolicyGate().refuses(_key("IND"), _card(TOM, role), _card(TIM, IT), "member")
    assert (refused is None) is (role in MEMBERS["IND"])


def test_a_share_is_a_share_and_nothing_else() -> None:
    gate, who = PolicyGate(), _card(TIM, roles.FRONT_DESK)
    assert gate.refuses(_key(Kind.SHARE), who, who, "share") is None
    assert gate.refuses(_key("IND"), _card(TOM, IT), who, "share") is not None
    assert gate.refuses(_key(Kind.SHARE), who, who, "member") is not None
    assert gate.refuses(_key("???"), who, who, "member") is not None
