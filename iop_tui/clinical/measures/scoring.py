"""From answers to scores: skips, reversed items, sums, missing answers, flags, levels. Pure.

Answers are a mapping of item id to value; an item that was not answered is absent. A value no answer list has is a
fault, never rounded or clipped. A stated total is kept as received; where the items say otherwise both stay visible.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from iop_tui.clinical.measures.definition import Clause, Definition, Item, Level, Score
from iop_tui.kernel.errors import InputRejected

INVALID_SHARE = 0.2
"""More than a fifth of the asked items missing: the whole administration is invalid."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One score of an administration; `value` is None where items are missing."""

    score: Score
    value: float | None
    band: str = ""
    positive: bool | None = None
    imputed: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """What an administration came to."""

    scores: tuple[Scored, ...]
    missing: tuple[str, ...]
    skipped: tuple[str, ...]
    flags: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    level: str = ""
    safety: bool = False
    needs_action: bool = False
    invalid: bool = False
    values: Mapping[str, float] = field(default_factory=dict)

    def value(self, identifier: str = "total") -> float | None:
        """A score's value by its id."""
        return self.values.get(identifier)


def out_of_range(definition: Definition, item: Item, value: object) -> InputRejected:
    """The refusal of an answer the item does not have."""
    allowed = definition.values(item)
    return InputRejected(
        f"{definition.name}, item {item.id}: {value!r} is not one of its answers.",
        f"Its answers are {', '.join(str(each) for each in allowed)}.",
        place=f"$.items.{item.id}",
    )


def check(definition: Definition, answers: Mapping[str, int]) -> None:
    """Raises `InputRejected` for an answer to no item, or a value the item does not have."""
    for identifier, value in answers.items():
        try:
            item = definition.item(identifier)
        except KeyError:
            raise InputRejected(f"{definition.name} has no item {identifier!r}.", place="$.items") from None
        if type(value) is not int or value not in definition.values(item):
            raise out_of_range(definition, item, value)


def skipped(definition: Definition, answers: Mapping[str, int]) -> tuple[str, ...]:
    """Items that are not asked and were not answered, in order, as far as the answers so far decide it."""
    away: set[str] = set()
    before = -1
    while len(away) != before:
        before, counted = len(away), {**dict.fromkeys(away, 0), **answers}
        for rule in definition.skips:
            if _all(rule.when, counted, {}):
                away.update(rule.skip)
    return tuple(item.id for item in definition.items if item.id in away and item.id not in answers)


def _all(clauses: Iterable[Clause], answers: Mapping[str, float], scores: Mapping[str, float]) -> bool:
    return all(_holds(clause, answers, scores) for clause in clauses)


def _holds(clause: Clause, answers: Mapping[str, float], scores: Mapping[str, float]) -> bool:
    number = _number(clause, answers, scores)
    if number is None:
        return False
    return (clause.at_least is None or number >= clause.at_least) and (
        clause.at_most is None or number <= clause.at_most
    )


def _number(clause: Clause, answers: Mapping[str, float], scores: Mapping[str, float]) -> float | None:
    if clause.score:
        return scores.get(clause.score)
    given = [answers[name] for name in clause.items if name in answers]
    if clause.counting is not None:
        return sum(1 for value in given if value >= clause.counting)
    return sum(given) if len(given) == len(clause.items) else None


def score(definition: Definition, answers: Mapping[str, int], *, sex: str = "") -> Result:
    """The result of an administration. Raises `InputRejected` for an answer outside its range."""
    check(definition, answers)
    away = skipped(definition, answers)
    counted: dict[str, float] = {**answers, **dict.fromkeys(away, 0)}
    missing = tuple(item.id for item in definition.items if item.id not in counted)
    needed = {name for each in definition.scores for name in each.items} or {item.id for item in definition.items}
    lacking = [name for name in missing if name in needed]
    invalid = bool(needed) and len(lacking) / len(needed) > INVALID_SHARE
    scores = tuple(_scored(definition, each, counted, sex, invalid) for each in definition.scores)
    values = {each.score.id: each.value for each in scores if each.value is not None}
    flags = [flag for flag in definition.flags if _all(flag.when, counted, values)]
    level = _level(definition, counted, values)
    safety = any(flag.safety for flag in flags) or bool(level and level.safety)
    return Result(
        scores, missing, away, tuple(flag.id for flag in flags), tuple(flag.message for flag in flags),
        level.name if level else "", safety, bool(level and level.action), invalid, values,
    )  # fmt: skip


def _level(definition: Definition, answers: Mapping[str, float], values: Mapping[str, float]) -> Level | None:
    return next(
        (level for level in definition.levels if any(_all(group, answers, values) for group in level.any)), None
    )


def _scored(definition: Definition, what: Score, answers: Mapping[str, float], sex: str, invalid: bool) -> Scored:
    present = {name: _reversed(definition, what, name, answers[name]) for name in what.items if name in answers}
    missing = len(what.items) - len(present)
    if not present or invalid or missing > what.impute:
        return Scored(what, None)
    total = sum(present.values())
    if missing:
        total += missing * total / len(present)
    value = total * what.times / (len(what.items) if what.mean else 1)
    value = round(value, 2)
    return Scored(what, value, what.band(value), what.positive(value, sex), missing)


def _reversed(definition: Definition, what: Score, name: str, value: float) -> float:
    if name not in what.reverse:
        return value
    allowed = definition.values(definition.item(name))
    return min(allowed) + max(allowed) - value
