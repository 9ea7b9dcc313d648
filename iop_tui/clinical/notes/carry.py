"""Beginning a note from the last one, and seeing to it that what must be new is new. Pure."""

from __future__ import annotations

from datetime import date, time

import msgspec

from iop_tui.clinical.notes.model import ProgressNote
from iop_tui.clinical.notes.similarity import same_words
from iop_tui.kernel.declare import Finding, Severity

MUST_CHANGE = ("response", "plan")
"""What happened and what comes next are never the same twice."""
ASKED_AGAIN = ("risk", "risk_action", "progress", "others_present")
"""Answers that belong to one session and are never carried."""
_LABELS = {"response": "The response", "plan": "The plan"}


def carried(last: ProgressNote, *, on: date, start: time | None = None, stop: time | None = None) -> ProgressNote:
    """A new note with the last one's words to work on; risk, progress and who was present are asked again."""
    cleared = dict.fromkeys(ASKED_AGAIN, "")
    return msgspec.structs.replace(last, service_date=on, start=start, stop=stop, **cleared)


def unchanged(note: ProgressNote, last: ProgressNote | None) -> tuple[Finding, ...]:
    """Fields that still say what the last note said: each refuses the signature."""
    if last is None:
        return ()
    message, source = "{} is the last note's: say what is different today.", "program rule: no cloned notes"
    return tuple(
        Finding(Severity.REFUSE, "unchanged", message.format(_LABELS[name]), name, source)
        for name in MUST_CHANGE
        if getattr(note, name).strip() and same_words(getattr(note, name), getattr(last, name))
    )
