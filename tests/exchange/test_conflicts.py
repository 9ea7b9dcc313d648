"""One draft changed on two devices: both stay, a person decides field by field, and both devices agree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import ProgressNote
from iop_tui.clinical.people import service as people
from iop_tui.clinical.people.duplicates import possible_duplicates
from iop_tui.clinical.people.model import Person
from iop_tui.clinical.records import api as records
from iop_tui.clinical.records.conflicts import conflict, left_behind, merge
from iop_tui.kernel.errors import AlreadySigned, ConflictOpen, Refused
from iop_tui.workspace import Workspace
from tests.support.clinic.devices import Device, enrolled, first
from tests.support.clinic.vaults import note, program, today


@dataclass
class Pair:
    """Two devices with a stick between them."""

    one: Device
    two: Device
    stick: Path

    def meet(self) -> None:
        """Both exchange until nothing is left to say."""
        for device in (self.one, self.two, self.one, self.two):
            device.sync(self.stick)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("conflicts")
    one = first(program(folder, seed=31))
    found = Pair(one, enrolled(one, "Laptop", folder / "laptop", folder / "stick", seed=32), folder / "stick")
    found.meet()
    return found


def change(ws: Workspace, person: bytes, record: bytes, **values: object) -> None:
    notes.save(ws, person, note(today(ws), "As it was.", **values), record=record)


@pytest.fixture
def torn(pair: Pair) -> bytes:
    """A draft whose plan both devices changed, and whose location one of them changed."""
    ana = pair.one.program.people["ana"]
    with pair.one.workspace() as ws:
        record = notes.save(ws, ana, note(today(ws), "As it was.")).record
    pair.meet()
    with pair.one.workspace() as ws:
        change(ws, ana, record, plan="Call on Friday.")
    with pair.two.workspace() as ws:
        change(ws, ana, record, plan="Call on Monday.", location="At work")
    pair.meet()
    return record


def test_both_versions_stand_side_by_side_and_signing_waits(pair: Pair, torn: bytes) -> None:
    with pair.one.workspace() as ws:
        assert records.line_of(ws, torn).conflict
        with pytest.raises(ConflictOpen):
            notes.sign(ws, [torn])
        found = conflict(ws, torn)
        assert {field.info.name for field in found.open} == {"plan"}
        assert found.ancestor is not None
        plan = found.open[0]
        assert set(plan.values) == {"Call on Friday.", "Call on Monday."}
        assert plan.ancestor == "Sleep diary until the next session."


def test_a_person_merges_and_both_devices_agree(pair: Pair, torn: bytes) -> None:
    with pair.two.workspace() as ws:
        with pytest.raises(Refused, match="Plan"):
            merge(ws, torn, {})
        merge(ws, torn, {}, {"plan": "Call on Friday or Monday."})
    pair.meet()
    for device in (pair.one, pair.two):
        with device.workspace() as ws:
            view = records.read(ws, torn)
            assert isinstance(view.document, ProgressNote)
            assert (view.document.plan, view.document.location) == ("Call on Friday or Monday.", "At work")
            assert len(view.parents) == 2
            assert not view.line.conflict
            with pytest.raises(Refused):
                conflict(ws, torn)


def test_what_was_written_elsewhere_after_signing_stays_behind_the_signed_text(pair: Pair) -> None:
    ana = pair.one.program.people["ana"]
    with pair.one.workspace() as ws:
        record = notes.save(ws, ana, note(today(ws), "As it was.")).record
    pair.meet()
    with pair.one.workspace() as ws:
        notes.sign(ws, [record])
    with pair.two.workspace() as ws:
        change(ws, ana, record, plan="Something else.")
    pair.meet()
    for device in (pair.one, pair.two):
        with device.workspace() as ws:
            view = records.read(ws, record)
            assert isinstance(view.document, ProgressNote)
            assert view.document.plan == "Sleep diary until the next session."
            assert view.signatures
            (behind,) = left_behind(ws, record)
            assert isinstance(behind.document, ProgressNote)
            assert behind.document.plan == "Something else."
            with pytest.raises(AlreadySigned):
                conflict(ws, record)


def test_one_person_registered_on_two_devices_is_a_work_item_and_stays_two_entries(pair: Pair) -> None:
    for device in (pair.one, pair.two):
        with device.workspace() as ws:
            people.register(ws, Person(given="Uli", family="Doppel", safe_contact="none"))
    pair.meet()
    for device in (pair.one, pair.two):
        with device.workspace() as ws:
            (found,) = [item for item in possible_duplicates(ws) if "Doppel" in item.names[0]]
            assert len(found.people) == 2


def test_the_text_that_is_shown_is_a_newest_one_whatever_the_clocks_say(pair: Pair) -> None:
    """A version dated ahead is superseded by one that a corrected clock dates before the colleague's: it is shown no
    more, on either device.
    """
    ana, year = pair.one.program.people["ana"], 365 * 86400
    with pair.one.workspace() as ws:
        record = notes.save(ws, ana, note(today(ws), "As it was.")).record
    pair.meet()
    pair.one.clock.advance(year)
    with pair.one.workspace() as ws:
        change(ws, ana, record, plan="By a clock that is ahead.")
    pair.two.clock.advance(3600)
    with pair.two.workspace() as ws:
        change(ws, ana, record, plan="By the colleague.")
    pair.one.sync(pair.stick)
    pair.two.sync(pair.stick)
    pair.one.clock.advance(60 - year)
    with pair.one.workspace() as ws:
        change(ws, ana, record, plan="By the corrected clock.")
    pair.meet()
    shown = []
    for device in (pair.one, pair.two):
        with device.workspace() as ws:
            row = ws.view.one("SELECT leaf, json_extract(doc, '$.plan') FROM record WHERE record = ?", (record,))
            assert row is not None
            assert ws.view.one("SELECT leaf FROM version WHERE id = ?", (row[0],)) == (1,)
            shown.append(row)
    assert shown[0] == shown[1]
