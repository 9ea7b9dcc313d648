"""What a session does by itself: the check behind the screen, the idle time-out, settings, roles, the audit log."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from iop_tui.clinical.staff import api as staff
from iop_tui.shell import app as program_app
from iop_tui.shell import config
from iop_tui.shell.config import Config
from iop_tui.shell.process.hangup import LOCKED
from tests.support.clinic.vaults import Program, leave
from tests.tui.screens.conftest import Open


async def test_the_full_check_runs_behind_the_first_screen(opened: Open) -> None:
    async with opened(chores=True) as desk:
        await desk.see("checked 15:00")


async def test_what_a_colleague_wrote_is_read_in_behind_the_screen(opened: Open, made: Program) -> None:
    with made.workspace("nadia") as ws:
        other = made.beside(ws, "tom")
        leave(other)
    async with opened("uma", chores=True) as desk:
        await desk.see("checked")
        assert desk.app.ws.behind() == 0


async def test_nobody_at_the_keyboard_locks(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program_app, "WATCH_SECONDS", 0.05)
    async with opened(config=Config(lock_minutes=1)) as desk:
        desk.app._touched = time.monotonic() - 45
        await desk.see("locking in half a minute")
        await desk.press("<down>")
        assert not desk.app._warned
        desk.app._touched = time.monotonic() - 61
        await desk.until(lambda: desk.app.return_code == LOCKED, "lock")


async def test_settings_change_the_look_and_are_kept(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    monkeypatch.setattr(config, "path", lambda: file)
    async with opened() as desk:
        await desk.press("g,")
        await desk.see("Theme")
        await desk.open("<enter>")
        await desk.see("high-contrast")
        await desk.open("l", "<enter>")
        await desk.until(lambda: desk.app.theme == "light", "light")
        await desk.press("<down>")
        await desk.open("<enter>")
        await desk.see("15 minutes")
        await desk.open("<end>", "<enter>")
        await desk.see("15 min")
    assert config.load(file) == Config(theme="light", lock_minutes=15)


def test_a_wrong_setting_is_named_and_the_default_kept(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('lock_minutes = 90\nthem = "dark"\nmouse = "yes"\n')
    found = config.load(file)
    assert (found.lock_minutes, found.mouse) == (5, None)
    assert len(found.problems) == 3
    assert any("Did you mean 'theme'" in problem for problem in found.problems)
    file.write_text("= broken")
    assert config.load(file).problems


async def test_suspending_and_resuming_a_colleague(opened: Open) -> None:
    async with opened() as desk:
        await desk.press("gp")
        await desk.see("8 users")
        await desk.press("<end>")
        await desk.open("d")
        await desk.see("Suspend Uma?", "cannot unlock")
        await desk.open("<enter>")
        await desk.gone("Suspend Uma?")
        await desk.open("d")
        await desk.open("y")
        await desk.see("suspended")
        await desk.open("d")
        await desk.see("Resume Uma?")
        await desk.open("y")
        await desk.see("Resumed")
        assert staff.user_by_name(desk.app.ws, "uma").status == staff.ACTIVE


async def test_who_is_not_privacy_officer_sees_their_own_events(opened: Open) -> None:
    async with opened("tom") as desk:
        await desk.press("ga")
        await desk.see("Your own events", "unlock")
        assert "Nadia" not in desk.screen()


async def test_an_auditor_is_not_told_to_register_anybody(opened: Open, made: Program) -> None:
    async with opened("abe") as desk:
        await desk.press("gc")
        await desk.see("No person's record is open to you")


async def test_no_control_character_reaches_the_screen(opened: Open, made: Program) -> None:
    from iop_tui.clinical.people import service as people
    from iop_tui.clinical.people.model import Person

    with made.workspace("nadia") as ws:
        people.register(ws, Person(given="[b]Bold\x1b[31m", family="Evil\u202egnp\x00"))
    async with opened("nadia") as desk:
        await desk.press("gc")
        await desk.see("[b]Bold")
        assert not set("\x1b\x00\u202e") & set(desk.screen())
