"""The terminal's pen: where it is, how it writes, and the shortest sequences that move it."""

from __future__ import annotations

import unicodedata

from iop_tui.ui.terminal.sgr import Style, for_blank, transition


class Pen:
    """Collects output. `x`, `y` and `style` are None when not known for certain."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.x: int | None = None
        self.y: int | None = None
        self.style: Style | None = None
        self.out: list[str] = []

    def move(self, x: int, y: int) -> None:
        """Go to a cell (zero-based) by the shortest known way."""
        if (x, y) != (self.x, self.y):
            self.out.append(min(self._ways(x, y), key=len))
            self.x, self.y = x, y

    def _ways(self, x: int, y: int) -> list[str]:
        ways = [f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H" if y else "\x1b[H"]
        if self.x is None or self.y is None:
            return ways
        if y == self.y:
            ways.append(_step(x - self.x, "C", "D"))
            ways.append(f"\x1b[{x + 1}G" if x else "\r")
        elif x == self.x:
            ways.append(_step(y - self.y, "B", "A"))
        elif x == 0:
            ways.append("\r" + _step(y - self.y, "B", "A"))
        return ways

    def set_style(self, style: Style) -> None:
        """Change the style when it differs."""
        if style != self.style:
            self.out.append(transition(self.style, style))
            self.style = style

    def set_ground(self, style: Style) -> None:
        """Get ready to write blanks of a style: their foreground does not matter."""
        now = self.style
        if now is None or now.background != style.background or for_blank(now) != for_blank(style):
            self.set_style(style)

    def write(self, cells: list[str]) -> None:
        """Write cells from here on.

        Terminals disagree about the width of some characters; after one of these the pen's place
        counts as unknown and the next cell is addressed absolutely, so that a row never shifts.
        """
        if self.x is None or self.y is None:
            raise ValueError("the pen must be placed before it writes")
        text = "".join(cells)
        if text.isascii():
            self.out.append(text)
            self._advance(len(cells))
            return
        x, y = self.x, self.y
        for offset, cell in enumerate(cells):
            if cell:
                self.move(x + offset, y)
                self.out.append(cell)
                width = 2 if cells[offset + 1:offset + 2] == [""] else 1
                self._advance(width)
                if not _agreed(cell, width):
                    self.x = None

    def _advance(self, count: int) -> None:
        if self.x is not None:
            self.x += count
            if self.x >= self.width:
                self.x = None


def _step(count: int, forward: str, back: str) -> str:
    letter = forward if count > 0 else back
    size = abs(count)
    return f"\x1b[{letter}" if size == 1 else f"\x1b[{size}{letter}"


def _agreed(cell: str, width: int) -> bool:
    """Whether every terminal gives this cell the same width: alphabets, box drawing, CJK ideographs."""
    base, marks = cell[0], cell[1:]
    if any(unicodedata.category(mark) != "Mn" for mark in marks):
        return False
    if base < "\u0300" or "\u2500" <= base <= "\u259f":
        return True
    if width == 2:
        return not marks and ("\u3041" <= base <= "\u9fff" or "\uac00" <= base <= "\ud7a3")
    return (base < "\u0700" or "\u1e00" <= base <= "\u1fff") and unicodedata.category(base)[0] == "L"
