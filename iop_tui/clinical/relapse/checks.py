"""What a relapse-prevention plan needs before it is signed, and what a rehearsal and a review need. Pure."""

from __future__ import annotations

from typing import Any

from iop_tui.clinical.relapse.model import (
    DECISIONS,
    PARTNER,
    SOURCE,
    SPANS,
    RelapseDrill,
    RelapsePlan,
    RelapseReview,
)
from iop_tui.clinical.toxicology.api import OVERDOSE_RISK, dates, punitive
from iop_tui.kernel.declare import DocumentType, Finding, RuleContext, Severity
from iop_tui.kernel.phone import is_phone

CONFIDENT = 7
LEAST_TRIGGERS = LEAST_SIGNS = 3
LEAST_SUPPORTS = 2
FIRST_STEP_MINUTES = 10
SPECIFIC_WORDS = 4
_RULE = "program rule: relapse plan"


def _refuse(code: str, message: str, field: str, source: str = _RULE) -> Finding:
    return Finding(Severity.REFUSE, code, message, field, source)


def _warn(code: str, message: str, field: str, source: str = _RULE) -> Finding:
    return Finding(Severity.WARN, code, message, field, source)


def plan_rules(plan: RelapsePlan, context: RuleContext) -> tuple[Finding, ...]:
    """Everything the plan is judged by, in the order of its fields."""
    found = [*dates(plan.made, "made", context), *dates(plan.last_use, "last_use", context)]
    found += [*_triggers(plan), *_signs(plan), *_steps(plan), *_supports(plan), *_partner(plan), *_lapse(plan)]
    found += [*dates(plan.rehearsed, "rehearsed", context), *_rehearsal(plan)]
    for name in ("reasons", "barriers"):
        found += punitive(name, getattr(plan, name))
    return tuple(found)


def _triggers(plan: RelapsePlan) -> list[Finding]:
    found = []
    said = [trigger for trigger in plan.triggers if trigger.text.strip()]
    if plan.triggers and len(said) < LEAST_TRIGGERS:
        found.append(_refuse("triggers", "Name at least three triggers.", "triggers", SOURCE))
    names = [trigger.name.strip().casefold() for trigger in said]
    if any(not name for name in names) or len(set(names)) != len(names):
        message = "Every trigger has a short name of its own: coping steps refer to it."
        found.append(_refuse("trigger_names", message, "triggers"))
    for trigger in said:
        if len(trigger.text.split()) < SPECIFIC_WORDS:
            message = f"“{trigger.text}”: be specific. Who, where, when, which thought?"
            found.append(_warn("specific", message, "triggers", SOURCE))
    return found


def _signs(plan: RelapsePlan) -> list[Finding]:
    said = [sign for sign in plan.signs if sign.text.strip()]
    if plan.signs and len(said) < LEAST_SIGNS:
        return [_refuse("signs", "Name at least three early warning signs.", "signs", SOURCE)]
    return []


def _steps(plan: RelapsePlan) -> list[Finding]:
    if not plan.steps:
        return []
    found, first = [], plan.steps[0]
    if not first.alone or first.minutes is None or first.minutes > FIRST_STEP_MINUTES:
        message = "The first step can be done alone and within ten minutes."
        found.append(_refuse("first_step", message, "steps", SOURCE))
    known = {trigger.name.strip().casefold() for trigger in plan.triggers}
    against: set[str] = set()
    for step in plan.steps:
        named = {name.strip().casefold() for name in step.triggers if name.strip()}
        against |= named
        if not step.action.strip():
            found.append(_refuse("empty_step", "A coping step says nothing.", "steps"))
        if not named:
            found.append(_refuse("unmapped", f"“{step.action}”: against which trigger?", "steps", SOURCE))
        for name in sorted(named - known):
            found.append(_refuse("unknown_trigger", f"“{step.action}” names {name!r}, which is no trigger.", "steps"))
    for trigger in plan.triggers:
        if trigger.name.strip() and trigger.name.strip().casefold() not in against:
            found.append(_warn("no_step", f"No step helps against “{trigger.name}”.", "steps", SOURCE))
    return found


def _supports(plan: RelapsePlan) -> list[Finding]:
    found = []
    for person in plan.supports:
        if person.phone.strip() and not is_phone(person.phone):
            found.append(_refuse("phone", f"“{person.phone}” is not a telephone number.", "supports", "ITU-T E.164"))
        if person.may_call and not person.release.strip():
            message = f"The program calls {person.name or 'somebody'} only with a release: give its id."
            found.append(_refuse("release", message, "supports", "42 CFR 2.31"))
    reachable = [person for person in plan.supports if person.name.strip() and is_phone(person.phone)]
    if plan.supports and len(reachable) < LEAST_SUPPORTS:
        found.append(_refuse("supports", "Name at least two people with a telephone number.", "supports", SOURCE))
    return found


_PARTNER_WORDS = ("partner", "spouse", "wife", "husband", "girlfriend", "boyfriend", "fiancé", "fiancée")


