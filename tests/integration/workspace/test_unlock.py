"""Opening and closing a vault: what is accepted, what is refused in which words, and what waiting costs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from iop_tui import workspace
from iop_tui.access import roles
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.records import api as records
from iop_tui.kernel.errors import (
    CodeUsed,
    LockedOut,
    ReadOnlyMedium,
    ReauthNeeded,
    Refused,
    VaultDamaged,
    VaultInUse,
    VaultMissing,
    WrongSecrets,
)
from iop_tui.vault import headfile, totp
from tests.support.clinic.program import FOUNDER, PHRASE, Program, environment, note, phrase, program

WRONG = "User, passphrase or code is wrong."
TEN_YEARS = 10 * 365 * 24 * 3600


@pytest.fixture
def closed(tmp_path: Path) -> Program:
    """A closed vault with one user."""
    found = program(tmp_path, roles.INDIVIDUAL_THERAPIST)
    found.close()
    return found


def attempt(p: Program, *, name: str = FOUNDER, secret: bytes = PHRASE, code: str | None = None) -> workspace.Workspace:
    code = p.code(p.founder) if code is None else code
    return workspace.unlock(p.path, p.env, name=name, phrase=bytearray(secret), code=code)


# -- secrets -------------------------------------------------------------------------------


def test_the_right_secrets_open(closed: Program) -> None:
    ws = attempt(closed, name="  nadia   FOUNDER ")
    assert (ws.user.name, ws.findings, ws.verify()) == (FOUNDER, [], [])
    assert roles.ADMINISTRATOR in ws.user.roles
    ws.close()
    ws.close()


@pytest.mark.parametrize(
    ("name", "secret", "code"),
    [
        ("Nobody", PHRASE, None),
        (FOUNDER, b"velvet orchard ninety lanterx", None),
        (FOUNDER, PHRASE, "000000"),
        (FOUNDER, b"", ""),
        ("", PHRASE, ""),
    ],
    ids=["user", "passphrase", "code", "empty", "no user"],
)
def test_nobody_is_told_which_secret_was_wrong(closed: Program, name: str, secret: bytes, code: str | None) -> None:
    with pytest.raises(WrongSecrets) as caught:
        attempt(closed, name=name, secret=secret, code=code)
    assert (caught.value.message, caught.value.exit_code) == (WRONG, 4)


def test_the_wait_grows_survives_and_ends_with_a_success(closed: Program) -> None:
    for count, seconds in enumerate((1, 2, 4, 8), 1):
        with pytest.raises(WrongSecrets):
            attempt(closed, secret=b"wrong", code="000000")
        with pytest.raises(LockedOut) as caught:
            attempt(closed, code="000000")
        assert f"Wait {seconds} second" in caught.value.message, count
        closed.tick(seconds)
    attempt(closed).close()
    with pytest.raises(WrongSecrets) as wrong:
        attempt(closed, secret=b"wrong")
    assert wrong.type is WrongSecrets


def test_an_unknown_user_waits_like_a_known_one(closed: Program) -> None:
    with pytest.raises(WrongSecrets):
        attempt(closed, name="Nobody", code="000000")
    with pytest.raises(LockedOut):
        attempt(closed, name="Nobody", code="000000")


def test_failures_are_noted_in_the_audit_of_the_next_session(closed: Program) -> None:
    from iop_tui.clinical.compliance import service as compliance

    for _ in range(2):
        with pytest.raises(WrongSecrets):
            attempt(closed, secret=b"wrong")
    closed.tick(60)
    ws = attempt(closed)
    assert any(event.detail == "after 2 failures" for event in compliance.audit_report(ws))
    ws.close()


def test_a_code_works_once(closed: Program) -> None:
    code = closed.code(closed.founder)
    attempt(closed, code=code).close()
    with pytest.raises(CodeUsed):
        attempt(closed, code=code)
    closed.tick(5)
    older = totp.code_at(closed.founder.secrets.totp_seed, closed.clock.now_ms() // 1000 - 30)
    with pytest.raises(WrongSecrets):
        attempt(closed, code=older)


def test_a_clock_that_went_back_ten_years_is_named(closed: Program) -> None:
    attempt(closed).close()
    closed.clock.advance(-TEN_YEARS)
    with pytest.raises(CodeUsed, match="clock of this computer is behind"):
        attempt(closed)
    with pytest.raises(LockedOut, match="Wait 1 second"):
        attempt(closed, code="000000")
    closed.clock.advance(TEN_YEARS + 60)
    attempt(closed).close()


def test_a_failure_under_a_clock_that_ran_ahead_does_not_lock_out_for_years(closed: Program) -> None:
    closed.clock.advance(TEN_YEARS)
    with pytest.raises(WrongSecrets):
        attempt(closed, secret=b"wrong")
    closed.clock.advance(-TEN_YEARS)
    with pytest.raises(LockedOut, match="Wait 1 second"):
        attempt(closed, code="000000")
    closed.tick(2)
    attempt(closed).close()


def test_work_written_under_a_wrong_clock_stays(closed: Program) -> None:
    """Ten years back while the vault is open: times are claims, order is by the log."""
    p = closed
    p.unlock()
    person = p.register(p.founder, "Ana")
    p.assign(p.founder, person, p.founder, roles.INDIVIDUAL_THERAPIST)
    p.settle()
    first = notes.save(p.root, person, note("first"))
    p.clock.advance(-TEN_YEARS)
    second = notes.save(p.root, person, note("second"), record=first.record)
    from datetime import date

    third = notes.save(p.root, person, note("third", date(2016, 9, 1)))
    assert p.root.verify() == []
    p.clock.advance(TEN_YEARS)
    p.close()
    ws = p.unlock()
    assert ws.verify() == []
    assert {line.id for line in records.timeline(ws, person, kinds=("progress_note",))} == {first.record, third.record}
    assert ws.session.open_revision(second.revision)
    ws.rebuild_view()
    assert {line.id for line in records.timeline(ws, person, kinds=("progress_note",))} == {first.record, third.record}
    p.close()


def test_signing_asks_for_the_passphrase_after_five_minutes(closed: Program) -> None:
    ws = attempt(closed)
    ws.need_fresh()
    closed.tick(301)
    with pytest.raises(ReauthNeeded):
        ws.need_fresh()
    with pytest.raises(WrongSecrets):
        ws.confirm(bytearray(b"wrong"))
    closed.tick(2)
    ws.confirm(phrase())
    ws.need_fresh()
    ws.close()


# -- files ---------------------------------------------------------------------------------


def test_a_vault_is_opened_once(closed: Program) -> None:
    ws = attempt(closed)
    with pytest.raises(VaultInUse) as caught:
        attempt(closed)
    assert str(os.getpid()) in caught.value.message
    assert caught.value.exit_code == 6
    ws.close()
    attempt(closed).close()


@pytest.mark.parametrize("name", [headfile.NAME, "vault.db"])
def test_a_missing_file_is_named(closed: Program, name: str) -> None:
    (closed.path / name).unlink()
    with pytest.raises(VaultMissing, match=name) as caught:
        attempt(closed)
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    "content", [b"", b"x" * 100, bytes(20480), os.urandom(20480)], ids=["empty", "short", "zeros", "noise"]
)
def test_a_damaged_head_is_reported_before_any_secret_counts(closed: Program, content: bytes) -> None:
    (closed.path / headfile.NAME).write_bytes(content)
    with pytest.raises(VaultDamaged, match=r"vault\.head") as caught:
        attempt(closed, secret=b"wrong", code="000000")
    assert caught.value.hint


def test_a_head_of_another_vault_is_refused(closed: Program, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = program(tmp_path / "other")
    other.close()
    shutil.copy(other.path / headfile.NAME, closed.path / headfile.NAME)
    with pytest.raises((VaultDamaged, WrongSecrets)):
        attempt(closed)


def test_a_second_vault_in_the_same_folder_is_refused(closed: Program) -> None:
    before = {path: path.read_bytes() for path in closed.path.rglob("*") if path.is_file()}
    with pytest.raises(Refused, match="There is a vault in this folder already"):
        workspace.create(closed.path, closed.env, name="B", user_roles=(), phrase=phrase())
    assert {path: path.read_bytes() for path in closed.path.rglob("*") if path.is_file()} == before


def test_a_weak_passphrase_makes_no_vault(tmp_path: Path) -> None:
    for weak in (b"short", b"password password", b"nadia founder 1"):
        with pytest.raises(Refused):
            workspace.create(tmp_path / "v", environment(), name=FOUNDER, user_roles=(), phrase=bytearray(weak))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def read_only(closed: Program) -> Iterator[Program]:
    """The vault in a folder that cannot be written: a read-only mount as root, else its mode."""
    if os.geteuid() == 0:
        import subprocess

        mounts = (["mount", "--bind", closed.path, closed.path], ["mount", "-o", "remount,ro,bind", closed.path])
        for command in mounts:
            if subprocess.run(command, capture_output=True, check=False).returncode:
                pytest.skip("this machine lets nobody mount, and root writes everywhere")
        yield closed
        subprocess.run(["umount", closed.path], check=True)
        return
    for path in [*closed.path.rglob("*"), closed.path]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    yield closed
    for path in [closed.path, *closed.path.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)


def test_a_read_only_medium_is_a_plain_sentence(read_only: Program) -> None:
    with pytest.raises(ReadOnlyMedium) as caught:
        attempt(read_only)
    assert caught.value.exit_code == 7
    assert caught.value.hint


def test_what_was_refused_changed_nothing(closed: Program) -> None:
    """Wrong secrets touch the record of failures only."""
    before = (closed.path / "vault.db").read_bytes()
    for _ in range(3):
        closed.tick(60)
        with pytest.raises(WrongSecrets):
            attempt(closed, secret=b"wrong")
    assert (closed.path / "vault.db").read_bytes() == before


# -- views ---------------------------------------------------------------------------------


def test_a_removed_view_is_built_anew(closed: Program) -> None:
    p = closed
    p.unlock()
    person = p.register(p.founder, "Ana")
    p.close()
    shutil.rmtree(p.path / "views")
    ws = p.unlock()
    assert [finding.alarm for finding in ws.findings] == [False]
    assert ws.view.rows("SELECT id FROM person") == [(person,)]
    p.close()
    assert p.unlock().findings == []
    p.close()


def test_a_view_that_catches_up_later_is_complete_then(closed: Program) -> None:
    p = closed
    p.unlock()
    p.register(p.founder, "Ana")
    p.close()
    shutil.rmtree(p.path / "views")
    ws = p.unlock(catch_up=False)
    assert ws.behind() > 0
    seen: list[tuple[int, int]] = []
    ws.session.catch_up(lambda done, total: seen.append((done, total)))
    assert (ws.behind(), seen[-1][0]) == (0, seen[-1][1])
    assert len(ws.view.rows("SELECT id FROM person")) == 1
    p.close()


def test_a_cancelled_catch_up_goes_on_later(closed: Program) -> None:
    from iop_tui.kernel.errors import Cancelled

    p = closed
    p.unlock()
    p.register(p.founder, "Ana")
    p.close()
    shutil.rmtree(p.path / "views")
    ws = p.unlock(catch_up=False)
    with pytest.raises(Cancelled):
        ws.session.catch_up(None, lambda: True)
    with pytest.raises(Cancelled):
        ws.verify(cancelled=lambda: True)
    ws.session.catch_up()
    assert ws.behind() == 0
    p.close()


def test_rebuilding_uses_a_new_key_and_destroys_the_old_file(closed: Program) -> None:
    ws = closed.unlock()
    old = ws.view.path
    ws.rebuild_view()
    assert ws.view.path != old
    assert not old.exists()
    assert [path.suffix for path in (closed.path / "views").glob("*.db")] == [".db"]
    closed.close()
    assert closed.unlock().findings == []
    closed.close()
