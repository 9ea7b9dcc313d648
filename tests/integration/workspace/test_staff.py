"""The life of an account, and shares that end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from iop_tui import workspace
from iop_tui.access import primitives, roles
from iop_tui.access.explain import explain
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.people import service as people
from iop_tui.clinical.records import api as records
from iop_tui.clinical.staff import api as staffing
from iop_tui.clinical.staff import service as staff
from iop_tui.kernel.errors import (
    AlreadySigned,
    NoKey,
    NotFound,
    Refused,
    RoleRefused,
    Suspended,
    VaultDamaged,
    WallRefused,
    WrongSecrets,
)
from iop_tui.vault import headfile
from iop_tui.workspace import Workspace
from tests.support.clinic.program import Program, Staff, note, phrase, program

OTHER = b"another orchard of ninety lanterns"
IT = roles.INDIVIDUAL_THERAPIST


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[tuple[Program, Staff, bytes]]:
    """A founder who directs and a therapist with one client."""
    p = program(tmp_path, roles.MEDICAL_DIRECTOR)
    tom = p.add("Tom", IT)
    p.settle()
    person = p.register(p.founder, "Ana")
    p.assign(p.founder, person, tom, IT)
    p.settle()
    yield p, tom, person
    p.close()


def reopen(p: Program, who: Staff, secret: bytes = b"") -> Workspace:
    """A new session of that user; the program's main workspace from then on."""
    p.close()
    p.tick(3600)
    code = p.code(who)
    p.root = workspace.unlock(p.path, p.env, name=who.name, phrase=bytearray(secret) or phrase(), code=code)
    return p.root


# -- accounts ------------------------------------------------------------------------------


def test_a_second_user_opens_the_vault_and_reads_their_own(clinic: tuple[Program, Staff, bytes]) -> None:
    p, tom, person = clinic
    saved = notes.save(p.workspace(tom), person, note("private"))
    ws = reopen(p, tom)
    assert ws.user.roles == (IT,)
    assert records.search(ws, "private")[0].id == saved.record
    assert ws.verify() == []
    ws = reopen(p, p.founder)
    assert records.search(ws, "private") == []
    with pytest.raises(NotFound):
        records.read(ws, saved.record)


def test_who_may_add_users_and_what_is_refused(clinic: tuple[Program, Staff, bytes]) -> None:
    p, tom, _ = clinic
    with pytest.raises(NoKey):
        staff.add_user(p.workspace(tom), name="Eve", user_roles=(IT,), phrase=phrase())
    with pytest.raises(Refused):
        staff.add_user(p.root, name="  tom ", user_roles=(IT,), phrase=phrase())
    with pytest.raises(RoleRefused):
        staff.add_user(p.root, name="Eve", user_roles=("auditor", IT), phrase=phrase())
    with pytest.raises(Refused):
        staff.add_user(p.root, name="Eve", user_roles=(IT,), phrase=bytearray(b"short"))
    assert {line.name for line in staffing.users(p.root)} == {p.founder.name, "Tom"}


def test_suspension_takes_the_vault_key_and_gives_it_back(clinic: tuple[Program, Staff, bytes]) -> None:
    p, tom, person = clinic
    saved = notes.save(p.workspace(tom), person, note("before"))
    staff.suspend(p.root, tom.user)
    with pytest.raises(Suspended):
        reopen(p, tom)
    p.unlock()
    staff.resume(p.root, tom.user)
    ws = reopen(p, tom)
    assert records.read(ws, saved.record)
    notes.save(ws, person, note("after"))


def test_a_suspended_user_gets_the_keys_made_meanwhile(clinic: tuple[Program, Staff, bytes]) -> None:
    """A colleague leaves while Tom is suspended: compartments get new keys, which Tom needs when he is back."""
    p, tom, person = clinic
    dee = p.add("Dee", roles.COUNSELOR)
    p.settle()
    p.assign(p.founder, person, dee, roles.COUNSELOR)
    p.assign(p.founder, person, p.founder, roles.MEDICAL_DIRECTOR)
    p.settle()
    staff.suspend(p.root, tom.user)
    tom.status = "suspended"
    p.tick()
    staff.remove(p.root, dee.user)
    dee.status = "removed"
    p.settle()
    staff.resume(p.root, tom.user)
    tom.status = "active"
    p.settle()
    for kind in ("DIR", "MED", "CRISIS", "GRP", "IND"):
        held = "(SELECT max(generation) FROM keyring k WHERE k.compartment = c.id)"
        newest = f"SELECT max(g.number), {held} FROM compartment c"
        rows = p.workspace(tom).view.rows(
            f"{newest} JOIN generation g ON g.compartment = c.id WHERE c.kind = ?", (kind,)
        )
        assert rows[0][0] == rows[0][1], kind


