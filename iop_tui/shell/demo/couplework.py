"""Joint work of the small demo's first couple: agreement, plan, sessions, contract days, measures. All invented."""

from __future__ import annotations

from datetime import date, time, timedelta

from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.couples.model import AFTER, BOTH_SIGN, CLIENTS, IN_PERSON, TESTIMONY, TO_OWN
from iop_tui.clinical.joint import api as joint
from iop_tui.clinical.joint.model import CONTRACT, SharedGoal, SharedObjective
from iop_tui.kernel.clock import local_date
from iop_tui.workspace import Workspace

_A, _B = couples.PARTNERS
_SESSIONS = (
    "[J] Both described a week with two quarrels about money.\n[A>] I left the room before it got loud.\n"
    "[B>] I noticed, and I did not follow.",
    "[J] Kept the evening talk on four days.\n[A>] Saying thank you first makes it easier.\n"
    "[B>] I still wait for the catch.",
    "[J] First weekend together without drinking.\n[B>] We cooked, it was ordinary, that was the good part.\n"
    "[A>] I would do it again.",
)


def write(ws: Workspace, couple: bytes) -> None:
    """What the couples therapist wrote about one couple until today."""
    today = local_date(ws.clock.now_ms())
    ws.session.catch_up()
    _agreement(ws, couple, today)
    _plan(ws, couple, today)
    for week, content in enumerate(_SESSIONS):
        _session(ws, couple, today - timedelta(days=16 - 7 * week), content)
    for back in range(9, 0, -1):
        kept = CONTRACT[: 2 + back % 2]
        day = joint.RecoveryDay(day=today - timedelta(days=back), kept=kept, missed=("meetings",) if back == 4 else ())
        couples.save(ws, couple, joint.RECOVERY_DAY, day)
    for partner, score in ((_A, 38.0), (_B, 44.0)):
        measure = joint.CoupleMeasure(instrument="CSI-16", partner=partner, taken=today - timedelta(days=9),
                                      score=score, highest=81)  # fmt: skip
        couples.save(ws, couple, joint.COUPLE_MEASURE, measure)


def _agreement(ws: Workspace, couple: bytes, today: date) -> None:
    agreed = today - timedelta(days=21)
    document = couples.CouplesAgreement(
        agreed=agreed, client=CLIENTS[0], providers=(f"{ws.user.name}, couples therapist",), secrets=couples.SEPARATE,
        contact_rule=TO_OWN, release=BOTH_SIGN, testimony=TESTIMONY[0], not_recorded=True, billing=_A,
        after_separation=AFTER[0], exceptions=True, individual_care=True,
        crisis="Separate rooms, ten minutes, then the crisis line.",
    )  # fmt: skip
    record = couples.save(ws, couple, couples.AGREEMENT, document).record
    couples.sign(ws, [record])
    for partner in couples.PARTNERS:
        signature = couples.PartnerSignature(
            partner=partner, name=f"P{partner[1:]}", method=IN_PERSON, witness="Kim Standin", signed_on=agreed
        )
        couples.record_signature(ws, record, signature)


def _plan(ws: Workspace, couple: bytes, today: date) -> None:
    planned = today - timedelta(days=18)
    objective = SharedObjective(
        text="Trust talk every evening", baseline="1 of 7 days", measure="contract calendar", target="6 of 7 days",
        target_date=today + timedelta(days=45), status="active",
    )  # fmt: skip
    goal = SharedGoal(problem="Evenings end in silence or a quarrel", text="We talk again", objectives=(objective,))
    plan = joint.JointPlan(
        planned=planned, next_review=planned + timedelta(days=30), role_a="patient", role_b="patient",
        screened_a=planned, screened_b=planned, goals=(goal,), approaches=("BCT",), contract=CONTRACT[:4],
        activities=("Cooking on Saturday",), sessions=1, per="week", minutes=50, weeks=12, attends="both partners",
        contact_rule=TO_OWN, billing=_A, pause=("schedule", "individual stabilisation first"),
        participation="Both named the goal and the first step.",
    )  # fmt: skip
    joint.sign(ws, [couples.save(ws, couple, joint.JOINT_PLAN, plan).record])


def _session(ws: Workspace, couple: bytes, day: date, content: str) -> None:
    note = joint.JointNote(
        service_date=day, start=time(15), stop=time(15, 50), modality="video", service_code="90847",
        attended_a="present", attended_b="present", separate_rooms=True, content=content, approaches=("BCT",),
        intervention="Rehearsed the trust talk and time out.", progress=("1.1 moderate",), risk="none voiced",
        plan="Talk every evening; write down the days.",
    )  # fmt: skip
    joint.sign(ws, [couples.save(ws, couple, joint.JOINT_NOTE, note).record])
