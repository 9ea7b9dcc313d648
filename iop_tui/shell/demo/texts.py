"""Fictional documents: notes, measures, medications and problems that read like a program's own."""

from __future__ import annotations

from datetime import date, time, timedelta

from iop_tui.clinical.measures.instruments import catalogue
from iop_tui.clinical.measures.model import Measure
from iop_tui.clinical.medications.model import Allergy, Medication, Reaction
from iop_tui.clinical.notes.mental import MentalStatus
from iop_tui.clinical.notes.model import ProgressNote
from iop_tui.clinical.notes.telehealth import Telehealth
from iop_tui.clinical.plans.model import Condition, PlannedActivity, ReceivedPlan
from iop_tui.shell.demo.dice import Dice

_MOODS = (
    "tired",
    "calmer than last week",
    "restless",
    "hopeful",
    "flat",
    "irritable",
    "proud of the week",
    "worried",
    "tearful at first",
)
_TOPICS = (
    "sleep, which broke off around four most nights",
    "an argument about money",
    "the first day back at work",
    "a cousin's wedding and how to leave it early",
    "cravings on the way home past the old corner",
    "panic on the bus and getting off two stops early",
    "a letter from the landlord",
    "missing her evening routine",
    "how hard it was to say no to a friend",
    "walking every morning since Monday",
    "a dream that keeps coming back",
    "the anniversary of a loss",
    "skipping meals on busy days",
    "cooking for the first time in months",
    "feeling watched at the support meeting",
    "a disagreement with the supervisor at work",
    "the plan for the long weekend",
)
_SEEN = (
    "Made eye contact and spoke in full sentences.",
    "Spoke quietly, with long pauses.",
    "Smiled when describing the walk.",
    "Wrung hands when money came up.",
    "Arrived on time and had filled in the diary card.",
    "Camera off for the first ten minutes.",
    "Yawned often; posture slumped.",
    "Laughed once, then grew serious.",
    "Brought the written list from last session.",
)
_INTERVENTIONS = (
    "Practised paced breathing together and timed it.",
    "Drew up a behaviour chain from the trigger to the urge.",
    "Rehearsed an assertive refusal in two role plays.",
    "Examined the thought record line by line.",
    "Reviewed the sleep log and agreed on a fixed rising time.",
    "Used motivational interviewing to weigh both sides of change.",
    "Guided an exposure step on the hierarchy and debriefed it.",
    "Taught urge surfing with a five-minute exercise.",
    "Planned pleasant activities for three evenings.",
    "Linked mood ratings with activity on one page.",
    "Validated the loss and named the feelings in turn.",
)
_RESPONSES = (
    "Followed with interest and asked for a copy.",
    "Was sceptical, then tried it and rated the urge two points lower.",
    "Could name two alternatives without help.",
    "Became tearful and said it helped to be heard.",
    "Completed the exercise; distress fell from seven to four.",
    "Found the role play awkward and useful.",
    "Needed prompting and stayed with it.",
    "Said it felt easier than last time.",
)
_PLANS = (
    "Diary card daily; bring it on Thursday.",
    "Rising at seven whatever the night was like.",
    "Call the group buddy before the weekend.",
    "Two walks of twenty minutes before next session.",
    "Write down three urges and what passed them.",
    "Ask the pharmacy about the refill; report next week.",
    "Same time next week by video.",
    "Bring the letter to the next session.",
)
_PLACES = (
    "at home, kitchen",
    "at home, bedroom",
    "parked car, Fictionville",
    "sister's flat, Paper Road 4",
    "break room at work",
)
_CODES = {"individual": "H0004", "case management": "T1017", "family": "90847"}
_RISK = "Asked directly; no plan, no means. Safety steps reviewed and the crisis line confirmed."
_MEDICATIONS = (
    ("sertraline 50 mg tablet", "one each morning"),
    ("escitalopram 10 mg tablet", "one each morning"),
    ("trazodone 50 mg tablet", "one at bedtime"),
    ("hydroxyzine 25 mg capsule", "one as needed, at most three a day"),
    ("bupropion 150 mg tablet", "one each morning"),
    ("prazosin 2 mg capsule", "one at bedtime"),
)
_MOUD = (("buprenorphine-naloxone 8-2 mg film", "one film daily"), ("naltrexone 50 mg tablet", "one daily"))
_ALLERGIES = ("penicillin", "latex", "peanut", "sulfonamides", "bee venom")
_PROBLEMS = (
    "Major depressive disorder, recurrent, moderate",
    "Generalised anxiety disorder",
    "Post-traumatic stress disorder",
    "Panic disorder",
    "Adjustment disorder with mixed anxiety and depressed mood",
    "Insomnia disorder",
)
_USE = (
    "Alcohol use disorder, moderate",
    "Opioid use disorder, severe, on medication",
    "Stimulant use disorder, moderate",
)


