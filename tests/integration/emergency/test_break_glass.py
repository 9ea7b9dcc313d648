"""Program rule CR-17: break-glass and the treatment team reach the crisis card, and nobody else. By keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from iop_tui.access import breakglass, charts, oncall
from iop_tui.access.policy import Kind
from iop_tui.access.settle import settle
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.emergency import api as emergency
from iop_tui.clinical.emergency.api import Card, Wish
from iop_tui.clinical.people import service as people
from iop_tui.clinical.records import api as records
from iop_tui.clinical.safety.plan import SAFETY_PLAN
from iop_tui.clinical.staff import service as staff
from iop_tui.interchange import exports
from iop_tui.kernel.errors import (
    CodeUsed,
    NoKey,
    NotFound,
    NotReady,
    Refused,
    RoleRefused,
    RuleRefused,
    Usage,
    WrongSecrets,
)
from iop_tui.kernel.rng import Rng
from iop_tui.store.session import NOBODY
from iop_tui.vault.digest import derive
from iop_tui.workspace import Workspace, founding
from tests.integration.emergency.conftest import Beside
from tests.support.clinic.care import SAFETY
from tests.support.clinic.oracle import Log
from tests.support.clinic.vaults import PHRASE, Program, copied, empty, leave, refresh

REASON = "Ana calls at night, cannot say where she is, Nadia does not answer."
BORN = date(1988, 4, 2)
_SIGN = "I stop sleeping"


def wish(**changes: object) -> Wish:
    values = {"category": "imminent harm", "reason": REASON, "name": "Ana Quill", "born": BORN, **changes}
    return Wish(**values)  # type: ignore[arg-type]


def open_card(made: Program, who: Workspace, name: str, /, **changes: object) -> Card:
    return emergency.break_glass(who, wish(**changes), bytearray(PHRASE), made.code(name))


def place(ws: Workspace, person: bytes) -> bytes:
    return charts.compartment_for(ws.session, person, Kind.CRISIS)


@dataclass
class Broken:
    """A vault in which Tom opened Ana's card, after one attempt without a reason."""

    made: Program
    card: Card
    staff: Beside


