"""A copy for the person, by keys: the question comes first, the file is complete, the ledger knows."""

from __future__ import annotations

from pathlib import Path

from iop_tui.clinical.disclosures import api as disclosures
from tests.support.clinic.vaults import Program
from tests.tui.screens.conftest import Desk, Open
from tests.tui.screens.test_flow import chart_of


async def _open_note(desk: Desk) -> None:
    await chart_of(desk, "quil", "Ana Quill")
    await desk.press("2")
    await desk.see("sleeping better")
    await desk.press("<enter>")
    await desk.see("Progress note of", "Content")


async def test_a_copy_is_written_once_it_is_safe(opened: Open, made: Program, tmp_path: Path) -> None:
    async with opened("nadia", (80, 24)) as desk:
        await _open_note(desk)
        await desk.open("o")
        await desk.see("safe for the person to hold")
        await desk.open("<right>", "<right>", "<tab>", "<enter>")
        await desk.see("Nothing was made")
        await desk.open("o")
        await desk.see("safe for the person to hold")
        await desk.open("<right>", "<tab>", "<enter>")
        await desk.see("A copy for the person", "list of disclosures")
        await desk.open("<right>", "<right>", "<tab>")
        await desk.paste(str(tmp_path / "note"))
        await desk.open("<enter>")
        await desk.see("Written to note.md")
    assert "quarry walk" in (tmp_path / "note.md").read_text()
    with made.workspace("nadia") as ws:
        assert [row.method for row in disclosures.accounting(ws, made.people["ana"]).rows] == ["print"]
