"""Handing a part in somebody's care to a colleague: what they lack, giving it, and a couple's new therapist.

Always *member* by an explicit act of who holds the key. What authors keep alone stays with its author.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from iop_tui.access import charts, policy, roles, wall
from iop_tui.access.chartkeys import close_membership, keepers
from iop_tui.access.charts import CareMember, CoupleLink
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import Target, give_member, program_compartment, put, user_recipient
from iop_tui.access.wall import CareFact
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.errors import NotFound, RoleRefused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.session import Session
from iop_tui.store.work import Work

_TYPES = {item.kind: item for item in charts.TYPES}
_SHARED_KINDS = (Kind.IND, Kind.SUD, Kind.MED, Kind.CRISIS, Kind.GRP)


@dataclass(frozen=True, slots=True)
class Lacking:
    """A compartment some of whose keys one clinician has and their successor has not."""

    target: Target
    generations: tuple[int, ...]


def part_targets(session: Session, person: bytes, role: str) -> list[Target]:
    """The compartments that a part in a person's care comes with, besides the directory entry. Raises `NotFound`."""
    chart = charts.chart_of(session, person)
    return [
        Target(charts.reserved_id(chart, kind), kind, person)
        for kind in _SHARED_KINDS
        if policy.may_be_member(kind, (role,))
    ]


def joint_target(couple: bytes, link: CoupleLink) -> Target:
    """The joint record of a couple."""
    return Target(parse_id(link.joint), Kind.JNT, couple, couple)


def lacking(
    session: Session, targets: list[Target], giver: bytes, receiver: bytes, *, until_ms: int | None = None
) -> list[Lacking]:
    """What the giver can open of these and the receiver cannot, by live wraps: known to everybody, whoever holds it.
    With `until_ms`, when the receiver's part ends (0: it does not), only what they have for that long is not lacking.

    Anybody can found a part once more and say that the giver has that key. So what the giver has is what their own
    keyring says, where they ask; for everybody else it descends from a founding that counts. A hand-over gives all at
    once: who has the keys that count has the others, too.
    """
    found, own = [], giver == session.identity.user
    for target in targets:
        roots = session.valid_roots(target.id, target.kind)
        has = (
            "EXISTS (SELECT 1 FROM keyring k JOIN wrap o ON o.id = k.wrap WHERE k.compartment = ?1 AND k.generation ="
            " g.generation AND o.root = g.root)" if own else
            f"g.root IN ({','.join(f'?{place}' for place in range(5, 5 + len(roots)))})"
        )  # fmt: skip
        rows = session.view.rows(
            "SELECT DISTINCT g.generation FROM wrap g WHERE g.compartment = ?1 AND g.recipient = ?2"
            f" AND g.revoked_ms = 0 AND g.primitive = 'member' AND {has} AND NOT EXISTS (SELECT 1 FROM wrap r WHERE"
            " r.compartment = ?1 AND r.recipient = ?3 AND r.generation = g.generation AND r.revoked_ms = 0"
            " AND r.root = g.root AND (?4 IS NULL OR r.not_after_ms = 0 OR ?4 BETWEEN 1 AND"
            " r.not_after_ms)) ORDER BY g.generation",
            (target.id, giver, receiver, until_ms, *(() if own else roots)),
        )
        if rows:
            found.append(Lacking(target, tuple(row[0] for row in rows)))
    return found


def hand_over(
    session: Session, work: Work, missing: list[Lacking], receiver: bytes, role: str, *, not_after_ms: int = 0
) -> bool:
    """Give a colleague every key of these compartments that this user holds; whether there was any to give.

    The explicit act that a protected part needs (two therapists of one person). Raises `Refused` for a colleague who
    left; nothing is given to who holds no key to the directory entry, nor for longer than this user has it themselves.
    """
    targets = [
        item.target for item in missing
        if session.holds(item.target.id) and _lasts(session, item.target, not_after_ms)
        and _given(session, item.target, receiver, role)
    ]  # fmt: skip
    if not targets:
        return False
    recipient = user_recipient(session, receiver, role)
    give_member(session, work, targets, [recipient], act="transfer", not_after_ms=not_after_ms)
    for target in targets:
        session.note(work, "transfer", person=target.person, category=target.kind, subject=receiver, detail=role)
    return True


def _lasts(session: Session, target: Target, not_after_ms: int) -> bool:
    own = session.until(target.id)
    return own == 0 or 0 < not_after_ms <= own


