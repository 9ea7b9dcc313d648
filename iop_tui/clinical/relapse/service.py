"""Relapse-prevention plans of a person: which one holds, rehearsals, reviews, what is due. Headless."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from iop_tui.clinical.compliance.api import DueLine
from iop_tui.clinical.relapse import standing as standings
from iop_tui.clinical.relapse.checks import RELAPSE_DRILL, RELAPSE_PLAN, RELAPSE_REVIEW, drill_rules
from iop_tui.clinical.relapse.model import RelapseDrill, RelapsePlan, RelapseReview
from iop_tui.clinical.relapse.standing import Standing, StepCount
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.toxicology import api as toxicology
from iop_tui.kernel.declare import Document, DocumentType, RuleContext, Severity
from iop_tui.kernel.errors import NotFound, NotReady
from iop_tui.kernel.ids import show_id
from iop_tui.workspace import Workspace

SOURCE = "program rule: relapse plan"
D = TypeVar("D", bound=Document)


@dataclass(frozen=True, slots=True)
class Held:
    """A plan of a person with everything that decides whether it can be relied on."""

    record: bytes
    signed: bool
    plan: RelapsePlan
    standing: Standing
    drills: tuple[RelapseDrill, ...]
    reviews: tuple[RelapseReview, ...]
    counts: tuple[StepCount, ...]


def current(ws: Workspace, person: bytes) -> Held | None:
    """The newest signed plan that is not void, else the newest draft, with its standing; None without any."""
    withdrawn = signing.voided(ws, person)
    rows = ws.view.rows(
        "SELECT record, status, doc, version FROM record WHERE kind = ? AND person = ? AND origin IS NULL"
        " ORDER BY status = 'signed' DESC, service_date DESC, id DESC",
        (RELAPSE_PLAN.kind, person),
    )
    for record, status, doc, version in rows:
        if record not in withdrawn and status != "newer":
            return _held(ws, person, bytes(record), status == "signed", RELAPSE_PLAN.decode(doc, version))
    return None


def _held(ws: Workspace, person: bytes, record: bytes, signed: bool, plan: RelapsePlan) -> Held:
    drills = tuple(_beside(ws, person, RELAPSE_DRILL, record))
    reviews = tuple(_beside(ws, person, RELAPSE_REVIEW, record))
    events = [(event.on, event.what) for event in toxicology.forcing(ws, person, None)]
    state = standings.standing(
        plan, signed=signed, drills=drills, reviews=reviews, events=events, today=signing.today(ws)
    )
    counts = tuple(standings.tally(plan, drills, lived(ws, person)))
    return Held(record, signed, plan, state, drills, reviews, counts)


def _beside(ws: Workspace, person: bytes, kind: DocumentType[D], plan: bytes) -> list[D]:
    """Drills or reviews of a plan, oldest first; those that name no plan count for the one in force."""
    rows = ws.view.rows(
        "SELECT doc, version FROM record WHERE person = ? AND kind = ? AND json_extract(doc, '$.plan') IN (?, '')"
        " AND status <> 'newer' ORDER BY service_date, id",
        (person, kind.kind, show_id(plan)),
    )
    return [kind.decode(doc, version) for doc, version in rows]


def lived(ws: Workspace, person: bytes) -> list[tuple[str, bool | None]]:
    """Steps that were used in life, as lapses and check-ins tell: (step as worded, did it work)."""
    rows = ws.view.rows(
        "SELECT json_extract(doc, '$.step_used'), json_extract(doc, '$.step_worked') FROM record WHERE person = ?"
        " AND kind IN ('lapse', 'check_in') AND json_extract(doc, '$.step_used') <> ''",
        (person,),
    )
    return [(str(step), None if worked is None else bool(worked)) for step, worked in rows]


def keep_drill(ws: Workspace, person: bytes, plan: bytes, drill: RelapseDrill, *, slot: bytes = b"") -> signing.Saved:
    """Keep a rehearsal of a plan. Raises `NotReady` where it walked nothing, `NotFound`, `NoKey`."""
    held = current(ws, person)
    if held is None or held.record != plan:
        raise NotFound("There is no such plan in force.")
    context = RuleContext(signing.today(ws), toxicology.facts(ws, person, RELAPSE_DRILL.kind))
    refused = [item for item in drill_rules(drill, context) if item.severity is Severity.REFUSE]
    if refused:
        raise NotReady(refused[0].message, "Play at least one step, then keep the rehearsal.")
    return signing.save(ws, person, RELAPSE_DRILL, drill, slot=slot)


def begin_review(ws: Workspace, person: bytes) -> RelapseReview:
    """A review of the plan in force with what calls for it. Raises `NotFound` without a plan."""
    held = current(ws, person)
    if held is None:
        raise NotFound("There is no relapse-prevention plan to review.")
    today = signing.today(ws)
    looked = max((day for day in (held.plan.made, *(review.on for review in held.reviews)) if day), default=None)
    waiting = toxicology.forcing(ws, person, looked)
    occasion = waiting[0].what if waiting else "weekly"
    return RelapseReview(plan=show_id(held.record), on=today, occasion=occasion)


_WHAT = {
    standings.NOT_REHEARSED: "Rehearse the relapse plan",
    standings.TO_REVISE: "Revise the relapse plan",
    standings.REVIEW_DUE: "Review the relapse plan",
    standings.ACTIVE: "Review the relapse plan",
}


def due_of(ws: Workspace, person: bytes, name: str) -> list[DueLine]:
    """The relapse plan of a person that is to be rehearsed, revised or reviewed; an active one with its next review."""
    held = current(ws, person)
    if held is None or not held.signed:
        return []
    state = held.standing
    action = "drill" if state.state == standings.NOT_REHEARSED else "relapse-review"
    day = state.review_by or signing.today(ws)
    return [DueLine(person, name, _WHAT[state.state], day, state.reason, SOURCE, held.record, action)]
