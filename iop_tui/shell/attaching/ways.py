"""Ways to attachments. Data first, then the screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from iop_tui.ui.page import Go

if TYPE_CHECKING:
    from iop_tui.shell.navigator import Navigator


async def attachments(nav: Navigator, wish: Go) -> None:
    """The files of a person's chart, or of the joint record of a couple."""
    from iop_tui.shell.attaching.page import Attachments, begun

    await nav.show(Attachments(await nav.desk.read(begun, wish.ids[0], wish.how)), wish)


WAYS: dict[str, Callable[[Navigator, Go], Awaitable[None]]] = {"attachments": attachments}
