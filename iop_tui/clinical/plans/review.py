"""Carrying a plan forward: the next revision of a plan, every open objective dispositioned. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import msgspec

from iop_tui.clinical.plans import tree
from iop_tui.clinical.plans.treatment import (
    DISPOSITIONS,
    Disposition,
    Intervention,
    Objective,
    Problem,
    Review,
    TreatmentPlan,
)
from iop_tui.kernel.errors import NotReady, Refused

_ASKED_AGAIN = {"participation": "", "copy_offered": None, "agreement": "", "refusal": "", "late_reason": ""}
"""What every revision asks the client anew."""


def owed(plan: TreatmentPlan) -> list[tuple[str, Objective]]:
    """(number, objective) of every objective a review must decide on."""
    return [(number, item) for number, item in tree.objectives(plan) if item.is_open]


def carry_forward(
    plan: TreatmentPlan, decisions: Mapping[str, Disposition], review: Review, *, next_review: date, previous: str
) -> TreatmentPlan:
    """The next revision. `decisions` maps objective ids to what was decided; `previous` names the signed revision.

    Raises `NotReady` naming objectives without a decision or a needed comment, `Refused` for decisions on anything
    that is not open and for a review without a date.
    """
    if review.on is None:
        raise Refused("A review needs its date.")
    if plan.closed_on is not None:
        raise Refused("This plan is closed.", "Begin a new plan.")
    waiting = owed(plan)
    _refuse_incomplete(waiting, decisions)
    numbers = tree.numbers(plan)
    given = [msgspec.structs.replace(decisions[item.id], id=item.id, number=numbers[item.id]) for _, item in waiting]
    for decision in given:
        plan = _decide(plan, decision, review.on)
    plan = _close_finished(plan, review.on)
    return msgspec.structs.replace(
        plan,
        number=plan.number + 1,
        previous=previous,
        planned=review.on,
        effective=review.on,
        next_review=next_review,
        review=msgspec.structs.replace(review, dispositions=tuple(given)),
        **_ASKED_AGAIN,
    )


def _refuse_incomplete(waiting: list[tuple[str, Objective]], decisions: Mapping[str, Disposition]) -> None:
    missing = [number for number, item in waiting if item.id not in decisions]
    if missing:
        raise NotReady(f"Objectives without a decision: {', '.join(missing)}.", "Decide on each, then carry forward.")
    strangers = set(decisions) - {item.id for _, item in waiting}
    if strangers:
        raise Refused("A decision is about an objective that is not open.")
    for number, item in waiting:
        decision = decisions[item.id]
        if decision.decision not in DISPOSITIONS:
            raise NotReady(f"Objective {number} has no decision.", f"One of: {', '.join(DISPOSITIONS)}.")
        if decision.decision != "continue" and not (decision.comment.strip() or decision.standing.strip()):
            raise NotReady(f"Objective {number}: say what was reached or why it ends.")


def _decide(plan: TreatmentPlan, decision: Disposition, on: date) -> TreatmentPlan:
    if decision.decision in ("continue", "partly"):
        status = "active" if decision.decision == "continue" else "partly"
        return tree.change(plan, decision.id, status=status)
    outcome = ", ".join(part for part in (decision.standing, decision.comment) if part.strip())
    return tree.close(plan, decision.id, on=on, outcome=outcome, status=decision.decision)


def _close_finished(plan: TreatmentPlan, on: date) -> TreatmentPlan:
    """Goals and problems whose every objective is closed are closed with them, innermost first."""
    for placed in sorted(tree.walk(plan), key=lambda item: -len(item.path)):
        node = placed.node
        if isinstance(node, Objective | Intervention) or node.closed_on is not None or not tree.children(node):
            continue
        if not tree.open_below(plan, node.id) and _parts_closed(plan, node.id):
            name = "goals" if isinstance(node, Problem) else "objectives"
            plan = tree.close(plan, node.id, on=on, outcome=f"All {name} closed.")
    return plan


def _parts_closed(plan: TreatmentPlan, identifier: str) -> bool:
    below = tree.children(tree.find(plan, identifier).node)
    return all(getattr(child, "closed_on", None) is not None for child in below)
