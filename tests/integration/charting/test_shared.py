"""What the program shares: phrases; and what leaves it: reminders without a word."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from iop_tui.clinical.charting import reminders
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.notes import phrasebook, phrases
from iop_tui.clinical.notes.phrases import Phrase
from iop_tui.interchange import ical
from iop_tui.kernel.errors import DocumentInvalid, NotFound, NotReady, Refused
from iop_tui.workspace import Workspace
from tests.integration.charting.conftest import Open
from tests.support.clinic.vaults import PERSONS, STAFF, Program


def test_phrases_are_everybodys_and_retired_not_deleted(made: Program, ws: Workspace, beside: Open) -> None:
    record, _ = phrasebook.save(ws, Phrase(shortcut=";us", text="Rehearsed urge surfing for [minutes]."))
    tom = beside("tom")
    assert [item.shortcut for _, item in phrasebook.phrases(tom)] == [";us"]
    with pytest.raises(Refused, match="in use"):
        phrasebook.save(tom, Phrase(shortcut=";US", text="x"))
    phrasebook.save(tom, Phrase(shortcut=";us", text="Other words", field="plan"))
    phrasebook.save(tom, Phrase(shortcut=";us", text="Gone", retired=True), record=record)
    assert [item.text for _, item in phrasebook.phrases(tom)] == ["Other words"]
    assert len(phrasebook.phrases(tom, retired=True)) == 2
    assert phrases.table([item for _, item in phrasebook.phrases(tom)], "plan") == {";us": "Other words"}


def test_a_phrase_that_is_somebodys_is_refused(ws: Workspace) -> None:
    for bad in (Phrase(shortcut="a", text="call 555-0101"), Phrase(shortcut="", text="x"), Phrase(shortcut="a")):
        with pytest.raises(NotReady):
            phrasebook.save(ws, bad)
    with pytest.raises(DocumentInvalid):
        phrasebook.save(ws, Phrase(shortcut="a" * 17, text="x"))
    with pytest.raises(NotFound):
        phrasebook.save(ws, Phrase(shortcut="b", text="x"), record=bytes(16))


def test_reminders_say_when_and_nothing_else(made: Program, ws: Workspace, beside: Open) -> None:
    lines = charting.due(ws)
    assert lines
    times = reminders.reminders(ws, lines)
    assert len(times) == len({line.due for line in lines})
    data = ical.calendar(times, datetime(2026, 3, 12, tzinfo=UTC)).decode("ascii")
    words = {word for person in PERSONS.values() for word in msgspec.to_builtins(person).values() if word}
    words |= {name for name, _ in STAFF.values()} | {line.what for line in lines} | {line.rule for line in lines}
    assert not [word for word in words if str(word) in data]
    assert [item.uid for item in reminders.reminders(ws, lines)] == [item.uid for item in times]
    theirs = reminders.reminders(beside("tom"), lines)
    assert not {item.uid for item in theirs} & {item.uid for item in times}
