"""Mandated report (CR-14) and subpoena (CR-11). Only what the law allows is offered; the rest is said with its source.

45 CFR 164.512(b), (c), (e), (j); 42 CFR 2.12(c)(6), 2.13, 2.51, 2.61 to 2.67. What a state adds is data of its rule
pack; counsel decides where it matters.
"""

from __future__ import annotations

from iop_tui.clinical.wizards.model import (
    CHOICE,
    DATE,
    LINE,
    TEXT,
    YES,
    YES_NO,
    Answers,
    Ask,
    Facts,
    Guide,
    Step,
)

CR11, CR14 = "program rule CR-11", "program rule CR-14"
CHILD, ELDER, ADULT, THREAT = (
    "child abuse or neglect", "elder or dependent adult", "partner violence, adult", "threat to others",
)  # fmt: skip
MATTERS = (CHILD, ELDER, ADULT, THREAT)
INITIAL = "initial report by state law"
PERMITTED = "report as HIPAA permits"
CONSENT = "report with the person's consent"
UNIDENTIFIED = "report without identifying a substance use patient"
ORDER = "wait for a court order"
CRIME = "crime on the premises or against staff"
EMERGENCY = "medical emergency"
NOT_NOW = "no report: document why"


def lawful(answers: Answers, _facts: Facts) -> tuple[str, ...]:
    """The ways a matter may be reported: 42 CFR Part 2 bars what HIPAA would allow, but not the first report of child
    abuse (2.12(c)(6)).
    """
    matter, part2 = answers.get("matter", ""), answers.get("identifies") == YES
    if matter == CHILD:
        return (INITIAL, NOT_NOW)
    if not part2:
        return (PERMITTED, CONSENT, NOT_NOW)
    return (CONSENT, UNIDENTIFIED, ORDER, CRIME, EMERGENCY, NOT_NOW)


def _paths(answers: Answers, facts: Facts) -> str:
    matter, part2 = answers.get("matter", ""), answers.get("identifies") == YES
    state = facts.get("state") or "not set: ask counsel"
    if matter == CHILD:
        words = (
            "The first report is required and not barred by Part 2 (42 CFR 2.12(c)(6)). What follows it, records and"
            " testimony, stays protected."
        )
    elif part2:
        words = (
            "HIPAA might permit a report (45 CFR 164.512(b), (c), (j)), but Part 2 has no matching exception: only the"
            " ways below are open."
        )
    else:
        source = "164.512(j)" if matter == THREAT else "164.512(b), (c)"
        words = f"HIPAA permits it under its conditions (45 CFR {source}); state law says whether it is required."
    return f"{words} State rules: {state}."


REPORT = Guide(
    id="report", title="Mandated report", about="person", source=CR14,
    help="Which report the law allows, where it is kept; neither partner learns who reported.",
    steps=(
        Step("matter", "What is it about?",
             "In danger now? Emergency services first; this guide waits.",
             (Ask("matter", "Matter", CHOICE, MATTERS), Ask("learned", "Learned on", DATE))),
        Step("part2", "Would it identify a substance use patient?",
             "A report that says or shows that the person is or was a patient of a substance use program identifies"
             " them (42 CFR 2.11).",
             (Ask("identifies", "It would identify them", YES_NO, source="42 CFR 2.11"),)),
        Step("path", "Lawful ways", _paths, (Ask("path", "Way", CHOICE, lawful),)),
        Step("why_not", "Why no report", "Your reasons, and whom you consulted.",
             (Ask("reasons", "Reasons", TEXT), Ask("consulted", "Consulted", LINE)),
             when=lambda answers, facts: answers.get("path") in (NOT_NOW, ORDER)),
        Step("made", "The report",
             "The least that serves the purpose (45 CFR 164.502(b)). No diagnosis, no program name that identifies.",
             (Ask("agency", "To", LINE), Ask("reported", "On", DATE),
              Ask("reference", "Reference", LINE, required=False), Ask("content", "What was reported", TEXT)),
             when=lambda answers, facts: answers.get("path") not in ("", NOT_NOW, ORDER)),
        Step("keep", "Keep it apart",
             "The file lies in the safety compartment. Who reported appears in no chart a partner could see; telling"
             " the person now would be safe only where it does not endanger anybody (45 CFR 164.512(c)(2)).",
             (Ask("told", "The person was told", YES_NO, help="No where telling would endanger somebody."),),
             effect=True),
    ),
)  # fmt: skip

