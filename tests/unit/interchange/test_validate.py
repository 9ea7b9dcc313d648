"""The structural check: third-party files pass, broken ones are named, values never appear in reasons."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from iop_tui.interchange.fhir.validate import problems, resource_types
from tests.support.clinic.fhir import VECTORS, patient, read_here, resource

EXAMPLES = sorted((VECTORS / "r4").glob("*.json"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_official_examples(path: Any) -> None:
    found = problems(json.loads(path.read_bytes()))
    if path.stem == "Questionnaire-qs1":
        assert found
        assert all("linkId" in each for each in found)
    else:
        assert found == []


def test_ds4p_label_that_is_not_r4_is_named_by_place() -> None:
    found = problems(json.loads((VECTORS / "ds4p" / "extension-sec-label-related-artifact-consent.json").read_bytes()))
    assert found == ["At meta.security[0].extension[0].valueRelatedArtifact.resource: a value of the wrong kind."]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (patient(birthDate="1980-13-40"), "At birthDate: a value that is not written the way FHIR R4 writes it."),
        (patient(nickname="Nobody"), "At the top: an element that FHIR R4 does not have here."),
        (patient(name="Nobody"), "At name: a value of the wrong kind."),
        (patient(gender="Nobody"), "At gender: a"),
        (
            resource("MedicationRequest", "m", status="active", medicationCodeableConcept={}),
            "required element intent is missing",
        ),
        (resource("Encounter", "e", status="bogus", **{"class": {"code": "AMB"}}), "At status: a"),
        (
            {"resourceType": "QuestionnaireResponse", "status": "completed", "item": [{"text": "Nobody"}]},
            "linkId is missing",
        ),
        (patient(contained=[{"resourceType": "Observation", "id": "o"}]), "In contained[0]:"),
        ({"resourceType": "NutritionProduct"}, "does not exist in FHIR R4"),
        ({"id": "1"}, "does not say its resource type"),
        ([], "no JSON object"),
    ],
)
def test_what_is_wrong_is_said_without_the_value(broken: Any, reason: str) -> None:
    found = problems(broken)
    assert any(reason in each for each in found), found
    assert not any("Nobody" in each or "bogus" in each for each in found)


def test_a_required_code_may_be_absent_with_a_reason() -> None:
    absent = {
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
    }
    assert problems(resource("Encounter", "e", _status=absent, **{"class": {"code": "AMB"}})) == []


def test_thousands_of_errors_stay_cheap() -> None:
    found = problems(patient(name=[{"family": number} for number in range(50_000)]))
    assert 1 <= len(found) <= 3


def test_an_independent_validator_agrees_on_whole_files() -> None:
    result = read_here(*sorted((VECTORS / "bulk").glob("[A-P]*.ndjson*")))
    assert result.rejected == []
    for item in result.items:
        get_fhir_model_class(item.source_type).model_validate_json(item.raw)


def test_every_r4_type_is_known() -> None:
    assert len(resource_types()) == 146
