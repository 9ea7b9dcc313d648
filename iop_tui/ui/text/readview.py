"""Reading a document: labels and text, sections in print order; and search snippets with marks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.containers import VerticalScroll
from textual.content import Content, Span
from textual.strip import Strip
from textual.style import Style as ContentStyle
from textual.widget import Widget

from iop_tui.kernel.declare import FieldInfo
from iop_tui.kernel.text import clean, clean_line
from iop_tui.ui.text.cellfit import strip_of, wrap, wrap_indented
from iop_tui.ui.theme import tones

LABEL = 22
HEADING = "heading"
"""The tone of a line that stands above a group."""
_NARROW = 70


class ReadLines(Widget):
    """Pre-wrapped lines of (text, tone) parts; drawn line by line."""

    DEFAULT_CSS = "ReadLines { height: auto; width: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._sections: tuple[tuple[str, str, str], ...] = ()
        self._lines: list[list[tuple[str, str]]] = []
        self._lines_width = -1

    def set_sections(self, sections: Iterable[tuple[str, str, str]]) -> None:
        """(label, text, tone) triples; empty texts are left out."""
        self._sections = tuple((clean_line(label), clean(text), tone) for label, text, tone in sections if text.strip())
        self._lines_width = -1
        self.refresh(layout=True)

    def _wrapped(self, width: int) -> list[list[tuple[str, str]]]:
        if width != self._lines_width:
            self._lines = [line for section in self._sections for line in _section_lines(*section, width)]
            self._lines_width = width
        return self._lines

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """As many lines as the text needs."""
        del container, viewport
        return max(len(self._wrapped(width)), 1)

    def render_line(self, y: int) -> Strip:
        """One line."""
        styles, width = tones(self.app.theme), self.size.width
        lines = self._wrapped(width)
        parts = lines[y] if y < len(lines) else []
        return strip_of([(text, styles.of(tone)) for text, tone in parts], width, styles.text)


def _section_lines(label: str, text: str, tone: str, width: int) -> list[list[tuple[str, str]]]:
    narrow = width < _NARROW or not label
    indent = 1 if narrow else LABEL + 1
    body = wrap_indented(text.strip("\n"), max(width - indent - 1, 10))
    labels = wrap(label, LABEL - 2) if label else []
    lines: list[list[tuple[str, str]]] = []
    if tone == HEADING:
        return [[], [(f" {line}", "accent") for line in body]]
    if narrow:
        lines += [[(f" {line}", "dim")] for line in labels]
        lines += [[(f" {line}", tone)] for line in body]
    else:
        for place in range(max(len(labels), len(body))):
            left = labels[place] if place < len(labels) else ""
            right = body[place] if place < len(body) else ""
            lines.append([(f" {left:<{LABEL}}", "dim"), (right, tone)])
    if len(body) > 1 or narrow:
        lines.append([])
    return lines


class ReadView(VerticalScroll, can_focus=True):
    """A scrollable document to read. `show(document_type.shown(document))`."""

    DEFAULT_CSS = """
    ReadView { height: 1fr; width: 1fr; scrollbar-size-vertical: 1; scrollbar-color: $kit-dim;
               scrollbar-background: $kit-ground; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines = ReadLines()

    def compose(self) -> Iterable[Widget]:
        """The lines."""
        yield self._lines

    def show(self, fields: Iterable[tuple[FieldInfo | str, str]], head: Sequence[tuple[str, str, str]] = ()) -> None:
        """Show (field or label, text) pairs after `head` triples (label, text, tone)."""
        body = [(entry if isinstance(entry, str) else entry.label, text, "text") for entry, text in fields]
        self._lines.set_sections([*head, *body])
        self.scroll_home(animate=False)


def highlight(snippet: str, ranges: Iterable[tuple[int, int]]) -> Content:
    """A sanitised one-line snippet with marked (start, end) ranges of its own characters; never markup."""
    text = clean_line(snippet)
    mark = ContentStyle(bold=True, underline=True)
    return Content(text, spans=[Span(start, end, mark) for start, end in ranges if 0 <= start < end <= len(text)])


def split_marks(snippet: str, start: str, end: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """A snippet with marker characters (FTS5 `snippet()`) as clean text and the ranges between the markers."""
    text, ranges, opened = "", list[tuple[int, int]](), -1
    for piece in _pieces(snippet, (start, end)):
        if piece == start:
            opened = len(text)
        elif piece == end:
            if opened >= 0:
                ranges.append((opened, len(text)))
            opened = -1
        else:
            text += clean(piece).replace("\n", " ")
    return text, tuple(ranges)


def _pieces(snippet: str, markers: tuple[str, str]) -> list[str]:
    pieces, rest = list[str](), snippet
    while rest:
        places = [(rest.find(marker), marker) for marker in markers if marker in rest]
        if not places:
            return [*pieces, rest]
        at, marker = min(places)
        pieces += [rest[:at], marker] if at else [marker]
        rest = rest[at + len(marker):]
    return pieces
