"""Consents on screen: recorded by keys, used by the recipient, ended; what is open closes."""

from __future__ import annotations

from datetime import timedelta

from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.screens import ConsentEditor, ConsentList
from iop_tui.shell.screens.record import RecordPage
from tests.support.clinic.consents import Clinic
from tests.support.clinic.vaults import Program, leave, today
from tests.tui.screens.conftest import Desk, Open


async def chart_of_ana(desk: Desk) -> None:
    await desk.press("gc")
    await desk.see("Quill")
    await desk.press("/")
    await desk.press("qui", "<enter>")
    await desk.see("Ana Quill")


async def test_an_authorization_is_recorded_by_keys_and_ended(opened: Open) -> None:
    async with opened(size=(110, 40)) as desk:
        await chart_of_ana(desk)
        await desk.press("o")
        await desk.see("Nothing is authorized")
        await desk.open("+")
        await desk.see("Which form?")
        await desk.open("<end>", "<enter>")
        await desk.see("From which part", "individual record")
        await desk.open("<enter>")
        await desk.see("For whom?", "Cleo")
        await desk.press("<enter>")
        await desk.see("What, specifically")
        editor = desk.app.screen
        assert isinstance(editor, ConsentEditor)
        day = today(desk.app.ws)
        await desk.open("<f2>")
        await desk.see("Describe specifically", "It can be signed when nothing is missing")
        await desk.open("<enter>")
        editor.form.load({
            "description": "Notes about sleep", "purpose": "Coordination", "topics": ["progress notes"],
            "covers_from": day - timedelta(days=60), "covers_to": day, "expires_on": day + timedelta(days=30),
            "copy_given": True,
        })  # fmt: skip
        await desk.open("<f2>")
        await desk.see("Nothing is missing", "stays with them")
        await desk.press("s")
        await desk.see("in force", "Cleo", "progress notes")
        await desk.press("v")
        await desk.see("Disclosures since", "3 × progress note")
        await desk.open("d")
        await desk.see("End this consent?", "already read")
        await desk.press("<enter>")
        await desk.see("revoked")
        assert isinstance(desk.app.screen, ConsentList)
        assert [line.state for line in consents.consents(desk.app.ws)] == ["revoked"]


async def test_an_open_record_closes_when_its_share_ends(opened: Open, made: Program) -> None:
    async with opened("cleo") as desk:
        ws = desk.app.ws
        nadia = made.beside(ws, "nadia")
        day = today(ws)
        form = Clinic(made, nadia).internal(expires_on=day + timedelta(days=5))
        shared = consents.authorize(nadia, form)
        desk.app.told(ws.session.catch_up())
        copy = ws.view.rows("SELECT record FROM record WHERE kind = 'progress_note' AND title LIKE '%quarry walk%'")
        await chart_of_ana(desk)
        desk.app.screen.go("record", copy[0][0])  # type: ignore[attr-defined]
        await desk.see("Shared under an authorization", "quarry walk")
        page = desk.app.screen
        assert isinstance(page, RecordPage)
        consents.revoke(nadia, shared.id)
        leave(nadia)
        desk.app.told(await desk.app.desk.keep(lambda subject: subject.session.catch_up()))
        await desk.see("The share ended")
        await desk.until(lambda: desk.app.screen is not page, "leaving the page")
        assert "quarry walk" not in desk.screen()
