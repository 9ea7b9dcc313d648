"""The hard cases: two devices that know nothing of each other change who holds what."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from iop_tui.access import charts, primitives, roles
from iop_tui.access.policy import Kind
from iop_tui.clinical.medications.model import MEDICATION, Medication
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.people import service as people
from iop_tui.clinical.people.model import Person
from iop_tui.clinical.staff import service as staff
from iop_tui.clinical.turnover import api as turnover
from iop_tui.kernel.rng import SeededRng
from iop_tui.store.views.compare import DUMPS
from iop_tui.workspace import Workspace, exchanging
from tests.exchange.world.pairs import Pair, meet
from tests.support.clinic.devices import Device, line
from tests.support.clinic.vaults import keep, note, refresh, today


def write(ws: Workspace, person: bytes, text: str) -> bytes:
    return notes.save(ws, person, note(today(ws), text)).revision


def dumps(one: Device, two: Device, user: str) -> tuple[dict[str, object], dict[str, object]]:
    found: list[dict[str, object]] = []
    for device in (one, two):
        with device.workspace(user) as ws:
            found.append({name: ws.view.rows(query) for name, query in DUMPS.items()})
    return found[0], found[1]


def same(one: Device, two: Device, user: str) -> None:
    left, right = dumps(one, two, user)
    assert [name for name in left if left[name] != right[name]] == []


def test_two_devices_make_the_next_key_and_nothing_becomes_unreadable(pair: Pair) -> None:
    one, two, stick = pair
    ana, sol = one.program.people["ana"], one.program.users["sol"].user
    written = []
    for device, text in ((one, "Naltrexone 50 mg"), (two, "Acamprosate 666 mg")):
        with device.workspace() as ws:
            people.end_care(ws, ana, sol)
            record = keep(ws, ana, MEDICATION, Medication(text=text, status="active"))
            written += [row[0] for row in ws.view.rows("SELECT id FROM version WHERE record = ?", (record,))]
            refresh(ws)
    meet(one, two, stick)
    same(one, two, "nadia")
    newest = set()
    for device in (one, two):
        with device.workspace() as ws:
            assert all(ws.session.open_revision(revision) for revision in written)
            place = charts.compartment_for(ws.session, ana, Kind.MED)
            newest.add(ws.session.newest(place))
            assert ws.view.rows("SELECT * FROM quarantine") == []
    assert len(newest) == 1


def test_one_users_two_laptops_both_make_the_first_keys(pair: Pair) -> None:
    one, two, stick = pair
    with one.workspace() as ws:
        person, _ = people.register(ws, Person(given="Ida", family="Neu", safe_contact="none"))
        people.assign(ws, person, one.program.users["tom"].user, roles.INDIVIDUAL_THERAPIST)
    meet(one, two, stick)
    written = []
    for device in (one, two):
        with device.workspace("tom") as ws:
            written.append(write(ws, person, f"First words on {device.name}."))
    meet(one, two, stick)
    meet(one, two, stick, "tom")
    same(one, two, "tom")
    for device in (one, two):
        with device.workspace("tom") as ws:
            assert all(ws.session.open_revision(revision) for revision in written)
            assert ws.view.rows("SELECT what, why FROM quarantine") == []


def test_colleagues_both_make_the_first_key_and_both_read_both(pair: Pair) -> None:
    """Nadia directs and so may make the medication compartment's key; Tom treats the person and may too."""
    one, two, stick = pair
    with one.workspace() as ws:
        person, _ = people.register(ws, Person(given="Ole", family="Alt", safe_contact="none"))
    meet(one, two, stick)
    with one.workspace() as ws:
        people.assign(ws, person, one.program.users["tom"].user, roles.INDIVIDUAL_THERAPIST)
    with two.workspace() as ws:
        people.assign(ws, person, ws.user.user, roles.MEDICAL_DIRECTOR)
    with one.workspace("tom") as ws:
        mine = charts.compartment_for(ws.session, person, Kind.MED)
        assert ws.session.holds(mine)
    with two.workspace() as ws:
        assert ws.session.holds(mine)
    for user in ("nadia", "tom", "nadia", "tom"):
        meet(one, two, stick, user)
    held = set()
    for device in (one, two):
        for user in ("nadia", "tom"):
            with device.workspace(user) as ws:
                rows = ws.view.rows("SELECT generation FROM keyring WHERE compartment = ?", (mine,))
                held.add(tuple(sorted(row[0] for row in rows)))
    assert len(held) == 1
    assert len(held.pop()) >= 2


