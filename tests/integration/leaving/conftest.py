"""One small program for all tests of a session that only read it; a copy for those that write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iop_tui.workspace import Workspace
from tests.support.clinic import vaults
from tests.support.clinic.vaults import Program, copied


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Made once, never opened."""
    return vaults.template(tmp_path_factory)


@pytest.fixture
def small(template: Program, tmp_path: Path) -> Program:
    """A copy of its own."""
    return copied(template, tmp_path)


@pytest.fixture
def ws(small: Program) -> Iterator[Workspace]:
    """Nadia: therapist of Ana and Max, medical director."""
    with small.workspace("nadia") as opened:
        yield opened
