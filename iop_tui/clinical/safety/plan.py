"""The safety plan: six steps in a fixed order, sealed in the crisis compartment.

After Stanley & Brown 2012 (Cognitive and Behavioral Practice 19, 256-264), with headings of our own. The treatment
team and break-glass reach it and nobody else; what a partner may hold is always the same reduced copy. Pure.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, TypeAlias

import msgspec

from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity, Widget
from iop_tui.kernel.phone import is_phone

_Likelihood: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=10)]
SOURCE = "Stanley & Brown 2012"
OCCASIONS = (
    "C-SSRS moderate or high", "PHQ-9 item 9 above 0", "recent emergency or inpatient stay",
    "level of care stepped down", "reviewed", "asked for by the client", "other",
)  # fmt: skip
PLACE_KINDS = ("person", "place", "activity")
AGENCY_KINDS = ("crisis line", "emergency department", "after-hours line", "clinician", "agency")
NEEDED_AGENCIES = ("crisis line", "emergency department", "after-hours line")
METHODS = (
    "firearm", "medication", "substances", "sharp objects", "ligature", "height or traffic", "other", "none identified",
)  # fmt: skip
NOT_IDENTIFIED = "none identified"
PARTNER = ("may be listed: safe, asked alone", "not listed", "to be asked alone", "no partner")
LISTED = PARTNER[0]
LIFELINE = "988"
STEPS = (
    "1 Warning signs", "2 What I can do myself", "3 People and places that distract", "4 People I can ask for help",
    "5 Professionals and agencies", "6 Making the surroundings safer",
)  # fmt: skip
_CONTRACT = re.compile(
    r"\bno[- ]suicide (?:contract|agreement)|\bcontract(?:s|ed)? for safety|\b(?:promise|agree|contract)s?(?:d)? not to"
    r" (?:kill|hurt|harm)|\b(?:will|would) not (?:kill|hurt|harm) (?:my|him|her|them)",
    re.IGNORECASE,
)
STEP_FIELDS = ("warning_signs", "coping", "distractions", "helpers", "agencies", "means")


class Distraction(Document, frozen=True, kw_only=True):
    """Somebody or somewhere that takes the mind off; nothing has to be told there."""

    kind: Annotated[str, F("Kind", choices=PLACE_KINDS)] = "place"
    name: Annotated[str, F("Who or where", max_length=200, widget=Widget.LINE)] = ""
    phone: Annotated[str, F("Phone", max_length=60, widget=Widget.LINE)] = ""
    address: Annotated[str, F("Address", max_length=200, widget=Widget.LINE)] = ""

    def shown(self) -> str:
        """Name, phone, address."""
        return ", ".join(part for part in (self.name, self.phone, self.address) if part)


class Helper(Document, frozen=True, kw_only=True):
    """Somebody the client can tell that they need help."""

    name: Annotated[str, F("Name", max_length=200, widget=Widget.LINE)] = ""
    relation: Annotated[str, F("Relation", max_length=100, widget=Widget.LINE)] = ""
    phone: Annotated[str, F("Phone", max_length=60, widget=Widget.LINE)] = ""
    address: Annotated[str, F("Address", max_length=200, widget=Widget.LINE)] = ""
    knows: Annotated[bool | None, F("Knows and agreed")] = None

    def shown(self) -> str:
        """Name (relation), phone."""
        who = f"{self.name} ({self.relation})" if self.relation else self.name
        return ", ".join(part for part in (who, self.phone, self.address) if part)


class Agency(Document, frozen=True, kw_only=True):
    """A professional or an agency that can be called."""

    kind: Annotated[str, F("Kind", choices=AGENCY_KINDS)] = "agency"
    name: Annotated[str, F("Name", max_length=200, widget=Widget.LINE)] = ""
    phone: Annotated[str, F("Phone", max_length=60, widget=Widget.LINE)] = ""
    address: Annotated[str, F("Address", max_length=200, widget=Widget.LINE)] = ""
    hours: Annotated[str, F("Hours", max_length=100, widget=Widget.LINE)] = ""

    def shown(self) -> str:
        """Name, phone, address, hours."""
        return ", ".join(part for part in (self.name or self.kind, self.phone, self.address, self.hours) if part)


class MeansStep(Document, frozen=True, kw_only=True):
    """What is done about one class of means, who holds it, and whether it was done."""

    method: Annotated[str, F("Class of means", choices=METHODS)] = ""
    action: Annotated[str, F("Agreed action", max_length=500)] = ""
    holder: Annotated[str, F("Who holds it", max_length=200, widget=Widget.LINE)] = ""
    done: Annotated[bool | None, F("Done")] = None
    done_on: Annotated[date | None, F("Done on")] = None

    def shown(self) -> str:
        """`firearm: locked away by her brother, done 2026-03-09`."""
        day = f"done {self.done_on.isoformat()}" if self.done and self.done_on else "done" if self.done else ""
        held = f"held by {self.holder}" if self.holder else ""
        rest = ", ".join(part for part in (self.action, held, day) if part)
        return f"{self.method}: {rest}" if rest else self.method


class SafetyPlan(Document, frozen=True, kw_only=True):
    """What to do when it gets dangerous, step by step, in the client's words."""

    made: Annotated[date | None, F("Made on", required=True)] = None
    occasion: Annotated[str, F("Why now", choices=OCCASIONS, required=True)] = ""
    warning_signs: Annotated[
        tuple[str, ...], F(STEPS[0], required=True, help="In the client's own words, one per line.", source=SOURCE)
    ] = ()
    coping: Annotated[
        tuple[str, ...], F(STEPS[1], required=True, help="Without anybody else, one per line.", source=SOURCE)
    ] = ()
    distractions: Annotated[
        tuple[Distraction, ...], F(STEPS[2], required=True, help="Nothing has to be told there.", source=SOURCE)
    ] = ()
    helpers: Annotated[tuple[Helper, ...], F(STEPS[3], required=True, source=SOURCE)] = ()
    agencies: Annotated[
        tuple[Agency, ...],
        F(STEPS[4], required=True, help="988, the local emergency department, the after-hours line.", source=SOURCE),
    ] = ()
    means: Annotated[tuple[MeansStep, ...], F(STEPS[5], required=True, help="Never blank.", source=SOURCE)] = ()
    means_rationale: Annotated[
        str, F("Why no means were identified", max_length=1000, help="Needed with “none identified”.")
    ] = ""
    worth_living: Annotated[str, F("Worth living for", max_length=500)] = ""
    likelihood: Annotated[
        _Likelihood | None, F("How likely the plan is used", required=True, help="0 not at all, 10 certainly.")
    ] = None
    barriers: Annotated[str, F("What could get in the way", max_length=1000)] = ""
    fix: Annotated[str, F("What helps against it", max_length=1000, help="Needed with a barrier, or below 7.")] = ""
    kept_where: Annotated[str, F("Where the plan is kept", required=True, max_length=300, widget=Widget.LINE)] = ""
    location: Annotated[
        str, F("Where the client is in sessions", required=True, max_length=300, help="For emergency services.")
    ] = ""
    dispatch: Annotated[
        str, F("Emergency dispatch there", required=True, max_length=120, widget=Widget.LINE,
               help="Ten-digit number of the dispatch center of that place.")
    ] = ""  # fmt: skip
    partner: Annotated[
        str, F("Partner on this plan", choices=PARTNER, required=True, help="Always asked, and asked alone.")
    ] = ""
    partner_copy: Annotated[str, F("Partner's copy", choices=("none", "reduced copy"), required=True)] = "none"
    partner_consent: Annotated[
        str, F("Authorization", max_length=60, widget=Widget.LINE, search=False, help="Its id; needed for a copy.")
    ] = ""
    next_review: Annotated[date | None, F("Next review", required=True)] = None


