"""The budgets as tests: `-m benchmark -n 0 -s`, with `--demo-size` for the size of the vault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import demo
from tests.benchmarks.budget import table
from tests.benchmarks.groups import GROUPS

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="session")
def vault(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> demo.Demo:
    return demo.make(tmp_path_factory.mktemp("demo"), str(pytestconfig.getoption("demo_size")))


@pytest.mark.parametrize("group", GROUPS)
def test_budget(group: str, vault: demo.Demo, tmp_path: Path) -> None:
    rows = list(GROUPS[group](vault, tmp_path))
    print("\n" + table(rows))
    assert all(row.met for row in rows), "\n" + table(row for row in rows if not row.met)
