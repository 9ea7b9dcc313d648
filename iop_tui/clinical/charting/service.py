"""Charting as screens and commands use it: save and sign any document with every rule that applies to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from iop_tui.clinical.charting import judge as judging
from iop_tui.clinical.charting.audit import AuditFinding, check_all, check_chart, late_after
from iop_tui.clinical.charting.beginning import begin, begin_discharge
from iop_tui.clinical.charting.clocks import note_due
from iop_tui.clinical.charting.ledger import Ledger, due, next_due
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.joint import api as joint
from iop_tui.clinical.notes import api as notes
from iop_tui.clinical.plans import api as plans
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import Document, DocumentType, Finding, Severity
from iop_tui.kernel.errors import NotFound, NotReady, Refused
from iop_tui.store.views.view import Changes
from iop_tui.store.work import Work
from iop_tui.workspace import Workspace, writing

__all__ = [
    "AuditFinding",
    "Ledger",
    "begin",
    "begin_discharge",
    "check_all",
    "check_chart",
    "due",
    "findings",
    "late_entry",
    "late_marks",
    "next_due",
    "save",
    "sign",
    "thread",
]

thread = judging.thread


def findings(
    ws: Workspace, person: bytes, kind: DocumentType[Any], document: Document, record: bytes = b""
) -> tuple[Finding, ...]:
    """What every rule says of a document now; `record` where a version of it is stored."""
    return judging.judge(ws)(kind, document, person, record)


@writing
def save(
    ws: Workspace,
    person: bytes,
    kind: DocumentType[Any],
    document: Document,
    *,
    record: bytes | None = None,
    slot: bytes = b"",
) -> signing.Saved:
    """Store a version of a document; its findings come from every rule that applies.

    What no signature will look at again is refused here where a rule refuses it (`NotReady`). Other errors as
    `signing.save`.
    """
    if couples.belongs(kind):
        return couples.save(ws, person, kind, document, record=record, slot=slot)
    if isinstance(document, plans.TreatmentPlan):
        document = plans.complete(ws, document)
    if not kind.signable:
        refused = [item for item in findings(ws, person, kind, document) if item.severity is Severity.REFUSE]
        if refused:
            raise NotReady(" ".join(item.message for item in refused), "Complete the entry, then save again.")
    return signing.save(ws, person, kind, document, record=record, slot=slot, judge=judging.judge(ws))


@writing
def sign(ws: Workspace, ids: Sequence[bytes]) -> Changes:
    """Sign finished documents in one act, with every rule; then ask the supervisor of who is supervised.

    Raises as `signing.sign`; then none is signed.
    """
    changes = signing.sign(ws, ids, judge=judging.judge(ws), after=lambda work, signed: _leave(ws, work, signed))
    changes.merge(consents.keep_up(ws))
    supervisor = staff.supervisor_of(ws, ws.user.user)
    if supervisor is not None:
        for record in dict.fromkeys(ids):
            changes.merge(_ask(ws, record, supervisor))
    return changes


def _leave(ws: Workspace, work: Work, signed: signing.Signing) -> None:
    """What a signed document leaves elsewhere in the same transaction."""
    notes.after_signing(ws, work, signed)
    joint.after_signing(ws, work, signed)


def _ask(ws: Workspace, record: bytes, supervisor: bytes) -> Changes:
    try:
        return signing.request(ws, record, supervisor)
    except (Refused, NotFound):
        return Changes()  # no supervisor any more, or asked already: the nightly check names what lacks a signature


def late_entry(ws: Workspace, note: notes.ProgressNote, signed_on: date) -> str:
    """The rule by which a note signed on a day is a late entry; empty when it is not."""
    limit = late_after(judging.setting(ws), note)
    return limit[1] if limit is not None and signed_on > limit[0] else ""


def late_marks(ws: Workspace, lines: Sequence[records.RecordLine]) -> frozenset[bytes]:
    """The late entries among some records: notes signed after the last day that their rule allows."""
    late = [line for line in lines if line.kind == notes.PROGRESS_NOTE.kind and line.signed_ms and line.service_date]
    late = [line for line in late if local_date(line.signed_ms).isoformat() > line.service_date]
    if not late:
        return frozenset()
    crises = {
        bytes(row[0])
        for row in ws.view.rows(
            f"SELECT record FROM record WHERE record IN ({','.join('?' * len(late))})"
            " AND json_extract(doc, '$.session_type') = 'crisis'",
            tuple(line.id for line in late),
        )
    }
    here = judging.setting(ws)
    limits: dict[tuple[str, bool], date | None] = {}
    found = set()
    for line in late:
        key = (line.service_date, line.id in crises)
        if key not in limits:
            due_on = note_due(here, date.fromisoformat(line.service_date), is_crisis=key[1], late=True)
            limits[key] = due_on.on if due_on else None
        limit = limits[key]
        if limit is not None and local_date(line.signed_ms) > limit:
            found.add(line.id)
    return frozenset(found)
