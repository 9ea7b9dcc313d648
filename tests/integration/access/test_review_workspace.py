"""What an independent review broke around the vault's files, one test each: root key, key slots, log, state, names."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from iop_tui.access import roles
from iop_tui.access.policy import Kind
from iop_tui.clinical.compliance import service as compliance
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.staff import service as staff
from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import CodeUsed, DiskFull, Refused, Suspended, VaultDamaged, WrongSecrets
from iop_tui.kernel.secret import Secret
from iop_tui.shell.commands import failures, output
from iop_tui.shell.commands.call import Answer
from iop_tui.store.audit import AuditSession, Event
from iop_tui.store.database import open_database
from iop_tui.store.members.acts import sign_card
from iop_tui.store.rows import AuditHeader, SessionRow, audit_hash
from iop_tui.store.vaultdb import Batch
from iop_tui.store.work import Work
from iop_tui.vault import headfile, signing
from iop_tui.vault.glance import FIXED
from iop_tui.workspace import Workspace
from tests.support.clinic.vaults import PHRASE, Program, empty, program

OTHER = b"copper lantern seventy orchard"
EVIL = "A\x1b]0;pwn\x07\x9b31m\u202eevil"


@pytest.fixture
def made(tmp_path: Path) -> Program:
    return program(tmp_path)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[tuple[Program, Workspace]]:
    """Nadia and a biller, and nobody's records: quicker than the whole program."""
    small, ws = empty(tmp_path / "vault")
    yield small, ws
    ws.close()


def push(ws: Workspace, work: Work) -> None:
    """Append what modified software made, without projecting it here."""
    ws.session.note(work, "x")
    ws.session.append(work)


def put_back(made: Program, old: bytes) -> None:
    """Older key slots under the signed heads of today."""
    head = made.path / headfile.NAME
    head.write_bytes(head.read_bytes()[:FIXED] + old[FIXED:])
    made.code_clock.advance(4000)


# -- the root ------------------------------------------------------------------------------


def _swap_root(ws: Workspace, root: signing.SigningKey) -> None:
    db = ws.session.db

    def swap() -> None:
        sql = db._db.execute("SELECT sql FROM sqlite_master WHERE name = 'meta_no_update'").fetchone()[0]
        db._db.execute("DROP TRIGGER meta_no_update")
        db._db.execute("UPDATE meta SET value = ? WHERE key = 'root_public'", (root.public,))
        db._db.execute(sql)

    db.writer.run(swap)
    db._meta["root_public"] = ws.session.root_public = root.public


def test_another_root_key_opens_nothing_for_anybody(made: Program) -> None:
    root = signing.from_seed(b"R" * 32)
    with made.workspace("bill") as ws:
        cards = [ws.session.card(member.user) for member in made.users.values()]
        _swap_root(ws, root)
        work = ws.work()
        fresh = [msgspec.structs.replace(card, serial=card.serial + 1) for card in cards]
        ws.session.act(work, "certify", cards=tuple(sign_card(card, root) for card in fresh))
        push(ws, work)
    for name in ("tom", "nadia", "bill"):
        for inspect in (False, True):
            with pytest.raises(VaultDamaged, match="root key was replaced") as caught:
                made.unlock(name, inspect=inspect)
            assert caught.value.exit_code == 5


@pytest.mark.parametrize("value", [b"", b"garbage" * 20])
def test_a_note_of_the_root_that_is_gone_is_no_note(made: Program, value: bytes) -> None:
    with made.workspace("bill") as ws:
        work = ws.work()
        work.state[f"pin:{made.users['tom'].user.hex()}"] = value
        push(ws, work)
    with pytest.raises(VaultDamaged, match="root key was replaced"):
        made.unlock("tom")
    with made.workspace("nadia"):
        pass


# -- key slots -----------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["suspend", "remove"])
def test_slots_from_before_a_suspension_are_repaired_and_not_used(made: Program, what: str) -> None:
    old = (made.path / headfile.NAME).read_bytes()
    with made.workspace() as ws:
        getattr(staff, what)(ws, made.users["tom"].user)
    put_back(made, old)
    with pytest.raises(VaultDamaged, match=r"older than the vault; this was repaired\. Unlock again"):
        made.unlock("tom")
    with pytest.raises(Suspended if what == "suspend" else WrongSecrets):
        made.unlock("tom")
    made.code_clock.advance(4000)
    put_back(made, old)
    for inspect in (True, False):
        with pytest.raises((VaultDamaged, Suspended)):
            made.unlock("tom", inspect=inspect)


