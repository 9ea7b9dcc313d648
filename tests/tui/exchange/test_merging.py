"""Two versions of a draft by keys: both with what stood before, decided by a person, one version with both parents."""

from __future__ import annotations

from datetime import time

import msgspec
import pytest

from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import ProgressNote
from iop_tui.clinical.records import api as records
from iop_tui.clinical.sessions import desk as desk_service
from iop_tui.clinical.sessions.model import Appointment
from iop_tui.kernel.ids import show_id
from iop_tui.shell.exchange import merging
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.workspace import exchanging
from tests.support.clinic.vaults import note, today
from tests.tui.exchange.conftest import BOTH, Open, Site
from tests.tui.exchange.test_exchanging import shot
from tests.tui.screens.conftest import Desk


async def to_merge(desk: Desk) -> Desk:
    await desk.due("Choose between two versions")
    await desk.press("<enter>")
    return await desk.see("Two versions: Progress note")


def decisions(desk: Desk) -> dict[str, object]:
    page = desk.app.screen
    assert isinstance(page, merging.Merge)
    return {**page.begun.decided, **page.begun.typed}


@pytest.mark.parametrize("size", BOTH)
async def test_both_versions_stand_side_by_side_and_nothing_is_preselected(
    opened: Open, site: Site, size: tuple[int, int]
) -> None:
    async with opened(size=size) as desk:
        await to_merge(desk)
        assert not decisions(desk)
        await shot(desk, "merge", "to decide", "! open", "Before both", "Nadia")
        await desk.press("a")
        await desk.see("only one version changed")
        await desk.press("1")
        await desk.see("1 to decide")  # on to what is open still
        await desk.press("<up>")
        await shot(desk, "merge-decided", "Result:")


async def test_a_person_decides_and_the_new_version_has_both_parents(opened: Open, site: Site) -> None:
    async with opened() as desk:
        await to_merge(desk)
        await desk.press("<f2>")
        await desk.see("Not decided yet: ")
        await desk.press("a")
        await desk.until(lambda: len(decisions(desk)) >= 1, "the one-sided changes")
        page = desk.app.screen
        assert isinstance(page, merging.Merge)
        listing = page.query_one(RecordList)
        for place, part in enumerate(page.begun.sheet.parts):
            if part.key not in decisions(desk):
                listing.move_to(place)
                await desk.pilot.pause()
                await desk.press("b" if part.joins else "2")
        await desk.see("all decided")
        await desk.press("<f2>")
        await desk.see("Merged. Both versions stay")
        view = records.read(desk.app.ws, site.torn)
        assert isinstance(view.document, ProgressNote)
        assert len(view.parents) == 2
        assert set(view.document.plan.split("\n")) == {"Call on Friday.", "Call on Monday."}
        assert view.document.modality == "in person"
        assert not view.line.conflict
        await desk.gone("Choose between two versions")
    site.meet()
    with site.laptop.workspace() as ws:
        assert not records.line_of(ws, site.torn).conflict


@pytest.mark.nightly
async def test_own_words_replace_both(opened: Open, site: Site) -> None:
    async with opened() as desk:
        await to_merge(desk)
        page = desk.app.screen
        assert isinstance(page, merging.Merge)
        place = next(at for at, part in enumerate(page.begun.sheet.parts) if part.key == "plan")
        page.query_one(RecordList).move_to(place)
        await desk.pilot.pause()
        await desk.open("e")
        await desk.see("make one of them", "Call on Friday.", "Call on Monday.")
        await desk.open("<escape>")
        await desk.gone("make one of them")
        assert "plan" not in decisions(desk)
        await desk.open("e")
        await desk.see("make one of them")
        await desk.paste("Call before Friday. ")
        await desk.open("<f2>")
        await desk.see("own words")
        assert str(decisions(desk)["plan"][0]).startswith("Call before Friday.")  # type: ignore[index]


