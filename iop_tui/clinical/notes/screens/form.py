"""The form of a progress note: folded groups, rows in the order of a format, the next open field by one key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar, cast

from textual.binding import Binding as Key
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget

from iop_tui.clinical.notes.formats import FORMATS
from iop_tui.clinical.notes.screens import layout
from iop_tui.clinical.notes.screens.objectives import ObjectivesField
from iop_tui.kernel.declare import FieldInfo
from iop_tui.ui.forms.form import LABEL, FieldRow, Form
from iop_tui.ui.forms.values import Binding
from iop_tui.ui.frame.bars import Bar
from iop_tui.ui.page import DeskApp
from iop_tui.ui.text.editor import NoteText

_MOVES = frozenset({"modality", "objectives", "risk", layout.SUMMARY})
"""Answers on which it depends which rows are there."""


class Fold(Bar, can_focus=True):
    """A group of rows in one line; Enter or Right opens it, Left closes it."""

    ground = "text"
    BINDINGS: ClassVar[list[BindingType]] = [
        Key("enter,space", "turn", show=False), Key("right", "fold(False)", show=False),
        Key("left", "fold(True)", show=False),
    ]

    class Toggled(Message):
        """The group is to be opened or closed."""

        def __init__(self, fold: Fold, is_open: bool) -> None:
            super().__init__()
            self.fold, self.is_open = fold, is_open

        @property
        def control(self) -> Fold:
            """The line."""
            return self.fold

    def __init__(self, group: layout.Group) -> None:
        super().__init__()
        self.group, self.is_open, self.says = group, False, ""

    def tell(self, says: str, is_open: bool) -> None:
        """Show what the group holds."""
        self.says, self.is_open = says, is_open
        self._draw()

    def _draw(self) -> None:
        mark = "-" if self.is_open else "+"
        label = f"{mark} {self.group.label}"
        says = "" if self.is_open else self.says
        focused = self.has_focus
        tone = "cursor" if focused else "text"
        self.show([(f"{label:<{LABEL + 1}}", "strong" if focused else "dim"), (says or " ", tone)])

    def on_focus(self) -> None:
        """Show the focus."""
        self._draw()

    def on_blur(self) -> None:
        """Show the focus."""
        self._draw()

    def on_click(self) -> None:
        """A click opens or closes."""
        self.focus()
        self.action_turn()

    def action_turn(self) -> None:
        """The other way round."""
        self.post_message(self.Toggled(self, not self.is_open))

    def action_fold(self, closed: bool) -> None:
        """Close or open."""
        self.post_message(self.Toggled(self, not closed))


class NoteForm(Form):
    """Rows of a progress note. `turn_to(form)` puts them under another format's headings; no answer changes by it.

    F4 goes to the next text or open answer; Tab goes to every row.
    """

    DEFAULT_CSS = """
    NoteForm FieldRow NoteText { min-height: 2; }
    """

    def __init__(self, values: Mapping[str, Any], *, today: date, form: str) -> None:
        self.objectives = ObjectivesField(tuple(values.get("objectives") or ()))
        super().__init__(layout.fields(), layout.flat(values), today=today)
        self.form = form if form in FORMATS else next(iter(FORMATS))
        self._by_name = {row.info.name: row for row in self.rows}
        self._labels = {row.info.name: row.info.label for row in self.rows}
        self._folds = {group.name: Fold(group) for group in layout.GROUPS}
        self._answers = super().collect()[0]
        self.rows = [self._by_name[name] for kind, name in layout.order(self.form) if kind == "row"]
        self.unfolded = frozenset[str]() if self._answers.get("modality") else frozenset({"session"})
        self._unfold_unanswered()

    def bind_field(self, info: FieldInfo, value: Any) -> Binding:
        """Objectives have a field of their own."""
        if info.name != "objectives":
            return super().bind_field(info, value)
        field = self.objectives
        hint = "Type # in any text to link an objective; Enter opens the list here."
        return Binding(field, lambda: list(field.value), lambda new: field.set_value(tuple(new or ())), hint)

    # -- rows ------------------------------------------------------------------------------------

    def seen(self) -> Sequence[Widget]:
        """The widgets from top to bottom, folded rows left out; a heading's letter stands before its first row."""
        found: list[Widget] = []
        letter = " "
        for kind, name in layout.order(self.form):
            if kind == "heading":
                letter = name[0]
            elif kind == "row":
                if layout.wanted(name, self._answers, self.unfolded):
                    row = self._by_name[name]
                    row.label.lead_with(f"{letter} ")
                    found.append(row)
                    letter = " "
            elif layout.shows(self._folds[name].group, self._answers):
                fold = self._folds[name]
                fold.tell(layout.summary(fold.group, self._answers, self._labels), name in self.unfolded)
                found.append(fold)
        return found

    def lay_out(self) -> None:
        """Show what is wanted now, in the order of the format."""
        scroll = self.query_one(VerticalScroll)
        seen = list(self.seen())
        fresh = [widget for widget in seen if widget.parent is None]
        if fresh:
            scroll.mount(*fresh)
        place = {widget: at for at, widget in enumerate(seen)}
        for widget in scroll.children:
            widget.display = widget in place
        now = [widget for widget in scroll.children if widget in place]
        if now != seen:
            scroll.sort_children(key=lambda widget: place.get(widget, len(place)))

    def turn_to(self, form: str) -> None:
        """The same answers under another format's headings."""
        self.form = form
        self.rows = [self._by_name[name] for kind, name in layout.order(form) if kind == "row"]
        focused = self.screen.focused
        self.lay_out()
        if focused is not None:
            self.call_after_refresh(focused.scroll_visible, animate=False)

    def _unfold_unanswered(self) -> None:
        """The telehealth block of a first virtual session lies open; answered once, it folds into a line."""
        rows = [self._by_name[name] for name in layout.TELEHEALTH.rows]
        if layout.shows(layout.TELEHEALTH, self._answers) and any(map(self._is_open, rows)):
            self.unfolded |= {layout.TELEHEALTH.name}

    def unfold(self, name: str, *, is_open: bool = True) -> None:
        """Open or close a group."""
        changed = self.unfolded | {name} if is_open else self.unfolded - {name}
        if changed != self.unfolded:
            self.unfolded = changed
            self.lay_out()

    def on_fold_toggled(self, event: Fold.Toggled) -> None:
        """Open or close a group; opened, its first row has the focus."""
        event.stop()
        self.unfold(event.fold.group.name, is_open=event.is_open)
        if event.is_open:
            self.call_after_refresh(self._by_name[event.fold.group.rows[0]].binding.widget.focus)

    # -- values ----------------------------------------------------------------------------------

    def collect(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Values of a note."""
        values, errors = super().collect()
        return layout.nested(values), errors

    def load(self, values: Mapping[str, Any]) -> None:
        """Show other values of a note."""
        super().load(layout.flat(values))
        self.answered()

    def answered(self, name: str = "") -> None:
        """Something was answered: rows that depend on it come and go, folded lines say the new value."""
        self._answers, _ = super().collect()
        if name in ("", "modality"):
            self._unfold_unanswered()
        if not name or name in _MOVES:
            self.lay_out()
            return
        for fold in self._folds.values():
            if name in fold.group.rows:
                fold.tell(layout.summary(fold.group, self._answers, self._labels), fold.group.name in self.unfolded)

    def show_errors(self, errors: Mapping[str, str], *, focus: bool = True) -> None:
        """Errors of a block go to its first row without an answer; a folded row is shown."""
        found = {self._row_for(name.removeprefix("$.")): text for name, text in errors.items()}
        for name in found:
            for group in layout.GROUPS:
                if name in group.rows:
                    self.unfold(group.name)
        super().show_errors(found, focus=False)
        first = next((row for row in self.rows if row.error and row.display), None)
        if first is not None and focus:
            self.call_after_refresh(first.binding.widget.focus)

    def _row_for(self, place: str) -> str:
        name = place.split("[")[0].replace(".", "/")
        if name in self._by_name or name not in layout.NESTED:
            return name
        inner = [row for row in self.rows if row.info.name.startswith(f"{name}/")]
        return next((row.info.name for row in inner if self._is_open(row)), inner[0].info.name)

    # -- moving ----------------------------------------------------------------------------------

    def _is_open(self, row: FieldRow) -> bool:
        """Whether a row still needs an answer."""
        name = row.info.name
        needed = row.info.required or name in layout.IF_RISK or name == "off_plan_reason"
        needed = needed or (name == "location" and self._answers.get("modality") == "in person")
        try:
            return needed and row.binding.value() in (None, "", [], ())
        except ValueError:
            return True

    def _stops(self) -> list[FieldRow]:
        shown = [row for row in self.rows if layout.wanted(row.info.name, self._answers, self.unfolded)]
        return [row for row in shown if isinstance(row.binding.widget, NoteText) or self._is_open(row)]

    def first_open(self) -> str:
        """Where to begin: the first row that needs an answer, else the first text."""
        stops = self._stops()
        first = next((row for row in stops if self._is_open(row)), stops[0] if stops else self.rows[0])
        return first.info.name

    def _step(self, by: int) -> None:
        self.answered()  # the answer that leads on may bring rows that come next
        order = {row: at for at, row in enumerate(self.rows)}
        focused = self.screen.focused
        here = next((order[row] for row in self.rows if row.binding.widget is focused), -1)
        stops = sorted(order[row] for row in self._stops())
        beyond = [at for at in stops if (at > here if by > 0 else at < here)] or stops
        if beyond:
            self._go_to(self.rows[beyond[0] if by > 0 else beyond[-1]])

    def _go_to(self, row: FieldRow) -> None:
        """Put the focus on a row; where it is only being mounted, keys wait for it."""
        if row.is_mounted:
            row.binding.widget.focus()
            return
        app = cast(DeskApp, self.app)
        app.hold()

        def arrived() -> None:
            row.binding.widget.focus()
            app.release()

        self.call_after_refresh(arrived)

    def focus_field(self, name: str) -> None:
        """Go to a field; a folded group is opened."""
        for group in layout.GROUPS:
            if name in group.rows:
                self.unfold(group.name)
        row = self._by_name.get(name)
        if row is not None:
            self._go_to(row)

    def read_back(self) -> list[str]:
        """The answers that a signature must not cover unseen, in words: `Risk: denied`."""
        told = [(self._labels[name], self._by_name[name].binding.value()) for name in layout.READ_BACK]
        return [f"{label}: {value}" for label, value in told if value]

    def is_text(self, name: str) -> bool:
        """Whether a row is a text of several lines."""
        return isinstance(self._by_name[name].binding.widget, NoteText)
