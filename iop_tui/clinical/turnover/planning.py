"""A caseload transfer as a whole: what would happen to each person, one after the other, and how far it is.

The dry run asks what the transfer itself asks and writes nothing. A transfer that was begun by who assigns has a paper
in the registry, so that it is found again; how far each person is follows from the keys, not from the paper.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import msgspec

from iop_tui.access import charts, handover, roles, settle
from iop_tui.access.attempts import attempted
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import program_compartment, put
from iop_tui.clinical.turnover.model import CASELOAD_TRANSFER, CaseloadTransfer
from iop_tui.clinical.turnover.naming import person_name, user_name
from iop_tui.clinical.turnover.service import (
    DESK,
    Move,
    Part,
    TransferLine,
    assigns,
    check_move,
    parts_of,
    standing,
    still_has,
    transfer,
)
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.errors import NotFound, Refused, RoleRefused, RuleRefused, WallRefused, rule_of
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.session import NOBODY
from iop_tui.store.views.view import Changes
from iop_tui.workspace import Workspace

READY, WAITS, DONE, REFUSED = "ready", "waits", "done", "refused"
WALL_UNSEEN = "The program's wall rule stands against it. The privacy officer can say more."
"""What the wall's refusal says to somebody without the registry: not even that there is a couple."""


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One person (or couple) of a transfer: `ready` for this user's next step, waiting for somebody else's, done, or
    refused by a rule. `says` is the next step or the reason in words, `rule` the refusal's code.
    """

    subject: bytes
    name: str
    role: str
    state: str
    says: str
    rule: str = ""

    @property
    def key(self) -> tuple[bytes, str]:
        """What tells the lines of a transfer apart."""
        return self.subject, self.role


@dataclass(frozen=True, slots=True)
class OpenTransfer:
    """A transfer that was begun and is not over: its paper, between whom, until when, how far each person is."""

    record: bytes
    giver: bytes
    receiver: bytes
    giver_name: str
    receiver_name: str
    until: date | None
    begun_on: date
    lines: tuple[PlanLine, ...]

    def count(self, state: str) -> int:
        """How many people are in a state."""
        return sum(line.state == state for line in self.lines)


# -- the dry run ---------------------------------------------------------------------------


def plan(
    ws: Workspace, frm: bytes, to: bytes, *, persons: Sequence[bytes] = (), role: str = "", until: date | None = None
) -> list[PlanLine]:
    """What a transfer would do for each person, by name; nothing is written.

    Raises `RuleRefused` for what no person's part could do (yourself, a colleague who left, a day in the past).
    """
    move = Move(frm, to, until)
    check_move(ws, move)
    found = [_plan_line(ws, part, move) for part in parts_of(ws, frm, to, frozenset(persons), role)]
    return sorted(found, key=lambda line: (line.name.casefold(), line.role, line.subject))


def _plan_line(ws: Workspace, part: Part, move: Move) -> PlanLine:
    try:
        line = standing(ws, part, move)
    except Refused as error:
        return _refused(ws, part.subject, part.role, error)
    return _told(ws, part, move, line)


def _refused(ws: Workspace, subject: bytes, role: str, error: Refused) -> PlanLine:
    return PlanLine(subject, person_name(ws, subject), role, REFUSED, refusal(ws, error), rule_of(error))


def refusal(ws: Workspace, error: Refused) -> str:
    """A refusal as one sentence. The wall says nothing of couples to who does not know the care teams anyway."""
    knows = ws.session.holds(program_compartment(ws.session, Kind.REG))
    if isinstance(error, WallRefused) and not knows:
        return WALL_UNSEEN
    return f"{error.message} {error.hint}".strip()


def _told(ws: Workspace, part: Part, move: Move, line: TransferLine) -> PlanLine:
    giver, receiver = user_name(ws, move.frm), user_name(ws, move.to)
    if not line.waiting_for:
        says = f"{receiver} stands in until {move.until.isoformat()}" if move.until else f"{receiver} has it all"
        return PlanLine(line.subject, person_name(ws, line.subject), line.role, DONE, says)
    if not line.assigned:
        mine, step = assigns(ws), f"{receiver} joins the care team, then {giver} hands over"
    elif not line.handed_over:
        mine, step = _hands(ws, part, move), f"hand over to {receiver} what {giver} can open"
    else:
        mine, step = assigns(ws), f"end {giver}'s part: {receiver} has every key"
    says = step if mine else f"waits for {_who(line, giver)}: {step}"
    return PlanLine(line.subject, person_name(ws, line.subject), line.role, READY if mine else WAITS, says)


def _who(line: TransferLine, giver: str) -> str:
    return giver if line.assigned and not line.handed_over else DESK


def _hands(ws: Workspace, part: Part, move: Move) -> bool:
    """Whether this user could hand something over now: the giver, or a colleague who treats the person and holds it."""
    if ws.user.user == move.frm:
        return True
    treats = part.link is None and any(fact.person == part.subject for fact in settle.my_care(ws.session))
    missing = handover.lacking(ws.session, list(part.targets), move.frm, move.to)
    return treats and any(ws.session.holds(item.target.id) for item in missing)


# -- one person after the other ------------------------------------------------------------


def run(ws: Workspace, frm: bytes, to: bytes, line: PlanLine, until: date | None = None) -> PlanLine:
    """Do for one person what this user may do, and say how far it is. A refusal is an answer, audited as ever."""
    move = Move(frm, to, until)
    try:
        done = transfer(ws, frm, to, persons=(line.subject,), role=line.role, until=until)
    except Refused as error:
        return _refused(ws, line.subject, line.role, error)
    return _told(ws, part_of(ws, line.subject, line.role), move, done[0])


def part_of(ws: Workspace, subject: bytes, role: str) -> Part:
    """A part by whom it is about, whoever has it now. Raises `NotFound`."""
    if role != roles.COUPLES_THERAPIST:
        return Part(subject, role, tuple(handover.part_targets(ws.session, subject, role)))
    link = charts.couple_links(ws.session).get(subject)
    if link is None:
        raise NotFound
    return Part(subject, role, (handover.joint_target(subject, link),), link)


# -- the paper -----------------------------------------------------------------------------


def begin(ws: Workspace, frm: bytes, to: bytes, lines: Iterable[PlanLine], until: date | None = None) -> bytes:
    """Lay the paper of a transfer down, so that every assigner finds it again; its record. Raises `RoleRefused`."""
    with attempted(ws.session, "begin-transfer", subject=to):
        if not assigns(ws):
            raise RoleRefused("A transfer is begun by the front desk, the medical director or the privacy officer.",
                              "Ask them to begin it; you hand over when it waits for you.")  # fmt: skip
        work = ws.work()
        document = CaseloadTransfer(
            giver=show_id(frm), receiver=show_id(to), until=until, begun_on=local_date(work.at_ms),
            parts=tuple(f"{show_id(line.subject)} {line.role}" for line in lines),
        )  # fmt: skip
        registry = program_compartment(ws.session, Kind.REG)
        record, _ = put(ws.session, work, registry, CASELOAD_TRANSFER, document, person=NOBODY)
        ws.session.note(work, "begin-transfer", category=Kind.REG, subject=record)
        ws.commit(work)
    return record


def stop(ws: Workspace, record: bytes, reason: str) -> Changes:
    """End a transfer's paper with a reason. Who was transferred stays transferred. Raises `RuleRefused`, `NotFound`."""
    with attempted(ws.session, "stop-transfer", subject=record):
        if not reason.strip():
            raise RuleRefused("transfer.stop_reason", "Say why the transfer ends here.")
        found = next((row for row in _papers(ws) if row[0] == record), None)
        if found is None:
            raise NotFound
        work = ws.work()
        document = msgspec.structs.replace(found[2], stopped=reason.strip())
        registry = program_compartment(ws.session, Kind.REG)
        put(ws.session, work, registry, CASELOAD_TRANSFER, document, person=NOBODY, record=record, parents=(found[1],))
        ws.session.note(work, "stop-transfer", category=Kind.REG, subject=record)
        return ws.commit(work)


