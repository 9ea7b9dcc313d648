"""Opening charts: registering a person, assigning clinicians, linking couples; always as acts with keys."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec

from iop_tui.access import charts, policy, roles, wall
from iop_tui.access.charts import Arrival, CareMember, ChartMap, CoupleLink, Registration
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import (
    Recipient,
    Target,
    give_member,
    group_recipient,
    open_compartment,
    program_compartment,
    put,
    user_recipient,
)
from iop_tui.access.wall import CareFact, CoupleFact
from iop_tui.kernel.clock import day_start, local_date
from iop_tui.kernel.declare import Document, DocumentType
from iop_tui.kernel.errors import NoKey, NotFound, RoleRefused, RuleRefused
from iop_tui.kernel.ids import show_id
from iop_tui.store.members.believed import ACTED_UPON
from iop_tui.store.session import Session
from iop_tui.store.views.catchup import AUTHORITY_KINDS
from iop_tui.store.work import Work

_TYPES = {item.kind: item for item in charts.TYPES}


def open_chart(session: Session, work: Work, person: bytes, initials: str, *, announced: bool = False) -> ChartMap:
    """Make a person's directory compartment, reserve every id of the chart, tell the registry the initials.

    Somebody who was `announced` stands in the registry already.
    """
    chart = charts.new_map(session.rng)
    target = Target(charts.reserved_id(chart, Kind.DIR), Kind.DIR, person)
    desk = program_compartment(session, Kind.DESK)
    holders = [group_recipient(session, desk, roles.FRONT_DESK, work)]
    open_compartment(session, work, target, holders, act="admit-person", myself=not session.holds(desk))
    put(session, work, target.id, _TYPES["chart_map"], chart, person=person)
    if not announced:
        _register(session, work, person, initials)
    return chart


def _register(session: Session, work: Work, person: bytes, initials: str) -> None:
    registry = program_compartment(session, Kind.REG)
    put(session, work, registry, _TYPES["registration"], Registration(initials=initials), person=person)


def announce(
    session: Session, work: Work, person: bytes, entry: Arrival, *, received: bytes = b"", source: str = ""
) -> None:
    """Register a person without directory keys: initials to the registry, the entry deposited with the front desk."""
    _register(session, work, person, entry.initials)
    desk = program_compartment(session, Kind.DESK)
    put(session, work, desk, _TYPES["arrival"], entry, person=person, received=received, source=source)


def receive(session: Session, work: Work, person: bytes, record: bytes, leaf: bytes) -> None:
    """Open the chart of an announced person and write the entry into it, as it was deposited."""
    body = session.open_revision(leaf).body
    entry = msgspec.json.decode(body.payload, type=Arrival)
    if entry.kind in _TYPES or entry.kind in AUTHORITY_KINDS | ACTED_UPON:
        session.note(work, "arrival-refused", person=person, category=Kind.DESK, subject=record)
        return
    chart = open_chart(session, work, person, entry.initials, announced=True)
    copy = session.body(
        work,
        record=session.rng.token(16),
        person=person,
        kind=entry.kind,
        version=entry.version,
        payload=entry.entry.encode(),
        source=body.source,
        received=body.received,
        at_ms=body.at_ms,
    )
    session.write(work, charts.reserved_id(chart, Kind.DIR), copy)
    session.note(work, "admit-person", person=person, category=Kind.DIR, subject=record)


def assign(
    session: Session,
    work: Work,
    person: bytes,
    user: bytes,
    role: str,
    *,
    since: date,
    chart: ChartMap | None = None,
    until: date | None = None,
) -> bytes:
    """Make a user part of a person's care: wall first, then the keys this program holds. Returns the care record's id.
    `until`: who stands in for a colleague, with keys that end that day.

    The rest follows by itself: the clinician's program makes the keys of compartments nobody opened yet, and
    colleagues' programs hand over what the policy foresees.
    """
    card = session.card(user)
    if role not in card.roles:
        raise RoleRefused(
            f"{card.name} is not {_a(role)} of this program.", "Give the role first, or choose somebody else."
        )
    if role not in (*policy.CARE_ROLES, roles.MEDICAL_DIRECTOR, roles.SUPERVISOR):
        raise RoleRefused(f"Nobody is assigned to a person as {role}.")
    if not roles.ASSIGNERS & set(session.identity.roles) and user != session.identity.user:
        raise RoleRefused(
            "Assigning clinicians is done by the front desk, the medical director or the privacy officer."
        )
    part = CareFact(user, person, role)
    check_wall(session, part, charts.care_facts(session))
    chart = chart or charts.chart_of(session, person)
    recipient = user_recipient(session, user, role)
    targets = _given_at_once(session, chart, person, role)
    if user == session.identity.user:  # a key of their own to the entry, where they open it as one of a group
        targets = [one for one in targets if one.kind == Kind.DIR and not charts.in_directory(session, part)]
    if targets:
        end = day_start(until) if until is not None else 0
        give_member(session, work, targets, [recipient], act="assign", not_after_ms=end)
    member = CareMember(user=show_id(user), name=card.name, role=role, since=since, until=until)
    record, _ = put(session, work, charts.reserved_id(chart, Kind.DIR), _TYPES["care_member"], member, person=person)
    put(session, work, program_compartment(session, Kind.REG), _TYPES["care_member"], member, person=person)
    session.note(work, "assign", person=person, category=Kind.DIR, subject=user, detail=role)
    return record


def check_wall(session: Session, fact: CareFact, team: Iterable[CareFact]) -> None:
    """Raise `WallRefused` where somebody in this part would stand on both sides of a couple, with what they keep alone
    about a partner and with couples of the past (CR-1, CR-12).
    """
    pairs = _walls(session, fact.person, fact.user)
    partners = {other for pair in pairs if (other := pair.partner(fact.person)) is not None}
    kept = [one for partner in partners for one in keepers(session, partner)]
    wall.check_assignment(fact, [*team, *kept], pairs)


def stands(session: Session, person: bytes, user: bytes, role: str) -> bool:
    """Whether a user has this part as things are now: named in the care team, not suspended, with a key to the
    directory entry. Raises `WallRefused` where the wall speaks against a part that was given before.
    """
    lost = charts.suspended(session)
    fact = next((one for one in charts.care_facts(session, person) if (one.user, one.role) == (user, role)), None)
    if fact is None or fact.id in lost:
        return False
    check_wall(session, fact, [one for one in charts.care_facts(session) if one.id not in lost])
    return charts.in_directory(session, fact)


def _walls(session: Session, person: bytes, user: bytes) -> list[CoupleFact]:
    """The couples whose wall stands before an assignment: those in work, and those of the past as long as the other
    partner has not agreed in writing (CR-12).
    """
    active = {couple.id for couple in charts.couples(session)}
    return [
        couple
        for couple in charts.couples_ever(session)
        if couple.id in active or not charts.cleared(session, couple.id, user, person)
    ]


def _a(role: str) -> str:
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"


def _given_at_once(session: Session, chart: ChartMap, person: bytes, role: str) -> list[Target]:
    """The directory entry, and whatever else this user holds: as far as the policy foresees it for the role."""
    targets = []
    if policy.may_be_member(Kind.DIR, (role,)):
        targets.append(Target(charts.reserved_id(chart, Kind.DIR), Kind.DIR, person))
    for kind in (Kind.IND, Kind.SUD, Kind.MED, Kind.CRISIS, Kind.GRP):
        identifier = charts.reserved_id(chart, kind)
        if session.holds(identifier) and policy.may_be_member(kind, (role,)):
            targets.append(Target(identifier, kind, person))
    return targets


def link_couple(session: Session, work: Work, a: bytes, b: bytes, therapist: bytes) -> bytes:
    """Link two people and their couples therapist; the couple's id. Raises `WallRefused`, `RoleRefused`, `NoKey`."""
    card = session.card(therapist)
    if roles.COUPLES_THERAPIST not in card.roles:
        raise RoleRefused(f"{card.name} is not a couples therapist of this program.")
    if not roles.ASSIGNERS & set(session.identity.roles):
        raise RoleRefused("Linking a couple is done by the front desk, the medical director or the privacy officer.")
    wall.check_link(a, b, therapist, [*charts.care_facts(session), *keepers(session, a), *keepers(session, b)])
    if any(fact.partner(person) for fact in charts.couples(session) for person in (a, b)):
        raise RuleRefused(
            "couple.third_partner",
            "One of these people is part of a couple already.",
            "Dissolve the other couple first.",
        )
    ids = [session.rng.token(16) for _ in range(4)]
    link = CoupleLink(
        couple=show_id(ids[0]),
        a=show_id(a),
        b=show_id(b),
        therapist=show_id(therapist),
        joint=show_id(ids[1]),
        hold_a=show_id(ids[2]),
        hold_b=show_id(ids[3]),
    )
    recipient = user_recipient(session, therapist, roles.COUPLES_THERAPIST)
    targets = [Target(charts.compartment_for(session, person, Kind.DIR), Kind.DIR, person) for person in (a, b)]
    give_member(session, work, targets, [recipient], act="link-couple")
    today = CareMember(user=show_id(therapist), name=card.name, role=roles.COUPLES_THERAPIST, since=_today(work))
    for target in targets:
        put(session, work, target.id, _TYPES["couple_link"], link, person=target.person)
        put(session, work, target.id, _TYPES["care_member"], today, person=target.person)
    reg = program_compartment(session, Kind.REG)
    put(session, work, reg, _TYPES["couple_link"], link, person=a)
    for person in (a, b):
        put(session, work, reg, _TYPES["care_member"], today, person=person)
        session.note(work, "link-couple", person=person, category=Kind.DIR, subject=ids[0])
    return ids[0]


