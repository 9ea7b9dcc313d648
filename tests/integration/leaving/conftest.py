"""One small program for all tests of a session that only read it; a copy for those that write."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from iop_tui.workspace import Workspace
from tests.support.clinic.vaults import Program, program


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Made once, never opened."""
    return program(tmp_path_factory.mktemp("leaving"))


@pytest.fixture
def small(template: Program, tmp_path: Path) -> Program:
    """A copy of its own."""
    shutil.copytree(template.path, tmp_path / "vault")
    return replace(template, path=tmp_path / "vault", people=dict(template.people), notes=dict(template.notes))


@pytest.fixture
def ws(small: Program) -> Iterator[Workspace]:
    """Nadia: therapist of Ana and Max, medical director."""
    with small.workspace("nadia") as opened:
        yield opened
