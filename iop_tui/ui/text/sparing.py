"""A text area that draws for a key what the key changed.

Textual draws every line of the window again for each key, and looks up the editor's styles for each paint: together a
quarter of the processor time of a key in a note.
"""

from __future__ import annotations

from typing import Any

from textual.cache import LRUCache
from textual.geometry import Region
from textual.strip import Strip
from textual.widgets import TextArea

_LINES_KEPT = 64


class SparingTextArea(TextArea):
    """Draws a line that neither cursor nor selection touches again only when it says something else."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._styled: tuple[object, object] = None, None
        self._drawn: LRUCache[tuple[object, ...], Strip] = LRUCache(_LINES_KEPT)
        super().__init__(*args, **options)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a region, with styles looked up once per change of rules, focus or theme."""
        cursor = self._component_styles.get("text-area--cursor")  # another one whenever rules were applied
        if self._styled[0] is not self._theme or self._styled[1] is not cursor:
            self._theme.apply_css(self)
            self._styled = self._theme, cursor
        return super(TextArea, self).render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One line of the window."""
        key = self._untouched(y)
        if key is None:
            return super().render_line(y)
        strip = self._drawn.get(key)
        if strip is None:
            strip = self._drawn[key] = self._render_line(y)
        return strip

    def looks(self) -> tuple[object, ...]:
        """What decides how a line looks besides what it says."""
        return self.app.theme, self._theme.base_style, self.scrollable_content_region.width

    def _untouched(self, y: int) -> tuple[object, ...] | None:
        """Everything that the picture of a line depends on, where cursor and selection are elsewhere."""
        wrapped, at = self.wrapped_document, y + self.scroll_offset.y
        places = wrapped._offset_to_line_info
        if at >= len(places):
            return None
        row, section = places[at]
        first, last = sorted(self.selection)
        bracket = self._matching_bracket_location
        if first[0] <= row <= last[0] or (bracket is not None and bracket[0] == row):
            return None
        return self.document.get_line(row), section, *wrapped.get_offsets(row), *self.looks()
