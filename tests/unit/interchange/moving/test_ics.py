"""Calendars: events word for word with every time spelled out; what cannot be read is refused, nothing is guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.clinical.sessions.model import CALENDAR_LINE
from iop_tui.interchange.fhir.run import read_run
from iop_tui.interchange.items import Ignored, Mapped, Rejection
from iop_tui.interchange.moving import ics, recurring

VECTORS = Path(__file__).parents[3] / "vectors" / "calendar"
OSLO_ZONE = (
    "BEGIN:VTIMEZONE", "TZID:W. Europe Standard Time", "BEGIN:STANDARD", "DTSTART:16011028T030000",
    "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", "END:STANDARD",
    "BEGIN:DAYLIGHT", "DTSTART:16010325T020000", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", "TZOFFSETFROM:+0100",
    "TZOFFSETTO:+0200", "END:DAYLIGHT", "END:VTIMEZONE",
)  # fmt: skip


def calendar(*lines: str) -> bytes:
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", *lines, "END:VCALENDAR", "")).encode()


def event(*lines: str, uid: str = "1") -> tuple[str, ...]:
    return ("BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT")


def read(data: bytes) -> list[Any]:
    return list(ics.read(data, "my.ics"))


def lines_of(*parts: tuple[str, ...]) -> list[Mapped]:
    found = read(calendar(*(line for part in parts for line in part)))
    assert all(isinstance(item, Mapped) for item in found), found
    return found


def starts_of(*lines: str) -> list[str]:
    (found,) = lines_of(event("SUMMARY:A Q", *lines))
    return [time["start"] for time in found.fields["times"]]


def reason(*lines: str, zones: tuple[str, ...] = ()) -> str:
    (found,) = read(calendar(*zones, *event(*lines)))
    assert isinstance(found, Rejection), found
    return found.reason


def refusal(data: bytes) -> str:
    with pytest.raises(ics.Refused) as refused:
        read(data)
    return str(refused.value)


# -- what a line says ----------------------------------------------------------------------


def test_a_line_is_kept_word_for_word_and_names_nobody() -> None:
    (found,) = lines_of(event(
        "SUMMARY:Ana\\, couple?", "DESCRIPTION:bring the diary\\nand", " the cards", "LOCATION:Room 2",
        "DTSTART:20260312T140000Z", "DURATION:PT50M",
    ))  # fmt: skip
    assert (found.kind, found.person_key, found.kept) == ("calendar_line", None, False)
    assert found.fields["text"] == "Ana, couple?"
    assert found.fields["details"] == "bring the diary\nandthe cards"
    assert found.fields["times"] == [{"start": "2026-03-12T14:00:00Z", "stop": "2026-03-12T14:50:00Z"}]
    assert b"SUMMARY:Ana\\, couple?" in found.raw
    CALENDAR_LINE.parse(found.fields)


def test_control_characters_and_markup_of_a_line_reach_nobody() -> None:
    (found,) = lines_of(event("SUMMARY:\x1b[31mred\u202e[b]x", "DTSTART:20260312T140000Z", "DURATION:PT1H"))
    assert "\x1b" not in found.fields["text"]
    assert "\u202e" not in found.fields["text"]


@pytest.mark.parametrize(
    ("lines", "flag"),
    [
        (("DTSTART;VALUE=DATE:20260312", "DTEND;VALUE=DATE:20260313"), "a whole day: no session"),
        (("DTSTART:20260312T140000Z",), "no length: no session"),
        (("DTSTART:20260312T140000Z", "DURATION:PT1H", "STATUS:CANCELLED"), "cancelled at the source"),
    ],
)
def test_what_can_be_no_session_is_kept_and_flagged(lines: tuple[str, ...], flag: str) -> None:
    (found,) = lines_of(event("SUMMARY:x", *lines))
    assert flag in found.flags


def test_the_same_line_has_the_same_fingerprint_and_a_moved_one_the_same_name() -> None:
    same = [lines_of(event("SUMMARY:x", "DTSTART:20260312T140000Z", "DURATION:PT1H"))[0] for _ in range(2)]
    moved = lines_of(event("SUMMARY:x", "DTSTART:20260313T140000Z", "DURATION:PT1H"))[0]
    assert same[0].fingerprint_parts == same[1].fingerprint_parts != moved.fingerprint_parts
    assert same[0].identity == moved.identity


# -- time zones ----------------------------------------------------------------------------


def test_times_of_known_zones_of_the_files_own_and_of_none() -> None:
    assert starts_of("DTSTART;TZID=America/New_York:20260312T100000", "DURATION:PT1H") == ["2026-03-12T14:00:00Z"]
    assert starts_of("DTSTART:20260312T100000", "DURATION:PT1H") == ["2026-03-12T10:00:00"]
    zoned = read(calendar(*OSLO_ZONE, *event("DTSTART;TZID=W. Europe Standard Time:20260712T100000", "DURATION:PT1H")))
    assert zoned[0].fields["times"][0]["start"] == "2026-07-12T08:00:00Z"
    assert "zone is not known" in reason("DTSTART;TZID=Moon/Base:20260312T100000", "DURATION:PT1H")
    assert "different clocks" in reason("DTSTART:20260312T100000", "DTEND:20260312T110000Z")


def test_a_weekly_time_keeps_its_hour_over_the_change_of_the_clocks() -> None:
    """New York changes on 8 March 2026."""
    found = starts_of("DTSTART;TZID=America/New_York:20260305T100000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=2")
    assert found == ["2026-03-05T15:00:00Z", "2026-03-12T14:00:00Z"]


def test_a_zone_no_calendar_needs_refuses_the_file() -> None:
    endless = tuple(line.replace("FREQ=YEARLY", "FREQ=SECONDLY") for line in OSLO_ZONE)
    assert "time zone cannot be read" in refusal(calendar(*endless))
    assert "time zones" in refusal(calendar(*(OSLO_ZONE * 51)))


# -- repetition ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("FREQ=DAILY;COUNT=3", [2, 3, 4]),
        ("FREQ=DAILY;INTERVAL=2;UNTIL=20260306", [2, 4, 6]),
        ("FREQ=WEEKLY;COUNT=3", [2, 9, 16]),
        ("FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4", [2, 4, 9, 11]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;COUNT=4", [2, 6, 16, 20]),
        ("FREQ=WEEKLY;BYDAY=MO;UNTIL=20260316T100000", [2, 9, 16]),
        ("FREQ=WEEKLY;BYDAY=MO;UNTIL=20260316T095959", [2, 9]),
        ("FREQ=DAILY;BYDAY=MO,TU;COUNT=4", [2, 3, 9, 10]),
    ],
)
def test_rfc5545_daily_and_weekly_rules(rule: str, days: list[int]) -> None:
    """2 March 2026 is a Monday."""
    found = starts_of("DTSTART:20260302T100000", "DURATION:PT1H", f"RRULE:{rule}")
    assert [datetime.fromisoformat(text).day for text in found] == days


def test_rfc5545_the_begin_of_the_week_decides_which_weeks_are_skipped() -> None:
    """The standard's own example: the same rule with weeks from Monday and from Sunday."""
    rule = "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST="
    head = ("DTSTART:19970805T090000", "DURATION:PT1H")
    assert [text[5:10] for text in starts_of(*head, f"RRULE:{rule}MO")] == ["08-05", "08-10", "08-19", "08-24"]
    assert [text[5:10] for text in starts_of(*head, f"RRULE:{rule}SU")] == ["08-05", "08-17", "08-19", "08-31"]


