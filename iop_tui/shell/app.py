"""The program behind the prompt: one user's open vault on screens. It ends by lock, quit, idle time-out or hang-up."""

from __future__ import annotations

import importlib
import signal
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events
from textual.binding import BindingType
from textual.worker import WorkType

from iop_tui.kernel.errors import IopError
from iop_tui.shell import config as configuration
from iop_tui.shell.chores import Chores
from iop_tui.shell.keymap import TABLE
from iop_tui.shell.navigator import Navigator
from iop_tui.shell.process.hangup import LOCKED, SleepWatch
from iop_tui.shell.screens.today import Today, TodayData
from iop_tui.ui import theme as themes
from iop_tui.ui.forms.draftpage import DraftPage
from iop_tui.ui.frame.palette import Entry
from iop_tui.ui.keys import EVERYWHERE
from iop_tui.ui.page import Desk, DeskApp, Go, Page
from iop_tui.workspace import Workspace

if TYPE_CHECKING:
    from iop_tui.shell.attaching.viewing import Viewing
    from iop_tui.shell.exchange.runner import Runner
    from iop_tui.shell.process.hangup import Hangup

WATCH_SECONDS = 5.0
WARN_SECONDS = 30.0
SLEPT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Opening:
    """What the app starts with: the vault, what Today shows, and the process around it (none in tests)."""

    ws: Workspace
    today: TodayData | None = None
    hangup: Hangup | None = None
    tell: Callable[[str, str], None] = lambda message, hint: None
    config: configuration.Config = field(default_factory=configuration.Config)
    chores: bool = True


