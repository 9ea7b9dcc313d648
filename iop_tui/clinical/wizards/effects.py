"""What a step of a guide does when it is answered: one function each, through the same services as everything else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.joint import api as joint
from iop_tui.clinical.requests import api as requests
from iop_tui.clinical.safety import api as safety
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.wizards.model import YES, Answers
from iop_tui.kernel.declare import Severity
from iop_tui.kernel.errors import NotReady
from iop_tui.kernel.labeled import Segment, Speaker
from iop_tui.workspace import Workspace

Effect = Callable[[Workspace, bytes, Answers], str]
"""(workspace, whom it is about, answers) → what was done, in plain words."""


def _day(answers: Answers, name: str) -> date:
    return date.fromisoformat(answers[name])


# -- one-partner contact -------------------------------------------------------------------


def _concern(ws: Workspace, subject: bytes, answers: Answers) -> str:
    couples.concern(ws, subject, couples.SafetyConcern(
        noticed=_day(answers, "received"), alone=answers["concern_alone"] == YES, text=answers["concern_text"],
        done=answers.get("concern_done", ""),
    ))  # fmt: skip
    return "The safety concern was sealed to the person's own clinician."


def _pass_on(ws: Workspace, subject: bytes, answers: Answers) -> str:
    couples.pass_on(ws, subject, couples.PartnerMessage(
        received=_day(answers, "received"), channel=answers["channel"], text=answers["passed_text"],
        answered=answers["passed_answer"],
    ))  # fmt: skip
    return "What was said was sealed to the person's own therapist."


def _hold(ws: Workspace, subject: bytes, answers: Answers) -> str:
    note = couples.HeldNote(
        heard=_day(answers, "received"), category=answers["category"], text=answers["held_text"],
        urged=answers["urged"] == YES,
    )  # fmt: skip
    couples.save(ws, subject, couples.HELD_NOTE, note)
    return "A held note waits as a draft for your signature."


def _share(ws: Workspace, subject: bytes, answers: Answers) -> str:
    pair = couples.about(ws, subject)
    is_a = pair.side(subject) == couples.PARTNERS[0]
    speaker = Speaker.A_ALONE if is_a else Speaker.B_ALONE
    note = joint.JointNote(
        service_date=_day(answers, "received"), attended_a="present" if is_a else "absent",
        attended_b="absent" if is_a else "present", content=Segment(speaker, answers["shared_text"]).written(),
    )  # fmt: skip
    couples.save(ws, pair.id, joint.JOINT_NOTE, note)
    return "A joint note with its speaker waits as a draft."


# -- partner violence ----------------------------------------------------------------------


def _screen(ws: Workspace, subject: bytes, answers: Answers) -> str:
    screen = safety.ViolenceScreen(
        asked=_day(answers, "asked"), alone=True, hits=int(answers["hits"]) if answers.get("hits") else None,
        findings=answers.get("found", ""), danger_assessment=answers.get("danger", ""),
        safe_to_contact=answers.get("safe_contact", ""), action=answers.get("action", ""),
    )  # fmt: skip
    refused = [
        item.message
        for item in signing.plain_judge(ws)(safety.VIOLENCE_SCREEN, screen, subject, b"")
        if item.severity is Severity.REFUSE
    ]
    if refused:
        raise NotReady(f"Not ready: {' '.join(refused)}", "Go back and complete it.")
    signing.save(ws, subject, safety.VIOLENCE_SCREEN, screen)
    return "The screen lies in your safety compartment."


def _tell(ws: Workspace, subject: bytes, answers: Answers) -> str:
    if answers.get("tell_date") != YES:
        return "The date was not sent."
    couples.tell_screened(ws, subject, _day(answers, "asked"))
    return "The couples therapist has the date."


# -- mandated report, subpoena -------------------------------------------------------------


def _report(ws: Workspace, subject: bytes, answers: Answers) -> str:
    words = "\n".join(f"{name}: {text}" for name, text in answers.items() if text)
    couples.keep_report(ws, subject, couples.ReportFile(learned=_day(answers, "learned"), text=words))
    return "The report's file lies apart; it is in no copy for anybody it is about."


def _letter(ws: Workspace, subject: bytes, answers: Answers) -> str:
    del ws, subject, answers
    return "The letter is kept with this guide, word for word."


# -- separation, record request ------------------------------------------------------------


def _close(ws: Workspace, subject: bytes, answers: Answers) -> str:
    done = couples.dissolve(
        ws, subject, trigger=answers["trigger"], code=answers["neutral_code"], ended=_day(answers, "ended")
    )
    return f"Joint work ended. Authorizations ended: {done.authorizations_ended}."


def _decide(ws: Workspace, subject: bytes, answers: Answers) -> str:
    requests.decide(ws, subject, requests.JointDecision(
        decision=answers["decision"], reason=answers["reason"], state_rule=answers["state_rule"],
        order=answers.get("order", ""), decided_on=signing.today(ws),
    ))  # fmt: skip
    return f"Decided: {answers['decision']}."


def request_of(answers: Answers) -> requests.RecordRequest:
    """The request document that the answers of the guide make."""
    return requests.RecordRequest(
        requester=answers.get("requester", ""), authority=answers.get("authority", ""),
        asker=answers.get("asker", ""), asked_on=_day(answers, "asked_on"), verified=answers.get("verified", ""),
        channel=answers.get("channel", ""),
        safety_talk=answers.get("safety_talk") == YES, recipient=answers.get("recipient", ""),
    )  # fmt: skip


EFFECTS: Mapping[tuple[str, str], Effect] = {
    ("contact", "concern"): _concern, ("contact", "pass_on"): _pass_on, ("contact", "hold"): _hold,
    ("contact", "share"): _share, ("violence", "record"): _screen, ("violence", "couple"): _tell,
    ("report", "keep"): _report, ("subpoena", "letter"): _letter, ("separation", "close"): _close,
    ("request", "decide"): _decide,
}  # fmt: skip
"""(guide, step) → what it does. A copy that leaves the program is written by whoever may write files."""
