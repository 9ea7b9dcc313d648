"""The work queue by keys: sign several, the note of a session, any document, corrections, co-signatures, checks."""

from __future__ import annotations

import asyncio
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import pytest

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.api import SPECIFIC
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import ProgressNote
from iop_tui.clinical.notes.starting import unsaved
from iop_tui.clinical.records import api as records
from iop_tui.clinical.safety.model import RISK_ASSESSMENT
from iop_tui.clinical.sessions import service as sessions
from iop_tui.clinical.sessions.model import Session
from iop_tui.clinical.signing import cosign
from iop_tui.clinical.signing import service as signing
from iop_tui.clinical.staff import api as staff
from iop_tui.clinical.staff import profiles
from iop_tui.clinical.staff.profiles import StaffProfile
from iop_tui.kernel.ids import show_id
from iop_tui.shell.app import IopApp
from iop_tui.shell.charting.supervision import Supervision
from iop_tui.shell.screens.today import Today
from iop_tui.ui.forms.fields import LineInput
from iop_tui.ui.forms.form import Form
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.lists.rows import RowsField
from tests.support.clinic.charting import RISK
from tests.support.clinic.consents import Clinic
from tests.support.clinic.vaults import Program, note, today
from tests.tui.screens.conftest import Desk, Open

WITHOUT = msgspec.structs.replace


async def tasks(desk: Desk) -> RecordList:  # type: ignore[type-arg]
    """The queue, after the charts were looked into."""
    await desk.see("Due")
    await desk.gone("looking through the charts")
    listing = desk.app.screen.query_one("#tasks", RecordList)
    await desk.until(lambda: listing.up_to_date, "the queue")
    return listing


def fresh(day: date, word: str, **more: object) -> ProgressNote:
    """A note that repeats nothing of the ones before it."""
    own = {"response": f"Said the {word} matter is easier now.", "plan": f"Call about the {word} matter."}
    return note(day, f"Spoke about the {word} matter", **{**own, **more})


async def fill(desk: Desk, texts: dict[str, str]) -> None:
    """Write into fields, over what they hold: single letters choose, everything else is pasted."""
    form = desk.app.screen.query_one(Form)
    for name, text in texts.items():
        form.focus_field(name)
        await desk.pilot.pause()
        if isinstance(desk.app.screen.focused, LineInput):
            desk.app.screen.focused.value = ""
        await (desk.press(text) if len(text) == 1 else desk.paste(text))


async def chart(desk: Desk, letters: str = "bra", name: str = "Max Brandt") -> None:
    """The chart of one person."""
    await desk.press("gc")
    await desk.see("Caseload", "people")
    await desk.press("/", letters)
    await desk.see("1 person found")
    await desk.press("<enter>")
    await desk.see("Chart", name, "Timeline")


# -- Today ---------------------------------------------------------------------------------


async def test_today_says_why_and_enter_opens_what_clears_the_line(opened: Open) -> None:
    async with opened() as desk:
        await desk.due("Assess risk Max Brandt")
        await desk.see("Enter assesses", "program")
        await desk.press("<enter>")
        await desk.see("Risk assessment: Max Brandt")
        await desk.press("<escape>", "q")
        await desk.due("Sign the progress note Max Brandt")
        await desk.press("<enter>")
        await desk.see("Progress note of", "unsigned draft")


async def test_several_documents_are_signed_in_one_act(opened: Open, made: Program) -> None:
    with made.workspace("nadia") as ws:
        day = today(ws)
        for place, name in enumerate(("ana", "max")):
            own = fresh(day, name, start=time(8 + place), stop=time(8 + place, 45))
            notes.save(ws, made.people[name], own)
    async with opened() as desk:
        listing = await tasks(desk)
        rows = [listing.row_at(place) for place in range(listing.count)]
        wanted = [row for row in rows if row and row.action == "sign" and row.record != made.notes["draft"]]
        assert len(wanted) == 2
        for row in wanted:
            listing.move_to(rows.index(row))
            await desk.press("<space>")
        await desk.open("<f8>")
        await desk.see("Sign 2 documents in one act?")
        await desk.open("s")
        await desk.see("2 documents signed")
        assert {records.line_of(desk.app.ws, row.record).status for row in wanted} == {"signed"}
        assert listing.selected == set()


async def test_one_that_is_not_ready_keeps_all_unsigned(opened: Open, made: Program) -> None:
    with made.workspace("nadia") as ws:
        whole = notes.save(ws, made.people["ana"], fresh(today(ws), "whole")).record
    async with opened() as desk:
        listing = await tasks(desk)
        for place in range(listing.count):
            row = listing.row_at(place)
            if row and row.action == "sign":
                listing.selected.add(row.key)
        await desk.open("<f8>")
        await desk.see("in one act?", "Plan is missing", "when nothing is missing")
        await desk.open("s", "<escape>")
        assert records.line_of(desk.app.ws, whole).status == "draft"


