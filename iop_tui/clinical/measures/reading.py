"""Reading an instrument file and refusing one that cannot score right, with the place of the fault. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from iop_tui.clinical.measures.definition import (
    CLINIC,
    HIGHER,
    LOWER,
    MOST_ANSWERS,
    MOST_ITEMS,
    NEITHER,
    SHIPPED,
    Clause,
    Definition,
    Level,
    Score,
)
from iop_tui.kernel.errors import InputRejected
from iop_tui.kernel.text import clean

MOST_BYTES = 256 * 1024
_MOST_DOTS = 500
"""Full stops in one line of a TOML file: its reader takes the square of the steps of a dotted name."""
_HINT = "Correct the file and load it again; nothing was changed."


def broken(message: str, place: str = "") -> InputRejected:
    """The refusal of an instrument file."""
    where = f" ({place})" if place else ""
    return InputRejected(f"This instrument file cannot be used: {message}{where}.", _HINT, place=place)


def read(data: bytes, known: Mapping[str, Definition]) -> Definition:
    """A definition from a JSON or TOML file.

    A file with `extends` takes everything it does not say from a known instrument; `texts_of` in it gives the words
    of single items. Raises `InputRejected` naming the place.
    """
    try:
        value = _parsed(data)
        base = value.pop("extends", "")
        words = value.pop("texts_of", {})
        if base:
            if not isinstance(base, str) or base not in known:
                raise broken(f"it extends {clean(str(base))[:60]!r}, which is not known", "extends")
            value = {**msgspec.to_builtins(known[base]), **value}
        if words:
            value = _with_texts(value, words)
        return checked(_converted(_clean(value)))
    except RecursionError:
        raise broken("it is nested too deeply") from None


def _parsed(data: bytes) -> dict[str, Any]:
    if len(data) > MOST_BYTES:
        raise broken(f"it is larger than {MOST_BYTES // 1024} KiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise broken("it is not UTF-8 text") from None
    try:
        value = msgspec.json.decode(text) if text.lstrip().startswith("{") else _toml(text)
    except (msgspec.DecodeError, ValueError) as error:  # the latter also for a number of thousands of digits
        raise broken(f"it is neither JSON nor TOML: {clean(str(error))[:120]}") from None
    if not isinstance(value, dict):
        raise broken("it is not a table of settings")
    return value


def _toml(text: str) -> Any:
    if any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
        raise broken(f"a line has more than {_MOST_DOTS} full stops; put each item on lines of its own")
    return tomllib.loads(text)


def _with_texts(value: dict[str, Any], words: Any) -> dict[str, Any]:
    items = value.get("items") or []
    if not isinstance(words, dict) or not isinstance(items, list | tuple):
        raise broken("texts_of is a table of item id and text", "texts_of")
    ids = {str(item.get("id")) for item in items if isinstance(item, dict)}
    foreign = sorted(set(words) - ids)
    if foreign:
        raise broken(f"there is no item {foreign[0]!r}", "texts_of")
    told = [
        {**item, "text": words[str(item["id"])]} if isinstance(item, dict) and str(item.get("id")) in words else item
        for item in items
    ]
    return {**value, "items": told}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    if isinstance(value, dict):
        return {clean(str(name)): _clean(each) for name, each in value.items()}
    return value


def _converted(value: Any) -> Definition:
    try:
        return msgspec.convert(value, Definition, strict=True)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        raise broken(message, place.strip("`").removeprefix("$.")) from None


def checked(definition: Definition) -> Definition:
    """The definition itself when it can score. Raises `InputRejected` with the first fault and its place."""
    for message, place in faults(definition):
        raise broken(message, place)
    return definition


def faults(definition: Definition) -> Iterator[tuple[str, str]]:
    """Everything wrong with a definition: (what, where)."""
    yield from _general(definition)
    yield from _items(definition)
    ids = {item.id for item in definition.items}
    for score in definition.scores:
        yield from _score(definition, score, ids)
    scores = [score.id for score in definition.scores]
    yield from _doubled(scores, "scores")
    yield from _doubled([score.name for score in definition.scores], "scores")
    yield from _conditions(definition, ids, set(scores))
    yield from _changes(definition, set(scores))


def weaker(shipped: Definition, own: Definition) -> Iterator[tuple[str, str]]:
    """What a clinic's file of the same id would take away from who is at risk: (what, where)."""
    if shipped.protected and not own.protected:
        yield f"answers to {shipped.name} lie where only their author reads; it must say protected", "protected"
    if shipped.safety_item and own.safety_item != shipped.safety_item:
        yield f"{shipped.name} leads to the safety plan by item {shipped.safety_item!r}", "safety_item"
    kept = [(flag.id, flag.when) for flag in own.flags if flag.safety]
    if lost := sorted(flag.id for flag in shipped.flags if flag.safety and (flag.id, flag.when) not in kept):
        yield f"{shipped.name} leads to the safety plan by the flag {lost[0]!r}, on its condition", "flags"
    if _asking(shipped) and own.levels != shipped.levels:
        yield f"{shipped.name} has the level {_asking(shipped)[0].name!r}, which asks for an action", "levels"
    yield from _guarded(shipped, own)


