"""The ledger behind Today: remembers what charts owe, asks again for who changed, and never hides anything."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from iop_tui.clinical.charting import clocks
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.safety.model import RISK_ASSESSMENT
from iop_tui.clinical.staff import profiles
from iop_tui.clinical.staff.profiles import ProgramProfile
from iop_tui.workspace import Workspace
from tests.support.clinic.charting import RISK
from tests.support.clinic.vaults import Program, today

WITHOUT = msgspec.structs.replace
FAR = timedelta(days=400)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The people whose charts were looked into."""
    seen: list[bytes] = []
    real = clocks.chart

    def counted(ws: Workspace, person: bytes, before: clocks.Known | None = None) -> clocks.Chart:
        seen.append(person)
        return real(ws, person, before)

    monkeypatch.setattr(clocks, "chart", counted)
    return seen


def test_a_chart_is_looked_into_once_until_its_person_changes(
    made: Program, ws: Workspace, looked: list[bytes]
) -> None:
    ledger = charting.Ledger()
    ana, peer = made.people["ana"], made.people["max"]
    first = ledger.lines(ws, within=FAR)
    assert sorted(looked) == sorted([ana, peer])
    assert ledger.lines(ws, within=FAR) == first
    assert len(looked) == 2
    changes = charting.save(ws, peer, RISK_ASSESSMENT, WITHOUT(RISK, assessed=today(ws))).changes
    charting.sign(ws, [row[0] for row in ws.view.rows("SELECT record FROM record WHERE kind = 'risk_assessment'")])
    assert peer in changes.persons
    ledger.forget(changes.persons)
    again = ledger.lines(ws, within=FAR)
    assert looked[2:] == [peer]
    assert again == charting.due(ws, within=FAR)
    assert [line.due for line in again if line.person == peer and line.action == "risk"] == [
        today(ws) + timedelta(days=7)
    ]


def test_what_needs_no_chart_is_there_at_once(made: Program, ws: Workspace, looked: list[bytes]) -> None:
    ledger = charting.Ledger()
    own = {(line.what, line.record) for line in ledger.own(ws)}
    assert looked == []
    assert ("Sign the progress note", made.notes["draft"]) in own
    assert own < {(line.what, line.record) for line in ledger.lines(ws)}


def test_another_day_and_other_rules_make_it_look_again(made: Program, ws: Workspace, looked: list[bytes]) -> None:
    ledger = charting.Ledger()
    ledger.lines(ws)
    made.clock.advance(86_400)
    ledger.lines(ws)
    assert len(looked) == 4
    ws.confirm(made.users["nadia"].typed())
    profiles.set_program(ws, ProgramProfile(facility="Quarry House", rule_packs=("us-nd",)))
    ledger.lines(ws)
    assert len(looked) == 6


def test_stopped_it_says_what_it_knows_and_goes_on_later(ws: Workspace, looked: list[bytes]) -> None:
    ledger = charting.Ledger()
    some = ledger.lines(ws, within=FAR, cancelled=lambda: len(looked) >= 1)
    assert len(looked) == 1
    whole = ledger.lines(ws, within=FAR)
    assert len(looked) == 2
    assert len(some) < len(whole)
    assert whole == charting.due(ws, within=FAR)


def test_what_changes_during_a_look_is_looked_at_again(
    made: Program, ws: Workspace, looked: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, peer = charting.Ledger(), made.people["max"]
    real = clocks.items

    def changing(ws: Workspace, here: object, found: clocks.Chart) -> list[object]:
        lines = real(ws, here, found)  # type: ignore[arg-type]
        if found.person == peer and len(looked) <= 2:
            ledger.forget([peer])
        return lines  # type: ignore[return-value]

    monkeypatch.setattr(clocks, "items", changing)
    ledger.lines(ws)
    assert sorted(looked) == sorted([made.people["ana"], peer])
    ledger.lines(ws)
    assert looked[2:] == [peer], "what was seen before the change is not kept"
    ledger.lines(ws)
    assert len(looked) == 3


def test_the_next_thing_due_in_a_chart(made: Program, ws: Workspace) -> None:
    for name in ("ana", "max", "hana"):
        lines = [line for line in charting.due(ws, within=FAR) if line.person == made.people[name]]
        found = charting.next_due(ws, made.people[name])
        assert found is not None
        assert found.due == min(line.due for line in lines)
