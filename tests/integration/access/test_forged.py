"""Insiders with modified programs: acts that a right program never writes, and what honest programs make of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from iop_tui.access import charts, primitives, roles
from iop_tui.access.policy import Kind
from iop_tui.access.program import root_signer
from iop_tui.access.settle import settle
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import PROGRESS_NOTE
from iop_tui.clinical.records import api as records
from iop_tui.kernel.errors import NoKey, NotFound
from iop_tui.store.members.acts import Generation, SealedKey, UserCard, sign_card
from iop_tui.store.work import Work
from iop_tui.vault import signing
from iop_tui.workspace import Workspace
from tests.support.clinic.oracle import Log
from tests.support.clinic.program import Program, Staff, copied, note, program


@dataclass
class Clinic:
    """One person treated by Ada; Bo treats somebody else, Dot is the front desk, Bill the biller, Max directs."""

    program: Program
    ada: Staff
    bo: Staff
    dot: Staff
    bill: Staff
    max: Staff
    person: bytes

    def ind(self, kind: str = Kind.IND, role: str = "") -> bytes:
        """A compartment of the person's chart."""
        return charts.compartment_for(self.program.workspace(self.dot).session, self.person, kind, role)

    def readable(self, who: Staff) -> set[bytes]:
        """Rows that any key this user ever had opens."""
        log = Log.of(self.program.root.session.db, self.program.root.realm)
        return set(log.readable(log.keys(who.user, who.secrets.enc_seed, None)))

    def complaints(self, who: Staff) -> list[str]:
        """Why things were set aside in this user's view."""
        return [row[0] for row in self.program.workspace(who).view.rows("SELECT why FROM quarantine")]


def clinic_in(folder: Path, *, assigned: bool) -> Clinic:
    p = program(folder, seed=7)
    ada, bo = p.add("Ada", roles.INDIVIDUAL_THERAPIST), p.add("Bo", roles.INDIVIDUAL_THERAPIST)
    dot, bill, director = (
        p.add("Dot", roles.FRONT_DESK),
        p.add("Bill", roles.BILLER),
        p.add("Max", roles.MEDICAL_DIRECTOR),
    )
    p.settle()
    person = p.register(dot, "Ana")
    clinic = Clinic(p, ada, bo, dot, bill, director, person)
    if assigned:
        p.assign(dot, person, ada, roles.INDIVIDUAL_THERAPIST)
    p.settle()
    return clinic


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Clinic]:
    """The clinic as it is copied, with and without a therapist for its person."""
    found = {assigned: clinic_in(tmp_path_factory.mktemp("forged"), assigned=assigned) for assigned in (True, False)}
    for made in found.values():
        made.program.close()
    return found


def copy_of(made: Clinic, folder: Path) -> Iterator[Clinic]:
    p = copied(made.program, folder, seed=8)
    staff = [p.staff[who.user] for who in (made.ada, made.bo, made.dot, made.bill, made.max)]
    yield Clinic(p, *staff, made.person)
    p.close()


@pytest.fixture
def clinic(closed: dict[bool, Clinic], tmp_path: Path) -> Iterator[Clinic]:
    yield from copy_of(closed[True], tmp_path)


@pytest.fixture
def unassigned(closed: dict[bool, Clinic], tmp_path: Path) -> Iterator[Clinic]:
    yield from copy_of(closed[False], tmp_path)


def forge(
    clinic: Clinic,
    author: Staff,
    compartment: bytes,
    kind: str,
    to: list[Staff],
    *,
    key: bytes | None = None,
    number: int = 1,
    generation: bool = False,
) -> bytes:
    """An act that wraps a key of a compartment to some users, written by a program without any rule. The key."""
    clinic.program.tick()
    ws = clinic.program.workspace(author)
    work = ws.work()
    made: tuple[Generation, ...] = ()
    if generation:
        entry, key = ws.session.new_generation(Work(0), compartment, number)
        made = (entry,)
    key = key or ws.rng.token(32)
    seals = {who.user: [_sealed(ws, compartment, number, key, kind, clinic.person)] for who in to}
    publics = {who.user: who.secrets.enc_public() for who in to}
    ws.session.act(work, "forged", seals=seals, publics=publics, generations=made)
    ws.session.note(work, "forged")
    ws.commit(work)
    return key


def _sealed(ws: Workspace, compartment: bytes, number: int, key: bytes, kind: str, person: bytes) -> SealedKey:
    return SealedKey(ws.rng.token(16), compartment, number, key, kind, person, bytes(16), "", "care", "forged")


def write_note(clinic: Clinic, who: Staff) -> bytes:
    clinic.program.tick()
    return notes.save(clinic.program.workspace(who), clinic.person, note()).revision


