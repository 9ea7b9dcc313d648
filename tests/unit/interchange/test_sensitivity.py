"""Substance use goes to SUD, violence to SAFE: by published codes, chapters, words, labels and by pointing at it."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest

from iop_tui.interchange.fhir import fsh, sensitivity
from iop_tui.interchange.fhir.map_notes import texts_inside
from iop_tui.interchange.fhir.sensitivity import code_labels, compartment_for, labels, word_labels
from tests.support.clinic.fhir import (
    LOINC,
    SNOMED,
    SYNTHEA,
    VECTORS,
    coded,
    observation,
    patient,
    read_bundle,
    read_here,
    resource,
)

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
PARTNER_ABUSE = coded("706893006", "Victim of intimate partner abuse (finding)")
OPIOID_ABUSE = coded("5602001", "Opioid abuse (disorder)")


def test_the_shipped_table_is_what_the_published_lists_convert_to() -> None:
    curated, modules = (
        (VECTORS / "ds4p" / name).read_text(encoding="utf-8")
        for name in ("SensitiveKindCodes.fsh", "synthea_valuesets_by_sensitivity.fsh")
    )
    shipped = Path(sensitivity.__file__).parents[2] / "data" / "sensitivity" / "ds4p.json"
    assert fsh.convert(curated, modules) == json.loads(shipped.read_bytes())


@pytest.mark.parametrize(
    ("system", "code", "place"),
    [
        (SNOMED, "706893006", "SAFE"),
        (LOINC, "76504-0", "SAFE"),
        (LOINC, "76499-3", "SAFE"),
        (LOINC, "28245-9", "SAFE"),
        (ICD10, "T74.11XA", "SAFE"),
        (ICD10, "T7411XD", "SAFE"),
        (ICD10, "Z69.11", "SAFE"),
        (ICD10, "Z91.410", "SAFE"),
        (SNOMED, "5602001", "SUD"),
        (SNOMED, "7200002", "SUD"),
        (LOINC, "75626-2", "SUD"),
        (LOINC, "82667-7", "SUD"),
        (RXNORM, "352364", "SUD"),
        (RXNORM, "1049221", "SUD"),
        (ICD10, "F10.20", "SUD"),
        (ICD10, "F1120", "SUD"),
        ("urn:oid:2.16.840.1.113883.6.96", "5602001", "SUD"),
        (SNOMED, "185347001", "IND"),
        (SNOMED, "65546002", "IND"),
        (SNOMED, "82423001", "IND"),
        (SNOMED, "734163000", "IND"),
        (ICD10, "F17.210", "IND"),
        (ICD10, "F33.1", "IND"),
        (LOINC, "44261-6", "IND"),
        (LOINC, "72166-2", "IND"),
        (SNOMED, "86849004", "IND"),
    ],
)
def test_codes(system: str, code: str, place: str) -> None:
    assert compartment_for("IND", code_labels(system, code)) == place


def test_safe_wins_over_sud() -> None:
    assert compartment_for("MED", frozenset({"SUD", "SDV"})) == "SAFE"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("is an active smoker and is an alcoholic.", "SUD"),
        ("Alcohol use disorder, severe", "SUD"),
        ("Dependent drug abuse (disorder)", "SUD"),
        ("Drug overdose", "SUD"),
        ("misuses drugs", "SUD"),
        ("Buprenorphine 8 MG", "SUD"),
        ("Cocaine [Presence] in Urine", "SUD"),
        ("Narcotics Anonymous twice a week", "SUD"),
        ("victim of intimate partner abuse (finding)", "SAFE"),
        ("Screening for domestic violence", "SAFE"),
        ("afraid of your partner or ex-partner", "SAFE"),
        ("was raped at 19", "SAFE"),
        ("Sexual assault exam", "SAFE"),
        ("non-alcoholic fatty liver", "IND"),
        ("nonalcoholic steatohepatitis", "IND"),
        ("isopropyl alcohol swab", "IND"),
        ("Counseling about alcohol consumption", "IND"),
        ("rapeseed oil", "IND"),
        ("his partner attended", "IND"),
        ("Reports of violence in the environment (finding)", "IND"),
        ("drug allergy", "IND"),
        ("tobacco use disorder", "IND"),
    ],
)
def test_words(text: str, place: str) -> None:
    assert compartment_for("IND", word_labels(text.encode())) == place


def test_every_word_rule_can_be_reached_through_its_anchors() -> None:
    for rule in sensitivity.lists().words:
        assert all(anchor == anchor.lower() for anchor in rule.anchors)


def test_security_labels_count_wherever_they_stand() -> None:
    security = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "42CFRPart2"}]}
    assert compartment_for("IND", labels(resource("Condition", "c", meta=security))) == "SUD"


def test_whatever_points_at_a_sensitive_record_is_as_sensitive(tmp_path: Path) -> None:
    pointing = {"reference": "urn:uuid:abuse"}
    result = read_bundle(
        tmp_path,
        patient(),
        resource("Condition", "abuse", code=PARTNER_ABUSE),
        resource("Encounter", "visit", status="finished", **{"class": {"code": "AMB"}}, reasonReference=[pointing]),
        resource(
            "CarePlan",
            "plan",
            status="active",
            intent="plan",
            addresses=[pointing],
            goal=[{"reference": "urn:uuid:goal"}],
        ),
        resource("Goal", "goal", lifecycleStatus="active", description={"text": "Feel calm"}),
        observation("weight", "29463-7", 80, encounter={"reference": "urn:uuid:visit"}),
        observation("height", "8302-2", 180, encounter={"reference": "urn:uuid:other"}),
        resource("Encounter", "other", status="finished", **{"class": {"code": "AMB"}}),
    )
    assert {each.source_id: each.compartment for each in result.items} == {
        "p": "DIR",
        "abuse": "SAFE",
        "visit": "SAFE",
        "plan": "SAFE",
        "goal": "SAFE",
        "weight": "SAFE",
        "height": "IND",
        "other": "IND",
    }


def test_sensitivity_travels_between_files(tmp_path: Path) -> None:
    lines = {
        "1.ndjson": resource(
            "MedicationRequest",
            "m",
            "Patient/p",
            status="active",
            intent="order",
            medicationCodeableConcept={"text": "Sertraline"},
            reasonReference=[{"reference": "Condition/c"}],
        ),
        "2.ndjson": resource("Condition", "c", "Patient/p", code=OPIOID_ABUSE),
        "3.ndjson": patient(),
    }
    for name, line in lines.items():
        (tmp_path / name).write_text(json.dumps(line) + "\n", encoding="utf-8")
    result = read_here(*sorted(tmp_path.iterdir()))
    assert {each.source_id: each.compartment for each in result.items} == {"p": "DIR", "m": "SUD", "c": "SUD"}


def test_notes_are_read_before_they_are_placed(tmp_path: Path) -> None:
    def note(ident: str, text: str) -> dict[str, object]:
        attachment = {"contentType": "text/plain", "data": base64.b64encode(text.encode()).decode()}
        return resource("DocumentReference", ident, status="current", content=[{"attachment": attachment}])

    private = coded("1", "Trouble at the old mill (finding)") | {"text": ""}
    del private["text"]
    security = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "SDV"}]}
    result = read_bundle(
        tmp_path,
        patient(),
        patient("q"),
        resource("Condition", "c", code=private, meta=security),
        note("plain", "Slept well."),
        note("drinking", "She is an alcoholic."),
        note("named", "TROUBLE AT THE OLD MILL again."),
        note("other", "trouble at the old mill") | {"subject": {"reference": "urn:uuid:q"}},
    )
    places = {each.source_id: each.compartment for each in result.of("received_note")}
    assert places == {"plain": "IND", "drinking": "SUD", "named": "SAFE", "other": "IND"}


VIOLENCE = re.compile(r"partner abuse|domestic abuse|\bHARK\b|abuse status|ex-partner", re.IGNORECASE)
SUBSTANCES = re.compile(
    r"\balcoholi|opioid abuse|drug overdose|misuses drugs|AUDIT-C|DAST-10|substance use", re.IGNORECASE
)


def test_no_word_of_a_couple_s_files_lies_in_the_wrong_place() -> None:
    result = read_here(*sorted(SYNTHEA.glob("*.json*")))
    assert result.rejected == []
    for item in result.items:
        text = item.raw.decode() + json.dumps(item.fields) + "\n".join(texts_inside(json.loads(item.raw)))
        if item.compartment != "SAFE":
            assert not VIOLENCE.search(text), item.place
        if item.compartment not in ("SAFE", "SUD"):
            assert not SUBSTANCES.search(text), item.place
    assert {"SAFE", "SUD", "IND", "MED", "PAY", "DIR", "ORG"} == {each.compartment for each in result.items}
