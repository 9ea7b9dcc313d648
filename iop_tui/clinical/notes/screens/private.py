"""Psychotherapy and SUD counseling notes: the author's alone. What the regulations exclude is pointed out meanwhile."""

from __future__ import annotations

from typing import ClassVar

from iop_tui.clinical.notes.private import COUNSELING_NOTE, EXCLUDED, PSYCHOTHERAPY_NOTE
from iop_tui.clinical.notes.screens.watching import Watching
from iop_tui.ui.text.readview import HEADING


class PrivateEditor(Watching):
    """Date, session, words."""

    panel_heading = "Yours alone"
    source: ClassVar[str] = ""

    def beside(self) -> list[tuple[str, str, str]]:
        """What belongs to the progress note instead."""
        belongs = "\n".join(words for _, words, _ in EXCLUDED)
        return [("", "Belongs to the progress note", HEADING), ("", belongs, "text"), ("", self.source, "dim")]


class PsychotherapyEditor(PrivateEditor):
    """A therapist's own words about a conversation."""

    heading = "Psychotherapy note"
    kind = PSYCHOTHERAPY_NOTE
    source = "45 CFR 164.501"


class CounselingEditor(PrivateEditor):
    """A substance use counselor's own words about a conversation."""

    heading = "SUD counseling note"
    kind = COUNSELING_NOTE
    source = "42 CFR 2.11"