def deposit(clinic: Clinic, who: Staff, compartment: bytes) -> bytes:
    clinic.program.tick()
    ws = clinic.program.workspace(who)
    work = ws.work()
    _, revision = primitives.put(ws.session, work, compartment, PROGRESS_NOTE, note(), person=clinic.person)
    ws.session.note(work, "deposit")
    ws.commit(work)
    return revision


def test_a_made_up_key_opens_nothing_and_is_reported(clinic: Clinic) -> None:
    compartment = clinic.ind()
    forge(clinic, clinic.bo, compartment, Kind.IND, [clinic.bo])
    revision = write_note(clinic, clinic.ada)
    assert not clinic.program.workspace(clinic.bo).session.holds(compartment)
    assert revision not in clinic.readable(clinic.bo)
    assert clinic.complaints(clinic.ada) == ["its author holds no key to what it grants"]


def test_a_colleague_cannot_slip_a_key_under_a_therapist(clinic: Clinic) -> None:
    """Bo makes a new generation of Ada's compartment and hands it to her, so that she would write what he can read."""
    forge(clinic, clinic.bo, clinic.ind(), Kind.IND, [clinic.ada, clinic.bo], number=2, generation=True)
    clinic.program.settle()
    revision = write_note(clinic, clinic.ada)
    assert revision not in clinic.readable(clinic.bo)
    assert "its key does not descend from the one that counts" in clinic.complaints(clinic.ada)
    assert records.line_of(
        clinic.program.workspace(clinic.ada), notes.drafts(clinic.program.workspace(clinic.ada))[0].id
    )


@pytest.mark.parametrize("kind", [Kind.IND, Kind.MED, Kind.CRISIS, Kind.GRP])
def test_the_front_desk_cannot_open_a_compartment_first(unassigned: Clinic, kind: str) -> None:
    clinic, compartment = unassigned, unassigned.ind(kind)
    forge(clinic, clinic.dot, compartment, kind, [clinic.dot], generation=True)
    with pytest.raises(NoKey):
        deposit(clinic, clinic.max, compartment)
    clinic.program.assign(clinic.max, clinic.person, clinic.ada, roles.INDIVIDUAL_THERAPIST)
    clinic.program.settle()
    assert clinic.program.workspace(clinic.ada).session.holds(compartment)
    revision = deposit(clinic, clinic.ada, compartment)
    assert revision not in clinic.readable(clinic.dot)


def test_deposits_go_to_a_key_that_an_entitled_user_made(clinic: Clinic) -> None:
    """A forged later generation with the biller's key must not receive what is deposited with the therapist."""
    forge(clinic, clinic.bill, clinic.ind(), Kind.IND, [clinic.bill], number=9, generation=True)
    revision = deposit(clinic, clinic.dot, clinic.ind())
    assert revision not in clinic.readable(clinic.bill)
    assert revision in clinic.readable(clinic.ada)
    assert records.timeline(clinic.program.workspace(clinic.ada), clinic.person, kinds=("progress_note",))


@pytest.mark.parametrize(
    ("kind", "role"), [(Kind.IND, ""), (Kind.PSY, roles.INDIVIDUAL_THERAPIST), (Kind.SAFE, roles.INDIVIDUAL_THERAPIST)]
)
def test_a_true_key_given_to_a_role_without_a_cell_is_refused_and_reported(
    clinic: Clinic, kind: str, role: str
) -> None:
    compartment = clinic.ind(kind, role)
    session = clinic.program.workspace(clinic.ada).session
    number = session.newest(compartment)
    key = session.key(compartment, number).reveal()
    write_note(clinic, clinic.ada)
    forge(clinic, clinic.ada, compartment, kind, [clinic.dot], key=key, number=number)
    ws = clinic.program.workspace(clinic.dot)
    assert not ws.session.holds(compartment)
    assert ws.view.rows("SELECT 1 FROM record WHERE kind = 'progress_note'") == []
    assert clinic.complaints(clinic.dot) == ["the recipient's roles do not allow it"]
    assert any("not accepted" in finding.what for finding in clinic.program.root.verify()) is (
        clinic.dot is clinic.program.founder
    )


def test_what_an_author_keeps_alone_is_not_taken_even_by_an_entitled_role(clinic: Clinic) -> None:
    compartment = clinic.ind(Kind.PSY, roles.INDIVIDUAL_THERAPIST)
    session = clinic.program.workspace(clinic.ada).session
    number = session.newest(compartment)
    key = session.key(compartment, number).reveal()
    forge(clinic, clinic.ada, compartment, Kind.PSY, [clinic.bo], key=key, number=number)
    assert not clinic.program.workspace(clinic.bo).session.holds(compartment)
    assert clinic.complaints(clinic.bo) == ["what an author keeps alone is never given as a key"]


