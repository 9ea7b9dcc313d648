"""Times and sessions that were changed on two devices: a person decides between the versions, field by field.

What results is written by the rules that planning has: who may plan it, whether the clinician still is part of the
care, times in order. A session and its block on the schedule are one thing to decide: settling the session settles
its block with it.
"""

from __future__ import annotations

from iop_tui.access.primitives import put
from iop_tui.clinical.records import api as records
from iop_tui.clinical.sessions import desk
from iop_tui.clinical.sessions.desk import AppointmentLine
from iop_tui.clinical.sessions.model import APPOINTMENT, SESSION, Appointment, Session
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import Document, RuleContext, Severity
from iop_tui.kernel.errors import NotFound, NotReady
from iop_tui.kernel.ids import show_id
from iop_tui.store.views.view import Changes
from iop_tui.workspace import Workspace

KINDS = (APPOINTMENT.kind, SESSION.kind)
_NOT_YOUR_TIME = ("A time is decided by the front desk and by the clinician it is with.", "Ask one of them.")


def torn(ws: Workspace) -> list[AppointmentLine]:
    """Times with several versions that this user may decide between, without those that a session of their own
    settles.
    """
    rows = ws.view.rows(
        "SELECT record FROM record WHERE leaves > 1 AND kind = ? AND author = ? AND origin IS NULL",
        (SESSION.kind, ws.user.user),
    )
    by_session = {desk.block_of(row[0]) for row in rows}
    return [line for line in desk.torn(ws) if line.record not in by_session and _may_plan(ws, line.appointment)]


def why_not(ws: Workspace, line: records.RecordLine) -> tuple[str, str] | None:
    """Why this user may not decide about a time or session, with what to do; None where they may. Raises `NotFound`."""
    if line.kind == SESSION.kind:
        mine = line.author == ws.user.user
        return None if mine else ("A session is decided by its clinician.", f"Ask {line.author_name}.")
    return None if _may_plan(ws, desk.appointment_of(ws, line.id).appointment) else _NOT_YOUR_TIME


def _may_plan(ws: Workspace, appointment: Appointment) -> bool:
    return bool(desk.PLANNERS & set(ws.user.roles)) or appointment.clinician == show_id(ws.user.user)


def settle(ws: Workspace, line: records.RecordLine, parents: tuple[bytes, ...], document: Document) -> Changes:
    """Write what was decided about a record, with every version as its parent. Who may, `why_not` says.

    Raises `NotReady` where the rules of planning refuse what the chosen fields make together; what `desk.plan` raises.
    """
    if isinstance(document, Appointment):
        return desk.plan(ws, line.person, document, record=line.id, act="merge-versions").changes
    if isinstance(document, Session):
        return _settle_session(ws, line, parents, document)
    raise NotFound


def _settle_session(
    ws: Workspace, line: records.RecordLine, parents: tuple[bytes, ...], session: Session
) -> Changes:
    refused = [
        item for item in SESSION.findings(session, RuleContext(signing.today(ws))) if item.severity is Severity.REFUSE
    ]
    if refused:
        raise NotReady(refused[0].message, "Choose versions that fit together, or write the field anew.")
    work = ws.work()
    row = ws.view.one("SELECT compartment, source FROM record WHERE record = ?", (line.id,))
    if row is None:
        raise NotFound
    put(
        ws.session, work, row[0], SESSION, session, person=line.person, record=line.id,
        parents=parents, source=row[1],
    )  # fmt: skip
    desk.project(ws, work, line.person, line.id, session)
    ws.session.note(work, "merge-versions", person=line.person, category=line.compartment_kind, subject=line.id)
    return ws.commit(work)
