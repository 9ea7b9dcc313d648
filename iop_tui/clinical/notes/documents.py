"""The note kinds of this slice beside progress notes and addenda."""

from __future__ import annotations

from typing import Any

from iop_tui.clinical.notes.phrases import PHRASE
from iop_tui.clinical.notes.private import COUNSELING_NOTE, PSYCHOTHERAPY_NOTE
from iop_tui.kernel.declare import DocumentType

TYPES: tuple[DocumentType[Any], ...] = (PSYCHOTHERAPY_NOTE, COUNSELING_NOTE, PHRASE)
