"""Treatment plans of a person: drafts, the plan in force, reviews that carry it forward, templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from iop_tui.access import settle
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import program_compartment, put
from iop_tui.clinical.plans import review as reviews
from iop_tui.clinical.plans import tree
from iop_tui.clinical.plans.checks import missing_parts
from iop_tui.clinical.plans.documents import PLAN_TEMPLATE, TREATMENT_PLAN, PlanTemplate
from iop_tui.clinical.plans.lines import InForce, ObjectiveLine, PlanLine
from iop_tui.clinical.plans.treatment import Disposition, Review, TreatmentPlan
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import RuleContext, Severity
from iop_tui.kernel.errors import NoKey, NotFound, NotReady, Refused
from iop_tui.kernel.ids import show_id
from iop_tui.store.session import NOBODY
from iop_tui.store.views.view import Changes
from iop_tui.workspace import Workspace


def save(
    ws: Workspace,
    person: bytes,
    plan: TreatmentPlan,
    *,
    record: bytes | None = None,
    slot: bytes = b"",
    judge: signing.Judge | None = None,
) -> signing.Saved:
    """Store a version of an unsigned plan. Raises `AlreadySigned`, `NoKey`, `DocumentInvalid`, `ConflictOpen`."""
    return signing.save(ws, person, TREATMENT_PLAN, complete(ws, plan), record=record, slot=slot, judge=judge)


def complete(ws: Workspace, plan: TreatmentPlan) -> TreatmentPlan:
    """A plan with the ids it lacks: of its series and of its parts."""
    if not plan.series:
        plan = msgspec.structs.replace(plan, series=show_id(ws.rng.token(16)))
    return tree.with_ids(plan)


def begin(ws: Workspace, person: bytes, admitted: date | None = None) -> TreatmentPlan:
    """An empty plan dated today. Raises `Refused` while another plan is in force: review that one."""
    if active(ws, person) is not None:
        raise Refused("This person has a plan in force.", "Review it, or close it first.")
    now = signing.today(ws)
    return TreatmentPlan(series=show_id(ws.rng.token(16)), admitted=admitted, planned=now, effective=now)


def plans(ws: Workspace, person: bytes) -> list[PlanLine]:
    """All revisions of a person's plans that this user can read, newest first."""
    withdrawn = signing.voided(ws, person)
    rows = ws.view.rows(
        "SELECT record, doc, version, status, author FROM record WHERE kind = ? AND person = ? AND origin IS NULL"
        " ORDER BY service_date DESC, id DESC",
        (TREATMENT_PLAN.kind, person),
    )
    return [_line(row, withdrawn) for row in rows]


def _line(row: tuple[bytes, bytes, int, str, bytes], withdrawn: Mapping[bytes, str]) -> PlanLine:
    plan = TREATMENT_PLAN.decode(row[1], row[2])
    return PlanLine(
        row[0], plan.number, row[3], plan.planned, plan.next_review, plan.level, len(tree.open_below(plan)), row[4],
        plan.closed_on, row[0] in withdrawn,
    )  # fmt: skip


def active(ws: Workspace, person: bytes, on: date | None = None) -> InForce | None:
    """The newest signed plan that is neither void nor closed; with `on`, the one in force on that day.

    Where this user charts about the person, their own part's plan; else the newest they can read.
    """
    return in_force_on(history(ws, person), on)


def history(ws: Workspace, person: bytes) -> tuple[InForce, ...]:
    """Every signed revision that is not void, as amended, in the order in which they came into force.

    Only of who holds the compartment's key: a plan that somebody else put there counts for nothing.
    """
    place = _own_place(ws, person)
    withdrawn = signing.voided(ws, person)
    rows = ws.view.rows(
        "SELECT record, doc, version FROM record WHERE kind = ?1 AND person = ?2 AND +status = 'signed'"
        " AND origin IS NULL AND deposit = 0 AND (?3 IS NULL OR compartment = ?3)",
        (TREATMENT_PLAN.kind, person, place),
    )
    found = [
        InForce(bytes(record), _amended(ws, bytes(record), TREATMENT_PLAN.decode(doc, version)))
        for record, doc, version in rows
        if record not in withdrawn
    ]
    return tuple(sorted(found, key=lambda item: (item.plan.effective or date.min, item.plan.number)))


def _amended(ws: Workspace, record: bytes, plan: TreatmentPlan) -> TreatmentPlan:
    current = signing.current(ws, record) if signing.amendments(ws, record) else plan
    return current if isinstance(current, TreatmentPlan) else plan