def test_a_removed_user_is_out_and_reads_nothing_new(clinic: tuple[Program, Staff, bytes]) -> None:
    p, tom, _ = clinic
    staff.remove(p.root, tom.user)
    tom.status = "removed"
    ws = p.workspace(tom)
    assert people.caseload(ws) == []
    assert ws.view.rows("SELECT 1 FROM record WHERE kind = 'progress_note'") == []
    with pytest.raises(WrongSecrets):
        reopen(p, tom)
    p.unlock()
    with pytest.raises(Refused, match="removed"):
        staff.resume(p.root, tom.user)
    assert p.root.verify() == []


def test_the_last_administrator_and_oneself_cannot_be_removed(clinic: tuple[Program, Staff, bytes]) -> None:
    p, _, _ = clinic
    for act in (staff.remove, staff.suspend):
        with pytest.raises(Refused):
            act(p.root, p.founder.user)
    assert staffing.users(p.root)


def test_losing_a_role_loses_its_keys_at_once(clinic: tuple[Program, Staff, bytes]) -> None:
    p, tom, person = clinic
    saved = notes.save(p.workspace(tom), person, note("private"))
    p.tick()
    staff.set_roles(p.root, tom.user, (roles.SUPERVISOR,))
    ws = p.workspace(tom)
    assert records.search(ws, "private") == []
    with pytest.raises(NotFound):
        records.read(ws, saved.record)
    p.settle()
    assert not any(reader.user == tom.user for reader in _readers(p, person))
    assert p.root.verify() == []


def _readers(p: Program, person: bytes) -> list[object]:
    row = p.root.view.one("SELECT record FROM record WHERE kind = 'person' AND person = ?", (person,))
    assert row is not None
    return list(explain(p.root.session, row[0]))


# -- passphrase, phone, kit ----------------------------------------------------------------


def test_a_new_passphrase_replaces_the_old_one(clinic: tuple[Program, Staff, bytes]) -> None:
    p, tom, _ = clinic
    ws = reopen(p, tom)
    staff.change_passphrase(ws, bytearray(OTHER))
    with pytest.raises(WrongSecrets):
        reopen(p, tom)
    assert reopen(p, tom, OTHER).verify() == []


def test_a_lost_phone_needs_the_kit_once(clinic: tuple[Program, Staff, bytes]) -> None:
    p, tom, person = clinic
    saved = notes.save(p.workspace(tom), person, note("private"))
    p.close()
    fresh = staff.lost_phone(p.path, p.env, name="tom", kit=tom.kit, phrase=bytearray(OTHER))
    p.tick(60)
    with pytest.raises(WrongSecrets):
        staff.lost_phone(p.path, p.env, name="tom", kit=tom.kit, phrase=bytearray(OTHER))
    with pytest.raises(WrongSecrets):
        reopen_closed(p, tom, OTHER)
    tom.secrets, tom.kit = fresh.secrets, fresh.kit
    p.tick(3600)
    ws = reopen_closed(p, tom, OTHER)
    assert records.read(ws, saved.record)
    assert staffing.kit_untested(ws)
    with pytest.raises(WrongSecrets):
        staff.confirm_kit(ws, p.founder.kit)
    staff.confirm_kit(ws, fresh.kit)
    assert not staffing.kit_untested(ws)


def reopen_closed(p: Program, who: Staff, secret: bytes) -> Workspace:
    """As `reopen`, of a vault that is closed already."""
    p.root = workspace.unlock(p.path, p.env, name=who.name, phrase=bytearray(secret), code=p.code(who))
    return p.root


def test_a_mistyped_or_foreign_kit_opens_nothing_and_makes_one_wait(clinic: tuple[Program, Staff, bytes]) -> None:
    p, tom, _ = clinic
    p.close()
    for kit in (p.founder.kit, "nonsense", tom.kit[:-1] + ("A" if tom.kit[-1] != "A" else "B")):
        p.tick(3600)
        with pytest.raises((WrongSecrets, Refused)):
            staff.lost_phone(p.path, p.env, name="tom", kit=kit, phrase=bytearray(OTHER))
    p.tick(3600)
    reopen_closed(p, tom, b"velvet orchard ninety lantern")


def test_a_new_kit_ends_the_old_one(clinic: tuple[Program, Staff, bytes]) -> None:
    p, tom, _ = clinic
    ws = reopen(p, tom)
    kit = staff.new_kit(ws)
    p.close()
    with pytest.raises(WrongSecrets):
        staff.lost_phone(p.path, p.env, name="tom", kit=tom.kit, phrase=bytearray(OTHER))
    p.tick(3600)
    assert staff.lost_phone(p.path, p.env, name="tom", kit=kit, phrase=bytearray(OTHER)).kit != kit
    p.unlock()


