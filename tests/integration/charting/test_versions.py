"""What became of a document, side by side; corrections and withdrawals are marked wherever a record is listed."""

from __future__ import annotations

from datetime import time, timedelta

import msgspec
import pytest

from iop_tui.access import charts, primitives
from iop_tui.access.policy import Kind
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import PROGRESS_NOTE, ProgressNote
from iop_tui.clinical.people import service as headers
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import service as signing
from iop_tui.clinical.signing import versions
from iop_tui.clinical.signing.model import VOID, Void
from iop_tui.workspace import Workspace
from tests.integration.charting.conftest import Open
from tests.support.clinic.vaults import Program, note, refresh, today

WITHOUT = msgspec.structs.replace
_DAYS = iter(range(20, 200))


def written(made: Program, ws: Workspace, *texts: str) -> bytes:
    """A signed note about Max with a version per text."""
    day = today(ws) - timedelta(days=next(_DAYS))
    record: bytes | None = None
    for text in texts:
        made.clock.advance(1)
        record = notes.save(ws, made.people["max"], note(day, text), record=record).record
    assert record is not None
    notes.sign(ws, [record])
    return record


def corrected(ws: Workspace, record: bytes, text: str) -> bytes:
    """A signed correction of its presentation."""
    document = signing.current(ws, record)
    assert isinstance(document, ProgressNote)
    draft = signing.amend(
        ws, record, WITHOUT(document, presentation=text), reason="correction", explanation="Wrong day named."
    )
    signing.sign(ws, [draft.record])
    return draft.record


def test_versions_corrections_additions_and_the_withdrawal_in_their_order(made: Program, ws: Workspace) -> None:
    record = written(made, ws, "First words", "Second words")
    made.clock.advance(1)
    added = notes.addend(ws, record, text="He called back", reason="late information")
    made.clock.advance(1)
    corrected(ws, record, "Third words")
    made.clock.advance(1)
    ws.confirm(made.users["nadia"].typed())
    signing.void(ws, record, reason="duplicate", explanation="Written twice.")
    found = versions.versions(ws, record)
    assert [(item.what, item.state) for item in found] == [
        ("version", "draft"), ("version", "signed"), ("addendum", "draft"), ("amendment", "signed"),
        ("void", "signed"),
    ]  # fmt: skip
    assert found[2].record == added.record
    assert {item.author_name for item in found} == {"Nadia"}


def test_each_line_is_compared_with_the_text_before_it(made: Program, ws: Workspace) -> None:
    record = written(made, ws, "First words", "Second words")
    made.clock.advance(1)
    notes.addend(ws, record, text="He called back", reason="late information")
    made.clock.advance(1)
    corrected(ws, record, "Third words")
    lines = versions.versions(ws, record)
    titles, fields = versions.compared(ws, lines, 1)
    assert titles == ("Version 1", "Version 2")
    assert fields == [("Presentation", "First words", "Second words")]
    assert versions.compared(ws, lines, 3)[1] == [("Presentation", "Second words", "Third words")]
    first = {label: (before, after) for label, before, after in versions.compared(ws, lines, 0)[1]}
    assert first["Presentation"] == ("", "First words")
    assert ("Addendum", "", "He called back") in versions.compared(ws, lines, 2)[1]


def test_reading_the_versions_is_logged(made: Program, ws: Workspace) -> None:
    from iop_tui.clinical.compliance.service import audit_report

    record = written(made, ws, "Some words")
    versions.versions(ws, record)
    assert [(line.action, line.detail) for line in audit_report(ws) if line.subject == record][-1] == (
        "read", "versions",
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["void", "amended"])
def test_every_list_says_void_and_amended(made: Program, ws: Workspace, kind: str) -> None:
    word = f"quartz{kind}"
    record = written(made, ws, f"Spoke of {word}")
    person = made.people["max"]

    def marks() -> set[str]:
        (hit,) = [item for item in records.search(ws, word) if item.id == record]
        listed = [line for line in records.timeline(ws, person) if line.id == record]
        others = [line for line in records.lines(ws, ("progress_note",)) if line.id == record]
        return {hit.mark, *(line.mark for line in (*listed, *others)), records.line_of(ws, record).mark}

    assert marks() == {""}
    if kind == "void":
        signing.void(ws, record, reason="wrong person", explanation="Somebody else's.")
    else:
        corrected(ws, record, f"Spoke of {word} twice")
    assert marks() == {kind}
    assert records.as_json(records.line_of(ws, record))["mark"] == kind


