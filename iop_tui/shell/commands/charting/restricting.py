"""`restrict …`: what a person asked us not to tell whom, the privacy officer's decision, the end of it."""

from __future__ import annotations

from typing import Any

import msgspec

from iop_tui.clinical.restrictions import api as restrictions
from iop_tui.kernel.errors import Usage
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.output import table
from iop_tui.workspace import Workspace

WAYS = {
    "in-writing": restrictions.IN_WRITING, "by-word": restrictions.BY_WORD, "by-program": restrictions.BY_PROGRAM,
}  # fmt: skip


def listing(call: Call) -> Answer:
    """The requests of one person, or of everybody this user may know of, newest first."""
    person = parse_id(call.args.person) if call.args.person else None
    found = restrictions.lines(call.ws, person)
    shown = [(show_id(line.record), line.state, ", ".join(line.document.recipients), line.section) for line in found]
    lines = table(("id", "state", "not to be given to", "section"), shown, empty="No restriction was asked for.")
    return Answer([_plain(line) for line in found], lines)


def request(call: Call) -> Answer:
    """A request from standard input, taken down; what was paid in full is in force at once."""
    document = restrictions.RESTRICTION.parse(call.document())
    return _standing(call.ws, restrictions.record(call.ws, parse_id(call.args.person), document))


def agree(call: Call) -> Answer:
    """The privacy officer agrees to a request."""
    return _decide(call, agreed=True)


def refuse(call: Call) -> Answer:
    """The privacy officer refuses a request and says why."""
    return _decide(call, agreed=False)


def end(call: Call) -> Answer:
    """A restriction ends: with the person's word, or by the program, which then told the person."""
    if call.args.how not in WAYS:
        raise Usage("How does it end?", f"Add --how: {', '.join(WAYS)}.")
    identifier = parse_id(call.args.id)
    restrictions.end(call.ws, identifier, WAYS[call.args.how], reason=call.args.reason)
    return _standing(call.ws, identifier)


def _decide(call: Call, *, agreed: bool) -> Answer:
    identifier = parse_id(call.args.id)
    restrictions.decide(call.ws, identifier, agreed=agreed, reason=call.args.reason)
    return _standing(call.ws, identifier)


def _standing(ws: Workspace, identifier: bytes) -> Answer:
    """How a request stands now."""
    line = next(item for item in restrictions.lines(ws) if item.record == identifier)
    return Answer(_plain(line), [f"{show_id(line.record)}: {line.state} ({line.section})."])


def _plain(line: restrictions.RestrictionLine) -> dict[str, Any]:
    return {
        "id": show_id(line.record), "person": show_id(line.person), "state": line.state, "binds": line.binds,
        "section": line.section, "decided_on": line.decided_on.isoformat() if line.decided_on else None,
        "reason": line.reason or None, "until": line.until.isoformat() if line.until else None,
        "request": msgspec.to_builtins(line.document),
    }  # fmt: skip
