"""Scores: real wrong totals, answers coded alike, foreign answers, two records of one administration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from iop_tui.clinical.measures import model
from iop_tui.clinical.measures.instruments import catalogue
from iop_tui.interchange.items import Mapped
from tests.support.clinic.fhir import (
    LOINC,
    VECTORS,
    Json,
    coded,
    observation,
    patient,
    read_bundle,
    read_here,
    resource,
)

MEASURES = VECTORS / "measures"
PHQ9 = [item.code for item in next(each for each in catalogue().instruments if each.name == "PHQ-9").items]
ANSWERS = ["LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9"]
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"


def _item(code: str, value: int, **coding: Any) -> Json:
    answer = {"system": LOINC, "code": ANSWERS[value], **coding}
    return {"linkId": f"/{code}", "answer": [{"valueCoding": answer}]}


def _form(ident: str, values: list[int], stated: float | None = None, **more: Any) -> Json:
    items = [_item(code, value) for code, value in zip(PHQ9, values, strict=False)]
    if stated is not None:
        items.append({"linkId": "/44261-6", "answer": [{"valueDecimal": stated}]})
    return resource(
        "QuestionnaireResponse", ident, status="completed", authored="2024-05-06T23:30:00-05:00", item=items, **more
    )


def _measure(folder: Path, *resources: Json) -> Mapped:
    return read_bundle(folder, patient(), *resources).one("measure")


def _as_r4(bundle: Json) -> Json:
    """STU3's Reference to the questionnaire is a canonical in R4; the answers stay as they are."""
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] == "QuestionnaireResponse":
            entry["resource"]["questionnaire"] = "https://example.org/phq-9"
    return bundle


@pytest.fixture(scope="module")
def ahrq(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Mapped]:
    """The real third-party PHQ-9 file, by response id."""
    path = tmp_path_factory.mktemp("ahrq") / "ahrq.json"
    path.write_text(json.dumps(_as_r4(json.loads((MEASURES / "ahrq-depression-phq9.stu3.bundle.json").read_bytes()))))
    result = read_here(path)
    assert result.rejected == []
    return {each.source_id: each for each in result.items if each.source_type == "QuestionnaireResponse"}


VECTORS_OF_THE_FILE = [
    each
    for each in json.loads((MEASURES / "scoring_vectors.json").read_bytes())["vectors"]
    if each["id"].startswith("ahrq-")
]


@pytest.mark.parametrize("vector", VECTORS_OF_THE_FILE, ids=lambda each: each["id"])
def test_third_party_responses(vector: Json, ahrq: dict[str, Mapped]) -> None:
    item = ahrq[vector["id"].removeprefix("ahrq-")]
    if not vector["items"]:
        assert item.kind == "received" or item.fields["computed"] is None
        return
    assert [each["value"] for each in item.fields["items"]] == vector["items"]
    assert (item.fields["computed"], item.fields["stated"]) == (vector["sum_of_items"], vector["stated_total"])
    assert item.fields["score"] == vector["sum_of_items"]
    assert item.fields["band"] == vector["band_of_sum"]
    assert item.fields["safety_item"] == vector["item9_positive"]
    assert (model.TOTALS_DISAGREE in item.flags) == (not vector["stated_total_consistent"])


def test_stu3_answers_as_they_are_mean_the_same(ahrq: dict[str, Mapped]) -> None:
    result = read_here(MEASURES / "ahrq-depression-phq9.stu3.bundle.json")
    assert result.rejected == []
    assert len(result.of("person")) == 13
    found = {each.source_id: each for each in result.items if each.source_type == "QuestionnaireResponse"}
    assert len(found) == 29
    assert {key: each.fields for key, each in found.items()} == {key: each.fields for key, each in ahrq.items()}
    assert b'"questionnaire": {' in next(iter(found.values())).raw, "kept as it came"


def test_the_extension_is_trusted_and_the_contradiction_flagged(ahrq: dict[str, Mapped]) -> None:
    assert any(model.ANSWERS_DISAGREE in each.flags for each in ahrq.values())


def test_a_total_alone(tmp_path: Path) -> None:
    item = _measure(tmp_path, observation("o", "44261-6", 12))
    assert (item.fields["instrument"], item.fields["score"], item.fields["band"]) == ("PHQ-9", 12, "moderate")
    assert (item.fields["taken"], str(item.effective)) == ("2024-05-06", "2024-05-06")
    assert item.flags == ()


@pytest.mark.parametrize("value", [28, -1, 4.5])
def test_an_impossible_total_is_kept_flagged_and_not_charted(tmp_path: Path, value: float) -> None:
    item = _measure(tmp_path, observation("o", "44261-6", value))
    assert (item.fields["stated"], item.fields["score"], item.flags) == (value, None, (model.OUT_OF_RANGE,))


def test_a_total_in_words_is_flagged(tmp_path: Path) -> None:
    item = _measure(tmp_path, observation("o", "44261-6") | {"valueString": "high"})
    assert item.flags == (model.NOT_A_NUMBER,)


