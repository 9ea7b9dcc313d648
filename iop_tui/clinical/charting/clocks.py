"""What is due in a person's chart, by which rule, and the record that clears it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypeVar

from iop_tui.access import roles, settle
from iop_tui.clinical.charting.judge import UNKNOWN_LEVEL, Setting, age_of, plan_due, setting
from iop_tui.clinical.charting.urgency import urgency
from iop_tui.clinical.compliance import api as compliance
from iop_tui.clinical.compliance.api import DueLine
from iop_tui.clinical.episodes.api import (
    CONTINUING_CARE_PLAN,
    DISCHARGE_SUMMARY,
    INTAKE_ASSESSMENT,
    ContinuingCarePlan,
    DischargeSummary,
    IntakeAssessment,
)
from iop_tui.clinical.notes import api as notes
from iop_tui.clinical.people import api as people
from iop_tui.clinical.plans import api as plans
from iop_tui.clinical.safety.api import RAISED, RISK_ASSESSMENT, RiskAssessment
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import Document, DocumentType
from iop_tui.kernel.errors import NotFound
from iop_tui.workspace import Workspace

D = TypeVar("D", bound=Document)
LICENCE_NOTICE = timedelta(days=60)
END_NOTICE = timedelta(days=14)
_CHARTING = (roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR)


@dataclass(frozen=True, slots=True)
class Found:
    """The newest document of a kind: its record, status, content."""

    record: bytes
    status: str
    document: Document


@dataclass(frozen=True, slots=True)
class Chart:
    """What deadlines depend on, read from one person's chart."""

    person: bytes
    name: str
    admitted: date
    age: int | None
    level: str
    hours: float
    risk: str
    plan: plans.InForce | None
    newest: dict[str, Found] = field(default_factory=dict)
    """Newest document by kind, signed before unsigned."""


def newest(ws: Workspace, person: bytes, kind: DocumentType[D]) -> Found | None:
    """The newest signed document of a kind that is not void, else the newest draft, else None."""
    rows = ws.view.rows(
        "SELECT record, status, doc, version FROM record WHERE kind = ? AND person = ? AND origin IS NULL"
        " AND deposit = 0 ORDER BY status = 'signed' DESC, service_date DESC, id DESC LIMIT 20",
        (kind.kind, person),
    )
    withdrawn = signing.voided(ws, person) if rows else {}
    for record, status, doc, version in rows:
        if record not in withdrawn:
            return Found(record, status, kind.decode(doc, version))
    return None


def chart(ws: Workspace, person: bytes) -> Chart:
    """The facts of one chart. Raises `NotFound`."""
    kinds: tuple[DocumentType[Document], ...] = (
        INTAKE_ASSESSMENT, RISK_ASSESSMENT, CONTINUING_CARE_PLAN, DISCHARGE_SUMMARY,
    )  # type: ignore[assignment]  # fmt: skip
    found = {kind.kind: item for kind in kinds if (item := newest(ws, person, kind))}
    in_force = plans.active(ws, person)
    intake = found.get(INTAKE_ASSESSMENT.kind)
    risk = found.get(RISK_ASSESSMENT.kind)
    plan = in_force.plan if in_force else None
    admitted = (plan.admitted if plan else None) or _admitted(ws, person, intake)
    return Chart(
        person, people.header(ws, person).name, admitted, age_of(ws, person, admitted),
        (plan.level if plan else "") or UNKNOWN_LEVEL, (plan.hours or 0.0) if plan else 0.0,
        risk.document.level if risk and isinstance(risk.document, RiskAssessment) else "", in_force, found,
    )  # fmt: skip


def _admitted(ws: Workspace, person: bytes, intake: Found | None) -> date:
    if intake is not None and isinstance(intake.document, IntakeAssessment) and intake.document.admitted:
        return intake.document.admitted
    days = notes.service_days(ws, person, date.min)
    if days:
        return days[0]
    mine = [fact.at_ms for fact in settle.my_care(ws.session) if fact.person == person]
    return local_date(min(mine)) if mine else signing.today(ws)


# -- the items of one chart ----------------------------------------------------------------


def items(ws: Workspace, here: Setting, found: Chart) -> list[DueLine]:
    """Everything due in one chart, whether or not the day has come."""
    if _is_over(found):
        return []
    parts = (_plan, _risk, _discharge, _certification)
    return [line for part in parts for line in part(ws, here, found)]


