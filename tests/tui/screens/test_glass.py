"""Breaking the glass by keys, from anywhere; the care team is told on Today, the privacy officer gives the verdict."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from iop_tui.access import breakglass, roles
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.emergency import api as emergency
from iop_tui.clinical.emergency.api import Wish
from iop_tui.clinical.safety.plan import SAFETY_PLAN
from iop_tui.clinical.staff import service as staff
from tests.support.clinic.care import SAFETY
from tests.support.clinic.vaults import PHRASE, Member, Program, copied, fresh, leave
from tests.tui.screens.conftest import Desk, Open
from tests.tui.screens.goldens import box, compare

REASON = "Ana calls at night and Nadia does not answer."


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The small program with a privacy officer and a safety plan of Ana's, settled."""
    made = copied(fresh(tmp_path_factory), tmp_path_factory.mktemp("glass"))
    with made.workspace() as nadia:
        new = staff.add_user(nadia, name="Pia", user_roles=(roles.PRIVACY_OFFICER,), phrase=bytearray(PHRASE))
        made.users["pia"] = Member("Pia", new.secrets, new)
        nadia.confirm(bytearray(PHRASE))
        charting.sign(nadia, [charting.save(nadia, made.people["ana"], SAFETY_PLAN, SAFETY).record])
        for name in ("abe", "pia", "tom", "cleo", "sol"):
            leave(made.beside(nadia, name))
    return made


@pytest.fixture
def made(template: Program, tmp_path: Path) -> Program:
    """A copy of it for one test."""
    return copied(template, tmp_path)


async def _break(desk: Desk, made: Program, name: str) -> None:
    await desk.see("Why is the crisis card needed now?")
    await desk.open("<right>", "<tab>")
    await desk.paste(REASON)
    await desk.open("<enter>")
    await desk.see("Breaking the glass needs your passphrase")
    await desk.paste(PHRASE.decode())
    await desk.open("<enter>")
    await desk.see("a new one-time code")
    await desk.paste(made.code(name))
    await desk.open("<enter>")


@pytest.mark.parametrize("size", [(80, 24), pytest.param((120, 40), marks=pytest.mark.nightly)])
async def test_a_colleague_opens_the_card_from_anywhere(opened: Open, made: Program, size: tuple[int, int]) -> None:
    async with opened("tom", size) as desk:
        await desk.open("g", "!")
        await desk.see("Break the glass: whose crisis card?", "The care team is told")
        await desk.settled()
        compare("glass-whose", size, box(desk.screen()))
        await desk.paste("Ana Quill, 1988-04-02")
        await desk.open("<enter>")
        await _break(desk, made, "tom")
        await desk.see("Crisis card: Ana Quill", "Break-glass. Open until", "I stop sleeping")
        await desk.settled()
        compare("glass-card", size, desk.screen())
        await desk.press("<escape>")
        await desk.see("Today")
    with made.workspace() as nadia:
        assert [line.access.reason for line in emergency.accesses(nadia)] == [REASON]


@pytest.mark.nightly
async def test_the_card_goes_when_its_time_is_over(opened: Open, made: Program) -> None:
    async with opened("cleo", (80, 24)) as desk:
        await desk.press("g", "c")
        await desk.see("Caseload", "Quill")
        await desk.press("<down>")
        await desk.open("g", "x")
        await _break(desk, made, "cleo")
        await desk.see("Crisis card: Ana Quill", "I stop sleeping")
        made.clock.advance(3601)
        desk.app.screen._tick()  # type: ignore[attr-defined]
        await desk.see("The time of this card is over", "Caseload")
        await desk.gone("I stop sleeping")


@pytest.mark.nightly
async def test_slips_are_said_and_nothing_is_opened(opened: Open, made: Program) -> None:
    async with opened("tom", (80, 24)) as desk:
        await desk.open("g", "!")
        await desk.see("whose crisis card?")
        await desk.paste("Ana Quill 1988-02-31")
        await desk.open("<enter>")
        await desk.see("The name, then the date of birth")
        await desk.open("g", "!")
        await desk.see("whose crisis card?")
        await desk.paste("Nobody Here 1990-01-01")
        await desk.open("<enter>")
        await _break(desk, made, "tom")
        await desk.see("No crisis card is found")
        await desk.open("g", "!")
        await desk.see("whose crisis card?")
        await desk.paste("Ana Quill 1988-04-02")
        await desk.open("<enter>")
        await desk.see("Why is the crisis card needed now?")
        await desk.open("<right>", "<tab>")
        await desk.paste("too short")
        await desk.open("<enter>")
        await desk.see("at least 20 characters")
        assert breakglass.uses(desk.app.ws.session) == []
    async with opened("bill", (80, 24)) as desk:
        await desk.open("g", "!")
        await desk.see("You are not on call")


async def test_team_and_officer_find_it_on_today(opened: Open, made: Program) -> None:
    with made.workspace("tom") as tom:
        wish = Wish("imminent harm", REASON, name="Ana Quill", born=date(1988, 4, 2))
        emergency.break_glass(tom, wish, bytearray(PHRASE), made.code("tom"))
    async with opened("sol", (80, 24)) as desk:
        await desk.due("Tom opened the crisis card")
        await desk.press("<enter>")
        await desk.see("Emergency access", "Nadia does not answer")
    async with opened("pia", (80, 24)) as desk:
        await desk.due("Review the emergency access of Tom")
        await desk.press("<enter>")
        await desk.see("Emergency access: Ana Quill", "Nadia does not answer", "v verdict")
        await desk.settled()
        compare("glass-review", (80, 24), desk.screen())
        await desk.open("v")
        await desk.see("Was this emergency access justified?")
        await desk.open("<right>", "<tab>")
        await desk.paste("He could not reach her.")
        await desk.open("<enter>")
        await desk.see("Reviewed")
    with made.workspace("sol") as sol:
        assert [line.reviewed for line in emergency.accesses(sol)] == [True]
