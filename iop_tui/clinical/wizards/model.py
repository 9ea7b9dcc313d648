"""A guide as data, and the document that remembers how far one came.

A guide is a list of steps; a step says something, asks fields, may refuse and may have an effect. Which steps follow
depends on the answers so far. The state is a declared document in the compartment of what the guide is about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any

from iop_tui.kernel.declare import Document, DocumentType, F, FieldInfo, Widget

LINE, TEXT, CHOICE, YES_NO, DATE, SEVERAL, NUMBER = "line", "text", "choice", "yes or no", "date", "several", "number"
OPEN, FINISHED, GIVEN_UP = "open", "finished", "given up"
YES, NO = "yes", "no"
_TYPES: dict[str, Any] = {
    LINE: str, TEXT: str, CHOICE: str, YES_NO: bool | None, DATE: date | None, SEVERAL: tuple[str, ...],
    NUMBER: int | None,
}  # fmt: skip

Answers = Mapping[str, str]
"""Field name → answer as text; names are unique within a guide."""
Facts = Mapping[str, Any]
"""What the program knows: looked up once before the guide begins and whenever it is resumed."""


class Given(Document, frozen=True, kw_only=True):
    """One answer."""

    step: Annotated[str, F("Step", search=False)]
    name: Annotated[str, F("Question", search=False)]
    value: Annotated[str, F("Answer")] = ""


class WizardState(Document, frozen=True, kw_only=True):
    """How far a guide came: answers, steps that are done, what was done."""

    guide: Annotated[str, F("Guide", search=False)] = ""
    subject: Annotated[str, F("About", search=False, widget=Widget.HIDDEN)] = ""
    begun: Annotated[date | None, F("Begun on")] = None
    answers: Annotated[tuple[Given, ...], F("Answers")] = ()
    done: Annotated[tuple[str, ...], F("Steps done", search=False)] = ()
    outcome: Annotated[tuple[str, ...], F("What was done")] = ()
    status: Annotated[str, F("Status", choices=(OPEN, FINISHED, GIVEN_UP))] = OPEN

    def given(self) -> dict[str, str]:
        """The answers by name."""
        return {item.name: item.value for item in self.answers}



@dataclass(frozen=True, slots=True)
class Ask:
    """One question of a step. `choices` may depend on answers and facts: only what is lawful is offered."""

    name: str
    label: str
    kind: str = LINE
    choices: tuple[str, ...] | Callable[[Answers, Facts], tuple[str, ...]] = ()
    help: str = ""
    required: bool = True
    source: str = ""

    def options(self, answers: Answers, facts: Facts) -> tuple[str, ...]:
        """The allowed values of a choice."""
        return self.choices(answers, facts) if callable(self.choices) else self.choices

    def info(self, answers: Answers, facts: Facts, order: int) -> FieldInfo:
        """The question as forms show fields."""
        widget = {LINE: Widget.LINE, TEXT: Widget.TEXT}.get(self.kind, Widget.AUTO)
        return FieldInfo(
            self.name, self.label, self.help, _TYPES[self.kind], self.required, self.options(answers, facts), "",
            self.source, widget, False, order,
        )  # fmt: skip


def _always(_answers: Answers, _facts: Facts) -> bool:
    return True


def _nothing(_answers: Answers, _facts: Facts) -> tuple[str, str] | None:
    return None


Says = str | Callable[[Answers, Facts], str]


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `refuses` gives (rule, sentence) where the answers may not be; `effect` is done when it is answered."""

    id: str
    title: str
    says: Says = ""
    asks: tuple[Ask, ...] = ()
    when: Callable[[Answers, Facts], bool] = _always
    refuses: Callable[[Answers, Facts], tuple[str, str] | None] = _nothing
    effect: bool = False

    def words(self, answers: Answers, facts: Facts) -> str:
        """What the step says."""
        return self.says(answers, facts) if callable(self.says) else self.says


@dataclass(frozen=True, slots=True)
class Guide:
    """A guided sequence: what it is about (`person` or `couple`), which rule it follows, its steps."""

    id: str
    title: str
    about: str
    source: str
    help: str
    steps: tuple[Step, ...] = field(default_factory=tuple)

    def step(self, identifier: str) -> Step:
        """A step by its id. Raises `KeyError`."""
        return {step.id: step for step in self.steps}[identifier]


WIZARD_STATE: DocumentType[WizardState] = DocumentType(
    kind="wizard_state", label="Guide", struct=WizardState, compartment="IND",
    title=lambda d: f"Guide: {d.guide}, {d.status}", service_date=lambda d: d.begun,
    help="A guided sequence and how far it came.",
)
TYPES: tuple[DocumentType[Any], ...] = (WIZARD_STATE,)