def test_missing_items_give_no_sum(tmp_path: Path) -> None:
    item = _measure(tmp_path, _form("f", [1] * 8))
    assert (item.fields["computed"], item.fields["warnings"]) == (None, [model.ITEM_MISSING])


def test_an_answer_of_another_list_is_not_scored(tmp_path: Path) -> None:
    form = _form("f", [1] * 9)
    form["item"][2]["answer"][0]["valueCoding"]["code"] = "LA33-6"
    item = _measure(tmp_path, form)
    assert item.fields["items"][2]["value"] is None
    assert model.FOREIGN_ANSWER in item.flags


def test_a_sum_with_components_is_checked(tmp_path: Path) -> None:
    parts = [{"code": coded(code, system=LOINC), "valueInteger": 2} for code in PHQ9]
    item = _measure(tmp_path, observation("o", "44261-6", 13, component=parts))
    assert (item.fields["computed"], item.fields["stated"], item.fields["score"]) == (18, 13, 18)
    assert item.flags == (model.TOTALS_DISAGREE,)


def test_a_sum_with_member_observations_is_checked(tmp_path: Path) -> None:
    members = [observation(f"i{n}", code, 1) for n, code in enumerate(PHQ9)]
    total = observation("t", "44261-6", 10, hasMember=[{"reference": f"urn:uuid:i{n}"} for n in range(9)])
    item = _measure(tmp_path, total, *members)
    assert (item.fields["computed"], item.flags) == (9, (model.TOTALS_DISAGREE,))


def test_form_and_total_of_one_administration_are_one_measure(tmp_path: Path) -> None:
    total = observation("t", "44261-6", 13, derivedFrom=[{"reference": "urn:uuid:f"}])
    result = read_bundle(tmp_path, patient(), _form("f", [1] * 9), total)
    assert result.one("measure").fields["computed"] == 9
    assert result.one("received").flags == ("scored with its questionnaire", model.TOTALS_DISAGREE)


def test_a_contained_form_is_summed(tmp_path: Path) -> None:
    form = _form("f", [2] * 9)
    del form["subject"]
    item = _measure(tmp_path, observation("t", "44261-6", 18, contained=[form], derivedFrom=[{"reference": "#f"}]))
    assert (item.fields["computed"], item.flags) == (18, ())


def test_texts_and_ordinals_do_when_no_code_is_there(tmp_path: Path) -> None:
    """A real GAD-7 form with random link ids and home-made answer codes that carry an ordinal value."""
    questionnaire = json.loads((MEASURES / "GAD-7.questionnaire.r4.json").read_bytes()) | {"id": "gad"}
    contained = [*questionnaire.pop("contained"), questionnaire]
    options = [
        each
        for value_set in contained[:-1]
        for include in value_set["compose"]["include"]
        for each in include["concept"]
    ]
    often = next(each["code"] for each in options if each["extension"][0]["valueDecimal"] == 2)
    questions = [each for each in questionnaire["item"][0]["item"] if each["type"] == "choice"]
    items = [
        {"linkId": each["linkId"], "text": each["text"], "answer": [{"valueCoding": {"code": often}}]}
        for each in questions
    ]
    form = resource(
        "QuestionnaireResponse", "f", status="completed", contained=contained, questionnaire="#gad", item=items
    )
    item = _measure(tmp_path, form)
    assert (item.fields["instrument"], item.fields["computed"], item.fields["band"]) == ("GAD-7", 14, "moderate")


@pytest.mark.parametrize(
    ("codes", "name"),
    [
        (PHQ9[:2], "PHQ-2"),
        (PHQ9[:3], "PHQ-9"),
        (["68518-0", "68519-8", "68520-6"], "AUDIT-C"),
    ],
)
def test_the_shortest_instrument_that_holds_all_items(tmp_path: Path, codes: list[str], name: str) -> None:
    items = [{"linkId": f"/{code}", "answer": [{"valueInteger": 1}]} for code in codes]
    item = _measure(tmp_path, resource("QuestionnaireResponse", "f", status="completed", item=items))
    assert item.fields["instrument"] == name


def test_audit_c_with_a_count_as_first_item_has_no_sum(tmp_path: Path) -> None:
    items = [
        {"linkId": "/68517-2", "answer": [{"valueDecimal": 12}]},
        {"linkId": "/68519-8", "answer": [{"valueInteger": 2}]},
        {"linkId": "/68520-6", "answer": [{"valueInteger": 1}]},
    ]
    form = resource("QuestionnaireResponse", "f", status="completed", item=items)
    item = _measure(tmp_path, form)
    assert (item.fields["instrument"], item.fields["computed"], item.compartment) == ("AUDIT-C", None, "SUD")


def test_every_measure_document_keeps_its_warnings_as_findings() -> None:
    declared = model.MEASURE
    document = declared.parse({"instrument": "PHQ-9", "warnings": [model.TOTALS_DISAGREE], "safety_item": True})
    assert [each.code for each in declared.rules(document, None)] == ["totals_disagree", "safety_item"]  # type: ignore[arg-type]
