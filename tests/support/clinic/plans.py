"""A treatment plan that may be signed, and smaller pieces of one. Every name is invented."""

from __future__ import annotations

from datetime import date, timedelta

from iop_tui.clinical.plans import tree
from iop_tui.clinical.plans.treatment import (
    DIMENSIONS,
    Diagnosis,
    DimensionRating,
    Goal,
    Intervention,
    Objective,
    Problem,
    TreatmentPlan,
)

TODAY = date(2026, 3, 12)


def intervention(**more: object) -> Intervention:
    """A weekly individual session of 45 minutes."""
    values: dict[str, object] = {
        "text": "urge surfing", "modality": "CBT", "type": "individual", "minutes": 45, "times": 1, "per": "week",
        "weeks": 8, "responsible": "Nadia", **more,
    }  # fmt: skip
    return Intervention(**values)  # type: ignore[arg-type]


def objective(text: str = "Uses a coping skill before each craving", **more: object) -> Objective:
    """An active, measurable objective."""
    values: dict[str, object] = {
        "text": text, "baseline": "1 of 7 days", "measure": "craving diary", "target": "6 of 7 days",
        "target_date": TODAY + timedelta(days=60), "status": "active", "interventions": (intervention(),), **more,
    }  # fmt: skip
    return Objective(**values)  # type: ignore[arg-type]


def plan(problems: int = 3, goals: int = 2, objectives: int = 2, **more: object) -> TreatmentPlan:
    """A plan of problems × goals × objectives that nothing speaks against signing."""
    edition = "ASAM 4th edition"
    values: dict[str, object] = {
        "series": "s1", "admitted": TODAY - timedelta(days=3), "planned": TODAY, "effective": TODAY,
        "next_review": TODAY + timedelta(days=14), "target_end": TODAY + timedelta(days=84),
        "diagnoses": (Diagnosis(code="F10.20", text="Alcohol use disorder, severe", primary=True,
                                diagnosed_by="Dr. Vale"),),
        "part2": True, "edition": edition, "level": "2.1", "hours": 9.0,
        "dimensions": tuple(DimensionRating(dimension=name, rating="2") for name in DIMENSIONS[edition]),
        "strengths": ("asks for help",), "preferences": ("evening groups",),
        "discharge_criteria": ("30 days without alcohol",), "family": "wants family involved",
        "participation": "Chose the goals herself.", "copy_offered": True, "agreement": "signs", **more,
    }  # fmt: skip
    made = TreatmentPlan(**values)  # type: ignore[arg-type]
    names = [f"Step {number}" for number in range(objectives)]
    for problem in range(problems):
        branch = Problem(
            text=f"Problem {problem + 1}",
            goals=tuple(
                Goal(text=f"I want goal {goal + 1}", objectives=tuple(map(objective, names))) for goal in range(goals)
            ),
        )
        made, _ = tree.add(made, branch)
    return made
