"""Supervisors and directors look into a case by shares only, on either side of a couple (CR-1, CR-16)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from iop_tui.access import charts, primitives, roles
from iop_tui.access.policy import Kind
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.people import service as people
from iop_tui.clinical.staff import profiles
from iop_tui.clinical.staff import service as staff
from iop_tui.kernel.errors import WallRefused
from iop_tui.kernel.ids import show_id
from tests.support.clinic import couples
from tests.support.clinic.consents import Clinic, opened, refused
from tests.support.clinic.vaults import PHRASE, Member, template


@pytest.fixture
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """A program of its own for every test."""
    with opened(template(tmp_path_factory), tmp_path_factory.mktemp("consulting")) as found:
        yield found


def test_a_supervisor_reads_what_was_named_until_the_day_and_holds_no_key(clinic: Clinic) -> None:
    uma, until = clinic.user("uma"), clinic.day + timedelta(days=3)
    shared = consents.consult(
        clinic.ws("nadia"), [clinic.made.notes["ana0"]], uma, reason="Stuck after relapse", until=until
    )
    clinic.ws("uma")
    assert clinic.payloads("uma", "quarry walk") == 1
    assert clinic.payloads("uma", "urge surfing") == 0
    place = charts.compartment_for(clinic.ws("nadia").session, clinic.made.people["ana"], Kind.IND)
    assert not clinic.ws("uma").session.holds(place)
    clinic.pass_days(4)
    clinic.ws("uma")
    assert clinic.payloads("uma", "quarry walk") == 0
    assert shared.records == 1


def test_a_director_reads_both_partners_by_shares_and_treats_one_at_most(clinic: Clinic) -> None:
    new = staff.add_user(clinic.ws("nadia"), name="Mia", user_roles=(roles.MEDICAL_DIRECTOR,), phrase=bytearray(PHRASE))
    clinic.made.users["mia"] = Member("Mia", new.secrets, new)
    until = clinic.day + timedelta(days=3)
    acts = []
    for name, record in (("nadia", "ana0"), ("tom", "ben0")):
        chosen = [clinic.made.notes[record]]
        made = consents.consult(clinic.ws(name), chosen, new.user, reason="Case review", until=until)
        acts.append((name, made.act))
    clinic.ws("mia")
    assert clinic.payloads("mia", "quarry") == 2
    people.assign(clinic.ws("fay"), clinic.made.people["ana"], new.user, roles.MEDICAL_DIRECTOR)
    with pytest.raises(WallRefused):
        people.assign(clinic.ws("fay"), clinic.made.people["ben"], new.user, roles.MEDICAL_DIRECTOR)
    for name, act in acts:
        ws = clinic.ws(name)
        work = ws.work()
        primitives.revoke(ws.session, work, act)
        ws.session.note(work, "revoke", subject=act)
        ws.commit(work)
    people.end_care(clinic.ws("fay"), clinic.made.people["ana"], new.user)
    clinic.ws("mia")
    assert clinic.payloads("mia", "quarry") == 0


@pytest.mark.parametrize(
    ("by", "record", "reader", "more", "rule"),
    [
        ("nadia", "ana0", "uma", {"reason": " "}, "consult.reason"),
        ("nadia", "ana0", "uma", {"days": 31}, "consult.until"),
        ("nadia", "ana0", "uma", {"days": -1}, "consult.until"),
        ("nadia", "ana0", "nadia", {}, "consult.self"),
        ("nadia", "ana0", "bill", {}, "consult.role"),
        ("nadia", "ana0", "tom", {}, "consult.role"),
        ("nadia", "draft", "uma", {}, "consult.draft"),
    ],
)
def test_a_consultation_follows_rules(
    clinic: Clinic, by: str, record: str, reader: str, more: dict[str, object], rule: str
) -> None:
    until = clinic.day + timedelta(days=int(str(more.get("days", 3))))
    with refused(rule):
        consents.consult(
            clinic.ws(by), [clinic.made.notes[record]], clinic.user(reader), reason=str(more.get("reason", "Because")),
            until=until,
        )  # fmt: skip
    assert f"consult: {rule}" in clinic.events("refused")


def test_cr16_a_supervisor_over_both_sides_reads_neither_without_an_exception(clinic: Clinic) -> None:
    for name in ("cleo", "nadia"):
        value = profiles.StaffProfile(credential="LCSW", supervisor=show_id(clinic.user("uma")))
        profiles.set_profile(clinic.ws("nadia"), clinic.user(name), value)
    with refused("supervisor.conflict"):
        consents.consult(
            clinic.ws("nadia"), [clinic.made.notes["ana0"]], clinic.user("uma"), reason="Review", until=clinic.day
        )
    cleo = clinic.ws("cleo")
    pair = couples.pair_of(clinic.made, cleo)
    couples.agree(cleo, pair)
    session = couples.hold_session(cleo, pair)
    with refused("supervisor.conflict"):  # the joint record holds both sides
        consents.consult(clinic.ws("cleo"), [session], clinic.user("uma"), reason="Review", until=clinic.day)
