"""CR-16: nobody supervises authors on both sides of a couple, or the couples therapist and one partner's clinician.

Who supervises whom stands in the staff profiles; who may be assigned as supervisor, in the care team. An exception is
a record of its own, written by the privacy officer or the medical director.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from iop_tui.access import charts, roles
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import program_compartment, put
from iop_tui.access.wall import CareFact, CoupleFact
from iop_tui.clinical.staff.profiles import supervisor_of
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import Document, DocumentType, F
from iop_tui.kernel.errors import NotFound, RoleRefused, RuleRefused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.views.view import Changes
from iop_tui.workspace import Workspace

SECOND, REDACTED, DOCUMENTED = "second supervisor", "redacted consult", "documented exception"
OPTIONS = (SECOND, REDACTED, DOCUMENTED)
_DECIDE = (roles.PRIVACY_OFFICER, roles.MEDICAL_DIRECTOR)
_AUTHORS = frozenset({roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR, roles.COUPLES_THERAPIST})


class SupervisionException(Document, frozen=True, kw_only=True):
    """Why one supervisor stays with authors on both sides of a couple, and what is done instead of reading both."""

    supervisor: Annotated[str, F("Supervisor", search=False)]
    couple: Annotated[str, F("Couple", search=False)]
    option: Annotated[str, F("Instead", choices=OPTIONS, required=True)]
    reason: Annotated[str, F("Reason", search=False, max_length=1000, required=True)]
    decided_on: Annotated[date, F("Decided on")]
    ended_on: Annotated[date | None, F("Ended on")] = None


SUPERVISION_EXCEPTION: DocumentType[SupervisionException] = DocumentType(
    kind="supervision_exception",
    label="Supervision exception",
    struct=SupervisionException,
    compartment="REG",
    title=lambda document: document.option,
    service_date=lambda document: document.decided_on,
)
TYPES: tuple[DocumentType[Any], ...] = (SUPERVISION_EXCEPTION,)


@dataclass(frozen=True, slots=True)
class Conflict:
    """One supervisor over more than one side of a couple: the authors concerned, and the exception if there is one."""

    couple: bytes
    supervisor: bytes
    authors: tuple[bytes, ...]
    excepted: str
    partners: tuple[bytes, bytes]


def conflicts(ws: Workspace) -> list[Conflict]:
    """Every couple this user knows of whose sides share a supervisor; what was excepted says so."""
    found = []
    excepted = _exceptions(ws)
    for couple in charts.couples(ws.session):
        for supervisor, authors in sorted(_supervised(ws, couple, charts.care_facts(ws.session)).items()):
            option = excepted.get((supervisor, couple.id), "")
            found.append(Conflict(couple.id, supervisor, authors, option, (couple.a, couple.b)))
    return found


def check_assignment(ws: Workspace, person: bytes, user: bytes, role: str) -> None:
    """Raise `RuleRefused` where an assignment would put both sides of a couple under one supervisor without an
    exception (CR-16).
    """
    facts = [*charts.care_facts(ws.session), CareFact(user, person, role)]
    for couple in charts.couples(ws.session):
        if couple.partner(person) is not None:
            _refuse(ws, couple, _supervised(ws, couple, facts), user)


def _refuse(ws: Workspace, couple: CoupleFact, found: dict[bytes, tuple[bytes, ...]], user: bytes) -> None:
    excepted = _exceptions(ws)
    for supervisor, authors in found.items():
        concerned = user in authors or user == supervisor
        if concerned and (supervisor, couple.id) not in excepted:
            name = ws.session.card(supervisor).name
            raise RuleRefused(
                "supervisor.conflict",
                f"{name} would supervise authors on more than one side of this couple.",
                "Name a second supervisor, consult without names, or let the privacy officer record an exception.",
            )


def _supervised(ws: Workspace, couple: CoupleFact, facts: Iterable[CareFact]) -> dict[bytes, tuple[bytes, ...]]:
    """Supervisor → authors, for supervisors of more than one side: partner A's, partner B's, the joint work's."""
    sides: dict[bytes, dict[str, set[bytes]]] = {}
    for side, author, named in _parts(couple, facts):
        supervisor = named or supervisor_of(ws, author)
        if supervisor is not None:
            sides.setdefault(supervisor, {}).setdefault(side, set()).add(author)
    return {
        supervisor: tuple(sorted({author for authors in over.values() for author in authors}))
        for supervisor, over in sides.items()
        if len(over) > 1
    }


