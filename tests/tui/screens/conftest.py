"""One vault per test module, and a driver for the app: keys in, text out, waiting for words only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.events import Paste
from textual.pilot import Pilot

from iop_tui.shell.app import IopApp, Opening
from iop_tui.shell.config import Config
from iop_tui.shell.screens.today import gather
from iop_tui.ui.lists.recordlist import RecordList
from tests.support.clinic.vaults import Program, copied, empty, fresh

SECONDS = 30.0


class Desk:
    """An app under test."""

    def __init__(self, app: IopApp, pilot: Pilot[Any], made: Program) -> None:
        self.app, self.pilot, self.made = app, pilot, made

    def screen(self) -> str:
        """What is seen, one line per row."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Let the app work until a condition holds."""
        end = time.monotonic() + SECONDS
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"{what} never came:\n{self.screen()}")
            await asyncio.sleep(0.005)
        await self.pilot.pause()

    async def see(self, *words: str) -> Desk:
        """Wait for words on the screen."""
        await self.until(lambda: all(word in self.screen() for word in words), repr(words))
        return self

    async def gone(self, word: str) -> Desk:
        """Wait until a word is gone."""
        await self.until(lambda: word not in self.screen(), f"end of {word!r}")
        return self

    async def press(self, *keys: str) -> Desk:
        """Press keys; a text in angle brackets is a key's name, everything else its letters."""
        for key in keys:
            await self.pilot.press(*([key[1:-1]] if key.startswith("<") else key))
        await self.until(lambda: not self.app.navigator.busy, "the page")
        return self

    async def settled(self) -> None:
        """Wait until two looks in a row show the same."""
        before = ""
        while (now := self.screen()) != before:
            before = now
            await asyncio.sleep(0.1)
            await self.pilot.pause()

    async def due(self, words: str) -> Desk:
        """Put the cursor of Today's queue on the first line that has some words, after the charts were looked into."""
        await self.see("Due")
        await self.gone("looking through the charts")
        listing = self.app.screen.query_one("#tasks", RecordList)
        await self.until(lambda: listing.up_to_date, "the queue")
        rows = [listing.row_at(place) for place in range(listing.count)]
        listing.focus()
        listing.move_to(next(place for place, row in enumerate(rows) if row and words in f"{row.what} {row.name}"))
        await self.pilot.pause()
        return self

    async def paste(self, text: str) -> Desk:
        """A whole text at once, as a terminal pastes it."""
        self.app.post_message(Paste(text))
        await self.pilot.pause()
        return self

    async def open(self, *keys: str) -> Desk:
        """As `press`, where a dialog may follow: does not wait for a page."""
        for key in keys:
            await self.pilot.press(*([key[1:-1]] if key.startswith("<") else key))
        return self


Open = Callable[..., AbstractAsyncContextManager[Desk]]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The small program, made once."""
    return fresh(tmp_path_factory)


@pytest.fixture
def made(template: Program, tmp_path: Path) -> Program:
    """A copy of it for one test, with clocks of its own."""
    return copied(template, tmp_path)


@pytest.fixture
def opened(made: Program) -> Open:
    """`async with opened("nadia", (80, 24)) as desk`: the app over a real vault."""

    @asynccontextmanager
    async def _opened(
        name: str = "nadia", size: tuple[int, int] = (80, 24), *, config: Config | None = None, chores: bool = False,
        of: Program | None = None,
    ) -> AsyncIterator[Desk]:  # fmt: skip
        source = of or made
        ws = source.unlock(name)
        try:
            app = IopApp(Opening(ws, gather(ws), config=config or Config(), chores=chores))
            async with app.run_test(size=size) as pilot:
                yield await Desk(app, pilot, source).see("Today")
        finally:
            ws.close()

    return _opened


@pytest.fixture
def nobody(tmp_path: Path) -> Program:
    """A vault without people."""
    made, ws = empty(tmp_path / "empty")
    ws.close()
    return made
