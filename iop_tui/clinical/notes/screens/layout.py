"""Which rows a progress note shows and in which order: head, then the atoms under the headings of a format, then plan.

Nested answers (telehealth block, mental status) stand in the form as flat rows, `telehealth/location`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from iop_tui.clinical.notes.formats import FORMATS, SCORES
from iop_tui.clinical.notes.mental import DESCRIBED, MentalStatus
from iop_tui.clinical.notes.model import PROGRESS_NOTE
from iop_tui.clinical.notes.telehealth import VIRTUAL, Telehealth
from iop_tui.kernel.declare import Document, FieldInfo, fields_of

NESTED: dict[str, type[Document]] = {"telehealth": Telehealth, "mental_status": MentalStatus}
SUMMARY = "mental_status/summary"
ASKED = ("telehealth/present", "telehealth/private")
"""Asked in every virtual session: never folded away."""
IF_RISK = ("risk_present", "risk_action", "supervisor_notice")
READ_BACK = ("risk", "partner_violence", SUMMARY)
"""Answers by one digit that weigh much: the dialog before the signature says them in words."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that fold into one line."""

    name: str
    label: str
    rows: tuple[str, ...]


SESSION = Group("session", "Session", (
    "service_date", "start", "stop", "session_type", "modality", "service_code", "location", "participants",
    "others_present",
))  # fmt: skip
TELEHEALTH = Group("telehealth", "Telehealth", tuple(
    f"telehealth/{name}" for name in ("identity", "location", "state", "callback", "consent_on_file", "problems")
))  # fmt: skip
SCORE_ROWS = Group("scores", "Scores, medication", SCORES)
GROUPS = (SESSION, TELEHEALTH, SCORE_ROWS)


def fields() -> tuple[FieldInfo, ...]:
    """The rows of the form: the declared fields, nested ones flat."""
    found: list[FieldInfo] = []
    for info in PROGRESS_NOTE.fields():
        inner = NESTED.get(info.name)
        found += [replace(each, name=f"{info.name}/{each.name}") for each in fields_of(inner)] if inner else [info]
    return tuple(found)


def flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a note (plain builtins) as values of the rows."""
    found = {name: value for name, value in values.items() if name not in NESTED}
    for outer, struct in NESTED.items():
        blank = msgspec.to_builtins(struct())
        given = values.get(outer)
        inner = {**blank, **given} if isinstance(given, Mapping) else blank
        found |= {f"{outer}/{name}": inner[name] for name in blank}
    return found


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the rows as values of a note; a block without any answer is None."""
    found = {name: value for name, value in values.items() if "/" not in name}
    for outer, struct in NESTED.items():
        blank = msgspec.to_builtins(struct())
        inner = {name: values.get(f"{outer}/{name}", blank[name]) for name in blank}
        found[outer] = inner if inner != blank else None
    return found


def wanted(name: str, values: Mapping[str, Any], unfolded: frozenset[str]) -> bool:
    """Whether a row is shown, by what is answered so far."""
    for group in GROUPS:
        if name in group.rows:
            return group.name in unfolded and shows(group, values)
    if name in ASKED:
        return values.get("modality") in VIRTUAL
    if name in IF_RISK:
        return values.get("risk") == "present" or bool(values.get(name))
    if name.startswith("mental_status/") and name != SUMMARY:
        return values.get(SUMMARY) == DESCRIBED or bool(values.get(name))
    if name == "off_plan_reason":
        return not values.get("objectives") or bool(values.get(name))
    return True


def shows(group: Group, values: Mapping[str, Any]) -> bool:
    """Whether a group's line is there at all: telehealth only where the session was virtual."""
    return group is not TELEHEALTH or values.get("modality") in VIRTUAL


def order(form: str) -> Iterator[tuple[str, str]]:
    """(kind, name) from top to bottom: `group`, `heading` or `row`."""
    yield from _group(SESSION)
    yield from _group(TELEHEALTH)
    yield from (("row", name) for name in ASKED)
    for heading in FORMATS[form]:
        yield "heading", heading.label
        yield from _atoms(heading.atoms)


def _group(group: Group) -> Iterator[tuple[str, str]]:
    yield "group", group.name
    yield from (("row", name) for name in group.rows)


def _atoms(atoms: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for atom in atoms:
        if atom == SCORES[0]:
            yield from _group(SCORE_ROWS)
        elif atom in NESTED:
            yield from (("row", f"{atom}/{info.name}") for info in fields_of(NESTED[atom]))
        elif atom not in SCORES:
            yield "row", atom


def summary(group: Group, values: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """What a folded group says in one line."""
    if group is SESSION:
        times = "-".join(str(values[name])[:5] for name in ("start", "stop") if values.get(name))
        people = ", ".join(item for item in values.get("participants") or () if item != "client")
        parts = [
            f"{values.get('service_date') or 'no date'} {times or 'no times'}", values.get("session_type"),
            values.get("modality") or "no modality", values.get("location"), values.get("service_code"),
            f"with {people}" if people else "",
        ]  # fmt: skip
    elif group is TELEHEALTH:
        names = ("location", "state", "callback", "identity")
        parts = [values.get(f"telehealth/{name}") for name in names]
        parts += ["no consent"] if values.get("telehealth/consent_on_file") is False else []
        parts += ["technical problems"] if values.get("telehealth/problems") else []
    else:
        parts = [f"{labels[name]} {values[name]}" for name in group.rows if values.get(name) not in (None, "")]
    return ", ".join(str(part) for part in parts if part) or "nothing yet"
