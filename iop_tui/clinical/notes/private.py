"""Psychotherapy notes (45 CFR 164.501) and SUD counseling notes (42 CFR 2.11): the author's alone, under a key nobody
else holds. What the regulations exclude from them is pointed out while it is typed.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity, Widget

PSYCHOTHERAPY_SOURCE = "45 CFR 164.501"
COUNSELING_SOURCE = "42 CFR 2.11"
_HELP = "Analysis of the conversation. Times, tests, diagnosis, plan and progress belong to the progress note."

_EXCLUDED: tuple[tuple[str, str, str], ...] = (
    ("medication", "medication prescription and monitoring",
     r"\b(?:medication|prescri\w+|refill\w*|dosage|\d+ ?mg|naltrexone|buprenorphine|methadone|suboxone|ssri\w*)\b"),
    ("times", "session start and stop times",
     r"\b\d{1,2}:\d{2}\b|\b\d{1,2} ?[ap]\.?m\b|\b(?:started|stopped|began|ended) at\b|\b\d+[- ]min(?:ute)?s?\b"),
    ("frequency", "modality and frequency of treatment",
     r"\b(?:weekly|biweekly|twice a week|times (?:a|per) week|sessions? (?:a|per) week|frequency|modality)\b"),
    ("tests", "results of clinical tests",
     r"\b(?:phq|gad|pcl|bam|c-?ssrs|uds|drug screen|urine|breathaly\w+|test results?|lab results?|bac)\b"),
    ("diagnosis", "summary of diagnosis", r"\b(?:diagnos\w+|dsm|icd|f\d{2}\.\d{1,3}|disorder)\b"),
    ("function", "functional status", r"\b(?:functional status|functioning|gaf|whodas|adls?)\b"),
    ("plan", "the treatment plan", r"\b(?:treatment plan|treatment goals?|objective \d|plan of care)\b"),
    ("symptoms", "symptoms", r"\b(?:symptoms?|symptomatic)\b"),
    ("prognosis", "prognosis", r"\bprognos\w+\b"),
    ("progress", "progress to date", r"\b(?:progress(?:ed|ing)?|improve(?:d|ment)|relapsed?)\b"),
)  # fmt: skip
EXCLUDED = tuple((code, words, re.compile(pattern, re.IGNORECASE)) for code, words, pattern in _EXCLUDED)
"""(code, what the regulations exclude, how it is recognised): words warn, people decide."""


class PsychotherapyNote(Document, frozen=True, kw_only=True):
    """A therapist's own words about a conversation, kept apart from the rest of the record."""

    written_on: Annotated[date | None, F("Date", required=True)] = None
    session: Annotated[
        str, F("Session", required=True, help="Which session: the note it belongs to, or its date.", max_length=200,
               widget=Widget.LINE, search=False)
    ] = ""  # fmt: skip
    text: Annotated[
        str, F("Note", required=True, widget=Widget.TEXT, source=PSYCHOTHERAPY_SOURCE,
               help=_HELP)
    ] = ""  # fmt: skip


class CounselingNote(Document, frozen=True, kw_only=True):
    """A substance use counselor's own words about a conversation, kept apart from the rest of the record."""

    written_on: Annotated[date | None, F("Date", required=True)] = None
    session: Annotated[
        str, F("Session", required=True, help="Which session: the note it belongs to, or its date.", max_length=200,
               widget=Widget.LINE, search=False)
    ] = ""  # fmt: skip
    text: Annotated[
        str, F("Note", required=True, widget=Widget.TEXT, source=COUNSELING_SOURCE,
               help=_HELP)
    ] = ""  # fmt: skip


def excluded(text: str, source: str) -> tuple[Finding, ...]:
    """What a text seems to hold that the regulation excludes from such a note: a warning each, with the words."""
    found = []
    for code, what, pattern in EXCLUDED:
        match = pattern.search(text)
        if match is not None:
            message = f"“{match[0]}” looks like {what}: that belongs to the progress note."
            found.append(Finding(Severity.WARN, code, message, "text", source))
    return tuple(found)


def _rules(source: str, written_on: date | None, text: str, context: RuleContext) -> tuple[Finding, ...]:
    found = excluded(text, source)
    if written_on is not None and written_on > context.today:
        found = (Finding(Severity.REFUSE, "future", "The date lies in the future.", "written_on"), *found)
    return found


PSYCHOTHERAPY_NOTE: DocumentType[PsychotherapyNote] = DocumentType(
    kind="psychotherapy_note",
    label="Psychotherapy note",
    struct=PsychotherapyNote,
    compartment="PSY",
    title=lambda note: "Psychotherapy note",
    service_date=lambda note: note.written_on,
    signable=True,
    rules=lambda note, context: _rules(PSYCHOTHERAPY_SOURCE, note.written_on, note.text, context),
    help="Only you can read it. It is in no export, no search and no backup that others can open.",
)
COUNSELING_NOTE: DocumentType[CounselingNote] = DocumentType(
    kind="counseling_note",
    label="SUD counseling note",
    struct=CounselingNote,
    compartment="PSY",
    title=lambda note: "SUD counseling note",
    service_date=lambda note: note.written_on,
    signable=True,
    rules=lambda note, context: _rules(COUNSELING_SOURCE, note.written_on, note.text, context),
    help="Only you can read it. It is in no export, no search and no backup that others can open.",
)
PRIVATE = (PSYCHOTHERAPY_NOTE, COUNSELING_NOTE)
PRIVATE_KINDS = tuple(kind.kind for kind in PRIVATE)
"""Their signature is optional, and no supervisor adds one."""
