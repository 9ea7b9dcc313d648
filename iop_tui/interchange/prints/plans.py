"""Plans a person carries, reduced to what helps at night; and as words for a text message.

Everything is the client's own words in the order of the plan. Who else is in treatment, where the plan comes from and
why it was made stands on none of them: such paper is found by others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from iop_tui.clinical.relapse.api import RelapsePlan
from iop_tui.clinical.safety.api import SafetyPlan
from iop_tui.interchange.prints.layout import Block, Form
from iop_tui.interchange.prints.turning import steadied
from iop_tui.kernel.declare import Document

LIFELINE = "988"
TEXT_LENGTH = 480
"""Three text messages of 160 characters."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A plan reduced to what helps at night: signs, steps in order, people with numbers, what to do if it happens."""

    title: str
    reasons: str
    signs: tuple[str, ...]
    steps: tuple[str, ...]
    people: tuple[tuple[str, str], ...]
    emergency: tuple[str, ...]
    blocks: tuple[Block, ...]


def carried(document: Document | None) -> Carried | None:
    """The plan behind a document, or None for documents nobody carries."""
    if isinstance(document, RelapsePlan):
        return _relapse(document)
    return _safety(document) if isinstance(document, SafetyPlan) else None


def some(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(text.strip() for text in texts if text.strip())


def _list(form: Form, label: str, items: Iterable[str]) -> list[Block]:
    found = some(items)
    return [Block(form, label, found)] if found else []


def _relapse(plan: RelapsePlan) -> Carried:
    steps = some(
        f"{step.action}{', ' + step.where if step.where else ''}{f' ({step.minutes} min)' if step.minutes else ''}"
        for step in plan.steps
    )
    people = tuple((person.name, person.phone) for person in plan.supports if person.name and person.phone)
    signs = some(sign.text for sign in plan.signs)
    lapse = some(step.shown() for step in plan.lapse_plan)
    warning = ("After days without, the old amount can kill: never use alone.",) if plan.tolerance_told else ()
    naloxone = (f"Naloxone: {plan.naloxone}",) if plan.naloxone.strip() else ()
    blocks = [
        *_list(Form.TEXT, "Why", [plan.reasons]),
        *_list(Form.LIST, "What sets it off", (trigger.text for trigger in plan.triggers)),
        *_list(Form.LIST, "Early signs", signs),
        *_list(Form.STEPS, "What I do, in this order", steps),
        *_list(Form.LIST, "Whom I call", (f"{name}  {phone}" for name, phone in people)),
        *_list(Form.LIST, "If it happens", (*lapse, *warning, *naloxone)),
        *_list(Form.LIST, "What goes on", (item.shown() for item in plan.aftercare)),
        *_list(Form.LINE, "Crisis line, day and night", [LIFELINE]),
    ]
    return Carried("My plan", plan.reasons, signs, steps, people, (*lapse, *warning, *naloxone), tuple(blocks))


def _safety(plan: SafetyPlan) -> Carried:
    """Step 6 says what was agreed, never who holds what: that part is worth looking for."""
    people = [(helper.name, helper.phone) for helper in plan.helpers]
    people += [(agency.name or agency.kind, agency.phone) for agency in plan.agencies]
    numbers = tuple((name, phone) for name, phone in people if name and phone)
    places = some(", ".join(part for part in (item.name, item.phone) if part) for item in plan.distractions)
    steps = (*some(plan.coping), *places)
    blocks = [
        *_list(Form.LIST, "Signs that it begins", plan.warning_signs),
        *_list(Form.STEPS, "What I do by myself", plan.coping),
        *_list(Form.LIST, "Where I go, whom I meet", places),
        *_list(Form.LIST, "Whom I call", (f"{name}  {phone}" for name, phone in numbers)),
        *_list(Form.LIST, "Making it safer", (item.action for item in plan.means)),
        *_list(Form.TEXT, "Worth living for", [plan.worth_living]),
        *_list(Form.LINE, "Crisis line, day and night", [LIFELINE]),
    ]
    return Carried("My safety plan", plan.worth_living, some(plan.warning_signs), steps, numbers, (), tuple(blocks))


def text_message(plan: Carried) -> str:
    """The plan in at most three text messages: what to do, whom to call. Neutral to whoever reads over a shoulder."""
    steps = [f"{number} {step}" for number, step in enumerate(plan.steps, 1)]
    calls = [f"{name} {phone}" for name, phone in plan.people]
    while True:
        text = steadied(". ".join((*steps, f"Call: {'; '.join((*calls, LIFELINE))}")))
        if len(text) <= TEXT_LENGTH or (len(steps) <= 1 and not calls):
            return text[:TEXT_LENGTH]
        if len(steps) > 1:
            steps.pop()
        else:
            calls.pop()