def _asking(definition: Definition) -> list[Level]:
    return [level for level in definition.levels if level.safety or level.action]


def _guarded(shipped: Definition, own: Definition) -> Iterator[tuple[str, str]]:
    """Answers that lead to the safety plan keep their values, and are asked for whenever the shipped file asks."""
    clauses = [clause for flag in shipped.flags if flag.safety for clause in flag.when]
    clauses += [clause for level in _asking(shipped) for group in level.any for clause in group]
    guarded = {name for clause in clauses for name in clause.items} | {shipped.safety_item} - {""}
    for item in (item for item in shipped.items if item.id in guarded):
        same = [one for one in own.items if one.id == item.id]
        if not same or own.values(same[0]) != shipped.values(item):
            yield f"the answers to item {item.id!r} of {shipped.name} keep their values", f"items.{item.id}.answers"
    if any(guarded & set(skip.skip) for skip in own.skips if skip not in shipped.skips):
        yield f"items of {shipped.name} that lead to the safety plan are not left out", "skips"


def _general(definition: Definition) -> Iterator[tuple[str, str]]:
    if definition.texts not in (SHIPPED, CLINIC):
        yield f"texts is {SHIPPED!r} or {CLINIC!r}", "texts"
    if not definition.name.strip():
        yield "it has no name", "name"
    if not definition.licence.strip():
        yield "it does not say under which licence its words are used", "licence"
    if not definition.scores and not definition.levels:
        yield "it has neither scores nor levels", "scores"
    if definition.cadence_days is not None and not 1 <= definition.cadence_days <= 366:
        yield "the cadence is 1 to 366 days", "cadence_days"
    if len(definition.items) > MOST_ITEMS:
        yield f"it has more than {MOST_ITEMS} items", "items"


def _items(definition: Definition) -> Iterator[tuple[str, str]]:
    yield from _doubled([item.id for item in definition.items], "items")
    for item in definition.items:
        if item.answers not in definition.answers:
            yield f"there is no answer list {item.answers!r}", f"items.{item.id}.answers"
    for name, answers in definition.answers.items():
        values = [answer.value for answer in answers]
        if not 2 <= len(answers) <= MOST_ANSWERS:
            yield f"an answer list has 2 to {MOST_ANSWERS} answers", f"answers.{name}"
        if len(set(values)) != len(values):
            yield "two answers have the same value", f"answers.{name}"
        if any(not -1000 <= value <= 1000 for value in values):
            yield "an answer's value lies between -1000 and 1000", f"answers.{name}"
    if definition.safety_item and definition.safety_item not in {item.id for item in definition.items}:
        yield f"there is no item {definition.safety_item!r}", "safety_item"


def _doubled(names: Iterable[str], place: str) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield f"{name!r} occurs twice", place
        seen.add(name)


