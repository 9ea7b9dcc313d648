"""Questionnaires that were given: what was answered, what it adds up to, what was stated, which of them to trust.

A stated total is kept as received; items are summed again. When the two differ both stay visible,
the document is flagged and the sum of the items is the score (real files state 34 on a 27-point scale).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from iop_tui.clinical.measures.instruments import score_named
from iop_tui.kernel.declare import Document, DocumentType, F, Fact, Finding, RuleContext, Severity, Widget

TOTALS_DISAGREE = "totals disagree"
OUT_OF_RANGE = "out of range"
ITEM_MISSING = "items missing"
ANSWERS_DISAGREE = "answers disagree"
FOREIGN_ANSWER = "answer from another questionnaire"
NOT_A_NUMBER = "total is not a number"
INVALID = "too many items missing"

_WARNINGS = {
    TOTALS_DISAGREE: "The stated total is not the sum of the items.",
    OUT_OF_RANGE: "A value lies outside the questionnaire's range and is not scored.",
    ITEM_MISSING: "Items are missing, so there is no sum.",
    ANSWERS_DISAGREE: "A code and a number of the same answer contradict each other; the number was used.",
    FOREIGN_ANSWER: "An answer comes from another questionnaire's list and is not scored.",
    NOT_A_NUMBER: "The stated total is not a number and is not scored.",
    INVALID: "More than a fifth of the items are missing: this administration is not valid.",
}
MODES = ("client on this screen", "read to the client", "by video", "on paper", "received")
_TRIAGE = "Columbia Protocol triage"


class MeasureItem(Document, frozen=True, kw_only=True):
    """The answer to one item; `value` is None when it could not be scored or was not given.

    `asked` and `words` are the clinic's own wording as the client read it: its file may be another one tomorrow.
    """

    id: Annotated[str, F("Number")] = ""
    code: Annotated[str, F("LOINC")] = ""
    text: Annotated[str, F("Item")] = ""
    value: Annotated[int | None, F("Answer")] = None
    skipped: Annotated[bool, F("Not asked")] = False
    asked: Annotated[str, F("Question as asked")] = ""
    words: Annotated[str, F("Answer as read")] = ""

    def shown(self) -> str:
        """`3 Sleep: 2`, `3 How do you sleep? Badly (2)`, or why there is no number."""
        name = " ".join(part for part in (self.id, self.asked or self.text) if part) or self.code
        number = "not asked" if self.skipped else "no answer" if self.value is None else str(self.value)
        answer = f"{self.words} ({number})" if self.words else number
        return f"{name} {answer}" if name.endswith(("?", ":", ".", "!")) else f"{name}: {answer}"


class ScaleScore(Document, frozen=True, kw_only=True):
    """One score of an administration beside others: a subscale, or a score without a sum over all."""

    name: Annotated[str, F("Score")] = ""
    value: Annotated[float | None, F("Value")] = None
    lowest: Annotated[float | None, F("Lowest possible")] = None
    highest: Annotated[float | None, F("Highest possible")] = None
    band: Annotated[str, F("Band")] = ""
    positive: Annotated[bool | None, F("Positive")] = None

    def shown(self) -> str:
        """`BAM Risk: 14 of 0-24, positive`."""
        value = "no score" if self.value is None else f"{self.value:g}"
        reach = f" of {self.lowest:g}-{self.highest:g}" if self.lowest is not None and self.highest is not None else ""
        rest = [self.band, "positive" if self.positive else ""]
        return ", ".join([f"{self.name}: {value}{reach}", *(part for part in rest if part)])


class Measure(Document, frozen=True, kw_only=True):
    """One administration of an instrument."""

    instrument: Annotated[str, F("Instrument", required=True, help="For example PHQ-9")] = ""
    taken: Annotated[date | None, F("Date", required=True)] = None
    score: Annotated[float | None, F("Score", unit="{score}", help="The total that charts and rules use")] = None
    stated: Annotated[float | None, F("Total as received", unit="{score}")] = None
    computed: Annotated[float | None, F("Sum of the items", unit="{score}")] = None
    lowest: Annotated[float | None, F("Lowest possible", search=False)] = None
    highest: Annotated[float | None, F("Highest possible", search=False)] = None
    band: Annotated[str, F("Band", help="An aid, not a diagnosis")] = ""
    positive: Annotated[bool | None, F("Cut-off reached")] = None
    level: Annotated[str, F("Level", source=_TRIAGE)] = ""
    scales: Annotated[tuple[ScaleScore, ...], F("Further scores", search=False)] = ()
    items: Annotated[tuple[MeasureItem, ...], F("Items", search=False)] = ()
    safety_item: Annotated[bool | None, F("Safety item positive", help="PHQ-9 item 9 answered above 0")] = None
    safety_action: Annotated[
        str, F("Safety action", widget=Widget.TEXT, help="What was done about it, before this can be complete.")
    ] = ""
    changes: Annotated[tuple[str, ...], F("Change since the last time", search=False)] = ()
    flags: Annotated[tuple[str, ...], F("To look at", search=False)] = ()
    mode: Annotated[str, F("How", choices=MODES)] = ""
    administered_by: Annotated[str, F("Administered by", max_length=120, widget=Widget.LINE)] = ""
    form: Annotated[str, F("Form", search=False, widget=Widget.HIDDEN)] = ""
    form_version: Annotated[str, F("Version of the form", search=False)] = ""
    code: Annotated[str, F("LOINC", source="LOINC, Regenstrief Institute")] = ""
    status: Annotated[str, F("Status")] = ""
    warnings: Annotated[tuple[str, ...], F("Warnings")] = ()


def _rules(document: Measure, context: RuleContext) -> tuple[Finding, ...]:
    found = [
        Finding(Severity.WARN, each.replace(" ", "_"), _WARNINGS.get(each, f"{each.capitalize()}."), "warnings")
        for each in document.warnings
    ]
    if document.taken is not None and document.taken > context.today:
        found.append(Finding(Severity.REFUSE, "future", "The date lies in the future.", "taken"))
    born = context.facts.get("birth_date") if document.taken is not None else None
    if document.taken is not None and isinstance(born, date) and document.taken < born:
        found.append(Finding(Severity.REFUSE, "before_birth", "The date lies before the person's birth.", "taken"))
    found += _possible(document)
    if document.level == "high" and not document.safety_action.strip():
        message = "A high level is complete only with the safety action that was taken."
        found.append(Finding(Severity.REFUSE, "safety_action", message, "safety_action", _TRIAGE))
    if document.safety_item:
        found.append(Finding(
            Severity.WARN, "safety_item", "The item on death or self-harm is answered above 0: ask and record.",
            "safety_item", "PHQ-9 item 9, LOINC 44260-8",
        ))  # fmt: skip
    return tuple(found)


def _possible(document: Measure) -> list[Finding]:
    """A score that its scale cannot have, or that is not what its own items add up to, is no score."""
    known = score_named(document.instrument)
    low = document.lowest if document.lowest is not None or known is None else known.low
    high = document.highest if document.highest is not None or known is None else known.high
    found = []
    if document.score is not None and low is not None and high is not None and not low <= document.score <= high:
        message = f"{document.instrument} goes from {low:g} to {high:g}: {document.score:g} cannot be."
        found.append(Finding(Severity.REFUSE, "out_of_range", message, "score"))
    if document.computed is not None and document.score is not None and document.score != document.computed:
        message = f"The items add up to {document.computed:g}, the score says {document.score:g}."
        found.append(Finding(Severity.REFUSE, "not_the_sum", message, "score"))
    return found


def _facts(document: Measure) -> tuple[Fact, ...]:
    """The score under the instrument's name and every further one under its own, for trends."""
    if document.taken is None or not document.instrument:
        return ()
    named = {document.instrument: document.score} | {each.name: each.value for each in document.scales}
    return tuple(Fact(name, document.taken, value) for name, value in named.items() if name and value is not None)


