"""Acts of access: assign, link, revoke; and who could read what."""

from __future__ import annotations

from typing import Any

from iop_tui.access import policy, primitives, roles
from iop_tui.access.explain import explain as readers_of
from iop_tui.access.settle import settle
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.people import service as people
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.errors import Usage
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.output import table
from iop_tui.shell.commands.records import record_of

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
    people.assign(ws, person, user.id, role)
    settle(ws.session, ws.registry)
    value = {"person": show_id(person), "user": show_id(user.id), "role": role}
    return Answer(value, [f"Assigned: {user.name}, {role}."])


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


def revoke(call: Call) -> Answer:
    """End every wrap an act gave."""
    ws = call.ws
    work = ws.work()
    act = parse_id(call.args.id)
    ended = primitives.revoke(ws.session, work, act)
    ws.session.note(work, "revoke", subject=act)
    ws.commit(work)
    return Answer({"id": show_id(act), "ended": ended}, [f"Ended {ended} grants."])


def explain(call: Call) -> Answer:
    """Everyone who could read a record now, from live wraps, each with the rule behind it."""
    ws = call.ws
    identifier = parse_id(call.args.id)
    readers = readers_of(ws.session, record_of(ws, identifier))
    rows: list[dict[str, Any]] = [
        {"user": show_id(reader.user), "name": reader.name, "roles": list(reader.roles), "via": reader.via,
         "act": reader.act, "rule": reader.rule, "since": reader.since, "until": reader.until or None}
        for reader in readers
    ]  # fmt: skip
    shown = [
        (row["name"], ", ".join(row["roles"]), row["via"], row["rule"], row["since"], row["until"]) for row in rows
    ]
    lines = table(("who", "roles", "by", "rule", "since", "until"), shown, empty="Nobody.")
    return Answer({"id": show_id(identifier), "readers": rows}, lines)
