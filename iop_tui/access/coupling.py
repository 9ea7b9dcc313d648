"""The end of couples work, and what may follow it: directory-level facts that every partner's program believes."""

from __future__ import annotations

from datetime import date

from iop_tui.access import charts, policy, roles
from iop_tui.access.charts import ConflictClearance, CoupleEnd, CoupleLink
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import Target, program_compartment, put
from iop_tui.kernel.errors import NoKey, NotFound, Refused, RoleRefused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.session import Session
from iop_tui.store.work import Work

_TYPES = {item.kind: item for item in charts.TYPES}


def link_of(session: Session, couple: bytes) -> CoupleLink:
    """The link of a couple this user knows of. Raises `NotFound`."""
    found = charts.couple_links(session).get(couple)
    if found is None:
        raise NotFound
    return found


def joint_targets(couple: bytes, link: CoupleLink) -> list[Target]:
    """The compartments of a couple's work: the joint record and what is held for each."""
    a, b = parse_id(link.a), parse_id(link.b)
    return [
        Target(parse_id(link.joint), Kind.JNT, couple, couple),
        Target(parse_id(link.hold_a), Kind.HOLD, a, couple),
        Target(parse_id(link.hold_b), Kind.HOLD, b, couple),
    ]


def end_couple(session: Session, work: Work, couple: bytes, ended: date) -> CoupleLink:
    """Say in both directory entries that joint work ended; the link as it was.

    By the couple's own therapist or who links couples. Raises `NotFound`, `RoleRefused`, `NoKey`, `Refused` where it
    ended before.
    """
    link = link_of(session, couple)
    me = session.identity
    if parse_id(link.therapist) != me.user and not roles.ASSIGNERS & set(me.roles):
        raise RoleRefused(
            "Joint work is ended by the couples therapist, the front desk, the medical director or the privacy officer."
        )
    if link.ended is not None:
        raise Refused("Joint work of this couple ended already.")
    document = CoupleEnd(couple=show_id(couple), ended=ended)
    for person in (parse_id(link.a), parse_id(link.b)):
        home = charts.compartment_for(session, person, Kind.DIR)
        if not session.holds(home):
            raise NoKey("You hold no key to one partner's directory entry.", "Ask the front desk.")
        put(session, work, home, _TYPES["couple_end"], document, person=person)
        session.note(work, "dissolve", person=person, category=Kind.DIR, subject=couple)
    registry = program_compartment(session, Kind.REG)
    if policy.may_be_member(Kind.REG, me.roles) and session.holds(registry):
        put(session, work, registry, _TYPES["couple_end"], document, person=parse_id(link.a))
    return link


def clear_conflict(
    session: Session, work: Work, couple: bytes, user: bytes, person: bytes, terms: tuple[date, str]
) -> None:
    """Record that the other partner agreed in writing that `user` sees `person` alone after joint work ended.

    `terms`: when and how it was given. It lies with the partner who gave it. Raises `RoleRefused`, `Refused`,
    `NotFound`, `NoKey`.
    """
    link = link_of(session, couple)
    if roles.PRIVACY_OFFICER not in session.identity.roles:
        raise RoleRefused("A conflict after separation is cleared by the privacy officer.")
    if link.ended is None:
        raise Refused("Joint work of this couple goes on: the wall stands.", "End it first.")
    pair = (parse_id(link.a), parse_id(link.b))
    if person not in pair:
        raise NotFound
    other = pair[1] if person == pair[0] else pair[0]
    if not terms[1].strip():
        raise Refused("Say how the other partner gave the agreement.", "In writing: paper, packet or in person.")
    document = ConflictClearance(
        couple=show_id(couple), user=show_id(user), person=show_id(person), agreed_on=terms[0], method=terms[1]
    )
    home = charts.compartment_for(session, other, Kind.DIR)
    if not session.holds(home):
        raise NoKey("You hold no key to the other partner's directory entry.")
    put(session, work, home, _TYPES["conflict_clearance"], document, person=other)
    session.note(work, "clear-conflict", person=other, category=Kind.DIR, subject=couple)
