"""The schedule of the front desk: who plans and sees times, and that no time tells more than another (CR-3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from pathlib import Path

import msgspec
import pytest

from iop_tui.access import charts
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import put
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.compliance import service as compliance
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.records import api as records
from iop_tui.clinical.records import conflicts
from iop_tui.clinical.safety.model import VIOLENCE_SCREEN, ViolenceScreen
from iop_tui.clinical.sessions import desk, settling
from iop_tui.clinical.sessions import service as sessions
from iop_tui.clinical.sessions.model import APPOINTMENT, SESSION, SESSION_KINDS, Appointment, Session
from iop_tui.clinical.signing import api as signing
from iop_tui.interchange.fhirout.collect import records_of
from iop_tui.kernel.declare import Document
from iop_tui.kernel.errors import NotFound, NotReady, RoleRefused, RuleRefused
from iop_tui.kernel.ids import show_id
from iop_tui.workspace import Workspace
from tests.support.clinic.consents import Clinic, opened
from tests.support.clinic.vaults import note, template

BEN = 'Benjamin "Ben" Odell'


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """One clinic for all; every test has days of its own."""
    with opened(template(tmp_path_factory), tmp_path_factory.mktemp("schedule")) as found:
        yield found


def at(clinic: Clinic, day: date, who: str, hour: int = 9, **more: object) -> Appointment:
    """A time with a clinician."""
    values = {"clinician": show_id(clinic.user(who)), "date": day, "start": time(hour), "stop": time(hour, 50)}
    return Appointment(**{**values, **more})  # type: ignore[arg-type]


def shown(ws: Workspace, day: date) -> list[tuple[str, str, str]]:
    """What somebody's schedule says of a day."""
    return [(line.name, line.appointment.clinician_name, line.appointment.status)
            for line in desk.appointments(ws, day, day)]  # fmt: skip


def test_the_desk_plans_and_the_clinicians_today_shows_it(clinic: Clinic) -> None:
    day = clinic.day + timedelta(days=1)
    saved = desk.plan(clinic.ws("fay"), clinic.made.people["ben"], at(clinic, day, "tom", place="in person", room="2"))
    tom = clinic.ws("tom")
    (line,) = sessions.sessions(tom, day, day)
    assert (line.record, line.name, line.by_desk, line.session.modality) == (saved.record, BEN, True,
                                                                           "in person")  # fmt: skip
    assert sessions.planned(tom, saved.record).start == time(9)
    desk.set_outcome(clinic.ws("fay"), saved.record, "cancelled")
    assert [line.happened for line in sessions.sessions(clinic.ws("tom"), day, day)] == [False]


def test_a_colleague_without_a_grant_sees_nothing(clinic: Clinic) -> None:
    day = clinic.day + timedelta(days=2)
    desk.plan(clinic.ws("fay"), clinic.made.people["max"], at(clinic, day, "nadia"))
    sessions.schedule(clinic.ws("nadia"), clinic.made.people["max"], Session(date=day, start=time(14), stop=time(15)))
    expected = [("Max Brandt", "Nadia", "scheduled")] * 2
    for name, sees in (("fay", expected), ("nadia", expected), ("tom", []), ("cleo", []), ("sol", []), ("uma", []),
                       ("abe", [])):  # fmt: skip
        assert shown(clinic.ws(name), day) == sees, name
    # By key, not by a query: nobody of them can open a row of kind appointment about Max.
    for name in ("tom", "cleo", "sol", "uma", "abe"):
        found = [row for row in clinic.readable(name).values() if row.person == clinic.made.people["max"]]
        assert not [row for row in found if row.kind == APPOINTMENT.kind], name


