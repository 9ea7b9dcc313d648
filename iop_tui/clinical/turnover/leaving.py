"""Somebody is gone without notice: who says so, who must act now, and how far each of their people is.

The word that somebody is gone gives nobody a key. It puts the second person's decision on their list; what they approve
is what the clinician signed beforehand. People for whom nobody was named are listed as such: there the keys stay with
whoever else holds them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import msgspec

from iop_tui.access import charts, handover, settle
from iop_tui.access.attempts import attempted
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import program_compartment, put
from iop_tui.clinical.staff import api as staff
from iop_tui.clinical.turnover import planning
from iop_tui.clinical.turnover.model import APPROVAL, LEAVER, Leaver
from iop_tui.clinical.turnover.naming import person_name, user_name
from iop_tui.clinical.turnover.planning import PlanLine
from iop_tui.clinical.turnover.service import assigns, caseload_left
from iop_tui.clinical.turnover.succession import (
    PARTS,
    SECONDS,
    Named,
    alive,
    approved,
    documents,
    named,
)
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.errors import NotFound, RoleRefused, RuleRefused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.session import NOBODY
from iop_tui.store.views.view import Changes
from iop_tui.workspace import Workspace

NOBODY_NAMED, VOID, NAMED, APPROVED, TAKEN = (
    "nobody named", "name anew", "named", "approved", "taken over",
)  # fmt: skip
"""How far a succession is. `name anew`: what was named cannot be put into force any more."""


@dataclass(frozen=True, slots=True)
class SuccessionLine:
    """One person of one clinician: who takes over, whose second signature it needs, how far it is."""

    person: bytes
    name: str
    role: str
    user: bytes
    user_name: str
    successor: bytes
    successor_name: str
    second: bytes
    second_name: str
    stage: str

    @property
    def key(self) -> tuple[bytes, bytes, str]:
        """What tells the lines apart."""
        return self.user, self.person, self.role


@dataclass(frozen=True, slots=True)
class Gone:
    """A clinician who was said to be gone and still has people in their care. `record` is the paper that says so."""

    record: bytes
    user: bytes
    name: str
    reason: str
    on: date
    left: int


# -- how far each is -----------------------------------------------------------------------


def lines(ws: Workspace) -> list[SuccessionLine]:
    """Every succession this user can read, and their own people for whom nobody is named; by clinician, then name."""
    found = _of(ws, named(ws))
    mine = {(line.person, line.role) for line in found if line.user == ws.user.user}
    found += [
        SuccessionLine(fact.person, person_name(ws, fact.person), fact.role, ws.user.user, ws.user.name, b"", "", b"",
                       "", NOBODY_NAMED)
        for fact in settle.my_care(ws.session)
        if fact.role in PARTS and (fact.person, fact.role) not in mine
    ]  # fmt: skip
    found += _uncovered(ws, found)
    return sorted(found, key=lambda line: _order(ws, line))


def _of(ws: Workspace, items: Iterable[Named]) -> list[SuccessionLine]:
    """How far some successions are; what is over because the part ended is left out."""
    done = {item.record for item, _ in approved(ws)}
    team = {(fact.user, fact.person, fact.role) for fact in charts.care_facts(ws.session)}
    return [
        _line(ws, item, done)
        for item in items
        if (parse_id(item.document.user), item.person, item.document.role) in team
    ]


def _order(ws: Workspace, line: SuccessionLine) -> tuple[bool, str, str, str]:
    return line.user != ws.user.user, line.user_name.casefold(), line.name.casefold(), line.role


def _line(ws: Workspace, item: Named, done: Iterable[bytes]) -> SuccessionLine:
    document = item.document
    user, successor, second = (parse_id(text) for text in (document.user, document.successor, document.second))
    stage = NAMED
    if item.record in done:
        stage = TAKEN if _taken(ws, item.person, document.role, (user, successor)) else APPROVED
    elif not alive(ws, item):
        stage = VOID
    return SuccessionLine(
        item.person, person_name(ws, item.person), document.role, user, user_name(ws, user), successor,
        user_name(ws, successor), second, user_name(ws, second), stage,
    )  # fmt: skip


def _taken(ws: Workspace, person: bytes, role: str, between: tuple[bytes, bytes]) -> bool:
    """Whether the successor has every key that the clinician has."""
    targets = handover.part_targets(ws.session, person, role)
    return not handover.lacking(ws.session, targets, *between)


def _uncovered(ws: Workspace, found: Iterable[SuccessionLine]) -> list[SuccessionLine]:
    """People of somebody who is gone for whom nobody was named."""
    known = {(line.user, line.person, line.role) for line in found}
    return [
        SuccessionLine(fact.person, person_name(ws, fact.person), fact.role, gone.user, gone.name, b"", "", b"", "",
                       NOBODY_NAMED)
        for gone in leavers(ws)
        for fact in caseload_left(ws, gone.user)
        if fact.role in PARTS and (gone.user, fact.person, fact.role) not in known
    ]  # fmt: skip


# -- gone ----------------------------------------------------------------------------------


def announce(ws: Workspace, user: bytes, reason: str) -> bytes:
    """Say that a clinician is gone without notice; the second persons they named find it on their list.

    Raises `RoleRefused`, `RuleRefused` without a reason, for oneself, for an ended account or a second word.
    """
    with attempted(ws.session, "announce-leaver", subject=user):
        if not (assigns(ws) or set(SECONDS) & set(ws.user.roles)):
            raise RoleRefused("That somebody is gone is said by the front desk, the medical director or the privacy"
                              " officer.", "Tell one of them.")  # fmt: skip
        if user == ws.user.user:
            raise RuleRefused("succession.self", "Who is here hands over themselves.", "Transfer your caseload.")
        if not reason.strip():
            raise RuleRefused("succession.reason", "Say why the clinician cannot hand over themselves.")
        if ws.session.card(user).status != staff.ACTIVE:
            raise RuleRefused("succession.ended", "This account has ended; what it signed beforehand counts no more.",
                              "Resume a suspended account first, then take over, then remove it.")  # fmt: skip
        if any(item.user == user for item in leavers(ws)):
            raise RuleRefused("succession.said", "This was said already.", "It waits for the second signature.")
        if not caseload_left(ws, user):
            raise RuleRefused("transfer.nothing", "Nobody is in this clinician's care.", "There is nothing to do.")
        work = ws.work()
        document = Leaver(user=show_id(user), reason=reason.strip(), announced_on=local_date(work.at_ms))
        record, _ = put(ws.session, work, _registry(ws), LEAVER, document, person=NOBODY)
        ws.session.note(work, "announce-leaver", category=Kind.REG, subject=user)
        ws.commit(work)
    return record


def take_back(ws: Workspace, record: bytes) -> Changes:
    """Somebody is here after all: the word is taken back. What was taken over stays so. Raises `NotFound`."""
    found = next((row for row in _words(ws) if row[0] == record), None)
    if found is None:
        raise NotFound
    work = ws.work()
    document = msgspec.structs.replace(found[2], withdrawn=True)
    put(ws.session, work, _registry(ws), LEAVER, document, person=NOBODY, record=record, parents=(found[1],))
    ws.session.note(work, "withdraw-leaver", category=Kind.REG, subject=parse_id(document.user))
    return ws.commit(work)


def leavers(ws: Workspace) -> list[Gone]:
    """Who was said to be gone and still has people in their care, oldest word first."""
    found = []
    for record, _, word in _words(ws):
        user = parse_id(word.user)
        left = len({fact.person for fact in caseload_left(ws, user)})
        if left:
            found.append(Gone(record, user, user_name(ws, user), word.reason, word.announced_on, left))
    return found


def _words(ws: Workspace) -> list[tuple[bytes, bytes, Leaver]]:
    rows = ws.view.rows(
        "SELECT record, leaf, doc, version FROM record WHERE kind = 'leaver' AND deposit = 0 AND status != 'newer'"
        " AND compartment = ? ORDER BY created_ms, id",
        (_registry(ws),),
    )
    found = [(bytes(row[0]), bytes(row[1]), LEAVER.decode(row[2], row[3])) for row in rows]
    return [row for row in found if not row[2].withdrawn]


def _registry(ws: Workspace) -> bytes:
    return program_compartment(ws.session, Kind.REG)


# -- who must act --------------------------------------------------------------------------


def to_approve(ws: Workspace) -> list[tuple[Gone, list[SuccessionLine]]]:
    """Who is gone and whose succession waits for this user's second signature."""
    gone_now = leavers(ws)
    if not gone_now:
        return []
    users = {gone.user for gone in gone_now}
    mine = [
        item for item in named(ws)
        if parse_id(item.document.second) == ws.user.user and parse_id(item.document.user) in users
    ]  # fmt: skip
    mine_now = [line for line in _of(ws, mine) if line.stage == NAMED]
    found = [(gone, [line for line in mine_now if line.user == gone.user]) for gone in gone_now]
    return [(gone, waiting) for gone, waiting in found if waiting]


def to_end(ws: Workspace) -> list[SuccessionLine]:
    """Successions that were taken over and where the old part is still there: the last step, for who assigns."""
    if not assigns(ws) or not documents(ws, APPROVAL):
        return []
    items = {item.record: item for item, _ in approved(ws)}
    return [line for line in _of(ws, items.values()) if line.stage == TAKEN]


def end_old_parts(ws: Workspace, user: bytes) -> list[PlanLine]:
    """End the parts of somebody whose successors have every key. One answer per person; a refusal is one."""
    return [
        planning.run(ws, line.user, line.successor, PlanLine(line.person, line.name, line.role, planning.READY, ""))
        for line in to_end(ws)
        if line.user == user
    ]
