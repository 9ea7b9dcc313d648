"""Moving in by keys: a look first, the mapping of a list's columns, parts of C-CDA documents on request."""

from __future__ import annotations

from pathlib import Path

import pytest

from iop_tui.clinical.imports import mappings
from iop_tui.clinical.sessions import calendar
from iop_tui.ui.lists.recordlist import RecordList
from tests.support.clinic.vaults import Program
from tests.tui.screens.conftest import Desk, Open
from tests.tui.screens.goldens import box, compare

CCDA = Path(__file__).parents[2] / "vectors" / "ccda"
LIST = "Vorname,Zuname,Geboren,Kasse\nNora,Falk,1991-02-03,none\nJo,Lind,1985-07-08,none\n,,,\n"


async def _look_into(desk: Desk, path: Path) -> None:
    await desk.open("I")
    await desk.see("Bring records in")
    await desk.paste(str(path))
    await desk.open("<enter>")


async def test_a_list_with_strange_headings_is_mapped_kept_and_taken(
    opened: Open, made: Program, tmp_path: Path
) -> None:
    (tmp_path / "list.csv").write_text(LIST)
    async with opened("nadia", (80, 24)) as desk:
        await desk.press("g", "c")
        await desk.see("Caseload", "Ana")
        await _look_into(desk, tmp_path / "list.csv")
        await desk.see("Bring in: list.csv", "rejected")
        await desk.open("c")
        await desk.see("Vorname", "left out")
        for field in ("f", "l", "d"):  # first name, last name, date of birth: options by their first letter
            await desk.open("<enter>")
            await desk.see(" is")
            await desk.open(*_to(field), "<enter>", "<down>")
        await desk.see("3 of 4 columns are used")
        await desk.settled()
        compare("mapping", (80, 24), desk.screen())
        await desk.open("w")
        await desk.see("Keep this mapping")
        await desk.paste("Old system")
        await desk.open("<enter>")
        await desk.see("Kept.")
        await desk.open("<f2>")
        await desk.see("Would be: 2 created")
        await desk.settled()
        body = desk.screen().split("\n")[:-2]  # below it a word of what was done, which goes by itself
        compare("moving", (80, 24), "\n".join(body))
        await desk.open("<f2>")
        await desk.see("Bring it in?")
        await desk.open("y")
        await desk.see("2 created", "done")
    with made.workspace("nadia") as ws:
        names = {row[0] for row in ws.view.rows("SELECT name FROM person")}
        assert {"Nora Falk", "Jo Lind"} <= names
        assert mappings.columns_of(ws, "old system")["Vorname"] == "given"


def _to(letter: str) -> tuple[str, ...]:
    """Keys that lead from `left out` to a field of the list of fields."""
    return {"f": ("<down>",), "l": ("<down>",) * 3, "d": ("<down>",) * 6}[letter]


@pytest.mark.nightly
async def test_problems_goals_and_scores_are_picked_on_request(opened: Open, made: Program) -> None:
    path = CCDA / "Documents__Care_Plan__Care_Plan.xml"
    async with opened("nadia", (80, 24)) as desk:
        await desk.press("g", "c")
        await desk.see("Caseload", "Ana")
        await _look_into(desk, path)
        await desk.see("Documents stay whole", "Would be:")
        before = _created(desk)
        await desk.open("p")
        await desk.see("Which parts become records?", "Problems", "Goals", "Scores")
        await desk.open("<space>", "<space>", "<enter>")
        await desk.see("Picked: problems, goals")
        assert _created(desk) > before
    with made.workspace("nadia") as ws:
        assert ws.view.rows("SELECT 1 FROM record WHERE kind IN ('received_note', 'received_goal')") == []


def _created(desk: Desk) -> int:
    return int(desk.screen().partition("Would be: ")[2].partition(" created")[0].replace(",", ""))


@pytest.mark.nightly
async def test_a_file_that_is_none_changes_nothing_and_says_why(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "noise.xml").write_text("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>")
    async with opened("nadia", (80, 24)) as desk:
        await desk.press("g", "c")
        await desk.see("Caseload", "Ana")
        await _look_into(desk, tmp_path / "noise.xml")
        await desk.see("Bring in: noise.xml", "rejected")
        await desk.open("<f2>")
        await desk.see("nothing new in it to take")
        await desk.open("<escape>")
        await _look_into(desk, tmp_path / "nowhere.csv")
        await desk.see("There is no file")


@pytest.mark.nightly
async def test_who_has_neither_the_office_nor_a_calendar_is_refused(opened: Open) -> None:
    async with opened("abe", (80, 24)) as desk:
        await desk.press("gc")
        await desk.see("Caseload", "No person's record is open to you")
        await desk.open("I")
        await desk.see("Importing is done by the front desk")


CALENDAR = "\r\n".join((
    "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Example//EN", "BEGIN:VEVENT", "UID:1@example", "SUMMARY:A.Q. 50 min",
    "DTSTART:20270111T150000Z", "DTEND:20270111T155000Z", "END:VEVENT", "END:VCALENDAR", "",
))  # fmt: skip


async def test_the_front_desk_takes_in_a_clinicians_calendar(opened: Open, made: Program, tmp_path: Path) -> None:
    """As `import --clinician` does it: whose calendar it is, is asked; only that clinician reads its lines."""
    (tmp_path / "tom.ics").write_bytes(CALENDAR.encode())
    async with opened("fay", (80, 24)) as desk:
        await desk.press("g", "c")
        await desk.see("Caseload", "Ana")
        await _look_into(desk, tmp_path / "tom.ics")
        await desk.see("Whose calendar is it?", "Tom", "Nadia")
        assert "Fay" not in box(desk.screen()), "who has no sessions has no calendar"
        await desk.open("<escape>")
        await _look_into(desk, tmp_path / "tom.ics")
        await desk.see("Whose calendar is it?")
        await desk.open("<enter>")
        await desk.see("Would be: 1 created", "Its lines wait for")
        await desk.open("w")
        await desk.see("Whose calendar is it?")
        await _choose(desk, "Tom")
        await desk.see("Its lines wait for Tom", "Would be: 1 created")
        await desk.settled()
        compare("moving-calendar", (80, 24), desk.screen())
        await desk.open("<f2>")
        await desk.see("Bring it in?")
        await desk.open("y")
        await desk.see("done", "It was taken in.")
        await desk.press("w")
        await desk.see("Only a calendar is somebody's, and before it is taken in.")
    for name, count in (("tom", 1), ("nadia", 0)):
        with made.workspace(name) as ws:
            assert len(calendar.entries(ws)) == count, name


async def _choose(desk: Desk, name: str) -> None:
    """The option of that name in a list of choices."""
    listing: RecordList[tuple[str, str]] = desk.app.screen.query_one(RecordList)
    for _ in range(listing.count):
        if listing.row is not None and listing.row[1] == name:
            break
        await desk.press("<down>")
    await desk.open("<enter>")