def test_times_that_are_taken_out_and_times_that_are_moved() -> None:
    head = ("SUMMARY:A Q", "DTSTART:20260302T100000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=4")
    found = lines_of(
        event(*head, "EXDATE:20260309T100000", uid="w"),
        event("SUMMARY:A Q", "RECURRENCE-ID:20260316T100000", "DTSTART:20260317T150000", "DURATION:PT1H", uid="w"),
    )
    assert [time["start"][:10] for time in found[0].fields["times"]] == ["2026-03-02", "2026-03-23"]
    assert [time["start"] for time in found[1].fields["times"]] == ["2026-03-17T15:00:00"]
    assert found[0].identity != found[1].identity
    (whole_day,) = lines_of(event(*head, "EXDATE;VALUE=DATE:20260309"))
    assert len(whole_day.fields["times"]) == 3


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("FREQ=WEEKLY", "without an end"),
        ("FREQ=WEEKLY;COUNT=2;UNTIL=20260401", "two ends"),
        ("FREQ=MONTHLY;COUNT=2", "daily and weekly"),
        ("FREQ=SECONDLY;COUNT=2", "daily and weekly"),
        ("FREQ=WEEKLY;COUNT=2;BYHOUR=9", "not BYHOUR"),
        ("FREQ=WEEKLY;COUNT=2;BYDAY=1MO", "plain weekdays"),
        ("FREQ=WEEKLY;COUNT=0", "COUNT is not"),
        ("FREQ=WEEKLY;COUNT=401", "COUNT is not"),
        ("FREQ=WEEKLY;COUNT=99999999999999999999", "COUNT is not"),
        ("FREQ=DAILY;UNTIL=20990101", "more than 400"),
        ("FREQ=DAILY;INTERVAL=0;COUNT=2", "INTERVAL is not"),
        ("FREQ=DAILY;INTERVAL=366;COUNT=400", "more years"),
        ("FREQ=WEEKLY;UNTIL=20261301", "UNTIL cannot"),
        ("FREQ=WEEKLY;UNTIL=20200101", "first time does not follow"),
        ("FREQ=WEEKLY;BYDAY=FR;COUNT=2", "first time does not follow"),
        ("FREQ=WEEKLY;COUNT=2;COUNT=3", "cannot be read"),
        ("nonsense", "cannot be read"),
        ("FREQ=WEEKLY;COUNT=2;WKST=XX", "WKST"),
    ],
)
def test_a_rule_that_is_not_read_refuses_its_event(rule: str, says: str) -> None:
    assert says in reason("DTSTART:20260302T100000", "DURATION:PT1H", f"RRULE:{rule}")


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)), st.sampled_from(["DAILY", "WEEKLY"]),
    st.integers(1, 8), st.integers(1, 60), st.sets(st.sampled_from(recurring._DAYS)), st.booleans(),
)  # fmt: skip
def test_every_time_follows_its_rule(
    first: datetime, freq: str, every: int, count: int, days: set[str], zoned: bool
) -> None:
    """Whatever the rule: in order, as many as it says, on its weekdays, at the same hour, the first one included."""
    first = first.replace(microsecond=0, tzinfo=ZoneInfo("America/New_York") if zoned else None)
    wanted = days | {recurring._DAYS[first.weekday()]}
    text = f"FREQ={freq};INTERVAL={every};COUNT={count}" + (f";BYDAY={','.join(sorted(wanted))}" if days else "")
    found = recurring.starts(first, text)
    assert found[0] == first
    assert len(found) == count
    assert found == sorted(set(found))
    assert {begin.time() for begin in found} == {first.time()}
    if days:
        assert {recurring._DAYS[begin.weekday()] for begin in found} <= wanted
    monday = [begin.date() - timedelta(days=begin.weekday()) for begin in found]
    if freq == "WEEKLY":
        assert all((day - monday[0]).days % (7 * every) == 0 for day in monday)
    else:
        assert all((begin.date() - first.date()).days % every == 0 for begin in found)