def _is_over(found: Chart) -> bool:
    summary = found.newest.get(DISCHARGE_SUMMARY.kind)
    return summary is not None and summary.status == "signed"


def _line(found: Chart, what: str, due: compliance.Due, record: bytes = b"", action: str = "") -> DueLine:
    return DueLine(found.person, found.name, what, due.on, due.rule, due.source, record, action)


def _plan(ws: Workspace, here: Setting, found: Chart) -> Iterable[DueLine]:
    draft = next((line for line in plans.plans(ws, found.person) if line.status == "draft" and not line.void), None)
    record, action = (draft.record, "sign") if draft else (b"", "")
    if found.plan is None:
        due = plan_due(ws, here, found.person, found.admitted, found.level, found.age)
        if due is not None:
            what = "Sign the treatment plan" if draft else "Write the treatment plan"
            yield _line(found, what, due, record, action or "plan")
        return
    plan = found.plan.plan
    what = "Sign the reviewed treatment plan" if draft else "Review the treatment plan"
    record, action = record or found.plan.record, action or "review"
    start = plan.planned or found.admitted
    forced = _forced_review(found, start)
    if forced is not None:
        yield DueLine(found.person, found.name, what, forced, "plan-review-after-risk",
                      "program rule: raised risk forces a review", record, action)  # fmt: skip
        return
    case = compliance.Case(found.level, here.tags(found.age), {"last plan": start},
                           notes.service_days(ws, found.person, start))  # fmt: skip
    due = compliance.due(here.packs, "plan review", case)
    if plan.next_review is not None and (due is None or plan.next_review < due.on):
        yield DueLine(found.person, found.name, what, plan.next_review, "plan-next-review", "the plan's own date",
                      record, action)  # fmt: skip
    elif due is not None:
        yield _line(found, what, due, record, action)


def _forced_review(found: Chart, planned: date) -> date | None:
    """The day of a raised risk assessment that the plan does not know of yet."""
    last = found.newest.get(RISK_ASSESSMENT.kind)
    document = last.document if last and isinstance(last.document, RiskAssessment) else None
    if document is None or document.assessed is None or document.level not in RAISED:
        return None
    return document.assessed if document.assessed > planned else None


def _risk(ws: Workspace, here: Setting, found: Chart) -> Iterable[DueLine]:
    del ws
    last = found.newest.get(RISK_ASSESSMENT.kind)
    document = last.document if last and isinstance(last.document, RiskAssessment) else None
    assessed = document.assessed if document else None
    tag, starts = "not assessed", {"admission": found.admitted}
    if assessed is not None:
        tag, starts = "assessed", {"last risk": assessed}
    case = compliance.Case(found.level, here.tags(found.age, tag), starts)
    due = compliance.due(here.packs, "risk assessment", case)
    follow_up = document.follow_up if document and document.level in RAISED else None
    if follow_up is not None and last is not None and (due is None or follow_up < due.on):
        yield DueLine(found.person, found.name, "Follow up on risk", follow_up, "risk-follow-up",
                      "the assessment's own date", last.record, "risk")  # fmt: skip
    elif due is not None:
        yield _line(found, "Assess risk", due, last.record if last else b"", "risk")


def _discharge(ws: Workspace, here: Setting, found: Chart) -> Iterable[DueLine]:
    del ws
    care = found.newest.get(CONTINUING_CARE_PLAN.kind)
    planned = care.document.discharge if care and isinstance(care.document, ContinuingCarePlan) else None
    ended = planned or (found.plan.plan.target_end if found.plan else None)
    if ended is None or ended > here.today + END_NOTICE:
        return
    draft = found.newest.get(DISCHARGE_SUMMARY.kind)
    reason = draft.document.reason if draft and isinstance(draft.document, DischargeSummary) else ""
    tags = here.tags(found.age, "completed" if reason in ("completed", "step-down") else "not completed")
    case = compliance.Case(found.level, tags, {"discharge": ended})
    if care is None or care.status != "signed":
        due = compliance.due(here.packs, "continuing-care plan", case)
        if due is not None:
            yield _line(found, "Write the continuing-care plan", due, care.record if care else b"", "continuing care")
    due = compliance.due(here.packs, "discharge summary", case)
    if due is not None and planned is not None and planned <= here.today:
        yield _line(found, "Write the discharge summary", due, draft.record if draft else b"", "discharge")


