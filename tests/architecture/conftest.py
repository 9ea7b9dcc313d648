"""What looks at the source and not at what it does is the check `hygiene`, a step of its own in `.ci/run`."""

from __future__ import annotations

from pathlib import Path

import pytest

_HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, before marks decide what is run."""
    for item in items:
        if item.path.parent == _HERE:
            item.add_marker(pytest.mark.hygiene)
