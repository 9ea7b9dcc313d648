"""Due dates by the rule packs, against a table of cases and against counting day by day."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.clinical.compliance import packs, rules
from iop_tui.clinical.compliance.calendars import (
    FEDERAL,
    add_business_days,
    add_months,
    federal_holidays,
    is_business_day,
)
from iop_tui.clinical.compliance.rules import Case, Deadline, Pack
from iop_tui.kernel.errors import InputRejected

IOP = "2.1"


def d(text: str) -> date:
    return date.fromisoformat(text)


@dataclass(frozen=True)
class Row:
    """Packs in force, what is due, from when, and the date expected by hand on a calendar (None: nothing yet)."""

    packs: tuple[str, ...]
    what: str
    start: str
    on: str
    expected: str | None
    rule: str = ""
    level: str = IOP
    tags: tuple[str, ...] = ("adult",)
    contacts: tuple[str, ...] = ()


TABLE = (
    # Treatment plans.
    Row((), "treatment plan", "admission", "2026-03-12", "2026-03-19", "program-plan"),
    Row(("us-ks",), "treatment plan", "admission", "2024-02-26", "2024-03-04", "ks-plan"),
    Row(("us-ks",), "treatment plan", "admission", "2025-02-26", "2025-03-05", "ks-plan"),
    Row(("us-ks",), "treatment plan", "admission", "2026-03-12", "2026-03-19", "program-plan", level="1.0"),
    Row(("us-nd",), "treatment plan", "admission", "2026-03-12", None,
        contacts=("2026-03-12", "2026-03-13")),
    Row(("us-nd",), "treatment plan", "admission", "2026-03-12", "2026-03-16", "nd-plan",
        contacts=("2026-03-13", "2026-03-12", "2026-03-16", "2026-03-17")),
    Row(("us-nd",), "treatment plan", "admission", "2026-03-12", "2026-03-19", "nd-plan-day", level="2.5"),
    Row(("us-nd",), "treatment plan", "admission", "2026-03-13", "2026-03-20", "nd-plan-day", level="2.5"),
    Row(("us-mt",), "treatment plan", "first contact", "2026-03-02", "2026-03-23", "mt-plan",
        contacts=("2026-03-02", "2026-03-04", "2026-03-06", "2026-03-09", "2026-03-11")),
    Row(("us-mt",), "treatment plan", "first contact", "2026-03-02", "2026-04-06", "mt-plan",
        contacts=("2026-03-02", "2026-03-09", "2026-03-16", "2026-03-30", "2026-04-06")),
    Row(("us-mt",), "treatment plan", "first contact", "2026-03-02", None, contacts=("2026-03-02", "2026-03-09")),
    Row(("us-il",), "treatment plan", "first contact", "2026-03-02", "2026-03-02", "il-plan"),
    # Reviews.
    Row((), "plan review", "last plan", "2026-01-31", "2026-03-02", "program-review"),
    Row(("us-nd",), "plan review", "last plan", "2026-03-12", "2026-03-26", "nd-review"),
    Row(("us-nd",), "plan review", "last plan", "2023-12-31", "2024-02-29", "nd-review-outpatient", level="1.0"),
    Row(("us-nd",), "plan review", "last plan", "2024-12-31", "2025-02-28", "nd-review-outpatient", level="1.0"),
    Row(("us-nd",), "plan review", "last plan", "2026-01-05", "2026-01-15", "nd-review-outpatient", level="1.0",
        contacts=tuple(f"2026-01-{n:02}" for n in (5, 6, 7, 8, 9, 12, 13, 14, 15, 16))),
    Row(("us-ks",), "plan review", "last plan", "2024-01-01", "2024-03-31", "ks-review-outpatient", level="1.0"),
    Row(("us-mt",), "plan review", "last plan", "2026-12-25", "2027-01-08", "mt-review", level="2.5"),
    Row(("us-mt", "us-nd"), "plan review", "last plan", "2026-12-25", "2027-01-08", "nd-review"),
    # Notes.
    Row((), "progress note", "service", "2026-03-12", "2026-03-12", "program-note"),
    Row((), "late entry", "service", "2026-03-12", "2026-03-17", "program-late"),
    Row((), "late entry", "service", "2026-03-14", "2026-03-18", "program-late"),
    Row((), "late entry", "service", "2026-03-13", "2026-03-14", "program-late-crisis", tags=("adult", "crisis")),
    # Risk.
    Row((), "risk assessment", "last risk", "2024-02-25", "2024-03-03", "program-risk", tags=("assessed",)),
    Row((), "risk assessment", "admission", "2026-03-12", "2026-03-12", "program-risk-intake",
        tags=("not assessed",)),
    # Discharge.
    Row(("us-sd",), "discharge summary", "discharge", "2026-03-12", "2026-03-19", "sd-discharge"),
    Row(("us-sd",), "discharge summary", "discharge", "2026-03-14", "2026-03-20", "sd-discharge"),
    Row(("us-ga",), "discharge summary", "discharge", "2026-03-12", "2026-03-23", "ga-discharge-incomplete",
        tags=("not completed",)),
    Row(("us-ga",), "discharge summary", "discharge", "2026-03-12", "2026-03-26", "ga-discharge-complete",
        tags=("completed",)),
    Row(("us-ga",), "discharge summary", "discharge", "2013-09-28", "2013-10-04", "program-discharge",
        tags=("completed",)),
    Row(("us-il",), "discharge summary", "discharge", "2024-02-20", "2024-03-06", "il-discharge"),
    Row(("us-tx",), "discharge summary", "discharge", "2024-01-31", "2024-03-01", "tx-discharge"),
    Row(("us-tx", "us-il"), "discharge summary", "discharge", "2024-01-31", "2024-02-15", "il-discharge"),
    Row((), "continuing-care plan", "discharge", "2026-03-12", "2026-03-12", "program-continuing"),
    Row(("us-tx",), "continuing-care plan", "discharge", "2026-03-12", "2026-03-12", "tx-continuing"),
    # Certification, stay, packet, breach.
    Row(("us-federal",), "physician certification", "last certification", "2026-01-01", "2026-03-02",
        "us-certification", tags=("medicare",)),
    Row(("us-federal",), "physician certification", "last certification", "2026-01-01", None),
    Row(("us-ny",), "continued stay", "admission", "2026-03-12", "2026-04-23", "ny-rationale"),
    Row(("payers",), "continued stay", "last authorization", "2024-02-01", "2024-03-02", "azch-review",
        tags=("azch",)),
    Row(("payers",), "utilisation packet", "last covered day", "2024-03-03", "2024-02-27", "azch-packet",
        tags=("azch",)),
    Row(("us-federal",), "breach notice", "discovery", "2024-01-01", "2024-03-01", "us-breach"),
    Row(("us-federal",), "breach notice", "discovery", "2025-01-01", "2025-03-02", "us-breach"),
)  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.what}-{'+'.join(row.packs) or 'program'}-{row.on}")
def test_table(row: Row) -> None:
    case = Case(row.level, frozenset(row.tags), {row.start: d(row.on)}, [d(day) for day in row.contacts])
    found = rules.due(packs.in_force(row.packs), row.what, case)
    assert (found.on.isoformat() if found else None) == row.expected
    if found is not None:
        assert found.rule == row.rule
        assert found.citation
        assert "not reviewed" in found.source


def test_every_rule_that_ships_with_a_deadline_is_in_the_table() -> None:
    shipped = {rule.id for pack in packs.shipped().values() for rule in pack.deadline}
    assert shipped == {row.rule for row in TABLE if row.rule}


# -- calendars -----------------------------------------------------------------------------

_DAYS = st.dates(date(1999, 1, 1), date(2101, 1, 1))


@given(_DAYS, st.integers(0, 60), st.sampled_from(["", FEDERAL]))
def test_business_days_are_counted_one_by_one(day: date, count: int, holidays: str) -> None:
    ahead = [day + timedelta(days=n) for n in range(1, 150)]
    working = [
        item for item in ahead
        if calendar.day_name[item.weekday()] not in ("Saturday", "Sunday")
        and (not holidays or item not in federal_holidays(item.year))
    ]  # fmt: skip
    assert add_business_days(day, count, holidays) == (working[count - 1] if count else day)


@given(_DAYS, st.integers(0, 40))
def test_months_keep_the_day_or_end_with_the_month(day: date, count: int) -> None:
    stepped, left = day.replace(day=1), count
    while left:
        stepped = (stepped + timedelta(days=32)).replace(day=1)
        left -= 1
    found = add_months(day, count)
    assert (found.year, found.month) == (stepped.year, stepped.month)
    end = (found.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    assert found.day == min(day.day, end.day)


def test_leap_years() -> None:
    assert add_months(d("2024-01-31"), 1) == d("2024-02-29")
    assert add_months(d("2100-01-31"), 1) == d("2100-02-28")
    assert add_months(d("2000-02-29"), 12) == d("2001-02-28")
    assert add_business_days(d("2024-02-28"), 2) == d("2024-03-01")


OBSERVED = {  # as the Office of Personnel Management lists them
    2026: "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25",
    2027: "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31",
    2028: "01-17 02-21 05-29 06-19 07-04 09-04 10-09 11-10 11-23 12-25",
}


@pytest.mark.parametrize("year", OBSERVED)
def test_federal_holidays(year: int) -> None:
    assert sorted(federal_holidays(year)) == [d(f"{year}-{day}") for day in OBSERVED[year].split()]


def test_a_holiday_is_a_business_day_only_where_no_calendar_is_named() -> None:
    assert is_business_day(d("2026-07-03"))
    assert not is_business_day(d("2026-07-03"), FEDERAL)
    assert add_business_days(d("2026-07-02"), 1, FEDERAL) == d("2026-07-06")


# -- combining -----------------------------------------------------------------------------

_PARTS = st.fixed_dictionaries({
    "days": st.none() | st.integers(0, 60), "business_days": st.none() | st.integers(0, 20),
    "months": st.none() | st.integers(0, 6), "contacts": st.none() | st.integers(1, 6),
}).filter(lambda parts: any(value is not None for value in parts.values()))  # fmt: skip


@given(_PARTS, _DAYS, st.lists(st.integers(-5, 60), max_size=8), st.sampled_from(["earliest", "latest"]))
def test_a_rule_is_the_earliest_or_latest_of_its_parts(
    parts: dict[str, int | None], start: date, after: list[int], combine: str
) -> None:
    rule = Deadline(id="x", citation="y", what="treatment plan", start="admission", combine=combine, **parts)
    contacts = [start + timedelta(days=n) for n in after]
    dates = []
    for name, value in parts.items():
        if value is not None:
            dates.append(_part(name, value, start, contacts))
    expected: date | None = None
    known = [item for item in dates if item]
    if combine == "latest" and None not in dates:
        expected = max(known)
    elif combine == "earliest" and known:
        expected = min(known)
    assert rules.deadline(rule, start, contacts) == expected


def _part(name: str, value: int, start: date, contacts: Sequence[date]) -> date | None:
    if name == "contacts":
        later = sorted(day for day in contacts if day >= start)
        return later[value - 1] if len(later) >= value else None
    if name == "days":
        return date.fromordinal(start.toordinal() + value)
    return add_business_days(start, value) if name == "business_days" else add_months(start, value)


def test_the_default_pack_is_silent_where_another_pack_speaks_even_if_it_cannot_count_yet() -> None:
    case = Case(IOP, frozenset({"adult"}), {"first contact": d("2026-03-02"), "admission": d("2026-03-02")})
    assert rules.due(packs.in_force(["us-mt"]), "treatment plan", case) is None
    assert rules.due(packs.in_force([]), "treatment plan", case) is not None


# -- hours, codes, days --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "tags", "expected"),
    [
        ((), {"adult"}, (9, 19)), ((), {"minor"}, (6, 19)), (("us-ks",), {"adult"}, (9, 168)),
        (("us-ks", "us-federal"), {"adult", "medicare"}, (9, 19)), (("us-ks",), {"minor"}, (6, 168)),
    ],
)  # fmt: skip
def test_hours_of_a_level(names: tuple[str, ...], tags: set[str], expected: tuple[int, int]) -> None:
    band = rules.hours_band(packs.in_force(names), IOP, frozenset(tags), d("2026-03-12"))
    assert band is not None
    assert (band.low, band.high) == expected
    assert rules.hours_band(packs.in_force(names), "3.5", frozenset(tags), d("2026-03-12")) is None


def test_code_times_and_billable_days() -> None:
    row = rules.code_time(packs.in_force([]), " 90834 ")
    assert row is not None
    assert (row.low, row.high) == (38, 52)
    assert rules.code_time(packs.in_force([]), "H0015") is None
    found = rules.day_needs(packs.in_force(["us-va", "payers"]), IOP, "H0015", d("2026-03-12"))
    assert [(rule.id, rule.least_hours, rule.least_days) for rule in found] == [("va-day", 3, 0), ("h0015-day", 3, 3)]
    assert not rules.day_needs(packs.in_force(["payers"]), IOP, "90834", d("2026-03-12"))


# -- the files -----------------------------------------------------------------------------


def test_no_shipped_pack_claims_a_review_and_every_rule_has_a_citation() -> None:
    for pack in packs.shipped().values():
        assert not pack.reviewed
        assert all(rule.citation for rule in (*pack.deadline, *pack.hours, *pack.day, *pack.code_time))


_GOOD = b"""
id = "x"
name = "X"
kind = "state"
version = "1"
reviewed = false
[[deadline]]
id = "x-plan"
what = "treatment plan"
start = "admission"
days = 3
citation = "X 1"
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'citation = "X 1"', b'citation = " "'), (b"days = 3", b""), (b"days = 3", b'days = "3"'),
        (b"days = 3", b"business_days = -1"), (b'"treatment plan"', b'"tea"'), (b'"admission"', b'"the weather"'),
        (b"days = 3", b'days = 3\nwhen = ["full moon"]'), (b'kind = "state"', b'kind = "county"'),
        (b"reviewed = false", b"reviewed = true"), (b"days = 3", b"dayz = 3"), (b"[[deadline]]", b"[[deadline]"),
        (b"days = 3", b'days = 3\ncombine = "median"'), (b'version = "1"', b'version = "1"\nholidays = "mars"'),
    ],
)  # fmt: skip
def test_a_pack_that_makes_no_sense_is_refused_with_its_file(before: bytes, after: bytes) -> None:
    assert packs.read(_GOOD, "x.toml").deadline[0].days == 3
    with pytest.raises(InputRejected) as failure:
        packs.read(_GOOD.replace(before, after), "x.toml")
    assert failure.value.file == "x.toml"


def test_two_rules_with_one_id_are_refused() -> None:
    pack = packs.read(_GOOD, "x.toml")
    doubled: Pack = msgspec.structs.replace(pack, deadline=pack.deadline * 2)
    with pytest.raises(InputRejected, match="share an id"):
        rules.check_pack(doubled)


def test_an_unknown_pack_is_named() -> None:
    with pytest.raises(InputRejected, match="us-xx"):
        packs.in_force(["us-xx"])
