"""Scores of every shipped questionnaire: public vectors, published cut-offs, ranges, reversed items, skips, changes."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.clinical.measures import model
from iop_tui.clinical.measures.change import changes, marked
from iop_tui.clinical.measures.definition import Definition
from iop_tui.clinical.measures.instruments import shipped
from iop_tui.clinical.measures.making import answers_of, measure
from iop_tui.clinical.measures.reading import faults
from iop_tui.clinical.measures.scoring import score, skipped
from iop_tui.kernel.declare import RuleContext, Severity
from iop_tui.kernel.errors import InputRejected

VECTORS = Path(__file__).parents[2] / "vectors"
DAY = date(2026, 3, 12)
CUTOFFS = json.loads((VECTORS / "measures" / "published_cutoffs.json").read_text())["instruments"]
PUBLIC = json.loads((VECTORS / "fhir" / "measures" / "scoring_vectors.json").read_text())["vectors"]
BY_NAME = {each.name: each for each in shipped().values()}
SCORED = [each for each in shipped().values() if each.items]


def numbered(values: list[int]) -> dict[str, int]:
    """Answers to items 1, 2, 3 …"""
    return {str(at): value for at, value in enumerate(values, 1)}


def all_of(definition: Definition, value: int) -> dict[str, int]:
    """The same value for every item that has it, else the item's lowest."""
    return {
        item.id: value if value in definition.values(item) else min(definition.values(item))
        for item in definition.items
    }


# -- public vectors ------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", PUBLIC, ids=lambda each: each["id"])
def test_public_scoring_vectors(vector: dict[str, Any]) -> None:
    definition = BY_NAME[vector["instrument"]]
    items = [value for value in vector["items"] if value is not None]
    made = measure(definition, numbered(items), taken=DAY, stated=vector["stated_total"])
    assert made.computed == vector["sum_of_items"]
    assert made.score == vector["sum_of_items"]
    if "band_of_sum" in vector:
        assert made.band == vector["band_of_sum"]
    if "item9_positive" in vector:
        assert made.safety_item is vector["item9_positive"]
    assert (model.TOTALS_DISAGREE in made.warnings) is (
        vector["stated_total"] not in (None, vector["sum_of_items"])
    )
    assert made.stated == vector["stated_total"]


def test_wrong_totals_at_the_source_are_flagged() -> None:
    wrong = [each["id"] for each in PUBLIC if each["stated_total_consistent"] is False]
    flagged = [
        each["id"] for each in PUBLIC
        if measure(
            BY_NAME[each["instrument"]], numbered(each["items"]), taken=DAY, stated=each["stated_total"]
        ).warnings
    ]
    assert len(wrong) == 6
    assert flagged == wrong


# -- published cut-offs --------------------------------------------------------------------------


def published() -> list[tuple[str, Any]]:
    """Those that the shipped files define, by the name of the score."""
    return [(name, facts) for name, facts in CUTOFFS.items() if name not in ("BAM", "URICA readiness")]


@pytest.mark.parametrize(("name", "facts"), published(), ids=lambda each: each if isinstance(each, str) else "")
def test_ranges_and_bands_are_the_published_ones(name: str, facts: Any) -> None:
    found = next(each for definition in shipped().values() for each in definition.scores if each.name == name)
    assert [found.low, found.high] == facts["range"]
    if "bands" in facts:
        labels = {"no problems reported": "none"}
        assert [[band.lowest, band.name] for band in found.bands] == [
            [low, labels.get(label, label)] for low, label in facts["bands"]
        ]


@pytest.mark.parametrize(
    ("name", "last_negative", "first_positive"),
    [("PHQ-9", 9, 10), ("GAD-7", 9, 10), ("PCL-5", 32, 33), ("AUDIT", 7, 8), ("DAST-10", 2, 3)],
)
def test_positive_from_the_published_cut_off_on(name: str, last_negative: int, first_positive: int) -> None:
    total = BY_NAME[name].total
    assert total is not None
    assert total.positive(last_negative) is False
    assert total.positive(first_positive) is True


@pytest.mark.parametrize(("name", "distress", "fine"), [("CSI-16", 51, 52), ("CSI-4", 13, 14), ("WHO-5", 48, 52)])
def test_positive_below_the_published_cut_off(name: str, distress: float, fine: float) -> None:
    total = BY_NAME[name].total
    assert total is not None
    assert total.positive(distress) is True
    assert total.positive(fine) is False


