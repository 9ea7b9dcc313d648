"""Charting as screens and commands use it: save and sign any document with every rule that applies to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from iop_tui.clinical.charting import judge as judging
from iop_tui.clinical.charting.audit import AuditFinding, check_all, check_chart, late_after
from iop_tui.clinical.charting.clocks import due
from iop_tui.clinical.episodes.api import DischargeSummary, FinalStatus, ServiceCount
from iop_tui.clinical.notes import api as notes
from iop_tui.clinical.plans import api as plans
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.declare import Document, DocumentType, Finding
from iop_tui.kernel.errors import NotFound, Refused
from iop_tui.store.view import Changes
from iop_tui.workspace import Workspace

__all__ = [
    "AuditFinding",
    "begin_discharge",
    "check_all",
    "check_chart",
    "due",
    "findings",
    "late_entry",
    "save",
    "sign",
    "thread",
]

thread = judging.thread


def findings(ws: Workspace, person: bytes, kind: DocumentType[Any], document: Document) -> tuple[Finding, ...]:
    """What every rule says of a document now."""
    return judging.judge(ws)(kind, document, person, b"")


def save(
    ws: Workspace,
    person: bytes,
    kind: DocumentType[Any],
    document: Document,
    *,
    record: bytes | None = None,
    slot: bytes = b"",
) -> signing.Saved:
    """Store a version of a document; its findings come from every rule that applies. Errors as `signing.save`."""
    return signing.save(ws, person, kind, document, record=record, slot=slot, judge=judging.judge(ws))


def sign(ws: Workspace, ids: Sequence[bytes]) -> Changes:
    """Sign finished documents in one act, with every rule; then ask the supervisor of who is supervised.

    Raises as `signing.sign`; then none is signed.
    """
    changes = signing.sign(
        ws, ids, judge=judging.judge(ws), after=lambda work, signed: notes.after_signing(ws, work, signed)
    )
    supervisor = staff.supervisor_of(ws, ws.user.user)
    if supervisor is not None:
        for record in dict.fromkeys(ids):
            changes.merge(_ask(ws, record, supervisor))
    return changes


def _ask(ws: Workspace, record: bytes, supervisor: bytes) -> Changes:
    try:
        return signing.request(ws, record, supervisor)
    except (Refused, NotFound):
        return Changes()  # no supervisor any more, or asked already: the nightly check names what lacks a signature


def late_entry(ws: Workspace, note: notes.ProgressNote, signed_on: date) -> str:
    """The rule by which a note signed on a day is a late entry; empty when it is not."""
    limit = late_after(judging.setting(ws), note)
    return limit[1] if limit is not None and signed_on > limit[0] else ""


def begin_discharge(ws: Workspace, person: bytes, discharged: date) -> DischargeSummary:
    """A discharge summary with what the chart knows: dates, level, services counted from signed notes, objectives."""
    found = plans.active(ws, person, discharged) or plans.active(ws, person)
    services = tuple(
        ServiceCount(type=kind or "session", sessions=count, minutes=minutes)
        for kind, count, minutes in notes.services_given(ws, person)
    )
    summary = DischargeSummary(discharged=discharged, services=services)
    if found is None:
        return summary
    plan = found.plan
    diagnoses = tuple(item.shown() for item in plan.diagnoses)
    return msgspec.structs.replace(
        summary, admitted=plan.admitted, level_in=plan.level, diagnoses_in=diagnoses, diagnoses_out=diagnoses,
        objectives=tuple(
            FinalStatus(id=line.id, number=line.number, text=line.text, status="" if line.is_open else line.status)
            for line in plans.objective_lines(found)
        ),
    )  # fmt: skip
