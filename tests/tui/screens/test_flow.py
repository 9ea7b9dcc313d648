"""What a clinician does, with keys only: Today, caseload, chart, note, sign, addendum, search; what a lock leaves."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.starting import unsaved
from iop_tui.clinical.records import api as records
from iop_tui.ui.forms.form import Form
from iop_tui.ui.lists.recordlist import RecordList
from tests.support.clinic.vaults import Program
from tests.tui.screens.conftest import Desk, Open

SIZES = [(60, 20), *(pytest.param(size, marks=pytest.mark.nightly) for size in ((80, 24), (120, 40)))]


async def chart_of(desk: Desk, letters: str, word: str) -> None:
    """Filter the caseload and open the chart."""
    await desk.press("gc")
    await desk.see("Caseload", "people")
    await desk.press("/", letters)
    await desk.see("1 person found")
    await desk.press("<enter>")
    await desk.see("Chart", word)


async def fill(desk: Desk, texts: dict[str, str]) -> None:
    """Write into fields as a person does: field by field with F4."""
    form = desk.app.screen.query_one(Form)
    for name, text in texts.items():
        form.focus_field(name)
        await desk.pilot.pause()
        if name == "methods":
            await desk.open("<enter>")
            await desk.see("[Space] mark")
            await desk.open("<space>", "<enter>")
            await desk.gone("[Space] mark")
        else:
            await (desk.press(text) if len(text) == 1 else desk.paste(text))


FULL = {
    "modality": "1", "location": "Room 2", "presentation": "Canary slept well", "mental_status/summary": "1",
    "off_plan_reason": "Before the first plan", "methods": "", "intervention": "listened", "response": "good",
    "progress": "2", "risk": "1", "partner_violence": "2", "plan": "walk",
}  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
async def test_from_today_to_a_signed_note(opened: Open, made: Program, size: tuple[int, int]) -> None:
    async with opened("nadia", size) as desk:
        await chart_of(desk, "bra", "Max Brandt")
        await desk.press("n")
        await desk.see("Note: Max Brandt")
        await fill(desk, FULL)
        await desk.open("<f8>")
        await desk.see("Sign for Max Brandt", "[s] sign")
        await desk.open("s")
        await desk.see("Time", "signed")
        line = records.search(desk.app.ws, "canary")[0]
        assert records.line_of(desk.app.ws, line.id).status == "signed"
    with made.workspace("nadia") as ws:
        assert records.read(ws, line.id).signatures[0].name == "Nadia"


async def test_signing_asks_for_what_is_missing_and_goes_there(opened: Open) -> None:
    async with opened() as desk:
        await chart_of(desk, "bra", "Max Brandt")
        await desk.press("n")
        await desk.see("Note: Max Brandt")
        await fill(desk, {"presentation": "Only this"})
        await desk.open("<f8>")
        await desk.see("Modality, Mental status", "when nothing is missing")
        await desk.open("s")
        await desk.see("Sign for")
        await desk.press("<enter>")
        await desk.see("! Modality is missing")
        assert not records.search(desk.app.ws, "signed")


async def test_signing_asks_for_the_passphrase_after_five_minutes(opened: Open, made: Program) -> None:
    async with opened() as desk:
        made.clock.advance(301)
        await desk.due("Sign the progress note Max Brandt")
        await desk.press("<enter>")
        await desk.see("unsigned draft")
        await desk.press("e")
        await desk.see("Note: Max Brandt")
        await fill(desk, {"plan": "walk"})
        await desk.open("<f8>")
        await desk.see("[s] sign")
        await desk.open("s")
        await desk.see("Signing needs your passphrase")
        await desk.open("wrong", "<enter>")
        await desk.see("is wrong")
        made.code_clock.advance(5)
        await desk.open(made.founder.phrase.decode(), "<enter>")
        await desk.see("Today")
        await desk.until(lambda: records.line_of(desk.app.ws, made.notes["draft"]).status == "signed", "signature")


async def test_unsaved_text_is_sealed_within_a_second_and_offered_again(opened: Open) -> None:
    async with opened() as desk:
        await chart_of(desk, "qui", "Ana Quill")
        await desk.press("n")
        await desk.see("Note: Ana Quill")
        await fill(desk, {"presentation": "Half a sentence"})
        await desk.see("unsaved text kept")
        waiting = unsaved(desk.app.ws)
        assert [(line.name, line.words >= 3) for line in waiting] == [("Ana Quill", True)]
        assert notes.drafts(desk.app.ws) != []
        await desk.open("<escape>")
        await desk.see("discard")
        await desk.press("q")
        await desk.see("Chart")
        await desk.open("n")
        await desk.see("There is unsaved text", "Begin a new note")
        await desk.open("<enter>")
        await desk.see("unsaved text restored", "Half a sentence")
        await desk.press("<escape>", "q")
        await desk.see("Chart")
        await desk.press("gt")
        await desk.see("Unsaved note")
        await desk.press("<home>", "<enter>")
        await desk.see("Half a sentence")


async def test_a_lock_in_the_middle_of_a_word_keeps_it(opened: Open, made: Program) -> None:
    async with opened() as desk:
        await chart_of(desk, "qui", "Ana Quill")
        await desk.press("n")
        await desk.see("Note: Ana Quill")
        await fill(desk, {"presentation": "Canary unfinis"})
        desk.app.seal()
    with made.workspace("nadia") as ws:
        (kept,) = notes.kept(ws).values()
        assert kept.fields["presentation"] == "Canary unfinis"
        assert not records.search(ws, "unfinis")


async def test_discarding_asks_and_leaves_nothing(opened: Open) -> None:
    async with opened() as desk:
        await chart_of(desk, "qui", "Ana Quill")
        await desk.press("n")
        await desk.see("Note: Ana Quill")
        await fill(desk, {"presentation": "Throw this away"})
        await desk.see("unsaved text kept")
        await desk.open("<escape>", "d")
        await desk.see("Discard what is not saved?")
        await desk.open("<enter>")
        await desk.gone("Discard what")
        assert unsaved(desk.app.ws)
        await desk.open("d")
        await desk.see("Discard what")
        await desk.open("y")
        await desk.see("Chart")
        assert not unsaved(desk.app.ws)


async def test_a_draft_is_saved_edited_and_read(opened: Open) -> None:
    async with opened() as desk:
        await desk.due("Sign the progress note Max Brandt")
        await desk.press("<enter>")
        await desk.see("Progress note of 2026-03-11", "unsigned draft")
        await desk.press("e")
        await desk.see("Note: Max Brandt")
        await fill(desk, {"plan": "Call the bus company"})
        await desk.press("<f2>")
        await desk.see("draft saved")
        await desk.press("<escape>", "q")
        await desk.see("Today")
        await desk.press("/")
        await desk.see("Words to look for")
        await desk.paste("bus company")
        await desk.see("1 in 1 chart")


async def test_an_addendum_is_written_signed_and_shown_with_its_note(opened: Open, made: Program) -> None:
    async with opened() as desk:
        await chart_of(desk, "qui", "Ana Quill")
        await desk.press("2")
        await desk.see("[2 Notes]", "Reports sleeping")
        await desk.press("<enter>")
        await desk.see("Signed", "a addendum")
        await desk.press("a")
        await desk.see("Addendum: Ana Quill")
        await desk.paste("The walk was on Sunday")
        form = desk.app.screen.query_one(Form)
        form.focus_field("reason")
        await desk.pilot.pause()
        await desk.press("cor")
        await desk.open("<f8>")
        await desk.see("[s] sign")
        await desk.open("s")
        await desk.see("Addenda", "1, at the end")
        await desk.press("<end>")
        await desk.see("Addendum of 2026-03-12 by Nadia", "The walk was on Sunday")
        assert [line.status for line in notes.addenda(desk.app.ws, made.notes["ana0"])] == ["signed"]


async def test_reading_is_logged_and_says_who_else_could(opened: Open, made: Program) -> None:
    async with opened() as desk:
        await chart_of(desk, "qui", "Ana Quill")
        before = desk.app.ws.session.db.position.audit_seq
        await desk.press("2", "<enter>")
        await desk.see("Written by")
        assert desk.app.ws.session.db.position.audit_seq > before
        await desk.press("w")
        await desk.see("Who could read this", "Nadia")
        assert "Tom" not in desk.screen()
        await desk.press("<escape>")
        await desk.see("Written by")


async def test_search_marks_words_by_person_and_opens(opened: Open) -> None:
    async with opened() as desk:
        await desk.press("/")
        await desk.see("Words to look for")
        await desk.press("qua")
        await desk.see("2 in 1 chart", "quarry", "quarrel")
        assert "accident" not in desk.screen(), "Tom's note is not Nadia's to find"
        await desk.press("<enter>", "<enter>")
        await desk.see("Progress note of")


async def test_a_colleague_without_a_key_sees_the_directory_only(opened: Open) -> None:
    async with opened("fay") as desk:
        await chart_of(desk, "qui", "Ana Quill")
        await desk.see("Nothing here is open to you", "Allergies, risk, hours, last note  not open to you")
        assert "none" not in desk.screen()  # what one cannot see is never said to be absent
        await desk.open("n")
        await desk.see("not part of this person's care")
        await desk.press("/")
        await desk.paste("quarry")
        await desk.see("nothing found")


async def test_registering_and_assigning(opened: Open, made: Program) -> None:
    async with opened("fay") as desk:
        await desk.press("gc")
        await desk.see("people")
        await desk.press("+")
        await desk.see("New person", "Given name")
        await desk.press("Nora", "<enter>", "Testname")
        await desk.press("<f2>")
        await desk.see("Chart", "Nora Testname", "Safe contact")
        await desk.open("a")
        await desk.see("Assign to Nora", "Tom, individual therapist")
        await desk.open("t", "<enter>")
        await desk.see("Assigned")
        await desk.press("8")
        await desk.see("individual therapist")
    with made.workspace("tom") as ws:
        assert "Nora Testname" in {row[0] for row in ws.view.rows("SELECT name FROM person")}


async def test_the_wall_is_explained(opened: Open) -> None:
    async with opened("nadia") as desk:
        await chart_of(desk, "ode", "Odell")
        await desk.open("a")
        await desk.see("Assign to", "Nadia, individual therapist")
        await desk.open("n")
        await desk.open("<enter>")
        await desk.see("partner")


async def test_the_measures_tab_shows_the_trend(opened: Open) -> None:
    async with opened() as desk:
        await chart_of(desk, "qui", "Ana Quill")
        await desk.press("3")
        await desk.see("PHQ-9", "Change", "-5", "=-.")


async def test_steps_to_the_next_person(opened: Open) -> None:
    async with opened() as desk:
        await chart_of(desk, "bra", "Max Brandt")
        await desk.press("J")
        await desk.see("Odell")
        await desk.press("K")
        await desk.see("Max Brandt")
        await desk.press("q")
        await desk.see("Caseload")


async def test_an_empty_vault_says_what_to_do_first(opened: Open, nobody: Program) -> None:
    async with opened("nadia", of=nobody) as desk:
        await desk.see("Test your recovery kit")
        await desk.press("gc")
        await desk.see("Nobody here yet. Press + to register")


async def test_type_ahead_reaches_the_editor(opened: Open) -> None:
    async with opened() as desk:
        await chart_of(desk, "qui", "Ana Quill")
        await desk.open("nAhead of the page")
        await desk.see("Note: Ana Quill", "Ahead of the page")
        assert isinstance(desk.app.focused, Input), "the first answer that is open: who else is present"


async def test_lists_keep_their_place(opened: Open) -> None:
    async with opened() as desk:
        await desk.press("gc")
        await desk.see("people")
        await desk.press("<down>", "<down>")
        await desk.press("gt")
        await desk.see("Due")
        await desk.press("gc")
        await desk.see("people")
        assert desk.app.screen.query_one(RecordList).cursor == 2
