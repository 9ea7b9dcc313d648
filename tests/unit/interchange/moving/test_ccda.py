"""C-CDA: every shared example is taken, readable, and only what was asked for becomes a record of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.interchange.fhir.mapping import DOCUMENTS
from iop_tui.interchange.items import Mapped
from iop_tui.interchange.moving import ccda
from iop_tui.interchange.moving.narrative import block_text
from iop_tui.interchange.moving.xml import Refused, parse

VECTORS = Path(__file__).parents[3] / "vectors" / "ccda"
EVERYTHING = ("problems", "goals", "scores")


def read(name: str, *pick: str) -> list[Mapped]:
    (path,) = VECTORS.glob(f"*{name}*.xml")
    return list(ccda.read(path.read_bytes(), path.name, pick))


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.xml")), ids=lambda path: path.name[:40])
def test_every_example_is_taken_and_fits_its_declaration(path: Path) -> None:
    found = list(ccda.read(path.read_bytes(), path.name, EVERYTHING))
    assert sum(each.kind == "received_note" for each in found) == 1
    for each in found:
        DOCUMENTS[each.kind].parse(each.fields)
        assert path.read_bytes() if each.kind == "received_note" else True
        assert path.read_bytes().find(each.raw) >= 0, "kept byte for byte"
    whole = path.name.startswith("Documents__")
    assert [each.kind for each in found][:1] == (["person"] if whole else ["received_note"])
    assert all(("no person named" in each.flags) != whole for each in found)


def test_nothing_is_picked_unasked() -> None:
    assert [each.kind for each in read("Documents__Care_Plan")] == ["person", "received_note"]


def test_the_patient_becomes_a_person() -> None:
    person, document = read("Documents__Care_Plan")
    assert (person.fields["given"], person.fields["family"]) == ("Eve", "Betterhalf")
    assert person.fields["birth_date"] == "1975-05-01"
    assert person.fields["phone"] == "+1(555)555-2003"
    assert person.fields["address"].startswith("2222 Home Street, Beaverton")
    assert document.person_key == person.person_key


def test_the_narrative_is_readable() -> None:
    _, document = read("Documents__Progress_Note")
    text = document.fields["text"]
    assert document.fields["title"] == "Progress Note"
    assert document.fields["date"] == "2005-03-29"
    assert document.fields["organisation"] == "Good Health Clinic"
    assert "ALLERGIES" in text
    assert " | " in text, "tables keep their rows"
    assert "<" not in text.replace("< ", "")


def test_problems_with_their_dates_and_codes() -> None:
    problems = [each.fields for each in read("Documents__Care_Plan", "problems") if each.kind == "condition"]
    first = next(each for each in problems if each["text"] == "Pneumonia")
    assert first["onset"] == "2013-06-16"
    assert first["codes"][0] == {"system": "http://snomed.info/sct", "code": "233604007", "display": "Pneumonia"}


def test_goals_say_their_narrative() -> None:
    (goal,) = [each.fields for each in read("Goals_Narrative", "goals") if each.kind == "received_goal"]
    assert "92%" in goal["text"]


def test_phq9_items_are_summed_again() -> None:
    (measure,) = [each.fields for each in read("PHQ-9", "scores") if each.kind == "measure"]
    assert (measure["instrument"], measure["taken"]) == ("PHQ-9", "2015-06-22")
    assert [item["value"] for item in measure["items"]] == [0, 1, 2, 0, 1, 3, 2, 3, 0]
    assert (measure["score"], measure["stated"], measure["computed"]) == (12, 12, 12)


def test_a_total_that_disagrees_is_flagged() -> None:
    (path,) = VECTORS.glob("*PHQ-9*.xml")
    wrong = path.read_bytes().replace(b'value="12"', b'value="13"')
    (measure,) = [each for each in ccda.read(wrong, "x", ("scores",)) if each.kind == "measure"]
    assert "totals disagree" in measure.flags


def test_substance_use_goes_to_its_part_of_the_chart() -> None:
    document = (
        b"<ClinicalDocument><title>Visit</title><component><structuredBody><component><section><title>Problems</title>"
        b"<text>Alcohol dependence</text><entry><observation>"
        b"<value code='7200002' codeSystem='2.16.840.1.113883.6.96'/></observation></entry>"
        b"</section></component></structuredBody></component></ClinicalDocument>"
    )
    (found,) = ccda.read(document, "x", ())
    assert found.compartment == "SUD"


def test_lists_tables_and_breaks() -> None:
    node = parse(
        b"<text>One<br/>two <content>three</content>"
        b"<list><item>a</item><item>b<list><item>c</item></list></item></list>"
        b"<table><tr><th>x</th><td>y</td></tr></table></text>"
    )
    assert block_text(node) == "One\ntwo three\n- a\n- b\n  - c\nx | y"


# ---- hostile -----------------------------------------------------------------------------------------------

BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "xxxxxxxxxx">'
    + b"".join(b'<!ENTITY x%d "&x%d;&x%d;">' % (n, n - 1, n - 1) if n else b'<!ENTITY x0 "&x;&x;">' for n in range(20))
    + b"]><ClinicalDocument>&x19;</ClinicalDocument>"
)
HOSTILE = {
    "entity bomb": (BOMB, "document type"),
    "external entity": (
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><ClinicalDocument>&x;</ClinicalDocument>',
        "document type",
    ),
    "external subset": (b'<!DOCTYPE a SYSTEM "http://example.com/a.dtd"><ClinicalDocument/>', "document type"),
    "parameter entity": (b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://example.com/">%x;]><a/>', "document type"),
    "deep": (b"<a>" * 5_000, "deeper than 100"),
    "attributes": (b"<ClinicalDocument " + b" ".join(b"a%d='1'" % n for n in range(99)) + b"/>", "far too many"),
    "cut off": (b"<ClinicalDocument><title>x", "cut off"),
    "cut in a tag": (b"<ClinicalDocument><tit", "cut off"),
    "not well-formed": (b"<ClinicalDocument><a></b></ClinicalDocument>", "not well-formed"),
    "not a document": (b"<html><body/></html>", "no C-CDA"),
    "undefined entity": (b"<ClinicalDocument>&x;</ClinicalDocument>", "not well-formed"),
    "wrong encoding": (b'<?xml version="1.0" encoding="utf-8"?><ClinicalDocument>\xff</ClinicalDocument>', "not well"),
    "huge": (b"<a>" + b" " * (16 << 20) + b"</a>", "larger than 16 MiB"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_xml_is_refused_in_a_sentence_that_quotes_nothing(name: str) -> None:
    data, reason = HOSTILE[name]
    with pytest.raises(Refused, match=reason) as caught:
        list(ccda.read(data, "x", EVERYTHING))
    assert "passwd" not in str(caught.value)
    assert "example" not in str(caught.value)


@given(st.integers(0, 60_000), st.binary(max_size=8))
def test_whatever_is_cut_or_put_in_it_is_read_or_refused(place: int, more: bytes) -> None:
    (path,) = VECTORS.glob("*PHQ-9*.xml")
    data = path.read_bytes()
    place %= len(data)
    for broken in (data[:place], data[:place] + more + data[place:]):
        try:
            for each in ccda.read(broken, "x", EVERYTHING):
                DOCUMENTS[each.kind].parse(each.fields)
        except Refused:
            continue


def test_other_encodings_are_read() -> None:
    text = "<?xml version='1.0' encoding='utf-16'?><ClinicalDocument><title>Größe</title></ClinicalDocument>"
    (found,) = ccda.read(text.encode("utf-16"), "x", ())
    assert found.fields["title"] == "Größe"


def test_a_document_about_two_people_is_refused() -> None:
    """A record is about one person; which of two a finding belongs to, no program should guess."""
    (path,) = VECTORS.glob("Documents__Care_Plan*.xml")
    data = path.read_bytes()
    start, stop = data.index(b"<recordTarget"), data.index(b"</recordTarget>") + len(b"</recordTarget>")
    with pytest.raises(Refused, match="several people"):
        list(ccda.read(data[:stop] + data[start:stop] + data[stop:], "x", EVERYTHING))


@pytest.mark.parametrize(
    ("body", "flag"),
    [
        ("<component><nonXMLBody><text><reference value='http://example.org/a.pdf'/></text></nonXMLBody></component>",
         ccda.ELSEWHERE),
        ("<component><nonXMLBody><text representation='B64'>AAAA</text></nonXMLBody></component>", ccda.NOT_TEXT),
        ("", ccda.NO_TEXT),
    ],
)
def test_what_cannot_be_read_says_so(body: str, flag: str) -> None:
    (found,) = ccda.read(f"<ClinicalDocument><title>Letter</title>{body}</ClinicalDocument>".encode(), "x", ())
    assert found.flags[:1] == (flag,)
