"""What is added to a signed note."""

from __future__ import annotations

from typing import Any

from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import ADDENDUM
from iop_tui.clinical.notes.screens.writing import Charting, Writing
from iop_tui.clinical.notes.starting import Start
from iop_tui.workspace import Workspace


class AddendumEditor(Writing):
    """Reason and text; the note itself stays."""

    heading = "Addendum"
    kind = ADDENDUM

    def __init__(self, ws: Workspace, start: Start, charting: Charting) -> None:
        super().__init__(ws, start, charting)
        self._target = b"" if start.stored else start.record
        self.record = start.record if start.stored else b""

    def journaled(self) -> bytes:
        """The stored addendum, or the note it belongs to."""
        return self.record or self._target

    async def save(self, values: dict[str, Any]) -> bool:
        """An unsigned addendum."""
        text, reason = str(values.get("text") or ""), str(values.get("reason") or "")
        if self.record:
            await self.desk.write(notes.revise_addendum, self.record, text=text, reason=reason, slot=self.note.slot)
        else:
            saved = await self.desk.write(notes.addend, self._target, text=text, reason=reason, slot=self.note.slot)
            self.record = saved.record
        self.saved_now()
        return False
