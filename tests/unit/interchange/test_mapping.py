"""From resources to declared documents: real files and the odd corners of the format."""

from __future__ import annotations

import base64
import json
from datetime import date
from pathlib import Path

import pytest

from iop_tui.interchange.fhir.map_notes import without_markup
from iop_tui.interchange.fhir.mapping import DOCUMENTS
from iop_tui.interchange.fhir.references import normal
from tests.support.clinic.fhir import (
    SYNTHEA,
    VECTORS,
    Json,
    Result,
    bundle,
    coded,
    observation,
    patient,
    read_bundle,
    read_here,
    resource,
)

ESCAPES = "\x1b]0;title\x07\x1b[31mred\x9b2J\u202egnp.exe\u200b [bold]x[/bold]"


def _note(ident: str, content: bytes, kind: str = "text/plain; charset=utf-8", **more: object) -> Json:
    attachment = {"contentType": kind, "data": base64.b64encode(content).decode(), **more}
    return resource("DocumentReference", ident, status="current", content=[{"attachment": attachment}])


@pytest.fixture(scope="module")
def couple() -> Result:
    """Two real third-party charts."""
    return read_here(*sorted(SYNTHEA.glob("*.json.gz")))


def test_whole_charts(couple: Result) -> None:
    assert couple.rejected == []
    kinds = {each.kind for each in couple.items}
    assert kinds >= {
        "person", "condition", "encounter", "medication", "measure", "received_plan", "received_goal", "procedure",
        "received_note", "received",
    }  # fmt: skip
    people = couple.of("person")
    assert couple.items[: len(people)] == people
    names = {(each.fields["given"], each.fields["family"], each.fields["birth_date"]) for each in people}
    assert ("Micah422 Ted955", "Stehr398", "1975-05-31") in names


def test_every_item_fits_its_declaration_and_belongs_to_its_own_file_s_person(couple: Result) -> None:
    owner = {each.file: each.person_key for each in couple.of("person")}
    for item in couple.items:
        if item.kind in DOCUMENTS:
            DOCUMENTS[item.kind].parse(item.fields)
        if item.compartment != "ORG":
            assert item.person_key == owner[item.file]


def test_raw_is_the_resource_byte_for_byte(couple: Result) -> None:
    chet = next(SYNTHEA.glob("Chet*"))
    text = chet.read_bytes()
    for item in read_here(chet).items:
        assert item.raw in text
    assert all(json.loads(item.raw)["resourceType"] == item.source_type for item in couple.items)


def test_bulk_export_finds_people_in_the_other_file() -> None:
    result = read_here(*sorted((VECTORS / "bulk").glob("*.ndjson*")))
    assert (result.rejected, result.ignored) == ([], ["The log of a bulk export."])
    people = {each.person_key for each in result.of("person")}
    assert len(people) == 5
    about_people = [each for each in result.items if each.compartment not in ("ORG", "DIR")]
    assert {each.person_key for each in about_people} == people
    assert not any(each.flags for each in result.items)


def test_a_reference_to_nobody_is_said(tmp_path: Path) -> None:
    result = read_bundle(tmp_path, resource("Condition", "c", "Patient/gone", code=coded("1", "Cough")))
    item = result.one("condition")
    assert (item.person_key, item.flags) == ("Patient/gone", ("person not in these files",))


@pytest.mark.parametrize(
    ("reference", "key"),
    [
        ("urn:uuid:p", "Patient/p"),
        ("Patient/p", "Patient/p"),
        ("Patient/p/_history/2", "Patient/p"),
        ("https://ehr.example/fhir/Patient/p", "Patient/p"),
        ("Patient?identifier=urn:mrn|7", "Patient/p"),
        ("Patient?identifier=urn:mrn%7C7", "Patient/p"),
    ],
)
def test_ways_to_name_a_person(tmp_path: Path, reference: str, key: str) -> None:
    who = patient(identifier=[{"system": "urn:mrn", "value": "7"}])
    item = read_bundle(tmp_path, who, resource("Condition", "c", reference, code=coded("1", "Cough"))).one("condition")
    assert (item.person_key, item.flags) == (key, ())


def test_conditional_references_to_others_stay_what_they_are() -> None:
    assert normal("Organization?identifier=a%7Cb") == "Organization?identifier=a|b"


