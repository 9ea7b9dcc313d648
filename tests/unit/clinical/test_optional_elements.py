"""Every element of plan, notes, discharge papers, intake and risk assessment that is not always required, one by one;
and the rules about them: each has a test that names it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from iop_tui.clinical.notes.private import COUNSELING_NOTE, PSYCHOTHERAPY_NOTE
from iop_tui.clinical.plans.documents import TREATMENT_PLAN
from iop_tui.clinical.safety.model import VIOLENCE_SCREEN, ViolenceScreen
from iop_tui.kernel.declare import Document, DocumentType, Widget, is_empty, show_value
from tests.support.clinic.plans import TODAY, plan
from tests.unit.clinical.test_elements import WHOLE

ROOT = Path(__file__).parents[3]
RULES = (
    "plans/checks.py", "plans/treatment.py", "plans/review.py", "notes/rules.py", "notes/telehealth.py",
    "notes/overlaps.py", "notes/thread.py", "notes/private.py", "notes/carry.py", "episodes/model.py",
    "safety/model.py", "charting/judge.py", "charting/audit.py",
)  # fmt: skip
DAY = TODAY.isoformat()
PAPERS: dict[str, tuple[DocumentType[Any], Document]] = {
    **WHOLE,
    "treatment_plan": (TREATMENT_PLAN, plan(1, 1, 1)),
    "violence_screen": (VIOLENCE_SCREEN, ViolenceScreen(asked=TODAY, alone=True)),
    **{
        kind.kind: (kind, kind.parse({"written_on": DAY, "session": "Thursday", "text": "Own thoughts."}))
        for kind in (PSYCHOTHERAPY_NOTE, COUNSELING_NOTE)
    },
}
OPTIONAL: dict[str, dict[str, Any]] = {
    "treatment_plan": {
        "late_reason": "Client was ill.", "part2": True, "hours_reason": "Works nights.", "transition": True,
        "dimensions": [{"dimension": "2 Biomedical conditions", "rating": "1"}], "needs": ["A ride"],
        "abilities": ["Reads"], "barriers": ["Bus times"], "culture": "Speaks Spanish.", "safety_plan": "Signed Monday",
        "relapse_plan": "Rehearsed", "medications": "See list", "referrals": ["Primary care"],
        "certification": {"physician": "Dr. Vale", "needs_nine_hours": True}, "refusal": "Wants to read it first.",
        "review": {"on": DAY, "summary": "Went well."}, "closed_on": DAY,
    },
    "progress_note": {
        "service_code": "90834", "location": "Room 2", "others_present": "Her sister", "objectives": ["1.1.1"],
        "telehealth": {"identity": "known to the clinician"}, "off_plan_reason": "Crisis call",
        "risk_present": ["self-harm"], "risk_action": "Called the supervisor.", "supervisor_notice": "Uma, 14:00",
        "phq9": 12, "gad7": 9, "bam_use": 3, "bam_risk": 11, "bam_protective": 14, "pcl5": 33,
        "drug_screen": "negative, Monday", "medication_changes": "none", "next_appointment": f"{DAY}T10:00:00",
    },
    "psychotherapy_note": {},
    "counseling_note": {},
    "intake_assessment": {
        "last_use": DAY, "work": "Night shifts.", "legal": "No case open.", "culture": "Speaks Polish at home.",
        "preferences": ["Mornings"], "supports": ["Her aunt"],
    },
    "continuing_care_plan": {
        "accountability": ["Drug court, monthly"], "barriers": ["No car"], "family_reason": "Lives abroad.",
    },
    "discharge_summary": {
        "objectives": [{"id": "o1", "number": "1.1.1", "status": "met"}], "attempts": [{"on": DAY}],
        "cssrs_on": DAY, "phq9": 4, "phq9_on": DAY, "referrals": ["Peer group"], "family_reason": "Lives abroad.",
    },
    "risk_assessment": {
        "behavior_when": "Two years ago", "lethality": 2, "others_action": "Warned the neighbour.", "route": "smoked",
        "action": "Daily calls.", "safety_plan": "Reviewed today", "consult": "Uma", "location": "At home, Elm St 4",
        "emergency": "988 called, 14:10",
    },
    "violence_screen": {
        "hits": 6, "findings": "Reported shouting.", "danger_assessment": "Done today.",
        "safe_to_contact": "Work phone only", "action": "Safety talk.",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", PAPERS)
def test_the_declaration_has_no_other_elements(name: str) -> None:
    """An element that nobody thought of here is one without a test."""
    kind, _ = PAPERS[name]
    declared = {info.name for info in kind.fields() if not info.required and info.widget is not Widget.HIDDEN}
    assert declared == set(OPTIONAL[name])


def _elements() -> Iterator[tuple[str, str]]:
    for name, fields in OPTIONAL.items():
        yield from ((name, field) for field in fields)


@pytest.mark.parametrize(("name", "field"), list(_elements()))
def test_the_element_is_kept_read_and_found(name: str, field: str) -> None:
    """What is entered survives storing, stands in the read view under its label, and its words are found."""
    kind, document = PAPERS[name]
    made = kind.parse({**msgspec.to_builtins(document), field: OPTIONAL[name][field]})
    value = getattr(kind.decode(kind.encode(made), kind.version), field)
    assert not is_empty(value)
    (info,) = (info for info in kind.fields() if info.name == field)
    assert (info.label, show_value(value)) in [(shown.label, text) for shown, text in kind.shown(made)]
    if info.search and not info.choices and isinstance(value, str):
        assert value in kind.search_text(made)


# -- rules ---------------------------------------------------------------------------------


def _codes(source: str) -> Iterator[str]:
    """The codes of findings that a module makes."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "Finding" or name.lstrip("_") in ("finding", "refuse", "warn", "remind"):
            words = (word.value for word in node.args if isinstance(word, ast.Constant) and isinstance(word.value, str))
            yield from (word for word in words if re.fullmatch(r"[a-z][a-z0-9_]+", word))


@pytest.fixture(scope="module")
def told() -> str:
    """All that tests of rules say."""
    folders = (ROOT / "tests" / "unit", ROOT / "tests" / "integration")
    return "\n".join(file.read_text("utf-8") for folder in folders for file in folder.rglob("test_*.py"))


@pytest.mark.parametrize("module", RULES)
def test_each_rule_is_named_by_a_test(module: str, told: str) -> None:
    found = set(_codes((ROOT / "iop_tui" / "clinical" / module).read_text("utf-8")))
    assert not {code for code in found if f'"{code}"' not in told}
