"""Deciding between versions: every difference waits for a person, and what they choose is what is written."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.clinical.notes.model import PROGRESS_NOTE, ProgressNote
from iop_tui.clinical.records import conflicts, deciding
from iop_tui.clinical.records.api import RecordLine
from iop_tui.clinical.records.conflicts import Conflict, Side
from iop_tui.clinical.records.deciding import BOTH, Decision, Sheet
from iop_tui.kernel.errors import Refused

LINE = RecordLine(bytes(16), bytes(16), "progress_note", "draft", "", bytes(16), "", 0, conflict=True)
NOTE = ProgressNote(service_date=date(2026, 3, 12), presentation="Came late.", methods=("CBT",), modality="video")


def side(number: int, note: ProgressNote) -> Side:
    return Side(bytes([number]) * 16, bytes(16), "Nadia", number, note)


def sheet(before: ProgressNote | None, *after: ProgressNote) -> Sheet:
    kind, sides = PROGRESS_NOTE, tuple(side(number, note) for number, note in enumerate(after, 1))
    ancestor = side(0, before) if before is not None else None
    found = Conflict(LINE, kind, ancestor, sides, conflicts._fields(kind, ancestor, sides))  # type: ignore[arg-type]
    return deciding.lay_out(found)


def changed(**values: object) -> ProgressNote:
    import msgspec

    return msgspec.structs.replace(NOTE, **values)


def test_a_change_of_one_version_alone_waits_for_a_person_too() -> None:
    """Program rule: nothing is preselected, and never does the newer one win."""
    found = sheet(NOTE, changed(plan="Call on Friday."), changed(modality="in person"))
    assert [(part.label, part.one_sided) for part in found.waiting({})] == [("Modality", 1), ("Plan", 0)]
    with pytest.raises(Refused, match="Modality, Plan"):
        deciding.result(found, {}, {})
    assert deciding.one_sided(found, {}) == {"modality": 1, "plan": 0}
    assert deciding.result(found, deciding.one_sided(found, {}), {}) == ({"modality": 1, "plan": 0}, {})


def test_what_both_changed_is_in_no_bulk_decision() -> None:
    found = sheet(NOTE, changed(plan="Call on Friday."), changed(plan="Call on Monday."))
    assert deciding.one_sided(found, {}) == {}
    (part,) = found.parts
    assert (part.before, part.sides, part.joins) == ("", ("Call on Friday.", "Call on Monday."), True)


def test_without_a_common_version_nothing_is_one_sided() -> None:
    (part,) = sheet(None, changed(plan="Call."), NOTE).parts
    assert part.before is None
    assert part.one_sided is None


def test_one_value_is_never_joined_and_lists_keep_every_entry_once() -> None:
    one, two = changed(modality="phone", methods=("CBT", "MI")), changed(modality="in person", methods=("DBT", "CBT"))
    found = sheet(NOTE, one, two)
    parts = {part.key: part for part in found.parts}
    assert not parts["modality"].joins
    chosen, edited = deciding.result(found, {"modality": 0, "methods": BOTH}, {})
    assert (chosen, edited) == ({"modality": 0}, {"methods": ["CBT", "MI", "DBT"]})


def test_long_texts_are_decided_paragraph_by_paragraph() -> None:
    old = "Slept badly.\nCame late.\nSpoke of work.\nLeft calm."
    left = "Slept badly.\nCame very late.\nSpoke of work.\nLeft calm."
    right = "Slept well.\nCame late.\nSpoke of work.\nLeft calm.\nWill call."
    found = sheet(changed(presentation=old), changed(presentation=left), changed(presentation=right))
    first, last = found.parts
    assert (first.label, last.label) == ("Presentation (1)", "Presentation (2)")
    assert first.before == "Slept badly.\nCame late."
    assert (last.before, last.sides, last.one_sided) == ("", ("", "Will call."), 1)
    _, edited = deciding.result(found, {first.key: ("Slept well.\nCame very late.",), last.key: 1}, {})
    assert edited["presentation"] == "Slept well.\nCame very late.\nSpoke of work.\nLeft calm.\nWill call."


def test_three_versions_are_decided_field_by_field() -> None:
    found = sheet(NOTE, changed(plan="a\nb"), changed(plan="a\nc"), changed(plan="d"))
    (part,) = found.parts
    assert part.sides == ("a\nb", "a\nc", "d")
    assert deciding.result(found, {"plan": 2}, {}) == ({"plan": 2}, {})


TEXTS = st.lists(st.sampled_from(("", "One.", "Two.", "Three.", "Four.")), min_size=2, max_size=7).map("\n".join)


@given(TEXTS, TEXTS, TEXTS)
def test_choosing_one_version_everywhere_gives_exactly_that_version(old: str, left: str, right: str) -> None:
    found = sheet(changed(presentation=old), changed(presentation=left), changed(presentation=right))
    for number, text in enumerate((left, right)):
        decided: dict[str, Decision] = {part.key: number for part in found.parts}
        chosen, edited = deciding.result(found, decided, {})
        if left != right:
            assert edited.get("presentation", (left, right)[chosen.get("presentation", number)]) == text
        else:
            assert not found.parts


@given(TEXTS, TEXTS, TEXTS)
def test_no_paragraph_of_either_version_is_lost_where_both_are_kept(old: str, left: str, right: str) -> None:
    found = sheet(changed(presentation=old), changed(presentation=left), changed(presentation=right))
    if left == right:
        return
    _, edited = deciding.result(found, dict.fromkeys((part.key for part in found.parts), BOTH), {})
    kept = set(edited["presentation"].split("\n"))
    assert {line for line in (left + "\n" + right).split("\n") if line} <= kept