def test_a_burnt_kit_and_an_old_passphrase_stay_dead(made: Program) -> None:
    head, kit = made.path / headfile.NAME, made.users["tom"].new.kit
    old = head.read_bytes()
    new = staff.lost_phone(made.path, made.env, name="Tom", kit=kit, phrase=bytearray(OTHER))
    put_back(made, old)
    with pytest.raises(VaultDamaged, match="Unlock again"):
        staff.lost_phone(made.path, made.env, name="Tom", kit=kit, phrase=bytearray(OTHER))
    made.code_clock.advance(4000)
    with pytest.raises(WrongSecrets):
        staff.lost_phone(made.path, made.env, name="Tom", kit=kit, phrase=bytearray(OTHER))
    made.code_clock.advance(4000)
    made.users["tom"] = dataclasses.replace(made.users["tom"], new=new, secrets=new.secrets, phrase=OTHER)
    with made.workspace("tom"):
        pass


def test_slots_two_changes_old_are_an_alarm_and_not_even_for_looking(made: Program) -> None:
    old = (made.path / headfile.NAME).read_bytes()
    with made.workspace() as ws:
        staff.suspend(ws, made.users["tom"].user)
        staff.suspend(ws, made.users["sol"].user)
    put_back(made, old)
    for inspect in (False, True):
        with pytest.raises(VaultDamaged, match="not those this vault last wrote"):
            made.unlock("tom", inspect=inspect)
    made.unlock("nadia", inspect=True).session.view.close()


def _stop_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(headfile, "write_header", killed)


def _kill(ws: Workspace) -> None:
    ws._head = None
    ws.close()


