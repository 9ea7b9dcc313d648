"""People who may be entered twice: a work item, side by side; a person decides and nothing is merged."""

from __future__ import annotations

import pytest

from iop_tui.clinical.people import duplicates
from iop_tui.clinical.people.model import DIFFERENT, SAME
from iop_tui.kernel.errors import NotReady, RoleRefused
from tests.tui.exchange.conftest import BOTH, Open, Site
from tests.tui.exchange.test_exchanging import shot
from tests.tui.screens.conftest import Desk


async def to_pair(desk: Desk) -> Desk:
    await desk.due("Perhaps entered twice")
    await desk.press("<enter>")
    return await desk.see("One person or two?", "Uli")


@pytest.mark.parametrize("size", BOTH)
async def test_two_entries_are_compared_and_linked_by_a_person(
    opened: Open, site: Site, size: tuple[int, int]
) -> None:
    async with opened(size=size) as desk:
        await to_pair(desk)
        await shot(desk, "twice", "not decided", "PHONE")
        await desk.open("s")
        await desk.see("The same person?", "Nothing is merged")
        await desk.open("<enter>")
        await desk.see("Write a few words first")
        await desk.open("asked on the phone", "<enter>")
        await desk.see("Linked: each chart names the other entry")
        await desk.gone("Perhaps entered twice")
        pair = duplicates.pairs(desk.app.ws)[0]
        assert pair.decided == SAME
        desk.app.screen.go("chart", pair.first)  # type: ignore[attr-defined]
        await desk.see("also entered as Uli Doppel")
        assert desk.app.ws.view.one("SELECT count(*) FROM person WHERE name = 'Uli Doppel'") == (2,)


@pytest.mark.nightly
async def test_two_people_are_not_proposed_again_and_it_can_be_taken_back(opened: Open, site: Site) -> None:
    async with opened() as desk:
        await to_pair(desk)
        await desk.open("n")
        await desk.see("Two different people?")
        await desk.open("born in different years", "<enter>")
        await desk.see("Noted: two people")
        await desk.gone("Perhaps entered twice")
        await desk.press("<ctrl+p>")
        await desk.open("entered twice", "<enter>")
        await desk.see("Nobody looks entered twice")


@pytest.mark.nightly
def test_decided_differently_on_two_devices_it_is_open_again(site: Site) -> None:
    """Never does the newer decision win."""
    for device, decision in ((site.office, SAME), (site.laptop, DIFFERENT)):
        with device.workspace() as ws:
            (pair,) = duplicates.open_pairs(ws)
            duplicates.decide(ws, pair.first, pair.second, decision, "asked")
            assert duplicates.open_pairs(ws) == []
    site.meet()
    for device in (site.office, site.laptop):
        with device.workspace() as ws:
            (pair,) = duplicates.open_pairs(ws)
            assert not duplicates.linked(ws, pair.first)
    with site.office.workspace() as ws:
        (pair,) = duplicates.open_pairs(ws)
        duplicates.decide(ws, pair.second, pair.first, SAME, "asked together")
        assert [name for _, name in duplicates.linked(ws, pair.second)] == ["Uli Doppel"]
    site.meet()
    with site.laptop.workspace() as ws:
        assert duplicates.open_pairs(ws) == []


def test_only_whose_office_it_is_decides_and_says_how(site: Site) -> None:
    with site.office.workspace() as ws:
        (pair,) = duplicates.open_pairs(ws)
        with pytest.raises(NotReady):
            duplicates.decide(ws, pair.first, pair.second, SAME, "  ")
        sol = site.office.program.beside(ws, "sol")
        with pytest.raises(RoleRefused):
            duplicates.decide(sol, pair.first, pair.second, SAME, "asked")
        assert duplicates.open_pairs(sol) == []
        sol.session.view.close()