class Writer:
    """Makes documents from dice."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice

    def note(self, day: date, slot: int) -> ProgressNote:
        """A finished progress note."""
        dice = self._dice
        kind = dice.pick(("individual",) * 8 + ("case management", "family"))
        start = 8 * 60 + (slot % 9) * 60 + dice.pick((0, 5, 10))
        stop = start + dice.pick((45, 50, 50, 55))
        modality = dice.pick(("video", "video", "video", "in person", "audio only"))
        is_risky = dice.chance(4)
        mood = dice.pick(_MOODS)
        return ProgressNote(
            service_date=day,
            start=time(start // 60, start % 60),
            stop=time(stop // 60, stop % 60),
            session_type=kind,
            modality=modality,
            service_code=_CODES[kind],
            location="Clinic" if modality == "in person" else "",
            participants=("client", "collateral") if kind == "family" else ("client",),
            others_present="a relative of the client's choice" if kind == "family" else "",
            telehealth=None if modality == "in person" else self._telehealth(kind),
            objectives=(f"{dice.between(1, 3)}.{dice.between(1, 3)}.{dice.between(1, 2)}",),
            presentation=f"Came in {mood}. Talked about {dice.pick(_TOPICS)}, then about {dice.pick(_TOPICS)}."
            f" {dice.pick(_SEEN)}",
            mental_status=MentalStatus(summary="all normal"),
            methods=(dice.pick(("CBT", "DBT", "MI")),),
            intervention=f"{dice.pick(_INTERVENTIONS)} {dice.pick(_INTERVENTIONS)}",
            response=dice.pick(_RESPONSES),
            progress=dice.pick(("minimal", "moderate", "moderate", "substantial", "none")),
            risk="present" if is_risky else "denied",
            risk_present=("suicidal ideation",) if is_risky else (),
            risk_action=_RISK if is_risky else "",
            supervisor_notice="Supervisor on duty, the same day." if is_risky else "",
            partner_violence="not asked today",
            plan=dice.pick(_PLANS),
        )

    def _telehealth(self, kind: str) -> Telehealth:
        return Telehealth(
            identity="known to the clinician",
            location=self._dice.pick(_PLACES),
            state="KS",
            callback="555-0100",
            consent_on_file=True,
            present="a relative" if kind == "family" else "nobody",
            private=True,
        )

    def draft(self, day: date, slot: int) -> ProgressNote:
        """A note that is not finished yet."""
        whole = self.note(day, slot)
        return ProgressNote(
            service_date=day,
            start=whole.start,
            stop=whole.stop,
            modality=whole.modality,
            location=whole.location,
            telehealth=whole.telehealth,
            objectives=whole.objectives,
            presentation=whole.presentation,
            intervention=whole.intervention if self._dice.chance(50) else "",
        )

    def measure(self, name: str, day: date, step: int, steps: int) -> Measure:
        """One administration in a course that gets better on the whole."""
        facts = next(each for each in catalogue().instruments if each.name == name)
        high = facts.high - facts.low
        level = high * (72 - 45 * step // max(1, steps)) // 100 + self._dice.between(-2, 2)
        score = max(facts.low, min(facts.high, facts.low + level))
        return Measure(
            instrument=name,
            taken=day,
            score=float(score),
            stated=float(score),
            lowest=facts.low,
            highest=facts.high,
            band=facts.band(score),
            code=facts.total,
            status="final",
            safety_item=score >= 20 and self._dice.chance(30) if facts.safety_item else None,
        )

    def medication(self, day: date, *, for_use: bool = False) -> Medication:
        """A current medication."""
        text, dosage = self._dice.pick(_MOUD if for_use else _MEDICATIONS)
        started = day - timedelta(days=self._dice.between(5, 300))
        return Medication(
            text=text,
            status="active",
            origin="statement",
            started=started,
            dosage=(dosage,),
            prescriber="Dr. A. Nobody",
        )

    def allergy(self, day: date) -> Allergy:
        """An allergy."""
        return Allergy(
            text=self._dice.pick(_ALLERGIES),
            type="allergy",
            criticality=self._dice.pick(("low", "high")),
            clinical_status="active",
            verification="confirmed",
            reactions=(Reaction(text="hives", severity="mild"),),
            recorded=day,
        )

    def problem(self, day: date, *, use: bool = False) -> Condition:
        """A problem; a substance use problem where `use`."""
        onset = day - timedelta(days=self._dice.between(100, 3000))
        return Condition(
            text=self._dice.pick(_USE if use else _PROBLEMS),
            clinical_status="active",
            verification="confirmed",
            category="Problem list item",
            onset=onset,
            recorded=day,
        )

    def plan(self, day: date, problem: str) -> ReceivedPlan:
        """A care plan in outline."""
        return ReceivedPlan(
            title="Intensive outpatient program, three days a week",
            status="active",
            intent="plan",
            started=day,
            addresses=(problem,),
            goals=("Fewer days lost to low mood", "A safe evening routine"),
            activities=(
                PlannedActivity(text="Skills group, 3 hours, three times a week", status="in-progress", place="video"),
                PlannedActivity(text="Individual session, 50 minutes, weekly", status="in-progress", place="video"),
            ),
        )
