"""What a program does by itself after an unlock: make the first keys it is entitled to make, and hand over what
the policy foresees.

Nothing here widens access: a first key is made where the care team names this user and nobody eligible made one,
and a key is handed to a colleague only where the same care team and the matrix give them a member's cell.
"""

from __future__ import annotations

from iop_tui.access import breakglass, chartkeys, charts, policy, program, roles
from iop_tui.access.charts import FORWARDED, ChartMap, CoupleLink, Forwarded
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import (
    Target,
    give_member,
    next_number,
    open_compartment,
    program_compartment,
    put,
    rotate,
    rotation_owed,
    user_recipient,
)
from iop_tui.access.wall import CareFact
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import Registry
from iop_tui.kernel.errors import NoKey, NotFound, Refused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.revisions import Origin
from iop_tui.store.session import Session
from iop_tui.store.views.view import Changes
from iop_tui.store.work import Work

_AUTHOR_ROLES = (roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR)


def settle(session: Session, _registry: Registry | None = None) -> Changes:
    """Do everything owed in one write each; the changes. Running it again does nothing."""
    changes = Changes()
    for step in _STEPS:
        work = session.work()
        step(session, work)
        if work.acts or work.revisions:
            session.note(work, "settle", detail=step.__name__.strip("_"))
            changes.merge(session.commit(work))
    return changes


def left_by_somebody(session: Session) -> list[Target]:
    """Compartments from which somebody's access was taken: those that may be owed a new key."""
    rows = session.view.rows(
        "SELECT DISTINCT c.id, c.kind, c.person, c.owner FROM compartment c JOIN wrap w ON w.compartment = c.id"
        " LEFT JOIN card d ON d.user = w.recipient AND d.status = 'removed'"
        " WHERE c.primitive = 'member' AND c.kind != 'ORG' AND (w.revoked_ms > 0 OR d.user IS NOT NULL)"
        " ORDER BY c.kind NOT IN ('DESK', 'ONCALL'), c.id"
    )
    return [Target(identifier, kind, person, owner) for identifier, kind, person, owner in rows]


def _rotations(session: Session, work: Work) -> None:
    """Compartments whose newest key a former member still knows get a new one. Directory entries follow when they
    are written next.
    """
    for target in left_by_somebody(session):
        if rotation_owed(session, target.id):
            rotate(session, work, target)


def _lost_roles(session: Session, work: Work) -> None:
    """A colleague who lost the role of their part in somebody's care loses the part: who may assign ends it."""
    if not roles.ASSIGNERS & set(session.identity.roles):
        return
    for fact in charts.care_facts(session):
        card = session.card(fact.user)
        if fact.role not in card.roles and card.status != "removed":
            try:
                chartkeys.end_part(session, work, fact)
            except NotFound:
                continue  # the registry names the part, the directory entry is somebody else's


def _walled_off(session: Session, work: Work) -> None:
    """Where copies of the log met and one clinician stands on both sides of a couple, the later part is suspended:
    who may assign takes its keys back. The part stays in the care team, so that a person decides (CR-1).
    """
    if not roles.ASSIGNERS & set(session.identity.roles):
        return
    lost = charts.suspended(session)
    for fact in charts.care_facts(session):
        if fact.id in lost:
            try:
                chartkeys.hold_back(session, work, fact)
            except NotFound:
                continue  # the registry names the part, the directory entry is somebody else's


def _arrivals(session: Session, work: Work) -> None:
    """People whom somebody without directory keys registered get their chart from the front desk's program."""
    if roles.FRONT_DESK not in session.identity.roles:
        return
    rows = session.view.rows(
        "SELECT r.person, min(r.record), r.leaf FROM record r WHERE r.kind = 'arrival' AND r.status = 'kept'"
        " AND r.compartment = ?1 AND EXISTS (SELECT 1 FROM role o WHERE o.user = r.author AND o.role IN (?2, ?3, ?4))"
        " AND NOT EXISTS (SELECT 1 FROM record c WHERE c.kind = 'chart_map' AND c.deposit = 0 AND c.person = r.person)"
        " GROUP BY r.person",
        (program_compartment(session, Kind.DESK), roles.FRONT_DESK, roles.ADMINISTRATOR, roles.MEDICAL_DIRECTOR),
    )
    for person, record, leaf in rows:
        chartkeys.receive(session, work, person, record, leaf)


