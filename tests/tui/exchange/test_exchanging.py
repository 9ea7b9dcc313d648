"""The exchange by keys: set up, exchange while charting, stop and go on, limits, carriers that fail, in plain words."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from iop_tui.exchange.remotes.directory import DirectoryRemote
from iop_tui.exchange.remotes.port import CarrierGone
from iop_tui.shell.exchange.runner import DeskTurns
from iop_tui.store.vaultdb import Batch, VaultDb
from iop_tui.workspace import exchanging
from tests.support.clinic.devices import line
from tests.tui.exchange.conftest import BOTH, LAPTOP, STICK, Open, Site
from tests.tui.screens.conftest import Desk
from tests.tui.screens.goldens import compare

GOLDENS = Path(__file__).parent / "goldens"


async def shot(desk: Desk, name: str, *words: str) -> None:
    """Wait for words, then compare."""
    await desk.see(*words)
    await desk.settled()
    size = desk.app.size
    compare(name, (size.width, size.height), desk.screen(), GOLDENS)


class Gate:
    """A carrier that waits at each pack it gives or is given until the gate is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, stick: Path) -> None:
        self.waits, self.opened = threading.Event(), threading.Event()
        get, put = DirectoryRemote.get, DirectoryRemote.put

        def wait(remote: DirectoryRemote, name: str) -> None:
            if remote.folder == stick and name.startswith("p/"):
                self.waits.set()
                if not self.opened.wait(20):
                    raise CarrierGone("Nobody opened the gate.")

        def slow_get(remote: DirectoryRemote, name: str) -> bytes | None:
            wait(remote, name)
            return get(remote, name)

        def slow_put(remote: DirectoryRemote, name: str, data: bytes) -> None:
            wait(remote, name)
            put(remote, name, data)

        monkeypatch.setattr(DirectoryRemote, "get", slow_get)
        monkeypatch.setattr(DirectoryRemote, "put", slow_put)

    async def reached(self, desk: Desk) -> None:
        """Wait until a pack waits there."""
        await desk.until(self.waits.is_set, "a pack at the carrier")


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch, site: Site) -> Gate:
    """Closed from when the laptop brought two packs."""
    for text in ("One.", "Two."):
        site.write(site.laptop, text)
        site.laptop.sync(site.stick)
    return Gate(monkeypatch, site.stick)


async def to_exchange(desk: Desk) -> Desk:
    await desk.press("gy")
    return await desk.see("Carriers", "ready")


# -- setting up ----------------------------------------------------------------------------


@pytest.mark.nightly
@pytest.mark.parametrize("size", BOTH)
async def test_an_empty_exchange_says_what_to_do_and_is_set_up_by_keys(
    fresh: Open, site: Site, size: tuple[int, int], tmp_path: Path
) -> None:
    stick = tmp_path / "media" / "new"
    stick.mkdir()
    async with fresh(size) as desk:
        await desk.press("gy")
        await shot(desk, "exchange-empty", "No carrier yet", "does not exchange yet", "not set up yet")
        await desk.open("+")
        await desk.see("Where it is")
        await desk.open(str(stick), "<enter>")
        await desk.see("What you call it")
        await desk.open("<enter>")
        await desk.see("What this device is called")
        await desk.open("Front desk", "<enter>")
        await desk.see("new", "ready", "Front desk")
        await desk.press("x")
        await desk.see("new: ", "brought")
        assert list((stick / "cwx1" / "p").iterdir())


@pytest.mark.parametrize("size", BOTH)
async def test_carriers_devices_and_what_waits_are_told_before_it_starts(
    opened: Open, site: Site, size: tuple[int, int]
) -> None:
    site.write(site.laptop, "Written on the way.")
    site.laptop.sync(site.stick)
    async with opened(size=size) as desk:
        await to_exchange(desk)
        await shot(desk, "exchange", "1 pack in", "about 1 s", LAPTOP)
        await desk.press("x")
        await desk.see("1 pack received")
        await shot(desk, "exchange-done", "in step")


