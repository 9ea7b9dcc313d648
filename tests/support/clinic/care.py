"""Documents of care that pass every rule, for tests that take one thing away. All people are invented."""

from __future__ import annotations

from datetime import date, time, timedelta

from iop_tui.clinical.relapse.model import (
    Aftercare,
    CopingStep,
    LapseStep,
    RelapsePlan,
    RiskWindow,
    Support,
    Trigger,
    WarningSign,
)
from iop_tui.clinical.safety.plan import Agency, Distraction, Helper, MeansStep, SafetyPlan
from iop_tui.clinical.toxicology.testing import Analyte, DrugScreen

TODAY = date(2026, 3, 12)
BORN = date(1988, 4, 2)

RELAPSE = RelapsePlan(
    made=TODAY - timedelta(days=2),
    substances=("alcohol", "opioids"),
    goal="abstinence",
    last_use=TODAY - timedelta(days=30),
    reasons="To be there when my daughter starts school.",
    triggers=(
        Trigger(name="Friday pub", kind="places", text="The pub on the way home after the late shift"),
        Trigger(name="Quarrel", kind="people", text="Quarrels with my brother about money on Sundays"),
        Trigger(name="Shame", kind="feelings", text="Shame at night when I think of the accident"),
    ),
    signs=(
        WarningSign(kind="behavioral", text="I stop answering the phone"),
        WarningSign(kind="mental", text="I plan errands past the pub"),
        WarningSign(kind="emotional", text="Everything irritates me"),
    ),
    windows=(RiskWindow(weekday="Friday", start=time(17), end=time(22)),),
    steps=(
        CopingStep(action="Walk round the block", where="Anywhere", minutes=10, alone=True, triggers=("Friday pub",)),
        CopingStep(action="Call Ruth", where="Phone", minutes=15, alone=False, triggers=("Quarrel", "Shame")),
        CopingStep(action="Evening meeting", where="Church hall", minutes=60, alone=False, triggers=("Shame",)),
    ),
    supports=(
        Support(name="Ruth", role="sponsor", phone="555-010-1234", may_call=True, release="roi-1"),
        Support(name="Ida", role="sister", phone="(555) 010-9876", may_call=False),
    ),
    partner="not listed",
    lapse_plan=(
        LapseStep(within="first 10 minutes", action="Leave, pour it out, call Ruth"),
        LapseStep(within="first 24 hours", action="Tell the counselor, eat, sleep"),
        LapseStep(within="first 72 hours", action="Go through this plan with the counselor"),
    ),
    tolerance_told=True,
    naloxone="Kitchen drawer; Ida can use it",
    moud="Naltrexone",
    aftercare=(Aftercare(name="Home group", when="Tuesdays 19:00"),),
    step_down=TODAY + timedelta(days=40),
    check_ins=("1 week", "1 month", "3 months"),
    rehearsed=TODAY - timedelta(days=1),
    rehearsed_minutes=20,
    rehearsed_with="Sol, counselor",
    barriers="Phone is empty in the evening",
    confidence=8,
    client_copy="paper",
)

SAFETY = SafetyPlan(
    made=TODAY,
    occasion="PHQ-9 item 9 above 0",
    warning_signs=("I stop sleeping",),
    coping=("Cold water, then the dog",),
    distractions=(Distraction(kind="place", name="Library", address="12 Elm Street"),),
    helpers=(Helper(name="Ida", relation="sister", phone="555-010-9876", address="3 Oak Lane"),),
    agencies=(
        Agency(kind="crisis line", name="988 Suicide & Crisis Lifeline", phone="988"),
        Agency(kind="emergency department", name="Mercy Hospital", phone="555-010-4400", address="1 Hill Road"),
        Agency(kind="after-hours line", name="Program", phone="555-010-2200"),
        Agency(kind="clinician", name="Nadia", phone="555-010-2201"),
    ),
    means=(MeansStep(method="medication", action="Locked box", holder="Ida", done=True, done_on=TODAY),),
    likelihood=8,
    kept_where="On the fridge, inside a cupboard door",
    location="4 Birch Court, second floor",
    dispatch="555-010-9110",
    partner="not listed",
    next_review=TODAY + timedelta(days=14),
)

SCREEN = DrugScreen(
    reason="scheduled",
    matrix="urine",
    collected=TODAY - timedelta(days=1),
    collected_by="Sol",
    observed="no",
    temperature=96,
    creatinine=85,
    ph=6.5,
    gravity=1.015,
    panel=(Analyte(substance="cocaine", presumptive="negative"), Analyte(substance="cannabis", presumptive="negative")),
    resulted=TODAY,
    explanation="Nothing taken.",
    reading="As expected.",
    action="discussed with the client",
)
