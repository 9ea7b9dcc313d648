"""A caseload transferred and a succession carried out in a real terminal, by everybody who has a step in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iop_tui.access import roles
from iop_tui.clinical.records import api as records
from iop_tui.clinical.turnover import api as turnover
from tests.support.clinic.turnover import staffed
from tests.support.clinic.vaults import Program, copied
from tests.support.processes.process import Codes, start, unlock
from tests.tui.terminal import Terminal

IT = roles.INDIVIDUAL_THERAPIST
QUARRY = "quarry accident"  # in Tom's note about Ben


@pytest.fixture
def made(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Program:
    """A copy of the program with Ida for one test."""
    return copied(staffed(tmp_path_factory), tmp_path)


@pytest.fixture
def terminal(made: Program) -> Iterator[Terminal]:
    """The program, from the prompt on."""
    found = start(made.path)
    yield found
    found.close()


_CODES: dict[bytes, Codes] = {}


def sit_down(terminal: Terminal, made: Program, name: str) -> Terminal:
    """Somebody unlocks, after whoever was there before locked."""
    if "Due" in terminal.screen() or "Hand-overs" in terminal.screen():
        terminal.press("<ctrl+l>").wait_for("Locked").wait_for("Passphrase")
    member = made.users[name]
    codes = _CODES.setdefault(member.user, Codes(member))  # each code of a user once, whoever unlocked between
    return unlock(terminal, member, codes).wait_for("checked")


@pytest.mark.nightly
def test_a_caseload_moves_by_the_desk_its_giver_and_the_desk_again(made: Program, terminal: Terminal) -> None:
    sit_down(terminal, made, "fay").press("gw").wait_for("Nothing waits for you")
    terminal.press("t").wait_for("Whose caseload").press("t<enter>").wait_for("Who takes it over")
    terminal.press("i<enter>").wait_for("For how long").press("<enter>").wait_for("From Tom to Ida, for good")
    terminal.wait_for("Ida joins the care team, then Tom hands over").press("r").wait_for("Will not: move")
    terminal.press("y").wait_for("waits for Tom").press("gt").wait_for("Due")
    sit_down(terminal, made, "tom").press("gw").wait_for("Hand over to Ida").press("<enter>").wait_for("Will: give Ida")
    terminal.press("y").wait_for("Nothing waits for you").press("gt").wait_for("Due")
    sit_down(terminal, made, "fay").press("gw").wait_for("Go on: Tom to Ida").press("<enter>")
    terminal.wait_for("end Tom's part").press("r").wait_for("go on").press("y").wait_for("1 done").press("<ctrl+q>")
    assert terminal.wait_exit() == 0
    assert terminal.modes_left() == []
    with made.workspace("ida") as ida:
        assert QUARRY in str(records.read(ida, made.notes["ben0"]).document)
        team = {(line.name, line.role) for line in turnover.care_team(ida, made.people["ben"])}
    assert ("Ida", IT) in team
    assert ("Tom", IT) not in team


@pytest.mark.nightly
def test_a_leaver_without_notice_is_followed_by_whom_they_named(made: Program, terminal: Terminal) -> None:
    with made.workspace("tom") as tom:
        turnover.name_successor(tom, made.users["ida"].user, made.users["nadia"].user)
    sit_down(terminal, made, "nadia").press("gw").wait_for("Nothing waits for you").press("u").wait_for("Succession")
    terminal.press("+").wait_for("Who is gone without notice").press("t<enter>").wait_for("gives nobody a key")
    terminal.type("In hospital").press("<enter>").wait_for("Tom is gone since").press("<end>").wait_for("Tom: Benjamin")
    terminal.press("c").wait_for("Second signature for Tom").press("<enter>").wait_for("1 signed, 0 refused")
    terminal.press("gt").wait_for("Due")
    sit_down(terminal, made, "ida").press("gc").wait_for("1 person").press("<enter>").wait_for("Timeline")
    terminal.wait_for("quarry").press("gt").wait_for("Due")
    sit_down(terminal, made, "fay").press("gw").wait_for("End the old part: 1 person").press("<enter>")
    terminal.wait_for("taken over").press("e").wait_for("End Tom's old parts").press("y").wait_for("1 ended")
    terminal.press("<ctrl+q>")
    assert terminal.wait_exit() == 0
    assert terminal.modes_left() == []
    with made.workspace("cleo") as cleo:
        team = {(line.name, line.role): line for line in turnover.care_team(cleo, made.people["ben"])}
    assert "individual record" in team["Ida", IT].opens
    assert ("Tom", IT) not in team
