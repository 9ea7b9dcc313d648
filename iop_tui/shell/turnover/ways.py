"""Ways to the screens of care teams, transfers, succession, case reviews and restrictions. Data first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import TYPE_CHECKING

from iop_tui.ui.page import Go

if TYPE_CHECKING:
    from iop_tui.shell.navigator import Navigator


async def care_team(nav: Navigator, wish: Go) -> None:
    """Who is on a person's care team."""
    from iop_tui.clinical.turnover.screens.team import CareTeam, name_of

    await nav.show(CareTeam(wish.ids[0], await nav.desk.read(name_of, wish.ids[0])), wish)


async def turnover(nav: Navigator, wish: Go) -> None:
    """What waits of hand-overs."""
    from iop_tui.clinical.turnover.screens import Turnover

    await nav.show(Turnover(), wish)


async def transfer(nav: Navigator, wish: Go) -> None:
    """The dry run of a transfer: from, to, and until when in `how`."""
    from iop_tui.clinical.turnover.screens import TransferPage, fresh

    until = date.fromisoformat(wish.how) if wish.how else None
    giver, receiver = wish.ids
    await nav.show(TransferPage(await nav.desk.read(fresh, giver, receiver, until)), Go(wish.place, wish.ids))


async def transfer_go(nav: Navigator, wish: Go) -> None:
    """A transfer that was begun."""
    from iop_tui.clinical.turnover.screens import TransferPage, begun

    await nav.show(TransferPage(await nav.desk.read(begun, wish.ids[0])), wish)


async def succession(nav: Navigator, wish: Go) -> None:
    """Who takes over without notice."""
    from iop_tui.clinical.turnover.screens import SuccessionPage

    await nav.show(SuccessionPage(), wish)


async def reviews(nav: Navigator, wish: Go) -> None:
    """Cases shown by shares."""
    from iop_tui.clinical.consulting.screens import Reviews

    await nav.show(Reviews(), wish)


async def restrictions(nav: Navigator, wish: Go) -> None:
    """What a person asked us not to tell."""
    from iop_tui.clinical.restrictions.screens import RestrictionList, name_of

    await nav.show(RestrictionList(wish.ids[0], await nav.desk.read(name_of, wish.ids[0])), wish)


async def restriction_new(nav: Navigator, wish: Go) -> None:
    """A new request."""
    from iop_tui.clinical.restrictions.screens import RestrictionEditor, begin

    await nav.show(RestrictionEditor(nav.ws, wish.ids[0], await nav.desk.read(begin, wish.ids[0])), wish)


async def restriction_unsaved(nav: Navigator, wish: Go) -> None:
    """A request that was being written."""
    from iop_tui.clinical.restrictions.screens import RestrictionEditor, restored

    person, values = await nav.desk.read(restored, wish.ids[0])
    await nav.show(RestrictionEditor(nav.ws, person, values, slot=wish.ids[0]), wish)


WAYS: dict[str, Callable[[Navigator, Go], Awaitable[None]]] = {
    "careteam": care_team, "turnover": turnover, "transfer": transfer, "transfergo": transfer_go,
    "succession": succession, "reviews": reviews, "restrictions": restrictions, "restrictionnew": restriction_new,
    "restrictionunsaved": restriction_unsaved,
}  # fmt: skip
