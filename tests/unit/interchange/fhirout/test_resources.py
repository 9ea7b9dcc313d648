"""Every kind of document as FHIR R4: valid by the official schema and by a second implementation, carried whole."""

from __future__ import annotations

import json
from datetime import date, time
from typing import Any

import msgspec
import pytest
from fhir.resources.R4B import get_fhir_model_class

from iop_tui.access.policy import Kind
from iop_tui.clinical.measures.model import TYPES as MEASURES
from iop_tui.clinical.measures.model import Measure, MeasureItem
from iop_tui.clinical.medications.model import Allergy, Medication, Reaction
from iop_tui.clinical.plans.model import Coded, Condition, PlannedActivity, ReceivedGoal, ReceivedPlan
from iop_tui.clinical.plans.treatment import Diagnosis, Goal, Intervention, Objective, Problem, TreatmentPlan
from iop_tui.clinical.relapse.model import CopingStep, RelapsePlan
from iop_tui.clinical.safety.model import RiskAssessment
from iop_tui.clinical.safety.plan import SafetyPlan
from iop_tui.clinical.sessions.model import Encounter, Procedure, Session
from iop_tui.clinical.toxicology.testing import Analyte, DrugScreen
from iop_tui.interchange.fhir import validate
from iop_tui.interchange.fhir.carried import carried, owner, place, restorable, vault
from iop_tui.interchange.fhirout import build, verbatim
from iop_tui.interchange.fhirout.catalogue import MAKERS, resources_of
from iop_tui.interchange.fhirout.records import Around, Record, Signed
from iop_tui.slices import TYPES
from tests.support.clinic.documents import filled

_KINDS = {kind.kind: kind for kind in TYPES}
_DAY = date(2026, 3, 1)
AROUND = Around("Patient/p1", "vaultid", lambda user: {"reference": "Practitioner/u1", "display": "Dana"})
CODES = (Coded(system="http://snomed.info/sct", code="36971009", display="Sinusitis"),)
PLAN = TreatmentPlan(
    admitted=_DAY, planned=_DAY, effective=_DAY, part2=True,
    diagnoses=(Diagnosis(code="F10.20", text="Alcohol dependence", primary=True),),
    problems=(
        Problem(text="Sleep", goals=(
            Goal(text="I want to sleep", objectives=(
                Objective(text="Seven hours", baseline="4", measure="diary", target="7", target_date=_DAY,
                          interventions=(Intervention(text="urge surfing", modality="CBT", type="individual",
                                                      minutes=50, times=1, responsible="Dana"),)),
                Objective(text="No screens", status="met", closed_on=_DAY, outcome="done"),
            )),
        )),
        Problem(text="Work"),
    ),
)  # fmt: skip
RICH: dict[str, Any] = {
    "treatment_plan": PLAN,
    "condition": Condition(text="Sinusitis", codes=CODES, clinical_status="resolved", verification="confirmed",
                           category="problem list", severity="mild", onset=_DAY, ended=_DAY, comment="x"),
    "received_goal": ReceivedGoal(text="Walk", status="active", targets=("5 km", "10 km"), due=_DAY, addresses=("x",)),
    "received_plan": ReceivedPlan(title="Plan", status="active", intent="plan", goals=("g",), addresses=("a",),
                                  activities=(PlannedActivity(text="Walk", status="odd", place="park"),)),
    "medication": Medication(text="Naltrexone", codes=CODES, status="cancelled", origin="statement", started=_DAY,
                             dosage=("50 mg",), reasons=("x",), prescriber="Dr Lee"),
    "allergy": Allergy(text="Nuts", type="allergy", categories=("food", "odd"), criticality="high",
                       verification="confirmed", reactions=(Reaction(text="", severity="mild"),), recorded=_DAY),
    "encounter": Encounter(text="Visit", codes=CODES, started=_DAY, seen_by=("Dr Lee",), reasons=("x",)),
    "procedure": Procedure(text="Screening", performed_text="2012-05", outcome="done"),
    "risk_assessment": RiskAssessment(assessed=_DAY, level="high"),
}  # fmt: skip


def rich(kind: Any) -> Any:
    """A document with everything in it, else with words in its texts."""
    return RICH.get(kind.kind) or filled(kind)


def record(kind: Any, document: Any, **more: Any) -> Record:
    values: dict[str, Any] = {
        "id": bytes(range(16)), "type": kind, "document": document, "place": "IND", "status": "signed",
        "author": bytes(16), "changed_ms": 1_770_000_000_000, "payload": kind.encode(document),
    }  # fmt: skip
    return Record(**{**values, **more})


