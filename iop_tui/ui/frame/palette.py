"""The command palette: type a few letters of any command, see its key beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.fuzzy import FuzzySearch
from textual.screen import ModalScreen
from textual.widgets import Input

from iop_tui.kernel.text import clean_line
from iop_tui.ui.forms.fields import LineInput
from iop_tui.ui.frame.bars import Lines
from iop_tui.ui.keys import Action
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.text.cellfit import fit, wrap

_WIDTH = 72
_SAYS = 2
"""So many lines tell the whole hint of the entry under the cursor."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something the palette can do: an action of the key table, or a call."""

    name: str
    hint: str = ""
    keys: str = ""
    action_id: str = ""
    call: Callable[[], None] | None = None

    @staticmethod
    def of(action: Action) -> Entry:
        """The entry of an action."""
        return Entry(action.name, action.help, action.shown(), action.id)


def ranked(entries: Sequence[Entry], query: str) -> list[Entry]:
    """The entries that match, best first; all of them for an empty query. Names count before hints."""
    if not query.strip():
        return list(entries)
    search = FuzzySearch()
    scored = []
    for place, entry in enumerate(entries):
        score = search.match(query, entry.name)[0] * 2 or (1.0 if query.lower() in entry.hint.lower() else 0.0)
        if score:
            scored.append((-score, place, entry))
    return [entry for _, _, entry in sorted(scored, key=lambda item: item[:2])]


class Palette(ModalScreen[Entry | None]):
    """A field and the matching commands; Enter runs, Esc leaves."""

    DEFAULT_CSS = """
    Palette { align: center top; }
    Palette .box { width: 72; max-width: 100%; height: auto; margin-top: 2; background: $kit-ground;
                   border: solid $kit-accent; }
    Palette RecordList { height: 12; }
    Palette #says { height: 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", show=False), Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False), Binding("pagedown", "move(10)", show=False),
        Binding("pageup", "move(-10)", show=False),
    ]

    def __init__(
        self, entries: Sequence[Entry], *, placeholder: str = "Type a command",
        empty: str = "No command matches. Press Esc to go back.",
    ) -> None:  # fmt: skip
        super().__init__()
        self._entries, self._placeholder, self._empty = entries, placeholder, empty

    def compose(self) -> ComposeResult:
        """The field and the list."""
        columns: list[Column[Entry]] = [
            Column("name", "", lambda entry: entry.name, 22),
            Column("hint", "", lambda entry: Cell(entry.hint, "dim"), 10, weight=1, priority=1),
            Column("keys", "", lambda entry: Cell(entry.keys, "accent"), 8, align="right"),
        ]
        with Vertical(classes="box"):
            yield LineInput(placeholder=self._placeholder)
            yield RecordList(columns, key=lambda entry: (entry.action_id, entry.name), header=False,
                             empty=self._empty)  # fmt: skip
            yield Lines(id="says")

    def on_mount(self) -> None:
        """Show everything."""
        rows = self.query_one(RecordList)
        rows.can_focus, rows.live = False, True
        self._filter("")
        self.query_one(LineInput).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while typing."""
        event.stop()
        self._filter(event.value)

    def _filter(self, query: str) -> None:
        self.query_one(RecordList).set_rows(ranked(self._entries, query), top=True)

    def on_record_list_highlighted(self, event: RecordList.Highlighted) -> None:
        """The whole hint of the entry under the cursor: the list has room for its beginning."""
        event.stop()
        self._say(event.row.hint)

    def on_record_list_loaded(self, event: RecordList.Loaded) -> None:
        """Nothing to say where nothing matches."""
        event.stop()
        if not event.record_list.count:
            self._say("")

    def _say(self, hint: str) -> None:
        says = self.query_one("#says", Lines)
        width = min(_WIDTH, self.app.size.width) - 4
        lines = wrap(clean_line(hint), width)
        shown = [*lines[: _SAYS - 1], fit(" ".join(lines[_SAYS - 1 :]), width).rstrip()]
        says.show([[(line, "dim")] for line in shown])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Run the entry under the cursor."""
        event.stop()
        best = ranked(self._entries, event.value)
        place = self.query_one(RecordList).cursor
        if best:
            self.dismiss(best[min(place, len(best) - 1)])

    def on_record_list_opened(self, event: RecordList.Opened) -> None:
        """A click runs, too."""
        event.stop()
        self.dismiss(event.row)

    def action_move(self, by: int) -> None:
        """Move the cursor of the list while typing."""
        self.query_one(RecordList).action_cursor(by)

    def action_cancel(self) -> None:
        """Go back."""
        self.dismiss(None)
