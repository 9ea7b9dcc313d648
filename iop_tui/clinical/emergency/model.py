"""What breaking the glass leaves behind: a notice for the care team and the privacy officer, and the review. Pure.

Program rule CR-17; 45 CFR 164.312(a)(2)(ii) (emergency access), 164.308(a)(1)(ii)(D) (review of system activity).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, TypeAlias

import msgspec

from iop_tui.kernel.clock import local_date, to_ms
from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity, Widget

SOURCE = "program rule CR-17"
CATEGORIES = ("imminent harm", "medical emergency", "clinician unavailable")
VERDICTS = ("justified", "not justified", "unclear")
LEAST_REASON = 20
WINDOW_MINUTES, LONGEST_MINUTES = 60, 240
REVIEW_DAYS = 2
"""Business days until the review is due; after that its author opens no other card."""
TOLD = ("the treatment team", "the privacy officer")

_Minutes: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=LONGEST_MINUTES)]


class EmergencyAccess(Document, frozen=True, kw_only=True):
    """That somebody opened a crisis card without being of the treatment team: who, when, why, for how long."""

    use: Annotated[str, F("Use", search=False, widget=Widget.HIDDEN)] = ""
    card: Annotated[str, F("Card", search=False, widget=Widget.HIDDEN)] = ""
    user: Annotated[str, F("User", search=False, widget=Widget.HIDDEN)] = ""
    name: Annotated[str, F("Opened by", required=True, max_length=200, widget=Widget.LINE)] = ""
    role: Annotated[str, F("As", max_length=200, widget=Widget.LINE)] = ""
    at: Annotated[datetime | None, F("Opened at (UTC)", required=True)] = None
    minutes: Annotated[_Minutes, F("For minutes", required=True, source=SOURCE)] = WINDOW_MINUTES
    category: Annotated[str, F("Ground", choices=CATEGORIES, required=True, source=SOURCE)] = ""
    reason: Annotated[
        str, F("Why", required=True, widget=Widget.TEXT, max_length=2000, help="At least 20 characters.", source=SOURCE)
    ] = ""
    opened: Annotated[str, F("What", max_length=200, widget=Widget.LINE)] = "crisis card: safety plans"
    told: Annotated[tuple[str, ...], F("Who is told")] = TOLD


def access_rules(document: EmergencyAccess, context: RuleContext) -> tuple[Finding, ...]:
    """A ground and a reason that somebody else can judge."""
    del context
    found = []
    if document.category not in CATEGORIES:
        message = f"Say on which ground: {', '.join(CATEGORIES)}."
        found.append(Finding(Severity.REFUSE, "category", message, "category", SOURCE))
    if len(" ".join(document.reason.split())) < LEAST_REASON:
        message = "Say in at least 20 characters why the card is needed now."
        found.append(Finding(Severity.REFUSE, "reason", message, "reason", SOURCE))
    return tuple(found)


class EmergencyReview(Document, frozen=True, kw_only=True):
    """What the privacy officer found when they looked at an emergency access."""

    use: Annotated[str, F("Use", search=False, widget=Widget.HIDDEN)] = ""
    name: Annotated[str, F("Who opened it", max_length=200, widget=Widget.LINE)] = ""
    verdict: Annotated[str, F("Verdict", choices=VERDICTS, required=True, source=SOURCE)] = ""
    words: Annotated[str, F("Why", required=True, widget=Widget.TEXT, max_length=4000)] = ""
    reviewer: Annotated[str, F("Reviewed by", max_length=200, widget=Widget.LINE)] = ""
    reviewed_on: Annotated[date | None, F("Reviewed on", required=True)] = None


def review_rules(document: EmergencyReview, context: RuleContext) -> tuple[Finding, ...]:
    """A verdict with its reasons."""
    del context
    found = []
    if document.verdict not in VERDICTS:
        found.append(Finding(Severity.REFUSE, "verdict", f"The verdict: {', '.join(VERDICTS)}.", "verdict", SOURCE))
    if not document.words.strip():
        found.append(Finding(Severity.REFUSE, "words", "Say why, in a sentence or two.", "words", SOURCE))
    return tuple(found)


EMERGENCY_ACCESS: DocumentType[EmergencyAccess] = DocumentType(
    kind="emergency_access", label="Emergency access", struct=EmergencyAccess, compartment="CRISIS",
    title=lambda document: f"Crisis card opened by {document.name}: {document.category}",
    service_date=lambda document: local_date(to_ms(document.at)) if document.at else None,
    rules=access_rules,
    help="Written by the program when somebody breaks the glass.",
)  # fmt: skip
EMERGENCY_REVIEW: DocumentType[EmergencyReview] = DocumentType(
    kind="emergency_review", label="Review of an emergency access", struct=EmergencyReview, compartment="CRISIS",
    title=lambda document: f"Emergency access by {document.name}: {document.verdict}",
    service_date=lambda document: document.reviewed_on,
    rules=review_rules,
    help="By the privacy officer, within two business days.",
)  # fmt: skip
TYPES: tuple[DocumentType[Any], ...] = (EMERGENCY_ACCESS, EMERGENCY_REVIEW)
