"""What the directory keeps of a person. FHIR R4 Patient is the nearest standard."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from iop_tui.kernel.declare import Document, DocumentType, F, Finding, PersonLine, RuleContext, Severity, Widget
from iop_tui.kernel.text import initials


class Person(Document, frozen=True, kw_only=True):
    """A client of the program, as the directory knows them."""

    given: Annotated[str, F("Given name", required=True, max_length=120, widget=Widget.LINE)] = ""
    family: Annotated[str, F("Family name", required=True, max_length=120, widget=Widget.LINE)] = ""
    preferred_name: Annotated[
        str, F("Preferred name", help="What the person wants to be called.", max_length=120, widget=Widget.LINE)
    ] = ""
    birth_date: Annotated[date | None, F("Birth date", help="As year-month-day.")] = None
    sex_at_birth: Annotated[
        str, F("Sex at birth", choices=("female", "male", "other", "unknown"), source="US Core Birth Sex")
    ] = ""
    pronouns: Annotated[str, F("Pronouns", max_length=40, widget=Widget.LINE)] = ""
    phone: Annotated[str, F("Phone", max_length=60, widget=Widget.LINE)] = ""
    email: Annotated[str, F("E-mail", max_length=200, widget=Widget.LINE)] = ""
    address: Annotated[str, F("Address", widget=Widget.TEXT, max_length=500)] = ""
    safe_contact: Annotated[
        str,
        F(
            "Safe contact",
            help="How and when this person may be reached without risk. Shown first, before any phone number.",
            source="45 CFR 164.522(b)",
            max_length=300,
            widget=Widget.LINE,
        ),
    ] = ""
    language: Annotated[str, F("Language", max_length=60, widget=Widget.LINE)] = ""
    deceased_date: Annotated[date | None, F("Deceased on")] = None


def full_name(person: Person) -> str:
    """Given and family name as lists show them; the preferred name in quotes where it differs."""
    called = f' "{person.preferred_name}"' if person.preferred_name and person.preferred_name != person.given else ""
    return f"{person.given}{called} {person.family}".strip() or "(no name)"


def line(person: Person) -> PersonLine:
    """The caseload line."""
    return PersonLine(
        full_name(person),
        f"{person.family} {person.given}".casefold().strip(),
        initials(f"{person.given} {person.family}"),
        person.birth_date,
        person.pronouns,
        person.safe_contact,
        person.deceased_date is not None,
    )


def rules(person: Person, context: RuleContext) -> tuple[Finding, ...]:
    """Dates that cannot be."""
    found = []
    if person.birth_date is not None and person.birth_date > context.today:
        found.append(Finding(Severity.REFUSE, "birth_in_future", "The birth date lies in the future.", "birth_date"))
    if person.deceased_date and person.birth_date and person.deceased_date < person.birth_date:
        found.append(
            Finding(
                Severity.REFUSE,
                "deceased_before_birth",
                "The date of death lies before the birth date.",
                "deceased_date",
            )
        )
    if not person.safe_contact:
        found.append(
            Finding(
                Severity.REMIND,
                "safe_contact",
                "Ask how this person may be reached safely.",
                "safe_contact",
                "45 CFR 164.522(b)",
            )
        )
    return tuple(found)


PERSON: DocumentType[Person] = DocumentType(
    kind="person",
    label="Person",
    struct=Person,
    compartment="DIR",
    title=full_name,
    rules=rules,
    person_line=line,
    help="Who the person is and how they may be reached. Read by their clinicians and the front desk.",
)
SAME, DIFFERENT = "same person", "not the same person"


class IdentityDecision(Document, frozen=True, kw_only=True):
    """What somebody found out about two entries that looked like one person. It merges nothing: both charts stay."""

    other: Annotated[str, F("The other entry", search=False)]
    decision: Annotated[str, F("Decision", choices=(SAME, DIFFERENT), required=True)]
    how: Annotated[str, F("How it was found out", required=True, max_length=300, widget=Widget.LINE, search=False)]


IDENTITY_DECISION: DocumentType[IdentityDecision] = DocumentType(
    kind="identity_decision",
    label="Entered twice",
    struct=IdentityDecision,
    compartment="DIR",
    title=lambda document: document.decision,
    help="Whether two entries are one person. Lies with one of the two and is in no export.",
)
TYPES: tuple[DocumentType[Any], ...] = (PERSON, IDENTITY_DECISION)
