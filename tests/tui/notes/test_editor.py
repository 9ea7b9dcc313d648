"""The note editor with keys only: twelve keys to a signed note, formats, links, phrases, carrying, checks, refusals.

Opening a vault costs a second: each test opens one and goes through several things, each in a function of its own.
"""

from __future__ import annotations

import datetime
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import PROGRESS_NOTE, ProgressNote
from iop_tui.clinical.notes.screens import NoteEditor
from iop_tui.clinical.records import api as records
from iop_tui.shell import config
from iop_tui.ui.lists.recordlist import RecordList
from tests.support.clinic.vaults import Program, note, today
from tests.tui.notes.conftest import Hands, open_note
from tests.tui.screens.conftest import Desk, Open

MOST_KEYS = 12


@pytest.fixture(autouse=True)
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The chosen format is kept in a file of the test's own."""
    file = tmp_path / "config.toml"
    monkeypatch.setattr(config, "path", lambda: file)
    return file


def editor(desk: Desk) -> NoteEditor:
    page = desk.app.screen
    assert isinstance(page, NoteEditor)
    return page


def values(desk: Desk) -> dict[str, Any]:
    return editor(desk).form.values()


async def go_to(desk: Desk, name: str) -> None:
    """Stand in a field, as by a click."""
    editor(desk).form.focus_field(name)
    await desk.pilot.pause()


# -- twelve keys -----------------------------------------------------------------------------


async def test_from_the_schedule_line_to_a_signed_note_with_twelve_command_keys(opened: Open, made: Program) -> None:
    async with opened("nadia", (80, 24), of=made) as desk:
        await desk.see("Sessions", "13:15 to 14:05")
        desk.app.screen.query_one("#sessions", RecordList).focus()
        await desk.see("Enter or n writes the note")
        hands = Hands(desk)
        await hands.key("n")
        await desk.see("Note: Ana Quill", "missing")
        await hands.words("nobody")
        await hands.key("<f4>", "1")
        await hands.words("Slept six hours and argued with her sister about money.")
        await hands.key("<f4>", "1")
        await hands.words("Practised a thought record on the argument.")
        await hands.key("<f4>")
        await hands.words("Found two other explanations by herself.")
        await hands.key("<f4>", "2", "1", "2")
        await hands.words("Write one thought record a day.")
        await hands.key("<f8>")
        await desk.see("Sign for Ana Quill", "[s] sign")
        await hands.key("s")
        await desk.see("Today")
        assert hands.keys <= MOST_KEYS
        line = records.search(desk.app.ws, "argued")[0]
        found = records.read(desk.app.ws, line.id)
        assert found.line.status == "signed"
        _is_whole(found.document)


def _is_whole(written: object) -> None:
    assert isinstance(written, ProgressNote)
    assert written.telehealth is not None
    assert (written.telehealth.present, written.telehealth.private) == ("nobody", True)
    assert (written.telehealth.callback, written.telehealth.state) == ("555-0101", "KS")
    assert (written.progress, written.risk, written.partner_violence) == ("minimal", "denied", "not asked today")
    assert written.mental_status is not None
    assert written.mental_status.summary == "all normal"
    assert (written.service_code, written.methods) == ("90834", ("CBT",))
    assert [item.partition("#")[0] for item in written.objectives] == ["1.1.1"]
    assert (written.start, written.stop) == (datetime.time(13, 15), datetime.time(14, 5))
    assert written.presentation == "Slept six hours and argued with her sister about money."


# -- writing ---------------------------------------------------------------------------------

LETTERS = {
    "BIRP": ("B Presentation", "I Objectives", "R Response", "P Plan"),
    "DAP": ("D Objectives", "A Response", "P Plan"),
    "GIRP": ("G Objectives", "I Methods", "R Response", "P Plan"),
    "SOAP": ("S Presentation", "O Mental status", "A Response", "P Methods"),
}  # fmt: skip