def _given(session: Session, target: Target, receiver: bytes, role: str) -> bool:
    return target.kind == Kind.JNT or charts.in_directory(session, CareFact(receiver, target.person, role))


def in_charge(session: Session, link: CoupleLink, therapist: bytes) -> bool:
    """Whether somebody is a couple's therapist as things are now, with keys to both directory entries. Raises
    `WallRefused` where the wall speaks against it.
    """
    if parse_id(link.therapist) != therapist:
        return False
    check_therapist(session, link, therapist)
    persons = (parse_id(link.a), parse_id(link.b))
    return all(charts.in_directory(session, CareFact(therapist, one, roles.COUPLES_THERAPIST)) for one in persons)


def check_therapist(session: Session, link: CoupleLink, therapist: bytes) -> None:
    """Raise `WallRefused` where somebody cannot be a couple's therapist: they treat or treated one of the partners."""
    a, b = parse_id(link.a), parse_id(link.b)
    kept = [fact for person in (a, b) for fact in keepers(session, person) if fact.user == therapist]
    wall.check_link(a, b, therapist, [*charts.care_facts(session), *kept])


def change_therapist(session: Session, work: Work, couple: bytes, therapist: bytes) -> None:
    """Put another couples therapist in charge of a couple: directory keys, the link, the care team.

    The joint record follows when its present holder hands it over; what was held for a partner stays with who held
    it. Raises `NotFound`, `RoleRefused`, `WallRefused`, `NoKey`.
    """
    link = charts.couple_links(session).get(couple)
    if link is None:
        raise NotFound
    card = session.card(therapist)
    if roles.COUPLES_THERAPIST not in card.roles:
        raise RoleRefused(f"{card.name} is not a couples therapist of this program.")
    if not roles.ASSIGNERS & set(session.identity.roles):
        raise RoleRefused(
            "A couple's therapist is changed by the front desk, the medical director or the privacy officer."
        )
    a, b = parse_id(link.a), parse_id(link.b)
    check_therapist(session, link, therapist)
    targets = [Target(charts.compartment_for(session, person, Kind.DIR), Kind.DIR, person) for person in (a, b)]
    recipient = user_recipient(session, therapist, roles.COUPLES_THERAPIST)
    give_member(session, work, targets, [recipient], act="assign")
    fresh = msgspec.structs.replace(link, therapist=show_id(therapist))
    _rewrite_links(session, work, couple, fresh)
    member = CareMember(
        user=show_id(therapist), name=card.name, role=roles.COUPLES_THERAPIST, since=local_date(work.at_ms)
    )
    registry = program_compartment(session, Kind.REG)
    for target in targets:
        put(session, work, target.id, _TYPES["care_member"], member, person=target.person)
        put(session, work, registry, _TYPES["care_member"], member, person=target.person)
        session.note(
            work, "assign", person=target.person, category=Kind.DIR, subject=therapist, detail=roles.COUPLES_THERAPIST
        )


def _rewrite_links(session: Session, work: Work, couple: bytes, link: CoupleLink) -> None:
    rows = session.view.rows(
        "SELECT record, leaf, person, compartment FROM record WHERE kind = 'couple_link' AND deposit = 0 AND status !="
        " 'newer' AND json_extract(doc, '$.couple') = ?",
        (show_id(couple),),
    )
    for record, leaf, person, compartment in rows:
        if session.holds(compartment):
            put(
                session, work, compartment, _TYPES["couple_link"], link, person=person, record=record, parents=(leaf,)
            )


def end_therapist(session: Session, work: Work, link: CoupleLink, former: bytes) -> None:
    """End a former couples therapist's part: directory keys and the joint record's are revoked."""
    persons = (parse_id(link.a), parse_id(link.b))
    places = [charts.compartment_for(session, person, Kind.DIR) for person in persons]
    rows = session.view.rows(
        "SELECT id FROM wrap WHERE recipient = ? AND revoked_ms = 0 AND compartment IN (?, ?, ?) ORDER BY id",
        (former, *places, parse_id(link.joint)),
    )
    session.act(work, "end-care", revokes=tuple(row[0] for row in rows))
    for person in persons:
        close_membership(session, work, person, former, roles.COUPLES_THERAPIST)
        session.note(
            work, "end-care", person=person, category=Kind.DIR, subject=former, detail=roles.COUPLES_THERAPIST
        )
