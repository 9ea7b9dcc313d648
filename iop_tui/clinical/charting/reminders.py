"""Times that a calendar outside the vault may know: nothing but when. No name, no kind, no reason leaves.

Identifiers look random and stay the same for the same reminder, so that a calendar replaces what it imported before:
they are derived with the user's own key, and say nothing without it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from iop_tui.clinical.compliance.api import DueLine
from iop_tui.kernel.ids import show_id
from iop_tui.vault.digest import derive
from iop_tui.workspace import Workspace

MORNING = time(8, 30)
LENGTH = timedelta(minutes=15)
_CONTEXT = "iop/reminder/1"


@dataclass(frozen=True, slots=True)
class Busy:
    """A time to keep free: an identifier that says nothing, and UTC times."""

    uid: str
    start: datetime
    stop: datetime


def reminders(ws: Workspace, lines: Iterable[DueLine]) -> list[Busy]:
    """One quarter of an hour on the morning (this machine's) of each day on which something is due.

    Several things due on one day are one reminder: not even their number leaves the vault.
    """
    days = sorted({line.due for line in lines})
    key = ws.user.self_key.reveal()
    found = []
    for day in days:
        start = datetime.combine(day, MORNING).astimezone(UTC)
        uid = show_id(derive(key, _CONTEXT, ws.realm, day.isoformat().encode(), size=16))
        found.append(Busy(uid, start, start + LENGTH))
    work = ws.work()
    ws.session.note(work, "export", detail="reminders")
    ws.commit(work)
    return found