def test_what_a_stand_in_wrote_elsewhere_stays_readable_and_gives_nothing_after_the_end(pair: Pair) -> None:
    """Tom renews a key before his day on a device that is carried only after it, when Nadia's has renewed it, too."""
    one, two, stick = pair
    person, tom, sol = one.program.people["max"], one.program.users["tom"].user, one.program.users["sol"].user
    with one.workspace() as ws:
        people.assign(ws, person, sol, roles.COUNSELOR)
        refresh(ws)
        until = today(ws) + timedelta(days=3)
        role = roles.INDIVIDUAL_THERAPIST
        turnover.transfer(ws, ws.user.user, tom, persons=(person,), role=role, until=until)
    meet(one, two, stick)
    with two.workspace() as ws:
        people.end_care(ws, person, sol)
        place = charts.compartment_for(ws.session, person, Kind.MED)
    with two.workspace("tom") as ws:
        record = keep(ws, person, MEDICATION, Medication(text="Naltrexone 50 mg", status="active"))
        ((written,),) = ws.view.rows("SELECT id FROM version WHERE record = ?", (record,))
        refresh(ws)
    for device in (one, two):
        device.clock.advance(5 * 86_400)
    with one.workspace() as ws:
        keep(ws, person, MEDICATION, Medication(text="Acamprosate 666 mg", status="active"))
    meet(one, two, stick)
    meet(one, two, stick, "tom")
    same(one, two, "nadia")
    same(one, two, "tom")
    for device in (one, two):
        with device.workspace("tom") as ws:
            assert not ws.session.holds(place)
        with device.workspace() as ws:
            ws.session.open_revision(written)
            assert ws.session.until(place) == 0
            assert not primitives.rotation_owed(ws.session, place)


def test_what_a_removed_user_did_elsewhere_at_that_time_does_not_count(pair: Pair) -> None:
    """Tom gives his part away on a device that does not know of his removal."""
    one, two, stick = pair
    ben, tom = one.program.people["ben"], one.program.users["tom"].user
    with two.workspace() as ws:
        staff.remove(ws, tom)
    with one.workspace("tom") as ws:
        people.end_care(ws, ben, tom)
        acts = [row[0] for row in ws.session.db.read("SELECT id FROM act ORDER BY seq DESC LIMIT 1")]
    meet(one, two, stick)
    same(one, two, "nadia")
    for device in (one, two):
        with device.workspace() as ws:
            assert (acts[0],) in ws.view.rows("SELECT id FROM quarantine")
            assert tom not in {slot.user_id for slot in ws.header().slots}
            assert ws.session.card(tom).status == "removed"


def test_a_removal_stands_against_a_change_of_roles_elsewhere(pair: Pair) -> None:
    one, two, stick = pair
    tom = one.program.users["tom"].user
    with two.workspace() as ws:
        staff.remove(ws, tom)
    with one.workspace() as ws:
        staff.set_roles(ws, tom, (roles.INDIVIDUAL_THERAPIST, roles.SUPERVISOR))
        staff.set_roles(ws, tom, (roles.SUPERVISOR,))
    meet(one, two, stick)
    same(one, two, "nadia")
    for device in (one, two):
        with device.workspace() as ws:
            assert ws.session.card(tom).status == "removed"