@pytest.mark.nightly
async def test_decisions_are_found_again_after_leaving(opened: Open, site: Site) -> None:
    async with opened() as desk:
        await to_merge(desk)
        await desk.press("a")
        before = decisions(desk)
        await desk.press("q")
        await desk.see("Go on deciding between two versions")
        await desk.due("Go on deciding")
        await desk.press("<enter>")
        await desk.see("Two versions")
        assert decisions(desk) == before
    async with opened(site.office) as again:
        await again.see("Go on deciding between two versions")


@pytest.mark.nightly
async def test_a_torn_draft_is_marked_in_lists_and_opened_by_its_key(opened: Open, site: Site) -> None:
    async with opened() as desk:
        await desk.press("gd")
        await desk.see("! two versions: choose")
        await desk.press("gc", "/", "qui", "<enter>")
        await desk.see("Ana Quill", "! two")
        desk.app.screen.go("record", site.torn)  # type: ignore[attr-defined]
        await desk.see("m decides")
        await desk.press("m")
        await desk.see("Two versions: Progress note")
        await desk.press("q", "e")
        await desk.see("Two versions: Progress note")  # editing one of two versions would hide the other


@pytest.mark.nightly
async def test_another_version_that_comes_meanwhile_is_shown(opened: Open, site: Site) -> None:
    """The laptop goes on before it meets the office's version: its newer text replaces its older one on the page."""
    ana = site.office.program.people["ana"]
    record = site.write(site.office, "One.")
    site.meet()
    for device, plan in ((site.office, "Of the office."), (site.laptop, "Of the laptop.")):
        with device.workspace() as ws:
            notes.save(ws, ana, note(today(ws), "One.", plan=plan), record=record)
    site.laptop.sync(site.stick)
    site.office.sync(site.stick)
    with site.laptop.workspace() as ws:
        notes.save(ws, ana, note(today(ws), "One.", plan="Of the laptop, later."), record=record)
    site.laptop.sync(site.stick)
    async with opened() as desk:
        desk.app.screen.go("merge", record)  # type: ignore[attr-defined]
        await desk.see("Two versions", "Of the laptop.")
        desk.app.exchange.begin(exchanging.remotes(desk.app.ws)[0])
        await desk.see("Another version came", "Of the laptop, later.")


async def test_a_time_moved_on_two_devices_is_decided_from_the_schedule(opened: Open, site: Site) -> None:
    """One device moves it to ten, the other to eleven and into a room: the schedule opens both versions."""
    ana = site.office.program.people["ana"]
    with site.office.workspace() as ws:
        planned = Appointment(clinician=show_id(ws.user.user), date=today(ws), start=time(9), stop=time(9, 50))
        record = desk_service.plan(ws, ana, planned).record
    site.meet()
    for device, hour, more in ((site.office, 10, {}), (site.laptop, 11, {"place": "in person", "room": "2"})):
        with device.workspace() as ws:
            moved = {"start": time(hour), "stop": time(hour, 50), **more}
            found = desk_service.appointment_of(ws, record).appointment
            desk_service.plan(ws, ana, msgspec.structs.replace(found, **moved), record=record)
    site.meet()
    async with opened() as desk:
        await desk.due("versions of a time")
        await desk.press("gh")
        await desk.see("! two")
        await desk.press("m")
        await desk.see("Two versions: Appointment")
        await desk.press("a")
        await desk.see("only one version changed")
        await desk.press("2")
        await desk.until(lambda: len(decisions(desk)) == 3, "the start")
        await desk.press("1")
        await desk.see("all decided")
        await desk.press("<f2>")
        await desk.see("It stops before it starts")
        desk.app.screen.query_one(RecordList).focus()
        page = desk.app.screen
        assert isinstance(page, merging.Merge)
        page.query_one(RecordList).move_to([part.key for part in page.begun.sheet.parts].index("stop"))
        await desk.pilot.pause()
        await shot(desk, "merge-time", "Stop", "Result:")
        await desk.press("2", "<f2>")
        await desk.see("Merged. Both versions stay")
        await desk.see("11:00 to 11:50")
    site.meet()
    with site.laptop.workspace() as ws:
        line = desk_service.appointment_of(ws, record)
        assert (line.conflict, line.appointment.start, line.appointment.room) == (False, time(11), "2")
