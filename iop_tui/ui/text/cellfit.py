"""Text in terminal cells: names in any script keep columns straight.

Widths are Rich's (`rich.cells`), the same that Textual lays out with. Nothing here uses characters
whose width terminals disagree about; cut text ends in two dots.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from iop_tui.kernel.text import clean_line

CUT = ".."
Part = tuple[str, Style]


def fit(text: str, width: int, align: str = "left") -> str:
    """Exactly `width` cells of one line: padded, or cut with two dots. The text is sanitised."""
    text = clean_line(text)
    size = cell_len(text)
    if size > width:
        return set_cell_size(text, width - 2) + CUT if width > 4 else set_cell_size(text, width)
    blanks = " " * (width - size)
    if align == "right":
        return blanks + text
    if align == "center":
        half = len(blanks) // 2
        return blanks[:half] + text + blanks[half:]
    return text + blanks


def strip_of(parts: Iterable[Part], width: int, filler: Style) -> Strip:
    """A line of exactly `width` cells from (text, style) parts; the text must be sanitised already."""
    segments, used = [], 0
    for text, style in parts:
        room = width - used
        if room <= 0:
            break
        size = cell_len(text)
        if size > room:
            text, size = set_cell_size(text, room), room
        if text:
            segments.append(Segment(text, style))
            used += size
    if used < width:
        segments.append(Segment(" " * (width - used), filler))
    return Strip(segments, width)


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, broken at blanks where there are any; the text must be sanitised already."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines += _wrap_paragraph(paragraph, max(width, 1))
    return lines


def wrap_indented(text: str, width: int) -> list[str]:
    """As `wrap`; leading blanks of a line stay, and the lines it is broken into hang below its first word."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        words = paragraph.lstrip(" ")
        indent = " " * min(len(paragraph) - len(words), max(width // 2, 0))
        lines += [indent + line for line in _wrap_paragraph(words, max(width - len(indent), 1))]
    return lines


def _wrap_paragraph(paragraph: str, width: int) -> list[str]:
    lines, line, used = [], "", 0
    for word in paragraph.split(" "):
        for piece in _pieces(word, width):
            size = cell_len(piece)
            if line and used + 1 + size > width:
                lines.append(line)
                line, used = piece, size
            else:
                line, used = (f"{line} {piece}", used + 1 + size) if line else (piece, size)
    return [*lines, line]


def _pieces(word: str, width: int) -> list[str]:
    pieces = []
    while cell_len(word) > width:
        head = set_cell_size(word, width).rstrip(" ")
        if not head:
            break
        pieces.append(head)
        word = word[len(head):]
    return [*pieces, word]