async def test_a_session_line_starts_its_note_and_says_what_became_of_it(opened: Open, made: Program) -> None:
    with made.workspace("nadia") as ws:
        day = today(ws)
        planned = Session(date=day, start=time(13, 15), stop=time(14, 5), modality="audio only", kind="family")
        record = sessions.schedule(ws, made.people["max"], planned).record
    async with opened() as desk:
        await desk.see("Sessions", "13:15 to 14:05", "! no note")
        desk.app.screen.query_one("#sessions", RecordList).focus()
        await desk.see("Enter or n writes the note")
        await desk.press("n")
        await desk.see("Note: Max Brandt")
        values = desk.app.screen.query_one(Form).values()
        assert (values["start"], values["stop"]) == ("13:15:00", "14:05:00")
        assert (values["modality"], values["session_type"]) == ("audio only", "family")
        await desk.press("gt")
        await desk.see("Sessions")
        desk.app.screen.query_one("#sessions", RecordList).focus()
        await desk.press("e")
        await desk.see("Session: Max Brandt")
        await fill(desk, {"status": "n"})
        await desk.press("<f2>")
        await desk.see("! Say who cancelled")
        await fill(desk, {"reason": "Did not answer."})
        await desk.press("<f2>")
        await desk.see("Today", "no-show")
        _, _, document = signing.opened_document(desk.app.ws, record)
        assert (document.status, document.reason) == ("no-show", "Did not answer.")  # type: ignore[attr-defined]


async def test_reminders_are_written_where_one_says(opened: Open, tmp_path: Path) -> None:
    target = tmp_path / "busy.ics"
    async with opened() as desk:
        await tasks(desk)
        await desk.open("x")
        await desk.see("Reminders for your calendar", "No name")
        await desk.press("<ctrl+u>")
        await desk.paste(str(target))
        await desk.open("<enter>")
        await desk.see("written to")
    text = target.read_text("ascii")
    assert text.startswith("BEGIN:VCALENDAR")
    assert "Brandt" not in text
    assert "SUMMARY:Busy" in text


# -- any document --------------------------------------------------------------------------

RISK_ANSWERS = {
    "occasion": "i", "ideation": "0", "behavior": "n", "others": "d", "tolerance_lost": "n", "uses_alone": "n",
    "naloxone": "n", "withdrawal": "n", "grave_disability": "n", "partner_violence": "a",
    "dependents": "No children.", "protective": "sister", "level": "l", "rationale": "No ideation.",
    "follow_up": "+7",
}  # fmt: skip


async def test_a_risk_assessment_from_the_picker_over_a_refusal_to_its_signature(opened: Open, made: Program) -> None:
    async with opened(size=(120, 40)) as desk:
        await chart(desk)
        await desk.open("+")
        await desk.see("Which document?", "Discharge summary")
        await desk.press("risk as", "<enter>")
        await desk.see("Risk assessment: Max Brandt", "Before signing", "Level is missing")
        await desk.open("<f8>")
        await desk.see("Occasion is missing", "when nothing is missing")
        await desk.open("<enter>")
        await desk.see("! Occasion is missing")
        answers = {name: text for name, text in RISK_ANSWERS.items() if name not in ("naloxone", "withdrawal")}
        await fill(desk, answers)
        form = desk.app.screen.query_one(Form)
        form.load({"naloxone": "not applicable", "withdrawal": "none", "behavior": "none"})
        await desk.open("<f8>")
        await desk.see("Sign the risk assessment of Max Brandt (they/them)?", "Nothing is missing")
        await desk.open("s")
        await desk.see("Chart", "Risk low")
        (line,) = records.timeline(desk.app.ws, made.people["max"], kinds=("risk_assessment",))
        assert line.status == "signed"


async def test_what_is_typed_into_any_document_is_back_after_a_crash(opened: Open, made: Program) -> None:
    async with opened() as desk:
        await chart(desk)
        await desk.open("+")
        await desk.press("risk as", "<enter>")
        await desk.see("Risk assessment: Max Brandt")
        await fill(desk, {"rationale": "Calm since the harvest"})
        await desk.see("unsaved text kept")
    async with opened() as desk:
        await desk.due("Unsaved risk assessment")
        await desk.press("<enter>")
        await desk.see("Risk assessment: Max Brandt", "unsaved text restored")
        assert desk.app.screen.query_one(Form).values()["rationale"] == "Calm since the harvest"
        await desk.press("<escape>", "d")
        await desk.open("y")
        await desk.see("Today")
        assert unsaved(desk.app.ws) == []


