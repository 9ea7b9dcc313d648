"""Work on a thread, and the watch for sleep."""

from __future__ import annotations

import select
import threading
import time

import pytest

from iop_tui.shell.background import Background
from iop_tui.shell.process.hangup import SleepWatch


def test_the_result_comes_when_the_work_has_ended() -> None:
    gate = threading.Event()
    work = Background(lambda: gate.wait(5) and "done")
    work.start()
    work.start()
    assert not work.done
    assert select.select([work], [], [], 0)[0] == []
    gate.set()
    assert select.select([work], [], [], 5)[0] == [work]
    assert work.result() == "done"
    assert work.done


def test_a_failure_is_raised_where_the_result_is_asked_for() -> None:
    work = Background(lambda: "short"[9])
    with pytest.raises(IndexError):
        work.result()


def test_sleep_is_the_lead_of_the_clock_that_counts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = SleepWatch()
    assert watch.slept() < 0.5
    real = time.clock_gettime
    monkeypatch.setattr(time, "clock_gettime", lambda clock: real(clock) + 3600)
    assert watch.slept() == pytest.approx(3600, abs=1)
    assert watch.slept() == pytest.approx(0, abs=1)