def test_audit_c_cut_off_depends_on_sex_and_unknown_takes_the_lower() -> None:
    answers = {"1": 1, "2": 1, "3": 1}
    said = {sex: score(BY_NAME["AUDIT-C"], answers, sex=sex).scores[0].positive for sex in ("male", "female", "")}
    assert said == {"male": False, "female": True, "": True}


def test_audit_c_all_points_from_the_first_question_is_flagged() -> None:
    assert score(BY_NAME["AUDIT-C"], {"1": 4, "2": 0, "3": 0}).flags == ("first-item",)
    assert not score(BY_NAME["AUDIT-C"], {"1": 4, "2": 1, "3": 0}).flags


def test_bam_subscales_and_flags() -> None:
    facts = CUTOFFS["BAM"]["subscales"]
    by_name = {each.name.removeprefix("BAM "): each for each in BY_NAME["BAM"].scores}
    for name, published_facts in facts.items():
        assert by_name[name].items == tuple(str(item) for item in published_facts["items"])
        assert [by_name[name].low, by_name[name].high] == published_facts["range"]
    assert by_name["Use"].positive(1)
    assert by_name["Risk"].positive(12)
    assert by_name["Protective"].positive(12)
    assert by_name["Protective"].positive(13) is False
    assert BY_NAME["BAM"].total is None


def test_dass_doubles_and_never_mixes_undoubled_bands() -> None:
    answers = {str(at): 1 for at in range(1, 22)}
    result = score(BY_NAME["DASS-21"], answers)
    assert {each.score.id: each.value for each in result.scores} == {"depression": 14, "anxiety": 14, "stress": 14}
    assert {each.score.id: each.band for each in result.scores} == {
        "depression": "moderate", "anxiety": "moderate", "stress": "normal",
    }


def test_pcl5_symptom_pattern() -> None:
    flags = score(BY_NAME["PCL-5"], all_of(BY_NAME["PCL-5"], 0) | dict.fromkeys(
        ["1", "6", "8", "9", "15", "16"], 2)).flags  # fmt: skip
    assert flags == ("criteria",)
    without_d = dict.fromkeys(["1", "6", "8", "15", "16"], 4)
    assert not score(BY_NAME["PCL-5"], all_of(BY_NAME["PCL-5"], 0) | without_d).flags


# -- C-SSRS --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("yes", "level"),
    [
        ((), ""), (("1",), "low"), (("2",), "low"), (("2", "3"), "moderate"), (("2", "4"), "high"),
        (("2", "3", "5"), "high"), (("6",), "moderate"), (("6", "6-recent"), "high"), (("1", "6"), "moderate"),
    ],
)  # fmt: skip
def test_cssrs_triage(yes: tuple[str, ...], level: str) -> None:
    definition = BY_NAME["C-SSRS"]
    answers = {item.id: int(item.id in yes) for item in definition.items}
    away = skipped(definition, {"2": answers["2"], "6": answers["6"]})
    result = score(definition, {name: value for name, value in answers.items() if name not in away})
    assert result.level == level
    assert result.safety is (level in ("moderate", "high"))
    assert result.needs_action is (level == "high")


def test_cssrs_codes_are_the_loinc_ones() -> None:
    codes = [item.code for item in BY_NAME["C-SSRS"].items]
    assert codes == ["93246-7", "93247-5", "93248-3", "93249-1", "93250-9", "93267-3", "93269-9"]


def test_cssrs_high_is_complete_only_with_a_safety_action() -> None:
    answers = {"1": 1, "2": 1, "3": 1, "4": 1, "5": 0, "6": 0}
    open_ = measure(BY_NAME["C-SSRS"], answers, taken=DAY)
    codes = [item.code for item in model.MEASURE.findings(open_, RuleContext(DAY)) if item.severity is Severity.REFUSE]
    assert codes == ["safety_action"]
    closed = measure(BY_NAME["C-SSRS"], answers, taken=DAY, safety_action="Plan renewed, sister called.")
    assert not [f for f in model.MEASURE.findings(closed, RuleContext(DAY)) if f.severity is Severity.REFUSE]


# -- every questionnaire -------------------------------------------------------------------------


def test_every_shipped_file_scores_right() -> None:
    assert {each.id: list(faults(each)) for each in shipped().values() if list(faults(each))} == {}


def test_texts_are_shipped_only_where_the_licence_allows_it() -> None:
    assert {each.id for each in shipped().values() if any(item.text for item in each.items)} == {
        "phq-9", "phq-2", "gad-7", "pcl-5", "audit", "audit-c", "csi-16",
    }
    assert {each.id for each in shipped().values() if each.texts == "shipped"} == {
        each.id for each in shipped().values() if each.has_texts
    }


