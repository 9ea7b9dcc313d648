"""Care team, transfer, succession, case reviews and restrictions by keys, with pictures of each at 80x24."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from textual.screen import ModalScreen

from iop_tui.access import roles
from iop_tui.clinical.consulting import api as consulting
from iop_tui.clinical.people import service as people
from iop_tui.clinical.restrictions import api as restrictions
from iop_tui.clinical.staff import profiles
from iop_tui.clinical.turnover import api as turnover
from iop_tui.kernel.ids import show_id
from tests.support.clinic.vaults import Program, today
from tests.tui.screens.conftest import Desk
from tests.tui.screens.goldens import box, compare
from tests.tui.turnover.conftest import Open

GOLDENS = Path(__file__).parent / "goldens"
IT = roles.INDIVIDUAL_THERAPIST


async def shot(desk: Desk, name: str, *words: str) -> None:
    """Wait for words, then compare."""
    await desk.see(*words)
    await desk.settled()
    dialog = isinstance(desk.app.screen, ModalScreen) and "┌" in desk.screen()
    compare(name, (80, 24), box(desk.screen()) if dialog else desk.screen(), GOLDENS)


async def chart_of(desk: Desk, typed: str, name: str) -> None:
    await desk.press("gc")
    await desk.see("Caseload")
    await desk.press("/", typed, "<enter>")
    await desk.see(name, "Timeline")


async def test_every_screen_at_80x24(opened: Open) -> None:
    async with opened("nadia") as desk:
        await chart_of(desk, "qui", "Ana Quill")
        await desk.press("R")
        await shot(desk, "restrictions-empty", "No restriction was asked for")
        await desk.press("+")
        await shot(desk, "restriction-new", "Not to be given to")
        await desk.press("<escape>")
        await desk.see("leave")
        await desk.press("q")
        await desk.see("No restriction was asked for")
        await desk.press("q", "T")
        await shot(desk, "team", "Care team", "individual therapist", "Opens now")
        await the_part(desk, "Nadia", IT)
        await desk.open("t")
        await desk.see("Who takes Nadia's part over?", "Tom")
        await desk.open("t", "<enter>")
        await shot(desk, "team-wall", "Refused", "other partner")
        await desk.press("gv")
        await shot(desk, "reviews-empty", "No case is shown")
        await desk.press("gw")
        await shot(desk, "turnover-empty", "Nothing waits for you")
        await desk.press("u")
        await shot(desk, "succession-nobody", "nobody named", "Nobody is named for 2 of your 2 people")
        await desk.press("q")
        await desk.see("Nothing waits for you")
        await caseload(desk, "t", "Tom")
        await shot(desk, "transfer-dry", "From Nadia to Tom", "! refused", "dry run")


async def the_part(desk: Desk, name: str, role: str) -> None:
    """Put the cursor of the care team on somebody's part."""
    listing = desk.app.screen.listing  # type: ignore[attr-defined]
    await desk.until(lambda: listing.count > 0 and listing.up_to_date, "the team")
    rows = [listing.row_at(place) for place in range(listing.count)]
    listing.move_to(next(place for place, row in enumerate(rows) if (row.name, row.role) == (name, role)))
    await desk.pilot.pause()


async def caseload(desk: Desk, key: str, name: str) -> None:
    """From Hand-overs to the dry run of Nadia's caseload to a colleague, for good."""
    await desk.open("t")
    await desk.see("Whose caseload?", "Nadia, 2 people")
    await desk.open("n", "<enter>")
    await desk.see("Who takes it over?", name)
    await desk.open(key, "<enter>")
    await desk.see("For how long?")
    await desk.press("<enter>")
    await desk.see(f"From Nadia to {name}")


