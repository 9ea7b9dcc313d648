"""The fixtures of the charting tests: a small program of its own for every test, opened as Nadia."""

from __future__ import annotations

from tests.integration.charting.conftest import beside, made, ws

__all__ = ["beside", "made", "ws"]
