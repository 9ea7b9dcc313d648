"""A program with a couple, everybody's workspaces side by side on one open vault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from iop_tui.kernel.rng import SeededRng
from iop_tui.workspace import Workspace
from tests.support.clinic.couples import Pair, copied, pair_of
from tests.support.clinic.vaults import Program, leave, refresh, template


@dataclass
class Clinic:
    """The program, its open vault, and the workspaces that were asked for."""

    made: Program
    nadia: Workspace
    pair: Pair
    own_streams: bool = False
    """Whether every user draws randomness of their own, so that what one does changes nobody else's."""
    _others: dict[str, Workspace] = field(default_factory=dict)

    def ws(self, name: str) -> Workspace:
        """A colleague's workspace, caught up."""
        if name == "nadia":
            refresh(self.nadia)
            return self.nadia
        if name not in self._others:
            self._others[name] = self.made.beside(self.nadia, name)
            if self.own_streams:
                self._others[name].session.rng = SeededRng(100 + sorted(self.made.users).index(name))
        refresh(self._others[name])
        return self._others[name]

    def close(self) -> None:
        """Close everything."""
        for other in self._others.values():
            leave(other)
        self.nadia.close()


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program all tests here begin with; it is copied, never changed."""
    return template(tmp_path_factory)


@pytest.fixture
def clinic(base: Program, tmp_path: Path) -> Iterator[Clinic]:
    """A program of its own with Ana and Ben in Cleo's care."""
    made = copied(base, tmp_path / "vault")
    ws = made.unlock("nadia")
    found = Clinic(made, ws, pair_of(made, ws))
    yield found
    found.close()
