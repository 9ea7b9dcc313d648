"""Who stands in until a day, and who has left, with modified programs: what they give ends with them, what they found,
number or take back after it moves nobody. What they wrote while they had the key stays readable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from iop_tui.access import chartkeys, charts, primitives, roles
from iop_tui.access.policy import Kind
from iop_tui.access.settle import settle
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.couples.model import SafetyConcern
from iop_tui.clinical.notes.model import PROGRESS_NOTE
from iop_tui.clinical.turnover import api as turnover
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.errors import NoKey
from iop_tui.store.members.acts import LARGEST, Generation, SealedKey
from iop_tui.store.views.compare import compare_view
from iop_tui.store.work import Work
from tests.support.clinic.oracle import Log
from tests.support.clinic.program import Program, Staff, note, program

IT, DA, DESK, MD = roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR, roles.FRONT_DESK, roles.MEDICAL_DIRECTOR
DAY = 86_400
Held = dict[tuple[bytes, int], bytes]


@dataclass
class Clinic:
    """Tom treats everybody here, Ida stands in for him, Tim has no part in it, Dee counsels, Fay is the front desk."""

    program: Program
    tom: Staff
    ida: Staff
    tim: Staff
    dee: Staff
    fay: Staff

    def person(self) -> bytes:
        """Somebody new in Tom's care."""
        found = self.program.register(self.fay, "Ana")
        self.program.assign(self.fay, found, self.tom, IT)
        self.settles(self.tom)
        return found

    def settles(self, *whose: Staff) -> None:
        """These users' programs do what they owe."""
        for who in whose:
            self.program.tick()
            settle(self.program.workspace(who).session)

    def counsels(self, person: bytes) -> None:
        """Dee is the counselor from now on, with the keys that the team gives her."""
        self.program.assign(self.fay, person, self.dee, DA)
        self.settles(self.tom, self.dee)

    def moves(self, who: Staff, person: bytes, to: Staff, until: date | None = None) -> turnover.TransferLine:
        """One step of the move of Tom's part to a colleague, by whoever may do it."""
        self.program.tick()
        ws = self.program.workspace(who)
        (line,) = turnover.transfer(ws, self.tom.user, to.user, persons=(person,), role=IT, until=until)
        return line

    def cover(self, person: bytes, days: int = 5) -> None:
        """Ida stands in for Tom."""
        until = local_date(self.program.clock.now_ms()) + timedelta(days=days)
        for who in (self.fay, self.tom):
            self.moves(who, person, self.ida, until)

    def place(self, person: bytes, kind: str = Kind.IND) -> bytes:
        return charts.compartment_for(self.program.workspace(self.fay).session, person, kind)

    def keys(self, who: Staff, place: bytes) -> Held:
        """What a program without rules keeps of the keys it sees."""
        rows = self.program.workspace(who).view.rows(
            "SELECT generation, key FROM keyring WHERE compartment = ?", (place,)
        )
        return {(place, number): bytes(key) for number, key in rows}

    def writes(self, who: Staff, person: bytes, kind: str = Kind.IND) -> bytes:
        """An entry by a right program; its revision id."""
        self.program.tick()
        ws = self.program.workspace(who)
        work = ws.work()
        _, revision = primitives.put(ws.session, work, self.place(person, kind), PROGRESS_NOTE, note(), person=person)
        ws.session.note(work, "write", person=person)
        ws.commit(work)
        return revision

    def opens(self, revision: bytes, who: Staff, kept: Held | None = None) -> bool:
        """Whether any key that this user ever got, or made and kept, opens a row."""
        log = Log.of(self.program.root.session.db, self.program.root.realm)
        keys = log.keys(who.user, who.secrets.enc_seed, None)
        return revision in log.readable(keys | (kept or {}))

    def ends(self, person: bytes, who: Staff) -> None:
        """A part ends."""
        self.program.tick()
        ws = self.program.workspace(self.fay)
        work = ws.work()
        chartkeys.end_care(ws.session, work, person, who.user)
        ws.commit(work)

    def forges(
        self,
        who: Staff,
        person: bytes,
        to: list[Staff],
        kept: Held,
        *,
        made: int | None = None,
        at_ms: int | None = None,
        kind: str = Kind.IND,
    ) -> Held:
        """An act without any rule: gives the kept keys, or one it makes under number `made`, to some users."""
        self.program.tick()
        ws = self.program.workspace(who)
        work = ws.work() if at_ms is None else Work(at_ms)
        place = self.place(person, kind)
        generations: tuple[Generation, ...] = ()
        if made is not None:
            entry, key = ws.session.new_generation(Work(0), place, made)
            generations, kept = (entry,), {(place, made): key}
        seals = {
            one.user: [
                SealedKey(ws.rng.token(16), place, number, key, kind, person, bytes(16), "", "care", "forged")
                for (_, number), key in kept.items()
            ]
            for one in to
        }
        publics = {one.user: one.secrets.enc_public() for one in to}
        ws.session.act(work, "forged", seals=seals, publics=publics, generations=generations)
        ws.session.note(work, "forged")
        ws.commit(work)
        return kept


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    p = program(tmp_path_factory.mktemp("standing"), seed=11)
    found = Clinic(p, *(p.add(name, role) for name, role in (
        ("Tom", IT), ("Ida", IT), ("Tim", IT), ("Dee", DA), ("Fay", DESK),
    )))  # fmt: skip
    p.settle()
    yield found
    p.close()


