"""The process ends at any step of attaching a file: afterwards it is attached whole, or not at all."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from iop_tui.clinical.attachments import api as attachments
from iop_tui.kernel.rng import SeededRng
from iop_tui.store import chunks as stored
from iop_tui.store.vaultdb import VaultDb
from tests.integration.attachments.conftest import order
from tests.support.clinic.vaults import Program

CONTENT = bytes(range(256)) * 2_500
_GONE = 9


class Dying:
    """Ends the process before the n-th step of attaching."""

    def __init__(self, at: int) -> None:
        self._at, self._count = at, 0

    def step(self) -> None:
        """One step."""
        self._count += 1
        if self._count == self._at:
            os._exit(_GONE)

    def before(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """A function that counts as one step."""

        def counted(*args: Any, **more: Any) -> Any:
            self.step()
            return call(*args, **more)

        return counted


def _dies(made: Program, at: int) -> bool:
    """Unlock and attach in a child that ends at a step; whether it got there."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            own = replace(made, env=replace(made.env, rng=SeededRng(1_000 + at)))  # not the parent's next ids
            with own.workspace() as ws:
                _arm(Dying(at))
                attachments.attach(ws, order(made, ws), io.BytesIO(CONTENT))
                code = 0
        finally:
            os._exit(code)
    made.code_clock.advance(120)
    _, status = os.waitpid(child, 0)
    ended = os.waitstatus_to_exitcode(status)
    assert ended in (0, _GONE)
    return ended == _GONE


def _arm(dying: Dying) -> None:
    stored._write = dying.before(stored._write)
    stored._sync = dying.before(stored._sync)
    vars(stored)["os"] = _Counted(os, dying, "replace")
    vars(stored)["shutil"] = _Counted(shutil, dying, "rmtree")
    commit = VaultDb.commit

    def stopping(self: VaultDb, batch: Any) -> Any:
        dying.step()
        done = commit(self, batch)
        dying.step()
        return done

    VaultDb.commit = stopping  # type: ignore[method-assign]


class _Counted:
    """A module of which one function counts as a step."""

    def __init__(self, module: Any, dying: Dying, name: str) -> None:
        self._module = module
        setattr(self, name, dying.before(getattr(module, name)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def _state(made: Program, before: int) -> int:
    """How many attachments Ana has now, all of them whole, and no trace of another one."""
    with made.workspace() as ws:
        lines = attachments.lines(ws, made.people["ana"])
        assert [line.missing for line in lines] == [0] * len(lines)
        for line in lines:
            assert b"".join(attachments.open_file(ws, line.record.id).pieces()) == CONTENT
        known = {name for line in lines for name in attachments.parts(line.document)}
        assert set(attachments.store(ws).names()) == known
        assert not list((made.path / "chunks" / "new").glob("*"))
        assert [item for item in ws.verify() if item.alarm] == []
        assert len(lines) in (before, before + 1)
        return len(lines)


def test_every_step_leaves_the_old_state_or_the_new_one(fresh: Program, scale: Callable[[int, int], int]) -> None:
    """Every step at night, each eighth by day."""
    count, at, ends = 0, 1, set[bool]()
    while _dies(fresh, at):
        now = _state(fresh, count)
        ends.add(now > count)
        count, at = now, at + scale(1, 8)
    assert _state(fresh, count) == count + 1
    assert ends == {True, False}
    assert at > 15