async def test_writing(opened: Open, made: Program, own_config: Path) -> None:
    async with opened("nadia", (120, 40), of=made) as desk:
        await open_note(desk)
        await one_key_shows_the_same_answers_under_another_format(desk, own_config)
        await a_hash_completes_an_active_objective_in_place(desk)
        await shortcuts_expand_and_tab_goes_to_the_next_gap(desk)
        await carrying_forward_demands_another_response_and_plan(desk)
        await without_objective_the_reason_is_asked(desk)


async def one_key_shows_the_same_answers_under_another_format(desk: Desk, own_config: Path) -> None:
    await desk.press("nobody", "<f4>", "1")
    await desk.paste("Slept six hours.")
    before = values(desk)
    for form in ("DAP", "GIRP", "SOAP", "BIRP"):
        await desk.press("<f5>")
        await desk.see(f"{form}, ", *LETTERS[form])
        assert values(desk) == before
        order = [row.info.name for row in editor(desk).form.rows]
        assert (order.index("intervention") < order.index("response")) == (form != "SOAP")
    await desk.paste(" And ate.")  # the cursor stayed where it was
    await desk.until(lambda: values(desk)["presentation"] == "Slept six hours. And ate.", "the pasted text")
    assert 'note_format = "BIRP"' in own_config.read_text("utf-8")


async def a_hash_completes_an_active_objective_in_place(desk: Desk) -> None:
    await go_to(desk, "intervention")
    await desk.press("Used ", "#1.1")
    await desk.see("1.1.2 Step 1")
    await desk.press("<down>", "<enter>")
    await desk.see("1.1.1 Step 0; 1.1.2 Step 1")
    assert values(desk)["intervention"] == "Used #1.1.2"
    assert [item.partition("#")[0] for item in values(desk)["objectives"]] == ["1.1.1", "1.1.2"]
    await desk.press("#step 0")
    await desk.until(lambda: bool(desk.app.screen.query("OfferBox.-open")), "the offers")
    await desk.press("<escape>")
    await desk.until(lambda: not desk.app.screen.query("OfferBox.-open"), "their end")
    assert values(desk)["intervention"].endswith("#step 0"), "Esc leaves the words and the page"
    await desk.press(" no#1")
    assert not desk.app.screen.query("OfferBox.-open"), "a # inside a word offers nothing"


async def shortcuts_expand_and_tab_goes_to_the_next_gap(desk: Desk) -> None:
    await go_to(desk, "plan")
    await desk.press("Ct ;rfs ;hw", "<tab>", "diary", "<tab>", "Monday")
    assert values(desk)["plan"] == "Client ;rfs Homework: diary until Monday.", ";rfs belongs to another field"
    await desk.press("<ctrl+z>", "<ctrl+z>", "<ctrl+z>", "<ctrl+z>")
    assert "[what] until [when]" in values(desk)["plan"], "typing over a gap is undone before the phrase"
    await desk.press("<ctrl+u>", "<f3>")
    await desk.see("Phrases", ";hw")
    await desk.open("<enter>")
    await desk.until(lambda: "Homework: [what] until [when]." in values(desk)["plan"], "the phrase")
    await desk.press("<ctrl+a>", "<ctrl+k>", "Walk daily", "<shift+home>", "<f3>")
    await desk.see("Save the selected text")
    await desk.open("<enter>")
    await desk.see("New phrase", "no client's words")
    await desk.open(";wd", "<enter>")
    await desk.see("Saved: type ;wd")
    await desk.press("<end>", ". ;wd ")
    assert values(desk)["plan"] == "Walk daily. Walk daily"
    await desk.press("<ctrl+u>")


