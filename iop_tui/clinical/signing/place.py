"""Where a document about a person belongs, by its author's part in that person's care."""

from __future__ import annotations

from dataclasses import dataclass

from iop_tui.access import charts, roles, settle
from iop_tui.access.policy import AUTHOR_KINDS, Kind
from iop_tui.access.primitives import program_compartment
from iop_tui.kernel.declare import Document, DocumentType
from iop_tui.kernel.errors import NoKey, Refused
from iop_tui.workspace import Workspace

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


def place_for(ws: Workspace, person: bytes, kind: DocumentType[Document]) -> Home:
    """Where a document of a kind belongs. Raises `NoKey`, `NotFound`, `Refused` for kinds nobody writes by hand."""
    if kind.compartment in AUTHOR_KINDS:
        return private_home(ws, person, kind)
    if kind.compartment == Kind.PROG:
        return Home(program_compartment(ws.session, Kind.PROG), Kind.PROG, "")
    if kind.compartment in (Kind.IND, Kind.SUD):
        return home(ws, person)
    raise Refused(f"A {kind.label.lower()} is not written by hand.")
