"""A clinic's own questionnaire: taken when it can score, refused with the place of the fault when it cannot."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from iop_tui.clinical.measures.definition import Definition
from iop_tui.clinical.measures.instruments import catalogue, score_named, shipped, shipped_named
from iop_tui.clinical.measures.reading import MOST_BYTES, read
from iop_tui.clinical.measures.scoring import score
from iop_tui.kernel.errors import InputRejected

GOOD: dict[str, Any] = {
    "id": "sleep-3", "name": "Sleep-3", "licence": "our own",
    "answers": {"often": [{"value": 0, "text": "Never"}, {"value": 1, "text": "Some"}, {"value": 2, "text": "Often"}]},
    "items": [{"id": str(at), "text": f"Question {at}", "answers": "often"} for at in (1, 2, 3)],
    "skips": [{"when": [{"items": ["1"], "at_most": 0}], "skip": ["2"]}],
    "scores": [{"name": "Sleep-3", "items": ["1", "2", "3"], "low": 0, "high": 6, "bands": [[0, "fine"], [4, "poor"]],
                "positive_from": 4}],
    "flags": [{"id": "high", "message": "Look.", "when": [{"score": "total", "at_least": 4}]}],
    "changes": [{"rule": "reliable change", "points": 2, "source": "ours"}],
}  # fmt: skip


def loaded(value: Any) -> Definition:
    """What the program makes of a file."""
    return read(msgspec.json.encode(value), shipped())


def broken(*path: Any, value: Any) -> dict[str, Any]:
    """The good file with one thing changed; `...` as value removes it."""
    made: dict[str, Any] = copy.deepcopy(GOOD)
    at: Any = made
    for name in path[:-1]:
        at = at[name]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return made


def test_a_good_file_is_taken_and_scores() -> None:
    definition = loaded(GOOD)
    assert definition.has_texts
    assert score(definition, {"1": 2, "2": 2, "3": 1}).flags == ("high",)


def test_toml_is_taken_as_well() -> None:
    text = """
        id = "mood-1"
        name = "Mood"
        licence = "our own"
        [answers]
        ruler = [{value = 0}, {value = 1}]
        [[items]]
        id = "1"
        answers = "ruler"
        [[scores]]
        name = "Mood"
        items = ["1"]
        low = 0
        high = 1
    """
    assert read(text.encode(), shipped()).name == "Mood"


FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("its items give 0 to 6", broken("scores", 0, "high", value=9)),
    ("there is no item '9'", broken("scores", 0, "items", value=["1", "9"])),
    ("'1' occurs twice", broken("scores", 0, "items", value=["1", "1", "2"])),
    ("there is no answer list 'rarely'", broken("items", 0, "answers", value="rarely")),
    ("'2' occurs twice", broken("items", 0, "id", value="2")),
    ("two answers have the same value", broken("answers", "often", 1, "value", value=0)),
    ("2 to 12 answers", broken("answers", "often", value=[{"value": 0}])),
    ("bands begin at its lowest value", broken("scores", 0, "bands", value=[[1, "fine"]])),
    ("bands begin at its lowest value", broken("scores", 0, "bands", value=[[0, "a"], [0, "b"]])),
    ("cut-off lies outside", broken("scores", 0, "positive_from", value=7)),
    ("an item is reversed that does not belong", broken("scores", 0, value={
        **GOOD["scores"][0], "items": ["1", "2"], "high": 4, "reverse": ["3"]})),
    ("asks for no difference", broken("changes", 0, "points", value=0)),
    ("there is no score 'other'", broken("changes", 0, "score", value="other")),
    ("there is no score 'other'", broken("flags", 0, "when", 0, "score", value="other")),
    ("at_least or at_most", broken("flags", 0, "when", value=[{"score": "total"}])),
    ("a condition is empty", broken("skips", 0, "when", value=[])),
    ("an item is skipped that was asked before", broken("skips", 0, "when", 0, "items", value=["3"])),
    ("has no answer that counts 0", {**GOOD, "answers": {**GOOD["answers"], "some": [{"value": 1}, {"value": 2}]},
        "items": [GOOD["items"][0], {**GOOD["items"][1], "answers": "some"}, GOOD["items"][2]],
        "scores": [{**GOOD["scores"][0], "low": 1, "bands": [[1, "fine"]]}]}),
    ("which licence", broken("licence", value="  ")),
    ("neither scores nor levels", broken("scores", value=[])),
    ("impute is less than", broken("scores", 0, "impute", value=3)),
    ("better is", broken("scores", 0, "better", value="up")),
    ("unknown field `formula`", broken("formula", value="sum")),
    ("missing required field `name`", broken("name", value=...)),
    ("Expected `int`", broken("answers", "often", 0, "value", value="0")),
]  # fmt: skip


@pytest.mark.parametrize(("said", "file"), FAULTS, ids=[said for said, _ in FAULTS])
def test_broken_scoring_is_refused_with_the_reason(said: str, file: dict[str, Any]) -> None:
    with pytest.raises(InputRejected) as caught:
        loaded(file)
    assert said in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff\xfe", "UTF-8"), (b"{", "neither JSON nor TOML"), (b"[1, 2]", "neither JSON nor TOML"),
        (b"x" * (MOST_BYTES + 1), "larger than"), (b"{" * 5000, "neither JSON nor TOML"), (b"", "missing required"),
    ],
)  # fmt: skip
def test_what_is_no_instrument_file_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(InputRejected, match=said):
        read(data, shipped())


def test_a_file_may_extend_a_shipped_one_with_texts_and_thresholds() -> None:
    value = {
        "extends": "dast-10",
        "texts_of": {str(at): f"Our wording {at}" for at in range(1, 11)},
        "licence": "Permission of 2026-02-01",
        "changes": [{"rule": "program change", "points": 3}],
    }
    definition = loaded(value)
    assert definition.id == "dast-10"
    assert definition.has_texts
    assert definition.item("3").text == "Our wording 3"
    assert definition.scores == shipped()["dast-10"].scores
    assert definition.changes[0].rule == "program change"


def test_extending_what_is_not_there_is_refused() -> None:
    with pytest.raises(InputRejected, match="not known"):
        loaded({"extends": "nothing"})
    with pytest.raises(InputRejected, match="no item '99'"):
        loaded({"extends": "dast-10", "texts_of": {"99": "?"}})


def test_control_characters_never_reach_a_form() -> None:
    definition = loaded(broken("items", 0, "text", value="Sleep\x1b[31m well\u202e?"))
    assert definition.items[0].text == "Sleep[31m well?"


def test_imports_know_the_same_instruments_as_before() -> None:
    names = {each.name for each in catalogue().instruments}
    assert names == {
        "PHQ-9", "PHQ-A", "PHQ-2", "GAD-7", "AUDIT", "AUDIT-C", "DAST-10", "HARK", "PCL-5", "PSS-10",
    }
    phq = catalogue().by_total("44261-6")
    assert phq is not None
    assert (phq.name, phq.safety_item, phq.unscored, len(phq.items)) == ("PHQ-9", "44260-8", ("69722-7",), 9)
    assert catalogue().by_total("75626-2") is catalogue().by_panel("72109-2")


def test_scores_and_definitions_are_found_by_name() -> None:
    audit_c, bam, phq = score_named("AUDIT-C"), shipped_named("BAM Risk"), shipped_named("PHQ-9")
    assert audit_c is not None
    assert bam is not None
    assert phq is not None
    assert (audit_c.high, bam.name, phq.id) == (12, "BAM", "phq-9")
    assert score_named("Unheard-of") is None


@pytest.mark.parametrize(
    "data",
    [
        b'extends = ["phq-9"]',
        b'{"extends": {"a": 1}}',
        b'{"items": [{"id": [1], "answers": "x"}], "texts_of": {"a": "b"}}',
        b"cadence_days = " + b"9" * 5_000,
        b"a = " + b"[" * 20_000 + b"]" * 20_000,
        b'{"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        b".".join([b"a"] * 60_000) + b" = 1",
        b".".join([b"a"] * 500) + b" = 1",
    ],
)
def test_a_file_made_to_break_the_reader_is_refused(data: bytes) -> None:
    with pytest.raises(InputRejected):
        read(data, shipped())
