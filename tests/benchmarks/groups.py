"""The rows of the table of budgets, by group."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks import engine, noting, screens
from tests.benchmarks.budget import Budget
from tests.benchmarks.demo import Demo

GROUPS: dict[str, Callable[[Demo, Path], Iterator[Budget]]] = {
    "starting": screens.starting,
    "unlocking": screens.unlocking,
    "typing": screens.typing,
    "noting": noting.noting,
    "moving": screens.moving,
    "slow-line": screens.slow_line,
    "charting": screens.charting,
    "queries": engine.queries,
    "writing": engine.writing,
    "rebuilding": engine.rebuilding,
}
