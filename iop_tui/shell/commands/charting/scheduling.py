"""`list schedule`: times of people with their clinicians, as far as this user holds the directory; `calendar`: lines of
an imported calendar that wait for their clinician.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from iop_tui.clinical.sessions import calendar, desk
from iop_tui.clinical.sessions.calendar import Entry
from iop_tui.clinical.sessions.desk import AppointmentLine
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.errors import Usage
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.output import table

_AHEAD = timedelta(days=13)


def list_schedule(call: Call) -> Answer:
    """Two weeks from today, or from `--from` until `--to`; of one person with `--person`."""
    first = day(call.args.start, signing.today(call.ws))
    last = day(call.args.end, first + _AHEAD)
    person = parse_id(call.args.person) if call.args.person else b""
    found = [as_json(line) for line in desk.appointments(call.ws, first, last, person=person)]
    shown = [
        (row["id"], row["date"], f"{row['start'][:5]} to {row['stop'][:5]}", row["name"], row["clinician_name"],
         row["status"])
        for row in found
    ]  # fmt: skip
    return Answer(found, table(("id", "date", "time", "who", "with", "status"), shown, empty="Nothing is planned."))


def day(text: str, otherwise: date) -> date:
    """A day that was given, or another one. Raises `Usage`."""
    try:
        return date.fromisoformat(text) if text else otherwise
    except ValueError:
        raise Usage(f"{text!r} is no date.", "Write it as 2026-11-21.") from None


def as_json(line: AppointmentLine) -> dict[str, Any]:
    """A time with everything that the schedule says of it."""
    found = line.appointment
    return {
        "id": show_id(line.record), "person": show_id(line.person), "name": line.name, "clinician": found.clinician,
        "clinician_name": found.clinician_name, "date": found.date.isoformat() if found.date else None,
        "start": found.start.isoformat() if found.start else "", "stop": found.stop.isoformat() if found.stop else "",
        "place": found.place, "room": found.room, "status": found.status, "conflict": line.conflict,
    }  # fmt: skip


# -- lines of a calendar -------------------------------------------------------------------


def calendar_lines(call: Call) -> Answer:
    """Every line that waits for this clinician."""
    found = [_entry(item) for item in calendar.entries(call.ws, decided=call.args.all)]
    shown = [(row["id"], row["day"], len(row["times"]), row["text"], row["repeats"]) for row in found]
    return Answer(found, table(("id", "first day", "times", "line", "repeats"), shown, empty="No line waits for you."))


def _entry(item: Entry) -> dict[str, Any]:
    line = item.line
    return {
        "id": show_id(item.record), "day": line.day.isoformat() if line.day else None, "text": line.text,
        "details": line.details, "place": line.place, "repeats": line.repeats, "all_day": line.all_day,
        "cancelled": line.cancelled, "times": [{"start": time.start, "stop": time.stop} for time in line.times],
        "decided": line.decided or None, "person": line.person or None,
    }  # fmt: skip


def calendar_plan(call: Call) -> Answer:
    """Times to come become planned sessions with the person who is named; nothing is guessed."""
    args = call.args
    found = calendar.match(
        call.ws, [parse_id(text) for text in args.ids], parse_id(args.person), modality=args.modality, kind=args.kind
    )
    value = {"planned": found.planned, "past": found.past, "known": found.known}
    told = f"{found.planned} planned, {found.past} are over, {found.known} were planned before."
    return Answer(value, [told])


def calendar_aside(call: Call) -> Answer:
    """The lines are no sessions."""
    calendar.set_aside(call.ws, [parse_id(text) for text in call.args.ids])
    return Answer({"aside": call.args.ids}, [f"{len(call.args.ids)} set aside."])
