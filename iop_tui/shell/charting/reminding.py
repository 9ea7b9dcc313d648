"""Asking where the reminders go, then writing them: busy times, no name, no reason."""

from __future__ import annotations

from pathlib import Path

from iop_tui.kernel.clock import local_date
from iop_tui.kernel.paths import typed
from iop_tui.shell.commands.charting.reminding import export
from iop_tui.ui.ask import AskLine
from iop_tui.ui.page import Page

SAYS = (
    "A calendar file with one quarter of an hour, called Busy, on each morning on which something is due. No name, no"
    " reason and not even a number leaves the vault."
)


async def write_reminders(page: Page) -> None:
    """Ask where, then write."""
    today = local_date(page.desk.subject.clock.now_ms())
    usual = Path.home() / f"iop-tui-reminders-{today.isoformat()}.ics"
    answer = await page.app.push_screen_wait(
        AskLine("Reminders for your calendar", SAYS, "File", value=str(usual), done="write")
    )
    if answer is None:
        return
    path = typed(answer[1])
    count = await page.desk.keep(export, path)
    page.app.notify(f"{count} {'day' if count == 1 else 'days'} written to {path}.")
