"""In which order due items stand: risk × deadline × hours. Pure."""

from __future__ import annotations

from datetime import date

RISKS = {"": 0, "low": 0, "moderate": 1, "high": 2, "imminent": 4}
WEEK = 7.0
HOURS = 9.0
_FARTHEST = 28.0


def urgency(due: date, today: date, risk: str = "", hours: float = 0.0) -> float:
    """How urgent something is: doubles with every week the deadline comes nearer or lies back (four weeks either
    way), grows with the person's risk, and by half for each nine hours a week they are treated.
    """
    days = min(max((due - today).days, -_FARTHEST), _FARTHEST)
    return (1 + RISKS.get(risk, 0)) * 2 ** (-days / WEEK) * (1 + max(hours, 0.0) / (2 * HOURS))