def check(resources: list[build.Json]) -> None:
    for resource in resources:
        text = json.dumps(resource)
        assert validate.problems(resource) == [], text
        get_fhir_model_class(resource["resourceType"]).model_validate(json.loads(text))


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.kind)
def test_every_kind_is_valid_r4_and_carries_its_document(kind: Any) -> None:
    document = rich(kind)
    signed = Signed(bytes(16), "author", "2026-03-01T10:00:00Z", "passphrase", "ab" * 32, "cd" * 64)
    found = resources_of(record(kind, document, signatures=(signed,)), AROUND)
    check(found)
    first, *parts = found
    assert len({(each["resourceType"], each["id"]) for each in found}) == len(found)
    assert all(owner(each) == f"{first['resourceType']}/{first['id']}" for each in parts)
    assert vault(first) == "vaultid"
    assert first["contained"][0]["signature"][0]["who"]["display"] == "Dana"
    restored = carried(first)
    assert (restored is not None) == (kind.kind in restorable())
    if restored is not None:
        assert restored[0].parse(restored[1]) == kind.parse(msgspec.to_builtins(document))


@pytest.mark.parametrize("kind", sorted({*MAKERS, "letter"}))
@pytest.mark.parametrize("state", [{"status": "draft"}, {"void": "entered for the wrong person"}])
def test_drafts_and_withdrawn_documents_say_so(kind: str, state: dict[str, str]) -> None:
    declared = _KINDS[kind]
    found = resources_of(record(declared, rich(declared), **state), AROUND)
    check(found)
    if found[0]["resourceType"] == "DocumentReference":
        assert found[0]["docStatus"] == ("preliminary" if "status" in state else "entered-in-error")


def test_a_plan_becomes_its_tree() -> None:
    found = resources_of(record(_KINDS["treatment_plan"], PLAN), AROUND)
    plan = found[0]
    assert [each["resourceType"] for each in found] == ["CarePlan", *["Condition"] * 3, *["Goal"] * 3]
    assert {ref["reference"] for ref in plan["goal"]} == {f"Goal/{each['id']}" for each in found[4:]}
    assert plan["activity"][0]["detail"]["description"].startswith("CBT, individual: urge surfing")
    assert [each["lifecycleStatus"] for each in found[4:]] == ["active", "proposed", "completed"]
    assert "42CFRPart2" in {label["code"] for label in plan["meta"]["security"]}


def test_a_measure_is_a_total_derived_from_answers() -> None:
    (kind,) = [each for each in MEASURES if each.kind == "measure"]
    document = kind.parse({
        "instrument": "PHQ-9", "taken": "2026-03-01", "score": 3, "code": "44261-6", "band": "minimal",
        "items": [{"code": "44250-9", "text": "Little interest", "value": 3}, {"code": "", "text": "x", "value": None}],
        "warnings": ["items missing"],
    })  # fmt: skip
    total, answers = resources_of(record(kind, document), AROUND)
    check([total, answers])
    assert total["valueQuantity"]["value"] == 3
    assert total["code"]["coding"] == [{"system": "http://loinc.org", "code": "44261-6"}]
    assert total["derivedFrom"] == [{"reference": f"QuestionnaireResponse/{answers['id']}"}]
    assert answers["item"][0]["answer"] == [{"valueInteger": 3}]
    assert "answer" not in answers["item"][1]
    none = kind.parse({"instrument": "DASS-21", "taken": "2026-03-01"})
    (alone,) = resources_of(record(kind, none), AROUND)
    check([alone])
    assert "dataAbsentReason" in alone
    assert alone["code"]["coding"][0]["system"] == "urn:iop-tui:instrument", "no LOINC number is guessed"


def test_labels_follow_the_part_of_the_chart() -> None:
    (sud,) = resources_of(record(_KINDS["letter"], filled(_KINDS["letter"]), place=str(Kind.SUD)), AROUND)
    codes = [label["code"] for label in sud["meta"]["security"]]
    assert codes == ["R", "SUD", "42CFRPart2", "NORDSCLCD", "SUD"]
    assert place(sud) == "SUD"
    high = build.high_water([{"meta": {"security": build.security("MED")}}, sud, {}])
    assert [label["code"] for label in high] == ["R", "42CFRPart2", "NORDSCLCD", "SUD"]


def test_nothing_is_empty() -> None:
    assert build.without_empty({"a": "", "b": [{}, {"c": None}], "d": 0, "e": False, "f": [""]}) == {"d": 0, "e": False}