def in_force_on(found: Sequence[InForce], on: date | None) -> InForce | None:
    """The last of a history that had begun on a day (or began at all), unless it was closed by then."""
    begun = [item for item in found if on is None or (item.plan.effective or date.min) <= on]
    if not begun:
        return None
    last = begun[-1]
    is_closed = last.plan.closed_on is not None and (on is None or on > last.plan.closed_on)
    return None if is_closed else last


def _own_place(ws: Workspace, person: bytes) -> bytes | None:
    if not any(fact.person == person for fact in settle.my_care(ws.session)):
        return None
    try:
        return signing.home(ws, person).compartment
    except (NoKey, NotFound):
        return None  # part of the care in another way: whatever plan they can read


def lines_of(plan: TreatmentPlan) -> tuple[ObjectiveLine, ...]:
    """The objectives of a plan, top to bottom."""
    served = {other for placed in tree.walk(plan) for other in getattr(placed.node, "also_for", ())}
    found = []
    for number, item in tree.objectives(plan):
        has_intervention = bool(item.interventions) or item.id in served
        has_measure = not missing_parts(item)
        found.append(ObjectiveLine(item.id, number, item.text, item.status, item.is_open, has_measure,
                                   has_intervention, plan.effective))  # fmt: skip
    return tuple(found)


def objectives(ws: Workspace, person: bytes) -> tuple[ObjectiveLine, ...]:
    """Objectives of the plan in force, closed ones included; none without a plan."""
    found = active(ws, person)
    return lines_of(found.plan) if found else ()


def signed_ids(ws: Workspace, person: bytes) -> frozenset[str]:
    """Ids of everything that ever stood in a signed plan of this person: closed, never removed."""
    rows = ws.view.rows(
        "SELECT doc, version FROM record WHERE kind = ? AND person = ? AND +status = 'signed' AND origin IS NULL"
        " AND deposit = 0",
        (TREATMENT_PLAN.kind, person),
    )
    return frozenset(
        placed.node.id for doc, version in rows for placed in tree.walk(TREATMENT_PLAN.decode(doc, version))
    )


def ended_ids(ws: Workspace, person: bytes, without: bytes = b"") -> frozenset[str]:
    """Ids of everything that a signed plan of this person closed: it stays closed. `without` is a plan that is being
    corrected itself.
    """
    return frozenset(
        placed.node.id
        for item in history(ws, person)
        if item.record != without
        for placed in tree.walk(item.plan)
        if getattr(placed.node, "closed_on", None) is not None
    )


def review(
    ws: Workspace, person: bytes, decisions: Mapping[str, Disposition], done: Review, *, next_review: date
) -> signing.Saved:
    """The next revision of the plan in force, stored as a draft to be signed. Raises `NotReady` naming objectives
    without a decision, `Refused` without a plan in force.
    """
    found = active(ws, person)
    if found is None:
        raise Refused("There is no plan in force to review.", "Write and sign a plan first.")
    plan = reviews.carry_forward(
        found.plan, decisions, done, next_review=next_review, previous=show_id(found.record)
    )
    return save(ws, person, plan)


# -- templates -----------------------------------------------------------------------------


def templates(ws: Workspace) -> list[tuple[bytes, PlanTemplate]]:
    """The program's templates that are offered, by name."""
    rows = ws.view.rows(
        "SELECT record, doc, version FROM record WHERE kind = ? AND compartment = ? ORDER BY title, record",
        (PLAN_TEMPLATE.kind, program_compartment(ws.session, Kind.PROG)),
    )
    found = [(bytes(row[0]), PLAN_TEMPLATE.decode(row[1], row[2])) for row in rows]
    return [item for item in found if not item[1].retired]


def save_template(ws: Workspace, template: PlanTemplate, *, record: bytes | None = None) -> tuple[bytes, Changes]:
    """Store a template for everybody. Raises `NotReady` where a person's words are left in it."""
    value = signing.cleaned(PLAN_TEMPLATE, template)
    found = PLAN_TEMPLATE.rules(template, RuleContext(signing.today(ws)))
    refused = [item.message for item in found if item.severity is Severity.REFUSE]
    if refused or not template.name.strip():
        raise NotReady(refused[0] if refused else "A template needs a name.")
    parents: tuple[bytes, ...] = ()
    if record is not None:
        row = ws.view.one("SELECT leaf FROM record WHERE record = ? AND kind = ?", (record, PLAN_TEMPLATE.kind))
        if row is None:
            raise NotFound
        parents = (bytes(row[0]),)
    work = ws.work()
    place = program_compartment(ws.session, Kind.PROG)
    written, _ = put(ws.session, work, place, PLAN_TEMPLATE, value, person=NOBODY, record=record, parents=parents)
    ws.session.note(work, "write", category=Kind.PROG, subject=written, detail=PLAN_TEMPLATE.kind)
    return written, ws.commit(work)