async def test_the_person_form_is_in_the_journal_too(opened: Open, made: Program) -> None:
    async with opened() as desk:
        await desk.press("gc")
        await desk.see("people")
        await desk.press("+")
        await desk.see("New person")
        await fill(desk, {"given": "Ottilie", "family": "Marsh"})
        await desk.see("unsaved text kept")
    async with opened() as desk:
        await desk.due("Unsaved person")
        await desk.press("<enter>")
        await desk.see("New person", "unsaved text restored", "Ottilie", "Marsh")
        await desk.press("<f2>")
        await desk.see("Chart", "Ottilie Marsh")
        assert unsaved(desk.app.ws) == []


async def test_a_list_of_records_is_written_in_the_form(opened: Open) -> None:
    async with opened() as desk:
        await chart(desk)
        await desk.open("+")
        await desk.press("continuing", "<enter>")
        await desk.see("Continuing-care plan: Max Brandt")
        form = desk.app.screen.query_one(Form)
        form.focus_field("appointments")
        await desk.open("<enter>")
        await desk.see("With", "[F2] take")
        await desk.paste("Dr. Vale")
        await desk.open("<tab>")
        await desk.paste("+3")
        await desk.open("<f2>")
        await desk.see("Dr. Vale", "not confirmed", "[+] add")
        await desk.open("<escape>")
        await desk.see("< 1: Dr. Vale")
        row = next(row for row in form.rows if row.info.name == "appointments")
        assert isinstance(row.binding.widget, RowsField)
        assert row.binding.value()[0]["with_whom"] == "Dr. Vale"
        await desk.press("<f2>")
        await desk.see("saved ")


async def test_a_letter_is_written_on_a_consent_and_leaves_on_it(opened: Open, made: Program, tmp_path: Path) -> None:
    async with opened() as desk:
        await chart(desk, "qui", "Ana Quill")
        await desk.open("+")
        await desk.press("letter", "<enter>")
        await desk.see("No consent in force covers a letter")
    with made.workspace("nadia") as ws:
        form = Clinic(made, ws).outward(SPECIFIC, to="Mill Works", topics=("letters",), source="IND")
        consents.authorize(ws, form)
    async with opened() as desk:
        await chart(desk, "qui", "Ana Quill")
        await desk.open("+")
        await desk.press("letter", "<enter>")
        await desk.see("Letter for", "Court")
        await desk.press("c", "<enter>")
        await desk.see("Letter: Ana Quill", "Mill Works")
        assert "Report of attendance: Ana Quill" in desk.app.screen.query_one(Form).values()["body"]
        await desk.open("<f8>")
        await desk.see("Sign the letter of Ana Quill")
        await desk.open("s")
        await desk.see("Letter for court: Mill Works", "signed")
        desk.app.screen.go("record", desk.app.ws.view.rows("SELECT record FROM record WHERE kind = 'letter'")[0][0])
        await desk.see("Letter of 2026-03-12", "send the letter")
        await desk.open("l")
        await desk.see("Send this letter", "on the consent it names")
        await desk.open("<right>", "<tab>")
        await desk.paste(str(tmp_path / "letter.pdf"))
        await desk.open("<enter>")
        await desk.see("It stands in the list of disclosures.")
    assert (tmp_path / "letter.pdf").read_bytes().startswith(b"%PDF")


# -- after signing -------------------------------------------------------------------------


async def test_a_signed_note_is_corrected_and_both_texts_stay(opened: Open, made: Program) -> None:
    record = made.notes["ana0"]
    async with opened() as desk:
        desk.app.screen.go("record", record)
        await desk.see("Progress note of 2026-03-10")
        await desk.press("c")
        await desk.see("Correction of the progress note: Ana Quill")
        await fill(desk, {"amend_reason": "c", "amend_explanation": "It was the harbor."})
        form = desk.app.screen.query_one(Form)
        form.load({"presentation": "Reports sleeping better since the harbor walk."})
        await desk.open("<f8>")
        await desk.see("Sign the amendment of Ana Quill (she/her)?")
        await desk.open("s")
        await desk.see("Amended", "once, see below")
        await desk.press("h")
        await desk.see("Versions: Progress note", "quarry walk", "harbor walk", "Amendment: Presentation")
        assert records.line_of(desk.app.ws, record).mark == "amended"