def test_cr3_no_session_tells_more_than_another(clinic: Clinic) -> None:
    """Whatever a session is for and whatever became of it: the same fields, and no word of the clinician's."""
    nadia, person = clinic.ws("nadia"), clinic.made.people["ana"]
    blocks = []
    for number, kind in enumerate(SESSION_KINDS):
        day = clinic.day - timedelta(days=40 + number)
        plain = Session(date=day, start=time(11), stop=time(11, 50), kind=kind)
        for status, said in (("scheduled", ""), ("kept", ""), ("no-show", "Afraid of ZEBRAWORD at home.")):
            saved = sessions.schedule(nadia, person, msgspec.structs.replace(plain, status=status, reason=said))
            block = desk.appointment_of(clinic.ws("fay"), desk.block_of(saved.record)).appointment
            blocks.append((status, msgspec.structs.replace(block, date=None)))
    for status, block in blocks:
        assert block == msgspec.structs.replace(blocks[0][1], status="no-show" if status == "no-show" else "scheduled")
    for name in ("fay", "bill", "cleo", "sol"):
        assert clinic.payloads(name, "ZEBRAWORD") == 0, name
        assert clinic.payloads(name, "case management") == clinic.payloads(name, "ZEBRAWORD"), name


def _week_of(clinic: Clinic, *, with_safety: bool, kind: str) -> dict[str, object]:
    """The same week planned; in one of two clinics Ana's therapist keeps a SAFE entry about her."""
    nadia, ana, ben = clinic.ws("nadia"), clinic.made.people["ana"], clinic.made.people["ben"]
    if with_safety:
        screen = ViolenceScreen(asked=clinic.day, alone=True, hits=18, findings="SECRETWORD", danger_assessment="high",
                                action="advocacy")  # fmt: skip
        signing.save(nadia, ana, VIOLENCE_SCREEN, screen)
    day = clinic.day + timedelta(days=3)
    sessions.schedule(nadia, ana, Session(date=day, start=time(9), stop=time(9, 50), kind=kind))
    for person in (ana, ben):
        desk.plan(clinic.ws("fay"), person, at(clinic, day, "cleo", 13))
    desk.plan(clinic.ws("fay"), ana, at(clinic, day, "nadia", 15))
    seen: dict[str, object] = {}
    for name in ("fay", "bill", "tom", "cleo", "sol"):
        ws = clinic.ws(name)
        lines = desk.appointments(ws, day, day)
        seen[name] = [(line.person, line.name, msgspec.structs.replace(line.appointment, clinician=""))
                      for line in lines]  # fmt: skip
        sizes = sorted(len(row.payload) for row in clinic.readable(name).values() if row.kind == APPOINTMENT.kind)
        columns = "kind, person, status, leaves, versions, service_date, source, title, deposit"
        rows = ws.view.rows(f"SELECT {columns} FROM record WHERE kind != 'care_member' ORDER BY id")
        seen[f"{name}: rows"] = (sizes, rows, clinic.payloads(name, "SECRETWORD"))
    return seen


