"""`users …` and `devices …`: the life of an account, from admission to removal."""

from __future__ import annotations

from typing import Any

from iop_tui.access import roles as known
from iop_tui.clinical.staff import api as staff
from iop_tui.clinical.staff import service
from iop_tui.clinical.turnover import api as turnover
from iop_tui.kernel.errors import ReauthNeeded
from iop_tui.kernel.ids import show_id
from iop_tui.kernel.text import clean_line
from iop_tui.shell.commands import environment
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.output import pairs, table
from iop_tui.shell.process.terminal import open_line
from iop_tui.shell.questions import Questions
from iop_tui.workspace import NewUser

_KIT = "Print the kit and keep it in a drawer; it is shown once. `iop-tui users confirm-kit` tests it."


def list_users(call: Call) -> Answer:
    """All users of the program."""
    rows = [_line(line) for line in staff.users(call.ws)]
    shown = [(row["id"], row["name"], ", ".join(row["roles"]), row["status"]) for row in rows]
    return Answer(rows, table(("id", "name", "roles", "status"), shown, empty="No users."))


def _line(line: staff.UserLine) -> dict[str, Any]:
    return {"id": show_id(line.id), "name": line.name, "roles": list(line.roles), "status": line.status}


def _taken(call: Call, new: NewUser, name: str, user_roles: tuple[str, ...]) -> Answer:
    value = {"id": show_id(new.user), "name": name, "roles": list(user_roles), "totp_uri": new.totp_uri, "kit": new.kit}
    lines = pairs([("user", name), ("id", value["id"])])
    own = pairs([("authenticator", new.totp_uri), ("recovery kit", new.kit)])
    if not call.opener.secrets.at_terminal or call.opener.options.json:
        return Answer(value, [*lines, *own, _KIT])
    with Questions(open_line()) as ask:
        ask.alone([f"For {name} alone; everybody else looks away.", "", *own, "", _KIT])
    return Answer(value, lines)


def add(call: Call) -> Answer:
    """Admit a user. The passphrase is typed by the new user and stays theirs."""
    granted = known.check(tuple(call.args.role))
    ws = call.ws
    phrase = call.opener.secrets.new_passphrase(f"Passphrase of {call.args.name}, typed by them")
    try:
        new = service.add_user(ws, name=call.args.name, user_roles=granted, phrase=phrase)
    finally:
        phrase[:] = bytes(len(phrase))
    answer = _taken(call, new, clean_line(call.args.name), granted)
    return Answer(answer.value, [*answer.lines, *known.consequences(granted)])


def roles(call: Call) -> Answer:
    """Change a user's roles."""
    granted = known.check(tuple(call.args.role))
    line = staff.user_by_name(call.ws, call.args.who)
    service.set_roles(call.ws, line.id, granted)
    value = {"id": show_id(line.id), "name": line.name, "roles": list(granted)}
    return Answer(value, [f"{line.name}: {', '.join(granted)}.", *known.consequences(granted)])


def suspend(call: Call) -> Answer:
    """Take a user's vault key away on this copy."""
    line = staff.user_by_name(call.ws, call.args.who)
    service.suspend(call.ws, line.id)
    return _changed(call, line.id)


def resume(call: Call) -> Answer:
    """End a suspension."""
    line = staff.user_by_name(call.ws, call.args.who)
    service.resume(call.ws, line.id)
    return _changed(call, line.id)


def remove(call: Call) -> Answer:
    """Remove a user who has handed over their caseload."""
    line = staff.user_by_name(call.ws, call.args.who)
    turnover.refuse_leaving(call.ws, line.id)
    service.remove(call.ws, line.id)
    return _changed(call, line.id)


def complete(call: Call) -> Answer:
    """Give a user the program's keys their roles are owed."""
    line = staff.user_by_name(call.ws, call.args.who)
    given = service.complete(call.ws, line.id)
    return Answer({"id": show_id(line.id), "given": given}, [f"Given to {line.name}: {', '.join(given)}."])


def _changed(call: Call, user: bytes) -> Answer:
    value = next(_line(line) for line in staff.users(call.ws) if line.id == user)
    return Answer(value, [f"{value['name']}: {value['status']}."])


def _fresh(call: Call) -> None:
    try:
        call.ws.need_fresh()
    except ReauthNeeded:
        call.ws.confirm(call.opener.secrets.passphrase())


def passphrase(call: Call) -> Answer:
    """A new passphrase for the user at the keyboard."""
    _fresh(call)
    phrase = call.opener.secrets.new_passphrase()
    try:
        service.change_passphrase(call.ws, phrase)
    finally:
        phrase[:] = bytes(len(phrase))
    return Answer({"changed": True}, ["The new passphrase is in force."])


def kit(call: Call) -> Answer:
    """A new recovery kit for the user at the keyboard."""
    _fresh(call)
    text = service.new_kit(call.ws)
    return Answer({"kit": text}, [text, _KIT])


def confirm_kit(call: Call) -> Answer:
    """Test the kit by really opening the slot with it."""
    service.confirm_kit(call.ws, call.opener.secrets.kit())
    return Answer({"kit_tested": True}, ["The recovery kit works."])


def lost_phone(call: Call) -> Answer:
    """Open with the kit: a new passphrase, code and kit; the old ones stop working at once."""
    options, secrets = call.opener.options, call.opener.secrets
    env = environment.make(options.folder, options.now)
    text = secrets.kit()
    phrase = secrets.new_passphrase()
    try:
        new = service.lost_phone(options.folder, env, name=options.user, kit=text, phrase=phrase)
    finally:
        phrase[:] = bytes(len(phrase))
    value = {"id": show_id(new.user), "totp_uri": new.totp_uri, "kit": new.kit}
    return Answer(value, [*pairs([("authenticator", new.totp_uri), ("recovery kit", new.kit)]), _KIT])