def _today(work: Work) -> date:
    return local_date(work.at_ms)


def end_care(session: Session, work: Work, person: bytes, user: bytes) -> None:
    """End a user's part in a person's care: every wrap of that chart is revoked, the compartments get new keys."""
    chart = charts.chart_of(session, person)
    wraps = _live_wraps(session, user, _left_behind(chart, ()))
    if not wraps:
        raise NoKey("This user has no part in this person's care.")
    session.act(work, "end-care", revokes=wraps)
    close_membership(session, work, person, user)
    session.note(work, "end-care", person=person, category=Kind.DIR, subject=user)


def _live_wraps(session: Session, user: bytes, compartments: Iterable[bytes]) -> tuple[bytes, ...]:
    ids = list(compartments)
    rows = session.view.rows(
        "SELECT id FROM wrap WHERE recipient = ? AND revoked_ms = 0 AND compartment IN"
        f" ({','.join('?' * len(ids))}) ORDER BY id",
        (user, *ids),
    )
    return tuple(row[0] for row in rows)


def _left_behind(chart: ChartMap, rest: tuple[str, ...]) -> list[bytes]:
    """Compartments of a chart that somebody leaves whose other parts in it are `rest`.

    What authors keep alone stays theirs, written or not: an end that depended on it would tell others which it was.
    """
    return [charts.reserved_id(chart, kind) for kind in policy.PERSON_KINDS if not policy.may_be_member(kind, rest)]


