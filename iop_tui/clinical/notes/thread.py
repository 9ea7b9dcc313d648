"""The thread from plan to note, checked while somebody types: is the golden thread whole?

Pure and quick: what is known before the first key (objectives, the last note, the day's sessions) is prepared once in
`Thread`; each check then looks at the note alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from iop_tui.clinical.notes import carry, company, overlaps
from iop_tui.clinical.notes.links import ObjectiveState, number_of, resolve
from iop_tui.clinical.notes.model import PROGRESS_NOTE, ProgressNote
from iop_tui.clinical.notes.overlaps import Busy
from iop_tui.clinical.notes.similarity import WARN_AT, Shingles, jaccard, shingles
from iop_tui.kernel.declare import Finding, RuleContext, Severity

UNTOUCHED_DAYS = 14
TEXTS = ("presentation", "intervention", "response", "plan")
WRITTEN = (*TEXTS, "others_present", "risk_action", "off_plan_reason", "drug_screen", "medication_changes")
"""Every field of a note in which somebody writes words."""
SUPPORT_ONLY = frozenset({"supportive listening", "supportive counseling", "active listening", "provided support"})
SOURCE = "program rule: every note serves the plan"


@dataclass(frozen=True, slots=True)
class Thread:
    """What a note is compared with: the plan's objectives, the last note, the author's other sessions."""

    today: date
    objectives: tuple[ObjectiveState, ...] = ()
    last: ProgressNote | None = None
    last_shingles: Shingles = frozenset()
    sessions: tuple[Busy, ...] = ()
    untouched_days: int = UNTOUCHED_DAYS
    person: bytes = b""
    clinician: bytes = b""
    record: bytes = b""
    facts: dict[str, object] = field(default_factory=dict)
    day: date | None = None
    members: tuple[company.Member, ...] = ()
    own: company.Member = company.NOBODY


def text_of(note: ProgressNote) -> str:
    """The words a note is compared by."""
    status = note.mental_status
    seen = status.shown() if status is not None and status.described() else ""
    return "\n".join((*(getattr(note, name) for name in TEXTS), seen))


def prepare(thread: Thread) -> Thread:
    """The same thread with the last note's shingles cut once."""
    return replace(thread, last_shingles=shingles(text_of(thread.last)) if thread.last is not None else frozenset())


def check(note: ProgressNote, thread: Thread) -> tuple[Finding, ...]:
    """Everything worth saying about a note now: what is missing first, then what does not fit, then reminders."""
    return examine(note, thread)[0]


def examine(note: ProgressNote, thread: Thread) -> tuple[tuple[Finding, ...], float]:
    """The same with the likeness to the last note, for which the text is cut up once."""
    alike = likeness(note, thread)
    declared = PROGRESS_NOTE.findings(note, RuleContext(thread.today, thread.facts))
    rest = (*_links(note, thread), *_words(note), *carry.unchanged(note, thread.last), *_clone(alike),
            *_times(note, thread), *_company(note, thread), *_plan(note, thread))  # fmt: skip
    order = {Severity.REFUSE: 0, Severity.WARN: 1, Severity.REMIND: 2}
    return tuple(sorted((*declared, *rest), key=lambda item: order[item.severity])), alike


def likeness(note: ProgressNote, thread: Thread) -> float:
    """How alike this note and the last one are, 0 to 1: shown beside the text."""
    return jaccard(shingles(text_of(note)), thread.last_shingles) if thread.last_shingles else 0.0


def _links(note: ProgressNote, thread: Thread) -> Iterator[Finding]:
    for item in note.objectives:
        found = resolve(item, thread.objectives)
        number = number_of(item)
        if found is None and thread.objectives:
            message = f"The plan has no objective {number}."
            yield Finding(Severity.WARN, "unknown_objective", message, "objectives", SOURCE)
        elif found is not None and not found.is_open:
            message = f"Objective {number} is closed: link an open one, or reopen it in a review."
            yield Finding(Severity.REFUSE, "closed_objective", message, "objectives", SOURCE)
    if len(set(note.objectives)) != len(note.objectives):
        yield Finding(Severity.WARN, "objective_twice", "An objective is linked twice.", "objectives")


def _words(note: ProgressNote) -> Iterator[Finding]:
    said = note.intervention.strip().rstrip(".").casefold()
    if said in SUPPORT_ONLY:
        message = "Name what you did: support alone is not an intervention."
        yield Finding(Severity.WARN, "support_only", message, "intervention", "42 CFR 410.44")
    if note.intervention.strip() and not note.objectives and not note.off_plan_reason.strip():
        message = "This intervention serves no objective: link one with #, or give the off-plan reason."
        yield Finding(Severity.WARN, "intervention_without_objective", message, "intervention", SOURCE)


def _clone(alike: float) -> Iterator[Finding]:
    if alike >= WARN_AT:
        message = f"{alike:.0%} of this note is the last note's."
        yield Finding(Severity.WARN, "similar", message, "presentation", "program rule: no cloned notes")


def _times(note: ProgressNote, thread: Thread) -> Iterator[Finding]:
    if note.service_date is None or note.start is None or note.stop is None or note.stop <= note.start:
        return
    session = Busy(thread.record, thread.person, thread.clinician, note.service_date, note.start, note.stop,
                   note.session_type)  # fmt: skip
    yield from overlaps.findings(session, thread.sessions)


def _company(note: ProgressNote, thread: Thread) -> tuple[Finding, ...]:
    """A group note belongs to one member's record: no word of it names another one."""
    if note.session_type != company.GROUP:
        return ()
    return company.findings(((name, getattr(note, name)) for name in WRITTEN), thread.members, thread.own)


def _plan(note: ProgressNote, thread: Thread) -> Iterator[Finding]:
    cited = {found.id for item in note.objectives if (found := resolve(item, thread.objectives))}
    limit = thread.today - timedelta(days=thread.untouched_days)
    for item in thread.objectives:
        if not item.is_open:
            continue
        last = item.last_cited or item.since
        if item.id not in cited and last is not None and last < limit:
            message = f"No note has touched objective {item.number} since {last.isoformat()}."
            yield Finding(Severity.REMIND, "untouched", message, "objectives", SOURCE)
        if not item.has_measure:
            message = f"Objective {item.number} has no measure."
            yield Finding(Severity.REMIND, "no_measure", message, "objectives", SOURCE)
        if not item.has_intervention:
            message = f"Objective {item.number} has no intervention in the plan."
            yield Finding(Severity.REMIND, "no_intervention", message, "objectives", SOURCE)
