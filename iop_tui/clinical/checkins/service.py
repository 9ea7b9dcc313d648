"""Check-ins of a person and what is due. Headless."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from iop_tui.access import roles, settle
from iop_tui.clinical.checkins.model import CHECK_IN, SCHEDULE, CheckIn, Owed, Schedule, owed
from iop_tui.clinical.compliance.api import DueLine
from iop_tui.clinical.people import api as people
from iop_tui.clinical.relapse import api as relapse
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.errors import NotFound
from iop_tui.kernel.ids import show_id
from iop_tui.workspace import Workspace

SOURCE = "program rule: check-ins"
AHEAD = timedelta(days=3)
_CHARTING = (roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR)


@dataclass(frozen=True, slots=True)
class Held:
    """A schedule with its check-ins: what was done, what is still to do."""

    record: bytes
    schedule: Schedule
    done: tuple[tuple[bytes, CheckIn], ...]
    owed: tuple[Owed, ...]


def current(ws: Workspace, person: bytes) -> Held | None:
    """The newest schedule of a person with its check-ins, or None."""
    row = ws.view.one(
        "SELECT record, doc, version FROM record WHERE kind = ? AND person = ? AND status <> 'newer'"
        " ORDER BY service_date DESC, id DESC LIMIT 1",
        (SCHEDULE.kind, person),
    )
    if row is None:
        return None
    schedule = SCHEDULE.decode(row[1], row[2])
    rows = ws.view.rows(
        "SELECT record, doc, version FROM record WHERE kind = ? AND person = ? AND status <> 'newer'"
        " ORDER BY service_date, id",
        (CHECK_IN.kind, person),
    )
    done = tuple((bytes(record), CHECK_IN.decode(doc, version)) for record, doc, version in rows)
    return Held(bytes(row[0]), schedule, done, tuple(owed(schedule, done)))


def begin_schedule(ws: Workspace, person: bytes, discharged: date | None = None) -> Schedule:
    """A schedule with the cadence of the relapse plan and the safe contact of the directory."""
    held = relapse.current(ws, person)
    cadence = held.plan.check_ins if held else relapse.CHECK_INS[:1]
    contact = people.header(ws, person).safe_contact
    return Schedule(discharged=discharged or signing.today(ws), cadence=cadence, contact=contact)


def begin_check_in(ws: Workspace, person: bytes, due: date | None = None) -> tuple[bytes, CheckIn]:
    """The check-in that is next (or the one of a day): the record it was begun in, or empty, and what it holds.

    Raises `NotFound` without a schedule or with nothing left.
    """
    held = current(ws, person)
    waiting = next((each for each in held.owed if due in (None, each.due)), None) if held else None
    if held is None or waiting is None:
        raise NotFound("No check-in is left. Make a schedule first.")
    begun = next((check for record, check in held.done if record == waiting.record), None)
    return waiting.record, begun or CheckIn(schedule=show_id(held.record), due=waiting.due)


def due_lines(ws: Workspace) -> list[DueLine]:
    """Check-ins whose day has come or comes within three days, of the people whose charts this user keeps."""
    today = signing.today(ws)
    mine = {fact.person for fact in settle.my_care(ws.session) if fact.role in _CHARTING}
    rows = ws.view.rows("SELECT DISTINCT person FROM record WHERE kind = ?", (SCHEDULE.kind,))
    found = []
    for person in sorted(bytes(row[0]) for row in rows if row[0] in mine):
        held = current(ws, person)
        for each in held.owed if held else ():
            if each.due <= today + AHEAD:
                what = "Check in after discharge" + (f" (tried {each.tries} times)" if each.tries else "")
                rule = "three tries, then close" + _hard_times(ws, person)
                found.append(DueLine(person, people.header(ws, person).name, what, each.due, rule, SOURCE, each.record,
                                     "check-in"))  # fmt: skip
    return sorted(found, key=lambda line: (line.due, line.name))


def _hard_times(ws: Workspace, person: bytes) -> str:
    """When it is hardest, as the relapse plan says: a good time to call."""
    held = relapse.current(ws, person)
    windows = ", ".join(window.shown() for window in held.plan.windows) if held else ""
    return f"; hard times: {windows}" if windows else ""
