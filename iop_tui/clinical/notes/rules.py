"""What must be right before a progress note can be signed, and what deserves a second look. Pure.

`context.facts` may hold `licences` (state → end of the clinician's licence) and `codes` (service code → lowest minutes,
highest minutes, source).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from iop_tui.clinical.notes import mental, telehealth
from iop_tui.kernel.declare import Finding, RuleContext, Severity

if TYPE_CHECKING:
    from iop_tui.clinical.notes.model import ProgressNote

SERVICE = "42 CFR 410.44"
THREAD = "program rule: every note serves the plan"
WALL = "program rule CR-13"
LOOKED_AT = 20_000
"""Characters of a text in which patterns are looked for: a pasted megabyte does not slow typing down."""
_REFUSE, _WARN = Severity.REFUSE, Severity.WARN
_NOBODY = frozenset({"", "nobody", "no one", "noone", "none", "no", "alone", "-"})
_VERB = re.compile(
    r"\b\w{2,}(?:ed|ing)\b|\b(?:taught|led|set|made|wrote|built|drew|spoke|gave|ran|held|sought)\b", re.IGNORECASE
)
_VIOLENCE = re.compile(
    r"\b(?:domestic violence|partner violence|ipv|strangl\w*|chok(?:ed|es|ing) (?:her|him|them|me)|restraining order"
    r"|protective order|hits? (?:her|him|them|me)|beat(?:s|en)? (?:her|him|them|me)|coercive control|stalk\w*)\b",
    re.IGNORECASE,
)  # fmt: skip


def rules(note: ProgressNote, context: RuleContext) -> tuple[Finding, ...]:
    """All of it, in the order of the fields."""
    return (
        *_times(note, context), *_code(note, context), *_place(note, context), *_people(note), *_thread(note),
        *mental.findings(note.mental_status), *_work(note), *_risk(note), *_violence(note), *_next(note),
    )  # fmt: skip


def _times(note: ProgressNote, context: RuleContext) -> Iterator[Finding]:
    if note.start is not None and note.stop is not None and note.stop <= note.start:
        yield Finding(_REFUSE, "stop_after_start", "The session stops before it starts.", "stop", SERVICE)
    if note.service_date is not None and note.service_date > context.today:
        yield Finding(_REFUSE, "future", "The service date lies in the future.", "service_date", SERVICE)


def _code(note: ProgressNote, context: RuleContext) -> Iterator[Finding]:
    """A code that does not match the time: refused with the range and its source."""
    row = context.facts.get("codes", {}).get(note.service_code.strip().upper())
    if row is None or note.start is None or note.stop is None:
        return
    low, high, source = row
    took = (note.stop.hour - note.start.hour) * 60 + note.stop.minute - note.start.minute
    if took > 0 and not low <= took <= high:
        code = note.service_code.strip().upper()
        message = f"{code} stands for {low} to {high} minutes; this session took {took}."
        yield Finding(_REFUSE, "code_time", message, "service_code", source)


def _place(note: ProgressNote, context: RuleContext) -> Iterator[Finding]:
    if note.modality == "in person" and not note.location.strip():
        yield Finding(_REFUSE, "place", "Say where you met.", "location", SERVICE)
    if note.service_date is not None:
        licences = context.facts.get("licences", {})
        yield from telehealth.findings(note.modality, note.telehealth, on=note.service_date, licences=licences)


def _people(note: ProgressNote) -> Iterator[Finding]:
    others = [item for item in note.participants if item != "client"]
    if "partner" in others and note.session_type == "individual":
        message = "The partner took part in an individual session: joint rules apply, and it belongs to the joint note."
        yield Finding(_WARN, "partner_present", message, "participants", "program rules CR-6, CR-7")
    if others and not note.others_present.strip():
        yield Finding(_REFUSE, "who_present", f"Say who the {others[0]} was.", "others_present", SERVICE)


def _thread(note: ProgressNote) -> Iterator[Finding]:
    if not note.objectives and not note.off_plan_reason.strip():
        message = "Link an objective with #, or say why the session was off plan."
        yield Finding(_REFUSE, "objective", message, "objectives", THREAD)


def _work(note: ProgressNote) -> Iterator[Finding]:
    if note.intervention.strip() and not _VERB.search(note.intervention[:LOOKED_AT]):
        message = "Say what you did, with a verb: practised, reviewed, rehearsed …"
        yield Finding(_WARN, "verb", message, "intervention", SERVICE)


def _risk(note: ProgressNote) -> Iterator[Finding]:
    source = "program rule: risk has a disposition"
    if note.risk == "present":
        needed = (
            ("risk_present", note.risk_present, "Risk is present: mark which."),
            ("risk_action", note.risk_action.strip(), "Risk is present: say what was done and how the client left."),
            ("supervisor_notice", note.supervisor_notice.strip(), "Risk is present: say which supervisor was told."),
        )
        for name, value, message in needed:
            if not value:
                yield Finding(_REFUSE, name, message, name, source)
    elif note.risk_present:
        yield Finding(_REFUSE, "risk_denied", "Risk is denied, and something is marked as present.", "risk", source)


def _violence(note: ProgressNote) -> Iterator[Finding]:
    block = note.telehealth if note.modality in telehealth.VIRTUAL else None
    company = [item for item in note.participants if item != "client"] or (
        block is not None and (block.private is False or block.present.strip().casefold() not in _NOBODY)
    )
    if note.partner_violence == "risk reviewed" and company:
        message = "Somebody else was there: partner violence is asked alone, another time."
        yield Finding(_REFUSE, "asked_alone", message, "partner_violence", WALL)
    for name in ("presentation", "intervention", "response", "risk_action", "plan"):
        match = _VIOLENCE.search(getattr(note, name)[:LOOKED_AT])
        if match is not None:
            message = f"“{match[0]}” belongs to the safety record: others read this note."
            yield Finding(_WARN, "violence_content", message, name, WALL)


def _next(note: ProgressNote) -> Iterator[Finding]:
    if note.next_appointment and note.service_date and note.next_appointment.date() < note.service_date:
        message = "The next appointment lies before the session."
        yield Finding(_REFUSE, "next_appointment", message, "next_appointment", SERVICE)
