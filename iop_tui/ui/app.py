"""The safe base of the app: no devtools, no screenshots, no tracebacks, no markup from data.

A failure ends the program with one plain sentence and a reference; what it was goes to a hook that
may write it to an encrypted log. Losing the terminal, SIGHUP and SIGTERM go to a hook that seals
what is unsaved.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterable
from typing import Any, ClassVar

from rich.color import ColorSystem
from rich.console import RenderableType
from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.dom import DOMNode
from textual.filter import Monochrome, NoColor
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.signal import Signal
from textual.theme import Theme
from textual.widget import Widget

from iop_tui.kernel.text import clean_line
from iop_tui.ui import theme as themes
from iop_tui.ui.dialogs import MessageList, WhichKey
from iop_tui.ui.frame.helpscreen import HelpScreen
from iop_tui.ui.frame.palette import Entry, Palette
from iop_tui.ui.keys import KIT, Action, KeyTable, normal
from iop_tui.ui.stylesheet import SharedStylesheet
from iop_tui.ui.terminal.driver import DiffDriver
from iop_tui.ui.terminal.scrollbar import use_plain_bars
from iop_tui.ui.terminal.typeahead import TypeAhead

_KEPT_MESSAGES = 100


class KitApp(App[int], inherit_bindings=False):
    """Base of the program's app. Subclasses set `keys` and `BINDINGS = keys.bindings(EVERYWHERE)`.

    Hooks to override: `crashed`, `on_hangup`, `palette_entries`, `help_sections`, `action_lock`.
    """

    ENABLE_COMMAND_PALETTE = False
    COMMANDS: ClassVar[set[Any]] = set()
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (110, "-wide")]  # noqa: RUF012
    TITLE = ""
    keys: ClassVar[KeyTable] = KIT
    BINDINGS = [*KIT.bindings("everywhere"), Binding("ctrl+c", "hint_quit", show=False, system=True)]  # noqa: RUF012
    CSS = """
    Screen { background: $kit-ground; color: $kit-text; layers: base; overflow: hidden; }
    ModalScreen { background: transparent; }
    """

    def __init__(self, *, theme: str = themes.DARK, keymap: dict[str, str] | None = None) -> None:
        """`theme` is one of `theme.PALETTES`; `keymap` holds keys by action id. Problems are shown as messages."""
        use_plain_bars()
        self._theme_known: Theme | None = None
        super().__init__(driver_class=DiffDriver)
        self.animation_level = "none"
        self.console._color_system = ColorSystem.TRUECOLOR  # the driver writes exact indexes, Rich would shift greys
        self.messages: deque[tuple[str, str]] = deque(maxlen=_KEPT_MESSAGES)
        self.said_signal: Signal[tuple[str, str]] = Signal(self, "message")
        self.failure: BaseException | None = None
        self.hangup_reason = ""
        self._last_words = ""
        self._ending = False
        self._choosing = False
        self._ahead = TypeAhead(self, super().on_event, self.opening)
        self._keymap_problems: tuple[str, ...] = ()
        self.table = self.keys
        self._at_once = {key for action in self.keys if action.priority for key in action.single}
        for each in themes.themes():
            self.register_theme(each)
        self.theme = theme
        if self.no_color:
            self._filters = [kept for kept in self._filters if not isinstance(kept, Monochrome)] + [NoColor()]
            self.theme = themes.ANSI
        self.stylesheet = self._rules = SharedStylesheet(variables=self.get_css_variables())
        if keymap:
            self.table, accepted, self._keymap_problems = self.keys.override(keymap)
            self.set_keymap(accepted)

    @property
    def _background_screens(self) -> list[Screen[Any]]:
        """The screens that shine through. Textual also paints the one beneath a screen that covers it, and repaints
        everything whenever something changes there: half of the processor time of a key.
        """
        return super()._background_screens if self.screen.is_modal else []

    def update_styles(self, node: DOMNode, animate: bool = True) -> None:
        """Style a node again. Textual also styles widgets that are still being made, each time they get a class, and
        all of them once more when they are mounted: more than a third of what it costs to open a form.
        """
        if node is self or node in self._registry:
            super().update_styles(node, animate=animate)

    def refresh_css(self, animate: bool = True) -> None:
        """Style everything again. Textual asks for it once at the start, for the theme everything was made with."""
        if self.get_css_variables() != self._rules.variables:
            super().refresh_css(animate=animate)

    @property
    def current_theme(self) -> Theme:
        """The theme in use. Textual looks it up for every line it paints."""
        if self._theme_known is None or self._theme_known.name != self.theme:
            self._theme_known = super().current_theme
        return self._theme_known

    # -- life ------------------------------------------------------------------------------------

    async def _on_load(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._loop_failed)
        threading.excepthook = self._thread_failed

    def _on_mount(self) -> None:
        if isinstance(self._driver, DiffDriver) and threading.current_thread() is threading.main_thread():
            for number in (signal.SIGHUP, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, self.hang_up, signal.Signals(number).name)
        for problem in self._keymap_problems:
            self.notify(problem, severity="warning")

    def on_resize(self) -> None:
        """Paint everything: a smaller window has cut what was drawn. When the sizes of a quick change begin and end
        the same, Textual takes them for none and paints nothing.
        """
        if self.screen_stack:
            self.screen.refresh()

    async def on_event(self, event: events.Event) -> None:
        """Hold keys back that were typed ahead; see `typeahead`."""
        typed = isinstance(event, events.Key | events.Paste) and not event.is_forwarded
        if typed and getattr(event, "key", "") not in self._at_once:
            live = isinstance(self._driver, DiffDriver) or self.opening()
            if live and self._ahead.holds(event):
                return
        await super().on_event(event)

    def opening(self) -> bool:
        """Hook: whether a page is on its way, for which keys typed now are meant. Here: the two-stroke key's."""
        return self._choosing and not isinstance(self.screen, WhichKey)

    def hang_up(self, reason: str) -> None:
        """The terminal is gone or the system asks to end: called once, on the event loop."""
        if not self.hangup_reason:
            self.hangup_reason = reason
            self.on_hangup(reason)

    def on_hangup(self, reason: str) -> None:
        """Hook: seal what is unsaved and end. The default only ends."""
        self.exit(return_code=129 if reason == "SIGHUP" else 143 if reason == "SIGTERM" else 129)

    # -- failure ---------------------------------------------------------------------------------

    def crashed(self, error: BaseException, reference: str) -> None:
        """Hook: keep what happened, encrypted; seal unsaved text. Must not print."""

    async def _shutdown(self) -> None:
        self._ending = True
        await super()._shutdown()

    def _handle_exception(self, error: Exception) -> None:
        if self._ending or self._exit:
            self._close_messages_no_wait()  # a widget that was still being built when the app ended is no failure
            return
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self.failure is None:
            self.failure = error
            reference = secrets.token_hex(2)
            self._last_words = f"Something failed (ref {reference}). Your draft is saved."
            self.crashed(error, reference)
        self._close_messages_no_wait()

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:
        """End with the plain sentence; what Textual wanted to show may hold data and is dropped."""
        del renderables
        self._fail(RuntimeError("panic"))

    def _print_error_renderables(self) -> None:
        self._exit_renderables.clear()
        if self._last_words and sys.__stderr__ is not None and not self.is_headless:
            sys.__stderr__.write(self._last_words + "\n")
            sys.__stderr__.flush()
        self._last_words = ""

    def _loop_failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        del loop
        error = context.get("exception")
        if isinstance(error, Exception):
            self._handle_exception(error)

    def _thread_failed(self, failed: threading.ExceptHookArgs) -> None:
        if isinstance(failed.exc_value, Exception):
            self.call_from_thread(self._handle_exception, failed.exc_value)

    # -- what Textual offers and this program does not ----------------------------------------------

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """None: the kit has its own palette, without a screenshot command."""
        del screen
        return ()

    def save_screenshot(
        self, filename: str | None = None, path: str | None = None, time_format: str | None = None,
    ) -> str:
        """Refused: a picture of the screen is a copy of the record."""
        del filename, path, time_format
        raise PermissionError("screenshots are not available")

    def deliver_screenshot(
        self, filename: str | None = None, path: str | None = None, time_format: str | None = None,
    ) -> str | None:
        """Refused, as `save_screenshot`."""
        del filename, path, time_format
        raise PermissionError("screenshots are not available")

    def copy_to_clipboard(self, text: str) -> None:
        """Copy inside the program only; the terminal's clipboard (OSC 52) is never written."""
        self._clipboard = text
        self.copied()

    def copied(self) -> None:
        """Hook: something was copied from the screen in front."""

    def open_url(self, url: str, *, new_tab: bool = True) -> None:
        """Refused: no browser is started."""
        del url, new_tab
        raise PermissionError("links are not opened")

    def action_suspend_process(self) -> None:
        """Nothing: suspension would leave the record on the terminal."""

    def _set_pointer_shape(self, shape: str) -> None:
        """Nothing: pointer shapes are an OSC sequence."""
        del shape

    # -- messages --------------------------------------------------------------------------------

    def notify(
        self, message: str, *, title: str = "", severity: SeverityLevel = "information", timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Say that something is done, on the status line for five seconds and in the message list; no markup."""
        del timeout, markup
        text = clean_line(f"{title}: {message}" if title else message)
        self.messages.append((severity, text))
        self.said_signal.publish((severity, text))

    # -- actions ---------------------------------------------------------------------------------

    def palette_entries(self) -> Iterable[Entry]:
        """Hook: more palette entries (people, screens by name) than the key table has."""
        return ()

    def help_sections(self) -> Iterable[tuple[str, Iterable[tuple[str, str]]]]:
        """Hook: more help for this screen: (heading, (label, text) pairs)."""
        return ()

    def places(self) -> tuple[str, ...]:
        """Where the person is, as the key table calls it: a screen says it in its `places` attribute, and in
        `inner_places` where a widget of it has keys of its own.
        """
        return ("everywhere", *getattr(self.screen, "places", ()), *getattr(self.screen, "inner_places", ()))

    async def invoke(self, action: Action) -> None:
        """Run an action where it is defined: focused widget, its parents, the screen, the app."""
        name = action.method.partition("(")[0].rpartition(".")[2]
        node: Any = self.screen.focused or self.screen
        for each in (*node.ancestors_with_self, self):
            if hasattr(each, f"action_{name}"):
                await self.run_action(action.method.rpartition(".")[2], each)
                return
        self.notify(f"{action.name} does not work here.", severity="warning")

    async def _invoke_id(self, action_id: str | None) -> None:
        if action_id is not None:
            await self.invoke(self.table[action_id])

    def action_prefix(self, key: str) -> None:
        """Show what may follow the first of two strokes."""
        following = [(second, action) for second, action in self.table.after(key)]
        self._choosing = True
        self.push_screen(WhichKey(key, following), self._prefix_chosen)

    async def _prefix_chosen(self, action_id: str | None) -> None:
        try:
            await self._invoke_id(action_id)
        finally:
            self._choosing = False

    def action_palette(self) -> None:
        """Open the command palette."""
        if isinstance(self.screen, Palette):
            return
        entries = [Entry.of(action) for action in self.table.palette(*self.places())]
        self.push_screen(Palette([*entries, *self.palette_entries()]), self._palette_chosen)

    async def _palette_chosen(self, entry: Entry | None) -> None:
        if entry is None:
            return
        if entry.call is not None:
            entry.call()
        elif entry.action_id:
            await self._invoke_id(entry.action_id)

    def action_help(self) -> None:
        """Open help for this place."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.table.groups(*self.places()), self.help_sections()))

    def action_messages(self) -> None:
        """Show what was reported."""
        self.push_screen(MessageList(tuple(self.messages)))

    def action_lock(self) -> None:
        """Hook: lock. The kit alone only quits."""
        self.exit(return_code=0)

    def action_hint_quit(self) -> None:
        """Ctrl+C outside text: say how to quit."""
        self.notify(f"Press {self.table['app.quit'].shown()} to quit, {self.table['app.lock'].shown()} to lock.")

    def is_pressed(self, key: str, action_id: str) -> bool:
        """Whether a key belongs to an action, for widgets that read keys themselves."""
        return normal(key) in self.table[action_id].single


def focus_within(widget: Widget | None, kind: type[Widget]) -> bool:
    """Whether the widget or one of its parents is of a kind."""
    return widget is not None and any(isinstance(node, kind) for node in widget.ancestors_with_self)