async def test_saving_waits_for_a_paste_that_is_still_looked_at(opened: Open, made: Program) -> None:
    record, looked, vet = made.notes["ana0"], asyncio.Event(), IopApp.vetted

    async def slowly(app: Any, screen: Any, text: str, source: Any) -> str:
        await looked.wait()
        return await vet(app, screen, text, source)

    async with opened() as desk:
        desk.app.screen.go("record", record)
        await desk.see("Progress note of 2026-03-10")
        await desk.press("c")
        await desk.see("Correction of the progress note: Ana Quill")
        desk.app.screen.query_one(Form).load({"presentation": "Reports sleeping better since the harbor walk."})
        with mock.patch.object(IopApp, "vetted", slowly):
            await fill(desk, {"amend_reason": "c", "amend_explanation": "It was the harbor."})
            await desk.open("<f2>")
            looked.set()
            await desk.until(lambda: bool(signing.amendments(desk.app.ws, record, signed=False)), "the draft")
        (draft,) = signing.amendments(desk.app.ws, record, signed=False)
        assert records.read(desk.app.ws, draft.id).document.explanation == "It was the harbor."


async def test_withdrawing_needs_a_reason_and_is_said_everywhere(opened: Open, made: Program) -> None:
    record = made.notes["ana1"]
    async with opened() as desk:
        desk.app.screen.go("record", record)
        await desk.see("Progress note of 2026-03-03")
        await desk.open("d")
        await desk.see("Withdraw this progress note?", "for ever")
        await desk.press("<tab>")
        await desk.open("<enter>")
        await desk.see("! Choose first")
        await desk.press("<shift+tab>", "<right>", "<tab>")
        await desk.open("<enter>")
        await desk.see("! Write a few words first")
        assert records.line_of(desk.app.ws, record).mark == ""
        await desk.paste("Belongs to another person.")
        await desk.open("<enter>")
        await desk.see("! VOID: withdrawn by its author", "wrong person: Belongs to another person.")
        await desk.press("q")
        await chart(desk, "qui", "Ana Quill")
        await desk.see("! void")
        await desk.press("/", "quarrel")
        await desk.see("void")


# -- supervision ---------------------------------------------------------------------------


@pytest.fixture
def waiting(made: Program) -> bytes:
    """Tom is supervised by Uma and signed a note; its request."""
    with made.workspace("nadia") as ws:
        uma = show_id(made.users["uma"].user)
        profiles.set_profile(ws, made.users["tom"].user, StaffProfile(credential="LPC-A", supervisor=uma))
    with made.workspace("tom") as tom:
        saved = notes.save(tom, made.people["ben"], fresh(today(tom) - timedelta(days=1), "ferry"))
        charting.sign(tom, [saved.record])
        return saved.record


async def test_a_supervisor_reads_and_co_signs(opened: Open, made: Program, waiting: bytes) -> None:
    async with opened("uma") as desk:
        await desk.due("Co-sign the progress note")
        await desk.press("<enter>")
        await desk.see("Co-sign: Progress note", "the ferry matter", "exactly the bytes")
        await desk.open("w")
        await desk.see("Who could read this?", "Uma", "share by share, state rule on supervised")
        await desk.open("<escape>")
        await desk.see("the ferry matter")
        await desk.open("c")
        await desk.see("Co-sign the progress note of")
        await desk.open("y")
        await desk.see("Co-signed.")
        assert cosign.queue(desk.app.ws) == []
    with made.workspace("tom") as tom:
        assert {item.meaning for item in records.read(tom, waiting).signatures} == {"author", "cosign"}


async def test_a_return_reaches_the_author_with_what_to_change(opened: Open, made: Program, waiting: bytes) -> None:
    async with opened("uma") as desk:
        await desk.press("gq")
        await desk.see("Supervision", "! co-sign", "Tom")
        assert isinstance(desk.app.screen, Supervision)
        await desk.press("<enter>")
        await desk.see("the ferry matter")
        await desk.open("r")
        await desk.see("Return it for changes?")
        await desk.paste("Name the intervention.")
        await desk.open("<enter>")
        await desk.see("Returned.")
    async with opened("tom") as desk:
        await desk.due("Change the returned progress note")
        await desk.see("Enter corrects it")
        await desk.press("<enter>")
        await desk.see("Correction of the progress note")
        await desk.press("<escape>", "q")
        await desk.press("gq")
        await desk.see("! returned", "Progress note")
    assert waiting


# -- checks and profiles -------------------------------------------------------------------


