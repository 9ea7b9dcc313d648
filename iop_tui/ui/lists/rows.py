"""Fields that hold small records: a list of them (Enter opens it to add, change, remove), or a single one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from iop_tui.kernel.declare import Document, fields_of, show_value
from iop_tui.kernel.text import clean_line
from iop_tui.ui.forms.fields import ValueField
from iop_tui.ui.forms.form import Form
from iop_tui.ui.lists.columns import Column
from iop_tui.ui.lists.recordlist import RecordList

Row = dict[str, Any]
_BOX = """
    .box { width: 76; max-width: 100%; height: auto; max-height: 90%; padding: 1 2; background: $kit-ground;
           border: solid $kit-accent; }
    .title { text-style: bold; width: auto; max-width: 100%; }
    .hint { color: $kit-dim; margin-top: 1; width: auto; }
"""


def plain(value: Any) -> Row:
    """A record as builtins."""
    return dict(value) if isinstance(value, Mapping) else dict(msgspec.to_builtins(value))


def words(struct: type[Document], row: Mapping[str, Any]) -> str:
    """A record in plain words, as its declaration shows it."""
    try:
        return show_value(msgspec.convert(dict(row), struct)).replace("\n", "; ").strip(" ·,:") or "(empty)"
    except msgspec.ValidationError:
        return " · ".join(str(value) for value in row.values() if value) or "(empty)"


class RowsField(ValueField):
    """Several records of one declared type. `value` is a tuple of builtins."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "choose", show=False)]

    def __init__(
        self, struct: type[Document], value: Sequence[Any] = (), *, title: str = "", today: date,
        id: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(id=id)
        self.struct, self._title, self._today = struct, title, today
        self.value: tuple[Row, ...] = tuple(plain(item) for item in value)

    def shown(self) -> str:
        """How many, and the first of them."""
        if not self.value:
            return "< none: Enter adds >"
        return f"< {len(self.value)}: {'; '.join(words(self.struct, row) for row in self.value)} >"

    def set_value(self, value: Sequence[Any]) -> None:
        """Show other records."""
        rows = tuple(plain(item) for item in value)
        if rows != self.value:
            self.value = rows
            self._changed()

    def action_choose(self) -> None:
        """Open the list."""
        self.choose()

    def choose(self) -> None:
        """Open the list."""
        self.app.push_screen(RowsDialog(self.struct, self.value, title=self._title, today=self._today), self._take)

    def _take(self, value: tuple[Row, ...] | None) -> None:
        if value is not None:
            self.set_value(value)


class RecordField(ValueField):
    """One record of a declared type, or none: Enter opens its form. `value` is builtins or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "choose", show=False), Binding("delete,backspace", "clear", show=False),
    ]

    def __init__(
        self, struct: type[Document], value: Any = None, *, title: str = "", optional: bool = True, today: date,
        id: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(id=id)
        self.struct, self._title, self._optional, self._today = struct, title, optional, today
        self.value: Row | None = None if value is None else plain(value)

    def shown(self) -> str:
        """The record in one line."""
        return f"< {words(self.struct, self.value)} >" if self.value is not None else "< none: Enter begins >"

    def set_value(self, value: Any) -> None:
        """Show another record."""
        row = None if value is None else plain(value)
        if row != self.value:
            self.value = row
            self._changed()

    def action_clear(self) -> None:
        """Back to none, where that is allowed."""
        if self._optional:
            self.set_value(None)

    def action_choose(self) -> None:
        """Open its form."""
        self.choose()

    def choose(self) -> None:
        """Open its form."""
        dialog = RowDialog(self.struct, self.value or {}, title=self._title, today=self._today)
        self.app.push_screen(dialog, self._take)

    def _take(self, value: Row | None) -> None:
        if value is not None:
            self.set_value(value)


class RowsDialog(ModalScreen[tuple[Row, ...] | None]):
    """The records one below the other. Esc and Enter on the last line keep what was done."""

    DEFAULT_CSS = "RowsDialog { align: center middle; }" + _BOX
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", show=False), Binding("plus,n,a", "add", show=False),
        Binding("d,delete", "remove", show=False),
    ]

    def __init__(self, struct: type[Document], rows: Sequence[Row], *, title: str, today: date) -> None:
        super().__init__()
        self._struct, self._rows, self._title, self._today = struct, list(rows), title, today

    def compose(self) -> ComposeResult:
        """Title, the list, the keys."""
        column: Column[tuple[int, Row]] = Column("text", "", lambda item: words(self._struct, item[1]), 30, weight=1)
        with Vertical(classes="box"):
            yield Static(clean_line(self._title), classes="title", markup=False)
            yield RecordList([column], key=lambda item: item[0], header=False, empty="None yet. Press + to add one.")
            yield Static("[+] add     [Enter] change     [d] remove     [Esc] done", classes="hint", markup=False)

    def on_mount(self) -> None:
        """Show them; an empty list begins with a new one."""
        self._show()
        self.query_one(RecordList).focus()
        if not self._rows:
            self.call_after_refresh(self.action_add)

    def _show(self) -> None:
        listing = self.query_one(RecordList)
        listing.styles.height = min(max(len(self._rows), 2), 12)
        listing.set_rows(list(enumerate(self._rows)))

    def on_record_list_opened(self, event: RecordList.Opened) -> None:
        """Change the record under the cursor."""
        event.stop()
        self._edit(event.row[0])

    def action_add(self) -> None:
        """A new record."""
        self._edit(len(self._rows))

    def _edit(self, place: int) -> None:
        row = self._rows[place] if place < len(self._rows) else {}

        def done(values: Row | None) -> None:
            if values is not None:
                self._rows[place : place + 1] = [values]
                self._show()

        self.app.push_screen(RowDialog(self._struct, row, title=self._title, today=self._today), done)

    def action_remove(self) -> None:
        """Take the record under the cursor out of the list; nothing signed is touched."""
        if self._rows:
            del self._rows[self.query_one(RecordList).cursor]
            self._show()

    def action_close(self) -> None:
        """Back to the form with what the list holds now."""
        self.dismiss(tuple(self._rows))


class RowDialog(ModalScreen[Row | None]):
    """One record as a small form. F2 or Enter on the last field takes it, Esc leaves it as it was."""

    DEFAULT_CSS = "RowDialog { align: center middle; } RowDialog Form { height: auto; max-height: 20; }" + _BOX
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", show=False), Binding("f2,ctrl+s", "take", show=False, priority=True),
    ]

    def __init__(self, struct: type[Document], row: Mapping[str, Any], *, title: str, today: date) -> None:
        super().__init__()
        self._struct, self._title = struct, title
        fields = fields_of(struct)
        self._form = Form(fields, {**plain(struct()), **row}, today=today)

    def compose(self) -> ComposeResult:
        """Title, form, keys."""
        with Vertical(classes="box"):
            yield Static(clean_line(self._title), classes="title", markup=False)
            yield self._form
            yield Static("[F2] take     [Tab] next field     [Esc] back", classes="hint", markup=False)

    def on_mount(self) -> None:
        """Start in the first field."""
        self._form.styles.height = min(sum(3 if "NoteText" in type(row.binding.widget).__name__ else 1
                                           for row in self._form.rows) + 2, 18)  # fmt: skip
        if self._form.rows:
            self._form.rows[0].binding.widget.focus()

    def on_form_changed(self, event: Form.Changed) -> None:
        """What is typed here belongs to this dialog until it is taken."""
        event.stop()

    def on_form_snapshot(self, event: Form.Snapshot) -> None:
        """See `on_form_changed`."""
        event.stop()

    def action_take(self) -> None:
        """Hand the record over, if every field can be read."""
        values = self._form.check()
        if values is not None:
            self.dismiss(values)

    def action_cancel(self) -> None:
        """Leave the record as it was."""
        self.dismiss(None)
