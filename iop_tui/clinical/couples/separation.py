"""CR-12: joint work ends. The record closes and is held, authorizations end, each side learns the neutral fact."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from iop_tui.access import charts, coupling, primitives
from iop_tui.access.attempts import attempted
from iop_tui.access.policy import Kind
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.couples import terms
from iop_tui.clinical.couples.model import PAUSE_CODES, SEPARATION, TRIGGERS, Separation
from iop_tui.clinical.couples.terms import Couple
from iop_tui.clinical.people import api as people
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.errors import NotFound, RuleRefused
from iop_tui.store.views.view import Changes
from iop_tui.store.work import Work
from iop_tui.workspace import Workspace

RECONFIRM = (
    "safe contact", "emergency contact", "payer and policyholder", "guarantor", "packets and letters", "reminders",
)  # fmt: skip
"""What is asked again, of each partner separately."""


@dataclass(frozen=True, slots=True)
class Dissolved:
    """What ending joint work did, and what people must still do."""

    couple: bytes
    ended: date
    authorizations_ended: int
    shared_contacts: tuple[str, ...]
    reconfirm: tuple[str, ...]
    changes: Changes


def dissolve(
    ws: Workspace, couple: bytes, *, trigger: str, code: str = PAUSE_CODES[-1], ended: date | None = None
) -> Dissolved:
    """End joint work of a couple. Raises `NotFound`, `RoleRefused`, `NoKey`, `RuleRefused` (audited)."""
    day = ended or signing.today(ws)
    with attempted(ws.session, "dissolve", subject=couple):
        pair = terms.couple(ws, couple)
        if pair.ended is not None:
            raise RuleRefused("couple.ended", "Joint work of this couple ended already.")
        if trigger not in TRIGGERS:
            raise RuleRefused("couple.trigger", "Say who ends it.", f"One of: {', '.join(TRIGGERS)}.")
        if code not in PAUSE_CODES:
            raise RuleRefused("couple.code", "Choose a neutral code.", f"One of: {', '.join(PAUSE_CODES)}.")
        if day > signing.today(ws):
            raise RuleRefused("couple.future", "The end lies in the future.", "Dissolve on the day itself.")
        work = ws.work()
        coupling.end_couple(ws.session, work, couple, day)
        _close_record(ws, work, pair, Separation(ended=day, trigger=trigger, code=code))
        changes = ws.commit(work)
    ended_here, more = _end_authorizations(ws, pair)
    changes.merge(more)
    return Dissolved(couple, day, ended_here, shared_contacts(ws, pair), RECONFIRM, changes)


def _close_record(ws: Workspace, work: Work, pair: Couple, separation: Separation) -> None:
    """The joint record's own entry, by its therapist; the policy at the end is frozen in it."""
    if not ws.session.holds(pair.joint):
        return
    counts = terms.in_force(ws, pair)
    document = Separation(
        ended=separation.ended, trigger=separation.trigger, code=separation.code,
        secrets=counts.agreement.secrets if counts else "",
    )  # fmt: skip
    primitives.put(ws.session, work, pair.joint, SEPARATION, document, person=pair.id, source="record")


def _end_authorizations(ws: Workspace, pair: Couple) -> tuple[int, Changes]:
    """Every authorization of the joint record that this user's program can end."""
    changes, ended = Changes(), 0
    if not ws.session.holds(pair.joint):
        return ended, changes
    for line in consents.in_force(ws, pair.id, source=str(Kind.JNT)):
        changes.merge(consents.end(ws, line.id, "joint work ended").changes)
        ended += 1
    return ended, changes


def carry_out(ws: Workspace) -> Changes:
    """What the couples therapist's program still owes after somebody else ended joint work. Runs after an unlock."""
    changes = Changes()
    for identifier, link in charts.couple_links(ws.session).items():
        pair = terms.couple(ws, identifier)
        if link.ended is None or pair.therapist != ws.user.user or not ws.session.holds(pair.joint):
            continue
        if not closed(ws, pair):
            work = ws.work()
            _close_record(ws, work, pair, Separation(ended=link.ended, trigger=TRIGGERS[0], code=PAUSE_CODES[-1]))
            ws.session.note(work, "dissolve", person=pair.id, category=Kind.JNT, subject=identifier)
            changes.merge(ws.commit(work))
            changes.merge(_end_authorizations(ws, pair)[1])
    return changes


def closed(ws: Workspace, pair: Couple) -> bool:
    """Whether the joint record has its closing entry."""
    row = ws.view.one(
        "SELECT 1 FROM record WHERE person = ? AND compartment = ? AND kind = ?", (pair.id, pair.joint, SEPARATION.kind)
    )
    return row is not None


def shared_contacts(ws: Workspace, pair: Couple) -> tuple[str, ...]:
    """Contacts that both directory entries name: `phone`, `e-mail`. Empty for who does not read both."""
    try:
        a, b = (people.entry(ws, person) for person in (pair.a, pair.b))
    except NotFound:
        return ()
    same = (("phone", _digits(a.phone), _digits(b.phone)), ("e-mail", a.email.casefold(), b.email.casefold()))
    return tuple(name for name, mine, theirs in same if mine and mine == theirs)


def _digits(phone: str) -> str:
    return "".join(sign for sign in phone if sign.isdigit())


def clear_conflict(
    ws: Workspace, couple: bytes, user: bytes, person: bytes, *, agreed_on: date, method: str
) -> Changes:
    """Record the other partner's written agreement that a clinician sees one of them alone. Raises `RoleRefused`,
    `Refused`, `NotFound`.
    """
    with attempted(ws.session, "clear-conflict", subject=couple):
        work = ws.work()
        coupling.clear_conflict(ws.session, work, couple, user, person, (agreed_on, method))
        return ws.commit(work)
