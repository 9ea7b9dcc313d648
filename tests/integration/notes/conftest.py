"""The fixtures of the charting tests: one small program per module, opened as Nadia."""

from __future__ import annotations

from tests.integration.charting.conftest import beside, made, ws

__all__ = ["beside", "made", "ws"]
