"""The relapse-prevention plan, its rehearsal and its reviews. They belong to one person.

Triggers, warning signs, coping steps, people, a plan for a lapse: after Marlatt & Donovan 2005 and SAMHSA TIP 47
(intensive outpatient treatment). Declarations only; `checks` judges them. Pure.
"""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, TypeAlias

import msgspec

from iop_tui.clinical.toxicology.api import SUBSTANCES
from iop_tui.kernel.declare import Document, F, Widget

_Minutes: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=480)]
_Confidence: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=10)]
SOURCE = "SAMHSA TIP 47"
GOALS = ("abstinence", "reduction", "harm reduction")
EXTERNAL, INTERNAL = ("people", "places", "times", "things"), ("feelings", "thoughts", "body")
SIGNS = ("emotional", "mental", "behavioral")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "any day")
SPANS = ("first 10 minutes", "first 24 hours", "first 72 hours")
PARTNER = ("may be listed: safe, asked alone", "not listed", "to be asked alone", "no partner")
CLIENT_COPIES = ("paper", "packet", "card", "not yet")
CHECK_INS = ("1 week", "2 weeks", "1 month", "2 months", "3 months", "6 months", "9 months", "12 months")
DAYS_OF = dict(zip(CHECK_INS, (7, 14, 30, 60, 91, 182, 273, 365), strict=True))
"""Check-ins as days after discharge."""
OCCASIONS = ("weekly", "lapse", "positive screen", "level of care changed", "discharge", "client asks", "other")
DECISIONS = ("stays as it is", "is revised")


class Trigger(Document, frozen=True, kw_only=True):
    """What sets off the urge. Coping steps name triggers by their short name."""

    name: Annotated[str, F("Short name", max_length=60, widget=Widget.LINE, help="Steps refer to it.")] = ""
    kind: Annotated[str, F("Kind", choices=(*EXTERNAL, *INTERNAL))] = ""
    text: Annotated[
        str, F("Exactly what", max_length=300, widget=Widget.LINE, help="Be specific: who, where, when, which thought.")
    ] = ""

    def shown(self) -> str:
        """`Friday pub (places): the pub on the way home after the late shift`."""
        kind = f" ({self.kind})" if self.kind else ""
        return f"{self.name}{kind}: {self.text}".strip(": ")


class WarningSign(Document, frozen=True, kw_only=True):
    """An early sign that use comes nearer."""

    kind: Annotated[str, F("Kind", choices=SIGNS)] = ""
    text: Annotated[str, F("Sign", max_length=300, widget=Widget.LINE)] = ""

    def shown(self) -> str:
        """`behavioral: stops answering the phone`."""
        return f"{self.kind}: {self.text}".strip(": ")


class RiskWindow(Document, frozen=True, kw_only=True):
    """A weekday and hours when it is hardest."""

    weekday: Annotated[str, F("Day", choices=WEEKDAYS)] = ""
    start: Annotated[time | None, F("From")] = None
    end: Annotated[time | None, F("Until")] = None

    def shown(self) -> str:
        """`Friday 17:00-22:00`."""
        hours = "-".join(moment.strftime("%H:%M") for moment in (self.start, self.end) if moment)
        return f"{self.weekday} {hours}".strip()


class CopingStep(Document, frozen=True, kw_only=True):
    """What to do, in order. The first one can be done alone and within ten minutes."""

    action: Annotated[str, F("What", max_length=300, widget=Widget.LINE)] = ""
    where: Annotated[str, F("Where", max_length=120, widget=Widget.LINE)] = ""
    minutes: Annotated[_Minutes | None, F("Minutes", unit="min")] = None
    alone: Annotated[bool | None, F("Can be done alone")] = None
    triggers: Annotated[tuple[str, ...], F("Against", help="Short names of triggers, one per line.")] = ()
    tried: Annotated[bool | None, F("Tried")] = None
    worked: Annotated[bool | None, F("Worked")] = None

    def shown(self) -> str:
        """`walk round the block, at home, 10 min, against Friday pub`."""
        minutes = f"{self.minutes} min" if self.minutes else ""
        against = f"against {', '.join(self.triggers)}" if self.triggers else ""
        used = "worked" if self.worked else "tried" if self.tried else ""
        return ", ".join(part for part in (self.action, self.where, minutes, against, used) if part)


