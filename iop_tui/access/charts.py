"""The records that say who is in care, with whom, and which compartments a chart reserves.

All ids of a chart are reserved in full when a person is registered, so that existence says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any

import msgspec

from iop_tui.access import roles
from iop_tui.access.policy import PERSON_KINDS, Kind
from iop_tui.access.wall import CareFact, CoupleFact
from iop_tui.kernel.declare import Document, DocumentType, F
from iop_tui.kernel.errors import NotFound
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.kernel.rng import Rng
from iop_tui.store.session import Session


class ReservedId(Document, frozen=True, kw_only=True):
    """One compartment id of a chart; `role` tells apart the compartments that authors keep alone."""

    kind: str
    id: str
    role: str = ""


class ChartMap(Document, frozen=True, kw_only=True):
    """Every compartment id of one person's chart."""

    reserved: Annotated[tuple[ReservedId, ...], F("Reserved", search=False)]


class CareMember(Document, frozen=True, kw_only=True):
    """A user's part in a person's care, from a date on."""

    user: Annotated[str, F("User", search=False)]
    name: Annotated[str, F("Name")]
    role: Annotated[str, F("Role", choices=(*roles.ROLES,))]
    since: Annotated[date, F("Since")]
    until: Annotated[date | None, F("Until")] = None


class Registration(Document, frozen=True, kw_only=True):
    """What people without a key to the directory may see of a person."""

    initials: Annotated[str, F("Initials")]


class CoupleLink(Document, frozen=True, kw_only=True):
    """Two people in couples work, their couples therapist, and the couple's reserved compartments."""

    couple: Annotated[str, F("Couple", search=False)]
    a: Annotated[str, F("Partner A", search=False)]
    b: Annotated[str, F("Partner B", search=False)]
    therapist: Annotated[str, F("Couples therapist", search=False)]
    joint: Annotated[str, F("Joint compartment", search=False)]
    hold_a: Annotated[str, F("Held for A", search=False)]
    hold_b: Annotated[str, F("Held for B", search=False)]
    ended: Annotated[date | None, F("Ended")] = None


class Forwarded(Document, frozen=True, kw_only=True):
    """A received record that went on to its own compartment; the id of the one it repeats."""

    record: Annotated[str, F("Record", search=False)]


FORWARDED: DocumentType[Forwarded] = DocumentType(
    kind="forwarded",
    label="Forwarded",
    struct=Forwarded,
    compartment=Kind.INTAKE,
    title=lambda d: d.record,
)
TYPES: tuple[DocumentType[Any], ...] = (
    DocumentType(
        kind="chart_map", label="Chart map", struct=ChartMap, compartment=Kind.DIR, title=lambda d: "Chart map"
    ),
    DocumentType(
        kind="care_member",
        label="Care team",
        struct=CareMember,
        compartment=Kind.DIR,
        title=lambda d: f"{d.name}, {d.role}",
        service_date=lambda d: d.since,
    ),
    DocumentType(
        kind="registration", label="Registration", struct=Registration, compartment=Kind.REG, title=lambda d: d.initials
    ),
    DocumentType(kind="couple_link", label="Couple", struct=CoupleLink, compartment=Kind.DIR, title=lambda d: "Couple"),
    FORWARDED,
)


def new_map(rng: Rng) -> ChartMap:
    """A full set of fresh compartment ids for one person."""
    ids = [ReservedId(kind=str(kind), id=show_id(rng.token(16))) for kind in PERSON_KINDS]
    ids += [
        ReservedId(kind=str(kind), role=role, id=show_id(rng.token(16)))
        for kind in (Kind.PSY, Kind.SAFE)
        for role in (roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR)
    ]
    return ChartMap(reserved=tuple(ids))


def reserved_id(chart: ChartMap, kind: str, role: str = "") -> bytes:
    """The id a chart reserves for a kind. Raises `NotFound`."""
    for item in chart.reserved:
        if item.kind == kind and item.role == role:
            return parse_id(item.id)
    raise NotFound


def chart_of(session: Session, person: bytes) -> ChartMap:
    """The reserved ids of a person's chart. Raises `NotFound` for who cannot read the directory entry."""
    row = session.view.one("SELECT doc FROM record WHERE kind = 'chart_map' AND person = ? LIMIT 1", (person,))
    if row is None:
        raise NotFound
    return msgspec.json.decode(row[0], type=ChartMap)


def _facts(rows: Iterable[tuple[bytes, bytes, int, bytes]]) -> list[CareFact]:
    found = {}
    for record, doc, at_ms, person in rows:
        member = msgspec.json.decode(doc, type=CareMember)
        if member.until is None:
            fact = CareFact(parse_id(member.user), person, member.role, at_ms, record)
            found[(fact.user, fact.person, fact.role)] = fact
    return list(found.values())


def care_facts(session: Session, person: bytes | None = None) -> list[CareFact]:
    """Active care-team facts this user can see, of one person or of all."""
    where, parameters = ("AND person = ?", (person,)) if person is not None else ("", ())
    return _facts(
        session.view.rows(
            f"SELECT record, doc, created_ms, person FROM record WHERE kind = 'care_member' {where}",
            parameters,
        )
    )


def couples(session: Session) -> list[CoupleFact]:
    """Active couples this user can see, each once."""
    found = {}
    for doc, at_ms in session.view.rows("SELECT doc, created_ms FROM record WHERE kind = 'couple_link'"):
        link = msgspec.json.decode(doc, type=CoupleLink)
        if link.ended is None:
            fact = CoupleFact(
                parse_id(link.couple), parse_id(link.a), parse_id(link.b), parse_id(link.therapist), at_ms
            )
            found[fact.id] = fact
    return list(found.values())


def couple_links(session: Session) -> dict[bytes, CoupleLink]:
    """Couple id -> the newest link record this user can see."""
    rows = session.view.rows("SELECT doc FROM record WHERE kind = 'couple_link' ORDER BY changed_ms")
    links = [msgspec.json.decode(doc, type=CoupleLink) for (doc,) in rows]
    return {parse_id(link.couple): link for link in links}


def compartment_for(session: Session, person: bytes, kind: str, role: str = "") -> bytes:
    """The compartment of a kind for one person: reserved in the chart, or the author's own. Raises `NotFound`."""
    return reserved_id(chart_of(session, person), kind, role)
