"""What runs behind the first screen: reading in what colleagues wrote, what the program owes, the full check."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iop_tui.clinical.turnover.api import notices
from iop_tui.kernel.errors import Cancelled, IopError
from iop_tui.shell.owed import settle_all
from iop_tui.ui.forms.editpage import when
from iop_tui.workspace import Workspace

if TYPE_CHECKING:
    from iop_tui.shell.app import IopApp

AT_ONCE = 300
"""So many revisions are read in before the first screen; more are read in behind it."""
SECONDS_BETWEEN_REPORTS = 1.0
QUIET_BEFORE_CHECK = 1.0


class Chores:
    """The background work of one session. `stop` ends it between two chunks."""

    def __init__(self, app: IopApp, ws: Workspace) -> None:
        self._app, self._ws = app, ws
        self._stopped = threading.Event()
        self._said_at = 0.0

    def stop(self) -> None:
        """Before a lock: nothing goes on that is longer than a chunk."""
        self._stopped.set()

    @property
    def running(self) -> bool:
        """Whether nobody stopped it."""
        return not self._stopped.is_set()

    async def run(self) -> None:
        """Everything in its order. A failure is said and ends the rest, never the program."""
        try:
            await self.read_in()
            await self._exchange()
            await asyncio.sleep(QUIET_BEFORE_CHECK)
            if self.running:
                await self._check()
        except Cancelled:
            return
        except IopError as error:
            self._app.set_status("check", f"! {error.message}", "bar_danger")
            self._app.notify(f"{error.message} {error.hint}".strip(), severity="error")

    # -- reading in ------------------------------------------------------------------------------

    async def read_in(self) -> None:
        """What came is read in, a view that lost something built anew, what the program owes done."""
        changes: Any = None
        if self._ws.behind():
            changes = await self._thread(self._catch_up)
            self._app.set_status("work", "")
        if self._ws.purge_owed():
            self._app.set_status("work", "rebuilding your view", "bar_accent")
            await self._thread(self._rebuild)
            self._app.set_status("work", "")
        self._app.told(changes)
        await self._app.desk.write(_settle)
        for notice in await self._app.desk.read(notices):
            self._app.notify(f"{notice.text} ({notice.rule})", severity="warning")

    async def _exchange(self) -> None:
        if await self._app.desk.read(_exchanges):
            await self._app.exchange.look()

    def _catch_up(self) -> Any:
        return self._ws.session.catch_up(self._report_reading, self._stopped.is_set)

    def _rebuild(self) -> None:
        self._ws.rebuild_view(self._report_reading, self._stopped.is_set)

    def _report_reading(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._said_at >= SECONDS_BETWEEN_REPORTS and self.running:
            self._said_at = now
            self._app.call_from_thread(self._say_reading, done, total)

    def _say_reading(self, done: int, total: int) -> None:
        self._app.set_status("work", f"reading in {done:,} of {total:,}", "bar_accent")
        self._app.told(None)

    # -- the full check --------------------------------------------------------------------------

    async def _check(self) -> None:
        self._app.set_status("check", "checking", "bar_dim")
        found = await self._thread(self._verify)
        alarms = [item for item in found if item.alarm]
        for item in found:
            self._app.notify(f"{item.what} ({item.where})", severity="error" if item.alarm else "warning")
        if alarms:
            self._app.set_status("check", f"! CHECK FAILED: {len(alarms)}", "bar_danger")
        else:
            self._app.set_status("check", f"checked {when(self._ws.clock.now_ms)}", "bar")
            if self.running:
                await self._backup()

    def _verify(self) -> list[Any]:
        from iop_tui.clinical.attachments import api as attachments  # the exchange comes with it: not at every start

        found = self._ws.verify(None, self._stopped.is_set)
        return found + attachments.findings(self._ws, cancelled=self._stopped.is_set)

    # -- the scheduled backup --------------------------------------------------------------------

    async def _backup(self) -> None:
        """After a complete check that found nothing, where the schedule asks for one. Writes go on meanwhile."""
        folder = self._app.config.backup_folder
        if not folder:
            return
        from iop_tui.workspace import backingup  # loaded when a backup may be due, not at every start

        schedule = backingup.Schedule(Path(folder), self._app.config.backup_hours)
        if not backingup.due(self._ws, schedule):
            return
        self._app.set_status("work", "backing up", "bar_accent")
        try:
            target = await self._thread(lambda: backingup.place(self._ws, schedule))
            await self._app.desk.write(backingup.begin)
            copied = await self._thread(lambda: backingup.copy(self._ws, target, self._stopped.is_set))
            await self._app.desk.write(backingup.finish, target, copied)
            await self._thread(lambda: backingup.thin(self._ws, schedule))
            self._app.told(None)
        except Cancelled:
            return  # the next unlock makes it
        except IopError as error:
            self._app.notify(f"No backup was made. {error.message} {error.hint}".strip(), severity="warning")
        finally:
            self._app.set_status("work", "")

    async def _thread(self, call: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(None, call)


def _exchanges(ws: Workspace) -> bool:
    from iop_tui.workspace import exchanging

    return exchanging.ready(ws)


def _settle(ws: Workspace) -> Any:
    return settle_all(ws)
