"""One demo vault per run, copied for every test that writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.processes.command import Site, copy_of, shared_demo


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A small demo, made once for all workers and never opened."""
    return shared_demo(tmp_path_factory)


@pytest.fixture
def site(template: Site, tmp_path: Path) -> Site:
    """A copy of the demo."""
    return copy_of(template, tmp_path / "vault")
