"""The care team is what the keys say; each act says what it gives before, and the last holder is not let go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from iop_tui.access import charts, roles
from iop_tui.access.policy import Kind
from iop_tui.clinical.people import service as people
from iop_tui.clinical.staff import profiles
from iop_tui.clinical.staff import service as staff
from iop_tui.clinical.turnover import api as turnover
from iop_tui.clinical.turnover import leaving, planning, saying
from iop_tui.clinical.turnover.team import IN_CARE, OFFICE, STANDS_IN, WAITS
from iop_tui.kernel.errors import NotFound, RoleRefused, WallRefused
from iop_tui.kernel.ids import show_id
from tests.support.clinic.consents import Clinic, opened, refused
from tests.support.clinic.turnover import staffed
from tests.support.clinic.vaults import PHRASE, STAFF, Member

IT, CT, MD = roles.INDIVIDUAL_THERAPIST, roles.COUPLES_THERAPIST, roles.MEDICAL_DIRECTOR


@pytest.fixture
def clinic(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Clinic]:
    with opened(staffed(tmp_path_factory), tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """One clinic for the tests that leave care teams and keys as they are."""
    with opened(staffed(tmp_path_factory), tmp_path_factory.mktemp("still")) as found:
        yield found


def team(clinic: Clinic, by: str, who: str) -> dict[tuple[str, str], turnover.TeamLine]:
    return {(line.name, line.role): line for line in turnover.care_team(clinic.ws(by), clinic.made.people[who])}


def test_the_team_is_read_from_live_keys_and_follows_a_transfer_step_by_step(clinic: Clinic) -> None:
    ben, tom, ida = clinic.made.people["ben"], clinic.user("tom"), clinic.user("ida")
    clinic.ws("cleo")  # makes the joint record's first key
    before = team(clinic, "fay", "ben")
    assert before["Tom", IT].state == IN_CARE
    whole = ("directory entry", "individual record", "medications", "crisis card", "group record")
    assert before["Tom", IT].opens == whole
    assert before["Cleo", CT].opens == ("directory entry", "joint record")
    assert before["Bill", "biller"].state == OFFICE
    turnover.transfer(clinic.ws("fay"), tom, ida)
    waits = team(clinic, "fay", "ben")["Ida", IT]
    assert (waits.state, waits.waiting_for, waits.opens) == (WAITS, ("Tom",), ("directory entry",))
    turnover.transfer(clinic.ws("tom"), tom, ida)
    assert team(clinic, "fay", "ben")["Ida", IT].opens == before["Tom", IT].opens
    turnover.transfer(clinic.ws("fay"), tom, ida)
    after = team(clinic, "fay", "ben")
    assert ("Tom", IT) not in after
    assert after["Ida", IT].state == IN_CARE
    chart = charts.chart_of(clinic.ws("ida").session, ben)
    assert clinic.ws("ida").session.holds(charts.reserved_id(chart, Kind.IND)), "what it said is what the keys do"


def test_who_has_no_directory_key_sees_no_team(still: Clinic) -> None:
    for name in ("tom", "abe", "uma"):
        with pytest.raises(NotFound):
            turnover.care_team(still.ws(name), still.made.people["ana"])
    missing = bytes(16)
    with pytest.raises(NotFound):
        turnover.care_team(still.ws("tom"), missing)


def test_a_stand_in_shows_its_end(clinic: Clinic) -> None:
    until = clinic.day + timedelta(days=7)
    for name in ("fay", "tom"):
        turnover.transfer(clinic.ws(name), clinic.user("tom"), clinic.user("ida"), until=until)
    line = team(clinic, "fay", "ben")["Ida", IT]
    assert (line.state, line.until) == (STANDS_IN, until)
    clinic.pass_days(8)
    assert ("Ida", IT) not in team(clinic, "fay", "ben")


def test_nobody_leaves_as_the_last_who_can_open_the_record(still: Clinic) -> None:
    ben, tom = still.made.people["ben"], still.user("tom")
    said = saying.ending(still.ws("fay"), ben, tom, IT)
    assert "Only Tom can open the individual record" in said.against
    before = still.ws("fay").session.db.position.revisions
    with refused("turnover.last_holder"):
        turnover.end_part(still.ws("fay"), ben, tom, IT)
    assert still.ws("fay").session.db.position.revisions == before
    assert "end-part: turnover.last_holder" in still.events("refused")
    with pytest.raises(RoleRefused):
        turnover.end_part(still.ws("sol"), ben, tom, IT)
    with refused("turnover.joint_part"):
        turnover.end_part(still.ws("fay"), ben, still.user("cleo"), CT)


@pytest.mark.nightly
def test_a_part_ends_where_somebody_else_can_open_it(clinic: Clinic) -> None:
    ana, sol = clinic.made.people["ana"], clinic.user("sol")
    clinic.ws("sol")  # makes the keys of the substance use record
    people.assign(clinic.ws("fay"), ana, clinic.user("ida"), IT)
    turnover.transfer(clinic.ws("nadia"), clinic.user("nadia"), clinic.user("ida"), persons=(ana,), role=IT)
    assert ("Nadia", IT) not in team(clinic, "fay", "ana")
    with refused("turnover.last_holder"):
        turnover.end_part(clinic.ws("fay"), ana, sol, roles.COUNSELOR)
    people.assign(clinic.ws("fay"), ana, clinic.user("uma"), roles.SUPERVISOR)
    turnover.end_part(clinic.ws("fay"), ana, clinic.user("uma"), roles.SUPERVISOR)
    assert ("Uma", roles.SUPERVISOR) not in team(clinic, "fay", "ana")


def test_what_is_said_before_an_assignment_is_what_it_gives(clinic: Clinic) -> None:
    ben, ida = clinic.made.people["ben"], clinic.user("ida")
    said = saying.assigning(clinic.ws("fay"), ben, ida, IT)
    assert said.gives[0] == "give the directory entry at once."
    assert said.gives[1] == "let Tom hand over: individual record, medications, crisis card and group record."
    assert "Will not: give private notes" in said.text()
    people.assign(clinic.ws("fay"), ben, ida, IT)
    assert team(clinic, "fay", "ben")["Ida", IT].opens == ("directory entry",)
    assert "No key" in saying.assigning(clinic.ws("fay"), ben, clinic.user("uma"), roles.SUPERVISOR).text()


# -- the dry run ---------------------------------------------------------------------------


def test_a_dry_run_says_per_person_what_the_transfer_will_do_and_writes_nothing(clinic: Clinic) -> None:
    nadia, tom = clinic.user("nadia"), clinic.user("tom")
    before = clinic.ws("fay").session.db.position.revisions
    plan = {(line.name, line.role): line for line in turnover.plan(clinic.ws("fay"), nadia, tom)}
    assert clinic.ws("fay").session.db.position.revisions == before
    assert plan["Max Brandt", IT].state == planning.READY
    wall = plan["Ana Quill", IT]
    assert (wall.state, wall.rule) == (planning.REFUSED, "wall")
    assert "other partner" in wall.says, "who assigns knows the care teams and is told the rule"
    with pytest.raises(WallRefused):
        turnover.transfer(clinic.ws("fay"), nadia, tom, persons=(clinic.made.people["ana"],), role=IT)
    answer = planning.run(clinic.ws("nadia"), nadia, tom, plan["Ana Quill", IT])
    assert answer.state == planning.REFUSED, "one person's refusal is an answer, not the end of the list"
    done = planning.run(clinic.ws("nadia"), nadia, tom, plan["Max Brandt", IT])
    assert done.state == planning.DONE, done.says


def test_cr16_holds_for_transfers_too(clinic: Clinic) -> None:
    for name in ("sol", "ida"):  # Sol treats Ana; Ida would treat Ben
        value = profiles.StaffProfile(credential="LMSW", supervisor=show_id(clinic.user("uma")))
        profiles.set_profile(clinic.ws("nadia"), clinic.user(name), value)
    (line,) = turnover.plan(clinic.ws("fay"), clinic.user("tom"), clinic.user("ida"))
    assert (line.state, line.rule) == (planning.REFUSED, "supervisor.conflict")
    with refused("supervisor.conflict"):
        turnover.transfer(clinic.ws("fay"), clinic.user("tom"), clinic.user("ida"))


def test_a_giver_is_told_nothing_of_who_treats_the_partner(still: Clinic) -> None:
    """Tom treats Ben; that Nadia treats Ben's partner is not his to learn: his dry run waits for the desk, as any."""
    tom = still.user("tom")
    (to_nadia,) = turnover.plan(still.ws("tom"), tom, still.user("nadia"))
    (to_ida,) = turnover.plan(still.ws("tom"), tom, still.user("ida"))
    assert to_nadia.state == to_ida.state == planning.WAITS
    assert to_nadia.says.replace("Nadia", "Ida") == to_ida.says


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("frm", "to"), [pair for pair in product(("nadia", "tom", "cleo", "sol"), (*STAFF, "nadia", "ida"))
                    if pair[0] != pair[1]]
)  # fmt: skip
def test_the_dry_run_refuses_exactly_what_the_transfer_refuses(clinic: Clinic, frm: str, to: str) -> None:
    giver, receiver = clinic.user(frm), clinic.user(to)
    plan = turnover.plan(clinic.ws("fay"), giver, receiver)
    assert plan
    for line in plan:
        done = planning.run(clinic.ws("fay"), giver, receiver, line)
        assert (done.state, done.rule) == (planning.REFUSED, line.rule) or (
            planning.REFUSED not in (done.state, line.state)
        ), f"{line} {done}"


