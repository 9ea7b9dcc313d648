"""Whether a plan can be relied on today, the drill as one walks it, and what the steps have come to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from iop_tui.clinical.relapse.checks import CONFIDENT
from iop_tui.clinical.relapse.model import DECISIONS, CopingStep, RelapseDrill, RelapsePlan, RelapseReview, StepTry

REVIEW_EVERY = timedelta(days=7)
NOT_SIGNED, NOT_REHEARSED, TO_REVISE, REVIEW_DUE, ACTIVE = (
    "not signed", "not rehearsed", "to be revised", "review due", "active",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a plan, why, and by when it has to be looked at."""

    state: str
    reason: str
    review_by: date | None

    @property
    def active(self) -> bool:
        """Whether the client can rely on it: rehearsed, believed in; a review may be due."""
        return self.state in (ACTIVE, REVIEW_DUE)


def standing(
    plan: RelapsePlan,
    *,
    signed: bool,
    drills: Sequence[RelapseDrill],
    reviews: Sequence[RelapseReview],
    events: Iterable[tuple[date, str]],
    today: date,
) -> Standing:
    """The state of a plan. `events` are lapses and positive screens with their day; drills and reviews of this plan,
    oldest first.
    """
    if not signed:
        return Standing(NOT_SIGNED, "The plan is not signed.", None)
    looked = max((day for day in (plan.made, *(review.on for review in reviews)) if day), default=None)
    due = looked + REVIEW_EVERY if looked else today
    revised = reviews[-1] if reviews else None
    if revised is not None and revised.decision == DECISIONS[1]:
        return Standing(TO_REVISE, "The last review says that the plan is revised.", revised.on)
    sure = _confidence(plan, drills, reviews)
    if sure is not None and sure < CONFIDENT:
        return Standing(TO_REVISE, f"Confidence is {sure} of 10: below 7 the plan is revised.", today)
    if plan.rehearsed is None and not drills:
        return Standing(NOT_REHEARSED, "The plan was never rehearsed.", due)
    after = sorted((day, what) for day, what in events if looked is None or day > looked)
    if after:
        return Standing(REVIEW_DUE, f"A {after[0][1]} on {after[0][0].isoformat()} calls for a review.", after[0][0])
    if due <= today:
        return Standing(REVIEW_DUE, f"The last look was on {looked.isoformat()}." if looked else "", due)
    return Standing(ACTIVE, f"Next review by {due.isoformat()}.", due)


def _confidence(
    plan: RelapsePlan, drills: Sequence[RelapseDrill], reviews: Sequence[RelapseReview]
) -> int | None:
    """The newest answer; a drill or review on the plan's own day is newer than the plan."""
    told = [(plan.made or date.min, 0, plan.confidence)]
    told += [(drill.on or date.min, 1, drill.confidence) for drill in drills]
    told += [(review.on or date.min, 2, review.confidence) for review in reviews]
    said = [each for each in told if each[2] is not None]
    return max(said, key=lambda each: each[:2])[2] if said else None


# -- the drill ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Drill:
    """A rehearsal being walked: at which step one stands, and what was said of those before."""

    steps: tuple[CopingStep, ...]
    situation: str = ""
    at: int = 0
    tries: tuple[StepTry, ...] = field(default_factory=tuple)

    @property
    def step(self) -> CopingStep | None:
        """The step that is played now; None at the end."""
        return self.steps[self.at] if self.at < len(self.steps) else None

    @property
    def used(self) -> int:
        """How many steps were used."""
        return sum(each.used for each in self.tries)

    @property
    def worked(self) -> int:
        """How many of them worked."""
        return sum(each.worked is True for each in self.tries)


def begin(plan: RelapsePlan, situation: str = "") -> Drill:
    """The drill of a plan; with a trigger's short name only the steps against it, in the plan's order."""
    wanted = situation.strip().casefold()
    against = tuple(
        step for step in plan.steps if wanted and wanted in {name.strip().casefold() for name in step.triggers}
    )
    return Drill(against or plan.steps, situation)


def play(drill: Drill, *, used: bool, worked: bool | None = None, note: str = "") -> Drill:
    """What happened with the step that is played; then the next one."""
    step = drill.step
    if step is None:
        return drill
    done = StepTry(action=step.action, used=used, worked=worked if used else None, note=note)
    return replace(drill, at=drill.at + 1, tries=(*drill.tries[: drill.at], done))


def back(drill: Drill) -> Drill:
    """One step back; what was said of it is asked again."""
    at = max(drill.at - 1, 0)
    return replace(drill, at=at, tries=drill.tries[:at])


def finished(
    drill: Drill, *, plan: str, on: date, minutes: int, with_whom: str, confidence: int, barriers: str = ""
) -> RelapseDrill:
    """The rehearsal as it is kept; steps that were not reached count as passed over."""
    rest = tuple(StepTry(action=step.action) for step in drill.steps[len(drill.tries):])
    return RelapseDrill(
        plan=plan, on=on, minutes=minutes, with_whom=with_whom, situation=drill.situation or "the whole plan",
        steps=(*drill.tries, *rest), barriers=barriers, confidence=confidence,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class StepCount:
    """How often a step was used and worked: rehearsed, and in life."""

    action: str
    rehearsed: int
    rehearsed_worked: int
    used: int
    worked: int


def tally(
    plan: RelapsePlan, drills: Iterable[RelapseDrill], lived: Iterable[tuple[str, bool | None]]
) -> list[StepCount]:
    """Counts per step of the plan, in its order; `lived` are (step as worded, did it work) of lapses and check-ins."""
    tries = [each for drill in drills for each in drill.steps if each.used]
    real = [(action.strip().casefold(), worked) for action, worked in lived]
    found = []
    for step in plan.steps:
        name = step.action.strip().casefold()
        played = [each for each in tries if each.action.strip().casefold() == name]
        lives = [worked for action, worked in real if action == name]
        found.append(StepCount(
            step.action, len(played), sum(each.worked is True for each in played), len(lives),
            sum(worked is True for worked in lives),
        ))  # fmt: skip
    return found
