"""A couple with an agreement, a plan and a session, made once; an app over a copy of it for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from iop_tui.clinical.couples import entries
from iop_tui.clinical.couples.model import HELD_NOTE, LIMITED, HeldNote
from iop_tui.shell.app import IopApp, Opening
from iop_tui.shell.config import Config
from iop_tui.shell.screens.today import gather
from tests.support.clinic import vaults
from tests.support.clinic.couples import agree, copied, hold_session, pair_of, plan_together
from tests.support.clinic.vaults import Program, leave, today
from tests.tui.screens.conftest import Desk

Open = Callable[..., AbstractAsyncContextManager[Desk]]
HELD = "She has saved for a flat of her own since spring and has told nobody about it so far."


@pytest.fixture(scope="session")
def coupled(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program with a couple at work."""
    made = vaults.copied(vaults.fresh(tmp_path_factory), tmp_path_factory.mktemp("coupled"))
    ws = made.unlock("nadia")
    pair = pair_of(made, ws)
    cleo = made.beside(ws, "cleo")
    agree(cleo, pair, LIMITED)
    plan_together(cleo, pair, contact_rule="held for that partner")
    hold_session(cleo, pair)
    held = HeldNote(heard=today(cleo), category="a surprise", text=HELD, urged=True)
    entries.save(cleo, pair.a, HELD_NOTE, held)
    leave(cleo)
    ws.close()
    return made


@pytest.fixture
def opened(coupled: Program, tmp_path: Path) -> Open:
    """`async with opened("cleo", (80, 24)) as desk`: the app over a copy of the vault."""
    made = copied(coupled, tmp_path / "vault")

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
