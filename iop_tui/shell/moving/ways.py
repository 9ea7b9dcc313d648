"""The way to moving in: which file first, then what it would bring."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from iop_tui.ui.page import Go

if TYPE_CHECKING:
    from iop_tui.shell.navigator import Navigator

SAYS = (
    "FHIR R4, C-CDA documents, client lists (CSV), address cards (vCard): a file, or a folder of them. You see what it"
    " would bring before anything is changed."
)


async def moving(nav: Navigator, wish: Go) -> None:
    """Ask for the file and look into it. From a chart, what names nobody is that person's."""
    from iop_tui.clinical.imports.service import check_role
    from iop_tui.shell.moving.looking import Asked, look
    from iop_tui.shell.moving.page import ImportPage
    from iop_tui.ui.ask import AskLine

    await nav.desk.read(check_role)
    answer = await nav.ask(AskLine("Bring records in", SAYS, "File or folder", done="look into it"))
    if answer is not None:
        person = wish.ids[0] if wish.ids else b""
        found = await nav.desk.read(look, Asked(Path(answer[1]).expanduser(), person))
        await nav.show(ImportPage(found), wish)


WAYS: dict[str, Callable[[Navigator, Go], Awaitable[None]]] = {"moving": moving}
