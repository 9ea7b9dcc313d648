"""Whether two scores of one person differ by more than chance: the rules an instrument states, each named. Pure.

Reliable change index after Jacobson & Truax 1991: 1.96 * sd * sqrt(2 * (1 - alpha)) points.
"""

from __future__ import annotations

from dataclasses import dataclass

from iop_tui.clinical.measures.definition import HIGHER, LOWER, NEITHER, ChangeRule, Definition, Score

BETTER, WORSE = "better", "worse"


@dataclass(frozen=True, slots=True)
class Change:
    """A rule that fired between two scores, in which direction, with its threshold and source in words."""

    rule: str
    direction: str
    detail: str
    source: str


def direction(score: Score, before: float, after: float) -> str:
    """Better, worse, or empty for equal scores and scores without a better side."""
    if before == after or score.better == NEITHER:
        return ""
    return BETTER if (after < before) == (score.better == LOWER) else WORSE


def changes(definition: Definition, identifier: str, before: float, after: float) -> tuple[Change, ...]:
    """Every rule of the instrument that fired between two values of a score, in the instrument's order."""
    score = definition.score(identifier)
    if score is None:
        return ()
    way = direction(score, before, after)
    found = [_fired(rule, score, before, after, way) for rule in definition.changes if rule.score == identifier]
    return tuple(each for each in found if each is not None)


def marked(definition: Definition, identifier: str, before: float, after: float) -> Change | None:
    """The change a chart marks: by the instrument's first rule in points, or None where it did not fire."""
    score = definition.score(identifier)
    main = next((each for each in definition.changes if each.score == identifier and each.needed()), None)
    if score is None or main is None:
        return None
    return _fired(main, score, before, after, direction(score, before, after))


def _fired(rule: ChangeRule, score: Score, before: float, after: float, way: str) -> Change | None:
    needed = rule.needed()
    if needed is not None:
        if abs(after - before) < needed:
            return None
        return Change(rule.rule, way or "changed", f"{needed:.3g} or more points", rule.source)
    if way != BETTER:
        return None
    if rule.percent is not None and before and abs(before - after) / abs(before) * 100 >= rule.percent:
        return Change(rule.rule, way, f"{rule.percent:g} % or more", rule.source)
    if rule.below is not None and before >= rule.below > after:
        return Change(rule.rule, way, f"below {rule.below:g}", rule.source)
    if rule.reaches is not None and score.better == HIGHER and before < rule.reaches <= after:
        return Change(rule.rule, way, f"{rule.reaches:g} or more", rule.source)
    return None
