"""What should be on the terminal and what is on it: two grids of cells, and the shortest way from one to the other.

`Canvas.feed` reads what Textual's compositor writes (cursor positions, colours, text). `Canvas.take`
returns only the changed cells. Between two calls of `take` any number of frames may be fed: what
nobody saw is never sent, so that a slow line drops stale frames by itself.

Rules that hold everywhere: a wide character is one cell with its text and one empty cell; a bare
line feed moves the pen and never reaches the terminal; operating system commands (clipboard,
title, links, pointer shapes) are dropped; whatever else is unknown passes through in order.
"""

from __future__ import annotations

import re
from typing import TypeVar

from rich.cells import split_graphemes

from iop_tui.ui.terminal.pen import Pen
from iop_tui.ui.terminal.sgr import PLAIN, Style, apply_sgr, erasable, for_blank

_CUP = re.compile(r"\x1b\[(\d+);(\d+)H")
_TOKEN = re.compile(
    r"\x1b\[([\d;:]*)m"                                # 1 colours
    r"|(\x1b\[[0-?]*[ -/]*[@-~])"                      # 2 any other control sequence
    r"|(\x1b[\]P_^X][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?)"  # 3 OSC, DCS, APC, PM, SOS: strings for the terminal
    r"|(\x1b[ -/]*[0-~]?)"                             # 4 other escapes
    r"|([\x00-\x1f\x7f])"                              # 5 control characters
)
_HARMLESS = re.compile(r"\x1b\[([?<>=][\d;]*[hlu]|[\d;]* q|\?[\d;]*\$p)$")
T = TypeVar("T")

_GAP = 4
_ERASE = 6
_MERGE = 12


