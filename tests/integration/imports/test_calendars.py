"""Calendars: lines wait word for word for their clinician, who says whose they are. Nothing is guessed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from iop_tui.clinical.imports import calendars, service
from iop_tui.clinical.imports.model import Counts
from iop_tui.clinical.records import api as records
from iop_tui.clinical.sessions import calendar as lines
from iop_tui.clinical.sessions import desk
from iop_tui.clinical.sessions import service as sessions
from iop_tui.clinical.sessions.calendar import Entry
from iop_tui.interchange.moving import ics
from iop_tui.kernel.errors import NoKey, NotFound, Refused, RoleRefused
from iop_tui.workspace import Workspace
from tests.support.clinic.consents import Clinic, opened
from tests.support.clinic.vaults import template as made_clinic
from tests.support.processes.command import Site, command

Event = tuple[str, ...]


@pytest.fixture
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """A small program of its own for every test, without a calendar."""
    with opened(made_clinic(tmp_path_factory), tmp_path_factory.mktemp("calendars")) as found:
        yield found


def calendar(*events: Event) -> bytes:
    """A calendar file."""
    body = [line for event in events for line in ("BEGIN:VEVENT", *event, "END:VEVENT")]
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", *body, "END:VCALENDAR", "")).encode()


def mine(today: date) -> bytes:
    """Two weekly sessions of somebody, one a month ago, and the dentist."""

    def day(ahead: int) -> str:
        return (today + timedelta(days=ahead)).strftime("%Y%m%d")

    weekly = "RRULE:FREQ=WEEKLY;COUNT=2"
    return calendar(
        ("UID:xa", "SUMMARY:ZEBRAWORD Q.", f"DTSTART:{day(3)}T100000", "DURATION:PT50M", weekly),
        ("UID:xb", "SUMMARY:ZEBRAWORD Q.", f"DTSTART:{day(-30)}T100000", "DURATION:PT50M"),
        ("UID:xc", "SUMMARY:Dentist", f"DTSTART;VALUE=DATE:{day(5)}"),
    )


def take(ws: Workspace, data: bytes, clinician: bytes = b"", *, dry_run: bool = False) -> tuple[int, ...]:
    """Created, matched, unchanged, kept, flagged."""
    found: Counts = calendars.import_calendar(
        ws, list(ics.read(data, "my.ics")), clinician or ws.user.user, dry_run=dry_run  # type: ignore[arg-type]
    )
    return (found.created, found.matched, found.unchanged, found.kept, found.flagged)


def texts(found: list[Entry]) -> list[tuple[str, int]]:
    return [(entry.line.text, len(entry.line.times)) for entry in found]


def test_lines_wait_word_for_word_and_twice_changes_nothing(clinic: Clinic) -> None:
    tom, data = clinic.ws("tom"), mine(clinic.day)
    assert take(tom, data, dry_run=True) == (3, 0, 0, 3, 1)
    assert lines.entries(tom) == []
    assert take(tom, data) == (3, 0, 0, 3, 1)
    assert take(clinic.ws("tom"), data) == (0, 0, 3, 0, 0)
    waiting = lines.entries(clinic.ws("tom"))
    assert texts(waiting) == [("ZEBRAWORD Q.", 1), ("ZEBRAWORD Q.", 2), ("Dentist", 0)]
    assert b"SUMMARY:ZEBRAWORD Q." in records.read(clinic.ws("tom"), waiting[0].record).received
    for other in ("nadia", "cleo", "fay", "bill", "uma", "abe"):
        assert lines.entries(clinic.ws(other), decided=True) == []
        assert clinic.payloads(other, "ZEBRAWORD") == 0, f"{other}: by key, not by a query"


def test_the_clinician_says_whose_sessions_they_are(clinic: Clinic) -> None:
    tom, ben, data = clinic.ws("tom"), clinic.made.people["ben"], mine(clinic.day)
    take(tom, data)
    past, weekly, dentist = (entry.record for entry in lines.entries(tom))
    with pytest.raises(Refused, match="no time that a session could have"):
        lines.match(tom, [dentist], ben, modality="video")
    found = lines.match(tom, [weekly, past], ben, modality="video")
    assert (found.planned, found.past, found.known) == (2, 1, 0)
    tom = clinic.ws("tom")
    planned = [line for line in sessions.sessions(tom, clinic.day, clinic.day + timedelta(days=30)) if not line.by_desk]
    assert [(line.by_desk, line.session.modality, f"{line.session.start:%H:%M}") for line in planned] == [
        (False, "video", "10:00")
    ] * 2
    on_desk = desk.appointments(clinic.ws("fay"), clinic.day, clinic.day + timedelta(days=30), person=ben)
    assert [line.record for line in on_desk] == [desk.block_of(line.record) for line in planned]
    assert clinic.payloads("fay", "ZEBRAWORD") == 0
    with pytest.raises(Refused, match="decided already"):
        lines.match(clinic.ws("tom"), [weekly], ben, modality="video")
    lines.set_aside(clinic.ws("tom"), [dentist])
    assert lines.entries(clinic.ws("tom")) == []
    assert take(clinic.ws("tom"), data) == (0, 0, 3, 0, 0)
    assert lines.entries(clinic.ws("tom")) == []
    every = lines.entries(clinic.ws("tom"), decided=True)
    assert [entry.line.decided for entry in every] == ["planned", "planned", "no session"]


def test_what_is_planned_already_is_not_planned_twice(clinic: Clinic) -> None:
    tom, ben = clinic.ws("tom"), clinic.made.people["ben"]
    day = (clinic.day + timedelta(days=2)).strftime("%Y%m%d")
    once = ("SUMMARY:B", f"DTSTART:{day}T090000", "DURATION:PT50M")
    take(tom, calendar(("UID:1", *once), ("UID:2", *once)))
    first, second = (entry.record for entry in lines.entries(tom))
    assert lines.match(tom, [first], ben, modality="video").planned == 1
    again = lines.match(clinic.ws("tom"), [second], ben, modality="video")
    assert (again.planned, again.known) == (0, 1)


def test_nobody_plans_outside_their_care_and_nobody_decides_on_others_lines(clinic: Clinic) -> None:
    tom = clinic.ws("tom")
    take(tom, mine(clinic.day))
    line = lines.entries(tom)[1].record
    with pytest.raises((NoKey, NotFound)):
        lines.match(tom, [line], clinic.made.people["max"], modality="video")
    with pytest.raises(NotFound):
        lines.match(clinic.ws("nadia"), [line], clinic.made.people["max"], modality="video")
    with pytest.raises(NotFound):
        lines.set_aside(clinic.ws("nadia"), [line])
    assert len(lines.entries(clinic.ws("tom"))) == 3, "nothing was decided"


def test_a_line_that_changed_at_its_source_is_brought_up_to_date_until_it_is_decided(clinic: Clinic) -> None:
    day = (clinic.day + timedelta(days=4)).strftime("%Y%m%d")

    def at(hour: int) -> bytes:
        return calendar(("UID:m", "SUMMARY:A", f"DTSTART:{day}T{hour}0000", "DURATION:PT1H"))

    take(clinic.ws("tom"), at(10))
    assert take(clinic.ws("tom"), at(11)) == (0, 1, 0, 1, 0)
    (entry,) = lines.entries(clinic.ws("tom"))
    assert entry.line.times[0].start.endswith("T11:00:00")
    lines.match(clinic.ws("tom"), [entry.record], clinic.made.people["ben"], modality="in person")
    assert take(clinic.ws("tom"), at(12)) == (1, 0, 0, 1, 1), "what was planned stays; the change is shown"
    assert [entry.line.times[0].start[11:13] for entry in lines.entries(clinic.ws("tom"))] == ["12"]


def test_the_desk_takes_in_a_clinicians_calendar_and_reads_none_of_it(clinic: Clinic) -> None:
    fay, tom, data = clinic.ws("fay"), clinic.user("tom"), mine(clinic.day)
    with pytest.raises(Refused, match="clinician"):
        take(fay, data)
    assert take(fay, data, tom) == (3, 0, 0, 3, 1)
    assert take(clinic.ws("fay"), data, tom) == (0, 0, 3, 0, 0)
    assert clinic.payloads("fay", "ZEBRAWORD") == 0
    assert texts(lines.entries(clinic.ws("tom")))[2] == ("Dentist", 0)
    with pytest.raises(RoleRefused):
        take(clinic.ws("cleo"), data, tom)


def test_a_calendar_of_nobody_waits_with_the_medical_director(clinic: Clinic) -> None:
    """As records of people without a clinician do; who has sessions takes in their own."""
    assert calendars.usual(clinic.ws("fay")) == clinic.user("nadia")
    assert calendars.usual(clinic.ws("tom")) == clinic.user("tom")


def test_a_couples_therapist_plans_times_and_no_sessions_of_one_partner(clinic: Clinic) -> None:
    """One partner's session with the couples therapist has no chart of its own: the schedule has the time alone."""
    cleo, ana = clinic.ws("cleo"), clinic.made.people["ana"]
    take(cleo, mine(clinic.day))
    assert lines.match(cleo, [lines.entries(cleo)[1].record], ana, modality="video").planned == 2
    planned = sessions.sessions(clinic.ws("cleo"), clinic.day, clinic.day + timedelta(days=30))
    assert [line.by_desk for line in planned] == [True, True]