class Support(Document, frozen=True, kw_only=True):
    """Somebody to call. Whether the program may call them needs a release."""

    name: Annotated[str, F("Name", max_length=120, widget=Widget.LINE)] = ""
    role: Annotated[str, F("Who they are", max_length=120, widget=Widget.LINE, help="Sponsor, sister, partner.")] = ""
    phone: Annotated[str, F("Phone", max_length=60, widget=Widget.LINE)] = ""
    may_call: Annotated[bool | None, F("May the program call")] = None
    release: Annotated[
        str, F("Release", max_length=60, widget=Widget.LINE, search=False, help="Id of the consent; needed for a call.")
    ] = ""

    def shown(self) -> str:
        """Name (role), phone, whether the program may call."""
        who = f"{self.name} ({self.role})" if self.role else self.name
        return ", ".join(part for part in (who, self.phone, "program may call" if self.may_call else "") if part)


class LapseStep(Document, frozen=True, kw_only=True):
    """What happens after use, and how soon."""

    within: Annotated[str, F("When", choices=SPANS)] = ""
    action: Annotated[str, F("What", max_length=300, widget=Widget.LINE)] = ""

    def shown(self) -> str:
        """`first 10 minutes: leave, call Ruth`."""
        return f"{self.within}: {self.action}".strip(": ")


class Aftercare(Document, frozen=True, kw_only=True):
    """A meeting, a group, a person: what goes on after the program."""

    name: Annotated[str, F("What", max_length=200, widget=Widget.LINE)] = ""
    when: Annotated[str, F("When", max_length=120, widget=Widget.LINE)] = ""

    def shown(self) -> str:
        """Name and when."""
        return ", ".join(part for part in (self.name, self.when) if part)


class RelapsePlan(Document, frozen=True, kw_only=True):
    """What endangers recovery, what helps against it, and what happens when it did not help."""

    made: Annotated[date | None, F("Made on", required=True)] = None
    substances: Annotated[tuple[str, ...], F("Substances, behaviors", choices=SUBSTANCES, required=True)] = ()
    goal: Annotated[str, F("Recovery goal", choices=GOALS, required=True)] = ""
    last_use: Annotated[date | None, F("Last use", required=True)] = None
    reasons: Annotated[
        str, F("Reasons for recovery", required=True, max_length=2000, help="In the client's words.")
    ] = ""
    triggers: Annotated[
        tuple[Trigger, ...], F("Triggers", required=True, source=SOURCE, help="At least three, outside and inside.")
    ] = ()
    signs: Annotated[
        tuple[WarningSign, ...], F("Early warning signs", required=True, source=SOURCE, help="At least three.")
    ] = ()
    windows: Annotated[tuple[RiskWindow, ...], F("Hard times", help="Weekday and hours.")] = ()
    steps: Annotated[
        tuple[CopingStep, ...],
        F("Coping steps", required=True, source=SOURCE, help="In order; the first alone and within ten minutes."),
    ] = ()
    supports: Annotated[
        tuple[Support, ...], F("People to call", required=True, source=SOURCE, help="At least two with a phone.")
    ] = ()
    partner: Annotated[
        str, F("Partner among them", choices=PARTNER, required=True, help="Always asked, and asked alone.",
               source="program rule CR-13")
    ] = ""  # fmt: skip
    lapse_plan: Annotated[
        tuple[LapseStep, ...], F("If use happens", required=True, help="First 10 minutes, 24 hours, 72 hours.")
    ] = ()
    tolerance_told: Annotated[
        bool | None, F("Overdose warning given", required=True, help="After days without, the old dose can kill.",
                       source="SAMHSA Overdose Prevention Toolkit")
    ] = None  # fmt: skip
    naloxone: Annotated[
        str, F("Naloxone", max_length=300, widget=Widget.LINE, help="Where it is and who can use it.")
    ] = ""
    moud: Annotated[str, F("Medication for use disorder", max_length=300, widget=Widget.LINE)] = ""
    aftercare: Annotated[tuple[Aftercare, ...], F("Meetings, aftercare", required=True)] = ()
    step_down: Annotated[date | None, F("Step-down on")] = None
    check_ins: Annotated[
        tuple[str, ...], F("Check-ins after discharge", choices=CHECK_INS, required=True, help="At least one.")
    ] = ()
    rehearsed: Annotated[date | None, F("Rehearsed on")] = None
    rehearsed_minutes: Annotated[_Minutes | None, F("For how long", unit="min")] = None
    rehearsed_with: Annotated[str, F("With whom", max_length=120, widget=Widget.LINE)] = ""
    barriers: Annotated[str, F("What could get in the way", required=True, max_length=1000)] = ""
    confidence: Annotated[
        _Confidence | None, F("Confidence", required=True, help="0 to 10; below 7 the plan is revised.")
    ] = None
    client_copy: Annotated[str, F("Client's copy", choices=CLIENT_COPIES, required=True)] = ""
    partner_copy: Annotated[bool, F("Partner's copy")] = False
    partner_consent: Annotated[
        str, F("Authorization", max_length=60, widget=Widget.LINE, search=False, help="Its id; needed for a copy.")
    ] = ""


