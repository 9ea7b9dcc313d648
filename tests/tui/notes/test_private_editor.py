"""Private notes with keys only: begun in the chart, warned of while typed, saved, signed, and nobody else's."""

from __future__ import annotations

from iop_tui.clinical.notes.private import PRIVATE_KINDS, PsychotherapyNote
from iop_tui.clinical.notes.screens import CounselingEditor, PsychotherapyEditor
from iop_tui.clinical.records import api as records
from tests.support.clinic.vaults import Program
from tests.tui.notes.conftest import caseload_line
from tests.tui.screens.conftest import Desk, Open

CANARY = "The silence lasted longer than before; vermilion."


async def begin(desk: Desk, words: str) -> None:
    await caseload_line(desk, "qui")
    await desk.press("<enter>")
    await desk.see("Chart", "Ana Quill")
    await desk.press("N")
    await desk.see(words, "Yours alone")


async def test_a_psychotherapy_note_from_the_chart_to_its_signature(opened: Open, made: Program) -> None:
    async with opened("nadia", of=made) as desk:
        await begin(desk, "Psychotherapy note: Ana Quill")
        assert isinstance(desk.app.screen, PsychotherapyEditor)
        await desk.see("session of 2026-03-12", "Analysis of the conversation")
        await desk.paste(f"{CANARY} Her diagnosis")
        await desk.see("looks like summary of diagnosis")
        await desk.press(*["<backspace>"] * 14)
        await desk.gone("looks like")
        await desk.see("nothing is missing")
        await desk.press("<f2>")
        await desk.see("draft saved")
        await desk.open("<f8>")
        await desk.see("Sign for Ana Quill", "[s] sign")
        await desk.open("s")
        await desk.see("Chart", "Psychotherapy note")
        (hit,) = records.search(desk.app.ws, "vermilion")
        found = records.read(desk.app.ws, hit.id)
        assert found.line.status == "signed"
        assert isinstance(found.document, PsychotherapyNote)
        assert found.document.text == CANARY
    with made.workspace("sol") as ws:
        assert not records.search(ws, "vermilion")
        assert hit.id not in {row[0] for row in ws.view.rows("SELECT record FROM record")}


async def test_unsaved_private_words_come_back_to_their_author(opened: Open, made: Program) -> None:
    async with opened("sol", of=made) as desk:
        await begin(desk, "SUD counseling note: Ana Quill")
        assert isinstance(desk.app.screen, CounselingEditor)
        assert desk.app.screen.kind.kind in PRIVATE_KINDS
        await desk.press("Tuesday", "<f4>")
        await desk.paste("He spoke of the river.")
        await desk.see("unsaved text kept")
        await desk.press("<escape>", "q")
        await desk.see("Chart")
        await desk.press("N")
        await desk.see("unsaved text restored", "He spoke of the river.")
