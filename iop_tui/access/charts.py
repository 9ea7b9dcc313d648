"""The records that say who is in care, with whom, and which compartments a chart reserves.

All ids of a chart are reserved in full when a person is registered, so that existence says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any

import msgspec

from iop_tui.access import roles, wall
from iop_tui.access.policy import PERSON_KINDS, PROGRAM_KINDS, Kind, may_be_member
from iop_tui.access.wall import CareFact, CoupleFact
from iop_tui.kernel.clock import day_start, local_date
from iop_tui.kernel.declare import Document, DocumentType, F
from iop_tui.kernel.errors import NoKey, NotFound
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


class CoupleEnd(Document, frozen=True, kw_only=True):
    """That couples work ended, in neutral words: what each partner's own clinicians learn, and no more (CR-12)."""

    couple: Annotated[str, F("Couple", search=False)]
    ended: Annotated[date, F("Joint work ended")]


class ConflictClearance(Document, frozen=True, kw_only=True):
    """One partner's written agreement that a named clinician sees the other partner alone after separation (CR-12)."""

    couple: Annotated[str, F("Couple", search=False)]
    user: Annotated[str, F("Clinician", search=False)]
    person: Annotated[str, F("Whom they see", search=False)]
    agreed_on: Annotated[date, F("Agreed on")]
    method: Annotated[str, F("How", max_length=200)]


class Arrival(Document, frozen=True, kw_only=True):
    """A directory entry by somebody without directory keys: it waits until who holds them opens the chart.

    `entry` is the stored form of a document of `kind`, carried unread.
    """

    kind: Annotated[str, F("Kind", search=False)]
    version: Annotated[int, F("Version", search=False)]
    entry: Annotated[str, F("Entry", search=False)]
    initials: Annotated[str, F("Initials", search=False)]


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
    DocumentType(
        kind="couple_end", label="Joint work ended", struct=CoupleEnd, compartment=Kind.DIR,
        title=lambda d: "Joint work ended", service_date=lambda d: d.ended,
    ),
    DocumentType(
        kind="conflict_clearance", label="Conflict clearance", struct=ConflictClearance, compartment=Kind.DIR,
        title=lambda d: "Written agreement after separation", service_date=lambda d: d.agreed_on,
    ),
    DocumentType(
        kind="arrival", label="Arrival", struct=Arrival, compartment=Kind.DESK, title=lambda d: f"Arrival {d.initials}"
    ),
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


_ASSIGNER = (
    "EXISTS (SELECT 1 FROM role o WHERE o.user = r.author AND o.role IN ("
    + ",".join(f"'{role}'" for role in sorted(roles.ASSIGNERS))
    + "))"
)
# Records that others' programs act upon count only in the registry and in the person's own directory entry, and only
# from whose office it is to assign or who founded that entry; a deposit, which anybody could make, never counts.
_FOUNDER = (
    "EXISTS (SELECT 1 FROM generation g JOIN keyring k ON k.compartment = g.compartment JOIN wrap w ON w.id = k.wrap"
    " AND w.root = g.root WHERE g.compartment = r.compartment AND g.act = g.root AND g.author = r.author)"
)
_BELIEVED = (
    "r.deposit = 0 AND r.status != 'newer' AND EXISTS (SELECT 1 FROM compartment c WHERE c.id = r.compartment AND ("
    f"(c.kind = 'REG' AND {_ASSIGNER}) OR (c.kind = 'DIR' AND c.person = r.person AND ({_ASSIGNER} OR {_FOUNDER}))))"
)


def chart_of(session: Session, person: bytes) -> ChartMap:
    """The reserved ids of a person's chart: the map by who founded the entry, the first the log holds. Raises
    `NotFound` for who cannot read the directory entry.
    """
    known: dict[bytes, ChartMap] = session.derived("chart_of", dict)
    if person not in known:
        known[person] = _chart_of(session, person)
    return known[person]


def _chart_of(session: Session, person: bytes) -> ChartMap:
    row = session.view.one(
        f"SELECT r.doc FROM record r WHERE r.kind = 'chart_map' AND r.person = ? AND {_BELIEVED}"
        f" ORDER BY {_FOUNDER} DESC, r.id LIMIT 1",
        (person,),
    )
    if row is None:
        raise NotFound
    return msgspec.json.decode(row[0], type=ChartMap)


def charts_of_all(session: Session) -> list[tuple[bytes, ChartMap]]:
    """Every chart this user may know the compartments of."""
    rows = session.view.rows(
        f"SELECT r.person, r.doc FROM record r WHERE r.kind = 'chart_map' AND {_BELIEVED}"
        f" ORDER BY {_FOUNDER} DESC, r.id"
    )
    first: dict[bytes, ChartMap] = {}
    for person, doc in rows:
        first.setdefault(person, msgspec.json.decode(doc, type=ChartMap))
    return list(first.items())


