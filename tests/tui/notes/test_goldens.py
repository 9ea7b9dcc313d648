"""The editors as text at 80x24 and 120x40."""

from __future__ import annotations

from pathlib import Path

import pytest

from iop_tui.shell import config
from tests.support.clinic.vaults import Program
from tests.tui.notes.conftest import open_note
from tests.tui.screens.conftest import Desk, Open
from tests.tui.screens.goldens import compare

BOTH = [(80, 24), pytest.param((120, 40), marks=pytest.mark.nightly)]


async def shot(desk: Desk, name: str) -> None:
    """Wait until nothing changes any more, then compare."""
    await desk.settled()
    size = desk.app.size
    compare(name, (size.width, size.height), desk.screen())


@pytest.mark.parametrize("size", BOTH)
async def test_editors(
    opened: Open, made: Program, size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "path", lambda: tmp_path / "config.toml")
    async with opened("nadia", size, of=made) as desk:
        await open_note(desk)
        await shot(desk, "noteeditor-new")
        await desk.press("nobody", "<f4>", "1")
        await desk.paste("Slept six hours and argued with her sister about mony. ")
        await desk.see("unsaved text kept", "spelling")
        await desk.press("<f4>")
        await shot(desk, "noteeditor-answer")
        await desk.press("1", "#1")
        await desk.see("1.1.2 Step 1", "Say what you did")
        await shot(desk, "noteeditor-offers")
        await desk.press("<escape>", "<f5>")
        await desk.see("DAP, ")
        await shot(desk, "noteeditor-dap")
        await desk.press("<escape>", "q")
        await desk.see("Caseload")
        await desk.press("<enter>")
        await desk.see("Chart")
        await desk.press("N")
        await desk.see("Psychotherapy note")
        await desk.paste("Her father again. PHQ was lower.")
        await desk.see("looks like results", "unsaved text kept")
        await shot(desk, "privateeditor")