@pytest.mark.nightly
async def test_a_part_is_transferred_from_the_care_team_and_what_it_gives_is_said_first(opened: Open) -> None:
    async with opened("nadia") as desk:
        await chart_of(desk, "bra", "Max Brandt")
        await desk.press("T")
        await desk.see("Care team", "individual therapist", "Opens now")
        await desk.open("a")
        await desk.see("Assign to Max Brandt", "Ida, individual therapist")
        await desk.open("<escape>")
        await desk.open("t")
        await desk.see("Who takes Nadia's part over?", "Ida")
        await desk.open("i", "<enter>")
        await shot(desk, "team-transfer", "Will: give Ida the directory entry", "Will not: move")
        await desk.open("<enter>")
        await desk.gone("Will not: move")
        team = turnover.care_team(desk.app.ws, desk.made.people["max"])
        assert (team[0].name, team[0].role) == ("Nadia", IT), "Enter on the question changes nothing"
        await desk.open("t")
        await desk.see("Who takes Nadia's part over?")
        await desk.open("i", "<enter>")
        await desk.see("Will not: move")
        await desk.open("y")
        await desk.see("Max Brandt: done")
        await desk.see("Ida  ")
        parts = {(line.name, line.role) for line in turnover.care_team(desk.app.ws, desk.made.people["max"])}
        assert ("Ida", IT) in parts
        assert ("Nadia", IT) not in parts
        await desk.press("d")
        await shot(desk, "team-last", "Only Ida can open", "nothing was changed")


@pytest.mark.nightly
async def test_a_stand_in_says_its_end_first_and_ends_by_itself(opened: Open) -> None:
    async with opened("nadia") as desk:
        await chart_of(desk, "qui", "Ana Quill")
        await desk.press("T")
        await desk.see("Care team", "Nadia")
        await the_part(desk, "Nadia", IT)
        await desk.open("c")
        await desk.see("Somebody stands in for Nadia", "Until")
        await desk.open("<enter>")
        await desk.see("Who stands in for Nadia?")
        await desk.open("i", "<enter>")
        await desk.see("end by themselves")
        await desk.open("y")
        await desk.see("stands in")
        until = today(desk.app.ws) + timedelta(days=7)
        line = next(one for one in turnover.care_team(desk.app.ws, desk.made.people["ana"]) if one.name == "Ida")
        assert line.until == until


async def test_a_caseload_goes_person_by_person_stops_between_two_and_goes_on(opened: Open, made: Program) -> None:
    async with opened("nadia") as desk:
        await desk.press("gw")
        await desk.see("Nothing waits for you")
        await caseload(desk, "i", "Ida")
        page = desk.app.screen
        run = page._one_by_one  # type: ignore[attr-defined]

        async def stopped(chosen: object) -> object:
            page.action_stop()  # type: ignore[attr-defined]
            return await run(chosen)

        page._one_by_one = stopped  # type: ignore[attr-defined]
        await desk.open("r")
        await desk.see("2 people: go on?", "Will not: move")
        await desk.open("y")
        await desk.see("2 not begun")
        assert turnover.caseload_left(desk.app.ws, made.users["ida"].user) == []
        page._one_by_one = run  # type: ignore[attr-defined]
        await desk.press("q")
        await desk.see("Go on: Nadia to Ida")
        await desk.press("<enter>")
        await desk.see("From Nadia to Ida", "begun")
        await desk.open("r")
        await desk.see("2 people: go on?")
        await desk.open("y")
        await desk.see("2 went on", "2 done")
        await shot(desk, "transfer-done", "nothing is left to do")
        left = {(fact.user, fact.role) for fact in turnover.caseload_left(desk.app.ws, made.users["nadia"].user)}
        assert left == set()
        await desk.press("q")
        await desk.see("Nothing waits for you")


