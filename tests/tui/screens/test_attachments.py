"""Attachments by keys: attach, read here, hand to a program, keep here, withdraw; what is refused says so."""

from __future__ import annotations

import io
import os
import shutil
import sys
from pathlib import Path

import pytest

from iop_tui.clinical.attachments import api as attachments
from iop_tui.clinical.attachments.api import Order
from iop_tui.clinical.signing import service as signing
from iop_tui.shell.attaching.viewing import command_for
from iop_tui.shell.config import Config, load, save
from iop_tui.workspace import exchanging
from tests.support.clinic.vaults import Program, today
from tests.tui.screens.conftest import Desk, Open
from tests.tui.screens.goldens import compare
from tests.tui.screens.test_flow import chart_of


@pytest.fixture
def filed(made: Program) -> Program:
    """Ana has a letter, a report whose parts are elsewhere, and a withdrawn scan."""
    with made.workspace() as ws:
        day, ana = today(ws), made.people["ana"]
        scan = attachments.attach(ws, Order(ana, "Consent of 2025", "scanned consent", day), io.BytesIO(b"%PDF-1.4 x"))
        ws.confirm(made.users["nadia"].typed())
        signing.void(ws, scan.record, reason="wrong person", explanation="Ben's.")
        report = Order(ana, "Liver panel", "lab report", day.replace(day=2), "St. Luke")
        gone = attachments.attach(ws, report, io.BytesIO(b"%PDF-1.4 " + os.urandom(300_000)))
        for name in attachments.parts(gone.document):
            (ws.path / "chunks" / name[0] / name).unlink()
        letter = Order(ana, "Summary of stay", "letter", day.replace(day=9), "Dr. Winter")
        text = "Dear colleague,\nAna stayed with us. \x1b[2J\u202eGrüße.\n"
        attachments.attach(ws, letter, io.BytesIO(text.encode()))
    return made


async def _open(desk: Desk) -> None:
    await chart_of(desk, "quil", "Ana Quill")
    await desk.open("A")
    await desk.see("Attachments: Ana Quill")


async def test_a_list_says_what_is_here(opened: Open, filed: Program) -> None:
    """80×24 and by keys alone: the list, a text read here, what is elsewhere, keeping all here."""
    async with opened(of=filed) as desk:
        await _open(desk)
        await desk.see("1 of 3 not on this device")
        await desk.settled()
        compare("attachments", (80, 24), desk.screen())
        await desk.open("<down>", "<enter>")
        await desk.see("Dear colleague,", "Ana stayed with us.", "[2JGrüße.")
        await desk.press("<escape>")
        await desk.see("Attachments: Ana Quill")
        await desk.open("<down>", "<enter>")
        await desk.see("No program is named that shows application/pdf")
        await desk.open("f")
        await desk.see("This copy knows no carrier")
        await desk.open("p")
        await desk.see("all kept on this device")


async def test_a_file_is_attached_by_keys(opened: Open, made: Program, tmp_path: Path) -> None:
    file = tmp_path / "report.bin"
    file.write_bytes(b"Seen today; nothing new.\n")
    async with opened(of=made) as desk:
        await _open(desk)
        await desk.see("No files yet")
        await desk.open("+")
        await desk.see("Attach a file: Ana Quill", "Your own charting")
        await desk.settled()
        compare("attach-form", (80, 24), desk.screen())
        await desk.paste("/nowhere/scan.pdf")
        await desk.open("<f2>")
        await desk.see("! There is no such file.", "! Give it a title.", "! Choose what it is.")
        await desk.settled()
        compare("attach-form-refused", (80, 24), desk.screen())
        await desk.press("<ctrl+a>", "<ctrl+k>")
        await desk.paste(f"'{file}'")
        await desk.press("<tab>")
        await desk.paste("Letter of Dr. Winter")
        await desk.press("<tab>", "l")
        await desk.open("<f2>")
        await desk.see("Attached: text/plain")
        await desk.see("Letter of Dr. Winter", "here")
        await desk.open("d")
        await desk.see("Withdraw this attachment?")
        await desk.open("<escape>")
    assert file.exists()
    with made.workspace() as ws:
        (line,) = attachments.lines(ws, made.people["ana"])
        assert b"".join(attachments.open_file(ws, line.record.id).pieces()) == file.read_bytes()


@pytest.mark.nightly
async def test_it_is_fetched_and_a_program_gets_it_through_a_pipe(opened: Open, made: Program, tmp_path: Path) -> None:
    """Never through a file: the bytes come on standard input, and what the program is called stands in the settings."""
    content, seen, stick = b"%PDF-1.4 " + os.urandom(400_000), tmp_path / "seen", tmp_path / "stick"
    stick.mkdir()
    with made.workspace() as ws:
        order = Order(made.people["ana"], "Panel", "lab report", today(ws))
        attachments.attach(ws, order, io.BytesIO(content))
        exchanging.begin(ws, "Front office")
        exchanging.sync(ws, exchanging.add_remote(ws, "stick", stick))
    shutil.rmtree(made.path / "chunks")
    code = f"import sys; open({str(seen)!r}, 'wb').write(sys.stdin.buffer.read())"
    config = Config(viewers={"application/pdf": (sys.executable, "-c", code)})
    async with opened(of=made, config=config) as desk:
        await _open(desk)
        await desk.see("elsewhere")
        await desk.open("<enter>")
        await desk.see("2 of 2 parts of this attachment are not on this device")
        await desk.open("f")
        await desk.see("It is here.")
        await desk.gone("elsewhere")
        await desk.open("<enter>")
        await desk.see("Handed to")
        await desk.until(lambda: seen.exists() and seen.stat().st_size == len(content), "the bytes")
    assert seen.read_bytes() == content
    assert not [file for file in made.path.rglob("*") if file.is_file() and b"%PDF-1.4" in file.read_bytes()]


def test_viewers_are_lists_of_words(tmp_path: Path) -> None:
    """No shell, no text that one could read; what is not understood is said."""
    file = tmp_path / "config.toml"
    config = Config(viewers={"application/pdf": ("zathura", "-"), "image": ('a "b"', "\\")})
    save(config, file)
    assert load(file).viewers == config.viewers
    assert command_for(config.viewers, "image/png") == ('a "b"', "\\")
    file.write_text('[viewers]\n"image" = "imv -"\n"audio" = []\n', "utf-8")
    assert load(file).viewers == {}
    assert len(load(file).problems) == 2