def test_several_people_in_one_file(tmp_path: Path) -> None:
    result = read_bundle(
        tmp_path, patient("a"), patient("b"), resource("Condition", "c", "urn:uuid:b", code=coded("1", "Cough")),
        {"resourceType": "Provenance", "id": "x", "recorded": "2024-01-01T00:00:00Z",
         "target": [{"reference": "Condition/c"}], "agent": [{"who": {"display": "x"}}]},
    )  # fmt: skip
    assert result.one("condition").person_key == "Patient/b"
    assert (result.one("received").person_key, result.one("received").compartment) == (None, "INTAKE")


def test_two_organisations_may_use_the_same_id(tmp_path: Path) -> None:
    for name, family in (("1.json", "Eins"), ("2.json", "Zwei")):
        who = patient("1", name=[{"family": family}])
        entries = [who, resource("Condition", "c", "Patient/1", code=coded("1", f"Cough of {family}"))]
        made = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in entries]}
        (tmp_path / name).write_text(json.dumps(made))
    result = read_here(tmp_path / "1.json", tmp_path / "2.json")
    keys = {each.fields["family"]: each.person_key for each in result.of("person")}
    assert len(set(keys.values())) == 2
    assert {each.fields["text"]: each.person_key for each in result.of("condition")} == {
        "Cough of Eins": keys["Eins"], "Cough of Zwei": keys["Zwei"],
    }  # fmt: skip


def test_a_plan_never_borrows_a_name_from_another_person(tmp_path: Path) -> None:
    plan = resource(
        "CarePlan", "plan", "urn:uuid:a", status="active", intent="plan", addresses=[{"reference": "Condition/c"}]
    )
    other = resource("Condition", "c", "urn:uuid:b", code=coded("1", "Private matter"))
    item = read_bundle(tmp_path, patient("a"), patient("b"), plan, other).one("received_plan")
    assert item.fields["addresses"] == []


def test_the_day_is_the_day_on_the_spot(tmp_path: Path) -> None:
    item = read_bundle(tmp_path, patient(), observation("o", "44261-6", 5)).one("measure")
    assert item.effective == date(2024, 5, 6)  # 23:30 at -05:00 is the next day in UTC


@pytest.mark.parametrize(("onset", "text"), [("2012", "2012"), ("2012-05", "2012-05")])
def test_partial_dates_stay_text(tmp_path: Path, onset: str, text: str) -> None:
    item = read_bundle(tmp_path, patient(), resource("Condition", "c", code=coded("1", "x"), onsetDateTime=onset)).one(
        "condition"
    )
    assert (item.fields["onset"], item.fields["onset_text"], item.effective) == (None, text, None)


def test_a_day_that_no_calendar_has_refuses_the_item(tmp_path: Path) -> None:
    result = read_bundle(
        tmp_path, patient(), resource("Condition", "c", code=coded("1", "x"), onsetDateTime="2023-02-30")
    )
    assert result.rejected == [("entry[1].resource", "It holds a date that no calendar has.")]
    assert [each.kind for each in result.items] == ["person"]


def test_what_a_terminal_would_obey_never_arrives(tmp_path: Path) -> None:
    result = read_bundle(
        tmp_path, patient(name=[{"family": ESCAPES, "given": [ESCAPES]}]),
        resource("Condition", "c", code={"text": ESCAPES}, note=[{"text": ESCAPES}]),
        _note("n", ESCAPES.encode()), observation("o", "1-1") | {"valueString": ESCAPES},
        resource("Flag", "f", status="active", code={"text": ESCAPES}),
    )  # fmt: skip
    assert not result.rejected
    for item in result.items:
        shown = json.dumps(item.fields, ensure_ascii=False)
        assert not set(shown) & set("\x1b\x07\x9b\u202e\u200b")
        assert "[bold]x[/bold]" in shown  # text stays text; screens show it with markup off
        assert b"\\u001b" in item.raw or b"data" in item.raw


def test_entered_in_error_is_kept_not_shown_as_fact(tmp_path: Path) -> None:
    wrong = {
        "verificationStatus": coded(
            "entered-in-error", system="http://terminology.hl7.org/CodeSystem/condition-ver-status"
        )
    }
    result = read_bundle(
        tmp_path, patient(), resource("Condition", "c", code=coded("1", "Cough"), **wrong),
        observation("o", "44261-6", 5) | {"status": "entered-in-error"},
    )  # fmt: skip
    assert [(each.source_id, each.flags) for each in result.of("received")] == [
        ("c", ("entered in error at the source",)), ("o", ("entered in error at the source",)),
    ]  # fmt: skip


