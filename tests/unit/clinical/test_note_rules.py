"""Formats, similarity, carry-forward, links, overlaps and the thread check: what the note editor asks while typing."""

from __future__ import annotations

import re
import time as clock
from datetime import date, time, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.clinical.notes import carry, formats, links, overlaps, similarity, thread
from iop_tui.clinical.notes.links import ObjectiveState
from iop_tui.clinical.notes.model import ProgressNote
from iop_tui.clinical.notes.overlaps import Busy
from iop_tui.clinical.notes.thread import Thread
from iop_tui.kernel.declare import Severity, is_empty, show_value
from tests.support.clinic.vaults import note

TODAY = date(2026, 3, 12)
WITHOUT = msgspec.structs.replace
ME, YOU, ANA, BEN = (bytes([number]) * 16 for number in range(4))


# -- formats -------------------------------------------------------------------------------


@pytest.mark.parametrize("form", formats.FORMATS)
def test_every_format_shows_every_atom_exactly_once(form: str) -> None:
    listed = [atom for heading in formats.FORMATS[form] for atom in heading.atoms]
    assert sorted(listed) == sorted(formats.ATOMS)


@pytest.mark.parametrize("form", formats.FORMATS)
@pytest.mark.parametrize("missing", ["", "response", "plan", "objectives"])
def test_a_note_reads_the_same_in_every_format(form: str, missing: str) -> None:
    made = note(TODAY, "Slept badly", risk="present", risk_action="Called the on-call line")
    if missing:
        made = WITHOUT(made, **{missing: () if missing == "objectives" else ""})
    texts = [text for part in formats.sections(made, form) for _, text in part.entries]
    expected = [show_value(getattr(made, atom)) for atom in formats.ATOMS if not is_empty(getattr(made, atom, None))]
    assert sorted(texts) == sorted(expected)
    assert "".join(part.letter for part in formats.sections(made, form)) == form


def test_an_objectives_words_stand_beside_its_number() -> None:
    parts = formats.sections(note(TODAY, "x"), "GIRP", {"1.2.1": "Calls the sponsor"})
    assert parts[0].entries[0] == ("Objectives", "1.2.1 Calls the sponsor")


# -- similarity ----------------------------------------------------------------------------


def oracle(a: str, b: str) -> float:
    """The definition, spelled out with lists."""

    def cut(text: str) -> list[str]:
        words = [word.casefold() for word in re.findall(r"\w+", text)]
        if 0 < len(words) < 5:
            return [" ".join(words)]
        return [" ".join(words[at : at + 5]) for at in range(len(words) - 4)]

    one, other = cut(a), cut(b)
    everything = [item for index, item in enumerate(one + other) if item not in (one + other)[:index]]
    both = [item for item in everything if item in one and item in other]
    return len(both) / len(everything) if everything else 0.0


_TEXT = st.lists(st.sampled_from(["slept", "well", "No", "craving", "today", "and", "ate", "—", "."]), max_size=40)


@given(_TEXT, _TEXT)
def test_similarity_is_the_share_of_common_shingles(a: list[str], b: list[str]) -> None:
    one, other = " ".join(a), " ".join(b)
    assert similarity.similarity(one, other) == pytest.approx(oracle(one, other))
    assert similarity.similarity(one, other) == similarity.similarity(other, one)
    assert similarity.similarity(one, one) in (0.0, 1.0)


def test_case_spacing_and_punctuation_do_not_hide_a_clone() -> None:
    text = "Reports sleeping better since the walk by the quarry, eats twice a day."
    assert similarity.similarity(text, text.upper().replace(" ", "\n\n").replace(",", " —")) == 1.0
    changed = text.replace("twice", "three times")
    assert 0.2 < similarity.similarity(text, changed) < 0.8


# -- carry forward -------------------------------------------------------------------------


def test_a_carried_note_keeps_words_and_asks_risk_progress_and_people_again() -> None:
    last = note(TODAY - timedelta(days=7), "Slept badly", others_present="sister")
    made = carry.carried(last, on=TODAY, start=time(9), stop=time(9, 50))
    assert (made.service_date, made.start, made.presentation) == (TODAY, time(9), "Slept badly")
    assert (made.risk, made.risk_action, made.progress, made.others_present) == ("", "", "", "")
    assert made.mental_status is None
    assert made.telehealth is not None
    assert (made.telehealth.callback, made.telehealth.present, made.telehealth.private) == ("555-0101", "", None)


