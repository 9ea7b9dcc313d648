"""Help for the place one is in: its keys from the key table, its fields from the declaration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from iop_tui.kernel.declare import FieldInfo
from iop_tui.ui.frame.bars import Bar
from iop_tui.ui.frame.titleline import TitleLine
from iop_tui.ui.keys import Action, show_key
from iop_tui.ui.text.readview import HEADING, ReadView

Section = tuple[str, Iterable[tuple[str, str]]]


class HelpScreen(ModalScreen[None]):
    """The whole screen as a page to read; Esc, `q` or `?` goes back."""

    DEFAULT_CSS = "HelpScreen { background: $kit-ground; align: left top; layout: vertical; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,f1,left", "cancel", "Back", show=False)]

    def __init__(self, groups: Mapping[str, Sequence[Action]], sections: Iterable[Section] = ()) -> None:
        super().__init__()
        self._groups = groups
        self._sections = [(heading, list(lines)) for heading, lines in sections]

    def compose(self) -> ComposeResult:
        """Title, page, how to go back."""
        yield TitleLine("Help", "what works here")
        yield ReadView()
        yield Bar([("Esc", "bar_key"), (" back   ", "bar"), ("PgDn", "bar_key"), (" more", "bar")])

    def on_mount(self) -> None:
        """Write the page."""
        head: list[tuple[str, str, str]] = []
        for heading, actions in self._groups.items():
            head.append(("", heading, HEADING))
            head += [(_keys(action), _told(action), "text") for action in actions if action.keys]
        for heading, lines in self._sections:
            head.append(("", heading, HEADING))
            head += [(label, text, "text") for label, text in lines]
        view = self.query_one(ReadView)
        view.show((), head)
        view.focus()

    def action_cancel(self) -> None:
        """Go back."""
        self.dismiss(None)


def _keys(action: Action) -> str:
    return ", ".join(show_key(key) for key in action.keys)


def _told(action: Action) -> str:
    if not action.help or action.help.lower().startswith(action.name.split()[0].lower()):
        return action.help or action.name
    return f"{action.name}. {action.help}"


def field_help(fields: Iterable[FieldInfo]) -> list[tuple[str, str]]:
    """(label, text) pairs for a document's fields: help, allowed words, unit, source."""
    lines = []
    for info in fields:
        parts = [info.help, "One of: " + ", ".join(info.choices) + "." if info.choices else "",
                 f"Unit: {info.unit}." if info.unit else "", f"Source: {info.source}." if info.source else "",
                 "Needed before signing." if info.required else ""]
        lines.append((info.label, " ".join(part for part in parts if part) or "-"))
    return lines
