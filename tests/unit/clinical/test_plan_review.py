"""A review carries the plan forward: every open objective decided, nothing lost, the client asked anew."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.clinical.plans import review, tree
from iop_tui.clinical.plans.documents import TREATMENT_PLAN
from iop_tui.clinical.plans.treatment import DISPOSITIONS, Disposition, Review, TreatmentPlan
from iop_tui.kernel.declare import RuleContext, Severity
from iop_tui.kernel.errors import NotReady, Refused
from tests.support.clinic.plans import TODAY, plan

ON = TODAY + timedelta(days=14)
NEXT = ON + timedelta(days=14)


def decide(made: TreatmentPlan, decision: str = "continue") -> dict[str, Disposition]:
    return {
        item.id: Disposition(decision=decision, standing="3 of 7 days", comment="slowly")
        for _, item in review.owed(made)
    }


def carry(made: TreatmentPlan, decisions: dict[str, Disposition]) -> TreatmentPlan:
    done = Review(on=ON, reason="scheduled", summary="On track.")
    return review.carry_forward(made, decisions, done, next_review=NEXT, previous="r1")


@given(st.lists(st.sampled_from(DISPOSITIONS), min_size=12, max_size=12))
def test_every_objective_is_carried_with_its_decision(decisions: list[str]) -> None:
    before = plan()
    given = {
        item.id: Disposition(decision=decision, standing="now 3", comment="because")
        for (_, item), decision in zip(tree.objectives(before), decisions, strict=True)
    }
    after = carry(before, given)
    assert (after.number, after.previous, after.planned, after.next_review) == (2, "r1", ON, NEXT)
    assert tree.numbers(after) == tree.numbers(before)
    assert after.review is not None
    assert [item.decision for item in after.review.dispositions] == decisions
    for (_, old), (_, new), decision in zip(
        tree.objectives(before), tree.objectives(after), decisions, strict=True
    ):
        expected = {"continue": ("active", True), "partly": ("partly", True)}.get(decision, (decision, False))
        assert (new.status, new.is_open) == expected
        assert (new.text, new.measure, new.interventions) == (old.text, old.measure, old.interventions)
    for placed in tree.walk(after):
        closed = getattr(placed.node, "closed_on", None)
        if tree.children(placed.node) and not isinstance(placed.node, type(tree.objectives(after)[0][1])):
            assert (closed is None) == bool(tree.open_below(after, placed.node.id))


@pytest.mark.parametrize("missing", range(3))
def test_an_objective_without_a_decision_is_named(missing: int) -> None:
    made = plan(1, 1, 3)
    decisions = decide(made)
    number, item = review.owed(made)[missing]
    del decisions[item.id]
    with pytest.raises(NotReady, match=number):
        carry(made, decisions)


def test_ending_an_objective_needs_words_and_a_known_decision() -> None:
    made = plan(1, 1, 1)
    item = review.owed(made)[0][1]
    with pytest.raises(NotReady, match=r"1\.1\.1"):
        carry(made, {item.id: Disposition(decision="met")})
    with pytest.raises(NotReady, match="no decision"):
        carry(made, {item.id: Disposition(decision="perhaps", comment="x")})


def test_closed_objectives_are_not_asked_again_and_not_decided_again() -> None:
    made = plan(1, 1, 2)
    first = review.owed(made)[0][1]
    after = carry(made, {**decide(made), first.id: Disposition(decision="met", comment="6 of 7")})
    assert [number for number, _ in review.owed(after)] == ["1.1.2"]
    with pytest.raises(Refused, match="not open"):
        carry(after, {**decide(after), first.id: Disposition(decision="met", comment="again")})


def test_the_client_is_asked_anew() -> None:
    after = carry(plan(), decide(plan()))
    refused = {
        item.field for item in TREATMENT_PLAN.findings(after, RuleContext(ON)) if item.severity is Severity.REFUSE
    }
    assert refused == {"participation", "copy_offered", "agreement"}


def test_a_closed_plan_and_a_review_without_date_are_refused() -> None:
    made = plan(1, 1, 1)
    ended = tree.close_plan(carry(made, decide(made, "met")), ON)
    with pytest.raises(Refused, match="closed"):
        carry(ended, {})
    with pytest.raises(Refused, match="date"):
        review.carry_forward(made, decide(made), Review(), next_review=NEXT, previous="r1")
