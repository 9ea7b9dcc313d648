"""Plans a client carries, for one client of the small demo: relapse plan with drill and lapse, safety plan, measures,
drug screen, naloxone. All invented.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time, timedelta

from iop_tui.access import roles, settle
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.measures import library
from iop_tui.clinical.measures import service as measures
from iop_tui.clinical.relapse import model as plan
from iop_tui.clinical.relapse import service as relapse
from iop_tui.clinical.relapse import standing
from iop_tui.clinical.relapse.checks import RELAPSE_PLAN, RELAPSE_REVIEW
from iop_tui.clinical.safety import plan as safety
from iop_tui.clinical.toxicology.lapses import LAPSE, Lapse
from iop_tui.clinical.toxicology.naloxone import NALOXONE, Naloxone
from iop_tui.clinical.toxicology.testing import DRUG_SCREEN, Analyte, DrugScreen
from iop_tui.kernel.clock import local_date
from iop_tui.workspace import Workspace

_DAY = timedelta(days=1)
_WEEKS = ((2, 2, 2, 2, 2, 2, 1, 1, 0), (2, 2, 2, 1, 2, 2, 1, 1, 0), (1, 2, 1, 1, 1, 1, 1, 0, 0),
          (1, 1, 1, 1, 1, 1, 0, 0, 0))  # fmt: skip
"""PHQ-9 answers of the last weeks, oldest first."""


def write(crew: Iterable[Workspace]) -> None:
    """Care of the first client of the first individual therapist who has one."""
    for ws in crew:
        ws.session.catch_up()
        treated = sorted(f.person for f in settle.my_care(ws.session) if f.role == roles.INDIVIDUAL_THERAPIST)
        if treated:
            _care(ws, treated[0], local_date(ws.clock.now_ms()))
            return


def _care(ws: Workspace, person: bytes, today: date) -> None:
    definition = library.instrument(ws, "phq-9")
    for weeks, values in enumerate(reversed(_WEEKS)):
        answers = {str(at): value for at, value in enumerate(values, 1)}
        made = measures.scored(ws, person, definition, answers, taken=today - timedelta(weeks=weeks) - _DAY)
        measures.give(ws, person, definition, made)
    _relapse(ws, person, today)
    record = charting.save(ws, person, safety.SAFETY_PLAN, _safety_plan(today - 12 * _DAY)).record
    screen = charting.save(ws, person, DRUG_SCREEN, _screen(today - 5 * _DAY, ws.user.name)).record
    charting.sign(ws, [record, screen])
    charting.save(ws, person, NALOXONE, Naloxone(
        given=today - 30 * _DAY, form="nasal spray 4 mg", doses=2, expires=today + 500 * _DAY, kept="Kitchen drawer",
        trained=("The sister",),
    ))  # fmt: skip


def _relapse(ws: Workspace, person: bytes, today: date) -> None:
    made = today - 24 * _DAY
    record = charting.save(ws, person, RELAPSE_PLAN, _plan(made)).record
    charting.sign(ws, [record])
    held = relapse.current(ws, person)
    if held is None:
        return
    drill = standing.play(standing.begin(held.plan), used=True, worked=True)
    drill = standing.play(drill, used=True, worked=False, note="nobody answered")
    relapse.keep_drill(ws, person, record, standing.finished(
        drill, plan="", on=made + _DAY, minutes=20, with_whom=ws.user.name, confidence=8, barriers="Phone was empty",
    ))  # fmt: skip
    charting.save(ws, person, LAPSE, Lapse(
        on=today - 16 * _DAY, kind="lapse", substances=("alcohol",), amount="Two beers", trigger="After a quarrel",
        step_used="Call the sponsor", step_worked=True, learned="Calling before the shop is easier than after it.",
        next_steps="Phone charged by the door.", known_from="client",
    ))  # fmt: skip
    for back, occasion, found in ((15, "lapse", "The call came late, and it helped."), (6, "weekly", "A quiet week.")):
        charting.save(ws, person, RELAPSE_REVIEW, plan.RelapseReview(
            on=today - back * _DAY, occasion=occasion, found=found, decision="stays as it is", confidence=8,
        ))  # fmt: skip


def _plan(made: date) -> plan.RelapsePlan:
    return plan.RelapsePlan(
        made=made, substances=("alcohol",), goal="abstinence", last_use=made - 20 * _DAY,
        reasons="To be awake on Sunday mornings.",
        triggers=(
            plan.Trigger(name="Friday", kind="times", text="Friday evening, after the late shift"),
            plan.Trigger(name="Quarrel", kind="people", text="A quarrel about money in the kitchen"),
            plan.Trigger(name="Alone", kind="feelings", text="Feeling useless late at night"),
        ),
        signs=(
            plan.WarningSign(kind="behavioral", text="Takes the way past the shop"),
            plan.WarningSign(kind="mental", text="Thinks that one does not count"),
            plan.WarningSign(kind="emotional", text="Snaps at everybody"),
        ),
        windows=(plan.RiskWindow(weekday="Friday", start=time(18), end=time(23)),),
        steps=(
            plan.CopingStep(action="Walk to the river", where="Outside", minutes=10, alone=True, triggers=("Friday",)),
            plan.CopingStep(action="Call the sponsor", minutes=15, alone=False, triggers=("Quarrel", "Alone")),
            plan.CopingStep(action="Evening meeting", minutes=60, alone=False, triggers=("Alone", "Friday")),
        ),
        supports=(
            plan.Support(name="Robin", role="sponsor", phone="555-010-1200"),
            plan.Support(name="Kay", role="sister", phone="555-010-1300"),
        ),
        partner=plan.PARTNER[1],
        lapse_plan=(
            plan.LapseStep(within=plan.SPANS[0], action="Stop, leave, call Robin"),
            plan.LapseStep(within=plan.SPANS[1], action="Tell the therapist, eat, sleep"),
            plan.LapseStep(within=plan.SPANS[2], action="Go through this plan together"),
        ),
        tolerance_told=True, aftercare=(plan.Aftercare(name="Home group", when="Tuesdays 19:00"),),
        check_ins=plan.CHECK_INS[:3], barriers="Too tired to walk", confidence=8, client_copy="card",
    )  # fmt: skip


def _safety_plan(made: date) -> safety.SafetyPlan:
    return safety.SafetyPlan(
        made=made, occasion=safety.OCCASIONS[5], warning_signs=("Stops sleeping",), coping=("Cold water, then music",),
        distractions=(safety.Distraction(kind="place", name="The library"),),
        helpers=(safety.Helper(name="Kay", relation="sister", phone="555-010-1300", knows=True),),
        agencies=(
            safety.Agency(kind="crisis line", name="988 Suicide & Crisis Lifeline", phone=safety.LIFELINE),
            safety.Agency(kind="emergency department", name="County Hospital", phone="555-010-4400"),
            safety.Agency(kind="after-hours line", name="The program", phone="555-010-2200"),
        ),
        means=(
            safety.MeansStep(method="medication", action="Weekly doses only", holder="Kay", done=True, done_on=made),
        ),
        likelihood=8, kept_where="In the wallet", location="At home, second floor", dispatch="555-010-9110",
        partner=safety.PARTNER[1], next_review=made + 28 * _DAY,
    )  # fmt: skip


def _screen(collected: date, by: str) -> DrugScreen:
    return DrugScreen(
        reason="scheduled", matrix="urine", collected=collected, collected_by=by, observed="no", temperature=95,
        creatinine=92, ph=6.4, gravity=1.016, resulted=collected + _DAY, explanation="Nothing taken.",
        panel=(
            Analyte(substance="ethyl glucuronide", cutoff=500, presumptive="negative"),
            Analyte(substance="benzodiazepines", cutoff=200, presumptive="negative"),
        ),
        reading="As expected.", action="discussed with the client",
    )  # fmt: skip