def _score(definition: Definition, score: Score, ids: set[str]) -> Iterator[tuple[str, str]]:
    place = f"scores.{score.id}"
    for name in (*score.items, *score.reverse):
        if name not in ids:
            yield f"there is no item {name!r}", place
    yield from _doubled(score.items, place)
    if set(score.reverse) - set(score.items):
        yield "an item is reversed that does not belong to the score", place
    if not score.items and definition.items:
        yield "it adds up no items", place
    if score.better not in (LOWER, HIGHER, NEITHER):
        yield f"better is {LOWER}, {HIGHER} or {NEITHER}", place
    if not 0 <= score.impute < max(len(score.items), 1):
        yield "impute is less than the number of its items", place
    if score.times <= 0 or score.high <= score.low:
        yield "its range or factor is not a positive one", place
    elif score.items and set(score.items) <= ids and _answers_known(definition, score):
        low, high = bounds(definition, score)
        if (low, high) != (score.low, score.high):
            yield f"it says {score.low:g} to {score.high:g}, its items give {low:g} to {high:g}", place
    yield from _bands(score, place)


def _answers_known(definition: Definition, score: Score) -> bool:
    return all(definition.answers.get(definition.item(name).answers) for name in score.items)


def bounds(definition: Definition, score: Score) -> tuple[float, float]:
    """The lowest and highest value the items of a score can give."""
    low = high = 0.0
    for name in score.items:
        values = definition.values(definition.item(name))
        low, high = low + min(values), high + max(values)
    share = score.times / (len(score.items) if score.mean else 1)
    return round(low * share, 6), round(high * share, 6)


def _bands(score: Score, place: str) -> Iterator[tuple[str, str]]:
    edges = [band.lowest for band in score.bands]
    if edges and (edges != sorted(set(edges)) or edges[0] != score.low or edges[-1] > score.high):
        yield "its bands begin at its lowest value and rise within its range", f"{place}.bands"
    if any(not band.name.strip() for band in score.bands):
        yield "a band has no name", f"{place}.bands"
    for cut in (score.positive_from, score.positive_below, *score.by_sex.values()):
        if cut is not None and not score.low <= cut <= score.high:
            yield "a cut-off lies outside its range", place


def _conditions(definition: Definition, ids: set[str], scores: set[str]) -> Iterator[tuple[str, str]]:
    order = {item.id: at for at, item in enumerate(definition.items)}
    for skip in definition.skips:
        yield from _clauses(skip.when, ids, set(), "skips")
        for name in skip.skip:
            if name not in ids:
                yield f"there is no item {name!r}", "skips"
            elif 0 not in definition.values(definition.item(name)):
                yield f"item {name!r} has no answer that counts 0, so it cannot be skipped", "skips"
        asked = [order[name] for clause in skip.when for name in clause.items if name in order]
        if asked and any(order.get(name, len(order)) <= max(asked) for name in skip.skip):
            yield "an item is skipped that was asked before", "skips"
    for flag in definition.flags:
        yield from _clauses(flag.when, ids, scores, f"flags.{flag.id}")
    for level in definition.levels:
        for group in level.any:
            yield from _clauses(group, ids, scores, f"levels.{level.name}")


def _clauses(
    clauses: Iterable[Clause], ids: set[str], scores: set[str], place: str
) -> Iterator[tuple[str, str]]:
    found = tuple(clauses)
    if not found:
        yield "a condition is empty", place
    for clause in found:
        if bool(clause.items) == bool(clause.score):
            yield "a condition is about items or about a score", place
        if clause.at_least is None and clause.at_most is None:
            yield "a condition says at_least or at_most", place
        for name in clause.items:
            if name not in ids:
                yield f"there is no item {name!r}", place
        if clause.score and clause.score not in scores:
            yield f"there is no score {clause.score!r}", place


def _changes(definition: Definition, scores: set[str]) -> Iterator[tuple[str, str]]:
    for change in definition.changes:
        place = f"changes.{change.rule}"
        if change.score not in scores:
            yield f"there is no score {change.score!r}", place
        needed, others = change.needed(), (change.percent, change.below, change.reaches)
        if needed is None and all(each is None for each in others):
            yield "it says neither points, percent, below nor reaches", place
        if needed is not None and not needed > 0:
            yield "it asks for no difference at all", place
        if change.percent is not None and not 0 < change.percent <= 100:
            yield "a percentage lies between 0 and 100", place
        if change.alpha is not None and not 0 <= change.alpha < 1:
            yield "alpha lies between 0 and 1", place