def same_anew(clinic: Clinic, who: Staff) -> None:
    """A view that was there all the time says what one says that is built now."""
    ws = clinic.program.workspace(who)
    assert compare_view(ws.session, ws.view.path.parent) == []


def test_a_stand_in_gives_nobody_a_key_for_longer_than_their_own(clinic: Clinic) -> None:
    person = clinic.person()
    clinic.cover(person)
    place = clinic.place(person)
    before = clinic.writes(clinic.tom, person)
    assert clinic.opens(before, clinic.ida)
    clinic.forges(clinic.ida, person, [clinic.ida, clinic.tim], clinic.keys(clinic.ida, place))
    assert clinic.program.workspace(clinic.tim).session.until(place) > 0
    clinic.forges(clinic.tim, person, [clinic.ida], clinic.keys(clinic.tim, place))
    clinic.program.tick(6 * DAY)
    clinic.settles(clinic.tom)
    for who in (clinic.ida, clinic.tim):
        assert not clinic.program.workspace(who).session.holds(place)
        assert not clinic.opens(clinic.writes(clinic.tom, person), who)
    same_anew(clinic, clinic.tom)


@pytest.mark.parametrize("backdated", [False, True])
def test_what_a_stand_in_does_after_their_end_counts_for_nobody(clinic: Clinic, backdated: bool) -> None:
    """A view that was closed on that day, one that was open and one that is built anew judge alike."""
    person = clinic.person()
    clinic.cover(person)
    place, inside = clinic.place(person), clinic.program.clock.now_ms()
    kept = clinic.keys(clinic.ida, place)
    clinic.program.tick(6 * DAY)
    if backdated:
        clinic.writes(clinic.tom, person)  # his program renews the key that she had
    at_ms = inside if backdated else None
    clinic.forges(clinic.ida, person, [clinic.ida], kept, at_ms=at_ms)
    number = primitives.next_number(clinic.program.workspace(clinic.tom).session, place)
    kept |= clinic.forges(clinic.ida, person, [clinic.ida, clinic.tom], {}, made=number, at_ms=at_ms)
    clinic.settles(clinic.tom)
    assert not clinic.opens(clinic.writes(clinic.tom, person), clinic.ida, kept)
    same_anew(clinic, clinic.tom)
    tom = clinic.program.workspace(clinic.tom)
    tom.rebuild_view()
    assert not clinic.opens(clinic.writes(clinic.tom, person), clinic.ida, kept)


def test_what_a_stand_in_wrote_under_a_renewed_key_stays_readable(clinic: Clinic) -> None:
    """Tom was away from before the key was renewed until after the end of the cover."""
    person = clinic.person()
    aside = clinic.program.workspace(clinic.tom).view.rows("SELECT id FROM quarantine")
    clinic.counsels(person)
    clinic.cover(person)
    clinic.ends(person, clinic.dee)
    ida = clinic.program.workspace(clinic.ida).session
    assert primitives.rotation_owed(ida, clinic.place(person, Kind.GRP))
    written = clinic.writes(clinic.ida, person, Kind.GRP)
    assert not clinic.opens(written, clinic.dee)
    clinic.program.tick(6 * DAY)
    tom = clinic.program.workspace(clinic.tom)
    tom.session.open_revision(written)
    assert tom.view.rows("SELECT id FROM quarantine") == aside
    assert tom.session.until(clinic.place(person, Kind.GRP)) == 0
    same_anew(clinic, clinic.tom)
    assert not clinic.opens(clinic.writes(clinic.tom, person, Kind.GRP), clinic.ida)


def test_a_right_program_renews_no_key_after_its_end(clinic: Clinic) -> None:
    """The session stayed open past midnight: what it wrote under such a key nobody could read."""
    person = clinic.person()
    clinic.counsels(person)
    clinic.cover(person)
    clinic.ends(person, clinic.dee)
    place = clinic.place(person, Kind.GRP)
    session = clinic.program.workspace(clinic.ida).session
    clinic.program.clock.advance(6 * DAY)
    with pytest.raises(NoKey):
        primitives.put(session, session.work(), place, PROGRESS_NOTE, note(), person=person)


