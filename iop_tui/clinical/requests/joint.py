"""The joint part of a request: what the decision in force lets one partner have of the joint record (CR-10, 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from iop_tui.access import roles
from iop_tui.access.attempts import attempted
from iop_tui.access.policy import Kind
from iop_tui.clinical.attachments.api import ATTACHMENT
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.joint import api as joint
from iop_tui.clinical.requests.model import (
    BOTH_SIGNED,
    COURT_ORDER,
    DENIED,
    JOINT_DECISION,
    OWN_SEGMENTS,
    SUMMARY,
    JointDecision,
)
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import RuleContext, Severity
from iop_tui.kernel.errors import NotReady, RoleRefused
from iop_tui.kernel.labeled import Speaker, of_speakers
from iop_tui.workspace import Workspace

OWN_FIELDS = ("service_date", "start", "stop", "modality")
_DIRECTED = "45 CFR 164.524(c)(3)(ii)"
_SPEAKER = {couples.PARTNERS[0]: Speaker.A_JOINT, couples.PARTNERS[1]: Speaker.B_JOINT}
_ALONE = {couples.PARTNERS[0]: Speaker.A_ALONE, couples.PARTNERS[1]: Speaker.B_ALONE}
_ATTENDED = {couples.PARTNERS[0]: "attended_a", couples.PARTNERS[1]: "attended_b"}
WRITTEN = (
    "joint_plan", "joint_note", "joint_closing", "couples_agreement", "couple_measure", "recovery_day", ATTACHMENT.kind,
)  # fmt: skip
"""What a joint record consists of for a release; signatures and decisions are its envelope. A file has no speakers:
it goes with the whole record, never with one partner's own segments or a summary.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """One object of the joint record as it goes out: which, and the fields that do."""

    record: bytes
    kind: str
    label: str
    service_date: str
    status: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class JointPart:
    """What of the joint record goes out, under which decision, and by which authorization where it needs one."""

    decision: str
    parts: tuple[Part, ...]
    withheld: str
    rule: str
    consent: bytes | None = None


def decide(ws: Workspace, person: bytes, decision: JointDecision) -> None:
    """The privacy officer's decision for one partner's request, sealed to the joint record.

    Raises `RoleRefused` for anyone else, `NotReady`, `NotFound`; all but the last are audited.
    """
    pair = couples.about(ws, person)
    with attempted(ws.session, "joint-decision", person=person):
        if roles.PRIVACY_OFFICER not in ws.user.roles:
            raise RoleRefused("What of a joint record goes out is decided by the privacy officer.")
        document = signing.cleaned(JOINT_DECISION, msgspec.structs.replace(decision, partner=pair.side(person)))
        found = JOINT_DECISION.findings(document, RuleContext(signing.today(ws)))
        missing = [item.message for item in found if item.severity is Severity.REFUSE]
        if missing:
            raise NotReady(f"Not ready: {' '.join(missing)}", "Complete the decision, then try again.")
    work = ws.work()
    body = ws.session.body(
        work, record=ws.rng.token(16), person=pair.id, kind=JOINT_DECISION.kind, version=JOINT_DECISION.version,
        payload=JOINT_DECISION.encode(document), source="record",
    )  # fmt: skip
    couples.seal_joint(ws, work, pair, body)
    ws.session.note(work, "joint-decision", person=person, category=Kind.JNT, detail=document.decision)
    ws.commit(work)


def decided(ws: Workspace, person: bytes) -> JointDecision:
    """The newest decision of a privacy officer for this partner; without one, both sign."""
    pair = couples.about(ws, person)
    rows = ws.view.rows(
        "SELECT r.doc, r.version FROM record r WHERE r.person = ? AND r.compartment = ? AND r.kind = ? AND EXISTS"
        " (SELECT 1 FROM role o WHERE o.user = r.author AND o.role = ?) AND json_extract(r.doc, '$.partner') = ?"
        " ORDER BY r.created_ms DESC, r.id DESC LIMIT 1",
        (pair.id, pair.joint, JOINT_DECISION.kind, roles.PRIVACY_OFFICER, pair.side(person)),
    )
    if not rows:
        return JointDecision(partner=pair.side(person), decision=BOTH_SIGNED)
    return JOINT_DECISION.decode(*rows[0])