@st.composite
def answered(draw: st.DrawFn) -> tuple[Definition, dict[str, int]]:
    """A questionnaire and some answers to it, the skipped items left out."""
    definition = draw(st.sampled_from(SCORED))
    answers: dict[str, int] = {}
    leave_out = draw(st.sets(st.sampled_from([item.id for item in definition.items]), max_size=2))
    for item in definition.items:
        if item.id not in skipped(definition, answers) and item.id not in leave_out:
            answers[item.id] = draw(st.sampled_from(definition.values(item)))
    return definition, answers


@pytest.mark.usefixtures("scale")
@given(answered())
def test_scores_lie_in_their_range_and_need_every_item(given_: tuple[Definition, dict[str, int]]) -> None:
    definition, answers = given_
    result = score(definition, answers)
    for each in result.scores:
        lacking = [name for name in each.score.items if name in result.missing]
        if lacking and not each.score.impute:
            assert each.value is None
        elif each.value is not None:
            assert each.score.low <= each.value <= each.score.high
            if each.score.bands:
                assert each.band


@pytest.mark.usefixtures("scale")
@given(answered(), st.data())
def test_a_reversed_item_counts_the_other_way(given_: tuple[Definition, dict[str, int]], data: st.DataObject) -> None:
    definition, answers = given_
    for each in definition.scores:
        name = data.draw(st.sampled_from(each.items))
        values = sorted(definition.values(definition.item(name)))
        before, after = ({**answers, name: value} for value in (values[0], values[-1]))
        low = next(found.value for found in score(definition, before).scores if found.score.id == each.id)
        high = next(found.value for found in score(definition, after).scores if found.score.id == each.id)
        if low is not None and high is not None and not _decides_skips(definition, name):
            assert (high > low) is (name not in each.reverse)


def _decides_skips(definition: Definition, name: str) -> bool:
    return any(name in clause.items for rule in definition.skips for clause in rule.when)


@pytest.mark.usefixtures("scale")
@given(answered())
def test_skipped_items_count_nothing(given_: tuple[Definition, dict[str, int]]) -> None:
    definition, answers = given_
    result = score(definition, answers)
    zeroed = {**answers, **dict.fromkeys(result.skipped, 0)}
    assert [each.value for each in score(definition, zeroed).scores] == [each.value for each in result.scores]
    assert not set(result.skipped) & set(result.missing)


@pytest.mark.usefixtures("scale")
@given(answered(), st.data())
def test_an_answer_outside_its_range_is_refused(
    given_: tuple[Definition, dict[str, int]], data: st.DataObject
) -> None:
    definition, answers = given_
    item = data.draw(st.sampled_from(definition.items))
    wrong = data.draw(st.integers(-3, 60).filter(lambda value: value not in definition.values(item)))
    with pytest.raises(InputRejected, match=f"item {item.id}"):
        score(definition, {**answers, item.id: wrong})


@pytest.mark.usefixtures("scale")
@given(answered())
def test_the_document_gives_the_answers_back(given_: tuple[Definition, dict[str, int]]) -> None:
    definition, answers = given_
    kept = model.MEASURE.decode(model.MEASURE.encode(measure(definition, answers, taken=DAY)), 2)
    assert answers_of(kept) == answers


@pytest.mark.parametrize(
    ("answers", "away"),
    [({"1": 0}, "2345678"), ({"1": 2, "2": 0, "3": 0}, "45678"), ({"1": 2, "2": 1, "3": 0}, "")],
)
def test_audit_skips(answers: dict[str, int], away: str) -> None:
    assert "".join(skipped(BY_NAME["AUDIT"], answers)) == away


def test_pss10_and_dast10_reverse_the_published_items() -> None:
    assert BY_NAME["PSS-10"].scores[0].reverse == ("4", "5", "7", "8")
    assert BY_NAME["DAST-10"].scores[0].reverse == ("3",)
    assert score(BY_NAME["DAST-10"], all_of(BY_NAME["DAST-10"], 0)).value() == 1


def test_who5_is_the_sum_times_four() -> None:
    assert score(BY_NAME["WHO-5"], {str(at): 2 for at in range(1, 6)}).value() == 40


def test_readiness_rulers_have_no_sum() -> None:
    result = score(BY_NAME["Readiness ruler"], {"importance": 9, "confidence": 4, "readiness": 10})
    assert [each.value for each in result.scores] == [9, 4, 10]
    assert BY_NAME["Readiness ruler"].total is None


