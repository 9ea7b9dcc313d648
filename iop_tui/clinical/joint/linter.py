"""What must not stand in a joint record: structured content refuses, words make people look twice.

Program rules CR-4 to CR-6 and the forbidden list of joint plans: a partner-specific diagnosis, a drug-screen result,
something from an individual session, trauma nobody told in joint session, and no word of a safety finding (CR-13).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from iop_tui.kernel.declare import Finding, Severity
from iop_tui.kernel.labeled import ALONE, segments

_CR5, _CR6 = "program rule CR-5", "program rule CR-6"


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_TEST = r"\b(?:uds|utox|drug screens?|urine (?:drug )?(?:screens?|tests?)|tox screens?|breathaly[sz]er|oral fluid)\b"
STRUCTURED = (
    ("diagnosis_code", "a diagnosis code", re.compile(r"\b[A-TV-Z]\d[0-9A-Z]\.[0-9A-Z]{1,4}\b|\bF1\d\b")),
    ("screen_result", "a drug-screen result", _any(
        _TEST + r"[^.\n]{0,40}\b(?:positive|negative|pos|neg|\d+ ?ng/ml|detected|invalid|tampered)\b",
        r"\bBAC\s*[:=]?\s*0?\.\d+",
    )),
    ("score", "a partner's individual score",
     _any(r"\b(?:phq-?9|gad-?7|pcl-?5|c-?ssrs|audit-?c|dast)\b\s*[:=]?\s*\d+", r"\b(?:bam|hits)\s*[:=]\s*\d+")),
)  # fmt: skip
WORDS = (
    ("diagnosis", "a partner's diagnosis", _any(
        r"\b(?:diagnos\w+|bipolar|borderline|ptsd|major depress\w+|use disorder|adhd|schizo\w+)\b",
        r"\bpersonality disorder\b",
    )),
    ("screen", "a drug screen", _any(_TEST)),
    ("individual_source", "something from an individual session", _any(
        r"\b(?:in|from|during) (?:her|his|their|an|the) (?:last )?(?:individual|own|counseling) (?:session|therapy)\b",
        r"\b(?:her|his|their) (?:individual )?(?:therapist|counselor) (?:says|said|reports?|reported|told)\b",
        r"\btold (?:me|the therapist) (?:alone|in private|privately|outside)\b",
        r"\b(?:reported|disclosed) (?:privately|in private|alone)\b",
    )),
    ("trauma", "trauma history: only what was told jointly", _any(
        r"\b(?:trauma history|childhood (?:abuse|trauma)|molest\w+|rape[ds]?)\b",
        r"\bsexual(?:ly)? (?:abuse\w*|assault\w*)\b",
    )),
    ("affair", "an affair: only what was told jointly and is needed",
     _any(r"\b(?:affairs?|infidelity|unfaithful|cheat(?:ed|ing))\b")),
    ("safety", "a safety finding: it belongs to the person's own clinician", _any(
        r"\b(?:ipv|domestic violence|partner violence|coerc\w+|strangl\w+|shelter)\b",
        r"\b(?:restraining order|protective order|afraid of (?:him|her|them))\b",
    )),
)  # fmt: skip


def lint(field: str, text: str) -> tuple[Finding, ...]:
    """What speaks against a text of the joint record."""
    found = []
    for code, what, pattern in STRUCTURED:
        match = pattern.search(text)
        if match is not None:
            message = f"“{match[0]}” is {what}: it does not belong into the joint record."
            found.append(Finding(Severity.REFUSE, code, message, field, _CR6))
    for code, what, pattern in WORDS:
        match = pattern.search(text)
        if match is not None:
            message = f"“{match[0]}” looks like {what}."
            found.append(Finding(Severity.WARN, code, message, field, _CR6))
    return tuple(found)


def lint_all(texts: Iterable[tuple[str, str]]) -> tuple[Finding, ...]:
    """Findings of several fields, each kind of finding once per field."""
    return tuple(item for field, text in texts for item in lint(field, text))


def labels(field: str, text: str, allowed: frozenset[str], *, shared: bool = False) -> tuple[Finding, ...]:
    """Every paragraph has a speaker; what was said alone has an authorization of that partner among `allowed`, unless
    both agreed that contact with one of them is part of couple work (`shared`).
    """
    found = []
    for item in segments(text):
        if item.speaker is None:
            message = f"“{_begin(item.text)}” has no speaker: begin the line with [J], [A>] or [B>]."
            found.append(Finding(Severity.REFUSE, "speaker", message, field, _CR6))
        elif item.speaker in ALONE and item.authorization not in allowed and not (shared and not item.authorization):
            message = f"“{_begin(item.text)}” was said by {item.speaker}: it needs that partner's authorization."
            found.append(Finding(Severity.REFUSE, "alone", message, field, _CR5))
    return tuple(found)


def _begin(text: str) -> str:
    line = text.splitlines()[0]
    return line if len(line) <= 40 else f"{line[:39]}…"
