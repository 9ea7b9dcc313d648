"""What a person decides between versions of a record: field by field, and long texts paragraph by paragraph.

Nothing is chosen beforehand and nothing is left out: each place where the versions differ waits for somebody, with
what stood there before both were changed. Pure: no vault, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import msgspec

from iop_tui.clinical.records.conflicts import Conflict, FieldChoice
from iop_tui.kernel.declare import Widget
from iop_tui.kernel.errors import Refused

BOTH = "both"
Decision = int | str | tuple[str]
"""A side's number; `BOTH`; or a text of one's own, in a tuple."""
_BREAK = "\n"


@dataclass(frozen=True, slots=True)
class Part:
    """One place where versions differ: a field, or some paragraphs of one.

    `before` is None where the versions share no earlier one. `changed` says which sides differ from it. `joins`:
    whether both can be kept, one after the other. `without`: the sides that have no paragraph here at all.
    """

    key: str
    field: FieldChoice
    label: str
    before: str | None
    sides: tuple[str, ...]
    joins: bool
    without: frozenset[int] = frozenset()

    @property
    def changed(self) -> tuple[int, ...]:
        """The sides that say something else than before; all of them where nothing stood before."""
        return tuple(place for place, text in enumerate(self.sides) if text != self.before)

    @property
    def one_sided(self) -> int | None:
        """The only side that changed something, if it is one."""
        return self.changed[0] if self.before is not None and len(self.changed) == 1 else None


@dataclass(frozen=True, slots=True)
class Same:
    """Paragraphs that are the same in both versions."""

    text: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """A conflict laid out: its parts in order, and for fields in paragraphs what stands between them."""

    conflict: Conflict
    parts: tuple[Part, ...]
    runs: Mapping[str, tuple[Part | Same, ...]]

    def waiting(self, decided: Mapping[str, Decision]) -> list[Part]:
        """The parts nobody decided yet."""
        return [part for part in self.parts if part.key not in decided]


def lay_out(found: Conflict) -> Sheet:
    """Every difference of a conflict as something to decide."""
    parts: list[Part] = []
    runs: dict[str, tuple[Part | Same, ...]] = {}
    for field in found.fields:
        values = [getattr(side.document, field.info.name) for side in found.sides]
        if all(value == values[0] for value in values):
            continue
        pieces = _paragraphs(found, field) if _is_long(found, field) else ()
        if pieces:
            runs[field.info.name] = pieces
            parts += [piece for piece in pieces if isinstance(piece, Part)]
        else:
            parts.append(_whole(found, field))
    return Sheet(found, tuple(parts), runs)


def is_text(found: Conflict, field: FieldChoice) -> bool:
    """Whether a field holds free text in every version."""
    values = [getattr(side.document, field.info.name) for side in found.sides]
    free = not field.info.choices and field.info.widget not in (Widget.LINE, Widget.HIDDEN)
    return free and all(isinstance(value, str) for value in values)


def _is_long(found: Conflict, field: FieldChoice) -> bool:
    return is_text(found, field) and len(found.sides) == 2 and any(_BREAK in text for text in field.values)


def _whole(found: Conflict, field: FieldChoice) -> Part:
    values = [getattr(side.document, field.info.name) for side in found.sides]
    joins = is_text(found, field) or all(_is_list(value) for value in values)
    before = field.ancestor if found.ancestor is not None else None
    return Part(field.info.name, field, field.info.label, before, field.values, joins)


def _is_list(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, str) for item in value)


# -- paragraphs ----------------------------------------------------------------------------


def _paragraphs(found: Conflict, field: FieldChoice) -> tuple[Part | Same, ...]:
    """The two texts aligned; paragraphs that differ become parts, with those of the ancestor between the same ones."""
    left, right = (text.split(_BREAK) for text in field.values)
    old = field.ancestor.split(_BREAK) if found.ancestor is not None else None
    place_of = _places(old or [], left)
    pieces: list[Part | Same] = []
    blocks = SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    several = sum(kind != "equal" for kind, *_ in blocks) > 1
    number = 0
    for kind, a, b, c, d in blocks:
        if kind == "equal":
            pieces.append(Same(_BREAK.join(left[a:b])))
            continue
        number += 1
        before = None if old is None else _BREAK.join(old[_after(place_of, a) : _upto(place_of, b, len(old))])
        label = f"{field.info.label} ({number})" if several else field.info.label
        sides = (_BREAK.join(left[a:b]), _BREAK.join(right[c:d]))
        without = frozenset(side for side, (start, stop) in enumerate(((a, b), (c, d))) if start == stop)
        pieces.append(Part(f"{field.info.name}:{number}", field, label, before, sides, True, without))
    return tuple(pieces)


def _places(old: list[str], new: list[str]) -> dict[int, int]:
    """Where paragraphs of a version stood in the ancestor."""
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return {b + step: a + step for a, b, size in matcher.get_matching_blocks() for step in range(size)}


def _after(places: Mapping[int, int], start: int) -> int:
    """The first paragraph of the ancestor behind what precedes `start`."""
    return max((at + 1 for place, at in places.items() if place < start), default=0)


def _upto(places: Mapping[int, int], stop: int, end: int) -> int:
    """The paragraph of the ancestor where what follows `stop` begins."""
    return min((at for place, at in places.items() if place >= stop), default=end)


# -- deciding ------------------------------------------------------------------------------


def text_of(part: Part, decision: Decision) -> str:
    """What a decision about a part makes of it, as text."""
    if isinstance(decision, tuple):
        return decision[0]
    if decision == BOTH:
        return _BREAK.join(text for text in part.sides if text)
    return part.sides[int(decision)]


def one_sided(sheet: Sheet, decided: Mapping[str, Decision]) -> dict[str, Decision]:
    """For every undecided part that only one side changed, that side."""
    return {part.key: part.one_sided for part in sheet.waiting(decided) if part.one_sided is not None}


def result(
    sheet: Sheet, decided: Mapping[str, Decision], typed: Mapping[str, Any]
) -> tuple[dict[str, int], dict[str, Any]]:
    """What `conflicts.merge` takes: chosen sides and own values by field. `typed` holds values of fields that were
    written anew as a whole. Raises `Refused` naming what nobody decided.
    """
    waiting = [part.label for part in sheet.waiting({**decided, **dict.fromkeys(typed, 0)})]
    if waiting:
        raise Refused(f"Not decided yet: {', '.join(waiting)}.", "Choose a version for each, or write it anew.")
    chosen: dict[str, int] = {}
    edited: dict[str, Any] = dict(typed)
    for field in {part.field.info.name: part.field for part in sheet.parts}.values():
        name = field.info.name
        if name in typed:
            continue
        if name in sheet.runs:
            edited[name] = _assembled(sheet.runs[name], decided)
            continue
        decision = decided[name]
        if isinstance(decision, int):
            chosen[name] = decision
        elif isinstance(decision, tuple):
            edited[name] = decision[0]
        else:
            edited[name] = _joined([getattr(side.document, name) for side in sheet.conflict.sides])
    return chosen, edited


def _assembled(pieces: Sequence[Part | Same], decided: Mapping[str, Decision]) -> str:
    texts: list[str] = []
    for piece in pieces:
        texts += [piece.text] if isinstance(piece, Same) else _stays(piece, decided[piece.key])
    return _BREAK.join(texts)


def _stays(part: Part, decision: Decision) -> list[str]:
    """The text of a decision, or nothing where the paragraph goes."""
    text = text_of(part, decision)
    gone = decision in part.without if isinstance(decision, int) else not text
    return [] if gone else [text]


def _joined(values: Sequence[Any]) -> Any:
    """Both texts, or every entry of both lists once."""
    if all(isinstance(value, str) for value in values):
        return _BREAK.join(value for value in values if value)
    return list(dict.fromkeys(item for value in msgspec.to_builtins(list(values)) for item in value))