async def test_a_session_planned_in_a_chart_and_the_check_of_one_and_of_all(opened: Open) -> None:
    async with opened(size=(120, 40)) as desk:
        await chart(desk)
        await desk.press("S")
        await desk.see("Session: Max Brandt")
        await fill(desk, {"date": "+1", "start": "10:00", "stop": "10:50"})
        await desk.press("<f2>")
        await desk.see("Chart", "10:00 to 10:50")
        day = today(desk.app.ws) + timedelta(days=1)
        assert [line.name for line in sessions.sessions(desk.app.ws, day, day)] == ["Max Brandt"]
        await desk.press("C")
        await desk.see("Chart check", "no signed treatment plan", "42 CFR 424.24(d)", "Max Brandt:")
        await desk.press("q")
        await desk.press("gt")
        await tasks(desk)
        await desk.press("C")
        await desk.see("all of your charts:", "findings", "Ana Quill", "Max Brandt")
        await desk.press("<enter>")
        await desk.gone("all of your charts")


async def test_profiles_are_written_by_the_administrator(opened: Open, made: Program) -> None:
    async with opened() as desk:
        await desk.press("gp")
        await desk.see("8 users", "none yet: e writes it")
        listing = desk.app.screen.query_one(RecordList)
        rows = [listing.row_at(place) for place in range(listing.count)]
        listing.move_to(next(place for place, row in enumerate(rows) if row and row.line.name == "Tom"))
        await desk.press("e")
        await desk.see("Staff profile: Tom")
        await fill(desk, {"credential": "LPC-A", "npi": "1234567890"})
        await desk.press("<f2>")
        await desk.see("not a valid NPI")
        form = desk.app.screen.query_one(Form)
        form.load({"npi": "1234567893", "licences": [{"state": "KS", "number": "12", "until": "2026-01-31"}],
                   "supervisor": "Uma"})  # fmt: skip
        await desk.press("<f2>")
        await desk.see("People and roles", "LPC-A", "! KS 12 until 2026-01-31, ended", "Uma")
        assert profiles.supervisor_of(desk.app.ws, made.users["tom"].user) == made.users["uma"].user
        await desk.press("f")
        await desk.see("Program profile")
        await fill(desk, {"facility": "Quarry House"})
        await desk.press("<f2>")
        await desk.see("People and roles")
        assert profiles.program_profile(desk.app.ws).facility == "Quarry House"


async def test_a_colleague_is_admitted_without_a_shell(opened: Open) -> None:
    async with opened(size=(120, 40)) as desk:
        await desk.press("gp")
        await desk.see("8 users")
        await desk.open("+")
        await desk.see("Add a user")
        await desk.paste("Wren")
        await desk.open("<enter>")
        await desk.see("Roles of Wren")
        await desk.open("<space>", "<enter>")
        for word, text in (
            ("at least 15 characters", "a ferry past the harvest moon"), ("once more", "another ferry past the moon"),
            ("The two were not alike", "a ferry past the harvest moon"), ("once more", "a ferry past the harvest moon"),
        ):  # fmt: skip
            await desk.see(word)
            await desk.paste(text)
            await desk.open("<enter>")
        await desk.see("For Wren alone", "Recovery kit", "otpauth")
        await desk.open("<enter>")
        await desk.see("9 users", "Wren")
        assert "Wren" in {line.name for line in staff.users(desk.app.ws)}


async def test_everybody_tests_their_kit_but_writes_no_profiles(opened: Open, made: Program) -> None:
    async with opened("tom") as desk:
        await desk.press("gp")
        await desk.see("8 users")
        await desk.press("e")
        await desk.see("kept by the administrator")
        await desk.open("t")
        await desk.see("Recovery kit")
        await desk.paste("nonsense")
        await desk.open("<enter>")
        await desk.see("test")
        await desk.paste(made.users["tom"].new.kit)
        await desk.open("<enter>")
        await desk.see("opens your account")
        assert not staff.kit_untested(desk.app.ws)


async def test_a_raised_risk_moves_its_person_up(opened: Open, made: Program) -> None:
    with made.workspace("nadia") as ws:
        raised = WITHOUT(RISK, assessed=today(ws), level="high", action="Calls.", safety_plan="Today",
                         follow_up=today(ws))  # fmt: skip
        charting.sign(ws, [charting.save(ws, made.people["max"], RISK_ASSESSMENT, raised).record])
    async with opened() as desk:
        listing = await tasks(desk)
        assert isinstance(desk.app.screen, Today)
        rows = [row for place in range(listing.count) if (row := listing.row_at(place)) is not None]
        of_today = [row for row in rows if row.due == today(desk.app.ws)]
        assert (of_today[0].what, of_today[0].name) == ("Follow up on risk", "Max Brandt")
        assert of_today[-1].what == "Assign a clinician"