def test_restored_and_pushed_before_anything_was_fetched(pair: Pair, tmp_path: Path) -> None:
    """Restore yesterday's image, write, push over another carrier, then all meet: everything everywhere, one alarm."""
    one, two, stick = pair
    ana = one.program.people["ana"]
    shutil.copytree(two.path, tmp_path / "image")
    with two.workspace() as ws:
        write(ws, ana, "Written two days before the disk died.")
        exchanging.sync(ws, line(stick))
        kept = write(ws, ana, "Written before the disk died.")
        exchanging.sync(ws, line(stick))
    shutil.rmtree(two.path)
    shutil.copytree(tmp_path / "image", two.path)
    other = tmp_path / "other"
    other.mkdir()
    with two.workspace() as ws:
        fresh = write(ws, ana, "Written on the restored copy.")
        report = exchanging.sync(ws, line(other))
        assert not report.restored
    alarms = []
    meetings = ((one, stick), (one, other), (two, stick), (one, stick), (two, stick), (two, other), (one, other))
    for device, place in meetings:
        with device.workspace() as ws:
            alarms.append((device.name, len(exchanging.sync(ws, line(place)).forks)))
    for device in (one, two):
        assert sum(count for name, count in alarms if name == device.name) == 1
        with device.workspace() as ws:
            assert [ws.session.open_revision(one_).id for one_ in (kept, fresh)] == [kept, fresh]
    same(one, two, "nadia")


def test_a_lost_device_is_cut_off_and_its_late_work_is_kept(pair: Pair, tmp_path: Path) -> None:
    one, two, stick = pair
    ana = one.program.people["ana"]
    with one.workspace() as ws:
        laptop = next(item for item in exchanging.devices(ws) if item.name == "Laptop")
        exchanging.lost(ws, laptop.device)
        exchanging.sync(ws, line(stick))
    other = tmp_path / "thief"
    other.mkdir()
    with two.workspace() as ws:
        late = write(ws, ana, "Who wrote this?")
        exchanging.sync(ws, line(other))
    with one.workspace() as ws:
        report = exchanging.sync(ws, line(other))
        assert [item.why for item in report.waiting] == ["late"] * len(report.waiting)
        assert report.waiting
        assert ws.session.db.revision(late) is None
        assert len(exchanging.waiting(ws)) == len(report.waiting)
        # What is sealed from now on is under a key the lost device was not given.
        exchanging.sync(ws, line(stick))
    with two.workspace() as ws:
        report = exchanging.sync(ws, line(stick))
        assert "no_key" in [item.why for item in report.waiting]


def test_a_suspension_and_its_end_reach_the_other_copy(pair: Pair) -> None:
    one, two, stick = pair
    tom = one.program.users["tom"].user
    for change, shut in ((staff.suspend, True), (staff.resume, False)):
        with one.workspace() as ws:
            change(ws, tom)
        meet(one, two, stick)
        with two.workspace() as ws:
            assert [slot.suspended for slot in ws.header().slots if slot.user_id == tom] == [shut]
    with two.workspace("tom") as ws:
        assert ws.user.name == "Tom"


@pytest.mark.nightly
def test_a_copied_device_is_told_once_and_both_go_on(pair: Pair, tmp_path: Path) -> None:
    """Two people use one folder's copies: both write, both packs stay, each goes on in a lane of its own."""
    one, two, stick = pair
    ana = one.program.people["ana"]
    shutil.copytree(two.path, tmp_path / "copy")
    clone = Device(two.program, "Copy", tmp_path / "copy", replace(two.env, rng=SeededRng(99)), two.clock)
    written = []
    for device in (two, clone):
        with device.workspace() as ws:
            written.append(write(ws, ana, f"Written on {device.path.name}."))
            exchanging.sync(ws, line(tmp_path_for(device, tmp_path)))
    places = [tmp_path_for(device, tmp_path) for device in (two, clone)]
    told = 0
    for device in (one, two, clone, one, two, clone, one, two, clone):
        for place in (*places, stick):
            with device.workspace() as ws:
                forks = exchanging.sync(ws, line(place)).forks
                told += len(forks) if device is one else 0
    assert told == 1
    for device in (one, two, clone):
        with device.workspace() as ws:
            assert [ws.session.open_revision(revision).id for revision in written] == written
    same(two, clone, "nadia")
    same(one, clone, "nadia")


def tmp_path_for(device: Device, folder: Path) -> Path:
    """A carrier of a device's own."""
    place = folder / f"own-{device.path.name}"
    place.mkdir(exist_ok=True)
    return place
