"""Devices by keys: admitted with six words, retired, reported lost; what a lost one writes is kept apart."""

from __future__ import annotations

import pytest

from iop_tui.exchange import enrol
from iop_tui.exchange.remotes.directory import DirectoryRemote
from iop_tui.kernel.errors import RoleRefused
from iop_tui.kernel.rng import SeededRng
from iop_tui.shell.exchange.devices import SixWords
from iop_tui.workspace import exchanging
from tests.tui.exchange.conftest import BOTH, LAPTOP, Open, Site
from tests.tui.exchange.test_exchanging import GOLDENS, shot, to_exchange
from tests.tui.screens.conftest import Desk
from tests.tui.screens.goldens import box, compare


def asks(site: Site, name: str) -> enrol.NewDevice:
    """A new device leaves its request on the stick, as `iop-tui devices enrol` does."""
    new = enrol.ask(name, SeededRng(77))
    DirectoryRemote(site.stick, None, SeededRng(78)).put(enrol.request_name(new.request.device), new.stored)
    return new


async def to_devices(desk: Desk) -> Desk:
    await to_exchange(desk)
    await desk.press("v")
    return await desk.see("Devices", "in use")


@pytest.mark.nightly
async def test_a_device_is_admitted_with_six_words_on_both_screens(opened: Open, site: Site) -> None:
    async with opened() as desk:
        await to_devices(desk)
        await desk.open("+")
        await desk.see("No device asks on Blue stick yet", "iop-tui devices enrol")
        new = asks(site, "Clinic tablet")
        await desk.open("+")
        await desk.see("Clinic tablet asks on Blue stick")
        await desk.open("not the words at all here", "<enter>")
        await desk.see("No device that asks on this carrier shows these words")
        await desk.open("+")
        await desk.see("Clinic tablet asks")
        await desk.open(new.words, "<enter>")
        await desk.see("Clinic tablet is admitted", "Type these six words")
        shown = desk.app.screen
        assert isinstance(shown, SixWords)
        sealed = DirectoryRemote(site.stick, None, SeededRng(79)).get(enrol.grant_name(new.request.device))
        assert sealed is not None
        grant = enrol.open_grant(new, sealed, " ".join(shown._words))
        assert grant.realm == desk.app.ws.realm
        await desk.open("<escape>")
        await desk.see("Type these six words")  # nobody loses them by a wrong key
        await desk.open("<enter>")
        await desk.see("Clinic tablet", "3 in use")


@pytest.mark.nightly
async def test_the_six_words_stand_large_enough(opened: Open) -> None:
    async with opened() as desk:
        desk.app.push_screen(SixWords("Clinic tablet", "acid beam calm dawn echo fact"))
        await desk.see("they were typed there")
        await desk.settled()
        compare("six-words", (80, 24), box(desk.screen()), GOLDENS)


@pytest.mark.nightly
@pytest.mark.parametrize("size", BOTH)
async def test_a_lost_device_is_cut_off_and_its_late_work_is_told_and_kept_apart(
    opened: Open, site: Site, size: tuple[int, int]
) -> None:
    """What a device writes after it was reported lost is kept, offered on, told and not taken in (I9)."""
    late = site.write(site.laptop, "Written after the theft.")
    async with opened(size=size) as desk:
        await to_devices(desk)
        await shot(desk, "devices", LAPTOP, "2 in use")
        await desk.press("<down>")
        await desk.open("d")
        await desk.see(f"Report {LAPTOP} lost?", "This is final")
        await desk.open("y")
        await shot(desk, "devices-lost", "! lost, cut off", "takes a new passphrase", "1 in use")
        await desk.press("q", "x")
        await desk.see("Blue stick: ")
        await desk.until(lambda: not desk.app.exchange.running, "the end")
        site.laptop.sync(site.stick)
        await desk.press("x")
        await desk.see("was reported lost", "kept apart")
        assert not desk.app.ws.view.one("SELECT 1 FROM record WHERE record = ?", (late,))
        await shot(desk, "exchange-late", "! exchange")


@pytest.mark.nightly
async def test_a_device_is_retired_and_this_one_is_not(opened: Open, site: Site) -> None:
    async with opened() as desk:
        await to_devices(desk)
        await desk.open("r")
        await desk.see("Retire Front office?")
        await desk.open("y")
        await desk.see("This is the device you are using")
        await desk.press("<down>")
        await desk.open("r")
        await desk.see(f"Retire {LAPTOP}?", "lost instead")
        await desk.open("<enter>")
        await desk.gone("lost instead")
        await desk.see("2 in use")
        await desk.open("r")
        await desk.see(f"Retire {LAPTOP}?")
        await desk.open("y")
        await desk.see("retired", "1 in use")


@pytest.mark.nightly
async def test_devices_are_not_ended_under_an_exchange_or_by_who_may_not(opened: Open, site: Site) -> None:
    async with opened(name="tom") as desk:
        await to_devices(desk)
        await desk.press("<down>")
        await desk.open("d")
        await desk.see("lost?")
        await desk.open("y")
        await desk.see("admitted and ended by an administrator")
    with site.office.workspace("tom") as ws, pytest.raises(RoleRefused):
        exchanging.retire(ws, bytes(16))
