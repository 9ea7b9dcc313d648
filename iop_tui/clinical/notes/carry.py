"""Beginning a note from the last one, and seeing to it that what must be new is new. Pure."""

from __future__ import annotations

from datetime import date, time
from typing import Any

from iop_tui.clinical.notes import telehealth
from iop_tui.clinical.notes.model import ProgressNote
from iop_tui.clinical.notes.similarity import same_words
from iop_tui.kernel.declare import Finding, Severity

MUST_CHANGE = ("response", "plan")
"""What happened and what comes next are never the same twice."""
KEPT = ("session_type", "modality", "service_code", "location", "objectives", "methods")
"""How the session is held: offered for every new note."""
WORDS = ("presentation", "intervention", "response", "plan")
"""What was written: carried only when somebody asks for it. Everything else is asked again in each session."""
_LABELS = {"response": "The response", "plan": "The plan"}


def held(last: ProgressNote) -> dict[str, Any]:
    """How the last session was held, as a start for the next; of its telehealth block the answers that last."""
    kept = {name: getattr(last, name) for name in KEPT}
    return {**kept, "telehealth": telehealth.reused(last.telehealth) if last.telehealth is not None else None}


def carried(last: ProgressNote, *, on: date, start: time | None = None, stop: time | None = None) -> ProgressNote:
    """A new note with the last one's words to work on; risk, mental status, progress, scores and who was present are
    asked again.
    """
    words = {name: getattr(last, name) for name in WORDS}
    return ProgressNote(service_date=on, start=start, stop=stop, **held(last), **words)


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
