"""What a new document begins with: today, and what the chart knows already. No word of another document is copied."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from iop_tui.clinical.charting import caring
from iop_tui.clinical.episodes.api import DischargeSummary, FinalStatus, ServiceCount
from iop_tui.clinical.letters import api as letters
from iop_tui.clinical.notes import api as notes
from iop_tui.clinical.people import api as people
from iop_tui.clinical.plans import api as plans
from iop_tui.clinical.sessions import api as sessions
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.declare import Document, DocumentType
from iop_tui.workspace import Workspace

TODAY = {
    "risk_assessment": "assessed", "intake_assessment": "assessed", "continuing_care_plan": "planned",
    "communication": "on", "measure": "taken", "violence_screen": "asked", "allergy": "recorded",
}  # fmt: skip
"""The field of a kind that says when it was made."""


def begin(ws: Workspace, person: bytes, kind: DocumentType[Any], template: str = "") -> Document:
    """A document of a kind to complete; `template` for letters. Raises `NotFound`."""
    now = signing.today(ws)
    if kind.struct is DischargeSummary:
        return begin_discharge(ws, person, now)
    if kind.kind == letters.LETTER.kind:
        return letters.begin(template or letters.TEMPLATES[-1], _letter_facts(ws, person, now))
    if (of_care := caring.begin(ws, person, kind.kind)) is not None:
        return of_care
    document: Document = kind.struct()
    name = TODAY.get(kind.kind, "")
    return msgspec.structs.replace(document, **{name: now}) if name in kind.struct.__struct_fields__ else document


def _letter_facts(ws: Workspace, person: bytes, now: date) -> letters.Facts:
    found = plans.active(ws, person)
    days = notes.service_days(ws, person, date.min)
    since = (found.plan.admitted if found else None) or (days[0] if days else None)
    program, profile = staff.program_profile(ws), staff.staff_profile(ws, ws.user.user)
    held = sum(count for _, count, _ in notes.services_given(ws, person))
    missed = sessions.missed(ws, person, since or date.min, now)
    return letters.Facts(
        people.header(ws, person).name, program.facility, ws.user.name, profile.credential if profile else "", now,
        since=since, attended=held, missed=missed, part2=program.part2,
    )  # fmt: skip


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
