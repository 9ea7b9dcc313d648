"""Older payloads of notes, as plain values, to the next version. Pure; golden vectors keep every version readable."""

from __future__ import annotations

from typing import Any

_VIRTUAL = ("video", "audio only")


def progress_note_from_1(value: dict[str, Any]) -> dict[str, Any]:
    """Version 1 knew one line for the place and one for who was there: they go where version 2 asks for them.

    Nothing is made up: what version 1 did not ask stays unanswered.
    """
    made = dict(value)
    others = made.get("others_present", "")
    made["participants"] = ["client", "collateral"] if others else ["client"]
    if made.get("modality") in _VIRTUAL and made.get("location"):
        made["telehealth"] = {"location": made.pop("location")}
    return made
