"""The plan's screens as text at 80×24 and 120×40, and what a key costs on the line."""

from __future__ import annotations

import pytest
from textual.driver import Driver
from textual.pilot import Pilot

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.plans import service as plans
from iop_tui.clinical.plans import tree
from iop_tui.shell.app import IopApp, Opening
from iop_tui.shell.screens.today import gather
from iop_tui.ui.outline import OutlineList
from iop_tui.ui.page import Go
from tests.support.clinic.plans import plan
from tests.support.clinic.vaults import Program
from tests.tui.kit.support import Recorder, wait_until
from tests.tui.plans.conftest import Open, picture, to_plan

MAX = ("bra", "Max Brandt")
DOWN_BYTES, TYPED_BYTES, PAGE_BYTES, SCREEN_BYTES = 450, 300, 3_000, 10_000


def stored(made: Program, *, sign: bool = False) -> bytes:
    """A plan of 3 problems with a gap here and there."""
    with made.workspace() as ws:
        ready = plan(3, 2, 2)
        texts = ("Drinks alone on most evenings of the week", "Sleeps four hours a night", "Quarrels with her sister")
        for problem, text in zip(ready.problems, texts, strict=True):
            ready = tree.change(ready, problem.id, text=text)
        if not sign:
            ready = tree.change(ready, tree.objectives(ready)[1][1].id, baseline="")
        record = plans.save(ws, made.people["max"], ready).record
        if sign:
            charting.sign(ws, [record])
        return record


async def test_the_editor(opened: Open, made: Program) -> None:
    async with opened("nadia") as desk:
        await to_plan(desk, *MAX, "missing")
        await picture(desk, "editor-empty", "none yet: a adds the first")
    stored(made)
    async with opened("nadia") as desk:
        await to_plan(desk, *MAX, "! 1 missing")
        await picture(desk, "editor", "revision 1, draft")
        await desk.open("f")
        await picture(desk, "editor-finding", "needs a baseline")
        await desk.open("<enter>")
        await picture(desk, "editor-objective", "Baseline", "Esc to the outline")
        await desk.open("<escape>")
        await desk.open("<home>", "<down>", "<down>", "<down>", "<enter>")
        await picture(desk, "editor-dimensions", "1 Intoxication")
        await desk.open("<escape>", "<escape>")
        await picture(desk, "editor-commands", "nothing is lost")


async def test_the_plan_to_read_and_its_review(opened: Open, made: Program) -> None:
    stored(made, sign=True)
    async with opened("nadia") as desk:
        await to_plan(desk, *MAX, "signed")
        await picture(desk, "plan-read", "Drinks alone")
        await desk.press("n")
        await desk.see("0 of 12 decided")
        await desk.open("f", "f", "1", "1")
        await picture(desk, "review", "2 of 12 decided", "unsaved work kept")


class RecordedApp(IopApp):
    """The program with a driver that counts what a terminal would be sent."""

    recorder: Recorder

    def _build_driver(self, headless: bool, inline: bool, mouse: bool, size: tuple[int, int] | None) -> Driver:
        self.recorder = Recorder(self, debug=False, mouse=mouse, size=size)
        self.recorder.prepare(*(size or (80, 24)))
        return self.recorder


async def cost(app: RecordedApp, pilot: Pilot[object], *keys: str) -> int:
    """Bytes that some keys cause, once everything is painted."""
    await pilot.press(*keys)
    for _ in range(4):
        await pilot.pause(0.02)
    return app.recorder.settle()


@pytest.mark.parametrize("size", [(80, 24), pytest.param((120, 40), marks=pytest.mark.nightly)])
async def test_what_keys_cost(made: Program, size: tuple[int, int]) -> None:
    """tui budgets: ≤ 450 bytes a cursor-down in the tree, ≤ 300 a typed character, ≤ 10 kB a sheet."""
    stored(made)
    ws = made.unlock("nadia")
    try:
        app = RecordedApp(Opening(ws, gather(ws), chores=False))
        async with app.run_test(size=size) as pilot:
            app.go(Go("plan", (made.people["max"],)))
            await wait_until(pilot, lambda: bool(app.screen.query(OutlineList)))
            await wait_until(pilot, lambda: bool(getattr(app.screen, "findings", ())))
            await cost(app, pilot)
            outline = app.screen.query_one(OutlineList)
            outline.go_to("=problems")
            await cost(app, pilot)
            downs = [await cost(app, pilot, "down") for _ in range(size[1] - 14)]
            scrolled = [each for each in downs if each > DOWN_BYTES]
            assert len(scrolled) <= 1, f"more than the line that scrolls half a page costs too much: {downs}"
            assert all(each <= PAGE_BYTES for each in scrolled), downs
            outline.go_to(tree.objectives(app.screen.sitting.plan)[0][1].id)  # type: ignore[attr-defined]
            await cost(app, pilot)
            assert await cost(app, pilot, "enter") <= SCREEN_BYTES
            typed = [await cost(app, pilot, letter) for letter in "coping skill"]
            assert max(typed) <= TYPED_BYTES, typed
    finally:
        ws.close()
