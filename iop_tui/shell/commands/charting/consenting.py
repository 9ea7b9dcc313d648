"""`authorize`, `revoke`, `explain`, `transfer`: what clients allow and end, who could read what, who takes over."""

from __future__ import annotations

from datetime import date
from typing import Any

from iop_tui.access import primitives
from iop_tui.access.attempts import attempted
from iop_tui.access.explain import Explanation
from iop_tui.access.settle import settle
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.staff import api as staff
from iop_tui.clinical.turnover import api as turnover
from iop_tui.kernel.errors import NotFound, ReauthNeeded, Usage
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.charting.records import record_of
from iop_tui.shell.commands.output import table
from iop_tui.shell.explaining import explained
from iop_tui.workspace import Workspace


def authorize(call: Call) -> Answer:
    """A consent from standard input, checked, recorded and carried out at once."""
    ws, document = call.ws, consents.CONSENT.parse(call.document())
    try:
        made = consents.authorize(ws, document)
    except ReauthNeeded:
        ws.confirm(call.opener.secrets.passphrase())
        made = consents.authorize(ws, document)
    shares = [
        {"user": show_id(item.user), "name": item.name, "act": show_id(item.act), "records": item.records}
        for item in made.shares
    ]
    value = {"id": show_id(made.id), "shares": shares, "cannot_undo": list(made.cannot_undo)}
    shown = [f"Shared with {item.name}: {item.records} records." for item in made.shares]
    return Answer(value, [f"Recorded {show_id(made.id)}.", *shown, *made.cannot_undo])


def revoke(call: Call) -> Answer:
    """End a consent, for everyone or for some recipients; or every key that one act gave. Final."""
    ws, identifier = call.ws, parse_id(call.args.id)
    received = _date(call.args.received)
    try:
        consents.consent(ws, identifier)
    except NotFound:
        return _revoke_act(ws, identifier)
    made = consents.revoke(
        ws, identifier, recipients=tuple(call.args.recipient), received_on=received, method=call.args.method
    )
    value = {"id": show_id(made.id), "ended": made.ended, "cannot_undo": list(made.cannot_undo)}
    return Answer(value, [f"Ended; {made.ended} shares closed.", *made.cannot_undo])


def _revoke_act(ws: Workspace, act: bytes) -> Answer:
    with attempted(ws.session, "revoke", subject=act):
        work = ws.work()
        ended = primitives.revoke(ws.session, work, act)
        ws.session.note(work, "revoke", subject=act)
        ws.commit(work)
    return Answer({"id": show_id(act), "ended": ended}, [f"Ended {ended} grants."])


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Usage(f"{text!r} is not a date.", "Write it as year-month-day.") from None


# -- who could read this -------------------------------------------------------------------


def explain(call: Call) -> Answer:
    """Everyone who could read a record now, from live wraps, each with the rule; every role; what askers would get."""
    ws = call.ws
    identifier = parse_id(call.args.id)
    found = explained(ws, _joint_of(ws, identifier) or record_of(ws, identifier))
    readers: list[dict[str, Any]] = [
        {"user": show_id(reader.user), "name": reader.name, "roles": list(reader.roles), "via": reader.via,
         "act": reader.act, "rule": reader.rule, "since": reader.since, "until": reader.until or None}
        for reader in found.readers
    ]  # fmt: skip
    roles = [
        {"role": line.role, "names": list(line.names), "inside": line.inside, "rule": line.rule} for line in found.roles
    ]
    asked = [
        {"who": item.who, "inside": item.inside, "rule": item.rule, "source": item.source} for item in found.asked
    ]
    value = {
        "id": show_id(identifier), "part": found.kind, "readers": readers, "roles": roles, "asked": asked,
        "on_call": list(found.on_call),
    }  # fmt: skip
    return Answer(value, _explained_lines(found))


