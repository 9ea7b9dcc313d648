"""Clinical risk assessment, and the partner-violence screen that is kept apart from it.

Scores are numbers only: C-SSRS ideation 1 to 5 and lethality (Posner 2011), HITS 4 to 20 (Sherin 1998). The screen's
result lies in the author's SAFE compartment; the assessment says no more than that it was reviewed.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, TypeAlias

import msgspec

from iop_tui.clinical.safety.plan import SAFETY_PLAN
from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity, Widget

_Level5: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=5)]
_Hits: TypeAlias = Annotated[int, msgspec.Meta(ge=4, le=20)]
OCCASIONS = ("intake", "weekly", "level of care changed", "positive screen", "event", "discharge")
BEHAVIORS = ("none", "preparatory", "aborted attempt", "interrupted attempt", "actual attempt")
ANSWERS = ("denied", "present")
GRADES = ("none", "mild", "moderate", "severe")
NALOXONE = ("at home", "given today", "offered, declined", "not applicable")
ASKED = ("asked alone", "not alone: postponed", "declined to answer")
LEVELS = ("low", "moderate", "high", "imminent")
RAISED = ("moderate", "high", "imminent")
HITS_POSITIVE = 10
_CSSRS = "C-SSRS (Posner 2011)"
_RULE = "program rule: risk assessment"


class RiskAssessment(Document, frozen=True, kw_only=True):
    """What endangers this person now, what protects them, and what was done about it."""

    assessed: Annotated[date | None, F("Assessed on", required=True)] = None
    occasion: Annotated[str, F("Occasion", choices=OCCASIONS, required=True)] = ""
    ideation: Annotated[
        _Level5 | None, F("Suicidal ideation", required=True, help="0 none, 1 to 5 by C-SSRS.", source=_CSSRS)
    ] = None
    behavior: Annotated[str, F("Suicidal behavior", choices=BEHAVIORS, required=True, source=_CSSRS)] = ""
    behavior_when: Annotated[str, F("When", max_length=200, widget=Widget.LINE)] = ""
    lethality: Annotated[_Level5 | None, F("Lethality", help="Needed after an attempt.", source=_CSSRS)] = None
    others: Annotated[str, F("Harm to others", choices=ANSWERS, required=True)] = ""
    others_action: Annotated[
        str, F("Duty to protect", widget=Widget.TEXT, help="Needed when present: who, how warned or protected.")
    ] = ""
    tolerance_lost: Annotated[
        bool | None, F("Tolerance lost", help="After days without opioids.", required=True)
    ] = None
    route: Annotated[str, F("Route of use", max_length=100, widget=Widget.LINE)] = ""
    uses_alone: Annotated[bool | None, F("Uses alone", required=True)] = None
    naloxone: Annotated[str, F("Naloxone", choices=NALOXONE, required=True)] = ""
    withdrawal: Annotated[str, F("Withdrawal", choices=GRADES, required=True)] = ""
    grave_disability: Annotated[bool | None, F("Gravely disabled", required=True)] = None
    partner_violence: Annotated[
        str, F("Partner violence", choices=ASKED, required=True,
               help="That it was asked, never what was answered: the answer lies apart.", source="program rule CR-13")
    ] = ""  # fmt: skip
    dependents: Annotated[
        str, F("Children, vulnerable adults", required=True, help="Who, and whether they are safe.", max_length=2000)
    ] = ""
    protective: Annotated[tuple[str, ...], F("Protective factors", required=True)] = ()
    level: Annotated[str, F("Level", choices=LEVELS, required=True)] = ""
    rationale: Annotated[str, F("Why this level", widget=Widget.TEXT, required=True)] = ""
    action: Annotated[str, F("Action", widget=Widget.TEXT, help="Needed from moderate on.")] = ""
    safety_plan: Annotated[str, F("Safety plan", help="Its date. Needed from moderate on.", max_length=200)] = ""
    consult: Annotated[str, F("Consulted", help="Who, when.", max_length=300, widget=Widget.LINE)] = ""
    location: Annotated[str, F("Where the person is", help="Needed when imminent.", max_length=300)] = ""
    emergency: Annotated[str, F("Emergency steps", help="Needed when imminent: whom you called.", max_length=2000)] = ""
    follow_up: Annotated[date | None, F("Follow-up", required=True)] = None


def rules(document: RiskAssessment, context: RuleContext) -> tuple[Finding, ...]:
    """What a level demands, and answers that contradict it."""
    found = list(_demands(document))
    if document.assessed and document.assessed > context.today:
        found.append(_refuse("future", "The assessment lies in the future.", "assessed"))
    if document.assessed and document.follow_up and document.follow_up < document.assessed:
        found.append(_refuse("follow_up", "The follow-up lies before the assessment.", "follow_up"))
    severe = (document.ideation or 0) >= 4 or document.behavior == "actual attempt"
    if severe and document.level == "low":
        message = "Active ideation with intent or an attempt, and the level is low: is that right?"
        found.append(Finding(Severity.WARN, "level_low", message, "level", _CSSRS))
    if document.tolerance_lost and document.naloxone == "not applicable":
        message = "Tolerance is lost: naloxone applies."
        found.append(Finding(Severity.WARN, "naloxone", message, "naloxone", _RULE))
    if document.partner_violence == "not alone: postponed":
        message = "Ask about partner violence when the person is alone."
        found.append(Finding(Severity.REMIND, "ask_alone", message, "partner_violence", "program rule CR-13"))
    return tuple(found)


def _refuse(code: str, message: str, field: str, source: str = _RULE) -> Finding:
    return Finding(Severity.REFUSE, code, message, field, source)


def _demands(document: RiskAssessment) -> list[Finding]:
    found = []
    if document.level in RAISED and not document.action.strip():
        found.append(_refuse("action", "From moderate on, say what was done.", "action"))
    if document.level in RAISED and not document.safety_plan.strip():
        found.append(_refuse("safety_plan", "From moderate on, a safety plan is made or renewed.", "safety_plan"))
    if document.level == "imminent" and not (document.location.strip() and document.emergency.strip()):
        message = "Imminent risk: where the person is, and whom you called."
        found.append(_refuse("emergency", message, "emergency"))
    if document.others == "present" and not document.others_action.strip():
        message = "Harm to others: say who was warned or protected, and how."
        found.append(_refuse("duty_to_protect", message, "others_action", "45 CFR 164.512(j)"))
    if document.behavior == "actual attempt" and document.lethality is None:
        found.append(_refuse("lethality", "After an attempt its lethality is rated.", "lethality", _CSSRS))
    if document.behavior not in ("", "none") and not document.behavior_when.strip():
        found.append(_refuse("behavior_when", "Say when the behavior was.", "behavior_when", _CSSRS))
    return found


def needs_supervisor(document: RiskAssessment) -> bool:
    """Whether a supervisor signs, too: from moderate on."""
    return document.level in RAISED


class ViolenceScreen(Document, frozen=True, kw_only=True):
    """What a person said, alone, about violence in the partnership. Its author's compartment, nowhere else."""

    asked: Annotated[date | None, F("Asked on", required=True)] = None
    alone: Annotated[bool | None, F("Asked alone", required=True, source="program rule CR-13")] = None
    hits: Annotated[_Hits | None, F("HITS", help="4 to 20; above 10 is positive.", source="Sherin 1998")] = None
    findings: Annotated[str, F("What was said", widget=Widget.TEXT)] = ""
    danger_assessment: Annotated[
        str, F("Danger assessment", widget=Widget.TEXT, help="Needed when positive: result, date.")
    ] = ""
    safe_to_contact: Annotated[str, F("How to reach the person safely", max_length=300, widget=Widget.LINE)] = ""
    action: Annotated[str, F("Action", widget=Widget.TEXT)] = ""


