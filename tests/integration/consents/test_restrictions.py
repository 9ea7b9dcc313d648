"""45 CFR 164.522(a): what the person asked us not to tell somebody is not released to them, and who may end that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from iop_tui.access import roles
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.api import Ground, Recipient
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.restrictions import api as restrictions
from iop_tui.clinical.restrictions.model import same_name
from iop_tui.clinical.staff import service as staff
from iop_tui.interchange import packets
from iop_tui.kernel.errors import NotFound, NotReady, RoleRefused
from tests.support.clinic.consents import Clinic, opened, refused
from tests.support.clinic.vaults import PHRASE, Member, template

PLAN = "Blue Prairie Health"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with opened(template(tmp_path_factory), tmp_path_factory.mktemp("restrictions")) as found:
        yield found


@pytest.fixture
def clinic(shared: Clinic) -> Clinic:
    """The same clinic; what a test before it restricted is over."""
    for line in restrictions.lines(shared.ws("nadia")):
        if line.binds:
            restrictions.end(shared.ws("nadia"), line.record, restrictions.IN_WRITING)
    return shared


def paid(clinic: Clinic, **more: Any) -> restrictions.Restriction:
    values: dict[str, Any] = {
        "ground": restrictions.SELF_PAID, "recipients": (PLAN,), "covers_from": clinic.day - timedelta(days=40),
        "covers_to": clinic.day, "paid_in_full": True, "paid_on": clinic.day, "asked_on": clinic.day,
    }  # fmt: skip
    return restrictions.Restriction(**{**values, **more})


def named(clinic: Clinic, *names: str, **more: Any) -> restrictions.Restriction:
    return restrictions.Restriction(ground=restrictions.NAMED, recipients=names, asked_on=clinic.day, **more)


def take_down(clinic: Clinic, document: restrictions.Restriction, by: str = "fay", who: str = "ana") -> bytes:
    return restrictions.record(clinic.ws(by), clinic.made.people[who], document)


def release(
    clinic: Clinic, to: str, basis: str = disclosures.OPERATIONS, note: str = "ana0", authority: str = ""
) -> consents.Released:
    ws = clinic.ws("nadia")
    work = ws.work()
    ground = Ground(basis, Recipient(name=to), "payment", authority=authority)
    done = consents.release(ws, work, clinic.made.people["ana"], [clinic.made.notes[note]], ground)
    ws.commit(work)
    return done


def test_164_522_a_1_vi_what_was_paid_in_full_is_kept_from_the_plan_at_once(clinic: Clinic) -> None:
    release(clinic, PLAN)
    record = take_down(clinic, paid(clinic))
    (line,) = [item for item in restrictions.lines(clinic.ws("nadia")) if item.record == record]
    assert (line.state, line.section) == (restrictions.IN_FORCE, "45 CFR 164.522(a)(1)(vi)")
    rows = len(disclosures.accounting(clinic.ws("nadia"), clinic.made.people["ana"]).rows)
    with refused("release.restricted"):
        release(clinic, f"{PLAN} of Kansas")
    assert len(disclosures.accounting(clinic.ws("nadia"), clinic.made.people["ana"]).rows) == rows
    assert "release: release.restricted" in clinic.events("refused")
    release(clinic, "Another Insurance")


def test_the_refusal_names_the_section(clinic: Clinic) -> None:
    from iop_tui.kernel.errors import RuleRefused

    take_down(clinic, paid(clinic))
    with pytest.raises(RuleRefused) as caught:
        release(clinic, PLAN)
    assert "45 CFR 164.522(a)(1)(vi)" in caught.value.hint
    assert "paid for this in full" in caught.value.message


def test_no_packet_is_written_to_who_must_not_get_it(clinic: Clinic, tmp_path: Path) -> None:
    take_down(clinic, paid(clinic))
    out = tmp_path / "claim.age"
    order = packets.Order(
        clinic.made.people["ana"], (clinic.made.notes["ana0"],), "payment", "passphrase", out, packets.PAYER,
        basis=disclosures.OPERATIONS, recipient=Recipient(name=PLAN),
    )  # fmt: skip
    with refused("release.restricted"):
        packets.make(clinic.ws("nadia"), order)
    assert list(tmp_path.iterdir()) == []


def test_only_the_services_that_were_paid_for(clinic: Clinic) -> None:
    take_down(clinic, paid(clinic, covers_from=clinic.day - timedelta(days=10)))  # not the oldest note
    with refused("release.restricted"):
        release(clinic, PLAN)
    release(clinic, PLAN, note="ana2")


@pytest.mark.parametrize("changed", [{"paid_in_full": None}, {"paid_in_full": False}, {"covers_to": None},
                                     {"recipients": ()}, {"recipients": (PLAN, "--")}, {"asked_on": None},
                                     {"requester": "guardian"},
                                     {"asked_on": date(2030, 1, 1)}])  # fmt: skip
def test_a_request_that_lacks_something_is_refused_and_nothing_is_kept(clinic: Clinic, changed: dict[str, Any]) -> None:
    before = len(restrictions.lines(clinic.ws("fay")))
    with pytest.raises(NotReady):
        take_down(clinic, paid(clinic, **changed))
    assert len(restrictions.lines(clinic.ws("fay"))) == before


def test_164_522_a_1_vi_there_is_no_choice_about_it(clinic: Clinic) -> None:
    record = take_down(clinic, paid(clinic))
    for agreed in (True, False):
        with refused("restriction.must_agree"):
            restrictions.decide(clinic.ws("nadia"), record, agreed=agreed, reason="No")
    with refused("restriction.binding"):  # 164.522(a)(2)(iii)(A)
        restrictions.end(clinic.ws("nadia"), record, restrictions.BY_PROGRAM)
    restrictions.end(clinic.ws("nadia"), record, restrictions.BY_WORD, reason="Wants it billed after all")
    release(clinic, PLAN)


def test_164_522_a_1_iii_what_was_agreed_binds_and_what_was_not_does_not(clinic: Clinic) -> None:
    record = take_down(clinic, named(clinic, "Dr. Mara Lee", "Lee clinic"))
    release(clinic, "Dr Lee")
    assert [line.what for line in restrictions.due_lines(clinic.ws("nadia"))] == ["Decide on a restriction"]
    assert restrictions.due_lines(clinic.ws("fay")) == []
    with pytest.raises(RoleRefused):
        restrictions.decide(clinic.ws("fay"), record, agreed=True)
    restrictions.decide(clinic.ws("nadia"), record, agreed=True)
    assert restrictions.due_lines(clinic.ws("nadia")) == []
    for to in ("Mara Lee", "dr lee", "LeeClinic"):
        with refused("release.restricted"):
            release(clinic, to)
    with refused("restriction.decided"):
        restrictions.decide(clinic.ws("nadia"), record, agreed=False, reason="Too late")
    other = take_down(clinic, named(clinic, "Sam Porter"))
    with refused("restriction.reason"):
        restrictions.decide(clinic.ws("nadia"), other, agreed=False)
    restrictions.decide(clinic.ws("nadia"), other, agreed=False, reason="He pays for the treatment")
    release(clinic, "Sam Porter")


def test_164_522_a_2_iii_ended_by_the_program_alone_it_binds_what_was_before(clinic: Clinic) -> None:
    record = take_down(clinic, named(clinic, "Orchard Union"))
    restrictions.decide(clinic.ws("nadia"), record, agreed=True)
    restrictions.end(clinic.ws("nadia"), record, restrictions.BY_PROGRAM, reason="Told her today")
    (line,) = [item for item in restrictions.lines(clinic.ws("nadia")) if item.record == record]
    assert line.state == restrictions.BEFORE_ONLY
    with refused("release.restricted"):
        release(clinic, "Orchard Union")
    assert line.stops("Orchard Union", clinic.day)
    assert not line.stops("Orchard Union", clinic.day + timedelta(days=1))
    restrictions.end(clinic.ws("nadia"), record, restrictions.IN_WRITING)
    with refused("restriction.not_in_force"):
        restrictions.end(clinic.ws("nadia"), record, restrictions.IN_WRITING)


def test_164_522_a_1_v_orders_and_reports_are_not_hindered_and_emergencies_carry_a_request(clinic: Clinic) -> None:
    record = take_down(clinic, named(clinic, "County Hospital"))
    restrictions.decide(clinic.ws("nadia"), record, agreed=True)
    for basis in (disclosures.ORDER, disclosures.REPORT):
        assert "164.522" not in release(clinic, "County Hospital", basis).notice
    told = release(clinic, "County Hospital", disclosures.EMERGENCY).notice
    assert "45 CFR 164.522(a)(1)(iv)" in told
    assert "further" in told


def test_the_persons_own_copy_is_theirs_and_a_request_in_their_name_to_somebody_restricted_is_not(
    clinic: Clinic,
) -> None:
    record = take_down(clinic, named(clinic, "Quill"))
    restrictions.decide(clinic.ws("nadia"), record, agreed=True)
    release(clinic, "Ana Quill", disclosures.REQUEST)
    with refused("release.request_recipient"):
        release(clinic, "Bertha Quill", disclosures.REQUEST)
    with refused("release.restricted"):  # nor to who asks in her place and is whom she named
        release(clinic, "Bertha Quill", disclosures.REQUEST, authority="guardian: order 12")
    release(clinic, "Gus Example", disclosures.REQUEST, authority="guardian: order 12")


def test_it_stands_where_everybody_who_could_disclose_reads_it_and_nowhere_else(clinic: Clinic) -> None:
    take_down(clinic, paid(clinic), by="nadia")
    ana = clinic.made.people["ana"]
    for name in ("nadia", "sol", "cleo", "fay", "bill"):
        assert any(line.binds for line in restrictions.lines(clinic.ws(name), ana)), name
    for name in ("tom", "abe", "uma"):
        assert restrictions.lines(clinic.ws(name), ana) == []
    for name in ("tom", "uma"):
        with pytest.raises(NotFound):
            take_down(clinic, paid(clinic), by=name)
        assert clinic.payloads(name, PLAN) == 0


def test_a_decision_by_anybody_but_the_privacy_officer_counts_for_nothing(clinic: Clinic) -> None:
    """Fay holds the key to the directory entry and could write one; Nadia's program does not act upon it."""
    from iop_tui.access import charts
    from iop_tui.access.policy import Kind
    from iop_tui.access.primitives import put
    from iop_tui.clinical.restrictions.model import DECISION, RestrictionDecision
    from iop_tui.kernel.ids import show_id

    record = take_down(clinic, paid(clinic))
    fay, ana = clinic.ws("fay"), clinic.made.people["ana"]
    work = fay.work()
    forged = RestrictionDecision(restriction=show_id(record), decision="ended", ending="the person asked in writing",
                                 decided_on=clinic.day)  # fmt: skip
    put(fay.session, work, charts.compartment_for(fay.session, ana, Kind.DIR), DECISION, forged, person=ana)
    fay.session.note(work, "forged")
    fay.commit(work)
    with refused("release.restricted"):
        release(clinic, PLAN)


def test_who_is_no_officer_ends_nothing(clinic: Clinic) -> None:
    record = take_down(clinic, paid(clinic))
    new = staff.add_user(clinic.ws("nadia"), name="Mia", user_roles=(roles.MEDICAL_DIRECTOR,), phrase=bytearray(PHRASE))
    clinic.made.users["mia"] = Member("Mia", new.secrets, new)
    for name in ("fay", "mia", "sol"):
        with pytest.raises(RoleRefused):
            restrictions.end(clinic.ws(name), record, restrictions.IN_WRITING)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Blue Prairie Health", "BLUE PRAIRIE health plan", True), ("BluePrairie", "Blue Prairie", True),
        ("Dr. Lee", "Mara Lee", True), ("Lee", "Kathleen Ray", False), ("Ana Quill", "Ben Odell", False),
        ("", "Blue Prairie", False), ("The Plan", "Another Plan", False), ("Jörg Ahlén", "jörg  AHLÉN", True),
    ],
)  # fmt: skip
def test_names_of_one_recipient(one: str, other: str, same: bool) -> None:
    assert same_name(one, other) is same
    assert same_name(other, one) is same