def test_who_was_given_keys_by_a_stand_in_gets_lasting_ones_from_who_has_them(clinic: Clinic) -> None:
    person = clinic.person()
    clinic.cover(person)
    clinic.program.assign(clinic.fay, person, clinic.dee, DA)
    place = clinic.place(person, Kind.MED)
    clinic.settles(clinic.ida)
    dee = clinic.program.workspace(clinic.dee).session
    assert dee.holds(place)
    assert dee.until(place) > 0
    clinic.settles(clinic.tom, clinic.ida)
    assert clinic.program.workspace(clinic.dee).session.until(place) == 0
    before = clinic.program.root.session.db.position
    clinic.settles(clinic.tom, clinic.ida)
    assert clinic.program.root.session.db.position == before, "settling again writes nothing"


def test_a_safety_concern_reaches_who_has_the_part_and_nobody_else_who_made_a_key_there(clinic: Clinic) -> None:
    """Authors keep keys of their own in one place, where a colleague with the directory entry can make one, too."""
    person = clinic.person()
    clinic.cover(person)
    clinic.settles(clinic.ida)
    ida = clinic.program.workspace(clinic.ida)
    place = charts.compartment_for(ida.session, person, Kind.SAFE, IT)
    assert ida.session.holds(place)
    for days, word in ((0, "lynx"), (6, "marten")):
        clinic.program.tick(days * DAY)
        today = local_date(clinic.program.clock.now_ms())
        fay = clinic.program.workspace(clinic.fay)
        couples.concern(fay, person, SafetyConcern(noticed=today, alone=True, text=f"The {word} was there."))
        *_, (revision,) = fay.session.db.read("SELECT id FROM revision WHERE compartment = ? ORDER BY seq", (place,))
        clinic.program.workspace(clinic.tom).session.open_revision(revision)
        assert not clinic.opens(revision, clinic.ida), word
    with pytest.raises(NoKey):
        clinic.program.workspace(clinic.fay).session.public_key(place, kind=Kind.SAFE)


def test_a_part_ends_only_when_its_successor_has_it_without_an_end(clinic: Clinic) -> None:
    """A stand-in who becomes the therapist, or hands the part on: the old part waits for keys that last."""
    person = clinic.person()
    clinic.cover(person)
    clinic.moves(clinic.fay, person, clinic.tim)
    line = clinic.moves(clinic.ida, person, clinic.tim)
    assert (line.handed_over, line.ended, line.waiting_for) == (False, False, "Tom")
    clinic.moves(clinic.tom, person, clinic.tim)
    assert clinic.moves(clinic.fay, person, clinic.tim).ended
    clinic.program.tick(6 * DAY)
    assert clinic.opens(clinic.writes(clinic.tim, person), clinic.tim)


def test_a_former_member_founds_no_way_back(clinic: Clinic) -> None:
    """What they found is read at most: nothing is written under it, and it makes them nobody's fellow member."""
    person = clinic.person()
    clinic.counsels(person)
    place = clinic.place(person, Kind.GRP)
    clinic.ends(person, clinic.dee)
    number = primitives.next_number(clinic.program.workspace(clinic.tom).session, place)
    kept = clinic.forges(clinic.dee, person, [clinic.dee, clinic.tom, clinic.tim], {}, made=number, kind=Kind.GRP)
    clinic.settles(clinic.tom)
    assert not clinic.opens(clinic.writes(clinic.tom, person, Kind.GRP), clinic.dee, kept)
    tim = clinic.program.workspace(clinic.tim)
    with pytest.raises(NoKey):
        tim.session.newest(place)
    same_anew(clinic, clinic.tom)


def test_a_former_member_hides_no_key_that_is_owed(clinic: Clinic) -> None:
    """A wrap of their own invention under the newest key's number is no sign that they still belong."""
    person = clinic.person()
    clinic.counsels(person)
    place = clinic.place(person, Kind.GRP)
    kept = clinic.keys(clinic.dee, place)
    ((_, number),) = kept
    clinic.ends(person, clinic.dee)
    clinic.forges(clinic.dee, person, [clinic.dee], {}, made=number, kind=Kind.GRP)
    assert primitives.rotation_owed(clinic.program.workspace(clinic.tom).session, place)
    assert not clinic.opens(clinic.writes(clinic.tom, person, Kind.GRP), clinic.dee, kept)


def test_a_key_whose_maker_left_is_renewed_though_they_never_gave_it_to_themselves(clinic: Clinic) -> None:
    person = clinic.person()
    clinic.counsels(person)
    place = clinic.place(person, Kind.GRP)
    number = primitives.next_number(clinic.program.workspace(clinic.dee).session, place)
    kept = clinic.forges(clinic.dee, person, [clinic.tom], {}, made=number, kind=Kind.GRP)
    assert clinic.opens(clinic.writes(clinic.tom, person, Kind.GRP), clinic.dee, kept)
    clinic.ends(person, clinic.dee)
    assert not clinic.opens(clinic.writes(clinic.tom, person, Kind.GRP), clinic.dee, kept)


