"""Two entries that may be one person, registered twice or on two devices: a work item, never merged by itself."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from iop_tui.workspace import Workspace


@dataclass(frozen=True, slots=True)
class PossibleDuplicate:
    """People whose names agree and whose birth dates do not disagree."""

    people: tuple[bytes, ...]
    names: tuple[str, ...]
    birth_date: str


def possible_duplicates(ws: Workspace) -> list[PossibleDuplicate]:
    """Entries this user can read that agree in name (case aside) and, as far as it is known, in birth date."""
    rows = ws.view.rows("SELECT lower(sort_key), id, name, coalesce(birth_date, '') FROM person ORDER BY 1, id")
    found = []
    for _, group in groupby(rows, key=lambda row: row[0]):
        people = list(group)
        dates = sorted({row[3] for row in people if row[3]})
        for date in dates or [""]:
            alike = [row for row in people if row[3] in ("", date)]
            if len(alike) > 1:
                found.append(
                    PossibleDuplicate(tuple(row[1] for row in alike), tuple(row[2] for row in alike), date)
                )
    return found
