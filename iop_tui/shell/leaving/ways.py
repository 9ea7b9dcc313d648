"""Ways to what leaves. Data first, then the screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from iop_tui.ui.page import Go

if TYPE_CHECKING:
    from iop_tui.shell.navigator import Navigator


async def leaving(nav: Navigator, wish: Go) -> None:
    """The documents of a person, to make a packet or an export of them."""
    from iop_tui.shell.leaving.asking import facts
    from iop_tui.shell.leaving.page import LeavingPage, documents

    person = wish.ids[0]
    known = await nav.desk.read(facts, person)
    await nav.show(LeavingPage(person, known, await nav.desk.read(documents, person)), wish)


async def export_all(nav: Navigator, wish: Go) -> None:
    """Everyone in this user's care, for the program itself."""
    del wish
    from iop_tui.kernel.clock import local_date
    from iop_tui.shell.leaving.page import export_everyone, export_where

    today = local_date(nav.ws.clock.now_ms())
    found = await export_where(nav.ask, f"program-{today.isoformat()}", passphrase=False)
    if found is None:
        return
    to, path = found
    made = await nav.desk.write(export_everyone, path, to)
    nav.say(f"{path.name} written: {made.people} people, {sum(made.resources.values()):,} resources.")


WAYS: dict[str, Callable[[Navigator, Go], Awaitable[None]]] = {"leaving": leaving, "exportall": export_all}
