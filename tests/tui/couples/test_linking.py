"""Two people become a couple, by keys; a rule that speaks against it is said, and nothing is linked."""

from __future__ import annotations

from pathlib import Path

from iop_tui.clinical.couples import service as couples
from tests.tui.couples.conftest import Open
from tests.tui.screens.goldens import compare

GOLDENS = Path(__file__).parent / "goldens"


async def test_the_front_desk_links_two_people_and_a_therapist(opened: Open) -> None:
    async with opened("fay") as desk:
        await desk.press("g", "k")
        await desk.see("Ana Quill", "+ link two people")
        await desk.open("+")
        await desk.see("partner A", "Max Brandt")
        await desk.open("m", "<enter>")
        await desk.see("Partner B", "Ana Quill")
        await desk.open("a", "<enter>")
        await desk.see("Their couples therapist", "Cleo")
        await desk.open("<enter>")
        await desk.see("Link Max Brandt", "neither partner's")
        await desk.settled()
        compare("linking", (80, 24), desk.screen(), GOLDENS)
        await desk.press("y")
        await desk.see("same clinician")  # Nadia treats both
        assert len(couples.couples(desk.app.ws)) == 1
        await desk.open("+")
        await desk.see("partner A", "Max Brandt")
        await desk.open("m", "<enter>")
        await desk.see("Partner B")
        await desk.open("<end>", "<enter>")
        await desk.see("Their couples therapist")
        await desk.open("<enter>")
        await desk.see("Link Max Brandt")
        await desk.press("y")
        await desk.see("Linked.")
        assert len(couples.couples(desk.app.ws)) == 2


async def test_who_does_not_assign_is_offered_no_link(opened: Open) -> None:
    async with opened("cleo") as desk:
        await desk.press("g", "k")
        await desk.see("Ana Quill")
        assert "link two people" not in desk.screen()
        await desk.press("+")
        await desk.settled()
        assert "partner A" not in desk.screen()
