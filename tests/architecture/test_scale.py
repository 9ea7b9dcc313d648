"""The counts of a test follow the run: full under `-m nightly`, where such a test is selected as well."""

from __future__ import annotations

import pytest

from tests.conftest import Scale


def test_counts_follow_the_run(scale: Scale, pytestconfig: pytest.Config) -> None:
    nightly = pytestconfig.getoption("markexpr") == "nightly"
    assert scale(7, 3) == (7 if nightly else 3)
