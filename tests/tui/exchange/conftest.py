"""Two devices of one program with a stick between them, made once; an app over a copy of one of them for each test."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.people import service as people
from iop_tui.clinical.people.model import Person
from iop_tui.shell.app import IopApp, Opening
from iop_tui.shell.config import Config
from iop_tui.shell.screens.today import gather
from iop_tui.workspace import exchanging
from tests.support.clinic.devices import Device, again, enrolled, first
from tests.support.clinic.vaults import Program, note, program, today
from tests.tui.screens.conftest import Desk

OFFICE, LAPTOP, STICK = "Front office", "Nadia's laptop", "Blue stick"
BEFORE = "Slept badly.\nSpoke of work."
BOTH = [(80, 24), pytest.param((120, 40), marks=pytest.mark.nightly)]


@dataclass
class Site:
    """The two devices and the stick. `torn`: a draft both changed; `unset`: the vault before it exchanged."""

    office: Device
    laptop: Device
    stick: Path
    torn: bytes
    unset: Program

    def meet(self) -> None:
        """Both exchange until nothing is left to say."""
        for device in (self.office, self.laptop, self.office):
            device.sync(self.stick)

    def write(self, device: Device, text: str) -> bytes:
        """A draft about Ana on one device."""
        with device.workspace() as ws:
            return notes.save(ws, device.program.people["ana"], note(today(ws), text)).record


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Made once; tests take copies."""
    folder = tmp_path_factory.mktemp("two-devices")
    unset = program(folder, seed=41)
    shutil.copytree(unset.path, folder / "unset")
    office = replace(first(unset), name=OFFICE)
    stick = folder / "media" / "stick"
    stick.parent.mkdir()
    laptop = enrolled(office, LAPTOP, folder / "laptop", stick, seed=42)
    site = Site(office, laptop, stick, b"", replace(unset, path=folder / "unset"))
    return replace(site, torn=_differ(site))


def _differ(site: Site) -> bytes:
    """One draft both devices change, the laptop half an hour later, and one person both register."""
    ana = site.office.program.people["ana"]
    with site.office.workspace() as ws:
        record = notes.save(ws, ana, note(today(ws), BEFORE)).record
    for device in (site.office, site.laptop):
        device.sync(site.stick)
    site.laptop.clock.advance(1800)
    for device, presentation, more in (
        (site.office, "Slept badly.\nSpoke of work and of her brother.", {"plan": "Call on Friday."}),
        (site.laptop, "Slept well.\nSpoke of work.", {"plan": "Call on Monday.", "modality": "in person"}),
    ):
        with device.workspace() as ws:
            notes.save(ws, ana, note(today(ws), presentation, **more), record=record)
            people.register(ws, Person(given="Uli", family="Doppel", phone=f"555-01{len(device.name)}",
                                       safe_contact="none"))  # fmt: skip
    site.meet()
    return record


@pytest.fixture
def site(made_once: Site, tmp_path: Path) -> Site:
    """A copy for one test."""
    places = {"vault": made_once.office.path, "laptop": made_once.laptop.path, "unset": made_once.unset.path}
    for name, source in places.items():
        shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("ballast"))
    shutil.copytree(made_once.stick, tmp_path / "media" / "stick")
    office, laptop = again((made_once.office, made_once.laptop), (tmp_path / "vault", tmp_path / "laptop"))
    return replace(
        made_once,
        office=office,
        laptop=laptop,
        stick=tmp_path / "media" / "stick",
        unset=replace(office.program, path=tmp_path / "unset"),
    )


Open = Callable[..., AbstractAsyncContextManager[Desk]]


@pytest.fixture
def opened(site: Site) -> Open:
    """`async with opened() as desk`: the app on the office's device, with the stick as its carrier."""

    @asynccontextmanager
    async def _opened(
        device: Device | None = None, size: tuple[int, int] = (80, 24), *, name: str = "nadia", carrier: bool = True
    ) -> AsyncIterator[Desk]:
        where = device or site.office
        ws = where.unlock(name)
        try:
            if carrier and not exchanging.remotes(ws):
                exchanging.add_remote(ws, STICK, site.stick)
            app = IopApp(Opening(ws, gather(ws), config=Config(), chores=False))
            async with app.run_test(size=size) as pilot:
                yield await Desk(app, pilot, where.program).see("Today")
        finally:
            ws.close()

    return _opened


@pytest.fixture
def fresh(site: Site) -> Open:
    """The app on a vault that never exchanged."""

    @asynccontextmanager
    async def _opened(size: tuple[int, int] = (80, 24)) -> AsyncIterator[Desk]:
        ws = site.unset.unlock("nadia")
        try:
            app = IopApp(Opening(ws, gather(ws), config=Config(), chores=False))
            async with app.run_test(size=size) as pilot:
                yield await Desk(app, pilot, site.unset).see("Today")
        finally:
            ws.close()

    return _opened