def _kept_alone(chart: ChartMap) -> list[tuple[str, bytes]]:
    parts = (roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR)
    return [(role, charts.reserved_id(chart, kind, role)) for kind in (Kind.PSY, Kind.SAFE) for role in parts]


def keepers(session: Session, person: bytes) -> list[CareFact]:
    """Who holds keys to what authors keep alone about a person, in care now or before: they stand on that side."""
    try:
        chart = charts.chart_of(session, person)
    except NotFound:
        return []
    found = []
    for role, identifier in _kept_alone(chart):
        rows = session.view.rows(
            "SELECT DISTINCT recipient FROM wrap WHERE compartment = ? AND revoked_ms = 0 AND author = recipient",
            (identifier,),
        )
        found += [CareFact(row[0], person, role) for row in rows]
    return found


def end_part(session: Session, work: Work, fact: CareFact) -> None:
    """End one part of a user in a person's care; what their other parts foresee stays theirs. Raises `NotFound`."""
    chart = charts.chart_of(session, fact.person)
    team = charts.care_facts(session, fact.person)
    rest = tuple(other.role for other in team if other.user == fact.user and other.role != fact.role)
    wraps = _live_wraps(session, fact.user, _left_behind(chart, rest))
    session.act(work, "end-care", revokes=wraps)
    close_membership(session, work, fact.person, fact.user, fact.role)
    session.note(work, "end-care", person=fact.person, category=Kind.DIR, subject=fact.user, detail=fact.role)


def hold_back(session: Session, work: Work, fact: CareFact) -> None:
    """Take back the keys of a part that the wall suspends; the part itself stays written. Raises `NotFound`."""
    chart = charts.chart_of(session, fact.person)
    team = charts.care_facts(session, fact.person)
    rest = tuple(other.role for other in team if other.user == fact.user and other.role != fact.role)
    wraps = _live_wraps(session, fact.user, _left_behind(chart, rest))
    if wraps:
        session.act(work, "suspend-part", revokes=wraps)
        session.note(
            work, "suspend-part", person=fact.person, category=Kind.DIR, subject=fact.user, detail="program rule CR-1"
        )


def close_membership(session: Session, work: Work, person: bytes, user: bytes, role: str = "") -> None:
    """Write the end of a user's part (or of all their parts) into every care record of it this program can write."""
    rows = session.view.rows(
        "SELECT record, leaf, doc, compartment FROM record WHERE kind = 'care_member' AND person = ?1"
        " AND deposit = 0 AND status != 'newer' AND json_extract(doc, '$.user') = ?2 AND coalesce(json_extract(doc,"
        " '$.until'), '9999') > ?4 AND (?3 = '' OR json_extract(doc, '$.role') = ?3)",
        (person, show_id(user), role, _today(work).isoformat()),
    )
    kind: DocumentType[Document] = _TYPES["care_member"]
    for record, leaf, doc, compartment in rows:
        member = kind.decode(doc, kind.version)
        closed = kind.parse({**_plain(member), "until": _today(work).isoformat()})
        put(session, work, compartment, kind, closed, person=person, record=record, parents=(leaf,))


def _plain(document: Document) -> dict[str, object]:
    return dict(msgspec.to_builtins(document))


def recipient_of_group(session: Session, kind: str, role: str) -> Recipient:
    """The members of a program-wide compartment of a kind as one recipient."""
    return group_recipient(session, program_compartment(session, kind), role)