def _parts(couple: CoupleFact, facts: Iterable[CareFact]) -> Iterable[tuple[str, bytes, bytes | None]]:
    """(side, author, supervisor) for every author; a supervisor who was assigned to a person stands on that side."""
    yield "joint", couple.therapist, None
    for fact in facts:
        side = {couple.a: "a", couple.b: "b"}.get(fact.person)
        if side is None:
            continue
        if fact.role == roles.SUPERVISOR:
            yield side, fact.user, fact.user
        elif fact.role in _AUTHORS and fact.user != couple.therapist:
            yield side, fact.user, None


def _exceptions(ws: Workspace) -> dict[tuple[bytes, bytes], str]:
    """(supervisor, couple) → what was decided; believed from the privacy officer and the medical director only."""
    rows = ws.view.rows(
        "SELECT r.doc, r.version FROM record r WHERE r.kind = 'supervision_exception' AND r.deposit = 0 AND"
        " r.compartment = ? AND EXISTS (SELECT 1 FROM role o WHERE o.user = r.author AND o.role IN (?, ?))"
        " ORDER BY r.created_ms",
        (program_compartment(ws.session, Kind.REG), *_DECIDE),
    )
    found: dict[tuple[bytes, bytes], str] = {}
    for doc, version in rows:  # the newest word counts: an exception, or its end
        item = SUPERVISION_EXCEPTION.decode(doc, version)
        found[(parse_id(item.supervisor), parse_id(item.couple))] = "" if item.ended_on else item.option
    return {place: option for place, option in found.items() if option}


def except_supervisor(ws: Workspace, supervisor: bytes, couple: bytes, *, option: str, reason: str) -> Changes:
    """Record an exception (CR-16). Raises `RoleRefused`, `RuleRefused` without option or reason."""
    if not set(_DECIDE) & set(ws.user.roles):
        raise RoleRefused("An exception is decided by the privacy officer or the medical director.")
    if supervisor == ws.user.user:
        raise RuleRefused("supervisor.own_exception", "Nobody excepts themselves.", "Ask the other of the two.")
    if option not in OPTIONS or not reason.strip():
        raise RuleRefused("supervisor.exception", f"Say why, and what is done instead: {', '.join(OPTIONS)}.")
    return _write(ws, supervisor, couple, (option, reason), ended=False)


def end_exception(ws: Workspace, supervisor: bytes, couple: bytes, *, reason: str) -> Changes:
    """End an exception: from now on the conflict counts again (CR-16). What was read under it stays read.

    Raises `RoleRefused`, `RuleRefused` without a reason, `NotFound` where there is none.
    """
    if not set(_DECIDE) & set(ws.user.roles):
        raise RoleRefused("An exception is ended by the privacy officer or the medical director.")
    if not reason.strip():
        raise RuleRefused("supervisor.exception", "Say why the exception ends.")
    option = _exceptions(ws).get((supervisor, couple))
    if option is None:
        raise NotFound
    return _write(ws, supervisor, couple, (option, reason), ended=True)


def _write(ws: Workspace, supervisor: bytes, couple: bytes, words: tuple[str, str], *, ended: bool) -> Changes:
    ws.session.card(supervisor)
    link = next((item for item in charts.couples(ws.session) if item.id == couple), None)
    if link is None:
        raise NotFound
    work = ws.work()
    option, reason = words
    today = local_date(work.at_ms)
    document = SupervisionException(
        supervisor=show_id(supervisor), couple=show_id(couple), option=option, reason=reason, decided_on=today,
        ended_on=today if ended else None,
    )  # fmt: skip
    registry = program_compartment(ws.session, Kind.REG)
    record, _ = put(ws.session, work, registry, SUPERVISION_EXCEPTION, document, person=link.a)
    act = "end-exception" if ended else "except-supervisor"
    ws.session.note(work, act, person=link.a, category=Kind.REG, subject=record, detail=option)
    return ws.commit(work)
