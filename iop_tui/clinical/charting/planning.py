"""What a new treatment plan, and a review of one, begin with: dates by the rule packs and what the chart knows."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from iop_tui.clinical.charting import judge as judging
from iop_tui.clinical.charting.clocks import chart
from iop_tui.clinical.charting.triggers import forced
from iop_tui.clinical.compliance import api as compliance
from iop_tui.clinical.episodes.api import INTAKE_ASSESSMENT, IntakeAssessment
from iop_tui.clinical.plans.api import LEVELS, REVIEW_DAYS, Review, TreatmentPlan
from iop_tui.clinical.signing import api as signing
from iop_tui.workspace import Workspace

USUAL_EDITION = "ASAM 4th edition"


def begin_plan(ws: Workspace, person: bytes) -> TreatmentPlan:
    """An empty plan dated today: admission, level of care and next review as the chart and the rules have them.

    Raises `NotFound`.
    """
    found, now = chart(ws, person), signing.today(ws)
    intake = found.newest.get(INTAKE_ASSESSMENT.kind)
    wanted = intake.document.level if intake and isinstance(intake.document, IntakeAssessment) else ""
    edition = next((name for name, levels in LEVELS.items() if wanted in levels), USUAL_EDITION)
    level = wanted if wanted in LEVELS[edition] else ""
    plan = TreatmentPlan(
        admitted=min(found.admitted, now), planned=now, effective=now, edition=edition, level=level,
        part2=judging.setting(ws).part2,
    )  # fmt: skip
    return msgspec.structs.replace(plan, next_review=next_review(ws, person, plan, now))


def next_review(ws: Workspace, person: bytes, plan: TreatmentPlan, on: date) -> date:
    """The last day on which the rules allow the next review of a plan that is dated `on`."""
    here = judging.setting(ws)
    tags = here.tags(judging.age_of(ws, person, on))
    case = compliance.Case(plan.level or judging.UNKNOWN_LEVEL, tags, {"last plan": on}, ())
    found = compliance.due(here.packs, "plan review", case)
    return found.on if found is not None else on + timedelta(days=REVIEW_DAYS[0])


def begin_review(ws: Workspace, person: bytes, plan: TreatmentPlan) -> Review:
    """A review dated today, with the reason that the chart gives for it."""
    seen = plan.planned or plan.effective or date.min
    event = forced(ws, person, seen, plan.level)
    return Review(on=signing.today(ws), reason=event.reason if event is not None else "scheduled")