def test_a_transfer_that_was_begun_is_found_again_until_its_last_step(clinic: Clinic) -> None:
    tom, ida = clinic.user("tom"), clinic.user("ida")
    fay = clinic.ws("fay")
    plan = turnover.plan(fay, tom, ida)
    with pytest.raises(RoleRefused):
        planning.begin(clinic.ws("sol"), tom, ida, plan)
    record = planning.begin(clinic.ws("fay"), tom, ida, plan)
    (line,) = planning.open_transfer(clinic.ws("fay"), record).lines
    planning.run(clinic.ws("fay"), tom, ida, line)
    assert turnover.due_lines(clinic.ws("fay")) == [], "now it waits for Tom"
    assert [item.what for item in turnover.due_lines(clinic.ws("tom"))] == ["Hand over to Ida, individual therapist"]
    planning.run(clinic.ws("tom"), tom, ida, line)
    assert turnover.due_lines(clinic.ws("tom")) == []
    (due,) = turnover.due_lines(clinic.ws("fay"))
    assert (due.what, due.action, due.record) == ("Go on: Tom to Ida", turnover.TRANSFER, record)
    planning.run(clinic.ws("fay"), tom, ida, line)
    assert turnover.open_transfers(clinic.ws("fay")) == []
    assert turnover.due_lines(clinic.ws("fay")) == []


