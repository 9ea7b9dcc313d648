"""The plan as a declared document, and templates that a program keeps without any client's words."""

from __future__ import annotations

from typing import Annotated, Any

from iop_tui.clinical.plans import checks, tree
from iop_tui.clinical.plans.treatment import Goal, Intervention, Objective, Problem, TreatmentPlan
from iop_tui.kernel.declare import Document, DocumentType, F, Fact, Finding, RuleContext, Severity, Widget


def title(plan: TreatmentPlan) -> str:
    """`Treatment plan 2 · level 2.1 · 3 problems, 9 open objectives`."""
    count, opened = len(plan.problems), len(tree.open_below(plan))
    state = "closed" if plan.closed_on else f"{opened} open objective{'' if opened == 1 else 's'}"
    level = f"level {plan.level} · " if plan.level else ""
    return f"Treatment plan {plan.number} · {level}{count} problem{'' if count == 1 else 's'}, {state}"


def facts(plan: TreatmentPlan) -> tuple[Fact, ...]:
    """Prescribed minutes a week from the effective date on."""
    if plan.hours is None or plan.effective is None:
        return ()
    return (Fact("prescribed minutes", plan.effective, plan.hours * 60),)


class PlanTemplate(Document, frozen=True, kw_only=True):
    """Problems, goals, objectives and interventions to begin with. Kept by the program: no client's words in it."""

    name: Annotated[str, F("Template", required=True, max_length=120, widget=Widget.LINE)] = ""
    problems: Annotated[tuple[Problem, ...], F("Problems", required=True)] = ()
    retired: Annotated[bool, F("Not offered any more")] = False


def apply_template(plan: TreatmentPlan, template: PlanTemplate) -> TreatmentPlan:
    """The plan with the template's problems added at the end, every id fresh."""
    for problem in template.problems:
        plan, _ = tree.add(plan, problem)
    return plan


def as_template(name: str, plan: TreatmentPlan) -> PlanTemplate:
    """A template with the shape of a plan. Left out: what is closed, the client's words of goals, baselines, dates,
    outcomes and the names of who is responsible. Problems and objectives stay as worded: read them before saving.
    """
    shape = plan
    for placed in tree.walk(plan):
        if getattr(placed.node, "closed_on", None) is not None and not _gone(shape, placed.node.id):
            shape = tree.remove(shape, placed.node.id)
    for placed in list(tree.walk(shape)):
        shape = tree.change(shape, placed.node.id, **_IMPERSONAL[type(placed.node)])
    return PlanTemplate(name=name, problems=shape.problems)


_IMPERSONAL: dict[type, dict[str, object]] = {
    Problem: {"outcome": ""},
    Goal: {"text": "", "outcome": ""},
    Objective: {"baseline": "", "target_date": None, "status": "new", "outcome": ""},
    Intervention: {"responsible": ""},
}


def _gone(plan: TreatmentPlan, identifier: str) -> bool:
    return identifier not in tree.numbers(plan)


def template_rules(template: PlanTemplate, context: RuleContext) -> tuple[Finding, ...]:
    """A template holds nothing that belongs to one person."""
    del context
    shape = TreatmentPlan(problems=template.problems)
    own = [number for number, item in tree.objectives(shape) if item.baseline or item.target_date or item.outcome]
    if own:
        message = f"Objectives {', '.join(own)} still hold a person's baseline, date or outcome."
        return (Finding(Severity.REFUSE, "personal", message, "problems"),)
    return ()


TREATMENT_PLAN: DocumentType[TreatmentPlan] = DocumentType(
    kind="treatment_plan",
    label="Treatment plan",
    struct=TreatmentPlan,
    compartment="IND",
    title=title,
    service_date=lambda plan: plan.planned,
    rules=checks.rules,
    signable=True,
    facts=facts,
    help="Problems, goals in the client's words, measurable objectives, interventions. A review carries it forward.",
)
PLAN_TEMPLATE: DocumentType[PlanTemplate] = DocumentType(
    kind="plan_template",
    label="Plan template",
    struct=PlanTemplate,
    compartment="PROG",
    title=lambda template: template.name,
    rules=template_rules,
    help="A beginning for treatment plans, shared by the program.",
)
TYPES: tuple[DocumentType[Any], ...] = (TREATMENT_PLAN, PLAN_TEMPLATE)