def test_a_certified_card_never_changes_a_users_keys(clinic: Clinic) -> None:
    """The administrator certifies their own key under Ada's name; the next key for Ada is still sealed to Ada."""
    p = clinic.program
    card = p.root.session.card(clinic.ada.user)
    theirs = p.founder.secrets
    forged = UserCard(
        card.user, card.name, card.roles, theirs.enc_public(), theirs.signer().public, "active", card.serial + 1
    )
    work = p.root.work()
    p.root.session.act(work, "certify", cards=(sign_card(forged, root_signer(p.root.session)),))
    p.root.session.note(work, "forged")
    p.root.commit(work)
    p.tick()
    assert p.workspace(clinic.dot).session.card(clinic.ada.user).enc_public == clinic.ada.secrets.enc_public()
    assert clinic.complaints(clinic.dot) == ["it would replace the keys of Ada"]
    p.assign(clinic.dot, clinic.person, clinic.max, roles.MEDICAL_DIRECTOR)
    p.settle()
    revision = write_note(clinic, clinic.ada)
    assert revision in clinic.readable(clinic.ada)


def test_a_card_without_the_programs_signature_admits_nobody(clinic: Clinic) -> None:
    p, ws = clinic.program, clinic.program.workspace(clinic.dot)
    theirs = clinic.dot.secrets
    card = UserCard(
        ws.rng.token(16), "Ghost", (roles.MEDICAL_DIRECTOR,), theirs.enc_public(), theirs.signer().public, "active", 1
    )
    work = ws.work()
    ws.session.act(work, "admit", cards=(sign_card(card, signing.generate(ws.rng)),))
    ws.session.note(work, "forged")
    ws.commit(work)
    with pytest.raises(NotFound):
        p.workspace(clinic.ada).session.card(card.user)
    assert len(clinic.complaints(clinic.ada)) == 1


def test_a_therapist_who_exists_on_paper_only_gets_no_record(clinic: Clinic) -> None:
    ghost = clinic.program.add("Ghost", roles.INDIVIDUAL_THERAPIST)
    write_note(clinic, clinic.ada)
    clinic.program.settle()
    assert clinic.readable(ghost) == set()
    with pytest.raises(NotFound):
        notes.save(clinic.program.workspace(ghost), clinic.person, note())


@pytest.mark.parametrize(("who", "counts"), [("bill", False), ("bo", False), ("dot", True), ("max", True)])
def test_only_those_who_may_end_access_can_end_it(clinic: Clinic, who: str, counts: bool) -> None:
    author: Staff = getattr(clinic, who)
    compartment = clinic.ind()
    clinic.program.tick()
    ws = clinic.program.workspace(author)
    wraps = ws.view.rows("SELECT id FROM wrap WHERE compartment = ? AND recipient = ?", (compartment, clinic.ada.user))
    work = ws.work()
    ws.session.act(work, "revoke", revokes=tuple(row[0] for row in wraps))
    ws.session.note(work, "forged")
    ws.commit(work)
    assert clinic.program.workspace(clinic.ada).session.holds(compartment) is not counts
    assert bool(clinic.complaints(clinic.ada)) is not counts


def test_an_act_in_another_users_name_is_set_aside(clinic: Clinic) -> None:
    ws = clinic.program.workspace(clinic.bo)
    work = ws.work()
    ws.session.act(work, "revoke", revokes=(bytes(16),))
    stolen = ws.session.identity
    object.__setattr__(stolen, "user", clinic.ada.user)
    try:
        ws.session.act(work, "revoke", revokes=(bytes(16),))
    finally:
        object.__setattr__(stolen, "user", clinic.bo.user)
    ws.session.note(work, "forged")
    ws.commit(work)
    assert len(clinic.complaints(clinic.ada)) == 1


def test_a_second_therapist_writes_nothing_where_they_hold_no_key(clinic: Clinic) -> None:
    """Somebody else still holds the chart's key: a note must not vanish into a compartment its author cannot open."""
    clinic.program.assign(clinic.dot, clinic.person, clinic.bo, roles.INDIVIDUAL_THERAPIST)
    clinic.program.settle()
    with pytest.raises(NoKey):
        notes.save(clinic.program.workspace(clinic.bo), clinic.person, note())


def test_an_assigned_supervisor_gets_no_member_key(clinic: Clinic) -> None:
    sue = clinic.program.add("Sue", roles.SUPERVISOR)
    clinic.program.settle()
    clinic.program.assign(clinic.dot, clinic.person, sue, roles.SUPERVISOR)
    clinic.program.settle()
    assert clinic.complaints(sue) == []
    assert not clinic.program.workspace(sue).session.holds(clinic.ind(Kind.DIR))


def test_settling_twice_writes_nothing(clinic: Clinic) -> None:
    everybody = [clinic.program.workspace(who) for who in clinic.program.staff.values()]
    before = clinic.program.root.session.db.position
    for ws in everybody:
        settle(ws.session, ws.registry)
    assert clinic.program.root.session.db.position == before
