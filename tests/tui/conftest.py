"""Keys of a pilot come as fast as the app takes them.

Textual's own pilot takes an app for idle when the process did nothing for twenty milliseconds, twice per key: half of
the time of these tests was sleep. Here an app is idle when nobody has a message left, nothing is still to be painted,
and the process rests.
"""

from __future__ import annotations

import asyncio
from time import monotonic, process_time

import textual.app
import textual.pilot
from textual._context import active_app
from textual.message_pump import MessagePump

_LOOK = 0.005
_BUSY = 0.1 * _LOOK
_CALM_LOOKS = 2
_LONGEST = 1.0


def _calm() -> bool:
    app = active_app.get()
    pumps: list[MessagePump] = [app]
    for screen in app._screen_stack:
        pumps += [screen, *screen.walk_children()]
    held = getattr(app, "_ahead", None)
    top = app._screen_stack[-1:]
    if (held is not None and held._work is not None) or any(
        screen._callbacks or screen._dirty_widgets or screen._layout_required for screen in top
    ):
        return False
    return all(pump._message_queue.empty() and not pump._next_callbacks for pump in pumps)


async def wait_for_idle(min_sleep: float = 0.0, max_sleep: float = _LONGEST) -> None:
    """Let the app work until it has nothing to do, for at least and at most so many seconds."""
    started, calm = monotonic(), 0
    while calm < _CALM_LOOKS or monotonic() - started <= min_sleep:
        before = process_time()
        await asyncio.sleep(_LOOK)
        calm = calm + 1 if process_time() - before < _BUSY and _calm() else 0
        if monotonic() - started >= max_sleep:
            return


for module in (textual.app, textual.pilot):
    setattr(module, "wait_for_idle", wait_for_idle)  # noqa: B010 - a name both modules import
