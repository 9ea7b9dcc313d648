"""Acts of access: assign a clinician, link a couple."""

from __future__ import annotations

from iop_tui.access import policy, roles
from iop_tui.access.settle import settle
from iop_tui.clinical.couples import api as coupling
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.people import service as people
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.errors import Usage
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.workspace import Workspace

_ASSIGNABLE = (*policy.CARE_ROLES, roles.MEDICAL_DIRECTOR, roles.SUPERVISOR)


def assign(call: Call) -> Answer:
    """A user's part in a person's care begins, or ends with `--end`."""
    ws = call.ws
    person, user = parse_id(call.args.person), staff.user_by_name(ws, call.args.who)
    people.header(ws, person)
    if call.args.end:
        people.end_care(ws, person, user.id)
        return Answer({"person": show_id(person), "user": show_id(user.id), "ended": True}, [f"Ended: {user.name}."])
    role = _role(call.args.role, user.roles)
    if call.args.partner_agreed:
        _cleared(ws, person, user.id, call.args.partner_agreed)
    people.assign(ws, person, user.id, role)
    settle(ws.session, ws.registry)
    value = {"person": show_id(person), "user": show_id(user.id), "role": role}
    return Answer(value, [f"Assigned: {user.name}, {role}."])


def _cleared(ws: Workspace, person: bytes, user: bytes, how: str) -> None:
    """The other partner's written agreement, before somebody of an ended couple's care sees one of them alone."""
    pair = coupling.couple_of(ws, person)
    if pair is None:
        raise Usage("This person was part of no couple.", "Leave --partner-agreed out.")
    coupling.clear_conflict(ws, pair.id, user, person, method=how)


def _role(given: str, held: tuple[str, ...]) -> str:
    if given:
        return given
    fitting = [role for role in _ASSIGNABLE if role in held]
    if len(fitting) > 1:
        raise Usage(f"Which part: {' or '.join(fitting)}?", "Add --role ROLE.")
    return fitting[0] if fitting else held[0]


def link_couple(call: Call) -> Answer:
    """Link two people and their couples therapist."""
    ws = call.ws
    a, b = parse_id(call.args.a), parse_id(call.args.b)
    for person in (a, b):
        people.header(ws, person)
    therapist = staff.user_by_name(ws, call.args.therapist)
    couple, _ = couples.link(ws, a, b, therapist.id)
    settle(ws.session, ws.registry)
    value = {"id": show_id(couple), "a": show_id(a), "b": show_id(b), "couples_therapist": show_id(therapist.id)}
    return Answer(value, [f"Linked as {show_id(couple)}."])