# -- damage --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", "cut off"),
        (calendar("BEGIN:VEVENT", "UID:1"), "did not begin there"),
        (calendar("X"), "line 3: this is no line"),
        (calendar(*event()) + b"SUMMARY:x\r\n", "outside its calendar"),
        (b"BEGIN:VEVENT\r\nEND:VEVENT\r\n", "none is there"),
        (calendar("BEGIN:VCALENDAR", "END:VCALENDAR"), "inside another"),
        (calendar(*["BEGIN:VEVENT"] * 9, *["END:VEVENT"] * 9), "too deeply"),
        (b"BEGIN:VCALENDAR\r\nSUMMARY:\xff\r\nEND:VCALENDAR\r\n", "UTF-8"),
        (calendar("SUMMARY:" + "x" * 20_001), "no line"),
        (calendar(*(line for n in range(2_001) for line in event(uid=str(n)))), "more than 2,000 events"),
        (b"BEGIN:VCALENDAR\r\n" + b"X:1\r\n" * 100_001, "far more lines"),
        (b"BEGIN:VCALENDAR\r\n" + b" " * (ics.MOST_BYTES + 1), "4 MiB"),
        (b"\r\n", "no calendar"),
    ],
)
def test_damage_refuses_the_file(data: bytes, says: str) -> None:
    assert says in refusal(data)


