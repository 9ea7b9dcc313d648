"""The form of a note: every answer in exactly one row of every format, nothing lost between form and document."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.clinical.notes import carry, formats, links
from iop_tui.clinical.notes.dictionary import Both, clinical_words
from iop_tui.clinical.notes.links import ObjectiveState
from iop_tui.clinical.notes.mental import MentalStatus
from iop_tui.clinical.notes.model import METHODS, PROGRESS_NOTE, RISKS, ProgressNote
from iop_tui.clinical.notes.screens import layout
from iop_tui.clinical.notes.spelling import Checker, WordList
from iop_tui.clinical.notes.telehealth import IDENTITY, STATES, Telehealth
from iop_tui.ui.forms.answers import keys_for
from tests.support.clinic.vaults import note

TODAY = date(2026, 3, 12)
ROWS = {info.name for info in layout.fields()}

_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20)
_BLOCKS = st.builds(
    Telehealth, identity=st.sampled_from(["", *IDENTITY]), state=st.sampled_from(["", *STATES]), location=_WORDS,
    present=_WORDS, private=st.sampled_from([None, True, False]), consent_on_file=st.sampled_from([None, True, False]),
)  # fmt: skip
_STATUS = st.builds(MentalStatus, summary=st.sampled_from(["", "all normal", "described"]), mood=_WORDS, insight=_WORDS)
NOTES = st.builds(
    ProgressNote, service_date=st.none() | st.dates(), start=st.none() | st.just(time(9)), presentation=_WORDS,
    telehealth=st.none() | _BLOCKS, mental_status=st.none() | _STATUS, objectives=st.lists(_WORDS).map(tuple),
    methods=st.lists(st.sampled_from(METHODS), unique=True).map(tuple), risk=st.sampled_from(["", "denied", "present"]),
    risk_present=st.lists(st.sampled_from(RISKS), unique=True).map(tuple), phq9=st.none() | st.integers(0, 27),
    modality=st.sampled_from(["", "in person", "video", "audio only"]), plan=_WORDS,
    next_appointment=st.none() | st.just(datetime(2026, 4, 1, 9, 30)),
)  # fmt: skip


@given(NOTES)
def test_between_form_and_note_nothing_is_lost(made: ProgressNote) -> None:
    rows = layout.flat(msgspec.to_builtins(made))
    assert rows.keys() == ROWS
    again = PROGRESS_NOTE.parse(layout.nested(rows))
    blank = {"telehealth": Telehealth(), "mental_status": MentalStatus()}
    for name in ProgressNote.__struct_fields__:
        value = getattr(made, name)
        assert getattr(again, name) == (None if value == blank.get(name, value) and name in blank else value)


@pytest.mark.parametrize("form", formats.FORMATS)
def test_every_row_stands_once_in_every_format(form: str) -> None:
    placed = [name for kind, name in layout.order(form) if kind == "row"]
    assert sorted(placed) == sorted(ROWS)
    assert [name for kind, name in layout.order(form) if kind == "heading"] == [
        heading.label for heading in formats.FORMATS[form]
    ]


def test_formats_follow_each_other_in_a_circle() -> None:
    seen = [formats.DEFAULT]
    while (following := formats.following(seen[-1])) != formats.DEFAULT:
        seen.append(following)
    assert sorted(seen) == ["BIRP", "DAP", "GIRP", "SOAP"]
    assert formats.following("unheard of") == formats.DEFAULT


CASES: dict[str, tuple[str, dict[str, Any], bool]] = {
    "telehealth is asked when virtual": ("telehealth/present", {"modality": "video"}, True),
    "and not in person": ("telehealth/present", {"modality": "in person"}, False),
    "risk details follow present": ("risk_action", {"risk": "present"}, True),
    "and stay away when denied": ("risk_action", {"risk": "denied"}, False),
    "but what was written stays in sight": ("risk_action", {"risk": "denied", "risk_action": "Called"}, True),
    "domains follow described": ("mental_status/mood", {"mental_status/summary": "described"}, True),
    "all normal needs none": ("mental_status/mood", {"mental_status/summary": "all normal"}, False),
    "no objective asks for the reason": ("off_plan_reason", {"objectives": []}, True),
    "an objective does not": ("off_plan_reason", {"objectives": ["1.1.1"]}, False),
    "folded rows are away": ("start", {}, False),
}


@pytest.mark.parametrize("case", CASES)
def test_which_rows_are_shown(case: str) -> None:
    name, values, expected = CASES[case]
    assert layout.wanted(name, values, frozenset()) is expected


def test_unfolded_rows_are_shown() -> None:
    assert layout.wanted("start", {}, frozenset({"session"}))
    assert not layout.wanted("telehealth/state", {"modality": "in person"}, frozenset({"telehealth"}))


def test_a_folded_line_says_what_is_in_it() -> None:
    values = layout.flat(msgspec.to_builtins(note(TODAY, "x", phq9=14, service_code="H0004")))
    labels = {info.name: info.label for info in layout.fields()}
    assert layout.summary(layout.SESSION, values, labels) == "2026-03-12 10:00-10:50, individual, video, H0004"
    assert layout.summary(layout.TELEHEALTH, values, labels) == "At home, KS, 555-0101, known to the clinician"
    assert layout.summary(layout.SCORE_ROWS, values, labels) == "PHQ-9 14"
    assert layout.summary(layout.SCORE_ROWS, {}, labels) == "nothing yet"


# -- what a new note begins with ---------------------------------------------------------------

PLAN = (
    ObjectiveState("o3", "1.1.1", "Calls the sponsor"), ObjectiveState("o7", "2.1.1", "Sleeps seven hours"),
    ObjectiveState("o9", "3.1.1", "Finds work", is_open=False),
)  # fmt: skip


def test_links_are_carried_to_what_is_open_now_under_its_number_now() -> None:
    assert links.still_open(("1.2.1#o7", "3.1.1#o9", "9.9.9#gone", "1.1.1"), PLAN) == ("2.1.1#o7", "1.1.1#o3")
    assert links.still_open(("1.2.1",), ()) == ("1.2.1",), "without a plan nothing is known of them"


def test_of_the_last_session_only_how_it_is_held_is_offered() -> None:
    last = note(TODAY, "Slept badly", phq9=20, supervisor_notice="Dr. Vale", next_appointment=datetime(2026, 3, 19, 9))
    kept = {name for name, value in carry.held(last).items() if value}
    assert kept == {"session_type", "modality", "objectives", "methods", "telehealth"}
    made = carry.carried(last, on=TODAY)
    assert (made.phq9, made.supervisor_notice, made.next_appointment, made.partner_violence) == (None, "", None, "")


# -- keys and spelling ---------------------------------------------------------------------------


@given(st.lists(st.text("abc -", min_size=1, max_size=5), max_size=6))
def test_every_choice_has_a_key_of_its_own(choices: list[str]) -> None:
    keys = keys_for(choices)
    assert len(set(keys)) == len(keys) == len(choices)
    assert all(key.isdigit() for key in keys)


def test_the_keys_of_progress() -> None:
    assert keys_for(("none", "minimal", "moderate", "substantial", "regressed")) == ("1", "2", "3", "4", "5")


def test_a_line_is_spelled_once_and_again_when_it_changes() -> None:
    asked: list[str] = []

    class Counting(WordList):
        def knows(self, word: str) -> bool:
            asked.append(word)
            return super().knows(word)

    checker = Checker(Counting(["the", "client", "slept"]), known=("Quill",))
    assert checker.words("the cleint slept\nQuill slpet") == ["cleint", "slpet"]
    first = len(asked)
    assert checker.words("the cleint slept\nQuill slpet") == ["cleint", "slpet"]
    assert len(asked) == first
    assert checker.words("the cleint slept\nQuill slept") == ["cleint"]
    assert len(asked) == first + 1


def test_clinical_words_come_before_general_ones() -> None:
    general = WordList.counted({"client": 50, "silent": 5, "naltrexon": 1})
    both = Both(clinical_words(), general)
    assert both.knows("naltrexone")
    assert both.knows("client")
    assert both.suggest("clent") == ("client",)


def test_a_pasted_line_without_blanks_is_looked_at_in_linear_time() -> None:
    """A quadratic pattern would need minutes for it."""
    checker = Checker(WordList(["the"]))
    assert checker.words("y" * 200_000 + "\n" + "a@" * 100_000 + "\n" + "#" * 100_000 + "\nteh") == ["teh"]