def test_one_line_keeps_every_value() -> None:
    raw = b'{ "a" : 1.10,\n "b\\"  x" : [ "  two\\\\" , "\\u00f6 \xc3\xb6" ]\t}'
    line = verbatim.one_line(raw)
    assert line == b'{"a":1.10,"b\\"  x":["  two\\\\","\\u00f6 \xc3\xb6"]}'
    assert json.loads(line) == json.loads(raw)


@pytest.mark.parametrize("raw", [b"", b"<xml/>", b"[]", b"{", b'{"a":1}', b"\xff{}"])
def test_what_is_no_resource(raw: bytes) -> None:
    assert verbatim.resource_of(raw) is None


@pytest.mark.parametrize(
    "content",
    [{}, {"title": "person/1"}, {"title": "person/1", "data": "!!"}, {"title": "person/1", "data": "e30x"},
     {"title": "person/99", "data": "e30="}, {"title": "chart_map/1", "data": "e30="}, {"title": "nothing", "data": ""},
     {"title": "measure/1", "data": "eyJzY29yZSI6ICJ4In0="}],
)  # fmt: skip
def test_a_damaged_carrier_is_no_document(content: dict[str, str]) -> None:
    assert carried({"extension": [{"url": "urn:iop-tui:document", "valueAttachment": content}]}) is None


@pytest.mark.parametrize(
    ("document", "kind", "status"),
    [
        (Session(date=_DAY, start=time(9), stop=time(9, 50), status="kept"), "Encounter", "finished"),
        (Session(date=_DAY, start=time(9), stop=time(9, 50)), "Appointment", "booked"),
        (Session(date=_DAY, start=time(9), stop=time(9, 50), status="no-show", reason="x"), "Appointment", "noshow"),
        (Session(date=_DAY, status="cancelled", reason="ill"), "Appointment", "cancelled"),
        (Session(date=_DAY), "Appointment", "proposed"),
    ],
)
def test_a_session_is_what_became_of_it(document: Session, kind: str, status: str) -> None:
    (found,) = resources_of(record(_KINDS["session"], document), AROUND)
    check([found])
    assert (found["resourceType"], found["status"]) == (kind, status)


def test_carried_plans_are_answers_to_a_form_and_a_care_plan() -> None:
    """No published profile: the form lies inside, the plan's kind in a local category, its steps are activities."""
    kind = _KINDS["relapse_plan"]
    plan = RelapsePlan(made=_DAY, steps=(CopingStep(action="Call Ida", minutes=5),), reasons="Mia")
    answers, care = resources_of(record(kind, plan), AROUND)
    check([answers, care])
    (form,) = answers["contained"]
    assert answers["questionnaire"] == f"#{form['id']}"
    assert {each["linkId"] for each in answers["item"]} <= {each["linkId"] for each in form["item"]}
    assert care["category"][0]["coding"][0]["code"] == "relapse-prevention"
    assert ["Call Ida" in each["detail"]["description"] for each in care["activity"]] == [True]
    draft = resources_of(record(_KINDS["safety_plan"], SafetyPlan(made=_DAY), status="draft"), AROUND)
    signed = resources_of(record(_KINDS["safety_plan"], SafetyPlan(made=_DAY)), AROUND)
    assert [each["resourceType"] for each in draft] == ["QuestionnaireResponse", "CarePlan"]
    assert [each["resourceType"] for each in signed] == ["QuestionnaireResponse", "CarePlan", "Flag"]


def test_a_drug_screen_says_each_result_and_how_sure_it_is() -> None:
    panel = (
        Analyte(substance="opiates", presumptive="positive", definitive="negative", cutoff=300.0),
        Analyte(substance="THC", presumptive="negative"), Analyte(substance="alcohol", presumptive="not tested"),
    )  # fmt: skip
    (found,) = resources_of(record(_KINDS["drug_screen"], DrugScreen(collected=_DAY, panel=panel)), AROUND)
    check([found])
    said = [each.get("valueCodeableConcept", {}).get("text") for each in found["component"]]
    assert said == ["negative (definitive)", "negative (presumptive)", None]


def test_the_clinics_own_wording_leaves_with_the_answers() -> None:
    kind = _KINDS["measure"]
    item = MeasureItem(id="1", text="Sleep", value=2, asked="How do you sleep?", words="Badly")
    total, answers = resources_of(record(kind, Measure(instrument="Own", taken=_DAY, score=2, items=(item,))), AROUND)
    check([total, answers])
    assert answers["item"][0]["text"] == "How do you sleep?"
