"""The wall between partners: refused where it is seen, suspended where copies of the log meet (T13, T14)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iop_tui.access import charts, roles
from iop_tui.access.policy import Kind
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.people import service as people
from iop_tui.clinical.people.model import Person
from iop_tui.clinical.staff import service as staff
from iop_tui.clinical.turnover import api as turnover
from iop_tui.kernel.errors import WallRefused
from tests.support.consents import Clinic, opened, template
from tests.support.vaults import PHRASE, Member

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
