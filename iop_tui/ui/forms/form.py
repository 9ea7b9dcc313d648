"""A form made from declared fields: labels, inputs, errors in words beside the field, help of the focused one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from iop_tui.kernel.declare import FieldInfo, show_value
from iop_tui.kernel.declare import Widget as Entry
from iop_tui.kernel.text import clean_line
from iop_tui.ui.forms.answers import AnswerField
from iop_tui.ui.forms.fields import LineInput, ValueField
from iop_tui.ui.forms.keyruns import Step, Steps, continues
from iop_tui.ui.forms.values import Binding, binding_for
from iop_tui.ui.frame.bars import TallBar
from iop_tui.ui.keys import KIT
from iop_tui.ui.text.cellfit import strip_of, wrap
from iop_tui.ui.text.editor import NoteText
from iop_tui.ui.theme import tones

LABEL, _STAYS = 24, "\u00a0"  # a blank at which nothing is broken: the mark of what is required never stands alone


class FieldLabel(Widget):
    """A field's label, wrapped; bright while its input has the focus."""

    DEFAULT_CSS = f"""
    FieldLabel {{ dock: left; width: {LABEL + 1}; height: auto; }}
    """

    def __init__(self, info: FieldInfo) -> None:
        super().__init__()
        label = f"{info.label} ({info.unit})" if info.unit else info.label
        whole = clean_line(label) + (f"{_STAYS}*" if info.required else "")
        self.lines = [line.replace(_STAYS, " ") for line in wrap(whole, LABEL - 1)]
        self.lit, self.lead = False, ""

    def lead_with(self, lead: str) -> None:
        """Show a mark before the label, in the accent colour."""
        if lead != self.lead:
            self.lead = lead
            self.refresh()

    def light(self, lit: bool) -> None:
        """Show whether the field is the one that is being filled in."""
        if lit is not self.lit:
            self.lit = lit
            self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the label needs."""
        del container, viewport, width
        return len(self.lines)

    def render_line(self, y: int) -> Strip:
        """A line of the label."""
        styles = tones(self.app.theme)
        text = self.lines[y] if y < len(self.lines) else ""
        lead = (self.lead if y == 0 else " " * len(self.lead), styles.accent)
        style = styles.strong if self.lit else styles.dim
        return strip_of([(" ", styles.text), lead, (text, style)], self.size.width, styles.text)


class FieldError(Widget):
    """What is wrong with a field, in as many lines as it takes."""

    DEFAULT_CSS = "FieldError { height: auto; width: 1fr; margin: 0 1; }"

    def __init__(self, message: str) -> None:
        super().__init__()
        self.message = clean_line(f"! {message}")

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the message needs."""
        del container, viewport
        return len(wrap(self.message, width))

    def render_line(self, y: int) -> Strip:
        """A line of the message."""
        styles, lines = tones(self.app.theme), wrap(self.message, self.size.width)
        return strip_of([(lines[y] if y < len(lines) else "", styles.danger)], self.size.width, styles.text)


class FieldRow(Widget):
    """One field: its label on the left, the input, its error below."""

    BLANK: ClassVar[bool] = True

    DEFAULT_CSS = """
    FieldRow { height: auto; width: 1fr; layout: vertical; }
    FieldRow > .value { margin: 0 1; }
    FieldRow LineInput { width: 1fr; }
    FieldRow LineInput:ansi { text-style: underline; }
    FieldRow NoteText { height: auto; min-height: 3; max-height: 14; background: $kit-field; padding: 0; }
    FieldRow NoteText:ansi { border-left: solid ansi_default; }
    FieldRow NoteText .text-area--cursor-line { background: $kit-field; }
    """

    def __init__(self, info: FieldInfo, binding: Binding) -> None:
        super().__init__()
        self.info, self.binding, self.error = info, binding, ""
        self.label = FieldLabel(info)
        binding.widget.add_class("value")
        self.styles.min_height = len(self.label.lines)

    @property
    def is_chosen(self) -> bool:
        """Whether the field is chosen, not typed."""
        return isinstance(self.binding.widget, ValueField)

    def compose(self) -> ComposeResult:
        """The label, the input, an error that was there before."""
        yield self.label
        yield self.binding.widget
        if self.error:
            yield FieldError(self.error)

    def set_error(self, message: str) -> None:
        """Show or (with empty text) remove the error."""
        if message == self.error:
            return
        self.error = message
        if self.binding.widget.parent is None:
            return  # comes with the row
        self.query(FieldError).remove()
        if message:
            self.mount(FieldError(message))


