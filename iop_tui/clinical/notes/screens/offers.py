"""What may stand behind a `#`, in a box beside the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.geometry import Offset

from iop_tui.ui.frame.bars import Lines, Toned
from iop_tui.ui.text.editor import NoteText, Offer

WIDEST = 60


class OfferBox(Lines):
    """The offers below the line one types in, or above it where there is no room; arrows choose, Enter takes."""

    DEFAULT_CSS = """
    OfferBox { display: none; position: absolute; overlay: screen; background: $kit-field; height: auto; }
    OfferBox.-open { display: block; }
    """

    def offer(self, text: NoteText, offers: Sequence[Offer], chosen: int) -> None:
        """Show them, or nothing."""
        self.set_class(bool(offers), "-open")
        if not offers:
            return
        lines: list[list[Toned]] = [
            [(f"{item.label}", "cursor" if place == chosen else "text")] for place, item in enumerate(offers)
        ]
        screen = self.screen.size
        width = min(max(cell_len(item.label) for item in offers) + 3, WIDEST, screen.width)
        self.styles.width = width
        at = text.cursor_screen_offset
        below = at.y + 1 + len(lines) <= screen.height - 2
        self.styles.offset = Offset(min(at.x, screen.width - width), at.y + 1 if below else at.y - len(lines))
        self.show(lines)
