"""The field that links a note to objectives of the plan: their words, not only their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from iop_tui.clinical.notes.links import ObjectiveState, link, number_of, resolve
from iop_tui.ui.dialogs import PickSeveral
from iop_tui.ui.forms.fields import ValueField


class ObjectivesField(ValueField):
    """Linked objectives in one line: Enter, Space or # opens the active ones, Backspace takes the last link off."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "choose", show=False), Binding("delete,backspace", "drop", show=False),
    ]

    def __init__(self, value: Sequence[str] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.value = tuple(value)
        self.objectives: tuple[ObjectiveState, ...] = ()

    def offer(self, objectives: Sequence[ObjectiveState]) -> None:
        """What the plan has; known a moment after the page opens."""
        self.objectives = tuple(objectives)
        self.refresh()

    def begin_with(self, value: Sequence[str]) -> None:
        """The links a new note begins with. Nobody typed them: they alone are no text to be kept."""
        self.value = tuple(value)
        self.refresh()

    def shown(self) -> str:
        """Numbers and words."""
        return "; ".join(self._words(item) for item in self.value) or "none: # links one, or give the reason below"

    def _words(self, stored: str) -> str:
        found = resolve(stored, self.objectives)
        return f"{found.number} {found.text}" if found is not None else number_of(stored)

    def set_value(self, value: Sequence[str]) -> None:
        """Show other links."""
        if tuple(value) != self.value:
            self.value = tuple(value)
            self._changed()

    def add(self, stored: str) -> None:
        """Link one more, once."""
        known = {found.id for item in self.value if (found := resolve(item, self.objectives))}
        more = resolve(stored, self.objectives)
        if stored not in self.value and (more is None or more.id not in known):
            self.set_value((*self.value, stored))

    def answer(self, letter: str, at: float) -> bool:
        """`#` opens the list, as it does in a text."""
        del at
        if letter == "#":
            self.choose()
        return letter == "#"

    def offered(self) -> str:
        """The two keys."""
        return "# or Enter to open it"

    def action_choose(self) -> None:
        """Open the list."""
        self.choose()

    def action_drop(self) -> None:
        """Take the last link off."""
        self.set_value(self.value[:-1])

    def choose(self) -> None:
        """Choose among the active objectives."""
        options = [(link(item), f"{item.number}  {item.text}") for item in self.objectives if item.is_open]
        if not options:
            self.app.notify("The plan has no active objective: give the off-plan reason.", severity="warning")
            return
        chosen = [link(found) for item in self.value if (found := resolve(item, self.objectives)) is not None]
        self.app.push_screen(PickSeveral("Objectives this session served", options, chosen), self._chosen)

    def _chosen(self, value: tuple[str, ...] | None) -> None:
        if value is not None:
            self.set_value(value)
