"""The screens of the work queue as text: Today with sessions, any document, versions, supervision, checks, profiles."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.sessions import service as sessions
from iop_tui.clinical.sessions.model import Session
from iop_tui.clinical.signing import service as signing
from iop_tui.clinical.staff import profiles
from iop_tui.clinical.staff.profiles import Licence, StaffProfile
from iop_tui.kernel.ids import show_id
from iop_tui.ui.lists.recordlist import RecordList
from tests.support.clinic.vaults import Program, today
from tests.tui.screens.conftest import Open
from tests.tui.screens.test_goldens import BOTH, shot
from tests.tui.screens.test_queue import fresh


@pytest.fixture
def busy(made: Program) -> Program:
    """A day with sessions, a withdrawn and a corrected note, profiles, and a request for a co-signature."""
    with made.workspace("nadia") as ws:
        day = today(ws)
        for hour, name, status in ((9, "max", "no-show"), (13, "ana", "scheduled"), (16, "max", "scheduled")):
            planned = Session(date=day, start=time(hour), stop=time(hour, 50), status=status,
                              reason="" if status == "scheduled" else "Did not answer.")  # fmt: skip
            sessions.schedule(ws, made.people[name], planned)
        earlier = Session(date=day - timedelta(days=3), start=time(11), stop=time(11, 50))
        sessions.schedule(ws, made.people["max"], earlier)
        signing.void(ws, made.notes["ana2"], reason="duplicate", explanation="Written twice.")
        _, _, document = signing.opened_document(ws, made.notes["ana0"])
        fixed = signing.amend(ws, made.notes["ana0"], _said(document, "Reports sleeping better since the harbor walk."),
                              reason="correction", explanation="It was the harbor.")  # fmt: skip
        signing.sign(ws, [fixed.record])
        licences = (Licence(state="KS", number="4711", until=day + timedelta(days=200)),
                    Licence(state="MO", number="815", until=day - timedelta(days=2)))  # fmt: skip
        uma = show_id(made.users["uma"].user)
        profile = StaffProfile(credential="LPC-A", licences=licences, npi="1234567893", supervisor=uma)
        profiles.set_profile(ws, made.users["tom"].user, profile)
    with made.workspace("tom") as tom:
        saved = notes.save(tom, made.people["ben"], fresh(today(tom) - timedelta(days=1), "ferry"))
        charting.sign(tom, [saved.record])
    return made


def _said(document: object, presentation: str) -> object:
    import msgspec

    return msgspec.structs.replace(document, presentation=presentation)


@pytest.mark.parametrize("size", BOTH)
async def test_the_day_and_what_stands_beside_records(opened: Open, busy: Program, size: tuple[int, int]) -> None:
    async with opened(size=size) as desk:
        await desk.gone("looking through the charts")
        await shot(desk, "queue-today", "Sessions", "no-show", "Write the note of")
        desk.app.screen.go("record", busy.notes["ana0"])
        await shot(desk, "queue-amended", "Amended", "once, see below")
        await desk.press("h")
        await shot(desk, "queue-versions", "Versions: Progress note", "harbor")
        await desk.press("q", "q")
        desk.app.screen.go("record", busy.notes["ana2"])
        await shot(desk, "queue-void", "! VOID")
        await desk.press("q")
        await desk.see("Today")
        desk.app.screen.go("document", busy.people["max"])
        await shot(desk, "queue-picker", "Which document?")
        await desk.open("<escape>")
        await desk.gone("Which document?")
        desk.app.screen.go("document", busy.people["max"], how="continuing_care_plan")
        await shot(desk, "queue-document", "Continuing-care plan: Max Brandt")
        await desk.press("<escape>", "q")
        desk.app.screen.go("check", busy.people["max"])
        await shot(desk, "queue-check", "Max Brandt:", "findings")
        await desk.press("gp")
        listing = desk.app.screen.query_one(RecordList)
        await desk.see("8 users")
        await desk.press("<end>", "<up>")
        await shot(desk, "queue-people", "LPC-A", "! MO 815")
        assert listing.count == 8
        await desk.press("e")
        await shot(desk, "queue-profile", "Staff profile: Tom")


@pytest.mark.parametrize("size", BOTH)
async def test_supervision(opened: Open, busy: Program, size: tuple[int, int]) -> None:
    async with opened("uma", size) as desk:
        await desk.press("gq")
        await shot(desk, "queue-supervision", "! co-sign", "Tom")
        await desk.press("<enter>")
        await shot(desk, "queue-cosign", "Co-sign: Progress note", "exactly the bytes")
        await desk.open("r")
        await shot(desk, "queue-return", "Return it for changes?")
    assert busy