def screen_rules(document: ViolenceScreen, context: RuleContext) -> tuple[Finding, ...]:
    """Asked alone only; a positive screen is followed by a danger assessment and an action."""
    found = []
    if document.asked and document.asked > context.today:
        found.append(_refuse("future", "The date lies in the future.", "asked"))
    if document.alone is False:
        found.append(_refuse("alone", "Ask only when the person is alone.", "alone", "program rule CR-13"))
    if document.hits is not None and document.hits > HITS_POSITIVE:
        if not document.danger_assessment.strip():
            message = "A positive screen is followed by a danger assessment."
            found.append(_refuse("danger_assessment", message, "danger_assessment", "Sherin 1998"))
        if not document.action.strip():
            found.append(_refuse("action", "A positive screen needs an action.", "action"))
    return tuple(found)


RISK_ASSESSMENT: DocumentType[RiskAssessment] = DocumentType(
    kind="risk_assessment",
    label="Risk assessment",
    struct=RiskAssessment,
    compartment="IND",
    title=lambda document: f"Risk {document.level or 'not rated'} · {document.occasion or 'assessment'}",
    service_date=lambda document: document.assessed,
    rules=rules,
    signable=True,
    help="At intake, every week of intensive treatment, at a change of level and after a positive screen.",
)
VIOLENCE_SCREEN: DocumentType[ViolenceScreen] = DocumentType(
    kind="violence_screen",
    label="Safety screen",
    struct=ViolenceScreen,
    compartment="SAFE",
    title=lambda document: "Safety screen",
    service_date=lambda document: document.asked,
    rules=screen_rules,
    help="Kept apart: only you can read it.",
)
TYPES: tuple[DocumentType[Any], ...] = (RISK_ASSESSMENT, VIOLENCE_SCREEN, SAFETY_PLAN)
