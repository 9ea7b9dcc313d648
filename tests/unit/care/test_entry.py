"""Answering one key at a time: keys, skips, going back, what is left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.clinical.measures import entry as entries
from iop_tui.clinical.measures.entry import Entry, back, key_of, keys, leave_out, press, to_missing
from iop_tui.clinical.measures.instruments import shipped
from iop_tui.clinical.measures.scoring import check

AUDIT, PHQ9 = shipped()["audit"], shipped()["phq-9"]


def typed(text: str, definition: str) -> Entry:
    """What a row of keys leads to."""
    here = Entry(shipped()[definition])
    for key in text:
        here = press(here, key)
    return here


def test_nine_keys_answer_a_phq9() -> None:
    here = typed("102010312", "phq-9")
    assert here.at == 9
    assert list(here.answers.values()) == [1, 0, 2, 0, 1, 0, 3, 1, 2]
    assert here.missing == ("10",)


def test_never_drinking_ends_at_question_nine() -> None:
    here = typed("0", "audit")
    assert here.item is not None
    assert here.item.id == "9"
    assert typed("000", "audit").missing == ()


def test_a_key_that_means_nothing_changes_nothing() -> None:
    here = Entry(PHQ9)
    assert press(here, "7") is here
    assert press(here, "q") is here


def test_going_back_over_a_skip_drops_what_was_answered_behind_it() -> None:
    here = typed("2112", "audit")
    for _ in range(4):
        here = back(here)
    here = press(here, "0")
    assert here.answers == {"1": 0}
    assert here.item is not None
    assert here.item.id == "9"


def test_an_item_can_be_left_out_and_found_again() -> None:
    here = leave_out(typed("11", "phq-9"))
    here = typed("1", "phq-9") if here is None else press(here, "1")
    assert here.missing[0] == "3"
    assert to_missing(here).at == 2
    assert here.progress == (3, 10)


def test_ten_on_a_ruler_has_a_key_of_its_own() -> None:
    ruler = shipped()["readiness-ruler"]
    known = keys(ruler, ruler.items[0])
    assert known["x"] == 10
    assert key_of(ruler, ruler.items[0], 10) == "x"
    assert len(known) == 11


def test_every_answer_of_every_questionnaire_has_one_key() -> None:
    for definition in shipped().values():
        for item in definition.items:
            known = keys(definition, item)
            assert sorted(known.values()) == sorted(definition.values(item))
            assert all(len(key) == 1 for key in known)


@pytest.mark.usefixtures("scale")
@given(st.sampled_from(sorted(shipped())), st.text("0123456789xb-n", max_size=60))
def test_any_row_of_keys_leaves_answers_that_can_be_scored(name: str, text: str) -> None:
    definition = shipped()[name]
    here = Entry(definition)
    for key in text:
        moves = {"b": back, "-": leave_out, "n": entries.forward}
        here = moves[key](here) if key in moves else press(here, key)
        assert 0 <= here.at <= len(definition.items)
        assert not set(here.away) & set(here.answers)
    check(definition, here.answers)
