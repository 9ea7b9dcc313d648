"""A backup equals the vault, comes back with passphrase or kit, and a cut or changed one is refused whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from iop_tui.clinical.staff import service as staff
from iop_tui.exchange import backup
from iop_tui.kernel.errors import Refused, VaultDamaged
from iop_tui.shell.commands.vault.backups import _copy
from tests.support.clinic.vaults import PHRASE, Program, program


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Program, Path]:
    folder = tmp_path_factory.mktemp("backup")
    found = program(folder, seed=51)
    _copy(folder / "monday.iopb", found.path)
    return found, folder / "monday.iopb"


def test_the_files_come_back_byte_for_byte(made: tuple[Program, Path], tmp_path: Path) -> None:
    found, file = made
    backup.unpack(file, tmp_path)
    for name in (backup.HEAD, backup.DATABASE):
        assert (tmp_path / name).read_bytes() == (found.path / name).read_bytes()
    with pytest.raises(Refused):
        backup.unpack(file, tmp_path)


def test_a_recovery_kit_opens_a_restored_vault(made: tuple[Program, Path], tmp_path: Path) -> None:
    found, file = made
    backup.unpack(file, tmp_path)
    new = staff.lost_phone(
        tmp_path, found.env, name="Nadia", kit=found.founder.new.kit, phrase=bytearray(b"another " + PHRASE)
    )
    assert new.user == found.founder.user


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.999])
def test_a_cut_or_changed_backup_is_refused(made: tuple[Program, Path], tmp_path: Path, part: float) -> None:
    data = made[1].read_bytes()
    at = int(len(data) * part)
    for number, bad in enumerate((data[:at], data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])):
        file, folder = tmp_path / f"{number}.iopb", tmp_path / str(number)
        file.write_bytes(bad)
        folder.mkdir()
        with pytest.raises(VaultDamaged):
            backup.unpack(file, folder)
        assert list(folder.iterdir()) == []


def test_nothing_is_overwritten(made: tuple[Program, Path]) -> None:
    before = made[1].read_bytes()
    with pytest.raises(Refused):
        _copy(made[1], made[0].path)
    assert made[1].read_bytes() == before