def test_too_many_times_in_all_refuse_the_file() -> None:
    head = ("DTSTART:20260302T100000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=400")
    data = calendar(*(line for n in range(51) for line in event(*head, uid=str(n))))
    assert "more than 20,000 times" in refusal(data)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (("SUMMARY:x",), "when it begins"),
        (("DTSTART:INVALID",), "DTSTART cannot"),
        (("DTSTART:20260302T100000Z", "DTEND:20260302T090000Z"), "ends before"),
        (("DTSTART:20260302T100000Z", "DTEND:20260305T090000Z"), "longer than a day"),
        (("DTSTART:20260302T100000Z", "DTEND;VALUE=DATE:20260303"), "with a day"),
        (("DTSTART:20260302T100000Z", "DTSTART:20260303T100000Z"), "DTSTART twice"),
        (("DTSTART:20260302T100000Z", "DURATION:soon"), "DURATION cannot"),
        (("DTSTART:20260302T100000Z", "DURATION:PT1H", "RDATE:20260309T100000Z"), "extra dates"),
        (("DTSTART:20260302T100000Z", "DURATION:PT1H", "EXDATE:never", "RRULE:FREQ=DAILY;COUNT=2"), "EXDATE cannot"),
        (("DTSTART:20260302T100000Z", *["X-A:1"] * 500), "far more lines"),
    ],
)
def test_an_event_that_cannot_be_read_is_refused_alone(lines: tuple[str, ...], says: str) -> None:
    good = event("SUMMARY:good", "DTSTART:20260302T100000Z", "DURATION:PT1H", uid="good")
    found = read(calendar(*event(*lines), *good))
    (refused,) = [item for item in found if isinstance(item, Rejection)]
    assert [item.fields["text"] for item in found if isinstance(item, Mapped)] == ["good"]
    assert says in refused.reason
    assert refused.place == "line 3"


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for given_data in (data, calendar(*event()) + data, calendar("BEGIN:VEVENT").replace(b"VERSION", data)):
        try:
            read(given_data)
        except ics.Refused:
            continue


@given(st.lists(st.sampled_from([
    "DTSTART:20260302T100000Z", "DTSTART;VALUE=DATE:20260302", "DTSTART;TZID=Europe/Oslo:20260302T100000", "DTEND:x",
    "DTEND:20260302T110000Z", "DURATION:PT1H", "DURATION:-PT1H", "DURATION:P9999999999D", "RRULE:FREQ=DAILY;COUNT=3",
    "RRULE:;", "EXDATE:20260303T100000Z", "EXDATE:", "RECURRENCE-ID:20260302T100000Z", "RECURRENCE-ID:x", "SUMMARY:",
    "DTSTART:99991231T235959", "DTSTART:00010101T000000Z", "STATUS:CANCELLED", "BEGIN:VALARM", "END:VALARM", "UID:",
]), max_size=8))  # fmt: skip
def test_any_mixture_of_properties_is_read_or_refused(lines: list[str]) -> None:
    try:
        found = read(calendar("BEGIN:VEVENT", *lines, "END:VEVENT"))
    except ics.Refused:
        return
    for item in found:
        assert isinstance(item, Mapped | Rejection)
        if isinstance(item, Mapped):
            CALENDAR_LINE.parse(item.fields)


# -- files of other programs ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("alarm_google_future.ics", [Mapped]),
        ("america_new_york.ics", [Mapped]),
        ("calendar_with_unicode.ics", []),
        ("issue_1081_event_with_rrule.ics", [Mapped]),
        ("issue_1081_invalid_rrule_freq.ics", [Rejection]),
        ("issue_156_RDATE_with_PERIOD_TZID_khal.ics", [Rejection]),
        ("issue_722_timezone_transition_ambiguity.ics", [Mapped] * 4),
        ("issue_798_freebusy.ics", [Ignored] * 3),
        ("broken_dtstart.ics", [Rejection]),
    ],
)
def test_calendars_of_other_programs(name: str, kinds: list[type]) -> None:
    assert [type(item) for item in read((VECTORS / name).read_bytes())] == kinds


def test_a_zone_that_only_the_file_knows() -> None:
    (found,) = read((VECTORS / "america_new_york.ics").read_bytes())
    (time,) = found.fields["times"]
    assert datetime.fromisoformat(time["start"].replace("Z", "+00:00")) == datetime(2014, 8, 29, 12, tzinfo=UTC)
    assert found.effective == date(2014, 8, 29)


def test_a_broken_calendar_says_where() -> None:
    assert "line 13" in refusal((VECTORS / "issue_104_broken_calendar.ics").read_bytes())


def test_the_process_without_keys_reads_calendars(tmp_path: Path) -> None:
    path = tmp_path / "my.ics"
    path.write_bytes(calendar(*event("SUMMARY:A Q", "DTSTART:20260312T140000Z", "DURATION:PT1H"), *event("SUMMARY:x")))
    with read_run([tmp_path]) as run:
        assert [item.fields["text"] for item in run] == ["A Q"]
    assert [(each.place, "begins" in each.reason) for each in run.rejected] == [("line 9", True)]
    assert [each.form for each in run.files] == ["calendar"]
