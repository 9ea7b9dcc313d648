"""What files would bring in, asked without changing anything; and bringing it in. Headless."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from iop_tui.clinical.imports import calendars, mappings, service
from iop_tui.clinical.imports.model import Counts, Refusal
from iop_tui.interchange.fhir.run import read_run
from iop_tui.interchange.items import Columns
from iop_tui.interchange.moving.options import Options
from iop_tui.store.views.view import Changes
from iop_tui.workspace import Workspace

CCDA, ICALENDAR = "ccda", "calendar"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be brought in: a file or folder, for whom where it names nobody, which parts of C-CDA documents
    become records, what the columns of a client list are, whose calendar it is (empty: one's own).
    """

    path: Path
    person: bytes = b""
    pick: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    clinician: bytes = b""

    def with_columns(self, chosen: Mapping[str, str]) -> Asked:
        """The same with other columns."""
        return replace(self, columns=tuple(chosen.items()))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the report: where, what becomes of it, in plain words."""

    number: int
    place: str
    outcome: str
    words: str


@dataclass(frozen=True, slots=True)
class Look:
    """What an import would do, or did: counts in words, the report line by line, what the columns are taken for."""

    asked: Asked
    summary: str
    lines: tuple[Line, ...]
    columns: tuple[Columns, ...]
    documents: bool
    takes: bool
    changes: Changes
    calendar_of: str = ""
    """The clinician for whom a calendar's lines wait; empty where there is no calendar."""


def check_role(ws: Workspace) -> None:
    """Who brings records in, and clinicians for their own calendar. Raises `RoleRefused`."""
    if not calendars.CLINICIANS & set(ws.user.roles):
        service.check_role(ws)


def look(ws: Workspace, asked: Asked) -> Look:
    """A dry run. Raises what reading and importing raise; nothing is changed."""
    return _run(ws, asked, dry_run=True)


def take(ws: Workspace, asked: Asked) -> Look:
    """The same for good; `changes` tells screens to look again."""
    return _run(ws, asked, dry_run=False)


def _run(ws: Workspace, asked: Asked, *, dry_run: bool) -> Look:
    check_role(ws)
    options = Options(asked.pick, dict(asked.columns), ())
    with read_run([asked.path], options=options) as run:
        counts = Counts()
        if run.has_items:
            counts = calendars.import_run(ws, run, dry_run=dry_run, person=asked.person or None,
                                          clinician=asked.clinician)  # fmt: skip
    counts.rejected += [Refusal(item.file, item.place, item.reason) for item in run.rejected]
    calendar = any(report.form == ICALENDAR for report in run.files)
    whose = ws.session.card(asked.clinician or ws.user.user).name if calendar else ""
    documents = any(report.form == CCDA for report in run.files)
    takes = bool(counts.created or counts.matched)
    columns = tuple(run.columns)
    return Look(asked, _summary(counts, done=not dry_run), _lines(counts), columns, documents, takes,
                Changes(access=True), whose)  # fmt: skip


def _summary(counts: Counts, *, done: bool) -> str:
    names = ("created", "matched", "unchanged", "kept", "flagged")
    said = ", ".join(f"{getattr(counts, name):,} {name}" for name in names)
    return f"{'' if done else 'Would be: '}{said}, {len(counts.rejected):,} rejected"


def _lines(counts: Counts) -> tuple[Line, ...]:
    found = [("rejected", item.place or Path(item.file).name, item.reason) for item in counts.rejected]
    found += [(row.outcome, row.place, "; ".join(row.remarks)) for row in counts.rows]
    return tuple(Line(number, place, outcome, words) for number, (outcome, place, words) in enumerate(found))


def saved(ws: Workspace) -> list[str]:
    """The names of the program's saved mappings."""
    return [each.name for each in mappings.mappings(ws).values()]


def load(ws: Workspace, name: str) -> dict[str, str]:
    """A saved mapping: heading → field. Raises `Refused`."""
    return mappings.columns_of(ws, name)


def save(ws: Workspace, name: str, columns: Mapping[str, str]) -> None:
    """Keep a mapping for the next list of the same make. Raises `Refused`, `RoleRefused`."""
    mappings.save(ws, name, {heading: field for heading, field in columns.items() if field})