def _certification(ws: Workspace, here: Setting, found: Chart) -> Iterable[DueLine]:
    del ws
    given = found.plan.plan.certification if found.plan else None
    if not here.medicare or given is None or given.certified_on is None or found.plan is None:
        return
    case = compliance.Case(found.level, here.tags(found.age), {"last certification": given.certified_on})
    due = compliance.due(here.packs, "physician certification", case)
    if due is not None:
        yield _line(found, "Renew the physician's certification", due, found.plan.record, "certify")


# -- everything of one user ----------------------------------------------------------------


def due(ws: Workspace, *, within: timedelta = timedelta(days=7)) -> list[DueLine]:
    """Everything this user can clear that is due by then, most urgent first: risk × deadline × hours.

    Replaces the plain list of `compliance`: unsigned documents have their rule's date here.
    """
    here = setting(ws)
    weights: dict[bytes, tuple[str, float]] = {}
    found: list[DueLine] = [line for line in compliance.due_lines(ws) if line.action != "sign"]
    for person in sorted({fact.person for fact in settle.my_care(ws.session) if fact.role in _CHARTING}):
        try:
            of_person = chart(ws, person)
        except NotFound:
            continue
        weights[person] = (of_person.risk, of_person.hours)
        found += items(ws, here, of_person)
    found += [*_unsigned(ws, here), *_cosignatures(ws, here), *_licences(ws, here)]
    limit = here.today + within
    soon = [line for line in found if line.due <= limit]

    def rank(line: DueLine) -> tuple[float, date, str, str, bytes]:
        risk, hours = weights.get(line.person, ("", 0.0))
        return (-urgency(line.due, here.today, risk, hours), line.due, line.what, line.name, line.record)

    return sorted(soon, key=rank)


def _unsigned(ws: Workspace, here: Setting) -> Iterable[DueLine]:
    withdrawn = signing.voided(ws)
    rows = ws.view.rows(
        "SELECT r.person, p.name, r.service_date, r.created_ms, r.record, r.kind,"
        " json_extract(r.doc, '$.session_type') FROM record r LEFT JOIN person p ON p.id = r.person"
        " WHERE r.status = 'draft' AND r.author = ?",
        (ws.user.user,),
    )
    for person, name, service, created, record, kind, session in rows:
        if record in withdrawn or kind == "treatment_plan":
            continue
        day = date.fromisoformat(service) if service else local_date(created)
        when = note_due(here, day, is_crisis=session == "crisis")
        label = ws.registry.need(kind).label.lower()
        if when is not None:
            yield DueLine(person, name or "", f"Sign the {label}", when.on, when.rule, when.source, record, "sign")


def note_due(here: Setting, day: date, *, is_crisis: bool = False, late: bool = False) -> compliance.Due | None:
    """By when a document about a day is due, or after which day it counts as a late entry."""
    case = compliance.Case(UNKNOWN_LEVEL, here.tags(None, *(("crisis",) if is_crisis else ())), {"service": day})
    return compliance.due(here.packs, "late entry" if late else "progress note", case)


def _cosignatures(ws: Workspace, here: Setting) -> Iterable[DueLine]:
    """What waits for this supervisor, and what a supervisor returned to this author."""
    for item in signing.queue(ws):
        yield DueLine(item.person, item.author_name, f"Co-sign the {item.label.lower()}", item.asked_on or here.today,
                      "co-signature", "state rule on supervised practice", item.id, "cosign")  # fmt: skip
    mine = signing.asked(ws)
    gone_on = {item.record for item in mine if item.state != "returned"}
    for item in mine:
        again = {item.record, *(line.id for line in signing.amendments(ws, item.record))}
        if item.state == "returned" and not again & gone_on:
            what, when = f"Change the returned {item.label.lower()}", item.answered_on or here.today
            yield DueLine(item.person, "", what, when, "co-signature-returned", "state rule on supervised practice",
                          item.record, "amend")  # fmt: skip


def _licences(ws: Workspace, here: Setting) -> Iterable[DueLine]:
    for state, until in staff.licences(ws, ws.user.user).items():
        if until is not None and until <= here.today + LICENCE_NOTICE:
            yield DueLine(b"", ws.user.name, f"Renew the licence for {state}", until, "licence", "state licensing law",
                          action="licence")  # fmt: skip
