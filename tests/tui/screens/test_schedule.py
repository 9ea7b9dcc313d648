"""The schedule by keys at 80×24: the front desk plans, moves, calls off; the clinician's Today shows it."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from iop_tui.clinical.imports import calendars
from iop_tui.clinical.notes.starting import unsaved
from iop_tui.clinical.sessions import desk as times
from iop_tui.clinical.sessions import service as sessions
from iop_tui.clinical.sessions.model import Appointment, Session
from iop_tui.interchange.moving import ics
from iop_tui.kernel.ids import show_id
from iop_tui.ui.forms.form import Form
from iop_tui.ui.lists.recordlist import RecordList
from tests.support.clinic.vaults import Program, leave, today
from tests.tui.screens.conftest import Desk, Open
from tests.tui.screens.test_goldens import BOTH, shot
from tests.tui.screens.test_queue import chart, fill

BEN = 'Benjamin "Ben" Odell'


@pytest.fixture
def planned(made: Program) -> Program:
    """A morning: one session of Nadia's own, and times that the desk planned for Tom and Cleo."""
    with made.workspace("nadia") as ws:
        day = today(ws)
        sessions.schedule(ws, made.people["ana"], Session(date=day, start=time(9), stop=time(9, 50), kind="crisis"))
        fay = made.beside(ws, "fay")
        for name, who, hour, more in (
            ("ben", "tom", 10, {"place": "in person", "room": "2"}), ("ana", "cleo", 13, {}), ("ben", "cleo", 13, {}),
        ):  # fmt: skip
            values = {"clinician": show_id(made.users[who].user), "date": day, "start": time(hour),
                      "stop": time(hour, 50), **more}  # fmt: skip
            times.plan(fay, made.people[name], Appointment(**values))  # type: ignore[arg-type]
        leave(fay)
    return made


async def schedule(desk: Desk) -> RecordList:  # type: ignore[type-arg]
    """The schedule, loaded."""
    await desk.press("gh")
    await desk.see("Schedule", "everybody")
    listing = desk.app.screen.query_one(RecordList)
    await desk.until(lambda: listing.up_to_date, "the times")
    return listing


async def test_the_desk_plans_moves_and_calls_off_by_keys(opened: Open, made: Program) -> None:
    async with opened("fay") as desk:
        await schedule(desk)
        await desk.see("Nothing is planned.")
        await desk.open("+")
        await desk.see("Whose time?")
        await desk.open("odell", "<enter>")
        await desk.see("With whom?", "Cleo", "Tom")
        await desk.open("t", "<enter>")
        await desk.see(f"Time: {BEN}", "with Tom")
        await fill(desk, {"start": "10:00", "stop": "10:50"})
        await desk.press("<f2>")
        await desk.see("Schedule", "10:00 to 10:50", "Benjamin", "Tom")
        await desk.press("m")
        await desk.see(f"Time: {BEN}")
        await fill(desk, {"start": "11:00", "stop": "11:50"})
        await desk.press("<f2>")
        await desk.see("Schedule", "11:00 to 11:50")
        await desk.open("d")
        await desk.see("Cancel this time?", "Nobody is told")
        await desk.open("y")
        await desk.see("cancelled")
        await desk.open("u")
        await desk.see("Put it back on?")
        await desk.open("y")
        await desk.gone("cancelled")
        await desk.open("N")
        await desk.see("Mark it as a no-show?")
        await desk.open("y")
        await desk.see("no-show")
        await desk.press("]")
        await desk.see("Nothing is planned.")
        await desk.press("w")
        await desk.see("no-show", "1 time")


@pytest.mark.nightly
async def test_a_refused_time_keeps_what_was_typed(opened: Open, made: Program) -> None:
    async with opened("fay") as desk:
        await chart(desk)
        await desk.press("S")
        await desk.see("Time: Max Brandt", "with Nadia")
        await fill(desk, {"date": "2026-03-20", "start": "10:00", "stop": "09:00"})
        await desk.press("<f2>")
        await desk.see("It stops before it starts.")
        await desk.see("unsaved text kept")
        await desk.press("<escape>", "q")
        await desk.see("Chart", "Max Brandt")
        assert [line.kind for line in unsaved(desk.app.ws)] == ["appointment"]
    async with opened("fay") as desk:
        await desk.due("Unsaved appointment")
        await desk.press("<enter>")
        await desk.see("Time: Max Brandt")
        assert desk.app.screen.query_one(Form).values()["date"] == "2026-03-20"
        await fill(desk, {"stop": "10:50"})
        await desk.press("<f2>")
        await desk.see("Today")
        assert unsaved(desk.app.ws) == []


