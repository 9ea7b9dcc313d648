"""What other slices may use of sessions."""

from __future__ import annotations

from iop_tui.clinical.sessions.model import SESSION, Session
from iop_tui.clinical.sessions.service import SessionLine, missed, sessions, without_note

__all__ = ["SESSION", "Session", "SessionLine", "missed", "sessions", "without_note"]