class IopApp(DeskApp):
    """Screens over one workspace."""

    keys = TABLE
    BINDINGS: ClassVar[list[BindingType]] = [*TABLE.bindings(EVERYWHERE)]

    def __init__(self, opening: Opening) -> None:
        chosen = opening.config
        super().__init__(theme=themes.choose(chosen.theme), keymap=dict(chosen.keys) or None)
        self.ws, self.config = opening.ws, chosen
        self.desk: Desk[Workspace] = Desk(opening.ws, self.told)
        self.navigator = Navigator(self)
        self.chores = Chores(self, opening.ws)
        self.base = 2
        self._opening = opening
        self._touched = time.monotonic()
        self._warned = False
        self._sleep = SleepWatch()
        self._sealed = False
        self._copied: Any = None

    # -- start -----------------------------------------------------------------------------------

    async def on_mount(self) -> None:
        """Today, then everything that may wait."""
        if self._opening.hangup is not None:
            self._opening.hangup.before_end(self.seal)
        if self.ws.demo:
            self.set_status("demo", "DEMO", "bar_warn")
        for name, text in (("vault", self.ws.path.name), ("user", self.ws.user.name), ("draft", ""), ("work", "")):
            self.set_status(name, text)
        await self.push_screen(Today(self._opening.today))
        self.base = len(self.screen_stack)
        self.set_interval(WATCH_SECONDS, self._watch)
        self.call_after_refresh(self._later)

    def _later(self) -> None:
        if self._opening.hangup is not None:
            self._opening.hangup.install()
        threading.Thread(target=_load_the_rest, name="load", daemon=True).start()
        for problem in self.config.problems:
            self.notify(problem, severity="warning")
        for finding in self.ws.findings:
            self.notify(f"{finding.what} ({finding.where}).", severity="warning")
        if self._opening.chores:
            self.run_worker(self.chores.run(), group="chores")

    @cached_property
    def exchange(self) -> Runner:
        """The exchange that may run behind the screens; loaded when it is wanted first."""
        from iop_tui.shell.exchange.runner import Runner

        return Runner(self)

    @cached_property
    def viewing(self) -> Viewing:
        """The programs that show files of charts; they end with this one."""
        from iop_tui.shell.attaching.viewing import Viewing

        return Viewing()

    # -- ways between screens --------------------------------------------------------------------

    def go(self, wish: Go) -> None:
        """Open something; a second wish while one is being fulfilled is dropped."""
        if self.navigator.begin():
            self.run_worker(cast(WorkType[None], partial(self._go, wish)), group="go")

    async def _go(self, wish: Go) -> None:
        try:
            await self.navigator.go(wish)
        except IopError as error:
            self.notify(f"{error.message} {error.hint}".strip(), severity="error")

    def action_go(self, place: str) -> None:
        """From the keys and the palette."""
        self.go(Go(place))

    def action_safety_plan(self) -> None:
        """The safety plan of the person at hand, over whatever is open."""
        from iop_tui.shell.care.ways import person_of

        person = person_of(self.screen) if isinstance(self.screen, Page) else b""
        if person:
            self.go(Go("safetyplan", (person,)))
        else:
            self.notify("Whose safety plan? Put the cursor on a person, or open a chart.", severity="warning")

    def action_who_reads(self) -> None:
        """Who could read the line under the cursor of an editor, or what a reader shows."""
        self.run_worker(cast(WorkType[None], self._who_reads), group="who", exclusive=True)

    async def _who_reads(self) -> None:
        from iop_tui.shell import whoreads

        await whoreads.show(self)

    async def on_event(self, event: events.Event) -> None:
        """Every key puts the time-out off."""
        if isinstance(event, events.Key | events.Paste | events.MouseDown):
            self._touched, self._warned = time.monotonic(), False
        await super().on_event(event)

    def opening(self) -> bool:
        """Keys typed while a page opens are for that page."""
        return self.navigator.busy or super().opening()

    # -- the program's own clipboard ---------------------------------------------------------------

    def copied(self) -> None:
        """Remember where the clipboard's text is from; what that means is looked up when it is pasted."""
        from iop_tui.shell.couples.clipboard import copied_from

        self._copied = copied_from(self.screen, self.clipboard)

    def source_of(self, text: str) -> Any:
        """Where the clipboard's text was copied."""
        del text
        return self._copied

    def vets(self, screen: Any) -> bool:
        """Whether a screen writes about somebody."""
        from iop_tui.shell.couples.clipboard import place_of

        return place_of(screen) is not None

    async def vetted(self, screen: Any, text: str, source: Any) -> str:
        """A paste, looked at by program rule CR-5. Raises `RuleRefused`."""
        from iop_tui.shell.couples.clipboard import place_of, vet

        place = place_of(screen)
        return text if place is None else await self.desk.keep(vet, place, text, source)

    # -- help, palette, settings -----------------------------------------------------------------

    def help_sections(self) -> Iterable[tuple[str, Iterable[tuple[str, str]]]]:
        """What the page in front explains."""
        return self.screen.help_sections() if isinstance(self.screen, Page) else ()

    def palette_entries(self) -> Iterable[Entry]:
        """The themes."""
        for name in themes.PALETTES:
            yield Entry(f"Theme: {name}", "how it looks", call=lambda name=name: self.configure(f"theme={name}"))  # type: ignore[misc]

    def configure(self, change: str) -> None:
        """Change a setting, `theme=light`, and keep it."""
        name, _, value = change.partition("=")
        if name == "theme":
            self.config = replace(self.config, theme=value)
            self.theme = value
        elif name == "lock_minutes":
            self.config = replace(self.config, lock_minutes=int(value))
        elif name == "note_format":
            self.config = replace(self.config, note_format=value)
        try:
            configuration.save(self.config)
        except OSError:
            self.notify("The setting holds for this session; its file cannot be written.", severity="warning")

    # -- end -------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """The idle time-out, and a computer that slept."""
        left = self.config.lock_minutes * 60 - (time.monotonic() - self._touched)
        if left <= 0 or self._sleep.slept() > SLEPT_SECONDS:
            self.action_lock()
        elif left <= WARN_SECONDS and not self._warned:
            self._warned = True
            self.notify("Nobody typed for a while: locking in half a minute. Any key goes on.", severity="warning")

    def seal(self) -> None:
        """Unsaved text into the journal, then the vault closed. On the main thread, whatever the program is doing."""
        if self._sealed:
            return
        self._sealed = True
        self.chores.stop()
        self._end_viewing()
        self.seal_text()
        self.ws.close()

    def seal_text(self) -> None:
        """Unsaved text of every open editor into the journal."""
        for page in self.screen_stack:
            if isinstance(page, DraftPage) and page.unkept():
                page.keep_now(self.ws)

    def action_lock(self) -> None:
        """Lock: the process ends within 300 ms, the parent clears the terminal and asks again."""
        if self._opening.hangup is not None:
            self._opening.hangup.lock()
        self.seal()
        self.exit(return_code=LOCKED)

    def _end_viewing(self) -> None:
        if "viewing" in self.__dict__:
            self.viewing.end()

    async def action_quit(self) -> None:
        """Quit; unsaved text waits in the journal."""
        self.chores.stop()
        self._end_viewing()
        self.seal_text()
        self.exit(return_code=0)

    def on_hangup(self, reason: str) -> None:
        """The terminal is gone, or the system ends."""
        number = signal.SIGTERM if reason == "SIGTERM" else signal.SIGHUP
        if self._opening.hangup is not None:
            self._opening.hangup.end(128 + number)
        self.seal()
        self.exit(return_code=128 + number)

    def crashed(self, error: BaseException, reference: str) -> None:
        """Keep the text, note type and place of the failure in the sealed log, tell the parent what to print."""
        self.chores.stop()
        self._opening.tell(
            f"Something failed (ref {reference}). Your draft is saved.", "Unlock again to go on where you were."
        )
        try:
            self.seal_text()
            work = self.ws.work()
            self.ws.session.note(work, "crash", detail=f"{reference} {_place(error)}")
            self.ws.commit(work)
        except Exception:  # the program is ending because of another failure: that one is told, nothing may hide it
            return


def _load_the_rest() -> None:
    """Screens that one may go to next, imported while the first one is looked at."""
    for name in ("clinical.notes.screens", "shell.screens.record", "shell.screens.search", "clinical.people.screens"):
        importlib.import_module(f"iop_tui.{name}")


def _place(error: BaseException) -> str:
    """Type, module and line of a failure; never its message."""
    trace: Any = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace is not None else "?"
    return f"{type(error).__name__} at {where}"
