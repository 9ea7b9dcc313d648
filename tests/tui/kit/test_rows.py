"""Lists of records inside a form, single records, and the small questions: keys alone, nothing lost, nothing forced."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from textual.app import ComposeResult
from textual.pilot import Pilot

from iop_tui.kernel.declare import Document, DocumentType, F, Widget, fields_of
from iop_tui.kernel.errors import ReauthNeeded, WrongSecrets
from iop_tui.ui.app import KitApp
from iop_tui.ui.ask import AskLine
from iop_tui.ui.forms.form import Form
from iop_tui.ui.forms.review import AskPassphrase, freshly
from iop_tui.ui.lists.rows import RecordField, RowDialog, RowsDialog, RowsField
from tests.tui.kit.support import TODAY, wait_until


class Part(Document, frozen=True, kw_only=True):
    """A small record."""

    id: Annotated[str, F("Id", widget=Widget.HIDDEN)] = ""
    who: Annotated[str, F("Who", widget=Widget.LINE)] = ""
    on: Annotated[date | None, F("On")] = None

    def shown(self) -> str:
        """`Ann on 2026-03-09`."""
        return f"{self.who} on {self.on.isoformat() if self.on else 'no day'}"


class Whole(Document, frozen=True, kw_only=True):
    """A document with such records."""

    parts: Annotated[tuple[Part, ...], F("Parts")] = ()
    one: Annotated[Part | None, F("One")] = None


KIND: DocumentType[Whole] = DocumentType(kind="whole", label="Whole", struct=Whole, compartment="IND",
                                         title=lambda document: "whole")  # fmt: skip


class App(KitApp):
    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__()
        self.values = values
        self.changes = 0

    def compose(self) -> ComposeResult:
        yield Form(fields_of(Whole), self.values, today=TODAY)

    def on_form_changed(self, event: Form.Changed) -> None:
        self.changes += 1


async def on(pilot: Pilot[Any], kind: type) -> None:
    """Wait for a dialog to be in front."""
    await wait_until(pilot, lambda: isinstance(pilot.app.screen, kind))
    await pilot.pause()


def field(pilot: Pilot[Any], kind: type) -> Any:
    return pilot.app.screen_stack[0].query_one(kind)


async def test_records_are_added_changed_and_removed_by_keys() -> None:
    async with App({"parts": [{"id": "7", "who": "Ann", "on": "2026-01-02"}]}).run_test(size=(80, 30)) as pilot:
        form = pilot.app.screen.query_one(Form)
        await wait_until(pilot, lambda: form._settled)
        form.focus_field("parts")
        await pilot.press("enter")
        await on(pilot, RowsDialog)
        await pilot.press("plus")
        await on(pilot, RowDialog)
        await pilot.press(*"Bo", "tab", *"today", "f2")
        await on(pilot, RowsDialog)
        await pilot.press("enter")
        await on(pilot, RowDialog)
        await pilot.press(*"e", "f2")
        await on(pilot, RowsDialog)
        await pilot.press("escape")
        await wait_until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        assert field(pilot, RowsField).shown() == f"< 2: Anne on 2026-01-02; Bo on {TODAY.isoformat()} >"
        document = KIND.parse(form.values())
        assert document.parts == (Part(id="7", who="Anne", on=date(2026, 1, 2)), Part(who="Bo", on=TODAY))
        assert pilot.app.changes >= 1  # type: ignore[attr-defined]
        await pilot.press("enter")
        await on(pilot, RowsDialog)
        await pilot.press("down", "d", "escape")
        await wait_until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        assert [row["who"] for row in field(pilot, RowsField).value] == ["Anne"]


async def test_a_record_that_cannot_be_read_stays_open_and_esc_changes_nothing() -> None:
    async with App({}).run_test(size=(80, 30)) as pilot:
        form = pilot.app.screen.query_one(Form)
        await wait_until(pilot, lambda: form._settled)
        form.focus_field("parts")
        await pilot.press("enter")
        await on(pilot, RowDialog)
        await pilot.press(*"Bo", "tab", *"soon", "f2")
        await pilot.pause()
        assert isinstance(pilot.app.screen, RowDialog)
        await pilot.press("escape")
        await on(pilot, RowsDialog)
        await pilot.press("escape")
        await wait_until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        assert field(pilot, RowsField).value == ()


async def test_a_single_record_has_a_form_of_its_own() -> None:
    async with App({}).run_test(size=(80, 30)) as pilot:
        form = pilot.app.screen.query_one(Form)
        await wait_until(pilot, lambda: form._settled)
        assert KIND.parse(form.values()).one is None
        form.focus_field("one")
        await pilot.press("enter")
        await on(pilot, RowDialog)
        await pilot.press(*"Cy", "f2")
        await wait_until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        assert KIND.parse(form.values()).one == Part(who="Cy")
        assert field(pilot, RecordField).shown() == "< Cy on no day >"
        await pilot.press("delete")
        assert KIND.parse(form.values()).one is None


async def test_a_question_takes_no_empty_answer() -> None:
    said: list[Any] = []
    async with App({}).run_test(size=(80, 30)) as pilot:
        pilot.app.push_screen(AskLine("Why?", "It stays.", "Words", choices=("a", "b")), said.append)
        await on(pilot, AskLine)
        await pilot.press("tab", "enter")
        assert isinstance(pilot.app.screen, AskLine)
        await pilot.press("shift+tab", "right", "tab", "enter")
        assert isinstance(pilot.app.screen, AskLine)
        await pilot.press(*" because ", "enter")
        await wait_until(pilot, lambda: bool(said))
    assert said == [("a", "because")]


async def test_the_passphrase_is_asked_until_it_fits_and_is_wiped() -> None:
    given: list[bytearray] = []
    done: list[bool] = []
    fresh = False

    async def act() -> None:
        if not fresh:
            raise ReauthNeeded("again")

    async def confirm(phrase: bytearray) -> None:
        nonlocal fresh
        given.append(phrase)
        if bytes(phrase) != b"right":
            raise WrongSecrets
        fresh = True

    async with App({}).run_test(size=(80, 30)) as pilot:

        async def run() -> None:
            done.append(await freshly(pilot.app.screen, act, confirm, why="Signing needs it."))

        pilot.app.run_worker(run())
        for number, word in enumerate(("wrong", "right"), 1):
            await on(pilot, AskPassphrase)
            await wait_until(pilot, lambda: pilot.app.focused is not None)
            await pilot.press(*word, "enter")
            await wait_until(pilot, lambda number=number: len(given) == number)  # type: ignore[misc]
        await wait_until(pilot, lambda: bool(done))
    assert done == [True]
    assert [set(phrase) for phrase in given] == [{0}, {0}]


async def test_without_the_passphrase_nothing_is_done() -> None:
    done: list[bool] = []

    async def act() -> None:
        raise ReauthNeeded("again")

    async def confirm(phrase: bytearray) -> None:
        raise AssertionError("nobody typed one")

    async with App({}).run_test(size=(80, 30)) as pilot:

        async def run() -> None:
            done.append(await freshly(pilot.app.screen, act, confirm, why="Signing needs it."))

        pilot.app.run_worker(run())
        await on(pilot, AskPassphrase)
        await pilot.press("escape")
        await wait_until(pilot, lambda: bool(done))
    assert done == [False]