def my_care(session: Session) -> list[CareFact]:
    """People this user takes part in treating, as the care teams say and the wall allows."""
    name = f"my_care {local_date(session.clock.now_ms())}"
    return list(session.derived(name, lambda: _my_care(session)))


def _my_care(session: Session) -> list[CareFact]:
    lost = charts.suspended(session)
    return [fact for fact in _facts_of(session, session.identity.user) if fact.id not in lost]


def _facts_of(session: Session, user: bytes) -> list[CareFact]:
    return [fact for fact in charts.care_facts(session) if fact.user == user]


def _generated(session: Session, compartment: bytes, kind: str) -> bool:
    """Whether a key of this kind exists that somebody who may hold it made and somebody still holds.

    Where everybody who held it has left, the next person's program makes a new one, which opens what is written
    from then on and nothing older. What authors keep alone each of them makes for themselves.
    """
    if kind in policy.AUTHOR_KINDS:
        return session.holds(compartment)
    return any(
        session.view.one(
            "SELECT 1 FROM wrap WHERE compartment = ? AND root = ? AND revoked_ms = 0 LIMIT 1", (compartment, root)
        )
        for root in session.valid_roots(compartment, kind)
    )


def _mine_to_make(session: Session, target: Target) -> bool:
    """Whether nobody made this key yet and this user's roles, as they are now, may."""
    return policy.may_be_member(target.kind, session.identity.roles) and not _generated(
        session, target.id, target.kind
    )


def _others_to_make(session: Session, target: Target, own: CareFact) -> bool:
    """Whether this user only stands in, and the colleague whose part it is has yet to make this key: a key made by
    who stands in would outlast their day and not open to the colleague.
    """
    if not own.until_ms or target.kind in policy.AUTHOR_KINDS:
        return False
    return any(
        fact.person == own.person and fact.role == own.role and not fact.until_ms and fact.user != own.user
        for fact in charts.care_facts(session)
    )


def _first_keys(session: Session, work: Work) -> None:
    for fact in my_care(session):
        try:
            chart = charts.chart_of(session, fact.person)
        except NotFound:
            continue
        for target in _mine_to_open(chart, fact):
            if _mine_to_make(session, target) and not _others_to_make(session, target, fact):
                open_compartment(
                    session, work, target, [], act="open-compartment", number=next_number(session, target.id)
                )
    if roles.BILLER in session.identity.roles or roles.PRIVACY_OFFICER in session.identity.roles:
        _open_billing(session, work)


def _mine_to_open(chart: ChartMap, fact: CareFact) -> list[Target]:
    targets = [
        Target(charts.reserved_id(chart, kind), kind, fact.person)
        for kind, first in policy.FIRST_MEMBERS.items()
        if fact.role in first
    ]
    if fact.role in _AUTHOR_ROLES:
        targets += [
            Target(charts.reserved_id(chart, kind, fact.role), kind, fact.person, fact.user)
            for kind in (Kind.PSY, Kind.SAFE)
        ]
    return targets


def _open_billing(session: Session, work: Work) -> None:
    billers = [session.card(row[0]) for row in session.view.rows("SELECT user FROM card WHERE status = 'active'")]
    others = [
        card for card in billers if card.user != session.identity.user and policy.may_be_member(Kind.PAY, card.roles)
    ]
    given = {
        tuple(row) for row in session.view.rows(
            "SELECT w.compartment, w.recipient FROM wrap w JOIN compartment c ON c.id = w.compartment WHERE"
            " c.kind = 'PAY' AND w.revoked_ms = 0 AND w.root IN (SELECT o.root FROM keyring h JOIN wrap o ON o.id ="
            " h.wrap WHERE h.compartment = w.compartment) GROUP BY w.compartment, w.recipient HAVING"
            " count(DISTINCT w.generation) >= (SELECT count(*) FROM keyring k WHERE k.compartment = w.compartment)"
        )
    }
    for person, chart in charts.charts_of_all(session):
        target = Target(charts.reserved_id(chart, Kind.PAY), Kind.PAY, person)
        if not _generated(session, target.id, Kind.PAY):
            recipients = [user_recipient(session, card.user, card.roles[0]) for card in others]
            open_compartment(
                session, work, target, recipients, act="open-compartment", number=next_number(session, target.id)
            )
        elif session.holds(target.id):
            late = [card for card in others if (target.id, card.user) not in given]
            if late:
                recipients = [user_recipient(session, card.user, card.roles[0]) for card in late]
                give_member(session, work, [target], recipients, act="hand-over")


