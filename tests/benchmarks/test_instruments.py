"""The instruments themselves, in the default run: a probe that measures nothing proves nothing."""

from __future__ import annotations

import sys
import time

import pytest

from tests.benchmarks.budget import Budget, p99, table
from tests.benchmarks.probe import Probe

_ECHO = r"""
import os, sys, termios, time, tty
tty.setraw(0)
os.write(1, b"READY")
while (key := os.read(0, 1)) != b"q":
    time.sleep(0.05)
    os.write(1, key * 10)
"""


def test_probe_times_and_counts_what_a_key_causes() -> None:
    with Probe([sys.executable, "-c", _ECHO]) as probe:
        ready = probe.when("READY")
        assert 0 < ready - probe.started < 10
        paint = probe.press("a")
        assert paint.size == 10
        assert 0.05 <= paint.first <= paint.last < 1
        assert "READYaaaaaaaaaa" in probe.show()


def test_probe_reports_what_never_comes() -> None:
    with Probe([sys.executable, "-c", "print('something else')"]) as probe, pytest.raises(TimeoutError, match="else"):
        probe.when("READY", timeout=5)


def test_slow_line_is_slow() -> None:
    code = "import os; os.write(1, b'x' * 3000); os.write(1, b'END'); input()"
    with Probe([sys.executable, "-c", code], rate=4_000) as probe:
        before = time.perf_counter()
        at = probe.when("END")
        assert at - before > 0.5


def test_verdicts() -> None:
    assert Budget("a", 3.0, "ms", 1.5, 2.0).met
    assert not Budget("a", 3.1, "ms", 1.5, 2.0).met
    assert not Budget("a", 1.0, "B", 0).met
    assert p99([float(number) for number in range(1_000)]) == 990.0
    assert "OVER" in table([Budget("a", 301, "B", 300)])
