"""Lapses, follow-back, drug screens, naloxone, medications: rules by their names, and what never happens."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.clinical.medications.model import Medication
from iop_tui.clinical.medications.reviewing import (
    MEDICATION_REVIEW,
    MedicationReview,
    ReviewLine,
    begun,
    current,
    use_disorder,
)
from iop_tui.clinical.toxicology import followback as fb
from iop_tui.clinical.toxicology.lapses import LAPSE, Lapse, timeline
from iop_tui.clinical.toxicology.naloxone import NALOXONE, Naloxone
from iop_tui.clinical.toxicology.testing import (
    DRUG_SCREEN,
    Analyte,
    DrugScreen,
    could_be_from,
    positive,
    substances,
    title,
    validity,
    windows_of,
)
from iop_tui.kernel.declare import DocumentType, RuleContext, Severity
from tests.support.clinic.care import BORN, SCREEN, TODAY

WITHOUT = msgspec.structs.replace
CONTEXT = RuleContext(TODAY, {"birth_date": BORN})
DAY = timedelta(days=1)
SLIP = Lapse(on=TODAY, kind="lapse", substances=("alcohol",), next_steps="Call Ruth", known_from="client")


def codes(kind: DocumentType[Any], document: Any, severity: Severity = Severity.REFUSE, **facts: Any) -> set[str]:
    """What the rules say, by code."""
    context = RuleContext(TODAY, {"birth_date": BORN, **facts})
    return {item.code for item in kind.findings(document, context) if item.severity is severity}


# -- lapses --------------------------------------------------------------------------------------


def test_a_lapse_may_be_kept() -> None:
    assert codes(LAPSE, SLIP) == set()


@pytest.mark.parametrize("name", ["on", "kind", "substances", "next_steps", "known_from"])
def test_every_required_element_of_a_lapse(name: str) -> None:
    assert "required" in codes(LAPSE, WITHOUT(SLIP, **{name: getattr(Lapse(), name)}))


def test_lapse_dates_that_cannot_be() -> None:
    assert "future" in codes(LAPSE, WITHOUT(SLIP, on=TODAY + DAY))
    assert "before_birth" in codes(LAPSE, WITHOUT(SLIP, on=BORN - DAY))
    assert "reversed" in codes(LAPSE, WITHOUT(SLIP, until=TODAY - DAY))


@pytest.mark.parametrize(
    "words", ["The urine was dirty", "Was caught using again", "He is an addict", "Failed the test", "Sanctions follow"]
)
def test_punitive_words_are_refused(words: str) -> None:
    assert "punitive" in codes(LAPSE, WITHOUT(SLIP, next_steps=words))
    assert "punitive" in codes(DRUG_SCREEN, WITHOUT(SCREEN, reading=words))


@pytest.mark.parametrize("words", ["Clean clothes were brought", "Dirty dishes at home", "Passed the exam at school"])
def test_ordinary_words_are_not(words: str) -> None:
    assert "punitive" not in codes(LAPSE, WITHOUT(SLIP, next_steps=words))


def test_an_overdose_calls_for_naloxone_and_both_plans() -> None:
    assert "overdose" in codes(LAPSE, WITHOUT(SLIP, overdose=True), Severity.WARN)
    assert "naloxone" in codes(LAPSE, WITHOUT(SLIP, substances=("opioids",)), Severity.REMIND)


def test_timeline_by_hand() -> None:
    since = TODAY - 99 * DAY
    found = timeline(since, [WITHOUT(SLIP, on=TODAY - 29 * DAY, until=TODAY - 28 * DAY)], TODAY)
    assert [streak.days for streak in found.streaks] == [70, 28]
    assert (found.days_without, found.days_in_all, found.current, found.longest) == (98, 100, 28, 70)
    assert found.milestones == (1, 7, 14, 30, 60)


slips = st.lists(
    st.builds(lambda ago, days: WITHOUT(SLIP, on=TODAY - ago * DAY, until=TODAY - max(ago - days, 0) * DAY),
              st.integers(0, 400), st.integers(0, 6)), max_size=6)  # fmt: skip


@pytest.mark.usefixtures("scale")
@given(slips, st.integers(1, 300))
def test_a_lapse_adds_and_never_erases(earlier: list[Lapse], ago: int) -> None:
    """Another lapse leaves every earlier streak and everything reached in them, and takes only its own days."""
    since = TODAY - 365 * DAY
    before = timeline(since, earlier, TODAY)
    after = timeline(since, [*earlier, WITHOUT(SLIP, on=TODAY)], TODAY)
    kept = {(streak.first, streak.last) for streak in after.streaks}
    assert {(streak.first, streak.last) for streak in before.streaks if streak.ended} <= kept
    assert before.days_without - after.days_without in (0, 1)
    assert set(after.milestones) | {before.longest} >= set(before.milestones) - {before.longest}
    assert after.days_without + len(after.used) == after.days_in_all
    assert ago


# -- follow-back ---------------------------------------------------------------------------------


def week(*amounts: float) -> fb.Followback:
    """The last days, one amount each."""
    first = TODAY - (len(amounts) - 1) * DAY
    days = tuple(fb.DayUse(on=first + at * DAY, amount=amount) for at, amount in enumerate(amounts))
    return fb.Followback(substance="alcohol", unit="standard drinks", first=first, last=TODAY,
                         method="calendar with the client", days=days)  # fmt: skip


def test_a_follow_back_counts_days_heavy_days_and_percent() -> None:
    found = fb.summary(week(0, 4, 5, 0, 0, 2, 0), "male")
    assert (found.days, found.used, found.heavy, found.total) == (7, 3, 1, 11)
    assert found.without_percent == 57.1
    assert found.per_day_of_use == 3.7
    assert fb.summary(week(0, 4, 5)).heavy == 2


def test_blank_days_are_neither_and_said() -> None:
    document = WITHOUT(week(0, 0, 3), days=week(0, 0, 3).days[:2])
    assert "blank" in codes(fb.FOLLOWBACK, document, Severity.WARN)
    assert fb.summary(document).known == 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"first": TODAY + DAY, "last": TODAY + DAY}, "future"), ({"last": TODAY - 9 * DAY}, "reversed"),
        ({"first": TODAY - 366 * DAY}, "too_long"), ({"first": TODAY - DAY}, "outside"),
        ({"days": (fb.DayUse(on=TODAY), fb.DayUse(on=TODAY))}, "doubled"),
    ],
)  # fmt: skip
def test_periods_that_cannot_be(change: dict[str, Any], code: str) -> None:
    assert code in codes(fb.FOLLOWBACK, WITHOUT(week(0, 0, 0), **change))


def test_the_grid_is_filled_by_keys() -> None:
    here = fb.grid(TODAY - 13 * DAY, TODAY)
    assert here.at == TODAY
    here = fb.move(fb.digit(fb.digit(here, "1"), "2"), -1)
    assert here.amounts == {TODAY: 12}
    here = fb.move(fb.put(here, 0), -6)
    assert here.at == TODAY - 7 * DAY
    here = fb.fill(fb.week_before(here))
    assert here.amounts[TODAY - 7 * DAY] == 12
    assert len(fb.days_of(here)) == 14
    assert fb.move(here, 400).at == TODAY


GRID_KEYS = ["1", "9", ".", "0", "left", "right", "up", "down", "blank", "week", "x"]


@pytest.mark.usefixtures("scale")
@given(st.lists(st.sampled_from(GRID_KEYS), max_size=60))
def test_any_row_of_keys_leaves_a_grid_that_can_be_kept(pressed: list[str]) -> None:
    here = fb.grid(TODAY - 40 * DAY, TODAY)
    moves = {"left": -1, "right": 1, "up": -7, "down": 7}
    for key in pressed:
        if key in moves:
            here = fb.move(here, moves[key])
        elif key == "blank":
            here = fb.put(here, None)
        elif key == "week":
            here = fb.week_before(here)
        else:
            here = fb.digit(here, key)
    document = WITHOUT(week(0), first=here.first, last=here.last, days=fb.days_of(here))
    assert codes(fb.FOLLOWBACK, fb.FOLLOWBACK.parse(msgspec.to_builtins(document))) <= {"required"}


# -- drug screens --------------------------------------------------------------------------------


def test_a_whole_screen_may_be_signed() -> None:
    assert codes(DRUG_SCREEN, SCREEN) == set()
    assert DRUG_SCREEN.signable


@pytest.mark.parametrize(
    "name",
    [
        "reason", "matrix", "collected", "collected_by", "observed", "panel", "resulted", "explanation", "reading",
        "action",
    ],
)
def test_every_required_element_of_a_screen(name: str) -> None:
    assert "required" in codes(DRUG_SCREEN, WITHOUT(SCREEN, **{name: getattr(DrugScreen(), name)}))


@pytest.mark.parametrize(
    ("numbers", "status"),
    [
        ({}, "valid"),
        ({"ph": 2.9}, "adulterated"), ({"ph": 11}, "adulterated"), ({"oxidants": True}, "adulterated"),
        ({"ph": 3.0}, "invalid"), ({"ph": 4.4}, "invalid"), ({"ph": 4.5}, "valid"), ({"ph": 8.9}, "valid"),
        ({"ph": 9.0}, "invalid"), ({"ph": 10.9}, "invalid"),
        ({"creatinine": 1.9, "gravity": 1.001}, "substituted"), ({"creatinine": 1.9, "gravity": 1.02}, "substituted"),
        ({"creatinine": 1.9, "gravity": 1.01}, "invalid"),
        ({"creatinine": 2, "gravity": 1.002}, "dilute"), ({"creatinine": 19.9, "gravity": 1.0029}, "dilute"),
        ({"creatinine": 20, "gravity": 1.002}, "valid"), ({"creatinine": 10, "gravity": 1.003}, "valid"),
        ({"creatinine": 10, "gravity": 1.0005}, "invalid"),
        ({"temperature": 89.9}, "invalid"), ({"temperature": 90}, "valid"), ({"temperature": 100.1}, "invalid"),
        ({"matrix": "oral fluid", "ph": 2}, "not checked"),
        ({"temperature": None, "creatinine": None, "ph": None, "gravity": None}, "not checked"),
    ],
)  # fmt: skip
def test_validity_of_a_urine_specimen(numbers: dict[str, Any], status: str) -> None:
    assert validity(WITHOUT(SCREEN, **numbers)).status == status


def test_a_tampered_specimen_counts_as_presumptive_positive() -> None:
    odd = WITHOUT(SCREEN, ph=2.0)
    assert positive(odd)
    assert "tampered" in codes(DRUG_SCREEN, odd, Severity.WARN)
    assert not positive(SCREEN)
    assert not positive(WITHOUT(SCREEN, creatinine=10, gravity=1.002))


@pytest.mark.parametrize(
    ("presumptive", "definitive", "prescribed", "counts"),
    [("positive", "not sent", False, True), ("positive", "negative", False, False),
     ("negative", "positive", False, True), ("positive", "not sent", True, False),
     ("negative", "not sent", False, False)],
)  # fmt: skip
def test_the_definitive_result_decides(presumptive: str, definitive: str, prescribed: bool, counts: bool) -> None:
    line = Analyte(substance="opiates", presumptive=presumptive, definitive=definitive, prescribed=prescribed)
    assert positive(WITHOUT(SCREEN, panel=(line,))) is counts


def test_collected_before_resulted_and_not_in_the_future() -> None:
    assert "order" in codes(DRUG_SCREEN, WITHOUT(SCREEN, resulted=TODAY - 3 * DAY))
    assert "future" in codes(DRUG_SCREEN, WITHOUT(SCREEN, collected=TODAY + DAY, resulted=TODAY + DAY))
    assert "before_birth" in codes(DRUG_SCREEN, WITHOUT(SCREEN, collected=BORN - DAY))


def test_not_more_often_than_every_three_days() -> None:
    assert SCREEN.collected is not None
    assert "too_often" in codes(DRUG_SCREEN, SCREEN, Severity.WARN, last_screen=SCREEN.collected - 2 * DAY)
    assert "too_often" not in codes(DRUG_SCREEN, SCREEN, Severity.WARN, last_screen=SCREEN.collected - 3 * DAY)


def test_a_substance_stands_once_and_has_a_result() -> None:
    assert "doubled" in codes(DRUG_SCREEN, WITHOUT(SCREEN, panel=SCREEN.panel * 2))
    assert "result" in codes(DRUG_SCREEN, WITHOUT(SCREEN, panel=(Analyte(substance="cocaine"),)))


def test_detection_windows_are_known_and_say_when_they_are_not_verified() -> None:
    assert {window.substance for window in windows_of("Cocaine")} == {"cocaine"}
    assert all(window.from_hours <= window.to_hours for name in substances() for window in windows_of(name))
    assert not windows_of("fentanyl")[0].verified
    assert windows_of("unheard-of") == ()
    at = datetime(2026, 3, 12, 9)
    assert could_be_from("cocaine", at) == (at - 3 * DAY, at)
    assert could_be_from("unheard-of", at) is None


def test_the_title_says_what_was_found_in_neutral_words() -> None:
    line = Analyte(substance="cocaine", presumptive="positive")
    assert title(WITHOUT(SCREEN, panel=(line,))) == "urine, positive: cocaine"
    assert title(SCREEN) == "urine, nothing unexpected"


# -- naloxone ------------------------------------------------------------------------------------

KIT = Naloxone(
    given=TODAY, form="nasal spray 4 mg", doses=2, expires=TODAY + 400 * DAY, kept="Kitchen", trained=("Ida",)
)


def test_naloxone_has_a_place_a_helper_and_a_date() -> None:
    assert codes(NALOXONE, KIT) == set()
    for name in ("kept", "trained", "expires"):
        assert name in codes(NALOXONE, WITHOUT(KIT, **{name: getattr(Naloxone(), name)}))
    assert codes(NALOXONE, Naloxone(given=TODAY, form="declined")) == set()
    assert "expired" in codes(NALOXONE, WITHOUT(KIT, expires=TODAY - DAY), Severity.WARN)
    assert "doses" in codes(NALOXONE, WITHOUT(KIT, doses=0))


# -- medications ---------------------------------------------------------------------------------

LIST = (
    Medication(text="Buprenorphine-naloxone 8 mg/2 mg sublingual film", status="active", started=date(2026, 1, 5)),
    Medication(text="Sertraline 50 MG Oral Tablet", status="active"),
    Medication(text="Ibuprofen", status="completed"),
)


@pytest.mark.parametrize(
    ("name", "given_for"),
    [("Methadone 10 mg", "opioid use disorder"), ("Vivitrol", "opioid or alcohol use disorder"),
     ("Acamprosate", "alcohol use disorder"), ("Sertraline", "")],
)  # fmt: skip
def test_medication_for_use_disorders_is_recognised(name: str, given_for: str) -> None:
    assert use_disorder(name) == given_for


def test_a_review_begins_with_what_is_active_and_decides_each_line() -> None:
    review = begun(current(LIST, ()), TODAY, ("Penicillin",))
    assert [line.medication.split()[0] for line in review.lines] == ["Buprenorphine-naloxone", "Sertraline"]
    assert "undecided" in codes(MEDICATION_REVIEW, review)
    decided = tuple(WITHOUT(line, decision="continues") for line in review.lines)
    whole = WITHOUT(review, lines=decided, sources=("client",))
    assert codes(MEDICATION_REVIEW, whole) == set()
    assert whole.allergies == "Penicillin"


def test_stopping_an_agonist_warns_of_lost_tolerance() -> None:
    line = ReviewLine(medication="Buprenorphine", decision="stopped")
    review = MedicationReview(on=TODAY, sources=("client",), lines=(line,), allergies="none known")
    assert "tolerance" in codes(MEDICATION_REVIEW, review, Severity.WARN)
    other = WITHOUT(review, lines=(WITHOUT(line, medication="Naltrexone"),))
    assert "tolerance" not in codes(MEDICATION_REVIEW, other, Severity.WARN)


def test_what_is_to_be_clarified_is_told_to_somebody() -> None:
    line = ReviewLine(medication="Sertraline", decision="to be clarified")
    review = MedicationReview(on=TODAY, sources=("client",), lines=(line,), allergies="none known")
    assert "told" in codes(MEDICATION_REVIEW, review)


def test_the_list_follows_the_last_review() -> None:
    lines = (
        ReviewLine(medication="Sertraline", dose="100 mg", decision="changed"),
        ReviewLine(medication="Melatonin", decision="new"),
    )
    first = MedicationReview(on=TODAY - DAY, lines=lines)
    second = MedicationReview(on=TODAY, lines=(ReviewLine(medication="Melatonin 2 mg", decision="stopped"),))
    found = {line.name: line for line in current(LIST, (first, second))}
    assert found["Sertraline"].dose == "100 mg"
    assert found["Melatonin 2 mg"].status == "stopped"
    assert found["Ibuprofen"].status == "completed"
    assert len(found) == 4
