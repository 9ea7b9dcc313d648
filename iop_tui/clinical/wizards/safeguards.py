"""Contact with one partner (CR-7), screening alone for partner violence (CR-13). Data: what is said, asked, refused."""

from __future__ import annotations

from iop_tui.clinical.couples.api import LIMITED, OPEN, PAUSE_CODES
from iop_tui.clinical.wizards.model import (
    CHOICE,
    DATE,
    LINE,
    NO,
    NUMBER,
    TEXT,
    YES,
    YES_NO,
    Answers,
    Ask,
    Facts,
    Guide,
    Step,
)

CR7, CR13 = "program rule CR-7", "program rule CR-13"
CHANNELS = ("message", "call", "e-mail", "in the waiting room", "other")
HITS_POSITIVE = 10
"""Sherin 1998: above 10 of 20 is positive."""


def _rule_words(_answers: Answers, facts: Facts) -> str:
    policy = facts.get("policy") or "no agreement yet: treated as separate-only"
    return (
        f"Both agreed: {policy}. Contact with one partner is: {facts['rule']}. Safety, mandated reports and what comes"
        " from a partner's own clinicians are never under a secrets policy."
    )


def _pass_on(_answers: Answers, _facts: Facts) -> str:
    return (
        "Take no content. Say: “Please tell this to your own therapist; I work with the two of you together.” What was"
        " said anyway is sealed to their own therapist. You will not be able to read it again, and nothing of it is"
        " kept for the joint record."
    )


def _separate(_answers: Answers, facts: Facts) -> bool:
    return facts.get("policy") not in (LIMITED, OPEN)


def _categories(_answers: Answers, facts: Facts) -> tuple[str, ...]:
    return tuple(facts.get("categories", ()))


CONTACT = Guide(
    id="contact", title="Contact by one partner", about="person", source=CR7,
    help="What may be heard, where it is kept, what is said back: as the agreement says.",
    steps=(
        Step(
            "rule", "What both agreed", _rule_words,
            (Ask("received", "Received on", DATE), Ask("channel", "By", CHOICE, CHANNELS)),
        ),
        Step(
            "safety", "Safety first",
            "Did the person speak of violence, coercion, stalking, a child or a vulnerable adult in danger, or of"
            " harming themselves or others? That is never held: it goes to the person's own clinician, sealed.",
            (Ask("safety_matter", "A safety matter", YES_NO, source=CR13),),
        ),
        Step(
            "concern", "Seal it to the person's own clinician",
            "You will not be able to read it again. Call the clinician now where it cannot wait.",
            (Ask("concern_alone", "The person was alone", YES_NO), Ask("concern_text", "What was noticed", TEXT),
             Ask("concern_done", "What was done at once", TEXT, required=False)),
            when=lambda answers, facts: answers.get("safety_matter") == YES, effect=True,
        ),
        Step(
            "pass_on", "Pass it on", _pass_on,
            (Ask("passed_text", "What was said", TEXT), Ask("passed_answer", "What was answered", LINE)),
            when=_separate, effect=True,
        ),
        Step(
            "hold", "Hold what may be held",
            "Only the categories both signed for. Urge the person to tell the partner; name the deadline.",
            (Ask("category", "Category", CHOICE, _categories), Ask("held_text", "What was said", TEXT),
             Ask("urged", "Disclosure was urged", YES_NO)),
            when=lambda answers, facts: facts.get("policy") == LIMITED,
            refuses=lambda answers, facts: None if answers.get("urged") == YES else (
                "couple.cr7", "Urge the disclosure before anything is held."),
            effect=True,
        ),
        Step(
            "share", "It is part of couple work",
            "Urge the person to tell the partner themselves first. What was said goes into the joint record with its"
            " speaker, as a draft for you to finish.",
            (Ask("shared_text", "What was said", TEXT), Ask("shared_urged", "Telling it themselves was urged", YES_NO)),
            when=lambda answers, facts: facts.get("policy") == OPEN,
            refuses=lambda answers, facts: None if answers.get("shared_urged") == YES else (
                "couple.cr7", "Urge the person to tell it themselves first."),
            effect=True,
        ),
    ),
)  # fmt: skip


def _positive(answers: Answers, _facts: Facts) -> bool:
    try:
        return int(answers.get("hits", "") or 0) > HITS_POSITIVE or answers.get("worry") == YES
    except ValueError:
        return False


def _alone(answers: Answers, _facts: Facts) -> tuple[str, str] | None:
    if answers.get("alone") == NO:
        return (
            "violence.not_alone",
            "Somebody may hear it: do not ask. Use the abort phrase, talk about the schedule, ask next time.",
        )
    return None


def _hits(answers: Answers, _facts: Facts) -> tuple[str, str] | None:
    text = answers.get("hits", "")
    if text and not 4 <= int(text) <= 20:
        return ("violence.hits", "HITS has four answers from 1 to 5: 4 to 20.")
    return None


VIOLENCE = Guide(
    id="violence", title="Screening alone for partner violence", about="person", source=CR13,
    help="Everybody, alone, before couples work and every 30 days. What is found stays with you.",
    steps=(
        Step(
            "alone", "Who is with you?",
            "Ask: “Who is with you, who could hear us?” Agree on a code word that means: not safe to speak. Never ask"
            " when anyone else may be in the room.",
            (Ask("asked", "Asked on", DATE), Ask("alone", "The person is alone", YES_NO),
             Ask("code_word", "Code word agreed", LINE, required=False)),
            refuses=_alone,
        ),
        Step(
            "ask", "Ask",
            "HITS: how often does your partner physically hurt you, insult you, threaten you with harm, scream or curse"
            " at you? 1 never to 5 frequently, four answers, 4 to 20; above 10 is positive (Sherin 1998).",
            (Ask("hits", "HITS", NUMBER, required=False, help="Empty where the person declined."),
             Ask("worry", "Anything else that worries you", YES_NO),
             Ask("found", "What was said", TEXT, required=False)),
            refuses=_hits,
        ),
        Step(
            "danger", "Danger assessment and what is done now",
            "Weapons, strangulation, threats to kill, escalation, children, stalking, separation planned? Believe the"
            " person, decide nothing for them, offer advocacy and a safety plan. Couples work is not the place.",
            (Ask("danger", "Danger assessment", TEXT), Ask("action", "What is done", TEXT)), when=_positive,
        ),
        Step(
            "contact", "How to reach the person safely",
            "Asked of everybody. Paper, messages and reminders may be read by the partner: ask “is it safe to hold?”"
            " before anything is printed or sent.",
            (Ask("safe_contact", "How to reach the person", LINE, required=False),
             Ask("hold_paper", "Safe to hold paper", YES_NO)),
        ),
        Step(
            "record", "Keep it where it belongs",
            "It is kept in your safety compartment and nowhere else: not in the joint record, claims, packets, letters,"
            " reminders, summaries, plans a partner sees, group notes or calendar titles. Claims carry no code of it"
            " unless the person wants it.",
            effect=True,
        ),
        Step(
            "couple", "What the couples therapist hears",
            "That this person was screened alone, and the date: the same for every couple. If couples work should"
            " pause, the reason given is one of the neutral codes, which are used for many other reasons.",
            (Ask("tell_date", "Send the date", YES_NO),
             Ask("code", "Neutral code, if it should pause", CHOICE, ("", *PAUSE_CODES), required=False)),
            when=lambda answers, facts: bool(facts.get("couple")), effect=True,
        ),
    ),
)  # fmt: skip
GUIDES = (CONTACT, VIOLENCE)
