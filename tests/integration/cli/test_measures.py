"""Questionnaires from scripts: answers are scored by the clinic's own files, broken ones are refused by their place."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.processes.command import Do, Site

PHQ = {"instrument": "PHQ-9", "answers": [2, 2, 1, 1, 2, 1, 1, 0, 1], "taken": "2026-01-05"}
KEYS = {"id", "person", "kind", "instrument", "taken", "score", "band", "stated", "computed", "warnings", "safety_item"}
OWN = {
    "id": "sleep-3", "name": "Sleep 3", "licence": "the clinic's own", "texts": "clinic",
    "answers": {"often": [{"value": 0, "text": "never"}, {"value": 1, "text": "some"}, {"value": 2, "text": "often"}]},
    "items": [{"id": str(at), "answers": "often", "text": f"Question {at}"} for at in (1, 2, 3)],
    "scores": [{"id": "total", "name": "Sleep 3", "items": ["1", "2", "3"], "reverse": ["3"], "low": 0, "high": 6,
                "bands": [[0, "fine"], [4, "poor"]]}],
}  # fmt: skip


def test_answers_are_scored_kept_and_read_by_a_clinics_own_file(site: Site, tmp_path: Path) -> None:
    with site.batch("Dana Example") as do:
        _answers(do, site.people_of("Dana Example")[0])
        _own_file(do, tmp_path)


def _answers(do: Do, person: str) -> None:
    before = len(do("list", "measures", "--person", person))
    told = do("score", "--doc", json.dumps(PHQ))
    assert (told["score"], told["band"], told["safety_item"]) == (11, "moderate", True)
    assert len(do("list", "measures", "--person", person)) == before, "score keeps nothing"
    kept = do("new", "measure", "--person", person, "--doc", json.dumps({**PHQ, "stated": 12}))
    assert (kept["computed"], kept["stated"], kept["score"]) == (11, 12, 11)
    assert "totals disagree" in kept["warnings"]
    assert {item["code"] for item in kept["findings"]} >= {"totals_disagree", "safety_item"}
    line = next(row for row in do("list", "measures", "--person", person) if row["id"] == kept["id"])
    assert set(line) >= KEYS
    for change, code in (
        ({"answers": [5] * 9}, "input_rejected"), ({"answers": {"12": 1}}, "input_rejected"),
        ({"answers": [0] * 12}, "input_rejected"), ({"instrument": "PHQ-99"}, "not_found"),
        ({"mode": "by owl"}, "document_invalid"), ({"answers": "all"}, "document_invalid"),
        ({"taken": "1901-01-01"}, "not_ready"), ({"taken": "2999-01-01"}, "not_ready"),
    ):  # fmt: skip
        refused = do("new", "measure", "--person", person, "--doc", json.dumps({**PHQ, **change}))
        assert refused.get("error", {}).get("code") == code, (change, refused)
    assert len(do("list", "measures", "--person", person)) == before + 1, "nothing half written"


def _own_file(do: Do, folder: Path) -> None:
    good, broken = folder / "sleep.json", folder / "broken.json"
    good.write_text(json.dumps(OWN))
    broken.write_text(json.dumps({**OWN, "scores": [{**OWN["scores"][0], "items": ["1", "2", "9"]}]}))  # type: ignore[dict-item]
    refused = do("instruments", "load", str(broken))
    assert refused["error"]["code"] == "input_rejected"
    assert "9" in refused["error"]["message"]
    assert "sleep-3" not in {row["id"] for row in do("instruments", "list")}
    assert do("instruments", "load", str(folder / "nowhere.json"))["error"]["code"] == "medium"
    assert do("instruments", "load", str(good))["texts"] is True
    line = next(row for row in do("instruments", "list") if row["id"] == "sleep-3")
    assert (line["source"], line["items"], line["highest"]) == ("clinic", 3, 6)
    told = do("score", "--doc", json.dumps({"instrument": "Sleep 3", "answers": {"1": 2, "2": 2, "3": 0}}))
    assert (told["score"], told["band"]) == (6, "poor")
    assert do("instruments", "retire", "sleep-3")["retired"] is True
    assert do("instruments", "retire", "sleep-3")["error"]["code"] == "usage"
