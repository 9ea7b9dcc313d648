"""Scores of questionnaires: what was stated, what the items add up to, and which of them to trust.

A stated total is kept as received; items are summed again. When the two differ both stay visible,
the document is flagged and the sum of the items is the score (real files state 34 on a 27-point scale).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from iop_tui.kernel.declare import Document, DocumentType, F, Fact, Finding, RuleContext, Severity

TOTALS_DISAGREE = "totals disagree"
OUT_OF_RANGE = "out of range"
ITEM_MISSING = "items missing"
ANSWERS_DISAGREE = "answers disagree"
FOREIGN_ANSWER = "answer from another questionnaire"
NOT_A_NUMBER = "total is not a number"

_WARNINGS = {
    TOTALS_DISAGREE: "The stated total is not the sum of the items.",
    OUT_OF_RANGE: "A value lies outside the questionnaire's range and is not scored.",
    ITEM_MISSING: "Items are missing, so there is no sum.",
    ANSWERS_DISAGREE: "A code and a number of the same answer contradict each other; the number was used.",
    FOREIGN_ANSWER: "An answer comes from another questionnaire's list and is not scored.",
    NOT_A_NUMBER: "The stated total is not a number and is not scored.",
}


class MeasureItem(Document, frozen=True, kw_only=True):
    """The answer to one item; `value` is None when it could not be scored."""

    code: Annotated[str, F("LOINC")] = ""
    text: Annotated[str, F("Item")] = ""
    value: Annotated[int | None, F("Answer")] = None


class Measure(Document, frozen=True, kw_only=True):
    """One administration of an instrument."""

    instrument: Annotated[str, F("Instrument", required=True, help="For example PHQ-9")] = ""
    taken: Annotated[date | None, F("Date", required=True)] = None
    score: Annotated[float | None, F("Score", unit="{score}", help="The total that charts and rules use")] = None
    stated: Annotated[float | None, F("Total as received", unit="{score}")] = None
    computed: Annotated[int | None, F("Sum of the items", unit="{score}")] = None
    lowest: Annotated[int | None, F("Lowest possible", search=False)] = None
    highest: Annotated[int | None, F("Highest possible", search=False)] = None
    band: Annotated[str, F("Band", help="An aid, not a diagnosis")] = ""
    items: Annotated[tuple[MeasureItem, ...], F("Items", search=False)] = ()
    safety_item: Annotated[bool | None, F("Safety item positive", help="PHQ-9 item 9 answered above 0")] = None
    code: Annotated[str, F("LOINC", source="LOINC, Regenstrief Institute")] = ""
    status: Annotated[str, F("Status")] = ""
    warnings: Annotated[tuple[str, ...], F("Warnings")] = ()


def _rules(document: Measure, context: RuleContext) -> tuple[Finding, ...]:
    del context
    found = [
        Finding(Severity.WARN, each.replace(" ", "_"), _WARNINGS.get(each, f"{each.capitalize()}."), "warnings")
        for each in document.warnings
    ]
    if document.safety_item:
        found.append(Finding(
            Severity.WARN, "safety_item", "The item on death or self-harm is answered above 0: ask and record.",
            "safety_item", "PHQ-9 item 9, LOINC 44260-8",
        ))
    return tuple(found)


def _facts(document: Measure) -> tuple[Fact, ...]:
    """The score under the instrument's name, for trends."""
    if document.taken is None or document.score is None or not document.instrument:
        return ()
    return (Fact(document.instrument, document.taken, document.score),)


def _title(document: Measure) -> str:
    shown = "no score" if document.score is None else f"{document.score:g}"
    return f"{document.instrument} {shown}".strip()


TYPES: tuple[DocumentType[Any], ...] = (
    DocumentType(
        kind="measure", label="Measure", struct=Measure, compartment="IND",
        title=_title, service_date=lambda document: document.taken, rules=_rules, facts=_facts,
        help="A questionnaire's score, with its items where they are known.",
    ),
)
