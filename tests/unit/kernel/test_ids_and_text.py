"""Identifiers and the one sanitizer of all text from outside."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.kernel.errors import NotFound
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.kernel.text import clean, clean_line, initials

_BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_INVISIBLE = {"Cc", "Cs"}
_HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(sorted(_BIDI)),
        st.sampled_from("\x00\x07\x1b\x9b\x9d\x7f\u200b\u2028\u2029\ufeff\U000e0041\r\n\t]52;c[31m"),
        st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"]),
    )
)


@given(st.binary(min_size=16, max_size=16))
def test_ids_are_read_as_they_are_printed(value: bytes) -> None:
    shown = show_id(value)
    assert len(shown) == 26
    assert shown == shown.lower()
    assert parse_id(shown) == parse_id(f" {shown.upper()}\n") == value


@pytest.mark.parametrize("text", ["", "a", "x" * 26, "1" * 26, "a" * 25, "a" * 27, "ä" * 26, "a" * 25 + "b", "=" * 26])
def test_a_malformed_id_looks_like_an_unknown_one(text: str) -> None:
    with pytest.raises(NotFound) as caught:
        parse_id(text)
    assert caught.value.message == NotFound().message


@given(st.text(max_size=40))
def test_no_text_is_an_id_by_accident(text: str) -> None:
    try:
        value = parse_id(text)
    except NotFound:
        return
    assert show_id(value) == text.strip().lower()


@given(_HOSTILE)
def test_nothing_that_a_terminal_obeys_survives(text: str) -> None:
    cleaned = clean(text)
    for character in cleaned:
        assert character == "\n" or unicodedata.category(character) not in _INVISIBLE, hex(ord(character))
        assert character not in _BIDI
        assert unicodedata.category(character) not in {"Zl", "Zp"}
    assert not set(cleaned) & set("\x1b\x9b\x07\u200b\ufeff\u2028\u2029\x85")


@given(_HOSTILE)
def test_cleaning_again_changes_nothing(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert unicodedata.is_normalized("NFC", once)
    line = clean_line(text)
    assert clean_line(line) == line
    assert "\n" not in line


@pytest.mark.parametrize(
    "text",
    [
        "Ana Müller",
        "محمد رضا\u200cپور",
        "ಕ್\u200dಷ",
        "日本語",
        "naïve café",
        "family 👩\u200d👩\u200d👧",
        "a\nb",
        "x² ≤ 3",
    ],
)
def test_words_of_every_script_stay(text: str) -> None:
    assert clean(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\tb", "a    b"),
        ("a\x1b]52;c;aGk=\x07b", "a]52;c;aGk=b"),
        ("user\u202egnp.exe", "usergnp.exe"),
        ("a\u2028b", "a\nb"),
        ("e\u0301", "é"),
        ("a\ud800b", "ab"),
    ],
)
def test_what_cleaning_does(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ana Müller", "AM"),
        ("jean-luc picard", "JLP"),
        ("A B C D", "ABC"),
        ("", ""),
        ("李 小龙", "李小"),
        ("3rd Bo", "B"),
    ],
)
def test_initials(name: str, expected: str) -> None:
    assert initials(name) == expected