def _papers(ws: Workspace) -> list[tuple[bytes, bytes, CaseloadTransfer]]:
    """(record, leaf, paper) of every transfer that nobody stopped, oldest first."""
    rows = ws.view.rows(
        "SELECT record, leaf, doc, version FROM record WHERE kind = 'caseload_transfer' AND deposit = 0 AND"
        " status != 'newer' AND compartment = ? ORDER BY created_ms, id",
        (program_compartment(ws.session, Kind.REG),),
    )
    found = [(bytes(row[0]), bytes(row[1]), CASELOAD_TRANSFER.decode(row[2], row[3])) for row in rows]
    return [row for row in found if not row[2].stopped]


def open_transfers(ws: Workspace) -> list[OpenTransfer]:
    """Transfers that were begun and where somebody still has a step to do, oldest first."""
    today = local_date(ws.clock.now_ms())
    found = []
    for record, _, paper in _papers(ws):
        if paper.until is not None and paper.until <= today:
            continue  # the stand-in's keys ended by themselves
        item = _open(ws, record, paper)
        if item is not None and item.count(DONE) < len(item.lines):
            found.append(item)
    return found


def open_transfer(ws: Workspace, record: bytes) -> OpenTransfer:
    """One transfer by its paper, over or not. Raises `NotFound`."""
    paper = next((row[2] for row in _papers(ws) if row[0] == record), None)
    item = _open(ws, record, paper) if paper is not None else None
    if item is None:
        raise NotFound
    return item


def _open(ws: Workspace, record: bytes, paper: CaseloadTransfer) -> OpenTransfer | None:
    try:
        giver, receiver = parse_id(paper.giver), parse_id(paper.receiver)
        parts = [(parse_id(text.partition(" ")[0]), text.partition(" ")[2]) for text in paper.parts]
    except NotFound:
        return None  # names nobody
    move = Move(giver, receiver, paper.until)
    lines = [_line_now(ws, subject, role, move) for subject, role in parts]
    return OpenTransfer(
        record, giver, receiver, user_name(ws, giver), user_name(ws, receiver), paper.until, paper.begun_on,
        tuple(sorted(lines, key=lambda line: (line.name.casefold(), line.role, line.subject))),
    )  # fmt: skip


def _line_now(ws: Workspace, subject: bytes, role: str, move: Move) -> PlanLine:
    name = person_name(ws, subject)
    try:
        part = part_of(ws, subject, role)
    except NotFound:
        return PlanLine(subject, name, role, WAITS, "you have no key to this directory entry")
    if not still_has(ws, part, move.frm):
        return PlanLine(subject, name, role, DONE, f"{user_name(ws, move.frm)}'s part has ended")
    return _plan_line(ws, part, move)