def _facts(rows: Iterable[tuple[bytes, bytes, int, int, bytes]], now_ms: int) -> list[CareFact]:
    """One fact per part. A part that one copy says has ended is over, unless it was given again afterwards; who stands
    in for a colleague has the part until a day that was named before.
    """
    found: dict[tuple[bytes, bytes, str], CareFact] = {}
    ended: dict[tuple[bytes, bytes, str], int] = {}
    for record, doc, at_ms, changed_ms, person in rows:
        member = msgspec.json.decode(doc, type=CareMember)
        end = day_start(member.until) if member.until is not None else 0
        try:
            fact = CareFact(parse_id(member.user), person, member.role, at_ms, record, end)
        except NotFound:
            continue  # names nobody: whoever wrote it, it gives nobody a part
        place = (fact.user, fact.person, fact.role)
        if 0 < end <= now_ms:
            ended[place] = max(changed_ms, ended.get(place, 0))
        elif place not in found or at_ms > found[place].at_ms:
            found[place] = fact
    return [fact for place, fact in found.items() if fact.at_ms > ended.get(place, -1)]


def care_facts(session: Session, person: bytes | None = None) -> list[CareFact]:
    """Active care-team facts this user can see, of one person or of all."""
    now = session.clock.now_ms()
    if person is None:
        name = f"care_facts {local_date(now)}"
        return list(session.derived(name, lambda: _facts(_members(session), now)))
    return _facts(_members(session, person), now)


def _members(session: Session, person: bytes | None = None) -> list[tuple[Any, ...]]:
    where, parameters = ("AND r.person = ?", (person,)) if person is not None else ("", ())
    return session.view.rows(
        "SELECT r.record, r.doc, r.created_ms, r.changed_ms, r.person FROM record r WHERE r.kind = 'care_member'"
        f" AND {_BELIEVED} {where} ORDER BY r.created_ms",
        parameters,
    )


def couples(session: Session) -> list[CoupleFact]:
    """Active couples this user can see, each once."""
    return list(session.derived("couples", lambda: _couples(session)))


def couples_ever(session: Session) -> list[CoupleFact]:
    """Couples this user can see or could see, those whose work ended included: the wall outlives the work."""
    return list(session.derived("couples_ever", lambda: _couples(session, ended=True)))


def _couples(session: Session, *, ended: bool = False) -> list[CoupleFact]:
    found = {}
    for link, at_ms in _links(session):
        if link.ended is None or ended:
            fact = CoupleFact(
                parse_id(link.couple), parse_id(link.a), parse_id(link.b), parse_id(link.therapist), at_ms
            )
            found[fact.id] = fact
    return list(found.values())


def _links(session: Session) -> list[tuple[CoupleLink, int]]:
    """Every link this user can believe, with its end, and when it was made; oldest change first."""
    return session.derived("couple_links", lambda: _links_now(session))


def _links_now(session: Session) -> list[tuple[CoupleLink, int]]:
    rows = session.view.rows(
        f"SELECT r.doc, r.created_ms FROM record r WHERE r.kind = 'couple_link' AND {_BELIEVED} ORDER BY r.changed_ms"
    )
    links = [(msgspec.json.decode(doc, type=CoupleLink), at_ms) for doc, at_ms in rows]
    ends = _ends(session)
    return [(_with_end(link, ends), at_ms) for link, at_ms in links if _names_all(link)]


_End = tuple[CoupleEnd, bytes, bool]


def _ends(session: Session) -> list[_End]:
    """What says that couples work ended: (document, its author, whether it is the author's office to say so)."""
    rows = session.view.rows(
        f"SELECT r.doc, r.author, {_ASSIGNER} FROM record r WHERE r.kind = 'couple_end' AND r.deposit = 0"
        " AND r.status != 'newer' ORDER BY r.created_ms, r.id"
    )
    return [(msgspec.json.decode(doc, type=CoupleEnd), bytes(author), bool(office)) for doc, author, office in rows]


def _with_end(link: CoupleLink, ends: list[_End]) -> CoupleLink:
    """A link with its end: by who assigns, or by the couple's own therapist."""
    therapist = parse_id(link.therapist)
    said = (
        end.ended for end, author, office in ends if end.couple == link.couple and (office or author == therapist)
    )
    first = next(said, None)
    return link if first is None or link.ended is not None else msgspec.structs.replace(link, ended=first)


def cleared(session: Session, couple: bytes, user: bytes, person: bytes) -> bool:
    """Whether the other partner agreed in writing that this clinician sees one partner of an ended couple alone."""
    rows = session.view.rows(
        f"SELECT r.doc FROM record r WHERE r.kind = 'conflict_clearance' AND r.person != ?1 AND {_BELIEVED}", (person,)
    )
    wanted = (show_id(couple), show_id(user), show_id(person))
    found = (msgspec.json.decode(row[0], type=ConflictClearance) for row in rows)
    return any((item.couple, item.user, item.person) == wanted for item in found)