def test_key_slots_put_back_are_noticed(clinic: tuple[Program, Staff, bytes]) -> None:
    """Slots of before a removal, with heads that are right: the removed user must not come back that way."""
    p, tom, _ = clinic
    before = p.root.header()
    staff.remove(p.root, tom.user)
    p.close()
    after = headfile.read(p.path / headfile.NAME).header
    forged = msgspec.structs.replace(before, generation=after.generation + 5)
    headfile.write_header(p.path / headfile.NAME, forged)
    for who in (tom, p.founder):
        p.tick(3600)
        with pytest.raises(VaultDamaged, match="key slots"):
            reopen_closed(p, who, b"velvet orchard ninety lantern")


# -- notes, signatures, shares -------------------------------------------------------------


def test_a_signed_note_is_locked_and_takes_addenda(clinic: tuple[Program, Staff, bytes]) -> None:
    p, tom, person = clinic
    ws = p.workspace(tom)
    saved = notes.save(ws, person, note("signed"))
    ws._fresh_at = ws.clock.monotonic()
    notes.sign(ws, [saved.record])
    with pytest.raises(AlreadySigned):
        notes.save(ws, person, note("changed"), record=saved.record)
    with pytest.raises(AlreadySigned):
        notes.sign(ws, [saved.record])
    added = notes.addend(ws, saved.record, text="late words", reason="correction")
    notes.sign(ws, [added.record])
    view = records.read(ws, saved.record)
    assert [(item.name, item.meaning) for item in view.signatures] == [("Tom", "author")]
    assert [line.id for line in notes.addenda(ws, saved.record)] == [added.record]


def test_the_wall_stands_when_assigning_and_when_linking(clinic: tuple[Program, Staff, bytes]) -> None:
    from iop_tui.clinical.couples import service as couples

    p, tom, ana = clinic
    cleo = p.add("Cleo", roles.COUPLES_THERAPIST)
    ben = p.register(p.founder, "Ben")
    couples.link(p.root, ana, ben, cleo.user)
    with pytest.raises(WallRefused):
        p.assign(p.founder, ben, tom, IT)
    mia = p.register(p.founder, "Mia")
    p.assign(p.founder, mia, tom, IT)
    with pytest.raises(Refused):
        couples.link(p.root, ana, mia, cleo.user)
    assert [line.id for line in people.caseload(p.workspace(tom))] != []


def share_of(
    p: Program, tom: Staff, person: bytes, reader: Staff, seconds: int
) -> tuple[notes.Saved, primitives.Shared]:
    ws = p.workspace(tom)
    saved = notes.save(ws, person, note("shared"))
    work = ws.work()
    shared = primitives.share(
        ws.session, work, [saved.revision], [primitives.user_recipient(ws.session, reader.user, reader.roles[0])],
        purpose="consultation", not_after_ms=work.at_ms + seconds * 1000, person=person,
    )  # fmt: skip
    ws.commit(work)
    return saved, shared


def test_a_share_ends_at_its_date(clinic: tuple[Program, Staff, bytes]) -> None:
    p, tom, person = clinic
    saved, _ = share_of(p, tom, person, p.founder, 100)
    p.root.session.catch_up()
    assert len(records.search(p.root, "shared")) == 1
    p.tick(101)
    p.root.session.catch_up()
    assert records.search(p.root, "shared") == []
    assert p.root.view.rows("SELECT 1 FROM compartment WHERE kind = 'SHARE'") == []
    assert records.read(p.workspace(tom), saved.record)
    p.root.rebuild_view()
    assert records.search(p.root, "shared") == []


def test_a_revoked_share_is_gone_at_the_next_reading(clinic: tuple[Program, Staff, bytes]) -> None:
    p, tom, person = clinic
    _, shared = share_of(p, tom, person, p.founder, 10_000)
    p.root.session.catch_up()
    hit = records.search(p.root, "shared")[0]
    assert records.read(p.root, hit.id)
    p.tick()
    ws = p.workspace(tom)
    work = ws.work()
    assert primitives.revoke(ws.session, work, shared.act) == 1
    ws.session.note(work, "revoke")
    ws.commit(work)
    p.root.session.catch_up()
    with pytest.raises(NotFound):
        records.read(p.root, hit.id)


def test_only_what_one_can_open_can_be_shared_and_only_until_a_date(clinic: tuple[Program, Staff, bytes]) -> None:
    p, tom, person = clinic
    saved = notes.save(p.workspace(tom), person, note("private"))
    me = primitives.user_recipient(p.root.session, p.founder.user, roles.MEDICAL_DIRECTOR)
    with pytest.raises(NotFound):
        primitives.share(
            p.root.session, p.root.work(), [saved.revision], [me], purpose="x", not_after_ms=2**50, person=person
        )
    with pytest.raises(Refused, match="end date"):
        primitives.share(
            p.workspace(tom).session, p.root.work(), [saved.revision], [me], purpose="x", not_after_ms=0, person=person
        )
