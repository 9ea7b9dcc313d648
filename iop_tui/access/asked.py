"""In or out, if somebody asked for a record today: the person alone, the partner alone, a payer, a court.

Pure data. 45 CFR 164.524 (access), 164.508 (authorization), 164.506 and 164.502(b) (payment, minimum necessary),
164.512(e) (legal proceedings); 42 CFR 2.31, 2.33 and 2.61-2.67; program rules CR-10, CR-11 and CR-13. What a state or a
contract asks beyond this is the privacy officer's to add.
"""

from __future__ import annotations

from dataclasses import dataclass

from iop_tui.access.policy import Kind
from iop_tui.kernel.labeled import Speaker

PERSON, PARTNER, PAYER, COURT = "the person, alone", "the partner, alone", "a payer", "a court"
PARTNER_A, PARTNER_B = "partner A, alone", "partner B, alone"
RECORD_POLICIES = ("both_signed", "own_segments_only", "summary_if_agreed", "deny_with_reason", "court_order")


@dataclass(frozen=True, slots=True)
class Asked:
    """What one asker would get of a record today, the rule that decides, and where it comes from."""

    who: str
    inside: bool
    rule: str
    source: str


_OWN = Asked(PERSON, True, "The person's own record, on their request.", "45 CFR 164.524(a)(1)")
_OTHER = Asked(PARTNER, False, "Never: the release holds no key to the other partner's part.", "program rule CR-10")
_PAYER = Asked(PAYER, False, "Dates, codes and minutes only, from the billing part.", "45 CFR 164.502(b), 164.506")
_NO_PAYER = Asked(PAYER, False, "Never part of a claim or a review.", "45 CFR 164.508(a)(2); program rule CR-13")
_COURT = Asked(COURT, False, "An order of the court; a lawyer's subpoena alone is answered with the privilege.",
               "45 CFR 164.512(e); program rule CR-11")  # fmt: skip
_COURT_PART2 = Asked(COURT, False, "A court order under Part 2 together with a subpoena, or a consent of its own.",
                     "42 CFR 2.61-2.67, 2.31(d)")  # fmt: skip

_TABLE: dict[str, tuple[Asked, ...]] = {
    Kind.DIR: (_OWN, _OTHER, Asked(PAYER, True, "Name, birth date and policy only.", "45 CFR 164.506"), _COURT_PART2),
    Kind.IND: (_OWN, _OTHER, _PAYER, _COURT),
    Kind.SUD: (
        _OWN, _OTHER,
        Asked(PAYER, False, "Needs the person's consent for treatment, payment and operations first.", "42 CFR 2.31"),
        _COURT_PART2,
    ),
    Kind.PSY: (
        Asked(PERSON, False, "Not part of the right of access; its author may still share it.",
              "45 CFR 164.524(a)(1)(i)"),
        _OTHER,
        Asked(PAYER, False, "Only by an authorization of its own.", "45 CFR 164.508(a)(2); 42 CFR 2.31(b)"),
        Asked(COURT, False, "An order of the court only; oversight and the author's defence apart.",
              "45 CFR 164.508(a)(2)(ii); 42 CFR 2.61-2.67"),
    ),
    Kind.MED: (_OWN, _OTHER, _PAYER, _COURT),
    Kind.CRISIS: (_OWN, _OTHER, _PAYER, _COURT_PART2),
    Kind.PAY: (_OWN, _OTHER, Asked(PAYER, True, "The claim: dates, codes, minutes.", "45 CFR 164.506"), _COURT),
    Kind.GRP: (
        Asked(PERSON, False, "The person's own line only; the session belongs to all its members.",
              "45 CFR 164.524(a)(2)"),
        _OTHER, _PAYER, _COURT_PART2,
    ),
    Kind.HOLD: (
        Asked(PERSON, True, "To the one who said it, on their own request.", "program rule CR-10"),
        _OTHER, _NO_PAYER, _COURT,
    ),
    Kind.SAFE: (
        Asked(PERSON, True, "After a private talk about where a copy would be kept.", "program rules CR-10, CR-13"),
        _OTHER, _NO_PAYER, _COURT_PART2,
    ),
}  # fmt: skip
_JOINT = {
    "both_signed": (False, "Only when both partners signed."),
    "own_segments_only": (True, "What was joint and what this partner said; the other's words are withheld."),
    "summary_if_agreed": (False, "A summary both agreed to, nothing else."),
    "deny_with_reason": (False, "Denied with the written reason; the partner may ask for a review."),
    "court_order": (False, "Only by order of a court."),
}