class StepTry(Document, frozen=True, kw_only=True):
    """One coping step in a rehearsal: used or passed over, and whether it worked."""

    action: Annotated[str, F("Step", max_length=300)] = ""
    used: Annotated[bool, F("Used")] = False
    worked: Annotated[bool | None, F("Worked")] = None
    note: Annotated[str, F("Note", max_length=300, widget=Widget.LINE)] = ""

    def shown(self) -> str:
        """`walk round the block: used, worked`."""
        if not self.used:
            return f"{self.action}: passed over"
        said = {True: "worked", False: "did not help", None: "used"}[self.worked]
        return f"{self.action}: {said}" + (f", {self.note}" if self.note else "")


class RelapseDrill(Document, frozen=True, kw_only=True):
    """A rehearsal of the plan with the client: the situation, step by step, and how sure they are now."""

    plan: Annotated[str, F("Plan", search=False, widget=Widget.HIDDEN)] = ""
    on: Annotated[date | None, F("Day", required=True)] = None
    minutes: Annotated[_Minutes | None, F("Minutes", unit="min", required=True)] = None
    with_whom: Annotated[str, F("With whom", required=True, max_length=120, widget=Widget.LINE)] = ""
    situation: Annotated[str, F("Situation", required=True, max_length=500, help="The trigger that was played.")] = ""
    steps: Annotated[tuple[StepTry, ...], F("Steps", required=True)] = ()
    barriers: Annotated[str, F("What got in the way", max_length=1000)] = ""
    confidence: Annotated[_Confidence | None, F("Confidence now", required=True)] = None


class RelapseReview(Document, frozen=True, kw_only=True):
    """A look at the plan: why, what was found, whether it stays."""

    plan: Annotated[str, F("Plan", search=False, widget=Widget.HIDDEN)] = ""
    on: Annotated[date | None, F("Day", required=True)] = None
    occasion: Annotated[str, F("Occasion", choices=OCCASIONS, required=True)] = ""
    found: Annotated[str, F("What was found", required=True, widget=Widget.TEXT)] = ""
    decision: Annotated[str, F("The plan", choices=DECISIONS, required=True)] = ""
    confidence: Annotated[_Confidence | None, F("Confidence now", required=True)] = None