def test_two_lines_of_one_name_that_differ_are_not_both_believed(clinic: Clinic) -> None:
    twice = ("UID:t", "SUMMARY:A", "DTSTART:20260320T100000", "DURATION:PT1H")
    other = ("UID:t", "SUMMARY:B", "DTSTART:20260320T100000", "DURATION:PT1H")
    found = calendars.import_calendar(
        clinic.ws("tom"), list(ics.read(calendar(twice, other), "x")), clinic.user("tom")  # type: ignore[arg-type]
    )
    assert (found.created, len(found.rejected)) == (1, 1)


def test_no_other_way_stores_a_line_where_colleagues_read(clinic: Clinic) -> None:
    items: Any = list(ics.read(mine(clinic.day), "x"))
    found = service.import_items(clinic.ws("fay"), items)
    assert (found.created, len(found.rejected)) == (0, 3)
    assert calendars.import_run(clinic.ws("tom"), items).created == 3, "by no role but a clinician's"
    with pytest.raises(RoleRefused):
        service.import_items(clinic.ws("tom"), items)


# -- the real command line -----------------------------------------------------------------


def test_from_a_file_to_planned_sessions_by_commands(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "my.ics"
    path.write_bytes(mine(date.today()))
    person = site.people_of("Dana Example")[0]
    with site.batch("Dana Example") as do:
        first: dict[str, Any] = do("import", str(path))
        assert (first["created"], first["kept"], first["flagged"], first["rejected"]) == (3, 3, 1, [])
        assert do("import", str(path))["unchanged"] == 3
        _past, weekly, dentist = (line["id"] for line in do("calendar", "list"))
        assert do("calendar", "plan", "--person", person, weekly)["error"]["code"] == "usage", "nothing is guessed"
        planned = do("calendar", "plan", "--person", person, "--modality", "video", weekly)
        assert planned == {"planned": 2, "past": 0, "known": 0}
        found = do("list", "schedule", "--person", person, "--to", str(date.today() + timedelta(days=30)))
        assert [line["start"] for line in found if line["date"] > str(date.today())] == ["10:00:00"] * 2
        assert do("calendar", "aside", dentist) == {"aside": [dentist]}
        assert [line["decided"] for line in do("calendar", "list", "--all")] == [None, "planned", "no session"]


def test_what_is_refused_exits_with_eight_and_asks_for_no_secret(site: Site, tmp_path: Path) -> None:
    endless = tmp_path / "endless.ics"
    endless.write_bytes(calendar(("UID:e", "DTSTART:20260320T100000", "DURATION:PT1H", "RRULE:FREQ=DAILY")))
    cut = tmp_path / "cut.ics"
    cut.write_bytes(mine(date.today()).split(b"END:VEVENT")[0])
    result = command("--vault", str(site.path), "--json", "--user", "Dana Example", "import", str(tmp_path), secrets=[])
    assert result.code == 8
    told = {Path(item["file"]).name: (item["place"], item["reason"]) for item in result.value["rejected"]}
    assert told["cut.ics"] == ("", "It ends inside a calendar: the file is cut off.")
    assert told["endless.ics"][0] == "line 3"
    assert "without an end" in told["endless.ics"][1]