@pytest.mark.nightly
async def test_succession_named_said_signed_taken_over_and_ended(opened: Open, made: Program) -> None:
    async with opened("tom") as desk:
        await desk.press("gw")
        await desk.see("Hand-overs")
        await desk.press("u")
        await desk.see("nobody named", "Nobody is named for 1 of your 1 people")
        await desk.open("n")
        await desk.see("Who takes over everybody in your care?")
        await desk.open("i", "<enter>")
        await desk.see("Whose second signature?", "Nadia")
        await desk.open("<enter>")
        await desk.see("Name them for everybody", "open anything by itself")
        await desk.open("y")
        await desk.see("Named.", "Everybody of yours has somebody")
    async with opened("nadia") as desk:
        await desk.press("gw")
        await desk.see("Nothing waits for you")
        await desk.press("u")
        await desk.see("Tom")
        await desk.open("+")
        await desk.see("Who is gone without notice?", "Tom, 1 person")
        await desk.open("t", "<enter>")
        await desk.see("It gives nobody a key")
        await desk.open("In hospital", "<enter>")
        await shot(desk, "succession-gone", "Tom is gone since 2026-03-12", "In hospital")
        await desk.press("q")
        await desk.see("Second signature: 1 person")
        await desk.press("gt")
        await desk.due("Second signature")
        await desk.press("<enter>")
        await desk.see("Succession")
        listing = desk.app.screen.listing  # type: ignore[attr-defined]
        await desk.until(lambda: listing.count > 0, "the list")
        rows = [listing.row_at(place) for place in range(listing.count)]
        listing.move_to(next(place for place, row in enumerate(rows) if row.user_name == "Tom"))
        await desk.open("c")
        await desk.see("Second signature for Tom", "You get no")
        await desk.open("<enter>")
        await desk.see("1 signed, 0 refused", "approved")
    with made.workspace("ida") as ida:
        turnover.succeed(ida)
        assert [fact.person for fact in turnover.caseload_left(ida, ida.user.user)] == [made.people["ben"]]
    async with opened("fay") as desk:
        await desk.due("End the old part")
        await desk.press("<enter>")
        await desk.see("taken over")
        await desk.open("e")
        await desk.see("End Tom's old parts?")
        await desk.open("y")
        await desk.see("1 ended")
        assert turnover.leavers(desk.app.ws) == []


@pytest.mark.nightly
async def test_a_case_is_asked_for_shown_and_ended_by_keys(opened: Open, made: Program) -> None:
    async with opened("uma") as desk:
        await desk.press("gv")
        await desk.see("No case is shown")
        await desk.open("a")
        await desk.see("About whom?", "AQ")
        await desk.open("<enter>")
        await desk.see("Ask whom?")
        await desk.open("n", "<enter>")
        await desk.see("What do you have to read?")
        await desk.open("<enter>")
        await desk.see("Why?")
        await desk.open("Stuck after relapse", "<enter>")
        await desk.see("Until when?")
        await desk.open("<enter>")
        await desk.see("Asked. They find it on Today.", "waits")
    async with opened("nadia") as desk:
        await desk.due("Answer Uma")
        await desk.press("<enter>")
        await shot(desk, "reviews-answer", "! answer", "Stuck after relapse")
        await desk.open("c")
        await desk.see("individual record")
        await desk.open("i", "<enter>")
        await desk.see("Asked: the last progress notes")
        await desk.open(" ", "<enter>")
        await desk.see("Until when?")
        await desk.open("<enter>")
        await desk.see("Show 1 record?", "No key goes with it")
        await desk.open("y")
        await desk.see("you show")
    with made.workspace("uma") as uma:
        assert [len(item.records) for item in consulting.received(uma)] == [1]
    async with opened("uma") as desk:
        await desk.press("gv")
        await desk.see("you read", "1 to read")
        listing = desk.app.screen.query_one(".lines")
        listing.move_to(1)  # type: ignore[attr-defined]
        await desk.open("<enter>")
        await desk.see("Shown until")
        await desk.press("<enter>")
        await desk.see("PHQ-9", "Written by")
    async with opened("nadia") as desk:
        await desk.press("gv")
        await desk.see("you show")
        listing = desk.app.screen.query_one(".lines")
        listing.move_to(1)  # type: ignore[attr-defined]
        await desk.open("d")
        await desk.see("End what Uma reads?")
        await desk.open("y")
        await desk.gone("you show")
    with made.workspace("uma") as uma:
        assert consulting.received(uma) == []


