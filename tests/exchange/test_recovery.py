"""Recovery shares, offline recipients, drills, scheduled backups: what is promised on paper is tried here."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iop_tui import workspace
from iop_tui.exchange import backup
from iop_tui.kernel.canonical import decode
from iop_tui.kernel.errors import IopError, MediumUnusable, Refused, RoleRefused, VaultDamaged, WrongSecrets
from iop_tui.kernel.rng import SeededRng
from iop_tui.kernel.secret import Secret
from iop_tui.vault import age, agekeys, recovery, totp
from iop_tui.vault.recovery import SharesWrong
from iop_tui.vault.signing import BadSignature
from iop_tui.workspace import Workspace, backingup, drilling, recovering
from iop_tui.workspace.backingup import HOUR_MS, KEPT, MONTHS, Schedule
from iop_tui.workspace.drilling import Drill, Means
from tests.exchange.world.pairs import Pair
from tests.support.clinic.vaults import Program, copied, program

NEW = b"another velvet orchard lantern"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Program, tuple[str, ...], Path]:
    """A program with recovery shares, a joined account, and a backup of it."""
    folder = tmp_path_factory.mktemp("kept")
    found = program(folder, seed=81)
    with found.workspace() as ws:
        shares = recovering.make_shares(ws).shares
        recovering.confirm_shares(ws, shares[1:])
        with pytest.raises(Refused):
            recovering.confirm_shares(ws, shares[1:])
    with found.workspace("tom") as tom:
        recovering.join(tom)
        with pytest.raises(Refused):
            recovering.join(tom)
    with found.workspace() as ws:
        backingup.make(ws, folder / "kept.iopb")
    return found, shares, folder / "kept.iopb"


def restored(
    file: Path, place: Path, shares: Sequence[str], found: Program, name: str = ""
) -> closing[Workspace]:
    """An empty machine, a backup, papers: the new passphrase opens what they brought back."""
    place.mkdir()
    identities = recovering.identities(shares) if backup.is_sealed(file) else []
    manifest = backup.unpack(file, place, identities)
    slot, secrets = recovering.open_account(place, manifest.recovery, shares, name=name)
    fresh = recovering.renew(
        place, found.env, slot, secrets, name=name, phrase=bytearray(NEW), action="shares-used"
    )
    found.code_clock.advance(60)
    code = totp.code_at(fresh.secrets.totp_seed, found.code_clock.now_ms() // 1000)
    return closing(workspace.unlock(place, found.env, name=fresh.name, phrase=bytearray(NEW), code=code))


# -- shares --------------------------------------------------------------------------------


def test_any_two_of_three_shares_restore_to_an_empty_machine(
    kept: tuple[Program, tuple[str, ...], Path], tmp_path: Path, scale: Callable[[int, int], int]
) -> None:
    found, shares, file = kept
    pairs = list(itertools.combinations(shares, 2))
    for number, two in enumerate(pairs[-scale(3, 1) :]):
        with restored(file, tmp_path / str(number), two, found) as ws:
            assert ws.user.name == "Nadia"
            assert ws.session.db.revision(ws.session.db.revisions_since(0, 1)[0][1].id) is not None
            assert [item for item in ws.verify() if item.alarm] == []


def test_whose_records_stay_closed_is_told_by_name(kept: tuple[Program, tuple[str, ...], Path]) -> None:
    """Shares open accounts, and an account opens what its user may read: the rest comes back with its own people."""
    found, _, _ = kept
    nadia, tom = found.users["nadia"].user, found.users["tom"].user
    with found.workspace() as ws:
        alone = recovering.closed(ws.session, [nadia])
        assert set(alone) == {("Tom",)}
        assert recovering.closed(ws.session, recovering.accounts(ws.session)) == {}
        assert set(recovering.accounts(ws.session)) == {nadia, tom}
        of_tom = {row[0] for row in ws.view.rows("SELECT compartment FROM wrap WHERE recipient = ?", (tom,))}
        assert alone[("Tom",)] == sum(not ws.session.holds(compartment) for compartment in of_tom)


@pytest.mark.nightly
def test_who_joined_comes_back_by_name_and_nobody_else(
    kept: tuple[Program, tuple[str, ...], Path], tmp_path: Path
) -> None:
    found, shares, file = kept
    with restored(file, tmp_path / "tom", shares[:2], found, "Tom") as ws:
        assert ws.user.user == found.users["tom"].user
    for name in ("Cleo", "Nobody"):
        with pytest.raises(WrongSecrets, match="no account of this name"):
            restored(file, tmp_path / name, shares[:2], found, name)


def test_wrong_too_few_mixed_and_foreign_shares_are_named_without_their_words(
    kept: tuple[Program, tuple[str, ...], Path], tmp_path: Path
) -> None:
    found, shares, file = kept
    other = recovery.split(SeededRng(5).token(32), 2, 3)
    misread = " ".join([*shares[1].split()[:-1], "academic"])
    for number, (bad, told) in enumerate((
        (shares[:1], "2 recovery shares are needed; 1 was given"),
        ((shares[0], shares[0]), "are the same one"),
        ((shares[0], other[1]), "different sets"),
        ((shares[0], misread), "Share 2 has a typing mistake"),
        ((shares[0], "velvet " + shares[1]), r"Share 2|share 2"),
        (other[:2], "another set"),
    )):  # fmt: skip
        with pytest.raises(WrongSecrets, match=told) as caught:
            restored(file, tmp_path / str(number), bad, found)
        assert caught.value.exit_code == 4
        words = shares[1].split()
        assert not any(f"{one} {two}" in caught.value.message for one, two in itertools.pairwise(words))


@pytest.mark.nightly
def test_a_newer_set_takes_the_place_of_the_older_one_in_new_backups(
    kept: tuple[Program, tuple[str, ...], Path], tmp_path: Path
) -> None:
    found = copied(kept[0], tmp_path)
    with found.workspace() as ws:
        fresh = recovering.make_shares(ws, threshold=3, count=5)
        assert recovering.present(ws.session).serial == 1  # type: ignore[union-attr]
        with pytest.raises(SharesWrong, match="not the ones"):
            recovering.confirm_shares(ws, kept[1][:2])
        recovering.confirm_shares(ws, fresh.shares[2:])
        assert recovering.accounts(ws.session) == [ws.user.user]
        backingup.make(ws, tmp_path / "second.iopb")
    with pytest.raises(SharesWrong, match="another set"):
        restored(tmp_path / "second.iopb", tmp_path / "old", kept[1][:2], found)
    with restored(tmp_path / "second.iopb", tmp_path / "new", fresh.shares[:3], found) as ws:
        assert ws.user.name == "Nadia"


def test_shares_are_an_administrators_to_make(kept: tuple[Program, tuple[str, ...], Path], tmp_path: Path) -> None:
    found = copied(kept[0], tmp_path)
    with found.workspace("tom") as ws:
        with pytest.raises(RoleRefused):
            recovering.make_shares(ws)
        with pytest.raises(RoleRefused):
            backingup.set_recipients(ws, ())


@pytest.mark.nightly
def test_a_set_travels_to_the_other_device_and_is_certified(pair: Pair, tmp_path: Path) -> None:
    one, two, stick = pair
    with one.workspace() as ws:
        shares = recovering.make_shares(ws).shares
        recovering.confirm_shares(ws, shares[:2])
    for device in (one, two):
        device.sync(stick)
    with two.workspace() as ws:
        assert recovering.accounts(ws.session) == [ws.user.user]
        backingup.make(ws, tmp_path / "laptop.iopb")
    with restored(tmp_path / "laptop.iopb", tmp_path / "back", shares[1:], one.program) as ws:
        assert ws.user.name == "Nadia"


# -- offline recipients --------------------------------------------------------------------


def test_a_backup_sealed_to_recipients_opens_with_their_key_or_with_shares_and_nothing_else(
    kept: tuple[Program, tuple[str, ...], Path], tmp_path: Path
) -> None:
    found, (_, shares, _) = copied(kept[0], tmp_path), kept
    key = agekeys.identity(Secret(b"k" * 32))
    with found.workspace() as ws:
        backingup.set_recipients(ws, (agekeys.public(key), agekeys.public(key)))
        assert len(backingup.recipients(ws)) == 1
        made = backingup.make(ws, tmp_path / "sealed.iopb")
    assert made.sealed
    data = (tmp_path / "sealed.iopb").read_bytes()
    assert backup.MAGIC not in data[:2048]
    folder = tmp_path / "by key"
    folder.mkdir()
    assert backup.unpack(tmp_path / "sealed.iopb", folder, [key]) == made.manifest
    strange = agekeys.identity(Secret(b"x" * 32))
    for number, (identities, told) in enumerate((([], "sealed"), ([strange], "other keys"))):
        (tmp_path / str(number)).mkdir()
        with pytest.raises(WrongSecrets, match=told):
            backup.unpack(tmp_path / "sealed.iopb", tmp_path / str(number), identities)
        assert list((tmp_path / str(number)).iterdir()) == []
    for part in (len(data) // 3, len(data) - 1):
        (tmp_path / "cut.iopb").write_bytes(data[:part])
        (tmp_path / f"cut{part}").mkdir()
        with pytest.raises(VaultDamaged):
            backup.unpack(tmp_path / "cut.iopb", tmp_path / f"cut{part}", [key])
    with restored(tmp_path / "sealed.iopb", tmp_path / "by shares", shares[:2], found) as ws:
        assert ws.user.name == "Nadia"


def test_backups_of_older_versions_still_come_back(kept: tuple[Program, tuple[str, ...], Path], tmp_path: Path) -> None:
    manifest, data = backup.check(kept[2]), kept[2].read_bytes()
    size = int.from_bytes(data[4:8], "big")
    import msgspec

    for version, fields in ((1, 10), (2, 11)):
        front = msgspec.msgpack.encode([version, *msgspec.structs.astuple(manifest)[1:fields]])
        older, place = tmp_path / f"{version}.iopb", tmp_path / f"place{version}"
        older.write_bytes(backup.MAGIC + len(front).to_bytes(4, "big") + front + data[8 + size :])
        place.mkdir()
        assert backup.unpack(older, place).recovery == (b"" if version == 1 else manifest.recovery)
    newer = msgspec.msgpack.encode([9, *msgspec.structs.astuple(manifest)[1:]])
    (tmp_path / "newer.iopb").write_bytes(backup.MAGIC + len(newer).to_bytes(4, "big") + newer + data[8 + size :])
    with pytest.raises(IopError) as caught:
        backup.check(tmp_path / "newer.iopb")
    assert caught.value.exit_code == 9


# -- the drill -----------------------------------------------------------------------------


def test_a_drill_compares_every_row_and_is_signed(
    kept: tuple[Program, tuple[str, ...], Path], tmp_path: Path
) -> None:
    found, shares, file = copied(kept[0], tmp_path), kept[1], kept[2]
    kit = recovery.decode_kit(found.founder.new.kit)
    with found.workspace() as ws:
        for means in (Means(), Means(shares=shares[:2]), Means(kit=kit)):
            signed = drilling.drill(ws, file, means)
            result = signed.read(ws.user.signer.public)
            assert result.fault == ""
            assert result.how == means.how
            assert 0 < result.revisions <= ws.session.db.position.revisions
        assert drilling.last(ws) == result
        with pytest.raises(BadSignature):
            signed.read(found.users["tom"].secrets.signer().public)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["vault"]


@pytest.mark.nightly
def test_a_drill_with_a_backup_of_another_history_fails_and_says_so(
    kept: tuple[Program, tuple[str, ...], Path], tmp_path: Path
) -> None:
    """The vault was put back to before the backup and went on: the backup's log is no part of its log."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    went_on, other = copied(kept[0], tmp_path / "a"), copied(kept[0], tmp_path / "b")
    with went_on.workspace() as ws:
        backingup.make(ws, tmp_path / "went on.iopb")
    with other.workspace() as ws:
        signed = drilling.drill(ws, tmp_path / "went on.iopb", Means())
        assert "not the one of this vault" in decode(signed.drill, Drill).fault
        assert decode(signed.drill, Drill).revisions == 0


