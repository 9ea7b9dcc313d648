"""Going through the medications with the client: what the list says, what is taken, what is decided. Pure.

Joint Commission NPSG.03.06.01 (maintain and communicate accurate medication information). Medications for opioid and
alcohol use disorder are recognised by their names and named as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from iop_tui.clinical.medications.model import Medication
from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity, Widget

SOURCE = "NPSG.03.06.01"
SOURCES = ("client", "bottles seen", "pharmacy", "prescriber", "state monitoring program", "family")
DECISIONS = ("continues", "changed", "stopped", "new", "to be clarified")
CONTINUES, CHANGED, STOPPED, NEW, CLARIFY = DECISIONS
_OPIOID = (
    "methadone", "buprenorphine", "suboxone", "subutex", "sublocade", "zubsolv", "brixadi", "naltrexone", "vivitrol",
)  # fmt: skip
_ALCOHOL = ("naltrexone", "vivitrol", "acamprosate", "campral", "disulfiram", "antabuse")
_AGONISTS = frozenset(_OPIOID) - {"naltrexone", "vivitrol"}
_WORD = re.compile(r"[a-z]{3,}")
_COMMON = frozenset((
    "tab", "tablet", "tablets", "oral", "sublingual", "film", "capsule", "daily", "extended", "release", "injection",
    "solution", "the", "and", "for", "twice", "hcl", "hydrochloride",
))  # fmt: skip


def words_of(text: str) -> tuple[str, ...]:
    """The words of a medication's name that tell it from others, in order."""
    return tuple(word for word in _WORD.findall(text.casefold()) if word not in _COMMON)


def use_disorder(text: str) -> str:
    """`opioid use disorder`, `alcohol use disorder`, both, or empty: what a medication is known to be given for."""
    words = set(words_of(text))
    found = [name for name, known in (("opioid", _OPIOID), ("alcohol", _ALCOHOL)) if words & set(known)]
    return f"{' or '.join(found)} use disorder" if found else ""


class ReviewLine(Document, frozen=True, kw_only=True):
    """One medication in a review: on the list, taken, and what was decided."""

    medication: Annotated[str, F("Medication", max_length=300, widget=Widget.LINE)] = ""
    dose: Annotated[
        str, F("As taken", max_length=200, widget=Widget.LINE, help="Dose and times as the client says.")
    ] = ""
    listed: Annotated[bool, F("On the list")] = False
    taken: Annotated[bool | None, F("Taken")] = None
    decision: Annotated[str, F("Decided", choices=DECISIONS)] = ""
    note: Annotated[str, F("Note", max_length=500)] = ""

    def shown(self) -> str:
        """`Naltrexone 50 mg: continues`."""
        return ", ".join(part for part in (self.medication, self.dose, self.decision, self.note) if part)


class MedicationReview(Document, frozen=True, kw_only=True):
    """A reconciliation: every line of the list and everything that is taken, each with a decision."""

    on: Annotated[date | None, F("Day", required=True)] = None
    sources: Annotated[tuple[str, ...], F("Known from", choices=SOURCES, required=True, source=SOURCE)] = ()
    lines: Annotated[tuple[ReviewLine, ...], F("Medications", required=True, source=SOURCE)] = ()
    allergies: Annotated[
        str, F("Allergies", required=True, max_length=1000, help="Asked again: what was said, or “none known”.")
    ] = ""
    missed: Annotated[
        str, F("Missed doses", max_length=500, help="Of medication for opioid or alcohol use disorder.")
    ] = ""
    told: Annotated[
        str, F("Prescriber told", max_length=500, help="Needed where something is to be clarified.")
    ] = ""


def rules(document: MedicationReview, context: RuleContext) -> tuple[Finding, ...]:
    """Every line decided; what a stopped agonist means; what has to be clarified with whom."""
    found = []
    if document.on and document.on > context.today:
        found.append(Finding(Severity.REFUSE, "future", "The date lies in the future.", "on"))
    for line in document.lines:
        if not line.medication.strip() or not line.decision:
            message = "Every line has a medication and a decision."
            found.append(Finding(Severity.REFUSE, "undecided", message, "lines", SOURCE))
        if line.decision == STOPPED and set(words_of(line.medication)) & _AGONISTS:
            message = f"{line.medication} stopped: tolerance falls within days. Naloxone, and the relapse plan."
            found.append(Finding(Severity.WARN, "tolerance", message, "lines", "SAMHSA TIP 63"))
    if any(line.decision == CLARIFY for line in document.lines) and not document.told.strip():
        message = "Say who was told about what is to be clarified."
        found.append(Finding(Severity.REFUSE, "told", message, "told", SOURCE))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class MedicationLine:
    """A medication as it is known now: from the list, as the last review decided."""

    name: str
    dose: str
    status: str
    since: date | None
    given_for: str
    reviewed: date | None = None


def current(listed: Iterable[Medication], reviews: Iterable[MedicationReview]) -> list[MedicationLine]:
    """The list after every review, oldest first applied; stopped ones stay visible with their status."""
    found = {_key(each.text): _of(each) for each in listed}
    for review in reviews:
        for line in review.lines:
            if line.medication.strip():
                found[_key(line.medication)] = _after(found.get(_key(line.medication)), line, review.on)
    order = {"active": 0, "to be clarified": 1}
    return sorted(found.values(), key=lambda line: (order.get(line.status, 2), line.name.casefold()))


def begun(known: Iterable[MedicationLine], on: date, allergies: Iterable[str] = ()) -> MedicationReview:
    """A review with everything that is known to be taken filled in: each line waits for a decision."""
    lines = tuple(
        ReviewLine(medication=line.name, dose=line.dose, listed=True)
        for line in known if line.status in ("active", "to be clarified")
    )
    return MedicationReview(on=on, lines=lines, allergies=", ".join(allergies))


def _key(text: str) -> str:
    """Medications are one when their first telling word is: the ingredient or the brand."""
    words = words_of(text)
    return words[0] if words else text.casefold().strip()


def _of(each: Medication) -> MedicationLine:
    status = "active" if each.status in ("", "active", "intended") else each.status
    return MedicationLine(each.text, "; ".join(each.dosage), status, each.started, use_disorder(each.text))


def _after(before: MedicationLine | None, line: ReviewLine, on: date | None) -> MedicationLine:
    status = {STOPPED: "stopped", CLARIFY: "to be clarified", "": "to be clarified"}.get(line.decision, "active")
    since = before.since if before is not None else on
    return MedicationLine(line.medication, line.dose or (before.dose if before else ""), status, since,
                          use_disorder(line.medication), on)  # fmt: skip


MEDICATION_REVIEW: DocumentType[MedicationReview] = DocumentType(
    kind="medication_review",
    label="Medication review",
    struct=MedicationReview,
    compartment="MED",
    title=lambda document: f"Medication review, {len(document.lines)} medications",
    service_date=lambda document: document.on,
    rules=rules,
    help="What is on the list, what is taken, what is decided. The list follows the last review.",
)
TYPES: tuple[DocumentType[Any], ...] = (MEDICATION_REVIEW,)
