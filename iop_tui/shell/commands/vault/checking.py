"""`verify` and `audit`."""

from __future__ import annotations

from datetime import date
from typing import Any

from iop_tui.clinical.attachments import api as attachments
from iop_tui.clinical.compliance import service as compliance
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.errors import EXIT_DAMAGED, Usage, VaultDamaged, VaultMissing
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.shell.commands import environment
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.output import table
from iop_tui.shell.commands.unlocking import progress, unlock_once
from iop_tui.store.check import CheckFinding
from iop_tui.store.views.compare import compare_view
from iop_tui.workspace import Workspace, exchanging


def verify(call: Call) -> Answer:
    """The full check. A vault that is not opened for work any more is opened to look."""
    found = _in_batch(call) if call.in_batch else _verify(call)
    rows = [{"what": item.what, "where": item.where, "since": item.since or None} for item in found if item.alarm]
    notes = [f"Note: {item.what} ({item.where})." for item in found if not item.alarm]
    shown = [(row["what"], row["where"], row["since"]) for row in rows]
    lines = table(("what", "where", "since"), shown, empty="Everything fits.")
    return Answer({"ok": not rows, "findings": rows}, [*lines, *notes], EXIT_DAMAGED if rows else 0)


def _in_batch(call: Call) -> list[CheckFinding]:
    return _checks(call, call.ws)


def _verify(call: Call) -> list[CheckFinding]:
    options = call.opener.options
    env = environment.make(options.folder, options.now)
    try:
        ws = unlock_once(options.folder, env, options.user, call.opener.secrets, or_look=True)
    except VaultMissing:
        raise
    except VaultDamaged as error:
        return [CheckFinding(error.message, "vault")]
    call.opener.adopt(ws)
    return _checks(call, ws)


def _checks(call: Call, ws: Workspace) -> list[CheckFinding]:
    try:
        found = ws.verify(progress("Checking"))
        found += attachments.findings(ws, deep=call.args.deep, progress=progress("Checking attachments"))
        if call.args.deep and not any(item.alarm for item in found):
            ws.session.catch_up()
            found += compare_view(ws.session, ws.path / "views", progress("Reading everything"))
            found += exchanging.findings(ws)
    except VaultDamaged as error:
        return [CheckFinding(error.message, "vault.db")]
    return found


# -- audit ---------------------------------------------------------------------------------


def audit(call: Call) -> Answer:
    """Audited actions of a period: all for who holds the auditors' key, else this user's own."""
    args, ws = call.args, call.ws
    whose = str(getattr(args, "whose", "")) if call.in_batch or args.user else ""
    events = compliance.audit_report(
        ws,
        start=_day(args.start),
        end=_day(args.end),
        person=parse_id(args.person) if args.person else None,
        user=staff.user_by_name(ws, whose).id if whose else None,
    )
    rows: list[dict[str, Any]] = [
        {"seq": item.seq, "at": item.at, "user": show_id(item.user), "user_name": item.user_name,
         "device": show_id(item.device), "action": item.action, "person": show_id(item.person) if item.person else None,
         "category": item.category or None, "subject": show_id(item.subject) if item.subject else None,
         "detail": item.detail or None}
        for item in events
    ]  # fmt: skip
    shown = [
        (row["at"], row["user_name"], row["action"], row["person"], row["category"], row["detail"]) for row in rows
    ]
    return Answer(rows, table(("at", "who", "did", "person", "data", "detail"), shown, empty="No events."))


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Usage(f"{text!r} is no date.", "Write dates as 2026-11-21.") from None
