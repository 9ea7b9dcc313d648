"""Links from a note to objectives of the treatment plan. Pure.

A link is written `1.2.1#o7`: the number the objective had, for people, and its id, which never changes. A bare
number, as an older note has it, means the objective that has this number now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class ObjectiveState:
    """An objective as notes see it: its place, its words, whether work goes on, when a note last cited it."""

    id: str
    number: str
    text: str
    is_open: bool = True
    has_measure: bool = True
    has_intervention: bool = True
    last_cited: date | None = None
    since: date | None = None


def link(objective: ObjectiveState) -> str:
    """What a note stores."""
    return f"{objective.number}#{objective.id}"


def number_of(text: str) -> str:
    """The number a person reads in a link."""
    return text.partition("#")[0].strip()


def resolve(text: str, objectives: Iterable[ObjectiveState]) -> ObjectiveState | None:
    """The objective a link means, by id where it names one; None where the plan has no such objective."""
    number, _, identifier = text.partition("#")
    wanted = number.strip()
    for item in objectives:
        if item.id == identifier if identifier else item.number == wanted:
            return item
    return None


def complete(typed: str, objectives: Iterable[ObjectiveState], limit: int = 8) -> list[ObjectiveState]:
    """Open objectives for what stands behind a `#`: by the start of the number, or words anywhere in any order."""
    wanted = typed.strip().lstrip("#").casefold()
    opened = [item for item in objectives if item.is_open]
    by_number = [item for item in opened if item.number.startswith(wanted)]
    words = wanted.split()
    by_words = [item for item in opened if item not in by_number and all(w in item.text.casefold() for w in words)]
    return (by_number + by_words)[:limit]


def still_open(stored: Iterable[str], objectives: Iterable[ObjectiveState]) -> tuple[str, ...]:
    """Links of an earlier note as the plan numbers them now, without those it closed; as they are without a plan."""
    known = tuple(objectives)
    if not known:
        return tuple(stored)
    found = (resolve(item, known) for item in stored)
    return tuple(dict.fromkeys(link(item) for item in found if item is not None and item.is_open))