def test_too_many_missing_items_make_it_invalid() -> None:
    made = measure(BY_NAME["PHQ-9"], numbered([1, 1, 1, 1, 1, 1, 1]), taken=DAY)
    assert made.warnings == (model.INVALID,)
    assert made.score is None
    made = measure(BY_NAME["PHQ-9"], numbered([1] * 8), taken=DAY)
    assert made.warnings == (model.ITEM_MISSING,)


def test_a_stated_total_without_items_is_kept_when_it_is_possible() -> None:
    assert measure(BY_NAME["PHQ-9"], {}, taken=DAY, stated=14).score == 14
    made = measure(BY_NAME["PHQ-9"], {}, taken=DAY, stated=34)
    assert (made.score, made.stated) == (None, 34)
    assert model.OUT_OF_RANGE in made.warnings


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({"score": 28}, {"out_of_range"}), ({"score": -1}, {"out_of_range"}), ({"score": 27}, set()),
        ({"score": 12, "computed": 11}, {"not_the_sum"}), ({"stated": 34}, set()),
        ({"score": 30, "lowest": 0, "highest": 40}, set()),
    ],
)  # fmt: skip
def test_a_score_that_cannot_be_is_refused_however_it_comes_in(fields: dict[str, Any], codes: set[str]) -> None:
    document = model.MEASURE.parse({"instrument": "PHQ-9", "taken": "2026-03-12", **fields})
    found = model.MEASURE.findings(document, RuleContext(DAY))
    assert {item.code for item in found if item.severity is Severity.REFUSE} == codes


V1 = (
    b'{"instrument":"PHQ-9","taken":"2026-03-10","score":9.0,"stated":34.0,"computed":9,"lowest":0,"highest":27,'
    b'"band":"mild","items":[{"code":"44250-9","text":"Interest","value":1}],"safety_item":true,"code":"44261-6",'
    b'"status":"completed","warnings":["totals disagree"]}'
)


def test_a_measure_of_payload_version_1_opens_with_everything_it_said() -> None:
    document = model.MEASURE.decode(V1, 1)
    assert (document.score, document.stated, document.computed) == (9, 34, 9)
    assert (document.highest, document.band, document.safety_item) == (27, "mild", True)
    assert document.items[0].value == 1
    assert document.scales == ()
    assert {fact.key for fact in model.MEASURE.facts(document)} == {"PHQ-9"}


# -- change --------------------------------------------------------------------------------------


def test_reliable_change_from_sd_and_alpha() -> None:
    needed = {each.name: each.changes[0].needed() for each in (BY_NAME["CSI-16"], BY_NAME["CSI-4"])}
    assert needed == {"CSI-16": pytest.approx(6.664), "CSI-4": pytest.approx(3.3948)}


@pytest.mark.parametrize(
    ("name", "before", "after", "fired"),
    [
        ("PHQ-9", 15, 9, {"reliable change", "clinically important", "below caseness"}),
        ("PHQ-9", 15, 10, {"clinically important"}),
        ("PHQ-9", 15, 4, {"reliable change", "clinically important", "response", "remission", "below caseness"}),
        ("PHQ-9", 9, 15, {"reliable change", "clinically important"}),
        ("GAD-7", 10, 6, {"reliable change", "below caseness"}),
        ("PCL-5", 50, 44, {"response"}),
        ("CSI-16", 45, 52, {"reliable change", "out of distress"}),
        ("CSI-16", 45, 50, set()),
    ],
)
def test_change_rules(name: str, before: float, after: float, fired: set[str]) -> None:
    found = changes(BY_NAME[name], "total", before, after)
    assert {each.rule for each in found} == fired
    assert all(each.source for each in found)


def test_a_mark_on_the_chart_names_rule_and_direction() -> None:
    worse = marked(BY_NAME["CSI-16"], "total", 60, 50)
    assert worse is not None
    assert (worse.rule, worse.direction) == ("reliable change", "worse")
    assert marked(BY_NAME["PHQ-9"], "total", 15, 10) is None


def test_the_document_says_which_rule_fired_with_its_source() -> None:
    first = measure(BY_NAME["GAD-7"], numbered([2] * 7), taken=DAY)
    second = measure(BY_NAME["GAD-7"], numbered([1] * 7), taken=DAY, last=first)
    assert second.changes[0] == "GAD-7: reliable change, better (4 or more points; NHS Talking Therapies)"