def _title(document: Measure) -> str:
    if document.level:
        return f"{document.instrument} {document.level}"
    if document.score is None and document.scales:
        words = (f"{each.name.removeprefix(document.instrument).strip()} {each.value:g}"
                 for each in document.scales if each.value is not None)  # fmt: skip
        return f"{document.instrument} {', '.join(words)}".strip()
    shown = "no score" if document.score is None else f"{document.score:g}"
    return f"{document.instrument} {shown}".strip()


class InstrumentFile(Document, frozen=True, kw_only=True):
    """A questionnaire the clinic loaded: the file as it came, read again whenever it is used."""

    instrument: Annotated[str, F("Id", max_length=32, widget=Widget.LINE)] = ""
    name: Annotated[str, F("Name", max_length=200, widget=Widget.LINE)] = ""
    licence: Annotated[str, F("Licence", max_length=2000)] = ""
    text: Annotated[str, F("File", search=False, widget=Widget.TEXT)] = ""
    loaded: Annotated[date | None, F("Loaded on")] = None
    retired: Annotated[bool, F("No longer offered")] = False


def _same(value: Any) -> Any:
    """An older document: what came later has a value that says nothing."""
    return value


MEASURE: DocumentType[Measure] = DocumentType(
    kind="measure", label="Measure", struct=Measure, compartment="IND", version=3,
    upgrades=dict.fromkeys((1, 2), _same), title=_title, service_date=lambda document: document.taken, rules=_rules,
    facts=_facts,
    help="A questionnaire's score, with its items where they are known.",
)  # fmt: skip
PROTECTED_MEASURE: DocumentType[Measure] = DocumentType(
    kind="protected_measure", label="Protected measure", struct=Measure, compartment="SAFE", version=2,
    upgrades={1: _same}, title=lambda document: "Protected measure",
    service_date=lambda document: document.taken, rules=_rules,
    help="Kept apart: only you can read it.",
)  # fmt: skip
INSTRUMENT_FILE: DocumentType[InstrumentFile] = DocumentType(
    kind="instrument_file", label="Instrument", struct=InstrumentFile, compartment="PROG",
    title=lambda document: document.name, service_date=lambda document: document.loaded,
    help="A questionnaire of the clinic's own: texts or thresholds that the program may not ship.",
)  # fmt: skip
TYPES: tuple[DocumentType[Any], ...] = (MEASURE, PROTECTED_MEASURE, INSTRUMENT_FILE)