def rules(plan: SafetyPlan, context: RuleContext) -> tuple[Finding, ...]:
    """Nothing left blank that will be needed at night."""
    found = [*_steps(plan), *_phones(plan), *_means(plan), *_use(plan), *_partner(plan)]
    if plan.made and plan.made > context.today:
        found.append(_refuse("future", "The date lies in the future.", "made"))
    born = context.facts.get("birth_date")
    if plan.made and isinstance(born, date) and plan.made < born:
        found.append(_refuse("before_birth", "The date lies before the person's birth.", "made"))
    if plan.made and plan.next_review and not plan.made < plan.next_review <= _latest(plan.made):
        found.append(_refuse("review", "The next review is within 30 days.", "next_review", "program rule"))
    for name in ("coping", "warning_signs"):
        if _CONTRACT.search("\n".join(getattr(plan, name))):
            found.append(_contract(name))
    texts = {"means": " ".join(step.action for step in plan.means), "fix": plan.fix, "worth_living": plan.worth_living}
    found += [_contract(name) for name, text in texts.items() if _CONTRACT.search(text)]
    return tuple(found)


def _latest(made: date) -> date:
    return date.fromordinal(made.toordinal() + 30)


def _refuse(code: str, message: str, field: str, source: str = SOURCE) -> Finding:
    return Finding(Severity.REFUSE, code, message, field, source)