# -- scheduled backups ---------------------------------------------------------------------


def test_writes_go_on_while_a_backup_is_copied_and_the_copy_is_of_one_moment(
    kept: tuple[Program, tuple[str, ...], Path], tmp_path: Path
) -> None:
    found = copied(kept[0], tmp_path)
    with found.workspace() as ws:
        before = ws.session.db.position

        def write() -> bool:
            work = ws.work()
            ws.session.note(work, "meanwhile")
            ws.commit(work)
            return False

        copied_ = backingup.copy(ws, tmp_path / "busy.iopb", write)
        assert ws.session.db.position.audit_seq > before.audit_seq
        assert copied_.manifest.audit_seq == before.audit_seq
        backingup.finish(ws, tmp_path / "busy.iopb", copied_)
        assert drilling.drill(ws, tmp_path / "busy.iopb", Means()).read(ws.user.signer.public).fault == ""


def test_a_backup_that_reads_back_otherwise_does_not_count(
    kept: tuple[Program, tuple[str, ...], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = copied(kept[0], tmp_path)
    write = backup._Sink.write

    def torn(sink: backup._Sink, data: bytes, /) -> int:
        write(sink, data)
        sink._file.seek(-1, 2)
        sink._file.write(bytes([data[-1] ^ 1]))
        return len(data)

    with found.workspace() as ws:
        known = backingup.last(ws)
        monkeypatch.setattr(backup._Sink, "write", torn)
        with pytest.raises(VaultDamaged, match="reads back"):
            backingup.make(ws, tmp_path / "torn.iopb")
        assert not (tmp_path / "torn.iopb").exists()
        assert backingup.last(ws) == known


def test_the_warning_grows_with_the_age_of_the_newest_verified_backup(
    kept: tuple[Program, tuple[str, ...], Path], tmp_path: Path
) -> None:
    found = copied(kept[0], tmp_path)
    with found.workspace() as ws:
        backingup.make(ws, tmp_path / "new.iopb")
        schedule = Schedule(tmp_path, 12)
        for hours, words, serious, due in (
            (0, "", False, False), (12, "", False, True), (24, "24 hours", False, True), (48, "2 days", True, True),
        ):  # fmt: skip
            found.clock.advance((backingup.last(ws).at_ms + hours * HOUR_MS - found.clock.now_ms()) / 1000)  # type: ignore[union-attr]
            text, loud = backingup.warning(ws)
            assert (words in text, bool(text), loud) == (True, bool(words), serious)
            assert backingup.due(ws, schedule) is due
        backingup.make(ws, tmp_path / "newer.iopb")
        assert backingup.warning(ws) == ("", False)
        ws.demo = True
        assert backingup.hours_old(ws) is None


def test_seven_newest_and_one_a_month_are_kept_and_never_the_last_verified_one_lost(tmp_path: Path) -> None:
    start = datetime(2026, 11, 20, tzinfo=UTC)
    found = [(start - timedelta(days=day), tmp_path / str(day)) for day in range(800)]
    verified = tmp_path / "799"
    gone = backingup.surplus(found, verified)
    kept_ = [pair_ for pair_ in found if pair_[1] not in gone]
    assert verified not in gone
    assert [path for _, path in kept_][:KEPT] == [path for _, path in found[:KEPT]]
    months = {(moment.year, moment.month) for moment, _ in kept_[:-1]}
    assert len(months) == MONTHS
    assert len(kept_) == KEPT + MONTHS - 1 + 1
    assert backingup.surplus(found[:KEPT], None) == []


def test_thinning_touches_scheduled_backups_of_this_vault_only(
    kept: tuple[Program, tuple[str, ...], Path], tmp_path: Path
) -> None:
    found = copied(kept[0], tmp_path)
    folder = tmp_path / "disk"
    folder.mkdir()
    for name in ("notes.iopb", "iop-tui-00000000-20200101T000000Z.iopb", "holiday.jpg"):
        (folder / name).write_bytes(b"somebody's")
    schedule = Schedule(folder)
    with found.workspace() as ws:
        for day in range(KEPT + 2):
            name = f"iop-tui-{ws.realm.hex()[:8]}-202603{day + 1:02d}T000000Z.iopb"
            (folder / name).write_bytes(b"cut")
        for time in ("20250101T000000Z", "20990101T000000Z"):
            (folder / f"iop-tui-{ws.realm.hex()[:8]}-{time}.iopb.part").write_bytes(b"stopped")
        target = backingup.place(ws, schedule)
        backingup.make(ws, target)
        removed = backingup.thin(ws, schedule)
        assert [path.name[17:25] for path in removed] == ["20260303", "20260302", "20260301", "20250101"]
        assert target.exists()
        assert backingup.newest_in(folder, ws.realm)[1] == target
        target.write_bytes(target.read_bytes()[:-1])
        with pytest.raises(IopError, match="no backup of this vault"):
            backingup.newest_in(folder, ws.realm)
        with pytest.raises(MediumUnusable, match="not there"):
            backingup.place(ws, replace(schedule, folder=tmp_path / "unplugged"))
    assert {"notes.iopb", "holiday.jpg", "iop-tui-00000000-20200101T000000Z.iopb"} <= {p.name for p in folder.iterdir()}


def test_an_age_identity_is_what_the_format_says() -> None:
    key = agekeys.identity(Secret(bytes(range(32))))
    sealed = age.encrypt(b"content", [age.recipient(agekeys.public(key))])
    assert agekeys.keys_of(f"# created\n{key}\n") == [key]
    import pyrage

    assert pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(key)]) == b"content"
    with pytest.raises(agekeys.NotForThisKey):
        agekeys.keys_of("age1nothing")
