"""A caseload moves to a colleague, or a colleague stands in until a day.

Each step is done by whoever may do it: the front desk (or who else assigns) puts the colleague into the care team, the
holder of the keys hands them over, and only then the old part ends, so that no note becomes unreadable. Running a
transfer again goes on where it stopped. None of this is break-glass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from iop_tui.access import chartkeys, charts, handover, policy, roles, settle
from iop_tui.access.attempts import attempted
from iop_tui.access.charts import CoupleLink
from iop_tui.access.primitives import Target
from iop_tui.access.wall import CareFact
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.clock import day_start, local_date
from iop_tui.kernel.errors import NoKey, NotFound, RoleRefused, RuleRefused
from iop_tui.kernel.ids import parse_id
from iop_tui.workspace import Workspace

PARTS = (*policy.CARE_ROLES, roles.MEDICAL_DIRECTOR)
DESK = "the front desk, the medical director or the privacy officer"


@dataclass(frozen=True, slots=True)
class TransferLine:
    """How far one person's (or couple's) transfer is. `waiting_for` names who does the next step; empty when done."""

    subject: bytes
    role: str
    assigned: bool
    handed_over: bool
    ended: bool
    waiting_for: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part that moves: a person's, or a couple's where the role is the couples therapist's."""

    subject: bytes
    role: str
    targets: tuple[Target, ...]
    link: CoupleLink | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """From whom to whom; `until` a day for who stands in."""

    frm: bytes
    to: bytes
    until: date | None

    @property
    def end_ms(self) -> int:
        """When the receiver's part ends (0: it does not)."""
        return day_start(self.until) if self.until is not None else 0


def transfer(
    ws: Workspace,
    frm: bytes,
    to: bytes,
    *,
    persons: Sequence[bytes] = (),
    role: str = "",
    until: date | None = None,
) -> list[TransferLine]:
    """Move a clinician's part in the care of some people (or of everyone) to a colleague; `until` a day: stand in.

    Does what this user may do and says what waits for whom. Raises `RuleRefused`, `WallRefused`, `RoleRefused` before
    anything is written where no part may move at all; a refusal is audited.
    """
    move = Move(frm, to, until)
    with attempted(ws.session, "transfer", subject=to):
        check_move(ws, move)
        if ws.user.user == frm:
            settle.settle(ws.session)  # a key that is owed is made first, so that the hand-over holds every one
        parts = parts_of(ws, frm, to, frozenset(persons), role)
        if not parts:
            raise RuleRefused("transfer.nothing", "There is nobody to transfer.", "Name the clinician who treats them.")
        return [_step(ws, part, move) for part in parts]


def check_move(ws: Workspace, move: Move) -> None:
    """Raise `RuleRefused` for a move that no part could make, whoever is concerned."""
    session = ws.session
    giver, receiver = session.card(move.frm), session.card(move.to)
    if move.frm == move.to:
        raise RuleRefused("transfer.same", "Choose a colleague.")
    if receiver.status != staff.ACTIVE:
        raise RuleRefused("transfer.receiver_left", f"{receiver.name} is suspended or has left.")
    if move.until is not None and move.until <= local_date(ws.clock.now_ms()):
        raise RuleRefused("transfer.until", "Standing in ends on a day in the future.")
    if not (assigns(ws) or ws.user.user == move.frm or _holds_for(ws, giver.user)):
        raise RuleRefused("transfer.role", "A caseload is moved by its clinician together with the front desk.")


def assigns(ws: Workspace) -> bool:
    """Whether it is this user's office to assign people."""
    return bool(roles.ASSIGNERS & set(ws.user.roles))


def _holds_for(ws: Workspace, giver: bytes) -> bool:
    """Whether this user treats somebody whom the giver treats, too: then they may hand over what both hold."""
    facts = charts.care_facts(ws.session)
    mine = {fact.person for fact in facts if fact.user == ws.user.user}
    return any(fact.user == giver and fact.person in mine for fact in facts)


def parts_of(ws: Workspace, frm: bytes, to: bytes, persons: frozenset[bytes], role: str) -> list[Part]:
    """The parts that move: those the giver has now, and those the receiver was given in their place before."""
    session = ws.session
    found = []
    for fact in sorted(_mine(session_facts(ws), frm), key=lambda item: (item.person, item.role)):
        if fact.role != roles.COUPLES_THERAPIST and role in ("", fact.role) and _wanted(fact.person, persons):
            try:
                targets = tuple(handover.part_targets(session, fact.person, fact.role))
            except NotFound:
                continue  # the directory entry is not this user's to read
            found.append(Part(fact.person, fact.role, targets))
    if role in ("", roles.COUPLES_THERAPIST):
        found += _joint_parts(ws, frm, to, persons)
    return found


