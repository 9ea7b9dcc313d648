"""Naloxone in the household: given, where it is, who can use it, until when it keeps. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from iop_tui.clinical.toxicology.words import dates
from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity, Widget

FORMS = ("nasal spray 4 mg", "nasal spray 8 mg", "injection", "other", "declined")
DECLINED = FORMS[-1]
SOON = timedelta(days=60)


class Naloxone(Document, frozen=True, kw_only=True):
    """One supply, or that it was offered and declined."""

    given: Annotated[date | None, F("Day", required=True)] = None
    form: Annotated[str, F("What", choices=FORMS, required=True)] = ""
    doses: Annotated[int | None, F("Doses")] = None
    expires: Annotated[date | None, F("Keeps until")] = None
    kept: Annotated[str, F("Where it is", max_length=200, widget=Widget.LINE)] = ""
    trained: Annotated[tuple[str, ...], F("Who can use it", help="One per line.")] = ()
    replaces: Annotated[str, F("Why a new one", max_length=200, widget=Widget.LINE)] = ""
    remarks: Annotated[str, F("Remarks", max_length=1000)] = ""


def rules(document: Naloxone, context: RuleContext) -> tuple[Finding, ...]:
    """A supply has a place, somebody who can use it and a date."""
    found = list(dates(document.given, "given", context))
    if document.form and document.form != DECLINED:
        for name, said, message in (
            ("kept", document.kept.strip(), "Say where the naloxone is."),
            ("trained", any(who.strip() for who in document.trained), "Say who can use it."),
            ("expires", document.expires, "Say until when it keeps."),
        ):
            if not said:
                found.append(Finding(Severity.REFUSE, name, message, name, "SAMHSA Overdose Prevention Toolkit"))
    if document.doses is not None and not 1 <= document.doses <= 50:
        found.append(Finding(Severity.REFUSE, "doses", "A supply has 1 to 50 doses.", "doses"))
    if document.expires is not None and document.expires < context.today:
        found.append(Finding(Severity.WARN, "expired", "This naloxone is past its date.", "expires"))
    elif document.expires is not None and document.expires < context.today + SOON:
        found.append(Finding(Severity.REMIND, "expires", "This naloxone runs out within 60 days.", "expires"))
    return tuple(found)


NALOXONE: DocumentType[Naloxone] = DocumentType(
    kind="naloxone",
    label="Naloxone",
    struct=Naloxone,
    compartment="MED",
    title=lambda document: f"Naloxone: {document.form or 'not said'}",
    service_date=lambda document: document.given,
    rules=rules,
    help="Asked of everybody who uses opioids or stimulants, and of who lives with them.",
)