@pytest.mark.nightly
async def test_supervisors_over_both_sides_and_their_exceptions_are_listed(opened: Open, made: Program) -> None:
    with made.workspace("nadia") as ws:
        for name in ("cleo", "tom"):
            value = profiles.StaffProfile(credential="LMSW", supervisor=show_id(made.users["uma"].user))
            profiles.set_profile(ws, made.users[name].user, value)
    async with opened("nadia") as desk:
        await desk.press("gv")
        await desk.see("both sides", "! open", "Uma")
        await desk.open("x")
        await desk.see("Uma stays?")
        await desk.open("<right>", "<tab>", "No other supervisor here", "<enter>")
        await desk.see("Recorded.")
        await shot(desk, "reviews-exception", "second supervisor", "Cleo, Tom")
        await desk.open("d")
        await desk.see("End this exception?")
        await desk.open("A second one is here", "<enter>")
        await desk.see("! open")


@pytest.mark.nightly
async def test_a_restriction_is_taken_down_decided_and_ended_by_keys(opened: Open, made: Program) -> None:
    async with opened("nadia") as desk:
        await chart_of(desk, "qui", "Ana Quill")
        await desk.press("R")
        await desk.see("No restriction was asked for")
        await desk.press("+")
        await desk.see("Not to be given to")
        form = desk.app.screen.form  # type: ignore[attr-defined]
        form.load({"ground": restrictions.NAMED, "recipients": ["Mara Lee"], "requester": "the person",
                   "asked_on": today(desk.app.ws)})  # fmt: skip
        await desk.press("<f2>")
        await desk.see("waits for a decision", "Mara Lee")
        await desk.open("c")
        await desk.see("Agree: it binds everybody")
        await desk.open("<enter>")
        await desk.see("A release to these recipients is refused")
        await desk.open("y")
        await shot(desk, "restrictions-force", "in force", "Effect")
        await desk.open("d")
        await desk.see("How does it end?")
        await desk.open("<enter>")
        await desk.see("What was said or written")
        await desk.open("Wrote on 12 March", "<enter>")
        await desk.see("ended")
    async with opened("fay") as desk:
        await chart_of(desk, "qui", "Ana Quill")
        await desk.press("R")
        await desk.see("Mara Lee")
        await desk.open("d")
        await desk.see("How does it end?")
        await desk.open("<enter>")
        await desk.see("What was said or written")
        await desk.open("Fay says so", "<enter>")
        await desk.see("Refused: nothing was changed", "privacy officer")


@pytest.mark.nightly
async def test_nothing_here_tells_a_clinician_of_one_partner_who_treats_the_other(opened: Open, made: Program) -> None:
    """Sol is Ana's counselor: care team, hand-overs, succession and reviews name nobody of the partner's side."""
    with made.workspace("fay") as fay:
        people.assign(fay, made.people["ben"], made.users["ida"].user, IT)
    async with opened("sol") as desk:
        shown = []
        await chart_of(desk, "qui", "Ana Quill")
        await desk.press("T")
        await desk.see("Care team", "Nadia")
        shown.append(desk.screen())
        for keys, words in (("gw", "Hand-overs"), ("gv", "Case reviews")):
            await desk.press(keys)
            await desk.see(words)
            await desk.settled()
            shown.append(desk.screen())
        await desk.press("gw")
        await desk.see("Hand-overs")
        await desk.press("u")
        await desk.see("Succession", "nobody named")
        shown.append(desk.screen())
        for text in shown:
            for word in ("Ben", "Odell", "Tom", "Ida", "partner"):
                assert word not in text, f"{word} in\n{text}"
