"""The way to moving in: which file first, then what it would bring."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from iop_tui.kernel.paths import typed
from iop_tui.ui.page import Go

if TYPE_CHECKING:
    from iop_tui.shell.navigator import Navigator

SAYS = (
    "FHIR R4, C-CDA documents, client lists (CSV), address cards (vCard), a clinician's calendar (iCalendar): a file or"
    " a folder of them. You see what it would bring before anything is changed."
)


async def moving(nav: Navigator, wish: Go) -> None:
    """Ask for the file and look into it. From a chart, what names nobody is that person's."""
    from iop_tui.clinical.imports.calendars import WhoseCalendar
    from iop_tui.shell.moving.looking import Asked, check_role, look
    from iop_tui.shell.moving.page import ImportPage, whose_calendar
    from iop_tui.ui.ask import AskLine

    await nav.desk.read(check_role)
    answer = await nav.ask(AskLine("Bring records in", SAYS, "File or folder", done="look into it"))
    if answer is not None:
        person = wish.ids[0] if wish.ids else b""
        asked = Asked(typed(answer[1]), person)
        try:
            found = await nav.desk.read(look, asked)
        except WhoseCalendar:
            clinician = await nav.ask(await nav.desk.read(whose_calendar))
            if not clinician:
                return
            found = await nav.desk.read(look, replace(asked, clinician=bytes.fromhex(clinician)))
        await nav.show(ImportPage(found), wish)


WAYS: dict[str, Callable[[Navigator, Go], Awaitable[None]]] = {"moving": moving}
