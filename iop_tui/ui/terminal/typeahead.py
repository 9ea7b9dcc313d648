"""Keys typed ahead reach what the keys before them opened.

Textual hands every key to the widget that has the focus at that moment, even when the key before it
is about to open another screen: of `g n`, typed quickly or arriving in one packet, the `n` would be
lost. Here a key that follows closely on another waits until that one has been dealt with. Letters
that follow each other in one text do not wait: a letter opens nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual import events
from textual.widgets import Input, TextArea

if TYPE_CHECKING:
    from textual.app import App
    from textual.message_pump import MessagePump
    from textual.widget import Widget

CLOSE_SECONDS = 0.25
"""Keys further apart than this are not held: the one before was dealt with long ago."""
_PATIENCE = 1.0
_OPENING, _LOOK_AGAIN = 10.0, 0.002
_ROUNDS = 3


class TypeAhead:
    """Holds keys and pastes back, in order, while the one before is under way."""

    def __init__(
        self,
        app: App[Any],
        deliver: Callable[[events.Event], Awaitable[None]],
        opening: Callable[[], bool] = lambda: False,
    ) -> None:
        """`deliver` hands an event on; it is called in the app's own message loop. `opening` says that a page is on
        its way: keys wait for it.
        """
        self._app, self._deliver, self._opening = app, deliver, opening
        self._held: deque[events.Event] = deque()
        self._last = -CLOSE_SECONDS
        self._work: asyncio.Task[None] | None = None
        self._writing: Widget | None = None

    def holds(self, event: events.Event) -> bool:
        """Whether the event was taken to be delivered later; otherwise the caller handles it now."""
        now, free = monotonic(), self._goes_on(event) or monotonic() - self._last >= CLOSE_SECONDS
        if self._work is None and free and not self._opening():
            self._last = now
            return False
        self._held.append(event)
        if self._work is None:
            self._work = asyncio.create_task(self._release())
        return True

    def _goes_on(self, event: events.Event) -> bool:
        """Whether this is a letter for the text that took the letter before, and that text is done with it."""
        focused = self._app.focused
        is_letter = isinstance(event, events.Key) and event.is_printable and isinstance(focused, TextArea | Input)
        before, self._writing = self._writing, focused if is_letter else None
        return is_letter and focused is before and focused is not None and not focused.message_queue_size

    async def _release(self) -> None:
        try:
            while self._held:
                await self._dealt_with()
                event = self._held.popleft()
                self._last = monotonic()
                if not self._app.call_later(self._deliver, event):
                    return
        finally:
            self._work = None

    async def _dealt_with(self) -> None:
        """Until every pump between focus and app has done what it has to do, on a screen that is complete."""
        await self._fence(self._app)  # the key before is on its way through the app to the focused widget
        for _ in range(_ROUNDS):
            await self._opened()
            screen = self._app.screen
            await _within(screen._mounted_event.wait())
            nodes = list(screen.focused.ancestors_with_self) if screen.focused is not None else [screen, self._app]
            for node in nodes:
                await self._fence(node)
            await self._fence(self._app)
            if self._app.screen is screen and not self._opening():
                return

    async def _opened(self) -> None:
        end = monotonic() + _OPENING
        while self._opening() and monotonic() < end:
            await asyncio.sleep(_LOOK_AGAIN)

    async def _fence(self, pump: MessagePump) -> None:
        passed = asyncio.Event()
        if pump.is_running and pump.call_later(passed.set):
            await _within(passed.wait())


async def _within(waiting: Awaitable[Any]) -> None:
    try:
        await asyncio.wait_for(waiting, _PATIENCE)
    except TimeoutError:
        return
