"""The 29 public item-level PHQ-9 responses: imported through the real reader, charted, wrong totals flagged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iop_tui.access import roles
from iop_tui.access.settle import settle
from iop_tui.clinical.imports import service as imports
from iop_tui.clinical.measures import series
from iop_tui.clinical.measures.model import MEASURE, TOTALS_DISAGREE
from iop_tui.clinical.measures.screens.charts import curve_of
from iop_tui.clinical.people import service as people
from iop_tui.interchange.fhir.run import read_run
from iop_tui.ui.trend.plot import draw, whole
from tests.support.clinic.vaults import copied, refresh, template

VECTORS = Path(__file__).parents[2] / "vectors" / "fhir" / "measures"


def as_r4(folder: Path) -> Path:
    """STU3's Reference to the questionnaire is a canonical in R4; the answers stay as they are."""
    bundle = json.loads((VECTORS / "ahrq-depression-phq9.stu3.bundle.json").read_bytes())
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] == "QuestionnaireResponse":
            entry["resource"]["questionnaire"] = "https://example.org/phq-9"
    path = folder / "ahrq.json"
    path.write_text(json.dumps(bundle))
    return path


def test_29_item_level_phq9_responses_import_and_chart(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    known = json.loads((VECTORS / "scoring_vectors.json").read_bytes())["vectors"]
    expected = [each for each in known if each["id"].startswith("ahrq-")]
    assert len(expected) == 29
    made = copied(template(tmp_path_factory), tmp_path)
    with made.workspace("fay") as fay:
        before = {line.id for line in people.caseload(fay)}
        with read_run([as_r4(tmp_path)]) as run:
            imports.import_items(fay, run)
        settle(fay.session)
        persons = [line.id for line in people.caseload(fay) if line.id not in before]
        assert len(persons) == 13
        for person in persons:
            people.assign(fay, person, made.users["nadia"].user, roles.INDIVIDUAL_THERAPIST)
    with made.workspace() as ws:
        refresh(ws)
        found = [each for person in persons for each in series.series(ws, person, ["PHQ-9"])]
        points = sorted((point.on.isoformat(), point.value) for each in found for point in each.points)
        # One response holds no answers, and one person's point to nobody in the file: neither is a score of a person.
        charted = sorted((each["date"], each["sum_of_items"]) for each in expected if each["items"])
        assert set(points) <= set(charted)
        assert len(points) >= len(charted) - 3
        for each in found:
            picture = "\n".join("".join(text for text, _ in row) for row in draw(
                [curve_of(each)], [], whole([curve_of(each)]), 100, 24))  # fmt: skip
            assert any(sign in picture for sign in "o*!")
            assert "moderately severe" in picture
        rows = ws.view.rows("SELECT DISTINCT doc, version FROM record WHERE kind = 'measure'")
        wrong = [MEASURE.decode(doc, version) for doc, version in rows]
        flagged = sorted(each.stated or 0 for each in wrong if TOTALS_DISAGREE in each.warnings)
        stated = sorted(each["stated_total"] for each in expected if each["stated_total_consistent"] is False)
        assert flagged == stated
