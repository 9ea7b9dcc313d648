"""The exchange behind the screens: one at a time, on a thread of its own, taking turns with what people write.

It goes on while pages are opened and left. A lock or the end of the program stops it between two packs.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from textual.signal import Signal
from textual.worker import Worker

from iop_tui.clinical.attachments import api as attachments
from iop_tui.exchange.carrying import Budget
from iop_tui.exchange.engine import Report, Turns
from iop_tui.exchange.remotes.patient import Struggle
from iop_tui.kernel.errors import Cancelled, IopError, Refused
from iop_tui.shell.exchange import words
from iop_tui.store.views.view import Changes
from iop_tui.ui.page import Desk
from iop_tui.workspace import Workspace, exchangestate, exchanging
from iop_tui.workspace.exchanging import RemoteLine

if TYPE_CHECKING:
    from iop_tui.shell.app import IopApp

T = TypeVar("T")
P = ParamSpec("P")
LOOK_SECONDS = 0.25
PART = "exchange"
"""The name of its part of the status line."""


class DeskTurns(Turns):
    """Turns on the desk's writing thread: a save waits for one step of the exchange at most, and it for the save."""

    def __init__(self, desk: Desk[Workspace]) -> None:
        self._desk = desk

    def take(self, job: Callable[[], T]) -> T:
        """Hand the step over and wait for it."""
        return self._desk.turn(job)


@dataclass(frozen=True, slots=True)
class Ended:
    """How the last exchange of this session ended: a line on it, and what somebody should know."""

    line: RemoteLine
    at_ms: int
    done: str
    alarms: tuple[str, ...] = ()
    report: Report | None = None
    failed: bool = False


class Runner:
    """Runs an exchange and says how far it is. `news` is published when that changed."""

    def __init__(self, app: IopApp) -> None:
        self._app = app
        self._pool = ThreadPoolExecutor(1, "exchange")
        self._carriers = ThreadPoolExecutor(1, "carrier")
        self._stopped = threading.Event()
        self._came: list[Changes] = []
        self.news: Signal[None] = Signal(app, "exchange")
        self.line: RemoteLine | None = None
        self.moved = 0
        self.expected = 0
        self.struggle = Struggle()
        self.ended: Ended | None = None
        self._worker: Worker[None] | None = None

    @property
    def running(self) -> bool:
        """Whether an exchange is going on."""
        return self.line is not None

    def free(self) -> None:
        """Raise `Refused` while an exchange is going on: for what may not change under it."""
        if self.line is not None:
            raise Refused(f"An exchange with {self.line.name} is going on.", "Wait for its end, or stop it with c.")

    async def ask(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask a carrier something off the event loop, on a thread that nothing else waits for."""
        return await asyncio.get_running_loop().run_in_executor(self._carriers, partial(call, *args, **kwargs))

    # -- beginning and ending --------------------------------------------------------------------

    def begin(self, line: RemoteLine, *, expected: int = 0, limit: int | None = None) -> None:
        """Start an exchange; `expected` bytes make the percentage. Raises `Refused` while another one is going on."""
        self.free()
        self.line, self.moved, self.expected, self.struggle = line, 0, expected, Struggle()
        self._stopped.clear()
        self._worker = self._app.run_worker(self._run(line, limit), group=PART)

    async def wait(self) -> None:
        """Wait for the end of an exchange that was begun, whichever it is."""
        if self._worker is not None:
            await self._worker.wait()

    def stop(self) -> None:
        """End it after the pack that is being moved; what was moved is safe."""
        self._stopped.set()

    def _work(self, line: RemoteLine, limit: int | None) -> Report:
        budget = Budget(limit, self._stopped.is_set, self._count, struggle=self.struggle)
        return exchanging.sync(
            self._app.ws, line, budget=budget, turns=DeskTurns(self._app.desk), changed=self._came.append,
            wishes=attachments.wishes(self._app.ws),
        )  # fmt: skip

    def _count(self, spent: int, total: int) -> None:
        self.moved, self.expected = spent, max(self.expected, total)

    async def _run(self, line: RemoteLine, limit: int | None) -> None:
        try:
            ended = await self._watched(line, limit)
        finally:
            self._stopped.set()
            self.line = None
        self._end(ended)
        if ended.report is not None:
            await self._afterwards()

    async def _watched(self, line: RemoteLine, limit: int | None) -> Ended:
        running = asyncio.wrap_future(self._pool.submit(self._work, line, limit))
        try:
            while not running.done():
                self._show()
                await asyncio.wait([running], timeout=LOOK_SECONDS)
                self._tell()
            return self._done(line, running.result())
        except IopError as error:
            return self._failed(line, error)

    def _done(self, line: RemoteLine, report: Report) -> Ended:
        now_ms = self._app.ws.clock.now_ms()
        done = f"{words.done(line.name, report)} {words.dropped(self.struggle)}".strip()
        return Ended(line, now_ms, done, tuple(words.alarms(report, now_ms)), report)

    def _failed(self, line: RemoteLine, error: IopError) -> Ended:
        text = f"{line.name}: {error.message} {error.hint}".strip()
        return Ended(line, self._app.ws.clock.now_ms(), text, failed=not isinstance(error, Cancelled))

    def _end(self, ended: Ended) -> None:
        self.ended = ended
        self._tell()
        if ended.failed:
            self._app.set_status(PART, "! exchange stopped", "bar_danger")
            self._app.notify(ended.done, severity="error")
        elif ended.alarms or (ended.report is not None and (ended.report.waiting or ended.report.missing)):
            self._app.set_status(PART, "! exchange", "bar_warn")
            first = ended.alarms[0] if ended.alarms else "Not everything could be taken in."
            self._app.notify(f"{first} g y shows more.", severity="warning")
        else:
            self._app.set_status(PART, "")
            self._app.notify(ended.done)
        self.news.publish(None)

    async def look(self) -> None:
        """Mark the status line where something of earlier exchanges needs somebody."""
        standing = await self._app.desk.read(exchangestate.standing)
        if any(tone != "dim" for _, tone in words.needs(standing)) and not self.running:
            self._app.set_status(PART, "! exchange", "bar_warn")

    async def _afterwards(self) -> None:
        """What an unlock does too: a view that lost something is built anew, what the program owes is done."""
        try:
            await self._app.chores.read_in()
        except IopError as error:
            self._app.notify(f"{error.message} {error.hint}".strip(), severity="error")

    # -- saying ----------------------------------------------------------------------------------

    def _tell(self) -> None:
        """Pages refresh where something came that concerns them."""
        came = Changes()
        while self._came:
            came.merge(self._came.pop(0))
        if came.records or came.persons or came.access:
            self._app.told(came)

    def share(self) -> str:
        """How far it is, in percent where that is known."""
        if not self.expected:
            return ""
        return f"{min(99, 100 * self.moved // self.expected)} %"

    def _show(self) -> None:
        self._app.set_status(PART, f"exchanging {self.share()}".strip(), "bar_accent")
        self.news.publish(None)
