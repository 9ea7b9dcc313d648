"""Packets and exports by keys: the ground first, refusals with their rule, the safe-to-hold question, one file."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pyrage
import pytest

from iop_tui.clinical.disclosures import api as disclosures
from tests.support.clinic.vaults import Program
from tests.tui.screens.conftest import Desk, Open
from tests.tui.screens.goldens import compare
from tests.tui.screens.test_flow import chart_of


async def _open_leaving(desk: Desk) -> None:
    await chart_of(desk, "quil", "Ana Quill")
    await desk.open("P")
    await desk.see("What leaves: Ana Quill", "0 marked")


async def _to_the_key(desk: Desk) -> None:
    """As far as the question for the key: for the client, on their own request, safe to hold."""
    await _open_leaving(desk)
    await desk.press("<down>", "<space>")
    await desk.see("1 marked")
    await desk.open("p")
    await desk.see("Who receives it?", "The client")
    await desk.open("<enter>")
    await desk.see("On which ground?", "Their own request")
    await desk.open("<enter>")
    await desk.see("Is it safe for the client to hold this")
    await desk.open("<enter>")
    await desk.see("Sealed to whom?")


@pytest.mark.nightly
async def test_a_packet_for_the_client_with_six_words(opened: Open, made: Program, tmp_path: Path) -> None:
    out = tmp_path / "packet.age"
    async with opened("nadia", (80, 24)) as desk:
        await _to_the_key(desk)
        await desk.paste("passphrase")
        await desk.open("<enter>")
        await desk.see("Where does the packet go?")
        await desk.press("<ctrl+a>", "<ctrl+k>")
        await desk.paste(str(out))
        await desk.open("<enter>")
        await desk.see("Passphrase:", "shown once")
        shown = desk.screen()
        words = next(line for line in shown.splitlines() if "Passphrase:" in line).partition("Passphrase:")[2]
        await desk.open("w")
        await desk.see("packet.age written")
    phrase = words.replace("│", " ").replace("|", " ").split()[0]
    content = pyrage.passphrase.decrypt(out.read_bytes(), phrase)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {"documents.pdf", "documents.md", "NOTICE.txt", "manifest.json"} <= set(archive.namelist())
    with made.workspace("nadia") as ws:
        assert [row.basis for row in disclosures.accounting(ws, made.people["ana"]).rows] == ["request by the person"]


@pytest.mark.nightly
async def test_not_safe_to_hold_makes_nothing(opened: Open, made: Program) -> None:
    async with opened("nadia", (80, 24)) as desk:
        await _open_leaving(desk)
        await desk.press("<space>")
        await desk.see("1 marked")
        await desk.open("p")
        await desk.open("<enter>")
        await desk.see("On which ground?")
        await desk.open("<enter>")
        await desk.see("Is it safe")
        await desk.open("<down>", "<enter>")
        await desk.see("Nothing was made")
    with made.workspace("nadia") as ws:
        assert disclosures.accounting(ws, made.people["ana"]).rows == ()


async def test_a_provider_needs_a_consent(opened: Open) -> None:
    async with opened("nadia", (80, 24)) as desk:
        await _open_leaving(desk)
        await desk.settled()
        compare("leaving", (80, 24), desk.screen())
        await desk.open("p")
        await desk.see("Mark documents with Space first")
        await desk.press("a")
        await desk.open("p")
        await desk.see("Who receives it?")
        await desk.open("<down>", "<enter>")
        await desk.see("No consent is in force for this receiver")


@pytest.mark.nightly
async def test_a_recipient_that_is_none_is_refused_and_nothing_is_written(
    opened: Open, made: Program, tmp_path: Path
) -> None:
    out = tmp_path / "packet.age"
    async with opened("nadia", (80, 24)) as desk:
        await _to_the_key(desk)
        await desk.paste("age1nobody")
        await desk.open("<enter>")
        await desk.see("Where does the packet go?")
        await desk.press("<ctrl+a>", "<ctrl+k>")
        await desk.paste(str(out))
        await desk.open("<enter>")
        await desk.see("no key that a packet can be encrypted to")
    assert not out.exists()
    with made.workspace("nadia") as ws:
        assert disclosures.accounting(ws, made.people["ana"]).rows == ()


async def test_the_whole_record_as_one_sealed_file(opened: Open, made: Program, tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    out = tmp_path / "record.tar.age"
    async with opened("nadia", (80, 24)) as desk:
        await _open_leaving(desk)
        await desk.open("e")
        await desk.see("Who receives the whole record?")
        await desk.open("<enter>")
        await desk.see("On which ground?")
        await desk.open("<enter>")
        await desk.see("Is it safe")
        await desk.open("<enter>")
        await desk.see("How is it written?", "NOT encrypted")
        await desk.open("<enter>")
        await desk.see("Sealed to whom?")
        await desk.paste(str(identity.to_public()))
        await desk.open("<enter>")
        await desk.see("Where does it go?")
        await desk.press("<ctrl+a>", "<ctrl+k>")
        await desk.paste(str(out))
        await desk.open("<enter>")
        await desk.see("record.tar.age written")
    with tarfile.open(fileobj=io.BytesIO(pyrage.decrypt(out.read_bytes(), [identity]))) as archive:
        assert "manifest.json" in archive.getnames()
