"""What other slices may use of problems, goals and plans."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from iop_tui.clinical.plans.lines import InForce, ObjectiveLine, PlanLine
from iop_tui.clinical.plans.model import Coded
from iop_tui.clinical.plans.treatment import LEVELS, REVIEW_DAYS, REVIEW_REASONS, Review, TreatmentPlan

if TYPE_CHECKING:
    from iop_tui.workspace import Workspace

__all__ = [
    "LEVELS", "REVIEW_DAYS", "REVIEW_REASONS", "Coded", "InForce", "ObjectiveLine", "PlanLine", "Review",
    "TreatmentPlan", "active", "complete", "history", "in_force_on", "objective_lines", "plans",
]  # fmt: skip

# Models of other slices import this module for `Coded`, also in the confined import process: the store stays out.


def active(ws: Workspace, person: bytes, on: date | None = None) -> InForce | None:
    """The signed plan in force, now or on a day; None without one."""
    from iop_tui.clinical.plans import service

    return service.active(ws, person, on)


def complete(ws: Workspace, plan: TreatmentPlan) -> TreatmentPlan:
    """A plan with the ids it lacks: what was written elsewhere may come without."""
    from iop_tui.clinical.plans import service

    return service.complete(ws, plan)


def history(ws: Workspace, person: bytes) -> tuple[InForce, ...]:
    """Every signed revision, in the order in which they came into force."""
    from iop_tui.clinical.plans import service

    return service.history(ws, person)


def in_force_on(found: Sequence[InForce], on: date | None) -> InForce | None:
    """The plan of a history that was in force on a day, or is now."""
    from iop_tui.clinical.plans import service

    return service.in_force_on(found, on)


def plans(ws: Workspace, person: bytes) -> list[PlanLine]:
    """All revisions of a person's plans, newest first."""
    from iop_tui.clinical.plans import service

    return service.plans(ws, person)


def objective_lines(found: InForce | None) -> tuple[ObjectiveLine, ...]:
    """The objectives of a plan in force; none without one."""
    from iop_tui.clinical.plans import service

    return service.lines_of(found.plan) if found else ()
