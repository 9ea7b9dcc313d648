"""Where a document about a person belongs, by its author's part in that person's care."""

from __future__ import annotations

from dataclasses import dataclass

from iop_tui.access import charts, policy, roles, settle
from iop_tui.access.policy import AUTHOR_KINDS, Cell, Kind
from iop_tui.access.primitives import program_compartment
from iop_tui.kernel.declare import Document, DocumentType
from iop_tui.kernel.errors import NoKey, Refused
from iop_tui.kernel.ids import parse_id
from iop_tui.workspace import Workspace

_COUPLE = (Kind.JNT, Kind.HOLD)
_OFFICES = (Kind.DIR, Kind.MED, Kind.PAY)
"""Parts that a whole office writes: the desk, the physicians, the billers."""
_HOME = {roles.INDIVIDUAL_THERAPIST: Kind.IND, roles.COUNSELOR: Kind.SUD}
_PRIVATE_ROLE = {"psychotherapy_note": roles.INDIVIDUAL_THERAPIST, "counseling_note": roles.COUNSELOR}


@dataclass(frozen=True, slots=True)
class Home:
    """Where this user's notes about a person belong, and in which part they write them."""

    compartment: bytes
    kind: str
    role: str


def home(ws: Workspace, person: bytes) -> Home:
    """The compartment of this user's charting about a person: by their part in the person's care. Raises `NoKey`,
    `NotFound`.
    """
    chart = charts.chart_of(ws.session, person)
    for role in _parts(ws, person):
        kind = _HOME.get(role)
        if kind is not None:
            return Home(charts.reserved_id(chart, kind), kind, role)
    raise NoKey(
        "You are not part of this person's care as a therapist or counselor.", "Ask the front desk to assign you."
    )


def _parts(ws: Workspace, person: bytes) -> list[str]:
    return [fact.role for fact in settle.my_care(ws.session) if fact.person == person]


def private_home(ws: Workspace, person: bytes, kind: DocumentType[Document]) -> Home:
    """The compartment that only this author opens. Raises `NoKey` where their part in the care has none."""
    chart = charts.chart_of(ws.session, person)
    wanted = _PRIVATE_ROLE.get(kind.kind)
    for role in _parts(ws, person):
        if role in _HOME and wanted in (None, role):
            return Home(charts.reserved_id(chart, kind.compartment, role), kind.compartment, role)
    raise NoKey(
        f"A {kind.label.lower()} belongs to the {wanted or 'therapist or counselor'} of this person.",
        "Ask the front desk to assign you.",
    )


def couple_home(ws: Workspace, subject: bytes, kind: str) -> Home:
    """The joint record of a couple (`subject` is the couple), or what is held for one partner (`subject` is the
    partner): the couples therapist's. Raises `NoKey` for anyone else.
    """
    links = sorted(charts.couple_links(ws.session).items(), key=lambda item: item[1].ended is not None)
    for couple, link in links:
        if parse_id(link.therapist) != ws.user.user:
            continue
        places = {couple: link.joint} if kind == Kind.JNT else {
            parse_id(link.a): link.hold_a, parse_id(link.b): link.hold_b,
        }  # fmt: skip
        if subject in places:
            return Home(parse_id(places[subject]), kind, roles.COUPLES_THERAPIST)
    raise NoKey("You are not the couples therapist of this couple.", "The front desk links a couple and its therapist.")


def standing(ws: Workspace, person: bytes, kind: str) -> Home:
    """In which part this user signs in a compartment of a kind. Raises `NoKey`, `NotFound`."""
    if kind in _COUPLE:
        return couple_home(ws, person, kind)
    office = next((role for role in ws.user.roles if kind in _OFFICES and policy.cell(kind, role) is Cell.FULL), "")
    if office and not set(_HOME) & set(_parts(ws, person)):
        return Home(charts.reserved_id(charts.chart_of(ws.session, person), kind), kind, office)
    return home(ws, person)


def place_for(ws: Workspace, person: bytes, kind: DocumentType[Document]) -> Home:
    """Where a document of a kind belongs. Raises `NoKey`, `NotFound`, `Refused` for kinds nobody writes by hand."""
    if kind.compartment == Kind.HOLD:
        return couple_home(ws, person, Kind.HOLD)
    if kind.compartment in AUTHOR_KINDS:
        return private_home(ws, person, kind)
    if kind.compartment == Kind.JNT:
        return couple_home(ws, person, Kind.JNT)
    if kind.compartment == Kind.PROG:
        return Home(program_compartment(ws.session, Kind.PROG), Kind.PROG, "")
    if kind.compartment in (Kind.IND, Kind.SUD):
        return home(ws, person)
    if kind.compartment in (Kind.MED, Kind.CRISIS):
        return Home(charts.reserved_id(charts.chart_of(ws.session, person), kind.compartment), kind.compartment, "")
    raise Refused(f"A {kind.label.lower()} is not written by hand.")
