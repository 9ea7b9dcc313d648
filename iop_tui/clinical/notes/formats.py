"""SOAP, DAP, BIRP and GIRP are ways to read a note, not ways to write one: the same atoms under other headings.

Which heading an atom stands under is a table; every atom stands under exactly one in each format, so changing the
format loses and repeats nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from iop_tui.kernel.declare import Document, FieldInfo, fields_of, is_empty, show_value

ATOMS = (
    "objectives", "presentation", "observation", "intervention", "response", "progress", "risk", "risk_action", "plan",
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
    "SOAP": (
        Heading("S", "Subjective", ("presentation",)),
        Heading("O", "Objective", ("observation", "risk", "risk_action")),
        Heading("A", "Assessment", ("response", "progress", "objectives")),
        Heading("P", "Plan", ("intervention", "plan")),
    ),
    "DAP": (
        Heading("D", "Data", ("presentation", "observation", "intervention")),
        Heading("A", "Assessment", ("response", "progress", "risk", "risk_action", "objectives")),
        Heading("P", "Plan", ("plan",)),
    ),
    "BIRP": (
        Heading("B", "Behavior", ("presentation", "observation", "risk", "risk_action")),
        Heading("I", "Intervention", ("intervention", "objectives")),
        Heading("R", "Response", ("response", "progress")),
        Heading("P", "Plan", ("plan",)),
    ),
    "GIRP": (
        Heading("G", "Goal", ("objectives", "presentation", "observation")),
        Heading("I", "Intervention", ("intervention",)),
        Heading("R", "Response", ("response", "progress", "risk", "risk_action")),
        Heading("P", "Plan", ("plan",)),
    ),
}


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
            value = tuple(f"{item} {words.get(item, '')}".strip() for item in value)
        found.append((infos[name].label, show_value(value)))
    return tuple(found)