def test_a_made_up_membership_of_a_group_gives_no_authority(clinic: Clinic) -> None:
    """Directory entries are sealed to the front desk as a group, which anybody can found once more for themselves."""
    person = clinic.person()
    place = clinic.place(person, Kind.DIR)
    desk = primitives.program_compartment(clinic.program.root.session, Kind.DESK)
    clinic.program.tick()
    dee = clinic.program.workspace(clinic.dee)
    work = dee.work()
    entry, key = dee.session.new_generation(work, desk, primitives.next_number(dee.session, desk))
    sealed = SealedKey(dee.rng.token(16), desk, entry.number, key, Kind.DESK, bytes(16), bytes(16), "", "x", "forged")
    publics = {clinic.dee.user: clinic.dee.secrets.enc_public()}
    dee.session.act(work, "forged", seals={clinic.dee.user: [sealed]}, publics=publics, generations=(entry,))
    dee.session.note(work, "forged")
    dee.commit(work)
    number = primitives.next_number(dee.session, place)
    kept = clinic.forges(clinic.dee, person, [clinic.tom, clinic.fay], {}, made=number, kind=Kind.DIR)
    for who in (clinic.tom, clinic.fay):
        assert clinic.program.workspace(who).session.newest(place) != number
    assert clinic.program.workspace(clinic.tim).session.public_key(place, kind=Kind.DIR)[0] != number
    assert not clinic.opens(clinic.writes(clinic.fay, person, Kind.DIR), clinic.dee, kept)


def test_made_up_wraps_keep_nobody_from_the_keys_of_their_part(clinic: Clinic) -> None:
    person = clinic.person()
    place = clinic.place(person, Kind.MED)
    ((_, number),) = clinic.keys(clinic.tom, place)
    clinic.forges(clinic.tim, person, [clinic.dee], {}, made=number, kind=Kind.MED)
    clinic.counsels(person)
    dee = clinic.program.workspace(clinic.dee).session
    assert dee.newest(place) == number
    assert dee.key(place, number).reveal() == clinic.keys(clinic.tom, place)[(place, number)]


def test_no_number_is_so_great_that_none_follows(clinic: Clinic) -> None:
    person = clinic.person()
    place = clinic.place(person)
    for who in (clinic.tom, clinic.tim):
        clinic.forges(who, person, [who], {}, made=LARGEST - 1)
    tom = clinic.program.workspace(clinic.tom)
    assert primitives.next_number(tom.session, place) < LARGEST // 2**16
    assert tom.view.rows("SELECT why FROM quarantine WHERE what = 'generation'")


def test_who_left_takes_back_nothing_that_they_handed_over(clinic: Clinic) -> None:
    person = clinic.person()
    for who in (clinic.fay, clinic.tom, clinic.fay):
        clinic.moves(who, person, clinic.tim)
    place = clinic.place(person)
    written = clinic.writes(clinic.tim, person)
    clinic.program.tick()
    tom = clinic.program.workspace(clinic.tom)
    wraps = tom.view.rows("SELECT id FROM wrap WHERE author = ? AND recipient = ?", (tom.user.user, clinic.tim.user))
    work = tom.work()
    tom.session.act(work, "revoke", revokes=tuple(row[0] for row in wraps))
    tom.session.note(work, "forged")
    tom.commit(work)
    tim = clinic.program.workspace(clinic.tim)
    assert tim.session.holds(place)
    tim.session.open_revision(written)
    assert "its author may not end this access" in {row[0] for row in tim.view.rows("SELECT why FROM quarantine")}


def test_the_first_key_is_made_by_whose_part_it_is_and_never_by_who_stands_in(clinic: Clinic) -> None:
    person = clinic.program.register(clinic.fay, "Eva")
    clinic.program.assign(clinic.fay, person, clinic.tom, IT)
    until = local_date(clinic.program.clock.now_ms()) + timedelta(days=5)
    clinic.moves(clinic.fay, person, clinic.ida, until)  # Tom's program has made no key yet
    clinic.settles(clinic.ida)
    place = clinic.place(person)
    ida, tom = (clinic.program.workspace(who).session for who in (clinic.ida, clinic.tom))
    assert not ida.holds(place)
    clinic.moves(clinic.tom, person, clinic.ida, until)
    ida.catch_up()
    assert tom.holds(place)
    assert ida.holds(place)
    clinic.program.tick(6 * DAY)
    for session in (ida, tom):
        session.catch_up()
    assert tom.holds(place)
    assert not ida.holds(place)
