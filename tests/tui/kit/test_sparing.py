"""The editor draws for a key what the key changed, and what it shows is what drawing everything would show."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.strip import Strip

from iop_tui.ui import theme as themes
from iop_tui.ui.app import KitApp
from iop_tui.ui.text.editor import NoteText
from iop_tui.ui.text.sparing import SparingTextArea

LINES = [f"Line {number}: steadier sleep, (fewer) arguments and homework done, 佐藤 e\u0301 {'word ' * (number % 9)}"
         for number in range(30)]


class Writing(KitApp):
    """Two editors, so that focus can go."""

    def compose(self) -> Any:
        yield NoteText("\n".join(LINES), id="one")
        yield NoteText("other", id="two")


def drawn(area: NoteText) -> None:
    """What is shown is what would be drawn without anything kept, with styles looked up afresh."""
    area.render_lines(area.size.region)
    fresh = dataclasses.replace(area._theme)
    fresh.apply_css(area)
    for style in ("base_style", "cursor_style", "selection_style", "cursor_line_style"):
        assert getattr(area._theme, style) == getattr(fresh, style)
    for y in range(area.size.height):
        assert list(area.render_line(y)) == list(area._render_line(y)), f"line {y} of the window"


async def test_what_is_kept_never_differs_from_what_would_be_drawn(scale: Callable[[int, int], int]) -> None:
    chance = random.Random(7)
    app = Writing(theme=themes.DARK)
    async with app.run_test(size=(60, 24)) as pilot:
        area = app.query_one("#one", NoteText)
        area.focus()
        steps: list[Callable[[Pilot[Any]], Any]] = [
            *(lambda pilot, key=key: pilot.press(key) for key in (
                "x", "space", "(", "enter", "backspace", "delete", "up", "down", "left", "pagedown", "pageup", "home",
                "end", "shift+down", "shift+left", "ctrl+z", "ctrl+y",
            )),
            lambda _: area.mark_words(chance.sample(["sleep", "homework", "word"], chance.randint(0, 2))),
            lambda _: area.move_cursor((chance.randrange(area.document.line_count), 3)),
            lambda _: area.insert("two\nlines"),
            lambda pilot: pilot.resize_terminal(chance.choice([40, 60, 90]), 24),
            lambda _: setattr(app, "theme", chance.choice([themes.DARK, themes.LIGHT, themes.HIGH_CONTRAST])),
            lambda _: app.query_one(chance.choice(["#one", "#two"]), NoteText).focus(),
        ]  # fmt: skip
        for _ in range(scale(400, 25)):
            done = chance.choice(steps)(pilot)
            if hasattr(done, "__await__"):
                await done
            await pilot.pause()
            drawn(area)


async def test_a_key_draws_the_line_it_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = list[int]()
    render = SparingTextArea._render_line

    def noting(area: SparingTextArea, y: int) -> Strip:
        rendered.append(y)
        return render(area, y)

    app = Writing(theme=themes.DARK)
    async with app.run_test(size=(100, 24)) as pilot:
        area = app.query_one("#one", NoteText)
        area.focus()
        area.move_cursor((4, 2))
        await pilot.pause()
        area.render_lines(area.size.region)
        monkeypatch.setattr(SparingTextArea, "_render_line", noting)
        for letter in "abc":
            rendered.clear()
            await pilot.press(letter)
            await pilot.pause()
            area.render_lines(area.size.region)
            assert {area.wrapped_document._offset_to_line_info[y][0] for y in rendered} == {4}
