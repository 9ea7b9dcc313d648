"""From a scored form to the document that is kept, and back to the answers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from iop_tui.clinical.measures.change import changes
from iop_tui.clinical.measures.definition import CLINIC, Definition, Item
from iop_tui.clinical.measures.model import (
    INVALID,
    ITEM_MISSING,
    OUT_OF_RANGE,
    TOTALS_DISAGREE,
    Measure,
    MeasureItem,
    ScaleScore,
)
from iop_tui.clinical.measures.scoring import Result, Scored, score


def measure(
    definition: Definition,
    answers: Mapping[str, int],
    *,
    taken: date,
    mode: str = "",
    by: str = "",
    sex: str = "",
    stated: float | None = None,
    last: Measure | None = None,
    safety_action: str = "",
) -> Measure:
    """The document of one administration; `stated` is a total somebody else wrote down, `last` the one before.

    Raises `InputRejected` for an answer outside its range.
    """
    result = score(definition, answers, sex=sex)
    total = definition.total
    main = next((each for each in result.scores if total is not None and each.score.id == total.id), None)
    further = tuple(_scale(each) for each in result.scores if each is not main)
    value = main.value if main else None
    safety = definition.safety_item in answers and answers[definition.safety_item] > 0
    return Measure(
        instrument=definition.name, taken=taken,
        score=value if value is not None else _trusted(definition, stated),
        stated=stated, computed=value,
        lowest=total.low if total else None, highest=total.high if total else None,
        band=main.band if main else "", positive=main.positive if main else None, level=result.level, scales=further,
        items=tuple(_item(definition, item, answers, result) for item in definition.items),
        safety_item=safety if definition.safety_item in answers else None, safety_action=safety_action,
        changes=_changes(definition, result, last), flags=result.messages, mode=mode, administered_by=by,
        form=definition.id, form_version=definition.version, code=total.code if total else "",
        warnings=_warnings(definition, result, stated, value),
    )  # fmt: skip


def _trusted(definition: Definition, stated: float | None) -> float | None:
    """A stated total where there are no items to add up: only one the scale can have."""
    total = definition.total
    return stated if total is not None and stated is not None and total.low <= stated <= total.high else None


def _item(definition: Definition, item: Item, answers: Mapping[str, int], result: Result) -> MeasureItem:
    value = answers.get(item.id)
    asked, words = _wording(definition, item, value) if definition.texts == CLINIC else ("", "")
    return MeasureItem(
        id=item.id, code=item.code, text=item.label or ("" if asked else item.text), value=value,
        skipped=item.id in result.skipped, asked=asked, words=words,
    )  # fmt: skip


def _wording(definition: Definition, item: Item, value: int | None) -> tuple[str, str]:
    """The question and the words of the answer, which the program itself does not know; empty without a question."""
    chosen = next((each.text for each in definition.answers[item.answers] if each.value == value), "")
    return (item.text, chosen) if item.text else ("", "")


def _scale(each: Scored) -> ScaleScore:
    return ScaleScore(
        name=each.score.name, value=each.value, lowest=each.score.low, highest=each.score.high, band=each.band,
        positive=each.positive,
    )  # fmt: skip


def _warnings(definition: Definition, result: Result, stated: float | None, value: float | None) -> tuple[str, ...]:
    scored = {name for each in definition.scores for name in each.items} or {item.id for item in definition.items}
    found = [INVALID] if result.invalid else [ITEM_MISSING] if scored & set(result.missing) else []
    total = definition.total
    if total is not None and stated is not None and not total.low <= stated <= total.high:
        found.append(OUT_OF_RANGE)
    if stated is not None and value is not None and stated != value:
        found.append(TOTALS_DISAGREE)
    return tuple(found)


def _changes(definition: Definition, result: Result, last: Measure | None) -> tuple[str, ...]:
    """Which rules fired against the administration before, each with its threshold and source."""
    if last is None:
        return ()
    before = {last.instrument: last.score} | {each.name: each.value for each in last.scales}
    said = []
    for each in result.scores:
        old = before.get(each.score.name)
        if old is None or each.value is None:
            continue
        said += [
            f"{each.score.name}: {fired.rule}, {fired.direction} ({fired.detail}; {fired.source})"
            for fired in changes(definition, each.score.id, old, each.value)
        ]
    return tuple(said)


def answers_of(document: Measure) -> dict[str, int]:
    """The answers of a kept administration by item id; empty for one that came without ids."""
    return {item.id: item.value for item in document.items if item.id and item.value is not None}
