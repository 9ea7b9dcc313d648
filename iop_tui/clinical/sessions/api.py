"""What other slices may use of sessions."""

from __future__ import annotations

from iop_tui.clinical.sessions.desk import AppointmentLine, appointments
from iop_tui.clinical.sessions.model import (
    APPOINTMENT,
    CALENDAR_LINE,
    OPEN,
    SESSION,
    Appointment,
    CalendarLine,
    Session,
)
from iop_tui.clinical.sessions.service import SessionLine, missed, sessions, without_note
from iop_tui.clinical.sessions.settling import torn

__all__ = [
    "APPOINTMENT", "CALENDAR_LINE", "OPEN", "SESSION", "Appointment", "AppointmentLine", "CalendarLine", "Session",
    "SessionLine", "appointments", "missed", "sessions", "torn", "without_note",
]  # fmt: skip
