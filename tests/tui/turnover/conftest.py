"""An app over a copy of the program with a colleague who can take over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from iop_tui.shell.app import IopApp, Opening
from iop_tui.shell.config import Config
from iop_tui.shell.screens.today import gather
from tests.support.clinic.turnover import staffed
from tests.support.clinic.vaults import Program, copied
from tests.tui.screens.conftest import Desk

Open = Callable[..., AbstractAsyncContextManager[Desk]]


@pytest.fixture
def made(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Program:
    """A copy of the program with Ida for one test."""
    return copied(staffed(tmp_path_factory), tmp_path)


@pytest.fixture
def opened(made: Program) -> Open:
    """`async with opened("fay") as desk`: the app over the test's vault, one user after the other."""

    @asynccontextmanager
    async def _opened(name: str, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Desk]:
        ws = made.unlock(name)
        try:
            app = IopApp(Opening(ws, gather(ws), config=Config(), chores=False))
            async with app.run_test(size=size) as pilot:
                yield await Desk(app, pilot, made).see("Today")
        finally:
            ws.close()

    return _opened