def test_cr3_the_schedule_is_the_same_with_and_without_a_safe_entry(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Front desk, biller and everybody but Ana's therapist: the same lines, rows and sizes."""
    weeks = []
    for with_safety, kind in ((False, "individual"), (True, "crisis")):
        with opened(template(tmp_path_factory), tmp_path / kind) as clinic:
            weeks.append(_week_of(clinic, with_safety=with_safety, kind=kind))
    assert len(weeks[0]["fay"]) == 4  # type: ignore[arg-type]
    for name, seen in weeks[0].items():
        assert weeks[1][name] == seen, name


def test_a_time_names_its_own_person_and_no_couple(clinic: Clinic) -> None:
    """A joint session is one time for each partner; neither says that there is another."""
    day, fay = clinic.day + timedelta(days=4), clinic.ws("fay")
    ana, ben = clinic.made.people["ana"], clinic.made.people["ben"]
    pair = [desk.plan(fay, person, at(clinic, day, "cleo", 13)) for person in (ana, ben)]
    assert [item.findings for item in pair] == [(), ()], "their joint session is no clash"
    couple = next(iter(charts.couple_links(fay.session)))
    for person, other in ((ana, ben), (ben, ana)):
        for row in clinic.readable("fay").values():
            if row.kind == APPOINTMENT.kind and row.person == person:
                for told in (other, couple):
                    assert show_id(told).encode() not in row.payload
                    assert told.hex().encode() not in row.payload
    # Each partner's own therapist sees their own client's time, and no line of the other partner.
    assert shown(clinic.ws("tom"), day) == [(BEN, "Cleo", "scheduled")]
    assert shown(clinic.ws("nadia"), day)[0] == ("Ana Quill", "Cleo", "scheduled")
    assert {line.couple for line in sessions.sessions(clinic.ws("cleo"), day, day)} == {couple}


def test_the_desk_moves_a_session_and_the_note_follows(clinic: Clinic) -> None:
    first, later = clinic.day - timedelta(days=21), clinic.day - timedelta(days=20)
    nadia, person = clinic.ws("nadia"), clinic.made.people["max"]
    saved = sessions.schedule(nadia, person, Session(date=first, start=time(9), stop=time(9, 50), modality="video"))
    block = desk.block_of(saved.record)
    moved = msgspec.structs.replace(
        desk.appointment_of(clinic.ws("fay"), block).appointment, date=later, start=time(16), stop=time(16, 50)
    )
    desk.plan(clinic.ws("fay"), person, moved, record=block)
    nadia = clinic.ws("nadia")
    assert [line.record for line in sessions.sessions(nadia, first, first)] == []
    (line,) = sessions.sessions(nadia, later, later)
    assert (line.record, line.by_desk, line.session.start) == (saved.record, False, time(16))
    assert sessions.planned(nadia, saved.record).date == later
    due = [item for item in charting.due(nadia) if item.record == saved.record]
    assert [item.what for item in due] == [f"Write the note of {later.isoformat()} 16:00"]
    notes.save(nadia, person, note(later, "Came late", start=time(16, 5), stop=time(16, 45)))
    assert [item for item in charting.due(clinic.ws("nadia")) if item.record == saved.record] == []
    sessions.set_status(clinic.ws("nadia"), saved.record, "kept")
    assert desk.appointment_of(clinic.ws("fay"), block).appointment.start == time(16), "what the desk said stays"


def test_a_time_without_a_note_is_due_and_joint_work_is_due_once(clinic: Clinic) -> None:
    day, fay = clinic.day - timedelta(days=5), clinic.ws("fay")
    single = desk.plan(fay, clinic.made.people["ben"], at(clinic, day, "tom", 10)).record
    for person in ("ana", "ben"):
        desk.plan(fay, clinic.made.people[person], at(clinic, day, "cleo", 13))
    assert [line.action for line in charting.due(clinic.ws("tom")) if line.record == single] == ["write"]
    words = f"Write the note of {day.isoformat()} 13:00"
    assert [line.action for line in charting.due(clinic.ws("cleo")) if line.what == words] == ["couple"]
    desk.set_outcome(clinic.ws("fay"), single, "no-show")
    assert [line for line in charting.due(clinic.ws("tom")) if line.record == single] == []


def test_who_plans(clinic: Clinic) -> None:
    day, ben, max_ = clinic.day + timedelta(days=6), clinic.made.people["ben"], clinic.made.people["max"]
    desk.plan(clinic.ws("tom"), ben, at(clinic, day, "tom"))
    desk.plan(clinic.ws("cleo"), ben, at(clinic, day, "cleo", 12))
    with pytest.raises(RoleRefused, match="front desk"):
        desk.plan(clinic.ws("tom"), ben, at(clinic, day, "cleo"))
    with pytest.raises(RoleRefused):
        desk.plan(clinic.ws("bill"), ben, at(clinic, day, "tom"))
    with pytest.raises(NotFound):
        desk.plan(clinic.ws("tom"), max_, at(clinic, day, "tom"))
    with pytest.raises(RuleRefused) as refused:
        desk.plan(clinic.ws("fay"), max_, at(clinic, day, "tom"))
    assert refused.value.rule == "schedule.not_in_care"
    with pytest.raises(NotReady, match="with whom"):
        desk.plan(clinic.ws("fay"), ben, Appointment(date=day, start=time(9), stop=time(10)))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"stop": time(8)}, "stops before"),
        ({"status": "no-show"}, "not missed yet"),
        ({"place": "video", "room": "3"}, "in person"),
        ({"date": None}, "Date is missing"),
    ],
)
def test_what_a_time_lacks_is_refused(clinic: Clinic, wrong: dict[str, object], says: str) -> None:
    day = clinic.day + timedelta(days=7)
    with pytest.raises(NotReady, match=says):
        desk.plan(clinic.ws("fay"), clinic.made.people["ben"], at(clinic, day, "tom", 9, **wrong))