async def test_the_clinicians_today_shows_what_the_desk_planned(opened: Open, planned: Program) -> None:
    async with opened("tom") as desk:
        await desk.see("Sessions", "10:00 to 10:50", BEN, "planned, in person")
        listing = desk.app.screen.query_one("#sessions", RecordList)
        listing.focus()
        await desk.open("n")
        await desk.see("Note: Benjamin", "10:00-10:50")
        await desk.press("<escape>", "q")
        await desk.see("Today")
        desk.app.screen.query_one("#sessions", RecordList).focus()
        await desk.open("e")
        await desk.see("The time with Benjamin", "No-show")
        await desk.open("c", "<enter>")
        await desk.see("Noted on the schedule.", "cancelled")
    async with opened("cleo") as desk:
        await desk.see("13:00 to 13:50", "Ana Quill", BEN, "joint work")
        desk.app.screen.query_one("#sessions", RecordList).focus()
        await desk.press("<enter>")
        await desk.see("Couple")


@pytest.mark.nightly
async def test_a_clinicians_own_session_is_changed_in_its_own_record(opened: Open, planned: Program) -> None:
    async with opened("nadia") as desk:
        await schedule(desk)
        await desk.see("09:00 to 09:50", "Ana Quill", "Nadia", "4 times")
        await desk.press("d")
        await desk.see("Session: Ana Quill", "Why not")


@pytest.mark.parametrize("size", BOTH)
async def test_the_schedule_as_the_desk_sees_it(opened: Open, planned: Program, size: tuple[int, int]) -> None:
    async with opened("fay", size) as desk:
        await schedule(desk)
        await shot(desk, "schedule-day", "Schedule", "13:00 to 13:50")
        assert "crisis" not in desk.screen()
        await desk.press("w")
        await shot(desk, "schedule-week", "Thu 12 13:00")
        await desk.open("f")
        await desk.see("Whose times?", "Everybody")
        await desk.open("t", "<enter>")
        await desk.see(", Tom")
        await desk.gone("Ana Quill")
        await desk.press("m")
        await shot(desk, "schedule-time", f"Time: {BEN}", "Room")


@pytest.mark.nightly
async def test_who_has_no_grant_has_an_empty_schedule(opened: Open, planned: Program) -> None:
    async with opened("uma") as desk:
        await desk.press("gh")
        await desk.see("Schedule", "Nothing is planned.")
    with planned.workspace("tom") as tom:
        day = today(tom)
        found = times.appointments(tom, day - timedelta(days=30), day + timedelta(days=30))
        assert {line.name for line in found} == {'Benjamin "Ben" Odell'}


CALENDAR = "\r\n".join((
    "BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", "UID:a", "SUMMARY:M.B. weekly", "LOCATION:Room 2",
    "DESCRIPTION:diary card", "DTSTART:20260316T140000", "DURATION:PT50M", "RRULE:FREQ=WEEKLY;COUNT=3", "END:VEVENT",
    "BEGIN:VEVENT", "UID:b", "SUMMARY:Dentist", "DTSTART;VALUE=DATE:20260317", "END:VEVENT", "END:VCALENDAR", "",
))  # fmt: skip


async def test_the_lines_of_a_calendar_are_decided_by_keys(opened: Open, made: Program) -> None:
    with made.workspace("nadia") as ws:
        calendars.import_run(ws, list(ics.read(CALENDAR.encode(), "my.ics")))  # type: ignore[arg-type]
    async with opened("nadia") as desk:
        await schedule(desk)
        await desk.press("i")
        await shot(desk, "schedule-lines", "Calendar lines", "2 to decide", "diary card")
        await desk.open("p")
        await desk.see("Whose sessions?")
        await desk.open("brandt", "<enter>")
        await desk.see("With Max Brandt: where?")
        await desk.open("v", "<enter>")
        await desk.see("3 planned with Max Brandt", "1 to decide")
        await desk.open("d")
        await desk.see("Set this line aside?")
        await desk.open("y")
        await desk.see("No line waits for you.")
        await desk.press("q")
        await desk.see("Schedule")
        await desk.press("]", "]", "]", "]")
        await desk.see("14:00 to 14:50", "Max Brandt")
