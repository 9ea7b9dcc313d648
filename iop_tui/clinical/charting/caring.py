"""What relapse and safety plans, measures, substances and check-ins add to charting: beginnings, facts, deadlines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from iop_tui.clinical.checkins import api as checkins
from iop_tui.clinical.checkins.api import CHECK_IN, SCHEDULE
from iop_tui.clinical.compliance.api import DueLine
from iop_tui.clinical.emergency import api as emergency
from iop_tui.clinical.measures import api as measures
from iop_tui.clinical.medications import api as medications
from iop_tui.clinical.medications.api import MEDICATION_REVIEW
from iop_tui.clinical.relapse import api as relapse
from iop_tui.clinical.relapse.api import RELAPSE_PLAN, RELAPSE_REVIEW
from iop_tui.clinical.safety import api as safety
from iop_tui.clinical.safety.api import SAFETY_PLAN
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.toxicology import api as toxicology
from iop_tui.kernel.declare import Document
from iop_tui.workspace import Workspace

if TYPE_CHECKING:
    from iop_tui.clinical.charting.clocks import Chart

KINDS = (
    "measure", "safety_plan", "relapse_plan", "relapse_drill", "relapse_review", "lapse", "timeline_followback",
    "drug_screen", "naloxone", "medication_review", "checkin_schedule", "check_in",
)  # fmt: skip
"""Kinds whose rules look at the person's birth date and at what the chart knows of substances."""
TODAY = {
    "lapse": "on", "drug_screen": "collected", "naloxone": "given", "relapse_plan": "made",
    "timeline_followback": "last", "relapse_drill": "on",
}  # fmt: skip
"""The field of a kind that says when it was made."""


def _safety_plan(ws: Workspace, person: bytes) -> Document:
    held, asked = safety.current(ws, person), safety.needed(ws, person)
    occasion = asked[1] if asked else "reviewed" if held else ""
    fresh = safety.begun(signing.today(ws), occasion)
    if held is None:
        return fresh
    return msgspec.structs.replace(held.plan, made=fresh.made, occasion=occasion, next_review=fresh.next_review)


def _relapse_plan(ws: Workspace, person: bytes) -> Document:
    """The plan before as the beginning of the next; a rehearsal counts for the plan that was rehearsed."""
    held, today = relapse.current(ws, person), signing.today(ws)
    if held is None:
        return RELAPSE_PLAN.struct(made=today)
    return msgspec.structs.replace(
        held.plan, made=today, rehearsed=None, rehearsed_minutes=None, rehearsed_with="", confidence=None
    )


_BEGIN: dict[str, Callable[[Workspace, bytes], Document]] = {
    SAFETY_PLAN.kind: _safety_plan,
    RELAPSE_PLAN.kind: _relapse_plan,
    RELAPSE_REVIEW.kind: relapse.begin_review,
    MEDICATION_REVIEW.kind: medications.begin_review,
    SCHEDULE.kind: checkins.begin_schedule,
    CHECK_IN.kind: lambda ws, person: checkins.begin_check_in(ws, person)[1],
}


def begin(ws: Workspace, person: bytes, kind: str) -> Document | None:
    """What a document of care begins with; None for kinds that begin empty. Raises `NotFound`."""
    make = _BEGIN.get(kind)
    if make is not None:
        return make(ws, person)
    name = TODAY.get(kind)
    return ws.registry.need(kind).struct(**{name: signing.today(ws)}) if name else None


def facts(ws: Workspace, person: bytes, kind: str) -> dict[str, Any]:
    """What the rules of documents of care look at."""
    return toxicology.facts(ws, person, kind) if kind in KINDS else {}


def items(ws: Workspace, found: Chart) -> Iterable[DueLine]:
    """What one chart owes by these plans; a chart without them costs two queries."""
    rows = ws.view.rows(
        "SELECT DISTINCT kind FROM record WHERE person = ? AND kind IN ('measure', 'safety_plan', 'relapse_plan')",
        (found.person,),
    )
    kinds = {row[0] for row in rows}
    if "measure" in kinds:
        yield from measures.due_of(ws, found.person, found.name)
    if kinds & {"measure", "safety_plan"}:
        yield from safety.due_of(ws, found.person, found.name)
    if "relapse_plan" in kinds:
        yield from relapse.due_of(ws, found.person, found.name)


def own_lines(ws: Workspace) -> list[DueLine]:
    """What is owed apart from the charts in care: check-ins after discharge, and emergency accesses to know of."""
    return [*checkins.due_lines(ws), *emergency.due_lines(ws)]
