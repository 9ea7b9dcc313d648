"""One question at a time, one key per answer; the same sheet for the clinician and for the client."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from iop_tui.clinical.measures import entry as entries
from iop_tui.clinical.measures.definition import Definition
from iop_tui.clinical.measures.entry import Entry
from iop_tui.kernel.text import clean_line
from iop_tui.ui.frame.bars import Toned
from iop_tui.ui.text.cellfit import strip_of, wrap
from iop_tui.ui.theme import tones

NO_TEXT = "The words of this question are not in the program (licence). Read it from the clinic's own form."
_MARGIN = 2


class AnswerSheet(Widget, can_focus=True):
    """The question that waits, its answers with their keys, how far one is. Holds an `Entry`."""

    DEFAULT_CSS = "AnswerSheet { height: 1fr; width: 1fr; padding: 1 0; }"

    class Answered(Message):
        """The answers changed or another question is shown; `sheet.entry` is the new state."""

        def __init__(self, sheet: AnswerSheet) -> None:
            super().__init__()
            self.sheet = sheet

        @property
        def control(self) -> AnswerSheet:
            """The sheet."""
            return self.sheet

    class Finished(Answered):
        """Enter at the end."""

    def __init__(self, entry: Entry, *, to_client: bool = False) -> None:
        super().__init__()
        self.entry, self._to_client = entry, to_client

    @property
    def definition(self) -> Definition:
        """The questionnaire."""
        return self.entry.definition

    # -- keys ------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Answers, back, forward, leave out; everything else is the page's."""
        key = event.character or event.key
        if event.key == "enter":
            event.stop()
            self._enter()
            return
        moved = self._pressed(event.key, key)
        if moved is not None:
            event.stop()
            self.show(moved)

    def _pressed(self, name: str, key: str) -> Entry | None:
        """The entry after a key, or None for a key that is not the sheet's."""
        if name in ("backspace", "up"):
            return entries.back(self.entry)
        if name == "down":
            return entries.forward(self.entry)
        if key == "-":
            return entries.leave_out(self.entry)
        moved = entries.press(self.entry, key)
        return moved if moved is not self.entry else None

    def _enter(self) -> None:
        if self.entry.item is None:
            self.post_message(self.Finished(self))
        else:
            self.show(entries.forward(self.entry))

    def show(self, entry: Entry) -> None:
        """Another state."""
        if entry != self.entry:
            self.entry = entry
            self.refresh()
            self.post_message(self.Answered(self))

    # -- drawing ---------------------------------------------------------------------------------

    def lines(self, width: int) -> list[list[Toned]]:
        """What is shown, line by line."""
        return self._question(width) if self.entry.item is not None else self._end(width)

    def _question(self, width: int) -> list[list[Toned]]:
        item, definition = self.entry.item, self.definition
        if item is None:
            return []
        done, of = self.entry.progress
        lines: list[list[Toned]] = [[(f"{done} of {of} answered", "dim")], []]
        lines += [[(line, "dim")] for line in wrap(clean_line(definition.stem), width)] if definition.stem else []
        label = item.text or f"{definition.name}, question {item.id}" + (f": {item.label}" if item.label else "")
        lines += [[], *([(line, "strong")] for line in wrap(f"{item.id}  {clean_line(label)}", width)), []]
        chosen = self.entry.answers.get(item.id)
        for answer in definition.answers[item.answers]:
            key = entries.key_of(definition, item, answer.value)
            tone = "cursor" if answer.value == chosen else "text"
            lines.append([(f"  {key}  ", "accent"), (clean_line(answer.text) or str(answer.value), tone)])
        if not item.text:
            lines += [[], *([(line, "dim")] for line in wrap(NO_TEXT, width))]
        hints = "number answers   Backspace goes back   - no answer"
        return [*lines, [], [(hints, "dim")]]

    def _end(self, width: int) -> list[list[Toned]]:
        if self._to_client:
            said = "Thank you. That was the last question. Please give the device back now."
            thanks: list[list[Toned]] = [[(line, "strong")] for line in wrap(said, width)]
            return [[], *thanks, [], [("[Enter]", "accent"), (" done", "text")]]
        missing = self.entry.missing
        lines: list[list[Toned]] = [[("Every question was asked.", "strong")], []]
        if missing:
            said = f"No answer to {', '.join(missing)}."
            lines += [*([(line, "warn")] for line in wrap(said, width)), []]
        keys: list[Toned] = [("[Enter]", "accent"), (" scores it     ", "text"), ("[Backspace]", "accent")]
        return [*lines, [*keys, (" back", "text")]]

    def render_line(self, y: int) -> Strip:
        """One line, inset."""
        styles, width = tones(self.app.theme), self.size.width
        lines: Sequence[Sequence[Toned]] = self.lines(max(min(width - 2 * _MARGIN, 90), 20))
        parts = lines[y] if y < len(lines) else ()
        return strip_of(
            [(" " * _MARGIN, styles.text), *((text, styles.of(tone)) for text, tone in parts)], width, styles.text
        )