def session_facts(ws: Workspace) -> list[CareFact]:
    """Every part in somebody's care that this user knows of."""
    return charts.care_facts(ws.session)


def _mine(facts: list[CareFact], user: bytes) -> list[CareFact]:
    return [fact for fact in facts if fact.user == user and fact.role in PARTS]


def _wanted(subject: bytes, persons: frozenset[bytes]) -> bool:
    return not persons or subject in persons


def _joint_parts(ws: Workspace, frm: bytes, to: bytes, persons: frozenset[bytes]) -> list[Part]:
    """Couples of the giver, and couples that are the receiver's already while the giver still has the part."""
    had = {fact.person for fact in session_facts(ws) if fact.user == frm and fact.role == roles.COUPLES_THERAPIST}
    found = []
    for couple, link in sorted(charts.couple_links(ws.session).items()):
        partners = {parse_id(link.a), parse_id(link.b)}
        in_charge = parse_id(link.therapist)
        ours = in_charge == frm or (in_charge == to and partners & had)
        if ours and (not persons or couple in persons or partners & persons):
            found.append(Part(couple, roles.COUPLES_THERAPIST, (handover.joint_target(couple, link),), link))
    return found


# -- one part ------------------------------------------------------------------------------


def _step(ws: Workspace, part: Part, move: Move) -> TransferLine:
    _check_cover(part, move)
    assigned = _assigned(ws, part, move) or _assign(ws, part, move)
    handed = assigned and _handed(ws, part, move)
    ended = handed and move.until is None and _end(ws, part, move)
    return _line(ws, part, move, (assigned, handed, ended))


def standing(ws: Workspace, part: Part, move: Move) -> TransferLine:
    """How far a part is, and that nothing stands against the rest; nothing is written.

    Raises what `transfer` would raise: `RuleRefused`, `WallRefused`, `RoleRefused`, `NotFound`.
    """
    _check_cover(part, move)
    assigned = _assigned(ws, part, move)
    if not assigned:
        _check_receiver(ws, part, move)
    handed = assigned and not handover.lacking(ws.session, list(part.targets), move.frm, move.to, until_ms=move.end_ms)
    ended = handed and move.until is None and not still_has(ws, part, move.frm)
    return _line(ws, part, move, (assigned, handed, ended))


def _line(ws: Workspace, part: Part, move: Move, done: tuple[bool, bool, bool]) -> TransferLine:
    assigned, handed, ended = done
    waiting = "" if ended or (handed and move.until is not None) else _waits_for(ws, move, assigned, handed)
    return TransferLine(part.subject, part.role, assigned, handed, ended, waiting)


def _check_cover(part: Part, move: Move) -> None:
    if part.link is not None and move.until is not None:
        raise RuleRefused("transfer.joint_cover", "Nobody stands in for a couples therapist: joint work pauses.")


def _check_receiver(ws: Workspace, part: Part, move: Move) -> None:
    """What speaks against the receiver: a role they lack, the wall (CR-1), one supervisor over both sides (CR-16)."""
    card = ws.session.card(move.to)
    if part.role not in card.roles:
        raise RoleRefused(f"{card.name} does not have the role {part.role}.", "Choose somebody else, or give the role.")
    if part.link is not None:
        handover.check_therapist(ws.session, part.link, move.to)
        return
    chartkeys.check_wall(ws.session, CareFact(move.to, part.subject, part.role), session_facts(ws))
    staff.check_assignment(ws, part.subject, move.to, part.role)


def still_has(ws: Workspace, part: Part, giver: bytes) -> bool:
    """Whether somebody is in the care team for a part, as far as this user knows."""
    people = (part.subject,) if part.link is None else (parse_id(part.link.a), parse_id(part.link.b))
    return any((fact.user, fact.role) == (giver, part.role) and fact.person in people for fact in session_facts(ws))


def _assigned(ws: Workspace, part: Part, move: Move) -> bool:
    """Whether the receiver has the part as things are now. Raises `WallRefused`: an entry in the care team is not
    enough where copies met and the wall took its keys back.
    """
    if part.link is not None:
        return handover.in_charge(ws.session, charts.couple_links(ws.session)[part.subject], move.to)
    return chartkeys.stands(ws.session, part.subject, move.to, part.role)


def _assign(ws: Workspace, part: Part, move: Move) -> bool:
    if not assigns(ws):
        return False
    if part.link is None:
        staff.check_assignment(ws, part.subject, move.to, part.role)
    work = ws.work()
    if part.link is not None:
        handover.change_therapist(ws.session, work, part.subject, move.to)
    else:
        today = local_date(work.at_ms)
        chartkeys.assign(ws.session, work, part.subject, move.to, part.role, since=today, until=move.until)
    ws.commit(work)
    return True


