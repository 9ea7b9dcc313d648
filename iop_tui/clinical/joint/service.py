"""The joint record at work: what a session note and a plan begin with, the contract's calendar, measures, billing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import msgspec

from iop_tui.access import charts, primitives
from iop_tui.access.policy import Kind
from iop_tui.clinical.compliance import api as compliance
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.joint.model import (
    CODES,
    COUPLE_MEASURE,
    JOINT_CLOSING,
    JOINT_NOTE,
    JOINT_PLAN,
    RECOVERY_DAY,
    REVIEW_DAYS,
    REVIEW_SESSIONS,
    JointClosing,
    JointNote,
    JointPlan,
    minutes,
)
from iop_tui.clinical.notes import api as notes
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import Document, DocumentType
from iop_tui.kernel.errors import NoKey, NotFound
from iop_tui.store.views.view import Changes
from iop_tui.store.work import Work
from iop_tui.workspace import Workspace

USUAL = timedelta(minutes=50)
A, B = couples.PARTNERS


@dataclass(frozen=True, slots=True)
class Entry:
    """One document of the joint record, oldest first in lists."""

    record: bytes
    kind: str
    label: str
    service_date: str
    status: str
    document: Any
    created_ms: int


def entries(ws: Workspace, couple: bytes, kinds: Sequence[str]) -> list[Entry]:
    """Documents of the joint record by service date, without those their author withdrew."""
    pair = couples.couple(ws, couple)
    rows = ws.view.rows(
        "SELECT record, kind, service_date, status, doc, version, created_ms FROM record WHERE person = ? AND"
        f" compartment = ? AND kind IN ({','.join('?' * len(kinds))}) AND status != 'newer' AND record NOT IN"
        f" {signing.VOIDED} ORDER BY service_date, created_ms, id",
        (couple, pair.joint, *kinds),
    )
    found = []
    for record, kind, day, status, doc, version, created in rows:
        declared: DocumentType[Document] = ws.registry.need(kind)
        document = declared.decode(doc, version)
        found.append(Entry(record, kind, declared.label, day or "", status, document, created))
    return found


# -- beginning -----------------------------------------------------------------------------


def new_note(ws: Workspace, couple: bytes) -> dict[str, Any]:
    """A session note that begins: now, as both agreed, with the goals of the plan in force."""
    now = datetime.fromtimestamp(ws.clock.now_ms() / 1000)
    stop = now.replace(minute=now.minute - now.minute % 5, second=0, microsecond=0)
    start = stop - USUAL
    plan = plan_in_force(ws, couple)
    note = JointNote(
        service_date=now.date(), modality="video", service_code=CODES[0],
        start=time(start.hour, start.minute) if start.date() == stop.date() else None,
        stop=time(stop.hour, stop.minute) if start.date() == stop.date() else None,
        approaches=plan.approaches if plan else (), content="[J] ",
        progress=tuple(f"{number} " for number, _ in objectives(plan)),
    )  # fmt: skip
    return dict(msgspec.to_builtins(note))


def new_plan(ws: Workspace, couple: bytes) -> dict[str, Any]:
    """A plan that begins: the one before, with today's date, the agreement's terms and the screening dates known."""
    pair, today = couples.couple(ws, couple), signing.today(ws)
    before = plan_in_force(ws, couple) or JointPlan(role_a="patient", role_b="patient", attends="both partners")
    counts, screened = couples.in_force(ws, pair), couples.screenings(ws, pair)
    terms = counts.agreement if counts else None
    plan = msgspec.structs.replace(
        before, planned=today, next_review=today + timedelta(days=REVIEW_DAYS),
        screened_a=screened.get(A, before.screened_a), screened_b=screened.get(B, before.screened_b),
        contact_rule=terms.contact_rule if terms else before.contact_rule,
        billing=terms.billing if terms else before.billing,
    )  # fmt: skip
    return dict(msgspec.to_builtins(plan))


def new_closing(ws: Workspace, couple: bytes) -> dict[str, Any]:
    """A closing note that begins: the sessions counted, each shared goal on a line."""
    count = len(signed(ws, couple, JOINT_NOTE.kind))
    goals = tuple(f"{number} {text}: " for number, text in objectives(plan_in_force(ws, couple)))
    return dict(msgspec.to_builtins(JointClosing(written_on=signing.today(ws), sessions=count, goals=goals)))


# -- what is known -------------------------------------------------------------------------


def signed(ws: Workspace, couple: bytes, kind: str) -> list[Entry]:
    """Signed documents of a kind, oldest first."""
    return [entry for entry in entries(ws, couple, (kind,)) if entry.status == "signed"]


def plan_in_force(ws: Workspace, couple: bytes) -> JointPlan | None:
    """The last plan that was signed; None without one."""
    found = signed(ws, couple, JOINT_PLAN.kind)
    return found[-1].document if found else None


def objectives(plan: JointPlan | None) -> list[tuple[str, str]]:
    """`1.2` and its words, for every objective of the shared goals."""
    return [
        (f"{number}.{place}", item.text)
        for number, goal in enumerate(plan.goals if plan else (), 1)
        for place, item in enumerate(goal.objectives, 1)
    ]


@dataclass(frozen=True, slots=True)
class DayLine:
    """One day of the contract's calendar."""

    day: date
    kept: tuple[str, ...]
    missed: tuple[str, ...]
    remark: str


