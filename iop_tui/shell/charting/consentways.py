"""Ways to the screens of consents. Data first, then the screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from iop_tui.ui.page import Go

if TYPE_CHECKING:
    from iop_tui.shell.navigator import Navigator


async def consents(nav: Navigator, wish: Go) -> None:
    """What a person authorized."""
    from iop_tui.clinical.consents.screens import ConsentList, name_of

    await nav.show(ConsentList(wish.ids[0], await nav.desk.read(name_of, wish.ids[0])), wish)


async def new(nav: Navigator, wish: Go) -> None:
    """A new consent: form, part of the record and recipient first, then the form."""
    from iop_tui.clinical.consents.drafting import begin
    from iop_tui.clinical.consents.screens import ConsentEditor, choose

    chosen = await choose(nav.ask, nav.desk, wish.ids[0])
    if chosen is not None:
        values = await nav.desk.read(begin, wish.ids[0], chosen)
        await nav.show(ConsentEditor(nav.ws, wish.ids[0], values), wish)


async def unsaved(nav: Navigator, wish: Go) -> None:
    """A consent that was being written."""
    from iop_tui.clinical.consents.screens import ConsentEditor
    from iop_tui.kernel.errors import NotFound
    from iop_tui.workspace import unsaved as journal

    kept = (await nav.desk.read(journal.kept)).get(wish.ids[0])
    if kept is None:
        raise NotFound
    values = {name: value for name, value in kept.fields.items() if name != journal.KIND}
    await nav.show(ConsentEditor(nav.ws, kept.person, values, slot=wish.ids[0]), wish)


WAYS: dict[str, Callable[[Navigator, Go], Awaitable[None]]] = {
    "consents": consents, "consentnew": new, "consentunsaved": unsaved,
}  # fmt: skip
