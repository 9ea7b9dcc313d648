"""A record's number is its place in the vault and can be read by everybody who opens the file: a record that bears the
number of another one elsewhere displaces nothing, whichever came first. Nor is anything of a chart believed where it
does not lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from iop_tui.access import charts, primitives, roles
from iop_tui.access.handover import hand_over, lacking, part_targets
from iop_tui.access.policy import Kind
from iop_tui.clinical.medications import api as medications
from iop_tui.clinical.medications.model import MEDICATION, Medication
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import PROGRESS_NOTE
from iop_tui.clinical.people.model import PERSON, Person
from iop_tui.clinical.records import api as records
from iop_tui.store.session import NOBODY
from iop_tui.store.views.compare import compare_view
from tests.support.clinic.program import Program, Staff, copied, note, program

IT, DESK = roles.INDIVIDUAL_THERAPIST, roles.FRONT_DESK


@dataclass
class Clinic:
    """Ada treats Ana, Ben will, Bo has no part in it, Dot is the front desk."""

    program: Program
    ada: Staff
    ben: Staff
    bo: Staff
    dot: Staff
    person: bytes


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    """Made once, closed."""
    p = program(tmp_path_factory.mktemp("numbers"), seed=12)
    ada, ben, bo, dot = (p.add(name, role) for name, role in (("Ada", IT), ("Ben", IT), ("Bo", IT), ("Dot", DESK)))
    p.settle()
    person = p.register(dot, "Ana")
    p.assign(dot, person, ada, IT)
    p.settle()
    p.close()
    return Clinic(p, ada, ben, bo, dot, person)


@pytest.fixture
def clinic(template: Clinic, tmp_path: Path) -> Iterator[Clinic]:
    """A copy for every test, open."""
    p = copied(template.program, tmp_path, seed=13)
    yield replace(template, program=p)
    p.close()


def takes_number(clinic: Clinic, record: bytes, word: str) -> None:
    """Bo writes into the program's own part, which everybody reads, under the number of somebody's record."""
    clinic.program.tick()
    ws = clinic.program.workspace(clinic.bo)
    work = ws.work()
    body = ws.session.body(
        work, record=record, person=NOBODY, kind=PROGRESS_NOTE.kind, version=PROGRESS_NOTE.version,
        payload=PROGRESS_NOTE.encode(note(word)), source="entered",
    )  # fmt: skip
    ws.session.write(work, primitives.program_compartment(ws.session, Kind.PROG), body)
    ws.session.note(work, "forged")
    ws.commit(work)


def found(clinic: Clinic, who: Staff, word: str) -> list[bytes]:
    """The compartments in which this user's search finds a word."""
    view = clinic.program.workspace(who).view
    rows = view.rows(
        "SELECT r.compartment FROM search JOIN record r ON r.id = search.rowid WHERE search MATCH ?", (word,)
    )
    return [bytes(row[0]) for row in rows]


def test_a_deposit_is_not_erased_by_its_number(clinic: Clinic) -> None:
    clinic.program.tick()
    dot = clinic.program.workspace(clinic.dot)
    place = charts.compartment_for(dot.session, clinic.person, Kind.IND)
    work = dot.work()
    record, _ = primitives.put(dot.session, work, place, PROGRESS_NOTE, note("heron"), person=clinic.person)
    dot.session.note(work, "deposit")
    dot.commit(work)
    assert found(clinic, clinic.ada, "heron") == [place]
    takes_number(clinic, record, "magpie")
    assert found(clinic, clinic.ada, "heron") == [place]
    assert len(found(clinic, clinic.ada, "magpie")) == 1
    ws = clinic.program.workspace(clinic.ada)
    assert compare_view(ws.session, ws.view.path.parent) == []


