"""Letters that say no more than they must: attendance for employer, court and school. Pure.

Minimum necessary: 45 CFR 164.502(b); content of a disclosure by consent and its notice: 42 CFR 2.31, 2.32.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from iop_tui.clinical.letters.minimum import NOTICE
from iop_tui.clinical.letters.model import COURT, EMPLOYER, OTHER, SCHOOL, Letter

_SUBJECT = {EMPLOYER: "Confirmation of participation", COURT: "Report of attendance", SCHOOL: "Confirmation for school"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a letter may draw on: names, dates and counts; no word of any note."""

    client: str
    facility: str
    author: str
    credential: str
    today: date
    since: date | None = None
    until: date | None = None
    attended: int = 0
    missed: int = 0
    part2: bool = False


def begin(template: str, facts: Facts) -> Letter:
    """A letter to complete: recipient, authorization and purpose are left open on purpose."""
    if template == OTHER:
        return Letter(template=template, written_on=facts.today)
    paragraphs = [f"{_SUBJECT[template]}: {facts.client}", *_BODY[template](facts), _closing(facts)]
    if facts.part2:
        paragraphs.append(NOTICE)
    return Letter(
        template=template, written_on=facts.today, body="\n\n".join(paragraphs), contents=_CONTENTS[template],
    )  # fmt: skip


def _program(facts: Facts) -> str:
    return facts.facility or "our program"


def _span(facts: Facts) -> str:
    if facts.since is None:
        return ""
    if facts.until is None:
        return f" since {facts.since.isoformat()}"
    return f" from {facts.since.isoformat()} until {facts.until.isoformat()}"


def _employer(facts: Facts) -> list[str]:
    return [
        f"This confirms that {facts.client} takes part in scheduled health services at {_program(facts)}"
        f"{_span(facts)}. Absences at the agreed times are for these appointments.",
        "The letter is written at the request of the person named and with a signed authorization. It is limited to"
        " this confirmation; we cannot answer further questions without a new authorization.",
    ]


def _school(facts: Facts) -> list[str]:
    return [
        f"This confirms that {facts.client} has health appointments at {_program(facts)}{_span(facts)}. Please treat"
        " absences at these times as excused.",
        "The letter is written with a signed authorization and is limited to this confirmation.",
    ]


def _court(facts: Facts) -> list[str]:
    return [
        f"{facts.client} has been enrolled at {_program(facts)}{_span(facts)}.",
        f"Sessions attended: {facts.attended}. Sessions missed without notice: {facts.missed}.",
        "This report is made with a signed authorization that names the court as recipient. It is limited to"
        " enrolment and attendance.",
    ]


_BODY = {EMPLOYER: _employer, COURT: _court, SCHOOL: _school}
_CONTENTS = {EMPLOYER: ("participation",), COURT: ("dates", "attendance"), SCHOOL: ("participation",)}


def _closing(facts: Facts) -> str:
    signed = f"{facts.author}, {facts.credential}" if facts.credential else facts.author
    return f"{signed}\n{_program(facts)}, {facts.today.isoformat()}"
