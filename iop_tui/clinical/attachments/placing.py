"""In which part of a record an attachment lies: by its author's part in the care, like every other document."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from iop_tui.access import charts, policy
from iop_tui.access.policy import Cell, Kind
from iop_tui.clinical.attachments.model import ATTACHMENT
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import DocumentType
from iop_tui.kernel.errors import NoKey, NotFound, Refused, RuleRefused, Usage
from iop_tui.workspace import Workspace

OWN = ""
"""The author's own charting about a person: IND for a therapist, SUD for a counselor."""
OFFICE = (Kind.DIR, Kind.PAY, Kind.MED)
"""Parts into which a whole office writes: identification at the desk, letters of a payer, laboratory reports."""
PLACES: tuple[str, ...] = (
    OWN, Kind.DIR, Kind.MED, Kind.CRISIS, Kind.PAY, Kind.PSY, Kind.SAFE, Kind.JNT, Kind.HOLD,
)  # fmt: skip
_COUPLE = (Kind.JNT, Kind.HOLD)
_WALLED = (Kind.IND, Kind.SUD, Kind.PSY, Kind.SAFE, Kind.HOLD, Kind.SHARE)


def home(ws: Workspace, subject: bytes, place: str) -> signing.Home:
    """Where an attachment about a person (or a couple, for `JNT`) lies. Raises `NoKey`, `NotFound`, `Usage`."""
    if place not in PLACES:
        raise Usage(f"{place} is no part of a record.", f"Parts: {', '.join(filter(None, PLACES))}.")
    found = _office(ws, subject, place) if place in OFFICE else None
    if found is None:
        kind: DocumentType[Any] = replace(ATTACHMENT, compartment=place or ATTACHMENT.compartment)
        found = signing.place_for(ws, subject, kind)
    if not ws.session.writes(found.compartment):
        raise NoKey(
            "You hold no key to this part of the record yet.",
            "A colleague who holds it hands it over at their next unlock; then attach the file again.",
        )
    return found


def open_places(ws: Workspace, subject: bytes) -> tuple[str, ...]:
    """The parts of a person's record (of a couple: the joint one) this user may attach to now; nothing is logged."""
    return tuple(place for place in PLACES if _is_open(ws, subject, place))


def _is_open(ws: Workspace, subject: bytes, place: str) -> bool:
    try:
        found = home(ws, subject, place)
        return found.kind not in _COUPLE or couples.takes_files(ws, subject, found.kind)
    except (NoKey, NotFound):
        return False


def _office(ws: Workspace, person: bytes, place: str) -> signing.Home | None:
    """The part of an office that this user belongs to; None for clinicians, whose part in the care decides."""
    for role in ws.user.roles:
        if policy.cell(place, role) is Cell.FULL:
            return signing.Home(charts.compartment_for(ws.session, person, place), place, role)
    if place in (Kind.DIR, Kind.PAY):
        raise NoKey(
            "This part of the record is written by another office.", "Choose your own part, or ask the front desk."
        )
    return None


def check_couple(ws: Workspace, subject: bytes, kind: str) -> None:
    """What a couple agreed to binds files, too: nothing before both signed, nothing after the end, and for one partner
    nothing but where the agreement allows it (CR-7, CR-12). Raises `RuleRefused`.
    """
    if kind in _COUPLE:
        couples.may_file(ws, subject, kind)


def check_link(ws: Workspace, record: bytes, target: signing.Home, subject: bytes) -> None:
    """An attachment belongs to a record of the same part: a link across would tell one part of the other. Raises
    `NotFound`, `Refused`.
    """
    line = records.line_of(ws, record)
    row = ws.view.one("SELECT compartment FROM record WHERE record = ?", (record,))
    if line.person != subject or row is None or bytes(row[0]) != target.compartment:
        raise Refused(
            "The record it is to belong to lies in another part of the chart.",
            "Attach it there, or leave the link out.",
        )


def check_wall(ws: Workspace, digest: str, target: signing.Home) -> None:
    """A file that is kept apart from the partner does not enter the joint record, whoever put it where (CR-5). Raises
    `RuleRefused`.
    """
    if target.kind != Kind.JNT:
        return
    row = ws.view.one(
        "SELECT 1 FROM record r JOIN compartment c ON c.id = r.compartment WHERE r.kind = ? AND c.kind IN"
        f" ({','.join('?' * len(_WALLED))}) AND json_extract(r.doc, '$.sha256') = ?",
        (ATTACHMENT.kind, *(str(kind) for kind in _WALLED), digest),
    )
    if row is not None:
        raise RuleRefused(
            "attachment.kept_apart", "This file lies in a part of a record that the joint record does not share.",
            "The person it is about decides with their own clinician what both may see (program rule CR-5).",
        )  # fmt: skip
