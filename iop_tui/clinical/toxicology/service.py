"""What a chart knows about substances: lapses, recovery, screens, and what forces a review. Headless."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.toxicology.followback import FOLLOWBACK, Followback
from iop_tui.clinical.toxicology.lapses import LAPSE, Lapse, Timeline, timeline
from iop_tui.clinical.toxicology.naloxone import NALOXONE, Naloxone
from iop_tui.clinical.toxicology.testing import DRUG_SCREEN, DrugScreen, positive
from iop_tui.kernel.declare import Document, DocumentType
from iop_tui.workspace import Workspace

D = TypeVar("D", bound=Document)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that calls for a review of the relapse plan: the day, what it was, the record that tells of it."""

    on: date
    what: str
    record: bytes


def _all(ws: Workspace, person: bytes, kind: DocumentType[D]) -> list[tuple[bytes, D]]:
    """Every document of a kind about a person that this user can read and that is not void, oldest first.

    What was shared or received and lies in two places counts once.
    """
    withdrawn = signing.voided(ws, person)
    rows = ws.view.rows(
        "SELECT record, doc, version FROM record WHERE person = ? AND kind = ? AND status <> 'newer'"
        " ORDER BY service_date, id",
        (person, kind.kind),
    )
    once = {(row[1], row[2]): bytes(row[0]) for row in reversed(rows) if row[0] not in withdrawn}
    return [(record, kind.decode(*stored)) for stored, record in reversed(once.items())]


def lapses(ws: Workspace, person: bytes) -> list[tuple[bytes, Lapse]]:
    """A person's lapses, oldest first."""
    return _all(ws, person, LAPSE)


def screens(ws: Workspace, person: bytes) -> list[tuple[bytes, DrugScreen]]:
    """A person's drug screens, unsigned ones included, oldest first."""
    return _all(ws, person, DRUG_SCREEN)


def followbacks(ws: Workspace, person: bytes) -> list[tuple[bytes, Followback]]:
    """A person's follow-backs, oldest first."""
    return _all(ws, person, FOLLOWBACK)


def naloxone(ws: Workspace, person: bytes) -> tuple[bytes, Naloxone] | None:
    """The newest line about naloxone, or None."""
    found = _all(ws, person, NALOXONE)
    return found[-1] if found else None


def beginning(ws: Workspace, person: bytes) -> date | None:
    """Where a person's recovery is counted from: the day after the last use that their first relapse plan names, else
    after their first known lapse; None where neither is known.
    """
    row = ws.view.one(
        "SELECT min(json_extract(doc, '$.last_use')) FROM record WHERE person = ? AND kind = 'relapse_plan'", (person,)
    )
    if row is not None and row[0]:
        return date.fromisoformat(row[0]) + timedelta(days=1)
    known = [lapse.on for _, lapse in lapses(ws, person) if lapse.on]
    return min(known) if known else None


def recovery(ws: Workspace, person: bytes, since: date | None = None) -> Timeline | None:
    """A person's days with and without use; None where nothing says when to begin."""
    first, today = since or beginning(ws, person), signing.today(ws)
    if first is None or first > today:
        return None
    return timeline(first, (lapse for _, lapse in lapses(ws, person)), today)


def forcing(ws: Workspace, person: bytes, since: date | None) -> list[Event]:
    """Lapses and positive screens after a day (all of them without one), oldest first."""
    found = [Event(lapse.on, "lapse", record) for record, lapse in lapses(ws, person) if lapse.on]
    found += [
        Event(screen.collected, "positive screen", record)
        for record, screen in screens(ws, person) if screen.collected and positive(screen)
    ]
    return sorted((event for event in found if since is None or event.on > since), key=lambda event: event.on)


def facts(ws: Workspace, person: bytes, kind: str) -> dict[str, Any]:
    """What rules of documents about a person look at besides the document: the birth date, the screen before."""
    row = ws.view.one("SELECT birth_date FROM person WHERE id = ?", (person,))
    known: dict[str, Any] = {"birth_date": date.fromisoformat(row[0])} if row and row[0] else {}
    if kind == DRUG_SCREEN.kind:
        days = [screen.collected for _, screen in screens(ws, person) if screen.collected]
        known |= {"last_screen": days[-1]} if days else {}
    return known