def _handed(ws: Workspace, part: Part, move: Move) -> bool:
    """Hand over what this user holds; whether the colleague then has everything the giver has."""
    session = ws.session
    missing = handover.lacking(session, list(part.targets), move.frm, move.to, until_ms=move.end_ms)
    if missing and not _may_hand(ws, part, move):
        return False
    work = ws.work()
    try:
        given = bool(missing) and handover.hand_over(
            session, work, missing, move.to, part.role, not_after_ms=move.end_ms
        )
    except NoKey:
        return False
    if given:
        ws.commit(work)
        missing = handover.lacking(session, list(part.targets), move.frm, move.to, until_ms=move.end_ms)
    return not missing


def _may_hand(ws: Workspace, part: Part, move: Move) -> bool:
    """The giver themself, or a colleague who treats the person, too."""
    if ws.user.user == move.frm or part.link is not None:
        return ws.user.user == move.frm
    return any(fact.person == part.subject for fact in settle.my_care(ws.session))


def _end(ws: Workspace, part: Part, move: Move) -> bool:
    """End the giver's part, now that nothing becomes unreadable by it: not while the wall suspends the receiver's."""
    if not assigns(ws) or not _assigned(ws, part, move):
        return False
    work = ws.work()
    if part.link is not None:
        handover.end_therapist(ws.session, work, charts.couple_links(ws.session)[part.subject], move.frm)
    else:
        fact = next(
            (f for f in charts.care_facts(ws.session, part.subject) if (f.user, f.role) == (move.frm, part.role)), None
        )
        if fact is None:
            return True
        chartkeys.end_part(ws.session, work, fact)
    ws.commit(work)
    settle.settle(ws.session)
    return True


def _waits_for(ws: Workspace, move: Move, assigned: bool, handed: bool) -> str:
    if assigned and not handed:
        return ws.session.card(move.frm).name
    return DESK


# -- leaving -------------------------------------------------------------------------------


def caseload_left(ws: Workspace, user: bytes) -> list[CareFact]:
    """Parts in somebody's care that a user still has, as far as this user knows: with them old notes would go."""
    return _mine(session_facts(ws), user)


def refuse_leaving(ws: Workspace, user: bytes) -> None:
    """Raise `RuleRefused` while a user who is to be removed still has a caseload; audited."""
    with attempted(ws.session, "remove-user", subject=user):
        left = caseload_left(ws, user)
        if left:
            people = len({fact.person for fact in left})
            raise RuleRefused(
                "turnover.caseload_left",
                f"{people} {'person is' if people == 1 else 'people are'} still in this clinician's care: what only"
                " they can open would become unreadable.",
                "Transfer the caseload first (`iop-tui transfer`); suspend the account if nobody may use it meanwhile.",
            )


def hand_overs_waiting(ws: Workspace) -> list[tuple[bytes, bytes, str]]:
    """(person, colleague, role) for every colleague who was given this user's own part and lacks this user's keys."""
    moving = {(fact.person, fact.role) for fact in settle.my_care(ws.session) if fact.role in PARTS}
    moving = {place for place in moving if place[1] != roles.COUPLES_THERAPIST}
    lost = charts.suspended(ws.session)
    found = []
    for fact in session_facts(ws):
        others = fact.user != ws.user.user and fact.id not in lost
        if others and (fact.person, fact.role) in moving and charts.in_directory(ws.session, fact):
            targets = handover.part_targets(ws.session, fact.person, fact.role)
            if handover.lacking(ws.session, targets, ws.user.user, fact.user):
                found.append((fact.person, fact.user, fact.role))
    return sorted(found)


def joint_hand_overs_waiting(ws: Workspace) -> list[tuple[bytes, bytes]]:
    """(couple, colleague) for every couple that another couples therapist was put in charge of and whose joint record
    only this user can hand over.
    """
    had = {fact.person for fact in _mine(session_facts(ws), ws.user.user) if fact.role == roles.COUPLES_THERAPIST}
    found = []
    for couple, link in sorted(charts.couple_links(ws.session).items()) if had else ():
        therapist, partners = parse_id(link.therapist), {parse_id(link.a), parse_id(link.b)}
        if link.ended is None and therapist != ws.user.user and partners & had:
            target = handover.joint_target(couple, link)
            if handover.lacking(ws.session, [target], ws.user.user, therapist):
                found.append((couple, therapist))
    return found
