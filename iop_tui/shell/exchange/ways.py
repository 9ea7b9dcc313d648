"""Ways to the screens of the exchange."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from iop_tui.ui.page import Go

if TYPE_CHECKING:
    from iop_tui.shell.navigator import Navigator


async def devices(nav: Navigator, wish: Go) -> None:
    """The copies of this vault."""
    from iop_tui.shell.exchange.devices import Devices

    await nav.show(Devices(), wish)


async def merge(nav: Navigator, wish: Go) -> None:
    """Two versions of a record, to be decided by a person."""
    from iop_tui.shell.exchange import merging

    begun = await nav.desk.keep(merging.begun, wish.ids[0])
    await nav.show(merging.Merge(nav.ws, begun), wish)


async def merge_unsaved(nav: Navigator, wish: Go) -> None:
    """Decisions about two versions that were not kept yet."""
    from iop_tui.shell.exchange import merging

    begun = await nav.desk.keep(merging.resumed, wish.ids[0])
    await nav.show(merging.Merge(nav.ws, begun), wish)


async def twice(nav: Navigator, wish: Go) -> None:
    """Entries that may be one person."""
    from iop_tui.shell.exchange import twice as pages

    await nav.show(pages.Twice(), wish)


async def twice_pair(nav: Navigator, wish: Go) -> None:
    """Two of them side by side."""
    from iop_tui.shell.exchange import twice as pages

    pair = await nav.desk.keep(pages.compared, wish.ids[0], wish.ids[1])
    await nav.show(pages.TwicePair(pair), wish)


WAYS: dict[str, Callable[[Navigator, Go], Awaitable[None]]] = {
    "devices": devices, "merge": merge, "mergeunsaved": merge_unsaved, "twice": twice, "twicepair": twice_pair,
}  # fmt: skip
