"""The driver of the other screens' tests, over the same small program; goldens of their own."""

from __future__ import annotations

from pathlib import Path

from tests.tui.screens.conftest import Desk, Open, made, nobody, opened, template
from tests.tui.screens.goldens import compare

__all__ = ["Desk", "Open", "made", "nobody", "opened", "picture", "template", "to_plan"]
FOLDER = Path(__file__).parent / "goldens"


async def to_plan(desk: Desk, letters: str, name: str, *words: str) -> None:
    """From Today to what `t` opens in a person's chart, by keys."""
    await desk.press("gc")
    await desk.see("Caseload", "people")
    await desk.press("/", letters)
    await desk.see("1 person found")
    await desk.press("<enter>")
    await desk.see("Chart", name)
    await desk.press("t")
    await desk.see("Treatment plan", *words)


async def picture(desk: Desk, name: str, *words: str) -> None:
    """At both sizes: wait for words, then compare with the golden of that name."""
    await desk.see(*words)
    for size in ((120, 40), (80, 24)):
        await desk.pilot.resize_terminal(*size)
        await desk.settled()
        compare(name, size, desk.screen(), FOLDER)
