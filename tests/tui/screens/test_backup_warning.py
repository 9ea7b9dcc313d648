"""Today says that the newest verified backup is old, and the scheduled backup behind the screen ends that."""

from __future__ import annotations

from pathlib import Path

from iop_tui.exchange import backup
from iop_tui.shell.config import Config
from tests.support.clinic.vaults import Program
from tests.tui.screens.conftest import Open

DAYS = 86_400


async def test_an_old_backup_is_told_on_today_until_the_next_one_is_verified(
    opened: Open, made: Program, tmp_path: Path
) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    made.clock.advance(3 * DAYS)
    async with opened() as desk:
        assert "No verified backup for 3 days: see iop-tui recovery status" in desk.screen().splitlines()[1]
    async with opened(config=Config(backup_folder=str(folder)), chores=True) as desk:
        await desk.gone("No verified backup")
        await desk.gone("backing up")
        (file,) = folder.iterdir()
        assert backup.check(file).realm == desk.app.ws.realm