def test_an_unknown_status_refuses_nothing(tmp_path: Path) -> None:
    odd = {"clinicalStatus": coded("dormant", system="https://example.org")}
    item = read_bundle(tmp_path, patient(), resource("Condition", "c", code=coded("1", "Cough"), **odd)).one(
        "condition"
    )
    assert (item.fields["clinical_status"], item.flags) == ("", ("a status code is unknown here",))


def test_an_endless_name_is_cut_and_flagged(tmp_path: Path) -> None:
    item = read_bundle(tmp_path, patient(name=[{"family": "N" * 100_000}])).one("person")
    assert set(item.fields["family"]) == {"N"}
    assert item.flags == ("a text was too long and is cut here",)
    DOCUMENTS["person"].parse(item.fields)


def test_notes_in_every_packing(tmp_path: Path) -> None:
    html = b"<head><style>p{}</style></head><body><p>One &amp; two</p><script>evil()</script><p>Three</p></body>"
    result = read_bundle(
        tmp_path, patient(), _note("plain", "Grüße\r\nzwei\t!".encode()), _note("html", html, "text/html"),
        _note("latin", "Grüße".encode("latin-1"), "text/plain; charset=iso-8859-1"),
        _note("pdf", b"%PDF-1.7", "application/pdf", title="Scan"), _note("broken", b"") | {
            "content": [{"attachment": {"contentType": "text/plain", "data": "A"}}]},
        _note("link", b"") | {"content": [{"attachment": {"contentType": "text/plain", "url": "https://example.org/x"}}]},
        _note("forged", b"other text", hash=base64.b64encode(b"0" * 20).decode()),
    )  # fmt: skip
    notes = {
        each.source_id: (each.fields["text"], each.fields["attachments"], each.flags)
        for each in result.of("received_note")
    }
    assert notes["plain"] == ("Grüße\nzwei    !", [], ())
    assert notes["html"] == ("One & two\n\nThree", [], ())
    assert notes["latin"][0] == "Grüße"
    assert notes["pdf"] == ("", ["Scan"], ("attachment is not text",))
    assert notes["link"] == ("", ["text/plain"], ("attachment is stored elsewhere",))
    assert notes["forged"][2] == ("attachment differs from its checksum",)
    broken = [reason for place, reason in result.rejected if "entry[5]" in place]
    assert broken or notes["broken"][2] == ("attachment cannot be decoded",)


def test_markup_is_taken_off() -> None:
    assert without_markup("a<br>b<script>c</script><style>d</style>&lt;e&gt;<ul><li>f</ul>") == "a\nb<e>\n\nf"


def test_a_report_that_repeats_a_note_is_kept_once(couple: Result) -> None:
    texts = [each.fields["text"] for each in couple.of("received_note") if each.source_type == "DiagnosticReport"]
    notes = {each.fields["text"] for each in couple.of("received_note") if each.source_type == "DocumentReference"}
    assert not notes & set(texts)


def test_a_psychotherapy_note_goes_to_no_part_of_the_chart(tmp_path: Path) -> None:
    security = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSYTHPN"}]
    labelled = _note("n", b"words") | {"meta": {"security": security}}
    item = read_bundle(tmp_path, patient(), labelled).one("received_note")
    assert item.compartment == "PSY"
    labelled = {**labelled, "subject": None}
    del labelled["subject"]
    result = read_bundle(tmp_path, labelled)
    assert "names nobody" in result.rejected[0][1]


def test_asked_for_deletions_are_never_carried_out() -> None:
    result = read_here(VECTORS / "r4" / "Bundle-bundle-transaction.json")
    assert {reason for _, reason in result.rejected} >= {"The entry asks for DELETE; only records are taken."}
    assert all(item.kind in ("person", "received") for item in result.items)


def test_a_patient_alone_is_a_person(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps(patient(deceasedDateTime="2020-05-06", gender="male")))
    result = read_here(path)
    assert result.files[0].form == "resource"
    item = result.one("person")
    assert (item.fields["deceased_date"], item.fields["sex_at_birth"]) == ("2020-05-06", "")


def test_unknown_types_are_kept_with_their_name_and_day(tmp_path: Path) -> None:
    flag = {"resourceType": "Immunization", "id": "i", "status": "completed", "patient": {"reference": "urn:uuid:p"},
            "vaccineCode": {"text": "Tetanus"}, "occurrenceDateTime": "2024-02-29"}  # fmt: skip
    item = read_bundle(tmp_path, patient(), flag).one("received")
    assert (item.fields["resource_type"], item.fields["text"], item.fields["date"]) == (
        "Immunization",
        "Tetanus",
        "2024-02-29",
    )
    assert (item.compartment, item.kept) == ("MED", True)


