"""A word typed while a choice has the focus never becomes an answer of the record; every answer can be taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from iop_tui.shell import config
from iop_tui.ui.forms import keyruns
from iop_tui.ui.forms.form import Form
from tests.support.clinic.vaults import Program
from tests.support.processes.process import Codes, start, unlock
from tests.tui.notes.conftest import open_note
from tests.tui.screens.conftest import Desk, Open
from tests.tui.terminal import Terminal

SENTENCE = "denied any ideation, reports 2 nights of poor sleep"
WORDS = "de 2 i"
"""Letters, a digit that would answer, and letters again."""
ANSWERS = ("modality", "progress", "risk", "partner_violence")


@pytest.fixture(autouse=True)
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are kept in a file of the test's own."""
    monkeypatch.setattr(config, "path", lambda: tmp_path / "config.toml")


@pytest.fixture
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that follow each other do so here, however long the machine takes to deal with each of them."""
    monkeypatch.setattr(keyruns, "RUN_SECONDS", 60.0)
    monkeypatch.setattr(keyruns, "ON_SECONDS", 60.0)


def form(desk: Desk) -> Form:
    return desk.app.screen.query_one(Form)


def values(desk: Desk) -> dict[str, Any]:
    return form(desk).values()


def answers(desk: Desk) -> list[Any]:
    found = values(desk)
    return [found[name] for name in ANSWERS] + [found["mental_status"], found["telehealth"]["private"]]


async def go_to(desk: Desk, name: str) -> None:
    form(desk).focus_field(name)
    row = next(row for row in form(desk).rows if row.info.name == name)
    await desk.until(lambda: desk.app.screen.focused is row.binding.widget, name)


@pytest.mark.usefixtures("slow_machine")
async def test_words_are_no_answers(opened: Open, made: Program) -> None:
    async with opened("nadia", (80, 24), of=made) as desk:
        await open_note(desk)
        await a_sentence_in_any_one_key_field_sets_nothing(desk)
        await a_paste_sets_nothing(desk)
        await digits_that_begin_a_sentence_are_taken_back(desk)
        await an_answer_by_itself_stands_and_is_said(desk)
        await ctrl_z_takes_answers_back_one_by_one(desk)
        await esc_u_takes_back_the_last_answer_too(desk)
        await answers_are_read_back_before_the_signature(desk)
        await a_letter_in_a_list_of_choices_counts_by_itself_and_a_word_does_not(desk)


async def a_sentence_in_any_one_key_field_sets_nothing(desk: Desk) -> None:
    before = values(desk)
    for name in ("risk", "partner_violence", "progress", "mental_status/summary", "telehealth/private", "modality"):
        await go_to(desk, name)
        await desk.press(WORDS)
        await desk.until(lambda: "is a choice: press 1" in desk.app.messages[-1][1], "the message")
        desk.app.messages.clear()
        assert values(desk) == before, f"{name} took words for an answer"
        await desk.press("<down>")  # a command key: the run of words is over


async def a_paste_sets_nothing(desk: Desk) -> None:
    before = values(desk)
    await go_to(desk, "risk")
    await desk.paste("2")
    await desk.see("Risk is a choice: press 1 or 2.")
    assert values(desk) == before


async def digits_that_begin_a_sentence_are_taken_back(desk: Desk) -> None:
    before = values(desk)
    for words in ("12 step", "2 beers", "10 days", "2x"):
        await go_to(desk, "risk")
        await desk.press(words)
        await desk.until(lambda: answers(desk)[2] == "", words)
        assert [answers(desk)[place] for place in (0, 1, 3)] == [before[name] for name in ("modality", "progress",
                                                                                          "partner_violence")]
        form(desk).load({**values(desk), "plan": ""})
    said = [text for _, text in desk.app.messages]  # it stands for five seconds: less than a slow machine takes
    assert any("Taken back, because you typed words" in text for text in said)
    assert answers(desk) == [before[name] for name in ANSWERS] + [before["mental_status"],
                                                                  before["telehealth"]["private"]]


async def an_answer_by_itself_stands_and_is_said(desk: Desk) -> None:
    await go_to(desk, "progress")
    await desk.press("3")
    await desk.see("Progress: moderate", "Ctrl+Z undoes")
    await desk.press("1")
    await desk.see("Risk: denied", "Ctrl+Z undoes")
    await desk.press("2", "Walk daily.")
    found = values(desk)
    assert (found["progress"], found["risk"], found["partner_violence"]) == ("moderate", "denied", "not asked today")
    assert found["plan"] == "Walk daily."


async def ctrl_z_takes_answers_back_one_by_one(desk: Desk) -> None:
    await desk.until(lambda: values(desk)["plan"] == "Walk daily.", "the text")
    for _ in range(12):
        if not values(desk)["plan"]:
            break
        await desk.press("<ctrl+z>")
    assert values(desk)["risk"] == "denied", "typing goes before answers"
    for name, said in (("partner_violence", "not asked today"), ("risk", "denied"), ("progress", "moderate")):
        await desk.press("<ctrl+z>")
        await desk.see("Taken back:", f"which was {said}.")
        assert values(desk)[name] == ""
        row = next(row for row in form(desk).rows if row.info.name == name)
        await desk.until(lambda row=row: desk.app.screen.focused is row.binding.widget, name)  # type: ignore[misc]
    await desk.press("<ctrl+z>")
    await desk.see("There is no answer to take back.")


async def esc_u_takes_back_the_last_answer_too(desk: Desk) -> None:
    await go_to(desk, "risk")
    await desk.press("1")
    await desk.until(lambda: values(desk)["risk"] == "denied", "the answer")
    await desk.press("<escape>", "u")
    await desk.see("Taken back: Risk, which was denied.")
    assert values(desk)["risk"] == ""


async def answers_are_read_back_before_the_signature(desk: Desk) -> None:
    await go_to(desk, "risk")
    await desk.press("1", "2")
    await go_to(desk, "mental_status/summary")
    await desk.press("1")
    await desk.open("<f8>")
    await desk.see("Sign for Ana Quill", "Risk: denied", "Partner violence: not asked today",
                   "Mental status: all normal")  # fmt: skip
    await desk.open("<escape>")


async def a_letter_in_a_list_of_choices_counts_by_itself_and_a_word_does_not(desk: Desk) -> None:
    desk.app.screen.go("document", desk.made.people["ana"], how="risk_assessment")  # type: ignore[attr-defined]
    await desk.see("Risk assessment: Ana Quill")
    before = values(desk)
    for name, words in (("level", "low key"), ("others", "denied, no"), ("uses_alone", "nobody")):
        await go_to(desk, name)
        await desk.press(words)
        await desk.see("is a choice: press")
        assert values(desk) == before, f"{name} took words for an answer"
        await desk.press("<f4>")
    await go_to(desk, "level")
    await desk.press("lo")
    assert values(desk)["level"] == "low", "the beginning of a choice's own word chooses it"
    await desk.press("<ctrl+z>")
    await desk.see("Taken back: Level, which was low.")
    assert values(desk) == before


def test_in_a_terminal_today_is_walked_by_arrows_and_a_sentence_typed_into_risk_changes_no_answer(
    made: Program,
) -> None:
    codes = Codes(made.founder)
    with start(made.path, 80, 24) as terminal:
        unlock(terminal, made.founder, codes)
        _walk_today(terminal)
        _to_risk(terminal)
        for letter in SENTENCE:
            terminal.type(letter)
            terminal.pump(0.01)
        terminal.wait_for("Risk is a choice: press 1 or 2").wait_for("1 denied 2 present")
        terminal.press("<f4>").wait_for("Partner violence|Asked alone")
        assert "Risk *" in terminal.screen()
        assert not terminal.screen().count("Ctrl+Z undoes")
        terminal.press("<shift+f4>").wait_for("1 denied 2 present").press("1").wait_for("Risk: denied")
        terminal.press("<esc>").wait_for("leave").press("u").wait_for("Taken back: Risk, which was denied")


def _walk_today(terminal: Terminal) -> None:
    """The day's session is one Up away from what is due, and Down leads back; Tab goes on to what was written last."""
    terminal.wait_for("13:15 to 14:05").wait_for("Tab lists").wait_gone("looking through the charts")
    terminal.wait_gone("e changes the session").press("<up>").wait_for("Enter or n writes the note")
    terminal.press("<down>").wait_gone("e changes the session")
    terminal.press("<end><down>").wait_for("Progress note of|session|Slept four hours")
    terminal.press("<up><home><up>").wait_for("Enter or n writes the note")
    terminal.press("<tab>").wait_gone("e changes the session")
    terminal.press("<shift+tab>").wait_for("Enter or n writes the note")


def _to_risk(terminal: Terminal) -> None:
    """A new note, then on to its risk answer; the answers on the way stay open."""
    terminal.press("gc").wait_for("Caseload").wait_for(r"\d people")
    terminal.press("/").type("bra").wait_for("1 person found").press("<enter>").wait_for("Safe contact")
    terminal.press("n").wait_for("Note: Max Brandt")
    for _ in range(20):
        if "1 denied 2 present" in terminal.settle().screen():
            return
        terminal.press("<f4>")
    raise AssertionError(terminal.screen())