def suspended(session: Session) -> frozenset[bytes]:
    """Ids of the care-team facts that the wall suspends, as far as this user knows: couples whose work ended count as
    long as the other partner has not agreed in writing (CR-12).
    """
    facts = care_facts(session)
    return session.derived(f"suspended {hash(tuple(facts))}", lambda: _suspended(session, facts))


def _suspended(session: Session, facts: list[CareFact]) -> frozenset[bytes]:
    ever, active = couples_ever(session), {couple.id for couple in couples(session)}
    ended = [couple for couple in ever if couple.id not in active]
    lifted = frozenset(
        (couple.id, fact.user, fact.person)
        for couple in ended
        for fact in facts
        if (other := couple.partner(fact.person)) is not None and _lifted(session, couple.id, fact, other)
    )
    return frozenset(wall.suspended(facts, ever, lifted))


def _lifted(session: Session, couple: bytes, fact: CareFact, other: bytes) -> bool:
    """Whether the other partner agreed; who cannot read where the agreement would lie does not speak against it."""
    try:
        chart_of(session, other)
    except NotFound:
        return True
    return cleared(session, couple, fact.user, fact.person)


def in_directory(session: Session, fact: CareFact) -> bool:
    """Whether who has this part holds a key to the directory entry that comes with it: what every colleague can see of
    an assignment that stands, since who assigns takes it back from a part that the wall suspends.
    """
    if not may_be_member(Kind.DIR, (fact.role,)):
        return True
    try:
        place = compartment_for(session, fact.person, Kind.DIR)
    except NotFound:
        return False
    rows = session.view.rows(
        "SELECT DISTINCT root FROM wrap WHERE compartment = ? AND recipient = ? AND revoked_ms = 0 AND primitive ="
        " 'member' AND (not_after_ms = 0 OR not_after_ms > ?)",
        (place, fact.user, session.clock.now_ms()),
    )
    return bool(rows) and bool({row[0] for row in rows} & set(session.valid_roots(place, Kind.DIR)))


def _names_all(link: CoupleLink) -> bool:
    """Whether every id of a link is one."""
    try:
        for text in (link.couple, link.a, link.b, link.therapist, link.joint, link.hold_a, link.hold_b):
            parse_id(text)
    except NotFound:
        return False
    return True


def couple_links(session: Session) -> dict[bytes, CoupleLink]:
    """Couple id -> the newest link record this user can see. The caller does not change it."""
    return session.derived(
        "couple_links_by_id", lambda: {parse_id(link.couple): link for link, _ in _links(session)}
    )


def kind_of(session: Session, compartment: bytes, person: bytes) -> str:
    """The kind of a compartment this user may not hold: a program-wide one, or one a chart reserves; empty if
    unknown.
    """
    for kind in PROGRAM_KINDS:
        if session.db.meta(f"program:{kind}") == compartment:
            return str(kind)
    try:
        chart = chart_of(session, person)
    except NotFound:
        return ""
    return next((item.kind for item in chart.reserved if parse_id(item.id) == compartment), "")


def author_now(session: Session, compartment: bytes, kind: str, person: bytes) -> bytes:
    """To whose key something is deposited where each author keeps a key of their own (PSY, SAFE, HOLD): of who has the
    part now, for good before for a while. Anybody whose roles fit could make a key there. Raises `NoKey` without one.
    """
    for user in _authors(session, compartment, kind, person):
        try:
            session.public_key(compartment, kind=kind, maker=user)
        except NoKey:
            continue  # their program makes it at their next unlock
        return user
    raise NoKey("Nobody who has this part now has opened it yet.", "Their program does it at their next unlock.")


def _authors(session: Session, compartment: bytes, kind: str, person: bytes) -> list[bytes]:
    if kind == Kind.HOLD:
        links = couple_links(session).values()
        return [parse_id(one.therapist) for one in links if show_id(compartment) in (one.hold_a, one.hold_b)]
    try:
        reserved = chart_of(session, person).reserved
    except NotFound:
        return []
    wanted = {item.role for item in reserved if item.kind == kind and parse_id(item.id) == compartment}
    lost = suspended(session)
    facts = [
        fact for fact in care_facts(session, person)
        if fact.role in wanted and fact.id not in lost and in_directory(session, fact)
    ]  # fmt: skip
    return [fact.user for fact in sorted(facts, key=lambda fact: (fact.until_ms > 0, fact.at_ms, fact.id))]


def compartment_for(session: Session, person: bytes, kind: str, role: str = "") -> bytes:
    """The compartment of a kind for one person: reserved in the chart, or the author's own. Raises `NotFound`."""
    return reserved_id(chart_of(session, person), kind, role)
