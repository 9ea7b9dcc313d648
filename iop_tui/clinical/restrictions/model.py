"""A person's request that something is not disclosed to somebody, and what was decided about it.

45 CFR 164.522(a): the program must take the request and need not agree, with one exception: what the person paid for
in full is kept from their health plan, whenever they ask. No reason is asked for: nothing in the rule asks for one. How
a person wants to be reached (164.522(b)) stands in the directory entry as the safe contact.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity, Widget

THE_PERSON, GUARDIAN, REPRESENTATIVE = "the person", "guardian", "personal representative"
REQUESTERS = (THE_PERSON, GUARDIAN, REPRESENTATIVE)
SELF_PAID, NAMED = "health plan, paid in full", "a named recipient"
GROUNDS = (SELF_PAID, NAMED)
AGREED, REFUSED, ENDED = "agreed", "refused", "ended"
DECISIONS = (AGREED, REFUSED, ENDED)
IN_WRITING, BY_WORD, BY_PROGRAM = (
    "the person asked in writing", "the person agreed by word of mouth", "the program ended it and told the person",
)  # fmt: skip
ENDINGS = (IN_WRITING, BY_WORD, BY_PROGRAM)
SECTION, PAID_SECTION = "45 CFR 164.522(a)(1)", "45 CFR 164.522(a)(1)(vi)"
END_SECTION = "45 CFR 164.522(a)(2)"


class Restriction(Document, frozen=True, kw_only=True):
    """What was asked: who must not get it, of which time, and whether it was paid for in full."""

    ground: Annotated[
        str, F("Restricts", choices=GROUNDS, required=True, source=SECTION,
               help="What the person paid in full must be kept from the plan; anything else is decided.")
    ] = ""  # fmt: skip
    recipients: Annotated[
        tuple[str, ...], F("Not to be given to", required=True, search=False,
                           help="One name per line, with every name it goes by.")
    ] = ()  # fmt: skip
    what: Annotated[
        str, F("What, in the person's words", search=False, max_length=300, widget=Widget.LINE,
               help="No reasons: everybody who could disclose something reads this.")
    ] = ""  # fmt: skip
    covers_from: Annotated[date | None, F("Services from", help="Empty: without a beginning.")] = None
    covers_to: Annotated[date | None, F("Services to", help="Empty: without an end.")] = None
    paid_in_full: Annotated[bool | None, F("Paid in full, out of pocket", source=f"{PAID_SECTION}(B)")] = None
    paid_on: Annotated[date | None, F("Paid on")] = None
    requester: Annotated[str, F("Asked by", choices=REQUESTERS, required=True)] = THE_PERSON
    authority: Annotated[
        str, F("Authority", search=False, max_length=300, widget=Widget.LINE, help="Needed for representatives.",
               source="45 CFR 164.502(g)")
    ] = ""  # fmt: skip
    asked_on: Annotated[date | None, F("Asked on", required=True, source="45 CFR 164.522(a)(3)")] = None


class RestrictionDecision(Document, frozen=True, kw_only=True):
    """What was decided about a request, or how an agreed one ended, and when the person was told."""

    restriction: Annotated[str, F("Restriction", search=False, widget=Widget.HIDDEN)]
    decision: Annotated[str, F("Decision", choices=DECISIONS, required=True)]
    ending: Annotated[str, F("How it ended", choices=ENDINGS, source=END_SECTION)] = ""
    reason: Annotated[str, F("Reason", search=False, max_length=500)] = ""
    told_on: Annotated[date | None, F("Person told on")] = None
    decided_on: Annotated[date | None, F("Decided on", required=True)] = None


def _refuse(code: str, message: str, field: str, source: str) -> Finding:
    return Finding(Severity.REFUSE, code, message, field, source)


def restriction_rules(document: Restriction, context: RuleContext) -> tuple[Finding, ...]:
    """What was paid for is named; nobody asks in another one's name without authority; no day in the future."""
    found = []
    if document.asked_on is not None and document.asked_on > context.today:
        found.append(_refuse("future", "This day has not come yet.", "asked_on", SECTION))
    if document.requester in (GUARDIAN, REPRESENTATIVE) and not document.authority.strip():
        message = "Say by what authority they ask for this person."
        found.append(_refuse("authority", message, "authority", "45 CFR 164.502(g)"))
    if any(not any(sign.isalnum() for sign in name) for name in document.recipients):
        found.append(_refuse("recipients", "Name each recipient in words: signs alone match nobody.", "recipients",
                             SECTION))  # fmt: skip
    if document.covers_from and document.covers_to and document.covers_to < document.covers_from:
        found.append(_refuse("period", "The services end before they begin.", "covers_to", SECTION))
    if document.ground == SELF_PAID:
        found += _paid(document)
    return tuple(found)


def _paid(document: Restriction) -> list[Finding]:
    found = []
    if document.paid_in_full is not True:
        message = "Only what was paid for in full is kept from the plan without a decision. Else choose the other line."
        found.append(_refuse("paid_in_full", message, "paid_in_full", f"{PAID_SECTION}(B)"))
    if document.covers_from is None or document.covers_to is None:
        message = "Name the services that were paid for: from and to."
        found.append(_refuse("services", message, "covers_from", f"{PAID_SECTION}(B)"))
    return found


RESTRICTION: DocumentType[Restriction] = DocumentType(
    kind="restriction",
    label="Restriction request",
    struct=Restriction,
    compartment="DIR",
    title=lambda document: f"Restriction: {document.ground}",
    service_date=lambda document: document.asked_on,
    rules=restriction_rules,
    help="Whom the person asked us not to tell. Everybody who could disclose something sees it.",
)
DECISION: DocumentType[RestrictionDecision] = DocumentType(
    kind="restriction_decision",
    label="Decision on a restriction",
    struct=RestrictionDecision,
    compartment="DIR",
    title=lambda document: f"Restriction {document.decision}",
    service_date=lambda document: document.decided_on,
)
TYPES: tuple[DocumentType[Any], ...] = (RESTRICTION, DECISION)


# -- names ---------------------------------------------------------------------------------

_TITLES = frozenset({"dr", "mr", "mrs", "ms", "the", "of", "and", "inc", "llc", "ltd", "co", "company", "plan"})
_JOINED = 5
"""From so many letters on, names written with and without spaces count as one name."""


def _words(name: str) -> list[str]:
    found = re.findall(r"\w+", name.casefold())
    return [word for word in found if word not in _TITLES] or found


def same_name(one: str, other: str) -> bool:
    """Whether two names may mean the same recipient. In doubt yes: a release can wait, none can be taken back."""
    first, second = _words(one), _words(other)
    if not first or not second:
        return False
    if set(first) <= set(second) or set(second) <= set(first):
        return True
    short, long = sorted(("".join(first), "".join(second)), key=len)
    return len(short) >= _JOINED and short in long
