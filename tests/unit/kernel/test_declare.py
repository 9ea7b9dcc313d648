"""Declared documents: parsing, rules, search text, schema, payload upgrades."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import pytest

from iop_tui import slices
from iop_tui.kernel.declare import (
    Document,
    DocumentType,
    F,
    Finding,
    Registry,
    RuleContext,
    Severity,
    Widget,
    is_empty,
    show_value,
)
from iop_tui.kernel.errors import DocumentInvalid, NeedsNewer, VaultDamaged

CONTEXT = RuleContext(date(2026, 11, 21))


class Weight(Document, frozen=True, kw_only=True):
    """A weight."""

    kilograms: Annotated[float | None, F("Weight", unit="kg", required=True, source="LOINC 29463-7")] = None
    hour: Annotated[int, F("Hour", ge=0, le=23)] = 0
    scale: Annotated[str, F("Scale", choices=("home", "clinic"))] = ""
    words: Annotated[str, F("Words", max_length=10, order=-1)] = ""
    tags: Annotated[tuple[str, ...], F("Tags", choices=("a", "b"))] = ()
    secret: Annotated[str, F("Hidden", widget=Widget.HIDDEN, search=False)] = ""


def _upgrade(old: dict[str, Any]) -> dict[str, Any]:
    return {"kilograms": old["pounds"] * 0.45359237}


def _rules(weight: Weight, context: RuleContext) -> tuple[Finding, ...]:
    return (Finding(Severity.WARN, "heavy", "Heavy.", "kilograms"),) if (weight.kilograms or 0) > 200 else ()


WEIGHT: DocumentType[Weight] = DocumentType(
    kind="weight", label="Weight", struct=Weight, compartment="MED", title=lambda d: "w", rules=_rules, version=2,
    upgrades={1: _upgrade},
)  # fmt: skip


def test_values_become_documents() -> None:
    assert WEIGHT.parse({"kilograms": 80, "scale": "home", "tags": ["a"]}) == Weight(
        kilograms=80.0, scale="home", tags=("a",)
    )
    assert WEIGHT.parse({}) == Weight()


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"kilograms": "80"}, "$.kilograms"),
        ({"hour": 24}, "$.hour"),
        ({"scale": "bath"}, "$.scale"),
        ({"tags": ["a", "c"]}, "$.tags"),
        ({"words": "x" * 11}, "$.words"),
        ({"unknown": 1}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(value: Any, place: str) -> None:
    with pytest.raises(DocumentInvalid) as caught:
        WEIGHT.parse(value)
    assert caught.value.place == place
    assert caught.value.message.startswith("Weight: ")


def test_an_open_choice_may_be_unanswered_in_a_draft() -> None:
    assert WEIGHT.parse({"scale": ""}).scale == ""


def test_findings_name_what_is_missing_first() -> None:
    assert [item.code for item in WEIGHT.findings(Weight(), CONTEXT)] == ["required"]
    assert WEIGHT.findings(Weight(), CONTEXT)[0].field == "kilograms"
    assert [item.code for item in WEIGHT.findings(Weight(kilograms=300), CONTEXT)] == ["heavy"]
    assert WEIGHT.findings(Weight(kilograms=80), CONTEXT) == ()


def test_payloads_of_older_versions_are_upgraded() -> None:
    assert WEIGHT.decode(b'{"pounds": 100}', 1).kilograms == pytest.approx(45.359237)
    assert WEIGHT.decode(WEIGHT.encode(Weight(kilograms=80)), 2) == Weight(kilograms=80)


def test_newer_and_broken_payloads_are_told_apart() -> None:
    with pytest.raises(NeedsNewer):
        WEIGHT.decode(b"{}", 3)
    for data, version in ((b"{", 2), (b'{"hour": 24}', 2), (b"{}", 1), (b"[]", 1), (b"\xff", 2)):
        with pytest.raises(VaultDamaged):
            WEIGHT.decode(data, version)


def test_nothing_is_stored_that_could_not_be_read_again() -> None:
    """Constructors check nothing, so a form's mistake must be caught before it is sealed."""
    for broken in (Weight(hour=24), Weight(words="x" * 11), Weight(kilograms="80")):  # type: ignore[arg-type]
        with pytest.raises(DocumentInvalid):
            WEIGHT.encode(broken)


def test_fields_in_print_order_and_hidden_ones_left_out() -> None:
    assert [info.name for info in WEIGHT.fields()] == ["words", "kilograms", "hour", "scale", "tags", "secret"]
    assert "Hidden" not in [info.label for info, _ in WEIGHT.shown(Weight())]


def test_search_text_holds_words_only() -> None:
    weight = Weight(kilograms=80, scale="home", words="steady", secret="unseen")
    assert WEIGHT.search_text(weight) == "steady"


def test_the_schema_carries_labels_help_and_sources() -> None:
    schema = WEIGHT.json_schema()
    properties = schema["$defs"]["Weight"]["properties"] if "$defs" in schema else schema["properties"]
    assert properties["kilograms"]["title"] == "Weight"
    assert "LOINC 29463-7" in str(properties["kilograms"])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "yes"),
        (date(2026, 1, 2), "2026-01-02"),
        (("a", "b"), "a\nb"),
        (3, "3"),
        (0, "0"),
        (False, "no"),
    ],
)
def test_values_in_plain_words(value: Any, shown: str) -> None:
    assert show_value(value) == shown


def test_zero_and_no_are_answers() -> None:
    assert [is_empty(value) for value in (None, "", (), 0, False, 0.0)] == [True, True, True, False, False, False]


def test_kinds_are_unique_and_known_ones_are_named() -> None:
    with pytest.raises(ValueError, match="share a kind"):
        Registry((WEIGHT, WEIGHT))
    with pytest.raises(DocumentInvalid) as caught:
        Registry((WEIGHT,)).need("height")
    assert "weight" in caught.value.hint


@pytest.mark.parametrize("kind", slices.TYPES, ids=lambda kind: kind.kind)
def test_every_declared_kind_can_be_listed_explained_and_described(kind: DocumentType[Any]) -> None:
    assert kind.label
    assert kind.fields()
    assert all(info.label for info in kind.fields())
    assert kind.json_schema()["title"] == kind.label
    assert set(kind.upgrades) == set(range(1, kind.version))