@pytest.mark.parametrize("in_anothers_name", [True, False])
def test_nothing_of_a_chart_is_believed_outside_it(clinic: Clinic, in_anothers_name: bool) -> None:
    """A medication in the part that everybody writes into, and in a share that is a copy of nothing."""
    clinic.program.tick()
    bo = clinic.program.workspace(clinic.bo)
    work = bo.work()
    reader = primitives.user_recipient(bo.session, clinic.ada.user, IT)
    end = work.at_ms + 10**9
    share = primitives.share(bo.session, work, [], [reader], purpose="x", not_after_ms=end, person=clinic.person)
    for place in (primitives.program_compartment(bo.session, Kind.PROG), share.compartment):
        body = bo.session.body(
            work, record=bo.rng.token(16), person=clinic.person, kind=MEDICATION.kind, version=MEDICATION.version,
            payload=MEDICATION.encode(Medication(text="Ibis 5 mg", status="active")), source="entered",
            author=clinic.ada.user if in_anothers_name else None,
        )  # fmt: skip
        bo.session.write(work, place, body)
    bo.session.note(work, "forged")
    bo.commit(work)
    ada = clinic.program.workspace(clinic.ada)
    assert not any("Ibis" in line.name for line in medications.medications(ada, clinic.person))
    assert MEDICATION.kind not in {line.kind for line in records.timeline(ada, clinic.person)}
    aside = [row[0] for row in ada.view.rows("SELECT why FROM quarantine")]
    assert aside.count("It does not belong into its compartment.") >= 2


def test_a_note_reaches_who_takes_over_though_its_number_was_taken_before(clinic: Clinic) -> None:
    ada = clinic.program.workspace(clinic.ada)
    saved = notes.save(ada, clinic.person, note("kestrel"))
    ada._fresh_at = ada.clock.monotonic()
    notes.sign(ada, [saved.record])
    takes_number(clinic, saved.record, "magpie")
    assert records.read(clinic.program.workspace(clinic.ada), saved.record).line.status == "signed"
    clinic.program.workspace(clinic.ben)
    clinic.program.assign(clinic.dot, clinic.person, clinic.ben, IT)
    clinic.program.tick()
    ada = clinic.program.workspace(clinic.ada)
    work = ada.work()
    targets = part_targets(ada.session, clinic.person, IT)
    hand_over(ada.session, work, lacking(ada.session, targets, clinic.ada.user, clinic.ben.user), clinic.ben.user, IT)
    ada.commit(work)
    place = charts.compartment_for(ada.session, clinic.person, Kind.IND)
    assert found(clinic, clinic.ben, "kestrel") == [place]
    ben = clinic.program.workspace(clinic.ben)
    ((number,),) = ben.view.rows(
        "SELECT record FROM record WHERE compartment = ? AND leaf = ?", (place, saved.revision)
    )
    read = records.read(ben, number)
    assert (read.line.status, len(read.signatures)) == ("signed", 1)
    ben.rebuild_view()
    assert found(clinic, clinic.ben, "kestrel") == [place]


def test_a_version_in_its_authors_name_by_somebody_else_displaces_nothing(clinic: Clinic) -> None:
    """Who stands in holds the key and so could write anything there, as anybody: a draft, a safe contact."""
    ada = clinic.program.workspace(clinic.ada)
    saved = notes.save(ada, clinic.person, note("plover"))
    home = charts.compartment_for(ada.session, clinic.person, Kind.DIR)
    entries = ada.view.rows("SELECT record, leaf FROM record WHERE kind = 'person' AND compartment = ?", (home,))
    ((entry, leaf),) = entries
    contact = ada.view.rows("SELECT name, safe_contact FROM person WHERE id = ?", (clinic.person,))
    place = charts.compartment_for(ada.session, clinic.person, Kind.IND)
    false = Person(given="Ana", family="Example", safe_contact="at work")
    work, own = ada.work(), ada.session.identity
    ada.session.identity = replace(own, signer=clinic.bo.secrets.signer())  # Bo, with the keys that Ada has
    words = (PROGRESS_NOTE.kind, PROGRESS_NOTE.version, PROGRESS_NOTE.encode(note("magpie")))
    contacts = (PERSON.kind, PERSON.version, PERSON.encode(false))
    for where, record, parents, (kind, version, payload), author in (
        (place, saved.record, (saved.revision,), words, clinic.ada),
        (place, saved.record, (), words, clinic.ada),
        (home, entry, (leaf,), contacts, clinic.dot),
    ):
        body = ada.session.body(
            work, record=record, person=clinic.person, kind=kind, version=version, parents=parents, payload=payload,
            source="entered", author=author.user,
        )  # fmt: skip
        ada.session.write(work, where, body)
    ada.session.identity = own
    ada.session.note(work, "forged")
    ada.commit(work)
    assert records.read(clinic.program.workspace(clinic.ada), saved.record).line.author == clinic.ada.user
    assert found(clinic, clinic.ada, "plover") == [place]
    assert ada.view.rows("SELECT name, safe_contact FROM person WHERE id = ?", (clinic.person,)) == contact
    assert ada.view.rows("SELECT leaves FROM record WHERE record = ?", (saved.record,)) == [(1,)]