class Canvas:
    """A target grid that frames are drawn on, and a shadow of what the terminal shows."""

    def __init__(self, width: int, height: int, *, coloured_erase: bool = True) -> None:
        """`coloured_erase`: the terminal fills erased cells with the background colour (terminfo `bce`)."""
        self._coloured_erase = coloured_erase
        self._pen_style = PLAIN
        self._outbox: list[str] = []
        self._notice = ""
        self._cursor: tuple[int, int] | None = None
        self._shown_cursor: tuple[int, int] | None = None
        self._text: list[list[str]] = []
        self._style: list[list[Style]] = []
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """Fit another size, keeping what is drawn; the next `take` repaints everything."""
        self.width, self.height = width, height
        self._text = [_fit(row, width, " ") for row in self._text[:height]]
        self._style = [_fit(row, width, PLAIN) for row in self._style[:height]]
        for _ in range(height - len(self._text)):
            self._text.append([" "] * width)
            self._style.append([PLAIN] * width)
        for row in self._text:
            _mend_edge(row)
        self._chunks: list[dict[int, tuple[int, str]]] = [{} for _ in range(height)]
        self._x = self._y = 0
        self.invalidate()

    def invalidate(self) -> None:
        """Nothing is known of what the terminal shows: the next `take` clears and repaints."""
        self._stale = True
        self._dirty = set(range(self.height))
        self._shown_text = [[" "] * self.width for _ in range(self.height)]
        self._shown_style = [[PLAIN] * self.width for _ in range(self.height)]

    def cover(self, notice: str) -> None:
        """Show one line instead of the target until it is uncovered with empty text; drawing goes on below."""
        if notice != self._notice:
            self._notice = notice
            self.invalidate()

    def clear(self) -> None:
        """Blank the target; nothing is sent before the next `take`."""
        self._text = [[" "] * self.width for _ in range(self.height)]
        self._style = [[PLAIN] * self.width for _ in range(self.height)]
        self._chunks = [{} for _ in range(self.height)]
        self._dirty = set(range(self.height))

    def row(self, y: int) -> str:
        """The target's text in a row, for tests and for finding words on the screen."""
        return "".join(self._text[y])

    def styles(self, y: int) -> list[Style]:
        """The target's styles in a row, one per cell."""
        return list(self._style[y])

    # -- reading what the compositor writes ------------------------------------------------------

    def feed(self, data: str) -> None:
        """Draw one write of the compositor on the target."""
        parts = _CUP.split(data)
        if parts[0]:
            before = self._x, self._y
            self._read(parts[0])
            if (self._x, self._y) != before:
                self._chunks = [{} for _ in range(self.height)]
        for index in range(1, len(parts), 3):
            self._y, self._x = int(parts[index]) - 1, int(parts[index + 1]) - 1
            self._read_chunk(parts[index + 2])
        if len(parts) > 1 and not parts[-1]:
            self._cursor = (min(self._x, self.width - 1), min(self._y, self.height - 1))

    def _read_chunk(self, chunk: str) -> None:
        if chunk.endswith("\n"):
            chunk = chunk[:-1]
        if not chunk or not 0 <= self._y < self.height:
            return
        known = self._chunks[self._y]
        y, x = self._y, self._x
        plain = self._pen_style == PLAIN
        seen = known.get(x)
        if plain and seen is not None and seen[1] == chunk:
            return
        self._read(chunk)
        known = self._chunks[y]
        for start in [key for key, (end, _) in known.items() if end > x and key < self._x]:
            del known[start]
        if plain and self._pen_style == PLAIN and self._y == y and self._x > x:
            known[x] = (self._x, chunk)

    def _read(self, data: str) -> None:
        position = 0
        for match in _TOKEN.finditer(data):
            if match.start() > position:
                self._put(data[position:match.start()])
            position = match.end()
            if match.lastindex == 1:
                self._pen_style = apply_sgr(self._pen_style, match[1])
            elif match.lastindex == 2:
                self._control_sequence(match[2])
            elif match.lastindex == 4:
                self._pass(match[4], known=False)
            elif match.lastindex == 5:
                self._control(match[5])
        if position < len(data):
            self._put(data[position:])

    def _control(self, character: str) -> None:
        if character == "\n":
            self._x, self._y = 0, self._y + 1
        elif character == "\r":
            self._x = 0
        elif character == "\x07":
            self._pass(character, known=True)

    def _control_sequence(self, sequence: str) -> None:
        if sequence.startswith("\x1b[?2026"):
            return
        if sequence == "\x1b[2J":
            self.clear()
            return
        if "?1049" in sequence:
            self.clear()
            self._outbox.append(sequence)
            self.invalidate()
            self._stale = sequence.endswith("h")
            return
        self._pass(sequence, known=bool(_HARMLESS.match(sequence)))

    def _pass(self, sequence: str, *, known: bool) -> None:
        if known:
            self._outbox.append(sequence)
            return
        self._outbox.append(self._difference() + sequence)
        self.invalidate()

    def _put(self, text: str) -> None:
        if not 0 <= self._y < self.height or self._x >= self.width:
            self._x += len(text)
            return
        cells = list(text) if text.isascii() else _cells(text)
        room = self.width - self._x
        end = self._x + min(len(cells), room)
        if len(cells) > room:
            cells = cells[:room]
            _mend_edge(cells)
        row, styles = self._text[self._y], self._style[self._y]
        self._free_halves(row, self._x, end)
        style = for_blank(self._pen_style) if text.isspace() else self._pen_style
        row[self._x:end] = cells
        styles[self._x:end] = [style] * (end - self._x)
        self._dirty.add(self._y)
        self._x += len(cells)

    def _free_halves(self, row: list[str], start: int, end: int) -> None:
        """A wide character that loses one half becomes two blanks, as on the terminal."""
        if start and row[start] == "":
            row[start - 1] = " "
            self._chunks[self._y].clear()
        if end < len(row) and row[end] == "":
            row[end] = " "
            self._chunks[self._y].clear()

    # -- writing what changed --------------------------------------------------------------------

    def take(self) -> str:
        """All that must be written so that the terminal shows the target; empty when it already does."""
        out = "".join(self._outbox)
        self._outbox.clear()
        return out + self._difference()

    def _difference(self) -> str:
        if self._notice:
            first, self._stale = self._stale, False
            return f"\x1b[m\x1b[H\x1b[2J{self._notice[:self.width - 1]}" if first else ""
        if not self._dirty and not self._stale and self._cursor == self._shown_cursor:
            return ""
        pen = Pen(self.width, self.height)
        if self._stale:
            pen.out.append("\x1b[m\x1b[H\x1b[2J")
            pen.x = pen.y = 0
            pen.style = PLAIN
            self._shown_cursor = None
            self._stale = False
        else:
            pen.style = PLAIN
            if self._shown_cursor is not None:
                pen.x, pen.y = self._shown_cursor
        for y in sorted(self._dirty):
            self._write_row(pen, y)
        self._dirty.clear()
        return self._close_frame(pen)

    def _close_frame(self, pen: Pen) -> str:
        if pen.style is not None and pen.style != PLAIN:
            pen.set_style(PLAIN)
        if self._cursor is not None and (pen.out or self._cursor != self._shown_cursor):
            pen.move(*self._cursor)
        self._shown_cursor = (pen.x, pen.y) if pen.x is not None and pen.y is not None else None
        return "".join(pen.out)

    def _write_row(self, pen: Pen, y: int) -> None:
        text, styles = self._text[y], self._style[y]
        old_text, old_styles = self._shown_text[y], self._shown_style[y]
        if text == old_text and styles == old_styles:
            return
        changed = [a != b or s != t for a, b, s, t in zip(text, old_text, styles, old_styles, strict=True)]
        blank_from = self._blank_tail(text, styles)
        x = 0
        while x < self.width:
            if not changed[x]:
                x += 1
                continue
            if x >= blank_from and self.width - x > _ERASE:
                pen.move(x, y)
                pen.set_ground(styles[x])
                pen.out.append("\x1b[K")
                break
            end = self._run_end(x, changed, text, styles)
            self._write_run(pen, y, x, min(end, max(blank_from, x + 1)))
            x = min(end, max(blank_from, x + 1))
        self._shown_text[y], self._shown_style[y] = text.copy(), styles.copy()

    def _blank_tail(self, text: list[str], styles: list[Style]) -> int:
        """The column from which the row is blank in one erasable style; the width when it is not."""
        last = styles[-1]
        if not erasable(last, coloured=self._coloured_erase):
            return self.width
        x = self.width
        while x and text[x - 1] == " " and styles[x - 1] == last:
            x -= 1
        return x if self.width - x > _ERASE else self.width

    def _run_end(self, start: int, changed: list[bool], text: list[str], styles: list[Style]) -> int:
        """The end of the cells worth writing in one go: a few unchanged cells cost less than a cursor move."""
        end = start + 1
        while True:
            while end < self.width and (changed[end] or text[end] == ""):
                end += 1
            following = next((x for x in range(end, min(end + _GAP + 1, self.width)) if changed[x]), 0)
            gap = range(end, following)
            if not following or any(styles[x] != styles[end - 1] or not text[x].isascii() for x in gap):
                return end
            end = following

    def _write_run(self, pen: Pen, y: int, start: int, end: int) -> None:
        x = start
        while x < end:
            style, stop = self._style[y][x], x + 1
            blank = self._text[y][x] == " "
            while stop < end and self._style[y][stop] == style and (self._text[y][stop] == " ") == blank:
                stop += 1
            pen.move(x, y)
            if not blank:
                pen.set_style(style)
                pen.write(self._text[y][x:stop])
            else:
                self._write_blanks(pen, style, stop - x)
            x = stop

    def _write_blanks(self, pen: Pen, style: Style, count: int) -> None:
        ground = for_blank(style)
        if count >= _MERGE and erasable(ground, coloured=self._coloured_erase):
            pen.set_ground(ground)
            pen.out.append(f"\x1b[{count}X")
        else:
            pen.set_ground(style)
            pen.write([" "] * count)


def _cells(text: str) -> list[str]:
    """One entry per cell; a wide grapheme takes an empty second cell; stray zero-width characters are dropped."""
    out: list[str] = []
    for start, end, width in split_graphemes(text)[0]:
        if width:
            out.append(text[start:end])
            out.extend([""] * (width - 1))
    return out


def _mend_edge(row: list[str]) -> None:
    """A wide character whose second half was cut off at the right edge becomes a blank."""
    if row and row[-1] and len(_cells(row[-1])) > 1:
        row[-1] = " "


def _fit(row: list[T], width: int, filler: T) -> list[T]:
    return row[:width] + [filler] * (width - len(row))
