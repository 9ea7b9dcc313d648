"""Where a guide stands and what an answer changes. Pure: the same answers and facts always lead to the same step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from iop_tui.clinical.wizards.model import (
    CHOICE,
    DATE,
    FINISHED,
    NO,
    NUMBER,
    SEVERAL,
    YES,
    YES_NO,
    Answers,
    Ask,
    Facts,
    Given,
    Guide,
    Step,
    WizardState,
)
from iop_tui.kernel.errors import DocumentInvalid, RuleRefused
from iop_tui.kernel.text import clean


def path(guide: Guide, state: WizardState, facts: Facts) -> list[Step]:
    """The steps that apply with the answers so far, in order."""
    given = state.given()
    return [step for step in guide.steps if step.when(given, facts)]


def current(guide: Guide, state: WizardState, facts: Facts) -> Step | None:
    """The first step that applies and is not done; None at the end."""
    return next((step for step in path(guide, state, facts) if step.id not in state.done), None)


def values(step: Step, state: WizardState) -> dict[str, Any]:
    """What a form of this step shows: the answers given before, as the form's values."""
    given = state.given()
    return {ask.name: _value(ask, given[ask.name]) for ask in step.asks if ask.name in given}


def _value(ask: Ask, text: str) -> Any:
    if ask.kind == YES_NO:
        return {YES: True, NO: False}.get(text)
    if ask.kind == SEVERAL:
        return [part for part in text.split("\n") if part]
    if ask.kind == NUMBER:
        return int(text) if text else None
    return text or None if ask.kind == DATE else text


def as_text(value: Any) -> str:
    """An answer as it is stored."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, list | tuple):
        return "\n".join(clean(str(item)) for item in value)
    if isinstance(value, date):
        return value.isoformat()
    return clean(str(value))


def answered(
    guide: Guide, state: WizardState, facts: Facts, step: Step, given: Mapping[str, Any]
) -> WizardState:
    """The state after a step was answered; answers of steps that no longer apply go.

    Raises `DocumentInvalid` for a missing or unknown answer, `RuleRefused` where the step refuses.
    """
    known = state.given()
    fresh = {ask.name: as_text(given.get(ask.name)) for ask in step.asks}
    for ask in step.asks:
        _check(ask, fresh[ask.name], {**known, **fresh}, facts)
    refused = step.refuses({**known, **fresh}, facts)
    if refused is not None:
        raise RuleRefused(refused[0], refused[1])
    others = tuple(item for item in state.answers if item.name not in fresh)
    answers = (*others, *(Given(step=step.id, name=name, value=value) for name, value in fresh.items()))
    kept = msgspec.structs.replace(state, answers=answers, done=(*(s for s in state.done if s != step.id), step.id))
    return _pruned(guide, kept, facts)


def _check(ask: Ask, text: str, answers: Answers, facts: Facts) -> None:
    place = f"$.{ask.name}"
    if ask.required and not text.strip():
        raise DocumentInvalid(f"{ask.label} is missing.", place=place)
    if ask.kind == CHOICE and text and text not in ask.options(answers, facts):
        raise DocumentInvalid(f"{ask.label} must be one of: {', '.join(ask.options(answers, facts))}.", place=place)
    try:
        if ask.kind == DATE and text:
            date.fromisoformat(text)
        if ask.kind == NUMBER and text:
            int(text)
    except ValueError:
        raise DocumentInvalid(f"{ask.label} cannot be read.", place=place) from None


def _pruned(guide: Guide, state: WizardState, facts: Facts) -> WizardState:
    """Without what no longer applies: a changed answer may have closed a branch."""
    applies = {step.id for step in path(guide, state, facts)}
    return msgspec.structs.replace(
        state,
        answers=tuple(item for item in state.answers if item.step in applies),
        done=tuple(identifier for identifier in state.done if identifier in applies),
    )


def back(guide: Guide, state: WizardState, facts: Facts) -> WizardState:
    """One step back: the last step that was done and had no effect is open again, with its answers kept."""
    steps = {step.id: step for step in path(guide, state, facts)}
    for identifier in reversed(state.done):
        if identifier in steps and not steps[identifier].effect:
            return msgspec.structs.replace(state, done=tuple(item for item in state.done if item != identifier))
        break
    return state


def concluded(guide: Guide, state: WizardState, facts: Facts) -> WizardState:
    """Marked as finished where no step is left."""
    if current(guide, state, facts) is not None:
        return state
    return msgspec.structs.replace(state, status=FINISHED)