@pytest.mark.parametrize("field", ["response", "plan"])
def test_response_and_plan_must_differ_from_the_last_note(field: str) -> None:
    last = note(TODAY - timedelta(days=7), "Slept badly")
    other = {"response": "Withdrawn, answered in single words.", "plan": "Call the clinic about sleep."}
    for disguise in (str, str.upper, lambda text: f"  {text} !"):
        made = WITHOUT(last, service_date=TODAY, **{**other, field: disguise(getattr(last, field))})
        found = carry.unchanged(made, last)
        assert [(item.field, item.severity) for item in found] == [(field, Severity.REFUSE)]
    assert carry.unchanged(WITHOUT(last, **other), last) == ()
    assert carry.unchanged(last, None) == ()


# -- links ---------------------------------------------------------------------------------

OBJECTIVES = (
    ObjectiveState("o3", "1.1.1", "Calls the sponsor before each craving", since=TODAY),
    ObjectiveState("o7", "1.2.1", "Sleeps seven hours", since=TODAY),
    ObjectiveState("o9", "2.1.1", "Finds work", is_open=False),
)


def test_a_link_survives_renumbering() -> None:
    stored = links.link(OBJECTIVES[1])
    assert (stored, links.number_of(stored)) == ("1.2.1#o7", "1.2.1")
    moved = (OBJECTIVES[0], WITHOUT_NUMBER(OBJECTIVES[1], "3.1.1"))
    found = links.resolve(stored, moved)
    assert found is not None
    assert found.number == "3.1.1"
    assert links.resolve("1.2.1", OBJECTIVES) is OBJECTIVES[1]
    assert links.resolve("1.2.1#o99", OBJECTIVES) is None


def WITHOUT_NUMBER(item: ObjectiveState, number: str) -> ObjectiveState:  # noqa: N802 - reads like WITHOUT
    return ObjectiveState(item.id, number, item.text, since=item.since)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("#", ["o3", "o7"]), ("1.2", ["o7"]), ("#sponsor", ["o3"]), ("hours sle", ["o7"]), ("work", []), ("9", [])],
)
def test_completion_offers_open_objectives_by_number_or_words(typed: str, expected: list[str]) -> None:
    assert [item.id for item in links.complete(typed, OBJECTIVES)] == expected


# -- overlaps ------------------------------------------------------------------------------


def busy(start: str, stop: str, *, clinician: bytes = ME, person: bytes = ANA, kind: str = "individual") -> Busy:
    return Busy(bytes(16), person, clinician, TODAY, time.fromisoformat(start), time.fromisoformat(stop), kind)