def _contract(name: str) -> Finding:
    message = "A promise not to act is no safety plan: write what the client will do instead."
    return _refuse("contract", message, name)


def _steps(plan: SafetyPlan) -> list[Finding]:
    found = []
    for name, heading in zip(STEP_FIELDS, STEPS, strict=True):
        value = getattr(plan, name)
        if value and not any(_said(item) for item in value):
            found.append(_refuse("empty_step", f"Step {heading} says nothing.", name))
    kinds = {agency.kind for agency in plan.agencies}
    for kind in NEEDED_AGENCIES:
        if plan.agencies and kind not in kinds:
            found.append(_refuse("agency", f"Step 5 names the {kind}.", "agencies"))
    if plan.agencies and not any(LIFELINE in agency.phone for agency in plan.agencies):
        found.append(Finding(Severity.WARN, "lifeline", "988 is not among the numbers.", "agencies", "47 CFR 52.200"))
    return found


def _said(item: object) -> bool:
    text = item if isinstance(item, str) else getattr(item, "name", "") or getattr(item, "method", "")
    return bool(str(text).strip())


def _phones(plan: SafetyPlan) -> list[Finding]:
    found = []
    listed = (("distractions", plan.distractions), ("helpers", plan.helpers), ("agencies", plan.agencies))
    for name, people in listed:
        for person in people:
            if person.phone.strip() and not is_phone(person.phone):
                found.append(_refuse("phone", f"“{person.phone}” is not a telephone number.", name, "ITU-T E.164"))
    if plan.helpers and not any(helper.phone.strip() for helper in plan.helpers):
        found.append(_refuse("helper_phone", "Somebody in step 4 can be reached by phone.", "helpers"))
    if any(not agency.phone.strip() for agency in plan.agencies):
        found.append(_refuse("agency_phone", "Every line of step 5 has its number.", "agencies"))
    if plan.dispatch.strip() and not is_phone(plan.dispatch):
        found.append(_refuse("phone", f"“{plan.dispatch}” is not a telephone number.", "dispatch", "ITU-T E.164"))
    return found


