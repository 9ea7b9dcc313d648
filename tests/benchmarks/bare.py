"""The least a Textual program can be: what ours is compared with in the same run.

    python -m tests.benchmarks.bare list | text
"""

from __future__ import annotations

import sys

from textual.app import App, ComposeResult
from textual.widgets import OptionList, Static, TextArea

READY = "Row 0"
LINE = "A line of a note, long enough to look like a real one and short enough not to wrap."


class BareList(App[None]):
    """A title and thirty rows."""

    def compose(self) -> ComposeResult:
        yield Static("Bare")
        yield OptionList(*(f"Row {number}" for number in range(30)))


class BareText(App[None]):
    """A text area with two hundred lines, the cursor at the end of the hundredth."""

    def compose(self) -> ComposeResult:
        text = "\n".join(f"Row {number} {LINE}" for number in range(200))
        area = TextArea(text, soft_wrap=True)
        area.cursor_blink = False
        yield area

    def on_mount(self) -> None:
        self.query_one(TextArea).focus()


if __name__ == "__main__":
    (BareText if sys.argv[1:] == ["text"] else BareList)().run()
