"""`reminders`: what is due as a calendar file of neutral busy times."""

from __future__ import annotations

from pathlib import Path

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.charting.reminders import reminders as times_of
from iop_tui.interchange.ical import calendar
from iop_tui.interchange.outfile import check_free, staged_file
from iop_tui.kernel.clock import to_datetime
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.workspace import Workspace


def export(ws: Workspace, path: Path) -> int:
    """Write the reminders of what is due; on how many days. Raises `AlreadyThere`, `DiskFull`, `MediumUnusable`."""
    check_free(path)
    times = times_of(ws, charting.due(ws))
    with staged_file(path, calendar(times, to_datetime(ws.clock.now_ms()))) as publish:
        publish()
    return len(times)


def reminders(call: Call) -> Answer:
    """One busy quarter of an hour on each morning on which something is due; nothing else leaves the vault."""
    path = Path(call.args.file)
    count = export(call.ws, path)
    return Answer({"file": str(path), "days": count}, [f"{count} {'day' if count == 1 else 'days'} written to {path}."])
