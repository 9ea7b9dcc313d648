"""Writing and signing: the editors of progress notes, addenda and private notes."""

from __future__ import annotations

from iop_tui.clinical.notes.screens.addendum import AddendumEditor
from iop_tui.clinical.notes.screens.note import NoteEditor
from iop_tui.clinical.notes.screens.private import CounselingEditor, PsychotherapyEditor
from iop_tui.clinical.notes.screens.writing import Charting, Writing, sign
from iop_tui.ui.forms.review import Review, finding_lines

EDITORS: dict[str, type[Writing]] = {
    editor.kind.kind: editor for editor in (NoteEditor, AddendumEditor, PsychotherapyEditor, CounselingEditor)
}
"""Kind of document → the page it is written on."""

__all__ = [
    "EDITORS",
    "AddendumEditor",
    "Charting",
    "CounselingEditor",
    "NoteEditor",
    "PsychotherapyEditor",
    "Review",
    "Writing",
    "finding_lines",
    "sign",
]
