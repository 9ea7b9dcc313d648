"""The title line: where you are on the left, what it is about on the right."""

from __future__ import annotations

from iop_tui.ui.frame.bars import Bar


class TitleLine(Bar):
    """First line of every screen. `TitleLine("Caseload", "24 people")`."""

    def __init__(self, title: str, context: str = "", *, id: str | None = None) -> None:
        super().__init__([(title, "title")], [(context, "bar")], id=id)

    def set_title(self, title: str, context: str | None = None) -> None:
        """Show another title; None keeps the right side."""
        self.show([(title, "title")], None if context is None else [(context, "bar")])

    def set_context(self, context: str, tone: str = "bar") -> None:
        """Show another right side."""
        self.show(None, [(context, tone)])