ATTORNEY, WITH_ORDER, WITH_CONSENT, COUNSEL = (
    "subpoena signed by an attorney or clerk", "subpoena with a court order",
    "subpoena with the person's written consent", "letter from counsel",
)  # fmt: skip
ARRIVED = (ATTORNEY, WITH_ORDER, WITH_CONSENT, COUNSEL)
NEITHER, PRIVILEGE, COMPLY, CONSENT_NEEDED = (
    "neither confirm nor deny", "assert privilege", "comply with the order, no more", "ask for a consent of its own",
)  # fmt: skip


def replies(answers: Answers, _facts: Facts) -> tuple[str, ...]:
    """Replies the law leaves open (CR-11): an attorney's subpoena is not enough, for Part 2 records least of all."""
    arrived = answers.get("arrived", "")
    if arrived == WITH_ORDER:
        return (PRIVILEGE, COMPLY)
    if arrived == WITH_CONSENT:
        return (NEITHER, PRIVILEGE, CONSENT_NEEDED)
    return (NEITHER, PRIVILEGE)


def _standing(answers: Answers, _facts: Facts) -> str:
    arrived = answers.get("arrived", "")
    words = {
        ATTORNEY: "Not enough. Substance use records need a court order under 42 CFR 2.61 to 2.67 and a subpoena.",
        COUNSEL: "No duty to disclose. No reply confirms that anybody is a patient (42 CFR 2.13(c)).",
        WITH_ORDER: "Check that the order names Part 2 (42 CFR 2.64, 2.65). Disclose what it names, no more.",
        WITH_CONSENT: "A consent for legal proceedings stands alone: combined with another it is void (42 CFR 2.31).",
    }
    joint = "The joint record has two holders: one waiver does not waive the other's privilege."
    return f"{words.get(arrived, '')} {joint}".strip()


SUBPOENA = Guide(
    id="subpoena", title="Subpoena or letter from counsel", about="person", source=CR11,
    help="What it obliges to, and a reply that confirms nothing.",
    steps=(
        Step("arrived", "What arrived?", "Do not answer by telephone. Do not confirm that anybody is a patient.",
             (Ask("arrived", "It is a", CHOICE, ARRIVED), Ask("arrived_on", "Arrived on", DATE),
              Ask("sender", "From", LINE), Ask("matter_no", "Court and number", LINE, required=False),
              Ask("answer_by", "Answer by", DATE))),
        Step("standing", "What it obliges to", _standing,
             (Ask("counsel_asked", "Counsel was asked", YES_NO),)),
        Step("reply", "Reply", "The words are the same for everybody.", (Ask("reply", "Reply", CHOICE, replies),)),
        Step("letter", "The letter", lambda answers, facts: letter(answers),
             (Ask("letter_read", "Read and right", YES_NO),),
             refuses=lambda answers, facts: None if answers.get("letter_read") == YES else (
                 "subpoena.letter", "Read the letter first."), effect=True),
    ),
)  # fmt: skip

_BODY = {
    NEITHER: (
        "Federal law does not let this office say whether any person is or was its patient (42 CFR 2.13(c); 45 CFR"
        " 164.512(e)). This letter confirms nothing and denies nothing. Records of the kind you ask for, if there were"
        " any, could be disclosed only on a court order that meets 42 CFR 2.61 to 2.67, or on a written consent for"
        " legal proceedings that is combined with no other."
    ),
    PRIVILEGE: (
        "Without saying whether any person is or was its patient, this office asserts every privilege that could belong"
        " to anyone named in your request. Where several persons hold a privilege together, the waiver of one does not"
        " waive it for another."
    ),
    COMPLY: (
        "In answer to the court's order, this office will disclose what the order names and no more, to the persons it"
        " names, under the limits of 42 CFR 2.64 and 2.65. It asks for protection from any further use."
    ),
    CONSENT_NEEDED: (
        "The consent you enclosed cannot be used: a consent for use in legal proceedings stands alone (42 CFR 2.31)."
        " Without saying whether any person is or was its patient, this office returns it."
    ),
}


def letter(answers: Answers) -> str:
    """The reply's text. It names nobody: who was asked about stands in the reference of the sender's own letter."""
    head = f"Your letter of {answers.get('arrived_on', '')}"
    number = answers.get("matter_no", "")
    reference = f"{head}, {number}" if number else head
    body = _BODY.get(answers.get("reply", ""), _BODY[NEITHER])
    return f"To {answers.get('sender', '')}\n\n{reference}\n\n{body}"


GUIDES = (REPORT, SUBPOENA)
