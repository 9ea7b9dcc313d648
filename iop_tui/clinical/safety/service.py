"""The safety plan of a person: which one holds, whether one is needed, when it is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from iop_tui.clinical.compliance.api import DueLine
from iop_tui.clinical.safety.plan import OCCASIONS, SAFETY_PLAN, SafetyPlan, partner_copy
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.errors import NotFound, Refused
from iop_tui.workspace import Workspace

SOURCE = "program rule: safety plan"
LOOKED_BACK = timedelta(days=60)
"""Screens older than this lead to no plan any more: a newer risk assessment does."""
_LEVELS = ("moderate", "high")


@dataclass(frozen=True, slots=True)
class Held:
    """A safety plan of a person: its record, whether it is signed, what it says."""

    record: bytes
    status: str
    plan: SafetyPlan


def current(ws: Workspace, person: bytes) -> Held | None:
    """The newest signed plan that is not void, else the newest draft, else None; only plans this user can open."""
    withdrawn = signing.voided(ws, person)
    rows = ws.view.rows(
        "SELECT record, status, doc, version FROM record WHERE kind = ? AND person = ? AND origin IS NULL"
        " ORDER BY status = 'signed' DESC, service_date DESC, id DESC",
        (SAFETY_PLAN.kind, person),
    )
    for record, status, doc, version in rows:
        if record not in withdrawn:
            return Held(bytes(record), status, SAFETY_PLAN.decode(doc, version))
    return None


def copy_for_partner(ws: Workspace, person: bytes) -> str:
    """The reduced copy of the signed plan as Markdown. Raises `NotFound`, `Refused` where the plan grants none."""
    held = current(ws, person)
    if held is None or held.status != "signed":
        raise NotFound("There is no signed safety plan.")
    if held.plan.partner_copy == "none":
        raise Refused("This plan has no copy for the partner.", "The client decides it, alone, and signs for it.")
    return partner_copy(held.plan)


def needed(ws: Workspace, person: bytes) -> tuple[date, str] | None:
    """The newest screen that leads to a safety plan and has none after it: (its day, the occasion); None otherwise."""
    found = _screen(ws, person, signing.today(ws) - LOOKED_BACK)
    held = current(ws, person) if found else None
    made = held.plan.made if held and held.status == "signed" else None
    return None if found is None or (made is not None and made >= found[0]) else found


def _screen(ws: Workspace, person: bytes, since: date) -> tuple[date, str] | None:
    row = ws.view.one(
        "SELECT service_date, json_extract(doc, '$.level') FROM record WHERE person = ? AND kind = 'measure' AND"
        " service_date >= ? AND (json_extract(doc, '$.safety_item') = 1 OR json_extract(doc, '$.level') IN (?, ?))"
        " ORDER BY service_date DESC, id DESC LIMIT 1",
        (person, since.isoformat(), *_LEVELS),
    )
    return (date.fromisoformat(row[0]), OCCASIONS[0] if row[1] in _LEVELS else OCCASIONS[1]) if row else None


def due_of(ws: Workspace, person: bytes, name: str) -> list[DueLine]:
    """The safety plan of a person that a screen calls for, or whose review comes."""
    asked, held = needed(ws, person), current(ws, person)
    if asked is not None:
        what = "Make or renew the safety plan"
        return [DueLine(person, name, what, asked[0], asked[1], SOURCE, b"", "safety-plan")]
    if held is None or held.status != "signed" or held.plan.next_review is None:
        return []
    what = "Review the safety plan"
    return [DueLine(person, name, what, held.plan.next_review, "at most 30 days", SOURCE, held.record, "safety-plan")]
