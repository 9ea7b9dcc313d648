"""Two vaults in two terminals and one folder, driven by keys: enrol, chart offline, exchange, conflict, merge, revoke,
restore from backup.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest

from iop_tui.vault import totp
from tests.support.clinic.vaults import PHRASE, Program, program
from tests.support.processes.commandline import start
from tests.support.processes.process import Codes
from tests.tui.terminal import Terminal

WIDE = 200
WRONG_SECRETS = 4
OFFICE_TEXT, LAPTOP_TEXT = "Rehearsed the refusal at the harbor", "Rehearsed the call to his sister"
LATE_TEXT, NEWER_TEXT = "Written after the laptop was stolen", "Written after the backup"
NEW_PHRASE = "granite willow seventeen harbor"


class Desk:
    """One device: its vault, its terminal, its codes, the stick."""

    def __init__(self, made: Program, vault: Path, stick: Path) -> None:
        self.made, self.vault, self.stick = made, vault, stick
        self.codes, self.others = Codes(made.users["nadia"]), dict[str, Codes]()
        self.terminals: list[Terminal] = []

    @property
    def terminal(self) -> Terminal:
        """The one in use."""
        return self.terminals[-1]

    def run(self, *arguments: str, cols: int = 80) -> Terminal:
        """A command, or the program, in a new terminal."""
        self.terminals.append(start("--vault", str(self.vault), *arguments, cols=cols))
        return self.terminal

    def open(self, phrase: str = PHRASE.decode(), code: str = "") -> Terminal:
        """Unlock the program."""
        terminal = self.run("--user", "Nadia").wait_for("Passphrase")
        terminal.type(phrase).press("<enter>").type(code or self.codes.next()).press("<enter>")
        return terminal.wait_for("Today", 30).wait_for("checked", 30)

    def quit(self) -> None:
        """Leave the program."""
        self.terminal.press("<ctrl+q>")
        assert self.terminal.wait_exit() == 0
        assert self.terminal.modes_left() == []

    def add_stick(self, name: str = "") -> Terminal:
        """Note the stick as carrier; with a name also set the exchange up."""
        terminal = self.terminal.press("gy").wait_for("Carriers")
        terminal.press("+").wait_for("Where it is").type(str(self.stick)).press("<enter>")
        terminal.wait_for("What you call it").press("<enter>")
        if name:
            terminal.wait_for("What this device is called").type(name).press("<enter>")
        return terminal.wait_for(r"stick +ready", 20)

    def exchange(self, wanted: str = "stick: ") -> Terminal:
        """Exchange with the stick and wait for the end of it."""
        terminal = self.terminal.press("gt").wait_for("Today").press("gy").wait_for(r"stick +ready", 20)
        return terminal.press("x").wait_for("exchanging|stick: ", 20).wait_gone("exchanging", 30).wait_for(wanted, 20)

    def drafts(self) -> Terminal:
        """The list of drafts, with its rows."""
        terminal = self.terminal.press("gd").wait_for("Enter goes on writing")
        return terminal.wait_for(r"2026-03-\d\d +Max Brandt +Progress note")

    def change_draft(self, text: str) -> Terminal:
        """Write into the draft about Max and save it."""
        terminal = self.drafts()
        terminal.press("<enter>").wait_for("Note: Max Brandt").press("<f4>").wait_for("What the client said")
        terminal.type(f"{text}. ").wait_for(text).wait_for("unsaved text kept").press("<f2>").wait_for("draft saved")
        return terminal.press("<esc>").wait_for("q leave").press("q").wait_for("Drafts")

    def command(self, name: str, *arguments: str) -> tuple[int, str]:
        """A command by somebody who types passphrase and code: its exit code and what stands on the screen."""
        codes = self.codes if name == "nadia" else self.others.setdefault(name, Codes(self.made.users[name]))
        asked = self.run("--user", self.made.users[name].name, *arguments, cols=WIDE).wait_for("Passphrase", 20)
        asked.type(PHRASE.decode()).press("<enter>").wait_for("[Cc]ode").type(codes.next()).press("<enter>")
        return asked.wait_exit(60), asked.screen()

    def close(self) -> None:
        """End everything."""
        for terminal in self.terminals:
            terminal.close()


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[tuple[Desk, Desk]]:
    """The office with a vault, a laptop without one, and an empty stick."""
    made = program(tmp_path, seed=51)
    stick = tmp_path / "media" / "stick"
    stick.mkdir(parents=True)
    pair = Desk(made, made.path, stick), Desk(made, tmp_path / "laptop", stick)
    yield pair
    for desk in pair:
        desk.close()


def enrol(office: Desk, laptop: Desk) -> None:
    """Both screens show six words; each is typed on the other."""
    asking = laptop.run("--user", "Nadia", "devices", "enrol", str(laptop.stick), "--name", "Laptop", cols=WIDE)
    asking.wait_for(r"admit --remote FOLDER (\w+ ){5}\w+", 20)
    theirs = re.search(r"FOLDER ((?:\w+ ){5}\w+)", asking.screen())
    assert theirs is not None
    terminal = office.terminal.press("v").wait_for("in use").press("+").wait_for("Laptop asks on stick", 20)
    terminal.type(theirs.group(1)).press("<enter>").wait_for("they were typed there", 30)
    ours = re.findall(r"^\W*((?:[a-z]+ {3}){2}[a-z]+)\W*$", terminal.screen(), re.MULTILINE)
    assert len(ours) == 2, terminal.screen()
    terminal.press("<enter>").wait_for("2 in use")
    asking.wait_for("six words the other device shows", 20).type(" ".join(" ".join(ours).split())).press("<enter>")
    asking.wait_for("Passphrase").type(PHRASE.decode()).press("<enter>")
    assert asking.wait_exit(60) == 0, asking.screen()
    assert "belongs to the program now" in asking.screen()


def tear_and_merge(office: Desk, laptop: Desk) -> None:
    """Both change one draft offline; the office decides; both show what was decided."""
    office.change_draft(OFFICE_TEXT)
    laptop.change_draft(LAPTOP_TEXT)
    for desk in (office, laptop, office):
        desk.exchange()
    terminal = office.terminal.press("gt").wait_for("Choose between two versions", 20)
    office.drafts().wait_for("! two versions").press("<enter>").wait_for("Two versions: Progress note")
    terminal.wait_for("to decide").wait_for("Before both").press("b").wait_for("all decided")
    terminal.press("<f2>").wait_for("Merged")
    for desk in (office, laptop):
        desk.exchange()
    laptop.terminal.press("gt").wait_gone("Choose between two versions", 20)
    laptop.drafts().press("<enter>").wait_for("Note: Max Brandt").press("<f4>")
    laptop.terminal.wait_for("harbor").wait_for("sister").press("<esc>").wait_for("q leave").press("q")


def test_two_terminals_and_one_folder_enrol_and_exchange(desks: tuple[Desk, Desk]) -> None:
    office, laptop = desks
    office.open()
    office.add_stick("Front office")
    enrol(office, laptop)
    laptop.open()
    laptop.add_stick()
    laptop.exchange()
    laptop.terminal.press("gc").wait_for("4 people")


@pytest.mark.nightly
def test_enrol_chart_offline_exchange_conflict_merge_revoke_and_restore(desks: tuple[Desk, Desk]) -> None:
    office, laptop = desks
    office.open()
    office.add_stick("Front office")
    enrol(office, laptop)
    laptop.open()
    laptop.add_stick()
    tear_and_merge(office, laptop)
    remove_user(office, laptop)
    revoke(office, laptop)
    restore(office)


def remove_user(office: Desk, laptop: Desk) -> None:
    """Fay could work on the laptop; she is removed at the office, and after the next exchange she cannot any more."""
    laptop.quit()
    assert laptop.command("fay", "list", "people")[0] == 0, laptop.terminal.screen()
    office.quit()
    code, said = office.command("nadia", "users", "remove", "Fay")
    assert code == 0, said
    assert "removed" in said
    for desk in (office, laptop):
        desk.open()
        desk.exchange()
    laptop.quit()
    code, said = laptop.command("fay", "list", "people")
    assert code == WRONG_SECRETS, said
    laptop.open()


def revoke(office: Desk, laptop: Desk) -> None:
    """The laptop is reported lost; what is written there afterwards reaches nobody's chart."""
    terminal = office.terminal.press("gy").wait_for("Carriers").press("v").wait_for("in use")
    terminal.press("<down>d").wait_for("Report Laptop lost").press("y").wait_for("lost, cut off")
    office.exchange()
    laptop.change_draft(LATE_TEXT)
    laptop.exchange()
    office.exchange("Not taken in: ")
    office.terminal.press("gt").wait_for("Today").press("/").wait_for("Words to look for").type("stolen")
    office.terminal.wait_for("nothing found").press("<esc>")
    laptop.quit()


