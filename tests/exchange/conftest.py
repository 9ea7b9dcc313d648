"""A pair of devices, made once; every test gets a copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.exchange.world.pairs import Pair, copied, meet
from tests.support.clinic.devices import enrolled, first
from tests.support.clinic.vaults import program


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Two devices that have met."""
    folder = tmp_path_factory.mktemp("settling")
    one = first(program(folder, seed=21))
    two = enrolled(one, "Laptop", folder / "laptop", folder / "stick", seed=22)
    meet(one, two, folder / "stick")
    return one, two, folder / "stick"


@pytest.fixture
def pair(template: Pair, tmp_path: Path) -> Pair:
    """A fresh copy of both devices and their stick."""
    return copied(template, tmp_path)