@pytest.fixture(scope="module")
def broken(template: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    made = copied(template, tmp_path_factory.mktemp("broken"))
    opened = {"nadia": made.unlock("nadia")}

    def one(name: str) -> Workspace:
        if name not in opened:
            opened[name] = made.beside(opened["nadia"], name)
        return opened[name]

    tom = one("tom")
    with pytest.raises(NotReady):
        open_card(made, tom, "tom", reason="too short")
    card = open_card(made, tom, "tom", category="clinician unavailable")
    refresh(opened["nadia"])
    yield Broken(made, card, one)
    for name in opened.keys() - {"nadia"}:
        leave(opened[name])
    opened["nadia"].close()


@pytest.fixture(scope="module")
def still(broken: Broken) -> Program:
    """The same vault, for tests after which nothing is different."""
    return broken.made


@pytest.fixture(scope="module")
def staff_of(broken: Broken) -> Beside:
    """`staff_of("tom")`: workspaces on that vault, opened once."""
    return broken.staff


# -- keys ----------------------------------------------------------------------------------------


def test_the_team_and_who_is_on_call_hold_the_key_and_nobody_else(still: Program, staff_of: Beside) -> None:
    """Every user's keys against every row of the file, opened by code that shares nothing with the program."""
    log = Log.of(staff_of("nadia").session.db, staff_of("nadia").realm)
    crisis = place(staff_of("nadia"), still.people["ana"])
    team, glass = {"nadia", "sol"}, {"tom", "cleo"}
    for name, member in still.users.items():
        seed = member.secrets.enc_seed
        plain = {held for held, _ in log.keys(member.user, seed, None)}
        broken = {held for held, _ in log.keys(member.user, seed, None, glass=True)}
        assert (crisis in plain) is (name in team), name
        assert (crisis in broken) is (name in team | glass), name
        plan = [row for row in log.readable(log.keys(member.user, seed, None)).values() if row.kind == "safety_plan"]
        assert bool(plan) is (name in team), name


def test_no_view_of_a_colleague_holds_a_key_or_a_word_of_it(still: Program, staff_of: Beside) -> None:
    crisis = place(staff_of("nadia"), still.people["ana"])
    for name in ("tom", "cleo", "uma", "bill", "fay", "abe", "pia"):
        other = staff_of(name)
        assert not other.session.holds(crisis), name
        assert other.view.rows("SELECT 1 FROM searchtext WHERE body LIKE ?", (f"%{_SIGN}%",)) == [], name
        assert other.view.rows("SELECT 1 FROM compartment WHERE id = ?", (crisis,)) == [], name


def test_what_lies_on_call_names_nobody(still: Program, staff_of: Beside) -> None:
    tom = staff_of("tom")
    rows = tom.view.rows("SELECT doc, person FROM record WHERE kind = 'on_call_entry'")
    assert rows
    for doc, person in rows:
        assert person == NOBODY
        for word in (b"Ana", b"Quill", b"1988", b"Max", b"Brandt"):
            assert word not in doc


def test_nothing_is_left_to_do_after_settling(staff_of: Beside) -> None:
    for other in (staff_of("nadia"), staff_of("sol"), staff_of("tom")):
        before = staff_of("nadia").session.db.position
        settle(other.session)
        assert staff_of("nadia").session.db.position == before


# -- breaking it ---------------------------------------------------------------------------------


def test_a_clinician_on_call_reads_the_card(broken: Broken) -> None:
    plan = broken.card.plan
    assert plan is not None
    assert plan.document == SAFETY
    assert plan.line.status == "signed"
    assert broken.card.person == broken.made.people["ana"]
    assert broken.card.until_ms == broken.made.clock.now_ms() + 60 * 60_000


def test_nothing_of_it_stays_with_them(broken: Broken) -> None:
    tom, ana = broken.staff("tom"), broken.made.people["ana"]
    tom.session.catch_up()
    assert not tom.session.holds(place(broken.staff("nadia"), ana))
    assert tom.view.rows("SELECT 1 FROM record WHERE kind = 'safety_plan'") == []
    assert ana not in {hit.person for hit in records.search(tom, "sleeping")}
    with pytest.raises(NotFound):
        records.read(tom, broken.made.notes["plan"])
    with pytest.raises(NotFound):
        exports.export_person(tom, ana, broken.made.path.parent / "out")
    assert [path.name for path in (broken.made.path / "views").iterdir() if "glass" in path.name] == []


def test_care_team_and_privacy_officer_are_told_by_name_and_reason(broken: Broken) -> None:
    for name in ("nadia", "sol", "pia"):
        (line,) = emergency.accesses(broken.staff(name))
        assert (line.access.name, line.access.category, line.access.reason) == ("Tom", "clinician unavailable", REASON)
        assert line.person == broken.made.people["ana"]
    (told,) = [line for line in charting.due(broken.staff("sol")) if line.source == "program rule CR-17"]
    assert (told.what, told.name, told.action) == ("Tom opened the crisis card", "Ana Quill", "open")
    (owed,) = [line for line in charting.due(broken.staff("pia")) if line.source == "program rule CR-17"]
    assert (owed.what, owed.action) == ("Review the emergency access of Tom", "glassreview")
    assert owed.due == date(2026, 3, 16), "two business days after a Thursday"


def test_the_partners_clinicians_and_the_office_are_not_told(broken: Broken) -> None:
    for name in ("tom", "cleo", "bill", "fay"):
        assert emergency.accesses(broken.staff(name)) == [], name


def test_every_step_is_in_the_audit_log(broken: Broken) -> None:
    from iop_tui.clinical.compliance import service as compliance

    actions = [line.action for line in compliance.audit_report(broken.staff("tom"))]
    assert {"refused", "break-glass", "read"} <= set(actions), "the reading of the plan is an entry of its own"


def test_nobody_reads_through_a_colleagues_glass(broken: Broken) -> None:
    cleo, ana = broken.staff("cleo"), broken.made.people["ana"]
    with pytest.raises(NotFound):
        emergency.open_again(cleo, broken.card.use)
    where = breakglass.Place(place(broken.staff("nadia"), ana), ana)
    with pytest.raises(Refused), breakglass.opened(cleo.session, where):
        pass


def test_the_act_the_audit_and_the_notices_come_first(
    made: Program, ws: Workspace, beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What opens the key fails: the log, the care team and the privacy officer know of the attempt all the same."""
    tom = beside("tom")

    def fails(*given: object) -> None:
        raise NoKey("not now")

    with monkeypatch.context() as patch:
        patch.setattr("iop_tui.access.breakglass.emergency.unseal", fails)
        with pytest.raises(NoKey):
            open_card(made, tom, "tom")
    refresh(ws)
    assert [use.user for use in breakglass.uses(ws.session)] == [made.users["tom"].user]
    assert [line.access.reason for line in emergency.accesses(ws)] == [REASON]


# -- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["fay", "bill", "abe", "uma", "pia"])
def test_who_is_no_clinician_is_not_on_call(still: Program, staff_of: Beside, name: str) -> None:
    with pytest.raises(NoKey, match="not on call"):
        open_card(still, staff_of(name), name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reason": "Ana called."}, "at least 20 characters"),
        ({"reason": " " * 40}, "at least 20 characters"),
        ({"category": "curious"}, "on which ground"),
        ({"name": "", "born": None}, "Whose card"),
        ({"born": None}, "Whose card"),
    ],
)
def test_it_needs_a_ground_a_reason_and_a_person(
    still: Program, staff_of: Beside, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(NotReady, match=message):
        open_card(still, staff_of("tom"), "tom", **changes)
    assert len(breakglass.uses(staff_of("nadia").session)) == 1, "the one before"


@pytest.mark.parametrize("minutes", [0, 241, -5])
def test_a_card_is_open_for_at_most_four_hours(still: Program, staff_of: Beside, minutes: int) -> None:
    with pytest.raises(Usage):
        open_card(still, staff_of("tom"), "tom", minutes=minutes)


def test_wrong_passphrase_wrong_code_and_a_used_code(made: Program, ws: Workspace, beside: Beside) -> None:
    tom = beside("tom")
    with pytest.raises(WrongSecrets):
        emergency.break_glass(tom, wish(), bytearray(b"not the right one at all"), made.code("tom"))
    made.code_clock.advance(3600)
    with pytest.raises(WrongSecrets):
        emergency.break_glass(tom, wish(), bytearray(PHRASE), "000000")
    made.code_clock.advance(3600)
    code = made.code("tom")
    emergency.break_glass(tom, wish(), bytearray(PHRASE), code)
    with pytest.raises(CodeUsed):
        emergency.break_glass(tom, wish(), bytearray(PHRASE), code)
    assert len(breakglass.uses(tom.session)) == 1


@pytest.mark.parametrize(
    ("name", "born"),
    [("Ana", BORN), ("Ana Quil", BORN), ("Ana Quill", BORN + timedelta(days=1)), ("Hana 佐藤", date(1979, 6, 17))],
)
def test_a_card_is_found_by_the_whole_name_and_birth_date_only(
    still: Program, staff_of: Beside, name: str, born: date
) -> None:
    with pytest.raises(RuleRefused, match="No crisis card"):
        open_card(still, staff_of("tom"), "tom", name=name, born=born)


@pytest.mark.parametrize("name", ["ana quill", "Quill, Ana", "  ANA   QUILL ", "Ána Quill"])
def test_order_case_and_accents_of_a_name_do_not_matter(
    still: Program, staff_of: Beside, name: str
) -> None:
    assert breakglass.find(staff_of("tom").session, name, BORN).person == still.people["ana"]


@pytest.mark.nightly
def test_a_new_name_is_found_after_the_next_settling(made: Program, ws: Workspace, beside: Beside) -> None:
    from iop_tui.clinical.people.model import Person

    head = people.header(ws, made.people["max"])
    assert head.name
    made.clock.advance(60)
    people.change(ws, made.people["max"], Person(given="Max", family="Neumann", birth_date=date(1999, 12, 1)))
    settle(ws.session)
    tom = beside("tom")
    assert breakglass.find(tom.session, "Max Neumann", date(1999, 12, 1)).person == made.people["max"]


def test_the_treatment_team_needs_no_glass(still: Program, staff_of: Beside) -> None:
    with pytest.raises(Refused, match="treatment team"):
        open_card(still, staff_of("nadia"), "nadia")


@pytest.mark.nightly
def test_a_card_without_a_plan_says_so(made: Program, ws: Workspace, beside: Beside) -> None:
    card = open_card(made, beside("cleo"), "cleo", person=made.people["ben"], name="", born=None)
    assert card.plan is None


# -- the window ----------------------------------------------------------------------------------


def test_it_closes_by_itself(made: Program, ws: Workspace, beside: Beside) -> None:
    tom = beside("tom")
    card = open_card(made, tom, "tom", minutes=30)
    made.clock.advance(29 * 60)
    tom.confirm(bytearray(PHRASE))
    assert emergency.open_again(tom, card.use).plan is not None
    assert [use.id for use in emergency.lasting(tom)] == [card.use]
    made.clock.advance(2 * 60)
    tom.confirm(bytearray(PHRASE))
    with pytest.raises(Refused, match="time is over"):
        emergency.open_again(tom, card.use)
    assert emergency.lasting(tom) == []


# -- the review ----------------------------------------------------------------------------------


def test_without_a_review_there_is_no_next_time(made: Program, ws: Workspace, beside: Beside) -> None:
    tom = beside("tom")
    open_card(made, tom, "tom")
    made.clock.advance(2 * 86_400)
    open_card(made, tom, "tom")
    made.clock.advance(5 * 86_400)
    with pytest.raises(RuleRefused) as refused:
        open_card(made, tom, "tom")
    assert refused.value.rule == "emergency.review_missing"
    pia = beside("pia")
    for line in emergency.accesses(pia):
        emergency.review(pia, line.record, "justified", "He could not reach Nadia.")
    refresh(tom)
    assert open_card(made, tom, "tom").plan is not None


def test_the_review_ends_the_access_and_reaches_the_team(made: Program, ws: Workspace, beside: Beside) -> None:
    tom, pia = beside("tom"), beside("pia")
    card = open_card(made, tom, "tom")
    refresh(pia)
    (line,) = emergency.accesses(pia)
    emergency.review(pia, line.record, "not justified", "Nadia was there the whole time.")
    sol = beside("sol")
    for who in (tom, ws, pia):
        refresh(who)
    with pytest.raises(Refused):
        emergency.open_again(tom, card.use)
    for who in (sol, pia):
        titles = [row[0] for row in who.view.rows("SELECT title FROM record WHERE kind = 'emergency_review'")]
        assert titles == ["Emergency access by Tom: not justified"]
        assert [one for one in charting.due(who) if one.source == "program rule CR-17"] == []


def test_the_review_is_the_privacy_officers_and_never_ones_own(made: Program, ws: Workspace, beside: Beside) -> None:
    tom = beside("tom")
    open_card(made, tom, "tom")
    sol = beside("sol")
    (line,) = emergency.accesses(sol)
    with pytest.raises(RoleRefused):
        emergency.review(sol, line.record, "justified", "It was right.")
    pia = beside("pia")
    (line,) = emergency.accesses(pia)
    with pytest.raises(NotReady):
        emergency.review(pia, line.record, "fine", "It was right.")
    with pytest.raises(NotReady):
        emergency.review(pia, line.record, "justified", " ")
    emergency.review(pia, line.record, "justified", "It was right.")
    with pytest.raises(Refused, match="already"):
        emergency.review(pia, line.record, "justified", "It was right.")


def test_who_breaks_the_glass_cannot_close_the_review(made: Program, ws: Workspace, beside: Beside) -> None:
    """An altered program writes the closing act in its own name: it counts for nothing."""
    tom = beside("tom")
    card = open_card(made, tom, "tom")
    work = tom.work()
    breakglass.close(tom.session, work, card.use)
    tom.session.note(work, "forged")
    tom.commit(work)
    assert not breakglass.reviewed(tom.session, card.use)
    refresh(ws)
    assert not breakglass.reviewed(ws.session, card.use)


def test_an_entry_by_somebody_outside_the_team_leads_nowhere(made: Program, ws: Workspace, beside: Beside) -> None:
    """Tom points Ben's name at Ana's card: who seals a card says whose it is, nobody else."""
    tom, cleo = beside("tom"), beside("cleo")
    work = tom.work()
    where = breakglass.find(tom.session, "Ana Quill", BORN)
    breakglass._write_entry(tom.session, work, where, {"Nobody Else"}, "1990-01-01")
    tom.session.note(work, "forged")
    tom.commit(work)
    refresh(cleo)
    with pytest.raises(RuleRefused):
        breakglass.find(cleo.session, "Nobody Else", date(1990, 1, 1))


def test_a_former_colleague_opens_nothing_written_afterwards(made: Program, ws: Workspace, beside: Beside) -> None:
    tom = beside("tom")
    staff.remove(ws, made.users["tom"].user)
    refresh(ws)
    crisis = place(ws, made.people["ana"])
    ws.confirm(bytearray(PHRASE))
    saved = charting.save(ws, made.people["ana"], SAFETY_PLAN, SAFETY)
    settle(ws.session)
    log = Log.of(ws.session.db, ws.realm)
    member = made.users["tom"]
    keys = log.keys(member.user, member.secrets.enc_seed, None, glass=True)
    after = {row.record for row in log.readable(keys).values() if row.compartment == crisis}
    assert saved.record not in after
    assert made.notes["plan"] in after, "what he could reach before stays within his reach"
    assert tom.user.user != ws.user.user
    cleo = beside("cleo")
    assert open_card(made, cleo, "cleo").plan is not None


def test_a_vault_of_an_earlier_program_has_its_group_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vaults made before there was an on-call group: its id follows from the vault's, on every copy alike."""
    reserve = founding.program.reserve

    def before(rng: Rng) -> dict[str, bytes]:
        return {key: value for key, value in reserve(rng).items() if key != "program:ONCALL"}

    monkeypatch.setattr(founding.program, "reserve", before)
    _, ws = empty(tmp_path / "vault")
    try:
        group = oncall.group(ws.session)
        assert "program:ONCALL" not in ws.session.db.facts
        assert group == derive(ws.session.db.meta("vault_id"), "iop/program/1", b"program:ONCALL", size=16)
        assert ws.session.db.program_compartments()[group] == "ONCALL"
        settle(ws.session)
        assert ws.session.holds(group)
        assert [item for item in ws.verify() if item.alarm] == []
    finally:
        ws.close()
