"""The header of a chart: what is never cut, and what is never said by who cannot know it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from iop_tui.access.policy import Kind
from iop_tui.clinical.people.api import Header
from iop_tui.clinical.records import api as records
from iop_tui.shell.screens.chartparts import CLOSED, Head, head_lines

EVERYTHING = frozenset({Kind.DIR, Kind.IND, Kind.MED, Kind.CRISIS})
ANA = Header(
    b"a", 'Anastasia "Ana" Quill-Brandtsen', "she/her", "1988-04-02",
    "Text only, never call; no voicemail; never on Sundays before noon, the partner reads along",
    ("penicillin", "sulfonamides", "latex", "peanut", "shellfish", "bee venom"), "2026-03-10", "denied", 0, (), False,
    95, opens=EVERYTHING,
)  # fmt: skip


def _said(header: Header, width: int) -> list[str]:
    data = Head(header, date(2026, 3, 12), "assess risk by 2026-03-20")
    return ["".join(text for text, _ in line) for line in head_lines(data, width)]


@pytest.mark.parametrize("width", [60, 79, 80, 109, 120, 200])
def test_neither_an_allergy_nor_the_safe_contact_is_cut(width: int) -> None:
    lines = _said(ANA, width)
    assert all(len(line) <= width - 2 for line in lines)
    whole = " ".join(" ".join(lines).split())
    for words in (ANA.safe_contact, ", ".join(ANA.allergies), "Risk denied", "1 h 35 min", "assess risk by 2026-03-20"):
        assert words in whole
    assert lines[-1] == records.protected_line()


def test_nothing_seen_is_not_nothing_there() -> None:
    """Who holds no key to a part is told that it is not open to them; an absence is said only by who would see it."""
    bare = replace(ANA, allergies=(), last_note="", risk="", minutes_this_week=0)
    whole = "\n".join(_said(bare, 80))
    assert "Allergies  none recorded     Risk  not reviewed     This week  0 h" in whole
    assert "Last note  none" in whole
    without_notes = "\n".join(_said(replace(bare, opens=frozenset({Kind.DIR, Kind.MED})), 100))
    assert "Allergies  none recorded" in without_notes
    assert without_notes.count(CLOSED) == 3
    desk = "\n".join(_said(replace(bare, opens=frozenset({Kind.DIR})), 80))
    assert f"Allergies, risk, hours, last note  {CLOSED}" in desk
    assert "none" not in desk
