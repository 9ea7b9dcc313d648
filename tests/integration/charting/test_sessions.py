"""Sessions: planned, kept or not, matched with the notes about them; what has no note is due."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.sessions import service as sessions
from iop_tui.clinical.sessions.model import Session
from iop_tui.clinical.signing import service as signing
from iop_tui.kernel.errors import NotReady, Refused
from iop_tui.workspace import Workspace
from tests.support.clinic.vaults import Program, leave, note, today


def planned(day: date, start: int = 9, **more: object) -> Session:
    return Session(date=day, start=time(start), stop=time(start, 50), **more)  # type: ignore[arg-type]


def lines(ws: Workspace, day: date) -> list[tuple[str, str, bool]]:
    return [(line.name, line.session.status, bool(line.note)) for line in sessions.sessions(ws, day, day)]


def test_a_planned_session_is_on_the_schedule_of_who_planned_it(made: Program, ws: Workspace) -> None:
    day = today(ws) + timedelta(days=3)
    sessions.schedule(ws, made.people["max"], planned(day, 11))
    sessions.schedule(ws, made.people["ana"], planned(day, 9))
    assert lines(ws, day) == [("Ana Quill", "scheduled", False), ("Max Brandt", "scheduled", False)]
    sol = made.beside(ws, "sol")
    assert sessions.sessions(sol, day, day) == []
    leave(sol)


def test_sessions_at_the_same_time_are_named_not_refused(made: Program, ws: Workspace) -> None:
    day = today(ws) + timedelta(days=4)
    sessions.schedule(ws, made.people["max"], planned(day))
    second = sessions.schedule(ws, made.people["ana"], planned(day, start=9))
    assert [item.code for item in second.findings] == ["clash"]
    touching = Session(date=day, start=time(9, 50), stop=time(10, 30))
    assert sessions.schedule(ws, made.people["ana"], touching).findings == ()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"start": time(10), "stop": time(9)}, "stops before it starts"),
        ({"status": "cancelled"}, "who cancelled"),
        ({"status": "no-show"}, "who cancelled"),
        ({"start": None}, "Start is missing"),
    ],
)
def test_what_a_session_lacks_is_refused(made: Program, ws: Workspace, wrong: dict[str, object], says: str) -> None:
    values: dict[str, object] = {"date": today(ws), "start": time(9), "stop": time(9, 50), **wrong}
    with pytest.raises(NotReady, match=says):
        sessions.schedule(ws, made.people["max"], Session(**values))  # type: ignore[arg-type]


def test_nothing_was_kept_in_the_future(made: Program, ws: Workspace) -> None:
    for status in ("kept", "no-show"):
        with pytest.raises(NotReady, match="in the future"):
            sessions.schedule(ws, made.people["max"], planned(today(ws) + timedelta(days=1), status=status, reason="x"))


def test_a_session_over_without_a_note_is_due_until_one_is_written(made: Program, ws: Workspace) -> None:
    person, day = made.people["max"], today(ws) - timedelta(days=4)
    saved = sessions.schedule(ws, person, planned(day, 14))
    due = [line for line in charting.due(ws) if line.record == saved.record]
    assert [(line.action, line.name, bool(line.source)) for line in due] == [("write", "Max Brandt", True)]
    assert due[0].what == f"Write the note of {day.isoformat()} 14:00"
    assert "no_note" in {item.code for item in charting.check_chart(ws, person)}
    written = notes.save(ws, person, note(day, "Spoke of spring", start=time(14, 5), stop=time(14, 45)))
    assert lines(ws, day) == [("Max Brandt", "scheduled", True)]
    assert [line for line in charting.due(ws) if line.record == saved.record] == []
    assert "no_note" not in {item.code for item in charting.check_chart(ws, person)}
    signing.void(ws, written.record, reason="wrong person", explanation="Belongs to somebody else.")
    assert lines(ws, day) == [("Max Brandt", "scheduled", False)]


def test_a_note_at_another_time_or_about_somebody_else_is_not_its_note(made: Program, ws: Workspace) -> None:
    day = today(ws) - timedelta(days=6)
    for hour in (9, 15):
        sessions.schedule(ws, made.people["max"], planned(day, hour))
    notes.save(ws, made.people["ana"], note(day, "Ana's", start=time(9), stop=time(9, 50)))
    assert [has for _, _, has in lines(ws, day)] == [False, False]
    notes.save(ws, made.people["max"], note(day, "Afternoon", start=time(15, 10), stop=time(15, 40)))
    assert [has for _, _, has in lines(ws, day)] == [False, True]


def test_one_note_counts_for_one_session(made: Program, ws: Workspace) -> None:
    day = today(ws) - timedelta(days=7)
    sessions.schedule(ws, made.people["max"], planned(day, 9))
    sessions.schedule(ws, made.people["max"], Session(date=day, start=time(9, 50), stop=time(10, 40)))
    notes.save(ws, made.people["max"], note(day, "Long", start=time(9), stop=time(10, 40)))
    assert [has for _, _, has in lines(ws, day)] == [True, False]


def test_what_was_called_off_needs_no_note(made: Program, ws: Workspace) -> None:
    day = today(ws) - timedelta(days=8)
    saved = sessions.schedule(ws, made.people["max"], planned(day))
    assert saved.record in {line.record for line in sessions.without_note(ws)}
    sessions.set_status(ws, saved.record, "no-show", "Did not answer; called twice.")
    assert saved.record not in {line.record for line in sessions.without_note(ws)}
    assert lines(ws, day) == [("Max Brandt", "no-show", False)]
    assert sessions.missed(ws, made.people["max"], day, day) == 1


def test_a_colleagues_session_is_theirs(made: Program, ws: Workspace) -> None:
    day = today(ws) + timedelta(days=6)
    tom = made.beside(ws, "tom")
    record = sessions.schedule(tom, made.people["ben"], planned(day)).record
    leave(tom)
    ws.session.catch_up()
    assert sessions.sessions(ws, day, day) == []
    with pytest.raises(Refused):
        sessions.set_status(ws, record, "cancelled", "x")
