"""One demo vault per run, copied for every test that writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from iop_tui.shell.commands.environment import for_new
from iop_tui.shell.demo.build import build
from tests.support.command import Site, copy_of


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A small demo, made once and never opened."""
    place = tmp_path_factory.mktemp("demo") / "vault"
    return Site(place, build(place, for_new(demo=True), size="small", seed=1))


@pytest.fixture
def site(template: Site, tmp_path: Path) -> Site:
    """A copy of the demo."""
    return copy_of(template, tmp_path / "vault")