def test_what_else_lies_there_is_said_not_refused(clinic: Clinic) -> None:
    day, fay = clinic.day + timedelta(days=8), clinic.ws("fay")
    desk.plan(fay, clinic.made.people["max"], at(clinic, day, "nadia"))
    again = desk.plan(fay, clinic.made.people["ana"], at(clinic, day, "nadia"))
    assert [item.code for item in again.findings] == ["clash"]
    assert "Max" not in again.findings[0].message
    own = desk.plan(fay, clinic.made.people["ana"], at(clinic, day, "sol"))
    assert own.findings[0].message == "This person has another time from 09:00 to 09:50."


def test_a_deposit_or_a_time_elsewhere_is_none(clinic: Clinic) -> None:
    """What stands in the schedule lies in the person's own directory entry, written by who holds it."""
    day, nadia = clinic.day + timedelta(days=9), clinic.ws("nadia")
    forged = at(clinic, day, "nadia", clinician_name="Nadia")
    work = nadia.work()
    chart = charts.chart_of(nadia.session, clinic.made.people["ana"])
    put(nadia.session, work, charts.reserved_id(chart, Kind.IND), APPOINTMENT, forged,
        person=clinic.made.people["ana"])  # fmt: skip
    nadia.session.note(work, "write", person=clinic.made.people["ana"])
    nadia.commit(work)
    assert shown(clinic.ws("nadia"), day) == []


def test_times_stay_out_of_charts_search_and_exports(clinic: Clinic) -> None:
    """Whom somebody has times with names their couples therapist: no copy of one person's record says it."""
    day, fay, ana = clinic.day + timedelta(days=10), clinic.ws("fay"), clinic.made.people["ana"]
    desk.plan(fay, ana, at(clinic, day, "cleo"))
    nadia = clinic.ws("nadia")
    assert APPOINTMENT.kind not in {line.kind for line in records.timeline(nadia, ana, limit=500)}
    assert not [hit for hit in records.search(nadia, "cleo") if hit.kind == APPOINTMENT.kind]
    assert APPOINTMENT.kind not in {item.type.kind for item in records_of(nadia, ana)[0]}


# -- changed on two devices ----------------------------------------------------------------


def torn(ws: Workspace, record: bytes, *versions: Document) -> None:
    """Versions of a record that know nothing of each other, as two devices write them."""
    (row,) = ws.view.rows("SELECT compartment, leaf, person, kind FROM record WHERE record = ?", (record,))
    kind = {APPOINTMENT.kind: APPOINTMENT, SESSION.kind: SESSION}[row[3]]
    for version in versions:
        work = ws.work()
        put(ws.session, work, row[0], kind, version, person=row[2], record=record, parents=(bytes(row[1]),))
        ws.session.note(work, "write", person=row[2])
        ws.commit(work)


def to_merge(ws: Workspace, record: bytes) -> bool:
    """Whether Today asks this user to decide."""
    return any(line.action == "merge" and line.record == record for line in compliance.due(ws))