def _joint_keys(session: Session, work: Work) -> None:
    me = show_id(session.identity.user)
    for couple, link in charts.couple_links(session).items():
        if link.therapist != me or link.ended is not None:
            continue
        for target in joint_targets(couple, link):
            if _mine_to_make(session, target):
                open_compartment(
                    session, work, target, [], act="open-compartment", number=next_number(session, target.id)
                )


def joint_targets(couple: bytes, link: CoupleLink) -> list[Target]:
    """The compartments of a couple's work: the joint record and what is held for each."""
    a, b = parse_id(link.a), parse_id(link.b)
    return [
        Target(parse_id(link.joint), Kind.JNT, couple, couple),
        Target(parse_id(link.hold_a), Kind.HOLD, a, couple),
        Target(parse_id(link.hold_b), Kind.HOLD, b, couple),
    ]


def _program_keys(session: Session, work: Work) -> None:
    """Program-wide compartments nobody opened yet and this user may; and what colleagues' roles are owed."""
    me = session.card(session.identity.user)
    recipient = user_recipient(session, me.user, me.roles[0])
    for kind in policy.PROGRAM_KINDS:
        if policy.may_be_member(kind, me.roles) and not _generated(session, program_compartment(session, kind), kind):
            number = next_number(session, program_compartment(session, kind))
            program.open_program_compartment(session, work, kind, recipient, number)


def _hand_over(session: Session, work: Work) -> None:
    lost, facts = charts.suspended(session), charts.care_facts(session)
    held = {row[0] for row in session.view.rows("SELECT DISTINCT person FROM compartment WHERE kind != ?", (Kind.DIR,))}
    mine: dict[bytes, set[str]] = {}
    for fact in facts:
        if fact.user == session.identity.user:
            mine.setdefault(fact.person, set()).add(fact.role)
    for fact in facts:
        if fact.user == session.identity.user or fact.id in lost or fact.person not in held:
            continue
        if fact.role not in session.card(fact.user).roles:
            continue  # somebody was named for a part they do not have in this program
        if not charts.in_directory(session, fact):
            continue  # nobody who may assign stands behind it, or the wall took it back
        targets = _owed_to(session, fact, mine.get(fact.person, set()))
        if targets:
            try:
                recipient = user_recipient(session, fact.user, fact.role)
                give_member(session, work, targets, [recipient], act="hand-over", not_after_ms=fact.until_ms)
            except (Refused, NoKey):
                continue  # the colleague left, or the key went meanwhile: nothing is owed any more


def _owed_to(session: Session, fact: CareFact, mine: set[str]) -> list[Target]:
    """Compartments of the person that this user holds, the colleague's part foresees, and nobody wrapped to them yet
    for as long as the part lasts: what they got from who stands in for a colleague ends with that.

    The colleague who shares one of this user's own parts (`mine`) gets the protected kinds only by an explicit act.
    """
    live = (
        "SELECT 1 FROM wrap w WHERE w.compartment = c.id AND w.recipient = ?2 AND w.revoked_ms = 0 AND w.root IN"
        " (SELECT o.root FROM keyring h JOIN wrap o ON o.id = h.wrap WHERE h.compartment = c.id)"
    )
    lasting = f"{live} AND (w.not_after_ms = 0 OR ?3 BETWEEN 1 AND w.not_after_ms)"
    key = "SELECT 1 FROM keyring k WHERE k.compartment = c.id AND NOT EXISTS"
    rows = session.view.rows(
        f"SELECT c.id, c.kind, EXISTS ({lasting}), EXISTS ({key} ({live} AND w.generation = k.generation)) FROM"
        " compartment c WHERE c.person = ?1 AND c.primitive = 'member' AND"
        f" EXISTS ({key} ({lasting} AND w.generation = k.generation))",
        (fact.person, fact.user, fact.until_ms),
    )
    owed = []
    for identifier, kind, member, lacks in rows:
        if not lacks and session.until(identifier):
            continue  # who stands in cannot give for longer than they have
        same_part = fact.role in mine and kind in policy.WALLED_KINDS and not member
        if (
            kind in policy.PERSON_KINDS
            and not same_part
            and policy.may_be_member(kind, (fact.role,))
        ):
            owed.append(Target(identifier, kind, fact.person))
    return owed


