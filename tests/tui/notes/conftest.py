"""A program whose Ana has a signed plan, phrases and a last note; and somebody who counts the keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from pathlib import Path

import pytest

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.notes import links, phrasebook
from iop_tui.clinical.notes.model import PROGRESS_NOTE
from iop_tui.clinical.notes.phrases import Phrase
from iop_tui.clinical.plans import service as plans
from iop_tui.clinical.sessions import service as sessions
from iop_tui.clinical.sessions.model import Session
from tests.support.clinic.plans import plan
from tests.support.clinic.vaults import Program, copied, fresh, note, today
from tests.tui.screens.conftest import Desk, opened

__all__ = ["opened"]
PHRASES = (
    Phrase(shortcut="ct", text="client"), Phrase(shortcut=";hw", text="Homework: [what] until [when]."),
    Phrase(shortcut=";rfs", text="Rehearsed refusal skills with the client.", field="intervention"),
)  # fmt: skip


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Made once."""
    made = copied(fresh(tmp_path_factory), tmp_path_factory.mktemp("notes"))
    with made.workspace() as ws:
        ana = made.people["ana"]
        charting.sign(ws, [plans.save(ws, ana, plan(1, 1, 2)).record])
        first = charting.thread(ws, ana).objectives[0]
        last = note(
            today(ws), "Slept four hours, craving in the evening.", objectives=(links.link(first),),
            service_code="90834", start=time(8), stop=time(8, 50), response="Named two alternatives of her own.",
            plan="Thought record on Friday.",
        )  # fmt: skip
        made.notes["last"] = charting.save(ws, ana, PROGRESS_NOTE, last).record
        charting.sign(ws, [made.notes["last"]])
        sessions.schedule(ws, ana, Session(date=today(ws), start=time(13, 15), stop=time(14, 5), modality="video"))
        for phrase in PHRASES:
            phrasebook.save(ws, phrase)
    return made


@pytest.fixture
def made(template: Program, tmp_path: Path) -> Program:
    """A copy for one test, with clocks of its own."""
    return copied(template, tmp_path)


@dataclass
class Hands:
    """Types words and presses keys, and counts the keys."""

    desk: Desk
    keys: int = 0

    async def key(self, *names: str) -> Hands:
        """Command keys, each counted: letters as they are, others in angle brackets."""
        for name in names:
            self.keys += 1
            await self.desk.open(name)
        return self

    async def words(self, text: str) -> Hands:
        """Words of the note; not counted."""
        await self.desk.paste(text)
        return self


async def caseload_line(desk: Desk, letters: str) -> None:
    """Stand on somebody's line of the caseload."""
    await desk.press("gc")
    await desk.see("Caseload", "Name ^", "Ana Quill")
    await desk.press("/", letters)
    await desk.see("1 person found")
    await desk.press("<down>")


async def open_note(desk: Desk, letters: str = "qui", name: str = "Ana Quill") -> None:
    """A new note from the caseload; waits for the plan, which comes a moment after the page."""
    await caseload_line(desk, letters)
    await desk.press("n")
    await desk.see(f"Note: {name}", "missing")
