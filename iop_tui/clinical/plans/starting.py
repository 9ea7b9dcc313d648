"""What the plan editor and the review need before they open, and what of them the journal keeps. Headless."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import msgspec

from iop_tui.clinical.people import api as people
from iop_tui.clinical.plans import service as plans
from iop_tui.clinical.plans.documents import TREATMENT_PLAN
from iop_tui.clinical.plans.treatment import Disposition, Review, TreatmentPlan
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.errors import AlreadySigned, NotFound, Refused
from iop_tui.workspace import Workspace
from iop_tui.workspace import unsaved as journal

PLAN, REVIEW, CORRECTION = TREATMENT_PLAN.kind, "plan_review", "plan_correction"
"""Kinds of unsaved work in the journal."""
UNSAVED, DRAFT, READ, NEW = "unsaved", "draft", "read", "new"


@dataclass(frozen=True, slots=True)
class Start:
    """A plan to work on: whose, the stored draft (empty for none), the journal slot, the plan as it was left.

    `typing` is a sheet whose values could not be read yet: its row and what stood in its fields. `corrects` is the
    signed plan that a correction is about; `record` is then the unsigned correction.
    """

    person: bytes
    name: str
    record: bytes
    slot: bytes
    plan: TreatmentPlan
    signed: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()
    typing: tuple[str, dict[str, Any]] | None = None
    restored_at_ms: int = 0
    corrects: bytes = b""
    reason: str = ""
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class ReviewStart:
    """A review to work on: the plan in force, and what was decided so far by objective id."""

    person: bytes
    name: str
    slot: bytes
    record: bytes
    plan: TreatmentPlan
    review: Review
    next_review: date | None
    decisions: dict[str, Disposition] = field(default_factory=dict)
    restored_at_ms: int = 0


def found(ws: Workspace, person: bytes) -> tuple[str, bytes]:
    """What waits for this user in a person's chart, unfinished work first: (`unsaved`, slot), (`draft`, record),
    (`read`, record of the plan in force) or (`new`, nothing).
    """
    for slot, item in journal.kept(ws).items():
        if item.person == person and item.fields.get(journal.KIND) in (PLAN, REVIEW, CORRECTION):
            return UNSAVED, slot
    own = [line for line in plans.plans(ws, person)
           if line.status == "draft" and line.author == ws.user.user and not line.void]  # fmt: skip
    if own:
        return DRAFT, own[0].record
    in_force = plans.active(ws, person)
    return (READ, in_force.record) if in_force is not None else (NEW, b"")


def _called(ws: Workspace, person: bytes) -> str:
    header = people.header(ws, person)
    return f"{header.name} ({header.pronouns})" if header.pronouns else header.name


def _start(ws: Workspace, person: bytes, record: bytes, slot: bytes, plan: TreatmentPlan, **more: Any) -> Start:
    return Start(person, _called(ws, person), record, slot, plan, plans.signed_ids(ws, person),
                 plans.ended_ids(ws, person), **more)  # fmt: skip


def new(ws: Workspace, person: bytes, plan: TreatmentPlan) -> Start:
    """A new plan. Raises `NoKey` where the user has no part in the care, `Refused` while another is in force."""
    signing.home(ws, person)
    empty = plans.begin(ws, person)
    return _start(ws, person, b"", ws.rng.token(16), msgspec.structs.replace(plan, series=empty.series))


def draft(ws: Workspace, record: bytes) -> Start:
    """An own unsigned plan to go on with, and what was typed since. Raises `AlreadySigned`, `Refused`, `NotFound`."""
    waiting = next(((slot, item) for slot, item in journal.kept(ws).items()
                    if item.record == record and item.fields.get(journal.KIND) == PLAN), None)  # fmt: skip
    view = records.read(ws, record)
    if view.line.status == "signed":
        raise AlreadySigned("This treatment plan is signed.", "Review it: that carries it forward.")
    if view.line.author != ws.user.user or not isinstance(view.document, TreatmentPlan):
        raise Refused("This treatment plan belongs to its author.", "Write one of your own.")
    if waiting is not None:
        return _restored(ws, waiting[0], waiting[1], record)
    return _start(ws, view.line.person, record, record, view.document)


def restore(ws: Workspace, slot: bytes) -> Start | ReviewStart:
    """Unsaved work, as it was. Raises `NotFound` where it was saved or given up meanwhile."""
    item = journal.kept(ws).get(slot)
    if item is None:
        raise NotFound
    if item.fields.get(journal.KIND) == REVIEW:
        return _restored_review(ws, slot, item)
    if item.fields.get(journal.KIND) == CORRECTION:
        return _restored_correction(ws, slot, item)
    is_draft = bool(item.record) and records.line_of(ws, item.record).status == "draft"
    return _restored(ws, slot, item, item.record if is_draft else b"")


def _restored(ws: Workspace, slot: bytes, item: journal.Unsaved, record: bytes) -> Start:
    plan = TREATMENT_PLAN.parse(item.fields["plan"])
    key, values = item.fields.get("key"), item.fields.get("values")
    typing = (key, values) if isinstance(key, str) and isinstance(values, dict) else None
    return _start(ws, item.person, record, slot, plan, typing=typing, restored_at_ms=item.at_ms)


def correction(ws: Workspace, record: bytes) -> Start:
    """A correction of an own signed plan, or the unsigned one to go on with. Raises `Refused`, `NotFound`."""
    view = records.read(ws, record)
    if isinstance(view.document, signing.Amendment):
        return _resumed(ws, view)
    line = view.line
    if line.status != "signed":
        raise Refused("Only a signed plan is corrected.", "Edit it until it is signed.")
    if line.author != ws.user.user:
        raise Refused("Only its author corrects a treatment plan.", "Write an addendum instead.")
    for slot, item in journal.kept(ws).items():
        if item.record == record and item.fields.get(journal.KIND) == CORRECTION:
            return _restored_correction(ws, slot, item)
    for draft_line in signing.amendments(ws, record, signed=False):
        if draft_line.status == "draft":
            return _resumed(ws, records.read(ws, draft_line.id))
    plan = signing.current(ws, record)
    if not isinstance(plan, TreatmentPlan):
        raise NotFound
    return _correcting(ws, line.person, record, plan, slot=ws.rng.token(16))


def _correcting(
    ws: Workspace, person: bytes, target: bytes, plan: TreatmentPlan, *, slot: bytes, record: bytes = b"", **more: Any
) -> Start:
    return Start(person, _called(ws, person), record, slot, plan, plans.signed_ids(ws, person),
                 plans.ended_ids(ws, person, target), corrects=target, **more)  # fmt: skip


def _resumed(ws: Workspace, view: records.RecordView) -> Start:
    given = view.document
    if view.line.status == "signed" or not isinstance(given, signing.Amendment):
        raise AlreadySigned("This correction is signed.", "Correct the plan again.")
    plan = TREATMENT_PLAN.decode(given.document.encode(), given.version)
    return _correcting(ws, view.line.person, bytes.fromhex(given.record), plan, slot=view.line.id, record=view.line.id,
                       reason=given.reason, explanation=given.explanation)  # fmt: skip


def _restored_correction(ws: Workspace, slot: bytes, item: journal.Unsaved) -> Start:
    back = _restored(ws, slot, item, b"")
    drafts = (line.id for line in signing.amendments(ws, item.record, signed=False) if line.status == "draft")
    return _correcting(ws, item.person, item.record, back.plan, slot=slot, record=next(drafts, b""),
                       typing=back.typing, restored_at_ms=item.at_ms, reason=str(item.fields.get("reason", "")),
                       explanation=str(item.fields.get("explanation", "")))  # fmt: skip


def review(ws: Workspace, person: bytes, begun: Review, next_review: date | None) -> ReviewStart:
    """A review of the plan in force. Raises `Refused` without one, or while its next revision waits to be signed."""
    signing.home(ws, person)
    in_force = plans.active(ws, person)
    if in_force is None:
        raise Refused("There is no plan in force to review.", "Write and sign a plan first.")
    if found(ws, person)[0] == DRAFT:
        raise Refused("The next revision of this plan is written already.", "Sign it, or go on with it: e.")
    return ReviewStart(person, _called(ws, person), ws.rng.token(16), in_force.record, in_force.plan, begun,
                       next_review)  # fmt: skip


def _restored_review(ws: Workspace, slot: bytes, item: journal.Unsaved) -> ReviewStart:
    in_force = plans.active(ws, item.person)
    if in_force is None:
        raise Refused("The plan that this review is about is not in force any more.", "Begin the review again.")
    decisions = msgspec.convert(item.fields.get("decisions", {}), dict[str, Disposition])
    begun = msgspec.convert(item.fields.get("review", {}), Review)
    day = msgspec.convert(item.fields.get("next_review"), date | None)
    return ReviewStart(item.person, _called(ws, item.person), slot, in_force.record, in_force.plan, begun, day,
                       decisions, item.at_ms)  # fmt: skip


# -- the journal ---------------------------------------------------------------------------


def keep_plan(
    ws: Workspace, start: Start, record: bytes, plan: TreatmentPlan, typing: tuple[str, Mapping[str, Any]] | None
) -> None:
    """Seal the plan as it is, with a sheet that cannot be read yet, into the journal. Of a correction the journal
    remembers which signed plan it is about.
    """
    fields: dict[str, object] = {journal.KIND: PLAN, "plan": msgspec.to_builtins(plan)}
    if typing is not None:
        fields |= {"key": typing[0], "values": dict(typing[1])}
    if start.corrects:
        fields |= {journal.KIND: CORRECTION, "reason": start.reason, "explanation": start.explanation}
    about = start.corrects or record
    journal.keep(ws, start.slot, journal.Unsaved(start.person, about, fields, ws.clock.now_ms()))


def keep_review(
    ws: Workspace, start: ReviewStart, review: Review, next_review: date | None, decisions: Mapping[str, Disposition]
) -> None:
    """Seal what a review decided so far."""
    fields: dict[str, object] = {
        journal.KIND: REVIEW, "review": msgspec.to_builtins(review), "decisions": msgspec.to_builtins(decisions),
        "next_review": next_review.isoformat() if next_review else None,
    }  # fmt: skip
    journal.keep(ws, start.slot, journal.Unsaved(start.person, start.record, fields, ws.clock.now_ms()))


def give_up(ws: Workspace, slot: bytes) -> None:
    """Drop what is not saved."""
    journal.give_up(ws, slot)
