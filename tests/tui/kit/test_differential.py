"""The lean stream shows exactly what Textual's own stream shows, after every step of scripted and random sessions."""

from __future__ import annotations

import random
from typing import Any

import pytest
from textual.pilot import Pilot

from iop_tui.ui.lists.recordlist import RecordList
from tests.tui.kit.support import KitTestApp, Recorder, wait_until

KEYS = ("down", "down", "up", "pagedown", "pageup", "home", "end", "j", "k", "d", "y", "escape", "enter", "g", "n", "f",
        "f1", "ctrl+p", "s", "tab", "f4", "a", "b", "space", "backspace", "left", "right", "ctrl+z", "f2")
TEXTS = ("plain words ", "佐藤 花子 ", "e\u0301lan ", "👍", "\x1b[31mred", "[bold]x[/]", "naïve Ünïcode ", "김민준\n",
         "\t", "-" * 150)


async def compare(pilot: Pilot[Any], recorder: Recorder, step: str) -> None:
    await pilot.pause()
    recorder.settle()
    lean, raw = recorder.lean, recorder.raw
    assert lean.text() == raw.text(), step
    assert lean.cells() == raw.cells(), step


async def started(pilot: Pilot[Any]) -> Recorder:
    app = pilot.app
    assert isinstance(app, KitTestApp)
    await wait_until(pilot, lambda: bool(app.screen.query(RecordList)) and app.screen.query_one(RecordList).count > 0)
    assert app.recorder is not None
    return app.recorder


SCRIPTS = {
    "list": ["down", "down", "pagedown", "pagedown", "end", "up", "home", "j", "k"],
    "modals": ["d", "escape", "d", "y", "s", "down", "escape", "ctrl+p", "n", "o", "t", "e", "escape", "f1",
               "pagedown", "escape", "g", "escape"],
    "note": ["g", "n", "h", "e", "<佐藤 花子>", "<e\u0301👍>", "enter", "ctrl+z", "pagedown", "x", "<\x1b[31mred>",
             "escape"],
    "form": ["g", "f", "2", "f4", "1", "f4", "right", "right", "f4", "space", "f4", "y", "f4", "enter", "space",
             "enter", "f4", "<naïve>", "f4", "<" + "long " * 40 + ">", "shift+f4", "escape"],
}


async def act(pilot: Pilot[Any], step: str) -> None:
    if step.startswith("<"):
        focused = pilot.app.screen.focused
        if focused is not None and hasattr(focused, "insert"):
            focused.insert(step[1:-1], *((0,) if focused.__class__.__name__ == "LineInput" else ()))
    else:
        await pilot.press(step)


@pytest.mark.parametrize("name", list(SCRIPTS))
@pytest.mark.parametrize(("theme", "size"), [
    ("dark", (100, 30)), ("ansi", (60, 20)),
    pytest.param("dark", (60, 20), marks=pytest.mark.nightly),
    pytest.param("ansi", (100, 30), marks=pytest.mark.nightly),
])  # fmt: skip
async def test_scripted_sessions_show_the_same(name: str, theme: str, size: tuple[int, int]) -> None:
    app = KitTestApp(recorder=True, theme=theme)
    async with app.run_test(size=size) as pilot:
        recorder = await started(pilot)
        await compare(pilot, recorder, "start")
        for step in SCRIPTS[name]:
            await act(pilot, step)
            await compare(pilot, recorder, f"{name}: {step}")


async def random_session(seed: int, steps: int) -> None:
    choice = random.Random(seed)
    app = KitTestApp(recorder=True)
    async with app.run_test(size=(choice.choice((60, 80, 100)), choice.choice((20, 24, 30)))) as pilot:
        recorder = await started(pilot)
        for step in range(steps):
            action = choice.choice((*KEYS, *(f"<{text}>" for text in TEXTS)))
            await act(pilot, action)
            if choice.random() < 0.6:
                await compare(pilot, recorder, f"seed {seed}, step {step}: {action!r}")
        await compare(pilot, recorder, f"seed {seed}, end")


@pytest.mark.parametrize("seed", range(3))
async def test_random_sessions_show_the_same(seed: int) -> None:
    await random_session(seed, 60)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 160))
async def test_many_random_sessions_show_the_same(seed: int) -> None:
    await random_session(seed, 150)


async def test_resize_shows_the_same() -> None:
    app = KitTestApp(recorder=True)
    async with app.run_test(size=(100, 30)) as pilot:
        recorder = await started(pilot)
        await compare(pilot, recorder, "start")
        for width, height in ((80, 24), (120, 40), (61, 20), (100, 30)):
            recorder.prepare_resize(width, height)
            await pilot.resize_terminal(width, height)
            await pilot.press("down")
            await compare(pilot, recorder, f"{width}x{height}")