def calendar(ws: Workspace, couple: bytes, first: date, last: date) -> list[DayLine]:
    """The contract's days from `first` to `last`; what was written last counts for a day."""
    found: dict[date, DayLine] = {}
    for entry in sorted(entries(ws, couple, (RECOVERY_DAY.kind,)), key=lambda item: item.created_ms):
        day = entry.document
        if day.day is not None and first <= day.day <= last:
            found[day.day] = DayLine(day.day, day.kept, day.missed, day.remark)
    return [found[day] for day in sorted(found)]


@dataclass(frozen=True, slots=True)
class Answered:
    """A measure as one partner answered it."""

    instrument: str
    taken: date
    score: float
    highest: float | None


def measures(ws: Workspace, couple: bytes, partner: str) -> list[Answered]:
    """One partner's answers, oldest first. They are not compared in front of both."""
    answered = (entry.document for entry in entries(ws, couple, (COUPLE_MEASURE.kind,)))
    return [
        Answered(item.instrument, item.taken, item.score, item.highest)
        for item in answered
        if item.partner == partner and item.taken is not None and item.score is not None
    ]


def differences(ws: Workspace, couple: bytes) -> list[tuple[str, float]]:
    """How far the partners' newest answers to each measure lie apart: for the therapist's eyes, asked for by name.
    Measures that only one of them has answered are left out.
    """
    newest = [{item.instrument: item.score for item in measures(ws, couple, partner)} for partner in (A, B)]
    both = sorted(set(newest[0]) & set(newest[1]))
    return [(name, abs(newest[0][name] - newest[1][name])) for name in both]


@dataclass(frozen=True, slots=True)
class Owed:
    """What a couple's work still needs, by when, by which rule."""

    what: str
    due: date
    rule: str


def owed(ws: Workspace, couple: bytes) -> list[Owed]:
    """What is due: agreement, plan, its review, the closing note."""
    pair, today = couples.couple(ws, couple), signing.today(ws)
    if pair.ended is not None:
        missing = not entries(ws, couple, (JOINT_CLOSING.kind,)) and couples.in_force(ws, pair) is not None
        return [Owed("Closing note", pair.ended + timedelta(days=7), "program rule CR-12")] if missing else []
    if couples.in_force(ws, pair) is None:
        return [Owed("Agreement, signed by both", today, "program rule CR-7")]
    plan = plan_in_force(ws, couple)
    if plan is None:
        return [Owed("Joint plan", today, "program rule 2.2")]
    sessions = (entry.document.service_date for entry in signed(ws, couple, JOINT_NOTE.kind))
    if sum(_after(day, plan.planned) for day in sessions) >= REVIEW_SESSIONS:
        return [Owed("Joint plan review", today, f"{REVIEW_SESSIONS} joint sessions")]
    return [Owed("Joint plan review", plan.next_review, f"{REVIEW_DAYS} days")] if plan.next_review else []


def due_lines(ws: Workspace) -> list[compliance.DueLine]:
    """What this user's couples still need: for their therapist alone, asked again only after something changed."""
    found: list[compliance.DueLine] = ws.session.derived("joint_due", lambda: _due_lines(ws))
    return found


def _due_lines(ws: Workspace) -> list[compliance.DueLine]:
    mine = [
        (identifier, name)
        for identifier, name in couples.names(ws).items()
        if couples.couple(ws, identifier).therapist == ws.user.user
    ]
    return [
        compliance.DueLine(identifier, name, item.what, item.due, "couple", item.rule, b"", "couple")
        for identifier, name in mine
        for item in owed(ws, identifier)
    ]


def _after(day: date | None, start: date | None) -> bool:
    return day is not None and start is not None and day > start


# -- signing -------------------------------------------------------------------------------


def sign(ws: Workspace, ids: Sequence[bytes]) -> Changes:
    """Sign finished documents of the joint record in one act, with every rule. Raises as `signing.sign`."""
    return couples.sign(ws, ids, after=lambda work, what: after_signing(ws, work, what))


def after_signing(ws: Workspace, work: Work, what: signing.Signing) -> None:
    """A signed session leaves its fixed fields with the billing patient alone: the other partner is on no claim
    (CR-20).
    """
    note = what.document
    if not isinstance(note, JointNote) or note.service_date is None:
        return
    pair = couples.couple(ws, what.person)
    counts = couples.in_force(ws, pair)
    if counts is None or not counts.agreement.billing:
        return
    patient = pair.person(counts.agreement.billing)
    line = notes.ServiceLine(
        service_date=note.service_date, minutes=minutes(note), service_code=note.service_code,
        modality=note.modality, session_type="",
    )  # fmt: skip
    try:
        home = charts.compartment_for(ws.session, patient, Kind.PAY)
        origin = (what.record, what.revision, str(Kind.JNT))
        primitives.project(ws.session, work, home, notes.SERVICE_LINE, line, person=patient, origin=origin)
    except (NoKey, NotFound):
        ws.session.note(work, "projection-waiting", person=patient, category=Kind.PAY, subject=what.record)
