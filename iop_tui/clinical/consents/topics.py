"""Topics that an authorization can name, and the kinds of documents each stands for."""

from __future__ import annotations

TOPICS: dict[str, tuple[str, ...]] = {
    "progress notes": ("progress_note", "received_note"),
    "treatment plans": ("treatment_plan", "received_plan", "received_goal"),
    "assessments": ("intake_assessment",),
    "risk and safety": ("risk_assessment", "safety_plan"),
    "measures": ("measure",),
    "diagnoses": ("condition",),
    "medications": ("medication", "allergy", "medication_review", "naloxone"),
    "drug screens": ("drug_screen",),
    "relapse prevention": ("relapse_plan", "relapse_drill", "relapse_review", "lapse", "timeline_followback"),
    "check-ins": ("check_in",),
    "attendance": ("encounter", "session", "service_line"),
    "discharge": ("discharge_summary", "continuing_care_plan"),
    "letters": ("letter",),
    "joint plan": ("joint_plan", "recovery_day"),
    "joint sessions": ("joint_note", "joint_closing"),
    "couple measures": ("couple_measure",),
}
"""Topic → document kinds. What authors keep alone has no topic: it is released record by record."""
BESIDE = ("addendum", "amendment", "void")
"""Kinds that follow the document they stand beside."""


def kinds_of(topics: tuple[str, ...]) -> tuple[str, ...]:
    """The document kinds behind some topics, each once."""
    return tuple(dict.fromkeys(kind for topic in topics for kind in TOPICS.get(topic, ())))