def _on_call(session: Session, work: Work) -> None:
    """Crisis cards are within reach of who is on call: by a key that only breaking the glass opens (CR-17)."""
    breakglass.keep_up(session, work)


def _forward_intake(session: Session, work: Work) -> None:
    """Records received before a person had a clinician go on to the compartment they belong to, once a member
    opened it.
    """
    intake = program_compartment(session, Kind.INTAKE)
    if not session.holds(intake):
        return
    rows = session.view.rows(
        "SELECT r.record, r.leaf, r.person, r.source FROM record r WHERE r.compartment = ?1 AND r.kind != 'forwarded'"
        " AND EXISTS (SELECT 1 FROM role o WHERE o.user = r.author AND o.role IN (?2, ?3, ?4))"
        " AND NOT EXISTS (SELECT 1 FROM record f WHERE f.kind = 'forwarded' AND f.compartment = ?1 AND f.deposit = 0"
        " AND f.person = r.person AND f.title = lower(hex(r.record)))",
        (intake, roles.FRONT_DESK, roles.ADMINISTRATOR, roles.MEDICAL_DIRECTOR),
    )
    targets = {place: intake_target(session, *place) for place in {(row[2], row[3]) for row in rows}}
    for record, leaf, person, source in rows:
        target = targets[(person, source)]
        if target is None:
            continue
        opened = session.open_revision(leaf)
        body = opened.body
        if not body.received:
            continue  # only what came from outside is passed on, under the name of who brought it in
        copy = session.body(
            work,
            record=session.rng.token(16),
            person=person,
            kind=body.kind,
            version=body.version,
            payload=body.payload,
            source=body.source,
            received=body.received,
            at_ms=body.at_ms,
            origin=Origin(body.record, opened.id, str(Kind.INTAKE), body.author, body.at_ms),
        )
        if session.holds(target):
            session.write(work, target, copy)
        else:
            session.deposit(work, target, copy, charts.kind_of(session, target, person))
        put(session, work, intake, FORWARDED, Forwarded(record=record.hex()), person=person)


def intake_target(session: Session, person: bytes, source: str) -> bytes | None:
    """Where a received record belongs (its `source` names the kind), or None while no member opened that
    compartment.
    """
    kind = source.partition(":")[2]
    if kind not in _RECEIVING:
        return None
    try:
        chart = charts.chart_of(session, person)
    except NotFound:
        return None
    return received_target(session, chart, kind)


def received_target(session: Session, chart: ChartMap, kind: str) -> bytes | None:
    """The compartment of a chart that takes a received record of a kind now, or None where nobody opened it yet."""
    wanted = [(kind, "")] if kind != Kind.SAFE else [(Kind.SAFE, role) for role in _AUTHOR_ROLES]
    for name, role in wanted:
        identifier = charts.reserved_id(chart, name, role)
        if _generated(session, identifier, name):
            return identifier
    return None


# The parts of a chart that take what came from outside.
_RECEIVING = frozenset({Kind.IND, Kind.SUD, Kind.MED, Kind.SAFE, Kind.PAY, Kind.CRISIS})
_STEPS = (
    _lost_roles,
    _walled_off,
    _rotations,
    _arrivals,
    _first_keys,
    _joint_keys,
    _program_keys,
    _hand_over,
    _on_call,
    _forward_intake,
)
