"""Documents of an episode that may be signed once they are dated. Every name is invented."""

from __future__ import annotations

from iop_tui.clinical.episodes.model import (
    Appointment,
    ContinuingCarePlan,
    DischargeSummary,
    IntakeAssessment,
    ServiceCount,
)
from iop_tui.clinical.safety.model import RiskAssessment
from tests.support.clinic.plans import TODAY

INTAKE = IntakeAssessment(
    admitted=TODAY, assessed=TODAY, presenting="I want my evenings back.", substances="Wine, daily, four years.",
    mental_health="Low mood.", medical="None known.", medications="None.", treatment_history="Two sessions in 2023.",
    family="Lives with a sister.", housing="Rents a flat.", trauma="asked, none reported", strengths=("humor",),
    needs=("evenings without wine",), mental_status="Alert, oriented.", risk_reviewed=True,
    impression="Alcohol use disorder, moderate.", level="2.1",
    necessity="Works half days; outpatient care failed twice.",
    device=True, audio_video=True, connection="tested, works", private_place=True, backup_phone="555-0199",
    emergency_place="County hospital", telehealth_consent=True, told_reporting=True,
)  # fmt: skip
RISK = RiskAssessment(
    assessed=TODAY, occasion="intake", ideation=0, behavior="none", others="denied", tolerance_lost=False,
    uses_alone=False, naloxone="not applicable", withdrawal="none", grave_disability=False,
    partner_violence="asked alone", dependents="No children; nobody depends on them.", protective=("sister",),
    level="low", rationale="No ideation, supports at hand.", follow_up=TODAY,
)  # fmt: skip
CONTINUING = ContinuingCarePlan(
    planned=TODAY, discharge=TODAY, strategies=("calls the sponsor first",), re_entry="Call the front desk any day.",
    appointments=(Appointment(with_whom="Dr. Vale", on=TODAY, confirmed=True),), supports=("Tuesday group",),
    medications="None.", relapse_plan=True, safety_plan=True, check_ins=("after 30 days",),
    participation="Chose the group.", copy_given=True, family="included",
)  # fmt: skip
DISCHARGE = DischargeSummary(
    admitted=TODAY, discharged=TODAY, level_in="2.1", level_out="1.0", diagnoses_in=("F10.20",),
    diagnoses_out=("F10.21",), services=(ServiceCount(type="individual", sessions=8, minutes=400),),
    needs_admission="Evenings.", needs_during="Sleep.", needs_discharge="Friends.", reason="completed",
    risk="Low.", substance_use="None for 60 days.", medications="None.", housing="Stable.", support="Sister.",
    cssrs_on=TODAY, phq9=4, phq9_on=TODAY, participation="Read it.", copy_given=True, family="included",
)  # fmt: skip
