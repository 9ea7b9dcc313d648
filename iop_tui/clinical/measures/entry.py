"""Answering a questionnaire one key at a time: where one stands, which keys mean what, what is left. Pure.

The state is a value; every key gives a new one. Skipped items are not shown, and going back over a skip drops what
was answered behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from iop_tui.clinical.measures.definition import Definition, Item
from iop_tui.clinical.measures.scoring import check, skipped

_LETTERS = "xyzuvw"


@dataclass(frozen=True, slots=True)
class Entry:
    """A questionnaire being answered. `at` is the item shown; past the last one it is the number of items."""

    definition: Definition
    answers: Mapping[str, int] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    at: int = 0

    @property
    def item(self) -> Item | None:
        """The item that waits for an answer; None when the end is reached."""
        return self.definition.items[self.at] if self.at < len(self.definition.items) else None

    @property
    def away(self) -> tuple[str, ...]:
        """Items that are not asked because of earlier answers."""
        return skipped(self.definition, self.answers)

    @property
    def missing(self) -> tuple[str, ...]:
        """Asked items without an answer."""
        away = set(self.away)
        return tuple(
            item.id for item in self.definition.items if item.id not in self.answers and item.id not in away
        )

    @property
    def progress(self) -> tuple[int, int]:
        """(answered, to be answered in all)."""
        return len(self.answers), len(self.definition.items) - len(self.away)


def keys(definition: Definition, item: Item) -> dict[str, int]:
    """The key of each answer: its value where that is one digit, else a letter."""
    found: dict[str, int] = {}
    for value in definition.values(item):
        digit = str(value)
        free = (letter for letter in _LETTERS if letter not in found)
        found[digit if len(digit) == 1 else next(free)] = value
    return found


def key_of(definition: Definition, item: Item, value: int) -> str:
    """The key that gives a value."""
    return next(key for key, each in keys(definition, item).items() if each == value)


def press(entry: Entry, key: str) -> Entry:
    """Answer the shown item with a key and go on; the same entry for a key that means nothing here."""
    item = entry.item
    if item is None:
        return entry
    value = keys(entry.definition, item).get(key)
    if value is None:
        return entry
    return _forward(answered(entry, item.id, value))


def answered(entry: Entry, identifier: str, value: int) -> Entry:
    """An answer by value, for example from a form on paper. Raises `InputRejected` outside its range."""
    check(entry.definition, {identifier: value})
    answers = {**entry.answers, identifier: value}
    return replace(entry, answers=_without_skipped(entry.definition, answers), left_out=entry.left_out - {identifier})


def _without_skipped(definition: Definition, answers: Mapping[str, int]) -> dict[str, int]:
    """What is still asked, item by item: an answer behind a skip falls away with it."""
    kept: dict[str, int] = {}
    for item in definition.items:
        if item.id in answers and item.id not in skipped(definition, kept):
            kept[item.id] = answers[item.id]
    return kept


def leave_out(entry: Entry) -> Entry:
    """No answer to the shown item: it counts as missing."""
    item = entry.item
    if item is None:
        return entry
    answers = {name: value for name, value in entry.answers.items() if name != item.id}
    return _forward(replace(entry, answers=answers, left_out=entry.left_out | {item.id}))


def back(entry: Entry) -> Entry:
    """The item before, over what is not asked."""
    away = set(entry.away)
    for at in range(entry.at - 1, -1, -1):
        if entry.definition.items[at].id not in away:
            return replace(entry, at=at)
    return entry


def forward(entry: Entry) -> Entry:
    """The next item, whether or not this one was answered."""
    return _forward(entry)


def to_missing(entry: Entry) -> Entry:
    """The first item without an answer; the end where there is none."""
    missing = set(entry.missing)
    places = (at for at, item in enumerate(entry.definition.items) if item.id in missing)
    return replace(entry, at=next(places, len(entry.definition.items)))


def _forward(entry: Entry) -> Entry:
    away = set(entry.away)
    for at in range(entry.at + 1, len(entry.definition.items)):
        if entry.definition.items[at].id not in away:
            return replace(entry, at=at)
    return replace(entry, at=len(entry.definition.items))
