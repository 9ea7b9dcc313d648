"""Every screen as text at 80x24 and 120x40, the core flow at 60x20 too: full, empty, refusing."""

from __future__ import annotations

import pytest
from textual.screen import ModalScreen

from iop_tui.shell import config
from iop_tui.ui import theme
from tests.support.clinic.vaults import Program
from tests.tui.screens.conftest import Desk, Open
from tests.tui.screens.goldens import box, compare

BOTH = [(80, 24), pytest.param((120, 40), marks=pytest.mark.nightly)]
ALL = [(80, 24), (120, 40), (60, 20)]


async def shot(desk: Desk, name: str, *words: str) -> None:
    """Wait for words, then compare."""
    await desk.see(*words)
    await desk.gone("looking through the charts")
    await desk.settled()
    size = desk.app.size
    dialog = isinstance(desk.app.screen, ModalScreen) and "┌" in desk.screen()
    compare(name, (size.width, size.height), box(desk.screen()) if dialog else desk.screen())


@pytest.mark.parametrize("size", ALL)
async def test_core_flow(opened: Open, size: tuple[int, int]) -> None:
    async with opened("nadia", size) as desk:
        await shot(desk, "today", "Due", "Max Brandt")
        await desk.press("gc")
        await shot(desk, "caseload", "4 people")
        await desk.press("/", "ana")
        await shot(desk, "caseload-filtered", "1 person found")
        await desk.press("<enter>")
        await shot(desk, "chart", "Safe contact", "records")
        await desk.press("<down>", "<enter>")
        await shot(desk, "record", "Written by")
        await desk.press("q")
        await desk.see("Timeline" if size[0] > 60 else "Time")
        await desk.press("n")
        await shot(desk, "note", "Note: Ana Quill")
        await desk.press("nobody", "<f4>", "1")
        await desk.paste("Reports three sober days.")
        await desk.see("unsaved text kept")
        await desk.open("<f8>")
        await shot(desk, "review", "Sign for Ana Quill", "Mental status, Intervention")
        await desk.open("<enter>")
        await shot(desk, "note-refused", "! Mental status is missing")
        await desk.open("<escape>")
        await shot(desk, "note-commands", "w spelling")


@pytest.mark.parametrize("size", BOTH)
async def test_tabs_and_tools(opened: Open, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "shown_path", lambda: "~/.config/iop-tui/config.toml")
    async with opened("nadia", size) as desk:
        await desk.press("gc")
        await desk.see("4 people")
        await desk.press("<end>", "<up>", "<enter>")
        await desk.see("Ana Quill", "Timeline")
        for number, (name, words) in enumerate(
            (("notes", "[2 Notes]"), ("measures", "=-."), ("meds", "Penicillin")), 2
        ):
            await desk.press(str(number))
            await shot(desk, f"chart-{name}", words, "record")
        await desk.press("8")
        await shot(desk, "chart-team", "Cleo")
        await desk.press("/", "qua")
        await shot(desk, "search", "2 in 1 chart")
        await desk.press("<f1>")
        await shot(desk, "help", "what works here")
        await desk.press("<escape>")
        await desk.open("<ctrl+p>")
        await shot(desk, "palette", "Type a command")
        await desk.open("<escape>")
        await desk.gone("Type a command")
        await desk.press("<escape>")
        await desk.see("Chart")
        await desk.press("gp")
        await shot(desk, "people", "8 users")
        await desk.press("ga")
        await shot(desk, "audit", "events, the last 7 days", "unlock")
        await desk.press("g,")
        await shot(desk, "settings", "Lock after")
        await desk.open("g")
        await shot(desk, "which-key", "Caseload", "Today")


@pytest.mark.parametrize("size", BOTH)
async def test_empty(opened: Open, nobody: Program, size: tuple[int, int]) -> None:
    async with opened("nadia", size, of=nobody) as desk:
        await shot(desk, "empty-today", "Nothing written yet")
        await desk.press("gc")
        await shot(desk, "empty-caseload", "Nobody here yet")
        await desk.press("+")
        await shot(desk, "register", "Given name")
        await desk.press("<f2>")
        await shot(desk, "register-refused", "! Given name is missing")


@pytest.mark.parametrize("name", sorted(theme.PALETTES))
async def test_themes_change_colours_and_no_word(opened: Open, name: str) -> None:
    async with opened("nadia", (80, 24)) as desk:
        desk.app.theme = name
        await shot(desk, "today", "Due", "Max Brandt")
