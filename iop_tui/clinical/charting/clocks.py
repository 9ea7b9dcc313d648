"""What is due in a person's chart, by which rule, and the record that clears it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from iop_tui.access import roles, settle
from iop_tui.clinical.charting import caring
from iop_tui.clinical.charting.judge import UNKNOWN_LEVEL, Setting, age_on, plan_due
from iop_tui.clinical.charting.triggers import forced
from iop_tui.clinical.compliance import api as compliance
from iop_tui.clinical.compliance.api import DueLine
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consulting import api as consulting
from iop_tui.clinical.episodes.api import (
    CONTINUING_CARE_PLAN,
    DISCHARGE_SUMMARY,
    INTAKE_ASSESSMENT,
    ContinuingCarePlan,
    DischargeSummary,
    IntakeAssessment,
)
from iop_tui.clinical.notes import api as notes
from iop_tui.clinical.plans import api as plans
from iop_tui.clinical.restrictions import api as restrictions
from iop_tui.clinical.safety.api import RAISED, RISK_ASSESSMENT, RiskAssessment
from iop_tui.clinical.sessions import api as sessions
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.staff import api as staff
from iop_tui.clinical.turnover import api as turnover
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import Document, DocumentType
from iop_tui.kernel.errors import NotFound
from iop_tui.workspace import Workspace

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


_DOCUMENTS: tuple[DocumentType[Any], ...] = (
    INTAKE_ASSESSMENT, RISK_ASSESSMENT, CONTINUING_CARE_PLAN, DISCHARGE_SUMMARY,
)  # fmt: skip
_KINDS = tuple(kind.kind for kind in _DOCUMENTS)


@dataclass(frozen=True, slots=True)
class Known:
    """What the view says of many people at once: names, births, newest documents. Read before the charts are."""

    people: dict[bytes, tuple[str, str | None]]
    documents: dict[bytes, dict[str, Found]]


def known(ws: Workspace, person: bytes | None = None) -> Known:
    """Of one person, or of everybody, in two queries. The newest signed document of each kind that is not void, else
    the newest draft.
    """
    one = person is not None
    people = ws.view.rows(f"SELECT id, name, birth_date FROM person{' WHERE id = ?' if one else ''}",
                          (person,) if one else ())  # fmt: skip
    rows = ws.view.rows(
        f"SELECT person, kind, record, status, doc, version FROM record WHERE kind IN ({','.join('?' * len(_KINDS))})"
        f" AND origin IS NULL AND deposit = 0{' AND person = ?' if one else ''}"
        " ORDER BY status = 'signed' DESC, service_date DESC, id DESC",
        (*_KINDS, person) if one else _KINDS,
    )
    withdrawn = signing.voided(ws, person) if rows else {}
    types = {kind.kind: kind for kind in _DOCUMENTS}
    found: dict[bytes, dict[str, Found]] = {}
    for who, kind, record, status, doc, version in rows:
        of_person = found.setdefault(who, {})
        if kind not in of_person and record not in withdrawn:
            of_person[kind] = Found(record, status, types[kind].decode(doc, version))
    return Known({row[0]: (row[1], row[2]) for row in people}, found)


def chart(ws: Workspace, person: bytes, before: Known | None = None) -> Chart:
    """The facts of one chart; `before` is what was read of many at once. Raises `NotFound`."""
    facts = before or known(ws, person)
    if person not in facts.people:
        raise NotFound
    name, born = facts.people[person]
    found = facts.documents.get(person, {})
    in_force = plans.active(ws, person)
    intake = found.get(INTAKE_ASSESSMENT.kind)
    risk = found.get(RISK_ASSESSMENT.kind)
    plan = in_force.plan if in_force else None
    admitted = (plan.admitted if plan else None) or _admitted(ws, person, intake)
    return Chart(
        person, name, admitted, age_on(born, admitted),
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
    parts = (_plan, _client_signature, _risk, _discharge, _certification)
    return [*(line for part in parts for line in part(ws, here, found)), *caring.items(ws, found)]


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
    event = forced(ws, found.person, start, plan.level)
    if event is not None:
        yield DueLine(found.person, found.name, what, event.on, event.rule, event.source, record, action)
        return
    case = compliance.Case(found.level, here.tags(found.age), {"last plan": start},
                           notes.service_days(ws, found.person, start))  # fmt: skip
    due = compliance.due(here.packs, "plan review", case)
    if plan.next_review is not None and (due is None or plan.next_review < due.on):
        yield DueLine(found.person, found.name, what, plan.next_review, "plan-next-review", "the plan's own date",
                      record, action)  # fmt: skip
    elif due is not None:
        yield _line(found, what, due, record, action)


def _client_signature(ws: Workspace, here: Setting, found: Chart) -> Iterable[DueLine]:
    """A plan that the client was to sign, and no signature is on record; a documented refusal stands for one."""
    in_force = found.plan
    if in_force is None or in_force.plan.agreement != "signs" or signing.client_signatures(ws, in_force.record):
        return
    yield DueLine(found.person, found.name, "Record the client's signature", in_force.plan.planned or here.today,
                  "plan-client-signature", "program rule: the client signs, or the refusal is documented",
                  in_force.record, "clientsign")  # fmt: skip


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


def in_care(ws: Workspace) -> list[bytes]:
    """The people whose charts this user keeps."""
    return sorted({fact.person for fact in settle.my_care(ws.session) if fact.role in _CHARTING})


def own_lines(ws: Workspace, here: Setting) -> list[DueLine]:
    """What is due without looking into charts: unsigned and returned documents, missing notes, co-signatures,
    licences, and what the program owes. Unsigned documents have their rule's date.
    """
    found = [line for line in compliance.due_lines(ws) if line.action != "sign"]
    parts = (_unsigned, _unwritten, _cosignatures, _licences, _authorizations, _lacking)
    handed = [*turnover.due_lines(ws), *consulting.due_lines(ws), *restrictions.due_lines(ws)]
    return [*found, *(line for part in parts for line in part(ws, here)), *caring.own_lines(ws), *handed]


def _unwritten(ws: Workspace, here: Setting) -> Iterable[DueLine]:
    """Sessions that are over and have no note; those of today stand in the schedule."""
    joint = set()
    for line in sessions.without_note(ws):
        day = line.session.date
        when = note_due(here, day, is_crisis=line.session.kind == "crisis") if day else None
        if day is None or day >= here.today or when is None:
            continue
        if line.couple and (key := (line.couple, day, line.session.start)) in joint:
            continue  # one note for both partners
        elif line.couple:
            joint.add(key)
        at = f" {line.session.start:%H:%M}" if line.session.start else ""
        what = f"Write the note of {day.isoformat()}{at}"
        action = "couple" if line.couple else "write"
        yield DueLine(line.person, line.name, what, when.on, when.rule, when.source, line.record, action)


def _unsigned(ws: Workspace, here: Setting) -> Iterable[DueLine]:
    withdrawn = signing.voided(ws)
    rows = ws.view.rows(
        "SELECT r.person, p.name, r.service_date, r.created_ms, r.record, r.kind,"
        " json_extract(r.doc, '$.session_type') FROM record r LEFT JOIN person p ON p.id = r.person"
        " WHERE r.status = 'draft' AND r.author = ?",
        (ws.user.user,),
    )
    for person, name, service, created, record, kind, session in rows:
        if record in withdrawn or kind == "treatment_plan" or kind in notes.PRIVATE_KINDS:
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


def _authorizations(ws: Workspace, here: Setting) -> Iterable[DueLine]:
    """Authorizations that this user recorded and that end soon: what they allow ends with them."""
    for line in consents.consents(ws):
        is_soon = line.until is not None and line.until <= here.today + END_NOTICE
        if line.until is None or not is_soon or line.state != consents.IN_FORCE or line.author != ws.user.user:
            continue
        to = ", ".join(item.name for item in line.open_to) or "nobody any more"
        row = ws.view.one("SELECT name FROM person WHERE id = ?", (line.person,))
        yield DueLine(line.person, row[0] if row else "", f"Renew the authorization for {to}", line.until,
                      "authorization", "42 CFR 2.31; 45 CFR 164.508", line.id, "open")  # fmt: skip


def _lacking(ws: Workspace, here: Setting) -> Iterable[DueLine]:
    """Rule packs in force that this installation does not have: its dates may be wrong until it is updated."""
    for name in here.missing:
        yield DueLine(b"", ws.user.name, f"Update this program: it lacks the rule pack {name}", here.today, "rule-pack",
                      "the program's profile", action="update")  # fmt: skip
