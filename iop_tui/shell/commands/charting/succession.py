"""`succession`, `consult`, `supervision`: who takes over without notice, who looks into a case, who supervises both."""

from __future__ import annotations

from datetime import date, timedelta

from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.staff import api as staff
from iop_tui.clinical.turnover import api as turnover
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.errors import Usage
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.output import table


def name(call: Call) -> Answer:
    """Name who takes over if you are gone without notice, and whose second signature it needs."""
    ws = call.ws
    successor, second = (staff.user_by_name(ws, text) for text in (call.args.successor, call.args.second))
    turnover.name_successor(ws, successor.id, second.id)
    left = [show_id(person) for person in turnover.unnamed(ws)]
    value = {"successor": show_id(successor.id), "second": show_id(second.id), "unnamed": left}
    lines = [f"{successor.name} takes over, with {second.name}'s signature."]
    return Answer(value, [*lines, *([f"{len(left)} people have nobody: choose somebody else."] if left else [])])


def approve(call: Call) -> Answer:
    """The second signature. The successor's next unlock takes over."""
    ws = call.ws
    user = staff.user_by_name(ws, call.args.who)
    lines = turnover.approve(ws, user.id, call.args.reason)
    rows = [
        {"person": show_id(line.person), "role": line.role, "refused": line.refused or None} for line in lines
    ]
    shown = [(row["person"], row["role"], row["refused"] or "approved") for row in rows]
    return Answer(rows, table(("person", "part", ""), shown, empty="Nobody."))


def consult(call: Call) -> Answer:
    """Let a supervisor, director, privacy officer or auditor read some records until a day."""
    ws, args = call.ws, call.args
    reader = staff.user_by_name(ws, args.reader)
    records = [parse_id(text) for text in args.ids]
    made = consents.consult(ws, records, reader.id, reason=args.reason, until=_until(call))
    value = {"act": show_id(made.act), "user": show_id(made.user), "records": made.records}
    return Answer(value, [f"{made.name} reads {made.records} records; `iop-tui revoke {show_id(made.act)}` ends it."])


def _until(call: Call) -> date:
    if not call.args.until:
        return local_date(call.ws.clock.now_ms()) + timedelta(days=7)
    try:
        return date.fromisoformat(call.args.until)
    except ValueError:
        raise Usage(f"{call.args.until!r} is not a date.", "Write it as year-month-day.") from None


def conflicts(call: Call) -> Answer:
    """Supervisors over more than one side of a couple."""
    ws = call.ws
    rows = [
        {"couple": show_id(item.couple), "supervisor": ws.session.card(item.supervisor).name,
         "authors": [ws.session.card(author).name for author in item.authors], "excepted": item.excepted or None}
        for item in staff.conflicts(ws)
    ]  # fmt: skip
    shown = [(row["couple"], row["supervisor"], row["excepted"] or "open") for row in rows]
    return Answer(rows, table(("couple", "supervisor", ""), shown, empty="No conflicts."))


def allow(call: Call) -> Answer:
    """Record why a supervisor stays over both sides of a couple, and what is done instead of reading both."""
    ws, args = call.ws, call.args
    supervisor, couple = staff.user_by_name(ws, args.who), couples.couple(ws, parse_id(args.couple))
    staff.except_supervisor(ws, supervisor.id, couple.id, option=args.instead, reason=args.reason)
    value = {"supervisor": show_id(supervisor.id), "couple": show_id(couple.id), "instead": args.instead}
    return Answer(value, [f"Recorded: {args.instead}."])