def _partner(plan: RelapsePlan) -> list[Finding]:
    found = []
    named = any(word in person.role.casefold().split() for person in plan.supports for word in _PARTNER_WORDS)
    if named and plan.partner != PARTNER[0]:
        message = "The partner is listed: ask first whether that is safe, with nobody else in the room."
        found.append(_refuse("partner", message, "partner", "program rule CR-13"))
    if plan.partner == PARTNER[2]:
        message = "Ask about the partner when the client is alone."
        found.append(Finding(Severity.REMIND, "ask_alone", message, "partner", "program rule CR-13"))
    if plan.partner_copy and not plan.partner_consent.strip():
        message = "A copy for the partner needs the client's authorization."
        found.append(_refuse("consent", message, "partner_consent", "42 CFR 2.31"))
    return found


def _lapse(plan: RelapsePlan) -> list[Finding]:
    found = []
    spans = {step.within for step in plan.lapse_plan if step.action.strip()}
    for span in SPANS:
        if plan.lapse_plan and span not in spans:
            found.append(_refuse("lapse_plan", f"Say what happens in the {span} after use.", "lapse_plan", SOURCE))
    risky = set(plan.substances) & set(OVERDOSE_RISK)
    if risky and not plan.naloxone.strip():
        message = f"With {' and '.join(sorted(risky))}: say where the naloxone is and who can use it."
        found.append(_refuse("naloxone", message, "naloxone", "SAMHSA Overdose Prevention Toolkit"))
    if risky and plan.tolerance_told is False:
        message = "Tell about the loss of tolerance: after days without, the old dose can kill."
        found.append(_refuse("tolerance", message, "tolerance_told", "SAMHSA Overdose Prevention Toolkit"))
    return found


def _rehearsal(plan: RelapsePlan) -> list[Finding]:
    found = []
    if plan.confidence is not None and plan.confidence < CONFIDENT:
        message = "Confidence is below 7: change the steps until the client believes in them, then ask again."
        found.append(_refuse("confidence", message, "confidence"))
    if plan.rehearsed is None:
        message = "The plan is not active before it was rehearsed: start the drill."
        found.append(_warn("rehearsal", message, "rehearsed"))
    elif plan.rehearsed_minutes is None or not plan.rehearsed_with.strip():
        found.append(_refuse("rehearsal", "A rehearsal has its minutes and who took part.", "rehearsed_minutes"))
    elif plan.made and plan.rehearsed < plan.made:
        found.append(_refuse("rehearsal", "The rehearsal lies before the plan was made.", "rehearsed"))
    return found


def drill_rules(drill: RelapseDrill, context: RuleContext) -> tuple[Finding, ...]:
    """A rehearsal walked the steps and asked how sure the client is."""
    found = list(dates(drill.on, "on", context))
    if drill.steps and not any(step.used for step in drill.steps):
        found.append(_refuse("unused", "No step was used: a rehearsal goes through at least one.", "steps"))
    if drill.confidence is not None and drill.confidence < CONFIDENT:
        found.append(_warn("confidence", "Confidence is below 7: the plan has to be revised.", "confidence"))
    return tuple(found)


def review_rules(review: RelapseReview, context: RuleContext) -> tuple[Finding, ...]:
    """A review with confidence below 7 cannot leave the plan as it is."""
    found = list(dates(review.on, "on", context))
    found += punitive("found", review.found)
    if review.confidence is not None and review.confidence < CONFIDENT and review.decision == DECISIONS[0]:
        found.append(_refuse("confidence", "Confidence is below 7: the plan is revised.", "decision"))
    return tuple(found)


RELAPSE_PLAN: DocumentType[RelapsePlan] = DocumentType(
    kind="relapse_plan", label="Relapse-prevention plan", struct=RelapsePlan, compartment="IND", signable=True,
    title=lambda plan: f"Relapse plan: {', '.join(plan.substances) or 'not said'}",
    service_date=lambda plan: plan.made, rules=plan_rules,
    help="Belongs to one person. A partner's copy needs that person's authorization.",
)  # fmt: skip
RELAPSE_DRILL: DocumentType[RelapseDrill] = DocumentType(
    kind="relapse_drill", label="Rehearsal", struct=RelapseDrill, compartment="IND",
    title=lambda drill: f"Rehearsal: {sum(step.used for step in drill.steps)} of {len(drill.steps)} steps used",
    service_date=lambda drill: drill.on, rules=drill_rules,
    help="The plan played through with the client: which steps were used and which worked.",
)  # fmt: skip
RELAPSE_REVIEW: DocumentType[RelapseReview] = DocumentType(
    kind="relapse_review", label="Relapse plan review", struct=RelapseReview, compartment="IND",
    title=lambda review: f"Relapse plan {review.decision or 'reviewed'} · {review.occasion}",
    service_date=lambda review: review.on, rules=review_rules,
    help="Every week, and after every lapse or positive screen.",
)  # fmt: skip
TYPES: tuple[DocumentType[Any], ...] = (RELAPSE_PLAN, RELAPSE_DRILL, RELAPSE_REVIEW)
