"""What people type and what it means; what the form gives is what the document takes."""

from __future__ import annotations

import unicodedata
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from iop_tui.ui.forms.values import read_date, read_time
from iop_tui.ui.frame.palette import Entry, ranked
from iop_tui.ui.sparkline import sparkline
from iop_tui.ui.text.cellfit import fit, wrap
from iop_tui.ui.text.diffview import aligned
from iop_tui.ui.text.readview import highlight, split_marks

TODAY = date(2026, 3, 9)


@pytest.mark.parametrize(("text", "day"), [
    ("2026-03-01", date(2026, 3, 1)), ("2026-3-1", date(2026, 3, 1)), ("today", TODAY), ("Yesterday", date(2026, 3, 8)),
    ("+7", date(2026, 3, 16)), ("-9", date(2026, 2, 28)), (" tomorrow ", date(2026, 3, 10)),
])
def test_dates(text: str, day: date) -> None:
    assert read_date(text, TODAY) == day


@pytest.mark.parametrize("text", ["03/04/2026", "2026-02-30", "2026-13-01", "soon", "20260301", "+99999"])
def test_ambiguous_or_impossible_dates_are_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"Write the date|no such day"):
        read_date(text, TODAY)


@pytest.mark.parametrize(("text", "moment"), [
    ("14:30", time(14, 30)), ("1430", time(14, 30)), ("9", time(9)), ("9am", time(9)), ("12 am", time(0)),
    ("12:15 pm", time(12, 15)), ("2:30 PM", time(14, 30)), ("08.05", time(8, 5)),
])
def test_times(text: str, moment: time) -> None:
    assert read_time(text) == moment


@pytest.mark.parametrize("text", ["25:00", "14:60", "13 pm", "0am", "noon", ""])
def test_impossible_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\."):
        read_time(text)


@given(st.text(max_size=40), st.integers(5, 30))
def test_fit_is_exact_and_clean(text: str, width: int) -> None:
    shown = fit(text, width)
    assert cell_len(shown) == width
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cs", "Zl", "Zp"}


@given(st.text(alphabet="ab cdé佐藤 \n", max_size=80), st.integers(4, 30))
def test_wrap_loses_no_word_and_never_overflows(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_snippets_are_text_never_markup() -> None:
    text, ranges = split_marks("a \x02[b]cra\x03ving\x1b[31m", "\x02", "\x03")
    assert text == "a [b]craving[31m"
    assert [text[start:end] for start, end in ranges] == ["[b]cra"]
    content = highlight(text, ranges)
    assert content.plain == text
    assert [(span.start, span.end) for span in content.spans] == list(ranges)


def test_sparkline_is_ascii_and_keeps_its_width() -> None:
    assert sparkline([0, 9, 18, 27], 6, 0, 27) == "  _.=^"
    assert sparkline([None, 5, None], 3) == " - "
    assert sparkline([], 4) == "    "
    assert sparkline([1, 2, 3, 4, 5], 3).isascii()


def test_diff_aligns_equal_lines() -> None:
    pairs = aligned("one\ntwo\nthree", "one\nthree\nfour")
    assert [(pair.before, pair.after, pair.changed) for pair in pairs] == [
        ("one", "one", False), ("two", "", True), ("three", "three", False), ("", "four", True),
    ]


def test_palette_prefers_names_and_finds_letters_in_order() -> None:
    entries = [Entry("Sign note", "lock the text"), Entry("New note", "sign later"), Entry("Quit", "")]
    assert ranked(entries, "sign")[0].name == "Sign note"
    assert [entry.name for entry in ranked(entries, "nwn")] == ["New note"]
    assert ranked(entries, "") == entries
    assert ranked(entries, "zzz") == []
