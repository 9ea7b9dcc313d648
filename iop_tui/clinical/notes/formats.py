"""SOAP, DAP, BIRP and GIRP are ways to read a note, not ways to write one: the same atoms under other headings.

Which heading an atom stands under is a table; every atom stands under exactly one in each format, so changing the
format loses and repeats nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from iop_tui.clinical.notes.links import number_of
from iop_tui.kernel.declare import Document, FieldInfo, fields_of, is_empty, show_value

SCORES = (
    "phq9", "gad7", "bam_use", "bam_risk", "bam_protective", "pcl5", "drug_screen", "medication_changes",
)  # fmt: skip
_LINKS = ("objectives", "off_plan_reason")
_RISK = ("risk", "risk_present", "risk_action", "supervisor_notice", "partner_violence")
_DONE = ("methods", "intervention")
_NEXT = ("plan", "next_appointment")
ATOMS = (
    *_LINKS, "presentation", "mental_status", *_DONE, "response", "progress", *_RISK, *SCORES, *_NEXT,
)  # fmt: skip
"""The fields of a note that formats arrange. A note may lack some; everything else is the note's header."""


@dataclass(frozen=True, slots=True)
class Heading:
    """One part of a format and the atoms below it, in order."""

    letter: str
    label: str
    atoms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what a note says under it: (label, text) pairs, empty ones left out."""

    letter: str
    label: str
    entries: tuple[tuple[str, str], ...]


FORMATS: dict[str, tuple[Heading, ...]] = {
    "BIRP": (
        Heading("B", "Behavior", ("presentation", "mental_status", *SCORES)),
        Heading("I", "Intervention", (*_LINKS, *_DONE)),
        Heading("R", "Response", ("response", "progress", *_RISK)),
        Heading("P", "Plan", _NEXT),
    ),
    "DAP": (
        Heading("D", "Data", (*_LINKS, "presentation", "mental_status", *_DONE, *SCORES)),
        Heading("A", "Assessment", ("response", "progress", *_RISK)),
        Heading("P", "Plan", _NEXT),
    ),
    "GIRP": (
        Heading("G", "Goal", (*_LINKS, "presentation", "mental_status", *SCORES)),
        Heading("I", "Intervention", _DONE),
        Heading("R", "Response", ("response", "progress", *_RISK)),
        Heading("P", "Plan", _NEXT),
    ),
    "SOAP": (
        Heading("S", "Subjective", ("presentation",)),
        Heading("O", "Objective", ("mental_status", *SCORES, *_RISK)),
        Heading("A", "Assessment", ("response", "progress", *_LINKS)),
        Heading("P", "Plan", (*_DONE, *_NEXT)),
    ),
}
DEFAULT = "BIRP"


def following(form: str) -> str:
    """The format after this one, from the last to the first again."""
    names = list(FORMATS)
    return names[(names.index(form) + 1) % len(names)] if form in FORMATS else DEFAULT


def sections(note: Document, form: str, objectives: Mapping[str, str] | None = None) -> tuple[Section, ...]:
    """A note's atoms under the headings of a format. `objectives` puts an objective's words beside its number."""
    infos = {info.name: info for info in fields_of(type(note))}
    words = objectives or {}
    return tuple(
        Section(heading.letter, heading.label, _entries(note, heading, infos, words)) for heading in FORMATS[form]
    )


def _entries(
    note: Document, heading: Heading, infos: Mapping[str, FieldInfo], words: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    found = []
    for name in heading.atoms:
        value = getattr(note, name, None)
        if is_empty(value) or name not in infos:
            continue
        if name == "objectives" and isinstance(value, tuple):
            value = tuple(f"{number_of(item)} {words.get(number_of(item), '')}".strip() for item in value)
        found.append((infos[name].label, show_value(value)))
    return tuple(found)
