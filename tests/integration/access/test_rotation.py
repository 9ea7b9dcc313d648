"""New keys after somebody left: found in random histories once, kept here by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iop_tui.access import chartkeys, charts, primitives, roles
from iop_tui.access.policy import Kind
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import PROGRESS_NOTE
from iop_tui.clinical.staff import service as staff
from iop_tui.kernel.errors import NoKey
from tests.support.clinic.oracle import Log
from tests.support.clinic.program import Program, Staff, note, program

IT, DA, DESK, MD = roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR, roles.FRONT_DESK, roles.MEDICAL_DIRECTOR


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Program]:
    p = program(tmp_path)
    for name, role in (("Tom", IT), ("Tim", IT), ("Dee", DA), ("Fay", DESK), ("Flo", DESK), ("Max", MD)):
        p.add(name, role)
    p.settle()
    yield p
    p.close()


def by_name(p: Program, name: str) -> Staff:
    return next(who for who in p.staff.values() if who.name == name)


def write(p: Program, who: Staff, person: bytes, kind: str) -> bytes:
    """An entry in a compartment of the chart; its revision id."""
    p.tick()
    ws = p.workspace(who)
    work = ws.work()
    place = charts.compartment_for(ws.session, person, kind)
    _, revision = primitives.put(ws.session, work, place, PROGRESS_NOTE, note(), person=person)
    ws.session.note(work, "write", person=person)
    ws.commit(work)
    return revision


def end_care(p: Program, by: Staff, person: bytes, who: Staff) -> None:
    p.tick()
    ws = p.workspace(by)
    work = ws.work()
    chartkeys.end_care(ws.session, work, person, who.user)
    ws.commit(work)


def ever_reads(p: Program, who: Staff, revision: bytes) -> bool:
    """Whether any key this user ever had opens a row."""
    log = Log.of(p.root.session.db, p.root.realm)
    return revision in log.readable(log.keys(who.user, who.secrets.enc_seed, None))


def test_a_counselor_who_leaves_reads_nothing_new_of_what_was_shared(clinic: Program) -> None:
    tom, dee, fay = (by_name(clinic, name) for name in ("Tom", "Dee", "Fay"))
    person = clinic.register(fay, "Ana")
    clinic.assign(fay, person, tom, IT)
    clinic.assign(fay, person, dee, DA)
    clinic.settle()
    end_care(clinic, fay, person, dee)
    for kind in (Kind.MED, Kind.CRISIS, Kind.GRP, Kind.DIR):
        assert not ever_reads(clinic, dee, write(clinic, tom, person, kind)), kind


@pytest.mark.parametrize("settled", [True, False])
def test_an_entry_made_after_somebody_left_the_front_desk_is_not_theirs(clinic: Program, settled: bool) -> None:
    """Their colleagues' group may still wait for its new key when the next person is registered."""
    fay, flo, tom = by_name(clinic, "Fay"), by_name(clinic, "Flo"), by_name(clinic, "Tom")
    clinic.tick()
    staff.set_roles(clinic.root, flo.user, (roles.SUPERVISOR,))
    if settled:
        clinic.settle()
    person = clinic.register(fay, "Ana")
    clinic.assign(fay, person, tom, IT)
    clinic.settle()
    assert not ever_reads(clinic, flo, write(clinic, tom, person, Kind.DIR))


def test_ending_care_does_not_hand_the_new_key_to_who_leaves(clinic: Program) -> None:
    """A rotation owed for another reason happens in the same write as the end of care."""
    tom, fay, flo = by_name(clinic, "Tom"), by_name(clinic, "Fay"), by_name(clinic, "Flo")
    person = clinic.register(fay, "Ana")
    clinic.assign(fay, person, tom, IT)
    clinic.settle()
    clinic.tick()
    staff.remove(clinic.root, flo.user)
    flo.status = "removed"
    end_care(clinic, fay, person, tom)
    clinic.settle()
    assert not ever_reads(clinic, tom, write(clinic, fay, person, Kind.DIR))


def test_the_next_therapist_gets_a_key_of_their_own_when_nobody_is_left(clinic: Program) -> None:
    tom, tim, fay = by_name(clinic, "Tom"), by_name(clinic, "Tim"), by_name(clinic, "Fay")
    person = clinic.register(fay, "Ana")
    clinic.assign(fay, person, tom, IT)
    clinic.settle()
    old = notes.save(clinic.workspace(tom), person, note("old"))
    end_care(clinic, fay, person, tom)
    with pytest.raises(NoKey):
        write(clinic, fay, person, Kind.IND)
    clinic.assign(fay, person, tim, IT)
    clinic.settle()
    fresh = notes.save(clinic.workspace(tim), person, note("new"))
    assert not ever_reads(clinic, tom, fresh.revision)
    assert not ever_reads(clinic, tim, old.revision)
    assert [line.id for line in notes.drafts(clinic.workspace(tim))] == [fresh.record]


def test_a_director_in_the_team_hands_the_record_on(clinic: Program) -> None:
    tom, tim, fay, director = (by_name(clinic, name) for name in ("Tom", "Tim", "Fay", "Max"))
    person = clinic.register(fay, "Ana")
    clinic.assign(fay, person, tom, IT)
    clinic.assign(fay, person, director, MD)
    clinic.settle()
    old = notes.save(clinic.workspace(tom), person, note("old"))
    end_care(clinic, fay, person, tom)
    clinic.assign(fay, person, tim, IT)
    clinic.settle()
    fresh = notes.save(clinic.workspace(tim), person, note("new"))
    assert clinic.workspace(tim).session.open_revision(old.revision)
    assert not ever_reads(clinic, tom, fresh.revision)
    assert clinic.root.verify() == []
