"""The wall between partners: refused where it is seen, suspended where copies of the log meet (T13, T14)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iop_tui.access import chartkeys, charts, roles
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import Target, give_member, program_compartment, put, user_recipient
from iop_tui.clinical.couples import api as couples_api
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.couples.model import TRIGGERS, SafetyConcern
from iop_tui.clinical.people import service as people
from iop_tui.clinical.people.model import Person
from iop_tui.clinical.staff import service as staff
from iop_tui.clinical.turnover import api as turnover
from iop_tui.kernel.errors import WallRefused
from iop_tui.kernel.ids import show_id
from tests.support.clinic.consents import Clinic, opened
from tests.support.clinic.vaults import PHRASE, Member, template

IT = roles.INDIVIDUAL_THERAPIST


@pytest.fixture
def clinic(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Clinic]:
    with opened(template(tmp_path_factory), tmp_path) as found:
        yield found


def test_t13_two_people_who_share_a_therapist_are_not_linked(clinic: Clinic) -> None:
    fay = clinic.ws("fay")
    before = fay.session.db.position.revisions
    hana = clinic.made.people["hana"]
    with pytest.raises(WallRefused):
        people.assign(fay, clinic.made.people["ben"], clinic.user("nadia"), IT)
    people.assign(fay, hana, clinic.user("nadia"), IT)
    after = fay.session.db.position.revisions
    with pytest.raises(WallRefused):
        couples.link(clinic.ws("fay"), hana, clinic.made.people["max"], clinic.user("cleo"))
    assert fay.session.db.position.revisions > before
    assert clinic.ws("fay").session.db.position.revisions == after
    assert "link-couple: wall" in clinic.events("refused")


@pytest.mark.parametrize("first", ["ana", "ben"])
def test_t14_two_desks_assign_one_therapist_to_both_sides_without_knowing(clinic: Clinic, first: str) -> None:
    new = staff.add_user(clinic.ws("nadia"), name="Ida", user_roles=(IT,), phrase=bytearray(PHRASE))
    clinic.made.users["ida"] = Member("Ida", new.secrets, new)
    second = "ben" if first == "ana" else "ana"
    person, later = clinic.made.people[first], clinic.made.people[second]
    fay, nadia = clinic.ws("fay"), clinic.ws("nadia")  # Nadia is the privacy officer; both views are as of now
    people.assign(fay, person, new.user, IT)
    clinic.made.clock.advance(5)
    with pytest.MonkeyPatch.context() as patch:
        # The other device has not heard of the first assignment yet: it sees the care teams as they were.
        known = charts.care_facts(nadia.session)
        patch.setattr(charts, "care_facts", lambda *_: known)
        people.assign(nadia, later, new.user, IT)
    told = [item for item in turnover.notices(clinic.ws("nadia")) if "both sides" in item.text]
    assert [(item.subject, item.rule) for item in told] == [(later, "program rule CR-1")]
    assert "Ida stands on both sides" in told[0].text
    assert "program rule CR-1" in clinic.events("suspend-part")
    ida = clinic.ws("ida")
    held = {row[0] for row in ida.view.rows("SELECT person FROM compartment WHERE kind IN ('DIR', 'IND', 'PSY')")}
    assert person in held
    assert later not in held, "the later part is suspended"
    assert clinic.payloads("ida", "quarry") == 0
    clinic.ws("nadia")
    clinic.ws("fay")
    others = [item.text for name in ("tom", "sol") for item in turnover.notices(clinic.ws(name))]
    assert not any("both sides" in text for text in others), "nobody else is told"
    people.end_care(clinic.ws("fay"), person, new.user)
    assert not any("both sides" in item.text for item in turnover.notices(clinic.ws("nadia")))


def test_the_registry_alone_shows_a_breach_to_the_front_desk(clinic: Clinic) -> None:
    fay = clinic.ws("fay")
    assert turnover.notices(fay) == []
    uno, _ = people.register(fay, Person(given="Uno", family="Other"))
    people.assign(clinic.ws("fay"), uno, clinic.user("tom"), IT)
    assert turnover.notices(clinic.ws("fay")) == []
    place = charts.compartment_for(clinic.ws("fay").session, uno, Kind.DIR)
    assert clinic.ws("tom").session.holds(place)


def written_in(clinic: Clinic, person: str, who: str, *, with_key: bool = False) -> None:
    """What a desk that knew nothing of the other side, or that lies, writes: the wall was never asked."""
    session, place = clinic.ws("fay").session, clinic.made.people[person]
    work, home = session.work(), charts.compartment_for(session, place, Kind.DIR)
    kind = next(item for item in charts.TYPES if item.kind == "care_member")
    user = clinic.user(who)
    member = charts.CareMember(user=show_id(user), name=clinic.made.users[who].name, role=IT, since=clinic.day)
    for compartment in (home, program_compartment(session, Kind.REG)):
        put(session, work, compartment, kind, member, person=place)
    if with_key:
        give_member(session, work, [Target(home, Kind.DIR, place)], [user_recipient(session, user, IT)], act="assign")
    session.note(work, "assign")
    session.commit(work)


def test_a_suspended_part_is_no_assignment_and_the_giver_keeps_everything(clinic: Clinic) -> None:
    written_in(clinic, "ana", "tom")
    for name in ("nadia", "sol", "fay", "tom", "nadia"):
        clinic.ws(name)
    ana = clinic.made.people["ana"]
    with pytest.raises(WallRefused):
        turnover.transfer(clinic.ws("nadia"), clinic.user("nadia"), clinic.user("tom"), persons=(ana,), role=IT)
    clinic.ws("tom")
    assert (clinic.payloads("tom", "quarry walk"), clinic.payloads("nadia", "quarry walk")) == (0, 1)


def test_who_cannot_see_the_other_side_hands_over_only_to_holders_of_the_directory_entry(clinic: Clinic) -> None:
    new = staff.add_user(clinic.ws("nadia"), name="Ida", user_roles=(IT,), phrase=bytearray(PHRASE))
    clinic.made.users["ida"] = Member("Ida", new.secrets, new)
    ana, ben = clinic.made.people["ana"], clinic.made.people["ben"]
    clinic.ws("nadia")
    people.assign(clinic.ws("fay"), ana, new.user, IT)
    turnover.transfer(clinic.ws("nadia"), clinic.user("nadia"), new.user, persons=(ana,), role=IT)
    written_in(clinic, "ben", "ida")
    for name in ("nadia", "fay", "tom", "ida"):
        clinic.ws(name)
    tom = clinic.ws("tom")
    assert turnover.hand_overs_waiting(tom) == []
    (line,) = turnover.transfer(tom, clinic.user("tom"), new.user, persons=(ben,))
    assert (line.assigned, line.handed_over, line.ended) == (False, False, False)
    clinic.ws("ida")
    assert (clinic.payloads("ida", "quarry walk"), clinic.payloads("ida", "quarry accident")) == (1, 0)


def test_the_wall_stands_after_the_couple_ended(clinic: Clinic) -> None:
    written_in(clinic, "ana", "tom", with_key=True)
    round_trip = ("nadia", "sol", "fay", "tom") * 2
    for name in round_trip:
        clinic.ws(name)
    cleo = clinic.ws("cleo")
    couples_api.dissolve(cleo, next(iter(charts.couple_links(cleo.session))), trigger=TRIGGERS[0])
    for name in round_trip:
        clinic.ws(name)
    chart = charts.chart_of(clinic.ws("fay").session, clinic.made.people["ana"])
    tom = clinic.ws("tom").session
    assert [item.kind for item in chart.reserved if tom.holds(charts.reserved_id(chart, item.kind, item.role))] == []
    assert any("both sides" in item.text for item in turnover.notices(clinic.ws("nadia")))


@pytest.mark.parametrize("kept", [True, False])
def test_the_end_of_a_part_does_not_tell_whether_its_author_kept_something_alone(clinic: Clinic, kept: bool) -> None:
    nadia, ana = clinic.ws("nadia"), clinic.made.people["ana"]
    if kept:
        couples_api.concern(nadia, ana, SafetyConcern(noticed=clinic.day, alone=True, text="He chokes her."))
    fay = clinic.ws("fay")
    place = charts.compartment_for(fay.session, ana, Kind.SAFE, IT)
    fact = next(f for f in charts.care_facts(fay.session, ana) if (f.user, f.role) == (clinic.user("nadia"), IT))
    work = fay.work()
    chartkeys.end_part(fay.session, work, fact)
    fay.commit(work)
    live = clinic.ws("cleo").view.rows("SELECT id FROM wrap WHERE compartment = ? AND revoked_ms = 0", (place,))
    assert len(live) == 1
    with pytest.raises(WallRefused):
        people.assign(clinic.ws("fay"), clinic.made.people["ben"], clinic.user("nadia"), IT)