def test_bad_lines_and_good_lines(tmp_path: Path) -> None:
    path = tmp_path / "Patient.ndjson"
    good = json.dumps(patient()).encode()
    path.write_bytes(
        b"\n".join(
            [
                good,
                good[:-9],
                b'{"resourceType":"Patient","gender":"male","gender":"female"}',
                b'{"id":"x"}',
                good.replace(b"Nobody", b"Nob\xffdy"),
                good.replace(b'"p"', b'"q"'),
            ]
        )
        + b"\n"
    )
    result = read_here(path)
    assert [each.source_id for each in result.items] == ["p", "q"]
    assert [place for place, _ in result.rejected] == ["line 2", "line 3", "line 4", "line 5"]


def test_a_bundle_on_a_line(tmp_path: Path) -> None:
    path = tmp_path / "patients.ndjson"
    path.write_text("\n".join(json.dumps(bundle(patient(each))) for each in ("a", "b")) + "\n")
    assert [each.place for each in read_here(path).items] == ["line 1, entry[0].resource", "line 2, entry[0].resource"]


def _condition(ident: str, person: str) -> Json:
    return resource("Condition", ident, person, code={"text": "Insomnia"})


def test_whose_it_is_is_never_guessed_between_two_people_of_one_name(tmp_path: Path) -> None:
    """Two entries under one `fullUrl`, or one id: what points there is refused; what names one clearly is not."""
    other = {"name": [{"family": "Else", "given": ["Bo"]}], "birthDate": "1990-01-01"}
    said = bundle(patient("a"), patient("b", **other), _condition("c", "urn:uuid:a"), _condition("d", "Patient/b"))
    said["entry"][1]["fullUrl"] = "urn:uuid:a"
    path = tmp_path / "one-address.json"
    path.write_text(json.dumps(said), encoding="utf-8")
    found = read_here(path)
    assert [each.person_key for each in found.of("condition")] == ["Patient/b"]
    assert found.rejected == [
        ("entry[2].resource", "Two different people of these files go by the name it gives for its person.")
    ]
    same = read_bundle(tmp_path, patient("a"), patient("a", **other), _condition("c", "Patient/a"))
    assert (same.of("condition"), len(same.rejected)) == ([], 1)
    twice = read_bundle(tmp_path, patient("a"), patient("a"), _condition("c", "Patient/a"))
    assert (twice.one("condition").person_key, twice.rejected) == ("Patient/a", [])


def test_without_a_birth_date_a_family_name_says_nothing(tmp_path: Path) -> None:
    """Two organisations' `Patient/1`, both called Smith: told apart by their numbers alone, so nobody guesses."""
    lines = [
        {"resourceType": "Patient", "id": "1", "name": [{"family": "Smith", "given": [given]}],
         "identifier": [{"system": "urn:x", "value": number}]}
        for given, number in (("Ann", "A-1"), ("Bob", "B-7"))
    ]  # fmt: skip
    path = tmp_path / "export.ndjson"
    path.write_text("\n".join(json.dumps(each) for each in (*lines, _condition("c", "Patient/1"))) + "\n")
    found = read_here(path)
    assert (found.of("condition"), len(found.rejected)) == ([], 1)


def test_a_person_of_another_server_is_another_person(tmp_path: Path) -> None:
    """`Patient/1` of one server is not `Patient/1` of the next; a version or the protocol makes no difference."""
    here, there = "https://one.example/fhir/Patient/1", "https://two.example/fhir/Patient/1"
    said = bundle(patient("1"), *(_condition(f"c{n}", to) for n, to in enumerate(
        (here, f"{here}/_history/3", here.replace("https", "http"), "Patient/1", there)
    )))
    said["entry"][0]["fullUrl"] = here
    path = tmp_path / "servers.json"
    path.write_text(json.dumps(said), encoding="utf-8")
    keys = [each.person_key for each in read_here(path).of("condition")]
    assert keys == ["Patient/1"] * 4 + ["two.example/fhir/Patient/1"]


def test_entries_that_are_no_objects_are_refused_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    entries: list[object] = [None, {"resource": None}, {"resource": []}, "x", {}, {"resource": patient("a")}]
    path.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}), encoding="utf-8")
    found = read_here(path)
    assert (found.one("person").fields["given"], len(found.rejected)) == ("Ada", 5)