@pytest.mark.nightly
async def test_a_carrier_is_tested_and_forgotten(opened: Open, site: Site) -> None:
    async with opened() as desk:
        await to_exchange(desk)
        await desk.press("t")
        await desk.see("is there and is this program's")
        site.stick.rename(site.stick.with_name("gone"))
        await desk.press("t")
        await desk.see("! not now", "is not there")
        await desk.open("d")
        await desk.see("Forget Blue stick?")
        await desk.open("y")
        await desk.see("No carrier yet")


@pytest.mark.nightly
async def test_an_address_and_another_programs_folder_are_refused_in_words(
    opened: Open, site: Site, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    (other / "cwx1").mkdir(parents=True)
    (other / "cwx1" / "realm").write_bytes(b"CWX1" + bytes(28))
    async with opened() as desk:
        await to_exchange(desk)
        await desk.open("+")
        await desk.see("Where it is")
        await desk.open("http://example.org", "<enter>")
        await desk.see("Without https everybody")
        await desk.open("+")
        await desk.see("Where it is")
        await desk.open(str(other), "<enter>")
        await desk.see("What you call it")
        await desk.open("<enter>")
        await desk.see("the exchange of another program")


# -- exchanging while charting -------------------------------------------------------------


@pytest.mark.nightly
async def test_a_note_is_written_and_saved_while_a_slow_carrier_is_exchanged_with(
    opened: Open, site: Site, gate: Gate
) -> None:
    """Nothing on screen ever waits for a carrier (I1: what is acknowledged is in the vault)."""
    async with opened() as desk:
        await to_exchange(desk)
        await desk.press("x")
        await gate.reached(desk)
        await desk.see("exchanging")
        await desk.press("gc", "/", "bra", "<enter>")
        await desk.see("Max Brandt", "Safe contact")
        await desk.press("n")
        await desk.see("Note: Max Brandt")
        await desk.press("<f4>", "<f4>")
        await desk.paste("Written while the stick is slow.")
        await desk.press("<f2>")
        await desk.see("saved")
        assert desk.app.exchange.running
        gate.opened.set()
        await desk.until(lambda: not desk.app.exchange.running, "the end of the exchange")
        await desk.see("Note: Max Brandt")
    report = site.laptop.sync(site.stick)
    assert not report.waiting


async def test_only_turns_write_the_vault(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The single writer (architecture: one connection, one thread; an exchange takes turns)."""
    site.write(site.laptop, "One.")
    site.laptop.sync(site.stick)
    inside = threading.local()
    commit = VaultDb.commit

    class Watched(DeskTurns):
        def __init__(self) -> None:
            self.count = 0

        def take(self, job):  # type: ignore[no-untyped-def]
            self.count += 1
            inside.turn = True
            try:
                return job()
            finally:
                inside.turn = False

    def watched(db: VaultDb, batch: Batch) -> tuple[int, int]:
        assert getattr(inside, "turn", False), "written outside a turn"
        return commit(db, batch)

    with site.office.workspace() as ws:
        turns = Watched()
        monkeypatch.setattr(VaultDb, "commit", watched)
        report = exchanging.sync(ws, line(site.stick), turns=turns)
        monkeypatch.undo()
        assert len(report.taken) == 1
        assert turns.count >= 4  # slots, one part, what is owed, sealing


@pytest.mark.nightly
async def test_it_is_stopped_between_packs_and_goes_on_later(opened: Open, site: Site, gate: Gate) -> None:
    async with opened() as desk:
        await to_exchange(desk)
        await desk.press("x")
        await gate.reached(desk)
        await desk.press("c")
        await desk.see("Stopping after this pack")
        gate.opened.set()
        await desk.see("Stopped. What was moved is safe")
        await desk.see("15:00, stopped", "ready")
        await desk.press("x")
        await desk.see("1 pack received")
        assert desk.app.exchange.ended is not None
        assert not desk.app.exchange.ended.alarms


@pytest.mark.nightly
async def test_a_link_that_drops_is_told_while_it_goes_on(opened: Open, site: Site, gate: Gate) -> None:
    async with opened() as desk:
        await to_exchange(desk)
        await desk.press("x")
        await gate.reached(desk)
        struggle = desk.app.exchange.struggle
        struggle.drops, struggle.done, struggle.size = 4, 38_000, 120_000
        await shot(desk, "exchange-drops", "The link dropped 4 times, going on at 38 kB of 120 kB")
        gate.opened.set()
        await desk.see("2 packs received", "dropped 4 times.")


@pytest.mark.nightly
async def test_a_lock_in_the_middle_loses_nothing(opened: Open, site: Site, gate: Gate) -> None:
    async with opened() as desk:
        await to_exchange(desk)
        await desk.press("x")
        await gate.reached(desk)
        exchange = desk.app.exchange
        desk.app.action_lock()
    gate.opened.set()
    exchange._pool.shutdown(wait=True)
    report = site.office.sync(site.stick)
    assert len(report.taken) == 2
    with site.office.workspace() as ws:
        assert not [item for item in ws.verify() if item.alarm]


@pytest.mark.nightly
async def test_a_limit_leaves_the_rest_for_next_time(opened: Open, site: Site) -> None:
    async with opened() as desk:
        await to_exchange(desk)
        await desk.open("l")
        await desk.see("Kilobytes at most")
        await desk.open("many", "<enter>")
        await desk.see("a number of kilobytes")
        await desk.open("l")
        await desk.see("Kilobytes at most")
        await desk.open("1", "<enter>")
        await desk.see("remain for the next exchange", "not all")
        assert "! exchange" not in desk.screen()
        await desk.press("x")
        await desk.see("brought")


@pytest.mark.nightly
async def test_a_file_carries_everything_both_ways(opened: Open, site: Site, tmp_path: Path) -> None:
    text = site.write(site.laptop, "By mail.")
    parcel = tmp_path / "parcel.cwx"
    site.laptop.sync(parcel)
    async with opened() as desk:
        await to_exchange(desk)
        await desk.open("f")
        await desk.see("The file, ending in .cwx")
        await desk.open(str(tmp_path / "parcel.txt"), "<enter>")
        await desk.see("does not end in .cwx")
        await desk.open("f")
        await desk.see("The file, ending in .cwx")
        await desk.open(str(parcel), "<enter>")
        await desk.see("parcel.cwx: ", "received")
        assert desk.app.ws.view.one("SELECT 1 FROM record WHERE record = ?", (text,))


# -- what goes wrong, in plain words -------------------------------------------------------


@pytest.mark.nightly
async def test_a_stick_that_is_pulled_is_told_and_charting_goes_on(
    opened: Open, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = DirectoryRemote.put

    def pulled(remote: DirectoryRemote, name: str, data: bytes) -> None:
        if remote.folder == site.stick and name.startswith("p/"):
            raise CarrierGone("The carrier went away while it was used.")
        put(remote, name, data)

    async with opened() as desk:
        await to_exchange(desk)
        monkeypatch.setattr(DirectoryRemote, "put", pulled)
        await desk.press("x")
        await desk.see("Blue stick: The carrier went away", "Bring it back")
        await desk.press("gc")
        await desk.see("! exchange stopped")
        monkeypatch.undo()
        await desk.press("gy", "x")
        await desk.see("brought")
        await desk.gone("! exchange stopped")


@pytest.mark.nightly
async def test_a_carrier_that_went_back_to_an_older_state_is_told(opened: Open, site: Site, tmp_path: Path) -> None:
    shutil.copytree(site.stick, tmp_path / "older")
    async with opened() as desk:
        await to_exchange(desk)
        await desk.press("x")
        await desk.see("brought")
        shutil.rmtree(site.stick)
        shutil.copytree(tmp_path / "older", site.stick)
        await desk.press("x")
        await desk.see("it held before: it went back to an older state")
        await desk.see("! exchange")
        assert STICK in desk.screen()