@given(*(st.integers(0, 1438) for _ in range(2)), *(st.integers(1, 120) for _ in range(2)))
def test_overlap_is_a_shared_minute(start_a: int, start_b: int, length_a: int, length_b: int) -> None:
    def made(start: int, length: int, record: bytes) -> Busy:
        stop = min(start + length, 1439)
        return Busy(record, ANA, ME, TODAY, time(start // 60, start % 60), time(stop // 60, stop % 60))

    minutes = [set(range(s, min(s + n, 1439))) for s, n in ((start_a, length_a), (start_b, length_b))]
    found = overlaps.overlaps(made(start_a, length_a, b"a"), [made(start_b, length_b, b"b")])
    assert bool(found) == bool(minutes[0] & minutes[1])


def test_whose_session_overlaps_and_which_do_not_count() -> None:
    mine = Busy(b"x", ANA, ME, TODAY, time(10), time(10, 50))
    assert overlaps.findings(mine, [busy("10:50", "11:40"), busy("09:10", "10:00")]) == ()
    assert overlaps.findings(mine, [busy("10:00", "10:50", clinician=YOU, person=BEN)]) == ()
    words = [item.message for item in overlaps.findings(mine, [busy("10:40", "11:00", person=BEN)])]
    assert words == ["The times overlap another session of yours that day, 10:40 to 11:00."]
    words = [item.message for item in overlaps.findings(mine, [busy("10:40", "11:00", clinician=YOU)])]
    assert "this client" in words[0]
    assert overlaps.findings(mine, [mine]) == (), "a note does not overlap its own stored version"


def test_one_family_session_noted_for_each_client_is_no_overlap() -> None:
    mine = Busy(b"x", ANA, ME, TODAY, time(10), time(11), "family")
    assert overlaps.findings(mine, [busy("10:00", "11:00", person=BEN, kind="family")]) == ()
    assert overlaps.findings(mine, [busy("10:00", "11:00", person=BEN)]), "an individual session is not shared"
    assert overlaps.findings(mine, [busy("10:30", "11:00", person=BEN, kind="family")])


# -- the thread ----------------------------------------------------------------------------


def checked(made: ProgressNote, **more: object) -> dict[str, Severity]:
    values: dict[str, object] = {"today": TODAY, "objectives": OBJECTIVES, "clinician": ME, "person": ANA, **more}
    found = thread.check(made, thread.prepare(Thread(**values)))  # type: ignore[arg-type]
    return {item.code: item.severity for item in found}


GOOD = note(TODAY, "Slept seven hours twice", objectives=("1.2.1#o7",))


def test_a_whole_thread_says_nothing() -> None:
    assert checked(GOOD) == {}


CASES = {
    "closed_objective": (WITHOUT(GOOD, objectives=("2.1.1#o9",)), {}, Severity.REFUSE),
    "unknown_objective": (WITHOUT(GOOD, objectives=("7.1.1",)), {}, Severity.WARN),
    "objective_twice": (WITHOUT(GOOD, objectives=("1.2.1#o7", "1.2.1#o7")), {}, Severity.WARN),
    "intervention_without_objective": (WITHOUT(GOOD, objectives=()), {}, Severity.WARN),
    "support_only": (WITHOUT(GOOD, intervention="Supportive listening."), {}, Severity.WARN),
    "required": (WITHOUT(GOOD, response=""), {}, Severity.REFUSE),
    "risk_action": (WITHOUT(GOOD, risk="present"), {}, Severity.REFUSE),
    "unchanged": (GOOD, {"last": WITHOUT(GOOD, presentation="Something else entirely")}, Severity.REFUSE),
    "similar": (WITHOUT(GOOD, progress="minimal"), {"last": GOOD}, Severity.WARN),
    "overlap": (GOOD, {"sessions": (busy("10:30", "11:00", person=BEN),)}, Severity.REFUSE),
    "stop_after_start": (WITHOUT(GOOD, stop=time(9)), {}, Severity.REFUSE),
    "future": (WITHOUT(GOOD, service_date=TODAY + timedelta(days=1)), {}, Severity.REFUSE),
    "untouched": (
        GOOD, {"objectives": (OBJECTIVES[1], ObjectiveState("o3", "1.1.1", "x", last_cited=TODAY - timedelta(15)))},
        Severity.REMIND),
    "no_measure": (
        GOOD, {"objectives": (OBJECTIVES[1], ObjectiveState("o3", "1.1.1", "x", has_measure=False))}, Severity.REMIND),
    "no_intervention": (
        GOOD, {"objectives": (OBJECTIVES[1], ObjectiveState("o3", "1.1.1", "x", has_intervention=False))},
        Severity.REMIND),
}  # fmt: skip


@pytest.mark.parametrize("code", CASES)
def test_thread_check(code: str) -> None:
    made, more, severity = CASES[code]
    assert checked(made, **more).get(code) is severity


def test_an_objective_counts_as_touched_from_the_day_it_began_and_by_this_note() -> None:
    old = ObjectiveState("o7", "1.2.1", "Sleeps", last_cited=TODAY - timedelta(days=40))
    assert "untouched" not in checked(GOOD, objectives=(old,)), "this note touches it"
    new = ObjectiveState("o3", "1.1.1", "x", since=TODAY - timedelta(days=14))
    assert "untouched" not in checked(GOOD, objectives=(OBJECTIVES[1], new))
    assert "untouched" in checked(GOOD, objectives=(OBJECTIVES[1], new), untouched_days=13)


def test_refusals_come_first() -> None:
    made = WITHOUT(GOOD, objectives=(), response="", intervention="support")
    found = thread.check(made, thread.prepare(Thread(TODAY, OBJECTIVES)))
    order = [Severity.REFUSE, Severity.WARN, Severity.REMIND]
    assert [order.index(item.severity) for item in found] == sorted(order.index(item.severity) for item in found)


def test_the_check_of_a_long_note_and_a_pasted_megabyte_takes_a_fraction_of_a_copy_of_the_text() -> None:
    """Measured against reading the words once, so that a slow machine slows both."""
    long = "Rehearsed refusal skills with the client and wrote down three of them. " * 100
    objectives = tuple(ObjectiveState(f"o{n}", f"1.1.{n}", "text", since=TODAY) for n in range(40))
    last = WITHOUT(GOOD, presentation=long)
    prepared = thread.prepare(Thread(TODAY, objectives, last))
    pasted = WITHOUT(GOOD, presentation="lorem ipsum dolor " * 60_000)

    def best(made: ProgressNote) -> float:
        times = []
        for _ in range(5):
            begun = clock.perf_counter()
            thread.check(made, prepared)
            times.append(clock.perf_counter() - begun)
        return min(times)

    begun = clock.perf_counter()
    re.findall(r"\w+", pasted.presentation)
    reading = clock.perf_counter() - begun
    assert best(WITHOUT(GOOD, presentation=long)) < reading
    assert best(pasted) < reading