async def carrying_forward_demands_another_response_and_plan(desk: Desk) -> None:
    before = values(desk)
    assert not before["plan"]
    await desk.press("<escape>", "c")
    await desk.see("Carried forward")
    await desk.until(lambda: editor(desk).examined.alike > 0.1, "likeness")
    given = values(desk)
    assert given["presentation"] == before["presentation"], "what was written is not replaced"
    assert given["response"] == "Named two alternatives of her own."
    assert given["risk"] == "", "answers of a session are asked again"
    codes = {(item.code, item.field) for item in editor(desk).examined.findings}
    assert {("unchanged", "response"), ("unchanged", "plan")} <= codes
    await desk.press("<escape>", "u")
    await desk.until(lambda: values(desk) == before, "as it was")


async def without_objective_the_reason_is_asked(desk: Desk) -> None:
    await go_to(desk, "objectives")
    await desk.press("<backspace>", "<backspace>")
    await desk.see("Off-plan reason")
    await desk.press("#")
    await desk.see("Objectives this session served")
    await desk.press("<space>", "<enter>")
    await desk.until(lambda: len(values(desk)["objectives"]) == 1, "the link")
    await desk.gone("Off-plan reason")


# -- the check behind the keys -------------------------------------------------------------------


async def test_the_check(opened: Open, made: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened("nadia", (80, 24), of=made) as desk:
        await open_note(desk)
        await the_thread_check_follows_the_text_at_80_by_24(desk)
        await unknown_words_are_underlined_named_and_corrected(desk)
        await control_characters_are_dropped_and_a_megabyte_is_refused(desk)
        await bad_times_are_flagged_with_rule_and_source(desk)
        await the_thread_check_never_delays_a_key(desk, monkeypatch)


async def the_thread_check_follows_the_text_at_80_by_24(desk: Desk) -> None:
    await desk.see("Thread  10 missing", "! missing  Presentation, Mental status")
    await go_to(desk, "presentation")
    await desk.paste("Slept four hours, craving in the evening.")
    await desk.see("Thread  9 missing", "! missing  Mental status", "% like the last note")


async def unknown_words_are_underlined_named_and_corrected(desk: Desk) -> None:
    await go_to(desk, "intervention")
    await desk.paste("The cleint, Ana Quill, takes naltrexone. ")
    await desk.see("spelling: cleint")
    text = editor(desk).text_fields()["intervention"]
    spans = [(span.start, span.end) for span in text.get_line(0).spans if "underline" in str(span.style)]
    assert spans == [(4, 10)], "names of the chart and medications are no mistakes"
    await desk.press("<escape>")
    await desk.see("w spelling")
    await desk.open("w")
    await desk.see("in no dictionary here", "client")
    await desk.open("<enter>")
    await desk.until(lambda: "The client" in values(desk)["intervention"], "the correction")


async def control_characters_are_dropped_and_a_megabyte_is_refused(desk: Desk) -> None:
    await go_to(desk, "response")
    await desk.paste("before\x1b]0;owned\x07\x00 after\u202e")
    await desk.until(lambda: values(desk)["response"] == "before]0;owned after", "the pasted text")
    await desk.paste("x" * 1_000_000)
    await desk.see("1,000,000 characters")
    assert values(desk)["response"] == "before]0;owned after", "nothing was pasted, nothing was lost"
    await desk.paste("y" * 20_000)
    await desk.until(lambda: len(values(desk)["response"]) == 20_020, "the pasted text")
    await desk.press("<ctrl+z>")


REFUSED = {
    "stops before it starts": {"start": "10:00:00", "stop": "09:00:00"},
    "lies in the future": {"service_date": "2026-03-13"},
    "overlap another session": {"service_date": "2026-03-11", "start": "10:30:00", "stop": "11:10:00"},
    "90834 stands for": {"start": "13:00:00", "stop": "13:20:00"},
}


async def bad_times_are_flagged_with_rule_and_source(desk: Desk) -> None:
    form = editor(desk).form
    right = form.values()
    for words, answers in REFUSED.items():
        form.load({**right, **answers})
        editor(desk).check_soon()
        await desk.until(lambda words=words: bool(_said(desk, words)), words)  # type: ignore[misc]
        (finding,) = _said(desk, words)
        assert (str(finding.severity), bool(finding.source)) == ("refuse", True)
    await desk.open("<f8>")
    await desk.see("Sign for", "90834 stands for", "when nothing is missing")
    await desk.open("<enter>")
    await desk.see("Stop *", "! 90834 stands for")
    assert notes.drafts(desk.app.ws), "the draft is stored whatever is missing"


def _said(desk: Desk, words: str) -> list[Any]:
    return [item for item in editor(desk).examined.findings if words in item.message]


async def the_thread_check_never_delays_a_key(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check is held back for as long as the test likes: keys are shown all the same."""
    gate, entered = threading.Event(), threading.Event()
    real = NoteEditor.examine

    def held(self: NoteEditor, *args: Any) -> Any:
        entered.set()
        gate.wait(20)
        return real(self, *args)

    await go_to(desk, "plan")
    monkeypatch.setattr(NoteEditor, "examine", held)
    try:
        await desk.press("Walk")
        await desk.until(entered.is_set, "the check")
        slowest = 0.0
        for letter in "daily":
            begun = time.perf_counter()
            await desk.pilot.press(letter)
            slowest = max(slowest, time.perf_counter() - begun)
        await desk.see("Walkdaily")
        assert slowest < 2.0
    finally:
        gate.set()


# -- rows, and what comes back ---------------------------------------------------------------------


async def test_rows_follow_answers_and_unsaved_answers_come_back(opened: Open, made: Program) -> None:
    async with opened("nadia", of=made) as desk:
        await open_note(desk)
        await desk.see("+ Session", "2026-03-12", "individual, video, 90834", "+ Telehealth", "At home, KS, 555-0101")
        assert "Start *" not in desk.screen()
        await desk.press("<shift+tab>", "<shift+tab>")
        await desk.open("<enter>")
        await desk.see("- Session", "Start *", "Stop *")
        await go_to(desk, "modality")
        await desk.press("1")
        await desk.pilot.pause()
        await desk.press("Room 2")
        assert values(desk)["location"] == "Room 2", "in person the place is asked next"
        await go_to(desk, "modality")
        await desk.press("2")
        await go_to(desk, "risk")
        await desk.press("2")
        await desk.see("What is present")
        shown = {row.info.name for row in editor(desk).form.rows if row.parent is not None and row.display}
        assert {"risk_present", "risk_action", "supervisor_notice"} <= shown
        await desk.until(lambda: type(desk.app.focused).__name__ == "SeveralField", "what is present comes next")
        await go_to(desk, "telehealth/present")
        await desk.press("her sister")
        await desk.until(lambda: "her sister" in str(notes.kept(desk.app.ws)), "the journal")
        await desk.press("<escape>", "q")
        await desk.see("Caseload")
        await desk.press("gd")
        await desk.see("2 drafts", "words, not saved", "Missed the bus")
        await desk.press("<enter>")
        await desk.see("unsaved text restored")
        again = PROGRESS_NOTE.parse(values(desk))
        assert again.telehealth is not None
        assert (again.telehealth.present, again.risk) == ("her sister", "present")


async def test_a_note_nobody_wrote_in_leaves_nothing_behind(opened: Open, made: Program) -> None:
    """The plan closes the objective that the last note carried over: a link goes, and nobody typed anything."""
    with made.workspace() as ws:
        last = note(today(ws), "Came early.", objectives=("9.1.1",), start=datetime.time(11), stop=datetime.time(12))
        notes.sign(ws, [notes.save(ws, made.people["ana"], last).record])
    async with opened("nadia", of=made) as desk:
        await open_note(desk)
        await desk.until(lambda: not values(desk)["objectives"], "the plan")
        await desk.see("Off-plan reason")
        await desk.press("<escape>", "q")
        await desk.see("Caseload")
        assert not notes.kept(desk.app.ws)
