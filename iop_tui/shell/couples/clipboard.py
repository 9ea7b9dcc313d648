"""Labels of what is copied and pasted inside the program, looked up when it is pasted: no query while one copies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from iop_tui.access.policy import Kind
from iop_tui.clinical.couples import pasting
from iop_tui.clinical.couples.pasting import Place
from iop_tui.kernel.labeled import Clip
from iop_tui.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Source:
    """Where the clipboard's text was copied: a record, or a place that was being written."""

    text: str
    record: bytes = b""
    place: Place | None = None


def place_of(screen: Any) -> Place | None:
    """Where a screen writes; None for screens that write nothing about a person."""
    sheet = getattr(screen, "sheet", None)
    if sheet is not None and hasattr(sheet, "kind"):
        return Place(sheet.person, sheet.kind.compartment)
    note = getattr(screen, "note", None)
    return Place(note.person, str(Kind.IND)) if note is not None and hasattr(note, "person") else None


def copied_from(screen: Any, text: str) -> Source:
    """The source of what was just copied from a screen."""
    opened = getattr(screen, "opened", None)
    if opened is not None and hasattr(opened, "view"):
        return Source(text, record=opened.view.line.id)
    sheet = getattr(screen, "sheet", None)
    return Source(text, record=getattr(sheet, "record", b"") or b"", place=place_of(screen))


def vet(ws: Workspace, place: Place, text: str, source: Source | None) -> str:
    """The text that may be inserted at a place. Raises `RuleRefused` (audited)."""
    if source is None:
        return pasting.vet_unlabeled(ws, place, text).text
    if source.record:
        label = pasting.label_of(ws, source.record)
    elif source.place is not None:
        label = pasting.place_label(ws, source.place)
    else:
        return pasting.vet_unlabeled(ws, place, text).text
    return pasting.vet(ws, place, Clip(text, label)).text
