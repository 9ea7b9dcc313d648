"""Separation (CR-12) and a record request by one partner (CR-10)."""

from __future__ import annotations

from iop_tui.clinical.couples.api import PAUSE_CODES, TRIGGERS
from iop_tui.clinical.requests.api import (
    CLOCK_DAYS,
    COURT_ORDER,
    DECISIONS,
    EXTENSION_DAYS,
    REQUESTERS,
    THE_PERSON,
)
from iop_tui.clinical.wizards.model import (
    CHOICE,
    DATE,
    LINE,
    SEVERAL,
    TEXT,
    YES,
    YES_NO,
    Answers,
    Ask,
    Facts,
    Guide,
    Step,
)

CR10, CR12 = "program rule CR-10", "program rule CR-12"
RECONFIRM = (
    "safe contact", "emergency contact", "payer and policyholder", "guarantor", "packets and letters", "reminders",
)  # fmt: skip


def _shared(_answers: Answers, facts: Facts) -> str:
    shared = facts.get("shared_contacts", ())
    words = f"Both directory entries name the same {' and '.join(shared)}. " if shared else ""
    return f"{words}Ask each of them alone, on their own safe contact. The other is not told what was said."


SEPARATION = Guide(
    id="separation", title="Separation or divorce", about="couple", source=CR12,
    help="Joint work ends: the record closes, authorizations of it end, each partner is asked again alone.",
    steps=(
        Step("trigger", "Who ends it?", "Either partner may, without a reason; so may the couples therapist.",
             (Ask("trigger", "Ended by", CHOICE, TRIGGERS), Ask("ended", "On", DATE),
              Ask("neutral_code", "Neutral code", CHOICE, PAUSE_CODES, help="Never a safety code."))),
        Step("paper", "Court paper", "What came, from which court. The privacy officer sees it first.",
             (Ask("paper", "Court, number, date", LINE),),
             when=lambda answers, facts: answers.get("trigger") == "court paper"),
        Step("close", "What happens now",
             "The joint record becomes read-only and is held. The couples therapist keeps reading it and may write one"
             " closing note. Authorizations of the joint record end. New joint sessions are not recorded. The secrets"
             " policy of every entry stays as it was. Each partner's own clinicians learn: joint work ended.",
             (Ask("agree", "Do it", YES_NO),),
             refuses=lambda answers, facts: None if answers.get("agree") == YES else (
                 "couple.separation", "Nothing was changed."), effect=True),
        Step("partner_a", "Partner A, asked alone", _shared,
             (Ask("again_a", "Confirmed again", SEVERAL, RECONFIRM), Ask("again_a_on", "On", DATE)),
             refuses=lambda answers, facts: _all_asked(answers, "again_a")),
        Step("partner_b", "Partner B, asked alone", _shared,
             (Ask("again_b", "Confirmed again", SEVERAL, RECONFIRM), Ask("again_b_on", "On", DATE)),
             refuses=lambda answers, facts: _all_asked(answers, "again_b")),
        Step("alone", "Seeing one of them alone",
             "Who treated the couple, or one of them, sees the other alone only in a new episode, with a new consent"
             " and the other partner's written agreement, recorded by the privacy officer. Otherwise the wall stands.",
             (Ask("understood", "Understood", YES_NO),)),
        Step("custody", "Custody and mandated matters",
             "They go to the privacy officer; nobody writes to one partner's counsel about the other.",
             (Ask("custody", "For the privacy officer", TEXT, required=False),)),
    ),
)  # fmt: skip


def _all_asked(answers: Answers, name: str) -> tuple[str, str] | None:
    missing = [item for item in RECONFIRM if item not in answers.get(name, "").split("\n")]
    return ("couple.reconfirm", f"Still to confirm: {', '.join(missing)}. Leave and come back.") if missing else None


def _own_words(_answers: Answers, _facts: Facts) -> str:
    return (
        "The copy holds what you keep about this person. Psychotherapy notes are no part of it. Nothing of the"
        f" partner's own record can be in it: your program has no key for it. Answer within {CLOCK_DAYS} days,"
        f" one extension of {EXTENSION_DAYS} (45 CFR 164.524(b)(2))."
    )


def _joint_words(_answers: Answers, facts: Facts) -> str:
    return (
        f"The joint record: {facts.get('decision', 'both_signed')} is in force. Only the privacy officer changes that,"
        " with a reason and the rule cited. Without a decision both sign (AAMFT 2.3)."
    )


REQUEST = Guide(
    id="request", title="A person asks for their own record", about="person", source=CR10,
    help="Identity, safety, the person's own part, the joint part as decided, a manifest of every object.",
    steps=(
        Step("verify", "Who asks?",
             "Verify identity (45 CFR 164.514(h)). Answer on the person's own safe channel. The partner is not told.",
             (Ask("requester", "Asked by", CHOICE, REQUESTERS), Ask("asked_on", "Asked on", DATE),
              Ask("verified", "How identity was verified", LINE), Ask("channel", "Own safe channel", LINE))),
        Step("authority", "By what authority?",
             "A partner is not a representative by being a partner. It may be refused to somebody who may endanger"
             " the person (45 CFR 164.502(g)(5)).",
             (Ask("asker", "Name of who asks", LINE), Ask("authority", "Authority", LINE)),
             when=lambda answers, facts: answers.get("requester") != THE_PERSON),
        Step("safety", "Talk it over alone", "Asked of everybody: where will the copy be kept, who could find it?",
             (Ask("safety_talk", "Talked over alone", YES_NO),),
             refuses=lambda answers, facts: None if answers.get("safety_talk") == YES else (
                 "request.safety_talk", "Talk it over with the person alone before a copy is made.")),
        Step("decide", "The joint record", _joint_words,
             (Ask("decision", "Decision", CHOICE, DECISIONS), Ask("reason", "Reason", TEXT),
              Ask("state_rule", "Rule cited", LINE), Ask("order", "Court order", LINE, required=False)),
             when=lambda answers, facts: bool(facts.get("couple")) and bool(facts.get("privacy_officer")),
             refuses=lambda answers, facts: (
                 ("request.order", "Name the court, the number and the date of the order.")
                 if answers.get("decision") == COURT_ORDER and not answers.get("order", "").strip() else None),
             effect=True),
        Step("joint", "The joint record", _joint_words,
             when=lambda answers, facts: bool(facts.get("keeps_joint")) and not facts.get("privacy_officer")),
        Step("copy", "Make the copy", _own_words,
             (Ask("recipient", "Copy goes to", LINE, required=False,
                  help="Empty: who asks. Somebody else only by the person's signed authorization that names them.",
                  source="45 CFR 164.524(c)(3)(ii)"),
              Ask("folder", "New folder for it", LINE)),
             when=lambda answers, facts: bool(facts.get("keeps")), effect=True),
    ),
)  # fmt: skip
GUIDES = (SEPARATION, REQUEST)
