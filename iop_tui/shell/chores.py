"""What runs behind the first screen: reading in what colleagues wrote, what the program owes, the full check."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

from iop_tui.clinical.turnover.api import notices
from iop_tui.kernel.errors import Cancelled, IopError
from iop_tui.shell.owed import settle_all
from iop_tui.ui.editpage import when
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
            await self._read_in()
            await asyncio.sleep(QUIET_BEFORE_CHECK)
            if self.running:
                await self._check()
        except Cancelled:
            return
        except IopError as error:
            self._app.set_status("check", f"! {error.message}", "bar_danger")
            self._app.notify(f"{error.message} {error.hint}".strip(), severity="error")

    # -- reading in ------------------------------------------------------------------------------

    async def _read_in(self) -> None:
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

    def _verify(self) -> list[Any]:
        return self._ws.verify(None, self._stopped.is_set)

    async def _thread(self, call: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(None, call)


def _settle(ws: Workspace) -> Any:
    return settle_all(ws)