@pytest.fixture
def moved_twice(clinic: Clinic, request: pytest.FixtureRequest) -> bytes:
    """A time with Nadia at nine that one device moved to ten and another to eleven, into a room."""
    day = clinic.day + timedelta(days=12 + sum(map(ord, request.node.name)) % 300)
    fay = clinic.ws("fay")
    record = desk.plan(fay, clinic.made.people["max"], at(clinic, day, "nadia")).record
    first = desk.appointment_of(fay, record).appointment
    change = msgspec.structs.replace
    torn(fay, record, change(first, start=time(10), stop=time(10, 50)),
         change(first, start=time(11), stop=time(11, 50), place="in person", room="2"))  # fmt: skip
    assert desk.appointment_of(fay, record).conflict
    return record


def test_a_time_changed_on_two_devices_is_decided_field_by_field(clinic: Clinic, moved_twice: bytes) -> None:
    fay = clinic.ws("fay")
    found = conflicts.conflict(fay, moved_twice)
    assert [field.info.label for field in found.open] == ["Start", "Stop"]  # who it is with is one choice, not two
    assert "clinician" not in {field.info.name for field in found.fields}
    ten, eleven = sorted((0, 1), key=lambda side: str(msgspec.structs.asdict(found.sides[side].document)["start"]))
    with pytest.raises(NotReady, match="It stops before it starts"):
        conflicts.merge(fay, moved_twice, {"start": eleven, "stop": ten}, write=settling.settle)
    assert desk.appointment_of(fay, moved_twice).conflict
    conflicts.merge(fay, moved_twice, {"start": eleven, "stop": eleven}, write=settling.settle)
    line = desk.appointment_of(fay, moved_twice)
    assert (line.conflict, line.appointment.start, line.appointment.room) == (False, time(11), "2")
    assert line.appointment.clinician == show_id(clinic.user("nadia"))
    assert len(records.read(fay, moved_twice).parents) == 2
    assert "merge-versions" in {event.action for event in compliance.audit_report(clinic.ws("fay"))}


def test_who_may_plan_a_time_decides_between_its_versions(clinic: Clinic, moved_twice: bytes) -> None:
    for name, may in (("fay", True), ("nadia", True), ("cleo", False)):
        ws = clinic.ws(name)
        try:
            line = records.line_of(ws, moved_twice)
        except NotFound:
            assert not may
        else:
            assert (settling.why_not(ws, line) is None) is may
        assert to_merge(ws, moved_twice) is may, name


def test_a_change_that_follows_stands_for_both_versions(clinic: Clinic, moved_twice: bytes) -> None:
    fay = clinic.ws("fay")
    line = desk.appointment_of(fay, moved_twice)
    desk.plan(fay, line.person, line.appointment, record=moved_twice)
    assert not desk.appointment_of(fay, moved_twice).conflict


def test_deciding_about_a_session_settles_its_block(clinic: Clinic) -> None:
    nadia, day, person = clinic.ws("nadia"), clinic.day + timedelta(days=350), clinic.made.people["max"]
    session = Session(date=day, start=time(9), stop=time(10))
    record = sessions.schedule(nadia, person, session).record
    block, change = desk.block_of(record), msgspec.structs.replace
    first = desk.appointment_of(nadia, block).appointment
    torn(nadia, record, change(session, start=time(8)), change(session, start=time(8, 30), modality="in person"))
    torn(nadia, block, change(first, start=time(8)), change(first, start=time(8, 30), place="in person"))
    assert to_merge(nadia, record)
    assert not to_merge(nadia, block)  # one thing to decide, not two
    found = conflicts.conflict(nadia, record)
    starts = [msgspec.structs.asdict(side.document)["start"] for side in found.sides]
    later = starts.index(time(8, 30))
    conflicts.merge(nadia, record, {"start": later}, write=settling.settle)
    line = desk.appointment_of(nadia, block)
    assert (line.conflict, line.appointment.start, line.appointment.place) == (False, time(8, 30), "in person")
    assert not to_merge(nadia, record)
    with pytest.raises(NotFound):
        records.line_of(clinic.ws("fay"), record)