def test_what_stands_beside_a_document_is_told_with_it(made: Program, ws: Workspace) -> None:
    record = written(made, ws, "Monday")
    assert versions.beside(ws, record) == versions.Beside("", (), ())
    corrected(ws, record, "Tuesday")
    signing.void(ws, record, reason="duplicate", explanation="Written twice.")
    found = versions.beside(ws, record)
    assert found.void.startswith("duplicate: Written twice. (Nadia on ")
    ((title, text),) = found.amendments
    assert title.startswith("Amended on ")
    assert "before: Monday" in text
    assert "after: Tuesday" in text


def test_a_withdrawal_by_somebody_else_counts_for_nothing(made: Program, ws: Workspace, beside: Open) -> None:
    """A colleague with a key who writes a void by other software withdraws nothing."""
    ana = made.people["ana"]
    shared = charts.compartment_for(ws.session, ana, Kind.CRISIS)
    work = ws.work()
    words = note(today(ws) - timedelta(days=1), "Spoke of the orchard")
    record, _ = primitives.put(ws.session, work, shared, PROGRESS_NOTE, words, person=ana)
    ws.session.note(work, "write", person=ana, subject=record)
    ws.commit(work)
    signing.sign(ws, [record])
    sol = beside("sol")
    work = sol.work()
    forged = Void(record=record.hex(), record_sha256="0" * 64, reason="duplicate", explanation="x",
                  written_on=today(sol))  # fmt: skip
    written, _ = primitives.put(sol.session, work, shared, VOID, forged, person=ana)
    sol.session.note(work, "write", person=ana, subject=written)
    sol.commit(work)
    signing.sign(sol, [written])
    for each in (sol, ws):
        refresh(each)
        assert records.line_of(each, record).mark == ""
        assert versions.beside(each, record).void == ""
        assert record not in signing.voided(each, ana)


def test_what_is_withdrawn_counts_for_nothing(made: Program, ws: Workspace) -> None:
    person, day = made.people["max"], today(ws)
    before = headers.header(ws, person)
    risky = note(day, "Wrong chart", start=time(17), stop=time(17, 40), risk="present", risk_present=("overdose",),
                 risk_action="Called.", supervisor_notice="Uma, today")  # fmt: skip
    record = notes.save(ws, person, risky).record
    notes.sign(ws, [record])
    with_it = headers.header(ws, person)
    assert (with_it.last_note, with_it.risk) == (day.isoformat(), "present")
    assert with_it.minutes_this_week == before.minutes_this_week + 40
    signing.void(ws, record, reason="wrong person", explanation="Somebody else's session.")
    after = headers.header(ws, person)
    assert (after.last_note, after.risk, after.minutes_this_week) == (
        before.last_note, before.risk, before.minutes_this_week,
    )  # fmt: skip
    (line,) = [item for item in headers.caseload(ws) if item.id == person]
    assert (line.last_note, line.risk, line.minutes_this_week) == (
        before.last_note, before.risk, before.minutes_this_week,
    )  # fmt: skip


def test_late_entries_are_marked_by_the_rule(made: Program, ws: Workspace) -> None:
    person, day = made.people["max"], today(ws)
    late = notes.save(ws, person, note(day - timedelta(days=19), "Late", start=time(7), stop=time(7, 30))).record
    in_time = notes.save(ws, person, note(day - timedelta(days=1), "In time", start=time(7), stop=time(7, 30))).record
    crisis = notes.save(
        ws, person, note(day - timedelta(days=2), "Night", session_type="crisis", start=time(3),
                         stop=time(3, 30))
    ).record  # fmt: skip
    lines = [records.line_of(ws, record) for record in (late, in_time, crisis)]
    assert charting.late_marks(ws, lines) == frozenset()
    notes.sign(ws, [late, in_time, crisis])
    lines = [records.line_of(ws, record) for record in (late, in_time, crisis)]
    assert charting.late_marks(ws, lines) == {late, crisis}