CLAIM_FIELDS = frozenset({"service_date", "start", "stop", "service_code"})
"""Fields of a session's note whose facts go out with the claim, copied into the billing part."""
DIRECTORY_FIELDS = frozenset({"given", "family", "birth_date"})
"""Fields of the directory entry that a claim carries."""
UNMARKED = "no speaker"
"""The speaker of joint text without a mark: nobody's own words."""
_OWN_WORDS = {
    PARTNER_A: frozenset({Speaker.JOINT, Speaker.A_JOINT, Speaker.A_ALONE}),
    PARTNER_B: frozenset({Speaker.JOINT, Speaker.B_JOINT, Speaker.B_ALONE}),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a record, where the whole of it and its lines differ: which field it stands in, and whose words a
    joint text says they are (a mark such as `A>`, or `UNMARKED`). Empty for the whole record.
    """

    field: str = ""
    speaker: str = ""


WHOLE = Line()


def asked(
    kind: str, *, record_policy: str = "both_signed", payer_consent: bool = False, line: Line = WHOLE
) -> tuple[Asked, ...]:
    """What each of four askers would get today of a record (or of one line of it) in a part of the chart; empty for
    the program's own.
    """
    if kind == Kind.JNT:
        return _joint(record_policy, line)
    found = _TABLE.get(kind, ())
    if kind == Kind.SUD and payer_consent:
        allowed = "Dates, codes and minutes only, under the person's consent."
        found = tuple(Asked(PAYER, False, allowed, "42 CFR 2.31, 2.33") if a.who == PAYER else a for a in found)
    return tuple(_of_line(each, kind, payer_consent, line.field) if each.who == PAYER else each for each in found)


def _of_line(answer: Asked, kind: str, payer_consent: bool, field: str) -> Asked:
    """What a payer would get of one field."""
    if kind == Kind.DIR and field and field not in DIRECTORY_FIELDS:
        return Asked(PAYER, False, "A claim carries name, birth date and policy only.", "45 CFR 164.502(b), 164.506")
    claimed = kind in (Kind.IND, Kind.MED, Kind.CRISIS) or (kind == Kind.SUD and payer_consent)
    if claimed and field in CLAIM_FIELDS:
        return Asked(PAYER, True, "This line is of the claim, copied into the billing part.", answer.source)
    return answer


def _joint(record_policy: str, line: Line) -> tuple[Asked, ...]:
    inside, rule = _JOINT.get(record_policy, _JOINT["both_signed"])
    source = "the couple's agreement; AAMFT Code of Ethics 2.3; program rule CR-10"
    partners = [_of_partner(who, line.speaker, inside, rule, source) for who in (PARTNER_A, PARTNER_B)]
    court = "Both partners hold the privilege: one alone cannot waive it. An order of the court."
    return (
        *partners,
        Asked(PAYER, False, "Date, minutes and code of the partner who is billed; nothing of the other.",
              "45 CFR 164.502(b); program rule CR-20"),
        Asked(COURT, False, court, "45 CFR 164.512(e); 42 CFR 2.61-2.67; program rule CR-11"),
    )  # fmt: skip


def _of_partner(who: str, speaker: str, inside: bool, rule: str, source: str) -> Asked:
    """What one partner would get of a line; where each gets their own words, it depends on whose they are."""
    if not inside or not speaker:
        return Asked(who, inside, rule, source)
    if speaker in _OWN_WORDS[who]:
        return Asked(who, True, "Joint words, or this partner's own.", source)
    return Asked(who, False, "Withheld: neither joint nor this partner's own words.", source)