def restore(office: Desk) -> None:
    """A backup, work after it, a lost machine, and the way back with the recovery kit and the stick."""
    office.quit()
    backup = office.vault.with_name("office.backup")
    assert office.run("backup", "--sealed", "--out", str(backup), cols=WIDE).wait_exit(60) == 0
    office.open()
    office.change_draft(NEWER_TEXT)
    office.exchange()
    office.quit()
    shutil.rmtree(office.vault)
    office.vault = office.vault.with_name("new-machine")
    asked = office.run("--user", "Nadia", "restore", str(backup), "--kit", cols=WIDE).wait_for("Recovery kit", 20)
    asked.type(office.made.founder.new.kit).press("<enter>").wait_for("New passphrase").type(NEW_PHRASE)
    asked.press("<enter>").wait_for("same again").type(NEW_PHRASE).press("<enter>")
    assert asked.wait_exit(60) == 0, asked.screen()
    found = re.search(r"otpauth://\S+", asked.screen())
    assert found is not None
    office.open(NEW_PHRASE, fresh_code(found.group(0)))
    office.exchange("restored or copied: it goes on under a new lane")
    office.drafts().press("<enter>").wait_for("Note: Max Brandt").press("<f4>")
    office.terminal.wait_for("after the backup")


def fresh_code(uri: str) -> str:
    """A code of a seed that no program has seen."""
    import base64
    import time

    from iop_tui.kernel.secret import Secret

    text = parse_qs(urlparse(uri).query)["secret"][0]
    seed = Secret(base64.b32decode(text + "=" * (-len(text) % 8)))
    return totp.code_at(seed, int(time.time()) + totp.STEP_SECONDS)