def test_a_transfer_ends_early_with_a_reason(still: Clinic) -> None:
    tom, ida = still.user("tom"), still.user("ida")
    record = planning.begin(still.ws("fay"), tom, ida, turnover.plan(still.ws("fay"), tom, ida))
    with refused("transfer.stop_reason"):
        planning.stop(still.ws("fay"), record, " ")
    planning.stop(still.ws("fay"), record, "Ida leaves, too.")
    assert turnover.open_transfers(still.ws("fay")) == []
    with pytest.raises(NotFound):
        planning.stop(still.ws("fay"), record, "Again")


def test_a_refusal_says_nothing_of_a_couple_to_who_does_not_know_the_care_teams(still: Clinic) -> None:
    """Sol treats Ana and is no assigner: what a wall refusal says to Sol is the same with and without a couple."""
    error = WallRefused("This clinician treats or treated the other partner of a couple.")
    text = planning.refusal(still.ws("sol"), error)
    assert text == planning.WALL_UNSEEN
    assert "partner" not in text
    assert "couple" not in text
    assert "partner" in planning.refusal(still.ws("fay"), error)


# -- who is gone ---------------------------------------------------------------------------


def test_the_word_that_somebody_is_gone_puts_each_step_on_the_list_of_who_must_do_it(clinic: Clinic) -> None:
    tom, ida = clinic.user("tom"), clinic.user("ida")
    turnover.name_successor(clinic.ws("tom"), ida, clinic.user("nadia"))
    assert turnover.due_lines(clinic.ws("nadia")) == []
    with refused("succession.reason"):
        turnover.announce(clinic.ws("fay"), tom, "")
    with pytest.raises(RoleRefused):
        turnover.announce(clinic.ws("sol"), tom, "I think so")
    turnover.announce(clinic.ws("fay"), tom, "In hospital")
    with refused("succession.said"):
        turnover.announce(clinic.ws("fay"), tom, "In hospital")
    assert clinic.payloads("ida", "quarry accident") == 0, "the word gives nobody a key"
    (due,) = turnover.due_lines(clinic.ws("nadia"))
    assert (due.what, due.name, due.action) == ("Second signature: 1 person", "Tom", turnover.SUCCESSION)
    turnover.approve(clinic.ws("nadia"), tom, "In hospital")
    with refused("succession.approved"):
        turnover.approve(clinic.ws("nadia"), tom, "In hospital")
    assert turnover.due_lines(clinic.ws("nadia")) == []
    assert turnover.succeed(clinic.ws("ida"))
    (due,) = turnover.due_lines(clinic.ws("fay"))
    assert (due.what, due.name) == ("End the old part: 1 person", "Tom")
    (ended,) = leaving.end_old_parts(clinic.ws("fay"), tom)
    assert ended.state == planning.DONE
    assert turnover.leavers(clinic.ws("fay")) == []
    assert turnover.due_lines(clinic.ws("fay")) == []
    assert clinic.payloads("ida", "quarry accident") == 1


def test_a_word_is_taken_back(still: Clinic) -> None:
    record = turnover.announce(still.ws("fay"), still.user("tom"), "Not seen since Monday")
    assert [item.name for item in turnover.leavers(still.ws("nadia"))] == ["Tom"]
    turnover.take_back(still.ws("nadia"), record)
    assert turnover.leavers(still.ws("fay")) == []


def test_a_successor_is_named_for_some_people_and_the_rest_is_asked_for(clinic: Clinic) -> None:
    nadia, max_ = clinic.ws("nadia"), clinic.made.people["max"]
    new = staff.add_user(nadia, name="Pat", user_roles=(roles.PRIVACY_OFFICER,), phrase=bytearray(PHRASE))
    clinic.made.users["pat"] = Member("Pat", new.secrets, new)
    assert turnover.due_lines(clinic.ws("nadia")) == [], "who never named anybody is not asked on Today"
    turnover.name_successor(clinic.ws("nadia"), clinic.user("ida"), clinic.user("pat"), persons=(max_,))
    stages = {line.name: line.stage for line in leaving.lines(clinic.ws("nadia"))}
    assert stages == {"Max Brandt": leaving.NAMED, "Ana Quill": leaving.NOBODY_NAMED}
    (due,) = turnover.due_lines(clinic.ws("nadia"))
    assert due.what == "Name a successor: 1 person"
