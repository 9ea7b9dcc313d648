"""The form from declared fields: every type there and back, errors in words, drafts on time."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from textual.app import ComposeResult
from textual.pilot import Pilot

from iop_tui.kernel.declare import DocumentType
from iop_tui.kernel.errors import DocumentInvalid
from iop_tui.ui.app import KitApp
from iop_tui.ui.forms.fields import SecretInput
from iop_tui.ui.forms.form import FieldError, Form
from iop_tui.ui.text.editor import NoteText
from tests.tui.kit.support import FIELDS, TODAY, Visit, wait_until

KIND: DocumentType[Visit] = DocumentType(kind="visit", label="Visit", struct=Visit, compartment="IND",
                                         title=lambda document: document.topic)


class FormApp(KitApp):
    def __init__(self, values: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.values = values or {}
        self.drafts: list[dict[str, Any]] = []

    def compose(self) -> ComposeResult:
        yield Form(FIELDS, self.values, today=TODAY)

    def on_form_snapshot(self, event: Form.Snapshot) -> None:
        self.drafts.append(event.form.values())


async def form_of(pilot: Pilot[Any]) -> Form:
    form = pilot.app.screen.query_one(Form)
    await wait_until(pilot, lambda: form._settled)
    return form


def errors(pilot: Pilot[Any]) -> list[str]:
    return [each.message for each in pilot.app.screen.query(FieldError)]


async def test_filled_by_keys_alone_it_gives_a_document() -> None:
    async with FormApp().run_test(size=(80, 40)) as pilot:
        form = await form_of(pilot)
        form.focus_field("day")
        await pilot.press(*"today", "f4", *"45", "enter", *"g", "f4", "space", "f4", "n", "f4", "enter")
        await pilot.pause()
        await pilot.press("space", "down", "space", "enter", "f4", *"Sleep", "f4", *"Slept 6 hours.", "f4",
                          *"call", "enter", *"rest", "f4", *"72.5")
        values = form.check()
        assert values is not None
        assert KIND.parse(values) == Visit(
            day=TODAY, minutes=45, kind="group", video=True, craving=False, present=("client", "parent"), topic="Sleep",
            note="Slept 6 hours.", steps=("call", "rest"), weight=72.5)


async def test_there_and_back() -> None:
    document = Visit(day=date(2026, 1, 2), minutes=50, kind="couple", video=True, craving=None, present=("partner",),
                     topic="[b]x[/b]", note="two\nlines", steps=("a", "b"), weight=70.0)
    typed = {name: getattr(document, name) for name in document.__struct_fields__}
    async with FormApp(typed).run_test(size=(80, 40)) as pilot:
        form = await form_of(pilot)
        assert KIND.parse(form.values()) == document
        form.load({"note": "other", "kind": "", "day": None, "video": False, "present": (), "steps": ()})
        await pilot.pause()
        assert KIND.parse(form.values()) == Visit(minutes=50, topic="[b]x[/b]", note="other", weight=70.0)


@pytest.mark.parametrize(("name", "text", "word"), [
    ("day", "03/04/2026", "Write the date"), ("minutes", "ten", "whole number"), ("weight", "heavy", "Write a number"),
    ("weight", "nan", "Write a number"),
])
async def test_errors_are_beside_the_field_and_in_words(name: str, text: str, word: str) -> None:
    async with FormApp({"minutes": 30}).run_test(size=(80, 40)) as pilot:
        form = await form_of(pilot)
        form.focus_field(name)
        await pilot.press("end", *["backspace"] * 4, *text)
        assert errors(pilot) == []
        await pilot.press("f4")
        await pilot.pause()
        assert len(errors(pilot)) == 1
        assert word in errors(pilot)[0]
        assert form.check() is None
        row = next(row for row in form.rows if row.info.name == name)
        await wait_until(pilot, lambda: pilot.app.screen.focused is row.binding.widget)
        await pilot.press(*["backspace"] * 12, "f4")
        await pilot.pause()
        assert errors(pilot) == []


async def test_errors_of_the_document_find_their_field() -> None:
    async with FormApp({"minutes": 9999}).run_test(size=(80, 40)) as pilot:
        form = await form_of(pilot)
        with pytest.raises(DocumentInvalid) as refused:
            KIND.parse(form.values())
        form.show_errors({refused.value.place: refused.value.message})
        await pilot.pause()
        assert "<= 600" in errors(pilot)[0]
        minutes = next(row for row in form.rows if row.info.name == "minutes").binding.widget
        await wait_until(pilot, lambda: pilot.app.screen.focused is minutes)


async def test_drafts_come_within_a_second_and_on_leaving() -> None:
    app = FormApp()
    async with app.run_test(size=(80, 40)) as pilot:
        form = await form_of(pilot)
        assert app.drafts == []
        form.focus_field("note")
        await pilot.press(*"abc")
        assert all(draft["note"] != "abc" for draft in app.drafts)
        await wait_until(pilot, lambda: bool(app.drafts) and app.drafts[-1]["note"] == "abc", 2.0)
        await pilot.press("d", "f4")
        await wait_until(pilot, lambda: app.drafts[-1]["note"] == "abcd", 0.5)
        assert form.dirty


async def test_help_of_the_focused_field_is_shown() -> None:
    async with FormApp().run_test(size=(80, 40)) as pilot:
        form = await form_of(pilot)
        form.focus_field("day")
        await wait_until(pilot, lambda: "The day of the session." in form.query_one("#form-help").plain())
        form.focus_field("steps")
        await wait_until(pilot, lambda: "One per line." in form.query_one("#form-help").plain())


class NoteApp(KitApp):
    def __init__(self) -> None:
        super().__init__()
        self.snapshots: list[str] = []

    def compose(self) -> ComposeResult:
        yield NoteText("first")

    def on_note_text_snapshot(self, event: NoteText.Snapshot) -> None:
        self.snapshots.append(event.text)


async def test_editor_undoes_cleans_and_reports() -> None:
    app = NoteApp()
    async with app.run_test(size=(80, 24)) as pilot:
        note = app.screen.query_one(NoteText)
        note.focus()
        note.move_cursor((0, 5))
        await pilot.press(*" one")
        note.insert_phrase(" \x1b[31mtwo\u202e\r\nthree")
        assert note.text == "first one [31mtwo\nthree"
        await pilot.press("ctrl+z")
        assert note.text == "first one"
        await pilot.press("ctrl+y")
        assert note.text.endswith("three")
        note.snapshot()
        await pilot.pause()
        assert app.snapshots[-1] == note.text
        count = len(app.snapshots)
        note.load("other")
        await pilot.pause(1.0)
        assert len(app.snapshots) == count


class SecretApp(KitApp):
    def __init__(self) -> None:
        super().__init__()
        self.taken: list[bytes] = []

    def compose(self) -> ComposeResult:
        yield SecretInput()

    def on_secret_input_submitted(self, event: SecretInput.Submitted) -> None:
        secret = event.secret_input.take()
        self.taken.append(bytes(secret))
        secret[:] = bytes(len(secret))


async def test_secrets_are_collected_masked_and_forgotten() -> None:
    app = SecretApp()
    async with app.run_test(size=(40, 10)) as pilot:
        field = app.screen.query_one(SecretInput)
        field.focus()
        await pilot.press(*"pä?:q", "backspace")
        assert field.render_line(0).text.rstrip() == "****"
        buffer = field._buffer
        await pilot.press("enter")
        await pilot.pause()
        assert app.taken == ["pä?:".encode()]
        assert bytes(buffer) == bytes(len(buffer))
        await pilot.press(*"more", "ctrl+u", "enter")
        await pilot.pause()
        assert app.taken[-1] == b""
