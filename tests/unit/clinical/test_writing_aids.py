"""Phrases, spelling, and the calendar file: what helps to write, and what must not leak by it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.clinical.notes import phrases, spelling
from iop_tui.clinical.notes.phrases import PHRASE, Phrase
from iop_tui.clinical.notes.spelling import Unknown, WordList
from iop_tui.interchange import ical
from iop_tui.kernel.declare import RuleContext

TODAY = date(2026, 3, 12)
BOOK = (
    Phrase(shortcut="ct", text="client"),
    Phrase(shortcut=";uds", text="Reviewed the result of the drug screen: [result]. |"),
    Phrase(shortcut=";plan", text="Homework: [what] until [when]."),
    Phrase(shortcut="rx", text="response", field="response"),
    Phrase(shortcut="rx", text="prescription"),
    Phrase(shortcut="old", text="gone", retired=True),
)
TABLE = phrases.table(BOOK)


# -- phrases -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The ct", "The client‸"), ("Ct", "Client‸"), ("product", None), ("The cts", None), ("ct.", None),
        ("(ct", "(client‸"), ("w/ct", "w/client‸"), ("old", None), ("", None),
        ("Then ;uds", "Then Reviewed the result of the drug screen: [result]. ‸"),
        (";plan", "Homework: ‸[what] until [when]."), ("a;uds", None),
    ],
)  # fmt: skip
def test_expansion_replaces_a_whole_shortcut_and_places_the_cursor(text: str, expected: str | None) -> None:
    found = phrases.expand(text, len(text), TABLE)
    if expected is None:
        assert found is None
    else:
        assert found is not None
        done = phrases.apply(text, found)
        assert done[: found.cursor] + "‸" + done[found.cursor :] == expected


def test_a_field_of_its_own_wins_and_others_do_not_count_there() -> None:
    assert phrases.table(BOOK, "response")["rx"] == "response"
    assert phrases.table(BOOK, "plan")["rx"] == "prescription"


@given(st.text(max_size=30), st.text(alphabet="ct; ./x", max_size=8), st.text(max_size=30))
def test_what_stands_around_the_shortcut_is_untouched(before: str, typed: str, after: str) -> None:
    text, cursor = before + typed + after, len(before + typed)
    found = phrases.expand(text, cursor, TABLE)
    if found is None:
        return
    assert found.stop == cursor
    done = phrases.apply(text, found)
    assert done.startswith(text[: found.start])
    assert done.endswith(after)
    assert text[found.start : found.stop].casefold() in TABLE
    assert found.start <= found.cursor <= found.start + len(found.text)


def test_gaps_are_visited_in_turn_and_counted() -> None:
    text = "Homework: [what] until [when]."
    assert [phrases.next_gap(text, at) for at in (0, 11, 24)] == [(10, 16), (23, 29), (10, 16)]
    assert phrases.gaps(text) == ["[what]", "[when]"]
    assert phrases.next_gap("nothing", 0) is None


@pytest.mark.parametrize(
    ("phrase", "code"),
    [
        (Phrase(shortcut="two words", text="x"), "shortcut"), (Phrase(shortcut="9a", text="x"), "shortcut"),
        (Phrase(shortcut="a", text="born 1988-04-02"), "personal"), (Phrase(shortcut="a", text="555-0101"), "personal"),
        (Phrase(shortcut="a", text="Mrs. Quill said"), "personal"), (Phrase(shortcut="a", text="a@b.org"), "personal"),
        (Phrase(shortcut="a", text="| and |"), "cursor"), (Phrase(shortcut="", text="x"), "required"),
    ],
)  # fmt: skip
def test_a_phrase_can_be_typed_and_belongs_to_nobody(phrase: Phrase, code: str) -> None:
    assert code in {item.code for item in PHRASE.findings(phrase, RuleContext(TODAY))}
    assert not PHRASE.findings(BOOK[1], RuleContext(TODAY))


# -- spelling ------------------------------------------------------------------------------

WORDS = WordList(["the", "client", "slept", "well", "sleep", "her", "mother", "craving", "don't", "café"])


def words(text: str, known: tuple[str, ...] = ()) -> list[str]:
    return [item.word for item in spelling.unknown(text, WORDS, known)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The client slept wel", ["wel"]), ("CLIENT Slept", []), ("The client's mother’s", []), ("Don’t sleep", []),
        ("PHQ UDS IOP", []), ("#1.2.1 a1c 50mg", []), ("see https://x.y/z or a@b.org", ["see", "or"]), ("café", []),
        ("Quill slept", ["Quill"]), ("", []), ("x y z", []),
    ],
)  # fmt: skip
def test_which_words_are_unknown(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_names_of_the_chart_are_known_there_and_stay_out_of_the_dictionary() -> None:
    assert words("Quill's mother, Ana-Maria", known=("Ana-Maria Quill",)) == []
    assert not WORDS.knows("Quill")


@given(st.text(max_size=80))
def test_an_unknown_word_is_where_it_says(text: str) -> None:
    for item in spelling.unknown(text, WORDS):
        assert isinstance(item, Unknown)
        assert text[item.start : item.stop] == item.word
        assert not WORDS.knows(item.word)


def test_suggestions_are_one_edit_away_commoner_first() -> None:
    assert WORDS.suggest("Slept") == ("Slept",)
    assert WORDS.suggest("slep") == ("slept", "sleep")
    assert WORDS.suggest("cleint") == ("client",)
    assert WORDS.suggest("Teh") == ("The",)
    assert WORDS.suggest("x" * 40) == ()


# -- calendar ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Busy:
    uid: str
    start: datetime
    stop: datetime


EASTERN = timezone(timedelta(hours=-5))
ALLOWED = re.compile(
    r"BEGIN:VCALENDAR|END:VCALENDAR|VERSION:2\.0|PRODID:-//iop-tui//reminders//EN|CALSCALE:GREGORIAN|METHOD:PUBLISH"
    r"|BEGIN:VEVENT|END:VEVENT|UID:[a-z2-7]{26}|DT(?:STAMP|START|END):\d{8}T\d{6}Z|SUMMARY:Busy|CLASS:PRIVATE"
    r"|TRANSP:OPAQUE|BEGIN:VALARM|END:VALARM|ACTION:DISPLAY|DESCRIPTION:Busy|TRIGGER:PT0S"
)


@given(st.lists(st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)), max_size=5))
def test_every_line_is_a_constant_a_time_or_an_identifier(moments: list[datetime]) -> None:
    times = [
        Busy("a" * 26, moment.replace(tzinfo=EASTERN), (moment + timedelta(minutes=15)).replace(tzinfo=EASTERN))
        for moment in moments
    ]
    data = ical.calendar(times, datetime(2026, 3, 12, tzinfo=UTC))
    assert data.endswith(b"\r\n")
    lines = data.decode("ascii").split("\r\n")[:-1]
    assert all(ALLOWED.fullmatch(line) and len(line) <= 75 for line in lines)
    assert lines.count("BEGIN:VEVENT") == len(times)
    starts = [line for line in lines if line.startswith("DTSTART")]
    assert starts == sorted(starts)


def test_times_are_utc() -> None:
    start = datetime(2026, 3, 12, 8, 30, tzinfo=EASTERN)
    data = ical.calendar([Busy("b" * 26, start, start + timedelta(minutes=15))], start)
    assert b"DTSTART:20260312T133000Z\r\nDTEND:20260312T134500Z\r\n" in data