def test_a_kit_that_was_cut_short_works_once_more(made: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new kit was shown to nobody: the old one must not be lost with it."""
    kit = made.users["tom"].new.kit
    with monkeypatch.context() as patched:
        _stop_before_the_file(patched)
        patched.setattr(Workspace, "close", lambda ws, action="lock": (ws.session.view.close(), ws.session.db.close()))
        with pytest.raises(KeyboardInterrupt):
            staff.lost_phone(made.path, made.env, name="Tom", kit=kit, phrase=bytearray(OTHER))
    new = staff.lost_phone(made.path, made.env, name="Tom", kit=kit, phrase=bytearray(OTHER))
    made.users["tom"] = dataclasses.replace(made.users["tom"], new=new, secrets=new.secrets, phrase=OTHER)
    with made.workspace("tom"):
        pass


def test_a_change_cut_short_opens_at_the_second_try(made: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    ws = made.unlock("nadia")
    with monkeypatch.context() as patched:
        _stop_before_the_file(patched)
        with pytest.raises(KeyboardInterrupt):
            staff.suspend(ws, made.users["tom"].user)
    _kill(ws)
    with pytest.raises(VaultDamaged, match="Unlock again"):
        made.unlock("fay")
    with made.workspace("fay") as fay:
        assert [finding for finding in fay.verify() if finding.alarm] == []
    with pytest.raises(Suspended):
        made.unlock("tom")


def test_a_head_that_names_other_slots_is_an_alarm(made: Program) -> None:
    with made.workspace() as ws:
        keys, public = ws.vault_keys(), ws.session.db.meta("device_public")
    file = made.path / headfile.NAME
    head = headfile.verify_head(headfile.read(file).heads[0], public)
    with headfile.HeadWriter(file, signing.from_seed(keys.device_seed.reveal())) as writer:
        for _ in range(2):
            writer.write(msgspec.structs.replace(head, header_digest=bytes(32)))
    with pytest.raises(VaultDamaged, match="names other key slots"):
        made.unlock("nadia")


# -- the log -------------------------------------------------------------------------------


def test_nobody_writes_log_entries_in_anothers_name(made: Program) -> None:
    tom, cleo = made.users["tom"].user, made.users["cleo"].user
    with made.workspace("bill") as ws:
        session = ws.session
        forged = AuditSession(ws.realm, tom, session.device, ws.rng)
        auditors = session.public_key(session.db.meta("program:AUD"), kind=Kind.AUD)[1]
        row = forged.row(auditors, Secret(ws.rng.token(32)), ws.user.signer)
        event = Event("read", tom, session.device, ws.clock.now_ms(), made.people["ana"], "IND")
        session.db.commit(Batch(forged.id, ws.clock.now_ms(), [forged.seal(event)], sessions=[row]))
        work = ws.work()
        session.note(work, "read", person=made.people["max"])
        work.events[0] = msgspec.structs.replace(work.events[0], user=cleo)
        session.append(work)
        junk = AuditSession(ws.realm, tom, session.device, ws.rng)
        rows = [SessionRow(junk.id, tom, b"junk", b"junk")]
        session.db.commit(Batch(junk.id, ws.clock.now_ms(), [b"junk"], sessions=rows))
    with made.workspace("abe") as ws:
        report = compliance.audit_report(ws)
        assert [line.action for line in report].count(compliance.UNREADABLE) == 3
        assert not any(line.action == "read" and line.user in (tom, cleo) for line in report)
        assert compliance.audit_report(ws, person=made.people["max"], user=cleo) == []
    with made.workspace("tom") as ws:
        report = compliance.audit_report(ws)
        assert [line.action for line in report].count(compliance.UNREADABLE) == 2
        assert "unlock" in {line.action for line in report}


def _rewrite(made: Program, drop_from_end: int, keys: Any) -> None:
    """Cut entries out of the log, link what is left, sign a head for it: all with keys every user has."""
    with closing(open_database(made.path / "vault.db", keys.vault_key, exclusive=True)) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        rows = db.execute("SELECT seq, header, sealed FROM audit ORDER BY seq").fetchall()
        public = db.execute("SELECT value FROM meta WHERE key = 'device_public'").fetchone()[0]
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        db.execute("DELETE FROM audit")
        previous, seq, moved = bytes(32), 0, {}
        for old, raw, sealed in rows:
            if old == len(rows) - drop_from_end:
                continue
            seq += 1
            moved[old] = seq
            header = msgspec.structs.replace(decode(raw, AuditHeader), seq=seq, previous=previous)
            raw = encode(header)
            previous = audit_hash(raw, sealed)
            db.execute("INSERT INTO audit VALUES (?, ?, ?, ?)", (seq, raw, sealed, previous))
        for table in ("act", "revision", "audit_session", "fingerprint"):
            for (at,) in db.execute(f"SELECT DISTINCT audit_seq FROM {table} ORDER BY 1").fetchall():
                db.execute(f"UPDATE {table} SET audit_seq = ? WHERE audit_seq = ?", (moved.get(at, at), at))
        for _, sql in triggers:
            db.execute(sql)
    file = made.path / headfile.NAME
    head = headfile.verify_head(headfile.read(file).heads[0], public)
    with headfile.HeadWriter(file, signing.from_seed(keys.device_seed.reveal())) as writer:
        for _ in range(2):
            writer.write(msgspec.structs.replace(head, seq=seq, audit_seq=seq, audit_hash=previous))


def test_a_log_rewritten_since_the_last_look_is_an_alarm(alone: tuple[Program, Workspace]) -> None:
    made, ws = alone
    for _ in range(3):
        work = ws.work()
        ws.session.note(work, "read")
        ws.commit(work)
    keys = ws.vault_keys()
    ws.close()
    _rewrite(made, 2, keys)
    with pytest.raises(VaultDamaged, match="The log was rewritten since you last looked"):
        made.unlock("nadia")
    look = made.unlock("nadia", inspect=True)
    assert any("rewritten since you last looked" in finding.what and finding.alarm for finding in look.findings)
    look.close()


def test_a_log_that_only_grew_is_no_alarm(made: Program) -> None:
    for name in ("tom", "fay", "nadia", "tom"):
        with made.workspace(name) as ws:
            assert ws.findings == []


# -- what others can write about a user ----------------------------------------------------


def test_a_garbled_place_of_a_view_is_built_anew_with_a_notice(made: Program) -> None:
    with made.workspace("bill") as ws:
        work = ws.work()
        work.state[f"view:{made.users['nadia'].user.hex()}"] = b"garbage"
        push(ws, work)
    with made.workspace("nadia") as ws:
        assert [finding.alarm for finding in ws.findings] == [False]
        assert "built anew" in ws.findings[0].what
        assert ws.view.rows("SELECT 1 FROM record")
    with made.workspace("nadia") as ws:
        assert ws.findings == []


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("totp", (2**40).to_bytes(8, "big"), CodeUsed),
        ("totp", b"\xff" * 40, VaultDamaged),
        ("header", b"garbage", VaultDamaged),
    ],
)
def test_garbled_facts_are_plain_errors(made: Program, key: str, value: bytes, error: type[Exception]) -> None:
    with made.workspace("bill") as ws:
        work = ws.work()
        work.state[f"totp:{made.users['tom'].user.hex()}" if key == "totp" else key] = value
        push(ws, work)
    with pytest.raises(error) as caught:
        made.unlock("tom")
    assert error is CodeUsed or key in str(caught.value)


def test_a_garbled_step_does_not_stop_the_kit(made: Program) -> None:
    with made.workspace("bill") as ws:
        work = ws.work()
        work.state[f"totp:{made.users['tom'].user.hex()}"] = b"\xff" * 40
        push(ws, work)
    kit = made.users["tom"].new.kit
    assert staff.lost_phone(made.path, made.env, name="Tom", kit=kit, phrase=bytearray(OTHER)).kit


def test_one_bad_journal_row_does_not_hide_the_others(made: Program) -> None:
    typed = notes.Unsaved(made.people["ana"], b"", {"presentation": "typed"}, 1)
    with made.workspace("nadia") as ws:
        notes.keep(ws, b"a", typed)
    with made.workspace("bill") as ws:
        ws.session.db.journal_put(made.users["nadia"].user, b"zz", b"junk")
    with made.workspace("nadia") as ws:
        assert notes.kept(ws) == {b"a": typed}
        assert [(finding.where, finding.alarm) for finding in ws.findings] == [("vault.db journal", False)]


# -- names, and what reaches a terminal ----------------------------------------------------


def test_names_are_cleaned_and_told_apart_as_at_the_prompt(alone: tuple[Program, Workspace]) -> None:
    _, ws = alone
    new = staff.add_user(ws, name="Eve\x1b]0;pwn\x07", user_roles=(roles.BILLER,), phrase=bytearray(PHRASE))
    assert ws.session.card(new.user).name == "Eve]0;pwn"
    for name in ("nadia", "\uff2eadia", " NADIA "):
        with pytest.raises(Refused, match="of this name already"):
            staff.add_user(ws, name=name, user_roles=(roles.BILLER,), phrase=bytearray(PHRASE))


def test_output_holds_nothing_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    shown = output.dump({"name": EVIL})
    assert json.loads(shown) == {"name": EVIL}
    output.show(Answer(EVIL, [EVIL]), as_json=False)
    failures.report(Refused(EVIL, EVIL), as_json=False)
    failures.report(Refused(EVIL, EVIL), as_json=True)
    out, err = capsys.readouterr()
    assert not set(shown + out + err) & set("\x1b\x07\x9b\u202e")
    assert "\\u001b" in out
    assert "\\u202e" in err


# -- set-up, schema, roles -----------------------------------------------------------------


def test_set_up_deletes_nothing_it_did_not_make(tmp_path: Path) -> None:
    (tmp_path / "docs.setup").mkdir()
    (tmp_path / "docs.setup" / "thesis.txt").write_text("x")
    _, ws = empty(tmp_path / "docs")
    ws.close()
    assert (tmp_path / "docs.setup" / "thesis.txt").read_text() == "x"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["docs", "docs.setup"]


def test_a_set_up_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from iop_tui.workspace import founding

    def full(*_: object, **__: object) -> None:
        raise DiskFull("full")

    monkeypatch.setattr(founding, "_found", full)
    with pytest.raises(DiskFull):
        empty(tmp_path / "docs")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t BEFORE INSERT ON revision BEGIN SELECT RAISE(IGNORE); END",
        "DROP TRIGGER revision_no_delete",
        "CREATE INDEX i ON act (id)",
    ],
)
def test_another_schema_is_an_alarm_at_the_unlock(alone: tuple[Program, Workspace], statement: str) -> None:
    made, ws = alone
    ws.session.db.writer.run(lambda: ws.session.db._db.execute(statement))
    ws.close()
    with pytest.raises(VaultDamaged, match="Tables or triggers were changed"):
        made.unlock("nadia")


def test_an_administrator_takes_program_keys_they_do_not_hold(made: Program) -> None:
    from tests.support.clinic.vaults import Member

    with made.workspace() as ws:
        new = staff.add_user(ws, name="Adm", user_roles=(roles.ADMINISTRATOR,), phrase=bytearray(PHRASE))
    made.users["adm"] = Member("Adm", new.secrets, new)
    fay = made.users["fay"].user
    with made.workspace("adm") as ws:
        assert not ws.session.holds(ws.session.db.meta("program:DESK"))
        staff.set_roles(ws, fay, (roles.AUDITOR,))
    with made.workspace() as ws:
        live = "SELECT count(*) FROM wrap WHERE recipient = ? AND compartment = ? AND revoked_ms = 0"
        assert ws.view.one(live, (fay, ws.session.db.meta("program:DESK"))) == (0,)
