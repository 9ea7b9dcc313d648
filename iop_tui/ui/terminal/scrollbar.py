"""Scroll bars without block characters: whole cells of colour, which every terminal and font agrees about."""

from __future__ import annotations

from typing import ClassVar

from textual.scrollbar import ScrollBar, ScrollBarRender


class PlainBars(ScrollBarRender):
    """A thumb that begins and ends with a whole cell."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "]
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "]


def use_plain_bars() -> None:
    """Make every scroll bar of the program plain."""
    ScrollBar.renderer = PlainBars
