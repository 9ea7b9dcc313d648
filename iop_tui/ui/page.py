"""The base of the program's screens: title, content, status line, footer; queries and writes off the event loop.

The kit knows no clinical word and no store: `Desk` carries whatever object the queries need as their first argument.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar, cast

from textual.app import App, ComposeResult
from textual.binding import BindingsMap
from textual.css.query import NoMatches
from textual.events import ScreenResume
from textual.screen import Screen
from textual.signal import Signal
from textual.widget import Widget
from textual.worker import WorkerCancelled, WorkType

from iop_tui.kernel.errors import IopError
from iop_tui.ui.app import KitApp
from iop_tui.ui.frame.footer import FooterLine
from iop_tui.ui.frame.statusline import StatusLine
from iop_tui.ui.frame.titleline import TitleLine
from iop_tui.ui.text.editor import PASTE

W = TypeVar("W")
R = TypeVar("R")
P = ParamSpec("P")
HOLD_SECONDS = 5.0
"""Keys never wait longer than this for an answer that does not come."""
SAVE = "save"
"""The group of a page's work that stores what is written."""


class Desk(Generic[W]):
    """The one way from a screen to a service: `await desk.read(service.query, …)`, `await desk.write(service.act, …)`.

    The service's first argument is `subject`. Reads run on two threads, writes on one, in the order they were asked.
    `on_change` is called on the event loop with what a write returned.
    """

    def __init__(self, subject: W, on_change: Callable[[Any], None]) -> None:
        self.subject = subject
        self._on_change = on_change
        self._readers = ThreadPoolExecutor(2, "read")
        self._writer = ThreadPoolExecutor(1, "write")

    async def read(self, call: Callable[Concatenate[W, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The answer of a query."""
        return await self._run(self._readers, call, *args, **kwargs)

    async def write(self, call: Callable[Concatenate[W, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What a write returned; screens that show what it changed are told."""
        result = await self._run(self._writer, call, *args, **kwargs)
        self._on_change(result)
        return result

    async def keep(self, call: Callable[Concatenate[W, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """As `write`, for what no screen shows: the journal, a log entry."""
        return await self._run(self._writer, call, *args, **kwargs)

    async def _run(
        self, executor: Executor, call: Callable[Concatenate[W, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        job = partial(call, self.subject, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(executor, job)

    def turn(self, job: Callable[[], R]) -> R:
        """Do a job on the writing thread, in the order it was asked, and wait for it: for threads of their own that
        write now and then. Never called on the event loop.
        """
        return self._writer.submit(job).result()

    @property
    def readers(self) -> Executor:
        """The threads queries run on, for the sources of lists."""
        return self._readers


@dataclass(frozen=True, slots=True)
class Go:
    """A wish to open something: a place by name, what it is about, and words the place understands."""

    place: str
    ids: tuple[bytes, ...] = ()
    how: str = ""


class DeskApp(KitApp):
    """What pages need of the app: the desk, the status parts, the news."""

    desk: Desk[Any]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.parts: dict[str, tuple[str, str]] = {}
        self._held, self._held_until = 0, 0.0
        self.changed_signal: Signal[Any] = Signal(self, "changed")

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Keys typed meanwhile are for what comes after: a save before a question, for example."""
        self.hold()
        try:
            yield
        finally:
            self.release()

    def hold(self) -> None:
        """Keys wait until `release`: what they are for is not on the screen yet."""
        self._held += 1
        self._held_until = monotonic() + HOLD_SECONDS

    def release(self) -> None:
        """Keys go on."""
        self._held = max(0, self._held - 1)

    def opening(self) -> bool:
        """Whether keys wait."""
        return (self._held > 0 and monotonic() < self._held_until) or super().opening()

    def set_status(self, name: str, text: str, tone: str = "bar") -> None:
        """Show a part on the status line of this screen and of those that follow."""
        self.parts[name] = (text, tone)
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Page):
                screen.show_status()
                return

    def go(self, wish: Go) -> None:
        """Hook: open something. Answers at once; the page comes when its data is there."""

    def told(self, result: Any) -> None:
        """A write is done."""
        self.changed_signal.publish(result)


class Page(Screen[None]):
    """A screen of the program. Subclasses give `heading`, `places` and `content()`.

    `reload` is called when something was written and this page is seen (again).
    """

    BLANK: ClassVar[bool] = True
    DEFAULT_CSS = "Page { layout: vertical; }"
    places: ClassVar[tuple[str, ...]] = ()
    heading: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        self._stale = False
        self._seen = False

    @property
    def shell(self) -> DeskApp:
        """The app."""
        return cast(DeskApp, self.app)

    @property
    def desk(self) -> Desk[Any]:
        """The way to the services."""
        return self.shell.desk

    # -- building --------------------------------------------------------------------------------

    def _post_register(self, app: App[Any]) -> None:
        """Be as wide as the terminal from the start: Textual says so after everything was styled, which styles all of
        it once more.
        """
        super()._post_register(app)
        wide = self._get_breakpoint_classes(app.size.width, app.HORIZONTAL_BREAKPOINTS or [])
        self.update_classes(dict.fromkeys(wide, True), update=False)

    def compose(self) -> ComposeResult:
        """Title, content, status, footer."""
        self.give_keys(self, *self.places)
        yield TitleLine(self.heading)
        yield from self.content()
        yield StatusLine()
        yield FooterLine()

    def give_keys(self, widget: Widget, *places: str) -> None:
        """Bind the key table's keys of some places to a widget: the table, not the class, is where keys are written."""
        own = BindingsMap(self.shell.table.bindings(*places))
        widget._bindings = BindingsMap.merge([own, widget._bindings])  # before what Textual binds, Tab for example

    def content(self) -> Iterable[Widget]:
        """What stands between title and status line."""
        return ()

    def on_mount(self) -> None:
        """Show the status and listen to what is written."""
        self.show_status()
        self.shell.changed_signal.subscribe(self, self._news, immediate=True)

    def show_status(self) -> None:
        """Take the app's status parts over."""
        for line in self.query(StatusLine):
            for name, (text, tone) in self.shell.parts.items():
                line.set_part(name, text, tone)

    def retitle(self, text: str | None = None, context: str | None = None) -> None:
        """Change the title line; None keeps a side."""
        line = self.query_one(TitleLine)
        if text is not None:
            line.set_title(text, context)
        elif context is not None:
            line.set_context(context)

    # -- news ------------------------------------------------------------------------------------

    def _news(self, result: Any) -> None:
        if not self.concerns(result):
            return
        if self.is_current:
            self.reload()
        else:
            self._stale = True

    def on_screen_resume(self, event: ScreenResume) -> None:
        """Seen again: catch up with the status and with what was written meanwhile."""
        event.refresh_styles = event.refresh_styles and self._seen  # just made, just styled
        self._seen = True
        self.show_status()
        if self._stale:
            self._stale = False
            self.reload()

    def concerns(self, result: Any) -> bool:
        """Whether what a write returned may change what this page shows."""
        del result
        return True

    def reload(self) -> None:
        """Ask the services again."""

    # -- work ------------------------------------------------------------------------------------

    def start(
        self,
        work: Callable[..., Coroutine[Any, Any, Any]],
        *args: Any,
        group: str = "default",
        exclusive: bool = False,
    ) -> None:
        """Run `work(*args)` for this page; a refusal is said in words. `exclusive` drops what was asked before.

        What is of the group `save` begins when every paste before it has been looked at and stands where it belongs.
        """
        guarded = partial(self._guarded, group, work, *args)
        self.run_worker(cast(WorkType[None], guarded), group=group, exclusive=exclusive)

    async def _guarded(self, group: str, work: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> None:
        if group == SAVE:
            for paste in [one for one in self.workers if one.group == PASTE and one.node is self]:
                with suppress(WorkerCancelled):
                    await paste.wait()
        try:
            await work(*args)
        except IopError as error:
            self.refused(error)
        except NoMatches:
            if self in self.app.screen_stack:
                raise
            return  # the page was left while its answer was on the way; its widgets are gone

    def refused(self, error: IopError) -> None:
        """Say why something was not done."""
        self.app.notify(f"{error.message} {error.hint}".strip(), severity="error")

    def go(self, place: str, *ids: bytes, how: str = "") -> None:
        """Ask the app to open something."""
        self.shell.go(Go(place, ids, how))

    async def leaving(self) -> None:
        """Called before the page is left: keep what was typed."""

    def help_sections(self) -> Iterable[tuple[str, Iterable[tuple[str, str]]]]:
        """More help for this page: (heading, (label, text) pairs)."""
        return ()

    def action_back(self) -> None:
        """Go back one screen."""
        self.go("back")