def _joint_of(ws: Workspace, identifier: bytes) -> bytes:
    """A record of the joint record of the couple that an id names: who could read one could read all of it."""
    row = ws.view.one(
        "SELECT record FROM record WHERE person = ? AND kind IN ('couples_agreement', 'joint_plan', 'joint_note')"
        " ORDER BY id",
        (identifier,),
    )
    return bytes(row[0]) if row else b""


def _explained_lines(found: Explanation) -> list[str]:
    readers = [
        (r.name, ", ".join(r.roles), r.via, r.rule, r.since[:10], r.until[:10]) for r in found.readers
    ]
    roles = [(line.role, "in" if line.inside else "out", ", ".join(line.names), line.rule) for line in found.roles]
    asked = [(item.who, "in" if item.inside else "out", item.rule, item.source) for item in found.asked]
    glass = f"In an emergency, with a reason, logged and reviewed: {', '.join(found.on_call)}."
    return [
        *table(("who", "roles", "by", "rule", "since", "until"), readers, empty="Nobody."),
        *([glass] if found.on_call else []),
        "", *table(("role", "", "who", "rule"), roles, empty=""),
        "", *table(("asked today by", "", "rule", "source"), asked, empty="Nobody asks for this."),
    ]  # fmt: skip


# -- who takes over ------------------------------------------------------------------------


def transfer(call: Call) -> Answer:
    """Move a caseload, or part of it, to a colleague; `--until` a day: stand in. Run again, it goes on."""
    ws, args = call.ws, call.args
    frm, to = staff.user_by_name(ws, args.frm), staff.user_by_name(ws, args.to)
    persons = tuple(parse_id(text) for text in args.person)
    lines = turnover.transfer(ws, frm.id, to.id, persons=persons, role=args.role, until=_date(args.until))
    settle(ws.session)
    rows = [
        {"id": show_id(line.subject), "role": line.role, "assigned": line.assigned, "handed_over": line.handed_over,
         "ended": line.ended, "waiting_for": line.waiting_for or None}
        for line in lines
    ]  # fmt: skip
    done = ("assigned", "handed_over", "ended")
    shown = [
        (row["id"], row["role"], *("yes" if row[name] else "" for name in done), row["waiting_for"]) for row in rows
    ]
    return Answer(rows, table(("id", "part", "assigned", "handed over", "ended", "waits for"), shown, empty="Nothing."))


# -- lists ---------------------------------------------------------------------------------


def list_consents(call: Call) -> Answer:
    """The consents this user may read."""
    ws = call.ws
    person = parse_id(call.args.person) if call.args.person else None
    found = consents.consents(ws, person)
    rows = [
        {"id": show_id(line.id), "person": show_id(line.person), "form": line.document.variant, "state": line.state,
         "source": line.document.source or None, "recipients": [item.name for item in line.document.recipients],
         "open_to": [item.name for item in line.open_to], "topics": list(line.document.topics),
         "purpose": line.document.purpose, "from": line.starts.isoformat(),
         "until": line.until.isoformat() if line.until else None, "recorded_by": line.author_name}
        for line in found
    ]  # fmt: skip
    names = [", ".join(item.name for item in line.document.recipients) for line in found]
    shown = [
        (row["id"], row["state"], row["form"], to, row["until"]) for row, to in zip(rows, names, strict=True)
    ]
    return Answer(rows, table(("id", "state", "form", "to", "until"), shown, empty="No consents."))


def list_disclosures(call: Call) -> Answer:
    """The accounting of one person's disclosures (45 CFR 164.528)."""
    if not call.args.person:
        raise Usage("Whose disclosures?", "Add --person ID.")
    found = disclosures.accounting(call.ws, parse_id(call.args.person))
    rows = [
        {"at": row.at, "recipient": row.recipient, "address": row.address or None, "what": row.what,
         "purpose": row.purpose, "ground": row.basis, "by": row.discloser}
        for row in found.rows
    ]  # fmt: skip
    shown = [(row.at[:10], row.recipient, row.what, row.purpose, row.basis) for row in found.rows]
    lines = table(("date", "to", "what", "purpose", "ground"), shown, empty="Nothing was disclosed.")
    return Answer(rows, [*lines, found.closing])