def joint_part(ws: Workspace, person: bytes, recipient: str = "", *, elsewhere: bool = False) -> JointPart | None:
    """What of the joint record this user's program may give this partner, as a copy for `recipient`; None for who keeps
    no joint record. `elsewhere`: it goes to neither the partner nor who stands in their place: then on a court's order,
    or by what both signed.
    """
    pair = couples.couple_of(ws, person)
    if pair is None or not ws.session.holds(pair.joint):
        return None
    decision, side = decided(ws, person), pair.side(person)
    if decision.decision == DENIED:
        return JointPart(DENIED, (), decision.reason, decision.state_rule)
    if decision.decision == COURT_ORDER:
        return JointPart(COURT_ORDER, _all(ws, pair), "", f"{decision.order}; {decision.state_rule}")
    if elsewhere and decision.decision != BOTH_SIGNED:
        return JointPart(decision.decision, (), "What was decided lets a copy go to the partner alone.", _DIRECTED)
    if decision.decision == OWN_SEGMENTS:
        words = "The other segments, and files of which nobody can say whose words they are, are withheld."
        return JointPart(OWN_SEGMENTS, _own(ws, pair, side), words, decision.state_rule)
    if decision.decision == SUMMARY:
        words = "A summary is given instead of the record."
        return JointPart(SUMMARY, _summary(ws, pair, side), words, decision.state_rule)
    return _both(ws, pair, person, recipient)


def _both(ws: Workspace, pair: couples.Couple, person: bytes, recipient: str) -> JointPart:
    """What an authorization that both signed covers of the joint record (of several, the one that names the
    recipient); without one, nothing of it.
    """
    given = [
        line for line in consents.in_force(ws, pair.id, source=str(Kind.JNT))
        if line.document.variant != consents.INTERNAL
    ]
    rule = "AAMFT Code of Ethics 2.3"
    if not given:
        return JointPart(BOTH_SIGNED, (), "The joint record needs the written authorization of each of them.", rule)
    named = [line for line in given if named_as(ws, person, recipient, line) is not None]
    if not named:
        return JointPart(BOTH_SIGNED, (), "What both signed about the joint record names another recipient.", rule)
    consent = named[0].id
    parts = _all(ws, pair)
    covered = tuple(part for part in parts if consents.reaches(ws, consent, part.record))
    left = "" if covered == parts else "What both signed does not cover all of the joint record."
    return JointPart(BOTH_SIGNED, covered, left, rule, consent)


def named_as(ws: Workspace, person: bytes, recipient: str, line: consents.ConsentLine) -> consents.Recipient | None:
    """The recipient as an authorization names them, a partner by any of their own names; None where it does not."""
    own = consents.is_self(ws, person, recipient)
    for item in line.open_to:
        if item.name.casefold() == recipient.casefold() or (own and consents.is_self(ws, person, item.name)):
            return item
    return None


def _documents(ws: Workspace, pair: couples.Couple) -> list[tuple[Part, Any]]:
    found = []
    for entry in joint.entries(ws, pair.id, WRITTEN):
        content = msgspec.to_builtins(ws.registry.need(entry.kind).bare(entry.document))
        part = Part(entry.record, entry.kind, entry.label, entry.service_date, entry.status, content)
        found.append((part, entry.document))
    return found


def _all(ws: Workspace, pair: couples.Couple) -> tuple[Part, ...]:
    return tuple(part for part, _ in _documents(ws, pair))


def _own(ws: Workspace, pair: couples.Couple, side: str) -> tuple[Part, ...]:
    """[J] and the partner's own segments of each session, their own measures, the agreement they signed."""
    speakers = (Speaker.JOINT, _SPEAKER[side], _ALONE[side])
    found = []
    for part, document in _documents(ws, pair):
        if part.kind == "joint_note":
            kept = {name: part.content[name] for name in (*OWN_FIELDS, _ATTENDED[side], "policy")}
            kept["content"] = of_speakers(document.content, speakers)
            found.append(_with(part, kept))
        elif part.kind == "couples_agreement" or (part.kind == "couple_measure" and document.partner == side):
            found.append(part)
    return tuple(found)


def _summary(ws: Workspace, pair: couples.Couple, side: str) -> tuple[Part, ...]:
    """When there were sessions, how long, whether the partner was there."""
    wanted = (*OWN_FIELDS, _ATTENDED[side])
    return tuple(
        _with(part, {name: part.content[name] for name in wanted})
        for part, _ in _documents(ws, pair)
        if part.kind == "joint_note"
    )


def _with(part: Part, content: dict[str, Any]) -> Part:
    return Part(part.record, part.kind, part.label, part.service_date, part.status, content)