class _Rows(VerticalScroll):
    """The rows of a form; itself only ground, which costs nothing to paint again."""

    BLANK: ClassVar[bool] = True


class Form(Vertical):
    """Fields in print order, generated from the declaration.

    `values()` are plain builtins for `DocumentType.parse`; fields that cannot be typed here (lists of
    records) keep the value they came with. `today` lets people write `today` or `+7` in dates.
    """

    DEFAULT_CSS = """
    Form { height: 1fr; width: 1fr; }
    Form > _Rows { height: 1fr; scrollbar-size-vertical: 1; scrollbar-color: $kit-dim;
                            scrollbar-background: $kit-ground; }
    Form > Bar { dock: bottom; }
    """
    BLANK: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [*KIT.bindings("form")]

    class Changed(Message):
        """Somebody typed or chose; `name` says in which field."""

        def __init__(self, form: Form, name: str) -> None:
            super().__init__()
            self.form, self.name = form, name

        @property
        def control(self) -> Form:
            """The form."""
            return self.form

    class Snapshot(Changed):
        """At most a second after a change, and on leaving a field: time to write the journal."""

    def __init__(
        self, fields: Sequence[FieldInfo], values: Mapping[str, Any] | None = None, *, today: date,
        id: str | None = None, classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._kept = dict(values or {})
        shown = [info for info in fields if info.widget is not Entry.HIDDEN]
        self.today = today
        self.rows = [FieldRow(info, self.bind_field(info, self._kept.get(info.name))) for info in shown]
        for row in self.rows:
            if isinstance(row.binding.widget, NoteText):
                row.binding.widget.follower = self._text_changed
        self.dirty = False
        self._settled = False
        self.steps = Steps()
        self._was = {row.info.name: row.binding.value() for row in self.rows if row.is_chosen}
        self._just: Step | None = None

    def bind_field(self, info: FieldInfo, value: Any) -> Binding:
        """Hook: the input of a field."""
        return binding_for(info, value, self.today)

    def seen(self) -> Sequence[Widget]:
        """Hook: what stands in the form at first."""
        return self.rows

    def compose(self) -> ComposeResult:
        """The rows and the help line."""
        with _Rows(can_focus=False):
            yield from self.seen()
        yield TallBar(id="form-help")

    def on_mount(self) -> None:
        """Changes count from the first refresh on."""
        self.call_after_refresh(self._settle)

    def _settle(self) -> None:
        self._settled = True

    # -- values ----------------------------------------------------------------------------------

    def collect(self) -> tuple[dict[str, Any], dict[str, str]]:
        """(values, errors by field name); a field with an error keeps its last good value."""
        values, errors = dict(self._kept), dict[str, str]()
        for row in self.rows:
            try:
                values[row.info.name] = row.binding.value()
            except ValueError as error:
                errors[row.info.name] = str(error)
        return values, errors

    def values(self) -> dict[str, Any]:
        """The values alone; what cannot be read is left at its last good value."""
        return self.collect()[0]

    def check(self) -> dict[str, Any] | None:
        """The values, or None after showing every error and going to the first field that has one."""
        values, errors = self.collect()
        self.show_errors(errors)
        return None if errors else values

    def load(self, values: Mapping[str, Any]) -> None:
        """Show other values, for example a recovered draft."""
        self._kept.update(values)
        for row in self.rows:
            if row.info.name in values:
                self._put(row, values[row.info.name])

    def _put(self, row: FieldRow, value: Any) -> None:
        """Show a value that nobody chose by a key."""
        row.binding.load(value)
        if row.is_chosen:
            self._was[row.info.name] = row.binding.value()

    def show_errors(self, errors: Mapping[str, str], *, focus: bool = True) -> None:
        """Show errors by field name (also `$.name` places of `DocumentInvalid`), clear the others."""
        plain = {name.removeprefix("$.").split(".")[0].split("[")[0]: text for name, text in errors.items()}
        for row in self.rows:
            row.set_error(plain.get(row.info.name, ""))
        first = next((row for row in self.rows if row.error), None)
        if first is not None and focus:
            first.binding.widget.focus()

    # -- moving ----------------------------------------------------------------------------------

    def focus_field(self, name: str) -> None:
        """Go to a field."""
        for row in self.rows:
            if row.info.name == name:
                row.binding.widget.focus()

    def _step(self, by: int) -> None:
        focused = self.screen.focused
        place = next((at for at, row in enumerate(self.rows) if row.binding.widget is focused), -1 if by > 0 else 0)
        if self.rows:
            self.rows[(place + by) % len(self.rows)].binding.widget.focus()

    def action_next_field(self) -> None:
        """Go to the next field."""
        self.steps.end_run()
        self._step(1)

    def action_previous_field(self) -> None:
        """Go to the previous field."""
        self.steps.end_run()
        self._step(-1)

    # -- answers that are taken back -------------------------------------------------------------

    def remember(self, values: Mapping[str, Any]) -> None:
        """What a command is about to replace: a step like an answer."""
        self.steps.gave("", dict(values), None, 0.0)

    def take_back(self) -> str | None:
        """Put the last answer back to what stood there before and go to its field; its name, empty for what a command
        replaced, None where there is nothing to take back.
        """
        step = self.steps.back()
        if step is None:
            return None
        if not step.name:
            self.load({**self.values(), **step.before})
            self.app.notify("Taken back.")
            return ""
        row = self._named(step.name)
        said = show_value(row.binding.value()).replace("\n", ", ") or "not answered"
        self._put(row, step.before)
        self.focus_field(step.name)
        self.app.notify(f"Taken back: {row.info.label}, which was {said}.")
        return step.name

    def _named(self, name: str) -> FieldRow:
        return next(row for row in self.rows if row.info.name == name)

    def _take_run(self, at: float, *, into_text: bool = False) -> list[FieldRow]:
        """Take back the answers that run into what was typed at a moment; their rows, the first one first."""
        steps: list[Step] = self.steps.run(at, into_text=into_text)
        for step in steps:
            self._put(self._named(step.name), step.before)
        return [self._named(step.name) for step in reversed(steps)]

    def on_value_field_back_asked(self, event: ValueField.BackAsked) -> None:
        """Ctrl+Z in a field that is chosen."""
        event.stop()
        if self.take_back() is None:
            self.app.notify("There is no answer to take back.")

    def on_note_text_spent(self, event: NoteText.Spent) -> None:
        """Ctrl+Z in a text where nothing typed is left to undo: the answer before it."""
        event.stop()
        self.take_back()

    def on_value_field_refused(self, event: ValueField.Refused) -> None:
        """Words in a field that is chosen: nothing of them counts, nor do the answers they began with."""
        event.stop()
        rows, here = self._take_run(event.at), self._row_of(event.field)
        first = rows[0] if rows else here
        if first is None or not isinstance(first.binding.widget, ValueField):
            return
        if rows:
            first.binding.widget.run.refuse(event.at)
            self.focus_field(first.info.name)
        self._say_refused(rows, first)

    def _say_refused(self, rows: Sequence[FieldRow], first: FieldRow) -> None:
        field = first.binding.widget
        keys = field.offered() if isinstance(field, ValueField) else ""
        names = ", ".join(row.info.label for row in rows)
        words = f"Taken back, because you typed words: {names}. Press {keys}." if rows else (
            f"{first.info.label} is a choice: press {keys}. What you typed is not taken."
        )
        self.app.notify(words, severity="warning")

    def _typed_on(self, widget: LineInput | NoteText, at: float) -> None:
        """The first key in a text that an answer led to: a blank or a digit close behind it goes on with a word."""
        if continues(widget.last_edit):
            rows = self._take_run(at, into_text=True)
            if rows:
                self._say_refused(rows, rows[0])
        self.steps.end_run()

    # -- reactions -------------------------------------------------------------------------------

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Show the field's help."""
        row = self._row_of(event.widget)
        if row is not None:
            row.label.light(True)
            source = f"  ({row.info.source})" if row.info.source else ""
            told = [(row.info.help or row.binding.hint, "bar"), (source, "bar_dim")]
            if self._just is not None and isinstance(event.widget, ValueField):
                event.widget.run.led_here(self._just.at)
            self.query_one("#form-help", TallBar).show(told, self._just_answered())
            event.widget.scroll_visible(animate=False)

    def _just_answered(self) -> list[tuple[str, str]]:
        """The answer that led here, so that a slip is seen."""
        step, self._just = self._just, None
        if step is None:
            return []
        row = self._named(step.name)
        return [(f"{row.info.label}: {show_value(row.binding.value())}", "bar_accent"), ("  Ctrl+Z undoes", "bar_dim")]

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Say what is wrong with a field when it is left, not while it is typed."""
        row = self._row_of(event.widget)
        if row is None:
            return
        row.label.light(False)
        try:
            row.binding.value()
        except ValueError as error:
            row.set_error(str(error))
        else:
            row.set_error("")
        if self.dirty:
            self.post_message(self.Snapshot(self, row.info.name))

    def on_input_changed(self, event: Input.Changed) -> None:
        """A line changed."""
        event.stop()
        if self.steps.running and isinstance(event.input, LineInput) and event.input.has_focus:
            self._typed_on(event.input, event.time)
        self._touched(event.input)

    def _text_changed(self, text: NoteText, at: float) -> None:
        """A text changed."""
        if self.steps.running and text.has_focus:
            self._typed_on(text, at)
        self._touched(text)

    def on_value_field_changed(self, event: ValueField.Changed) -> None:
        """A choice changed; by a key it is a step that can be taken back."""
        event.stop()
        row = self._row_of(event.field)
        if row is not None:
            name, now = row.info.name, row.binding.value()
            before, self._was[name] = self._was.get(name), now
            if now != before and self._settled and self.screen.focused is event.field:
                self.steps.gave(name, before, now, event.time)
        self._touched(event.field)

    def on_answer_field_answered(self, event: AnswerField.Answered) -> None:
        """A digit answered: go on to the next field, and say there what was answered."""
        event.stop()
        row = self._row_of(event.field)
        if row is not None and event.at:
            self._just = self.steps.led_on(row.info.name, event.at)
        self._step(1)

    def on_note_text_snapshot(self, event: NoteText.Snapshot) -> None:
        """Pass on the second of a text field."""
        row = self._row_of(event.note_text)
        event.stop()
        if row is not None:
            self.post_message(self.Snapshot(self, row.info.name))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a line goes on to the next field."""
        event.stop()
        self._step(1)

    def _touched(self, widget: Widget) -> None:
        row = self._row_of(widget)
        if row is None or not self._settled:
            return
        self.dirty = True
        self.screen.post_message(self.Changed(self, row.info.name))  # not through every container in between
        if not isinstance(widget, NoteText):
            self.post_message(self.Snapshot(self, row.info.name))

    def _row_of(self, widget: Widget) -> FieldRow | None:
        return next((row for row in self.rows if row.binding.widget is widget), None)
