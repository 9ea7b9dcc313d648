"""What plans look like to lists, notes and other slices. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from iop_tui.clinical.plans.treatment import TreatmentPlan


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A revision of a plan as lists show it."""

    record: bytes
    number: int
    status: str
    planned: date | None
    next_review: date | None
    level: str
    open_objectives: int
    author: bytes
    closed_on: date | None
    void: bool


@dataclass(frozen=True, slots=True)
class ObjectiveLine:
    """An objective of the plan in force, as notes link it."""

    id: str
    number: str
    text: str
    status: str
    is_open: bool
    has_measure: bool
    has_intervention: bool
    since: date | None


@dataclass(frozen=True, slots=True)
class InForce:
    """The plan in force: its record and what it says after signed amendments."""

    record: bytes
    plan: TreatmentPlan
