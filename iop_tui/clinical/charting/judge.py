"""What speaks against a document, with everything its rules may look at: rule packs, plan, sessions, licences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from iop_tui.clinical.charting import caring, lettering
from iop_tui.clinical.compliance import api as compliance
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.episodes.api import DISCHARGE_SUMMARY
from iop_tui.clinical.letters.api import LETTER
from iop_tui.clinical.notes import api as notes
from iop_tui.clinical.plans import api as plans
from iop_tui.clinical.plans.api import objective_lines
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.declare import Document, DocumentType, Finding, RuleContext
from iop_tui.workspace import Workspace

PLAN = "treatment_plan"
UNKNOWN_LEVEL = "2.1"
"""An intensive outpatient program is what this program charts, until a plan says otherwise."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The program's rules and the person's circumstances that they depend on."""

    packs: tuple[compliance.Pack, ...]
    medicare: bool
    part2: bool
    untouched_days: int
    today: date
    missing: tuple[str, ...] = ()
    """Rule packs that the program named and this installation does not have: a newer one wrote the profile."""

    def tags(self, age: int | None, *more: str) -> frozenset[str]:
        """Circumstances as rules name them."""
        payer = ("medicare",) if self.medicare else ()
        return frozenset((compliance.age_tag(age), *payer, *more))


def setting(ws: Workspace) -> Setting:
    """What the program's profile says; a rule pack this installation lacks is named in `missing`, and work goes on."""
    profile = staff.program_profile(ws)
    known = compliance.shipped()
    packs = compliance.in_force(item for item in profile.rule_packs if item in known)
    missing = tuple(item for item in profile.rule_packs if item not in known)
    return Setting(packs, profile.medicare, profile.part2, profile.untouched_days, signing.today(ws), missing)


def age_of(ws: Workspace, person: bytes, on: date) -> int | None:
    """Age in whole years on a day, or None without a birth date."""
    row = ws.view.one("SELECT birth_date FROM person WHERE id = ?", (person,))
    return age_on(row[0], on) if row else None


def age_on(born: str | None, on: date) -> int | None:
    """Age in whole years on a day of who was born on an ISO date; None without one."""
    if not born:
        return None
    birth = date.fromisoformat(born)
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))


def judge(ws: Workspace) -> signing.Judge:
    """The judgement for one use case: rule packs and profile are read once."""
    here = setting(ws)

    def judged(kind: DocumentType[Any], document: Document, person: bytes, record: bytes) -> tuple[Finding, ...]:
        if couples.belongs(kind):
            return couples.findings(ws, kind, document, person, record)
        if kind.kind == notes.PROGRESS_NOTE.kind and isinstance(document, notes.ProgressNote):
            return judged_note(ws, here, document, person, record)
        return kind.findings(document, RuleContext(here.today, _facts(ws, here, kind.kind, document, person)))

    return judged


# -- notes ---------------------------------------------------------------------------------


def thread(ws: Workspace, person: bytes, *, record: bytes = b"", day: date | None = None) -> notes.Thread:
    """What the thread check compares a note with, prepared for typing: one read of the view, then none."""
    return _thread(ws, setting(ws), person, record, day)


def _thread(
    ws: Workspace, here: Setting, person: bytes, record: bytes, day: date | None, *, group: bool = True
) -> notes.Thread:
    members, own = notes.group_members(ws, person, day or here.today) if group else ((), notes.NOBODY)
    made = notes.Thread(
        today=here.today,
        objectives=objectives(ws, person, day),
        last=notes.last_signed(ws, person, ws.user.user, record),
        sessions=notes.sessions_of(ws, day or here.today, person),
        untouched_days=here.untouched_days,
        person=person,
        clinician=ws.user.user,
        record=record,
        day=day or here.today,
        members=members,
        own=own,
        facts={"licences": staff.licences(ws, ws.user.user), "codes": compliance.code_times(here.packs)},
    )
    return notes.prepare(made)


def objectives(ws: Workspace, person: bytes, on: date | None = None) -> tuple[notes.ObjectiveState, ...]:
    """Objectives of the plan in force with the day a note last cited each, for `#` and the thread check."""
    return states(plans.active(ws, person, on), notes.citations(ws, person))


def states(in_force: plans.InForce | None, cited: Mapping[str, date]) -> tuple[notes.ObjectiveState, ...]:
    """The objectives of a plan with the days from `cited` (id or number → last day)."""
    found = []
    for line in objective_lines(in_force):
        last = max((day for key in (line.id, line.number) if (day := cited.get(key))), default=None)
        found.append(notes.ObjectiveState(line.id, line.number, line.text, line.is_open, line.has_measure,
                                          line.has_intervention, last, line.since))  # fmt: skip
    return tuple(found)


def judged_note(
    ws: Workspace, here: Setting, note: notes.ProgressNote, person: bytes, record: bytes
) -> tuple[Finding, ...]:
    """The thread check as it decides on a signature."""
    group = note.session_type == notes.GROUP
    return notes.check(note, _thread(ws, here, person, record, note.service_date, group=group))


# -- other documents -----------------------------------------------------------------------


def _facts(ws: Workspace, here: Setting, kind: str, document: Document, person: bytes) -> dict[str, Any]:
    if kind == PLAN:
        return plan_facts(ws, here, document, person)
    if kind == DISCHARGE_SUMMARY.kind:
        lines = objective_lines(plans.active(ws, person, getattr(document, "discharged", None)))
        return {"plan_objectives": tuple((line.id, line.number) for line in lines)}
    if kind == LETTER.kind:
        return {"part2": here.part2, "consents": lettering.facts(ws, person)}
    return caring.facts(ws, person, kind)


def plan_facts(ws: Workspace, here: Setting, plan: Any, person: bytes) -> dict[str, Any]:
    """What the plan's rules look at: age, band of hours, limit of the next review, due date, payer."""
    on = plan.planned or here.today
    age = age_of(ws, person, on)
    facts: dict[str, Any] = {"age": age, "medicare": here.medicare}
    band = compliance.hours_band(here.packs, plan.level, here.tags(age), on)
    if band is not None:
        facts["hours_band"] = (band.low, band.high, band.citation)
    case = compliance.Case(plan.level or UNKNOWN_LEVEL, here.tags(age), {"last plan": on}, ())
    review = compliance.due(here.packs, "plan review", case)
    if review is not None:
        facts["review_days"] = ((review.on - on).days, review.source)
    if plan.admitted is not None:
        due = plan_due(ws, here, person, plan.admitted, plan.level, age)
        if due is not None:
            facts |= {"plan_due": due.on, "plan_due_source": due.source}
    return facts


def plan_due(
    ws: Workspace, here: Setting, person: bytes, admitted: date, level: str, age: int | None
) -> compliance.Due | None:
    """By when the first plan of an admission is due; None while a count of contacts decides."""
    contacts = notes.service_days(ws, person, admitted)
    starts = {"admission": admitted} | ({"first contact": contacts[0]} if contacts else {})
    case = compliance.Case(level or UNKNOWN_LEVEL, here.tags(age), starts, contacts)
    return compliance.due(here.packs, "treatment plan", case)