def _means(plan: SafetyPlan) -> list[Finding]:
    found = []
    if any(step.method == NOT_IDENTIFIED for step in plan.means):
        if not plan.means_rationale.strip():
            message = "“None identified” needs the reason: what was asked, and how."
            found.append(_refuse("rationale", message, "means_rationale"))
        if len(plan.means) > 1:
            found.append(_refuse("contradiction", "“None identified” stands alone in step 6.", "means"))
    for step in plan.means:
        if step.method and step.method != NOT_IDENTIFIED and not step.action.strip():
            found.append(_refuse("action", f"Say what is done about: {step.method}.", "means"))
        if step.method and step.method != NOT_IDENTIFIED and not step.done:
            message = f"Not done yet: {step.method}."
            found.append(Finding(Severity.REMIND, "not_done", message, "means", SOURCE))
    return found


def _use(plan: SafetyPlan) -> list[Finding]:
    unlikely = plan.likelihood is not None and plan.likelihood < 7
    if (plan.barriers.strip() or unlikely) and not plan.fix.strip():
        return [_refuse("fix", "Say what helps against what gets in the way.", "fix")]
    return []


def _partner(plan: SafetyPlan) -> list[Finding]:
    found = []
    named = any("partner" in helper.relation.casefold() or "spouse" in helper.relation.casefold()
                or helper.relation.casefold() in ("wife", "husband") for helper in plan.helpers)  # fmt: skip
    if named and plan.partner != LISTED:
        message = "The partner is listed: ask first whether that is safe, with nobody else in the room."
        found.append(_refuse("partner", message, "partner", "program rule CR-13"))
    if plan.partner == PARTNER[2]:
        message = "Ask about the partner when the client is alone."
        found.append(Finding(Severity.REMIND, "ask_alone", message, "partner", "program rule CR-13"))
    if plan.partner_copy != "none" and not plan.partner_consent.strip():
        message = "A copy for the partner needs the client's authorization."
        found.append(_refuse("consent", message, "partner_consent", "45 CFR 164.508"))
    return found


def partner_copy(plan: SafetyPlan) -> str:
    """The only form in which a partner may hold the plan, as Markdown: always the same parts, whoever the plan lists.

    No addresses, no places of people, nothing on who holds what in step 6, no location, nothing about the partner
    themselves: what is left out must tell nothing.
    """
    lines = ["# Safety plan", ""]
    parts = (
        (STEPS[0], [text for text in plan.warning_signs if text.strip()]),
        (STEPS[1], [text for text in plan.coping if text.strip()]),
        (STEPS[2], ["Company and places that distract, as agreed."]),
        (STEPS[3], ["People who were chosen and know about it."]),
        (STEPS[4], [_line(agency) for agency in plan.agencies if agency.kind in PUBLIC_AGENCIES]),
        (STEPS[5], ["Agreed with the clinician."]),
    )
    for heading, said in parts:
        lines += [f"## {heading}", "", *(f"- {text}" for text in said), ""]
    return "\n".join(lines).rstrip() + "\n"


PUBLIC_AGENCIES = ("crisis line", "emergency department", "after-hours line")
"""What anybody may know: lines and departments, never a named clinician."""


def _line(agency: Agency) -> str:
    return ", ".join(part for part in (agency.name or agency.kind, agency.phone) if part)


def begun(today: date, occasion: str = "") -> SafetyPlan:
    """A new plan with what is the same for everybody: the crisis line and the lines still to be filled in."""
    return SafetyPlan(
        made=today, occasion=occasion, next_review=_latest(today),
        agencies=(
            Agency(kind="crisis line", name="988 Suicide & Crisis Lifeline", phone=LIFELINE, hours="day and night"),
            Agency(kind="emergency department"),
            Agency(kind="after-hours line"),
        ),
    )  # fmt: skip


SAFETY_PLAN: DocumentType[SafetyPlan] = DocumentType(
    kind="safety_plan",
    label="Safety plan",
    struct=SafetyPlan,
    compartment="CRISIS",
    title=lambda plan: f"Safety plan · {plan.occasion or 'draft'}",
    service_date=lambda plan: plan.made,
    rules=rules,
    signable=True,
    help="Six steps in a fixed order. The treatment team and break-glass reach it and nobody else.",
)
